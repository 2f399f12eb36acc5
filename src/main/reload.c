/* reload.c: reading is done here, on the main thread, which carries nobody; the server is handed
 * the result and says when nobody uses what was before. Until then both are kept. */
#include "main/reload.h"

#include "base/check.h"
#include "base/mem.h"
#include "main/certificate.h"
#include "main/config_apps.h"
#include "main/config_changes.h"
#include "main/hooks.h"

enum { CHECK_MS = 16 };

/* A configuration and its apps. */
struct loaded {
	struct config *config; /* NULL: there is none */
	struct app_table *apps;
	struct tls_context *tls; /* not the server's yet; NULL: no change */
};

struct reload {
	struct reload_init init;
	struct loaded now;
	struct loaded before; /* somebody may still use it */
	bool is_asked;	      /* once more */
	struct timer check;
	uint64_t begun_ms;
};

static void loaded_free(struct reload *r, struct loaded *l)
{
	if (!l->config)
		return;
	app_table_free(l->apps);
	tls_context_unref(l->tls);
	if (l->config != r->init.started)
		config_free(l->config);
	*l = (struct loaded){ 0 };
}

void reload_log_lines(struct log *log, enum log_level level, str lines)
{
	while (lines.n) {
		str line = str_split(&lines, '\n');

		log_write(log, level, "configuration", LF_STR("problem", line));
	}
}

/* Saying what changed */

static void log_names(struct log *log, enum log_level level, const char *event, const char *what,
		      const struct config_names *names)
{
	if (names->n > 0)
		log_emit_if(log, level, false, event,
			    ((struct log_field[]){ { 0 },
						   LF_U64("n", names->n),
						   LF_STR(what, buf_str(&names->text)) }));
}

static void log_changes(const struct reload *r, const struct loaded *next)
{
	struct log *log = r->init.log;
	struct config_changes d;

	config_changes_init(&d);
	config_changes_find_apps(&d, r->now.apps, next->apps);
	config_changes_find_keys(&d, r->init.started, r->now.config, next->config);
	log_names(log, LOG_INFO, "reload_apps_added", "ids", &d.apps_added);
	log_names(log, LOG_INFO, "reload_apps_changed", "ids", &d.apps_changed);
	log_names(log, LOG_INFO, "reload_apps_removed", "ids", &d.apps_removed);
	log_names(log, LOG_INFO, "reload_keys_changed", "keys", &d.keys);
	log_names(log, LOG_WARN, "reload_keys_need_restart", "keys", &d.keys_for_restart);
	config_changes_fini(&d);
}

/* Reading and handing over */

/* False: it is wrong, and nothing is left of it. */
static bool load(struct reload *r, struct loaded *out)
{
	struct config_report report;
	bool is_good;

	config_report_init(&report);
	out->config = config_load(r->init.input, &report);
	out->apps = config_apps_new(out->config, r->init.key, &report);
	out->tls = r->init.has_tls ? certificate_load(out->config, &report) : NULL;
	is_good = report.n_errors == 0;
	reload_log_lines(r->init.log, LOG_WARN, buf_str(&report.warnings));
	reload_log_lines(r->init.log, LOG_ERROR, buf_str(&report.errors));
	if (!is_good) {
		log_write(r->init.log, LOG_ERROR, "reload_refused",
			  LF_U64("problems", report.n_errors),
			  LF_STR("config", out->config->file.name));
		loaded_free(r, out);
	}
	config_report_fini(&report);
	return is_good;
}

static void set_log_level(const struct reload *r)
{
	enum log_level level;

	if (log_level_parse(r->now.config->logging.level, &level))
		log_set_level(r->init.log, level);
}

static void set_certificate(const struct reload *r, struct loaded *next)
{
	if (!next->tls)
		return;
	certificate_log(r->init.log, next->tls);
	server_set_tls(r->init.server, next->tls);
	next->tls = NULL;
}

static void begin(struct reload *r)
{
	struct server_options options;
	struct loaded next;

	r->is_asked = false;
	r->begun_ms = clock_ms(loop_clock(r->init.loop));
	r->init.on_begin(r->init.ctx);
	if (!load(r, &next)) {
		r->init.on_end(r->init.ctx);
		return;
	}
	log_changes(r, &next);
	hooks_warn(r->init.has_webhooks, next.apps, r->init.log);
	set_certificate(r, &next);
	app_table_follow(next.apps, r->now.apps);
	r->before = r->now;
	r->now = next;
	set_log_level(r);
	options = config_server_options(r->now.config);
	server_reload(r->init.server, &options, r->now.apps);
	timer_arm(r->init.loop, &r->check, 0);
}

static void on_check(struct timer *t)
{
	struct reload *r = container_of(t, struct reload, check);

	if (server_is_reloading(r->init.server)) {
		timer_arm(r->init.loop, t, CHECK_MS);
		return;
	}
	loaded_free(r, &r->before);
	log_write(r->init.log, LOG_INFO, "reloaded", LF_STR("config", r->now.config->file.name),
		  LF_U64("apps", r->now.apps->n),
		  LF_U64("ms", clock_ms(loop_clock(r->init.loop)) - r->begun_ms));
	r->init.on_end(r->init.ctx);
	if (r->is_asked)
		begin(r);
}

void reload_ask(struct reload *r)
{
	if (r->before.config)
		r->is_asked = true;
	else
		begin(r);
}

const struct config *reload_config(const struct reload *r)
{
	return r->now.config;
}

/* Life */

struct reload *reload_new(const struct reload_init *i)
{
	struct reload *r = xnew(struct reload);

	r->init = *i;
	r->now = (struct loaded){ .config = i->started, .apps = i->apps };
	timer_init(&r->check, on_check);
	return r;
}

void reload_free(struct reload *r)
{
	timer_disarm(&r->check);
	loaded_free(r, &r->before);
	loaded_free(r, &r->now);
	xfree(r);
}

/* certificate.c: a pair is two files, and replacing both is two moments: what changed is read only
 * when it has not changed any more since the last look.
 *
 * A pair is also made anew every day, though nothing changed: with it the keys of session tickets
 * are, which must not live for ever. */
#include "main/certificate.h"

#include "base/check.h"
#include "base/mem.h"
#include "main/config_report.h"
#include "main/reload.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_MS = 2000, RENEW_MS = 24 * 3600 * 1000, WARN_DAYS = 14, DAY_MS = 24 * 3600 * 1000 };

static const char PLAIN_ANSWER[] =
	"HTTP/1.1 400 Bad Request\r\n"
	"connection: close\r\n"
	"content-type: text/plain; charset=utf-8\r\n"
	"content-length: 62\r\n"
	"\r\n"
	"This port speaks TLS: use an address with https:// or wss://.\n";

/* Loading */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_date(int64_t ms, char out[16])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
}

static void warn_of_dates(const struct config *c, const struct tls_certificate *x,
			  struct config_report *r)
{
	str key = S("ssl.cert_path");
	struct config_place from = config_setting(c, key)->from;
	int64_t now = now_ms();
	char date[16];

	put_date(now < x->from_ms ? x->from_ms : x->until_ms, date);
	if (now < x->from_ms)
		config_warn(r, from, key,
			    "%.*s: the certificate is valid from %s on only; is the clock right?",
			    STR_ARG(c->ssl.cert_path), date);
	else if (now > x->until_ms)
		config_warn(r, from, key, "%.*s: the certificate has expired on %s: renew it",
			    STR_ARG(c->ssl.cert_path), date);
	else if (x->until_ms - now < (int64_t)WARN_DAYS * DAY_MS)
		config_warn(r, from, key, "%.*s: the certificate expires on %s: renew it",
			    STR_ARG(c->ssl.cert_path), date);
}

static void report_problem(const struct config *c, const struct tls_problem *why,
			   struct config_report *r)
{
	static const struct {
		str key;
		bool of_key_file;
	} parts[] = {
		[TLS_CERTIFICATE] = { { "ssl.cert_path", 13 }, false },
		[TLS_KEY] = { { "ssl.key_path", 12 }, true },
		[TLS_PASSPHRASE] = { { "ssl.passphrase", 14 }, true },
		[TLS_LIBRARY] = { { "ssl.enabled", 11 }, false },
	};
	str key = parts[why->part].key;
	str path = parts[why->part].of_key_file ? c->ssl.key_path : c->ssl.cert_path;

	config_error(r, config_setting(c, key)->from, key, "%.*s: %s", STR_ARG(path), why->text);
}

/* The original serves plain HTTP then, and nobody notices. */
static bool has_paths(const struct config *c, struct config_report *r)
{
	str key = S("ssl.enabled");
	struct config_place from = config_setting(c, key)->from;

	if (c->ssl.cert_path.n == 0)
		config_error(r, from, key,
			     "ssl.cert_path (SSL_CERT_PATH) is empty: give the PEM file with the "
			     "certificate and its chain");
	if (c->ssl.key_path.n == 0)
		config_error(r, from, key,
			     "ssl.key_path (SSL_KEY_PATH) is empty: give the PEM file with the "
			     "private key");
	return c->ssl.cert_path.n > 0 && c->ssl.key_path.n > 0;
}

struct tls_context *certificate_load(const struct config *c, struct config_report *r)
{
	struct tls_pair pair = {
		.certificate_path = c->ssl.cert_path.p,
		.key_path = c->ssl.key_path.p,
		.passphrase = c->ssl.passphrase.n ? c->ssl.passphrase.p : NULL,
		.uses_kernel = c->ssl.kernel_tls,
		.plain_answer = { PLAIN_ANSWER, sizeof(PLAIN_ANSWER) - 1 },
	};
	struct tls_context *context;
	struct tls_problem why;

	if (!certificate_is_wanted(c) || !has_paths(c, r))
		return NULL;
	context = tls_context_new(&pair, &why);
	if (context)
		warn_of_dates(c, tls_context_certificate(context), r);
	else
		report_problem(c, &why, r);
	return context;
}

void certificate_log(struct log *log, const struct tls_context *context)
{
	const struct tls_certificate *x = tls_context_certificate(context);
	char from[16], until[16];

	put_date(x->from_ms, from);
	put_date(x->until_ms, until);
	log_write(log, LOG_INFO, "certificate in use", LF_CSTR("name", x->name),
		  LF_CSTR("key", x->key), LF_CSTR("valid_from", from),
		  LF_CSTR("valid_until", until),
		  LF_CSTR("encrypted_by", tls_context_uses_kernel(context) ? "the kernel" : "us"));
}

/* Watching */

/* What tells one state of the two files from another. */
struct stamp {
	struct {
		dev_t device;
		ino_t inode;
		off_t size;
		struct timespec changed; /* its rights too */
	} files[2];
};

struct certificate_watch {
	struct loop *loop;
	struct server *server;
	struct log *log;
	const struct reload *reload;
	struct timer timer;
	struct stamp used, seen;
	uint64_t used_since_ms;
};

static void take_stamp(const struct config *c, struct stamp *out)
{
	const char *paths[] = { c->ssl.cert_path.p, c->ssl.key_path.p };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct stat st;

		if (stat(paths[i], &st) != 0)
			continue;
		out->files[i].device = st.st_dev;
		out->files[i].inode = st.st_ino;
		out->files[i].size = st.st_size;
		out->files[i].changed = st.st_ctim;
	}
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void use_anew(struct certificate_watch *w, const struct config *c)
{
	struct config_report report;
	struct tls_context *context;

	config_report_init(&report);
	context = certificate_load(c, &report);
	reload_log_lines(w->log, LOG_WARN, buf_str(&report.warnings));
	reload_log_lines(w->log, LOG_ERROR, buf_str(&report.errors));
	if (context) {
		certificate_log(w->log, context);
		server_set_tls(w->server, context);
	} else {
		log_write(w->log, LOG_ERROR, "certificate refused",
			  LF_CSTR("then", "the one before stays in use"));
	}
	config_report_fini(&report);
	w->used = w->seen;
	w->used_since_ms = clock_ms(loop_clock(w->loop));
}

static void on_look(struct timer *t)
{
	struct certificate_watch *w = container_of(t, struct certificate_watch, timer);
	const struct config *c = reload_config(w->reload);
	bool is_old = clock_ms(loop_clock(w->loop)) - w->used_since_ms >= RENEW_MS;
	struct stamp now;

	take_stamp(c, &now);
	if (!is_same(&now, &w->seen))
		w->seen = now;
	else if (is_old || !is_same(&now, &w->used))
		use_anew(w, c);
	timer_arm(w->loop, t, LOOK_MS);
}

struct certificate_watch *certificate_watch_new(struct loop *l, struct server *s, struct log *log,
						const struct reload *reload)
{
	struct certificate_watch *w = xnew(struct certificate_watch);

	*w = (struct certificate_watch){ .loop = l, .server = s, .log = log, .reload = reload };
	take_stamp(reload_config(reload), &w->seen);
	w->used = w->seen;
	w->used_since_ms = clock_ms(loop_clock(l));
	timer_init(&w->timer, on_look);
	timer_arm(l, &w->timer, LOOK_MS);
	return w;
}

void certificate_watch_free(struct certificate_watch *w)
{
	if (!w)
		return;
	timer_disarm(&w->timer);
	xfree(w);
}

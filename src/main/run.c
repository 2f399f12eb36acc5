/* run.c: threads, signals, and the order of beginning and end.
 *
 * Each worker has a thread and so has the hub when there are several workers. The main thread
 * carries nothing: it waits for signals and, after the first, for the sessions to end. That
 * keeps the way out free however busy the others are. */
#include "main/run.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/signals.h"
#include "main/certificate.h"
#include "main/cli.h"
#include "main/confine.h"
#include "main/descriptors.h"
#include "main/hooks.h"
#include "main/listen.h"
#include "main/log_output.h"
#include "main/reload.h"
#include "main/screen.h"
#include "main/service.h"
#include "main/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS_MAX = 65 };

struct run {
	const struct config *config;
	struct log *log;
	struct log_output log_output;
	struct loop *control;
	struct signals *signals;
	struct loop *loops[LOOPS_MAX]; /* workers, then the hub */
	size_t n_loops;
	struct carrier {
		pthread_t thread;
		struct loop *loop;
		char name[16]; /* as the kernel has it */
	} carriers[LOOPS_MAX];
	size_t n_carriers;
	struct server *server;
	struct reload *reload;
	struct service *service;
	struct certificate_watch *certificates; /* NULL: there are none */
	struct listeners listeners, metrics_listeners;
	unsigned redirect_port; /* 0: there is none */
	bool has_webhooks;
	struct sandbox_status sandbox;
	char lan_text[NET_ADDRESS_TEXT_MAX];
	str lan_ip;
	struct stop stop;
	struct buf problem;
};

/* Log */

static int64_t wall_us(void *ctx)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_colourful(const struct config *c)
{
	const char *no_color = getenv("NO_COLOR");

	if (config_is_set(c, S("logging.colors_enabled")))
		return c->logging.colors_enabled;
	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}

static bool is_json(const struct config *c)
{
	return str_eq(c->logging.format, S("json"));
}

static struct log *open_log(struct run *r)
{
	const struct config *c = r->config;
	struct log_options o = {
		.level = LOG_INFO,
		.json = is_json(c),
		.colors = !is_json(c) && is_colourful(c),
		.no_target = !c->logging.include_target,
		.write = log_output_write,
		.wall_us = wall_us,
		.ctx = &r->log_output,
	};

	log_level_parse(c->logging.level, &o.level);
	return log_new(&o);
}

/* Signals and the end */

static void on_hangup(struct run *r)
{
	if (r->stop.is_begun)
		log_write(r->log, LOG_WARN, "reload_ignored", LF_CSTR("reason", "draining"));
	else
		reload_ask(r->reload);
}

static void begin_stop(struct run *r, int signo)
{
	service_stopping(r->service);
	stop_begin(&r->stop, reload_config(r->reload), signo == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_signal(void *ctx, int signo)
{
	struct run *r = ctx;

	if (signo == SIGHUP)
		on_hangup(r);
	else if (r->stop.is_begun)
		r->stop.is_over = true;
	else
		begin_stop(r, signo);
}

/* Beginning */

static bool fail(struct run *r, const char *what, int error)
{
	buf_printf(&r->problem, "%s: %s", what, strerror(error));
	return false;
}

static bool open_loops(struct run *r)
{
	static const int handled[] = { SIGINT, SIGTERM, SIGHUP };
	size_t n_workers = r->config->workers, n = n_workers + (n_workers > 1);

	ASSERT(n <= LOOPS_MAX);
	r->control = loop_new_kernel();
	if (!r->control)
		return fail(r, "no event loop", errno);
	r->signals = signals_new(r->control, handled, ARRAY_LEN(handled), on_signal, r);
	if (!r->signals)
		return fail(r, "no signals", errno);
	while (r->n_loops < n) {
		struct loop *l = loop_new_kernel();

		if (!l)
			return fail(r, "no event loop", errno);
		r->loops[r->n_loops++] = l;
	}
	return true;
}

/* Clients do not depend on it. */
static void open_metrics(struct run *r)
{
	struct buf problem;

	buf_init(&problem, 4096);
	if (!listen_open_metrics(&r->metrics_listeners, r->config, r->server, r->control, &problem))
		log_write(r->log, LOG_WARN, "metrics server not started",
			  LF_STR("problem", buf_str(&problem)));
	buf_fini(&problem);
}

/* The service manager */

static void say_ready(const struct run *r)
{
	const struct config *c = reload_config(r->reload);
	char text[NET_ADDRESS_TEXT_MAX];
	struct buf status;

	buf_init(&status, 4096);
	buf_puts(&status, S("Serving on "));
	if (c->unix_socket.enabled)
		buf_puts(&status, c->unix_socket.path);
	else
		buf_puts(&status, net_address_format(&r->listeners.addresses[0], text));
	service_ready(r->service, buf_str(&status));
	buf_fini(&status);
}

static void on_reload_begin(void *ctx)
{
	service_reloading(((struct run *)ctx)->service);
}

static void on_reload_end(void *ctx)
{
	const struct run *r = ctx;

	if (!r->stop.is_begun)
		say_ready(r);
}

static bool open_server(struct run *r, const struct run_input *in)
{
	struct server_options o = config_server_options(r->config);
	struct loop *hub = o.n_workers > 1 ? r->loops[o.n_workers] : NULL;

	r->server = server_new(&o, in->apps, r->log, r->loops, hub, in->key);
	r->has_webhooks = hooks_open(r->server, hub ? hub : r->loops[0], in->apps, r->log);
	r->reload = reload_new(&(struct reload_init){ .input = in->config_input,
						      .key = in->key,
						      .started = in->config,
						      .apps = in->apps,
						      .has_tls = in->tls,
						      .has_webhooks = hooks_are_wanted(in->apps),
						      .server = r->server,
						      .log = r->log,
						      .loop = r->control,
						      .on_begin = on_reload_begin,
						      .on_end = on_reload_end,
						      .ctx = r });
	r->service = service_new(r->control, r->loops, r->n_loops, r->log);
	server_set_tls(r->server, in->tls);
	if (in->tls)
		r->certificates = certificate_watch_new(r->control, r->server, r->log, r->reload);
	if (!listen_open(&r->listeners, r->config, r->server, r->control, &r->problem))
		return false;
	open_metrics(r);
	return true;
}

/* Without it https:// works all the same. */
static void open_redirect(struct run *r)
{
	struct buf problem;

	buf_init(&problem, 4096);
	if (!listen_open_redirect(&r->listeners, r->config, r->server, r->control,
				  &r->redirect_port, &problem))
		log_write(r->log, LOG_WARN, "no redirect to https",
			  LF_STR("problem", buf_str(&problem)));
	buf_fini(&problem);
}

static void *carry(void *carrier)
{
	struct carrier *c = carrier;

	pthread_setname_np(pthread_self(), c->name);
	loop_run(c->loop);
	return NULL;
}

static bool start_threads(struct run *r)
{
	size_t n_workers = r->config->workers;

	for (size_t i = 0; i < r->n_loops; i++, r->n_carriers++) {
		struct carrier *c = &r->carriers[i];
		int error;

		c->loop = r->loops[i];
		snprintf(c->name, sizeof(c->name), i < n_workers ? "worker-%zu" : "hub", i);
		error = pthread_create(&c->thread, NULL, carry, c);
		if (error)
			return fail(r, "no thread", error);
	}
	return true;
}

/* Saying so */

static const struct app *first_enabled(const struct app_table *apps)
{
	for (size_t i = 0; i < apps->n; i++) {
		if (apps->apps[i]->enabled)
			return apps->apps[i];
	}
	return NULL;
}

static void show_screen(struct run *r, const struct run_input *in)
{
	struct screen s = {
		.program = in->program,
		.addresses = r->listeners.addresses,
		.n_addresses = r->listeners.n,
		.metrics = r->metrics_listeners.addresses,
		.n_metrics = r->metrics_listeners.n,
		.redirect_port = r->redirect_port,
		.unix_path = r->config->unix_socket.enabled ? r->config->unix_socket.path : S(""),
		.lan_ip = r->lan_ip,
		.certificate = in->tls ? tls_context_certificate(in->tls) : NULL,
		.app = first_enabled(in->apps),
		.has_colors = is_colourful(r->config),
	};
	struct buf b, sandbox;

	buf_init(&b, 64 << 10);
	buf_init(&sandbox, 256);
	confine_put(&r->sandbox, &sandbox);
	s.sandbox = buf_str(&sandbox);
	screen_put(&s, &b);
	log_output_write(&r->log_output, buf_str(&b));
	buf_fini(&sandbox);
	buf_fini(&b);
}

static bool has_tls(const struct run *r)
{
	return certificate_is_wanted(r->config);
}

static void log_metrics_listeners(const struct run *r)
{
	for (size_t i = 0; i < r->metrics_listeners.n; i++) {
		const struct net_address *a = &r->metrics_listeners.addresses[i];
		char text[NET_ADDRESS_TEXT_MAX];

		log_write(r->log, LOG_INFO, "metrics server listening",
			  LF_STR("listen_addr", net_address_format(a, text)));
	}
}

/* Those of clients last: who waits for them finds the others too. */
static void log_listeners(const struct run *r, const struct app_table *apps)
{
	log_metrics_listeners(r);
	if (r->redirect_port)
		log_write(r->log, LOG_INFO, "redirect to https listening",
			  LF_U64("port", r->redirect_port));
	for (size_t i = 0; i < r->listeners.n; i++) {
		char text[NET_ADDRESS_TEXT_MAX];

		log_write(
			r->log, LOG_INFO,
			has_tls(r) ? "https server listening" : "http server listening",
			LF_STR("listen_addr", net_address_format(&r->listeners.addresses[i], text)),
			LF_U64("workers", r->config->workers), LF_U64("apps", apps->n));
	}
	if (r->config->unix_socket.enabled)
		log_write(r->log, LOG_INFO, "unix socket server listening",
			  LF_STR("path", r->config->unix_socket.path),
			  LF_U64("workers", r->config->workers), LF_U64("apps", apps->n));
}

/* The whole */

static void serve(struct run *r)
{
	stop_init(&r->stop, r->control, r->server, r->log, r->config, &r->listeners);
	say_ready(r);
	while (!r->stop.is_over)
		loop_turn(r->control, UINT32_MAX);
	stop_fini(&r->stop);
	log_write(r->log, LOG_INFO, "stopped");
}

/* The apps are freed by who has them. */
static void close_all(struct run *r, const struct run_input *in)
{
	for (size_t i = 0; i < r->n_carriers; i++)
		loop_stop(r->carriers[i].loop);
	for (size_t i = 0; i < r->n_carriers; i++)
		pthread_join(r->carriers[i].thread, NULL);
	certificate_watch_free(r->certificates);
	service_free(r->service);
	if (r->server)
		server_free(r->server);
	else
		tls_context_unref(in->tls);
	if (r->reload)
		reload_free(r->reload);
	else
		app_table_free(in->apps);
	for (size_t i = 0; i < r->n_loops; i++)
		loop_free(r->loops[i]);
	if (r->signals)
		signals_free(r->signals);
	if (r->control)
		loop_free(r->control);
	log_free(r->log);
	buf_fini(&r->problem);
}

int run_server(const struct run_input *in)
{
	const struct config *c = in->config;
	struct run r = { .config = c, .log_output = { .fd = STDOUT_FILENO } };
	bool is_up;

	r.log = open_log(&r);
	buf_init(&r.problem, 4096);
	log_write(r.log, LOG_INFO, "logging initialized with resolved configuration",
		  LF_STR("output_format", c->logging.format), LF_STR("filter", c->logging.level),
		  LF_CSTR("debug", c->debug ? "true" : "false"));
	log_write(r.log, LOG_INFO, "starting", LF_CSTR("version", SOCKUDO_VERSION),
		  LF_STR("config", c->file.name), LF_STR("mode", c->mode));
	reload_log_lines(r.log, LOG_WARN, in->warnings);
	descriptors_raise_limit(r.log);
	is_up = open_loops(&r) && open_server(&r, in);
	if (is_up && in->tls)
		open_redirect(&r);
	if (is_up)
		server_set_descriptors(r.server, descriptors_left());
	r.lan_ip = listen_lan_ip(&r.listeners, r.lan_text); /* while the kernel may be asked */
	is_up = is_up && confine(c, r.has_webhooks, r.log, &r.sandbox, &r.problem);
	if (is_up && !is_json(c))
		show_screen(&r, in);
	is_up = is_up && start_threads(&r);
	if (is_up) {
		mem_let_go_of_code();
		log_listeners(&r, in->apps);
		if (in->tls)
			certificate_log(r.log, in->tls);
		serve(&r);
	} else {
		fprintf(stderr, "sockudo: %.*s\n", STR_ARG(buf_str(&r.problem)));
	}
	close_all(&r, in);
	return is_up ? 0 : EXIT_FAILED;
}

#include "main/stop.h"

#include "base/check.h"

#include <stdio.h>
#include <unistd.h>

enum {
	CHECK_MS = 50,
	REPORT_MS = 1000,
	/* Connections that were half made when the door was shut have become whole by then. */
	DOOR_MS = 100,
};

static void show(const struct stop *s, size_t n_connections, size_t n_events, uint64_t left_s)
{
	printf("\r\33[K  ");
	if (s->settle_ms)
		printf("%zu webhook event%s to deliver, ", n_events, n_events == 1 ? "" : "s");
	else if (n_connections)
		printf("%zu connection%s to close, ", n_connections, n_connections == 1 ? "" : "s");
	else
		printf("nobody is left, waiting for latecomers, ");
	printf("%llu s at most", (unsigned long long)left_s);
	fflush(stdout);
}

static void report(struct stop *s, uint64_t now_ms)
{
	size_t n = server_n_connections(s->server), n_events = server_n_webhook_events(s->server);
	uint64_t end_ms = s->settle_ms ? s->settle_ms : s->end_ms;
	uint64_t left_s = end_ms > now_ms ? (end_ms - now_ms + 999) / 1000 : 0;

	if (s->shows_progress) {
		show(s, n, n_events, left_s);
	} else if (now_ms - s->reported_ms >= REPORT_MS) {
		s->reported_ms = now_ms;
		log_write(s->log, LOG_INFO, "draining", LF_U64("connections", n),
			  LF_U64("webhook_events", n_events), LF_U64("seconds_left", left_s));
	}
}

static void remove_path(struct stop *s)
{
	if (!s->path_is_removed)
		listen_close(s->listeners, s->started);
	s->path_is_removed = true;
}

/* As long as clients are on their way out there is time for newcomers and requests; a crowd of
 * those must not keep us for ever. */
static void shut_door(struct stop *s, uint64_t now_ms)
{
	if (!server_is_leaving(s->server) || s->shut_ms)
		return;
	if (!s->leaves_ms)
		s->leaves_ms = now_ms;
	if (!server_is_drained(s->server) && now_ms < s->leaves_ms + s->patience_ms)
		return;
	s->shut_ms = now_ms;
	server_shut_door(s->server);
	remove_path(s);
}

static bool is_empty(const struct stop *s, uint64_t now_ms)
{
	return s->shut_ms && now_ms >= s->shut_ms + DOOR_MS && server_is_drained(s->server);
}

/* Webhooks hear of everybody's end. */
static void settle(struct stop *s, uint64_t now_ms)
{
	if (!s->settle_ms && is_empty(s, now_ms)) {
		s->settle_ms = now_ms + s->settle_ms_max;
		server_settle(s->server);
	}
}

static bool is_settled(const struct stop *s, uint64_t now_ms)
{
	return s->settle_ms && (now_ms >= s->settle_ms || server_is_settled(s->server));
}

static void on_check(struct timer *t)
{
	struct stop *s = container_of(t, struct stop, timer);
	uint64_t now_ms = clock_ms(loop_clock(s->loop));

	shut_door(s, now_ms);
	settle(s, now_ms);
	report(s, now_ms);
	s->is_over |= (!s->settle_ms && now_ms >= s->end_ms) || is_settled(s, now_ms);
	if (!s->is_over)
		timer_arm(s->loop, t, CHECK_MS);
}

void stop_init(struct stop *s, struct loop *l, struct server *server, struct log *log,
	       const struct config *started, const struct listeners *listeners)
{
	*s = (struct stop){
		.loop = l, .server = server, .log = log, .started = started, .listeners = listeners
	};
	s->shows_progress = str_eq(started->logging.format, S("text")) && isatty(STDOUT_FILENO);
	timer_init(&s->timer, on_check);
}

void stop_begin(struct stop *s, const struct config *now, const char *signal)
{
	uint64_t now_ms = clock_ms(loop_clock(s->loop));

	s->is_begun = true;
	s->patience_ms = now->websocket.close_grace_ms;
	s->end_ms = now_ms + now->shutdown_grace_period * UINT64_C(1000) + s->patience_ms;
	s->settle_ms_max = now->queue.reliability.shutdown_timeout_ms;
	s->reported_ms = now_ms;
	log_write(s->log, LOG_INFO, "stopping", LF_CSTR("signal", signal));
	log_write(s->log, LOG_INFO, "draining",
		  LF_U64("connections", server_n_connections(s->server)),
		  LF_U64("grace_period_s", now->shutdown_grace_period));
	server_drain(s->server);
	timer_arm(s->loop, &s->timer, CHECK_MS);
}

void stop_fini(struct stop *s)
{
	timer_disarm(&s->timer);
	if (s->shows_progress && s->is_begun) {
		putchar('\n');
		fflush(stdout);
	}
	remove_path(s);
	if (s->is_begun && server_n_webhook_events(s->server) > 0)
		log_write(s->log, LOG_WARN, "webhook events lost",
			  LF_U64("events", server_n_webhook_events(s->server)),
			  LF_CSTR("setting", "queue.reliability.shutdown_timeout_ms"));
}

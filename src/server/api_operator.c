/* api_operator.c: what operators and their monitoring ask for: /usage, /stats, /metrics. None of
 * it is an app's: a token protects it when one is set, and what needs the hub's counts waits for
 * them like any request. */
#include "base/json.h"
#include "base/mem.h"
#include "server/api.h"
#include "server/http_priv.h"
#include "server/metrics.h"
#include "server/worker.h"

#include <stdlib.h>

enum page { PAGE_STATS, PAGE_METRICS };

#define PAGE_BYTES_MAX ((size_t)256 << 20)
#define JSON "application/json"

static void answer(struct conn *c, const char *content_type, struct buf *b)
{
	bool is_whole = buf_ok(b);

	http_reply(c, &(struct http_reply){ .status = is_whole ? 200 : 503,
					    .content_type = content_type,
					    .cors = HTTP_CORS_ANSWER,
					    .body = is_whole ? buf_str(b) : (str){ 0 } });
	buf_fini(b);
}

/* Memory of the machine */

static void put_memory(struct worker *w, struct buf *b)
{
	struct host_memory m = { 0 };
	uint64_t used;

	process_host(w->metrics->process, &m);
	used = m.total_bytes - m.available_bytes;
	buf_puts(b, S("\"memory\":{\"free\":"));
	buf_putu(b, m.available_bytes);
	buf_puts(b, S(",\"used\":"));
	buf_putu(b, used);
	buf_puts(b, S(",\"total\":"));
	buf_putu(b, m.total_bytes);
	buf_printf(b, ",\"percent\":%.2f}",
		   m.total_bytes ? 100.0 * (double)used / (double)m.total_bytes : 0.0);
}

void api_usage(const struct http_call *call)
{
	struct buf b;

	buf_init(&b, PAGE_BYTES_MAX);
	buf_putc(&b, '{');
	put_memory(call->worker, &b);
	buf_putc(&b, '}');
	answer(call->conn, JSON, &b);
}

/* Counts */

static void ask_hub(const struct http_call *call, enum page page)
{
	struct to_hub_count *r = worker_mail(call->worker, TO_HUB_COUNT, sizeof(*r));

	*r = (struct to_hub_count){ .conn = call->conn, .page = page };
	conn_await_hub(call->conn);
}

void api_stats(const struct http_call *call)
{
	ask_hub(call, PAGE_STATS);
}

void api_metrics(const struct http_call *call)
{
	ask_hub(call, PAGE_METRICS);
}

/* connections_with_meta belongs to the original's own protocol, which we do not speak. */
static void put_counts(struct buf *b, const struct app_counts *n)
{
	buf_printf(b,
		   "\"connections\":%zu,\"authenticated_connections\":%zu,\"users\":%zu,"
		   "\"connections_with_meta\":0,\"occupancy\":{\"channels\":%zu,"
		   "\"subscriptions\":%zu,\"presence_channels\":%zu,\"presence_subscriptions\":%zu,"
		   "\"presence_members\":%zu}}",
		   n->connections, n->user_connections, n->users, n->channels, n->subscriptions,
		   n->presence_channels, n->presence_subscriptions, n->presence_members);
}

static void add(struct app_counts *total, const struct app_counts *n)
{
	total->connections += n->connections;
	total->user_connections += n->user_connections;
	total->users += n->users;
	total->channels += n->channels;
	total->subscriptions += n->subscriptions;
	total->presence_channels += n->presence_channels;
	total->presence_subscriptions += n->presence_subscriptions;
	total->presence_members += n->presence_members;
}

static bool is_used(const struct app_counts *n)
{
	return n->connections > 0 || n->channels > 0;
}

static int by_id(const void *a, const void *b)
{
	return str_cmp(((const struct app_counts *)a)->app->id,
		       ((const struct app_counts *)b)->app->id);
}

static void put_history(struct buf *b, const char *name)
{
	buf_printf(b,
		   ",\"%s\":{\"enabled\":false,\"backend\":\"disabled\",\"state_authority\":"
		   "\"disabled\",\"degraded_channels\":0,\"reset_required_channels\":0,"
		   "\"queue_depth\":0}",
		   name);
}

static void put_totals(struct buf *b, const struct app_counts *apps, size_t n_apps)
{
	struct app_counts total = { 0 };
	size_t n_used = 0;

	for (size_t i = 0; i < n_apps; i++) {
		add(&total, &apps[i]);
		n_used += is_used(&apps[i]);
	}
	buf_printf(b, ",\"totals\":{\"apps\":%zu,", n_used);
	put_counts(b, &total);
}

static void put_apps(struct buf *b, const struct app_counts *apps, size_t n_apps)
{
	bool is_first = true;

	buf_puts(b, S(",\"apps\":["));
	for (size_t i = 0; i < n_apps; i++) {
		if (!is_used(&apps[i]))
			continue;
		buf_puts(b, is_first ? S("{\"app_id\":") : S(",{\"app_id\":"));
		jw_string(b, apps[i].app->id);
		buf_putc(b, ',');
		put_counts(b, &apps[i]);
		is_first = false;
	}
	buf_putc(b, ']');
}

static void put_stats(struct worker *w, struct app_counts *apps, size_t n_apps, struct buf *b)
{
	qsort(apps, n_apps, sizeof(*apps), by_id);
	buf_putc(b, '{');
	put_memory(w, b);
	put_history(b, "history");
	put_history(b, "presence_history");
	put_totals(b, apps, n_apps);
	put_apps(b, apps, n_apps);
	buf_putc(b, '}');
}

static void answer_page(struct conn *c, const struct to_worker_counted *m)
{
	struct buf b;

	buf_init(&b, PAGE_BYTES_MAX);
	if (m->page == PAGE_METRICS)
		metrics_put(c->worker->metrics, c->worker->options->metrics_prefix, m->apps, m->n,
			    &b);
	else
		put_stats(c->worker, m->apps, m->n, &b);
	answer(c, m->page == PAGE_METRICS ? METRICS_CONTENT_TYPE : JSON, &b);
}

void http_on_counted(struct conn *c, const struct to_worker_counted *m)
{
	if (c->phase == CONN_HTTP && m->apps)
		answer_page(c, m);
	else if (c->phase == CONN_HTTP)
		http_reply_busy(c);
	xfree(m->apps);
}

/* hub_query.c: what the HTTP API asks about: channels and who is on them. Answers are sorted by
 * name, so that they can be compared. */
#include "base/json.h"
#include "base/mem.h"
#include "core/hub_priv.h"

#include <stdlib.h>

static void put_count(struct buf *b, bool first, str name, uint64_t n)
{
	if (!first)
		buf_putc(b, ',');
	jw_string(b, name);
	buf_putc(b, ':');
	buf_putu(b, n);
}

bool hub_write_info(struct buf *b, const struct channel *ch, uint32_t traits, uint32_t info,
		    bool first)
{
	bool wrote = false;

	if (info & INFO_SUBSCRIPTION_COUNT) {
		put_count(b, first, S("subscription_count"), ch ? ch->n_subscriptions : 0);
		wrote = true;
	}
	if ((info & INFO_USER_COUNT) && (traits & CHANNEL_PRESENCE)) {
		put_count(b, first && !wrote, S("user_count"),
			  ch ? presence_count(ch->presence) : 0);
		wrote = true;
	}
	return wrote;
}

bool hub_write_channel(struct buf *b, str name, const struct channel *ch, uint32_t info,
		       bool keep_empty, bool first)
{
	size_t before = b->len;

	if (!first)
		buf_putc(b, ',');
	jw_string(b, name);
	buf_puts(b, S(":{"));
	if (!hub_write_info(b, ch, channel_traits(name), info, true) && !keep_empty) {
		b->len = before;
		return false;
	}
	buf_putc(b, '}');
	return true;
}

/* With what was written to b, which ends here. */
static void answer(struct hub *h, unsigned worker, void *conn, struct buf *b)
{
	struct msg *body = hub_body_new(b);

	buf_fini(b);
	hub_answer(h, worker, conn, body ? ANSWER_OK : ANSWER_NO_MEMORY, body);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp((*(struct channel *const *)a)->name, (*(struct channel *const *)b)->name);
}

/* The app's channels that begin with prefix, sorted. NULL: memory, or none (*n == 0). */
static struct channel **list_channels(const struct hub_app *a, str prefix, size_t *n)
{
	struct channel **list = try_alloc((a->channels.n + 1) * sizeof *list);
	struct channel *ch;

	*n = 0;
	if (!list)
		return NULL;
	for (size_t it = 0; (ch = map_next(&a->channels, &it));)
		if (!(ch->traits & CHANNEL_USER) && str_has_prefix(ch->name, prefix))
			list[(*n)++] = ch;
	qsort(list, *n, sizeof *list, by_name);
	return list;
}

static bool has_non_presence(struct channel **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!channel_is_presence(list[i]))
			return true;
	return false;
}

static void query_channels(struct hub *h, unsigned worker, const struct to_hub_query *r, str prefix)
{
	size_t n;
	struct channel **list = list_channels(hub_app(h, r->app), prefix, &n);
	bool first = true;
	struct buf b;

	if (!list) {
		hub_answer(h, worker, r->conn, ANSWER_NO_MEMORY, NULL);
		return;
	}
	if ((r->info & INFO_USER_COUNT) && !str_has_prefix(prefix, S("presence-")) &&
	    has_non_presence(list, n)) {
		xfree(list);
		hub_answer(h, worker, r->conn, ANSWER_NOT_PRESENCE, NULL);
		return;
	}
	buf_init(&b, UINT32_MAX);
	buf_puts(&b, S("{\"channels\":{"));
	for (size_t i = 0; i < n; i++)
		if (hub_write_channel(&b, list[i]->name, list[i], r->info, !r->has_info, first))
			first = false;
	buf_puts(&b, S("}}"));
	xfree(list);
	answer(h, worker, r->conn, &b);
}

/* Nothing for a channel that has no event. */
static void write_cache(struct hub *h, const struct app *app, str name, struct buf *b)
{
	uint64_t now_ms = clock_ms(h->clock);
	const struct expiring_entry *e =
		expiring_find(&hub_app(h, app)->last_events, hash_str(&h->key, name), name, now_ms);

	if (!e)
		return;
	buf_puts(b, S(",\"cache\":{\"data\":"));
	jw_string(b, msg_payload(e->msg));
	buf_puts(b, S(",\"ttl\":"));
	buf_putu(b, (e->expires_ms - now_ms) / 1000);
	buf_putc(b, '}');
}

static void query_channel(struct hub *h, unsigned worker, const struct to_hub_query *r, str name)
{
	const struct channel *ch = hub_find(h, r->app, name);
	struct buf b;

	buf_init(&b, UINT32_MAX);
	buf_puts(&b, ch ? S("{\"occupied\":true") : S("{\"occupied\":false"));
	hub_write_info(&b, ch, channel_traits(name), r->info, false);
	if (r->info & INFO_CACHE)
		write_cache(h, r->app, name, &b);
	buf_putc(&b, '}');
	answer(h, worker, r->conn, &b);
}

static void query_users(struct hub *h, unsigned worker, const struct to_hub_query *r, str name)
{
	const struct channel *ch = hub_find(h, r->app, name);
	struct buf b;

	buf_init(&b, UINT32_MAX);
	if (ch && channel_is_presence(ch))
		presence_write_users(ch->presence, &b);
	else
		buf_puts(&b, S("{\"users\":[]}"));
	answer(h, worker, r->conn, &b);
}

/* False, and answered, when it is not. */
static bool is_within_rate(struct hub *h, unsigned worker, const struct to_hub_query *r)
{
	struct hub_app *a = hub_app(h, r->app);
	uint32_t max = a->app->limits.max_read_requests_per_second;
	struct rate_window *w = &a->reads;

	if (max == 0 || max == NO_LIMIT ||
	    rate_window_take(w, (uint32_t)clock_ms(h->clock), 1, max))
		return true;
	hub_answer_too_many(h, worker, r->conn, (uint64_t)w->n + 1, S("requests"), max,
			    S("max_read_requests_per_second"));
	return false;
}

void hub_query(struct hub *h, unsigned worker, const struct to_hub_query *r)
{
	str text = { r->text, r->text_len };

	if (!is_within_rate(h, worker, r))
		return;
	switch ((enum hub_query)r->kind) {
	case QUERY_CHANNELS:
		query_channels(h, worker, r, text);
		return;
	case QUERY_CHANNEL:
		query_channel(h, worker, r, text);
		return;
	case QUERY_USERS:
		query_users(h, worker, r, text);
		return;
	}
}

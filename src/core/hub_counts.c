/* hub_counts.c: how much there is of each app: what is kept (struct app_counts), and the walk that
 * proves it. */
#include "base/check.h"
#include "base/mem.h"
#include "core/hub_priv.h"

/* An app that is gone is told no more: nothing may name it for long. */
void hub_count_all(struct hub *h, unsigned worker, const struct to_hub_count *r)
{
	struct app_counts *all = try_alloc((h->n_slots + 1) * sizeof *all);
	struct to_worker_counted *m = hub_mail(h, worker, TO_WORKER_COUNTED, sizeof *m);
	uint32_t n = 0;

	for (size_t i = 0; all && i < h->n_slots; i++) {
		const struct hub_app *a = h->apps[i];

		if (!a || a->is_removed)
			continue;
		all[n] = a->counts;
		all[n++].app = a->app;
	}
	*m = (struct to_worker_counted){ .conn = r->conn, .page = r->page, .n = n, .apps = all };
}

static struct app_counts walk(const struct hub_app *a)
{
	struct app_counts c = { .connections = a->counts.connections };
	const struct channel *ch;

	for (size_t it = 0; (ch = map_next(&a->channels, &it));) {
		if (ch->traits & CHANNEL_USER) {
			c.users++;
			c.user_connections += ch->n_subscriptions;
			continue;
		}
		c.channels++;
		c.channels_of_type[channel_type_of(ch->traits)]++;
		c.subscriptions += ch->n_subscriptions;
		if (!channel_is_presence(ch))
			continue;
		c.presence_channels++;
		c.presence_subscriptions += ch->n_subscriptions;
		c.presence_members += presence_count(ch->presence);
	}
	return c;
}

bool hub_is_deserted(const struct hub *h)
{
	for (size_t i = 0; i < h->n_slots; i++) {
		const struct hub_app *a = h->apps[i];

		if (a && (a->counts.connections > 0 || a->channels.n > 0))
			return false;
	}
	return true;
}

struct app_counts hub_count(const struct hub *h, const struct app *app)
{
	const struct hub_app *a = app->index < h->n_slots ? h->apps[app->index] : NULL;
	struct app_counts c = { 0 };

	if (!a)
		return c;
	c = walk(a);
	ASSERT(memcmp(&c, &a->counts, sizeof c) == 0); /* only words: no padding */
	return c;
}

/* plan.c: a seed's dice. Each kind of trouble comes only in a part of the runs: a fault that is
 * always there hides what happens without it. */
#include "plan.h"

#include "base/check.h"
#include "pressure.h"

#include <stdio.h>

/* Longer than any run. */
#define FOR_EVER_S 10000000

static unsigned between(struct world *w, unsigned min, unsigned max)
{
	return min + (unsigned)pick(w, max - min + 1);
}

static uint32_t one_of(struct world *w, unsigned percent, unsigned min, unsigned max)
{
	return chance(w, percent) ? between(w, min, max) : 0;
}

static void draw_faults(struct world *w)
{
	struct plan *p = &w->plan;

	p->quota = one_of(w, 40, 2, 8);
	p->members_max = one_of(w, 30, 1, 4);
	p->max_connections = one_of(w, 10, 4, 20);
	p->is_rough = chance(w, 80);
	p->is_tight = chance(w, 12);
	p->drops_newest = p->is_tight && chance(w, 30);
	p->fails_memory = !p->is_tight && chance(w, 10);
	p->limits_files = chance(w, 15);
	p->resets = chance(w, 15);
	p->drains = chance(w, 25);
	p->reloads = chance(w, 40);
	p->is_narrow = chance(w, 60);
	p->fails_calls = chance(w, 12);
	p->leaps = chance(w, 10);
	p->sets_wall = chance(w, 15);
	p->stalls = chance(w, 15);
	p->has_ghosts = chance(w, 10);
	p->has_pressure = chance(w, 10);
	p->bad_luck = chance(w, 40) ? 1 + between(w, 0, 1) * between(w, 0, 60) : 0;
}

/* What the server can do beside the plain things. */
static void draw_features(struct world *w)
{
	struct plan *p = &w->plan;

	p->remembers = chance(w, 50);
	p->signs_in = chance(w, 40);
	p->watches = p->signs_in && chance(w, 60);
	p->compresses = chance(w, 30);
	p->is_proxied = chance(w, 15);
	p->speaks_tls = chance(w, 3); /* each costs as much as five others */
}

/* Mostly one: several have less to do with each other than several workers. */
static void draw_nodes(struct world *w, const struct world_wish *wish)
{
	struct plan *p = &w->plan;

	p->n_nodes = chance(w, 80) ? 1 : between(w, 2, NODES_MAX);
	p->loses_nodes = chance(w, p->n_nodes > 1 ? 50 : 10);
	p->drains_nodes = chance(w, p->n_nodes > 1 ? 50 : 10);
	if (wish->is_peaceful)
		p->loses_nodes = p->drains_nodes = false;
	if (wish->n_nodes)
		p->n_nodes = wish->n_nodes;
}

static void leave_out(struct plan *p, uint64_t troubles)
{
#define TROUBLE(word, member)                                                                      \
	if (troubles >> TROUBLE_##member & 1)                                                      \
		p->member = 0;
#define FEATURE TROUBLE
#include "troubles.def"
#undef TROUBLE
#undef FEATURE
	p->drops_newest = p->drops_newest && p->is_tight;
	p->watches = p->watches && p->signs_in;
	p->fails_receivers = p->fails_receivers && p->has_webhooks;
}

unsigned plan_value(const struct plan *p, enum trouble t)
{
	switch (t) {
#define TROUBLE(word, member)                                                                      \
	case TROUBLE_##member:                                                                     \
		return p->member;
#define FEATURE TROUBLE
#include "troubles.def"
#undef TROUBLE
#undef FEATURE
	case N_TROUBLES:
		break;
	}
	NEVER("no such trouble");
}

void plan_words(const struct plan *p, char *text, size_t bytes)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned t = 0; t < N_TROUBLES && n < bytes; t++) {
		unsigned value = plan_value(p, t);

		if (value > 1)
			n += (size_t)snprintf(text + n, bytes - n, ", %s %u", trouble_word(t),
					      value);
		else if (value)
			n += (size_t)snprintf(text + n, bytes - n, ", %s", trouble_word(t));
	}
}

/* Mostly few, who do more with each other. */
static void draw_clients(struct world *w, const struct world_wish *wish)
{
	enum { FEW = 22, CROWD = 300 };
	struct plan *p = &w->plan;

	p->n_clients = between(w, 2, FEW);
	if (wish->n_clients)
		p->n_clients = wish->n_clients;
	else if (!wish->is_peaceful && chance(w, 2))
		p->n_clients = between(w, 100, CROWD);
}

void plan_draw(struct world *w, const struct world_wish *wish)
{
	static const unsigned WORKERS[] = { 1, 2, 4 };
	struct plan *p = &w->plan;

	world_take_dice(w, DICE_PLAN, 0);
	p->n_workers = WORKERS[pick(w, ARRAY_LEN(WORKERS))];
	if (wish->n_workers)
		p->n_workers = wish->n_workers;
	p->n_topics = between(w, 1, TOPICS_MAX);
	draw_clients(w, wish);
	p->n_publishers = between(w, 1, PUBLISHERS_MAX);
	p->n_users = between(w, 1, WITNESS_USER);
	p->pause_steps = between(w, 0, 3) * 8;
	p->pad_bytes_max = chance(w, 10) ? 20000 : 300;
	p->activity_timeout_s = chance(w, 50) ? 30 : 120;
	p->has_witness = chance(w, 75);
	if (!wish->is_peaceful) {
		draw_faults(w);
		draw_features(w);
	}
	draw_nodes(w, wish);
	world_take_dice(w, DICE_HOOKS, 0);
	if (!wish->is_peaceful) {
		p->has_webhooks = chance(w, 35);
		p->fails_receivers = p->has_webhooks && chance(w, 40);
	}
	leave_out(p, wish->cut.without);
	/* Only what is large can fail to be sent to the hub. */
	if (p->fails_memory && p->pad_bytes_max > 300)
		p->pad_bytes_max = 300;
	/* Small buffers: it would take hours. */
	if (p->is_rough && p->pad_bytes_max > 300)
		p->pad_bytes_max = 2000;
}

struct sim_options plan_weather(struct world *w)
{
	struct sim_options o = sim_options_rough();

	world_take_dice(w, DICE_WEATHER, 0);
	if (!w->plan.is_rough)
		return sim_options_calm();
	if (chance(w, 30))
		o.delay_us_max = 500;
	if (chance(w, 30))
		o.buffer_bytes_min = o.buffer_bytes_max = 256u << pick(w, 9);
	if (chance(w, 30))
		o.short_write_percent = (unsigned)pick(w, 80);
	if (chance(w, 30))
		o.split_percent = (unsigned)pick(w, 100);
	/* Workers and hub far from each other, and everybody else near. */
	if (chance(w, 25)) {
		o.wake_us_max = 20000;
		o.delay_us_max = 100;
	}
	return o;
}

/* So little at a time that everybody waits for everybody. */
static void draw_narrowness(struct world *w, struct server_options *o)
{
	if (chance(w, 40))
		o->writes_per_slice = between(w, 1, 8);
	if (chance(w, 40))
		o->out_bytes_full = between(w, 1, 3000);
	if (chance(w, 40))
		o->mail_bytes_full = between(w, 1, 3000);
}

struct server_options plan_options(struct world *w)
{
	struct server_options o = server_options_default();

	o.n_workers = w->plan.n_workers;
	o.activity_timeout_s = w->plan.activity_timeout_s;
	o.max_connections = w->plan.max_connections;
	o.user_authentication_timeout_s = FOR_EVER_S;
	o.proxy_protocol = w->plan.is_proxied;
	pressure_begin(w, &o);
	world_take_dice(w, DICE_COMPRESSION, 0);
	if (w->plan.compresses)
		o.compression_window_bits = (uint8_t)between(w, 9, 15);
	world_take_dice(w, DICE_TIGHTNESS, 0);
	if (w->plan.is_tight) {
		o.queue_messages_max = between(w, 1, 20);
		o.queue_bytes_max = between(w, 500, 10000);
		o.disconnect_on_buffer_full = !w->plan.drops_newest;
	}
	world_take_dice(w, DICE_NARROWNESS, 0);
	if (w->plan.is_narrow)
		draw_narrowness(w, &o);
	return o;
}

void plan_apps(struct world *w)
{
	w->book = app_table_new(w->hash_key);
	w->app[APP_MAIN] = app_table_add(w->book, S("app-id"), S("app-key"), S("app-secret"));
	w->app[APP_SMALL] = app_table_add(w->book, S("small"), S("small-key"), S("another secret"));
	w->app[APP_DISABLED] = app_table_add(w->book, S("off"), S("off-key"), S("secret"));
}

static struct app *copy_from_book(struct world *w, struct app_table *t, unsigned app)
{
	const struct app *a = w->app[app];

	return app_table_add(t, a->id, a->key, a->secret);
}

static void add_guest(struct app_table *t, unsigned i)
{
	char name[16];
	int n = snprintf(name, sizeof(name), "guest-%u", i);

	app_table_add(t, (str){ name, (size_t)n }, (str){ name, (size_t)n }, S("secret"));
}

struct app_table *plan_table(struct world *w, bool has_small, bool serves_small, uint32_t quota,
			     unsigned n_guests)
{
	struct app_table *t = app_table_new(w->hash_key);
	struct app *main, *small;

	main = copy_from_book(w, t, APP_MAIN);
	main->enable_client_messages = true;
	main->enable_user_authentication = w->plan.signs_in;
	main->enable_watchlist_events = w->plan.watches;
	main->cache_ttl_s = main->idempotency_ttl_s = FOR_EVER_S;
	for (unsigned i = 0; i < n_guests; i++)
		add_guest(t, i);
	if (has_small) {
		small = copy_from_book(w, t, APP_SMALL);
		small->enabled = serves_small;
		small->enable_client_messages = true;
		small->limits.max_connections = quota;
		if (w->plan.members_max)
			small->limits.max_presence_members_per_channel = w->plan.members_max;
	}
	copy_from_book(w, t, APP_DISABLED)->enabled = false;
	return t;
}

/* Names are from a small set, so that the apps have some in common, and each node has all for which there
 * is room. */
static void draw_topic(struct world *w, struct topic *t)
{
	static const struct {
		const char *prefix;
		bool is_authorized, is_presence, takes_client_events, is_cache;
	} KINDS[] = {
		{ "room-", false, false, false, false },
		{ "private-", true, false, true, false },
		{ "private-encrypted-", true, false, false, false },
		{ "presence-", true, true, true, false },
		{ "presence-", true, true, true, false },
		{ "cache-", false, false, false, true },
		{ "private-cache-", true, false, true, true },
		{ "private-encrypted-cache-", true, false, false, true },
		{ "presence-cache-", true, true, true, true },
	};
	enum { N_PLAIN = 5 }; /* each cache channel has its plain one so far before it */
	size_t kind = pick(w, ARRAY_LEN(KINDS));
	bool is_main = chance(w, 70);

	if (!w->plan.remembers)
		kind %= N_PLAIN;

	*t = (struct topic){
		.app = KINDS[kind].is_cache || is_main ? APP_MAIN : APP_SMALL,
		.is_cache = KINDS[kind].is_cache,
		.is_authorized = KINDS[kind].is_authorized,
		.is_presence = KINDS[kind].is_presence,
		.takes_client_events = KINDS[kind].takes_client_events,
	};
	snprintf(t->name, sizeof(t->name), "%s%u", KINDS[kind].prefix, (unsigned)pick(w, 6));
}

static void draw_user_topic(struct world *w, struct topic *t)
{
	static const int USERS[] = { 0, 1, 3, 5 }; /* whose ids are legal in names */
	int user = USERS[pick(w, ARRAY_LEN(USERS))];

	*t = (struct topic){ .app = APP_MAIN, .is_user = true, .user = user };
	snprintf(t->name, sizeof(t->name), "#server-to-user-%.*s", STR_ARG(user_id(user)));
}

static void add_to_nodes(struct world *w, struct topic *t)
{
	struct oracle *o = &w->oracle;

	for (; t->node < w->plan.n_nodes && o->n_topics < TOPICS_MAX; t->node++)
		o->topics[o->n_topics++] = *t;
}

void plan_topics(struct world *w)
{
	struct oracle *o = &w->oracle;

	/* It takes three users for one who comes to have two others who watch him. */
	unsigned percent = w->plan.watches ? 50 : 25;

	world_take_dice(w, DICE_TOPICS, 0);
	while (o->n_topics < w->plan.n_topics) {
		struct topic t;

		if (chance(w, percent) && w->plan.signs_in)
			draw_user_topic(w, &t);
		else
			draw_topic(w, &t);
		if (!oracle_topic(o, 0, t.app, str_from_cstr(t.name)))
			add_to_nodes(w, &t);
	}
}

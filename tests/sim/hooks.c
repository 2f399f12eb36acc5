#include "hooks.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "client.h"
#include "core/webhook.h"
#include "io/http_client.h"
#include "webhook/webhooks.h"

#include <stdio.h>

enum {
	CERTAIN_MS = 3300, /* departures, and a batch */
	PATIENCE_MS = 1000,
	PATIENCE_MAX = 120,
	BACK_OFF_MS = 200,
	BACK_OFF_MS_MAX = 1000,
	TIMEOUT_MS = 4000,
	ELAPSED_MS_MAX = 50000,
	URL_MAX = 64,
};

#define COUNT_IS_UNKNOWN UINT64_MAX

struct hook_post {
	struct list link;
	const void *request; /* whose post it is, however often */
	bool is_under_way;
	unsigned n_attempts;
	bool is_over; /* it may be given up */
	uint64_t first_us, ended_us;
	str body;
};

static struct loop *hub_loop(const struct node *n)
{
	return n->loops[n->n_loops - 1];
}

static _Noreturn void fail(struct node *n, const struct http_post *p, const char *what)
{
	trace_fail(n->world->trace, "node %u, webhook %.*s: %s: %.*s", n->number, STR_ARG(p->url),
		   what, STR_ARG(p->body));
}

/* Plan */

void hooks_begin(struct world *w)
{
	static const uint32_t GATHERS[] = { 0, 0, 20, 50, 50, 500 }, SIZES[] = { 1, 2, 3, 100 };
	static const str PREFIXES[] = { S(""), S(""), S("presence-"), S("cache-"), S("room") };
	struct hook_plan *p = &w->hook_plan;

	world_take_dice(w, DICE_HOOKS, 1);
	p->gather_ms = GATHERS[pick(w, ARRAY_LEN(GATHERS))];
	p->events_max = p->gather_ms ? SIZES[pick(w, ARRAY_LEN(SIZES))] : 1;
	p->events = (uint32_t)pick(w, 1u << N_WEBHOOK_EVENTS);
	p->prefix = PREFIXES[pick(w, ARRAY_LEN(PREFIXES))];
	p->suffix = chance(w, 20) ? S("1") : S("");
	p->wants_odd = chance(w, 20);
	p->retries = chance(w, 85);
	p->max_attempts = chance(w, 20) ? 2 + (uint32_t)pick(w, 3) : 0;
}

static struct pattern *odd_pattern(void)
{
	struct pattern *p;
	struct arena a;
	str problem;

	arena_init(&a, 0);
	p = pattern_new(S("[13579]$"), &a, &problem);
	arena_fini(&a);
	ASSERT(p);
	return p;
}

static void give(struct node *n, struct app_table *t, unsigned app)
{
	struct world *w = n->world;
	const struct hook_plan *p = &w->hook_plan;
	struct app *a = (struct app *)app_by_id(t, w->app[app]->id);

	for (unsigned i = 0; a && i < HOOKS_OF_APP; i++) {
		char url[URL_MAX];
		int len = snprintf(url, sizeof(url), "https://me:word@hooks/%u/%u/%u/%u", n->number,
				   app, i, n->hooks.generation);
		struct webhook *h = webhook_add(a, (str){ url, (size_t)len });

		h->events = i == HOOK_ALL ? (1u << N_WEBHOOK_EVENTS) - 1 : p->events;
		h->retry = (struct webhook_retry){ p->retries, p->max_attempts, ELAPSED_MS_MAX,
						   BACK_OFF_MS, BACK_OFF_MS_MAX };
		h->timeout_ms = TIMEOUT_MS;
		webhook_add_header(h, S("X-Own"), S("1"));
		if (i == HOOK_PART) {
			webhook_set_prefix(h, p->prefix);
			webhook_set_suffix(h, p->suffix);
			h->channel_pattern = p->wants_odd ? odd_pattern() : NULL;
		}
	}
	if (a) {
		a->webhooks->gather_ms = p->gather_ms;
		a->webhooks->events_max = p->events_max;
	}
}

void hooks_give(struct node *n, struct app_table *t)
{
	for (unsigned app = 0; n->world->plan.has_webhooks && app < HOOKED_APPS; app++)
		give(n, t, app);
}

static bool is_part_of(const struct hook_plan *p, enum webhook_event e, str channel)
{
	char last = channel.n ? channel.p[channel.n - 1] : '\0';

	return p->events >> e & 1 && str_has_prefix(channel, p->prefix) &&
	       (p->suffix.n == 0 || last == p->suffix.p[0]) &&
	       (!p->wants_odd || (last >= '0' && last <= '9' && (last - '0') % 2 == 1));
}

/* One event */

struct news {
	struct node *node;
	const struct http_post *post;
	unsigned app, hook;
	uint64_t time_ms; /* not later than this event */
	enum webhook_event event;
	const struct topic *topic;
	struct json json;
	struct json members[4]; /* behind name and channel */
};

static _Noreturn void wrong(const struct news *e, const char *what)
{
	fail(e->node, e->post, what);
}

static struct told_topic *told_topic(const struct news *e)
{
	return &e->node->hooks.topics[e->topic - e->node->world->oracle.topics];
}

/* Its members, by name and in this order. */
static void read_members(struct news *e, const str *names, size_t n)
{
	struct json_iter it = json_enter(e->json);
	struct json_member m;

	for (size_t i = 0; i < 2 + n; i++) {
		str name = i == 0 ? S("name") : i == 1 ? S("channel") : names[i - 2];

		if (!json_next_member(&it, &m) || !json_string_is(m.key, name))
			wrong(e, "an event with other members");
		if (i >= 2)
			e->members[i - 2] = m.value;
	}
	if (json_next_member(&it, &m))
		wrong(e, "an event with too many members");
}

static bool is_strict(const struct node *n)
{
	return !n->hooks.is_mixed && !n->world->plan.fails_memory;
}

static void count_edge(const struct news *e, int *n, int by)
{
	*n += by;
	if (is_strict(e->node) && *n != (by > 0))
		wrong(e, "the same edge twice");
}

/* When the first event of the request happened, by the world's clock. */
static uint64_t happened_us(const struct news *e)
{
	uint64_t now_ms = (uint64_t)loop_clock(hub_loop(e->node))->wall_ms;

	return sim_now_us(e->node->world->sim) - (now_ms + 1 - e->time_ms) * 1000;
}

/* Where nothing but its own words can end its subscriptions, and it has not said them. */
static bool witness_stays(const struct news *e)
{
	const struct world *w = e->node->world;
	const struct plan *p = &w->plan;

	if (p->resets || p->fails_calls || p->sets_wall || p->leaps || world_is_lenient(w) ||
	    e->app != APP_MAIN || e->node->is_draining || e->node->is_lost)
		return false;
	return w->witness && w->witness->state == CLIENT_OPEN &&
	       w->witness->outlook[e->topic - w->oracle.topics] == WILL_BE_ON;
}

static void check_witness(const struct news *e)
{
	if (!witness_stays(e))
		return;
	for (const struct sub *s = e->topic->subs; s; s = s->next)
		if (s->is_witness && s->state == SUB_ON && s->joined_us < happened_us(e))
			wrong(e, "somebody is there all the time");
}

static void hear_channel(struct news *e)
{
	read_members(e, NULL, 0);
	if (e->event == WEBHOOK_channel_vacated)
		check_witness(e);
	count_edge(e, &told_topic(e)->occupied, e->event == WEBHOOK_channel_occupied ? 1 : -1);
}

static void hear_member(struct news *e)
{
	static const str NAMES[] = { S("user_id") };
	int user = 0;

	read_members(e, NAMES, 1);
	while (user < USERS_MAX && !json_string_is(e->members[0], user_id(user)))
		user++;
	if (user == USERS_MAX || !e->topic->is_presence)
		wrong(e, "a strange member");
	if (e->event == WEBHOOK_member_removed && user == WITNESS_USER)
		check_witness(e);
	count_edge(e, &told_topic(e)->members[user], e->event == WEBHOOK_member_added ? 1 : -1);
}

static void hear_count(struct news *e)
{
	static const str NAMES[] = { S("subscription_count") };

	read_members(e, NAMES, 1);
	if (e->topic->is_presence ||
	    !json_to_u64(e->members[0], CLIENTS_MAX + 1, &told_topic(e)->count))
		wrong(e, "a strange count");
}

static void hear_miss(struct news *e)
{
	static const str NAMES[] = { S("data") };

	read_members(e, NAMES, 1);
	if (!e->topic->is_cache || !str_eq(e->members[0].raw, S("\"{}\"")))
		wrong(e, "a strange miss");
	told_topic(e)->n_misses++;
}

static void hear_client_event(struct news *e)
{
	static const str NAMES[] = { S("event"), S("data"), S("socket_id") };
	uint64_t *seen, bit;
	const struct event *sent;

	read_members(e, NAMES, ARRAY_LEN(NAMES));
	sent = oracle_find_event(&e->node->world->oracle, e->members[1].raw);
	if (!sent || !sent->is_client_event || sent->is_void || sent->topics[0] != e->topic ||
	    !str_eq(sent->text, e->members[1].raw))
		wrong(e, "a client event that nobody sent lately");
	if (!json_string_is(e->members[0], S("client-e")) ||
	    !json_string_is(e->members[2], str_from_cstr(sent->socket_id)))
		wrong(e, "a client event of somebody else");
	bit = sent->id - e->node->world->oracle.first_id;
	seen = &e->node->hooks.told_events[bit / 64];
	if (*seen >> bit % 64 & 1)
		wrong(e, "a client event for the second time");
	*seen |= UINT64_C(1) << bit % 64;
}

static void hear(struct news *e)
{
	static void (*const LISTENERS[N_WEBHOOK_EVENTS])(struct news * e) = {
		[WEBHOOK_channel_occupied] = hear_channel,
		[WEBHOOK_channel_vacated] = hear_channel,
		[WEBHOOK_member_added] = hear_member,
		[WEBHOOK_member_removed] = hear_member,
		[WEBHOOK_client_event] = hear_client_event,
		[WEBHOOK_cache_miss] = hear_miss,
		[WEBHOOK_subscription_count] = hear_count,
	};

	LISTENERS[e->event](e);
}

static void find_event(struct news *e, struct json name)
{
	unsigned i = 0;

	while (i < N_WEBHOOK_EVENTS && !json_string_is(name, webhook_event_names[i]))
		i++;
	if (i == N_WEBHOOK_EVENTS)
		wrong(e, "an event without a name");
	e->event = i;
}

static void find_topic(struct news *e, struct json channel)
{
	const struct oracle *o = &e->node->world->oracle;

	for (unsigned i = 0; i < o->n_topics; i++) {
		const struct topic *t = &o->topics[i];

		if (t->node == e->node->number && t->app == e->app && !t->is_user &&
		    json_string_is(channel, str_from_cstr(t->name)))
			e->topic = t;
	}
	if (!e->topic)
		wrong(e, "a channel that nobody is on");
}

static void read_event(struct news *e)
{
	struct hook_line *line = &e->node->hooks.lines[e->app][e->hook];
	struct json_iter it;
	struct json_member name, channel;
	bool is_part;

	if (e->json.kind != JSON_OBJECT)
		wrong(e, "no event");
	it = json_enter(e->json);
	if (!json_next_member(&it, &name) || !json_next_member(&it, &channel))
		wrong(e, "an event without members");
	find_event(e, name.value);
	find_topic(e, channel.value);
	is_part = is_part_of(&e->node->world->hook_plan, e->event, str_from_cstr(e->topic->name));
	if (e->hook == HOOK_PART && !is_part)
		wrong(e, "an event that was not asked for");
	if (is_part) {
		struct hash_key key = { line->digest, ++line->n_told };

		line->digest = hash_str(&key, e->json.raw);
	}
	if (e->hook == HOOK_ALL)
		hear(e);
}

/* One post */

static void check_time(struct node *n, const struct http_post *p, uint64_t time_ms)
{
	uint64_t now_ms = (uint64_t)loop_clock(hub_loop(n))->wall_ms;

	if (!n->world->plan.sets_wall && !n->world->plan.leaps &&
	    (time_ms > now_ms || time_ms + 60000 < now_ms))
		fail(n, p, "a wrong time");
}

static void read_body(struct node *n, const struct http_post *p, unsigned app, unsigned hook)
{
	struct json doc, item;
	struct json_member time, events;
	struct json_iter it;
	uint64_t time_ms;
	unsigned count = 0;

	if (json_parse(p->body, 64, &doc, NULL) != OK || doc.kind != JSON_OBJECT)
		fail(n, p, "no JSON object");
	it = json_enter(doc);
	if (!json_next_member(&it, &time) || !json_string_is(time.key, S("time_ms")) ||
	    !json_to_u64(time.value, UINT64_MAX, &time_ms) || !json_next_member(&it, &events) ||
	    !json_string_is(events.key, S("events")) || events.value.kind != JSON_ARRAY)
		fail(n, p, "another body than time_ms and events");
	check_time(n, p, time_ms);
	for (it = json_enter(events.value); json_next_item(&it, &item); count++)
		read_event(&(struct news){ .node = n,
					   .post = p,
					   .app = app,
					   .hook = hook,
					   .time_ms = time_ms,
					   .json = item });
	if (count == 0 || count > n->world->hook_plan.events_max)
		fail(n, p, "too many events, or none");
}

static void check_headers(struct node *n, const struct http_post *p, unsigned app)
{
	static const str NAMES[] = { S("Content-Type"), S("X-Pusher-Key"), S("X-Pusher-Signature"),
				     S("X-Own") };
	const struct app *a = n->world->app[app];
	char hex[SHA256_HEX_LEN];
	struct hmac h;
	str values[] = { S("application/json"), a->key, { hex, sizeof(hex) }, S("1") };

	hmac_begin(&h, &a->hmac);
	hmac_add(&h, p->body);
	hmac_end_hex(&h, &a->hmac, hex);
	if (p->n_headers != ARRAY_LEN(NAMES))
		fail(n, p, "other headers");
	for (size_t i = 0; i < p->n_headers; i++)
		if (!str_eq(p->headers[i].name, NAMES[i]) ||
		    !str_eq(p->headers[i].value, values[i]))
			fail(n, p, "a wrong header");
}

struct address {
	struct node *node;
	unsigned app, hook, generation;
};

static struct address address_of(struct world *w, const struct http_post *p)
{
	struct address a;
	unsigned node;
	char url[URL_MAX];

	snprintf(url, sizeof(url), "%.*s", STR_ARG(p->url));
	if (sscanf(url, "https://me:word@hooks/%u/%u/%u/%u", &node, &a.app, &a.hook,
		   &a.generation) != 4 ||
	    node >= w->plan.n_nodes || a.app >= HOOKED_APPS || a.hook >= HOOKS_OF_APP)
		trace_fail(w->trace, "a post to nobody: %s", url);
	a.node = &w->nodes[node];
	return a;
}

static struct hook_post *find_post(struct hook_line *line, const void *request)
{
	for (struct list *l = line->posts.next; l != &line->posts; l = l->next) {
		struct hook_post *p = container_of(l, struct hook_post, link);

		if (p->request == request)
			return p;
	}
	return NULL;
}

static struct hook_post *post_new(struct world *w, struct hook_line *line,
				  const struct http_post *post)
{
	struct hook_post *p = xalloc(sizeof(*p) + post->body.n);

	memcpy(p + 1, post->body.p, post->body.n);
	*p = (struct hook_post){ .request = post->user,
				 .first_us = sim_now_us(w->sim),
				 .body = { (char *)(p + 1), post->body.n } };
	list_push_back(&line->posts, &p->link);
	return p;
}

static void post_free(struct hook_post *p)
{
	list_remove(&p->link);
	xfree(p);
}

static void show(const struct address *a, char sign, const char *what, str text)
{
	struct trace *t = a->node->world->trace;
	char name[8];

	snprintf(name, sizeof(name), "h%u.%u", a->app % 10, a->hook % 10);
	t->now_us = sim_now_us(a->node->world->sim);
	trace_say(t, name, sign, "%s%.*s", what, STR_ARG(text));
}

static void on_send(void *ctx, const struct http_post *post)
{
	struct world *w = ctx;
	struct address a = address_of(w, post);
	struct hook_line *line = &a.node->hooks.lines[a.app][a.hook];
	struct hook_post *p = find_post(line, post->user);

	if (p && p->is_over && !str_eq(p->body, post->body)) {
		post_free(p); /* its memory is somebody else's */
		p = NULL;
	}
	if (p && p->is_under_way)
		fail(a.node, post, "a second attempt before the first has ended");
	if (p && !str_eq(p->body, post->body))
		fail(a.node, post, "a second attempt with other words");
	if (p && !w->plan.leaps && !a.node->is_draining &&
	    sim_now_us(w->sim) - p->ended_us < BACK_OFF_MS * 1000)
		fail(a.node, post, "a second attempt at once");
	show(&a, '<', p ? "again " : "", post->body);
	check_headers(a.node, post, a.app);
	if (!p) {
		read_body(a.node, post, a.app, a.hook);
		p = post_new(w, line, post);
	}
	p->is_under_way = true;
	p->n_attempts++;
}

static bool may_try_again(const struct hook_plan *plan, const struct hook_post *p)
{
	return plan->retries && (plan->max_attempts == 0 || p->n_attempts < plan->max_attempts);
}

static bool may_pass(unsigned status)
{
	return status == 0 || status == 408 || status == 409 || status == 425 || status == 429 ||
	       status >= 500;
}

static void on_end(void *ctx, const struct http_post *post, unsigned status)
{
	struct world *w = ctx;
	struct address a = address_of(w, post);
	struct hook_post *p = find_post(&a.node->hooks.lines[a.app][a.hook], post->user);
	uint64_t now_us = sim_now_us(w->sim);

	ASSERT(p && p->is_under_way);
	if (status < 200 || status >= 300)
		show(&a, '*', "does not take it", S(""));
	p->is_under_way = false;
	p->ended_us = now_us;
	p->is_over |= w->plan.leaps || now_us - p->first_us + BACK_OFF_MS_MAX * 1000 >
					       (uint64_t)ELAPSED_MS_MAX * 1000;
	if (!may_pass(status) || !may_try_again(&w->hook_plan, p))
		post_free(p);
}

static struct sim_post_fate on_post(void *ctx, const struct http_post *post)
{
	static const unsigned STATUSES[] = { 200, 204, 500, 503, 429, 408, 425, 409, 404, 410 };
	struct world *w = ctx;
	struct sim_post_fate f = { .status = 200 };

	if (w->is_resting || !w->plan.fails_receivers)
		return f;
	if (chance(w, 30))
		f.status = STATUSES[pick(w, ARRAY_LEN(STATUSES))];
	if (chance(w, 5))
		f = (struct sim_post_fate){ .error = chance(w, 50) ? HTTP_ERROR_LOST : NULL };
	f.delay_ms = chance(w, 20) ? (unsigned)pick(w, 2000) : 0;
	return f;
}

/* Life */

void hooks_init(struct node *n)
{
	for (unsigned app = 0; app < HOOKED_APPS; app++)
		for (unsigned i = 0; i < HOOKS_OF_APP; i++)
			list_init(&n->hooks.lines[app][i].posts);
}

void hooks_open(struct node *n)
{
	struct http_client_options o = { .n_posts_max = OUTLET_POSTS_MAX };
	struct world *w = n->world;
	const char *why;

	if (!w->plan.has_webhooks)
		return;
	sim_set_receiver(w->sim, &(struct sim_receiver){ w, on_post, on_send, on_end });
	server_set_webhooks(n->server, http_client_new(hub_loop(n), &o, &why));
}

void hooks_fini(struct node *n)
{
	for (unsigned app = 0; app < HOOKED_APPS; app++)
		for (unsigned i = 0; i < HOOKS_OF_APP; i++)
			while (!list_is_empty(&n->hooks.lines[app][i].posts))
				post_free(container_of(n->hooks.lines[app][i].posts.next,
						       struct hook_post, link));
}

void hooks_note_miss(struct node *n, const struct topic *t)
{
	n->hooks.topics[t - n->world->oracle.topics].n_heard_misses++;
}

void hooks_note_ask(struct node *n, const struct topic *t)
{
	n->hooks.topics[t - n->world->oracle.topics].n_asked++;
}

/* Rest */

/* What may be given up and was not is tried again soon. */
static void forget_given_up(const struct world *w, struct hook_line *line)
{
	struct list *next;

	for (struct list *l = line->posts.next; l != &line->posts; l = next) {
		struct hook_post *p = container_of(l, struct hook_post, link);

		next = l->next;
		if (p->is_over && !p->is_under_way &&
		    sim_now_us(w->sim) > p->ended_us + 2000 * BACK_OFF_MS_MAX)
			post_free(p);
	}
}

static bool has_posts(struct node *n)
{
	bool has = false;

	for (unsigned app = 0; app < HOOKED_APPS; app++) {
		for (unsigned i = 0; i < HOOKS_OF_APP; i++) {
			forget_given_up(n->world, &n->hooks.lines[app][i]);
			has |= !list_is_empty(&n->hooks.lines[app][i].posts);
		}
	}
	return has;
}

static void outwait(struct node *n)
{
	struct world *w = n->world;

	for (unsigned i = 0; has_posts(n) && !n->is_lost; i++) {
		if (i > PATIENCE_MAX)
			trace_fail(w->trace, "node %u does not try again what it told in vain",
				   n->number);
		world_pass_ms(w, PATIENCE_MS);
	}
}

void hooks_serve(struct node *n)
{
	if (n->is_draining && !n->is_lost && n->world->plan.has_webhooks && !n->world->plan.leaps &&
	    server_is_settled(n->server) && has_posts(n))
		trace_fail(n->world->trace, "node %u would go, and there is more to tell",
			   n->number);
}

/* A process that ends waits for that. */
static void settle(struct node *n)
{
	struct world *w = n->world;

	for (unsigned i = 0; !server_is_settled(n->server); i++) {
		if (i > PATIENCE_MAX)
			trace_fail(w->trace, "node %u has gone, and %zu events were not told",
				   n->number, server_n_webhook_events(n->server));
		world_pass_ms(w, PATIENCE_MS);
	}
}

void hooks_outwait(struct world *w)
{
	if (!w->plan.has_webhooks)
		return;
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		if (w->nodes[i].is_draining && !w->nodes[i].is_lost)
			settle(&w->nodes[i]);
	world_pass_ms(w, CERTAIN_MS);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		outwait(&w->nodes[i]);
}

static void check_members(struct node *n, const struct topic *t, const struct told_topic *told)
{
	uint32_t members = oracle_members(t);

	for (int user = 0; user < USERS_MAX; user++)
		if (told->members[user] != (int)(members >> user & 1))
			trace_fail(n->world->trace,
				   "node %u: webhooks say that user %d is %d times on %s, he is %s",
				   n->number, user, told->members[user], t->name,
				   members >> user & 1 ? "there" : "not there");
}

static void check_topic(struct node *n, const struct topic *t, struct told_topic *told)
{
	unsigned n_subs = oracle_count_subs(t);

	if (told->occupied != (n_subs > 0))
		trace_fail(n->world->trace,
			   "node %u: webhooks say that %s is occupied %d times, %u are on it",
			   n->number, t->name, told->occupied, n_subs);
	if (t->is_presence)
		check_members(n, t, told);
	else if (n->hooks.is_mixed)
		told->count = COUNT_IS_UNKNOWN;
	else if (told->count != COUNT_IS_UNKNOWN && told->count != n_subs)
		trace_fail(n->world->trace, "node %u: webhooks count %u on %s, there are %u",
			   n->number, (unsigned)told->count, t->name, n_subs);
	if (told->n_misses < told->n_heard_misses || told->n_misses > told->n_asked)
		trace_fail(n->world->trace,
			   "node %u: webhooks tell of %u misses of %s, clients heard of %u and "
			   "asked %u times",
			   n->number, told->n_misses, t->name, told->n_heard_misses, told->n_asked);
	told->n_misses = told->n_heard_misses = told->n_asked = 0;
}

static bool is_told(const struct node *n, const struct event *e)
{
	uint32_t i = e->id - n->world->oracle.first_id;

	return n->hooks.told_events[i / 64] >> i % 64 & 1;
}

static void check_client_events(struct node *n)
{
	const struct oracle *o = &n->world->oracle;

	for (unsigned i = 0; i < o->n_events; i++) {
		const struct event *e = &o->events[i];

		if (e->is_client_event && e->is_taken && e->topics[0]->node == n->number &&
		    !is_told(n, e))
			trace_fail(n->world->trace,
				   "node %u: the client event %u was not told by webhooks",
				   n->number, e->id);
	}
}

static void check_parts(struct node *n)
{
	for (unsigned app = 0; app < HOOKED_APPS; app++) {
		struct hook_line *l = n->hooks.lines[app];

		if (!n->hooks.is_mixed &&
		    (l[0].digest != l[1].digest || l[0].n_told != l[1].n_told))
			trace_fail(n->world->trace,
				   "node %u, app %u: of %llu events the webhook for a part of them "
				   "got %llu, or others",
				   n->number, app, (unsigned long long)l[0].n_told,
				   (unsigned long long)l[1].n_told);
		l[0].digest = l[1].digest = l[0].n_told = l[1].n_told = 0;
	}
}

void hooks_rest(struct node *n)
{
	struct world *w = n->world;

	if (!w->plan.has_webhooks || n->is_lost)
		return;
	if (!w->plan.fails_memory) {
		for (unsigned i = 0; i < w->oracle.n_topics; i++)
			if (w->oracle.topics[i].node == n->number && !w->oracle.topics[i].is_user)
				check_topic(n, &w->oracle.topics[i], &n->hooks.topics[i]);
		check_client_events(n);
		check_parts(n);
	}
	memset(n->hooks.told_events, 0, sizeof(n->hooks.told_events));
	n->hooks.is_mixed = false;
}

#include "watch.h"

#include "base/json.h"
#include "client.h"

#include <stdio.h>

enum { STRANGERS_MAX = 40 };

/* What one message says. */
struct news {
	uint32_t online, offline; /* a bit for each user */
	unsigned n_entries, n_names, n_strangers;
};

/* Lists */

static uint64_t draw(const struct world *w, int user)
{
	bool varies = w->seed % 2;

	return world_rank(w->seed + (varies ? w->round_began : 0), (uint64_t)user);
}

/* A bit for each user. */
static uint32_t list_of(const struct world *w, int user)
{
	uint64_t dice = draw(w, user);

	return dice >> 32 & 7 ? (uint32_t)(dice | dice >> 8) & ((1u << USERS_MAX) - 1) : 0;
}

/* Names of nobody. */
static unsigned n_strangers(const struct world *w, int user)
{
	uint64_t dice = draw(w, user) >> 40;

	return dice & 3 ? 0 : (unsigned)(dice >> 2) % STRANGERS_MAX;
}

/* Repetitions, and what is no name, are skipped. */
void watch_put_list(const struct world *w, int user, struct buf *b)
{
	uint32_t list = list_of(w, user);

	buf_puts(b, S("[5"));
	for (int i = 0; i < USERS_MAX; i++) {
		if (!(list & 1u << i))
			continue;
		buf_putc(b, ',');
		jw_string(b, user_id(i));
		buf_puts(b, S(", null,"));
		jw_string(b, user_id(i));
	}
	for (unsigned i = 0; i < n_strangers(w, user); i++)
		buf_printf(b, ",\"stranger-%u\"", i);
	buf_putc(b, ']');
}

static bool has_state(const struct world *w, int user)
{
	return list_of(w, user) != 0 || n_strangers(w, user) > 0;
}

/* Asking */

void watch_ask(struct client *c, int user, bool is_first)
{
	struct watching *w = &c->node->watching[user];

	w->is_asked = true;
	w->n_came += is_first;
}

void watch_begin(struct client *c, int user)
{
	c->node->watching[user].is_taken = true;
	c->watch.has_list = true;
	c->watch.awaits = c->world->plan.watches && has_state(c->world, user);
}

/* As whom it is signed in, or NOBODY. */
static int user_of(const struct client *c)
{
	for (unsigned i = 0; i < c->world->oracle.n_topics; i++)
		if (c->subs[i] && c->subs[i]->topic->is_user)
			return c->subs[i]->topic->user;
	return NOBODY;
}

/* Of whom it may be told: a bit for each user. */
static uint32_t may_hear_of(const struct client *c, int user)
{
	const struct watching *w = &c->node->watching[user];
	uint32_t list = list_of(c->world, user);

	if (c->watch.has_list)
		return list;
	return w->maybe | (w->is_asked ? list : 0);
}

/* Messages and entries of lists may be lost. */
static bool may_miss(const struct world *w)
{
	return w->plan.drops_newest || w->plan.fails_memory;
}

/* Reading */

static _Noreturn void fail(const struct client *c, str data)
{
	trace_fail(c->world->trace, "%s is told nonsense: %.*s", c->name, STR_ARG(data));
}

static void read_name(struct client *c, str id, bool is_online, struct news *out)
{
	int user = user_find(id);
	uint32_t bit;

	out->n_names++;
	if (user == NOBODY && !is_online && str_has_prefix(id, S("stranger-"))) {
		out->n_strangers++;
		return;
	}
	if (user == NOBODY)
		fail(c, id);
	bit = 1u << user;
	if ((out->online | out->offline) & bit)
		fail(c, id);
	*(is_online ? &out->online : &out->offline) |= bit;
}

/* {"name":"online","user_ids":[…]}; who is offline comes behind. */
static void read_entry(struct client *c, struct json entry, struct news *out)
{
	struct json_iter it = json_enter(entry);
	struct json_member name, ids;
	bool is_online;
	struct json id;

	if (!json_next_member(&it, &name) || !json_string_is(name.key, S("name")) ||
	    !json_next_member(&it, &ids) || !json_string_is(ids.key, S("user_ids")) ||
	    ids.value.kind != JSON_ARRAY)
		fail(c, entry.raw);
	is_online = json_string_is(name.value, S("online"));
	if (is_online ? out->n_entries > 0 :
			out->offline || !json_string_is(name.value, S("offline")))
		fail(c, entry.raw);
	for (it = json_enter(ids.value); json_next_item(&it, &id);)
		read_name(c, json_decode(id, &c->world->oracle.arena), is_online, out);
	out->n_entries++;
}

static struct news read_news(struct client *c, str data)
{
	struct news news = { 0 };
	struct json_member events;
	struct json doc, entry;
	struct json_iter it;

	if (json_parse(data, 8, &doc, NULL) != OK || doc.kind != JSON_OBJECT)
		fail(c, data);
	it = json_enter(doc);
	if (!json_next_member(&it, &events) || events.value.kind != JSON_ARRAY)
		fail(c, data);
	for (it = json_enter(events.value); json_next_item(&it, &entry);)
		read_entry(c, entry, &news);
	if (news.n_names < news.n_entries || news.n_entries == 0)
		fail(c, data);
	return news;
}

/* Hearing */

static void note(struct client *c, int user, enum told now, bool is_edge)
{
	struct watch *w = &c->watch;
	bool is_wrong = w->told[user] != TOLD_NOTHING && (w->told[user] == now) == is_edge;

	if (is_wrong && !may_miss(c->world))
		trace_fail(c->world->trace, "%s is told %s that %.*s is %s", c->name,
			   is_edge ? "again" : "otherwise", STR_ARG(user_id(user)),
			   now == TOLD_ONLINE ? "online" : "offline");
	w->told[user] = now;
}

static void note_all(struct client *c, const struct news *news, bool is_edge)
{
	for (int user = 0; user < USERS_MAX; user++) {
		if (news->online & 1u << user)
			note(c, user, TOLD_ONLINE, is_edge);
		if (news->offline & 1u << user)
			note(c, user, TOLD_OFFLINE, is_edge);
	}
}

static void hear_state(struct client *c, int me, const struct news *news, str data)
{
	const struct world *w = c->world;
	bool is_whole = (news->online | news->offline) == list_of(w, me) &&
			news->n_strangers == n_strangers(w, me);

	if (!is_whole && !may_miss(w))
		trace_fail(w->trace, "%s is told of others than it has on its list: %.*s", c->name,
			   STR_ARG(data));
	note_all(c, news, false);
}

/* One user came, or went. */
static void hear_edge(struct client *c, const struct news *news, str data)
{
	if (news->n_names != 1 || news->n_strangers > 0)
		fail(c, data);
	note_all(c, news, true);
	for (int user = 0; user < USERS_MAX; user++)
		if (news->online & 1u << user &&
		    ++c->watch.n_online[user] > c->node->watching[user].n_came)
			trace_fail(c->world->trace, "%s is told too often that %.*s is online",
				   c->name, STR_ARG(user_id(user)));
}

void watch_hear(struct client *c, str data)
{
	struct news news = read_news(c, data);
	int me = user_of(c);
	bool is_state = c->watch.awaits;

	if (me == NOBODY || !c->world->plan.watches)
		trace_fail(c->world->trace, "%s is told of others, which it has no right to",
			   c->name);
	if ((news.online | news.offline) & ~may_hear_of(c, me))
		trace_fail(c->world->trace, "%s is told of somebody whom it does not watch: %.*s",
			   c->name, STR_ARG(data));
	c->watch.awaits = false;
	if (is_state)
		hear_state(c, me, &news, data);
	else
		hear_edge(c, &news, data);
}

/* Rest */

static bool is_online(const struct node *n, int user)
{
	const struct oracle *o = &n->world->oracle;

	for (unsigned i = 0; i < o->n_topics; i++) {
		const struct topic *t = &o->topics[i];

		if (t->is_user && t->node == n->number && t->user == user)
			return oracle_count_subs(t) > 0;
	}
	return false;
}

static void check_last_word(const struct client *c, int user)
{
	bool is_there = is_online(c->node, user);
	enum told told = c->watch.told[user];

	if (told != TOLD_NOTHING && (told == TOLD_ONLINE) != is_there && !may_miss(c->world))
		trace_fail(c->world->trace, "%s watches %.*s, who is %s, and has heard otherwise",
			   c->name, STR_ARG(user_id(user)), is_there ? "online" : "offline");
}

static void rest_client(struct client *c)
{
	int me = user_of(c);
	uint32_t list = me == NOBODY ? 0 : c->node->watching[me].sure;

	for (int user = 0; user < USERS_MAX; user++) {
		if (list & 1u << user)
			check_last_word(c, user);
		else
			c->watch.told[user] = TOLD_NOTHING;
		c->watch.n_online[user] = 0;
	}
	c->watch.has_list = false;
}

static void rest_user(struct node *n, int user)
{
	struct watching *w = &n->watching[user];
	uint32_t list = list_of(n->world, user);

	if (w->is_taken) {
		w->sure = w->maybe = list;
	} else if (w->is_asked) {
		w->sure &= list;
		w->maybe |= list;
	}
	w->is_asked = w->is_taken = false;
	w->n_came = 0;
}

void watch_rest(struct node *n)
{
	const struct world *w = n->world;

	if (!w->plan.watches)
		return;
	for (int user = 0; user < USERS_MAX; user++)
		rest_user(n, user);
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->node == n)
			rest_client(w->clients[i]);
}

#include "watch.h"

#include "base/json.h"

static const struct topic *signed_in_as(const struct client *c)
{
	for (unsigned i = 0; i < c->world->oracle.n_topics; i++)
		if (c->subs[i] && c->subs[i]->topic->is_user)
			return c->subs[i]->topic;
	return NULL;
}

int watch_wish(int user)
{
	return user == LONER ? COMPANION : LONER;
}

static bool is_asked_for(const struct client *c, int user)
{
	const struct oracle *o = &c->world->oracle;

	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].is_user && c->outlook[i] != WILL_BE_OFF &&
		    watch_wish(o->topics[i].user) == user)
			return true;
	return false;
}

static void hear_of(struct client *c, str name, struct json ids)
{
	struct json id;

	for (struct json_iter it = json_enter(ids); json_next_item(&it, &id);) {
		int user = user_find(json_decode(id, &c->world->oracle.arena));

		if (user == NOBODY || !is_asked_for(c, user))
			trace_fail(c->world->trace, "%s is told of somebody whom it does not watch",
				   c->name);
		c->told[user] = str_eq(name, S("online")) ? TOLD_ONLINE : TOLD_OFFLINE;
	}
}

static void hear_entry(struct client *c, struct json entry)
{
	struct json_iter it = json_enter(entry);
	struct json_member name, ids;

	if (!json_next_member(&it, &name) || !json_string_is(name.key, S("name")) ||
	    !json_next_member(&it, &ids) || !json_string_is(ids.key, S("user_ids")) ||
	    ids.value.kind != JSON_ARRAY)
		trace_fail(c->world->trace, "%s is told nonsense: %.*s", c->name,
			   STR_ARG(entry.raw));
	hear_of(c, json_decode(name.value, &c->world->oracle.arena), ids.value);
}

void watch_hear(struct client *c, str data)
{
	struct json_member events;
	struct json_iter it;
	struct json doc, entry;

	if (json_parse(data, 8, &doc, NULL) != OK || doc.kind != JSON_OBJECT)
		trace_fail(c->world->trace, "%s is told %.*s", c->name, STR_ARG(data));
	it = json_enter(doc);
	if (!json_next_member(&it, &events) || events.value.kind != JSON_ARRAY)
		trace_fail(c->world->trace, "%s is told %.*s", c->name, STR_ARG(data));
	for (it = json_enter(events.value); json_next_item(&it, &entry);)
		hear_entry(c, entry);
}

static bool is_online(const struct node *n, int user)
{
	const struct world *w = n->world;

	for (unsigned i = 0; i < w->oracle.n_topics; i++) {
		const struct topic *t = &w->oracle.topics[i];

		if (t->is_user && t->node == n->number && t->user == user)
			return oracle_count_subs(t) > 0;
	}
	return false;
}

void watch_rest(const struct client *c)
{
	const struct world *w = c->world;
	const struct topic *t = signed_in_as(c);
	int user;

	if (!t || !w->plan.watches || w->plan.drops_newest || w->plan.fails_memory)
		return;
	user = watch_wish(t->user);
	if (c->told[user] != (is_online(c->node, user) ? TOLD_ONLINE : TOLD_OFFLINE))
		trace_fail(w->trace, "%s watches %.*s, who is %s, and has heard otherwise (%d)",
			   c->name, STR_ARG(user_id(user)),
			   is_online(c->node, user) ? "online" : "offline", c->told[user]);
}

#include "dismissal.h"

#include "base/check.h"

#include <stdio.h>

static const struct {
	const char *route;
	uint64_t code;
	str message;
} WAYS[] = {
	{ "terminate_connections", 4009, S("You got disconnected by the app.") },
	{ "force_reconnect", 4200, S("Force reconnect requested by the app.") },
};

static bool is_user_topic(const struct world *w, unsigned topic, int user)
{
	const struct topic *t = &w->oracle.topics[topic];

	return topic < w->oracle.n_topics && t->is_user && t->user == user;
}

static bool is_signed_in(const struct client *c, int user)
{
	for (unsigned i = 0; i < TOPICS_MAX; i++)
		if (c->subs[i] && is_user_topic(c->world, i, user))
			return true;
	return false;
}

/* One of those that somebody may be signed in as, or NOBODY. */
static int draw_user(const struct node *n)
{
	const struct oracle *o = &n->world->oracle;
	int user = NOBODY;
	unsigned n_drawn = 0;

	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].is_user && o->topics[i].node == n->number &&
		    pick(n->world, ++n_drawn) == 0)
			user = o->topics[i].user;
	return user;
}

static void mark(const struct node *n, int user)
{
	struct world *w = n->world;

	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (c && c->node == n && is_signed_in(c, user))
			c->dismissal = w->n_dismissals;
	}
}

bool dismissal_act(struct world *w)
{
	struct publisher *p = w->publishers[pick(w, w->plan.n_publishers)];
	unsigned way = (unsigned)pick(w, ARRAY_LEN(WAYS));
	int user = publisher_may_ask(p) ? draw_user(p->node) : NOBODY;
	char path[80];

	if (user == NOBODY)
		return false;
	w->n_dismissals++;
	p->node->dismissed[user] |= (uint8_t)(1u << way);
	mark(p->node, user);
	snprintf(path, sizeof(path), "/users/%.*s/%s", STR_ARG(user_id(user)), WAYS[way].route);
	publisher_dismiss(p, path, w->n_dismissals);
	return true;
}

void dismissal_done(struct world *w, uint32_t dismissal)
{
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->dismissal == dismissal)
			w->clients[i]->must_go = true;
}

/* A bit for each way in which it may be hit. */
static unsigned threats(const struct client *c)
{
	const struct world *w = c->world;
	unsigned ways = 0;

	for (unsigned i = 0; i < w->oracle.n_topics; i++)
		if (w->oracle.topics[i].is_user && c->outlook[i] != WILL_BE_OFF)
			ways |= c->node->dismissed[w->oracle.topics[i].user];
	return ways;
}

bool dismissal_threatens(const struct client *c)
{
	return threats(c) != 0;
}

bool dismissal_says(const struct client *c, uint64_t code, str message)
{
	unsigned ways = threats(c);

	for (unsigned i = 0; i < ARRAY_LEN(WAYS); i++)
		if (ways >> i & 1 && WAYS[i].code == code && str_eq(message, WAYS[i].message))
			return true;
	return false;
}

void dismissal_rest(struct world *w)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (c && c->must_go)
			trace_fail(w->trace, "%s is still there, though its user was dismissed",
				   c->name);
		if (c)
			c->dismissal = 0;
	}
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		memset(w->nodes[i].dismissed, 0, sizeof(w->nodes[i].dismissed));
}

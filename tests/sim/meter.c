#include "meter.h"

#include "base/check.h"
#include "client.h"
#include "page.h"
#include "publisher.h"

#include <stdio.h>

/* More than anything can be; sums of it do not overflow. */
#define MANY (UINT64_C(1) << 40)

_Static_assert(ACCOUNT_UNKNOWN == ACCOUNT_OF_APPS + APP_UNKNOWN, "one for each app, and for none");

static const struct {
	const char *name, *error; /* NULL: without an error_type */
} NAMES[N_METERS] = {
	[METER_CONNECTIONS] = { "new_connections_total", NULL },
	[METER_SUBSCRIPTIONS] = { "channel_subscriptions_total", NULL },
	[METER_UNSUBSCRIPTIONS] = { "channel_unsubscriptions_total", NULL },
	[METER_RECEIVED_MESSAGES] = { "ws_messages_received_total", NULL },
	[METER_RECEIVED_BYTES] = { "socket_received_bytes", NULL },
	[METER_SENT_MESSAGES] = { "ws_messages_sent_total", NULL },
	[METER_SENT_BYTES] = { "socket_transmitted_bytes", NULL },
	[METER_HTTP_CALLS] = { "http_calls_received_total", NULL },
	[METER_HTTP_RECEIVED_BYTES] = { "http_received_bytes", NULL },
	[METER_HTTP_SENT_BYTES] = { "http_transmitted_bytes", NULL },
	[METER_NO_APP] = { "connection_errors_total", "app_not_found" },
	[METER_DISABLED] = { "connection_errors_total", "app_disabled" },
	[METER_OVER_CAPACITY] = { "connection_errors_total", "over_capacity" },
	[METER_OVER_QUOTA] = { "connection_errors_total", "over_quota" },
	[METER_SILENT] = { "connection_errors_total", "pong_timeout" },
};

/* Errors that end a connection, at the door or later. */
static const struct {
	unsigned code;
	enum meter_kind kind;
	bool is_refusal;
} ENDS[] = {
	{ 4001, METER_NO_APP, true },	     { 4003, METER_DISABLED, true },
	{ 4100, METER_OVER_CAPACITY, true }, { 4004, METER_OVER_QUOTA, true },
	{ 4201, METER_SILENT, false },
};

static void add(struct node *n, unsigned account, enum meter_kind kind, uint64_t least,
		uint64_t most)
{
	struct meter *m = &n->meters.of[account][kind];

	m->low += least;
	m->high += most;
}

void meter_count(struct node *n, unsigned app, enum meter_kind kind)
{
	add(n, account_of(app), kind, 1, 1);
}

/* Clients */

static void add_amounts(struct node *n, unsigned account, enum meter_kind messages,
			struct amount least, struct amount most)
{
	add(n, account, messages, least.messages, most.messages);
	add(n, account, messages + 1, least.bytes, most.bytes);
}

void meter_lose_asks(const struct client *c)
{
	for (unsigned i = 0; i < c->n_asks; i++) {
		const struct ask *a = &c->asks[(c->first_ask + i) % ASKS_MAX];

		if (a->kind == ASK_SUBSCRIBE && !a->topic->is_user)
			add(c->node, account_of(c->app), METER_SUBSCRIPTIONS, 0, 1);
		if (a->kind == ASK_UNSUBSCRIBE)
			add(c->node, account_of(c->app), METER_UNSUBSCRIPTIONS, 0, 1);
	}
}

/* What is dropped was counted, too. */
static struct amount heard_at_most(const struct client *c, bool is_all)
{
	if (!is_all || c->world->plan.drops_newest)
		return (struct amount){ MANY, MANY };
	return c->meter.heard;
}

static void settle(struct client *c)
{
	struct client_meter *m = &c->meter;
	unsigned account = account_of(c->app);

	add_amounts(c->node, account, METER_SENT_MESSAGES, m->heard, heard_at_most(c, true));
	add_amounts(c->node, account, METER_RECEIVED_MESSAGES, m->said, m->said);
	*m = (struct client_meter){ 0 };
}

static bool was_welcomed(const struct client *c)
{
	return c->id[0] != '\0';
}

/* Admitted by the hub, though it was never told so. */
static bool may_have_come(const struct client *c)
{
	return !was_welcomed(c) && c->app != APP_UNKNOWN && c->app != APP_DISABLED &&
	       c->farewell != 4004 && c->farewell != 4100;
}

/* While its app is gone who knocks is nobody's; his knock may be heard when he has gone. */
static bool may_be_nobodys(const struct client *c)
{
	return !was_welcomed(c) && c->app == APP_SMALL && c->world->plan.reloads;
}

/* knows_all: it has heard everything to the end. */
static void add_end(const struct client *c, size_t i, bool knows_all)
{
	/* Who does not read may be in a session, and be given up, without having heard of it. */
	bool is_possible =
		ENDS[i].is_refusal ? !was_welcomed(c) : was_welcomed(c) || may_have_come(c);
	bool is_told = is_possible && c->farewell == ENDS[i].code;
	bool may_be = is_told || (is_possible && !c->farewell && !knows_all);

	/* A reload ends those at the door, too. */
	if (may_be_nobodys(c))
		add(c->node, ACCOUNT_UNKNOWN, ENDS[i].kind, 0, may_be);
	add(c->node, account_of(c->app), ENDS[i].kind, is_told && !may_be_nobodys(c), may_be);
}

void meter_end(const struct client *c)
{
	const struct client_meter *m = &c->meter;
	bool is_all = c->state == CLIENT_OVER && !world_is_lenient(c->world);
	struct amount heard = heard_at_most(c, is_all), none = { 0 };
	bool is_unsure = may_be_nobodys(c);

	if (is_unsure)
		add_amounts(c->node, ACCOUNT_UNKNOWN, METER_SENT_MESSAGES, none, heard);
	add_amounts(c->node, account_of(c->app), METER_SENT_MESSAGES, is_unsure ? none : m->heard,
		    heard);
	add_amounts(c->node, account_of(c->app), METER_RECEIVED_MESSAGES, m->handled, m->said);
	add(c->node, account_of(c->app), METER_CONNECTIONS, 0, may_have_come(c));
	for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
		add_end(c, i, is_all);
}

/* Back-ends */

void meter_answer(struct node *n, const struct request *r, unsigned status, str body)
{
	if (r->account == ACCOUNT_NONE || status >= 400)
		return;
	add(n, r->account, METER_HTTP_CALLS, 1, 1);
	add(n, r->account, METER_HTTP_RECEIVED_BYTES, r->bytes, r->bytes);
	add(n, r->account, METER_HTTP_SENT_BYTES, body.n, body.n);
}

void meter_lose_answer(struct node *n, const struct request *r)
{
	if (r->account == ACCOUNT_NONE)
		return;
	add(n, r->account, METER_HTTP_CALLS, 0, 1);
	add(n, r->account, METER_HTTP_RECEIVED_BYTES, 0, r->bytes);
	add(n, r->account, METER_HTTP_SENT_BYTES, 0, MANY);
}

/* Reading */

static str account_id(const struct world *w, unsigned account)
{
	if (account == ACCOUNT_SYSTEM)
		return S("system");
	if (account == ACCOUNT_UNKNOWN)
		return S("unknown");
	return w->app[account - ACCOUNT_OF_APPS]->id;
}

/* It is the last label. */
static bool has_error(str series, const char *error)
{
	char end[60];
	size_t n = (size_t)snprintf(end, sizeof(end), "error_type=\"%s\"}", error);

	return series.n > n && str_eq(str_skip(series, series.n - n), (str){ end, n });
}

/* N_METERS: of another counter. */
static enum meter_kind kind_of(str series)
{
	str name = str_take(series, str_find_char(series, '{'));
	enum meter_kind kind = 0;

	name = str_skip(name, sizeof("sockudo_") - 1);
	while (kind < N_METERS && !(str_eq(name, str_from_cstr(NAMES[kind].name)) &&
				    (!NAMES[kind].error || has_error(series, NAMES[kind].error))))
		kind++;
	return kind;
}

/* N_ACCOUNTS: of another app. */
static unsigned account_named(const struct world *w, str series)
{
	str rest = str_skip(series, str_find_char(series, '"') + 1);
	str id = str_take(rest, str_find_char(rest, '"'));
	unsigned account = ACCOUNT_OF_APPS;

	while (account < N_ACCOUNTS && !str_eq(id, account_id(w, account)))
		account++;
	return account;
}

bool meter_knows(str series)
{
	return kind_of(series) < N_METERS;
}

uint64_t meter_n_messages(const struct node *n)
{
	const struct world *w = n->world;
	uint64_t n_messages = 0;

	for (unsigned i = 0; i < w->n_places; i++) {
		const struct client *c = w->clients[i];

		if (c && c->node == n)
			n_messages += c->meter.heard.messages + c->meter.said.messages;
	}
	return n_messages;
}

static void check_one(struct node *n, unsigned account, enum meter_kind kind)
{
	struct meter *m = &n->meters.of[account][kind];
	uint64_t grown = m->now - m->before;

	if (m->now < m->before || grown < m->low || grown > m->high)
		trace_fail(
			n->world->trace,
			"%s %s of %.*s on node %u went from %llu to %llu, and should have grown by "
			"%llu to %llu",
			NAMES[kind].name, NAMES[kind].error ? NAMES[kind].error : "",
			STR_ARG(account_id(n->world, account)), n->number,
			(unsigned long long)m->before, (unsigned long long)m->now,
			(unsigned long long)m->low, (unsigned long long)m->high);
	*m = (struct meter){ .before = m->now };
}

/* Kinds of channels are summed up. */
static void read_page(struct node *n, str page)
{
	struct page_reader r = { .page = page };
	struct page_counter c;

	while (page_next_counter(&r, &c)) {
		enum meter_kind kind = kind_of(c.series);
		unsigned account = kind < N_METERS ? account_named(n->world, c.series) : N_ACCOUNTS;
		uint64_t value = 0;

		if (account == N_ACCOUNTS)
			continue;
		str_to_u64(c.value, UINT64_MAX, &value);
		n->meters.of[account][kind].now += value;
	}
}

void meter_read(struct node *n, str page)
{
	struct world *w = n->world;

	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->node == n)
			settle(w->clients[i]);
	read_page(n, page);
	for (unsigned account = ACCOUNT_OF_APPS; account < N_ACCOUNTS; account++)
		for (enum meter_kind kind = 0; kind < N_METERS; kind++)
			check_one(n, account, kind);
}

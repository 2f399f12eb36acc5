/* oracle.c: the books, and what is wrong at once. verdict.c judges when the world rests. */
#include "oracle.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "verdict.h"

#include <stdio.h>

/* Users: ids that are strings and integers, infos that must not change on their way. */

static const struct {
	str id, data, info;
} USERS[USERS_MAX] = {
#define TEXT(t)                                                                                    \
	{                                                                                          \
		t, sizeof(t) - 1                                                                   \
	}
	{ TEXT("alice"), TEXT("\"user_id\":\"alice\",\"user_info\":{\"name\":\"Alice\"}"),
	  TEXT("{\"name\":\"Alice\"}") },
	{ TEXT("7"), TEXT("\"user_id\":7,\"user_info\":{\"n\":1.50,\"e\":1e5}"),
	  TEXT("{\"n\":1.50,\"e\":1e5}") },
	{ TEXT("zoë ☃"), TEXT("\"user_id\":\"zo\\u00eb ☃\",\"user_info\":\"\\\"q\\\"\""),
	  TEXT("\"\\\"q\\\"\"") },
	{ TEXT("bob"), TEXT("\"user_id\":\"bob\""), TEXT("{}") },
	{ TEXT("10"), TEXT("\"user_id\":\"10\",\"user_info\":[1, 2]"), TEXT("[1, 2]") },
	{ TEXT("carol"), TEXT("\"user_info\":null,\"user_id\":\"carol\""), TEXT("null") },
	{ TEXT("d\"e\\"), TEXT("\"user_id\":\"d\\\"e\\\\\",\"user_info\":{}"), TEXT("{}") },
	{ TEXT("witness"), TEXT("\"user_id\":\"witness\""), TEXT("{}") },
#undef TEXT
};

str user_id(int user)
{
	return USERS[user].id;
}

str user_data(int user)
{
	return USERS[user].data;
}

str user_info(int user)
{
	return USERS[user].info;
}

int user_find(str id)
{
	for (int i = 0; i < USERS_MAX; i++)
		if (str_eq(USERS[i].id, id))
			return i;
	return NOBODY;
}

/* Life */

void oracle_init(struct oracle *o, struct trace *t)
{
	*o = (struct oracle){ .trace = t, .first_id = 1 };
	arena_init(&o->arena, (size_t)1 << 20);
	o->events = mem_chunk_alloc(16, EVENTS_MAX * sizeof(struct event));
}

void oracle_fini(struct oracle *o)
{
	for (unsigned i = 0; i < o->n_topics; i++)
		ASSERT(!o->topics[i].subs);
	arena_fini(&o->arena);
	mem_chunk_free(o->events);
}

struct topic *oracle_topic(struct oracle *o, unsigned node, unsigned app, str name)
{
	for (unsigned i = 0; i < o->n_topics; i++) {
		struct topic *t = &o->topics[i];

		if (t->node == node && t->app == app && str_eq(str_from_cstr(t->name), name))
			return t;
	}
	return NULL;
}

/* Events */

/* Data that is easily damaged: blanks, escapes, characters of several bytes. */
static str event_text(struct oracle *o, uint32_t id, size_t pad_bytes)
{
	static const str ALPHABET = { "ab\\\"c ☃\\u00e9é/x", 19 };
	struct buf b;
	str text;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "{\"n\":%u, \"pad\":\"", id);
	while (pad_bytes > ALPHABET.n) {
		buf_puts(&b, ALPHABET);
		pad_bytes -= ALPHABET.n;
	}
	while (pad_bytes-- > 0)
		buf_putc(&b, (char)('a' + pad_bytes % 26));
	buf_puts(&b, S("\"}"));
	text = arena_copy(&o->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

struct event *oracle_send(struct oracle *o, uint32_t source, const struct event *like,
			  size_t pad_bytes)
{
	struct event *e = &o->events[o->n_events];

	ASSERT(o->n_events < EVENTS_MAX);
	*e = *like;
	e->id = o->first_id + o->n_events++;
	e->source = source;
	e->sent_at = ++o->now;
	e->n_attempts = 1;
	e->text = event_text(o, e->id, pad_bytes);
	if (!e->batch)
		e->batch = e->id;
	return e;
}

static struct event *event_find(struct oracle *o, uint64_t id)
{
	return id >= o->first_id && id - o->first_id < o->n_events ? &o->events[id - o->first_id] :
								     NULL;
}

void oracle_repeat(struct oracle *o, uint32_t id)
{
	struct event *e = event_find(o, id);

	ASSERT(e);
	e->n_attempts++;
	e->may_overtake |= !e->accepted_at;
}

void oracle_accepted(struct oracle *o, uint32_t id)
{
	struct event *e = event_find(o, id);

	ASSERT(e);
	e->is_taken = true;
	if (!e->accepted_at)
		e->accepted_at = ++o->now;
}

void oracle_taken(struct oracle *o, uint32_t id)
{
	struct event *e = event_find(o, id);

	ASSERT(e);
	e->is_taken = true;
}

void oracle_refused(struct oracle *o, uint32_t id)
{
	struct event *e = event_find(o, id);

	ASSERT(e && e->n_attempts > 0);
	if (--e->n_attempts > 0)
		return;
	e->is_void = true;
	if (e->accepted_at)
		trace_fail(o->trace, "event %u was refused, but somebody got it", id);
}

/* Subscriptions */

static bool may_miss_edges(const struct oracle *o)
{
	return o->may_lack_memory || o->may_drop;
}

static const struct sub *witness_of(const struct topic *t)
{
	const struct sub *s = t->subs;

	while (s && !(s->is_witness && s->state == SUB_ON))
		s = s->next;
	return s;
}

struct asked oracle_ask(struct oracle *o, const struct topic *t)
{
	const struct sub *w = witness_of(t);

	return (struct asked){ ++o->now, w ? w->n : 0 };
}

static struct json member(struct oracle *o, struct json object, const char *name)
{
	struct json found = { 0 };
	struct json_member m;
	struct json_iter it;

	if (object.kind != JSON_OBJECT)
		return found;
	it = json_enter(object);
	while (json_next_member(&it, &m))
		if (json_string_is(m.key, str_from_cstr(name)))
			found = m.value;
	return found;
}

/* {"presence":{"ids":[…],"hash":{…},"count":n}} as a set; every part must say the same. */
static uint32_t read_roster(struct oracle *o, const struct sub *s, str data)
{
	struct json doc, presence, ids, hash, id;
	struct json_iter in_ids, in_hash;
	struct json_member m;
	uint64_t count, n = 0;
	uint32_t members = 0;

	if (json_parse(data, 16, &doc, NULL) != OK)
		trace_fail(o->trace, "%s: a roster that is no JSON: %.*s", s->who, STR_ARG(data));
	presence = member(o, doc, "presence");
	ids = member(o, presence, "ids");
	hash = member(o, presence, "hash");
	if (ids.kind != JSON_ARRAY || hash.kind != JSON_OBJECT ||
	    !json_to_u64(member(o, presence, "count"), 1000, &count))
		trace_fail(o->trace, "%s: no roster: %.*s", s->who, STR_ARG(data));
	in_ids = json_enter(ids);
	in_hash = json_enter(hash);
	while (json_next_item(&in_ids, &id)) {
		int user = user_find(json_decode(id, &o->arena));

		if (user == NOBODY || members & 1u << user || !json_next_member(&in_hash, &m) ||
		    !json_string_is(m.key, user_id(user)) || !str_eq(m.value.raw, user_info(user)))
			trace_fail(o->trace, "%s: a roster with a wrong member: %.*s", s->who,
				   STR_ARG(data));
		members |= 1u << user;
		n++;
	}
	if (json_next_member(&in_hash, &m) || n != count)
		trace_fail(o->trace, "%s: a roster that contradicts itself: %.*s", s->who,
			   STR_ARG(data));
	if (!(members & 1u << s->user))
		trace_fail(o->trace, "%s: a roster without the one who asked: %.*s", s->who,
			   STR_ARG(data));
	return members;
}

static void check_plain_data(struct oracle *o, const struct sub *s, str data)
{
	if (!str_eq(data, S("{}")))
		trace_fail(o->trace, "%s: an acknowledgement with data %.*s", s->who,
			   STR_ARG(data));
}

struct sub *oracle_join(struct oracle *o, const struct sub *like, struct asked asked,
			str roster_data)
{
	struct sub *s = xnew(struct sub);

	*s = *like;
	s->asked_at = asked.at;
	s->known_at_ask = asked.known;
	s->joined_at = ++o->now;
	s->joined_us = o->trace->now_us;
	s->next = s->topic->subs;
	s->topic->subs = s;
	if (s->topic->is_presence)
		s->roster = s->members = read_roster(o, s, roster_data);
	else
		check_plain_data(o, s, roster_data);
	return s;
}

void oracle_rejoin(struct oracle *o, struct sub *s, str roster_data)
{
	uint32_t roster;

	if (!s->topic->is_presence) {
		check_plain_data(o, s, roster_data);
		return;
	}
	roster = read_roster(o, s, roster_data);
	if (roster != s->members && !may_miss_edges(o))
		trace_fail(o->trace,
			   "%s: a repeated roster of %s says %#x, but it has heard of %#x", s->who,
			   s->topic->name, roster, s->members);
	s->members = roster;
}

void oracle_leave(struct oracle *o, struct sub *s, uint64_t left_at)
{
	s->state = SUB_LEFT;
	s->left_at = left_at;
}

void oracle_lose(struct oracle *o, struct sub *s)
{
	s->state = SUB_LOST;
}

/* Hearing */

static void remember(struct oracle *o, struct sub *s, struct heard h)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct heard *bigger = arena_alloc(&o->arena, cap * sizeof(h));

		if (s->n)
			memcpy(bigger, s->heard, s->n * sizeof(h));
		s->heard = bigger;
		s->cap = cap;
	}
	s->heard[s->n++] = h;
}

static bool is_on_topic(const struct event *e, const struct topic *t)
{
	for (unsigned i = 0; i < e->n_topics; i++)
		if (e->topics[i] == t)
			return true;
	return false;
}

/* The number in {"n":17,… */
static uint64_t event_number(str data)
{
	uint64_t id = 0;

	data = str_skip(data, 5);
	str_to_u64(str_take(data, str_find_char(data, ',')), UINT32_MAX, &id);
	return id;
}

/* The last event of the same sender that was heard before, of those that come in his order. */
static const struct event *last_from(const struct sub *s, uint32_t source)
{
	for (size_t i = s->n; i-- > 0;) {
		const struct event *e = s->heard[i].event;

		if (e && e->source == source && !e->may_overtake)
			return e;
	}
	return NULL;
}

static const char *what_is_wrong(struct oracle *o, const struct sub *s, const struct event *e,
				 bool is_client_event, str data, str user)
{
	bool names_user = e->is_client_event && s->topic->is_presence;
	const struct event *last = last_from(s, e->source);

	if (!is_on_topic(e, s->topic))
		return "was sent to another channel";
	if (e->is_void)
		return "was refused";
	if (e->excluded == s->connection)
		return "must not go to this connection";
	if (e->is_client_event != is_client_event || !str_eq(e->text, data))
		return "was changed on its way";
	if (names_user ? !str_eq(user, user_id(e->user)) : user.p != NULL)
		return "names a wrong user";
	if (s->seen[(e->id - o->first_id) / 64] & UINT64_C(1) << (e->id - o->first_id) % 64)
		return "comes for the second time";
	if (e->accepted_at && e->accepted_at < s->asked_at)
		return "was over before this connection asked for the channel";
	if (last && last->id > e->id && !e->may_overtake)
		return "comes after a later one of the same sender";
	return NULL;
}

const struct event *oracle_find_event(struct oracle *o, str data)
{
	return event_find(o, event_number(data));
}

void oracle_hear(struct oracle *o, struct sub *s, bool is_client_event, str data, str user_id)
{
	uint64_t id = event_number(data);
	struct event *e = event_find(o, id);
	const char *wrong;

	if (!e)
		trace_fail(o->trace, "%s: on %s an event that nobody sent lately: %.*s", s->who,
			   s->topic->name, STR_ARG(data));
	wrong = what_is_wrong(o, s, e, is_client_event, data, user_id);
	if (wrong)
		trace_fail(o->trace, "%s: on %s event %u %s", s->who, s->topic->name, e->id, wrong);
	s->seen[(id - o->first_id) / 64] |= UINT64_C(1) << (id - o->first_id) % 64;
	remember(o, s, (struct heard){ HEARD_EVENT, NOBODY, e });
	oracle_accepted(o, e->id);
}

void oracle_hear_edge(struct oracle *o, struct sub *s, bool is_added, str data)
{
	const char *edge = is_added ? "member_added" : "member_removed";
	struct json doc, info;
	int user = NOBODY;
	bool is_there;

	if (json_parse(data, 16, &doc, NULL) == OK && member(o, doc, "user_id").raw.p)
		user = user_find(json_decode(member(o, doc, "user_id"), &o->arena));
	if (user == NOBODY || !s->topic->is_presence)
		trace_fail(o->trace, "%s: on %s a strange %s %.*s", s->who, s->topic->name, edge,
			   STR_ARG(data));
	info = member(o, doc, "user_info");
	if (is_added ? !str_eq(info.raw, user_info(user)) : info.raw.p != NULL)
		trace_fail(o->trace, "%s: %s with wrong user_info: %.*s", s->who, edge,
			   STR_ARG(data));
	if (user == s->user)
		trace_fail(o->trace, "%s: on %s %s of its own user", s->who, s->topic->name, edge);
	is_there = s->members & 1u << user;
	if (is_there == is_added && !may_miss_edges(o))
		trace_fail(o->trace, "%s: on %s %s of user %d, who was %s", s->who, s->topic->name,
			   edge, user, is_there ? "there" : "not there");
	s->members = is_added ? s->members | 1u << user : s->members & ~(1u << user);
	remember(o, s, (struct heard){ is_added ? HEARD_ADDED : HEARD_REMOVED, user, NULL });
}

/* What a cache channel remembers */

static bool is_known_to_hold(const struct oracle *o, const struct sub *s)
{
	if (s->asked_at == 0)
		return false; /* a repeated subscribe: its moment is not kept */
	for (unsigned i = 0; i < o->n_events; i++) {
		const struct event *e = &o->events[i];

		if (!e->is_client_event && e->accepted_at && e->accepted_at < s->asked_at &&
		    is_on_topic(e, s->topic))
			return true;
	}
	return false;
}

/* What follows a repeated acknowledgement has no place in the order that is known. */
static void note_follow(struct sub *s, int follow, const struct event *cached)
{
	if (s->joined_at == 0 || s->follow != FOLLOW_NONE)
		return;
	s->follow = follow;
	s->cached = cached;
}

void oracle_hear_miss(struct oracle *o, struct sub *s, str data)
{
	if (!str_eq(data, S("{}")))
		trace_fail(o->trace, "%s: on %s a miss with data %.*s", s->who, s->topic->name,
			   STR_ARG(data));
	if (!o->may_lack_memory && (s->topic->last == LAST_IS_KNOWN || is_known_to_hold(o, s)))
		trace_fail(o->trace, "%s: %s has forgotten its last event", s->who, s->topic->name);
	note_follow(s, FOLLOW_MISS, NULL);
}

/* Of an earlier round. */
static void hear_old(struct oracle *o, struct sub *s, uint64_t id)
{
	const struct topic *t = s->topic;
	bool is_right =
		t->last == LAST_IS_UNKNOWN || (t->last == LAST_IS_KNOWN && id == t->last_id);

	if (!o->may_lack_memory && (!is_right || is_known_to_hold(o, s)))
		trace_fail(o->trace, "%s: the last event of %s is said to be %u, it was %u", s->who,
			   t->name, (unsigned)id, t->last_id);
	note_follow(s, FOLLOW_OLD, NULL);
}

void oracle_hear_last(struct oracle *o, struct sub *s, str data)
{
	uint64_t id = event_number(data);
	struct event *e = event_find(o, id);

	if (!e && id > 0 && id < o->first_id) {
		hear_old(o, s, id);
		return;
	}
	if (!e || e->is_void || e->is_client_event || !is_on_topic(e, s->topic) ||
	    !str_eq(e->text, data))
		trace_fail(o->trace, "%s: no last event of %s: %.*s", s->who, s->topic->name,
			   STR_ARG(data));
	oracle_accepted(o, e->id);
	if (o->may_lack_memory)
		s->followed[(id - o->first_id) / 64] |= UINT64_C(1) << (id - o->first_id) % 64;
	note_follow(s, FOLLOW_EVENT, e);
}

/* Rest */

unsigned oracle_count_subs(const struct topic *t)
{
	unsigned n = 0;

	for (const struct sub *s = t->subs; s; s = s->next)
		n += s->state == SUB_ON;
	return n;
}

uint32_t oracle_members(const struct topic *t)
{
	uint32_t members = 0;

	for (const struct sub *s = t->subs; s; s = s->next)
		if (s->state == SUB_ON && s->user != NOBODY)
			members |= 1u << s->user;
	return members;
}

static void begin_round(struct oracle *o, struct topic *t)
{
	struct sub **at = &t->subs;

	while (*at) {
		struct sub *s = *at;

		if (s->state != SUB_ON) {
			*at = s->next;
			xfree(s);
			continue;
		}
		s->asked_at = s->joined_at = 0;
		s->known_at_ask = 0;
		s->roster = s->members;
		s->heard = NULL;
		s->follow = FOLLOW_NONE;
		s->cached = NULL;
		s->n = s->cap = 0;
		memset(s->seen, 0, sizeof(s->seen));
		memset(s->followed, 0, sizeof(s->followed));
		at = &s->next;
	}
}

void oracle_rest(struct oracle *o)
{
	for (unsigned i = 0; i < o->n_topics; i++) {
		verdict(o, &o->topics[i]);
		verdict_last(o, &o->topics[i]);
	}
	for (unsigned i = 0; i < o->n_topics; i++)
		begin_round(o, &o->topics[i]);
	arena_reset(&o->arena);
	o->first_id += o->n_events;
	o->n_events = 0;
}

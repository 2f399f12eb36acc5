/* publisher.c: a back-end's connections, and what it understands. What it asks is in
 * publisher_asks.c. */
#include "publisher.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "dismissal.h"
#include "keyed.h"
#include "reload.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>

/* Silence after which the server may hang up: its shortest deadline, and a little less. */
#define PATIENCE_US UINT64_C(9900000)

static _Noreturn void fail(const struct publisher *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void fail(const struct publisher *p, const char *fmt, ...)
{
	char text[1000];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace_fail(p->world->trace, "%s: %s", p->name, text);
}

/* Life */

static void on_change(struct sim_peer *peer)
{
	((struct publisher *)sim_peer_user(peer))->is_changed = true;
}

struct publisher *publisher_new(struct world *w, struct node *home, const char *name)
{
	struct publisher *p = xnew(struct publisher);

	p->world = w;
	p->home = home;
	snprintf(p->name, sizeof(p->name), "%s", name);
	arena_init(&p->arena, 0);
	buf_init(&p->in, SIZE_MAX / 2);
	buf_init(&p->out, SIZE_MAX / 2);
	return p;
}

static void lose(struct publisher *p, const struct request *r)
{
	keyed_lost(p->node, r->keyed);
	meter_lose_answer(p->node, r);
}

static void disconnected(struct publisher *p)
{
	for (unsigned i = 0; i < p->n; i++)
		lose(p, &p->requests[(p->first + i) % REQUESTS_MAX]);
	p->peer = NULL;
	p->n = 0;
	buf_fini(&p->in);
	buf_fini(&p->out);
	arena_reset(&p->arena);
}

void publisher_free(struct publisher *p)
{
	if (p->peer)
		publisher_vanish(p, false);
	arena_fini(&p->arena);
	xfree(p);
}

static void connect_anew(struct publisher *p, struct node *n)
{
	struct world *w = p->world;

	p->node = n;
	p->connection = ++w->n_connections;
	p->is_half_closed = p->is_stalled = p->is_over = p->has_heard = p->has_slept = false;
	p->may_be_shut_out = n->has_few_files || w->plan.fails_calls;
	p->last_progress_us = sim_now_us(w->sim);
	p->peer = node_connect(n, p->is_scraper ? DOOR_OF_METRICS : (unsigned)pick(w, DOORS),
			       p->name, on_change, p);
	trace_note(w->trace, p->name, "connects to node %u", n->number);
}

bool publisher_may_ask(struct publisher *p)
{
	struct node *n = p->peer ? p->node : p->home ? p->home : node_any(p->world);

	if (!n)
		return false;
	if (!p->peer)
		connect_anew(p, n);
	return !p->is_half_closed && !p->is_stalled && !p->is_over && p->n < REQUESTS_MAX - 2;
}

void publisher_vanish(struct publisher *p, bool by_reset)
{
	trace_note(p->world->trace, p->name, by_reset ? "resets" : "closes its socket");
	if (by_reset)
		tunnel_reset(p->peer);
	else
		tunnel_close(p->peer);
	disconnected(p);
}

void publisher_half_close(struct publisher *p)
{
	trace_note(p->world->trace, p->name, "ends its own stream");
	p->is_half_closed = true;
	p->is_changed = true;
}

void publisher_warn(struct publisher *p, unsigned app, unsigned meets)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct request *r = &p->requests[(p->first + i) % REQUESTS_MAX];

		if (r->app == app)
			r->meets |= meets;
	}
}

void publisher_sleep(struct publisher *p)
{
	p->has_slept = true;
	for (unsigned i = 0; i < p->n; i++)
		p->requests[(p->first + i) % REQUESTS_MAX].has_slept = true;
}

/* Answers */

static bool lists_users(struct publisher *p, str body, uint32_t users)
{
	struct json doc, list, id;
	struct json_iter it;
	struct json_member m;
	uint32_t found = 0;

	if (json_parse(body, 8, &doc, NULL) != OK || doc.kind != JSON_OBJECT)
		return false;
	it = json_enter(doc);
	if (!json_next_member(&it, &m) || !json_string_is(m.key, S("users")) ||
	    m.value.kind != JSON_ARRAY)
		return false;
	list = m.value;
	for (it = json_enter(list); json_next_item(&it, &id);) {
		struct json_iter in = json_enter(id);
		int user = NOBODY;

		if (json_next_member(&in, &m) && json_string_is(m.key, S("id")))
			user = user_find(json_decode(m.value, &p->arena));
		if (user == NOBODY || found & 1u << user)
			return false;
		found |= 1u << user;
	}
	return found == users;
}

static bool has_body(struct publisher *p, const struct request *r, str body)
{
	switch (r->check) {
	case BODY_IS:
		return str_eq(body, r->body);
	case BODY_HAS:
		return r->body.n == 0 ||
		       (r->body.n <= body.n && memmem(body.p, body.n, r->body.p, r->body.n));
	case BODY_IS_KEPT:
		p->world->page = arena_copy(&p->world->oracle.arena, body);
		return true;
	case BODY_LISTS_USERS:
		return lists_users(p, body, r->users);
	}
	NEVER("unknown check");
}

/* Without memory for its words a refusal is only a status, and a success has no counts. */
static bool is_legal_answer(struct publisher *p, const struct request *r,
			    const struct wire_answer *a)
{
	bool is_mute = p->world->plan.fails_memory && (a->status >= 400 || r->is_publish);

	if (a->status == 200 && !(r->meets & MEETS_SERVICE))
		return false;
	return a->status == r->status && (is_mute || has_body(p, r, a->body));
}

/* Its app was not there when its head came, so that its body was not kept, and is there again. */
static bool may_lack_body(const struct request *r)
{
	return r->bytes > 0 && (r->meets & MEETS_SERVICE) && r->meets != MEETS_SERVICE;
}

/* An honest "not now". */
static bool is_legal_refusal(const struct publisher *p, const struct request *r, unsigned status)
{
	const struct world *w = p->world;

	if (status != r->status && reload_may_answer(r->meets, status))
		return true;
	/* Its signature is old by now, or no longer, or the rest of it was late. */
	if (r->has_slept && (status == 401 || status == 408 || r->status == 401))
		return true;
	return status == 503 && (w->plan.fails_memory || may_lack_body(r));
}

static void on_answer(struct publisher *p, const struct wire_answer *a)
{
	struct oracle *o = &p->world->oracle;
	struct request *r = &p->requests[p->first];
	bool is_refused, is_published;

	if (p->n == 0 || p->is_over)
		fail(p, "got an answer to nothing: %.*s", STR_ARG(a->head));
	is_refused = is_legal_refusal(p, r, a->status);
	is_published = a->status == 200;
	if (!is_refused && !is_legal_answer(p, r, a))
		fail(p, "got %u %.*s, waits for %u %.*s (%#x)", a->status, STR_ARG(a->body),
		     r->status, STR_ARG(r->body), r->users);
	for (uint32_t i = 0; i < r->n_events; i++) {
		if (is_published)
			oracle_accepted(o, r->first_event + i);
		else
			oracle_refused(o, r->first_event + i);
	}
	if (is_published && r->dismissal)
		dismissal_done(p->world, r->dismissal);
	if (is_published && r->keyed)
		p->node->keyed.answered = r->keyed;
	meter_answer(p->node, r, a->status, a->body);
	p->is_over = r->is_last || a->closes;
	p->first = (p->first + 1) % REQUESTS_MAX;
	p->n--;
	p->last_progress_us = sim_now_us(p->world->sim);
}

static bool understand(struct publisher *p, str *in)
{
	bool is_head = p->n > 0 && p->requests[p->first].is_head;
	struct wire_answer a;
	err e = wire_take_answer(in, is_head, &a);

	if (e == ERR_AGAIN)
		return false;
	if (e != OK)
		fail(p, "got bytes that are no answer: %.*s", STR_ARG(*in));
	trace_say(p->world->trace, p->name, '<', "%.*s %.*s",
		  STR_ARG(str_skip(str_take(a.head, str_find_char(a.head, '\r')), 9)),
		  STR_ARG(a.body));
	if (a.status != 100)
		on_answer(p, &a);
	return true;
}

/* Serving */

static void send(struct publisher *p)
{
	size_t n = tunnel_write(p->peer, p->out.p, p->out.len);

	buf_drop_front(&p->out, n);
	if (p->is_half_closed && p->out.len == 0)
		tunnel_shutdown(p->peer);
}

/* What did not fit at once before a last answer, and this itself, waits while a loop has no turn, be it
 * that of another worker, for which the hub waits: maybe longer than the grace. Of a node that goes
 * every answer is a last one. */
static bool may_miss_last_answers(const struct publisher *p)
{
	return p->world->plan.stalls && p->n > 0 &&
	       (p->is_half_closed || p->node->is_draining ||
		p->requests[(p->first + p->n - 1) % REQUESTS_MAX].is_last);
}

/* What the server has not seen when it closes an idle connection is lost. */
static bool is_let_go(const struct publisher *p)
{
	const struct node *n = p->node;

	return n->is_lost || (n->is_draining && (p->n == 0 || server_is_leaving(n->server)));
}

static bool is_legal_end(const struct publisher *p)
{
	const struct world *w = p->world;
	bool was_silent = sim_now_us(w->sim) - p->last_progress_us >= PATIENCE_US;

	return p->is_over ||
	       ((w->plan.resets || w->plan.fails_calls) &&
		tunnel_state(p->peer) == SIM_PEER_RESET) ||
	       (p->is_half_closed && p->n == 0) || was_silent || p->has_slept || is_let_go(p) ||
	       may_miss_last_answers(p) || world_is_lenient(w) ||
	       (p->may_be_shut_out && !p->has_heard);
}

/* Whoever has not ended himself is told that his stream is whole. */
static bool is_cut_short(const struct publisher *p)
{
	bool may_be_cut =
		p->is_half_closed || p->has_slept || p->node->is_lost || world_is_lenient(p->world);

	return p->is_over && !may_be_cut && tunnel_is_cut(p->peer);
}

static void on_end(struct publisher *p)
{
	trace_note(p->world->trace, p->name, "its stream is over");
	if (!is_legal_end(p))
		fail(p, "is hung up on while it waits for %u answers", p->n);
	if (is_cut_short(p))
		fail(p, "has got the last answer, but not the end of TLS");
	publisher_vanish(p, false);
}

void publisher_serve(struct publisher *p)
{
	enum { CHUNK = 4096 };
	size_t n;
	str in;

	p->is_changed = false;
	if (!p->peer)
		return;
	send(p);
	while ((n = tunnel_read(p->peer, buf_reserve(&p->in, CHUNK), CHUNK)) > 0) {
		buf_commit(&p->in, n);
		p->has_heard = true;
	}
	send(p); /* the handshake may be over now */
	in = buf_str(&p->in);
	while (understand(p, &in))
		continue;
	buf_drop_front(&p->in, p->in.len - in.n);
	if (p->n == 0 && p->out.len == 0)
		arena_reset(&p->arena);
	switch (tunnel_state(p->peer)) {
	case SIM_PEER_REFUSED:
		if (!p->node->is_lost)
			fail(p, "is refused by the network");
		on_end(p);
		return;
	case SIM_PEER_ENDED:
	case SIM_PEER_RESET:
		on_end(p);
		return;
	case SIM_PEER_CONNECTING:
	case SIM_PEER_OPEN:
		return;
	}
}

void publisher_rest(struct publisher *p)
{
	size_t n_unsent;

	p->has_slept = false;
	if (!p->peer)
		return;
	if (p->n > 0)
		fail(p, "never got %u answers, the next is %u %.*s", p->n,
		     p->requests[p->first].status, STR_ARG(p->requests[p->first].body));
	if (p->is_over || p->is_half_closed)
		fail(p, "is not hung up on");
	n_unsent = p->out.len + tunnel_n_unsent(p->peer);
	if (p->in.len > 0 || n_unsent > 0)
		fail(p, "%zu bytes are stuck on their way in, %zu out", p->in.len, n_unsent);
}

#include "ghost.h"

#include "base/check.h"
#include "base/mem.h"

enum { PIPELINED = 400 };

/* Until the server lets go: its patience with a head, with a body or with an answer, and the grace. */
static const struct {
	const char *what;
	bool drips, reads;
	uint64_t patience_ms;
	str text, answer; /* how whatever it says must begin */
} KINDS[] = {
#define TEXT(t)                                                                                    \
	{                                                                                          \
		t, sizeof(t) - 1                                                                   \
	}
	{ "connects and says nothing", false, true, 15000, { 0 }, TEXT("HTTP/1.1 408 ") },
	{ "says its head a byte at a time", true, true, 20000,
	  TEXT("GET /app/app-key HTTP/1.1\r\nhost: localhost\r\nx-filler: so that it takes "
	       "long\r\n"),
	  TEXT("HTTP/1.1 408 ") },
	{ "asks without an end and never reads", false, false, 90000,
	  TEXT("GET /up/nobody HTTP/1.1\r\n\r\n"), TEXT("HTTP/1.1 404 ") },
#undef TEXT
};

struct ghost {
	struct node *node;
	struct sim_peer *peer;
	unsigned kind;
	uint64_t next_at_us, gap_us; /* between two bytes */
	size_t n_said, n_heard;	     /* of its answer's beginning */
};

static size_t say(struct ghost *g, size_t max)
{
	str text = str_skip(KINDS[g->kind].text, g->n_said % KINDS[g->kind].text.n);
	size_t n = sim_peer_write(g->peer, text.p, text.n < max ? text.n : max);

	g->n_said += n;
	return n;
}

static void vanish(struct world *w, unsigned i)
{
	sim_peer_close(w->ghosts[i]->peer);
	xfree(w->ghosts[i]);
	w->ghosts[i] = NULL;
}

/* Who goes, or lacks memory, answers otherwise. */
static bool is_owed_its_answer(const struct ghost *g)
{
	return !g->node->is_draining && !g->node->world->plan.fails_memory;
}

/* False: nothing more has arrived. */
static bool hear(struct world *w, struct ghost *g)
{
	str expected = str_skip(KINDS[g->kind].answer, g->n_heard);
	char bytes[64];
	size_t n = sim_peer_read(g->peer, bytes, sizeof(bytes));
	size_t n_known = n < expected.n ? n : expected.n;

	if (n_known > 0 && is_owed_its_answer(g) && memcmp(bytes, expected.p, n_known) != 0)
		trace_fail(w->trace, "a ghost that %s is told %.*s", KINDS[g->kind].what, (int)n,
			   bytes);
	g->n_heard += n_known;
	return n > 0;
}

/* What it was told, once it reads; then its end. */
static void serve(struct world *w, unsigned i)
{
	struct ghost *g = w->ghosts[i];
	uint64_t now_us = sim_now_us(w->sim);

	if (KINDS[g->kind].drips && now_us >= g->next_at_us && g->n_said < KINDS[g->kind].text.n) {
		say(g, 1);
		g->next_at_us = now_us + g->gap_us;
	}
	if (!KINDS[g->kind].drips && KINDS[g->kind].text.n > 0)
		while (g->n_said < PIPELINED * KINDS[g->kind].text.n && say(g, SIZE_MAX) > 0)
			continue;
	while (hear(w, g))
		continue;
	if (sim_peer_state(g->peer) == SIM_PEER_ENDED ||
	    sim_peer_state(g->peer) == SIM_PEER_RESET ||
	    sim_peer_state(g->peer) == SIM_PEER_REFUSED)
		vanish(w, i);
}

bool ghost_appear(struct world *w)
{
	struct node *n = node_any(w);
	struct ghost *g;
	unsigned i = 0;

	while (i < GHOSTS_MAX && w->ghosts[i])
		i++;
	if (!w->plan.has_ghosts || !n || i == GHOSTS_MAX)
		return false;
	g = w->ghosts[i] = xnew(struct ghost);
	g->node = n;
	g->kind = (unsigned)pick(w, ARRAY_LEN(KINDS));
	g->next_at_us = sim_now_us(w->sim);
	g->gap_us = pick(w, 4000000);
	g->peer = node_connect(n, (unsigned)pick(w, DOORS), NULL, g);
	sim_peer_pause(g->peer, !KINDS[g->kind].reads);
	trace_fault(w->trace, "a ghost %s", KINDS[g->kind].what);
	return true;
}

void ghost_serve(struct world *w)
{
	for (unsigned i = 0; i < GHOSTS_MAX; i++)
		if (w->ghosts[i])
			serve(w, i);
}

uint64_t ghost_patience_ms(const struct world *w)
{
	uint64_t ms = 0;

	for (unsigned i = 0; i < GHOSTS_MAX; i++)
		if (w->ghosts[i] && KINDS[w->ghosts[i]->kind].patience_ms > ms)
			ms = KINDS[w->ghosts[i]->kind].patience_ms;
	return ms;
}

void ghost_rest(struct world *w)
{
	for (unsigned i = 0; i < GHOSTS_MAX; i++) {
		if (!w->ghosts[i])
			continue;
		sim_peer_pause(w->ghosts[i]->peer, false);
		serve(w, i);
	}
	world_settle(w);
	for (unsigned i = 0; i < GHOSTS_MAX; i++)
		if (w->ghosts[i])
			trace_fail(w->trace, "a ghost that %s is not let go",
				   KINDS[w->ghosts[i]->kind].what);
}

#include "ghost.h"

#include "base/check.h"
#include "base/mem.h"
#include "tunnel.h"

enum { PIPELINED = 400 };

/* Where it knocks instead of coming in as one has to. */
enum place { ANYWHERE, AT_TLS, AT_PROXY };

/* Until the server lets go: its patience with a head, with a body or with an answer, and the grace. */
static const struct {
	const char *what;
	enum place place;
	bool drips, reads;
	uint64_t patience_ms;
	str text, answer; /* how whatever it says must begin; none: it says nothing */
} KINDS[] = {
#define TEXT(t)                                                                                    \
	{                                                                                          \
		t, sizeof(t) - 1                                                                   \
	}
	{ "connects and says nothing", ANYWHERE, false, true, 15000, TEXT(""),
	  TEXT("HTTP/1.1 408 ") },
	{ "says its head a byte at a time", ANYWHERE, true, true, 20000,
	  TEXT("GET /app/app-key HTTP/1.1\r\nhost: localhost\r\nx-filler: so that it takes "
	       "long\r\n"),
	  TEXT("HTTP/1.1 408 ") },
	{ "asks without an end and never reads", ANYWHERE, false, false, 90000,
	  TEXT("GET /up/nobody HTTP/1.1\r\n\r\n"), TEXT("HTTP/1.1 404 ") },
	{ "says nothing where TLS is spoken", AT_TLS, false, true, 15000, TEXT(""), TEXT("") },
	{ "stops in its first words of TLS", AT_TLS, true, true, 15000,
	  TEXT("\x16\3\1\2\0\1\0\1\xfc\3\3"), TEXT("") },
	{ "speaks HTTP where TLS is spoken", AT_TLS, true, true, 15000,
	  TEXT("GET /up HTTP/1.1\r\n\r\n"), TEXT("HTTP/1.1 400 ") },
	{ "stops in its PROXY header", AT_PROXY, true, true, 15000,
	  TEXT("PROXY TCP4 203.0.113.7 192.0.2.1 1024 4"), TEXT("") },
	{ "announces a long PROXY header", AT_PROXY, true, true, 15000,
	  TEXT("\r\n\r\n\0\r\nQUIT\n\x21\x11\x0f\xf0"), TEXT("") },
	{ "has a PROXY header that makes no sense", AT_PROXY, true, true, 15000,
	  TEXT("PROXY TCP4 203.0.113.7 ::1 1024 443\r\n"), TEXT("") },
#undef TEXT
};

struct ghost {
	struct node *node;
	struct tunnel *peer;
	unsigned kind;
	bool reads;
	uint64_t next_at_us, gap_us; /* between two bytes */
	size_t n_said, n_heard;	     /* of its answer's beginning */
};

static size_t say(struct ghost *g, size_t max)
{
	str text = str_skip(KINDS[g->kind].text, g->n_said % KINDS[g->kind].text.n);
	size_t n = tunnel_write(g->peer, text.p, text.n < max ? text.n : max);

	g->n_said += n;
	return n;
}

static void vanish(struct world *w, unsigned i)
{
	tunnel_close(w->ghosts[i]->peer);
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
	size_t n = tunnel_read(g->peer, bytes, sizeof(bytes));
	size_t n_known = n < expected.n ? n : expected.n;

	if (n > 0 && is_owed_its_answer(g) &&
	    (KINDS[g->kind].answer.n == 0 || memcmp(bytes, expected.p, n_known) != 0))
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

	/* A handshake takes reading. */
	tunnel_pause(g->peer, !g->reads && g->n_said > 0);
	if (KINDS[g->kind].drips && now_us >= g->next_at_us && g->n_said < KINDS[g->kind].text.n) {
		say(g, 1);
		g->next_at_us = now_us + g->gap_us;
	}
	if (!KINDS[g->kind].drips && KINDS[g->kind].text.n > 0)
		while (g->n_said < PIPELINED * KINDS[g->kind].text.n && say(g, SIZE_MAX) > 0)
			continue;
	while (hear(w, g))
		continue;
	if (tunnel_state(g->peer) == SIM_PEER_ENDED || tunnel_state(g->peer) == SIM_PEER_RESET ||
	    tunnel_state(g->peer) == SIM_PEER_REFUSED)
		vanish(w, i);
}

static bool fits(const struct world *w, unsigned kind)
{
	switch (KINDS[kind].place) {
	case ANYWHERE:
		return true;
	case AT_TLS:
		return w->plan.speaks_tls;
	case AT_PROXY:
		return w->plan.is_proxied;
	}
	NEVER("no such place");
}

static unsigned draw_kind(struct world *w)
{
	unsigned kind;

	do
		kind = (unsigned)pick(w, ARRAY_LEN(KINDS));
	while (!fits(w, kind));
	return kind;
}

bool ghost_appear(struct world *w)
{
	struct node *n = node_any(w);
	struct ghost *g;
	unsigned door, i = 0;

	while (i < GHOSTS_MAX && w->ghosts[i])
		i++;
	if (!w->plan.has_ghosts || !n || i == GHOSTS_MAX)
		return false;
	g = w->ghosts[i] = xnew(struct ghost);
	g->node = n;
	g->kind = draw_kind(w);
	g->next_at_us = sim_now_us(w->sim);
	g->gap_us = pick(w, 4000000);
	door = (unsigned)pick(w, DOORS);
	if (KINDS[g->kind].place == ANYWHERE)
		g->peer = node_connect(n, door, "a ghost", NULL, g);
	else
		g->peer = node_knock(n, door, "a ghost");
	g->reads = KINDS[g->kind].reads;
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
		w->ghosts[i]->reads = true;
		serve(w, i);
	}
	world_settle(w);
	for (unsigned i = 0; i < GHOSTS_MAX; i++)
		if (w->ghosts[i])
			trace_fail(w->trace, "a ghost that %s is not let go",
				   KINDS[w->ghosts[i]->kind].what);
}

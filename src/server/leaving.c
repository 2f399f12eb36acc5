#include "server/leaving.h"

#include "base/check.h"
#include "base/mem.h"
#include "core/mail.h"
#include "io/unlucky.h"
#include "server/conn.h"
#include "server/worker.h"

/* About a millisecond. */
#define LEAVES_PER_TURN 1000
/* Mail with the hub behind which no portion is put: what others say would have to wait for it. */
#define HUB_BYTES_MAX ((size_t)64 * 1024)
/* Of one record: below the size that always finds memory. */
#define ENTRIES_MAX 200

struct portion {
	struct list link;
	uint32_t n;
	struct to_hub_leave_entry entries[];
};

void leaving_init(struct leaving *l)
{
	*l = (struct leaving){ .per_turn_max = LEAVES_PER_TURN };
	list_init(&l->portions);
}

/* Takes c out of its last channels. */
static void take_entries(struct conn *c, uint32_t n, struct to_hub_leave_entry *out)
{
	for (uint32_t i = 0; i < n; i++) {
		struct sub *s = &subs_at(&c->subs)[c->subs.n - 1];

		out[i] = (struct to_hub_leave_entry){ s->local->channel, s->membership };
		subs_leave(c, s);
	}
}

static struct to_hub_leave_entry *tell(struct worker *w, uint32_t n)
{
	struct to_hub_leave *r = worker_mail(w, TO_HUB_LEAVE, sizeof *r + n * sizeof r->entries[0]);

	*r = (struct to_hub_leave){ .has_hung_up = true, .n = n };
	w->leaving.n_this_turn += n;
	return r->entries;
}

static struct to_hub_leave_entry *keep(struct worker *w, uint32_t n)
{
	struct portion *p = xalloc(sizeof *p + n * sizeof p->entries[0]);

	p->n = n;
	list_push_back(&w->leaving.portions, &p->link);
	w->leaving.n += n;
	w->leaving.n_kept++;
	return p->entries;
}

static bool may_tell(const struct worker *w)
{
	return w->leaving.n_this_turn < w->leaving.per_turn_max && w->leaving.n == 0 &&
	       !loop_is_unlucky(w->loop, UNLUCKY_LEAVE_LATE);
}

void leaving_take(struct conn *c)
{
	struct worker *w = c->worker;

	while (c->subs.n > 0) {
		uint32_t n = c->subs.n < ENTRIES_MAX ? c->subs.n : ENTRIES_MAX;

		take_entries(c, n, may_tell(w) ? tell(w, n) : keep(w, n));
	}
}

static void tell_portion(struct worker *w)
{
	struct portion *p =
		container_of(list_pop_front(&w->leaving.portions), struct portion, link);

	memcpy(tell(w, p->n), p->entries, p->n * sizeof p->entries[0]);
	w->leaving.n -= p->n;
	w->leaving.n_told++;
	xfree(p);
}

void leaving_turn(struct worker *w)
{
	bool hub_has_time =
		mailbox_bytes(w->hub_inbox) < HUB_BYTES_MAX && !mailbox_is_full(w->hub_inbox);

	while (hub_has_time && leaving_is_due(&w->leaving) &&
	       w->leaving.n_this_turn < w->leaving.per_turn_max)
		tell_portion(w);
	w->leaving.n_this_turn = 0;
}

/* timer.c: a hierarchical wheel, 5 levels of 64 slots.
 *
 * Level 0 has a slot for each of the next 64 ticks (1 s), level 1 for each 64 ticks (65 s), and so
 * on up to 198 days. A timer lies in the finest level that reaches its tick; when the wheel comes
 * to a slot of a coarse level, the slot's timers move down, at most four times in a life. Arming
 * and disarming touch one list and never search, which is what ten thousand sessions that re-arm on
 * every frame need; a heap would pay for order that nobody asks for.
 *
 * The wheel jumps from one occupied slot to the next instead of ticking through silence, so a
 * simulator that leaps over hours pays nothing for them. Not here: finer resolution, and firing
 * early. A timer is due when its whole delay has passed on the loop's clock, and then up to one
 * tick later. */
#include "io/timer.h"

#include "base/check.h"
#include "io/loop_ops.h"

static struct timer *timer_of(struct list *link)
{
	return container_of(link, struct timer, link);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ns)
{
	w->done_tick = (uint32_t)(now_ns / TIMER_TICK_NS);
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		w->maybe[level] = 0;
		for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
}

/* The timer's tick is done_tick or after it. One beyond the reach of the coarsest level comes by
 * there early and is put again. */
static void wheel_put(struct timer_wheel *w, struct timer *t)
{
	uint32_t ahead = t->due_tick - w->done_tick;
	unsigned level = ahead == 0 ? 0 : (31 - (unsigned)__builtin_clz(ahead)) / TIMER_SLOT_BITS;
	unsigned slot;

	if (level >= TIMER_LEVELS)
		level = TIMER_LEVELS - 1;
	slot = (t->due_tick >> (level * TIMER_SLOT_BITS)) % TIMER_SLOTS;
	list_push_back(&w->slots[level][slot], &t->link);
	w->maybe[level] |= UINT64_C(1) << slot;
}

/* Ticks from done_tick to the beginning of the level's next occupied slot; UINT32_MAX: none. */
static uint32_t level_next(struct timer_wheel *w, unsigned level)
{
	unsigned shift = level * TIMER_SLOT_BITS;
	uint32_t now = w->done_tick >> shift;
	unsigned start = (now + 1) % TIMER_SLOTS;

	while (w->maybe[level]) {
		uint64_t from_start = w->maybe[level] >> start;
		unsigned slot, ahead;

		if (start)
			from_start |= w->maybe[level] << (TIMER_SLOTS - start);
		ahead = (unsigned)__builtin_ctzll(from_start);
		slot = (start + ahead) % TIMER_SLOTS;
		if (!list_is_empty(&w->slots[level][slot]))
			return ((now + 1 + ahead) << shift) - w->done_tick;
		w->maybe[level] &= ~(UINT64_C(1) << slot);
	}
	return UINT32_MAX;
}

/* Ticks from done_tick to the next one at which something is to be done; UINT32_MAX: nothing is
 * armed. */
static uint32_t wheel_next(struct timer_wheel *w)
{
	uint32_t nearest = UINT32_MAX;

	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		uint32_t ahead = level_next(w, level);

		if (ahead < nearest)
			nearest = ahead;
	}
	return nearest;
}

uint64_t timer_wheel_wait_ns(struct timer_wheel *w, uint64_t now_ns)
{
	uint32_t ahead = wheel_next(w);
	uint32_t passed = (uint32_t)(now_ns / TIMER_TICK_NS) - w->done_tick;

	if (ahead == UINT32_MAX)
		return UINT64_MAX;
	if (ahead <= passed)
		return 0;
	return (uint64_t)(ahead - passed) * TIMER_TICK_NS - now_ns % TIMER_TICK_NS;
}

/* done_tick has just come to the beginning of slots on some coarse levels: their timers move
 * down. */
static void wheel_move_down(struct timer_wheel *w)
{
	for (unsigned level = 1; level < TIMER_LEVELS; level++) {
		unsigned shift = level * TIMER_SLOT_BITS;
		unsigned slot = (w->done_tick >> shift) % TIMER_SLOTS;
		struct list moved, *link;

		if (w->done_tick & ((UINT32_C(1) << shift) - 1))
			return;
		list_init(&moved);
		list_splice_back(&moved, &w->slots[level][slot]);
		while ((link = list_pop_front(&moved)))
			wheel_put(w, timer_of(link));
	}
}

/* on_due may arm and disarm anything; what it arms is due after done_tick, so this list only
 * shrinks. */
static void wheel_call_due(struct timer_wheel *w)
{
	struct list due, *link;

	list_init(&due);
	list_splice_back(&due, &w->slots[0][w->done_tick % TIMER_SLOTS]);
	while ((link = list_pop_front(&due))) {
		struct timer *t = timer_of(link);

		t->on_due(t);
	}
}

void timer_wheel_run(struct timer_wheel *w, uint64_t now_ns)
{
	uint32_t now_tick = (uint32_t)(now_ns / TIMER_TICK_NS);

	while (w->done_tick != now_tick) {
		uint32_t ahead = wheel_next(w);

		if (ahead > now_tick - w->done_tick) {
			w->done_tick = now_tick;
			return;
		}
		w->done_tick += ahead;
		wheel_move_down(w);
		wheel_call_due(w);
	}
}

void timer_init(struct timer *t, void (*on_due)(struct timer *t))
{
	*t = (struct timer){ .on_due = on_due };
	list_init(&t->link);
}

void timer_arm(struct loop *l, struct timer *t, uint64_t delay_ms)
{
	uint64_t due_ns = l->clock.mono_ns + delay_ms * 1000000u;

	ASSERT(delay_ms <= TIMER_DELAY_MAX_MS);
	list_remove(&t->link);
	t->due_tick = (uint32_t)((due_ns + TIMER_TICK_NS - 1) / TIMER_TICK_NS);
	/* Not into the slot that is being called, or was. */
	if ((int32_t)(t->due_tick - l->timers.done_tick) <= 0)
		t->due_tick = l->timers.done_tick + 1;
	wheel_put(&l->timers, t);
}

void timer_disarm(struct timer *t)
{
	list_remove(&t->link);
}

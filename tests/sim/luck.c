#include "luck.h"

#include <stdio.h>

static const char *const WORDS[] = {
#define UNLUCKY(name, word) word,
#include "io/unlucky.def"
#undef UNLUCKY
};

void luck_begin(struct world *w)
{
	uint32_t points;

	world_take_dice(w, DICE_LUCK, 0);
	points = (uint32_t)pick(w, UINT64_C(1) << N_UNLUCKY);
	/* Often a single one. */
	if (chance(w, 30))
		points = UINT32_C(1) << pick(w, N_UNLUCKY);
	sim_set_luck(w->sim, points, w->plan.bad_luck);
}

void luck_end(struct world *w)
{
	sim_set_luck(w->sim, 0, 0);
	for (unsigned i = 0; i < N_UNLUCKY; i++)
		w->luck[i] = sim_luck_count(w->sim, i);
}

void luck_count(struct luck_tally *t, const struct world *w)
{
	for (unsigned i = 0; i < N_UNLUCKY; i++) {
		t->counts[i].n_asked += w->luck[i].n_asked;
		t->counts[i].n_struck += w->luck[i].n_struck;
	}
}

void luck_print(const struct luck_tally *t)
{
	printf("# bad luck, struck of asked:");
	for (unsigned i = 0; i < N_UNLUCKY; i++)
		printf(" %s %llu/%llu", WORDS[i], (unsigned long long)t->counts[i].n_struck,
		       (unsigned long long)t->counts[i].n_asked);
	printf("%s\n", UNLUCKY_IS_BUILT ? "" : " (this build never asks)");
}

const char *luck_find_dead(const struct luck_tally *t)
{
	for (unsigned i = 0; i < N_UNLUCKY && UNLUCKY_IS_BUILT; i++)
		if (t->counts[i].n_struck == 0)
			return WORDS[i];
	return NULL;
}

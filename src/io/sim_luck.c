/* sim_luck.c: bad luck, from a stream of its own: who switches it off gets the same run without. */
#include "base/check.h"
#include "io/sim_priv.h"

_Static_assert(N_UNLUCKY <= 32, "struct sim_luck has a bit for each point");

void sim_set_luck(struct sim *s, uint32_t points, unsigned percent)
{
	ASSERT(percent < 100);
	s->luck.points = points;
	s->luck.percent = percent;
}

struct sim_luck_count sim_luck_count(const struct sim *s, enum unlucky point)
{
	return s->luck.counts[point];
}

bool sim_is_unlucky(const struct loop *l, enum unlucky point)
{
	struct sim_luck *luck = &((const struct sim_loop *)l)->sim->luck;
	struct sim_luck_count *c = &luck->counts[point];

	if (!(luck->points >> point & 1) || luck->percent == 0)
		return false;
	c->n_asked++;
	if (sim_splitmix(&luck->random) % 100 >= luck->percent)
		return false;
	c->n_struck++;
	return true;
}

#include "scenario.h"

#include "acts.h"
#include "base/mem.h"
#include "client.h"
#include "publisher.h"

uint64_t scenario_random(struct world *w, struct trace *t, uint64_t seed, unsigned n_steps,
			 const struct world_wish *wish)
{
	uint64_t hash;

	world_init(w, t, seed, wish);
	acts_run(w, n_steps);
	world_end(w);
	hash = sim_trace_hash(w->sim);
	world_fini(w);
	return hash;
}

static void visit(struct world *w, unsigned n)
{
	struct oracle *o = &w->oracle;

	for (unsigned i = 0; i < n; i++)
		if (world_begin_act(w))
			client_connect(&w->nodes[0], APP_MAIN, false);
	world_settle(w);
	for (unsigned i = 0; i < w->n_places; i++)
		for (unsigned k = 0; k < o->n_topics && w->clients[i]; k++)
			if (o->topics[k].app == APP_MAIN && chance(w, 50))
				client_subscribe(w->clients[i], &o->topics[k],
						 (int)pick(w, w->plan.n_users));
	if (publisher_may_ask(w->publishers[0]))
		publisher_publish(w->publishers[0]);
	for (unsigned k = (unsigned)pick(w, 200); k > 0; k--)
		world_step(w);
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i])
			client_vanish(w->clients[i], chance(w, 50));
	world_settle(w);
	oracle_rest(o);
}

void scenario_churn(struct world *w, struct trace *t, unsigned n)
{
	enum { AT_ONCE = 20 };
	struct world_wish wish = { .n_nodes = 1, .n_workers = 2, .is_peaceful = true };

	world_init(w, t, 1, &wish);
	for (unsigned i = 0; i < n; i += AT_ONCE)
		visit(w, AT_ONCE);
	world_end(w);
	world_fini(w);
}

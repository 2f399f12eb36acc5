/* plan.h: what a seed decides before anything happens. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "world.h"

void plan_draw(struct world *w, const struct world_wish *wish);
/* Of the trouble's or feature's member: 0, it does not happen. */
unsigned plan_value(const struct plan *p, enum trouble t);
/* ", rough, quota 5": all that happen. At most so many bytes. */
void plan_words(const struct plan *p, char *text, size_t bytes);
struct sim_options plan_weather(struct world *w);
struct server_options plan_options(struct world *w);
/* The book. */
void plan_apps(struct world *w);
/* What the server gets. */
struct app_table *plan_table(struct world *w, bool has_small, bool serves_small, uint32_t quota,
			     unsigned n_guests);
void plan_topics(struct world *w);

#endif

/* plan.h: what a seed decides before anything happens. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "world.h"

void plan_draw(struct world *w, const struct world_wish *wish);
struct sim_options plan_weather(struct world *w);
struct server_options plan_options(struct world *w);
void plan_apps(struct world *w);
void plan_topics(struct world *w);

#endif

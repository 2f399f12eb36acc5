/* pressure.h: memory near its limit, as the system reports it: newcomers are refused, until there is room
 * again. The server looks every so often; in between either is right. */
#ifndef SIM_PRESSURE_H
#define SIM_PRESSURE_H

#include "world.h"

/* What the server can read from the beginning, and how often it looks. */
void pressure_begin(struct world *w, struct server_options *o);
/* An act: the pressure begins or is over. */
bool pressure_act(struct world *w);
void pressure_set(struct world *w, bool is_high);

#endif

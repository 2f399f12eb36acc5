/* verdict.h: what must hold on a channel when the world rests. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "oracle.h"

void verdict(struct oracle *o, const struct topic *t);
/* What a cache channel must remember from now on. */
void verdict_last(const struct oracle *o, struct topic *t);

#endif

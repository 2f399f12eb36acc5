/* verdict.h: what must hold on a channel when the world rests. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "oracle.h"

void verdict(struct oracle *o, const struct topic *t);

#endif

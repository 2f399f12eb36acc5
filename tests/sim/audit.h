/* audit.h: what the server says about itself, while the world rests. */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "world.h"

/* Counts, and the answers of GET channels and GET users, against the model. */
void audit(struct node *n);
/* Nobody is there any more. */
void audit_emptiness(struct world *w);

#endif

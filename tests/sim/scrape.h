/* scrape.h: what Prometheus is told while the world rests is what the model knows. */
#ifndef SIM_SCRAPE_H
#define SIM_SCRAPE_H

#include "core/hub.h"
#include "world.h"

/* The page, read anew. In the oracle's arena: valid for the round. */
str scrape(struct node *n);
/* One app's connections now, those that ever came less those that have ended, and channels. */
void scrape_check(struct node *n, str page, unsigned app, const struct app_counts *should);

#endif

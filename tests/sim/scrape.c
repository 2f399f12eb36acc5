#include "scrape.h"

#include "publisher.h"

#include <stdio.h>

str scrape(struct node *n)
{
	struct world *w = n->world;
	struct publisher *p = publisher_new(w, n, "audit");

	p->is_scraper = true;
	w->page = (str){ 0 };
	w->scraper = p;
	publisher_may_ask(p);
	publisher_get_plain(p, "/metrics",
			    &(struct request){ .status = 200, .check = BODY_IS_KEPT });
	world_settle(w);
	publisher_rest(p);
	publisher_free(p);
	w->scraper = NULL;
	if (w->page.n == 0)
		trace_fail(w->trace, "/metrics is empty");
	world_settle(w);
	return w->page;
}

/* The sum of all series of that name and app. */
static uint64_t sum_of(str page, const char *name, str app_id)
{
	uint64_t sum = 0;
	char head[120];
	int n = snprintf(head, sizeof(head), "sockudo_%s{app_id=\"%.*s\",", name, STR_ARG(app_id));

	while (page.n > 0) {
		str line = str_split(&page, '\n');
		uint64_t value = 0;

		if (!str_has_prefix(line, (str){ head, (size_t)n }))
			continue;
		str_to_u64(str_skip(line, str_find_char(line, ' ') + 1), UINT64_MAX, &value);
		sum += value;
	}
	return sum;
}

void scrape_check(struct node *n, str page, unsigned app, const struct app_counts *should)
{
	struct world *w = n->world;
	str id = w->app[app]->id;
	uint64_t connected = sum_of(page, "connected", id);
	uint64_t came = sum_of(page, "new_connections_total", id);
	uint64_t went = sum_of(page, "new_disconnections_total", id);
	uint64_t channels = sum_of(page, "active_channels", id);

	if (connected != should->connections || came - went != should->connections ||
	    channels != should->channels)
		trace_fail(w->trace,
			   "app %u in /metrics of node %u: %llu connected, %llu came, %llu went, "
			   "%llu channels; "
			   "there should be %zu and %zu",
			   app, n->number, (unsigned long long)connected, (unsigned long long)came,
			   (unsigned long long)went, (unsigned long long)channels,
			   should->connections, should->channels);
}

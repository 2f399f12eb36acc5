/* page.h: no counter of /metrics ever falls or is lost, and while the world rests none changes, but for
 * those that meter.h knows better. Only lines are compared: a new counter needs no word here. */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "base/str.h"

#include <stdbool.h>

struct node;

enum { PAGE_BYTES_MAX = 1 << 17 };

/* Not on the heap: what is alive there is the server's. */
struct kept_page {
	size_t n;
	char text[PAGE_BYTES_MAX];
};

struct page_reader {
	str page;	 /* what is left of it */
	bool is_counter; /* what stands below the last # TYPE */
};
struct page_counter {
	str series, value; /* name{label="value",…}, and a number as it is written */
};
/* The next line of a counter, or of a histogram. */
bool page_next_counter(struct page_reader *r, struct page_counter *out);

/* A page after the one before, and keeps it. */
void page_follow(struct node *n, str page, bool is_resting);

#endif

#include "page.h"

#include "base/check.h"
#include "world.h"

#include <stdlib.h>

static void read_comment(struct page_reader *r, str line)
{
	static const str TYPE = { "# TYPE ", 7 };

	if (str_has_prefix(line, TYPE))
		r->is_counter = !str_eq(str_skip(line, line.n - 6), S(" gauge"));
}

bool page_next_counter(struct page_reader *r, struct page_counter *out)
{
	while (r->page.n > 0) {
		str line = str_split(&r->page, '\n');

		if (str_has_prefix(line, S("#"))) {
			read_comment(r, line);
		} else if (line.n > 0 && r->is_counter) {
			out->series = str_split(&line, ' ');
			out->value = line;
			return true;
		}
	}
	return false;
}

static double number(str value)
{
	char text[40] = { 0 };

	memcpy(text, value.p, value.n < sizeof(text) ? value.n : sizeof(text) - 1);
	return strtod(text, NULL);
}

static void compare(struct node *n, const struct page_counter *before,
		    const struct page_counter *now, bool is_resting)
{
	if (number(now->value) < number(before->value))
		trace_fail(n->world->trace, "%.*s falls from %.*s to %.*s", STR_ARG(now->series),
			   STR_ARG(before->value), STR_ARG(now->value));
	if (is_resting && !meter_knows(now->series) && !str_eq(before->value, now->value))
		trace_fail(n->world->trace, "%.*s goes from %.*s to %.*s while the world rests",
			   STR_ARG(now->series), STR_ARG(before->value), STR_ARG(now->value));
}

/* Pages have the same order. */
static void compare_pages(struct node *n, str before, str page, bool is_resting)
{
	struct page_reader then = { .page = before }, now = { .page = page };
	struct page_counter a, b;

	while (page_next_counter(&then, &a)) {
		do {
			if (!page_next_counter(&now, &b))
				trace_fail(n->world->trace, "%.*s is not in /metrics any more",
					   STR_ARG(a.series));
		} while (!str_eq(a.series, b.series));
		compare(n, &a, &b, is_resting);
	}
}

void page_follow(struct node *n, str page, bool is_resting)
{
	struct kept_page *kept = &n->page_before;

	compare_pages(n, (str){ kept->text, kept->n }, page, is_resting);
	ASSERT(page.n <= sizeof(kept->text));
	memcpy(kept->text, page.p, page.n);
	kept->n = page.n;
}

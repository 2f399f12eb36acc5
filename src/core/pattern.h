/* pattern.h: regular expressions (PCRE2) that an operator wrote, for names that a peer chose.
 *
 * Compiled once. Matching is bounded in work and memory, so no name can make a careless pattern
 * hang the server: what cannot be decided within the bounds does not match. A pattern never
 * changes; any number of threads may match with it. */
#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include "base/arena.h"

struct pattern;

/* NULL: *problem, in a, says what is wrong and where. */
struct pattern *pattern_new(str text, struct arena *a, str *problem);
/* NULL is fine. */
void pattern_free(struct pattern *p);
/* As it was written. */
str pattern_text(const struct pattern *p);
/* Anywhere in the subject, unless the pattern has anchors. */
bool pattern_matches(const struct pattern *p, str subject);

#endif

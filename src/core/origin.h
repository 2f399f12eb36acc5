/* origin.h: which web origins may connect (patterns of allowed_origins and cors.origin). */
#ifndef CORE_ORIGIN_H
#define CORE_ORIGIN_H

#include "base/str.h"

/* NULL when the pattern is sound, else what is wrong with it (static text). */
const char *origin_pattern_problem(str pattern);
/* origin: the header's value, empty when absent; case does not matter. An empty list allows
 * everything. */
bool origin_allowed(str origin, const str *patterns, size_t n);

#endif

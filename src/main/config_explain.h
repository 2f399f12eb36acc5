/* config_explain.h: what a key is, for who asks on the command line. */
#ifndef MAIN_CONFIG_EXPLAIN_H
#define MAIN_CONFIG_EXPLAIN_H

#include "base/buf.h"

/* Writes about a key, a key of apps, a block ("" for everything) or the keys of a variable.
 * False: there is none of that name; then what is written is why, in one line without an end. */
bool config_explain(str name, struct buf *b);

#endif

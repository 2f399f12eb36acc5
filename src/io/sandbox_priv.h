/* sandbox_priv.h: the two walls that have a file each. */
#ifndef IO_SANDBOX_PRIV_H
#define IO_SANDBOX_PRIV_H

#include "io/sandbox.h"

void sandbox_limit_calls(const struct sandbox_options *o, struct sandbox_status *s);
void sandbox_limit_files(const struct sandbox_options *o, struct sandbox_status *s);

#endif

/* descriptors.h: how many files this process may have open: one connection is one of them. At
 * start, from the main thread. */
#ifndef MAIN_DESCRIPTORS_H
#define MAIN_DESCRIPTORS_H

#include "base/log.h"

/* Descriptors 0 to 2 are open from here on, if need be to nothing. Otherwise one of our own would
 * get such a number, and what is written for people would end up in it. Call this first. */
void descriptors_hold_standard(void);
/* As many as the system allows without asking: the usual soft limit of 1024 is for programs that
 * use select. */
void descriptors_raise_limit(struct log *log);
/* How many more than now; 0: not known, or no limit. */
size_t descriptors_left(void);

#endif

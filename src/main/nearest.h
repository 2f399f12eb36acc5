/* nearest.h: the word that somebody probably meant. */
#ifndef MAIN_NEAREST_H
#define MAIN_NEAREST_H

#include "base/str.h"

struct nearest {
	str word;
	str best; /* n == 0: nothing was close enough */
	unsigned distance;
};

void nearest_init(struct nearest *n, str word);
/* Remembers the candidate if it is closer than what was offered before. Must stay valid as long
 * as n. */
void nearest_offer(struct nearest *n, str candidate);

#endif

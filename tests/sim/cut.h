/* cut.h: what is left out of a run, so that what is left explains itself.
 *
 * Troubles and features of the plan are switched off by their words (troubles.def), acts by their
 * numbers. Every act has dice of its own, so the others stay as alike as can be. */
#ifndef SIM_CUT_H
#define SIM_CUT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUT_RANGES_MAX = 1024 };

/* In the order of troubles.def. */
enum trouble {
#define TROUBLE(word, member) TROUBLE_##member,
#define FEATURE(word, member) TROUBLE_##member,
#include "troubles.def"
#undef TROUBLE
#undef FEATURE
	N_TROUBLES
};

struct cut_acts {
	unsigned n;
	struct {
		uint32_t first, last;
	} ranges[CUT_RANGES_MAX];
};

struct cut {
	uint64_t without; /* a bit for each trouble */
	struct cut_acts skip;
	struct cut_acts only; /* if it has any */
};

const char *trouble_word(enum trouble t);
/* N_TROUBLES: there is none of that word. */
enum trouble trouble_find(str word);

/* "rough,resets". False: a word that is none. */
bool cut_read_without(struct cut *c, str text);
/* "3-40,57,90-". False: not of that form, or too many. */
bool cut_read_acts(struct cut_acts *a, str text);
/* Is every act from first to last left out? */
bool cut_skips(const struct cut *c, uint32_t first, uint32_t last);

#endif

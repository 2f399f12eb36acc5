/* line.h: how a line of the trace reads.
 *
 * Columns: the virtual time in ms, the act's number (none while the world rests), who, and what. Said to
 * the server is '>', heard from it '<', what somebody does or what happens to him '*', what the
 * network and the machine do to everybody '!'.
 *
 * Messages are made legible, not kept: channel and event come first, quotes lose their escapes,
 * signatures and padding are cut. */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define LINE_BYTES_MAX 600

struct line {
	uint64_t at_us;
	uint32_t act; /* 0: at rest */
	char who[12];
	char sign;
	bool is_cut;
	uint16_t n; /* of text */
	char text[LINE_BYTES_MAX];
};

/* A C string above the columns, and a line in them. */
extern const char LINE_TITLES[];
void line_print(const struct line *l, const char *prefix, bool is_coloured);

#endif

/* script.h: a conversation with the complete server in the simulator, told by a text of acts.
 *
 * An act stands on lines of its own, the first of them after "%" and the others after "\n%": a
 * letter, and what the act needs (see ACTS in script.c). Bytes that are said go out in pieces that
 * choice decides, with turns of the server in between; it decides the network's manners and the
 * number of workers as well.
 *
 * True in the end, whatever happened, or the process ends: the good client's ping is answered; what
 * everybody got was what a server may send (guest.c looks at it); when all have left, nobody is
 * counted any more and every byte is back. */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include "base/str.h"

/* The n-th while the acts are played fails; 0: none. Afterwards what was left of the counts: 0 if
 * it has failed. */
struct script_faults {
	uint64_t allocation; /* try_alloc */
	uint64_t n_more;     /* allocations that fail behind that one */
	uint64_t call;	     /* of net.h, by the server */
};

/* Not reentrant. */
void script_run(str acts, uint8_t choice, struct script_faults *faults);

#endif

/* die.h: how the bench programs give up.
 *
 * A measurement that met something unexpected is worth nothing, so there is no error handling beyond saying
 * what happened and leaving with status 1. */
#ifndef BENCH_DIE_H
#define BENCH_DIE_H

#include <stddef.h>

/* Prints the message, and the text of errno when it is not 0, to stderr and exits with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory for the life of the program, or die. */
void *must_calloc(size_t n, size_t bytes);
void *must_realloc(void *p, size_t bytes);

/* A decimal number up to max, or die naming what it was for. */
unsigned long must_number(const char *text, unsigned long max, const char *what);

#endif

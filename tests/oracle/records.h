/* records.h: how the programs of this folder are asked and how they answer.
 *
 * Questions come on standard input, each as its length in four bytes (little endian) and its bytes; an answer is lines of
 * text on standard output. So thousands of questions cost one process. Only libc: the peers' drivers include it too. */
#ifndef ORACLE_RECORDS_H
#define ORACLE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The next question in memory that ends where it ends, so that a sanitizer sees a read behind it; the caller frees it.
 * False at the end of the input. */
static inline bool record_read(char **bytes, size_t *n)
{
	unsigned char length[4];

	if (fread(length, 1, sizeof(length), stdin) != sizeof(length))
		return false;
	*n = length[0] | length[1] << 8 | length[2] << 16 | (size_t)length[3] << 24;
	*bytes = malloc(*n + (*n == 0));
	if (!*bytes || fread(*bytes, 1, *n, stdin) != *n)
		abort();
	return true;
}

static inline void print_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", (unsigned char)p[i]);
}

#endif

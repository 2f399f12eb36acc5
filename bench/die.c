#include "die.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	if (saved != 0)
		fprintf(stderr, ": %s", strerror(saved));
	fputc('\n', stderr);
	exit(1);
}

void *must_calloc(size_t n, size_t bytes)
{
	void *p = calloc(n, bytes);

	if (!p)
		die("out of memory");
	return p;
}

void *must_realloc(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p)
		die("out of memory");
	return p;
}

unsigned long must_number(const char *text, unsigned long max, const char *what)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || value > max) {
		errno = 0;
		die("%s: not a number up to %lu: %s", what, max, text);
	}
	return value;
}

#include "fuzz.h"

#include "codec/deflate.h"

struct deflate *the_deflate(void)
{
	static struct deflate *d;

	if (!d)
		d = deflate_new();
	return d;
}

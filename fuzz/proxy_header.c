/* proxy_header: a header means the same however it arrives and whatever follows, and what is
 * incomplete stays within its maximum. */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/proxy_header.h"

static err parse(str bytes, struct proxy_header *out)
{
	char *copy = fuzz_copy(bytes);
	err e = proxy_header_parse((str){ copy, bytes.n }, out);

	xfree(copy);
	CHECK(e == OK || e == ERR_AGAIN || e == ERR_NOT_FOUND || e == ERR_SYNTAX || e == ERR_LIMIT);
	if (e == OK)
		CHECK(out->bytes > 0 && out->bytes <= bytes.n &&
		      out->bytes <= PROXY_HEADER_BYTES_MAX);
	if (e == ERR_AGAIN)
		CHECK(bytes.n < PROXY_HEADER_BYTES_MAX);
	return e;
}

static bool is_same(const struct proxy_header *a, const struct proxy_header *b)
{
	return a->bytes == b->bytes && a->has_source == b->has_source &&
	       (!a->has_source ||
		(ip_eq(&a->source, &b->source) && a->source_port == b->source_port));
}

/* What is decided about a prefix is decided. */
static void check_prefixes(str bytes, uint8_t choice, err whole, const struct proxy_header *h)
{
	struct fuzz_cuts cuts = fuzz_cuts(choice);

	for (size_t at = 0; at < bytes.n;) {
		struct proxy_header early;
		err e;

		at += fuzz_cut(&cuts, bytes.n - at);
		e = parse(str_take(bytes, at), &early);
		if (e == ERR_AGAIN)
			continue;
		CHECK(e == whole && (e != OK || is_same(&early, h)));
		return;
	}
	CHECK(whole == ERR_AGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str bytes = fuzz_input(data, size, &choice);
	struct proxy_header h;
	err e = parse(bytes, &h);

	if (proxy_header_is_begun(bytes))
		CHECK(e != ERR_NOT_FOUND);
	if (bytes.n > 0)
		check_prefixes(bytes, choice, e, &h);
	return 0;
}

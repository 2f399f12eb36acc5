/* deflate: what is compressed comes back, what is inflated stays within its limit, and only offers
 * that RFC 7692 allows are taken up. Input: an offer on the first line, a payload behind it. */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/deflate.h"

static void check_offer(str offer, unsigned window_bits_max)
{
	struct deflate_terms t, again;
	struct buf b;

	if (!deflate_accept(offer, window_bits_max, &t))
		return;
	CHECK(str_contains_nocase(offer, S("permessage-deflate")));
	CHECK(t.server_window_bits >= DEFLATE_WINDOW_BITS_MIN &&
	      t.server_window_bits <= window_bits_max);
	CHECK(t.client_window_bits >= 8 && t.client_window_bits <= window_bits_max);
	buf_init(&b, 400);
	deflate_put_answer(&b, &t);
	CHECK(buf_ok(&b) && str_has_prefix(buf_str(&b), S("permessage-deflate;")));
	/* As an offer it asks for what was agreed on. */
	CHECK(deflate_accept(buf_str(&b), 15, &again));
	CHECK(!t.was_limited || again.server_window_bits == t.server_window_bits);
	buf_fini(&b);
}

static void check_round_trip(struct deflate *d, str payload, unsigned window_bits_max)
{
	unsigned window_bits = deflate_window_bits(payload.n, window_bits_max);
	size_t max = payload.n + payload.n / 100 + 100, n;
	char *packed = xalloc(max);
	struct buf back;

	CHECK(window_bits >= DEFLATE_WINDOW_BITS_MIN && window_bits <= window_bits_max);
	CHECK(window_bits == window_bits_max || payload.n <= (size_t)1 << window_bits);
	n = deflate_compress(d, window_bits, payload, packed, max);
	CHECK(n > 0 && n <= max);
	buf_init(&back, payload.n);
	CHECK(deflate_inflate(d, (str){ packed, n }, &back) == OK);
	CHECK(str_eq(buf_str(&back), payload));
	buf_fini(&back);
	if (payload.n > 0) {
		buf_init(&back, payload.n - 1);
		CHECK(deflate_inflate(d, (str){ packed, n }, &back) == ERR_LIMIT);
		buf_fini(&back);
	}
	xfree(packed);
}

static void check_inflate(struct deflate *d, str packed, size_t max)
{
	int64_t live = mem_live_bytes();
	struct buf out;
	err e;

	buf_init(&out, max);
	e = deflate_inflate(d, packed, &out);
	CHECK(e == OK || e == ERR_LIMIT || e == ERR_SYNTAX);
	CHECK(out.len <= max && out.cap <= max);
	buf_fini(&out);
	CHECK(mem_live_bytes() == live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str in = fuzz_input(data, size, &choice);
	str offer = str_take(in, str_find_char(in, '\n'));
	str payload = str_skip(in, offer.n + 1);
	unsigned window_bits_max = DEFLATE_WINDOW_BITS_MIN + choice % 7;
	struct deflate *d = the_deflate();

	check_offer(offer, window_bits_max);
	check_inflate(d, payload, choice & 1 ? 100 : 5000);
	check_round_trip(d, payload, window_bits_max);
	return 0;
}

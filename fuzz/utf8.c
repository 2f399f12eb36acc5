/* utf8: the automaton against a decoder that does it word by word of the RFC. */
#include "fuzz.h"

#include "base/mem.h"
#include "base/utf8.h"

static void check_pieces(str s, uint8_t choice)
{
	struct fuzz_cuts cuts = fuzz_cuts(choice);
	struct utf8 u = { 0 };
	bool is_good = true;

	for (size_t at = 0; at < s.n && is_good;) {
		size_t n = fuzz_cut(&cuts, s.n - at);
		char *piece = fuzz_copy((str){ s.p + at, n });

		is_good = utf8_feed(&u, (str){ piece, n });
		xfree(piece);
		at += n;
		CHECK(is_good == naive_utf8_may_become_valid(str_take(s, at)));
		if (is_good)
			CHECK(utf8_at_boundary(&u) == naive_utf8_valid(str_take(s, at)));
	}
	CHECK(utf8_valid(s) == (is_good && utf8_at_boundary(&u)));
}

static void check_encoding(str s)
{
	while (s.n) {
		char out[4];
		uint32_t cp;
		size_t n = naive_utf8_take(s, &cp);

		CHECK(str_eq((str){ out, utf8_encode(cp, out) }, str_take(s, n)));
		s = str_skip(s, n);
	}
}

static void check_truncation(str s, size_t max)
{
	str cut = utf8_truncate(s, max);
	uint32_t cp;

	CHECK(cut.p == s.p && cut.n <= max);
	CHECK(naive_utf8_valid(cut));
	if (cut.n < s.n)
		CHECK(cut.n + naive_utf8_take(str_skip(s, cut.n), &cp) > max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str s = fuzz_input(data, size, &choice);

	CHECK(utf8_valid(s) == naive_utf8_valid(s));
	check_pieces(s, choice);
	if (utf8_valid(s)) {
		check_encoding(s);
		check_truncation(s, choice);
	}
	return 0;
}

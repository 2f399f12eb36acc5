/* http_chunked: cuts change nothing, the body's limit holds, and what a sender encodes comes back.
 * */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/http1.h"

struct result {
	err e;
	size_t used;
	struct buf body;
};

static void decode(str in, size_t body_max, struct fuzz_cuts *cuts, struct result *out)
{
	struct http_chunked c = { 0 };

	*out = (struct result){ .e = ERR_AGAIN };
	buf_init(&out->body, body_max);
	while (out->e == ERR_AGAIN && out->used < in.n) {
		size_t left = in.n - out->used, n = cuts ? fuzz_cut(cuts, left) : left,
		       used = SIZE_MAX;
		char *piece = fuzz_copy((str){ in.p + out->used, n });

		out->e = http_chunked_feed(&c, (str){ piece, n }, &used, &out->body);
		xfree(piece);
		CHECK(used <= n);
		CHECK(used == n || out->e != ERR_AGAIN);
		out->used += used;
	}
	CHECK(out->e == OK || out->e == ERR_AGAIN || out->e == ERR_SYNTAX || out->e == ERR_LIMIT);
	CHECK(out->body.len <= body_max && buf_ok(&out->body));
}

static void check_cuts(str in, size_t body_max, uint8_t choice)
{
	struct fuzz_cuts cuts = fuzz_cuts(choice);
	struct result whole, pieces;

	decode(in, body_max, NULL, &whole);
	decode(in, body_max, &cuts, &pieces);
	CHECK(whole.e == pieces.e && whole.used == pieces.used);
	CHECK(str_eq(buf_str(&whole.body), buf_str(&pieces.body)));
	buf_fini(&whole.body);
	buf_fini(&pieces.body);
}

static void check_round_trip(str body, uint8_t choice)
{
	struct fuzz_cuts cuts = fuzz_cuts(choice);
	struct result back;
	struct buf coded;

	buf_init(&coded, 16 * body.n + 64);
	for (size_t at = 0; at < body.n;) {
		size_t n = fuzz_cut(&cuts, body.n - at);

		buf_printf(&coded, n & 1 ? "%zx\r\n" : "0%zX;a=b\r\n", n);
		buf_puts(&coded, (str){ body.p + at, n });
		buf_puts(&coded, S("\r\n"));
		at += n;
	}
	buf_puts(&coded, choice & 1 ? S("0\r\n\r\n") : S("0;x\r\na: b\r\n\r\n"));
	if (body.n < 200) { /* else there might be more extensions than are taken */
		decode(buf_str(&coded), body.n, &cuts, &back);
		CHECK(back.e == OK && back.used == coded.len);
		CHECK(str_eq(buf_str(&back.body), body));
		buf_fini(&back.body);
	}
	buf_fini(&coded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str in = fuzz_input(data, size, &choice);

	check_cuts(in, choice & 1 ? 20 : 2000, choice >> 1);
	check_round_trip(in, choice);
	return 0;
}

#include "codec/deflate.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#include <zlib.h>

/* Modes */

static void mode_names_are_the_documented_ones_in_any_case(void **state)
{
	static const struct {
		const char *name;
		int window_bits; /* -1: no such mode */
	} rows[] = {
		{ "disabled", 0 },    { "dedicated", 15 },  { "shared", 15 },
		{ "window256b", 10 }, { "window1kb", 10 },  { "window2kb", 11 },
		{ "window4kb", 12 },  { "window8kb", 13 },  { "window16kb", 14 },
		{ "window32kb", 15 }, { "Shared", 15 },	    { "WINDOW4KB", 12 },
		{ "DISABLED", 0 },    { "window64kb", -1 }, { "window512b", -1 },
		{ "true", -1 },	      { "share", -1 },	    { "shared ", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bits = 99;
		bool found = deflate_mode_find(str_from_cstr(rows[i].name), &bits);

		assert_row(found == (rows[i].window_bits >= 0), i);
		assert_row(!found || bits == rows[i].window_bits, i);
	}
}

/* Offers */

#define PD "permessage-deflate"
#define NONE "; server_no_context_takeover; client_no_context_takeover"
#define PLAIN PD NONE

static const struct {
	unsigned max;
	const char *offers, *answer; /* NULL: declined */
} OFFERS[] = {
	/* What is out there */
	{ 15, PD, PLAIN },
	{ 15, PD "; client_max_window_bits", PLAIN },
	{ 15, PD "; server_max_window_bits=15; client_max_window_bits=15",
	  PLAIN "; server_max_window_bits=15" },
	{ 15, PD "; server_no_context_takeover; client_no_context_takeover", PLAIN },
	{ 15, PD "; client_no_context_takeover; client_max_window_bits", PLAIN },
	{ 15, PD "; server_no_context_takeover", PLAIN },
	{ 15, PD "; server_max_window_bits=10", PLAIN "; server_max_window_bits=10" },
	{ 15, PD "; client_max_window_bits=10", PLAIN "; client_max_window_bits=10" },
	{ 15, PD "; server_max_window_bits=12; client_max_window_bits=11",
	  PLAIN "; server_max_window_bits=12; client_max_window_bits=11" },
	{ 15,
	  PD "; client_max_window_bits=9; client_no_context_takeover; server_max_window_bits=14; "
	     "server_no_context_takeover",
	  PLAIN "; server_max_window_bits=14; client_max_window_bits=9" },

	/* Every window */
	{ 15, PD "; server_max_window_bits=8", NULL },
	{ 15, PD "; server_max_window_bits=9", PLAIN "; server_max_window_bits=9" },
	{ 15, PD "; server_max_window_bits=11", PLAIN "; server_max_window_bits=11" },
	{ 15, PD "; server_max_window_bits=13", PLAIN "; server_max_window_bits=13" },
	{ 15, PD "; server_max_window_bits=14", PLAIN "; server_max_window_bits=14" },
	{ 15, PD "; client_max_window_bits=8", PLAIN "; client_max_window_bits=8" },
	{ 15, PD "; client_max_window_bits=14", PLAIN "; client_max_window_bits=14" },
	{ 15, PD "; client_max_window_bits=15", PLAIN },

	/* Windows of ours below 32 KiB */
	{ 10, PD, NULL },
	{ 14, PD, NULL },
	{ 14, PD "; server_max_window_bits=10", NULL },
	{ 14, PD "; server_no_context_takeover; client_no_context_takeover", NULL },
	{ 10, PD "; client_max_window_bits",
	  PLAIN "; server_max_window_bits=10; client_max_window_bits=10" },
	{ 14, PD "; client_max_window_bits",
	  PLAIN "; server_max_window_bits=14; client_max_window_bits=14" },
	{ 12, PD "; client_max_window_bits=15",
	  PLAIN "; server_max_window_bits=12; client_max_window_bits=12" },
	{ 12, PD "; client_max_window_bits=9",
	  PLAIN "; server_max_window_bits=12; client_max_window_bits=9" },
	{ 12, PD "; client_max_window_bits; server_max_window_bits=15",
	  PLAIN "; server_max_window_bits=12; client_max_window_bits=12" },
	{ 12, PD "; client_max_window_bits; server_max_window_bits=9",
	  PLAIN "; server_max_window_bits=9; client_max_window_bits=12" },
	{ 12, PD "; client_max_window_bits; server_max_window_bits=8", NULL },
	{ 12, PD ", " PD "; client_max_window_bits",
	  PLAIN "; server_max_window_bits=12; client_max_window_bits=12" },

	/* The first that suits us */
	{ 15, PD "; client_max_window_bits=10, " PD, PLAIN "; client_max_window_bits=10" },
	{ 15, PD ", " PD "; client_max_window_bits=10", PLAIN },
	{ 15, PD "; server_max_window_bits=8, " PD "; server_max_window_bits=9, " PD,
	  PLAIN "; server_max_window_bits=9" },
	{ 15, PD "; client_max_window_bits=99, " PD, PLAIN },
	{ 15, PD "; nonsense, " PD "; server_max_window_bits=11",
	  PLAIN "; server_max_window_bits=11" },
	{ 15, "x-webkit-deflate-frame, " PD, PLAIN },
	{ 15, "x-webkit-deflate-frame; no_context_takeover; max_window_bits=8, " PD, PLAIN },
	{ 15, "bbf-usp-protocol; a=\"" PD ", " PD "\", " PD "; server_max_window_bits=9",
	  PLAIN "; server_max_window_bits=9" },
	{ 15, PD "; x=\"\\\", " PD "; server_max_window_bits=9, \", " PD, PLAIN },
	{ 15, PD "; x=\", " PD, NULL },
	{ 15, PD "; x=\"\\\", " PD, NULL },

	/* Nothing for us */
	{ 15, "", NULL },
	{ 15, ",", NULL },
	{ 15, "; ;", NULL },
	{ 15, "x-webkit-deflate-frame", NULL },
	{ 15, "permessage-deflat", NULL },
	{ 15, "permessage-deflate2", NULL },
	{ 15, "permessage-bzip2", NULL },
	{ 15, "Permessage-Deflate", NULL },
	{ 15, "\"" PD "\"", NULL },
	{ 15, PD "=1", NULL },
	{ 15, "client_max_window_bits", NULL },

	/* Unknown */
	{ 15, PD "; bogus=1", NULL },
	{ 15, PD "; bogus", NULL },
	{ 15, PD "; no_context_takeover", NULL },
	{ 15, PD "; SERVER_NO_CONTEXT_TAKEOVER", NULL },
	{ 15, PD "; client_max_window_bits; bogus", NULL },
	{ 15, PD "; server_max_window_bits2=10", NULL },
	{ 15, PD " client_max_window_bits", NULL },

	/* Twice */
	{ 15, PD "; client_max_window_bits; client_max_window_bits", NULL },
	{ 15, PD "; client_max_window_bits=10; client_max_window_bits=10", NULL },
	{ 15, PD "; server_max_window_bits=10; server_max_window_bits=11", NULL },
	{ 15, PD "; server_no_context_takeover; server_no_context_takeover", NULL },
	{ 15, PD "; client_no_context_takeover; client_no_context_takeover", NULL },

	/* Empty */
	{ 15, PD ";", NULL },
	{ 15, PD "; ", NULL },
	{ 15, PD ";; client_max_window_bits", NULL },
	{ 15, PD "; client_max_window_bits;", NULL },
	{ 15, PD "; =10", NULL },
	{ 15, ", ," PD " ,", PLAIN },

	/* Wrong values */
	{ 15, PD "; server_no_context_takeover=1", NULL },
	{ 15, PD "; server_no_context_takeover=10", NULL },
	{ 15, PD "; client_no_context_takeover=true", NULL },
	{ 15, PD "; client_no_context_takeover=", NULL },
	{ 15, PD "; server_max_window_bits", NULL },
	{ 15, PD "; server_max_window_bits=", NULL },
	{ 15, PD "; server_max_window_bits=\"\"", NULL },
	{ 15, PD "; server_max_window_bits=7", NULL },
	{ 15, PD "; server_max_window_bits=0", NULL },
	{ 15, PD "; server_max_window_bits=16", NULL },
	{ 15, PD "; server_max_window_bits=99", NULL },
	{ 15, PD "; server_max_window_bits=010", NULL },
	{ 15, PD "; server_max_window_bits=09", NULL },
	{ 15, PD "; server_max_window_bits=+9", NULL },
	{ 15, PD "; server_max_window_bits=-9", NULL },
	{ 15, PD "; server_max_window_bits=1x", NULL },
	{ 15, PD "; server_max_window_bits=1 0", NULL },
	{ 15, PD "; server_max_window_bits=10.0", NULL },
	{ 15, PD "; server_max_window_bits==10", NULL },
	{ 15, PD "; server_max_window_bits=4294967306", NULL },
	{ 15, PD "; client_max_window_bits=", NULL },
	{ 15, PD "; client_max_window_bits=7", NULL },
	{ 15, PD "; client_max_window_bits=16", NULL },
	{ 15, PD "; client_max_window_bits=08", NULL },
	{ 15, PD "; client_max_window_bits=true", NULL },

	/* Quotes and blanks */
	{ 15, PD "; server_max_window_bits=\"10\"", PLAIN "; server_max_window_bits=10" },
	{ 15, PD "; server_max_window_bits=\"1\\0\"", PLAIN "; server_max_window_bits=10" },
	{ 15, PD "; server_max_window_bits=\"\\9\"", PLAIN "; server_max_window_bits=9" },
	{ 15, PD "; client_max_window_bits=\"8\"", PLAIN "; client_max_window_bits=8" },
	{ 15, PD "; server_max_window_bits=\" 10\"", NULL },
	{ 15, PD "; server_max_window_bits=\"10", NULL },
	{ 15, PD "; server_max_window_bits=10\"", NULL },
	{ 15, PD "; server_max_window_bits=\"", NULL },
	{ 15, PD "; server_max_window_bits=\"10\\\"", NULL },
	{ 15, PD "; server_max_window_bits=\"1\"0\"", NULL },
	{ 15, PD "; server_max_window_bits=\"010\"", NULL },
	{ 15, PD ";server_max_window_bits=10", PLAIN "; server_max_window_bits=10" },
	{ 15, "\t " PD "\t ;\t server_max_window_bits\t =\t 10 \t",
	  PLAIN "; server_max_window_bits=10" },
	{ 15, "  " PD "  ", PLAIN },
};

static void assert_answer(size_t row, bool accepted, const struct deflate_terms *t)
{
	const char *wanted = OFFERS[row].answer;
	struct buf b;

	assert_row(accepted == (wanted != NULL), row);
	if (!accepted)
		return;
	buf_init(&b, 1000);
	deflate_put_answer(&b, t);
	if (!str_eq(buf_str(&b), str_from_cstr(wanted)))
		fail_msg("row %zu: %.*s", row, STR_ARG(buf_str(&b)));
	assert_row(t->server_window_bits >= 9 && t->server_window_bits <= OFFERS[row].max, row);
	assert_row(t->client_window_bits >= 8 && t->client_window_bits <= OFFERS[row].max, row);
	buf_fini(&b);
}

/* Each text lies at the very end of its memory. */
static void offers_are_taken_up_or_passed_over(void **state)
{
	_Static_assert(ARRAY_LEN(OFFERS) >= 60, "a table of some size");
	for (size_t i = 0; i < ARRAY_LEN(OFFERS); i++) {
		size_t n = strlen(OFFERS[i].offers);
		char *exact = xalloc(n);
		struct deflate_terms t;

		memcpy(exact, OFFERS[i].offers, n);
		assert_answer(i, deflate_accept((str){ exact, n }, OFFERS[i].max, &t), &t);
		xfree(exact);
	}
}

/* Compressing and inflating */

struct fixture {
	struct deflate *deflate;
	struct buf out;
	int64_t live_bytes;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live_bytes = mem_live_bytes();
	f->deflate = deflate_new();
	buf_init(&f->out, 1000000);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->out);
	deflate_free(f->deflate);
	assert_int_equal(mem_live_bytes(), f->live_bytes);
	test_free(f);
	return 0;
}

/* On memory of exactly its size. */
static err inflate_into(struct fixture *f, str compressed, size_t max)
{
	char *exact = xalloc(compressed.n);
	err e;

	if (compressed.n)
		memcpy(exact, compressed.p, compressed.n);
	buf_fini(&f->out);
	buf_init(&f->out, max);
	e = deflate_inflate(f->deflate, (str){ exact, compressed.n }, &f->out);
	xfree(exact);
	return e;
}

static void examples_of_the_rfc_are_understood(void **state)
{
	static const struct {
		str compressed;
		const char *text;
	} rows[] = {
		{ S("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello" },			/* 7.2.3.1 */
		{ S("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello" }, /* 7.2.3.3 */
		{ S("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello" },		/* 7.2.3.4 */
		{ S("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello" },
		{ S("\x00"), "" }, /* 7.2.3.6 */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(inflate_into(*state, rows[i].compressed, 100) == OK, i);
		assert_str(buf_str(&((struct fixture *)*state)->out), str_from_cstr(rows[i].text));
	}
}

static void example_of_the_rfc_is_what_we_write(void **state)
{
	struct fixture *f = *state;
	char out[100];
	size_t n = deflate_compress(f->deflate, 15, S("Hello"), out, sizeof(out));

	assert_str(((str){ out, n }), S("\xf2\x48\xcd\xc9\xc9\x07\x00"));
	n = deflate_compress(f->deflate, 9, S(""), out, sizeof(out));
	assert_str(((str){ out, n }), S("\x00"));
}

/* 7.2.3.2: the second message refers to the first. */
static void nothing_is_remembered_from_earlier_messages(void **state)
{
	assert_int_equal(inflate_into(*state, S("\xf2\x48\xcd\xc9\xc9\x07\x00"), 100), OK);
	assert_int_equal(inflate_into(*state, S("\xf2\x00\x11\x00\x00"), 100), ERR_SYNTAX);
	assert_int_equal(inflate_into(*state, S("\xf2\x48\xcd\xc9\xc9\x07\x00"), 100), OK);
}

static void blocks_after_a_last_one_still_count(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(inflate_into(f,
				      S("\xf3\x48\xcd\xc9\xc9\x07\x00"
					"\xf3\x48\xcd\xc9\xc9\x07\x00"
					"\xf2\x48\xcd\xc9\xc9\x07\x00"),
				      100),
			 OK);
	assert_str(buf_str(&f->out), S("HelloHelloHello"));
	/* An empty last block whose length is what is put back. */
	assert_int_equal(inflate_into(f, S("\xf2\x48\xcd\xc9\xc9\x07\x01"), 100), ERR_SYNTAX);
	assert_int_equal(inflate_into(f, S("\x01"), 100), OK);
	assert_int_equal(f->out.len, 0);
}

/* Text with repeats near and far. */
static void fill_text(char *p, size_t n)
{
	unsigned seed = 1;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		if (i > 40 && (seed >> 16) % 8)
			p[i] = p[i - 1 - (seed >> 8) % (i < 30000 ? 40 : 29000)];
		else
			p[i] = (char)('a' + (seed >> 16) % 26);
	}
}

/* zlib's word on it, with no larger a window than was agreed on. */
static void assert_inflates(str compressed, unsigned window_bits, str text)
{
	static const char tail[] = { 0, 0, '\xff', '\xff' };
	z_stream z = { .next_in = (Bytef *)(uintptr_t)compressed.p,
		       .avail_in = (uInt)compressed.n };
	char *out = xalloc(text.n + 1);

	assert_int_equal(inflateInit2(&z, -(int)window_bits), Z_OK);
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)text.n + 1;
	assert_in_range(inflate(&z, Z_SYNC_FLUSH) + 10, Z_BUF_ERROR + 10, Z_OK + 10);
	z.next_in = (Bytef *)(uintptr_t)tail;
	z.avail_in = sizeof(tail);
	assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z.avail_out, 1);
	assert_memory_equal(out, text.p, text.n);
	inflateEnd(&z);
	xfree(out);
}

static void every_window_carries_every_size_there_and_back(void **state)
{
	static const size_t sizes[] = { 1,    2,    63,	  64,	 250,	251,   511,   512,   513,
					1000, 4096, 8000, 16122, 16384, 32506, 40000, 100000 };
	struct fixture *f = *state;
	char *text = xalloc(100000), *out = xalloc(101000);

	fill_text(text, 100000);
	for (unsigned bits = 9; bits <= 15; bits++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			str s = { text, sizes[i] };
			size_t n = deflate_compress(f->deflate, bits, s, out, 101000);

			assert_row(n > 0, i);
			assert_inflates((str){ out, n }, bits, s);
			assert_row(inflate_into(f, (str){ out, n }, s.n) == OK, i);
			assert_true(str_eq(buf_str(&f->out), s));
		}
	}
	xfree(text);
	xfree(out);
}

static void window_is_the_smallest_that_covers_the_message(void **state)
{
	static const struct {
		size_t bytes;
		unsigned max, bits;
	} rows[] = {
		{ 0, 15, 9 },	   { 250, 15, 9 },    { 251, 15, 10 },	 { 762, 15, 10 },
		{ 763, 15, 11 },   { 16122, 15, 14 }, { 16123, 15, 15 }, { 1 << 30, 15, 15 },
		{ 1 << 30, 9, 9 }, { 251, 9, 9 },     { 16123, 14, 14 }, { 100, 12, 9 },
	};
	struct fixture *f = *state;
	char text[4000], small[4000], large[4000];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(deflate_window_bits(rows[i].bytes, rows[i].max) == rows[i].bits, i);

	/* And it is not compressed any worse for that. */
	fill_text(text, sizeof(text));
	for (size_t n = 50; n < sizeof(text); n += 50) {
		unsigned bits = deflate_window_bits(n, 15);
		size_t n_small = deflate_compress(f->deflate, bits, (str){ text, n }, small, 4000);
		size_t n_large = deflate_compress(f->deflate, 15, (str){ text, n }, large, 4000);

		assert_row(n_small <= n_large + 2, n);
	}
}

static void what_does_not_fit_is_not_compressed(void **state)
{
	struct fixture *f = *state;
	str text = S("abcabcabcabcabcabcabc");
	char out[100];
	size_t n = deflate_compress(f->deflate, 9, text, out, sizeof(out));

	assert_in_range(n, 1, text.n - 1);
	for (size_t max = 0; max < n + 4; max++)
		assert_row(deflate_compress(f->deflate, 9, text, out, max) == 0, max);
	/* The four bytes that are left out, and one to see that it was all. */
	assert_int_equal(deflate_compress(f->deflate, 9, text, out, n + 5), n);
}

static void limit_holds_exactly(void **state)
{
	struct fixture *f = *state;
	char *text = xalloc(70000), *out = xalloc(71000);

	fill_text(text, 70000);
	for (size_t n = 1; n <= 70000; n += n < 300 ? 1 : 9973) {
		str z = { out, deflate_compress(f->deflate, 15, (str){ text, n }, out, 71000) };

		assert_row(inflate_into(f, z, n) == OK && f->out.len == n, n);
		assert_row(inflate_into(f, z, n - 1) == ERR_LIMIT, n);
	}
	assert_int_equal(inflate_into(f, S("\x00"), 0), OK);
	assert_int_equal(inflate_into(f, S("\xf2\x48\xcd\xc9\xc9\x07\x00"), 0), ERR_LIMIT);
	xfree(text);
	xfree(out);
}

static void bombs_take_no_more_than_their_limit(void **state)
{
	enum { LIMIT = 65536, BOMB = 64 * 1024 * 1024 };
	struct fixture *f = *state;
	char *zeros = xcalloc(1, BOMB), *out = xalloc(1 << 20);
	z_stream z = { .next_in = (Bytef *)zeros, .avail_in = BOMB };
	size_t n;
	int64_t live;

	z.next_out = (Bytef *)out;
	z.avail_out = 1 << 20;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	deflateEnd(&z);
	n = (1 << 20) - z.avail_out;
	assert_in_range(n, 1, BOMB / 1000);
	xfree(zeros);
	buf_fini(&f->out);
	live = mem_live_bytes();
	assert_int_equal(inflate_into(f, (str){ out, n }, LIMIT), ERR_LIMIT);
	assert_int_equal(f->out.len, LIMIT);
	assert_in_range(mem_live_bytes() - live, LIMIT, LIMIT + 100);
	/* What came before the end is not waited for either. */
	assert_int_equal(inflate_into(f, (str){ out, n / 2 }, LIMIT), ERR_LIMIT);
	xfree(out);
}

static void memory_follows_what_is_produced(void **state)
{
	struct fixture *f = *state;
	char text[2000], out[2000];
	size_t n;
	int64_t live;

	fill_text(text, sizeof(text));
	n = deflate_compress(f->deflate, 15, (str){ text, sizeof(text) }, out, sizeof(out));
	buf_fini(&f->out);
	live = mem_live_bytes();
	assert_int_equal(inflate_into(f, (str){ out, n }, (size_t)1 << 40), OK);
	assert_in_range(mem_live_bytes() - live, 2000, 4200);
	assert_int_equal(inflate_into(f, S("\x00"), (size_t)1 << 40), OK);
	assert_in_range(mem_live_bytes() - live, 0, 200);
}

static void blocks_of_nothing_make_nothing(void **state)
{
	enum { BLOCKS = 10000 };
	struct fixture *f = *state;
	char *blocks = xalloc(BLOCKS * 5 + 1);

	for (size_t i = 0; i < BLOCKS; i++)
		memcpy(blocks + i * 5, i % 2 ? "\x00\x00\x00\xff\xff" : "\x01\x00\x00\xff\xff", 5);
	blocks[BLOCKS * 5] = 0;
	assert_int_equal(inflate_into(f, (str){ blocks, BLOCKS * 5 + 1 }, 10), OK);
	assert_int_equal(f->out.len, 0);
	xfree(blocks);
}

static void garbage_is_refused(void **state)
{
	static const str rows[] = {
		S(""),
		S("\xff"), /* block type 3 */
		S("\x07"), /* the same, last */
		S("Hello"),
		S("{\"event\":\"pusher:ping\"}"),
		S("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00"), /* length and its complement */
		S("\xf2\x48\xcd\xc9\xc9\x07"),			   /* without its end */
		S("\xf3\x48\xcd\xc9\xc9\x07\x00"), /* last block, no byte behind it */
		S("\x04\x00\x00"),		   /* trees of nothing */
		S("\x00\xff\xff\x00\x00"),	   /* block longer than the message */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(inflate_into(*state, rows[i], 1000) == ERR_SYNTAX, i);
		assert_int_equal(inflate_into(*state, S("\xf2\x48\xcd\xc9\xc9\x07\x00"), 9), OK);
	}
}

static void what_was_cut_off_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[3000], out[3000];
	size_t n;

	fill_text(text, sizeof(text));
	n = deflate_compress(f->deflate, 12, (str){ text, sizeof(text) }, out, sizeof(out));
	for (size_t i = 0; i < n; i++)
		assert_row(inflate_into(f, (str){ out, i }, 2 * sizeof(text)) == ERR_SYNTAX, i);
}

static void nonsense_ends_in_one_of_three_ways(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 7;
	char bytes[64];
	size_t n_refused = 0;

	for (unsigned round = 0; round < 20000; round++) {
		size_t n = round % sizeof(bytes);
		err e;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (char)(seed >> 16);
		}
		e = inflate_into(f, (str){ bytes, n }, 1000);
		assert_true(e == OK || e == ERR_SYNTAX || e == ERR_LIMIT);
		n_refused += e == ERR_SYNTAX;
	}
	assert_in_range(n_refused, 10000, 20000);
}

static void short_memory_is_told_from_the_limit(void **state)
{
	struct fixture *f = *state;
	char text[3000], out[3000];
	size_t n, n_failed = 0;

	fill_text(text, sizeof(text));
	n = deflate_compress(f->deflate, 12, (str){ text, sizeof(text) }, out, sizeof(out));
	for (uint64_t nth = 1; nth < 12; nth++) {
		err e;

		mem_fail_nth(nth);
		e = inflate_into(f, (str){ out, n }, sizeof(text));
		mem_fail_nth(0);
		assert_true(e == OK || e == ERR_MEMORY);
		n_failed += e == ERR_MEMORY;
	}
	assert_in_range(n_failed, 4, 9);
}

static void streams_are_nobodys_live_memory(void **state)
{
	struct fixture *f = *state;
	int64_t live = mem_live_bytes();
	char out[100];

	for (unsigned bits = 9; bits <= 15; bits++)
		deflate_compress(f->deflate, bits, S("Hello"), out, sizeof(out));
	inflate_into(f, S("\x00"), 100);
	buf_fini(&f->out);
	assert_int_equal(mem_live_bytes(), live);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mode_names_are_the_documented_ones_in_any_case),
		cmocka_unit_test(offers_are_taken_up_or_passed_over),
		TEST(examples_of_the_rfc_are_understood),
		TEST(example_of_the_rfc_is_what_we_write),
		TEST(nothing_is_remembered_from_earlier_messages),
		TEST(blocks_after_a_last_one_still_count),
		TEST(every_window_carries_every_size_there_and_back),
		TEST(window_is_the_smallest_that_covers_the_message),
		TEST(what_does_not_fit_is_not_compressed),
		TEST(limit_holds_exactly),
		TEST(bombs_take_no_more_than_their_limit),
		TEST(memory_follows_what_is_produced),
		TEST(blocks_of_nothing_make_nothing),
		TEST(garbage_is_refused),
		TEST(what_was_cut_off_is_refused),
		TEST(nonsense_ends_in_one_of_three_ways),
		TEST(short_memory_is_told_from_the_limit),
		TEST(streams_are_nobodys_live_memory),
	};

	return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}

/* Compressed messages, in and out. What is true of all messages is in websocket_test.c. */
#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "codec/deflate.h"
#include "codec/websocket.h"

#include <stdio.h>

#define TEXT 0x81
#define Z_TEXT 0xc1
#define Z_BINARY 0xc2
#define Z_TEXT_BEGIN 0x41
#define Z_BINARY_BEGIN 0x42
#define TEXT_BEGIN 0x01
#define MORE 0x00
#define LAST 0x80
#define CLOSE 0x88
#define PING 0x89

#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

struct fixture {
	struct deflate *deflate;
	struct ws_limits limits;
	struct buf stream, log;
	int64_t live_bytes;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live_bytes = mem_live_bytes();
	f->deflate = deflate_new();
	f->limits = (struct ws_limits){ 100, 1000, f->deflate };
	buf_init(&f->stream, 10000000);
	buf_init(&f->log, 10000000);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->stream);
	buf_fini(&f->log);
	deflate_free(f->deflate);
	assert_int_equal(mem_live_bytes(), f->live_bytes);
	test_free(f);
	return 0;
}

/* What a client sends: first byte as given, masked. */
static void put_frame(struct buf *b, uint8_t first, str payload)
{
	static const uint8_t key[4] = { 0x11, 0x22, 0x33, 0x44 };
	uint8_t header[WS_HEADER_MAX];
	size_t n = ws_header_write(header, WS_TEXT, payload.n);

	header[0] = first;
	header[1] |= 0x80;
	buf_put(b, header, n);
	buf_put(b, key, sizeof(key));
	buf_puts(b, payload);
	ws_mask((uint8_t *)b->p + b->len - payload.n, payload.n, key, 0);
}

/* What the reader says about a piece of the stream that lies in memory of its own. */
static err read_piece(struct fixture *f, struct ws_reader *r, str piece)
{
	char *exact = xalloc(piece.n + 1);
	str in = { exact, piece.n };
	struct ws_message m = { 0 };
	struct ws_failure why = { 0 };
	err e;

	if (piece.n)
		memcpy(exact, piece.p, piece.n);
	while ((e = ws_read(r, &f->limits, &in, &m, &why)) == OK) {
		buf_printf(&f->log, "%d %u ", m.opcode, m.close_code);
		buf_puts(&f->log, m.payload);
		buf_putc(&f->log, '\n');
	}
	if (e != ERR_AGAIN)
		buf_printf(&f->log, "failed %u %s %lu\n", why.close_code, why.text,
			   (unsigned long)why.actual_bytes);
	xfree(exact);
	return e;
}

/* f->stream in pieces that end at the cuts; f->log tells. */
static void read_cut(struct fixture *f, const size_t *cuts, size_t n_cuts)
{
	struct ws_reader r;
	size_t from = 0;
	err e = ERR_AGAIN;

	buf_clear(&f->log);
	ws_reader_init(&r);
	for (size_t i = 0; i <= n_cuts && e == ERR_AGAIN; i++) {
		size_t to = i < n_cuts ? cuts[i] : f->stream.len;

		e = read_piece(f, &r, (str){ f->stream.p + from, to - from });
		from = to;
	}
	if (e != ERR_AGAIN)
		assert_true(ws_reader_is_idle(&r));
	ws_reader_fini(&r);
}

/* In */

static const struct stream {
	const char *name;
	struct {
		uint8_t first;
		str payload;
	} frames[7];
	size_t n_frames;
	const char *log;
} STREAMS[] = {
	{ "one", { { Z_TEXT, S(HELLO) } }, 1, "1 0 Hello\n" },
	{ "binary", { { Z_BINARY, S(HELLO) } }, 1, "2 0 Hello\n" },
	{ "two fragments",
	  { { Z_TEXT_BEGIN, S("\xf2\x48\xcd") }, { LAST, S("\xc9\xc9\x07\x00") } },
	  2,
	  "1 0 Hello\n" },
	{ "not compressed", { { Z_TEXT, S("\x00\x05\x00\xfa\xffHello\x00") } }, 1, "1 0 Hello\n" },
	{ "last block", { { Z_TEXT, S("\xf3\x48\xcd\xc9\xc9\x07\x00\x00") } }, 1, "1 0 Hello\n" },
	{ "two blocks",
	  { { Z_TEXT, S("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00") } },
	  1,
	  "1 0 Hello\n" },
	{ "empty", { { Z_TEXT, S("\x00") } }, 1, "1 0 \n" },
	{ "empty fragments",
	  { { Z_TEXT_BEGIN, S("") }, { MORE, S("") }, { MORE, S(HELLO) }, { LAST, S("") } },
	  4,
	  "1 0 Hello\n" },
	{ "with messages that are not",
	  { { TEXT, S("a") },
	    { Z_TEXT, S(HELLO) },
	    { TEXT, S("b") },
	    { TEXT_BEGIN, S("c") },
	    { LAST, S("d") },
	    { Z_BINARY, S(HELLO) } },
	  6,
	  "1 0 a\n1 0 Hello\n1 0 b\n1 0 cd\n2 0 Hello\n" },
	{ "controls between fragments",
	  { { Z_TEXT_BEGIN, S("\xf2\x48") },
	    { PING, S("p1") },
	    { MORE, S("\xcd") },
	    { PING, S("") },
	    { LAST, S("\xc9\xc9\x07\x00") },
	    { PING, S("p3") } },
	  6,
	  "9 0 p1\n9 0 \n1 0 Hello\n9 0 p3\n" },
	{ "close between fragments",
	  { { Z_TEXT_BEGIN, S("\xf2\x48") }, { CLOSE, S("\x03\xe8 bye") } },
	  2,
	  "8 1000  bye\n" },
	{ "characters split by fragments",
	  { { Z_TEXT_BEGIN, S("\x00\x02\x00\xfd\xff\xe2\x98\x00\x01\x00\xfe\xff") },
	    { LAST, S("\x83\x00") } },
	  2,
	  "1 0 \xe2\x98\x83\n" },
	{ "binary that is not UTF-8",
	  { { Z_BINARY, S("\x00\x01\x00\xfe\xff\xff\x00") } },
	  1,
	  "2 0 \xff\n" },
	{ "text that is not UTF-8",
	  { { Z_TEXT, S("\x00\x01\x00\xfe\xff\xff\x00") } },
	  1,
	  "failed 1007 text is not UTF-8 0\n" },
	{ "text that ends inside a character",
	  { { Z_TEXT_BEGIN, S("\x00\x02\x00\xfd\xff\xe2\x98") }, { LAST, S("\x00") } },
	  2,
	  "failed 1007 text is not UTF-8 0\n" },
	{ "no compressed data",
	  { { Z_TEXT, S("Hello") } },
	  1,
	  "failed 1007 compressed data is damaged 0\n" },
	{ "nothing", { { Z_TEXT, S("") } }, 1, "failed 1007 compressed data is damaged 0\n" },
	{ "nothing in two",
	  { { Z_TEXT_BEGIN, S("") }, { LAST, S("") } },
	  2,
	  "failed 1007 compressed data is damaged 0\n" },
	{ "without its end",
	  { { Z_BINARY_BEGIN, S("\xf2\x48\xcd") }, { LAST, S("\xc9\xc9\x07") } },
	  2,
	  "failed 1007 compressed data is damaged 0\n" },
	{ "of what came before",
	  { { Z_TEXT, S(HELLO) }, { Z_TEXT, S("\xf2\x00\x11\x00\x00") }, { TEXT, S("never") } },
	  3,
	  "1 0 Hello\nfailed 1007 compressed data is damaged 0\n" },
	{ "marked continuation",
	  { { Z_TEXT_BEGIN, S("\xf2\x48\xcd") }, { 0xc0, S("\xc9\xc9\x07\x00") } },
	  2,
	  "failed 1002 reserved bits are set 0\n" },
	{ "marked continuation of a plain one",
	  { { TEXT_BEGIN, S("a") }, { 0xc0, S(HELLO) } },
	  2,
	  "failed 1002 reserved bits are set 0\n" },
	{ "marked ping", { { 0xc9, S("") } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "marked close", { { 0xc8, S("") } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "other bits", { { 0xe1, S(HELLO) } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "the last bit", { { 0xd1, S(HELLO) } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "message inside a message",
	  { { Z_TEXT_BEGIN, S("\xf2\x48\xcd") }, { Z_TEXT, S(HELLO) } },
	  2,
	  "failed 1002 new message inside a fragmented one 0\n" },
};

static void put_stream(struct fixture *f, const struct stream *s)
{
	buf_clear(&f->stream);
	for (size_t i = 0; i < s->n_frames; i++)
		put_frame(&f->stream, s->frames[i].first, s->frames[i].payload);
}

static void assert_log(const struct fixture *f, const struct stream *s, size_t cut)
{
	if (!str_eq(buf_str(&f->log), str_from_cstr(s->log)))
		fail_msg("%s, cut at %zu:\n%.*s", s->name, cut, STR_ARG(buf_str(&f->log)));
}

static void stream_reads_the_same_at_every_split_point(void **state)
{
	struct fixture *f = *state;
	size_t every[200];

	for (size_t i = 0; i < ARRAY_LEN(every); i++)
		every[i] = i;
	for (size_t i = 0; i < ARRAY_LEN(STREAMS); i++) {
		put_stream(f, &STREAMS[i]);
		for (size_t a = 0; a <= f->stream.len; a++) {
			for (size_t b = a; b <= f->stream.len; b++) {
				read_cut(f, (size_t[]){ a, b }, 2);
				assert_log(f, &STREAMS[i], a);
			}
		}
		read_cut(f, every, f->stream.len);
		assert_log(f, &STREAMS[i], f->stream.len);
	}
}

static void compression_that_was_not_agreed_on_is_refused(void **state)
{
	struct fixture *f = *state;

	f->limits.deflate = NULL;
	put_frame(&f->stream, Z_TEXT, S(HELLO));
	read_cut(f, NULL, 0);
	assert_str(buf_str(&f->log), S("failed 1002 reserved bits are set 0\n"));
}

/* A compressed message of n times the same byte, or of n bytes that do not repeat. */
static void put_long(struct fixture *f, size_t n, bool shrinks)
{
	char *text = xalloc(n), *out = xalloc(n + 1000);
	size_t n_out;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(shrinks ? 'x' : i * i * i * 2654435761u >> 16);
	n_out = deflate_compress(f->deflate, 15, (str){ text, n }, out, n + 1000);
	buf_clear(&f->stream);
	put_frame(&f->stream, Z_BINARY, (str){ out, n_out });
	xfree(text);
	xfree(out);
}

static void limit_counts_what_is_inflated(void **state)
{
	struct fixture *f = *state;
	char failed[100];

	f->limits = (struct ws_limits){ 65536, 1 << 20, f->deflate };
	for (unsigned shrinks = 0; shrinks < 2; shrinks++) {
		put_long(f, 65536, shrinks);
		read_cut(f, NULL, 0);
		assert_int_equal(f->log.len, strlen("2 0 \n") + 65536);
		put_long(f, 65537, shrinks);
		read_cut(f, (size_t[]){ 50 }, 1);
		snprintf(failed, sizeof(failed), "failed 1009 message above the limit %u\n", 65537);
		assert_str(buf_str(&f->log), str_from_cstr(failed));
	}
}

static void what_arrives_is_bounded_before_it_is_kept(void **state)
{
	struct fixture *f = *state;

	/* 100 + 100 / 8 + 64 */
	buf_puts(&f->stream, S("\xc1\xfe\x00\xb1"));
	read_cut(f, NULL, 0);
	assert_str(buf_str(&f->log), S("failed 1009 message above the limit 177\n"));
	buf_clear(&f->stream);
	put_frame(&f->stream, Z_TEXT_BEGIN, S(HELLO));
	buf_puts(&f->stream, S("\x80\xfe\x00\xaa"));
	read_cut(f, NULL, 0);
	assert_str(buf_str(&f->log), S("failed 1009 message above the limit 177\n"));
	buf_clear(&f->stream);
	buf_puts(&f->stream, S("\xc1\xfe\x00\xb0"));
	read_cut(f, NULL, 0);
	assert_str(buf_str(&f->log), S(""));
	f->limits.frame_bytes_max = 150;
	read_cut(f, NULL, 0);
	assert_str(buf_str(&f->log), S("failed 1009 frame above the limit 176\n"));
}

static void bomb_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	int64_t live;

	put_long(f, 1000000, true);
	f->limits = (struct ws_limits){ 100000, 1 << 20, f->deflate };
	live = mem_live_bytes();
	for (size_t cut = 0; cut < f->stream.len; cut += 41)
		read_cut(f, &cut, 1);
	assert_str(buf_str(&f->log), S("failed 1009 message above the limit 100001\n"));
	assert_in_range(mem_live_bytes() - live, 0, 100); /* the log */
}

static void inflated_message_is_let_go_of_at_the_next_call(void **state)
{
	struct fixture *f = *state;
	struct ws_reader r;
	struct ws_message m = { 0 };
	struct ws_failure why = { 0 };
	str in;

	put_frame(&f->stream, Z_TEXT, S(HELLO));
	in = buf_str(&f->stream);
	ws_reader_init(&r);
	assert_int_equal(ws_read(&r, &f->limits, &in, &m, &why), OK);
	assert_str(m.payload, S("Hello"));
	assert_false(ws_reader_is_idle(&r));
	assert_int_equal(ws_read(&r, &f->limits, &in, &m, &why), ERR_AGAIN);
	assert_true(ws_reader_is_idle(&r));
}

static void short_memory_closes_with_1011(void **state)
{
	struct fixture *f = *state;
	size_t n_failed = 0;

	f->limits.message_bytes_max = 10000;
	put_long(f, 5000, true);
	buf_puts(&f->log, S("grown"));
	for (uint64_t nth = 1; nth < 12; nth++) {
		mem_fail_nth(nth);
		read_cut(f, &f->stream.len, 1);
		mem_fail_nth(0);
		n_failed += str_eq(buf_str(&f->log), S("failed 1011 out of memory 0\n"));
	}
	assert_in_range(n_failed, 5, 10);
}

/* Out */

static void fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = "{\"event\":\"price\",\"channel\":\"room-1\",\"data\":"[i * i / 50 % 44];
}

static void compressed_form_is_a_marked_frame_of_the_same_text(void **state)
{
	struct fixture *f = *state;
	static char text[70000];

	fill(text, sizeof(text));
	for (unsigned bits = 9; bits <= 15; bits++) {
		for (size_t n = 64; n <= sizeof(text); n = n * 5 / 3) {
			struct msg *m = ws_frame_new(WS_TEXT, (str){ text, n });
			struct msg *z = ws_frame_compressed(m, f->deflate, bits);
			struct buf inflated;

			assert_row(z != m && z->len < m->len, n);
			assert_int_equal((uint8_t)z->bytes[0], 0xc1);
			buf_init(&inflated, n);
			assert_int_equal(deflate_inflate(f->deflate, msg_payload(z), &inflated),
					 OK);
			assert_true(str_eq(buf_str(&inflated), msg_payload(m)));
			buf_fini(&inflated);
			msg_unref(m);
		}
	}
}

static void message_is_compressed_once(void **state)
{
	struct fixture *f = *state;
	struct msg *m, *z;
	char text[5000];

	fill(text, sizeof(text));
	m = ws_frame_new(WS_BINARY, (str){ text, sizeof(text) });
	z = ws_frame_compressed(m, f->deflate, 13);
	assert_int_equal((uint8_t)z->bytes[0], 0xc2);
	mem_fail_nth(1); /* and nothing wants memory for it again */
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 13), z);
	/* A larger window is no use to it; a smaller one is another form. */
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 14), z);
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 15), z);
	mem_fail_nth(0);
	assert_ptr_not_equal(ws_frame_compressed(m, f->deflate, 12), z);
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 13), z);
	msg_unref(m);
}

static void short_messages_and_controls_stay_as_they_are(void **state)
{
	struct fixture *f = *state;
	char text[125] = { 0 };
	struct msg *messages[] = {
		ws_frame_new(WS_TEXT, S("")),
		ws_frame_new(WS_TEXT, (str){ text, 63 }),
		ws_frame_new(WS_PONG, (str){ text, 125 }),
		ws_close_new(4200, (str){ text, 100 }),
	};

	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct msg *z = ws_frame_compressed(messages[i], f->deflate, 15);

		assert_row(z == messages[i], i);
		msg_unref(messages[i]);
	}
}

static void what_does_not_shrink_stays_as_it_is_and_is_tried_once(void **state)
{
	struct fixture *f = *state;
	char noise[200];
	struct msg *m;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * i * i * 2654435761u >> 16);
	m = ws_frame_new(WS_BINARY, (str){ noise, sizeof(noise) });
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 15), m);
	mem_fail_nth(1);
	assert_ptr_equal(ws_frame_compressed(m, f->deflate, 15), m);
	assert_null(msg_new(1)); /* the failure is still to come: nothing was tried */
	mem_fail_nth(0);
	msg_unref(m);
}

static void short_memory_sends_it_as_it_is(void **state)
{
	struct fixture *f = *state;
	char text[500];
	struct msg *m;

	fill(text, sizeof(text));
	m = ws_frame_new(WS_TEXT, (str){ text, sizeof(text) });
	for (uint64_t nth = 1; nth <= 2; nth++) {
		mem_fail_nth(nth);
		assert_ptr_equal(ws_frame_compressed(m, f->deflate, 15), m);
		mem_fail_nth(0);
	}
	assert_ptr_not_equal(ws_frame_compressed(m, f->deflate, 15), m);
	msg_unref(m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(stream_reads_the_same_at_every_split_point),
		TEST(compression_that_was_not_agreed_on_is_refused),
		TEST(limit_counts_what_is_inflated),
		TEST(what_arrives_is_bounded_before_it_is_kept),
		TEST(bomb_leaves_nothing_behind),
		TEST(inflated_message_is_let_go_of_at_the_next_call),
		TEST(short_memory_closes_with_1011),
		TEST(compressed_form_is_a_marked_frame_of_the_same_text),
		TEST(message_is_compressed_once),
		TEST(short_messages_and_controls_stay_as_they_are),
		TEST(what_does_not_shrink_stays_as_it_is_and_is_tried_once),
		TEST(short_memory_sends_it_as_it_is),
	};

	return cmocka_run_group_tests_name("websocket_deflate", tests, NULL, NULL);
}

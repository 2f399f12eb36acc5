#include "codec/websocket.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct ws_limits LIMITS = { .message_bytes_max = 70000, .frame_bytes_max = 66000 };
static const uint8_t KEY[4] = { 0x11, 0x22, 0x33, 0x44 };

/* What a client sends: first byte as given, masked. */
static void put_frame(struct buf *b, uint8_t first, str payload)
{
	uint8_t header[WS_HEADER_MAX];
	size_t n = ws_header_write(header, WS_TEXT, payload.n);

	header[0] = first;
	header[1] |= 0x80;
	buf_put(b, header, n);
	buf_put(b, KEY, sizeof(KEY));
	buf_puts(b, payload);
	ws_mask((uint8_t *)b->p + b->len - payload.n, payload.n, KEY, 0);
}

/* Everything that the reader says, as text: opcode, close code, length, payload of each message;
 * then the failure. */
static void put_message(struct buf *log, const struct ws_message *m)
{
	buf_printf(log, "%d %u %zu ", m->opcode, m->close_code, m->payload.n);
	buf_puts(log, m->payload);
	buf_putc(log, '\n');
}

static err read_all(struct ws_reader *r, const struct ws_limits *lim, str in, struct buf *log)
{
	struct ws_message m;
	struct ws_failure why = { 0 };
	err e;

	while ((e = ws_read(r, lim, &in, &m, &why)) == OK)
		put_message(log, &m);
	if (e == ERR_AGAIN) {
		assert_int_equal(in.n, 0);
		return e;
	}
	assert_int_equal(e, why.close_code == WS_CLOSE_TOO_BIG ? ERR_LIMIT :
			    why.close_code == 1011	       ? ERR_MEMORY :
								 ERR_SYNTAX);
	buf_printf(log, "failed %u %s %lu\n", why.close_code, why.text,
		   (unsigned long)why.actual_bytes);
	return e;
}

/* The stream in pieces that end at the given cuts. Each piece lies in memory of its own that is
 * gone afterwards. */
static void read_cut(str stream, const struct ws_limits *lim, const size_t *cuts, size_t n_cuts,
		     struct buf *log)
{
	struct ws_reader r;
	size_t from = 0;
	err e = ERR_AGAIN;

	ws_reader_init(&r);
	for (size_t i = 0; i <= n_cuts && e == ERR_AGAIN; i++) {
		size_t to = i < n_cuts ? cuts[i] : stream.n;
		char *piece = xalloc(to - from + 1);

		memcpy(piece, stream.p + from, to - from);
		e = read_all(&r, lim, (str){ piece, to - from }, log);
		xfree(piece);
		from = to;
	}
	if (e != ERR_AGAIN)
		assert_true(ws_reader_is_idle(&r));
	ws_reader_fini(&r);
}

static void read_bytewise(str stream, const struct ws_limits *lim, struct buf *log)
{
	size_t *cuts = xalloc((stream.n + 1) * sizeof(*cuts));

	for (size_t i = 0; i < stream.n; i++)
		cuts[i] = i;
	read_cut(stream, lim, cuts, stream.n, log);
	xfree(cuts);
}

/* A frame of a test stream; a payload that is only long is written as its length. */
struct sent {
	uint8_t first;
	const char *payload;
	size_t n_filler;
};

struct stream {
	const char *name;
	struct sent frames[8];
	size_t n_frames;
	const char *log; /* NULL: whatever the unsplit run says */
};

#define TEXT 0x81
#define BINARY 0x82
#define CLOSE 0x88
#define PING 0x89
#define PONG 0x8a
#define TEXT_BEGIN 0x01
#define BINARY_BEGIN 0x02
#define MORE 0x00
#define LAST 0x80

static const struct stream STREAMS[] = {
	{ "one text", { { TEXT, "hello", 0 } }, 1, "1 0 5 hello\n" },
	{ "empty text", { { TEXT, "", 0 } }, 1, "1 0 0 \n" },
	{ "two and a binary",
	  { { TEXT, "a", 0 },
	    { TEXT, "h\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80", 0 },
	    { BINARY, "\xff\xfe", 0 } },
	  3,
	  "1 0 1 a\n1 0 10 h\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80\n2 0 2 \xff\xfe\n" },
	{ "two fragments",
	  { { TEXT_BEGIN, "hel", 0 }, { LAST, "lo", 0 }, { TEXT, "next", 0 } },
	  3,
	  "1 0 5 hello\n1 0 4 next\n" },
	{ "character split by fragments",
	  { { TEXT_BEGIN, "\xf0\x9f", 0 }, { MORE, "\x98", 0 }, { LAST, "\x80!", 0 } },
	  3,
	  "1 0 5 \xf0\x9f\x98\x80!\n" },
	{ "fragments with nothing in them",
	  { { TEXT_BEGIN, "", 0 }, { MORE, "", 0 }, { MORE, "x", 0 }, { LAST, "", 0 } },
	  4,
	  "1 0 1 x\n" },
	{ "only empty fragments", { { BINARY_BEGIN, "", 0 }, { LAST, "", 0 } }, 2, "2 0 0 \n" },
	{ "binary fragments need no UTF-8",
	  { { BINARY_BEGIN, "\xff", 0 }, { LAST, "\xc3", 0 } },
	  2,
	  "2 0 2 \xff\xc3\n" },
	{ "controls between fragments",
	  { { PING, "p0", 0 },
	    { TEXT_BEGIN, "a\xc3", 0 },
	    { PING, "\xff", 0 },
	    { MORE, "\xa9", 0 },
	    { PONG, "", 0 },
	    { PING, "p2", 0 },
	    { LAST, "z", 0 },
	    { PONG, "end", 0 } },
	  8,
	  "9 0 2 p0\n9 0 1 \xff\n10 0 0 \n9 0 2 p2\n1 0 4 a\xc3\xa9z\n10 0 3 end\n" },
	{ "close between fragments",
	  { { TEXT_BEGIN, "a", 0 }, { CLOSE, "\x03\xe8 bye", 0 } },
	  2,
	  "8 1000 4  bye\n" },
	{ "close without a code", { { CLOSE, "", 0 } }, 1, "8 1005 0 \n" },
	{ "close with a code", { { CLOSE, "\x0f\xa1", 0 } }, 1, "8 4001 0 \n" },
	{ "longest control", { { PING, NULL, 125 } }, 1, NULL },
	{ "lengths around 126",
	  { { TEXT, NULL, 125 }, { TEXT, NULL, 126 }, { TEXT, NULL, 127 } },
	  3,
	  NULL },
	{ "invalid text after a good message",
	  { { TEXT, "good", 0 }, { TEXT, "b\xc3(d", 0 }, { TEXT, "never", 0 } },
	  3,
	  "1 0 4 good\nfailed 1007 text is not UTF-8 0\n" },
	{ "text that ends inside a character",
	  { { TEXT_BEGIN, "a", 0 }, { LAST, "\xe2\x98", 0 } },
	  2,
	  "failed 1007 text is not UTF-8 0\n" },
	{ "short text that ends inside a character",
	  { { TEXT, "a\xe2\x98", 0 } },
	  1,
	  "failed 1007 text is not UTF-8 0\n" },
	{ "invalid close reason",
	  { { CLOSE, "\x03\xe8\xff", 0 } },
	  1,
	  "failed 1007 close reason is not UTF-8 0\n" },
	{ "half a close code",
	  { { CLOSE, "\x03", 0 } },
	  1,
	  "failed 1002 close frame with half a code 0\n" },
	{ "continuation of nothing",
	  { { PING, "", 0 }, { LAST, "x", 0 } },
	  2,
	  "9 0 0 \nfailed 1002 continuation without a message 0\n" },
	{ "continuation after the end",
	  { { TEXT_BEGIN, "a", 0 }, { LAST, "b", 0 }, { LAST, "c", 0 } },
	  3,
	  "1 0 2 ab\nfailed 1002 continuation without a message 0\n" },
	{ "message inside a message",
	  { { TEXT_BEGIN, "a", 0 }, { TEXT, "b", 0 } },
	  2,
	  "failed 1002 new message inside a fragmented one 0\n" },
	{ "fragmented control",
	  { { 0x09, "a", 0 } },
	  1,
	  "failed 1002 fragmented control frame 0\n" },
	{ "long control",
	  { { PING, NULL, 126 } },
	  1,
	  "failed 1002 control frame above 125 bytes 0\n" },
	{ "reserved bit 1", { { 0xc1, "a", 0 } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "reserved bit 3", { { 0x91, "a", 0 } }, 1, "failed 1002 reserved bits are set 0\n" },
	{ "reserved opcode", { { 0x83, "a", 0 } }, 1, "failed 1002 unknown opcode 0\n" },
	{ "reserved control opcode", { { 0x8b, "a", 0 } }, 1, "failed 1002 unknown opcode 0\n" },
};

static void put_stream(struct buf *b, const struct stream *s)
{
	static char filler[70000];

	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < s->n_frames; i++) {
		const struct sent *f = &s->frames[i];

		put_frame(b, f->first,
			  f->payload ? str_from_cstr(f->payload) : (str){ filler, f->n_filler });
	}
}

static void assert_logs(const struct stream *s, const struct buf *got, str wanted, size_t cut)
{
	if (!str_eq(buf_str(got), wanted))
		fail_msg("%s, cut at %zu:\n%.*s\nwanted:\n%.*s", s->name, cut,
			 STR_ARG(buf_str(got)), STR_ARG(wanted));
}

static void stream_is_read_as_written(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(STREAMS); i++) {
		struct buf stream, log;

		buf_init(&stream, 1000000);
		buf_init(&log, 1000000);
		put_stream(&stream, &STREAMS[i]);
		read_cut(buf_str(&stream), &LIMITS, NULL, 0, &log);
		if (STREAMS[i].log)
			assert_logs(&STREAMS[i], &log, str_from_cstr(STREAMS[i].log), 0);
		else
			assert_true(log.len > 0 && log.p[0] != 'f');
		buf_fini(&stream);
		buf_fini(&log);
	}
}

static void stream_reads_the_same_at_every_split_point(void **state)
{
	int64_t live = mem_live_bytes();

	for (size_t i = 0; i < ARRAY_LEN(STREAMS); i++) {
		struct buf stream, whole, log;

		buf_init(&stream, 1000000);
		buf_init(&whole, 1000000);
		buf_init(&log, 1000000);
		put_stream(&stream, &STREAMS[i]);
		read_cut(buf_str(&stream), &LIMITS, NULL, 0, &whole);
		for (size_t a = 0; a <= stream.len; a++) {
			for (size_t b = a; b <= stream.len && (b == a || stream.len < 64); b++) {
				buf_clear(&log);
				read_cut(buf_str(&stream), &LIMITS, (size_t[]){ a, b }, 2, &log);
				assert_logs(&STREAMS[i], &log, buf_str(&whole), a);
			}
		}
		buf_clear(&log);
		read_bytewise(buf_str(&stream), &LIMITS, &log);
		assert_logs(&STREAMS[i], &log, buf_str(&whole), stream.len);
		buf_fini(&stream);
		buf_fini(&whole);
		buf_fini(&log);
	}
	assert_int_equal(mem_live_bytes(), live);
}

static void long_frames_read_the_same_around_every_header_byte(void **state)
{
	static const struct stream big = {
		"big", { { TEXT, NULL, 65535 }, { TEXT, NULL, 65536 }, { PING, "x", 0 } }, 3, NULL
	};
	struct buf stream, whole, log;

	buf_init(&stream, 1000000);
	buf_init(&whole, 1000000);
	buf_init(&log, 1000000);
	put_stream(&stream, &big);
	read_cut(buf_str(&stream), &LIMITS, NULL, 0, &whole);
	assert_int_equal(whole.len, strlen("1 0 65535 \n1 0 65536 \n9 0 1 x\n") + 65535 + 65536);
	for (size_t cut = 0; cut <= stream.len;
	     cut += cut < 20 || (cut > 65530 && cut < 65580) ? 1 : 997) {
		buf_clear(&log);
		read_cut(buf_str(&stream), &LIMITS, &cut, 1, &log);
		assert_logs(&big, &log, buf_str(&whole), cut);
	}
	buf_fini(&stream);
	buf_fini(&whole);
	buf_fini(&log);
}

static void read_raw(str bytes, const char *wanted)
{
	struct buf log;

	buf_init(&log, 1000);
	read_cut(bytes, &LIMITS, NULL, 0, &log);
	assert_true(str_eq(buf_str(&log), str_from_cstr(wanted)));
	buf_clear(&log);
	read_bytewise(bytes, &LIMITS, &log);
	assert_true(str_eq(buf_str(&log), str_from_cstr(wanted)));
	buf_fini(&log);
}

static void header_is_refused_as_soon_as_it_is_wrong(void **state)
{
	read_raw(S("\xc1"), "failed 1002 reserved bits are set 0\n");
	read_raw(S("\x83"), "failed 1002 unknown opcode 0\n");
	read_raw(S("\x80"), "failed 1002 continuation without a message 0\n");
	read_raw(S("\x81\x05"), "failed 1002 frame is not masked 0\n");
	read_raw(S("\x89\xfe"), "failed 1002 control frame above 125 bytes 0\n");
	read_raw(S("\x88\x81"), "failed 1002 close frame with half a code 0\n");
	read_raw(S("\x81\xfe\x00\x7d"), "failed 1002 length in too long a form 0\n");
	read_raw(S("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"),
		 "failed 1002 length in too long a form 0\n");
	read_raw(S("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00"),
		 "failed 1002 length with its top bit set 0\n");
	read_raw(S("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		 "failed 1002 length with its top bit set 0\n");
}

static void size_is_refused_before_the_payload(void **state)
{
	read_raw(S("\x81\xff\x00\x00\x00\x00\x00\x01\x01\xd1"),
		 "failed 1009 frame above the limit 66001\n");
	read_raw(S("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"),
		 "failed 1009 message above the limit 9223372036854775807\n");
}

static void size_limits_hold_exactly(void **state)
{
	static const struct stream rows[] = {
		{ "frame at the limit", { { TEXT, NULL, 66000 } }, 1, NULL },
		{ "frame above",
		  { { TEXT, NULL, 66001 } },
		  1,
		  "failed 1009 frame above the limit 66001\n" },
		{ "message at the limit",
		  { { TEXT_BEGIN, NULL, 66000 }, { LAST, NULL, 4000 } },
		  2,
		  NULL },
		{ "message above",
		  { { TEXT_BEGIN, NULL, 66000 }, { LAST, NULL, 4001 } },
		  2,
		  "failed 1009 message above the limit 70001\n" },
		{ "both above: the message counts, as a whole",
		  { { TEXT_BEGIN, NULL, 4000 }, { LAST, NULL, 66001 } },
		  2,
		  "failed 1009 message above the limit 70001\n" },
		{ "controls do not count",
		  { { TEXT_BEGIN, NULL, 66000 }, { PING, NULL, 125 }, { LAST, NULL, 4000 } },
		  3,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf stream, log;

		buf_init(&stream, 1000000);
		buf_init(&log, 1000000);
		put_stream(&stream, &rows[i]);
		for (size_t cut = 0; cut < 40; cut++) {
			buf_clear(&log);
			read_cut(buf_str(&stream), &LIMITS, &cut, 1, &log);
			if (rows[i].log)
				assert_logs(&rows[i], &log, str_from_cstr(rows[i].log), cut);
			else
				assert_true(log.len > 66000 && log.p[0] != 'f');
		}
		buf_fini(&stream);
		buf_fini(&log);
	}
}

static void close_codes_are_checked(void **state)
{
	for (unsigned code = 0; code <= 65535; code++) {
		bool is_good = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
			       (code >= 3000 && code <= 4999);
		char payload[2] = { (char)(code >> 8), (char)code };
		struct ws_reader r;
		struct ws_message m;
		struct ws_failure why;
		struct buf b;
		str in;

		buf_init(&b, 100);
		put_frame(&b, CLOSE, (str){ payload, 2 });
		in = buf_str(&b);
		ws_reader_init(&r);
		assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), is_good ? OK : ERR_SYNTAX);
		assert_int_equal(is_good ? m.close_code : why.close_code,
				 is_good ? code : WS_CLOSE_PROTOCOL);
		ws_reader_fini(&r);
		buf_fini(&b);
	}
}

static void bad_text_fails_inside_an_unfinished_frame(void **state)
{
	struct buf b;
	str whole;

	buf_init(&b, 1000);
	put_frame(&b, TEXT, S("ok\xc3\x28 and then much that never comes"));
	whole = buf_str(&b);
	read_raw(str_take(whole, 6 + 4), "failed 1007 text is not UTF-8 0\n");
	read_raw(str_take(whole, 6 + 3), "");
	buf_fini(&b);
}

static void memory_follows_the_bytes_not_the_declared_length(void **state)
{
	int64_t live = mem_live_bytes();
	char header[] = "\x82\xff\x00\x00\x00\x00\x00\x01\x01\xd0KEY!", piece[500] = { 0 };
	struct ws_reader r;
	struct ws_message m;
	struct ws_failure why;
	str in = { header, sizeof(header) - 1 };

	ws_reader_init(&r);
	assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), ERR_AGAIN);
	assert_in_range(mem_live_bytes() - live, 1, 400);
	in = (str){ piece, sizeof(piece) };
	assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), ERR_AGAIN);
	assert_in_range(mem_live_bytes() - live, 500, 1000);
	ws_reader_fini(&r);
	assert_int_equal(mem_live_bytes(), live);
}

static void long_message_grows_by_doubling_up_to_its_length(void **state)
{
	int64_t live;
	struct ws_reader r;
	struct ws_message m;
	struct ws_failure why;
	struct buf b;
	str rest;

	buf_init(&b, 100000);
	put_stream(&b, &(struct stream){ "", { { BINARY, NULL, 65536 } }, 1, NULL });
	live = mem_live_bytes();
	ws_reader_init(&r);
	for (rest = buf_str(&b); rest.n > 1;) {
		str in = str_take(rest, rest.n > 1000 ? 1000 : rest.n - 1);
		size_t n = in.n, taken = b.len - rest.n + n;

		assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), ERR_AGAIN);
		assert_in_range(mem_live_bytes() - live, 1,
				(taken * 2 < 65536 ? taken * 2 : 65536) + 700);
		rest = str_skip(rest, n);
	}
	assert_int_equal(ws_read(&r, &LIMITS, &rest, &m, &why), OK);
	assert_int_equal(m.payload.n, 65536);
	assert_int_equal(m.payload.p[65535], 'x');
	assert_false(ws_reader_is_idle(&r));
	assert_int_equal(ws_read(&r, &LIMITS, &rest, &m, &why), ERR_AGAIN);
	assert_true(ws_reader_is_idle(&r));
	assert_int_equal(mem_live_bytes(), live);
	buf_fini(&b);
}

static void many_fragments_move_the_message_seldom(void **state)
{
	int64_t live, before;
	struct ws_reader r;
	struct ws_message m;
	struct ws_failure why;
	unsigned n_grown = 0;
	struct buf b;

	buf_init(&b, 100);
	put_frame(&b, BINARY_BEGIN, S("16 bytes of it.."));
	live = before = mem_live_bytes();
	ws_reader_init(&r);
	for (size_t i = 0; i < 4000; i++) {
		str in;

		b.len = 0;
		put_frame(&b, i == 0 ? BINARY_BEGIN : MORE, S("16 bytes of it.."));
		in = buf_str(&b);
		assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), ERR_AGAIN);
		n_grown += mem_live_bytes() != before;
		before = mem_live_bytes();
	}
	assert_in_range(n_grown, 1, 12);
	assert_in_range(before - live, 64000, 2 * 64000 + 700);
	ws_reader_fini(&r);
	assert_int_equal(mem_live_bytes(), live);
	buf_fini(&b);
}

static void whole_messages_need_no_memory(void **state)
{
	struct ws_reader r;
	struct ws_message m;
	struct ws_failure why;
	struct buf b;
	str in;

	buf_init(&b, 1000);
	put_frame(&b, TEXT, S("hello"));
	put_frame(&b, CLOSE, S(""));
	in = buf_str(&b);
	ws_reader_init(&r);
	mem_fail_nth(1);
	assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), OK);
	assert_ptr_equal(m.payload.p, b.p + 6);
	assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), OK);
	assert_int_equal(ws_read(&r, &LIMITS, &in, &m, &why), ERR_AGAIN);
	mem_fail_nth(0);
	assert_true(ws_reader_is_idle(&r));
	buf_fini(&b);
}

static void short_memory_closes_with_1011(void **state)
{
	int64_t live = mem_live_bytes();
	struct buf stream, log;
	size_t n_failed = 0;

	buf_init(&stream, 10000);
	buf_init(&log, 10000);
	put_stream(&stream,
		   &(struct stream){
			   "", { { TEXT_BEGIN, NULL, 1000 }, { LAST, NULL, 1000 } }, 2, NULL });
	buf_puts(&log, S("grown"));
	for (uint64_t nth = 1; nth < 10; nth++) {
		buf_clear(&log);
		mem_fail_nth(nth);
		read_cut(buf_str(&stream), &LIMITS, (size_t[]){ 1, 500 }, 2, &log);
		mem_fail_nth(0);
		if (str_eq(buf_str(&log), S("failed 1011 out of memory 0\n")))
			n_failed++;
	}
	assert_in_range(n_failed, 3, 8);
	buf_fini(&stream);
	buf_fini(&log);
	assert_int_equal(mem_live_bytes(), live);
}

static void mask_turns_with_the_offset(void **state)
{
	uint8_t got[40], wanted[40];

	for (uint64_t offset = 0; offset < 9; offset++) {
		for (size_t n = 0; n <= sizeof(got); n++) {
			for (size_t i = 0; i < sizeof(got); i++) {
				got[i] = (uint8_t)(i * 7);
				wanted[i] = i < n ? got[i] ^ KEY[(offset + i) & 3] : got[i];
			}
			ws_mask(got, n, KEY, offset);
			assert_memory_equal(got, wanted, sizeof(got));
		}
	}
}

static void frames_have_the_shortest_header(void **state)
{
	static const struct {
		size_t payload_len, header_len;
		const char *header;
	} rows[] = {
		{ 0, 2, "\x81\x00" },
		{ 125, 2, "\x81\x7d" },
		{ 126, 4, "\x81\x7e\x00\x7e" },
		{ 65535, 4, "\x81\x7e\xff\xff" },
		{ 65536, 10, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *payload = xcalloc(1, rows[i].payload_len + 1);
		struct msg *m = ws_frame_new(WS_TEXT, (str){ payload, rows[i].payload_len });

		assert_int_equal(m->head_len, rows[i].header_len);
		assert_memory_equal(m->bytes, rows[i].header, rows[i].header_len);
		assert_int_equal(msg_payload(m).n, rows[i].payload_len);
		msg_unref(m);
		xfree(payload);
	}
}

static void assert_msg(struct msg *m, str wanted)
{
	assert_true(str_eq(msg_str(m), wanted));
	msg_unref(m);
}

static void close_frames_carry_code_and_reason(void **state)
{
	char reason[126];
	struct msg *m;

	assert_msg(ws_close_new(WS_CLOSE_NORMAL, S("bye")), S("\x88\x05\x03\xe8"
							      "bye"));
	assert_msg(ws_close_new(4200, S("")), S("\x88\x02\x10\x68"));
	assert_msg(ws_close_new(WS_CLOSE_NO_STATUS, S("lost")), S("\x88\x00"));
	memset(reason, 'x', sizeof(reason));
	memcpy(reason + 122, "\xe2\x98\x83", 3);
	m = ws_close_new(4000, (str){ reason, sizeof(reason) });
	assert_int_equal(msg_payload(m).n, 2 + 122);
	assert_true(utf8_valid(str_skip(msg_payload(m), 2)));
	msg_unref(m);
}

static void accept_is_as_in_the_rfc(void **state)
{
	char got[WS_ACCEPT_LEN];

	ws_accept(S("dGhlIHNhbXBsZSBub25jZQ=="), got);
	assert_memory_equal(got, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(stream_is_read_as_written),
	cmocka_unit_test(stream_reads_the_same_at_every_split_point),
	cmocka_unit_test(long_frames_read_the_same_around_every_header_byte),
	cmocka_unit_test(header_is_refused_as_soon_as_it_is_wrong),
	cmocka_unit_test(size_is_refused_before_the_payload),
	cmocka_unit_test(size_limits_hold_exactly),
	cmocka_unit_test(close_codes_are_checked),
	cmocka_unit_test(bad_text_fails_inside_an_unfinished_frame),
	cmocka_unit_test(memory_follows_the_bytes_not_the_declared_length),
	cmocka_unit_test(long_message_grows_by_doubling_up_to_its_length),
	cmocka_unit_test(many_fragments_move_the_message_seldom),
	cmocka_unit_test(whole_messages_need_no_memory),
	cmocka_unit_test(short_memory_closes_with_1011),
	cmocka_unit_test(mask_turns_with_the_offset),
	cmocka_unit_test(frames_have_the_shortest_header),
	cmocka_unit_test(close_frames_carry_code_and_reason),
	cmocka_unit_test(accept_is_as_in_the_rfc),
};

int main(void)
{
	return cmocka_run_group_tests_name("websocket", TESTS, NULL, NULL);
}

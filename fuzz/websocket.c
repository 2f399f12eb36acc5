/* websocket: a stream gives the same messages and the same failure however it is cut, within the
 * limits, and nothing is left behind; also when memory fails. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/websocket.h"

static struct ws_limits limits(uint8_t choice)
{
	return (struct ws_limits){
		.message_bytes_max = choice & 1 ? 20 : 1000,
		.frame_bytes_max = choice & 1 ? 1000 : 600,
		.deflate = choice & 2 ? the_deflate() : NULL,
	};
}

static void check_message(const struct ws_message *m, const struct ws_limits *lim)
{
	switch (m->opcode) {
	case WS_TEXT:
	case WS_BINARY:
		CHECK(m->payload.n <= lim->message_bytes_max);
		CHECK(m->opcode == WS_BINARY || naive_utf8_valid(m->payload));
		break;
	case WS_CLOSE:
		CHECK(m->payload.n <= 123 && naive_utf8_valid(m->payload));
		CHECK(m->close_code >= 1000 && m->close_code < 5000 && m->close_code != 1006);
		CHECK(m->close_code != WS_CLOSE_NO_STATUS || m->payload.n == 0);
		break;
	default:
		CHECK(m->opcode == WS_PING || m->opcode == WS_PONG);
		CHECK(m->payload.n <= 125);
	}
}

/* Everything that a stream gave, as bytes. */
static void note_message(struct buf *log, const struct ws_message *m)
{
	buf_printf(log, "%d %u %zu ", m->opcode, m->close_code, m->payload.n);
	buf_puts(log, m->payload);
}

static void note_failure(struct buf *log, err e, const struct ws_failure *why)
{
	buf_printf(log, "%d %u %s %llu", e, why->close_code, why->text,
		   (unsigned long long)why->actual_bytes);
}

/* All messages of one piece. ERR_AGAIN: it was taken. */
static err read_piece(struct ws_reader *r, const struct ws_limits *lim, str in, struct buf *log)
{
	struct ws_failure why = { 0 };
	struct ws_message m;
	err e;

	while ((e = ws_read(r, lim, &in, &m, &why)) == OK) {
		check_message(&m, lim);
		note_message(log, &m);
	}
	if (e == ERR_AGAIN) {
		CHECK(in.n == 0);
		return e;
	}
	CHECK(why.text && why.close_code >= 1000);
	CHECK((e == ERR_LIMIT) == (why.close_code == WS_CLOSE_TOO_BIG));
	CHECK((e == ERR_MEMORY) == (why.close_code == 1011));
	CHECK(ws_reader_is_idle(r));
	if (e != ERR_MEMORY)
		note_failure(log, e, &why);
	return e;
}

/* cuts NULL: in one piece. */
static err read_stream(str in, const struct ws_limits *lim, struct fuzz_cuts *cuts, struct buf *log)
{
	int64_t live;
	struct ws_reader r;
	err e = ERR_AGAIN;

	buf_clear(log);
	live = mem_live_bytes();
	ws_reader_init(&r);
	for (size_t at = 0; at < in.n && e == ERR_AGAIN;) {
		size_t n = cuts ? fuzz_cut(cuts, in.n - at) : in.n - at;
		char *piece = fuzz_copy((str){ in.p + at, n });

		e = read_piece(&r, lim, (str){ piece, n }, log);
		xfree(piece);
		at += n;
	}
	ws_reader_fini(&r);
	CHECK(buf_ok(log));
	CHECK(mem_live_bytes() == live);
	return e;
}

/* All that the log will need, so that it does not take part in what is measured. */
static void log_init(struct buf *log, size_t n)
{
	buf_init(log, 16 * n + 200);
	CHECK(buf_reserve(log, log->max));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str in = fuzz_input(data, size, &choice);
	struct ws_limits lim = limits(choice);
	struct fuzz_cuts cuts = fuzz_cuts(choice >> 2), again = cuts;
	struct buf whole, pieces;
	err e;

	log_init(&whole, in.n);
	log_init(&pieces, in.n);
	e = read_stream(in, &lim, NULL, &whole);
	CHECK(read_stream(in, &lim, &cuts, &pieces) == e);
	CHECK(str_eq(buf_str(&whole), buf_str(&pieces)));
	/* An allocation fails: up to there everything is as it was. */
	mem_fail_nth(choice % 5 + 1);
	read_stream(in, &lim, &again, &pieces);
	mem_fail_nth(0);
	CHECK(str_has_prefix(buf_str(&whole), buf_str(&pieces)));
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}

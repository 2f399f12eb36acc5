#include "ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *head;
	size_t head_bytes;
	size_t payload_bytes;
} lengths[] = {
	{ "\x81\x00", 2, 0 },
	{ "\x81\x7d", 2, 125 },
	{ "\x81\x7e\x00\x7e", 4, 126 },
	{ "\x81\x7e\xff\xff", 4, 65535 },
	{ "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10, 65536 },
};

static void ws_frame_reads_every_form_of_length_at_every_split(void **state)
{
	static char bytes[70000];

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t n = lengths[i].head_bytes + lengths[i].payload_bytes, used = 0;
		struct ws_frame f;

		memset(bytes, 'p', sizeof bytes);
		memcpy(bytes, lengths[i].head, lengths[i].head_bytes);
		for (size_t have = 0; have < n; have++)
			assert_int_equal(ws_frame_read(bytes, have, &f, &used), WS_READ_MORE);
		assert_int_equal(ws_frame_read(bytes, sizeof bytes, &f, &used), WS_READ_FRAME);
		assert_int_equal(used, n);
		assert_int_equal(f.opcode, WS_TEXT);
		assert_ptr_equal(f.payload, bytes + lengths[i].head_bytes);
		assert_int_equal(f.payload_bytes, lengths[i].payload_bytes);
	}
}

static void ws_frame_refuses_what_a_server_may_not_send(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t n;
	} cases[] = {
		{ "masked", "\x81\x81mask?", 7 },
		{ "a fragment", "\x01\x01?", 3 },
		{ "a reserved bit", "\xc1\x01?", 3 },
		{ "far too long", "\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00", 10 },
		{ "negative", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ws_frame f;
		size_t used;

		if (ws_frame_read(cases[i].bytes, cases[i].n, &f, &used) != WS_READ_BROKEN)
			fail_msg("accepted: %s", cases[i].what);
	}
}

static void ws_frame_writes_a_masked_frame(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 300 };
	char payload[300], out[sizeof payload + WS_CLIENT_HEAD_BYTES];

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (char)i;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i], head = n < 126 ? 6 : 8;

		assert_int_equal(ws_frame_write(out, WS_PING, payload, n), head + n);
		assert_int_equal((unsigned char)out[0], 0x89);
		assert_int_equal((unsigned char)out[1], 0x80 | (n < 126 ? n : 126));
		for (size_t k = 0; k < n; k++)
			assert_int_equal(out[head + k] ^ out[head - 4 + k % 4], payload[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ws_frame_reads_every_form_of_length_at_every_split),
		cmocka_unit_test(ws_frame_refuses_what_a_server_may_not_send),
		cmocka_unit_test(ws_frame_writes_a_masked_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

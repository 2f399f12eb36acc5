#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct payload sample = { 0xfedcba9876543210u, 0x89abcdefu, 0xa5c3u };

static void assert_same(const struct payload *a, const struct payload *b)
{
	assert_true(a->intended_ns == b->intended_ns);
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->stream, b->stream);
}

static void payload_comes_back_from_anywhere_in_a_frame(void **state)
{
	char frame[200];
	size_t hint = 17;

	for (size_t at = 0; at + PAYLOAD_BYTES <= sizeof frame; at++) {
		struct payload found;

		memset(frame, '"', sizeof frame);
		payload_write(&sample, frame + at);
		assert_true(payload_find(frame, sizeof frame, &hint, &found));
		assert_same(&found, &sample);
		assert_int_equal(hint, at);
	}
}

static void payload_that_is_cut_off_is_not_found(void **state)
{
	char frame[PAYLOAD_BYTES];
	struct payload found;

	payload_write(&sample, frame);
	for (size_t n = 0; n < sizeof frame; n++) {
		size_t hint = 0;

		assert_false(payload_find(frame, n, &hint, &found));
	}
}

static void payload_is_not_seen_in_other_events(void **state)
{
	static const char text[] = "{\"event\":\"pusher:pong\",\"data\":{},\"padding\":\""
				   "................................................\"}";
	size_t hint = 5;
	struct payload found;

	assert_false(payload_find(text, strlen(text), &hint, &found));
}

static void payload_needs_no_escapes_in_json(void **state)
{
	char bytes[PAYLOAD_BYTES];

	payload_write(&sample, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_true(bytes[i] >= ' ' && bytes[i] < 127 && bytes[i] != '"' &&
			    bytes[i] != '\\');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_comes_back_from_anywhere_in_a_frame),
		cmocka_unit_test(payload_that_is_cut_off_is_not_found),
		cmocka_unit_test(payload_is_not_seen_in_other_events),
		cmocka_unit_test(payload_needs_no_escapes_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

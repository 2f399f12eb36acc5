#include "codec/http1.h"

#include "base/check.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <time.h>

static void assert_head(struct buf *b, const char *wanted)
{
	assert_true(buf_ok(b));
	assert_int_equal(b->len, strlen(wanted));
	assert_memory_equal(b->p, wanted, b->len);
	buf_clear(b);
}

static void heads_are_written_line_by_line(void **state)
{
	str date = S("Sun, 06 Nov 1994 08:49:37 GMT");
	struct buf b;

	buf_init(&b, 1000);
	http_head_begin(&b, 200);
	http_header_put(&b, S("content-type"), S("application/json"));
	http_head_end(&b, date, 11, true);
	assert_head(&b,
		    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n"
		    "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
	http_head_begin(&b, 431);
	http_head_end(&b, date, 0, false);
	assert_head(&b, "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n"
			"connection: close\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
	http_head_begin(&b, 101);
	http_header_put(&b, S("upgrade"), S("websocket"));
	http_head_end(&b, date, HTTP_NO_LENGTH, true);
	assert_head(&b, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
			"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
	buf_fini(&b);
}

static void reasons_are_known_for_all_statuses_in_use(void **state)
{
	assert_string_equal(http_reason(200), "OK");
	assert_string_equal(http_reason(414), "URI Too Long");
	assert_string_equal(http_reason(503), "Service Unavailable");
	assert_string_equal(http_reason(299), "Unknown");
	assert_string_equal(http_reason(599), "Unknown");
}

static void assert_date(int64_t unix_s, const char *wanted)
{
	char got[HTTP_DATE_LEN + 1] = { 0 };

	http_date(unix_s, got);
	assert_string_equal(got, wanted);
}

static void dates_are_imf_fixdates(void **state)
{
	assert_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_date(951782399, "Mon, 28 Feb 2000 23:59:59 GMT");
	assert_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
	assert_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
	assert_date(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void dates_of_a_wild_clock_keep_their_form(void **state)
{
	assert_date(-1, "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_date(INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_date(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void dates_agree_with_libc_on_every_day_of_two_centuries(void **state)
{
	for (time_t t = 0; t < (time_t)200 * 366 * 86400; t += 86400 + 61) {
		char wanted[40];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_date(t, wanted);
	}
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(heads_are_written_line_by_line),
	cmocka_unit_test(reasons_are_known_for_all_statuses_in_use),
	cmocka_unit_test(dates_are_imf_fixdates),
	cmocka_unit_test(dates_of_a_wild_clock_keep_their_form),
	cmocka_unit_test(dates_agree_with_libc_on_every_day_of_two_centuries),
};

int main(void)
{
	return cmocka_run_group_tests_name("http1_response", TESTS, NULL, NULL);
}

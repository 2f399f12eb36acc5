/* http1_response.c: what goes out in front of a body. */
#include "codec/http1.h"

#include "base/check.h"

static const char *const REASONS[] = {
	[100] = "Continue",
	[101] = "Switching Protocols",
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[204] = "No Content",
	[304] = "Not Modified",
	[308] = "Permanent Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[413] = "Payload Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[417] = "Expectation Failed",
	[422] = "Unprocessable Entity",
	[426] = "Upgrade Required",
	[429] = "Too Many Requests",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Timeout",
	[505] = "HTTP Version Not Supported",
};

const char *http_reason(unsigned status)
{
	const char *reason = status < ARRAY_LEN(REASONS) ? REASONS[status] : NULL;

	return reason ? reason : "Unknown";
}

void http_head_begin(struct buf *b, unsigned status)
{
	ASSERT(status >= 100 && status <= 599);
	buf_puts(b, S("HTTP/1.1 "));
	buf_putu(b, status);
	buf_putc(b, ' ');
	buf_puts(b, str_from_cstr(http_reason(status)));
	buf_puts(b, S("\r\n"));
}

void http_header_put(struct buf *b, str name, str value)
{
	buf_puts(b, name);
	buf_puts(b, S(": "));
	buf_puts(b, value);
	buf_puts(b, S("\r\n"));
}

void http_head_end(struct buf *b, str date, uint64_t content_length, bool keep_alive)
{
	if (content_length != HTTP_NO_LENGTH) {
		buf_puts(b, S("content-length: "));
		buf_putu(b, content_length);
		buf_puts(b, S("\r\n"));
	}
	if (!keep_alive)
		buf_puts(b, S("connection: close\r\n"));
	http_header_put(b, S("date"), date);
	buf_puts(b, S("\r\n"));
}

/* A day as year, month (1 to 12) and day (from 1), counting from 1 March so that the leap day comes
 * last. */
struct civil_day {
	unsigned year, month, day;
};

static struct civil_day civil_day(unsigned days_since_1970)
{
	unsigned days = days_since_1970 + 719468; /* since 0000-03-01 */
	unsigned era = days / 146097;		  /* of 400 years */
	unsigned in_era = days % 146097;
	unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * in_year + 2) / 153; /* 0 is March */
	unsigned day = in_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	return (struct civil_day){ era * 400 + year + (month <= 2), month, day };
}

static char *put_digits(char *out, unsigned value, unsigned n_digits)
{
	for (unsigned i = n_digits; i-- > 0; value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + n_digits;
}

static char *put_text(char *out, const char *text, size_t n)
{
	memcpy(out, text, n);
	return out + n;
}

void http_date(int64_t unix_s, char out[HTTP_DATE_LEN])
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const int64_t last_s =
		253402300799; /* of the year 9999: a wild clock must not break the form */
	int64_t s = unix_s < 0 ? 0 : unix_s > last_s ? last_s : unix_s;
	unsigned days = (unsigned)(s / 86400), in_day = (unsigned)(s % 86400);
	struct civil_day d = civil_day(days);

	out = put_text(out, weekdays + 3 * (days % 7), 3);
	out = put_text(out, ", ", 2);
	out = put_digits(out, d.day, 2);
	out = put_text(out, " ", 1);
	out = put_text(out, months + 3 * (d.month - 1), 3);
	out = put_text(out, " ", 1);
	out = put_digits(out, d.year, 4);
	out = put_text(out, " ", 1);
	out = put_digits(out, in_day / 3600, 2);
	out = put_text(out, ":", 1);
	out = put_digits(out, in_day / 60 % 60, 2);
	out = put_text(out, ":", 1);
	out = put_digits(out, in_day % 60, 2);
	put_text(out, " GMT", 4);
}

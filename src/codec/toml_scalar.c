/* toml_scalar.c: what has no parts: strings, numbers, truth values, dates.
 *
 * Everything but a string is first cut off as a word, up to the first character that none of them
 * has, and then judged as a whole: a word that is nearly a number is one problem, not a number with
 * something behind it. */
#include "codec/toml_priv.h"

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"

/* Strings */

/* n hexadecimal digits at the cursor, behind \u or \U. */
static bool take_code_point(struct toml_cursor *c, size_t n, struct buf *b)
{
	const char *start = c->at - 2;
	uint32_t code = 0;
	char bytes[4];

	for (size_t i = 0; i < n; i++) {
		int digit = c->at < c->end ? hex_digit(*c->at) : -1;

		if (digit < 0)
			return toml_fail(c, start,
					 n == 4 ? "\\u needs four hexadecimal digits" :
						  "\\U needs eight hexadecimal digits");
		code = code << 4 | (uint32_t)digit;
		c->at++;
	}
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return toml_fail(c, start, "there is no such character");
	buf_put(b, bytes, utf8_encode(code, bytes));
	return true;
}

/* The cursor is at a backslash. */
static bool take_escape(struct toml_cursor *c, struct buf *b)
{
	static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";
	const char *letter;

	if (c->end - c->at < 2)
		return toml_fail(c, c->end, "the text ends too early");
	c->at += 2;
	if (c->at[-1] == 'u' || c->at[-1] == 'U')
		return take_code_point(c, c->at[-1] == 'u' ? 4 : 8, b);
	letter = c->at[-1] ? strchr(letters, c->at[-1]) : NULL;
	if (!letter)
		return toml_fail(c, c->at - 2,
				 "unknown escape in a string; in '…' a backslash is a backslash");
	buf_putc(b, meanings[letter - letters]);
	return true;
}

static void skip_blanks_and_lines(struct toml_cursor *c)
{
	while (c->at < c->end) {
		size_t n = toml_newline(c, c->at);

		if (n == 0 && *c->at != ' ' && *c->at != '\t')
			return;
		c->at += n ? n : 1;
	}
}

/* A backslash at the end of a line takes what is blank behind it away. True: that was one. */
static bool skip_line_end(struct toml_cursor *c)
{
	const char *p = c->at + 1;

	while (p < c->end && (*p == ' ' || *p == '\t'))
		p++;
	if (toml_newline(c, p) == 0)
		return false;
	c->at = p;
	skip_blanks_and_lines(c);
	return true;
}

static bool take_lines_char(struct toml_cursor *c, char quote, struct buf *b)
{
	size_t n = toml_newline(c, c->at);

	if (quote == '"' && *c->at == '\\')
		return skip_line_end(c) || take_escape(c, b);
	if (n == 0 && toml_is_control(*c->at))
		return toml_fail(c, c->at, "control character in a string");
	buf_putc(b, n ? '\n' : *c->at);
	c->at += n ? n : 1;
	return true;
}

/* Behind the three quotes. Two more may stand in front of the three that end it. */
static bool take_lines(struct toml_cursor *c, char quote, struct buf *b)
{
	c->at += toml_newline(c, c->at);
	while (c->at < c->end) {
		const char *start = c->at;
		size_t n;

		while (c->at < c->end && *c->at == quote && c->at - start < 5)
			c->at++;
		n = (size_t)(c->at - start);
		buf_put(b, start, n < 3 ? n : n - 3);
		if (n >= 3)
			return true;
		if (c->at < c->end && *c->at != quote && !take_lines_char(c, quote, b))
			return false;
	}
	return toml_fail(c, c->end, "the text ends too early");
}

static bool take_line(struct toml_cursor *c, char quote, struct buf *b)
{
	while (c->at < c->end && *c->at != quote) {
		if (toml_newline(c, c->at))
			return toml_fail(c, c->at,
					 "a string ends with its line, unless it is "
					 "quoted three times");
		if (toml_is_control(*c->at))
			return toml_fail(c, c->at, "control character in a string");
		if (quote == '"' && *c->at == '\\') {
			if (!take_escape(c, b))
				return false;
		} else {
			buf_putc(b, *c->at++);
		}
	}
	if (c->at == c->end)
		return toml_fail(c, c->at, "the text ends too early");
	c->at++;
	return true;
}

bool toml_string(struct toml_cursor *c, bool may_span_lines, str *out)
{
	char quote = *c->at;
	bool spans_lines = c->end - c->at >= 3 && c->at[1] == quote && c->at[2] == quote;
	bool ok;

	if (spans_lines && !may_span_lines)
		return toml_fail(c, c->at, "a key cannot span lines");
	buf_clear(&c->string);
	c->at += spans_lines ? 3 : 1;
	ok = (spans_lines ? take_lines : take_line)(c, quote, &c->string);
	ASSERT(buf_ok(&c->string));
	*out = arena_copy(c->arena, buf_str(&c->string));
	return ok;
}

/* Numbers */

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static unsigned digit_of(char ch)
{
	int digit = hex_digit(ch);

	return digit < 0 ? 16 : (unsigned)digit;
}

/* Why a word is no value, for who is used to other formats. */
static const char *problem_of(str word)
{
	static const str flags[] = { { "true", 4 }, { "false", 5 }, { "yes", 3 },
				     { "no", 2 },   { "on", 2 },    { "off", 3 } };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (str_eq_nocase(word, flags[i]))
			return "expected a value; flags are true and false";
	}
	if (str_eq_nocase(word, S("null")) || str_eq_nocase(word, S("nil")))
		return "expected a value; there is no null, leave the key out";
	return "expected a value; a text stands in quotes";
}

/* Cuts digits of the base off *word, with single '_' between them, and appends them to b. False:
 * there are none, or a '_' stands where it cannot. */
static bool cut_digits(str *word, unsigned base, struct buf *b)
{
	size_t i = 0;

	while (i < word->n && (digit_of(word->p[i]) < base || word->p[i] == '_')) {
		bool is_between = i > 0 && word->p[i - 1] != '_' && i + 1 < word->n &&
				  digit_of(word->p[i + 1]) < base;

		if (word->p[i] == '_' && !is_between)
			return false;
		if (word->p[i] != '_')
			buf_putc(b, word->p[i]);
		i++;
	}
	*word = str_skip(*word, i);
	return i > 0;
}

static unsigned base_of(str word)
{
	if (str_has_prefix(word, S("0x")))
		return 16;
	if (str_has_prefix(word, S("0o")))
		return 8;
	return str_has_prefix(word, S("0b")) ? 2 : 10;
}

/* digits of the base as a decimal number. */
static bool put_integer(str digits, unsigned base, bool is_negative, struct buf *b)
{
	uint64_t value = 0, max = (uint64_t)INT64_MAX + is_negative;

	for (size_t i = 0; i < digits.n; i++) {
		unsigned digit = digit_of(digits.p[i]);

		if (value > (max - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (is_negative && value > 0)
		buf_putc(b, '-');
	buf_putu(b, value);
	return true;
}

static const char *based_integer(str word, unsigned base, struct buf *b)
{
	struct buf digits;
	const char *problem = NULL;

	buf_init(&digits, word.n);
	word = str_skip(word, 2);
	if (!cut_digits(&word, base, &digits) || word.n > 0)
		problem = problem_of(word);
	else if (!put_integer(buf_str(&digits), base, false, b))
		problem = "a whole number has at most 63 bits";
	buf_fini(&digits);
	return problem;
}

/* ".5", "e+10", ".5e10": what makes a float of a number. */
static bool cut_fraction(str *word, struct buf *b)
{
	if (str_has_prefix(*word, S("."))) {
		buf_putc(b, '.');
		*word = str_skip(*word, 1);
		if (!cut_digits(word, 10, b))
			return false;
	}
	if (!str_has_prefix(*word, S("e")) && !str_has_prefix(*word, S("E")))
		return true;
	buf_putc(b, 'e');
	*word = str_skip(*word, 1);
	if (word->n && (word->p[0] == '-' || word->p[0] == '+')) {
		buf_putc(b, word->p[0]);
		*word = str_skip(*word, 1);
	}
	return cut_digits(word, 10, b);
}

static const char *decimal(str word, struct buf *b)
{
	bool is_negative = str_has_prefix(word, S("-"));
	struct buf digits;
	const char *problem = NULL;

	buf_init(&digits, word.n + 1);
	word = str_skip(word, is_negative || str_has_prefix(word, S("+")));
	if (!cut_digits(&word, 10, &digits)) {
		problem = problem_of(word);
	} else if (digits.len > 1 && digits.p[0] == '0') {
		problem = "a number may not begin with zero";
	} else if (word.n == 0) {
		if (!put_integer(buf_str(&digits), 10, is_negative, b))
			problem = "a whole number has at most 63 bits";
	} else if (!cut_fraction(&word, &digits) || word.n > 0) {
		problem = problem_of(word);
	} else {
		buf_puts(b, is_negative ? S("-") : S(""));
		buf_puts(b, buf_str(&digits));
	}
	buf_fini(&digits);
	return problem;
}

/* Dates and times */

/* Cuts exactly n digits off *s. */
static bool cut_number(str *s, size_t n, unsigned min, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s->p[i]))
			return false;
		value = value * 10 + (unsigned)(s->p[i] - '0');
	}
	*s = str_skip(*s, n);
	*out = value;
	return value >= min && value <= max;
}

static bool cut_char(str *s, const char *choices)
{
	if (s->n == 0 || !s->p[0] || !strchr(choices, s->p[0]))
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool cut_date(str *s)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;

	if (!cut_number(s, 4, 0, 9999, &year) || !cut_char(s, "-") ||
	    !cut_number(s, 2, 1, 12, &month) || !cut_char(s, "-") || !cut_number(s, 2, 1, 31, &day))
		return false;
	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return day <= 29;
	return day <= days[month - 1];
}

static bool cut_time(str *s)
{
	unsigned hour, minute, second;

	if (!cut_number(s, 2, 0, 23, &hour) || !cut_char(s, ":") ||
	    !cut_number(s, 2, 0, 59, &minute) || !cut_char(s, ":") ||
	    !cut_number(s, 2, 0, 60, &second))
		return false;
	if (!cut_char(s, "."))
		return true;
	if (s->n == 0 || !is_digit(s->p[0]))
		return false;
	while (s->n && is_digit(s->p[0]))
		*s = str_skip(*s, 1);
	return true;
}

/* "Z", "+01:00", or nothing. */
static bool cut_zone(str *s)
{
	unsigned hour, minute;

	if (s->n == 0 || cut_char(s, "Zz"))
		return true;
	return cut_char(s, "+-") && cut_number(s, 2, 0, 23, &hour) && cut_char(s, ":") &&
	       cut_number(s, 2, 0, 59, &minute);
}

static bool looks_like_date(str word)
{
	return word.n >= 5 && is_digit(word.p[0]) && is_digit(word.p[1]) && is_digit(word.p[2]) &&
	       is_digit(word.p[3]) && word.p[4] == '-';
}

static bool looks_like_time(str word)
{
	return word.n >= 3 && is_digit(word.p[0]) && is_digit(word.p[1]) && word.p[2] == ':';
}

static bool is_date_or_time(str word)
{
	if (looks_like_time(word))
		return cut_time(&word) && word.n == 0;
	if (!cut_date(&word))
		return false;
	if (word.n == 0)
		return true;
	return cut_char(&word, "Tt ") && cut_time(&word) && cut_zone(&word) && word.n == 0;
}

/* Words */

static bool is_word_char(char ch)
{
	return is_digit(ch) || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '+' ||
	       ch == '-' || ch == '_' || ch == '.' || ch == ':';
}

static str cut_word(struct toml_cursor *c)
{
	const char *start = c->at;
	str word;

	while (c->at < c->end && is_word_char(*c->at))
		c->at++;
	word = (str){ start, (size_t)(c->at - start) };
	/* A blank may stand between date and time. */
	if (word.n == 10 && looks_like_date(word) && toml_is_at(c, ' ') &&
	    looks_like_time((str){ c->at + 1, (size_t)(c->end - c->at - 1) })) {
		c->at++;
		while (c->at < c->end && is_word_char(*c->at))
			c->at++;
	}
	return (str){ start, (size_t)(c->at - start) };
}

static bool is_not_finite(str word)
{
	word = str_skip(word, word.n && (word.p[0] == '+' || word.p[0] == '-'));
	return str_eq(word, S("inf")) || str_eq(word, S("nan"));
}

bool toml_scalar(struct toml_cursor *c, str *out, enum toml_word *word_kind)
{
	const char *start = c->at, *problem;
	str word = cut_word(c);
	struct buf b;

	*word_kind = TOML_PLAIN;
	*out = word;
	if (str_eq(word, S("true")) || str_eq(word, S("false")))
		return true;
	if (is_not_finite(word) || looks_like_date(word) || looks_like_time(word)) {
		*word_kind = TOML_FOREIGN;
		return is_not_finite(word) || is_date_or_time(word) ||
		       toml_fail(c, start, "there is no such date or time");
	}
	buf_init(&b, 2 * word.n + 24);
	problem = base_of(word) == 10 ? decimal(word, &b) : based_integer(word, base_of(word), &b);
	*out = arena_copy(c->arena, buf_str(&b));
	buf_fini(&b);
	return !problem || toml_fail(c, start, problem);
}

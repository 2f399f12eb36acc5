#include "line.h"

#include <stdio.h>
#include <string.h>

/* On the screen: what is said, a signature in hexadecimal, and padding. */
enum { SHOWN_BYTES_MAX = 220, HEX_BYTES_MIN = 32, HEX_BYTES_SHOWN = 6, PAD_BYTES_SHOWN = 6 };

const char LINE_TITLES[] = "     time/ms  act  who      what";

struct text {
	char bytes[2 * LINE_BYTES_MAX];
	size_t n;
};

static void put(struct text *t, str s)
{
	size_t n = s.n < sizeof(t->bytes) - t->n ? s.n : sizeof(t->bytes) - t->n;

	if (n > 0)
		memcpy(t->bytes + t->n, s.p, n);
	t->n += n;
}

static size_t count_hex(str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || (s.p[n] >= 'a' && s.p[n] <= 'f')))
		n++;
	return n;
}

/* At most n bytes, but no half character. */
static str take_characters(str s, size_t n)
{
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_take(s, n);
}

static size_t find(str s, str what)
{
	const char *hit = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

/* Quotes lose their escapes, signatures most of their digits, and nothing moves a cursor. */
static void put_plain(struct text *t, str s)
{
	while (s.n > 0) {
		size_t n_hex = count_hex(s);

		if (n_hex >= HEX_BYTES_MIN) {
			put(t, str_take(s, HEX_BYTES_SHOWN));
			put(t, S("…"));
			s = str_skip(s, n_hex);
			continue;
		}
		if (s.n > 1 && s.p[0] == '\\' && (s.p[1] == '"' || s.p[1] == '\\'))
			s = str_skip(s, 1);
		put(t, (unsigned char)s.p[0] < 0x20 || s.p[0] == 0x7f ? S(".") : str_take(s, 1));
		s = str_skip(s, 1);
	}
}

/* Of the padding of events nothing but its beginning. */
static void put_tidy(struct text *t, str s)
{
	struct text plain = { .n = 0 };
	str left;

	put_plain(&plain, s);
	left = (str){ plain.bytes, plain.n };
	for (size_t at; (at = find(left, S("\"pad\":\""))) < left.n;) {
		at += sizeof("\"pad\":\"") - 1;
		put(t, str_take(left, at));
		left = str_skip(left, at);
		at = find(left, S("\"}"));
		put(t, take_characters(left, at < PAD_BYTES_SHOWN ? at : PAD_BYTES_SHOWN));
		put(t, at > PAD_BYTES_SHOWN ? S("…") : (str){ 0 });
		left = str_skip(left, at);
	}
	put(t, left);
}

/* What stands between before and the next quote, or nothing. */
static str value_behind(str s, str before)
{
	str value = str_skip(s, find(s, before));

	value = str_skip(value, before.n);
	return str_take(value, find(value, S("\"")));
}

/* Of the data of a subscribe: the channel stands before it already. */
static str without_name(str data, str channel)
{
	size_t start = sizeof("{\"channel\":\"") - 1;

	if (channel.n == 0 || !str_has_prefix(data, S("{\"channel\":\"")))
		return data;
	data = str_skip(data, start + channel.n + 1);
	return str_has_prefix(data, S(",")) ? str_take(str_skip(data, 1), data.n - 2) : (str){ 0 };
}

/* {"event":"e","channel":"c","data":…}: the channel, the event, and the data. */
static void put_message(struct text *t, str s)
{
	str event = value_behind(s, S("{\"event\":\"")),
	    channel = value_behind(s, S("\"channel\":\""));
	size_t data = find(s, S("\"data\":"));
	char words[2 * LINE_BYTES_MAX];
	int n = snprintf(words, sizeof(words), "%-20.*s %.*s ", STR_ARG(channel), STR_ARG(event));

	put(t, (str){ words, (size_t)n });
	s = str_skip(str_take(s, s.n - (data < s.n && s.p[s.n - 1] == '}')), data);
	s = str_skip(s, sizeof("\"data\":") - 1);
	put_tidy(t, without_name(s, channel));
}

static void put_text(struct text *t, const struct line *l)
{
	str s = { l->text, l->n };

	if (str_has_prefix(s, S("{\"event\":\"")))
		put_message(t, s);
	else
		put_tidy(t, s);
}

static const char *colour_of(char sign)
{
	switch (sign) {
	case '>':
		return "\033[32m";
	case '<':
		return "\033[36m";
	case '!':
		return "\033[1;31m";
	default:
		return "\033[33m";
	}
}

void line_print(const struct line *l, const char *prefix, bool is_coloured)
{
	struct text t = { .n = 0 };
	str shown;
	char act[16] = "";

	put_text(&t, l);
	shown = take_characters((str){ t.bytes, t.n }, SHOWN_BYTES_MAX);
	if (l->act)
		snprintf(act, sizeof(act), "%u", l->act);
	printf("%s%12.3f %4s  %-7s %s%c %.*s%s%s\n", prefix, (double)l->at_us / 1000, act, l->who,
	       is_coloured ? colour_of(l->sign) : "", l->sign, STR_ARG(shown),
	       shown.n < t.n || l->is_cut ? "…" : "", is_coloured ? "\033[0m" : "");
}

#include "fuzz.h"

#include "base/json.h"
#include "base/mem.h"

str fuzz_input(const uint8_t *data, size_t size, uint8_t *choice)
{
	*choice = size ? data[size - 1] : 0;
	return (str){ (const char *)data, size ? size - 1 : 0 };
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

struct fuzz_cuts fuzz_cuts(uint8_t seed)
{
	static const size_t MAX[] = { 1, 3, 20, 400 };

	return (struct fuzz_cuts){ seed, MAX[seed % ARRAY_LEN(MAX)] };
}

size_t fuzz_cut(struct fuzz_cuts *c, size_t left)
{
	size_t n = splitmix64(&c->state) % c->max + 1;

	return n < left ? n : left;
}

char *fuzz_copy(str s)
{
	char *p = xalloc(s.n);

	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

size_t naive_utf8_take(str s, uint32_t *code_point)
{
	static const uint32_t LOWEST[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = s.n ? (uint8_t)s.p[0] : 0xff;
	size_t n = lead < 0x80	   ? 1 :
		   lead >> 5 == 6  ? 2 :
		   lead >> 4 == 14 ? 3 :
		   lead >> 3 == 30 ? 4 :
				     0;
	uint32_t cp = n == 1 ? lead : lead & (0x7fu >> n);

	if (n == 0 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((uint8_t)s.p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | ((uint8_t)s.p[i] & 0x3f);
	}
	if (cp < LOWEST[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*code_point = cp;
	return n;
}

bool naive_utf8_valid(str s)
{
	uint32_t cp;

	while (s.n) {
		size_t n = naive_utf8_take(s, &cp);

		if (n == 0)
			return false;
		s = str_skip(s, n);
	}
	return true;
}

bool naive_utf8_may_become_valid(str s)
{
	static const uint8_t TAILS[] = { 0x80, 0x90, 0xa0, 0xbf };
	uint32_t cp;
	char bytes[6];

	for (size_t n; (n = naive_utf8_take(s, &cp)) > 0;)
		s = str_skip(s, n);
	if (s.n == 0)
		return true;
	if (s.n > 3)
		return false;
	memcpy(bytes, s.p, s.n);
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned k = 0; k < 3; k++)
			bytes[s.n + k] = (char)TAILS[i >> 2 * k & 3];
		if (naive_utf8_take((str){ bytes, 6 }, &cp) > s.n)
			return true;
	}
	return false;
}

str fuzz_frame_text(const struct msg *m)
{
	const uint8_t *head = (const uint8_t *)m->bytes;
	str payload = msg_payload(m);
	struct json v;

	CHECK(head[0] == 0x81);
	if (payload.n < 126)
		CHECK(m->head_len == 2 && head[1] == payload.n);
	else if (payload.n < 65536)
		CHECK(m->head_len == 4 && head[1] == 126 &&
		      (head[2] << 8 | head[3]) == (int)payload.n);
	else
		CHECK(m->head_len == 10 && head[1] == 127);
	CHECK(json_parse(payload, JSON_DEPTH_MAX, &v, NULL) == OK);
	return payload;
}

/* A valid signed request with any one byte of it replaced by any other. */
#include "core/auth_testing.h"

#include <stdlib.h>

/* One pair of the signed request: the answers when a byte of its name (or its '='), of its
 * value, or the '&' after it is replaced. */
struct part {
	const char *name, *value;
	struct answer name_changed, value_changed, end_changed;
	bool is_any_case; /* the name */
};

static const struct part PARTS[] = {
	{ "auth_key", "app-key", { UNKNOWN_KEY }, { UNKNOWN_KEY }, { UNKNOWN_KEY }, false },
	{ "auth_timestamp", "1700000000", { NO_TIMESTAMP }, { EXPIRED }, { BAD_TIMESTAMP }, false },
	{ "auth_version", "1.0", { BAD_SIGNATURE }, { BAD_SIGNATURE }, { MD5_REQUIRED }, true },
	{ "body_md5", V1_MD5, { MD5_REQUIRED }, { MD5_MISMATCH }, { MD5_MISMATCH }, false },
	{ "info", "user_count", { BAD_SIGNATURE }, { BAD_SIGNATURE }, { BAD_SIGNATURE }, true },
	{ "auth_signature", NULL, { BAD_SIGNATURE }, { BAD_SIGNATURE }, { BAD_SIGNATURE }, false },
};

static struct answer timestamp_answer(size_t at, char c)
{
	static const int64_t WEIGHTS[] = { 1000000000, 100000000, 10000000, 1000000, 100000,
					   10000,      1000,	  100,	    10,	     1 };

	if (c == '&')
		return at == 0 ? (struct answer){ NO_TIMESTAMP } : (struct answer){ EXPIRED };
	if (c == '-' && at == 0)
		return (struct answer){ EXPIRED };
	if (c < '0' || c > '9')
		return (struct answer){ BAD_TIMESTAMP };
	if (llabs((c - "1700000000"[at]) * WEIGHTS[at]) > 600)
		return (struct answer){ EXPIRED };
	return (struct answer){ BAD_SIGNATURE };
}

/* Byte at of the part became c. */
static struct answer part_answer(const struct part *p, size_t at, char was, char c)
{
	size_t name_len = strlen(p->name);

	if (at <= name_len) {
		bool is_case = at < name_len && c >= 'A' && c <= 'Z' && (c | 0x20) == was;

		return p->is_any_case && is_case ? (struct answer){ ACCEPTED } : p->name_changed;
	}
	if (was == '&')
		return p->end_changed;
	if (strcmp(p->name, "auth_timestamp") == 0)
		return timestamp_answer(at - name_len - 1, c);
	if (strcmp(p->name, "body_md5") == 0 && at == name_len + 1 && c == '&')
		return (struct answer){ MD5_REQUIRED };
	return p->value_changed;
}

static struct request signed_request(struct fixture *f)
{
	buf_clear(&f->query);
	auth_request_sign(S("app-key"), &f->app->hmac, S("POST"), S(EVENTS), S("info=user_count"),
			  S(V1_BODY), NOW, &f->query);
	return (struct request){ "POST", EVENTS, .query = buf_str(&f->query), .body = S(V1_BODY) };
}

static void assert_change(struct fixture *f, struct request r, const char *what, size_t at, char c,
			  struct answer expected)
{
	struct answer got = ask(f, r);

	if (!same_answer(got, expected))
		fail_msg("%s, byte %zu became 0x%02x: %u %s, expected %u %s", what, at, (uint8_t)c,
			 got.status, shown(got.text), expected.status, shown(expected.text));
}

static void assert_part_changes(struct fixture *f, struct request r, const struct part *p,
				size_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char *byte = &f->query.p[offset + i], was = *byte;

		for (unsigned c = 0; c < 256; c++) {
			if ((char)c == was)
				continue;
			*byte = (char)c;
			assert_change(f, r, p->name, i, (char)c, part_answer(p, i, was, (char)c));
		}
		*byte = was;
	}
}

static void any_changed_byte_of_the_query_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = signed_request(f);
	size_t offset = 0;

	assert_answer("unchanged", ask(f, r), (struct answer){ ACCEPTED });
	for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
		const struct part *p = &PARTS[i];
		bool is_last = i + 1 == ARRAY_LEN(PARTS);
		size_t len = is_last ? r.query.n - offset : strlen(p->name) + strlen(p->value) + 2;

		assert_true(str_has_prefix(str_skip(r.query, offset), str_from_cstr(p->name)));
		assert_part_changes(f, r, p, offset, len);
		offset += len;
	}
	assert_int_equal(offset, r.query.n);
}

static void any_lost_byte_of_the_query_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = signed_request(f);
	char cut[512];

	for (size_t i = 0; i < r.query.n; i++) {
		memcpy(cut, r.query.p, i);
		memcpy(cut + i, r.query.p + i + 1, r.query.n - i - 1);
		assert_int_not_equal(
			ask(f, (struct request){ "POST", EVENTS, .query = { cut, r.query.n - 1 },
						 .body = r.body })
				.status,
			0);
	}
}

static void any_changed_byte_of_the_path_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = signed_request(f);
	char path[] = EVENTS;

	r.path = path;
	for (size_t i = 0; i < sizeof(path) - 1; i++) {
		char was = path[i];

		for (unsigned c = 0; c < 256; c++) {
			path[i] = (char)c;
			if (path[i] != was)
				assert_change(f, r, "path", i, (char)c,
					      (struct answer){ BAD_SIGNATURE });
		}
		path[i] = was;
	}
}

static void any_changed_byte_of_the_routes_app_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = signed_request(f);
	char route[] = "app-id";

	r.route = route;
	for (size_t i = 0; i < sizeof(route) - 1; i++) {
		char was = route[i];

		for (unsigned c = 0; c < 256; c++) {
			route[i] = (char)c;
			if (route[i] != was)
				assert_change(f, r, "route", i, (char)c,
					      (struct answer){ WRONG_APP });
		}
		route[i] = was;
	}
}

static void any_changed_byte_of_the_body_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = signed_request(f);
	char body[] = V1_BODY "x";
	size_t n = sizeof(body) - 2;

	r.body = (str){ body, n };
	for (size_t i = 0; i < n; i++) {
		char was = body[i];

		for (unsigned c = 0; c < 256; c++) {
			body[i] = (char)c;
			if (body[i] != was)
				assert_change(f, r, "body", i, (char)c,
					      (struct answer){ MD5_MISMATCH });
		}
		body[i] = was;
	}
	r.body.n = n + 1;
	assert_answer("longer", ask(f, r), (struct answer){ MD5_MISMATCH });
	for (r.body.n = 0; r.body.n < n; r.body.n++)
		assert_answer("shorter", ask(f, r), (struct answer){ MD5_MISMATCH });
}

static void another_method_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request r = { .method = "GET", .path = CHANNELS };

	auth_request_sign(S("app-key"), &f->app->hmac, S("GET"), S(CHANNELS), S(""), S(""), NOW,
			  &f->query);
	r.query = buf_str(&f->query);
	assert_answer("GET", ask(f, r), (struct answer){ ACCEPTED });
	r.method = "HEAD";
	assert_answer("HEAD", ask(f, r), (struct answer){ BAD_SIGNATURE });
	r.method = "POST";
	assert_answer("POST", ask(f, r), (struct answer){ BAD_SIGNATURE });
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(any_changed_byte_of_the_query_is_refused),
		T(any_lost_byte_of_the_query_is_refused),
		T(any_changed_byte_of_the_path_is_refused),
		T(any_changed_byte_of_the_routes_app_is_refused),
		T(any_changed_byte_of_the_body_is_refused),
		T(another_method_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

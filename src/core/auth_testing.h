/* auth_testing.h: a table of apps, and signed requests put to it. For the tests of auth.h only. */
#ifndef CORE_AUTH_TESTING_H
#define CORE_AUTH_TESTING_H

#include "core/auth.h"

#include "base/check.h"
#include "base/testing.h"

#define NOW 1700000000
#define AUTH "auth_key=app-key&auth_timestamp=1700000000&auth_version=1.0"
#define V1_BODY                                                                                    \
	"{\"name\":\"my-event\",\"channels\":[\"my-channel\"],\"data\":\"{\\\"hello\\\":"          \
	"\\\"world\\\"}\"}"
#define V1_MD5 "4a2297b34d32420d05955925447cdaf7"
#define V1_SIGNATURE "9b1548d1fed48d2437f0a82a6ea33b43d1fbcdfb998be18906e5e17e3de7c9e1"
#define V1_QUERY AUTH "&body_md5=" V1_MD5 "&auth_signature=" V1_SIGNATURE
#define EVENTS "/apps/app-id/events"
#define CHANNELS "/apps/app-id/channels"

#define UNKNOWN_KEY 404, "app_not_found", "Application key not found or invalid: Invalid app key"
#define WRONG_APP 401, "auth_failed", "Authenticated app does not match route app_id"
#define NO_TIMESTAMP 401, "auth_failed", "auth_timestamp is missing"
#define BAD_TIMESTAMP 401, "auth_failed", "Invalid auth_timestamp format"
#define EXPIRED 401, "auth_failed", "Timestamp expired or too far in the future"
#define MD5_REQUIRED 401, "auth_failed", MD5_REQUIRED_TEXT
#define MD5_REQUIRED_TEXT                                                                          \
	"body_md5 is required and must be non-empty in query parameters for POST requests with a " \
	"non-empty body"
#define MD5_MISMATCH 401, "auth_failed", "body_md5 mismatch"
#define BAD_SIGNATURE 401, "auth_failed", "Invalid API signature"
#define ACCEPTED 0, NULL, NULL

struct fixture {
	struct app_table *apps;
	const struct app *app, *official;
	struct arena arena;
	struct buf query;
};

struct request {
	const char *method, *path;
	str query;
	bool has_no_query;
	const char *route; /* NULL: "app-id" */
	str body;
	int64_t now_s; /* 0: NOW */
};

struct answer {
	unsigned status; /* 0: accepted */
	const char *code, *text;
};

static inline int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->apps = app_table_new((struct hash_key){ 1, 2 });
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	f->official = app_table_add(f->apps, S("3"), S("278d425bdf160c739803"),
				    S("7ad3773142a6692b25b8"));
	app_table_add(f->apps, S("off"), S("key-off"), S("secret-off"))->enabled = false;
	arena_init(&f->arena, 65536);
	buf_init(&f->query, 65536);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->query);
	arena_fini(&f->arena);
	app_table_free(f->apps);
	test_free(f);
	return 0;
}

static inline enum http_method method_of(const char *name)
{
	static const char *const NAMES[] = { "GET",   "HEAD",	"POST",	  "PUT",
					     "PATCH", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		if (strcmp(NAMES[i], name) == 0)
			return (enum http_method)i;
	}
	return HTTP_OTHER;
}

static inline struct answer ask(struct fixture *f, struct request q)
{
	static struct http_request r;
	const struct app *app = NULL;
	struct auth_failure why = { 0 };
	err e;

	r.method = method_of(q.method);
	r.method_text = str_from_cstr(q.method);
	r.path = str_from_cstr(q.path);
	r.query = q.query;
	r.has_query = !q.has_no_query;
	arena_reset(&f->arena);
	e = auth_request_check(f->apps, &r, str_from_cstr(q.route ? q.route : "app-id"), q.body,
			       q.now_s ? q.now_s : NOW, &f->arena, &app, &why);
	if (e == OK) {
		assert_non_null(app);
		return (struct answer){ ACCEPTED };
	}
	assert_int_equal(e, ERR_AUTH);
	assert_null(app);
	return (struct answer){ why.status, why.code, arena_copy(&f->arena, why.text).p };
}

static inline bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool same_answer(struct answer a, struct answer b)
{
	return a.status == b.status && same_text(a.code, b.code) && same_text(a.text, b.text);
}

static inline const char *shown(const char *text)
{
	return text ? text : "nothing";
}

/* what: NULL for a request without a query. */
static inline void assert_answer(const char *what, struct answer got, struct answer expected)
{
	if (!same_answer(got, expected))
		fail_msg("%s: %u %s, expected %u %s", shown(what), got.status, shown(got.text),
			 expected.status, shown(expected.text));
}

#endif

/* Bodies and what becomes of them: a refusal with its exact words, or a record read back as the
 * hub reads it. */
#include "server/event_body.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "core/namespace.h"
#include "server/channel_info.h"

#include <stdio.h>

#define EVENT "{\"name\":\"e\",\"channel\":\"c\"}"

struct fixture {
	struct app app;
	struct arena arena;
	struct event_body body;
	struct event_refusal why;
	struct to_hub_publish *record;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->app.limits = app_limits_unset;
	arena_init(&f->arena, 4096);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	xfree(f->record);
	arena_fini(&f->arena);
	test_free(f);
	return 0;
}

static err parse(struct fixture *f, str text, bool is_batch)
{
	return event_body_parse(text, is_batch, &f->app, (str){ 0 }, &f->arena, &f->body, &f->why);
}

/* The first event of a good body, from its record. */
static const struct published_event *publish(struct fixture *f, const char *text, bool is_batch)
{
	if (parse(f, str_from_cstr(text), is_batch) != OK)
		fail_msg("%s: %.*s", text, STR_ARG(f->why.text));
	xfree(f->record);
	f->record = xalloc(f->body.bytes);
	event_body_write(&f->body, &f->arena, f->record);
	assert_int_equal(f->record->is_batch, is_batch);
	return (const struct published_event *)((char *)f->record +
						mail_events_offset(f->record->key_len));
}

static str name_of(const struct published_event *e)
{
	return (str){ e->text, e->name_len };
}

static str data_of(const struct published_event *e)
{
	return (str){ e->text + e->name_len, e->data_len };
}

static str channel_of(const struct published_event *e, uint32_t i)
{
	const char *at = e->text + e->name_len + e->data_len + e->key_len;
	uint16_t len;

	for (;; i--) {
		memcpy(&len, at, sizeof(len));
		if (i == 0)
			return (str){ at + sizeof(len), len };
		at += sizeof(len) + len;
	}
}

static void assert_refused(struct fixture *f, str text, bool is_batch, unsigned status,
			   const char *code, str words)
{
	assert_true(parse(f, text, is_batch) != OK);
	assert_int_equal(f->why.status, status);
	if (code)
		assert_string_equal(f->why.code, code);
	else
		assert_null(f->why.code);
	assert_str(f->why.text, words);
}

static void an_event_becomes_a_record(void **state)
{
	const struct published_event *e = publish(*state,
						  "{\"name\":\"my-event\",\"channels\":[\"a\","
						  "\"private-b\"],\"data\":\"{\\\"x\\\":1}\"}",
						  false);

	assert_int_equal(((struct fixture *)*state)->record->n_events, 1);
	assert_str(name_of(e), S("my-event"));
	assert_str(data_of(e), S("\"{\\\"x\\\":1}\""));
	assert_int_equal(e->n_channels, 2);
	assert_str(channel_of(e, 0), S("a"));
	assert_str(channel_of(e, 1), S("private-b"));
	assert_true(socket_id_eq(e->exclude, SOCKET_ID_NONE));
	assert_false(e->has_info);
	assert_int_equal(e->bytes % 8, 0);
}

static const struct {
	const char *data, *wire;
} DATA[] = {
	{ ",\"data\":\"x\"", "\"x\"" },
	{ ",\"data\":\"\"", "\"\"" },
	{ ",\"data\":\"h\\u00e9llo \\/ \\n\"", "\"h\\u00e9llo \\/ \\n\"" },
	{ ",\"data\": { \"b\" : 1.50, \"a\" : [ 1e3 , \"q\\\"\" ] }",
	  "\"{\\\"b\\\":1.50,\\\"a\\\":[1e3,\\\"q\\\\\\\"\\\"]}\"" },
	{ ",\"data\":[]", "\"[]\"" },
	{ ",\"data\":5", "\"5\"" },
	{ ",\"data\":false", "\"false\"" },
	{ ",\"data\":null", "\"null\"" },
	{ "", "\"null\"" },
};

static void data_goes_out_as_a_string_and_keeps_its_bytes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(DATA); i++) {
		char text[256];

		snprintf(text, sizeof(text), "{\"name\":\"e\",\"channel\":\"c\"%s}", DATA[i].data);
		assert_str(data_of(publish(*state, text, false)), str_from_cstr(DATA[i].wire));
	}
}

static void names_are_decoded(void **state)
{
	const struct published_event *e =
		publish(*state, "{\"name\":\"\\u00e9v\\\"\",\"channels\":[\"\\u0061b\"]}", false);

	assert_str(name_of(e), S("év\""));
	assert_str(channel_of(e, 0), S("ab"));
	e = publish(*state, "{\"na\\u006de\":\"e\",\"channel\":\"\\u0061\"}", false);
	assert_str(name_of(e), S("e"));
	assert_str(channel_of(e, 0), S("a"));
}

static void channels_win_over_channel_unless_null(void **state)
{
	const struct published_event *e;

	e = publish(*state, "{\"name\":\"e\",\"channels\":[\"a\"],\"channel\":\"b\"}", false);
	assert_int_equal(e->n_channels, 1);
	assert_str(channel_of(e, 0), S("a"));
	e = publish(*state, "{\"name\":\"e\",\"channels\":null,\"channel\":\"b\"}", false);
	assert_str(channel_of(e, 0), S("b"));
}

static void the_last_of_repeated_members_counts(void **state)
{
	const struct published_event *e =
		publish(*state,
			"{\"name\":\"e\",\"data\":\"1\",\"channel\":\"a\",\"name\":\"f\",\"data\":"
			"\"2\",\"channel\":\"b\"}",
			false);

	assert_str(name_of(e), S("f"));
	assert_str(data_of(e), S("\"2\""));
	assert_str(channel_of(e, 0), S("b"));
}

static void a_socket_id_excludes_and_a_bad_one_is_ignored(void **state)
{
	const struct published_event *e = publish(
		*state, "{\"name\":\"e\",\"channel\":\"c\",\"socket_id\":\"12.34\"}", false);

	assert_true(socket_id_eq(e->exclude, ((struct socket_id){ 12, 34 })));
	e = publish(*state, "{\"name\":\"e\",\"channel\":\"c\",\"socket_id\":\"nonsense\"}", false);
	assert_true(socket_id_eq(e->exclude, SOCKET_ID_NONE));
}

static void info_is_a_list_of_exact_words(void **state)
{
	assert_int_equal(channel_info_parse(S("user_count")), INFO_USER_COUNT);
	assert_int_equal(channel_info_parse(S(" subscription_count , user_count ")),
			 INFO_USER_COUNT | INFO_SUBSCRIPTION_COUNT);
	assert_int_equal(channel_info_parse(S("cache,,user_counts,User_count")), INFO_CACHE);
	assert_int_equal(channel_info_parse(S("")), 0);
}

static void info_is_asked_for_even_if_it_says_nothing(void **state)
{
	const struct published_event *e = publish(
		*state, "{\"name\":\"e\",\"channel\":\"c\",\"info\":\"user_count\"}", false);

	assert_true(e->has_info);
	assert_int_equal(e->info, INFO_USER_COUNT);
	e = publish(*state, "{\"name\":\"e\",\"channel\":\"c\",\"info\":\"\"}", false);
	assert_true(e->has_info);
	assert_int_equal(e->info, 0);
	e = publish(*state, "{\"name\":\"e\",\"channel\":\"c\",\"info\":null}", false);
	assert_false(e->has_info);
}

static void members_of_other_features_are_let_through(void **state)
{
	publish(*state,
		"{\"name\":\"e\",\"channel\":\"c\",\"tags\":{\"b\":\"1\"},\"delta\":false,"
		"\"idempotency_key\":\"k\",\"message_id\":null,"
		"\"extras\":{\"headers\":{\"k\":1}},\"unknown\":[1,{}]}",
		false);
}

#define SHAPE "Failed to deserialize the JSON body into the target type: "
#define NO_CHANNEL "Request must contain 'channels' (list) or 'channel' (string)"

static const struct refusal {
	const char *body;
	bool is_batch;
	unsigned status;
	const char *code, *text;
} REFUSALS[] = {
	{ "[]", false, 422, NULL, SHAPE "expected an object" },
	{ "null", false, 422, NULL, SHAPE "expected an object" },
	{ "\"x\"", false, 422, NULL, SHAPE "expected an object" },
	{ "{\"name\":5}", false, 422, NULL, SHAPE "name: expected a string" },
	{ "{\"channel\":[]}", false, 422, NULL, SHAPE "channel: expected a string" },
	{ "{\"channels\":\"a\"}", false, 422, NULL,
	  SHAPE "channels: expected a sequence of strings" },
	{ "{\"channels\":[\"a\",5]}", false, 422, NULL,
	  SHAPE "channels: expected a sequence of strings" },
	{ "{\"socket_id\":5}", false, 422, NULL, SHAPE "socket_id: expected a string" },
	{ "{\"info\":{}}", false, 422, NULL, SHAPE "info: expected a string" },
	{ "{\"tags\":[]}", false, 422, NULL, SHAPE "tags: expected a map of strings" },
	{ "{\"tags\":{\"k\":5}}", false, 422, NULL, SHAPE "tags: expected a map of strings" },
	{ "{\"delta\":\"x\"}", false, 422, NULL, SHAPE "delta: expected a boolean" },
	{ "{\"extras\":5}", false, 422, NULL, SHAPE "extras: expected an object" },
	{ "{\"idempotency_key\":5}", false, 422, NULL, SHAPE "idempotency_key: expected a string" },
	{ "{\"message_id\":5}", false, 422, NULL, SHAPE "message_id: expected a string" },
	{ "{}", false, 400, "invalid_input", "Event name is required" },
	{ "{\"name\":null,\"channel\":\"a\"}", false, 400, "invalid_input",
	  "Event name is required" },
	{ "{\"name\":\"e\"}", false, 400, "missing_channel_info", NO_CHANNEL },
	{ "{\"name\":\"e\",\"channels\":[],\"channel\":\"a\"}", false, 400, "missing_channel_info",
	  NO_CHANNEL },
	{ "{\"name\":\"e\",\"channels\":[\"a\",\"b\",\"c\",\"d\"]}", false, 400, "limit_exceeded",
	  "Number of channels (4) exceeds limit (3)" },
	{ "{\"name\":\"nnnnnnnnnnnnnnnnnnnnn\",\"channel\":\"a\"}", false, 400, "limit_exceeded",
	  "Event name 'nnnnnnnnnnnnnnnnnnnnn' exceeds maximum length of 20" },
	{ "{\"name\":\"e\",\"channel\":\"ccccccccccc\"}", false, 400, "invalid_input",
	  "Channel name too long. Max length is 10" },
	{ "{\"name\":\"e\",\"channel\":\"a b\"}", false, 400, "invalid_input",
	  "Channel name contains invalid characters: 'a b' (invalid chars: [' '])" },
	{ "{\"name\":\"e\",\"channels\":[\"ok\",\"b c\"]}", false, 400, "invalid_input",
	  "Channel name contains invalid characters: 'b c' (invalid chars: [' '])" },
	{ "{\"name\":\"e\",\"channel\":\"\"}", false, 400, "invalid_input",
	  "Channel name contains invalid characters" },
	{ "[]", true, 422, NULL, SHAPE "expected an object" },
	{ "{}", true, 422, NULL, SHAPE "missing field `batch`" },
	{ "{\"batch\":5}", true, 422, NULL, SHAPE "batch: expected a sequence" },
	{ "{\"batch\":null}", true, 422, NULL, SHAPE "batch: expected a sequence" },
	{ "{\"batch\":[{\"name\":\"e\",\"channel\":\"a\"},5]}", true, 422, NULL,
	  SHAPE "batch[1]: expected an object" },
	{ "{\"batch\":[{}]}", true, 400, "invalid_input", "Event name is required" },
	{ "{\"batch\":[{\"name\":\"e\"}]}", true, 400, "missing_channel_info", NO_CHANNEL },
	/* the shape of all, then the size of the batch, then the first mistake */
	{ "{\"batch\":[{},{\"name\":5}]}", true, 422, NULL,
	  SHAPE "batch[1].name: expected a string" },
	{ "{\"batch\":[{},{},{},{}]}", true, 400, "limit_exceeded",
	  "Batch size (4) exceeds limit (3)" },
	{ "{\"batch\":[{\"name\":\"e\",\"channel\":\"a\"},{\"name\":\"e\"},{}]}", true, 400,
	  "missing_channel_info", NO_CHANNEL },
};

static void a_refusal_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;

	f->app.limits.max_event_channels_at_once = 3;
	f->app.limits.max_event_name_length = 20;
	f->app.limits.max_channel_name_length = 10;
	f->app.limits.max_event_batch_size = 3;
	for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
		const struct refusal *r = &REFUSALS[i];

		assert_refused(f, str_from_cstr(r->body), r->is_batch, r->status, r->code,
			       str_from_cstr(r->text));
	}
}

/* Idempotency keys */

#define KEYED(key) "{\"name\":\"e\",\"channel\":\"c\",\"idempotency_key\":" key "}"

static err parse_keyed(struct fixture *f, str text, bool is_batch, str header)
{
	f->app.idempotency_ttl_s = 120;
	f->app.idempotency_key_bytes_max = 5;
	return event_body_parse(text, is_batch, &f->app, header, &f->arena, &f->body, &f->why);
}

static void key_of_an_event_is_its_own_or_the_header(void **state)
{
	static const struct {
		str body, header, key;
	} rows[] = {
#define ROW(body, header, key)                                                                     \
	{                                                                                          \
		{ body, sizeof(body) - 1 }, header,                                                \
		{                                                                                  \
			key, sizeof(key) - 1                                                       \
		}                                                                                  \
	}
#define TEXT(t)                                                                                    \
	{                                                                                          \
		t, sizeof(t) - 1                                                                   \
	}
		ROW(KEYED("\"k\""), { 0 }, "k"),
		ROW(KEYED("\"\\u006b\""), { 0 }, "k"),
		ROW(KEYED("\"12345\""), { 0 }, "12345"),
		ROW(KEYED("null"), { 0 }, ""),
		ROW(EVENT, { 0 }, ""),
		ROW(EVENT, TEXT("h"), "h"),
		ROW(KEYED("null"), TEXT("h"), "h"),
		ROW(KEYED("\"k\""), TEXT("h"), "k"),
		/* A header that is not used may be anything. */
		ROW(KEYED("\"k\""), TEXT("123456"), "k"),
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = *state;

		assert_row(parse_keyed(f, rows[i].body, false, rows[i].header) == OK, i);
		assert_str(f->body.first->key, rows[i].key);
		assert_int_equal(f->body.key.n, 0);
	}
}

static void header_guards_the_whole_batch_and_items_have_their_own(void **state)
{
	struct fixture *f = *state;
	str body = S("{\"batch\":[" KEYED("\"k1\"") "," EVENT "]}");

	assert_int_equal(parse_keyed(f, body, true, S("h")), OK);
	assert_str(f->body.key, S("h"));
	assert_str(f->body.first->key, S("k1"));
	assert_int_equal(f->body.first->next->key.n, 0);
	assert_int_equal(parse_keyed(f, body, true, (str){ 0 }), OK);
	assert_int_equal(f->body.key.n, 0);
}

static void keys_that_cannot_be_kept_are_refused(void **state)
{
	static const struct {
		const char *body, *header; /* header NULL: none */
		bool is_batch;
		const char *text;
	} rows[] = {
#define TOO_LONG "Idempotency key exceeds maximum length of 5 characters"
#define EMPTY "Idempotency key must not be empty"
		{ KEYED("\"\""), NULL, false, EMPTY },
		{ KEYED("\"\""), "h", false, EMPTY },
		{ KEYED("\"123456\""), NULL, false, TOO_LONG },
		{ KEYED("\"\\u00e9\\u00e9\\u00e9\""), NULL, false, TOO_LONG }, /* bytes count */
		{ EVENT, "", false, EMPTY },
		{ EVENT, "123456", false, TOO_LONG },
		{ "{\"batch\":[]}", "", true, EMPTY },
		{ "{\"batch\":[]}", "123456", true, TOO_LONG },
		{ "{\"batch\":[" KEYED("\"k\"") "," KEYED("\"123456\"") "]}", NULL, true,
		  TOO_LONG },
#undef TOO_LONG
#undef EMPTY
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = *state;
		str header = rows[i].header ? str_from_cstr(rows[i].header) : (str){ 0 };

		assert_row(parse_keyed(f, str_from_cstr(rows[i].body), rows[i].is_batch, header) ==
				   ERR_SYNTAX,
			   i);
		assert_int_equal(f->why.status, 400);
		assert_string_equal(f->why.code, "invalid_input");
		assert_str(f->why.text, str_from_cstr(rows[i].text));
	}
}

static void keys_are_ignored_where_the_app_does_not_want_them(void **state)
{
	struct fixture *f = *state;

	f->app.idempotency_ttl_s = 0;
	assert_int_equal(event_body_parse(S(KEYED("\"\"")), false, &f->app, S(""), &f->arena,
					  &f->body, &f->why),
			 OK);
	assert_int_equal(f->body.first->key.n, 0);
	assert_int_equal(event_body_parse(S("{\"batch\":[" KEYED("\"k\"") "]}"), true, &f->app,
					  S("h"), &f->arena, &f->body, &f->why),
			 OK);
	assert_int_equal(f->body.key.n + f->body.first->key.n, 0);
}

/* The keys stand where the hub looks for them, whatever their lengths. */
static void keys_are_written_into_the_record(void **state)
{
	static const str keys[] = { TEXT("a"), TEXT("ab"), TEXT("abc"), TEXT("abcd"),
				    TEXT("abcde") };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct fixture *f = *state;
		const struct published_event *e;
		const char *key;

		parse_keyed(f, S("{\"batch\":[" EVENT "," KEYED("\"xyz\"") "]}"), true, keys[i]);
		xfree(f->record);
		f->record = xalloc(f->body.bytes);
		event_body_write(&f->body, &f->arena, f->record);
		assert_str(((str){ f->record->text, f->record->key_len }), keys[i]);
		e = (const void *)((const char *)f->record + mail_events_offset(keys[i].n));
		assert_int_equal(e->key_len, 0);
		assert_str(name_of(e), S("e"));
		assert_str(channel_of(e, 0), S("c"));
		e = (const void *)((const char *)e + e->bytes);
		key = e->text + e->name_len + e->data_len;
		assert_str(((str){ key, e->key_len }), S("xyz"));
		assert_ptr_equal((const char *)e + e->bytes,
				 (const char *)f->record + f->body.bytes);
	}
}

static void channels_obey_the_namespaces_of_the_app(void **state)
{
	static const struct {
		const char *channel, *text; /* NULL: fine */
	} rows[] = {
		{ "chat:r", NULL },
		{ "plain", NULL },
		{ "#server-to-user-a:b", NULL },
		{ "chat:r#a", "Channel 'chat:r#a' uses user-limited syntax but the namespace does "
			      "not allow it" },
		{ "other:r", "Unknown channel namespace 'other'" },
		{ "chat:rooms", "Channel name too long. Max length is 9" },
	};
	struct fixture *f = *state;

	f->app.limits.max_channel_name_length = 19;
	namespace_add(&f->app, S("chat"))->channel_name_bytes_max = 9;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char body[128];
		int n = snprintf(body, sizeof(body),
				 "{\"name\":\"e\",\"channels\":[\"ok\",\"%s\"]}", rows[i].channel);

		if (rows[i].text)
			assert_refused(f, (str){ body, (size_t)n }, false, 400, "invalid_input",
				       str_from_cstr(rows[i].text));
		else
			assert_row(parse(f, (str){ body, (size_t)n }, false) == OK, i);
	}
	namespaces_free(&f->app);
}

static void what_is_no_json_is_told_with_its_place(void **state)
{
	static const str bodies[] = {
		{ "", 0 }, { "{", 1 }, { "x", 1 }, { "{} x", 4 }, { "{\"data\":\"\xff\"}", 12 }
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct fixture *f = *state;

		assert_row(parse(f, bodies[i], false) != OK, i);
		assert_row(f->why.status == 400 && !f->why.code, i);
		assert_row(str_has_prefix(f->why.text,
					  S("Failed to parse the request body as JSON: ")),
			   i);
		assert_row(parse(f, bodies[i], true) != OK, i);
	}
}

static void json_that_is_too_deep_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[1024];
	int n = snprintf(text, sizeof(text), "{\"name\":\"e\",\"channel\":\"c\",\"data\":");

	memset(text + n, '[', 200);
	memset(text + n + 200, ']', 200);
	text[n + 400] = '}';
	assert_int_equal(parse(f, (str){ text, (size_t)n + 401 }, false), ERR_SYNTAX);
	assert_int_equal(f->why.status, 400);
}

/* data of so many characters, each written as given */
static str body_with_data(char *out, const char *character, size_t n)
{
	const str start = S("{\"name\":\"e\",\"channel\":\"c\",\"data\":\""), end = S("\"}");
	char *at = mempcpy(out, start.p, start.n);

	for (size_t i = 0; i < n; i++)
		at = mempcpy(at, character, strlen(character));
	at = mempcpy(at, end.p, end.n);
	return (str){ out, (size_t)(at - out) };
}

static void data_is_measured_as_it_decodes(void **state)
{
	static char text[16384];
	struct fixture *f = *state;
	str words = S("Event payload size (1025 bytes) for event 'e' exceeds limit (1KB)");

	f->app.limits.max_event_payload_in_kb = 1;
	assert_int_equal(parse(f, body_with_data(text, "x", 1024), false), OK);
	assert_refused(f, body_with_data(text, "x", 1025), false, 413, "payload_too_large", words);
	assert_int_equal(parse(f, body_with_data(text, "\\n", 1024), false), OK);
	assert_refused(f, body_with_data(text, "\\u0061", 1025), false, 413, "payload_too_large",
		       words);
}

static void data_that_is_no_string_is_measured_as_compact_text(void **state)
{
	struct fixture *f = *state;
	char text[2048];
	int n = snprintf(text, sizeof(text),
			 "{\"name\":\"e\",\"channel\":\"c\",\"data\":[%*s\"%01020d\"]}", 20, "", 0);

	f->app.limits.max_event_payload_in_kb = 1;
	assert_int_equal(parse(f, (str){ text, (size_t)n }, false), OK);
	n = snprintf(text, sizeof(text),
		     "{\"name\":\"e\",\"channel\":\"c\",\"data\":[%*s\"%01021d\"]}", 20, "", 0);
	assert_refused(f, (str){ text, (size_t)n }, false, 413, "payload_too_large",
		       S("Event payload size (1025 bytes) for event 'e' exceeds limit (1KB)"));
}

static void a_batch_keeps_its_order(void **state)
{
	struct fixture *f = *state;
	const struct published_event *e =
		publish(f,
			"{\"batch\":[{\"name\":\"e1\",\"channel\":\"a\",\"data\":\"1\"},{\"name\":"
			"\"e2\",\"channels\":[\"b\",\"c\"],\"data\":{\"k\": 2}},"
			"{\"name\":\"e3\",\"channel\":\"a\",\"info\":\"user_count\"}]}",
			true);

	assert_int_equal(f->record->n_events, 3);
	assert_str(name_of(e), S("e1"));
	e = (const void *)((const char *)e + e->bytes);
	assert_str(name_of(e), S("e2"));
	assert_str(data_of(e), S("\"{\\\"k\\\":2}\""));
	assert_str(channel_of(e, 1), S("c"));
	e = (const void *)((const char *)e + e->bytes);
	assert_str(name_of(e), S("e3"));
	assert_true(e->has_info);
	assert_ptr_equal((const char *)e + e->bytes, (const char *)f->record + f->body.bytes);
}

static void an_empty_batch_is_fine(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, S("{\"batch\":[]}"), true), OK);
	assert_int_equal(f->body.n_events, 0);
}

static void no_memory_is_a_refusal_of_its_own(void **state)
{
	struct fixture *f = *state;

	for (uint64_t n = 1; n <= 2; n++) {
		mem_fail_nth(n);
		assert_int_equal(
			parse(f, S("{\"name\":\"e\",\"channel\":\"c\",\"data\":[1]}"), false),
			ERR_MEMORY);
		assert_int_equal(f->why.status, 503);
	}
	mem_fail_nth(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_event_becomes_a_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(data_goes_out_as_a_string_and_keeps_its_bytes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_are_decoded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(channels_win_over_channel_unless_null, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_last_of_repeated_members_counts, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_socket_id_excludes_and_a_bad_one_is_ignored,
						set_up, tear_down),
		cmocka_unit_test(info_is_a_list_of_exact_words),
		cmocka_unit_test_setup_teardown(info_is_asked_for_even_if_it_says_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(members_of_other_features_are_let_through, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_says_what_is_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(channels_obey_the_namespaces_of_the_app, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(key_of_an_event_is_its_own_or_the_header, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			header_guards_the_whole_batch_and_items_have_their_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_that_cannot_be_kept_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(keys_are_ignored_where_the_app_does_not_want_them,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_written_into_the_record, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_json_is_told_with_its_place, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(json_that_is_too_deep_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(data_is_measured_as_it_decodes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(data_that_is_no_string_is_measured_as_compact_text,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_batch_keeps_its_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_batch_is_fine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_memory_is_a_refusal_of_its_own, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

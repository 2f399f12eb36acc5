/* Signed requests: the published vectors, every refusal in its order, and what exactly is
 * signed. */
#include "core/auth_testing.h"

#include <stdio.h>

/* Signs text with the secret of app-id, by itself, and appends it to the fixture's query. */
static void append_signature(struct fixture *f, const char *text)
{
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	hmac_begin(&h, &f->app->hmac);
	hmac_add(&h, str_from_cstr(text));
	hmac_end_hex(&h, &f->app->hmac, hex);
	buf_puts(&f->query, S("&auth_signature="));
	buf_put(&f->query, hex, sizeof(hex));
}

/* A GET of the channels with this query, signed as if the string to sign ended with the second
 * text. */
static struct answer ask_signed(struct fixture *f, const char *query, const char *signed_query)
{
	char text[4096];

	buf_clear(&f->query);
	buf_puts(&f->query, str_from_cstr(query));
	snprintf(text, sizeof(text), "GET\n" CHANNELS "\n%s", signed_query);
	append_signature(f, text);
	return ask(f, (struct request){ "GET", CHANNELS, .query = buf_str(&f->query) });
}

static const struct vector {
	const char *id, *method, *path, *extra, *body, *md5, *signature;
} VECTORS[] = {
	{ "V1", "POST", EVENTS, "", V1_BODY, V1_MD5, V1_SIGNATURE },
	{ "V2", "POST", "/apps/app-id/batch_events", "",
	  "{\"batch\":[{\"channel\":\"a\",\"name\":\"e1\",\"data\":\"1\"},"
	  "{\"channel\":\"b\",\"name\":\"e2\",\"data\":\"2\",\"info\":\"subscription_count\"}]}",
	  "41f7894f5a17e42adb69b6e66e4c597b",
	  "388082104ae8ecab451edaeb60197c14c1cf27f4a80c95f7b11c4788ae0f7b73" },
	{ "V3", "GET", CHANNELS, "&filter_by_prefix=presence-&info=user_count", "", "",
	  "fd5a1b38d92aee2b7913a8cf43136cffab888ee5a097536910d6239f08eb68a2" },
	{ "V4", "GET", CHANNELS "/presence-room", "&info=user_count,subscription_count", "", "",
	  "63a12586312655a389c2cd2456ef12ce123cb22ece45add17de2273aaea20235" },
	{ "V4 encoded", "GET", CHANNELS "/presence-room", "&info=user_count%2Csubscription_count",
	  "", "", "63a12586312655a389c2cd2456ef12ce123cb22ece45add17de2273aaea20235" },
	{ "V5", "GET", CHANNELS "/presence-room/users", "", "", "",
	  "a7afae233250cdf3d2c9b18ed80afcd11f03f89614c48018dec50a034ca1143a" },
	{ "V6", "POST", "/apps/app-id/users/user-1/terminate_connections", "", "{}",
	  "99914b932bd37a50b983c5e7c90ae93b",
	  "b01496ec48272aa53b79731db18e32d6cb67bbfa0bd553f1dfb1c60191939be0" },
	{ "V7", "POST", "/apps/app-id/users/user-1/terminate_connections", "", "",
	  "d41d8cd98f00b204e9800998ecf8427e",
	  "9a80e7dfbc0c41f615884e86714ef1943f3dd42537e72f7ce45c480c30020cf1" },
	{ "V8", "POST", EVENTS, "",
	  "{\"name\":\"évén\",\"channel\":\"my-channel\",\"data\":\"héllo ✓\"}",
	  "cddd9898ec1391c9595113fab1866c61",
	  "eaf23a79ca93c9b87a340079e1a28093c390bbac7fd1c6bbbd93dc063bee7aab" },
	{ "V9 %20", "GET", CHANNELS, "&filter_by_prefix=a%20b&info=subscription_count", "", "",
	  "081c50b7e6f3fb15f9430babf05de15d96c442586a5a52e5efc8bc1e66a0e321" },
	{ "V9 +", "GET", CHANNELS, "&filter_by_prefix=a+b&info=subscription_count", "", "",
	  "081c50b7e6f3fb15f9430babf05de15d96c442586a5a52e5efc8bc1e66a0e321" },
	{ "V10", "GET", CHANNELS, "&Zeta=1&filter_by_prefix=presence-&info=user_count", "", "",
	  "c7de9bc321e98c42ce5558c95f0beb41cd9d422cd24bf3d9a560324371b2879f" },
	{ "V11", "DELETE", CHANNELS "/chat/messages/msg:1/annotations/ann:1", "", "", "",
	  "ff5f2145fb62f0ba96bea04dd491e95fa67c56e7e4d5ef8025351369a5076c35" },
	{ "V12", "GET", CHANNELS, "&filter_by_prefix=a&filter_by_prefix=b", "", "",
	  "3a3152cc1e327b4456f6f6173cacabdf5727901e061f1584bd2eded27ba14c58" },
	{ "protocol", "POST", EVENTS, "",
	  "{\"name\":\"greet\",\"channel\":\"my-channel\",\"data\":\"{\\\"hello\\\":\\\"world\\\"}"
	  "\"}",
	  "f984b586ccc3da92e33e792eef5a14e2",
	  "95a684ac99e162f9627b44192e3e8ffa458c5c05397b1c0cf9030202c59adca0" },
};

static void request_vectors_are_accepted(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(VECTORS); i++) {
		const struct vector *v = &VECTORS[i];

		buf_clear(&f->query);
		buf_printf(&f->query, "%s%s%s%s&auth_signature=%s", AUTH,
			   *v->md5 ? "&body_md5=" : "", v->md5, v->extra, v->signature);
		assert_answer(
			v->id,
			ask(f, (struct request){ v->method, v->path, .query = buf_str(&f->query),
						 .body = str_from_cstr(v->body) }),
			(struct answer){ ACCEPTED });
	}
}

static void official_vector_is_accepted_and_made(void **state)
{
	static const char EXPECTED[] =
		"auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
		"&body_md5=ec365a775a4cd0599faeb73354201b6f&auth_signature="
		"da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
	str body = S("{\"name\":\"foo\",\"channels\":[\"project-3\"],"
		     "\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}");
	struct fixture *f = *state;

	auth_request_sign(f->official->key, &f->official->hmac, S("POST"), S("/apps/3/events"),
			  S(""), body, 1353088179, &f->query);
	buf_putc(&f->query, '\0');
	assert_string_equal(f->query.p, EXPECTED);
	assert_answer(
		"official",
		ask(f, (struct request){ "POST", "/apps/3/events", .query = str_from_cstr(EXPECTED),
					 .route = "3", .body = body, .now_s = 1353088179 }),
		(struct answer){ ACCEPTED });
}

#define DUPLICATE(name)                                                                            \
	400, "invalid_input", "Invalid authentication query parameters: duplicate field `" name "`"
#define STAMPED(timestamp) "auth_key=app-key&auth_timestamp=" timestamp
#define HASHED AUTH "&body_md5=" V1_MD5

/* V1 with another query. */
static const struct {
	const char *query;
	struct answer answer;
} QUERIES[] = {
	{ V1_QUERY, { ACCEPTED } },
	{ NULL, { 400, "invalid_input", "Missing authentication query parameters" } },
	{ "", { 400, "invalid_input", "Query string is empty or invalid" } },
	{ "&", { 400, "invalid_input", "Query string is empty or invalid" } },
	{ V1_QUERY "&auth_key=app-key", { DUPLICATE("auth_key") } },
	{ "auth_timestamp=1&" V1_QUERY, { DUPLICATE("auth_timestamp") } },
	{ V1_QUERY "&auth_version", { DUPLICATE("auth_version") } },
	{ V1_QUERY "&body%5Fmd5=", { DUPLICATE("body_md5") } },
	{ "auth_signature=&" V1_QUERY, { DUPLICATE("auth_signature") } },
	{ V1_QUERY "&body_md5=&auth_key=", { DUPLICATE("body_md5") } },
	{ "auth_key=nope&auth_key=nope", { DUPLICATE("auth_key") } },
	{ "a=b", { UNKNOWN_KEY } },
	{ "auth_key&auth_timestamp=1700000000", { UNKNOWN_KEY } },
	{ "auth_key=&auth_timestamp=1700000000", { UNKNOWN_KEY } },
	{ "auth_key=nope&auth_timestamp=x", { UNKNOWN_KEY } },
	{ "auth_key=App-Key", { UNKNOWN_KEY } },
	{ "Auth_Key=app-key", { UNKNOWN_KEY } },
	{ "auth_key=app-key&auth_version=1.0", { NO_TIMESTAMP } },
	{ STAMPED(""), { NO_TIMESTAMP } },
	{ STAMPED("abc"), { BAD_TIMESTAMP } },
	{ STAMPED("1.5"), { BAD_TIMESTAMP } },
	{ STAMPED("1700000000+"), { BAD_TIMESTAMP } },
	{ STAMPED("9223372036854775808"), { BAD_TIMESTAMP } },
	{ STAMPED("9223372036854775807"), { EXPIRED } },
	{ STAMPED("-9223372036854775808"), { EXPIRED } },
	{ STAMPED("1699999399"), { EXPIRED } },
	{ STAMPED("1700000601&body_md5=x"), { EXPIRED } },
	{ AUTH "&auth_signature=x", { MD5_REQUIRED } },
	{ AUTH "&Body_MD5=" V1_MD5, { MD5_REQUIRED } },
	{ AUTH "&body_md5=&auth_signature=x", { MD5_REQUIRED } },
	{ AUTH "&body_md5=99914b932bd37a50b983c5e7c90ae93b", { MD5_MISMATCH } },
	{ AUTH "&body_md5=4A2297B34D32420D05955925447CDAF7", { MD5_MISMATCH } },
	{ HASHED "0&auth_signature=x", { MD5_MISMATCH } },
	{ HASHED, { BAD_SIGNATURE } },
	{ HASHED "&auth_signature=", { BAD_SIGNATURE } },
	{ HASHED "&Auth_Signature=" V1_SIGNATURE, { BAD_SIGNATURE } },
	{ HASHED "&auth_signature=9B1548D1FED48D2437F0A82A6EA33B43D1FBCDFB998BE18906E5E17E3DE7C9E1",
	  { BAD_SIGNATURE } },
	{ V1_QUERY "0", { BAD_SIGNATURE } },
	{ V1_QUERY "&foo=bar", { BAD_SIGNATURE } },
	{ "foo=bar&" V1_QUERY, { BAD_SIGNATURE } },
	{ "auth_signature=" V1_SIGNATURE "&body_md5=" V1_MD5
	  "&auth_version=1.0&auth_timestamp=1700000000&auth_key=app-key",
	  { ACCEPTED } },
	{ "&&" V1_QUERY "&", { ACCEPTED } },
};

static struct request v1_request(const char *query)
{
	return (struct request){ .method = "POST",
				 .path = EVENTS,
				 .query = str_from_cstr(query ? query : ""),
				 .has_no_query = !query,
				 .body = S(V1_BODY) };
}

static void each_query_gets_the_documented_answer(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++)
		assert_answer(QUERIES[i].query, ask(*state, v1_request(QUERIES[i].query)),
			      QUERIES[i].answer);
}

static void timestamp_may_be_600_s_off(void **state)
{
	static const int64_t ACCEPTED_AT[] = { NOW - 600, NOW, NOW + 600 };
	static const int64_t REFUSED_AT[] = { NOW - 601, NOW + 601, 1, INT32_MAX };
	struct request r = v1_request(V1_QUERY);

	for (size_t i = 0; i < ARRAY_LEN(ACCEPTED_AT); i++) {
		r.now_s = ACCEPTED_AT[i];
		assert_answer("within", ask(*state, r), (struct answer){ ACCEPTED });
	}
	for (size_t i = 0; i < ARRAY_LEN(REFUSED_AT); i++) {
		r.now_s = REFUSED_AT[i];
		assert_answer("beyond", ask(*state, r), (struct answer){ EXPIRED });
	}
}

static void only_post_may_have_body_md5_of_something(void **state)
{
	static const char *const METHODS[] = { "GET", "HEAD", "PUT", "PATCH", "DELETE" };
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
		struct answer expected = { 401, "auth_failed", text };
		struct request r = v1_request(V1_QUERY);

		r.method = METHODS[i];
		snprintf(text, sizeof(text),
			 "body_md5 must not be present in query parameters for %s requests",
			 METHODS[i]);
		assert_answer("given", ask(*state, r), expected);
		r.query = S(AUTH "&body_md5");
		assert_answer("empty", ask(*state, r), expected);
		r.query = S(AUTH);
		assert_answer("absent", ask(*state, r), (struct answer){ BAD_SIGNATURE });
	}
}

static void key_of_another_app_is_refused_first(void **state)
{
	static const char *const ROUTES[] = { "off", "nope", "", "app-i", "app-idd", "APP-ID" };
	struct request r = v1_request("auth_key=app-key");

	for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
		r.route = ROUTES[i];
		assert_answer(ROUTES[i], ask(*state, r), (struct answer){ WRONG_APP });
	}
}

static void body_md5_without_body_must_be_that_of_nothing(void **state)
{
	struct request r = v1_request(V1_QUERY);

	r.body = S("");
	assert_answer("of another body", ask(*state, r), (struct answer){ MD5_MISMATCH });
}

static void another_apps_path_is_refused_even_when_signed(void **state)
{
	struct fixture *f = *state;

	auth_request_sign(S("app-key"), &f->app->hmac, S("POST"), S("/apps/other/events"), S(""),
			  S(V1_BODY), NOW, &f->query);
	assert_answer(
		"re-signed",
		ask(f, (struct request){ "POST", "/apps/other/events", .query = buf_str(&f->query),
					 .route = "other", .body = S(V1_BODY) }),
		(struct answer){ WRONG_APP });
}

/* Pusher's library for Python sends it with every GET. */
static void signed_body_md5_of_nothing_on_get_is_accepted(void **state)
{
	static const char OF_NOTHING[] = AUTH "&body_md5=d41d8cd98f00b204e9800998ecf8427e";

	assert_answer("GET", ask_signed(*state, OF_NOTHING, OF_NOTHING),
		      (struct answer){ ACCEPTED });
}

static void signed_body_md5_of_something_on_get_is_refused(void **state)
{
	struct answer expected = {
		401, "auth_failed",
		"body_md5 must not be present in query parameters for GET requests"
	};

	assert_answer("GET", ask_signed(*state, HASHED, HASHED), expected);
}

static void post_without_body_may_omit_body_md5(void **state)
{
	static const char *const WITHOUT[] = { AUTH, AUTH "&body_md5=" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(WITHOUT); i++) {
		char text[512];

		buf_clear(&f->query);
		buf_puts(&f->query, str_from_cstr(WITHOUT[i]));
		snprintf(text, sizeof(text), "POST\n" EVENTS "\n%s", WITHOUT[i]);
		append_signature(f, text);
		assert_answer(
			WITHOUT[i],
			ask(f, (struct request){ "POST", EVENTS, .query = buf_str(&f->query) }),
			(struct answer){ ACCEPTED });
	}
}

static void disabled_app_is_forbidden_after_the_signature(void **state)
{
	struct fixture *f = *state;
	const struct app *off = app_by_id(f->apps, S("off"));
	struct request r = { "GET", "/apps/off/channels", .route = "off" };

	auth_request_sign(off->key, &off->hmac, S("GET"), S("/apps/off/channels"), S(""), S(""),
			  NOW, &f->query);
	r.query = buf_str(&f->query);
	assert_answer("signed", ask(f, r),
		      (struct answer){ 403, "forbidden", "Application disabled" });
	r.path = "/apps/off/other";
	assert_answer("not signed", ask(f, r), (struct answer){ BAD_SIGNATURE });
}

/* What is sent after the auth parameters, and what the string to sign has instead. */
static const struct {
	const char *sent, *meant;
} CANONICAL[] = {
	{ "&a", "a=&" AUTH },
	{ "&=", "=&" AUTH },
	{ "&%3d=", "==&" AUTH },
	{ "&a%26b=c%3Dd%0Ae", "a&b=c=d\ne&" AUTH },
	{ "&x=%zz%4", AUTH "&x=%zz%4" },
	{ "&x=%ff%c3%a9", AUTH "&x=\xef\xbf\xbd\xc3\xa9" },
	{ "&x=a=b", AUTH "&x=a=b" },
	{ "&x=1&x=2&x=3", AUTH "&x=3" },
	{ "&x=3&y=0&x=1", AUTH "&x=1&y=0" },
	{ "&Zeta=1&zeta=2", AUTH "&zeta=2" },
	{ "&zeta=2&Zeta=1", AUTH "&zeta=2" },
	{ "&ZETA=1&Zeta=2&ZETA=3", AUTH "&zeta=2" },
	{ "&%5aeta=1", AUTH "&zeta=1" },
	{ "&info[]=a&info[]=b", AUTH "&info[]=b" },
	{ "&x1=a&x=b&x10=c", AUTH "&x=b&x1=a&x10=c" },
	{ "&Auth_Signature=1", "auth_key=app-key&auth_signature=1&auth_timestamp=1700000000"
			       "&auth_version=1.0" },
	{ "&AUTH_VERSION=2", AUTH },
	{ "&Body_MD5=x", AUTH "&body_md5=x" },
};

static void string_to_sign_follows_the_rules(void **state)
{
	char sent[512];

	for (size_t i = 0; i < ARRAY_LEN(CANONICAL); i++) {
		snprintf(sent, sizeof(sent), "%s%s", AUTH, CANONICAL[i].sent);
		assert_answer(CANONICAL[i].sent, ask_signed(*state, sent, CANONICAL[i].meant),
			      (struct answer){ ACCEPTED });
	}
}

static void version_is_signed_but_not_checked(void **state)
{
	static const char NONE[] = "auth_key=app-key&auth_timestamp=1700000000";
	static const char OTHER[] = "auth_key=app-key&auth_timestamp=1700000000&auth_version=x";

	assert_answer("none", ask_signed(*state, NONE, NONE), (struct answer){ ACCEPTED });
	assert_answer("other", ask_signed(*state, OTHER, OTHER), (struct answer){ ACCEPTED });
}

static void timestamp_may_have_a_plus(void **state)
{
	assert_answer("+",
		      ask_signed(*state, "auth_key=app-key&auth_timestamp=%2B1700000000",
				 "auth_key=app-key&auth_timestamp=+1700000000"),
		      (struct answer){ ACCEPTED });
}

static void any_number_of_parameters_is_sorted(void **state)
{
	static const size_t COUNTS[] = {
		28, 29, 30, 31, 100, 131
	}; /* around the end of the small array */
	char sent[4096], meant[4096];

	for (size_t i = 0; i < ARRAY_LEN(COUNTS); i++) {
		size_t n = COUNTS[i];
		int sent_len = snprintf(sent, sizeof(sent), "%s", AUTH);
		int meant_len = snprintf(meant, sizeof(meant), "%s", AUTH);

		for (size_t k = n; k-- > 0;)
			sent_len += snprintf(sent + sent_len, sizeof(sent) - sent_len,
					     "&p%03zu=%zu", k * 11 % n, k * 11 % n);
		sent_len += snprintf(sent + sent_len, sizeof(sent) - sent_len, "&p000=last");
		for (size_t k = 0; k < n; k++)
			meant_len += snprintf(meant + meant_len, sizeof(meant) - meant_len,
					      k ? "&p%03zu=%zu" : "&p%03zu=last", k, k);
		assert_answer(sent, ask_signed(*state, sent, meant), (struct answer){ ACCEPTED });
	}
}

static void long_values_are_signed_whole(void **state)
{
	char sent[2048];

	for (size_t n = 1; n < 1500; n += 13) {
		int len = snprintf(sent, sizeof(sent), "%s&x=", AUTH);

		memset(sent + len, 'v', n);
		snprintf(sent + len + n, sizeof(sent) - len - n, "&y=%zu", n);
		assert_answer(sent, ask_signed(*state, sent, sent), (struct answer){ ACCEPTED });
	}
}

static void own_requests_are_accepted_whatever_they_contain(void **state)
{
	static const char *const PARAMS[] = { "", "info=user_count", "a=1&zz=2",
					      "x=%20%26+&X=3&x=4" };
	struct fixture *f = *state;
	const struct app *odd = app_table_add(f->apps, S("odd"), S("k&y=%/ é"), S("s"));

	for (size_t i = 0; i < ARRAY_LEN(PARAMS); i++) {
		buf_clear(&f->query);
		auth_request_sign(odd->key, &odd->hmac, S("POST"), S("/p"),
				  str_from_cstr(PARAMS[i]), S("body"), NOW, &f->query);
		assert_answer(PARAMS[i],
			      ask(f, (struct request){ "POST", "/p", .query = buf_str(&f->query),
						       .route = "odd", .body = S("body") }),
			      (struct answer){ ACCEPTED });
	}
}

static void own_signature_is_appended(void **state)
{
	struct fixture *f = *state;

	buf_puts(&f->query, S("?"));
	auth_request_sign(S("app-key"), &f->app->hmac, S("POST"), S(EVENTS), S(""), S(V1_BODY), NOW,
			  &f->query);
	buf_putc(&f->query, '\0');
	assert_string_equal(f->query.p, "?" V1_QUERY);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(request_vectors_are_accepted),
		T(official_vector_is_accepted_and_made),
		T(each_query_gets_the_documented_answer),
		T(timestamp_may_be_600_s_off),
		T(only_post_may_have_body_md5_of_something),
		T(key_of_another_app_is_refused_first),
		T(body_md5_without_body_must_be_that_of_nothing),
		T(another_apps_path_is_refused_even_when_signed),
		T(signed_body_md5_of_nothing_on_get_is_accepted),
		T(signed_body_md5_of_something_on_get_is_refused),
		T(post_without_body_may_omit_body_md5),
		T(disabled_app_is_forbidden_after_the_signature),
		T(string_to_sign_follows_the_rules),
		T(version_is_signed_but_not_checked),
		T(timestamp_may_have_a_plus),
		T(any_number_of_parameters_is_sorted),
		T(long_values_are_signed_whole),
		T(own_requests_are_accepted_whatever_they_contain),
		T(own_signature_is_appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

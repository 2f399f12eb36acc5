/* auth: a request is let in when it carries the signature of what it says, and never otherwise.
 *
 * Input: a line with method and path, a line with the query, the body. Nobody guesses an HMAC, so
 * by the input's choice the request is signed first: by auth_request_sign, or by a second, naive
 * reading of the rule that is here; and then perhaps one byte of it is changed. */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/urlencode.h"
#include "core/auth.h"

#define NOW_S 1700000000

static const struct app_table *the_apps(void)
{
	static struct app_table *apps;

	if (!apps) {
		apps = app_table_new((struct hash_key){ 1, 2 });
		app_table_add(apps, S("app-id"), S("app-key"), S("app-secret"));
		app_table_add(apps, S("2"), S("key two&"), S("other-secret"));
		app_table_add(apps, S("off"), S("key-off"), S("secret-off"))->enabled = false;
	}
	return apps;
}

struct request {
	struct http_request http;
	str body, app_id;
};

static str take_line(str *rest)
{
	str line = str_take(*rest, str_find_char(*rest, '\n'));

	*rest = str_skip(*rest, line.n + 1);
	return line;
}

static void read_request(str in, struct request *q)
{
	str line = take_line(&in), path, segment;

	*q = (struct request){ 0 };
	q->http.method_text = str_take(line, str_find_char(line, ' '));
	q->http.method = str_eq(q->http.method_text, S("POST")) ? HTTP_POST : HTTP_GET;
	q->http.path = path = str_skip(line, q->http.method_text.n + 1);
	q->http.query = take_line(&in);
	q->http.has_query = q->http.query.n > 0;
	q->body = in;
	for (int i = 0; i < 2 && str_has_prefix(path, S("/")); i++)
		q->app_id = path_next(&path, &segment) ? segment : q->app_id;
}

/* The rule, naively */

struct pair {
	str sent_name, name, value; /* name: lower case */
};

static str lower(str s, struct arena *a)
{
	str copy = arena_copy(a, s);
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < s.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] - 'A' + 'a');
	}
	return copy;
}

static size_t read_pairs(str query, struct pair *pairs, struct arena *a)
{
	struct query_pair p;
	size_t n = 0;

	while (query_next(&query, a, &p)) {
		if (!str_eq(p.name, S("auth_signature")))
			pairs[n++] = (struct pair){ p.name, lower(p.name, a), p.value };
	}
	return n;
}

/* Of the pairs of the same name only one is signed: the last in the order of what was sent. */
static bool is_signed(const struct pair *pairs, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		int order = str_cmp(pairs[k].sent_name, pairs[i].sent_name);

		if (str_eq(pairs[k].name, pairs[i].name) && (order > 0 || (order == 0 && k > i)))
			return false;
	}
	return true;
}

static size_t smallest_after(const struct pair *pairs, size_t n, const str *last)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		if ((!last || str_cmp(pairs[i].name, *last) > 0) && is_signed(pairs, n, i) &&
		    (best == n || str_cmp(pairs[i].name, pairs[best].name) < 0))
			best = i;
	}
	return best;
}

static void naive_sign(const struct app *app, const struct request *q, struct arena *a,
		       char hex[SHA256_HEX_LEN])
{
	struct pair *pairs = arena_alloc(a, (q->http.query.n + 1) * sizeof(*pairs));
	size_t n = read_pairs(q->http.query, pairs, a), i;
	const str *last = NULL;
	struct hmac h;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, q->http.method_text);
	buf_putc(&b, '\n');
	buf_puts(&b, q->http.path);
	buf_putc(&b, '\n');
	while ((i = smallest_after(pairs, n, last)) < n) {
		buf_puts(&b, last ? S("&") : S(""));
		buf_puts(&b, pairs[i].name);
		buf_putc(&b, '=');
		buf_puts(&b, pairs[i].value);
		last = &pairs[i].name;
	}
	if (!last) /* nothing to separate */
		b.len--;
	hmac_begin(&h, &app->hmac);
	hmac_add(&h, buf_str(&b));
	hmac_end_hex(&h, &app->hmac, hex);
	buf_fini(&b);
}

/* How often a parameter of exactly that name is there, and its last value. */
static unsigned find_param(str query, str name, struct arena *a, str *value)
{
	struct query_pair p;
	unsigned n = 0;

	*value = S("");
	while (query_next(&query, a, &p)) {
		if (str_eq(p.name, name)) {
			*value = p.value;
			n++;
		}
	}
	return n;
}

static bool body_is_right(const struct request *q, struct arena *a)
{
	char hex[MD5_HEX_LEN];
	str given;
	unsigned n = find_param(q->http.query, S("body_md5"), a, &given);

	if (q->http.method != HTTP_POST)
		return n == 0;
	md5_hex(q->body, hex);
	return given.n == 0 ? q->body.n == 0 : str_eq(given, (str){ hex, sizeof(hex) });
}

static bool is_fresh(str timestamp)
{
	int64_t t;

	return str_to_i64(timestamp, &t) && t >= NOW_S - 600 && t <= NOW_S + 600;
}

static const struct app *naive_check(const struct request *q, struct arena *a)
{
	static const char *const NAMES[] = { "auth_key", "auth_timestamp", "auth_version",
					     "body_md5", "auth_signature" };
	char hex[SHA256_HEX_LEN];
	const struct app *app;
	str value;

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		if (find_param(q->http.query, str_from_cstr(NAMES[i]), a, &value) > 1)
			return NULL;
	}
	find_param(q->http.query, S("auth_key"), a, &value);
	app = app_by_key(the_apps(), value);
	if (!app || !app->enabled || !str_eq(app->id, q->app_id))
		return NULL;
	find_param(q->http.query, S("auth_timestamp"), a, &value);
	if (!is_fresh(value) || !body_is_right(q, a))
		return NULL;
	naive_sign(app, q, a, hex);
	find_param(q->http.query, S("auth_signature"), a, &value);
	return str_eq(value, (str){ hex, sizeof(hex) }) ? app : NULL;
}

/* Ours */

static void check(const struct request *q, struct arena *a)
{
	const struct app *app = NULL;
	struct auth_failure why = { 0 };
	err e = auth_request_check(the_apps(), &q->http, q->app_id, q->body, NOW_S, a, &app, &why);

	CHECK(app == naive_check(q, a));
	if (e == OK) {
		CHECK(app);
		return;
	}
	CHECK(e == ERR_AUTH && !app);
	CHECK(why.status >= 400 && why.status < 500 && why.code && why.text.n > 0);
}

static void set_query(struct request *q, const struct buf *b)
{
	q->http.query = buf_str(b);
	q->http.has_query = b->len > 0;
}

static void sign_naively(struct request *q, const struct app *app, struct arena *a, struct buf *b)
{
	char hex[SHA256_HEX_LEN];

	naive_sign(app, q, a, hex);
	buf_puts(b, q->http.query);
	buf_puts(b, S("&auth_signature="));
	buf_put(b, hex, sizeof(hex));
	set_query(q, b);
}

/* What our own clients send is let in, unless the parameters in the input interfere. */
static void sign_as_client(struct request *q, const struct app *app, struct arena *a, struct buf *b)
{
	str params = q->http.query, ignored;

	auth_request_sign(app->key, &app->hmac, q->http.method_text, q->http.path, params, q->body,
			  NOW_S, b);
	set_query(q, b);
	for (struct query_pair p; query_next(&params, a, &p);) {
		if (str_has_prefix(p.name, S("auth_")) || str_eq(p.name, S("body_md5")))
			return;
	}
	if (find_param(q->http.query, S("auth_signature"), a, &ignored) == 1 && app->enabled &&
	    str_eq(app->id, q->app_id) && (q->http.method == HTTP_POST || q->body.n == 0))
		CHECK(naive_check(q, a) == app);
}

static void flip_byte(str s, uint8_t where)
{
	char *p = (char *)(uintptr_t)s.p;

	if (s.n)
		p[where % s.n] ^= (char)(1 << where % 7);
}

/* where: of the byte that is changed; the last of the input but one. */
static void check_choice(struct request *q, uint8_t choice, uint8_t where, struct arena *a)
{
	const struct app *app = the_apps()->apps[choice >> 4 & 1];
	struct buf query;

	buf_init(&query, SIZE_MAX / 2);
	if ((choice & 3) == 1)
		sign_naively(q, app, a, &query);
	else if ((choice & 3) == 2)
		sign_as_client(q, app, a, &query);
	if (query.len && (choice & 4))
		flip_byte(q->http.query, where);
	check(q, a);
	buf_fini(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice, where;
	str in = fuzz_input(data, size, &choice);
	struct request q;
	struct arena a;

	in = fuzz_input((const uint8_t *)in.p, in.n, &where);
	arena_init(&a, 0);
	read_request(in, &q);
	check_choice(&q, choice, where, &a);
	arena_fini(&a);
	return 0;
}

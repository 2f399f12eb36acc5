/* auth.c: the one place where signatures are made and compared.
 *
 * Everything is HMAC-SHA256 with the app's secret over a text that both sides put together. For
 * HTTP requests that text is the method, the path as sent and the decoded, lower-cased, sorted
 * query; it is fed to the HMAC in pieces and never exists as a whole. The rules look odd in
 * places (names lower-cased after decoding, repeated names, an unknown key told from a wrong
 * signature): they are the original's (sockudo: crates/sockudo-core/src/auth.rs), and clients
 * depend on them. A signature may be used again as long as its timestamp is fresh: the protocol
 * has no nonce, and this file remembers nothing. */
#include "core/auth.h"

#include "codec/urlencode.h"

#include <stdlib.h>

#define MAX_CLOCK_SKEW_S 600
#define N_PAIRS_SMALL 32

/* Channels and users */

static bool signature_ok(const struct app *a, const str *pieces, size_t n, str auth)
{
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	if (auth.n != a->key.n + 1 + sizeof(hex) || !str_has_prefix(auth, a->key) ||
	    auth.p[a->key.n] != ':')
		return false;
	hmac_begin(&h, &a->hmac);
	for (size_t i = 0; i < n; i++)
		hmac_add(&h, pieces[i]);
	hmac_end_hex(&h, &a->hmac, hex);
	return digest_eq(str_skip(auth, a->key.n + 1), (str){ hex, sizeof(hex) });
}

bool auth_channel_ok(const struct app *a, struct socket_id id, str channel, str channel_data,
		     bool is_presence, str auth)
{
	char text[SOCKET_ID_TEXT_MAX];
	str pieces[] = { socket_id_format(id, text), S(":"), channel, S(":"), channel_data };

	if (channel_data.n > 0 && signature_ok(a, pieces, 5, auth))
		return true;
	/* On private channels Pusher's libraries sign channel_data, the original ignores it. */
	return !(is_presence && channel_data.n > 0) && signature_ok(a, pieces, 3, auth);
}

bool auth_user_ok(const struct app *a, struct socket_id id, str user_data, str auth)
{
	char text[SOCKET_ID_TEXT_MAX];
	str pieces[] = { socket_id_format(id, text), S("::user::"), user_data };

	return signature_ok(a, pieces, 3, auth);
}

/* The query of a signed request */

enum auth_param {
	AUTH_KEY,
	AUTH_TIMESTAMP,
	AUTH_VERSION,
	BODY_MD5,
	AUTH_SIGNATURE,
	N_AUTH_PARAMS,
};

static const str AUTH_PARAM_NAMES[] = {
	[AUTH_KEY] = { "auth_key", 8 },
	[AUTH_TIMESTAMP] = { "auth_timestamp", 14 },
	[AUTH_VERSION] = { "auth_version", 12 },
	[BODY_MD5] = { "body_md5", 8 },
	[AUTH_SIGNATURE] = { "auth_signature", 14 },
};

struct pair {
	str name;      /* lower case */
	str sent_name; /* decoded, as spelled */
	str value;
	size_t position;
};

struct query {
	struct {
		bool is_given;
		str value;
	} auth[N_AUTH_PARAMS];
	enum auth_param duplicate; /* first that was given twice, or N_AUTH_PARAMS */
	size_t n_sent;
	struct pair *pairs; /* all that are signed */
	size_t n, cap;
	struct pair small[N_PAIRS_SMALL];
};

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static str lower(str s, struct arena *a)
{
	size_t i = 0;
	char *p;

	while (i < s.n && !is_upper(s.p[i]))
		i++;
	if (i == s.n)
		return s;
	s = arena_copy(a, s);
	p = (char *)s.p;
	for (; i < s.n; i++)
		p[i] = is_upper(p[i]) ? (char)(p[i] | 0x20) : p[i];
	return s;
}

static enum auth_param auth_param_find(str name)
{
	enum auth_param i = 0;

	while (i < N_AUTH_PARAMS && !str_eq(AUTH_PARAM_NAMES[i], name))
		i++;
	return i;
}

static void query_note(struct query *q, enum auth_param p, str value)
{
	if (q->auth[p].is_given && q->duplicate == N_AUTH_PARAMS)
		q->duplicate = p;
	q->auth[p].is_given = true;
	q->auth[p].value = value;
}

/* The arena grows with the number of pairs, which the limit on a request's head bounds. */
static void query_push(struct query *q, struct arena *a, struct query_pair sent)
{
	struct pair *grown;

	if (q->n == q->cap) {
		grown = arena_alloc(a, 2 * q->cap * sizeof(*grown));
		memcpy(grown, q->pairs, q->n * sizeof(*grown));
		q->pairs = grown;
		q->cap *= 2;
	}
	q->pairs[q->n] = (struct pair){ lower(sent.name, a), sent.name, sent.value, q->n };
	q->n++;
}

static void query_read(struct query *q, str text, struct arena *a)
{
	struct query_pair sent;

	q->duplicate = N_AUTH_PARAMS;
	q->pairs = q->small;
	q->n_sent = q->n = 0;
	q->cap = N_PAIRS_SMALL;
	for (size_t i = 0; i < N_AUTH_PARAMS; i++)
		q->auth[i].is_given = false;
	for (; query_next(&text, a, &sent); q->n_sent++) {
		enum auth_param p = auth_param_find(sent.name);

		if (p < N_AUTH_PARAMS)
			query_note(q, p, sent.value);
		if (p != AUTH_SIGNATURE)
			query_push(q, a, sent);
	}
}

static str query_get(const struct query *q, enum auth_param p)
{
	return q->auth[p].is_given ? q->auth[p].value : (str){ NULL, 0 };
}

/* By name; of equal names the one that counts comes last. */
static int pair_cmp(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int order = str_cmp(a->name, b->name);

	if (order == 0)
		order = str_cmp(a->sent_name, b->sent_name);
	return order ? order : (a->position > b->position) - (a->position < b->position);
}

static void query_sort(struct query *q)
{
	if (q->n > N_PAIRS_SMALL) {
		qsort(q->pairs, q->n, sizeof(*q->pairs), pair_cmp);
		return;
	}
	for (size_t i = 1; i < q->n; i++) {
		struct pair moved = q->pairs[i];
		size_t at = i;

		for (; at > 0 && pair_cmp(&q->pairs[at - 1], &moved) > 0; at--)
			q->pairs[at] = q->pairs[at - 1];
		q->pairs[at] = moved;
	}
}

/* Gathers small pieces: handing each to the HMAC costs more than copying it. */
struct gather {
	struct hmac h;
	size_t n;
	char bytes[256];
};

static void gather_flush(struct gather *g)
{
	hmac_add(&g->h, (str){ g->bytes, g->n });
	g->n = 0;
}

static void gather_add(struct gather *g, str s)
{
	if (s.n > sizeof(g->bytes) - g->n)
		gather_flush(g);
	if (s.n > sizeof(g->bytes)) {
		hmac_add(&g->h, s);
		return;
	}
	if (s.n)
		memcpy(g->bytes + g->n, s.p, s.n);
	g->n += s.n;
}

/* Sorts the query. */
static void sign(const struct hmac_key *k, str method, str path, struct query *q,
		 char hex[SHA256_HEX_LEN])
{
	str separator = S("\n");
	struct gather g;

	query_sort(q);
	hmac_begin(&g.h, k);
	g.n = 0;
	gather_add(&g, method);
	gather_add(&g, S("\n"));
	gather_add(&g, path);
	for (size_t i = 0; i < q->n; i++) {
		if (i + 1 < q->n && str_eq(q->pairs[i].name, q->pairs[i + 1].name))
			continue;
		gather_add(&g, separator);
		gather_add(&g, q->pairs[i].name);
		gather_add(&g, S("="));
		gather_add(&g, q->pairs[i].value);
		separator = S("&");
	}
	gather_flush(&g);
	hmac_end_hex(&g.h, k, hex);
}

/* Checking a request */

static err refuse(struct auth_failure *why, unsigned status, const char *code, str text)
{
	*why = (struct auth_failure){ status, code, text };
	return ERR_AUTH;
}

static err refuse_unproven(struct auth_failure *why, str text)
{
	return refuse(why, 401, "auth_failed", text);
}

static str text_around(struct arena *a, str before, str middle, str after)
{
	size_t n = before.n + middle.n + after.n;
	char *text = arena_alloc(a, n), *at = text;

	at = mempcpy(at, before.p, before.n);
	at = mempcpy(at, middle.p, middle.n);
	memcpy(at, after.p, after.n);
	return (str){ text, n };
}

static err check_query(const struct http_request *r, const struct query *q, struct arena *a,
		       struct auth_failure *why)
{
	if (!r->has_query)
		return refuse(why, 400, "invalid_input",
			      S("Missing authentication query parameters"));
	if (q->n_sent == 0)
		return refuse(why, 400, "invalid_input", S("Query string is empty or invalid"));
	if (q->duplicate != N_AUTH_PARAMS)
		return refuse(
			why, 400, "invalid_input",
			text_around(a,
				    S("Invalid authentication query parameters: duplicate field `"),
				    AUTH_PARAM_NAMES[q->duplicate], S("`")));
	return OK;
}

static err check_timestamp(const struct query *q, int64_t now_s, struct auth_failure *why)
{
	str text = query_get(q, AUTH_TIMESTAMP);
	int64_t t;

	if (text.n == 0)
		return refuse_unproven(why, S("auth_timestamp is missing"));
	if (!str_to_i64(text, &t))
		return refuse_unproven(why, S("Invalid auth_timestamp format"));
	if (t < now_s - MAX_CLOCK_SKEW_S || t > now_s + MAX_CLOCK_SKEW_S)
		return refuse_unproven(why, S("Timestamp expired or too far in the future"));
	return OK;
}

static err check_body(const struct http_request *r, const struct query *q, str body,
		      struct arena *a, struct auth_failure *why)
{
	str given = query_get(q, BODY_MD5);
	char hex[MD5_HEX_LEN];

	/* Pusher's library for Python names the digest of no body with each GET; no other one
	 * may be named. */
	if (r->method != HTTP_POST) {
		md5_hex(S(""), hex);
		if (!q->auth[BODY_MD5].is_given || str_eq(given, (str){ hex, sizeof(hex) }))
			return OK;
		return refuse_unproven(
			why,
			text_around(a, S("body_md5 must not be present in query parameters for "),
				    r->method_text, S(" requests")));
	}
	if (given.n == 0 && body.n == 0)
		return OK;
	if (given.n == 0)
		return refuse_unproven(why,
				       S("body_md5 is required and must be non-empty in query "
					 "parameters for POST requests with a non-empty body"));
	md5_hex(body, hex);
	if (!str_eq(given, (str){ hex, sizeof(hex) })) /* nothing secret in it */
		return refuse_unproven(why, S("body_md5 mismatch"));
	return OK;
}

static err check_signature(const struct app *app, const struct http_request *r, struct query *q,
			   struct auth_failure *why)
{
	char hex[SHA256_HEX_LEN];

	sign(&app->hmac, r->method_text, r->path, q, hex);
	if (!digest_eq(query_get(q, AUTH_SIGNATURE), (str){ hex, sizeof(hex) }))
		return refuse_unproven(why, S("Invalid API signature"));
	return OK;
}

/* body NULL: it is not looked at. */
static err check(const struct app_table *apps, const struct http_request *r, str route_app_id,
		 const str *body, int64_t now_s, struct arena *a, const struct app **app,
		 struct auth_failure *why)
{
	const struct app *signer;
	struct query q;
	err e;

	query_read(&q, r->query, a);
	e = check_query(r, &q, a, why);
	if (e != OK)
		return e;
	signer = app_by_key(apps, query_get(&q, AUTH_KEY));
	if (!signer)
		return refuse(why, 404, "app_not_found",
			      S("Application key not found or invalid: Invalid app key"));
	if (!str_eq(signer->id, route_app_id))
		return refuse_unproven(why, S("Authenticated app does not match route app_id"));
	e = check_timestamp(&q, now_s, why);
	if (e == OK && body)
		e = check_body(r, &q, *body, a, why);
	if (e == OK)
		e = check_signature(signer, r, &q, why);
	if (e == OK && !signer->enabled)
		e = refuse(why, 403, "forbidden", S("Application disabled"));
	if (e == OK)
		*app = signer;
	return e;
}

err auth_request_check(const struct app_table *apps, const struct http_request *r, str route_app_id,
		       str body, int64_t now_s, struct arena *a, const struct app **app,
		       struct auth_failure *why)
{
	return check(apps, r, route_app_id, &body, now_s, a, app, why);
}

err auth_request_check_head(const struct app_table *apps, const struct http_request *r,
			    str route_app_id, int64_t now_s, struct arena *a,
			    struct auth_failure *why)
{
	const struct app *app;

	return check(apps, r, route_app_id, NULL, now_s, a, &app, why);
}

/* Signing our own requests */

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static void put_encoded(struct buf *b, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i]))
			buf_putc(b, s.p[i]);
		else
			buf_printf(b, "%%%02X", (uint8_t)s.p[i]);
	}
}

static void put_signed_params(struct buf *b, str key, str params, str body, int64_t now_s)
{
	char hex[MD5_HEX_LEN];

	buf_puts(b, S("auth_key="));
	put_encoded(b, key);
	buf_puts(b, S("&auth_timestamp="));
	buf_puti(b, now_s);
	buf_puts(b, S("&auth_version=1.0"));
	if (body.n) {
		md5_hex(body, hex);
		buf_puts(b, S("&body_md5="));
		buf_put(b, hex, sizeof(hex));
	}
	if (params.n) {
		buf_putc(b, '&');
		buf_puts(b, params);
	}
}

void auth_request_sign(str key, const struct hmac_key *k, str method, str path, str params,
		       str body, int64_t now_s, struct buf *out)
{
	size_t start = out->len;
	char hex[SHA256_HEX_LEN];
	struct arena scratch;
	struct query q;

	put_signed_params(out, key, params, body, now_s);
	arena_init(&scratch, 0);
	query_read(&q, str_skip(buf_str(out), start), &scratch);
	sign(k, method, path, &q, hex);
	arena_fini(&scratch);
	buf_puts(out, S("&auth_signature="));
	buf_put(out, hex, sizeof(hex));
}

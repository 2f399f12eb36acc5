/* publisher_asks.c: what a back-end asks: events, batches, questions, and requests that are bad. */
#include "publisher.h"

#include "base/check.h"
#include "base/json.h"
#include "client.h"
#include "codec/digest.h"
#include "keyed.h"
#include "reload.h"

#include <stdio.h>

/* Of a signature's time; nobody asks with one that is near it. */
#define SKEW_MS_MAX 600000

static struct request *await(struct publisher *p, const struct request *expected)
{
	struct request *r = &p->requests[(p->first + p->n++) % REQUESTS_MAX];

	ASSERT(p->n <= REQUESTS_MAX);
	*r = *expected;
	r->body = arena_copy(&p->arena, expected->body);
	r->meets = reload_meets(p->node, r->app);
	p->is_changed = true;
	return r;
}

/* Requests */

struct call {
	const char *method;
	unsigned app;
	str path;  /* below /apps/{id} */
	str query; /* sorts behind auth_… and body_md5 */
	str body;
	str key;	   /* of X-Idempotency-Key; n == 0: without */
	str forwarded_for; /* X-Forwarded-For; n == 0: without */
	bool is_forged;
	int64_t late_ms; /* its clock, against the server's */
};

static void put_auth(struct publisher *p, struct buf *b, const struct call *c)
{
	const struct app *app = p->world->app[c->app];
	char md5[MD5_HEX_LEN], hex[SHA256_HEX_LEN];
	struct buf query, text;
	struct hmac h;

	buf_init(&query, SIZE_MAX / 2);
	buf_init(&text, SIZE_MAX / 2);
	buf_printf(&query, "auth_key=%.*s&auth_timestamp=%llu&auth_version=1.0", STR_ARG(app->key),
		   (unsigned long long)((sim_wall_ms(p->world->sim) + c->late_ms) / 1000));
	if (c->body.n > 0) {
		md5_hex(c->body, md5);
		buf_printf(&query, "&body_md5=%.*s", MD5_HEX_LEN, md5);
	}
	if (c->query.n > 0)
		buf_printf(&query, "&%.*s", STR_ARG(c->query));
	buf_printf(&text, "%s\n/apps/%.*s%.*s\n%.*s", c->method, STR_ARG(app->id), STR_ARG(c->path),
		   STR_ARG(buf_str(&query)));
	hmac_begin(&h, &app->hmac);
	hmac_add(&h, buf_str(&text));
	hmac_end_hex(&h, &app->hmac, hex);
	if (c->is_forged)
		hex[0] = hex[0] == '0' ? '1' : '0';
	buf_puts(b, buf_str(&query));
	buf_printf(b, "&auth_signature=%.*s", SHA256_HEX_LEN, hex);
	buf_fini(&query);
	buf_fini(&text);
}

static void put_chunks(struct publisher *p, str body)
{
	struct buf *b = &p->out;

	buf_puts(b, S("transfer-encoding: chunked\r\n\r\n"));
	while (body.n > 0) {
		str piece = str_take(body, 1 + pick(p->world, body.n));

		buf_printf(b, "%zx\r\n", piece.n);
		buf_puts(b, piece);
		buf_puts(b, S("\r\n"));
		body = str_skip(body, piece.n);
	}
	buf_puts(b, S("0\r\n\r\n"));
}

static void put_call(struct publisher *p, const struct call *c)
{
	struct buf *b = &p->out;

	buf_printf(b, "%s /apps/%.*s%.*s?", c->method, STR_ARG(p->world->app[c->app]->id),
		   STR_ARG(c->path));
	put_auth(p, b, c);
	buf_puts(b, S(" HTTP/1.1\r\nhost: localhost\r\n"));
	trace_say(p->world->trace, p->name, '>', "%s %.*s %.*s %.*s %.*s", c->method,
		  STR_ARG(c->path), STR_ARG(c->query), STR_ARG(c->key), STR_ARG(c->body));
	if (c->key.n > 0)
		buf_printf(b, "x-idempotency-key: %.*s\r\n", STR_ARG(c->key));
	if (c->forwarded_for.n > 0)
		buf_printf(b, "x-forwarded-for: %.*s\r\n", STR_ARG(c->forwarded_for));
	if (c->body.n == 0) {
		buf_puts(b, S("\r\n"));
		return;
	}
	buf_puts(b, S("content-type: application/json\r\n"));
	if (chance(p->world, 10))
		buf_puts(b, S("expect: 100-continue\r\n"));
	if (chance(p->world, 20)) {
		put_chunks(p, c->body);
		return;
	}
	buf_printf(b, "content-length: %zu\r\n\r\n", c->body.n);
	buf_puts(b, c->body);
}

static void post(struct publisher *p, unsigned app, const char *path, const struct buf *body,
		 const struct request *expected)
{
	struct request r = *expected;

	put_call(p, &(struct call){ .method = "POST",
				    .app = app,
				    .path = str_from_cstr(path),
				    .key = r.keyed ? r.keyed->header : S(""),
				    .body = buf_str(body) });
	r.is_publish = true;
	r.app = app;
	r.account = account_of(app);
	r.bytes = body->len;
	await(p, &r);
}

void publisher_get(struct publisher *p, unsigned app, str path, str query,
		   const struct request *expected)
{
	struct request r = *expected;

	put_call(p, &(struct call){ .method = "GET", .app = app, .path = path, .query = query });
	r.app = app;
	r.account = account_of(app);
	await(p, &r);
}

void publisher_dismiss(struct publisher *p, const char *path, uint32_t dismissal)
{
	struct buf empty;

	buf_init(&empty, 0);
	post(p, APP_MAIN, path, &empty,
	     &(struct request){
		     .status = 200, .body = S("{\"ok\":true}"), .dismissal = dismissal });
	buf_fini(&empty);
}

void publisher_get_plain(struct publisher *p, const char *path, const struct request *expected)
{
	buf_printf(&p->out, "GET %s HTTP/1.1\r\n\r\n", path);
	trace_say(p->world->trace, p->name, '>', "GET %s", path);
	await(p, expected);
}

/* Publishing */

static struct client *draw_excluded(struct world *w)
{
	struct client *c = chance(w, 25) ? world_random_client(w) : NULL;

	return c && c->state == CLIENT_OPEN ? c : NULL;
}

static size_t draw_pad(struct world *w)
{
	return pick(w, 1 + pick(w, w->plan.pad_bytes_max + 1));
}

static struct topic *draw_topic(struct publisher *p)
{
	struct oracle *o = &p->world->oracle;
	struct topic *t;

	do
		t = &o->topics[pick(p->world, o->n_topics)];
	while (t->node != p->node->number);
	return t;
}

static bool is_beside(const struct topic *a, const struct topic *b)
{
	return a->node == b->node && a->app == b->app;
}

/* Different ones of one app, at random places of the list. */
static void draw_topics(struct publisher *p, struct event *like, unsigned n_max)
{
	struct world *w = p->world;
	struct oracle *o = &w->oracle;
	struct topic *first = draw_topic(p);
	unsigned wanted = 1 + (unsigned)pick(w, n_max);

	like->topics[like->n_topics++] = first;
	for (unsigned i = 0; i < o->n_topics && like->n_topics < wanted; i++) {
		struct topic *t = &o->topics[i];

		if (t != first && is_beside(t, first) && chance(w, 50))
			like->topics[like->n_topics++] = t;
	}
}

static void put_channels(struct buf *b, const struct event *e)
{
	if (e->n_topics == 1) {
		buf_printf(b, "\"channel\":\"%s\"", e->topics[0]->name);
		return;
	}
	buf_puts(b, S("\"channels\":["));
	for (unsigned i = 0; i < e->n_topics; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", e->topics[i]->name);
	buf_putc(b, ']');
}

static struct event *put_event(struct publisher *p, struct buf *b, struct event *like)
{
	struct world *w = p->world;
	struct client *excluded = draw_excluded(w);
	struct event *e;

	like->user = NOBODY;
	like->excluded = excluded ? excluded->connection : 0;
	e = oracle_send(&w->oracle, p->connection, like, draw_pad(w));
	buf_puts(b, S("{\"name\":\"e\","));
	put_channels(b, e);
	buf_puts(b, S(",\"data\":"));
	jw_string(b, e->text);
	if (excluded)
		buf_printf(b, ",\"socket_id\":\"%s\"", excluded->id);
	buf_putc(b, '}');
	return e;
}

void publisher_publish(struct publisher *p)
{
	struct event like = { 0 };
	struct event *e;
	struct buf b;

	struct request expected = { .status = 200, .body = S("{\"ok\":true}"), .n_events = 1 };

	buf_init(&b, SIZE_MAX / 2);
	draw_topics(p, &like, EVENT_TOPICS_MAX);
	e = put_event(p, &b, &like);
	expected.first_event = e->id;
	expected.keyed = keyed_draw(p->world, e->topics[0]->app, "/events", &b, &expected);
	post(p, e->topics[0]->app, "/events", &b, &expected);
	buf_fini(&b);
}

void publisher_repeat(struct publisher *p, const struct keyed *k)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, k->body);
	for (uint32_t i = 0; i < k->n_events; i++)
		oracle_repeat(&p->world->oracle, k->first_event + i);
	post(p, k->app, k->path, &b,
	     &(struct request){ .status = 200,
				.body = k->answer,
				.first_event = k->first_event,
				.n_events = k->n_events,
				.keyed = k });
	buf_fini(&b);
}

/* The batch's last one is refused, and with it all the others. */
static void put_bad_event(struct publisher *p, struct buf *b, struct request *expected)
{
	unsigned tag = (unsigned)++p->world->oracle.now;
	char text[32];
	int n = snprintf(text, sizeof(text), "'bad/%u'", tag);

	buf_printf(b, ",{\"name\":\"e\",\"channel\":\"bad/%u\",\"data\":\"\"}", tag);
	*expected = (struct request){
		.status = 400,
		.check = BODY_HAS,
		.body = arena_copy(&p->arena, (str){ text, (size_t)n }),
	};
}

void publisher_publish_batch(struct publisher *p)
{
	struct request expected = { .status = 200, .body = S("{}") };
	unsigned n = 1 + (unsigned)pick(p->world, 6), app = 0;
	uint32_t first = 0;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"batch\":["));
	for (unsigned i = 0; i < n; i++) {
		struct event like = { .batch = first };
		struct event *e;

		do {
			like.n_topics = 0;
			draw_topics(p, &like, 2);
		} while (i > 0 && like.topics[0]->app != app);
		app = like.topics[0]->app;
		if (i > 0)
			buf_putc(&b, ',');
		e = put_event(p, &b, &like);
		if (i == 0)
			first = e->id;
	}
	if (chance(p->world, 10))
		put_bad_event(p, &b, &expected);
	buf_puts(&b, S("]}"));
	expected.first_event = first;
	expected.n_events = n;
	expected.keyed = keyed_draw(p->world, app, "/batch_events", &b, &expected);
	post(p, app, "/batch_events", &b, &expected);
	buf_fini(&b);
}

/* Questions */

static void ask_plain(struct publisher *p)
{
	static const struct {
		const char *method, *path;
		unsigned status;
		str body;
		unsigned account;
	} ROWS[] = {
		{ "GET", "/up", 200, { "OK", 2 }, ACCOUNT_SYSTEM },
		{ "GET", "/up/app-id", 200, { "OK", 2 }, ACCOUNT_OF_APPS + APP_MAIN },
		{ "GET", "/up/nobody", 404, { "NOT_FOUND", 9 }, ACCOUNT_NONE },
		{ "HEAD", "/up", 200, { 0 }, ACCOUNT_SYSTEM },
		{ "GET", "/live", 200, { 0 }, ACCOUNT_NONE },
		{ "GET", "/nothing/here", 404, { "404 NOT FOUND", 13 }, ACCOUNT_NONE },
		{ "GET", "/accept-traffic", 200, { "ACCEPTING", 9 }, ACCOUNT_NONE },
		{ "GET", "/metrics", 404, { "404 NOT FOUND", 13 }, ACCOUNT_NONE },
		{ "DELETE", "/up", 405, { 0 }, ACCOUNT_NONE },
		{ "GET", "/app/app-key", 400, { "Missing Upgrade header", 22 }, ACCOUNT_NONE },
	};
	const struct plan *plan = &p->world->plan;
	size_t i = pick(p->world, ARRAY_LEN(ROWS));

	/* Most answer otherwise then. */
	if (plan->drains || plan->drains_nodes || plan->has_pressure)
		i = 4;
	buf_printf(&p->out, "%s %s HTTP/1.1\r\n\r\n", ROWS[i].method, ROWS[i].path);
	trace_say(p->world->trace, p->name, '>', "%s %s", ROWS[i].method, ROWS[i].path);
	await(p, &(struct request){ .status = ROWS[i].status,
				    .account = ROWS[i].account,
				    .is_head = ROWS[i].method[0] == 'H',
				    .body = ROWS[i].body });
}

/* About a channel that nobody is on, and whose name is in the answer. */
static void ask_with_info(struct publisher *p, unsigned tag)
{
	char text[100];
	int n = snprintf(text, sizeof(text),
			 "{\"channels\":{\"nobody-%u\":{\"subscription_count\":0}}}", tag);
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b,
		   "{\"name\":\"e\",\"channel\":\"nobody-%u\",\"data\":\"\","
		   "\"info\":\"subscription_count\"}",
		   tag);
	post(p, APP_MAIN, "/events", &b,
	     &(struct request){ .status = 200, .body = { text, (size_t)n } });
	buf_fini(&b);
}

static void ask_about_nobody(struct publisher *p, unsigned tag)
{
	char path[60];
	int n = snprintf(path, sizeof(path), "/channels/nobody-%u", tag);

	publisher_get(
		p, APP_MAIN, (str){ path, (size_t)n }, S("info=subscription_count"),
		&(struct request){ .status = 200,
				   .body = S("{\"occupied\":false,\"subscription_count\":0}") });
}

static void ask_badly(struct publisher *p, unsigned tag)
{
	char path[60], text[60];
	int n = snprintf(path, sizeof(path), "/channels/bad!%u/users", tag);
	int k = snprintf(text, sizeof(text), "'bad!%u'", tag);

	publisher_get(
		p, APP_MAIN, (str){ path, (size_t)n }, S(""),
		&(struct request){ .status = 400, .check = BODY_HAS, .body = { text, (size_t)k } });
}

/* In the publisher's arena. */
static str draw_spaces(struct publisher *p)
{
	size_t n = 1 + draw_pad(p->world);
	char *text = arena_alloc(&p->arena, n);

	memset(text, ' ', n);
	return (str){ text, n };
}

static void ask_with_forged_signature(struct publisher *p)
{
	bool has_body = chance(p->world, 50);

	put_call(p, &(struct call){ .method = has_body ? "POST" : "GET",
				    .app = APP_MAIN,
				    .path = has_body ? S("/events") : S("/channels"),
				    .body = has_body ? draw_spaces(p) : S(""),
				    .is_forged = true });
	await(p, &(struct request){
			 .status = 401, .check = BODY_HAS, .body = S("Invalid API signature") });
}

void publisher_ask_at(struct publisher *p, int64_t late_ms)
{
	bool is_fresh = late_ms > -SKEW_MS_MAX && late_ms < SKEW_MS_MAX;

	put_call(p, &(struct call){ .method = "GET",
				    .app = APP_MAIN,
				    .path = S("/channels/nobody"),
				    .late_ms = late_ms });
	await(p, &(struct request){ .status = is_fresh ? 200 : 401,
				    .account = account_of(APP_MAIN),
				    .check = BODY_HAS,
				    .body = is_fresh ? S("\"occupied\":false") :
						       S("Timestamp expired") });
}

static void ask_as_disabled(struct publisher *p)
{
	publisher_get(p, APP_DISABLED, S("/channels"), S(""),
		      &(struct request){ .status = 403,
					 .check = BODY_HAS,
					 .body = S("Application disabled") });
}

static void put_ip(struct buf *b, const char *name, const char *ip)
{
	if (ip)
		buf_printf(b, "\"%s\":\"%s\",", name, ip);
	else
		buf_printf(b, "\"%s\":null,", name);
}

/* How its words arrive: whom the server takes it for, and whom it believes. */
static void ask_who_it_is(struct publisher *p)
{
	const struct origin *o = tunnel_origin(p->peer);
	const char *behind = chance(p->world, 50) ? "203.0.113.99" : NULL;
	const char *own = strcmp(o->ip, "unix") != 0 ? o->ip : NULL;
	struct request r = { .status = 200, .check = BODY_HAS, .app = APP_MAIN };
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "{\"peer\":\"%s\",\"peer_trusted\":%s,", o->ip,
		   o->is_trusted ? "true" : "false");
	put_ip(&b, "client", behind && o->is_trusted ? behind : own);
	put_ip(&b, "forwarded_for", behind);
	buf_printf(&b,
		   "\"real_ip\":null,\"forwarded_proto\":null,\"host\":\"localhost\","
		   "\"scheme\":\"%s\",\"http\":\"1.1\",\"connection\":null,"
		   "\"proxy_protocol\":%s,",
		   tunnel_is_tls(p->peer) ? "https" : "http", o->is_announced ? "true" : "false");
	put_call(p, &(struct call){ .method = "GET",
				    .app = APP_MAIN,
				    .path = S("/doctor"),
				    .forwarded_for = behind ? str_from_cstr(behind) : S("") });
	r.body = buf_str(&b);
	r.account = account_of(APP_MAIN);
	await(p, &r);
	buf_fini(&b);
}

void publisher_ask(struct publisher *p)
{
	unsigned tag = (unsigned)++p->world->oracle.now;

	switch (pick(p->world, 7)) {
	case 0:
		ask_with_info(p, tag);
		return;
	case 1:
		ask_about_nobody(p, tag);
		return;
	case 2:
		ask_badly(p, tag);
		return;
	case 3:
		ask_with_forged_signature(p);
		return;
	case 4:
		ask_as_disabled(p);
		return;
	case 5:
		ask_who_it_is(p);
		return;
	default:
		ask_plain(p);
		return;
	}
}

void publisher_talk_nonsense(struct publisher *p)
{
	static const struct {
		unsigned status;
		str text;
	} ROWS[] = {
#define TEXT(t) { t, sizeof(t) - 1 }
		{ 400, TEXT("what is this?\r\n\r\n") },
		{ 400, TEXT("GET /up HTTP/1.1\nhost: x\n\n") },
		{ 400, TEXT("GET /up HTTP/3.0\r\n\r\n") },
		{ 400, TEXT("GET /up HTTP/1.1\r\nbad header: x\r\n\r\n") },
		{ 400, TEXT("POST /up HTTP/1.1\r\ncontent-length: 1\r\n"
			    "transfer-encoding: chunked\r\n\r\n") },
		{ 400, TEXT("POST /up HTTP/1.1\r\ncontent-length: 1\r\n"
			    "content-length: 2\r\n\r\n") },
		{ 400, TEXT("POST /up HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n") },
		{ 413, TEXT("POST /apps/app-id/events HTTP/1.1\r\n"
			    "content-length: 1000000000\r\n\r\n") },
#undef TEXT
	};
	size_t i = pick(p->world, ARRAY_LEN(ROWS));

	trace_text(p->world->trace, p->name, '>', ROWS[i].text);
	buf_puts(&p->out, ROWS[i].text);
	await(p, &(struct request){ .status = ROWS[i].status, .is_last = true, .check = BODY_HAS });
	p->is_stalled = true;
}

void publisher_stall(struct publisher *p)
{
	static const str ROWS[] = {
#define TEXT(t) { t, sizeof(t) - 1 }
		TEXT("POST /apps/app-id/ev"),
		TEXT("POST /apps/app-id/events HTTP/1.1\r\ncontent-length: 100\r\n\r\n{\"na"),
		TEXT("POST /up HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
#undef TEXT
	};
	str text = ROWS[pick(p->world, ARRAY_LEN(ROWS))];

	trace_text(p->world->trace, p->name, '>', text);
	buf_puts(&p->out, text);
	await(p, &(struct request){ .status = 408, .is_last = true, .check = BODY_HAS });
	p->is_stalled = true;
}

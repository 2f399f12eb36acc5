/* doctor_api.c: signed requests, as a back-end makes them: accepted, unchanged, over a connection
 * that lasts, of any size, and from whom the server believes they come. */
#include "main/doctor.h"

#include "base/check.h"
#include "base/json.h"

enum { BODY_BYTES = 2 << 20, LIMIT_NEAR_PERCENT = 10 };

/* True: 200 of Sockudo. Else why not is a finding. */
static bool is_accepted(struct doctor *d, const struct http_answer *a)
{
	if (!doctor_is_ours(a, DOCTOR_APPS))
		doctor_find_foreign(d, a, DOCTOR_APPS);
	else if (a->status != 200)
		doctor_find_refusal(d, a);
	else
		return true;
	return false;
}

/* The signature */

void doctor_check_api(struct doctor *d)
{
	if (!is_accepted(d, &d->first[DOCTOR_APPS]))
		return;
	d->has |= DOCTOR_HAS_API;
	doctor_ok(d, "a signed request is accepted (%u ms)", d->first[DOCTOR_APPS].ms);
}

/* Letters that something which decodes and encodes again would write in another way. */
void doctor_check_query(struct doctor *d)
{
	struct http_answer a;

	doctor_call_api(
		d, NULL,
		&(struct doctor_call){
			.method = S("GET"),
			.rest = S("channels"),
			.params = S("filter_by_prefix=presence-%2Bdoctor%20x&info=user_count"),
			.is_last = true },
		&a);
	if (is_accepted(d, &a))
		doctor_ok(d, "parameters arrive as they were signed");
}

/* Connections that last */

void doctor_check_keep_alive(struct doctor *d)
{
	struct doctor_call call = { .method = S("GET"), .rest = S("channels") };
	struct http_answer first, second = { .outcome = HTTP_HUNG_UP };
	struct client c;

	if (!doctor_connect(d, &c, NULL)) {
		doctor_skip(d, "no second connection");
		return;
	}
	doctor_call_api(d, &c, &call, &first);
	if (first.outcome == HTTP_ANSWERED && first.keeps_alive)
		doctor_call_api(d, &c, &call, &second);
	client_close(&c);
	if (!is_accepted(d, &first))
		return;
	if (!first.keeps_alive)
		doctor_find(d, DOCTOR_NO_KEEP_ALIVE, "HTTP/1.%u, Connection: %.*s", first.minor,
			    STR_ARG(http_answer_header(&first, S("connection"))));
	else if (second.outcome != HTTP_ANSWERED)
		doctor_find(d, DOCTOR_NO_KEEP_ALIVE, "the second request: %.*s",
			    STR_ARG(doctor_describe(d, &second)));
	else if (is_accepted(d, &second))
		doctor_ok(d, "two requests over one connection");
}

/* Size */

/* A batch of no events, and a member that nobody reads. */
static str large_body(struct doctor *d)
{
	str begin = S("{\"batch\":[],\"padding\":\""), end = S("\"}");
	char *p = arena_alloc(&d->arena, BODY_BYTES);

	memset(p, 'x', BODY_BYTES);
	memcpy(p, begin.p, begin.n);
	memcpy(p + BODY_BYTES - end.n, end.p, end.n);
	return (str){ p, BODY_BYTES };
}

void doctor_check_body(struct doctor *d)
{
	struct http_answer a;

	doctor_call_api(d, NULL,
			&(struct doctor_call){ .method = S("POST"),
					       .rest = S("batch_events"),
					       .body = large_body(d),
					       .is_last = true },
			&a);
	if (doctor_is_ours(&a, DOCTOR_APPS) && a.status == 413)
		doctor_ok(d, "2 MiB are more than the server itself takes");
	else if (a.outcome == HTTP_HUNG_UP)
		doctor_find(d, DOCTOR_BODY_LIMIT, "a request of 2 MiB: %.*s",
			    STR_ARG(doctor_describe(d, &a)));
	else if (is_accepted(d, &a))
		doctor_ok(d, "2 MiB are taken (%u ms)", a.ms);
}

/* The client's address */

struct arrival {
	str peer, client, forwarded_for, forwarded_proto, http, connection;
	bool is_trusted, is_proxied; /* by the PROXY protocol */
};

static bool read_arrival(struct doctor *d, const struct http_answer *a, struct arrival *out)
{
	struct arena *m = &d->arena;
	struct json j;

	if (json_parse(a->body, 8, &j, NULL) != OK)
		return false;
	*out = (struct arrival){
		.peer = json_find_text(j, S("peer"), m),
		.client = json_find_text(j, S("client"), m),
		.forwarded_for = json_find_text(j, S("forwarded_for"), m),
		.forwarded_proto = json_find_text(j, S("forwarded_proto"), m),
		.http = json_find_text(j, S("http"), m),
		.connection = json_find_text(j, S("connection"), m),
		.is_trusted = json_find(j, S("peer_trusted")).kind == JSON_TRUE,
		.is_proxied = json_find(j, S("proxy_protocol")).kind == JSON_TRUE,
	};
	return out->peer.p != NULL;
}

/* False: the line was said. */
static bool ask_arrival(struct doctor *d, str lines, struct arrival *out)
{
	struct http_answer a;

	doctor_call_api(
		d, NULL,
		&(struct doctor_call){
			.method = S("GET"), .rest = S("doctor"), .lines = lines, .is_last = true },
		&a);
	if (a.status == 404 && doctor_is_ours(&a, DOCTOR_APPS)) {
		doctor_skip(d, "this server does not tell how requests arrive");
		return false;
	}
	if (!is_accepted(d, &a))
		return false;
	if (read_arrival(d, &a, out))
		return true;
	doctor_skip(d, "this server tells something else");
	return false;
}

static bool is_behind_proxy(const struct doctor *d, const struct arrival *a)
{
	const struct http_answer *first = &d->first[DOCTOR_APPS];

	return a->forwarded_for.n || a->is_proxied || http_answer_header(first, S("server")).n ||
	       http_answer_header(first, S("via")).n;
}

/* Documentation's own network (RFC 5737): nobody's address. */
#define MADE_UP "192.0.2.99"

/* A proxy appends whom it saw, or writes the header anew. Whether the server then believes the
 * entry before it depends on who we are: the doctor may well sit at a trusted address. */
static void judge_spoofing(struct doctor *d, const struct arrival *honest)
{
	struct arrival a;

	if (!ask_arrival(d, S("X-Forwarded-For: " MADE_UP "\r\nX-Real-IP: " MADE_UP "\r\n"), &a))
		return;
	if (str_eq(a.forwarded_for, S(MADE_UP)))
		doctor_find(
			d, DOCTOR_CLIENT_SPOOFABLE,
			"a request that calls itself " MADE_UP " arrives as " MADE_UP
			" and nothing else (honestly: %.*s)",
			STR_ARG(honest->forwarded_for.n ? honest->forwarded_for : S("no header")));
}

/* How the proxy speaks to the server: what it costs, not what it breaks. */
static void judge_upstream(struct doctor *d, const struct arrival *a)
{
	if (!a->http.p)
		return;
	if (str_eq(a->http, S("1.0")) || str_contains_nocase(a->connection, S("close")))
		doctor_find(d, DOCTOR_UPSTREAM_CLOSES, "HTTP/%.*s, Connection: %.*s",
			    STR_ARG(a->http), STR_ARG(a->connection));
}

static void judge_proxied(struct doctor *d, const struct arrival *a)
{
	if (a->forwarded_for.n && !a->is_trusted)
		doctor_find(d, DOCTOR_CLIENT_UNTRUSTED, "from %.*s, X-Forwarded-For: %.*s",
			    STR_ARG(a->peer), STR_ARG(a->forwarded_for));
	if (!a->forwarded_for.n && !a->is_proxied)
		doctor_find(d, DOCTOR_CLIENT_SHARED,
			    "requests come from %.*s without X-Forwarded-For", STR_ARG(a->peer));
	if (!a->is_proxied)
		judge_spoofing(d, a);
	if (d->url.is_tls && a->forwarded_proto.p && !str_eq_nocase(a->forwarded_proto, S("https")))
		doctor_find(d, DOCTOR_PROTO_MISSING, "X-Forwarded-Proto: %.*s",
			    STR_ARG(a->forwarded_proto));
	else if (d->url.is_tls && !a->forwarded_proto.p)
		doctor_find(d, DOCTOR_PROTO_MISSING, "no X-Forwarded-Proto");
}

void doctor_check_client(struct doctor *d)
{
	struct arrival a;
	str client;

	if (!ask_arrival(d, S(""), &a))
		return;
	client = a.client.p ? a.client : a.peer;
	if (is_behind_proxy(d, &a)) {
		judge_proxied(d, &a);
		judge_upstream(d, &a);
	}
	if (!d->lines[d->check].text.p)
		doctor_ok(d, "the server takes us for %.*s%s", STR_ARG(client),
			  is_behind_proxy(d, &a) ? "" : "; there is no proxy");
}

/* Limits */

void doctor_check_limits(struct doctor *d)
{
	uint64_t limit, left;

	if (d->last_api.status == 429)
		doctor_find_refusal(d, &d->last_api);
	else if (!str_to_u64(http_answer_header(&d->last_api, S("x-ratelimit-limit")), UINT32_MAX,
			     &limit) ||
		 !str_to_u64(http_answer_header(&d->last_api, S("x-ratelimit-remaining")),
			     UINT32_MAX, &left))
		doctor_ok(d, "no limit is announced");
	else if (left * 100 < limit * LIMIT_NEAR_PERCENT)
		doctor_find(d, DOCTOR_LIMIT_NEAR, "%llu of %llu requests are left",
			    (unsigned long long)left, (unsigned long long)limit);
	else
		doctor_ok(d, "%llu of %llu requests are left", (unsigned long long)left,
			  (unsigned long long)limit);
}

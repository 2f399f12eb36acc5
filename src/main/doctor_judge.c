/* doctor_judge.c: whose answer is this, and what does it tell?
 *
 * Sockudo is recognised by what only it says: the health header, JSON of the API, the texts of its
 * handshake. Everything else is somebody in between, judged by its status and, where several mean
 * different things by the same status, by its words. */
#include "main/doctor.h"

#include "base/check.h"
#include "base/json.h"

static bool body_has(const struct http_answer *a, str word)
{
	return str_contains_nocase(str_take(a->body, 4096), word);
}

static bool is_html(const struct http_answer *a)
{
	return str_contains_nocase(http_answer_header(a, S("content-type")), S("text/html"));
}

/* Texts of the opening handshake, 400. */
static const char *const handshake_texts[] = {
	"Missing Upgrade header",	 "Invalid Upgrade header",
	"Missing Connection header",	 "Invalid Connection header",
	"Missing Sec-WebSocket-Key",	 "Missing Sec-WebSocket-Version",
	"Unsupported WebSocket version", "Failed to deserialize query string",
};

static bool is_handshake_text(str body)
{
	for (size_t i = 0; i < ARRAY_LEN(handshake_texts); i++) {
		if (str_has_prefix(body, str_from_cstr(handshake_texts[i])))
			return true;
	}
	return false;
}

bool doctor_is_ours(const struct http_answer *a, enum doctor_way way)
{
	if (a->outcome != HTTP_ANSWERED || is_html(a))
		return false;
	if (http_answer_header(a, S("x-health-check")).p || str_eq(a->body, S("404 NOT FOUND")))
		return true;
	if (way == DOCTOR_APP)
		return a->status == 101 || (a->status == 400 && is_handshake_text(a->body)) ||
		       str_eq(a->body, S("MEMORY_PRESSURE"));
	if (way == DOCTOR_UP)
		return false;
	return str_has_prefix(a->body, S("{")) || str_has_prefix(a->body, S("Failed to ")) ||
	       str_has_prefix(a->body, S("Expected request with"));
}

/* Somebody else */

static enum doctor_finding judge_outcome(enum http_outcome o)
{
	switch (o) {
	case HTTP_SILENT:
		return DOCTOR_NO_ANSWER;
	case HTTP_IS_HTTP2:
		return DOCTOR_HTTP2_ONLY;
	case HTTP_IS_OTHER:
		return DOCTOR_NOT_HTTP;
	case HTTP_UNREACHABLE:
		return DOCTOR_REFUSED;
	default:
		return DOCTOR_HUNG_UP;
	}
}

static enum doctor_finding not_proxied(enum doctor_way way)
{
	static const enum doctor_finding table[] = { [DOCTOR_UP] = DOCTOR_HEALTH_HIDDEN,
						     [DOCTOR_APPS] = DOCTOR_API_NOT_PROXIED,
						     [DOCTOR_APP] = DOCTOR_SOCKET_NOT_PROXIED };

	return table[way];
}

static bool is_cdn(const struct http_answer *a)
{
	return str_contains_nocase(http_answer_header(a, S("server")), S("cloudflare")) ||
	       http_answer_header(a, S("cf-ray")).p || http_answer_header(a, S("x-amz-cf-id")).p ||
	       str_contains_nocase(http_answer_header(a, S("via")), S("varnish"));
}

/* A proxy's 503 is a limit (nginx), or nobody behind it (HAProxy, Envoy, Apache). */
static enum doctor_finding judge_503(const struct http_answer *a)
{
	bool is_nginx = str_contains_nocase(http_answer_header(a, S("server")), S("nginx"));

	return is_nginx || body_has(a, S("Service Temporarily Unavailable")) ? DOCTOR_PROXY_LIMIT :
									       DOCTOR_UPSTREAM_DOWN;
}

enum doctor_finding doctor_judge_foreign(const struct http_answer *a, enum doctor_way way)
{
	if (a->outcome != HTTP_ANSWERED)
		return judge_outcome(a->outcome);
	if (body_has(a, S("sent to HTTPS port")) ||
	    body_has(a, S("HTTP request to an HTTPS server")) ||
	    body_has(a, S("This port speaks TLS"))) /* our own */
		return DOCTOR_TLS_PORT;
	if (a->status >= 500 && is_cdn(a))
		return DOCTOR_CDN_ERROR;
	switch (a->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return DOCTOR_REDIRECTED;
	case 401:
		return DOCTOR_BASIC_AUTH;
	case 403:
		return DOCTOR_FORBIDDEN;
	case 404:
	case 405:
		return not_proxied(way);
	case 413:
		return DOCTOR_BODY_LIMIT;
	case 426:
		return DOCTOR_UPGRADE_NOT_DONE;
	case 429:
		return DOCTOR_PROXY_LIMIT;
	case 502:
		return DOCTOR_UPSTREAM_DOWN;
	case 503:
		return judge_503(a);
	case 504:
		return DOCTOR_UPSTREAM_SLOW;
	default:
		return a->status == 200 && is_html(a) ? not_proxied(way) : DOCTOR_ODD_ANSWER;
	}
}

static const char *outcome_text(enum http_outcome o)
{
	static const char *const table[] = {
		[HTTP_UNREACHABLE] = "no connection",
		[HTTP_SILENT] = "no answer in time",
		[HTTP_HUNG_UP] = "the connection was closed before an answer",
		[HTTP_IS_HTTP2] = "frames of HTTP/2",
		[HTTP_IS_OTHER] = "bytes that are no HTTP",
	};

	return table[o];
}

str doctor_describe(struct doctor *d, const struct http_answer *a)
{
	str status = str_take(a->head, str_find_char(a->head, '\r'));
	str server = http_answer_header(a, S("server"));
	str location = http_answer_header(a, S("location"));

	if (a->outcome != HTTP_ANSWERED)
		return str_from_cstr(outcome_text(a->outcome));
	return doctor_text(d, "%.*s%s%.*s%s%.*s", STR_ARG(str_take(str_skip(status, 9), 100)),
			   server.n ? " from " : "", STR_ARG(str_take(server, 100)),
			   location.n ? ", to " : "", STR_ARG(str_take(location, 300)));
}

static const char *way_text(enum doctor_way way)
{
	static const char *const table[] = { [DOCTOR_UP] = "GET /up",
					     [DOCTOR_APPS] = "a signed request below /apps/",
					     [DOCTOR_APP] = "a WebSocket at /app/" };

	return table[way];
}

void doctor_find_foreign(struct doctor *d, const struct http_answer *a, enum doctor_way way)
{
	doctor_find(d, doctor_judge_foreign(a, way), "%s: %.*s", way_text(way),
		    STR_ARG(doctor_describe(d, a)));
}

/* Sockudo's own refusals of a signed request */

static const struct {
	const char *text; /* part of the body */
	enum doctor_finding finding;
} refusals[] = {
	{ "Missing authentication query", DOCTOR_QUERY_DROPPED },
	{ "Query string is empty", DOCTOR_QUERY_DROPPED },
	{ "Invalid authentication query", DOCTOR_QUERY_CHANGED },
	{ "Application key not found", DOCTOR_KEY_UNKNOWN },
	{ "does not match route app_id", DOCTOR_APP_MISMATCH },
	{ "auth_timestamp is missing", DOCTOR_QUERY_CHANGED },
	{ "Invalid auth_timestamp", DOCTOR_QUERY_CHANGED },
	{ "Timestamp expired", DOCTOR_CLOCK_OFF },
	{ "body_md5", DOCTOR_BODY_CHANGED },
	{ "Application disabled", DOCTOR_APP_DISABLED },
	{ "Too Many Requests", DOCTOR_API_LIMITED },
	{ "draining", DOCTOR_DRAINING },
	{ "404 NOT FOUND", DOCTOR_PATH_CHANGED },
};

/* A channel of the WebSocket is signed with the same secret, but not with path and query: what it
 * said tells the two causes apart. */
static enum doctor_finding judge_signature(const struct doctor *d)
{
	if (d->has & DOCTOR_HAS_API)
		return DOCTOR_QUERY_CHANGED;
	if (d->secret_state == SECRET_GOOD)
		return DOCTOR_PATH_CHANGED;
	return d->secret_state == SECRET_BAD ? DOCTOR_SECRET_WRONG : DOCTOR_SIGNATURE_REFUSED;
}

static enum doctor_finding judge_refusal(const struct doctor *d, const struct http_answer *a)
{
	if (body_has(a, S("Invalid API signature")))
		return judge_signature(d);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (body_has(a, str_from_cstr(refusals[i].text)))
			return refusals[i].finding;
	}
	return DOCTOR_API_REFUSED;
}

void doctor_find_refusal(struct doctor *d, const struct http_answer *a)
{
	doctor_find(d, judge_refusal(d, a), "%u: %.*s", a->status,
		    STR_ARG(str_take(str_trim(a->body), 300)));
}

/* doctor_http.c: requests, and the first three of them: is it Sockudo that answers, is it well, and
 * what time is it there? */
#include "main/doctor.h"

#include "base/check.h"
#include "base/secret.h"
#include "core/auth.h"

#include <stdlib.h>
#include <time.h>

enum { REQUEST_BYTES_MAX = 32 << 20, CLOCK_OFF_S = 600, CLOCK_DRIFTS_S = 30 };

/* Requests */

bool doctor_connect(struct doctor *d, struct client *c, struct http_answer *out)
{
	struct client_trust any = { d->trust.ca_file,
				    true }; /* the certificate had its own check */
	struct buf problem;
	bool is_open;

	buf_init(&problem, 4096);
	if (d->url.unix_path.n)
		is_open = client_open(c, &d->url, &any, d->wait_ms, &problem);
	else
		is_open = client_open_address(c, &d->url, &d->addresses.list[0], &any, d->wait_ms,
					      &problem);
	buf_fini(&problem);
	if (!is_open && out)
		*out = (struct http_answer){ .outcome = HTTP_UNREACHABLE };
	return is_open;
}

void doctor_get(struct doctor *d, str target, str lines, struct http_answer *out)
{
	struct http_question q = {
		.method = S("GET"), .target = target, .lines = lines, .is_last = true
	};
	struct client c;

	if (!doctor_connect(d, &c, out))
		return;
	http_client_ask(&c, &d->url, &q);
	http_client_read(&c, d->wait_ms, &d->arena, out);
	client_close(&c);
}

/* The signature covers the path as the server sees it: without that of the URL, which the proxy
 * takes off. */
static str signed_target(struct doctor *d, const struct doctor_call *call)
{
	struct hmac_key key;
	struct buf path, b;
	str target;

	buf_init(&path, REQUEST_BYTES_MAX);
	buf_init(&b, REQUEST_BYTES_MAX);
	buf_printf(&path, "/apps/%.*s/%.*s", STR_ARG(d->app_id), STR_ARG(call->rest));
	hmac_key_init(&key, d->secret);
	buf_puts(&b, buf_str(&path));
	buf_putc(&b, '?');
	auth_request_sign(d->key, &key, call->method, buf_str(&path), call->params, call->body,
			  dial_wall_ms() / 1000, &b);
	secret_wipe(&key, sizeof(key));
	target = arena_copy(&d->arena, buf_str(&b));
	buf_fini(&path);
	buf_fini(&b);
	return target;
}

void doctor_call_api(struct doctor *d, struct client *c, const struct doctor_call *call,
		     struct http_answer *out)
{
	struct http_question q = { .method = call->method,
				   .target = signed_target(d, call),
				   .lines = call->lines,
				   .body = call->body,
				   .is_last = call->is_last };
	struct client own;

	if (!c && !doctor_connect(d, &own, out))
		return;
	/* Who refuses a large body answers before it has taken all of it. */
	http_client_ask(c ? c : &own, &d->url, &q);
	http_client_read(c ? c : &own, d->wait_ms, &d->arena, out);
	if (!c)
		client_close(&own);
	if (out->outcome == HTTP_ANSWERED)
		d->last_api = *out;
}

/* Who answers */

static void ask_all(struct doctor *d)
{
	size_t head_bytes = 0;

	doctor_get(d, S("/up"), S(""), &d->first[DOCTOR_UP]);
	doctor_call_api(
		d, NULL,
		&(struct doctor_call){ .method = S("GET"), .rest = S("channels"), .is_last = true },
		&d->first[DOCTOR_APPS]);
	if (!doctor_connect(d, &d->socket, &d->first[DOCTOR_APP]))
		return;
	d->has_socket = true;
	doctor_ask_socket(d, &d->socket, &d->ws, doctor_origin_line(d, d->origin),
			  &d->first[DOCTOR_APP], &head_bytes);
	d->socket_since_ms = dial_now_ms();
	if (d->first[DOCTOR_APP].status == 101)
		ws_client_begin(&d->ws, head_bytes);
}

/* Nothing is passed on: that is no missing location, that is somebody else's site. */
static bool is_other_site(const struct doctor *d)
{
	for (enum doctor_way w = 0; w < N_DOCTOR_WAYS; w++) {
		enum doctor_finding f = doctor_judge_foreign(&d->first[w], w);

		if (f != DOCTOR_HEALTH_HIDDEN && f != DOCTOR_API_NOT_PROXIED &&
		    f != DOCTOR_SOCKET_NOT_PROXIED)
			return false;
	}
	return true;
}

/* Sockudo itself knows none of the three. */
static bool is_prefix_kept(const struct doctor *d)
{
	for (enum doctor_way w = 0; w < N_DOCTOR_WAYS; w++) {
		if (!str_eq(d->first[w].body, S("404 NOT FOUND")))
			return false;
	}
	return true;
}

void doctor_check_server(struct doctor *d)
{
	str proxy;
	bool is_there = false;

	ask_all(d);
	for (enum doctor_way w = 0; w < N_DOCTOR_WAYS; w++)
		is_there |= doctor_is_ours(&d->first[w], w);
	if (is_prefix_kept(d)) {
		doctor_find(d, DOCTOR_PREFIX_KEPT, "404 for %.*s/up, and for the others",
			    STR_ARG(d->url.path));
	} else if (is_there) {
		proxy = http_answer_header(&d->first[DOCTOR_APPS], S("server"));
		d->has |= DOCTOR_HAS_SERVER;
		doctor_ok(d, "Sockudo answers%s%.*s (%u ms)", proxy.n ? " behind " : "",
			  STR_ARG(str_take(proxy, 100)), d->first[DOCTOR_APPS].ms);
	} else if (is_other_site(d)) {
		doctor_find(d, DOCTOR_OTHER_SITE, "GET /up: %.*s",
			    STR_ARG(doctor_describe(d, &d->first[DOCTOR_UP])));
	} else {
		for (enum doctor_way w = 0; w < N_DOCTOR_WAYS; w++)
			doctor_find_foreign(d, &d->first[w], w);
	}
}

/* Health */

static void judge_health(struct doctor *d, const struct http_answer *a, str of)
{
	str word = http_answer_header(a, S("x-health-check"));

	if (str_eq(word, S("DRAINING")))
		doctor_find(d, DOCTOR_DRAINING, "%.*s says DRAINING", STR_ARG(of));
	else if (str_eq(word, S("NOT_FOUND")))
		doctor_find(d, DOCTOR_APP_ID_UNKNOWN, "%.*s says NOT_FOUND", STR_ARG(of));
	else if (a->status != 200)
		doctor_find(d, DOCTOR_NOT_WELL, "%.*s says %u %.*s", STR_ARG(of), a->status,
			    STR_ARG(word));
}

static void judge_health_of_app(struct doctor *d, const struct http_answer *a, str target)
{
	if (d->first[DOCTOR_APPS].status == 403 && a->status == 503)
		doctor_find(d, DOCTOR_APP_DISABLED, "%.*s says 503", STR_ARG(target));
	else
		judge_health(d, a, target);
}

/* Who follows the original's documentation passes on /up/{app} alone: that is health enough. */
void doctor_check_health(struct doctor *d)
{
	const struct http_answer *up = &d->first[DOCTOR_UP];
	str target = doctor_text(d, "/up/%.*s", STR_ARG(d->app_id));
	bool has_up = doctor_is_ours(up, DOCTOR_UP);
	struct http_answer of_app;

	doctor_get(d, target, S(""), &of_app);
	if (!doctor_is_ours(&of_app, DOCTOR_UP)) {
		doctor_find_foreign(d, has_up ? &of_app : up, DOCTOR_UP);
		return;
	}
	if (has_up)
		judge_health(d, up, S("/up"));
	judge_health_of_app(d, &of_app, target);
	if (!d->lines[d->check].text.p)
		doctor_ok(d, "%s%.*s say%s OK", has_up ? "/up and " : "", STR_ARG(target),
			  has_up ? "" : "s");
}

/* Time */

/* Of a Date header, unix seconds. */
static bool read_date(str text, int64_t *out)
{
	char copy[64];
	struct tm tm = { 0 };

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	if (!strptime(copy, "%a, %d %b %Y %H:%M:%S", &tm))
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

/* The first of the answers that Sockudo or its proxy dated; they came within a few seconds. */
void doctor_check_clock(struct doctor *d)
{
	int64_t theirs, ours = dial_wall_ms() / 1000;
	long long apart;
	bool has_date = false;

	for (enum doctor_way w = 0; w < N_DOCTOR_WAYS && !has_date; w++)
		has_date = read_date(http_answer_header(&d->first[w], S("date")), &theirs);
	if (!has_date) {
		doctor_skip(d, "no answer had a date");
		return;
	}
	apart = (long long)(theirs - ours);
	if (llabs(apart) > CLOCK_OFF_S)
		doctor_find(d, DOCTOR_CLOCK_OFF, "theirs is %lld s %s ours", llabs(apart),
			    apart > 0 ? "ahead of" : "behind");
	else if (llabs(apart) > CLOCK_DRIFTS_S)
		doctor_find(d, DOCTOR_CLOCK_DRIFTS, "theirs is %lld s %s ours", llabs(apart),
			    apart > 0 ? "ahead of" : "behind");
	else
		doctor_ok(d, "%lld s apart, 600 are allowed", llabs(apart));
}

/* doctor_socket.c: the WebSocket, as a Pusher client uses it: the upgrade, the first message,
 * a private channel, events, and a long silence. */
#include "main/doctor.h"

#include "base/check.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/pusher.h"

#include <stdio.h>

enum {
	FRAME_BYTES_MAX = 1 << 20,
	AT_ONCE_MS = 20,
	FIRST_FRAME_SLOW_MS = 2000,
	N_EVENTS = 4,
	EVENT_SLOW_MS = 1000,
	IDLE_STEP_MS = 1000,
};

/* The socket */

static unsigned left_ms(uint64_t deadline_ms)
{
	uint64_t now = dial_now_ms();

	return deadline_ms > now ? (unsigned)(deadline_ms - now) : 0;
}

void doctor_ask_socket(struct doctor *d, struct client *c, struct ws_client *w, str lines,
		       struct http_answer *out, size_t *head_bytes)
{
	str target = doctor_text(d,
				 "/app/%.*s?protocol=7&client=sockudo-doctor"
				 "&version=" SOCKUDO_VERSION "&flash=false",
				 STR_ARG(d->key));
	uint64_t n;

	ws_client_init(w, c);
	ws_client_ask(w, &d->url, target, lines);
	http_client_read_head(c, d->wait_ms, &d->arena, out, head_bytes);
	if (out->outcome != HTTP_ANSWERED || out->status == 101)
		return;
	/* No WebSocket: a body says why. */
	buf_drop_front(&c->in, *head_bytes);
	if (!str_to_u64(http_answer_header(out, S("content-length")), HTTP_CLIENT_BODY_MAX, &n))
		n = HTTP_CLIENT_BODY_MAX;
	while (c->in.len < n && client_receive(c, d->wait_ms) == OK)
		;
	out->body = arena_copy(&d->arena, buf_str(&c->in));
}

str doctor_origin_line(struct doctor *d, str origin)
{
	return origin.n ? doctor_text(d, "Origin: %.*s\r\n", STR_ARG(origin)) : S("");
}

void doctor_close_socket(struct doctor *d)
{
	if (!d->has_socket)
		return;
	ws_client_fini(&d->ws);
	client_close(&d->socket);
	d->has_socket = false;
}

static str lost_text(struct doctor *d, err e)
{
	if (e == ERR_SYNTAX)
		return S("bytes came that are no frames of a WebSocket");
	return e == ERR_LIMIT ? S("a frame of absurd size came") :
				S("the connection was closed without a Close frame");
}

/* False: the message is no event, or one that was dealt with. */
static bool read_event(struct doctor *d, const struct ws_message *m, struct doctor_event *out)
{
	struct pusher_message p;
	str problem;

	if (m->opcode != WS_TEXT ||
	    pusher_parse(arena_copy(&d->arena, m->payload), &d->arena, &p, &problem) != OK)
		return false;
	if (str_eq(p.event, S("pusher:ping"))) {
		ws_client_send(&d->ws, WS_TEXT, S("{\"event\":\"pusher:pong\",\"data\":{}}"));
		return false;
	}
	*out = (struct doctor_event){ .event = p.event, .channel = p.channel };
	if (p.has_data)
		out->data =
			p.data.kind == JSON_STRING ? json_decode(p.data, &d->arena) : p.data.raw;
	return true;
}

err doctor_next_event(struct doctor *d, unsigned wait_ms, struct doctor_event *out, str *why)
{
	uint64_t deadline_ms = dial_now_ms() + wait_ms;
	struct ws_message m;
	err e;

	for (;;) {
		e = ws_client_read(&d->ws, left_ms(deadline_ms), &m);
		if (e == ERR_AGAIN)
			return e;
		if (e != OK) {
			*why = lost_text(d, e);
			return ERR_IO;
		}
		if (m.opcode == WS_CLOSE) {
			*why = doctor_text(d, "closed with %u %.*s", m.close_code,
					   STR_ARG(m.payload));
			return ERR_IO;
		}
		if (read_event(d, &m, out))
			return OK;
		if (left_ms(deadline_ms) == 0)
			return ERR_AGAIN;
	}
}

/* A member of an event's data. Empty: there is none. */
static str member(struct doctor *d, const struct doctor_event *e, str name)
{
	struct json object, value;

	if (json_parse(e->data, PUSHER_DEPTH_MAX, &object, NULL) != OK)
		return S("");
	value = json_find(object, name);
	if (!value.raw.p)
		return S("");
	return value.kind == JSON_STRING ? json_decode(value, &d->arena) : value.raw;
}

/* The upgrade */

static const struct {
	const char *text; /* the body's begin */
	enum doctor_finding finding;
} handshakes[] = {
	{ "Missing Upgrade header", DOCTOR_UPGRADE_MISSING },
	{ "Invalid Upgrade header", DOCTOR_UPGRADE_MISSING },
	{ "Missing Connection header", DOCTOR_CONNECTION_MISSING },
	{ "Invalid Connection header", DOCTOR_CONNECTION_MISSING },
	{ "Missing Sec-WebSocket", DOCTOR_SOCKET_HEADERS_MISSING },
	{ "Unsupported WebSocket version", DOCTOR_SOCKET_HEADERS_MISSING },
	{ "Failed to deserialize query string", DOCTOR_QUERY_CHANGED },
	{ "404 NOT FOUND", DOCTOR_SOCKET_NOT_PROXIED },
};

static void find_handshake(struct doctor *d, const struct http_answer *a)
{
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++) {
		if (str_has_prefix(a->body, str_from_cstr(handshakes[i].text))) {
			doctor_find(d, handshakes[i].finding, "%u: %.*s", a->status,
				    STR_ARG(str_take(a->body, 200)));
			return;
		}
	}
	doctor_find_foreign(d, a, DOCTOR_APP);
}

void doctor_check_upgrade(struct doctor *d)
{
	const struct http_answer *a = &d->first[DOCTOR_APP];

	if (a->status == 200 && a->outcome == HTTP_ANSWERED) {
		doctor_find(d, DOCTOR_UPGRADE_NOT_DONE, "instead of 101: %.*s",
			    STR_ARG(doctor_describe(d, a)));
	} else if (a->status != 101) {
		find_handshake(d, a);
	} else if (!ws_client_is_accepted(&d->ws, a->head)) {
		doctor_find(
			d, DOCTOR_ACCEPT_WRONG, "101 with Sec-WebSocket-Accept \"%.*s\"",
			STR_ARG(str_take(http_answer_header(a, S("sec-websocket-accept")), 100)));
	} else {
		d->has |= DOCTOR_HAS_SOCKET;
		doctor_ok(d, "101 Switching Protocols (%u ms)", a->ms);
	}
}

/* The session */

static void find_error(struct doctor *d, const struct doctor_event *e)
{
	str code = member(d, e, S("code")), message = member(d, e, S("message"));
	enum doctor_finding f = DOCTOR_SOCKET_REFUSED;

	if (str_eq(code, S("4001")))
		f = DOCTOR_KEY_UNKNOWN;
	else if (str_eq(code, S("4003")))
		f = DOCTOR_APP_DISABLED;
	else if (str_contains_nocase(message, S("origin")))
		f = DOCTOR_ORIGIN_REFUSED;
	doctor_find(d, f, "error %.*s: %.*s", STR_ARG(code), STR_ARG(str_take(message, 300)));
}

static void take_established(struct doctor *d, const struct doctor_event *e)
{
	uint64_t s;

	d->channel = member(d, e, S("socket_id"));
	if (str_to_u64(member(d, e, S("activity_timeout")), UINT32_MAX, &s))
		d->activity_timeout_s = (unsigned)s;
}

static bool ping(struct doctor *d, str *why)
{
	uint64_t deadline_ms = dial_now_ms() + d->wait_ms;
	struct doctor_event e;
	err result;

	*why = S("no pong in time");
	ws_client_send(&d->ws, WS_TEXT, S("{\"event\":\"pusher:ping\",\"data\":{}}"));
	do {
		result = doctor_next_event(d, left_ms(deadline_ms), &e, why);
	} while (result == OK && !str_eq(e.event, S("pusher:pong")) && left_ms(deadline_ms));
	return result == OK && str_eq(e.event, S("pusher:pong"));
}

void doctor_check_session(struct doctor *d)
{
	uint64_t begin = dial_now_ms();
	struct doctor_event e;
	unsigned ms;
	str why;
	err result = doctor_next_event(d, d->wait_ms, &e, &why);

	/* What was there already came while other checks ran. */
	ms = dial_now_ms() - begin > AT_ONCE_MS ? (unsigned)(dial_now_ms() - d->socket_since_ms) :
						  0;
	if (result == ERR_AGAIN) {
		doctor_find(d, DOCTOR_SOCKET_SILENT, "no frame within %u s", d->wait_ms / 1000);
	} else if (result != OK) {
		doctor_find(d, DOCTOR_SOCKET_BROKEN, "%.*s", STR_ARG(why));
	} else if (str_eq(e.event, S("pusher:error"))) {
		find_error(d, &e);
	} else if (ms > FIRST_FRAME_SLOW_MS) {
		d->has |= DOCTOR_HAS_SESSION;
		take_established(d, &e);
		doctor_find(d, DOCTOR_SOCKET_SLOW, "the first frame came after %u ms", ms);
	} else if (take_established(d, &e), !ping(d, &why)) {
		doctor_find(d, DOCTOR_PING_UNANSWERED, "%.*s", STR_ARG(why));
	} else {
		d->has |= DOCTOR_HAS_SESSION;
		doctor_ok(d, "established, ping answered (%u ms)",
			  (unsigned)(dial_now_ms() - begin));
	}
}

/* The channel */

static void put_subscribe(struct doctor *d, str socket_id, struct buf *b)
{
	char hex[SHA256_HEX_LEN];
	struct hmac_key key;
	struct hmac h;

	hmac_key_init(&key, d->secret);
	hmac_begin(&h, &key);
	hmac_add(&h, socket_id);
	hmac_add(&h, S(":"));
	hmac_add(&h, d->channel);
	hmac_end_hex(&h, &key, hex);
	secret_wipe(&key, sizeof(key));
	buf_puts(b, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":"));
	jw_string(b, d->channel);
	buf_puts(b, S(",\"auth\":"));
	jw_string(b, doctor_text(d, "%.*s:%.*s", STR_ARG(d->key), (int)sizeof(hex), hex));
	buf_puts(b, S("}}"));
}

static void send_subscribe(struct doctor *d)
{
	uint8_t chance[8];
	char hex[2 * sizeof(chance)];
	str socket_id = d->channel;
	struct buf b;

	dial_random(chance, sizeof(chance));
	hex_encode(chance, sizeof(chance), hex);
	d->channel = doctor_text(d, "private-sockudo-doctor-%.*s", (int)sizeof(hex), hex);
	buf_init(&b, FRAME_BYTES_MAX);
	put_subscribe(d, socket_id, &b);
	ws_client_send(&d->ws, WS_TEXT, buf_str(&b));
	buf_fini(&b);
}

void doctor_check_subscribe(struct doctor *d)
{
	struct doctor_event e;
	str why = S("no answer in time");

	send_subscribe(d);
	if (doctor_next_event(d, d->wait_ms, &e, &why) != OK) {
		doctor_find(d, DOCTOR_SOCKET_BROKEN, "%.*s", STR_ARG(why));
		d->has &= ~(unsigned)DOCTOR_HAS_SESSION;
	} else if (str_eq(e.event, S("pusher_internal:subscription_succeeded"))) {
		d->secret_state = SECRET_GOOD;
		doctor_ok(d, "a private channel opens with our secret");
	} else if (str_contains_nocase(e.data, S("4009")) ||
		   str_contains_nocase(e.data, S("auth"))) {
		d->secret_state = SECRET_BAD;
		doctor_find(d, DOCTOR_SECRET_WRONG, "the signature of a private channel: %.*s",
			    STR_ARG(str_take(e.data, 300)));
	} else {
		doctor_find(d, DOCTOR_SOCKET_REFUSED, "%.*s %.*s", STR_ARG(e.event),
			    STR_ARG(str_take(e.data, 300)));
	}
}

/* Events */

static str event_body(struct doctor *d, unsigned i)
{
	return doctor_text(d, "{\"name\":\"doctor\",\"channel\":\"%.*s\",\"data\":\"%u\"}",
			   STR_ARG(d->channel), i);
}

/* One for each connection, so that a balancer sends them to different nodes. False: it was refused,
 * which is a finding. */
static bool publish(struct doctor *d, unsigned i)
{
	struct http_answer a;

	doctor_call_api(d, NULL,
			&(struct doctor_call){ .method = S("POST"),
					       .rest = S("events"),
					       .body = event_body(d, i),
					       .is_last = true },
			&a);
	if (a.outcome == HTTP_ANSWERED && a.status == 200)
		return true;
	if (doctor_is_ours(&a, DOCTOR_APPS))
		doctor_find_refusal(d, &a);
	else
		doctor_find_foreign(d, &a, DOCTOR_APPS);
	return false;
}

static unsigned await_events(struct doctor *d, unsigned n)
{
	uint64_t deadline_ms = dial_now_ms() + d->wait_ms;
	struct doctor_event e;
	unsigned n_arrived = 0;
	str why;

	while (n_arrived < n && left_ms(deadline_ms) &&
	       doctor_next_event(d, left_ms(deadline_ms), &e, &why) == OK)
		n_arrived += str_eq(e.event, S("doctor"));
	return n_arrived;
}

void doctor_check_events(struct doctor *d)
{
	unsigned n_arrived, ms, n = 0;
	uint64_t begin;

	if (d->secret_state != SECRET_GOOD) {
		doctor_skip(d, "there is no channel to listen on");
		return;
	}
	for (; n < N_EVENTS; n++) {
		if (!publish(d, n))
			return;
	}
	begin = dial_now_ms();
	n_arrived = await_events(d, n);
	ms = (unsigned)(dial_now_ms() - begin);
	if (n_arrived < n)
		doctor_find(d, DOCTOR_EVENTS_LOST,
			    "%u of %u events, published over connections of their own, arrived",
			    n_arrived, n);
	else if (ms > EVENT_SLOW_MS)
		doctor_find(d, DOCTOR_EVENTS_SLOW, "the last of %u arrived after %u ms", n, ms);
	else
		doctor_ok(d, "%u of %u published events arrived, the last after %u ms", n_arrived,
			  n, ms);
}

/* Extras: nothing here is wrong, but good to know. */

static bool is_origin_allowed(struct doctor *d, struct ws_client *w)
{
	struct ws_message m;

	return ws_client_read(w, d->wait_ms, &m) != OK || m.opcode != WS_TEXT ||
	       !str_contains_nocase(m.payload, S("4009"));
}

static str own_origin(struct doctor *d)
{
	struct buf host;
	str origin;

	buf_init(&host, 4096);
	client_url_put_host(&d->url, &host);
	origin = doctor_text(d, "%s%.*s", d->url.is_tls ? "https://" : "http://",
			     STR_ARG(buf_str(&host)));
	buf_fini(&host);
	return origin;
}

/* Asks on c, and says what the answer shows. */
static void look_at_extras(struct doctor *d, struct client *c, struct ws_client *w)
{
	str origin = d->origin.n ? d->origin : own_origin(d);
	str lines = doctor_text(d, "%.*sSec-WebSocket-Extensions: permessage-deflate\r\n",
				STR_ARG(doctor_origin_line(d, origin)));
	struct http_answer a;
	size_t head_bytes = 0;
	bool is_compressed;

	doctor_ask_socket(d, c, w, lines, &a, &head_bytes);
	if (a.status != 101) {
		doctor_find_foreign(d, &a, DOCTOR_APP);
		return;
	}
	is_compressed = http_answer_header(&a, S("sec-websocket-extensions")).n > 0;
	ws_client_begin(w, head_bytes);
	doctor_ok(d, "%s; pages of %.*s are %s",
		  is_compressed ? "compression is agreed on" :
				  "no compression (websocket.compression is off, or the proxy "
				  "removes the header)",
		  STR_ARG(origin),
		  is_origin_allowed(d, w) ? "allowed" : "not in the app's allowed_origins");
}

void doctor_check_extras(struct doctor *d)
{
	struct ws_client w;
	struct client c;

	if (!doctor_connect(d, &c, NULL)) {
		doctor_skip(d, "no second connection");
		return;
	}
	look_at_extras(d, &c, &w);
	ws_client_fini(&w);
	client_close(&c);
}

/* Silence */

struct idle {
	uint64_t begin_ms, silent_since_ms;
	unsigned longest_ms;
	str why;
	bool is_refused; /* the server closed it, for a reason of its own */
};

static void note_silence(struct idle *i)
{
	unsigned ms = (unsigned)(dial_now_ms() - i->silent_since_ms);

	i->longest_ms = ms > i->longest_ms ? ms : i->longest_ms;
}

/* False: the connection is gone. */
static bool keep_still(struct doctor *d, struct idle *i)
{
	uint64_t end_ms = i->begin_ms + d->idle_ms, now;
	struct ws_message m;

	while ((now = dial_now_ms()) < end_ms) {
		unsigned step = (unsigned)(end_ms - now);
		err e;

		doctor_progress(d, "silent for %u of %u s", (unsigned)(now - i->begin_ms) / 1000,
				d->idle_ms / 1000);
		e = ws_client_read(&d->ws, step < IDLE_STEP_MS ? step : IDLE_STEP_MS, &m);
		if (e == ERR_AGAIN)
			continue;
		note_silence(i);
		if (e != OK || m.opcode == WS_CLOSE) {
			i->is_refused = e == OK && m.close_code >= 4000;
			i->why = e == OK ? doctor_text(d, "closed with %u %.*s", m.close_code,
						       STR_ARG(m.payload)) :
					   lost_text(d, e);
			return false;
		}
		i->silent_since_ms = dial_now_ms();
		read_event(d, &m, &(struct doctor_event){ 0 });
	}
	note_silence(i);
	return true;
}

void doctor_check_idle(struct doctor *d)
{
	uint64_t now = dial_now_ms();
	struct idle i = { .begin_ms = now, .silent_since_ms = now };
	unsigned s, ms;
	bool is_open;

	if (d->idle_ms == 0) {
		doctor_skip(d, "--idle 0");
		return;
	}
	is_open = keep_still(d, &i);
	s = i.longest_ms / 1000;
	ms = i.longest_ms % 1000 / 100;
	if (!is_open)
		doctor_find(d, i.is_refused ? DOCTOR_SOCKET_REFUSED : DOCTOR_IDLE_CUT,
			    "after %u.%u s of silence: %.*s", s, ms, STR_ARG(i.why));
	else if (!ping(d, &i.why))
		doctor_find(d, DOCTOR_IDLE_CUT, "after %u.%u s of silence a ping is lost: %.*s", s,
			    ms, STR_ARG(i.why));
	else if (d->activity_timeout_s > d->idle_ms / 1000)
		doctor_ok(d,
			  "open after %u s; clients are silent for up to %u s: --idle %u is sure",
			  s, d->activity_timeout_s, d->activity_timeout_s + 5);
	else
		doctor_ok(d, "open after %u s of silence", s);
}

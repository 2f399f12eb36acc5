/* watch.c: `sockudo watch`: subscribes to one channel and prints each event as a line "channel
 * event data".
 *
 * Data that is a JSON string is printed as the text it holds, since that is what publishers
 * send. It does not reconnect: whoever looks on wants to see that the server went away. */
#include "main/commands.h"

#include "base/check.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/pusher.h"
#include "core/channel_name.h"
#include "main/config_apps.h"
#include "main/ws_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAME_BYTES_MAX = 1 << 20, ARENA_KEEP_BYTES = 64 << 10 };

struct watcher {
	const struct cli *cli;
	str channel, key, secret;
	struct ws_client ws;
	struct arena arena; /* of one message */
	struct buf problem;
	bool has_failed;
};

static void fail(struct watcher *w, const char *what, str detail)
{
	buf_printf(&w->problem, "%s%.*s", what, STR_ARG(str_take(detail, 500)));
	w->has_failed = true;
}

/* Subscribing */

static void put_channel_data(const struct watcher *w, struct buf *b)
{
	const char *user = w->cli->user_id ? w->cli->user_id : "sockudo-watch";

	if (!(channel_traits(w->channel) & CHANNEL_PRESENCE))
		return;
	buf_puts(b, S("{\"user_id\":"));
	jw_string(b, str_from_cstr(user));
	buf_putc(b, '}');
}

/* "key:hex" for "socket_id:channel" or "socket_id:channel:channel_data". */
static void put_auth(const struct watcher *w, str socket_id, str channel_data, struct buf *b)
{
	char hex[SHA256_HEX_LEN];
	struct hmac_key key;
	struct hmac h;

	hmac_key_init(&key, w->secret);
	hmac_begin(&h, &key);
	hmac_add(&h, socket_id);
	hmac_add(&h, S(":"));
	hmac_add(&h, w->channel);
	if (channel_data.n) {
		hmac_add(&h, S(":"));
		hmac_add(&h, channel_data);
	}
	hmac_end_hex(&h, &key, hex);
	secret_wipe(&key, sizeof(key));
	buf_puts(b, w->key);
	buf_putc(b, ':');
	buf_put(b, hex, sizeof(hex));
}

static void put_subscribe(const struct watcher *w, str socket_id, struct buf *b)
{
	struct buf text;

	buf_init(&text, FRAME_BYTES_MAX);
	buf_puts(b, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":"));
	jw_string(b, w->channel);
	if (channel_traits(w->channel) & CHANNEL_AUTHORIZED) {
		str channel_data;

		put_channel_data(w, &text);
		channel_data = arena_copy((struct arena *)&w->arena, buf_str(&text));
		buf_clear(&text);
		put_auth(w, socket_id, channel_data, &text);
		buf_puts(b, S(",\"auth\":"));
		jw_string(b, buf_str(&text));
		if (channel_data.n) {
			buf_puts(b, S(",\"channel_data\":"));
			jw_string(b, channel_data);
		}
	}
	buf_puts(b, S("}}"));
	buf_fini(&text);
}

/* A member of the object that data is, or of the one that it holds as text. Empty: there is
 * none. */
static str data_member(struct watcher *w, const struct pusher_message *m, str name)
{
	struct json object = m->data;
	struct json_iter it;
	struct json_member member;

	if (m->has_data && m->data.kind == JSON_STRING &&
	    json_parse(json_decode(m->data, &w->arena), PUSHER_DEPTH_MAX, &object, NULL) != OK)
		return S("");
	if (!m->has_data || object.kind != JSON_OBJECT)
		return S("");
	for (it = json_enter(object); json_next_member(&it, &member);) {
		if (json_string_is(member.key, name))
			return member.value.kind == JSON_STRING ?
				       json_decode(member.value, &w->arena) :
				       member.value.raw;
	}
	return S("");
}

static void on_established(struct watcher *w, const struct pusher_message *m)
{
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	put_subscribe(w, data_member(w, m, S("socket_id")), &b);
	if (!buf_ok(&b) || !ws_client_send(&w->ws, WS_TEXT, buf_str(&b)))
		fail(w, "cannot subscribe", S(""));
	buf_fini(&b);
}

/* Also when nothing was wrong with what we asked: the server is going away, the app is full. */
static void on_error(struct watcher *w, const struct pusher_message *m)
{
	str code = data_member(w, m, S("code"));

	buf_printf(&w->problem, "the server says %.*s: ", STR_ARG(code));
	fail(w, "", data_member(w, m, S("message")));
}

/* Printing */

/* One line, whatever it holds. */
static void print_text(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n')
			fputs("\\n", stdout);
		else
			putchar(c < ' ' || c == 0x7f ? '?' : c);
	}
}

static void print_event(struct watcher *w, const struct pusher_message *m)
{
	str data = m->has_data ? m->data.raw : S("");

	if (m->has_data && m->data.kind == JSON_STRING)
		data = json_decode(m->data, &w->arena);
	print_text(m->has_channel ? m->channel : w->channel);
	putchar(' ');
	print_text(m->event);
	putchar(' ');
	print_text(data);
	putchar('\n');
	/* Nobody reads any more: the end of `sockudo watch … | head`. */
	if (fflush(stdout) != 0)
		exit(0);
}

static void on_event(struct watcher *w, const struct pusher_message *m)
{
	if (str_eq(m->event, S("pusher:connection_established")))
		on_established(w, m);
	else if (str_eq(m->event, S("pusher:ping")))
		ws_client_send(&w->ws, WS_TEXT, S("{\"event\":\"pusher:pong\",\"data\":{}}"));
	else if (str_eq(m->event, S("pusher_internal:subscription_succeeded")))
		fprintf(stderr, "watching %.*s (Ctrl-C ends)\n", STR_ARG(w->channel));
	else if (str_eq(m->event, S("pusher:error")))
		on_error(w, m);
	else if (str_eq(m->event, S("pusher:subscription_error")))
		fail(w, "the subscription was refused: ", data_member(w, m, S("error")));
	else
		print_event(w, m);
}

static void on_message(struct watcher *w, const struct ws_message *m)
{
	struct pusher_message event;
	str problem;

	if (m->opcode == WS_CLOSE) {
		buf_printf(&w->problem, "the server closed the connection: %u ", m->close_code);
		fail(w, "", m->payload);
	} else if (m->opcode == WS_TEXT &&
		   pusher_parse(m->payload, &w->arena, &event, &problem) == OK) {
		on_event(w, &event);
	}
}

static void watch(struct watcher *w)
{
	struct ws_message m;
	err e;

	while (!w->has_failed) {
		e = ws_client_read(&w->ws, CLIENT_FOREVER, &m);
		if (e == OK)
			on_message(w, &m);
		else
			fail(w, e == ERR_IO ? "the connection was lost" : "not a WebSocket frame",
			     S(""));
		arena_reset(&w->arena);
	}
}

static bool open_socket(struct watcher *w, struct client *c, const struct client_url *u)
{
	struct client_trust trust = { w->cli->ca_file, w->cli->is_insecure };
	bool is_open;
	struct buf target;

	if (!client_open(c, u, &trust, CLIENT_WAIT_MS, &w->problem))
		return false;
	buf_init(&target, 4096);
	buf_printf(&target, "/app/%.*s?protocol=7&client=sockudo-watch&version=" SOCKUDO_VERSION,
		   STR_ARG(w->key));
	is_open = ws_client_open(&w->ws, u, buf_str(&target), &w->problem);
	buf_fini(&target);
	if (!is_open)
		client_close(c);
	return is_open;
}

int command_watch(const struct cli *cli)
{
	const char *text = cli->url ? cli->url : CLIENT_URL_DEFAULT;
	struct watcher w = { .cli = cli, .channel = str_from_cstr(cli->channel) };
	struct client_url url;
	const char *problem = client_url_parse(str_from_cstr(text), &url);
	struct client c;

	if (problem) {
		fprintf(stderr, "sockudo watch: --url %s: %s\n", text, problem);
		return EXIT_USAGE;
	}
	w.key = client_choose(cli->key, DEMO_APP_KEY);
	w.secret = client_choose(cli->secret, DEMO_APP_SECRET);
	buf_init(&w.problem, 4096);
	arena_init(&w.arena, ARENA_KEEP_BYTES);
	ws_client_init(&w.ws, &c);
	if (open_socket(&w, &c, &url)) {
		watch(&w);
		client_close(&c);
	}
	fprintf(stderr, "sockudo watch: %.*s\n", STR_ARG(buf_str(&w.problem)));
	ws_client_fini(&w.ws);
	arena_fini(&w.arena);
	buf_fini(&w.problem);
	return EXIT_FAILED;
}

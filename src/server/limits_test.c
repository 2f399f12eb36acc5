/* Every limit in the complete server, in a simulated world: what is exactly at it goes through, one
 * more does not, and who asked for it is told. Where the original's words are known they are used;
 * ours name the limit, the actual value and the setting.
 *
 * A row of core/limits.def without its function here does not compile. */
#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/testing.h"
#include "codec/http1.h"
#include "codec/websocket.h"
#include "core/auth.h"
#include "core/namespace.h"
#include "io/sim.h"
#include "server/server.h"

#include <stdio.h>

#define CLIENTS_MAX 8
#define STEPS_MAX 2000000
#define JSON_TYPE "Content-Type: application/json\r\n"

struct client {
	struct sim_peer *peer;
	bool is_websocket;
	struct client *wakes; /* reads again when this one hears something; or NULL */
	struct buf in;
	struct buf heard; /* frames, one a line: texts, "CLOSE code reason"; or HTTP as it came */
};

struct world {
	struct server_options options; /* to be changed before world_begin */
	struct sim *sim;
	struct loop *loop;
	struct app_table *apps;
	struct app *app;
	struct server *server;
	struct net_address address;
	struct client clients[CLIENTS_MAX];
	size_t n_clients;
	struct arena arena;
	int64_t live_bytes;
};

/* The world */

static int set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->live_bytes = mem_live_bytes();
	w->options = server_options_default();
	w->apps = app_table_new((struct hash_key){ 1, 2 });
	w->app = app_table_add(w->apps, S("app-id"), S("app-key"), S("app-secret"));
	w->app->enable_client_messages = true;
	arena_init(&w->arena, 0);
	*state = w;
	return 0;
}

static void world_begin_with(struct world *w, struct sim_options sim)
{
	int system_error;

	w->sim = sim_new(7, &sim);
	w->loop = sim_loop_new(w->sim);
	w->server =
		server_new(&w->options, w->apps, NULL, &w->loop, NULL, (struct hash_key){ 1, 2 });
	net_address_parse(S("127.0.0.1"), 0, &w->address);
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &w->address, &system_error),
			 OK);
}

static void world_begin(struct world *w)
{
	world_begin_with(w, sim_options_calm());
}

static void settle(struct world *w)
{
	assert_true(sim_settle(w->sim, STEPS_MAX));
}

/* Harmless twice. */
static void client_end(struct client *c)
{
	if (c->peer)
		sim_peer_close(c->peer);
	c->peer = NULL;
	buf_fini(&c->in);
	buf_fini(&c->heard);
}

static void world_end(struct world *w)
{
	for (size_t i = 0; i < w->n_clients; i++)
		client_end(&w->clients[i]);
	w->n_clients = 0;
	settle(w);
	assert_int_equal(server_n_connections(w->server), 0);
	server_free(w->server);
	loop_free(w->loop);
	sim_free(w->sim);
	arena_reset(&w->arena);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	world_end(w);
	app_table_free(w->apps);
	arena_fini(&w->arena);
	assert_int_equal(mem_live_bytes(), w->live_bytes);
	test_free(w);
	return 0;
}

/* Clients */

static void hear_frame(struct client *c, uint8_t opcode, str payload)
{
	if (opcode == WS_CLOSE)
		buf_printf(&c->heard, "CLOSE %d %.*s",
			   (uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1],
			   STR_ARG(str_skip(payload, 2)));
	else
		buf_puts(&c->heard, payload);
	buf_putc(&c->heard, '\n');
}

static bool take_frame(struct client *c)
{
	const uint8_t *p = (const uint8_t *)c->in.p;
	size_t n_head = 2, n;

	if (c->in.len < 4)
		return false;
	n = p[1];
	if (n == 126) {
		n = (size_t)p[2] << 8 | p[3];
		n_head = 4;
	}
	assert_true(n < 65536 && p[1] < 127);
	if (c->in.len < n_head + n)
		return false;
	hear_frame(c, p[0] & 0x0f, (str){ c->in.p + n_head, n });
	buf_drop_front(&c->in, n_head + n);
	return true;
}

static void on_change(struct sim_peer *p)
{
	struct client *c = sim_peer_user(p);
	struct buf *to = c->is_websocket ? &c->in : &c->heard;
	char *room;
	size_t n;

	while ((room = buf_reserve(to, 4096)) && (n = sim_peer_read(p, room, 4096)) > 0)
		buf_commit(to, n);
	while (c->is_websocket && take_frame(c))
		;
	if (c->wakes) {
		struct client *sleeper = c->wakes;

		c->wakes = NULL;
		sim_peer_pause(sleeper->peer, false);
		on_change(sleeper->peer);
	}
}

static struct client *client_new(struct world *w)
{
	struct client *c = &w->clients[w->n_clients++];
	struct sim_peer_init init = { .to = w->address, .on_change = on_change, .user = c };

	assert_true(w->n_clients <= CLIENTS_MAX);
	*c = (struct client){ 0 };
	buf_init(&c->in, SIZE_MAX / 2);
	buf_init(&c->heard, SIZE_MAX / 2);
	c->peer = sim_peer_connect(w->sim, &init);
	settle(w);
	return c;
}

static void client_write(struct world *w, struct client *c, str bytes)
{
	while (bytes.n > 0) {
		bytes = str_skip(bytes, sim_peer_write(c->peer, bytes.p, bytes.n));
		if (bytes.n > 0)
			assert_true(sim_step(w->sim));
	}
	settle(w);
}

static void assert_heard(struct client *c, const char *want)
{
	assert_str(buf_str(&c->heard), str_from_cstr(want));
	buf_clear(&c->heard);
}

static bool heard_contains(struct client *c, const char *text)
{
	bool found = memmem(c->heard.p, c->heard.len, text, strlen(text)) != NULL;

	buf_clear(&c->heard);
	return found;
}

#define assert_contains(c, text) assert_true(heard_contains(c, text))

/* WebSocket */

/* What came with the 101 is heard. */
static struct client *socket_new(struct world *w)
{
	struct client *c = client_new(w);
	str text;
	char *end;

	client_write(w, c,
		     S("GET /app/app-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
	text = buf_str(&c->heard);
	end = memmem(text.p, text.n, "\r\n\r\n", 4);
	assert_true(str_has_prefix(text, S("HTTP/1.1 101 ")) && end);
	buf_puts(&c->in, str_skip(text, (size_t)(end + 4 - text.p)));
	buf_clear(&c->heard);
	c->is_websocket = true;
	on_change(c->peer);
	while (take_frame(c))
		;
	return c;
}

static struct client *session_new(struct world *w)
{
	struct client *c = socket_new(w);

	assert_contains(c, "pusher:connection_established");
	return c;
}

static void say_frame(struct world *w, struct client *c, uint8_t first, str payload)
{
	uint8_t *frame = arena_alloc(&w->arena, WS_HEADER_MAX + 4 + payload.n);
	size_t n = ws_header_write(frame, WS_TEXT, payload.n);

	frame[0] = first;
	frame[1] |= 0x80;
	memset(frame + n, 0, 4);
	if (payload.n)
		memcpy(frame + n + 4, payload.p, payload.n);
	client_write(w, c, (str){ (char *)frame, n + 4 + payload.n });
}

static void say(struct world *w, struct client *c, const char *text)
{
	say_frame(w, c, 0x81, str_from_cstr(text));
}

/* n times c. */
static const char *many(struct world *w, char c, size_t n)
{
	char *p = arena_alloc(&w->arena, n + 1);

	memset(p, c, n);
	p[n] = '\0';
	return p;
}

static const char *text_of(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static const char *text_of(struct world *w, const char *fmt, ...)
{
	char *p = arena_alloc(&w->arena, 70000);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p, 70000, fmt, ap);
	va_end(ap);
	return p;
}

/* With a good signature. channel_data NULL: none. */
static void subscribe(struct world *w, struct client *c, const char *id, const char *channel,
		      const char *channel_data)
{
	char hex[SHA256_HEX_LEN];
	struct hmac h;
	struct buf b;

	hmac_begin(&h, &w->app->hmac);
	hmac_add(&h, str_from_cstr(text_of(w, "%s:%s", id, channel)));
	if (channel_data)
		hmac_add(&h, str_from_cstr(text_of(w, ":%s", channel_data)));
	hmac_end_hex(&h, &w->app->hmac, hex);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b,
		   "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\",\"auth\":\""
		   "app-key:%.64s\"",
		   channel, hex);
	if (channel_data) {
		buf_puts(&b, S(",\"channel_data\":"));
		jw_string(&b, str_from_cstr(channel_data));
	}
	buf_puts(&b, S("}}"));
	say_frame(w, c, 0x81, buf_str(&b));
	buf_fini(&b);
}

/* A session and its socket id. */
static struct client *session_with_id(struct world *w, const char **id)
{
	struct client *c = socket_new(w);
	str heard = buf_str(&c->heard), from;
	const char *start = memmem(heard.p, heard.n, "socket_id\\\":\\\"", 14);

	assert_non_null(start);
	from = str_skip(heard, (size_t)(start + 14 - heard.p));
	*id = arena_copy(&w->arena, str_take(from, str_find_char(from, '\\'))).p;
	buf_clear(&c->heard);
	return c;
}

#define ERROR(code, text)                                                                          \
	"{\"event\":\"pusher:error\",\"data\":{\"code\":" #code ",\"message\":\"" text "\"}}\n"
#define REFUSAL(code, text) ERROR(code, text) "CLOSE " #code " " text "\n"
#define ACKNOWLEDGED "pusher_internal:subscription_succeeded"

/* HTTP */

/* The answer is heard. */
static void request(struct world *w, struct client *c, const char *method, const char *path,
		    const char *headers, const char *body)
{
	str text = str_from_cstr(body);
	struct buf query;

	buf_init(&query, 4096);
	auth_request_sign(w->app->key, &w->app->hmac, str_from_cstr(method), str_from_cstr(path),
			  S(""), text, loop_clock(w->loop)->wall_ms / 1000, &query);
	buf_clear(&c->heard);
	client_write(w, c,
		     str_from_cstr(text_of(w,
					   "%s %s?%.*s HTTP/1.1\r\nHost: a\r\n%s"
					   "Content-Length: %zu\r\n\r\n%s",
					   method, path, STR_ARG(buf_str(&query)), headers, text.n,
					   body)));
	buf_fini(&query);
}

static void publish(struct world *w, struct client *c, const char *body)
{
	request(w, c, "POST", "/apps/app-id/events", JSON_TYPE, body);
}

static void publish_batch(struct world *w, struct client *c, const char *body)
{
	request(w, c, "POST", "/apps/app-id/batch_events", JSON_TYPE, body);
}

#define EVENT "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"d\"}"
#define HTTP_OK "HTTP/1.1 200 OK\r\n"
/* The end of an answer. */
#define BODY(text, code, status)                                                                   \
	"\r\n\r\n{\"error\":\"" text "\",\"code\":\"" code "\",\"status\":" #status "}"

/* Limits of apps: one function for each row, named after it. */

static void limit_max_connections(struct world *w)
{
	struct client *second;

	w->app->limits.max_connections = 2;
	session_new(w);
	second = session_new(w);
	assert_heard(socket_new(w), REFUSAL(4004, "Application is over connection quota"));
	client_end(second); /* its place is free */
	settle(w);
	session_new(w);
}

static void say_client_event(struct world *w, struct client *c)
{
	say(w, c, "{\"event\":\"client-e\",\"channel\":\"private-c\",\"data\":1}");
}

static void limit_max_client_events_per_second(struct world *w)
{
	const char *id;
	struct client *c = session_with_id(w, &id);

	subscribe(w, c, id, "private-c", NULL);
	assert_contains(c, ACKNOWLEDGED);
	w->app->limits.max_client_events_per_second = 2;
	say_client_event(w, c);
	say_client_event(w, c);
	assert_heard(c, "");
	say_client_event(w, c);
	assert_heard(c, ERROR(4301, "Client event rejected due to rate limit"));
	w->app->terminate_on_limit = true;
	say_client_event(w, c);
	assert_heard(c, REFUSAL(4301, "Connection closed due to client event rate limit"));
}

static void limit_decay_seconds(struct world *w)
{
	const char *id;
	struct client *c = session_with_id(w, &id);

	subscribe(w, c, id, "private-c", NULL);
	assert_contains(c, ACKNOWLEDGED);
	w->app->limits.max_client_events_per_second = 1;
	w->app->limits.decay_seconds = 3;
	say_client_event(w, c);
	sim_run_ms(w->sim, 2900);
	say_client_event(w, c);
	assert_heard(c, ERROR(4301, "Client event rejected due to rate limit"));
	sim_run_ms(w->sim, 200);
	say_client_event(w, c);
	assert_heard(c, "");
}

static void limit_max_backend_events_per_second(struct world *w)
{
	struct client *c = client_new(w);

	w->app->limits.max_backend_events_per_second = 3;
	publish_batch(w, c, "{\"batch\":[" EVENT "," EVENT "]}");
	assert_contains(c, HTTP_OK);
	publish_batch(w, c, "{\"batch\":[" EVENT "," EVENT "]}");
	assert_contains(c, BODY("Rate of 4 events in one second exceeds the limit of 3 "
				"(max_backend_events_per_second)",
				"rate_limited", 429));
	publish(w, c, EVENT);
	assert_contains(c, HTTP_OK);
	publish(w, c, EVENT);
	assert_contains(c, "HTTP/1.1 429 Too Many Requests\r\n");
	sim_run_ms(w->sim, 1000);
	publish(w, c, EVENT);
	assert_contains(c, HTTP_OK);
}

static void limit_max_read_requests_per_second(struct world *w)
{
	struct client *c = client_new(w);

	w->app->limits.max_read_requests_per_second = 1;
	request(w, c, "GET", "/apps/app-id/channels", "", "");
	assert_contains(c, HTTP_OK);
	request(w, c, "GET", "/apps/app-id/channels/c", "", "");
	assert_contains(c, BODY("Rate of 2 requests in one second exceeds the limit of 1 "
				"(max_read_requests_per_second)",
				"rate_limited", 429));
	publish(w, c, EVENT); /* that is no reading */
	assert_contains(c, HTTP_OK);
}

static void limit_max_presence_members_per_channel(struct world *w)
{
	const char *ids[3];
	struct client *c[3];

	for (size_t i = 0; i < 3; i++)
		c[i] = session_with_id(w, &ids[i]);
	w->app->limits.max_presence_members_per_channel = 1;
	subscribe(w, c[0], ids[0], "presence-c", "{\"user_id\":\"a\"}");
	assert_contains(c[0], ACKNOWLEDGED);
	subscribe(w, c[1], ids[1], "presence-c", "{\"user_id\":\"b\"}");
	assert_heard(c[1], ERROR(4100, "Over capacity"));
	subscribe(w, c[2], ids[2], "presence-c", "{\"user_id\":\"a\"}"); /* no new member */
	assert_contains(c[2], ACKNOWLEDGED);
}

/* Whole KiB count: it is exceeded by a byte less than one KiB more. */
static void limit_max_presence_member_size_in_kb(struct world *w)
{
	const char *id;
	struct client *c = session_with_id(w, &id);

	w->app->limits.max_presence_member_size_in_kb = 2;
	subscribe(w, c, id, "presence-c",
		  text_of(w, "{\"user_id\":\"a\",\"user_info\":\"%s\"}", many(w, 'x', 3071)));
	assert_contains(c, ACKNOWLEDGED);
	subscribe(w, c, id, "presence-d",
		  text_of(w, "{\"user_id\":\"a\",\"user_info\":\"%s\"}", many(w, 'x', 3072)));
	assert_heard(c, ERROR(4300, "Channel error: Presence member data size (3KB) exceeds limit "
				    "(2KB)"));
}

static void limit_max_channel_name_length(struct world *w)
{
	struct client *c = session_new(w), *api = client_new(w);

	w->app->limits.max_channel_name_length = 12;
	say(w, c, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"123456789012\"}}");
	assert_contains(c, ACKNOWLEDGED);
	say(w, c, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"1234567890123\"}}");
	assert_heard(c, ERROR(4300, "Channel error: Channel name too long. Max length is 12"));
	say(w, c, "{\"event\":\"client-e\",\"channel\":\"private-90123\"}");
	assert_heard(c, ERROR(4300, "Channel name invalid: Channel name exceeds maximum length of "
				    "12"));
	publish(w, api, "{\"name\":\"e\",\"channel\":\"123456789012\",\"data\":\"\"}");
	assert_contains(api, HTTP_OK);
	publish(w, api, "{\"name\":\"e\",\"channel\":\"1234567890123\",\"data\":\"\"}");
	assert_contains(api, BODY("Channel name too long. Max length is 12", "invalid_input", 400));
	request(w, api, "GET", "/apps/app-id/channels/1234567890123", "", "");
	assert_contains(api, BODY("Channel name too long. Max length is 12", "invalid_input", 400));
}

static void limit_max_event_channels_at_once(struct world *w)
{
	struct client *c = client_new(w);

	w->app->limits.max_event_channels_at_once = 2;
	publish(w, c, "{\"name\":\"e\",\"channels\":[\"a\",\"b\"],\"data\":\"\"}");
	assert_contains(c, HTTP_OK);
	publish(w, c, "{\"name\":\"e\",\"channels\":[\"a\",\"b\",\"c\"],\"data\":\"\"}");
	assert_contains(c, BODY("Number of channels (3) exceeds limit (2)", "limit_exceeded", 400));
}

static void limit_max_event_name_length(struct world *w)
{
	const char *id;
	struct client *c = session_with_id(w, &id), *api = client_new(w);

	w->app->limits.max_event_name_length = 10;
	publish(w, api, "{\"name\":\"1234567890\",\"channel\":\"c\",\"data\":\"\"}");
	assert_contains(api, HTTP_OK);
	publish(w, api, "{\"name\":\"12345678901\",\"channel\":\"c\",\"data\":\"\"}");
	assert_contains(api, BODY("Event name '12345678901' exceeds maximum length of 10",
				  "limit_exceeded", 400));
	subscribe(w, c, id, "private-c", NULL);
	assert_contains(c, ACKNOWLEDGED);
	say(w, c, "{\"event\":\"client-890\",\"channel\":\"private-c\"}");
	assert_heard(c, "");
	say(w, c, "{\"event\":\"client-8901\",\"channel\":\"private-c\"}");
	assert_heard(c, ERROR(4000, "Invalid event name: Event name exceeds maximum length of 10"));
}

static void limit_max_event_payload_in_kb(struct world *w)
{
	const char *id;
	struct client *c = session_with_id(w, &id), *api = client_new(w);

	w->app->limits.max_event_payload_in_kb = 1;
	publish(w, api,
		text_of(w, "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"%s\"}",
			many(w, 'x', 1024)));
	assert_contains(api, HTTP_OK);
	publish(w, api,
		text_of(w, "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"%s\"}",
			many(w, 'x', 1025)));
	assert_contains(api,
			BODY("Event payload size (1025 bytes) for event 'e' exceeds limit (1KB)",
			     "payload_too_large", 413));
	subscribe(w, c, id, "private-c", NULL);
	assert_contains(c, ACKNOWLEDGED);
	say(w, c,
	    text_of(w, "{\"event\":\"client-e\",\"channel\":\"private-c\",\"data\":\"%s\"}",
		    many(w, 'x', 1022)));
	assert_heard(c, "");
	say(w, c,
	    text_of(w, "{\"event\":\"client-e\",\"channel\":\"private-c\",\"data\":\"%s\"}",
		    many(w, 'x', 1023)));
	assert_heard(c, ERROR(4301, "Client event error: Event payload size (1025 bytes) exceeds "
				    "limit (1KB)"));
}

static void limit_max_event_batch_size(struct world *w)
{
	struct client *c = client_new(w);

	w->app->limits.max_event_batch_size = 2;
	publish_batch(w, c, "{\"batch\":[" EVENT "," EVENT "]}");
	assert_contains(c, HTTP_OK);
	publish_batch(w, c, "{\"batch\":[" EVENT "," EVENT "," EVENT "]}");
	assert_contains(c, BODY("Batch size (3) exceeds limit (2)", "limit_exceeded", 400));
}

static void every_limit_of_an_app_is_kept_and_told(void **state)
{
	static const struct {
		const char *field;
		void (*run)(struct world *w);
	} rows[] = {
#define LIMIT(field, unset, floor, ceiling, unit, what) { #field, limit_##field },
#include "core/limits.def"
#undef LIMIT
	};

	set_up(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = *state;

		print_message("# %s\n", rows[i].field);
		w->app->limits = app_limits_unset;
		w->app->terminate_on_limit = false;
		world_begin(w);
		rows[i].run(w);
		world_end(w);
	}
	world_begin(*state);
	tear_down(state);
}

/* Further limits of apps */

static void messages_of_a_client_are_counted_where_the_app_wants_it(void **state)
{
	struct world *w = *state;
	struct client *c;

	world_begin(w);
	w->app->message_rate = (struct app_message_rate){ .enabled = true,
							  .max_attempts = 2,
							  .decay_seconds = 60 };
	c = session_new(w);
	say(w, c, "{\"event\":\"pusher:ping\"}");
	say(w, c, "{\"event\":\"pusher:ping\"}");
	assert_heard(c, "{\"event\":\"pusher:pong\",\"data\":{}}\n"
			"{\"event\":\"pusher:pong\",\"data\":{}}\n");
	say(w, c, "{\"event\":\"pusher:ping\"}");
	assert_heard(c, ERROR(4301, "Client event rejected due to rate limit"));
}

static void idempotency_keys_have_a_length(void **state)
{
	struct world *w = *state;
	struct client *c;

	world_begin(w);
	w->app->idempotency_key_bytes_max = 4;
	c = client_new(w);
	publish(w, c, "{\"name\":\"e\",\"channel\":\"c\",\"idempotency_key\":\"1234\"}");
	assert_contains(c, HTTP_OK);
	publish(w, c, "{\"name\":\"e\",\"channel\":\"c\",\"idempotency_key\":\"12345\"}");
	assert_contains(c, BODY("Idempotency key exceeds maximum length of 4 characters",
				"invalid_input", 400));
}

static void namespace_has_a_length_of_its_own(void **state)
{
	struct world *w = *state;
	struct client *c;

	namespace_add(w->app, S("n"))->channel_name_bytes_max = 4;
	world_begin(w);
	c = session_new(w);
	say(w, c, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"n:34\"}}");
	assert_contains(c, ACKNOWLEDGED);
	say(w, c, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"n:345\"}}");
	assert_heard(c, ERROR(4300, "Channel error: Channel name too long. Max length is 4"));
}

/* Limits of the server */

static void connections_of_the_node_are_counted(void **state)
{
	struct world *w = *state;

	w->options.max_connections = 2;
	world_begin(w);
	session_new(w);
	session_new(w);
	assert_heard(socket_new(w), REFUSAL(4100, "Over capacity"));
}

/* {"event":"pusher:ping"} and spaces. */
static str ping_of(struct world *w, size_t n)
{
	return str_from_cstr(text_of(w, "{\"event\":\"pusher:ping\"%s}", many(w, ' ', n - 23)));
}

static void messages_have_a_size(void **state)
{
	struct world *w = *state;
	struct client *c;

	w->options.message_bytes_max = 200;
	w->options.message_bytes_setting = S("websocket.max_message_size");
	world_begin(w);
	c = session_new(w);
	say_frame(w, c, 0x81, ping_of(w, 200));
	assert_heard(c, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	say_frame(w, c, 0x81, ping_of(w, 201));
#define TEXT "Message of 201 bytes exceeds the limit of 200 bytes (websocket.max_message_size)"
	assert_heard(c, ERROR(4000, TEXT) "CLOSE 1009 " TEXT "\n");
#undef TEXT
}

static void fragments_count_together(void **state)
{
	struct world *w = *state;
	struct client *c;

	w->options.message_bytes_max = 200;
	world_begin(w);
	c = session_new(w);
	say_frame(w, c, 0x01, str_take(ping_of(w, 200), 150));
	say_frame(w, c, 0x80, str_skip(ping_of(w, 200), 150));
	assert_heard(c, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	say_frame(w, c, 0x01, str_take(ping_of(w, 201), 150));
	say_frame(w, c, 0x80, str_skip(ping_of(w, 201), 150));
#define TEXT "Message of 201 bytes exceeds the limit of 200 bytes (websocket_max_payload_kb)"
	assert_heard(c, ERROR(4000, TEXT) "CLOSE 1009 " TEXT "\n");
#undef TEXT
}

static void frames_have_a_size(void **state)
{
	struct world *w = *state;
	struct client *c;

	w->options.message_bytes_max = 300;
	w->options.frame_bytes_max = 200;
	world_begin(w);
	c = session_new(w);
	say_frame(w, c, 0x81, ping_of(w, 200));
	assert_heard(c, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	say_frame(w, c, 0x81, ping_of(w, 201));
#define TEXT "Frame of 201 bytes exceeds the limit of 200 bytes (websocket.max_frame_size)"
	assert_heard(c, ERROR(4000, TEXT) "CLOSE 1009 " TEXT "\n");
#undef TEXT
}

static void request_bodies_have_a_size(void **state)
{
	struct world *w = *state;
	struct client *c;

	w->options.request_body_bytes_max = 200;
	world_begin(w);
	c = client_new(w);
	publish(w, c, text_of(w, EVENT "%s", many(w, ' ', 200 - sizeof(EVENT) + 1)));
	assert_contains(c, HTTP_OK);
	publish(w, c, text_of(w, EVENT "%s", many(w, ' ', 201 - sizeof(EVENT) + 1)));
	assert_contains(c, "\r\n\r\nFailed to buffer the request body: length limit exceeded");
}

static void request_heads_have_a_size(void **state)
{
	struct world *w = *state;
	size_t n_rest = sizeof("GET /up HTTP/1.1\r\nx: \r\n\r\n") - 1;

	w->options.request_head_bytes_max = 512;
	world_begin(w);
	for (size_t n = 512; n <= 513; n++) {
		struct client *c = client_new(w);

		client_write(w, c,
			     str_from_cstr(text_of(w, "GET /up HTTP/1.1\r\nx: %s\r\n\r\n",
						   many(w, 'x', n - n_rest))));
		assert_contains(c, n == 512 ? HTTP_OK : "HTTP/1.1 431 ");
	}
}

static void request_targets_have_a_size(void **state)
{
	struct world *w = *state;

	w->options.request_target_bytes_max = 64;
	world_begin(w);
	for (size_t n = 64; n <= 65; n++) {
		struct client *c = client_new(w);

		client_write(w, c,
			     str_from_cstr(text_of(w, "GET /up?%s HTTP/1.1\r\n\r\n",
						   many(w, 'x', n - 4))));
		assert_contains(c, n == 64 ? HTTP_OK : "HTTP/1.1 414 ");
	}
}

static void request_heads_have_a_number_of_lines(void **state)
{
	struct world *w = *state;

	world_begin(w);
	for (size_t n = HTTP_HEADERS_MAX; n <= HTTP_HEADERS_MAX + 1; n++) {
		struct client *c = client_new(w);
		struct buf b;

		buf_init(&b, SIZE_MAX / 2);
		buf_puts(&b, S("GET /up HTTP/1.1\r\n"));
		for (size_t i = 0; i < n; i++)
			buf_puts(&b, S("x: y\r\n"));
		buf_puts(&b, S("\r\n"));
		client_write(w, c, buf_str(&b));
		buf_fini(&b);
		assert_contains(c, n == HTTP_HEADERS_MAX ? HTTP_OK : "HTTP/1.1 431 ");
	}
}

/* After so many events the server gave a reader up that reads nothing. */
static unsigned events_until_given_up(struct world *w)
{
	struct sim_options sim = sim_options_calm();
	struct client *reader, *api;
	unsigned n = 0;

	sim.buffer_bytes_min = sim.buffer_bytes_max = 1024;
	world_begin_with(w, sim);
	reader = session_new(w);
	api = client_new(w);
	say(w, reader, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
	assert_contains(reader, ACKNOWLEDGED);
	sim_peer_pause(reader->peer, true);
	while (server_count(w->server, w->app).connections == 1) {
		publish(w, api, EVENT);
		assert_contains(api, HTTP_OK);
		assert_true(++n < 1000);
	}
	sim_peer_pause(reader->peer, false);
	on_change(reader->peer);
	settle(w);
	assert_contains(reader, "CLOSE 4100 Buffer full\n");
	return n;
}

static void messages_that_wait_for_a_slow_reader_are_counted(void **state)
{
	struct world *w = *state;
	unsigned n;

	w->options.queue_messages_max = 10;
	n = events_until_given_up(w);
	world_end(w);
	w->options.queue_messages_max = 11;
	assert_int_equal(events_until_given_up(w), n + 1);
}

static void bytes_that_wait_for_a_slow_reader_are_counted(void **state)
{
	size_t n_event = sizeof("..{\"event\":\"e\",\"channel\":\"c\",\"data\":\"d\"}") - 1;
	struct world *w = *state;
	unsigned n;

	w->options.queue_bytes_max = 10 * n_event;
	n = events_until_given_up(w);
	world_end(w);
	w->options.queue_bytes_max = 11 * n_event - 1;
	assert_int_equal(events_until_given_up(w), n);
	world_end(w);
	w->options.queue_bytes_max = 11 * n_event;
	assert_int_equal(events_until_given_up(w), n + 1);
}

#define LONG_EVENT(data) "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"" data " 1234567890\"}"

/* Everybody is on a channel, the reader as the last, and reads nothing. Afterwards one event like
 * these is too much for him. */
static struct client *fall_asleep(struct world *w, struct client *api, struct client *others[],
				  size_t n_others, unsigned n_events)
{
	struct client *reader;

	for (size_t i = 0; i < n_others; i++)
		others[i] = session_new(w);
	reader = session_new(w);
	for (size_t i = 0; i < n_others; i++)
		say(w, others[i], "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
	say(w, reader, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
	sim_peer_pause(reader->peer, true);
	for (unsigned i = 0; i < n_events; i++)
		publish(w, api, LONG_EVENT("fill"));
	return reader;
}

static void world_begin_slowly(struct world *w)
{
	struct sim_options sim = sim_options_calm();

	sim.buffer_bytes_min = sim.buffer_bytes_max = 1024;
	w->options.writes_per_slice = 1;
	w->options.queue_bytes_max = 800;
	world_begin_with(w, sim);
}

static void who_misses_an_event_hears_none_that_came_after_it(void **state)
{
	struct world *w = *state;
	struct client *others[5], *reader, *api;
	unsigned n_events = 0;

	world_begin_slowly(w);
	api = client_new(w);
	fall_asleep(w, api, others, ARRAY_LEN(others), 0);
	while (server_count(w->server, w->app).connections == ARRAY_LEN(others) + 1 &&
	       n_events++ < 100)
		publish(w, api, LONG_EVENT("fill"));
	world_end(w);

	world_begin_slowly(w);
	api = client_new(w);
	reader = fall_asleep(w, api, others, ARRAY_LEN(others), n_events - 1);
	/* What is too much and what would fit come together; before the reader is closed, he
	 * begins to read. */
	buf_clear(&reader->heard);
	others[0]->wakes = reader;
	publish_batch(w, api, "{\"batch\":[" LONG_EVENT("miss") "," EVENT "]}");
	assert_contains(others[0], "\"data\":\"d\"");
	assert_null(memmem(reader->heard.p, reader->heard.len, "miss", 4));
	assert_null(memmem(reader->heard.p, reader->heard.len, "\"data\":\"d\"", 10));
	assert_contains(reader, "CLOSE 4100 Buffer full\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_of_an_app_is_kept_and_told),
		TEST(messages_of_a_client_are_counted_where_the_app_wants_it),
		TEST(idempotency_keys_have_a_length),
		TEST(namespace_has_a_length_of_its_own),
		TEST(connections_of_the_node_are_counted),
		TEST(messages_have_a_size),
		TEST(fragments_count_together),
		TEST(frames_have_a_size),
		TEST(request_bodies_have_a_size),
		TEST(request_heads_have_a_size),
		TEST(request_targets_have_a_size),
		TEST(request_heads_have_a_number_of_lines),
		TEST(messages_that_wait_for_a_slow_reader_are_counted),
		TEST(bytes_that_wait_for_a_slow_reader_are_counted),
		TEST(who_misses_an_event_hears_none_that_came_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* script.c: a complete server on simulated loops, three clients who do what the acts say, and one
 * beside them who behaves and must not notice. Everything that a short script should be able to
 * reach is near: limits are small. */
#include "script.h"

#include "fuzz.h"
#include "guest.h"

#include "base/json.h"
#include "base/mem.h"
#include "codec/deflate.h"
#include "codec/digest.h"
#include "codec/websocket.h"
#include "core/auth.h"
#include "core/webhook.h"
#include "server/server.h"
#include "webhook/webhooks.h"
#include "wire.h"

enum { N_GUESTS = 3, WORKERS_MAX = 2, STEPS_MAX = 200000, ACTS_MAX = 60, GRACE_S = 10 };
/* Enough for a few attempts of webhooks. */
enum { SETTLE_MS = 20000 };

/* The good client is one more guest, whom no act reaches. */
enum { GOOD = N_GUESTS };

struct world {
	struct sim *sim;
	struct loop *loops[WORKERS_MAX + 1];
	unsigned n_loops;
	const struct app_table *apps;
	struct server *server;
	struct net_address address;
	struct guest guests[N_GUESTS + 1];
	struct guest *guest; /* whose turn it is */
	struct fuzz_cuts cuts;
	bool is_lenient;  /* after what may end a good connection, too */
	unsigned n_posts; /* of webhooks, that have arrived */
	bool has_waited;  /* the server has pinged the good client, and it has answered */
};

static void set_limits(struct app *a)
{
	a->limits.max_channel_name_length = 60;
	a->limits.max_event_name_length = 40;
	a->limits.max_event_payload_in_kb = 1;
	a->limits.max_event_batch_size = 3;
	a->limits.max_event_channels_at_once = 3;
	a->limits.max_presence_members_per_channel = 2;
	a->limits.max_presence_member_size_in_kb = 1;
}

static void add_webhooks(struct app *a)
{
	webhook_add(a, S("http://hooks/all"))->events = UINT32_MAX;
	webhook_add(a, S("http://hooks/members"))->events = 1u << WEBHOOK_member_removed;
	a->webhooks->events_max = 3;
}

static const struct app_table *the_apps(void)
{
	static struct app_table *apps;
	struct app *a;

	if (apps)
		return apps;
	apps = app_table_new((struct hash_key){ 1, 2 });
	app_table_add(apps, S("good"), S("good-key"), S("good-secret"));
	a = app_table_add(apps, S("app-id"), S("app-key"), S("app-secret"));
	set_limits(a);
	a->enable_client_messages = a->enable_user_authentication = true;
	a->enable_watchlist_events = a->enable_subscription_count = true;
	add_webhooks(a);
	a = app_table_add(apps, S("small"), S("small-key"), S("small-secret"));
	set_limits(a);
	a->enable_client_messages = a->terminate_on_limit = true;
	a->limits.max_connections = 1;
	a->limits.max_client_events_per_second = 2;
	a->limits.max_backend_events_per_second = 2;
	a->limits.max_read_requests_per_second = 1;
	a->message_rate = (struct app_message_rate){ true, 4, 1, true };
	app_add_origin(a, S("*.example.com"));
	app_table_add(apps, S("off"), S("off-key"), S("off-secret"))->enabled = false;
	return apps;
}

static struct server_options options(unsigned n_workers, bool limits_client_rates)
{
	struct server_options o = server_options_default();

	o.n_workers = n_workers;
	o.user_authentication_timeout_s = 60;
	o.shutdown_grace_period_s = GRACE_S;
	o.max_connections = N_GUESTS;
	o.message_bytes_max = 2000;
	o.frame_bytes_max = 1500;
	o.compression_window_bits = 15;
	o.queue_messages_max = 6;
	o.request_body_bytes_max = 3000;
	o.request_head_bytes_max = 1500;
	o.request_target_bytes_max = 800;
	o.limits_client_rates = limits_client_rates;
	o.client_rates[CLIENT_RATE_API].max_requests = 4;
	o.client_rates[CLIENT_RATE_UPGRADE].max_requests = 1000; /* the good client comes last */
	return o;
}

/* The receiver of webhooks: believes nothing, and fails now and then. */

static bool is_signed(const struct app *a, const struct http_post *post)
{
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	hmac_begin(&h, &a->hmac);
	hmac_add(&h, post->body);
	hmac_end_hex(&h, &a->hmac, hex);
	return str_eq(post->headers[2].value, (str){ hex, sizeof hex });
}

static struct sim_post_fate on_post(void *ctx, const struct http_post *post)
{
	struct world *w = ctx;
	struct json doc;

	CHECK(json_parse(post->body, 64, &doc, NULL) == OK && doc.kind == JSON_OBJECT);
	CHECK(is_signed(app_by_id(w->apps, S("app-id")), post));
	return (struct sim_post_fate){ .status = ++w->n_posts % 3 ? 200 : 503 };
}

static void receive_posts(struct world *w)
{
	struct http_client_options o = { .n_posts_max = OUTLET_POSTS_MAX };
	const char *why;

	w->n_posts = 0;
	sim_set_receiver(w->sim, &(struct sim_receiver){ .ctx = w, .on_post = on_post });
	server_set_webhooks(w->server, http_client_new(w->loops[w->n_loops - 1], &o, &why));
}

/* Time */

static void serve_all(struct world *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->guests); i++)
		guest_serve(&w->guests[i]);
}

/* Unless only time could make something happen. */
static void step(struct world *w)
{
	if (!sim_quiet(w->sim))
		sim_step(w->sim);
	serve_all(w);
}

static void settle(struct world *w)
{
	unsigned n = 0;

	serve_all(w);
	for (; !sim_quiet(w->sim); n++) {
		CHECK(n < STEPS_MAX);
		step(w);
	}
}

/* In slices, short enough for the good client to answer pusher:ping in time. */
static void pass_ms(struct world *w, uint64_t ms)
{
	uint64_t slice_ms = ms / 64 + 1;

	for (uint64_t passed_ms = 0; passed_ms < ms; passed_ms += slice_ms) {
		sim_run_ms(w->sim, slice_ms);
		settle(w);
	}
}

/* Saying things, in pieces */

static void say(struct world *w, str bytes)
{
	while (bytes.n) {
		size_t n = fuzz_cut(&w->cuts, bytes.n);

		guest_say(w->guest, str_take(bytes, n));
		bytes = str_skip(bytes, n);
		for (size_t steps = fuzz_cut(&w->cuts, 4); steps > 1; steps--)
			step(w);
	}
}

static void say_frame(struct world *w, uint8_t first_byte, str payload)
{
	struct buf b;

	buf_init(&b, payload.n + 14);
	wire_put_frame(&b, first_byte, payload, payload.n & 1 ? 0x37fa213d : 0);
	say(w, buf_str(&b));
	buf_fini(&b);
}

static void say_text(struct world *w, str text)
{
	say_frame(w, WIRE_FIN | WIRE_TEXT, text);
}

/* Acts. Each gets the text behind its letter. */

static void act_raw(struct world *w, str text)
{
	say(w, text);
}

static void act_connect(struct world *w, str text)
{
	w->guest = &w->guests[text.n ? (uint8_t)text.p[0] % N_GUESTS : 0];
	if (!w->guest->peer)
		guest_connect(w->guest, w->sim, &w->address);
}

/* headers: further lines. */
static void upgrade(struct world *w, str target, str headers)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b,
		   "GET %.*s HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\n",
		   STR_ARG(target));
	buf_puts(&b, S("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		       "sec-websocket-version: 13\r\norigin: https://a.example.com\r\n"));
	buf_puts(&b, headers);
	buf_puts(&b, S("\r\n"));
	say(w, buf_str(&b));
	buf_fini(&b);
}

static const str TARGET = { "/app/app-key?protocol=7&client=js", 33 };

/* The target, or nothing for the usual one. The answer is waited for. */
static void act_upgrade(struct world *w, str text)
{
	upgrade(w, text.n ? text : TARGET, S(""));
	settle(w);
}

/* With an offer of compression: the value of its header, or nothing for the usual one. */
static void act_upgrade_packed(struct world *w, str text)
{
	struct buf line;

	buf_init(&line, SIZE_MAX / 2);
	buf_puts(&line, S("sec-websocket-extensions: "));
	buf_puts(&line, text.n ? text : S("permessage-deflate; client_max_window_bits"));
	buf_puts(&line, S("\r\n"));
	upgrade(w, TARGET, buf_str(&line));
	settle(w);
	buf_fini(&line);
}

static void act_text(struct world *w, str text)
{
	say_text(w, text);
}

/* Compressed, whatever was agreed on. */
static void act_packed_text(struct world *w, str text)
{
	char packed[2000];
	size_t n = deflate_compress(the_deflate(), 15, text, packed, sizeof(packed));

	say_frame(w, WIRE_FIN | WS_COMPRESSED_BIT | WIRE_TEXT, (str){ packed, n });
}

/* Its first byte, then the payload. */
static void act_frame(struct world *w, str text)
{
	if (text.n)
		say_frame(w, (uint8_t)text.p[0], str_skip(text, 1));
}

static const struct app *app_of_guest(const struct world *w)
{
	return app_by_id(w->apps, S("app-id"));
}

/* ,"auth":"key:signature" of the pieces. */
static void put_auth(struct world *w, struct buf *b, const str *pieces, size_t n)
{
	const struct app *a = app_of_guest(w);
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	hmac_begin(&h, &a->hmac);
	hmac_add(&h, (str){ w->guest->socket_id, w->guest->socket_id_n });
	for (size_t i = 0; i < n; i++)
		hmac_add(&h, pieces[i]);
	hmac_end_hex(&h, &a->hmac, hex);
	buf_puts(b, S(",\"auth\":"));
	buf_printf(b, "\"%.*s:%.*s\"", STR_ARG(a->key), (int)sizeof(hex), hex);
}

/* A channel, perhaps a blank and channel_data. */
static void act_join(struct world *w, str text)
{
	str channel = str_split(&text, ' ');
	str pieces[] = { S(":"), channel, S(":"), text };
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":"));
	jw_string(&b, channel);
	put_auth(w, &b, pieces, text.n ? 4 : 2);
	if (text.n) {
		buf_puts(&b, S(",\"channel_data\":"));
		jw_string(&b, text);
	}
	buf_puts(&b, S("}}"));
	say_text(w, buf_str(&b));
	buf_fini(&b);
}

/* user_data. */
static void act_sign_in(struct world *w, str text)
{
	str pieces[] = { S("::user::"), text };
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"event\":\"pusher:signin\",\"data\":{\"user_data\":"));
	jw_string(&b, text);
	put_auth(w, &b, pieces, 2);
	buf_puts(&b, S("}}"));
	say_text(w, buf_str(&b));
	buf_fini(&b);
}

static const struct app *app_of_path(const struct world *w, str path)
{
	const struct app *a = NULL;

	if (str_has_prefix(path, S("/apps/"))) {
		str id = str_skip(path, 6);

		a = app_by_id(w->apps, str_take(id, str_find_char(id, '/')));
	}
	return a ? a : app_of_guest(w);
}

/* A target, and behind a blank the body; signed. */
static void request(struct world *w, str method, str text)
{
	str target = str_split(&text, ' '), path = str_split(&target, '?');
	const struct app *a = app_of_path(w, path);
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%.*s %.*s?", STR_ARG(method), STR_ARG(path));
	auth_request_sign(a->key, &a->hmac, method, path, target, text,
			  loop_clock(w->loops[0])->wall_ms / 1000, &b);
	buf_printf(&b, " HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
		   text.n);
	buf_puts(&b, text);
	say(w, buf_str(&b));
	buf_fini(&b);
}

static void act_post(struct world *w, str text)
{
	request(w, S("POST"), text);
}

static void act_get(struct world *w, str text)
{
	request(w, S("GET"), text);
}

static void act_shutdown(struct world *w, str text)
{
	if (w->guest->peer)
		sim_peer_shutdown(w->guest->peer);
}

static void act_reset(struct world *w, str text)
{
	guest_reset(w->guest);
}

static void act_leave(struct world *w, str text)
{
	guest_close(w->guest);
}

static void act_pause(struct world *w, str text)
{
	w->guest->is_paused = !w->guest->is_paused;
	if (w->guest->peer)
		sim_peer_pause(w->guest->peer, w->guest->is_paused);
}

static void act_settle(struct world *w, str text)
{
	settle(w);
}

/* Milliseconds. */
static void act_wait(struct world *w, str text)
{
	uint64_t ms;

	if (!str_to_u64(text, 200000, &ms))
		return;
	w->has_waited = true;
	pass_ms(w, ms);
}

/* That many allocations from now one fails, if it comes soon. */
static void act_starve(struct world *w, str text)
{
	w->is_lenient = true;
	mem_fail_nth(text.n ? (uint8_t)text.p[0] % 16 + 1 : 1);
	for (unsigned i = 0; i < 30 && !sim_quiet(w->sim); i++)
		sim_step(w->sim);
	mem_fail_nth(0);
}

static void act_drain(struct world *w, str text)
{
	w->is_lenient = true;
	server_drain(w->server);
}

static const struct {
	char letter;
	void (*act)(struct world *w, str text);
} ACTS[] = {
	{ 'V', act_upgrade_packed },
	{ 'K', act_packed_text },
	{ 'C', act_connect },
	{ 'U', act_upgrade },
	{ 'T', act_text },
	{ 'F', act_frame },
	{ 'R', act_raw },
	{ 'J', act_join },
	{ 'I', act_sign_in },
	{ 'P', act_post },
	{ 'G', act_get },
	{ 'E', act_shutdown },
	{ 'X', act_reset },
	{ 'L', act_leave },
	{ 'Z', act_pause },
	{ 'S', act_settle },
	{ 'W', act_wait },
	{ 'M', act_starve },
	{ 'Q', act_drain },
};

static void act(struct world *w, str text)
{
	for (size_t i = 0; i < ARRAY_LEN(ACTS); i++) {
		if (text.n && ACTS[i].letter == text.p[0])
			ACTS[i].act(w, str_skip(text, 1));
	}
}

static void play(struct world *w, str in)
{
	in = str_skip(in, str_has_prefix(in, S("%")));
	for (unsigned i = 0; i < ACTS_MAX && in.n; i++) {
		const char *end = memmem(in.p, in.n, "\n%", 2);
		size_t n = end ? (size_t)(end - in.p) : in.n;

		act(w, str_take(in, n));
		in = str_skip(in, n + 2);
	}
}

/* Beginning and end */

static void begin(struct world *w, uint8_t choice)
{
	struct sim_options weather = choice & 2 ? sim_options_rough() : sim_options_calm();
	struct server_options o = options(choice & 1 ? 2 : 1, choice & 4);
	int why;

	w->cuts = fuzz_cuts(choice >> 2);
	w->apps = the_apps();
	w->is_lenient = w->has_waited = false;
	w->sim = sim_new(choice, &weather);
	w->n_loops = o.n_workers == 1 ? 1 : o.n_workers + 1;
	for (unsigned i = 0; i < w->n_loops; i++)
		w->loops[i] = sim_loop_new(w->sim);
	w->server = server_new(&o, w->apps, NULL, w->loops,
			       o.n_workers == 1 ? NULL : w->loops[o.n_workers],
			       (struct hash_key){ 3, 4 });
	receive_posts(w);
	CHECK(net_address_parse(S("127.0.0.1"), 6001, &w->address));
	CHECK(server_listen(w->server, LISTENER_CLIENTS, &w->address, &why) == OK);
	for (size_t i = 0; i < ARRAY_LEN(w->guests); i++)
		w->guests[i].peer = NULL;
	w->guest = &w->guests[GOOD];
	guest_connect(w->guest, w->sim, &w->address);
	upgrade(w, S("/app/good-key?protocol=7"), S(""));
	settle(w);
	CHECK(w->guest->socket_id_n > 0);
	act_connect(w, S(""));
}

/* What failed may have been for the good client: a call, or an allocation while it was pinged. */
static bool is_struck(const struct world *w, const struct script_faults *f)
{
	const struct guest *g = &w->guests[GOOD];

	if (f->call == 0 && !(f->allocation && w->has_waited))
		return false;
	return g->is_closed || sim_peer_state(g->peer) != SIM_PEER_OPEN;
}

static void check_good_client(struct world *w)
{
	struct guest *g = &w->guests[GOOD];

	CHECK(!g->is_closed && sim_peer_state(g->peer) == SIM_PEER_OPEN);
	guest_say_frame(g, WIRE_FIN | WIRE_TEXT, S("{\"event\":\"pusher:ping\"}"));
	settle(w);
	CHECK(g->n_pongs == 1);
}

static void check_nobody_is_counted(const struct world *w)
{
	CHECK(server_n_connections(w->server) == 0);
	for (size_t i = 0; i < w->apps->n; i++) {
		struct app_counts n = server_count(w->server, w->apps->apps[i]);

		CHECK(n.connections == 0 && n.subscriptions == 0 && n.presence_members == 0);
	}
}

static void arm(struct world *w, const struct script_faults *f)
{
	mem_fail_run(f->allocation, f->n_more);
	sim_fail_nth(w->sim, f->call);
}

static void disarm(struct world *w, struct script_faults *f)
{
	f->allocation = mem_fail_nth(0);
	f->call = sim_fail_nth(w->sim, 0);
}

static void end(struct world *w, const struct script_faults *f)
{
	if (!w->is_lenient && !is_struck(w, f))
		check_good_client(w);
	for (size_t i = 0; i < ARRAY_LEN(w->guests); i++)
		guest_close(&w->guests[i]);
	settle(w);
	/* Who came while we were leaving is not read from until we go. */
	if (server_is_draining(w->server))
		pass_ms(w, 2 * GRACE_S * 1000);
	check_nobody_is_counted(w);
	server_settle(w->server);
	pass_ms(w, SETTLE_MS);
	CHECK(server_is_settled(w->server));
	server_free(w->server);
	for (unsigned i = 0; i < w->n_loops; i++)
		loop_free(w->loops[i]);
	sim_free(w->sim);
}

void script_run(str acts, uint8_t choice, struct script_faults *faults)
{
	static struct world w;
	const struct script_faults armed = *faults;
	int64_t live;

	the_apps();
	the_deflate();
	live = mem_live_bytes();
	begin(&w, choice);
	arm(&w, faults);
	play(&w, acts);
	settle(&w);
	disarm(&w, faults);
	end(&w, &armed);
	CHECK(mem_live_bytes() == live);
}

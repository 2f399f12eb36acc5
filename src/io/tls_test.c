/* Pairs of connections that speak TLS, through the simulated world and over real sockets. */
#include "io/tls.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"
#include "io/tls_priv.h"
#include "io/tls_testing.h"

#include <stdlib.h>

static struct testing_pair pair;
static struct tls_context *server_context;

/* One end: sends so many bytes of a pattern, and checks that what comes is the other one's. */
struct end {
	struct io_file file;
	struct loop *loop;
	struct sim *chance; /* NULL: none */
	bool is_client, is_shaken, is_paused, is_ended, has_shut;
	size_t to_send, sent, received;
	size_t read_max; /* of one call; 0: as chance has it */
	unsigned n_calls;
	err failed;
	const char *reason; /* tls_failure's */
};

static char pattern(bool of_client, size_t at)
{
	return (char)(at * 31 + (at >> 8) + of_client);
}

static size_t draw(struct end *e, size_t n)
{
	return e->chance ? (size_t)sim_random(e->chance, n) : n / 2;
}

/* As loop.h and net.h promise: called once, one read. */
static void end_receive(struct end *e)
{
	static char bytes[70000];
	size_t max = e->read_max ? e->read_max : 1 + draw(e, sizeof(bytes)), n = 0;
	err why = net_recv(e->loop, &e->file, bytes, max, &n);

	if (why == ERR_AGAIN)
		return;
	if (why != OK) {
		e->failed = why;
		return;
	}
	assert_true(n <= max);
	e->is_ended = n == 0;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], pattern(!e->is_client, e->received + i));
	e->received += n;
}

static err end_send_some(struct end *e)
{
	static char bytes[40000];
	size_t left = e->to_send - e->sent, n = 1 + draw(e, sizeof(bytes)), done = 0, n_spans = 0;
	struct net_span spans[4];

	n = n < left ? n : left;
	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(e->is_client, e->sent + i);
	while (done < n) {
		size_t part = n_spans == 3 ? n - done : 1 + draw(e, n - done);

		spans[n_spans++] = (struct net_span){ bytes + done, part };
		done += part;
	}
	done = 0;
	left = (size_t)net_send(e->loop, &e->file, spans, n_spans, &done);
	e->sent += left == OK ? done : 0;
	return (err)left;
}

static void end_send(struct end *e)
{
	err why = OK;

	while (why == OK && e->sent < e->to_send)
		why = end_send_some(e);
	if (why == OK)
		why = net_flush(e->loop, &e->file);
	if (why == OK && !e->has_shut) {
		e->has_shut = true;
		net_shutdown(e->loop, &e->file);
	} else if (why == ERR_IO) {
		e->failed = why;
	}
}

static void end_watch(struct end *e)
{
	bool reads = (!e->is_paused || !e->is_shaken) && !e->is_ended;
	bool writes = e->is_shaken && !(e->has_shut && e->sent == e->to_send);

	if (e->failed == OK) {
		loop_watch(e->loop, &e->file, (reads ? LOOP_READ : 0) | (writes ? LOOP_WRITE : 0));
		return;
	}
	e->reason = tls_failure(&e->file);
	net_close(e->loop, &e->file);
}

static void end_on_ready(struct io_file *f, unsigned ready)
{
	struct end *e = container_of(f, struct end, file);

	e->n_calls++;
	if (!e->is_ended && !(e->is_paused && e->is_shaken))
		end_receive(e);
	e->is_shaken |= e->is_client ? SSL_is_init_finished(f->tls->ssl) : e->received > 0;
	if (e->is_shaken && e->failed == OK && !(e->has_shut && e->sent == e->to_send))
		end_send(e);
	end_watch(e);
}

static bool end_is_over(const struct end *e)
{
	return e->failed != OK || (e->has_shut && e->is_ended);
}

/* Both ends, wherever they are. The server speaks when the client has. */
struct couple {
	struct sim *sim; /* NULL: real sockets, one loop */
	struct io_file listener;
	struct net_address address;
	struct end server, client;
	struct tls_context *client_context;
	size_t n_before; /* bytes that the server takes before it begins with TLS */
};

/* As the reader of a proxy's header does. */
static void on_before(struct io_file *f, unsigned ready)
{
	struct couple *c = container_of(f, struct couple, server.file);
	char bytes[4096];
	size_t n;

	if (net_recv(c->server.loop, f, bytes, c->n_before, &n) != OK)
		return;
	f->on_ready = end_on_ready;
	assert_int_equal(tls_accept(c->server.loop, f, server_context, (str){ bytes, n }), OK);
}

static void on_listener(struct io_file *f, unsigned ready)
{
	struct couple *c = container_of(f, struct couple, listener);
	struct net_address peer;

	if (net_accept(c->server.loop, f, &c->server.file, &peer) != OK)
		return;
	c->server.file.on_ready = c->n_before ? on_before : end_on_ready;
	assert_true(loop_watch(c->server.loop, &c->server.file, LOOP_READ));
	if (!c->n_before)
		assert_int_equal(tls_accept(c->server.loop, &c->server.file, server_context, S("")),
				 OK);
}

static void couple_step(struct couple *c)
{
	if (c->sim)
		sim_step(c->sim);
	else
		loop_turn(c->server.loop, 1000);
}

static void couple_run(struct couple *c)
{
	for (int i = 0; i < 2000000; i++) {
		if (end_is_over(&c->client) && end_is_over(&c->server))
			return;
		couple_step(c);
	}
	fail_msg("no end: server %zu of %zu sent, client %zu of %zu", c->server.sent,
		 c->server.to_send, c->client.sent, c->client.to_send);
}

static void on_connected(struct io_file *f, unsigned ready)
{
	struct couple *c = container_of(f, struct couple, client.file);
	int why = 0;

	if (net_connect_result(c->client.loop, f, &why) == ERR_AGAIN)
		return;
	f->on_ready = end_on_ready;
	testing_connect(c->client.loop, f, c->client_context);
	end_on_ready(f, LOOP_WRITE);
}

static void couple_open_on(struct couple *c, struct sim *sim, struct loop *of_server,
			   struct loop *of_client, struct tls_context *client_context)
{
	int why = 0;

	*c = (struct couple){ .sim = sim, .client_context = client_context };
	c->server = (struct end){ .file = { .fd = -1, .on_ready = end_on_ready }, .chance = sim };
	c->client = c->server;
	c->client.is_client = true;
	c->listener = (struct io_file){ .fd = -1, .on_ready = on_listener };
	c->server.loop = of_server;
	c->client.loop = of_client;
	assert_true(net_address_parse(S("127.0.0.1"), 0, &c->address));
	assert_int_equal(net_listen(c->server.loop, &c->listener, &c->address, &why), OK);
	assert_true(loop_watch(c->server.loop, &c->listener, LOOP_READ));
	c->client.file.on_ready = on_connected;
	assert_int_equal(net_connect(c->client.loop, &c->client.file, &c->address, &why), OK);
	assert_true(loop_watch(c->client.loop, &c->client.file, LOOP_WRITE));
}

static void couple_open(struct couple *c, struct sim *sim, struct tls_context *client_context)
{
	struct loop *l = sim ? sim_loop_new(sim) : loop_new_kernel();

	couple_open_on(c, sim, l, sim ? sim_loop_new(sim) : l, client_context);
}

static void couple_close_files(struct couple *c)
{
	net_close(c->server.loop, &c->server.file);
	net_close(c->client.loop, &c->client.file);
	net_close(c->server.loop, &c->listener);
}

static void couple_close(struct couple *c)
{
	couple_close_files(c);
	if (c->client.loop != c->server.loop)
		loop_free(c->client.loop);
	loop_free(c->server.loop);
}

static void couple_expect_all(const struct couple *c)
{
	if (c->server.failed != OK || c->client.failed != OK)
		fail_msg("server: %s; client: %s", c->server.reason ? c->server.reason : "-",
			 c->client.reason ? c->client.reason : "-");
	assert_int_equal(c->server.received, c->client.to_send);
	assert_int_equal(c->client.received, c->server.to_send);
}

static void every_byte_arrives_however_the_network_cuts_and_delays_them(void **state)
{
	for (unsigned seed = 0; seed < 40; seed++) {
		int version = seed % 3 ? TLS1_3_VERSION : TLS1_2_VERSION;
		struct tls_context *context = testing_client_context(version);
		struct sim_options rough = sim_options_rough();
		struct sim *sim = sim_new(seed, &rough);
		struct couple c;

		couple_open(&c, sim, context);
		c.client.to_send = 1 + (size_t)sim_random(sim, seed % 2 ? 150000 : 300);
		c.server.to_send = 1 + (size_t)sim_random(sim, seed % 5 ? 150000 : 300);
		couple_run(&c);
		couple_expect_all(&c);
		couple_close(&c);
		sim_free(sim);
		tls_context_unref(context);
	}
}

static void every_byte_arrives_over_real_sockets(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct tls_context *context = testing_client_context(versions[i]);
		struct couple c;

		couple_open(&c, NULL, context);
		c.client.to_send = 4000000;
		c.server.to_send = 3000001;
		couple_run(&c);
		couple_expect_all(&c);
		assert_string_equal(SSL_get_version(c.server.file.tls->ssl),
				    i ? "TLSv1.3" : "TLSv1.2");
		assert_int_equal(c.server.file.tls->is_kernels,
				 tls_context_uses_kernel(server_context));
		couple_close(&c);
		tls_context_unref(context);
	}
}

/* One record is 16 KiB: after the first byte of it epoll has nothing more to tell. */
static void bytes_that_are_decrypted_already_keep_the_file_readable(void **state)
{
	struct tls_context *context = testing_client_context(TLS1_3_VERSION);
	struct couple c;

	couple_open(&c, NULL, context);
	c.client.to_send = 20000;
	c.server.to_send = 1;
	c.server.read_max = 7;
	couple_run(&c);
	couple_expect_all(&c);
	couple_close(&c);
	tls_context_unref(context);
}

static void who_stops_reading_is_called_again_when_it_resumes(void **state)
{
	struct tls_context *context = testing_client_context(TLS1_3_VERSION);
	struct couple c;
	unsigned n_calls;

	couple_open(&c, NULL, context);
	c.client.to_send = 1000;
	c.server.to_send = 1;
	c.server.read_max = 10;
	c.client.has_shut = true; /* its end would be a hang-up, which nobody can pause */
	while (c.server.received < 10)
		couple_step(&c);
	c.server.is_paused = true;
	end_watch(&c.server);
	while (c.client.received == 0)
		couple_step(&c);
	n_calls = c.server.n_calls;
	for (int i = 0; i < 20; i++)
		loop_turn(c.server.loop, 2);
	assert_int_equal(c.server.n_calls, n_calls);
	assert_true(c.server.received < 1000);
	c.server.is_paused = false;
	end_watch(&c.server);
	while (c.server.received < 1000)
		couple_step(&c);
	c.client.has_shut = false;
	end_watch(&c.client);
	couple_run(&c);
	couple_expect_all(&c);
	couple_close(&c);
	tls_context_unref(context);
}

static void who_does_not_read_holds_one_record_of_ours_at_most(void **state)
{
	struct tls_context *context = testing_client_context(TLS1_3_VERSION);
	struct sim_options calm = sim_options_calm();
	struct sim *sim = sim_new(1, &calm);
	struct couple c;
	int64_t live;

	couple_open(&c, sim, context);
	c.client.to_send = 1;
	c.server.to_send = 1000000;
	c.client.is_paused = true;
	live = mem_live_bytes();
	for (int i = 0; i < 10000; i++)
		sim_step(sim);
	assert_true(c.server.sent > 0 && c.server.sent < 300000);
	assert_int_equal(net_flush(c.server.loop, &c.server.file), ERR_AGAIN);
	/* Two rings of 64 KiB are the world's. */
	assert_true(mem_live_bytes() - live < 2 * 65536 + 64 * 1024);
	c.client.is_paused = false;
	end_watch(&c.client);
	couple_run(&c);
	couple_expect_all(&c);
	couple_close(&c);
	sim_free(sim);
	tls_context_unref(context);
}

/* TLS 1.3, whose keys can be changed, in a rough world and between sockets of the kernel. */
static void in_both_worlds(void (*scene)(struct couple *c, bool is_kernel))
{
	static const bool of_kernel[] = { false, true };

	for (size_t i = 0; i < ARRAY_LEN(of_kernel); i++) {
		struct tls_context *context = testing_client_context(TLS1_3_VERSION);
		struct sim_options rough = sim_options_rough();
		struct sim *sim = of_kernel[i] ? NULL : sim_new(1, &rough);
		struct couple c;

		couple_open(&c, sim, context);
		scene(&c, of_kernel[i]);
		couple_close(&c);
		if (sim)
			sim_free(sim);
		tls_context_unref(context);
	}
}

static void want_new_keys(struct end *client)
{
	assert_int_equal(SSL_key_update(client->file.tls->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
}

static void change_keys_in_the_middle(struct couple *c, bool is_kernel)
{
	c->client.to_send = c->server.to_send = is_kernel ? 12000000 : 300000;
	while (c->client.sent < 100000)
		couple_step(c);
	assert_false(c->client.has_shut);
	want_new_keys(&c->client);
	couple_run(c);
	if (is_kernel && tls_context_uses_kernel(server_context))
		assert_int_equal(c->server.failed, ERR_IO);
	else
		couple_expect_all(c);
}

/* A client that asks for new keys in the middle. Those of the kernel cannot be changed: it is
 * ended then, and nothing wrong arrives. */
static void who_wants_new_keys_gets_them_or_is_ended(void **state)
{
	in_both_worlds(change_keys_in_the_middle);
}

static void change_keys_after_the_end(struct couple *c, bool is_kernel)
{
	c->client.to_send = c->server.to_send = 1;
	c->client.has_shut = true;
	while (!c->client.is_ended)
		couple_step(c);
	assert_true(c->server.has_shut);
	for (int n = 0; n < 2; n++) {
		want_new_keys(&c->client);
		c->client.to_send += 100;
		end_send(&c->client);
	}
	while (c->server.received < c->client.to_send && c->server.failed == OK)
		couple_step(c);
	assert_int_equal(c->server.failed, OK);
}

/* What TLS would answer, OpenSSL with the second one, has no way any more; the words behind it are
 * read all the same. */
static void who_wants_new_keys_after_our_end_is_read_on(void **state)
{
	in_both_worlds(change_keys_after_the_end);
}

/* Nothing that its owner would see comes of them: they must not keep the loop from the others. */
static void a_flood_of_new_keys_is_taken_bit_by_bit(void **state)
{
	enum { TIMES = 8000, BYTES_MAX = 64 * 1024 };
	struct tls_context *context = testing_client_context(TLS1_3_VERSION);
	uint64_t before;
	struct couple c;
	char byte;
	size_t n;

	couple_open(&c, NULL, context);
	c.client.to_send = c.server.to_send = 1;
	c.client.has_shut = c.server.has_shut = true;
	while (c.client.received + c.server.received < 2)
		couple_step(&c);
	for (int i = 0; i < TIMES && c.client.file.tls->rest.len == 0; i++) {
		SSL *ssl = c.client.file.tls->ssl;

		assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(ssl), 1);
	}
	before = BIO_number_read(SSL_get_rbio(c.server.file.tls->ssl));
	for (uint64_t all = 0, now; all < (uint64_t)2 * BYTES_MAX; all += now) {
		assert_int_equal(net_recv(c.server.loop, &c.server.file, &byte, 1, &n), ERR_AGAIN);
		now = BIO_number_read(SSL_get_rbio(c.server.file.tls->ssl)) - before;
		before += now;
		assert_in_range(now, 1, BYTES_MAX);
	}
	couple_close(&c);
	tls_context_unref(context);
}

/* A handshake that must fail, at both ends. */
static unsigned count_begun(const struct couple *couples, unsigned n)
{
	unsigned n_begun = 0;

	for (unsigned i = 0; i < n; i++)
		n_begun += !SSL_in_before(couples[i].server.file.tls->ssl);
	return n_begun;
}

static bool are_shaken(const struct couple *couples, unsigned n)
{
	while (n > 0)
		if (!couples[--n].client.is_shaken)
			return false;
	return true;
}

static void a_crowd_of_newcomers_shakes_hands_over_many_turns(void **state)
{
	enum { CROWD = 50, FEW = 16 };
	struct tls_context *context = testing_client_context(TLS1_3_VERSION);
	struct loop *server = loop_new_kernel(), *client = loop_new_kernel();
	struct couple crowd[CROWD];
	unsigned n_begun = 0, n_turns = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		couple_open_on(&crowd[i], NULL, server, client, context);
		loop_turn(server, 0);
	}
	loop_turn(client, 0);
	for (; n_begun < CROWD; n_turns++) {
		unsigned before = n_begun;

		loop_turn(server, 1000);
		n_begun = count_begun(crowd, CROWD);
		assert_in_range(n_begun - before, 1, FEW);
	}
	assert_int_equal(n_turns, CROWD / FEW + 1);
	for (; !are_shaken(crowd, CROWD); loop_turn(client, 0))
		loop_turn(server, 0);
	for (unsigned i = 0; i < CROWD; i++)
		couple_close_files(&crowd[i]);
	loop_free(client);
	loop_free(server);
	tls_context_unref(context);
}

static void expect_failure(struct tls_context *context, const char *of_server,
			   const char *of_client)
{
	struct couple c;

	couple_open(&c, NULL, context);
	c.client.to_send = c.server.to_send = 1;
	couple_run(&c);
	assert_int_equal(c.client.received + c.server.received, 0);
	assert_non_null(c.server.reason);
	assert_non_null(c.client.reason);
	assert_string_equal(c.server.reason, of_server);
	assert_string_equal(c.client.reason, of_client);
	couple_close(&c);
	tls_context_unref(context);
}

static void old_versions_and_other_protocols_are_refused_by_name(void **state)
{
	struct tls_context *old = testing_client_context(TLS1_1_VERSION);
	struct tls_context *h2 = testing_client_context(TLS1_3_VERSION);

	SSL_CTX_set_security_level(old->ssl, 0);
	SSL_CTX_set_cipher_list(old->ssl, "ALL");
	SSL_CTX_set_alpn_protos(h2->ssl, (const unsigned char *)"\x02h2", 3);
	expect_failure(old, "unsupported protocol", "tlsv1 alert protocol version");
	expect_failure(h2, "no application protocol", "tlsv1 alert no application protocol");
}

/* What a peer that speaks no TLS gets to read until the end. */
static void expect_answer(const char *said, const char *answer)
{
	struct sim_options rough = sim_options_rough();
	struct sim *sim = sim_new(5, &rough);
	struct sim_peer *peer;
	size_t n_said = 0, n = 0;
	char bytes[64];
	struct couple c;

	couple_open(&c, sim, server_context);
	net_close(c.client.loop, &c.client.file);
	peer = sim_peer_connect(sim, &(struct sim_peer_init){ .to = c.address });
	for (int i = 0; i < 2000 && sim_peer_state(peer) <= SIM_PEER_OPEN; i++) {
		n_said += sim_peer_write(peer, said + n_said, strlen(said) - n_said);
		n += sim_peer_read(peer, bytes + n, sizeof(bytes) - n);
		sim_step(sim);
	}
	assert_str(((str){ bytes, n }), str_from_cstr(answer));
	assert_int_equal(c.server.failed, ERR_IO);
	assert_non_null(c.server.reason);
	couple_close(&c);
	sim_free(sim);
}

static void plain_http_is_answered_in_plain(void **state)
{
	expect_answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain");
	expect_answer("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "plain");
}

static void bytes_that_were_received_before_belong_to_the_handshake(void **state)
{
	static const size_t n_before[] = { 1, 5, 100, 4096 };

	for (size_t i = 0; i < ARRAY_LEN(n_before); i++) {
		struct tls_context *context = testing_client_context(TLS1_3_VERSION);
		struct couple c;

		couple_open(&c, NULL, context);
		c.n_before = n_before[i];
		c.client.to_send = c.server.to_send = 20000;
		couple_run(&c);
		couple_expect_all(&c);
		couple_close(&c);
		tls_context_unref(context);
	}
}

static int make_pair(void **state)
{
	testing_pair_make(&pair, TESTING_EC, TESTING_PKCS8, 30);
	server_context = testing_context(&pair);
	return 0;
}

static int remove_pair(void **state)
{
	tls_context_unref(server_context);
	testing_pair_remove(&pair);
	return 0;
}

static int nothing_is_left(void **state)
{
	static int64_t before;

	before = before ? before : mem_live_bytes();
	return mem_live_bytes() == before ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, nothing_is_left, nothing_is_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_byte_arrives_however_the_network_cuts_and_delays_them),
		TEST(every_byte_arrives_over_real_sockets),
		TEST(bytes_that_are_decrypted_already_keep_the_file_readable),
		TEST(who_stops_reading_is_called_again_when_it_resumes),
		TEST(who_does_not_read_holds_one_record_of_ours_at_most),
		TEST(who_wants_new_keys_gets_them_or_is_ended),
		TEST(who_wants_new_keys_after_our_end_is_read_on),
		TEST(a_flood_of_new_keys_is_taken_bit_by_bit),
		TEST(a_crowd_of_newcomers_shakes_hands_over_many_turns),
		TEST(old_versions_and_other_protocols_are_refused_by_name),
		TEST(plain_http_is_answered_in_plain),
		TEST(bytes_that_were_received_before_belong_to_the_handshake),
	};

	return cmocka_run_group_tests(tests, make_pair, remove_pair);
}

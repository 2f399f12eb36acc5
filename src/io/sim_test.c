#include "io/sim.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/mailbox.h"
#include "io/offload.h"

/* A server that sends back what it gets, on any number of loops. */

struct echo_server;

struct echo_conn {
	struct io_file file;
	struct loop_deferred gone;
	struct echo_server *server;
	struct echo_conn *next, **at;
	char bytes[256];
	size_t n; /* not sent back yet */
	bool is_ended;
};

struct echo_server {
	struct io_file listener;
	struct loop *loop;
	struct echo_conn *conns;
	unsigned n_accepted, n_limit, n_again, n_reset;
};

static void echo_free(struct loop_deferred *d)
{
	xfree(container_of(d, struct echo_conn, gone));
}

static void echo_close(struct echo_conn *c)
{
	net_close(c->server->loop, &c->file);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->gone.run = echo_free;
	loop_defer(c->server->loop, &c->gone);
}

static bool echo_flush(struct echo_conn *c)
{
	struct net_span span = { c->bytes, c->n };
	size_t n = 0;
	err e;

	if (c->n == 0)
		return true;
	e = net_send(c->server->loop, &c->file, &span, 1, &n);
	if (e == ERR_IO)
		return false;
	if (e == ERR_AGAIN)
		c->server->n_again++;
	memmove(c->bytes, c->bytes + n, c->n - n);
	c->n -= n;
	return true;
}

static bool echo_fill(struct echo_conn *c)
{
	size_t n;
	err e;

	if (c->n > 0 || c->is_ended)
		return true;
	e = net_recv(c->server->loop, &c->file, c->bytes, sizeof(c->bytes), &n);
	if (e == ERR_IO)
		c->server->n_reset++;
	if (e != OK)
		return e == ERR_AGAIN;
	c->n = n;
	c->is_ended = n == 0;
	return true;
}

static void echo_on_ready(struct io_file *f, unsigned ready)
{
	struct echo_conn *c = container_of(f, struct echo_conn, file);

	if (!echo_fill(c) || !echo_flush(c) || (c->is_ended && c->n == 0)) {
		echo_close(c);
		return;
	}
	loop_watch(c->server->loop, f, c->n ? LOOP_WRITE : LOOP_READ);
}

static void echo_on_client(struct io_file *f, unsigned ready)
{
	struct echo_server *s = container_of(f, struct echo_server, listener);
	struct echo_conn *c = xnew(struct echo_conn);
	struct net_address from;
	err e = net_accept(s->loop, f, &c->file, &from);

	if (e != OK) {
		s->n_limit += e == ERR_LIMIT;
		xfree(c);
		return;
	}
	s->n_accepted++;
	c->server = s;
	c->file.on_ready = echo_on_ready;
	c->next = s->conns;
	c->at = &s->conns;
	if (c->next)
		c->next->at = &c->next;
	s->conns = c;
	loop_watch(s->loop, &c->file, LOOP_READ);
}

static struct net_address address(uint16_t port)
{
	struct net_address a;

	assert_true(net_address_parse(S("127.0.0.1"), port, &a));
	return a;
}

static void echo_start(struct echo_server *s, struct sim *sim, uint16_t port)
{
	struct net_address a;
	int why;

	assert_true(net_address_parse(S("0.0.0.0"), port, &a));
	*s = (struct echo_server){ .loop = sim_loop_new(sim) };
	s->listener.on_ready = echo_on_client;
	assert_int_equal(net_listen(s->loop, &s->listener, &a, &why), OK);
	loop_watch(s->loop, &s->listener, LOOP_READ);
}

static void echo_stop(struct echo_server *s)
{
	while (s->conns)
		echo_close(s->conns);
	net_close(s->loop, &s->listener);
	loop_free(s->loop);
}

/* A client that writes numbered bytes and expects them back. */

enum { CLIENT_BYTES = 20000 };

struct client {
	struct sim_peer *peer;
	size_t n_written, n_read;
	bool is_ended, is_reset, is_wrong, is_refused;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 251);
}

static void client_write(struct client *c)
{
	uint8_t bytes[700];
	size_t n = CLIENT_BYTES - c->n_written < sizeof(bytes) ? CLIENT_BYTES - c->n_written :
								 sizeof(bytes);

	for (size_t i = 0; i < n; i++)
		bytes[i] = byte_at(c->n_written + i);
	n = sim_peer_write(c->peer, bytes, n);
	c->n_written += n;
}

static void client_read(struct client *c)
{
	uint8_t bytes[300];
	size_t n;

	while ((n = sim_peer_read(c->peer, bytes, sizeof(bytes))) > 0)
		for (size_t i = 0; i < n; i++)
			c->is_wrong |= bytes[i] != byte_at(c->n_read++);
}

static void client_on_change(struct sim_peer *p)
{
	struct client *c = sim_peer_user(p);

	client_read(c);
	client_write(c);
	c->is_ended = sim_peer_state(p) == SIM_PEER_ENDED;
	c->is_reset = sim_peer_state(p) == SIM_PEER_RESET;
	c->is_refused = sim_peer_state(p) == SIM_PEER_REFUSED;
	if (c->n_written == CLIENT_BYTES)
		sim_peer_shutdown(p);
}

static void client_start(struct client *c, struct sim *s, uint16_t port)
{
	struct sim_peer_init init = { .to = address(port),
				      .on_change = client_on_change,
				      .user = c };

	*c = (struct client){ 0 };
	c->peer = sim_peer_connect(s, &init);
}

static void settle(struct sim *s)
{
	assert_true(sim_settle(s, 1000000));
}

static void sim_delivers_all_bytes_in_order_however_they_are_cut(void **state)
{
	struct sim_options rough = sim_options_rough();

	for (uint64_t seed = 0; seed < 50; seed++) {
		int64_t live = mem_live_bytes();
		struct sim *s = sim_new(seed, &rough);
		struct echo_server server;
		struct client clients[5];

		echo_start(&server, s, 6001);
		for (size_t i = 0; i < ARRAY_LEN(clients); i++)
			client_start(&clients[i], s, 6001);
		settle(s);
		for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
			assert_int_equal(clients[i].n_read, CLIENT_BYTES);
			assert_false(clients[i].is_wrong);
			assert_true(clients[i].is_ended);
		}
		assert_null(server.conns);
		echo_stop(&server);
		sim_free(s);
		assert_int_equal(mem_live_bytes(), live);
	}
}

/* A run with everything in it. */
static uint64_t busy_run(uint64_t seed)
{
	struct sim_options rough = sim_options_rough();
	int64_t live = mem_live_bytes();
	struct sim *s = sim_new(seed, &rough);
	struct echo_server servers[3];
	struct client clients[12];
	uint64_t hash;

	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		echo_start(&servers[i], s, 6001);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		client_start(&clients[i], s, 6001);
	for (unsigned i = 0; i < 3000 && sim_step(s); i++)
		if (i % 500 == 499)
			sim_reset_any(s);
	settle(s);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		assert_false(clients[i].is_wrong);
		assert_true(clients[i].is_reset || clients[i].n_read == CLIENT_BYTES);
	}
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		echo_stop(&servers[i]);
	hash = sim_trace_hash(s);
	sim_free(s);
	assert_int_equal(mem_live_bytes(), live);
	return hash;
}

static void sim_same_seed_is_the_same_run_and_another_is_not(void **state)
{
	uint64_t hash = busy_run(1);

	assert_int_equal(busy_run(1), hash);
	assert_int_not_equal(busy_run(2), hash);
}

static void sim_connections_spread_over_listeners_of_one_address(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(1, &calm);
	struct echo_server servers[2];
	struct client clients[40];

	echo_start(&servers[0], s, 6001);
	echo_start(&servers[1], s, 6001);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		client_start(&clients[i], s, 6001);
	settle(s);
	assert_int_equal(servers[0].n_accepted + servers[1].n_accepted, 40);
	assert_in_range(servers[0].n_accepted, 5, 35);
	echo_stop(&servers[0]);
	echo_stop(&servers[1]);
	sim_free(s);
}

/* The server's end of one connection, by hand. */
struct hand {
	struct sim *sim;
	struct loop *loop;
	struct io_file listener, file;
	unsigned ready;
	struct sim_peer *peer;
};

static void hand_on_ready(struct io_file *f, unsigned ready)
{
	container_of(f, struct hand, file)->ready |= ready;
}

static void hand_on_client(struct io_file *f, unsigned ready)
{
	struct hand *h = container_of(f, struct hand, listener);
	struct net_address from;

	assert_int_equal(net_accept(h->loop, f, &h->file, &from), OK);
	h->file.on_ready = hand_on_ready;
	loop_watch(h->loop, &h->file, 0);
}

static void hand_start(struct hand *h, const struct sim_options *o)
{
	struct net_address a = address(80);
	int why;

	*h = (struct hand){ .sim = sim_new(1, o), .file.fd = -1 };
	h->loop = sim_loop_new(h->sim);
	h->listener.on_ready = hand_on_client;
	assert_int_equal(net_listen(h->loop, &h->listener, &a, &why), OK);
	loop_watch(h->loop, &h->listener, LOOP_READ);
	h->peer = sim_peer_connect(h->sim, &(struct sim_peer_init){ .to = a });
	assert_int_equal(sim_peer_state(h->peer), SIM_PEER_CONNECTING);
	settle(h->sim);
	assert_int_equal(sim_peer_state(h->peer), SIM_PEER_OPEN);
	assert_true(h->file.fd >= 0);
}

static void hand_stop(struct hand *h)
{
	net_close(h->loop, &h->file);
	net_close(h->loop, &h->listener);
	loop_free(h->loop);
	sim_free(h->sim);
}

static err hand_send(struct hand *h, str bytes, size_t *n)
{
	struct net_span span = { bytes.p, bytes.n };

	return net_send(h->loop, &h->file, &span, 1, n);
}

/* While the loop is watched for these events: which come? The handler does nothing, so they
 * stay. */
static unsigned hand_ready(struct hand *h, unsigned events)
{
	loop_watch(h->loop, &h->file, events);
	for (unsigned i = 0; i < 20; i++)
		sim_step(h->sim);
	h->ready = 0;
	for (unsigned i = 0; i < 20; i++)
		sim_step(h->sim);
	loop_watch(h->loop, &h->file, 0);
	return h->ready;
}

static void sim_full_buffer_is_again_and_then_write(void **state)
{
	struct sim_options o = sim_options_calm();
	struct hand h;
	char bytes[100] = { 1 };
	size_t n;

	o.buffer_bytes_min = o.buffer_bytes_max = 100;
	hand_start(&h, &o);
	assert_int_equal(hand_send(&h, (str){ bytes, 60 }, &n), OK);
	assert_int_equal(n, 60);
	assert_int_equal(hand_send(&h, (str){ bytes, 60 }, &n), OK);
	assert_int_equal(n, 40);
	assert_int_equal(hand_send(&h, (str){ bytes, 20 }, &n), ERR_AGAIN);
	assert_int_equal(hand_ready(&h, LOOP_WRITE), 0);
	assert_int_equal(sim_peer_read(h.peer, bytes, 30), 30);
	assert_int_equal(hand_ready(&h, LOOP_WRITE), LOOP_WRITE);
	assert_int_equal(hand_send(&h, (str){ bytes, 60 }, &n), OK);
	assert_int_equal(n, 30);
	hand_stop(&h);
}

static void sim_paused_peer_fills_its_buffer_and_loses_nothing(void **state)
{
	struct sim_options o = sim_options_calm();
	struct hand h;
	char bytes[200] = { 1 };
	size_t n;

	o.buffer_bytes_min = o.buffer_bytes_max = 100;
	hand_start(&h, &o);
	sim_peer_pause(h.peer, true);
	assert_int_equal(hand_send(&h, (str){ bytes, 200 }, &n), OK);
	assert_int_equal(n, 100);
	settle(h.sim);
	assert_int_equal(sim_peer_read(h.peer, bytes, 200), 0);
	assert_int_equal(hand_send(&h, (str){ bytes, 1 }, &n), ERR_AGAIN);
	sim_peer_pause(h.peer, false);
	assert_int_equal(sim_peer_read(h.peer, bytes, 200), 100);
	hand_stop(&h);
}

static void sim_reset_by_the_peer_is_an_io_error(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	char bytes[10];
	size_t n;

	hand_start(&h, &calm);
	sim_peer_reset(h.peer);
	assert_int_equal(hand_ready(&h, LOOP_READ), LOOP_READ | LOOP_HANGUP);
	assert_int_equal(net_recv(h.loop, &h.file, bytes, 10, &n), ERR_IO);
	assert_int_equal(hand_send(&h, S("x"), &n), ERR_IO);
	hand_stop(&h);
}

static void sim_half_close_is_an_end_and_the_other_half_goes_on(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	char bytes[10];
	size_t n;

	hand_start(&h, &calm);
	assert_int_equal(sim_peer_write(h.peer, "abc", 3), 3);
	sim_peer_shutdown(h.peer);
	assert_int_equal(sim_peer_write(h.peer, "d", 1), 0);
	assert_int_equal(hand_ready(&h, LOOP_READ), LOOP_READ);
	assert_int_equal(net_recv(h.loop, &h.file, bytes, 10, &n), OK);
	assert_int_equal(n, 3);
	assert_int_equal(net_recv(h.loop, &h.file, bytes, 10, &n), OK);
	assert_int_equal(n, 0);
	assert_int_equal(hand_send(&h, S("xyz"), &n), OK);
	net_shutdown(h.loop, &h.file);
	assert_int_equal(hand_ready(&h, 0), LOOP_HANGUP);
	assert_int_equal(sim_peer_state(h.peer), SIM_PEER_OPEN);
	assert_int_equal(sim_peer_read(h.peer, bytes, 10), 3);
	assert_int_equal(sim_peer_state(h.peer), SIM_PEER_ENDED);
	hand_stop(&h);
}

static void sim_close_with_unread_bytes_resets_the_peer(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	size_t n;

	hand_start(&h, &calm);
	sim_peer_write(h.peer, "unread", 6);
	settle(h.sim);
	assert_int_equal(hand_send(&h, S("goodbye"), &n), OK);
	net_close(h.loop, &h.file);
	settle(h.sim);
	assert_int_equal(sim_peer_read(h.peer, (char[10]){ 0 }, 10), 7); /* calm: nothing is lost */
	assert_int_equal(sim_peer_state(h.peer), SIM_PEER_RESET);
	hand_stop(&h);
}

static void sim_bytes_to_a_closed_peer_reset_the_sender(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	size_t n;

	hand_start(&h, &calm);
	sim_peer_close(h.peer);
	settle(h.sim);
	assert_int_equal(net_recv(h.loop, &h.file, (char[1]){ 0 }, 1, &n), OK);
	assert_int_equal(n, 0);
	assert_int_equal(hand_send(&h, S("x"), &n), OK);
	sim_run_ms(h.sim, 1); /* not quiet: the hang-up is reported until the close */
	assert_int_equal(hand_send(&h, S("x"), &n), ERR_IO);
	hand_stop(&h);
}

static void sim_connect_to_nobody_is_refused(void **state)
{
	struct sim_options rough = sim_options_rough();
	struct sim *s = sim_new(9, &rough);
	struct loop *l = sim_loop_new(s);
	struct net_address to = address(1);
	struct io_file f = { 0 };
	struct client c;
	int why;

	client_start(&c, s, 1);
	assert_int_equal(net_connect(l, &f, &to, &why), OK);
	assert_int_equal(net_connect_result(l, &f, &why), ERR_AGAIN);
	settle(s);
	assert_true(c.is_refused);
	assert_int_equal(net_connect_result(l, &f, &why), ERR_IO);
	net_close(l, &f);
	loop_free(l);
	sim_free(s);
}

static void sim_closed_listener_resets_those_who_wait(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(9, &calm);
	struct loop *l = sim_loop_new(s);
	struct net_address a = address(80);
	struct io_file f = { 0 };
	struct client c;
	int why;

	assert_int_equal(net_listen(l, &f, &a, &why), OK);
	client_start(&c, s, 80);
	settle(s);
	assert_int_equal(sim_peer_state(c.peer), SIM_PEER_OPEN);
	net_close(l, &f);
	settle(s);
	assert_true(c.is_reset);
	loop_free(l);
	sim_free(s);
}

static void sim_out_of_descriptors_is_a_limit(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(4, &calm);
	struct echo_server server;
	struct client clients[3];
	struct net_address to = address(6001);
	struct io_file f = { 0 };
	int why;

	echo_start(&server, s, 6001);
	sim_limit_files(server.loop, 3);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i].peer = sim_peer_connect(s, &(struct sim_peer_init){ .to = to });
	settle(s);
	assert_int_equal(server.n_accepted, 2);
	assert_int_equal(server.n_limit, 1);
	assert_int_equal(net_connect(server.loop, &f, &to, &why), ERR_LIMIT);
	echo_stop(&server);
	sim_free(s);
}

static void sim_shared_unix_listener_hands_its_queue_over(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(4, &calm);
	struct loop *a = sim_loop_new(s), *b = sim_loop_new(s);
	struct io_file first = { 0 }, second = { 0 }, f = { 0 };
	struct net_address from;
	struct sim_peer *peer;
	int why;

	assert_int_equal(net_listen_unix(a, &first, S("/run/x"), 0660, &why), OK);
	assert_int_equal(net_listen_unix(b, &second, S("/run/x"), 0660, &why), ERR_EXISTS);
	assert_int_equal(net_listen_share(b, &second, &first), OK);
	peer = sim_peer_connect(s, &(struct sim_peer_init){ .unix_path = S("/run/x") });
	settle(s);
	net_close(a, &first);
	assert_int_equal(net_accept(b, &second, &f, &from), OK);
	assert_int_equal(from.family, NET_UNIX);
	assert_int_equal(sim_peer_state(peer), SIM_PEER_OPEN);
	net_close(b, &f);
	net_close(b, &second);
	loop_free(a);
	loop_free(b);
	sim_free(s);
}

/* Mail between loops of one world. */

struct receiver {
	struct mailbox *box;
	uint64_t next;
};

static bool receive(void *ctx)
{
	struct receiver *r = ctx;

	for (struct mail_batch *b = mailbox_take(r->box); b; b = mail_batch_done(b)) {
		const struct mail *m;
		size_t at = 0;

		while ((m = mail_batch_next(b, &at)))
			assert_int_equal(m->record[0], r->next++);
	}
	return false;
}

static void sim_mail_wakes_its_loop(void **state)
{
	struct sim_options rough = sim_options_rough();
	struct sim *s;
	struct receiver r = { 0 };
	struct outbox out;
	struct loop *l;

	rough.early_wake_percent = 0;
	s = sim_new(4, &rough);
	l = sim_loop_new(s);
	r.box = mailbox_new(l, 1000);
	loop_on_turn_end(l, receive, &r);
	outbox_init(&out, r.box);
	for (uint64_t i = 0; i < 100; i++) {
		*(uint64_t *)outbox_add(&out, 1, 8) = i;
		assert_true(outbox_flush(&out));
		if (i % 3 == 1)
			sim_step(s);
		if (i > 0)
			continue;
		settle(s);
		assert_int_equal(r.next, 1);
	}
	settle(s);
	assert_int_equal(r.next, 100);
	outbox_fini(&out);
	mailbox_free(r.box);
	loop_free(l);
	sim_free(s);
}

struct job {
	struct offload_job base;
	bool is_worked, is_done;
};

static void job_work(struct offload_job *j)
{
	container_of(j, struct job, base)->is_worked = true;
}

static void job_done(struct offload_job *j)
{
	assert_true(container_of(j, struct job, base)->is_worked);
	container_of(j, struct job, base)->is_done = true;
}

static void sim_offloads_in_virtual_time_and_drops_what_has_not_begun(void **state)
{
	struct sim_options rough = sim_options_rough();
	int64_t live = mem_live_bytes();
	struct sim *s = sim_new(4, &rough);
	struct loop *l = sim_loop_new(s);
	struct offload *o = offload_new(2, 3);
	struct job jobs[4];

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i] = (struct job){ .base = { .work = job_work, .done = job_done } };
		assert_int_equal(offload_run(o, l, &jobs[i].base), i < 3);
	}
	assert_false(jobs[0].is_worked);
	settle(s);
	assert_true(jobs[0].is_done && jobs[1].is_done && jobs[2].is_done);
	assert_false(jobs[3].is_worked);
	assert_true(offload_run(o, l, &jobs[3].base));
	offload_free(o);
	settle(s);
	assert_false(jobs[3].is_worked);
	loop_free(l);
	sim_free(s);
	assert_int_equal(mem_live_bytes(), live);
}

static void sim_loop_paused_serves_no_files(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;

	hand_start(&h, &calm);
	loop_watch(h.loop, &h.file, LOOP_READ);
	loop_pause_files(h.loop, true);
	sim_peer_write(h.peer, "x", 1);
	settle(h.sim);
	assert_int_equal(h.ready, 0);
	loop_pause_files(h.loop, false);
	assert_false(sim_quiet(h.sim));
	sim_step(h.sim);
	assert_int_equal(h.ready, LOOP_READ);
	hand_stop(&h);
}

static void sim_stalled_loop_has_no_turn_and_then_goes_on(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	uint64_t began_us;

	hand_start(&h, &calm);
	loop_watch(h.loop, &h.file, LOOP_READ);
	began_us = sim_now_us(h.sim);
	sim_stall_loop(h.loop, 3000);
	sim_peer_write(h.peer, "x", 1);
	sim_run_ms(h.sim, 2999);
	assert_int_equal(h.ready, 0);
	assert_false(sim_quiet(h.sim));
	for (unsigned i = 0; i < 10 && !h.ready; i++)
		sim_step(h.sim);
	assert_int_equal(h.ready, LOOP_READ);
	assert_in_range(sim_now_us(h.sim) - began_us, 3000000, 3001000);
	hand_stop(&h);
}

static void sim_wall_clock_is_set_and_time_leaps_apart_from_each_other(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(3, &calm);
	struct loop *l = sim_loop_new(s);
	struct clock before = *loop_clock(l);

	sim_set_wall_ms(s, before.wall_ms - 3600000);
	loop_turn(l, 0);
	assert_int_equal(loop_clock(l)->wall_ms, before.wall_ms - 3600000);
	assert_int_equal(loop_clock(l)->mono_ns, before.mono_ns);
	sim_leap_ms(s, 60000);
	loop_turn(l, 0);
	assert_int_equal(loop_clock(l)->wall_ms, before.wall_ms - 3540000);
	assert_int_equal(loop_clock(l)->mono_ns, before.mono_ns + UINT64_C(60000000000));
	loop_free(l);
	sim_free(s);
}

#ifdef SOCKUDO_UNLUCKY
static void sim_bad_luck_strikes_its_points_alone_and_loses_nothing(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct hand h;
	size_t n;

	hand_start(&h, &calm);
	sim_set_luck(h.sim, 1u << UNLUCKY_SEND_BYTE, 99);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(hand_send(&h, S("ab"), &n), OK);
		assert_int_equal(hand_send(&h, str_skip(S("ab"), n % 2), &n), OK);
	}
	assert_in_range(sim_luck_count(h.sim, UNLUCKY_SEND_BYTE).n_struck, 90, 200);
	assert_int_equal(sim_luck_count(h.sim, UNLUCKY_RECV_BYTE).n_struck, 0);
	hand_stop(&h);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sim_delivers_all_bytes_in_order_however_they_are_cut),
		cmocka_unit_test(sim_same_seed_is_the_same_run_and_another_is_not),
		cmocka_unit_test(sim_connections_spread_over_listeners_of_one_address),
		cmocka_unit_test(sim_full_buffer_is_again_and_then_write),
		cmocka_unit_test(sim_paused_peer_fills_its_buffer_and_loses_nothing),
		cmocka_unit_test(sim_reset_by_the_peer_is_an_io_error),
		cmocka_unit_test(sim_half_close_is_an_end_and_the_other_half_goes_on),
		cmocka_unit_test(sim_close_with_unread_bytes_resets_the_peer),
		cmocka_unit_test(sim_bytes_to_a_closed_peer_reset_the_sender),
		cmocka_unit_test(sim_connect_to_nobody_is_refused),
		cmocka_unit_test(sim_closed_listener_resets_those_who_wait),
		cmocka_unit_test(sim_out_of_descriptors_is_a_limit),
		cmocka_unit_test(sim_shared_unix_listener_hands_its_queue_over),
		cmocka_unit_test(sim_mail_wakes_its_loop),
		cmocka_unit_test(sim_offloads_in_virtual_time_and_drops_what_has_not_begun),
		cmocka_unit_test(sim_loop_paused_serves_no_files),
		cmocka_unit_test(sim_stalled_loop_has_no_turn_and_then_goes_on),
		cmocka_unit_test(sim_wall_clock_is_set_and_time_leaps_apart_from_each_other),
#ifdef SOCKUDO_UNLUCKY
		cmocka_unit_test(sim_bad_luck_strikes_its_points_alone_and_loses_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

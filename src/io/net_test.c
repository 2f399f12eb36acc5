#include "io/net.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void net_address_parses_literals_and_formats_them_back(void **state)
{
	static const struct {
		const char *ip, *text; /* text NULL: not an address */
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1:6001" },
		{ "0.0.0.0", "0.0.0.0:6001" },
		{ "255.255.255.255", "255.255.255.255:6001" },
		{ "::", "[::]:6001" },
		{ "::1", "[::1]:6001" },
		{ "2001:0DB8:0:0:0:0:0:1", "[2001:db8::1]:6001" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:6001" },
		{ "", NULL },
		{ "localhost", NULL },
		{ "127.0.0.1 ", NULL },
		{ "127.0.0", NULL },
		{ "256.0.0.1", NULL },
		{ "127.0.0.1:80", NULL },
		{ "[::1]", NULL },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2550000000000000000", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_address a;
		char text[NET_ADDRESS_TEXT_MAX];

		assert_row(net_address_parse(str_from_cstr(rows[i].ip), 6001, &a) == !!rows[i].text,
			   i);
		if (rows[i].text)
			assert_str(net_address_format(&a, text), str_from_cstr(rows[i].text));
	}
	assert_false(net_address_parse((str){ "127.0.0.1\0x", 11 }, 1, &(struct net_address){ 0 }));
}

static void net_address_is_comparable_bytewise(void **state)
{
	struct net_address a, b;

	memset(&a, 0xff, sizeof(a));
	memset(&b, 0x11, sizeof(b));
	assert_true(net_address_parse(S("10.0.0.1"), 5, &a));
	assert_true(net_address_parse(S("10.0.0.1"), 5, &b));
	assert_memory_equal(&a, &b, sizeof(a));
}

/* A server and a client on one loop, each with one connection, driven by hand. */
struct pair {
	struct loop *loop;
	struct net_address address, peer;
	struct io_file listener, server, client;
	unsigned listener_ready, server_ready, client_ready;
};

static void on_listener(struct io_file *f, unsigned ready)
{
	container_of(f, struct pair, listener)->listener_ready |= ready;
}

static void on_server(struct io_file *f, unsigned ready)
{
	container_of(f, struct pair, server)->server_ready |= ready;
}

static void on_client(struct io_file *f, unsigned ready)
{
	container_of(f, struct pair, client)->client_ready |= ready;
}

/* Turns until *ready has one of the events. */
static void await(struct pair *p, unsigned *ready, unsigned events)
{
	*ready = 0;
	for (int i = 0; i < 1000 && !(*ready & events); i++)
		loop_turn(p->loop, 1000);
	assert_true(*ready & events);
}

static void pair_listen(struct pair *p, const char *ip)
{
	int why = 0;

	*p = (struct pair){ .loop = loop_new_kernel() };
	p->listener = (struct io_file){ .fd = -1, .on_ready = on_listener };
	p->server = (struct io_file){ .fd = -1, .on_ready = on_server };
	p->client = (struct io_file){ .fd = -1, .on_ready = on_client };
	assert_true(net_address_parse(str_from_cstr(ip), 0, &p->address));
	assert_int_equal(net_listen(p->loop, &p->listener, &p->address, &why), OK);
	assert_int_not_equal(p->address.port, 0);
	assert_true(loop_watch(p->loop, &p->listener, LOOP_READ));
}

static void pair_connect(struct pair *p)
{
	int why = 0;

	assert_int_equal(net_connect(p->loop, &p->client, &p->address, &why), OK);
	assert_true(loop_watch(p->loop, &p->client, LOOP_WRITE));
	await(p, &p->client_ready, LOOP_WRITE);
	assert_int_equal(net_connect_result(p->loop, &p->client, &why), OK);
	await(p, &p->listener_ready, LOOP_READ);
	loop_watch(p->loop, &p->client, LOOP_READ);
}

static void pair_accept(struct pair *p)
{
	assert_int_equal(net_accept(p->loop, &p->listener, &p->server, &p->peer), OK);
	assert_true(loop_watch(p->loop, &p->server, LOOP_READ));
}

static void pair_open(struct pair *p, const char *ip)
{
	pair_listen(p, ip);
	pair_connect(p);
	pair_accept(p);
}

static void pair_close(struct pair *p)
{
	net_close(p->loop, &p->server);
	net_close(p->loop, &p->client);
	net_close(p->loop, &p->listener);
	loop_free(p->loop);
}

static void net_carries_bytes_both_ways_and_ends(void **state)
{
	static const char *const ips[] = { "127.0.0.1", "::1" };

	for (size_t i = 0; i < ARRAY_LEN(ips); i++) {
		struct net_span hello[] = { { "he", 2 }, { "", 0 }, { "llo", 3 } };
		struct pair p;
		char bytes[16];
		size_t n;

		pair_open(&p, ips[i]);
		assert_int_equal(p.peer.family, p.address.family);
		assert_memory_equal(p.peer.ip, p.address.ip, 16);
		assert_int_equal(net_accept(p.loop, &p.listener, &p.server, &p.peer), ERR_AGAIN);
		assert_int_equal(net_recv(p.loop, &p.server, bytes, 16, &n), ERR_AGAIN);
		assert_int_equal(net_send(p.loop, &p.client, hello, 3, &n), OK);
		assert_int_equal(n, 5);
		await(&p, &p.server_ready, LOOP_READ);
		assert_int_equal(net_recv(p.loop, &p.server, bytes, 16, &n), OK);
		assert_str(((str){ bytes, n }), S("hello"));
		net_shutdown(p.loop, &p.client);
		await(&p, &p.server_ready, LOOP_READ);
		assert_int_equal(net_recv(p.loop, &p.server, bytes, 16, &n), OK);
		assert_int_equal(n, 0);
		assert_int_equal(net_send(p.loop, &p.server, &(struct net_span){ "bye", 3 }, 1, &n),
				 OK);
		await(&p, &p.client_ready, LOOP_READ);
		assert_int_equal(net_recv(p.loop, &p.client, bytes, 16, &n), OK);
		assert_str(((str){ bytes, n }), S("bye"));
		pair_close(&p);
	}
}

static void net_sockets_do_not_delay_and_close_on_exec(void **state)
{
	struct pair p;

	pair_open(&p, "127.0.0.1");
	for (int i = 0; i < 2; i++) {
		int fd = i ? p.client.fd : p.server.fd, on = 0;
		socklen_t len = sizeof(on);

		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
		assert_true(on);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
	pair_close(&p);
}

static void net_full_socket_is_again_and_then_writable(void **state)
{
	static char bytes[65536];
	struct pair p;
	size_t n, sent = 0, got = 0;

	pair_open(&p, "127.0.0.1");
	while (net_send(p.loop, &p.server, &(struct net_span){ bytes, sizeof(bytes) }, 1, &n) == OK)
		sent += n;
	assert_int_equal(net_send(p.loop, &p.server, &(struct net_span){ bytes, 1 }, 1, &n),
			 ERR_AGAIN);
	loop_watch(p.loop, &p.server, LOOP_WRITE);
	p.server_ready = 0;
	while (!(p.server_ready & LOOP_WRITE)) {
		if (net_recv(p.loop, &p.client, bytes, sizeof(bytes), &n) == OK)
			got += n;
		loop_turn(p.loop, 1);
	}
	while (got < sent) {
		if (net_recv(p.loop, &p.client, bytes, sizeof(bytes), &n) == OK)
			got += n;
		else
			loop_turn(p.loop, 1);
	}
	assert_int_equal(got, sent);
	pair_close(&p);
}

static void net_reset_is_an_io_error_without_a_signal(void **state)
{
	struct linger at_once = { .l_onoff = 1 };
	struct pair p;
	size_t n;

	pair_open(&p, "127.0.0.1");
	assert_int_equal(setsockopt(p.client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
			 0);
	net_close(p.loop, &p.client);
	await(&p, &p.server_ready, LOOP_HANGUP);
	assert_int_equal(net_recv(p.loop, &p.server, (char[1]){ 0 }, 1, &n), ERR_IO);
	assert_int_equal(net_send(p.loop, &p.server, &(struct net_span){ "x", 1 }, 1, &n), ERR_IO);
	pair_close(&p);
}

static void net_connect_to_nobody_is_refused(void **state)
{
	struct pair p;
	int why = 0;
	err e;

	pair_listen(&p, "127.0.0.1");
	net_close(p.loop, &p.listener);
	e = net_connect(p.loop, &p.client, &p.address, &why);
	if (e == OK) {
		assert_true(loop_watch(p.loop, &p.client, LOOP_WRITE));
		await(&p, &p.client_ready, LOOP_HANGUP);
		e = net_connect_result(p.loop, &p.client, &why);
	}
	assert_int_equal(e, ERR_IO);
	assert_int_equal(why, ECONNREFUSED);
	pair_close(&p);
}

static void net_probe_sees_a_listener_that_would_share(void **state)
{
	struct pair p;
	struct io_file second = { .fd = -1, .on_ready = on_listener };
	int why = 0;

	pair_listen(&p, "127.0.0.1");
	assert_int_equal(net_listen_probe(p.loop, &p.address, &why), ERR_EXISTS);
	assert_int_equal(why, EADDRINUSE);
	assert_int_equal(net_listen(p.loop, &second, &p.address, &why), OK);
	net_close(p.loop, &second);
	net_close(p.loop, &p.listener);
	assert_int_equal(net_listen_probe(p.loop, &p.address, &why), OK);
	pair_close(&p);
}

/* The kernel keeps such a descriptor in its set unless it is told: the loop would spin over it. */
static void net_closed_duplicate_of_a_listener_is_forgotten(void **state)
{
	struct pair p;
	struct io_file second = { .fd = -1, .on_ready = on_listener };
	uint64_t start_ns;

	pair_listen(&p, "127.0.0.1");
	assert_int_equal(net_listen_share(p.loop, &second, &p.listener), OK);
	assert_int_not_equal(second.fd, p.listener.fd);
	net_close(p.loop, &p.listener);
	assert_true(loop_watch(p.loop, &second, 0));
	assert_int_equal(net_connect(p.loop, &p.client, &p.address, &(int){ 0 }), OK);
	assert_true(loop_watch(p.loop, &p.client, LOOP_WRITE));
	await(&p, &p.client_ready, LOOP_WRITE);
	loop_watch(p.loop, &p.client, 0);
	start_ns = loop_clock(p.loop)->mono_ns;
	loop_turn(p.loop, 20);
	assert_true(loop_clock(p.loop)->mono_ns - start_ns >= 15000000);
	assert_int_equal(p.listener_ready, 0);
	assert_int_equal(net_accept(p.loop, &second, &p.server, &p.peer), OK);
	net_close(p.loop, &second);
	pair_close(&p);
}

static void stop_listening_on(const char *ip)
{
	struct io_file late = { .fd = -1, .on_ready = on_client };
	struct pair p;

	pair_listen(&p, ip);
	assert_int_equal(net_connect(p.loop, &p.client, &p.address, &(int){ 0 }), OK);
	assert_true(loop_watch(p.loop, &p.client, LOOP_WRITE));
	await(&p, &p.client_ready, LOOP_WRITE);
	net_stop_listening(p.loop, &p.listener);
	assert_int_equal(net_connect(p.loop, &late, &p.address, &(int){ 0 }), OK);
	assert_int_equal(net_accept(p.loop, &p.listener, &p.server, &p.peer), OK);
	assert_int_equal(net_accept(p.loop, &p.listener, &p.server, &p.peer), ERR_AGAIN);
	assert_int_equal(net_connect_result(p.loop, &late, &(int){ 0 }), ERR_AGAIN);
	net_close(p.loop, &p.listener);
	assert_int_equal(net_connect_result(p.loop, &late, &(int){ 0 }), ERR_AGAIN);
	assert_int_equal(net_connect_result(p.loop, &p.client, &(int){ 0 }), OK);
	net_close(p.loop, &late);
	pair_close(&p);
}

static void net_stopped_listener_keeps_who_is_at_the_door_and_answers_nobody_else(void **state)
{
	stop_listening_on("127.0.0.1");
	stop_listening_on("::1");
}

static void net_out_of_descriptors_closes_the_client_and_goes_on(void **state)
{
	struct rlimit limit, none;
	struct pair p;
	size_t n;
	err e;

	pair_listen(&p, "127.0.0.1");
	pair_connect(&p);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)p.client.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	e = net_accept(p.loop, &p.listener, &p.server, &p.peer);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(e, ERR_LIMIT);
	await(&p, &p.client_ready, LOOP_READ);
	assert_int_equal(net_recv(p.loop, &p.client, (char[1]){ 0 }, 1, &n), OK);
	assert_int_equal(n, 0);
	net_close(p.loop, &p.client);
	pair_connect(&p);
	pair_accept(&p);
	pair_close(&p);
}

/* Unix sockets */

static char folder[64];
static char path_text[96];

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/sockudo-net-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path_text, sizeof(path_text), "%s/listener", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path_text);
	return rmdir(folder);
}

static int connect_to_path(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, path_text, strlen(path_text));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void net_unix_listener_has_its_mode_and_takes_clients(void **state)
{
	str path = str_from_cstr(path_text);
	struct loop *l = loop_new_kernel();
	struct io_file listener = { .fd = -1 }, shared = { .fd = -1 }, f = { .fd = -1 };
	struct net_address peer;
	struct stat st;
	int why = 0, client;

	assert_int_equal(net_listen_unix(l, &listener, path, 0620, &why), OK);
	assert_int_equal(lstat(path_text, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0620);
	assert_int_equal(net_listen_share(l, &shared, &listener), OK);
	client = connect_to_path();
	assert_true(client >= 0);
	assert_int_equal(net_accept(l, &shared, &f, &peer), OK);
	assert_int_equal(peer.family, NET_UNIX);
	assert_int_equal(net_accept(l, &listener, &f, &peer), ERR_AGAIN);
	net_close(l, &f);
	net_close(l, &shared);
	net_close(l, &listener);
	close(client);
	loop_free(l);
}

static void net_unix_listener_replaces_the_dead_and_nothing_else(void **state)
{
	str path = str_from_cstr(path_text);
	struct loop *l = loop_new_kernel();
	struct io_file first = { .fd = -1 }, second = { .fd = -1 };
	char long_path[200];
	int why = 0, fd;

	assert_int_equal(net_listen_unix(l, &first, path, 0600, &why), OK);
	assert_int_equal(net_listen_unix(l, &second, path, 0600, &why), ERR_EXISTS);
	assert_int_equal(why, EADDRINUSE);
	net_close(l, &first);
	assert_int_equal(net_listen_unix(l, &second, path, 0600, &why), OK);
	net_close(l, &second);
	assert_int_equal(unlink(path_text), 0);

	fd = open(path_text, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(net_listen_unix(l, &first, path, 0600, &why), ERR_EXISTS);
	assert_int_equal(why, EEXIST);
	assert_int_equal(access(path_text, F_OK), 0);

	memset(long_path, 'x', sizeof(long_path));
	assert_int_equal(net_listen_unix(l, &first, (str){ long_path, 200 }, 0600, &why), ERR_IO);
	assert_int_equal(why, ENAMETOOLONG);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_address_parses_literals_and_formats_them_back),
		cmocka_unit_test(net_address_is_comparable_bytewise),
		cmocka_unit_test(net_carries_bytes_both_ways_and_ends),
		cmocka_unit_test(net_sockets_do_not_delay_and_close_on_exec),
		cmocka_unit_test(net_full_socket_is_again_and_then_writable),
		cmocka_unit_test(net_reset_is_an_io_error_without_a_signal),
		cmocka_unit_test(net_connect_to_nobody_is_refused),
		cmocka_unit_test(net_probe_sees_a_listener_that_would_share),
		cmocka_unit_test(net_closed_duplicate_of_a_listener_is_forgotten),
		cmocka_unit_test(
			net_stopped_listener_keeps_who_is_at_the_door_and_answers_nobody_else),
		cmocka_unit_test(net_out_of_descriptors_closes_the_client_and_goes_on),
		cmocka_unit_test_setup_teardown(net_unix_listener_has_its_mode_and_takes_clients,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			net_unix_listener_replaces_the_dead_and_nothing_else, make_folder,
			remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

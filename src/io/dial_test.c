/* Connections outwards, and that none of their waits is longer than it was told. */
#include "io/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 100, LONG_MS = 10000 };

/* Listens on a port of its own on 127.0.0.1. */
static int listen_anywhere(int backlog, struct net_address *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	assert_true(net_address_parse(S("127.0.0.1"), ntohs(in.sin_port), a));
	return fd;
}

static void literals_resolve_to_themselves(void **state)
{
	struct dial_addresses all;
	char text[NET_ADDRESS_TEXT_MAX];

	assert_int_equal(dial_resolve(S("::1"), 5, WAIT_MS, &all), OK);
	assert_int_equal(all.n, 1);
	assert_true(str_eq(net_address_format(&all.list[0], text), S("[::1]:5")));
}

static void names_resolve_with_the_port_that_was_asked_for(void **state)
{
	struct dial_addresses all;

	assert_int_equal(dial_resolve(S("localhost"), 5, LONG_MS, &all), OK);
	assert_true(all.n >= 1);
	assert_int_equal(all.list[0].port, 5);
}

static void bytes_go_both_ways_and_silence_ends_in_time(void **state)
{
	struct net_address a;
	int listener = listen_anywhere(1, &a), peer, error = 0;
	struct dial d;
	char text[8];
	size_t n;

	assert_int_equal(dial_open(&d, &a, LONG_MS, &error), OK);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(dial_send(&d, S("ping"), LONG_MS), OK);
	assert_int_equal(read(peer, text, sizeof(text)), 4);
	assert_int_equal(dial_recv(&d, text, sizeof(text), WAIT_MS, &n), ERR_AGAIN);
	assert_int_equal(write(peer, "pong", 4), 4);
	assert_int_equal(dial_recv(&d, text, sizeof(text), LONG_MS, &n), OK);
	assert_int_equal(n, 4);
	close(peer);
	assert_int_equal(dial_recv(&d, text, sizeof(text), LONG_MS, &n), OK);
	assert_int_equal(n, 0);
	dial_close(&d);
	dial_close(&d);
	close(listener);
}

static void a_peer_that_takes_nothing_ends_a_send_in_time(void **state)
{
	static char much[8 << 20];
	struct net_address a;
	int listener = listen_anywhere(1, &a), error = 0;
	struct dial d;

	assert_int_equal(dial_open(&d, &a, LONG_MS, &error), OK);
	assert_int_equal(dial_send(&d, (str){ much, sizeof(much) }, WAIT_MS), ERR_AGAIN);
	dial_close(&d);
	close(listener);
}

static void refusals_and_silence_are_told_apart(void **state)
{
	struct net_address a;
	int listener = listen_anywhere(0, &a), error = 0;
	struct dial first[3], d;

	/* Its queue is full: it does not even refuse. */
	for (int i = 0; i < 3; i++)
		dial_open(&first[i], &a, WAIT_MS, &error);
	assert_int_equal(dial_open(&d, &a, WAIT_MS, &error), ERR_IO);
	assert_int_equal(error, ETIMEDOUT);
	for (int i = 0; i < 3; i++)
		dial_close(&first[i]);
	close(listener);
	assert_int_equal(dial_open(&d, &a, LONG_MS, &error), ERR_IO);
	assert_int_equal(error, ECONNREFUSED);
}

static void unix_sockets_that_cannot_be_are_refused(void **state)
{
	char long_path[200];
	struct dial d;
	int error = 0;

	memset(long_path, 'x', sizeof(long_path));
	assert_int_equal(dial_open_unix(&d, (str){ long_path, sizeof(long_path) }, WAIT_MS, &error),
			 ERR_IO);
	assert_int_equal(error, ENAMETOOLONG);
	assert_int_equal(dial_open_unix(&d, S("/no/such/socket"), WAIT_MS, &error), ERR_IO);
	assert_int_equal(error, ENOENT);
}

/* A handshake with somebody who does something else than TLS. */
static enum dial_tls_failure shake_hands(str answer, bool ends)
{
	struct dial_tls_options o = { .host = S("localhost") };
	struct dial_tls_report r;
	struct net_address a;
	int listener = listen_anywhere(1, &a), peer, error = 0;
	struct dial d;

	assert_int_equal(dial_open(&d, &a, LONG_MS, &error), OK);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(peer, answer.p, answer.n), (ssize_t)answer.n);
	if (ends)
		shutdown(peer, SHUT_WR);
	assert_false(dial_start_tls(&d, &o, ends ? LONG_MS : WAIT_MS, &r));
	dial_close(&d);
	close(peer);
	close(listener);
	return r.failure;
}

static void handshakes_that_fail_say_how(void **state)
{
	assert_int_equal(shake_hands(S(""), false), DIAL_TLS_TIMEOUT);
	assert_int_equal(shake_hands(S(""), true), DIAL_TLS_CLOSED);
	assert_int_equal(shake_hands(S("HTTP/1.1 400 Bad Request\r\n\r\n"), true),
			 DIAL_TLS_NOT_TLS);
	/* Alerts: protocol_version, no_application_protocol, unrecognized_name. */
	assert_int_equal(shake_hands(S("\x15\3\3\0\2\2\x46"), true), DIAL_TLS_OLD_VERSION);
	assert_int_equal(shake_hands(S("\x15\3\3\0\2\2\x78"), true), DIAL_TLS_NO_HTTP1);
	assert_int_equal(shake_hands(S("\x15\3\3\0\2\2\x70"), true), DIAL_TLS_REJECTED);
}

static void a_file_without_certificates_is_no_authority(void **state)
{
	struct dial_tls_options o = { .host = S("localhost"), .ca_file = "/dev/null" };
	struct dial d = DIAL_CLOSED;
	struct dial_tls_report r;

	assert_false(dial_start_tls(&d, &o, WAIT_MS, &r));
	assert_int_equal(r.failure, DIAL_TLS_BAD_CA_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_resolve_to_themselves),
		cmocka_unit_test(names_resolve_with_the_port_that_was_asked_for),
		cmocka_unit_test(bytes_go_both_ways_and_silence_ends_in_time),
		cmocka_unit_test(a_peer_that_takes_nothing_ends_a_send_in_time),
		cmocka_unit_test(refusals_and_silence_are_told_apart),
		cmocka_unit_test(unix_sockets_that_cannot_be_are_refused),
		cmocka_unit_test(handshakes_that_fail_say_how),
		cmocka_unit_test(a_file_without_certificates_is_no_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

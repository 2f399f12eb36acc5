/* Connections to a host of several addresses, of which some are dead. */
#include "main/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Listens on 127.0.0.2 only. */
static int listen_there(uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void examine(struct doctor *d, const char *const *ips, size_t n, uint16_t port)
{
	*d = (struct doctor){ .has = DOCTOR_HAS_NAME | DOCTOR_HAS_ADDRESS,
			      .wait_ms = 5000,
			      .check = DOCTOR_CHECK_CONNECTION };
	arena_init(&d->arena, 4096);
	for (size_t i = 0; i < n; i++)
		assert_true(net_address_parse(str_from_cstr(ips[i]), port,
					      &d->addresses.list[d->addresses.n++]));
	doctor_check_connection(d);
}

static void a_dead_address_is_a_warning_and_not_used(void **state)
{
	static const char *const ips[] = { "127.0.0.3", "127.0.0.2" };
	char text[NET_ADDRESS_TEXT_MAX];
	struct doctor d;
	uint16_t port;
	int listener = listen_there(&port);

	examine(&d, ips, 2, port);
	assert_int_equal(d.n_found, 1);
	assert_int_equal(d.found[0].finding, DOCTOR_ADDRESS_DEAD);
	assert_true(str_has_prefix(d.found[0].seen, S("127.0.0.3:")));
	assert_true(d.has & DOCTOR_HAS_CONNECTION);
	assert_int_equal(d.addresses.n, 1);
	assert_true(str_has_prefix(net_address_format(&d.addresses.list[0], text), S("127.0.0.2")));
	arena_fini(&d.arena);
	close(listener);
}

static void living_addresses_are_no_finding(void **state)
{
	static const char *const ips[] = { "127.0.0.2" };
	struct doctor d;
	uint16_t port;
	int listener = listen_there(&port);

	examine(&d, ips, 1, port);
	assert_int_equal(d.n_found, 0);
	assert_int_equal(d.lines[d.check].level, DOCTOR_OK);
	arena_fini(&d.arena);
	close(listener);
}

static void all_dead_is_a_problem(void **state)
{
	static const char *const ips[] = { "127.0.0.3", "127.0.0.4" };
	struct doctor d;
	uint16_t port;
	int listener = listen_there(&port);

	examine(&d, ips, 2, port);
	assert_int_equal(d.n_found, 1);
	assert_int_equal(d.found[0].finding, DOCTOR_REFUSED);
	assert_false(d.has & DOCTOR_HAS_CONNECTION);
	arena_fini(&d.arena);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_address_is_a_warning_and_not_used),
		cmocka_unit_test(living_addresses_are_no_finding),
		cmocka_unit_test(all_dead_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

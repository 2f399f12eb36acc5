#include "main/service.h"

#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager that listens, and loops that turn when the test wants it. */
struct world {
	int fd;
	struct sim *sim;
	struct loop *control, *loops[2];
	struct service *service;
};

static void world_init(struct world *w, bool is_abstract, const char *watchdog_usec)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct sim_options calm = sim_options_calm();
	char name[64];
	int n = snprintf(name, sizeof(name), "%s%d",
			 is_abstract ? "@sockudo-test-" : "/tmp/notify-", getpid());
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);

	memcpy(a.sun_path, name, (size_t)n);
	if (is_abstract)
		a.sun_path[0] = 0;
	else
		unlink(name);
	w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&a, len + !is_abstract), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (watchdog_usec)
		setenv("WATCHDOG_USEC", watchdog_usec, 1);
	w->sim = sim_new(1, &calm);
	w->control = sim_loop_new(w->sim);
	for (int i = 0; i < 2; i++)
		w->loops[i] = sim_loop_new(w->sim);
	w->service = service_new(w->control, w->loops, 2, NULL);
}

static void world_fini(struct world *w)
{
	service_free(w->service);
	for (int i = 0; i < 2; i++)
		loop_free(w->loops[i]);
	loop_free(w->control);
	sim_free(w->sim);
	close(w->fd);
	if (getenv("NOTIFY_SOCKET")[0] == '/')
		unlink(getenv("NOTIFY_SOCKET"));
	assert_int_equal(mem_live_bytes(), 0);
}

/* The next message, or "". */
static const char *heard(struct world *w)
{
	static char text[1024];
	ssize_t n = recv(w->fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void manager_hears_of_each_change(void **state)
{
	for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
		struct world w;
		char reloading[128];

		world_init(&w, is_abstract, NULL);
		assert_string_equal(heard(&w), "");
		service_ready(w.service, S("Serving"));
		assert_string_equal(heard(&w), "READY=1\nSTATUS=Serving");
		service_reloading(w.service);
		snprintf(reloading, sizeof(reloading),
			 "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the configuration",
			 (unsigned long long)(loop_now_ns(w.control) / 1000));
		assert_string_equal(heard(&w), reloading);
		service_stopping(w.service);
		assert_string_equal(heard(&w), "STOPPING=1\nSTATUS=Sending clients away");
		sim_run_ms(w.sim, 60000); /* nobody asked for a watchdog */
		assert_string_equal(heard(&w), "");
		world_fini(&w);
	}
}

static void watchdog_is_fed_at_half_its_time(void **state)
{
	struct world w;
	unsigned n;

	world_init(&w, true, "2000000");
	sim_run_ms(w.sim, 5000);
	assert_string_equal(heard(&w), ""); /* not before it is ready */
	service_ready(w.service, S(""));
	heard(&w);
	assert_string_equal(heard(&w), "WATCHDOG=1");
	assert_string_equal(heard(&w), "");
	sim_run_ms(w.sim, 8000); /* a socket of the kernel holds ten */
	for (n = 0; strcmp(heard(&w), "WATCHDOG=1") == 0;)
		n++;
	assert_in_range(n, 7, 8);
	world_fini(&w);
}

static bool stop_turning(void *ctx)
{
	return false;
}

static void watchdog_starves_when_a_loop_does_not_turn(void **state)
{
	struct world w;
	struct loop *idle[2];

	world_init(&w, true, "2000000");
	/* A loop of a world that nobody steps. */
	service_free(w.service);
	idle[0] = w.loops[0];
	idle[1] = loop_new_kernel();
	loop_on_turn_end(idle[1], stop_turning, NULL);
	w.service = service_new(w.control, idle, 2, NULL);
	service_ready(w.service, S(""));
	heard(&w);
	heard(&w);
	sim_run_ms(w.sim, 1016);
	assert_string_equal(heard(&w), "");
	sim_run_ms(w.sim, 1016);
	assert_string_equal(heard(&w), "");
	loop_turn(idle[1], 0);
	sim_run_ms(w.sim, 1016); /* it turns again */
	assert_string_equal(heard(&w), "WATCHDOG=1");
	service_free(w.service);
	w.service = NULL;
	loop_free(idle[1]);
	world_fini(&w);
}

static void watchdog_of_another_process_is_not_ours(void **state)
{
	struct world w;

	world_init(&w, true, "2000000");
	service_free(w.service);
	setenv("WATCHDOG_PID", "1", 1);
	w.service = service_new(w.control, w.loops, 2, NULL);
	service_ready(w.service, S(""));
	heard(&w);
	sim_run_ms(w.sim, 5000);
	assert_string_equal(heard(&w), "");
	world_fini(&w);
}

static void without_a_manager_nothing_happens(void **state)
{
	static const char *const names[] = { "", "x", "@", "relative/path", "vsock:2:1" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct world w;

		world_init(&w, true, "2000000");
		service_free(w.service);
		setenv("NOTIFY_SOCKET", names[i], 1);
		w.service = service_new(w.control, w.loops, 2, NULL);
		service_ready(w.service, S(""));
		service_reloading(w.service);
		service_stopping(w.service);
		sim_run_ms(w.sim, 5000);
		assert_string_equal(heard(&w), "");
		world_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manager_hears_of_each_change),
		cmocka_unit_test(watchdog_is_fed_at_half_its_time),
		cmocka_unit_test(watchdog_starves_when_a_loop_does_not_turn),
		cmocka_unit_test(watchdog_of_another_process_is_not_ours),
		cmocka_unit_test(without_a_manager_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

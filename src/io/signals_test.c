#include "io/signals.h"

#include "base/mem.h"
#include "base/testing.h"

#include <signal.h>
#include <unistd.h>

static const int list[] = { SIGUSR1, SIGUSR2 };

struct seen {
	struct signals *signals;
	unsigned n_usr1, n_usr2;
	bool frees;
};

static void on_signal(void *ctx, int signo)
{
	struct seen *s = ctx;

	s->n_usr1 += signo == SIGUSR1;
	s->n_usr2 += signo == SIGUSR2;
	if (s->frees)
		signals_free(s->signals);
}

static void signals_come_as_loop_events(void **state)
{
	struct loop *l = loop_new_kernel();
	struct seen seen = { 0 };

	seen.signals = signals_new(l, list, 2, on_signal, &seen);
	assert_non_null(seen.signals);
	loop_turn(l, 0);
	assert_int_equal(seen.n_usr1 + seen.n_usr2, 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	loop_turn(l, 60000);
	assert_int_equal(seen.n_usr1, 1);
	assert_int_equal(seen.n_usr2, 1);
	kill(getpid(), SIGPIPE); /* ignored, as is a log that may not grow */
	kill(getpid(), SIGXFSZ);
	kill(getpid(), SIGUSR1);
	loop_turn(l, 60000);
	assert_int_equal(seen.n_usr1, 2);
	signals_free(seen.signals);
	loop_free(l);
}

static void signals_may_be_freed_by_their_handler(void **state)
{
	int64_t live = mem_live_bytes();
	struct loop *l = loop_new_kernel();
	struct seen seen = { .frees = true };

	seen.signals = signals_new(l, list, 2, on_signal, &seen);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	loop_turn(l, 60000);
	assert_int_equal(seen.n_usr1 + seen.n_usr2, 1);
	loop_free(l);
	assert_int_equal(mem_live_bytes(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_come_as_loop_events),
		cmocka_unit_test(signals_may_be_freed_by_their_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

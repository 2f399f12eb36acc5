#include "io/loop.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/net.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Two ends of a local stream, both watched by the loop. */
struct end {
	struct io_file file;
	struct loop *loop;
	unsigned n_ready, ready;
	struct end *closes;   /* on_ready closes this one */
	struct end *replaces; /* and opens it again, with this end of another pair */
	int replacement_fd;
};

static void end_on_ready(struct io_file *f, unsigned ready)
{
	struct end *e = container_of(f, struct end, file);

	e->n_ready++;
	e->ready |= ready;
	if (e->closes)
		net_close(e->loop, &e->closes->file);
	if (e->closes && e->replacement_fd) {
		e->closes->file.fd = e->replacement_fd;
		loop_watch(e->loop, &e->closes->file, LOOP_READ);
		e->replacement_fd = 0;
	}
}

static void pair_open(struct loop *l, struct end ends[2])
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	for (int i = 0; i < 2; i++) {
		ends[i] = (struct end){ .file = { .fd = fds[i], .on_ready = end_on_ready },
					.loop = l };
		assert_true(loop_watch(l, &ends[i].file, LOOP_READ));
	}
}

static void pair_close(struct end ends[2])
{
	net_close(ends[0].loop, &ends[0].file);
	net_close(ends[1].loop, &ends[1].file);
	net_close(ends[1].loop, &ends[1].file);
}

static void send_text(struct end *e, str text)
{
	struct net_span span = { text.p, text.n };
	size_t n;

	assert_int_equal(net_send(e->loop, &e->file, &span, 1, &n), OK);
	assert_int_equal(n, text.n);
}

static void loop_reports_only_what_is_watched(void **state)
{
	struct loop *l = loop_new_kernel();
	struct end ends[2];

	pair_open(l, ends);
	send_text(&ends[0], S("x"));
	loop_turn(l, 0);
	assert_int_equal(ends[1].ready, LOOP_READ);
	loop_watch(l, &ends[1].file, 0);
	loop_turn(l, 0);
	assert_int_equal(ends[1].n_ready, 1);
	loop_watch(l, &ends[1].file, LOOP_READ | LOOP_WRITE);
	loop_turn(l, 0);
	assert_int_equal(ends[1].n_ready, 2);
	assert_int_equal(ends[1].ready, LOOP_READ | LOOP_WRITE);
	loop_watch(l, &ends[1].file, 0);
	net_close(l, &ends[0].file);
	ends[1].ready = 0;
	loop_turn(l, 0);
	assert_int_equal(ends[1].ready, LOOP_HANGUP);
	pair_close(ends);
	loop_free(l);
}

static void loop_never_calls_a_file_that_was_closed_in_the_same_turn(void **state)
{
	struct loop *l = loop_new_kernel();
	struct end a[2], b[2];

	pair_open(l, a);
	pair_open(l, b);
	send_text(&a[0], S("x"));
	send_text(&b[0], S("x"));
	net_close(l, &a[0].file); /* a hang-up is reported whatever is watched */
	net_close(l, &b[0].file);
	/* Whichever is called first closes the other one. */
	a[1].closes = &b[1];
	b[1].closes = &a[1];
	loop_turn(l, 0);
	assert_int_equal(a[1].n_ready + b[1].n_ready, 1);
	loop_turn(l, 0);
	assert_int_equal(a[1].n_ready + b[1].n_ready, 2);
	pair_close(a);
	pair_close(b);
	loop_free(l);
}

static void loop_never_gives_a_reopened_file_the_events_of_the_closed_one(void **state)
{
	struct loop *l = loop_new_kernel();
	struct end a[2], b[2];
	struct end *called, *other;
	int fds[2];

	pair_open(l, a);
	pair_open(l, b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	send_text(&a[0], S("x"));
	send_text(&b[0], S("x"));
	a[1].closes = &b[1];
	b[1].closes = &a[1];
	a[1].replacement_fd = b[1].replacement_fd = fds[0];
	loop_turn(l, 0);
	called = a[1].n_ready ? &a[1] : &b[1];
	other = a[1].n_ready ? &b[1] : &a[1];
	assert_int_equal(other->n_ready, 0);
	called->closes = NULL;
	other->closes = NULL;
	loop_turn(l, 0);
	assert_int_equal(other->n_ready, 0);
	assert_int_equal(write(fds[1], "y", 1), 1);
	loop_turn(l, 0);
	assert_int_equal(other->n_ready, 1);
	close(fds[1]);
	pair_close(a);
	pair_close(b);
	loop_free(l);
}

struct note {
	struct loop_deferred deferred;
	struct loop *loop;
	char **at;
	char letter;
	struct note *then;
};

static void note_run(struct loop_deferred *d)
{
	struct note *n = container_of(d, struct note, deferred);

	*(*n->at)++ = n->letter;
	if (n->then)
		loop_defer(n->loop, &n->then->deferred);
}

struct turn_end {
	char **at;
	unsigned n_more; /* how often it has more to do */
};

static bool on_turn_end(void *ctx)
{
	struct turn_end *t = ctx;

	*(*t->at)++ = '|';
	return t->n_more && t->n_more--;
}

static void loop_defers_to_the_end_of_the_turn_in_order(void **state)
{
	struct loop *l = loop_new_kernel();
	char text[16] = "", *at = text;
	struct turn_end end = { .at = &at };
	struct note c = { { .run = note_run }, l, &at, 'c', NULL };
	struct note a = { { .run = note_run }, l, &at, 'a', &c };
	struct note b = { { .run = note_run }, l, &at, 'b', NULL };
	struct note d = { { .run = note_run }, l, &at, 'd', NULL };

	loop_on_turn_end(l, on_turn_end, &end);
	loop_defer(l, &a.deferred);
	loop_defer(l, &b.deferred);
	loop_turn(l, 0);
	assert_string_equal(text, "|abc");
	loop_defer(l, &d.deferred);
	loop_free(l);
	assert_string_equal(text, "|abcd");
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void loop_does_not_wait_while_the_turn_end_has_more(void **state)
{
	struct loop *l = loop_new_kernel();
	char text[16] = "", *at = text;
	struct turn_end end = { .at = &at, .n_more = 3 };
	uint64_t start = now_ms();

	loop_on_turn_end(l, on_turn_end, &end);
	loop_turn(l, 0);
	for (int i = 0; i < 3; i++)
		loop_turn(l, 60000);
	assert_true(now_ms() - start < 10000);
	loop_turn(l, 30);
	assert_true(now_ms() - start >= 30);
	loop_free(l);
}

static void ring(struct timer *t)
{
	t->due_tick = 0;
}

static void loop_wakes_for_its_timer_and_not_before(void **state)
{
	struct loop *l = loop_new_kernel();
	uint64_t start_ns = loop_clock(l)->mono_ns;
	struct timer t;

	timer_init(&t, ring);
	timer_arm(l, &t, 50);
	while (timer_is_armed(&t))
		loop_turn(l, 60000);
	assert_in_range(loop_clock(l)->mono_ns - start_ns, 50000000, UINT64_C(10000000000));
	assert_true(loop_clock(l)->wall_ms > INT64_C(1600000000000));
	loop_free(l);
}

static void loop_paused_leaves_files_in_the_kernel_and_serves_timers(void **state)
{
	struct loop *l = loop_new_kernel();
	struct end ends[2];
	struct timer t;

	timer_init(&t, ring);
	pair_open(l, ends);
	loop_pause_files(l, true);
	send_text(&ends[0], S("x"));
	timer_arm(l, &t, 20);
	while (timer_is_armed(&t))
		loop_turn(l, 60000);
	assert_int_equal(ends[1].n_ready, 0);
	loop_wake(l);
	loop_turn(l, 60000);
	assert_int_equal(ends[1].n_ready, 0);
	loop_pause_files(l, false);
	loop_turn(l, 60000);
	assert_int_equal(ends[1].n_ready, 1);
	pair_close(ends);
	loop_free(l);
}

/* Two threads wake each other in turn: a wake-up that is lost stops them for ever. */

enum { N_WAKES = 20000 };

struct player {
	struct loop *loop;
	struct player *other;
	atomic_uint n_balls;
	unsigned n_played;
	bool pauses;
};

static bool play(void *ctx)
{
	struct player *p = ctx;

	if (atomic_exchange(&p->n_balls, 0) == 0)
		return false;
	p->n_played++;
	loop_pause_files(p->loop, p->pauses && p->n_played % 2);
	atomic_store(&p->other->n_balls, 1);
	loop_wake(p->other->loop);
	if (p->n_played == N_WAKES)
		loop_stop(p->loop);
	return false;
}

static void *play_all(void *arg)
{
	struct player *p = arg;

	loop_run(p->loop);
	return NULL;
}

static void loop_wake_is_never_lost(void **state)
{
	struct player a = { .loop = loop_new_kernel(), .pauses = true };
	struct player b = { .loop = loop_new_kernel() };
	pthread_t thread;

	a.other = &b;
	b.other = &a;
	loop_on_turn_end(a.loop, play, &a);
	loop_on_turn_end(b.loop, play, &b);
	a.n_balls = 1;
	loop_wake(a.loop);
	assert_int_equal(pthread_create(&thread, NULL, play_all, &b), 0);
	loop_run(a.loop);
	pthread_join(thread, NULL);
	assert_int_equal(a.n_played, N_WAKES);
	assert_int_equal(b.n_played, N_WAKES);
	loop_free(a.loop);
	loop_free(b.loop);
}

static void loop_serves_more_files_than_a_batch(void **state)
{
	enum { N = 300 };
	int64_t live = mem_live_bytes();
	struct loop *l = loop_new_kernel();
	struct end(*pairs)[2] = xcalloc(N, sizeof(*pairs));

	for (int i = 0; i < N; i++) {
		pair_open(l, pairs[i]);
		send_text(&pairs[i][0], S("x"));
	}
	loop_turn(l, 0);
	loop_turn(l, 0);
	for (int i = 0; i < N; i++) {
		assert_true(pairs[i][1].n_ready >= 1);
		pair_close(pairs[i]);
	}
	xfree(pairs);
	loop_free(l);
	assert_int_equal(mem_live_bytes(), live);
}

/* A crowd has ended before one speaks. */
static void loop_serves_who_stays_before_a_crowd_that_leaves(void **state)
{
	enum { CROWD = 2000, SERVED_BEFORE_MAX = 64 };
	struct loop *l = loop_new_kernel();
	struct end(*pairs)[2] = xcalloc(CROWD + 1, sizeof(*pairs));
	unsigned n_served = 0;

	for (int i = 0; i <= CROWD; i++)
		pair_open(l, pairs[i]);
	for (int i = 0; i < CROWD; i++) {
		net_close(l, &pairs[i][1].file);
		pairs[i][0].closes = &pairs[i][0];
	}
	send_text(&pairs[CROWD][1], S("x"));
	loop_turn(l, 0);
	assert_int_equal(pairs[CROWD][0].n_ready, 1);
	for (int i = 0; i < CROWD; i++)
		n_served += pairs[i][0].n_ready;
	assert_in_range(n_served, 1, SERVED_BEFORE_MAX);
	for (int turn = 0; turn < CROWD; turn++)
		loop_turn(l, 0);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pairs[i][0].n_ready, 1);
	pair_close(pairs[CROWD]);
	xfree(pairs);
	loop_free(l);
}

/* More have something to say, all the time, than a turn can serve. */
static void loop_serves_who_leaves_however_many_speak(void **state)
{
	enum { SPEAKERS = 400, LEAVERS = 200, TURNS_MAX = 40 };
	struct loop *l = loop_new_kernel();
	struct end(*pairs)[2] = xcalloc(SPEAKERS + LEAVERS, sizeof(*pairs));

	for (int i = 0; i < SPEAKERS + LEAVERS; i++) {
		pair_open(l, pairs[i]);
		if (i < SPEAKERS)
			send_text(&pairs[i][1], S("x"));
	}
	for (int i = SPEAKERS; i < SPEAKERS + LEAVERS; i++) {
		net_close(l, &pairs[i][1].file);
		pairs[i][0].closes = &pairs[i][0];
	}
	for (int turn = 0; turn < TURNS_MAX; turn++)
		loop_turn(l, 0);
	for (int i = SPEAKERS; i < SPEAKERS + LEAVERS; i++)
		assert_int_equal(pairs[i][0].n_ready, 1);
	for (int i = 0; i < SPEAKERS; i++)
		pair_close(pairs[i]);
	xfree(pairs);
	loop_free(l);
}

/* One of the crowd still has something to hear, and says when it may be told. */
static void loop_goes_on_watching_who_was_put_aside(void **state)
{
	enum { CROWD = 200 };
	struct loop *l = loop_new_kernel();
	struct end pairs[CROWD][2];

	for (int i = 0; i < CROWD; i++) {
		pair_open(l, pairs[i]);
		net_shutdown(l, &pairs[i][1].file);
	}
	for (int turn = 0; turn < CROWD; turn++)
		loop_turn(l, 0);
	for (int i = 0; i < CROWD; i++) {
		assert_true(pairs[i][0].ready & LOOP_READ);
		assert_true(loop_watch(l, &pairs[i][0].file, 0));
		pairs[i][0].ready = 0;
	}
	loop_turn(l, 0);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(pairs[i][0].ready, 0);
		assert_true(loop_watch(l, &pairs[i][0].file, LOOP_WRITE));
	}
	for (int turn = 0; turn < CROWD; turn++)
		loop_turn(l, 0);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(pairs[i][0].ready, LOOP_WRITE);
		pair_close(pairs[i]);
	}
	loop_free(l);
}

static void loop_random_is_not_the_same_twice(void **state)
{
	struct loop *l = loop_new_kernel();
	uint64_t first = rng_u64(loop_rng(l));

	assert_int_not_equal(rng_u64(loop_rng(l)), first);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_reports_only_what_is_watched),
		cmocka_unit_test(loop_never_calls_a_file_that_was_closed_in_the_same_turn),
		cmocka_unit_test(loop_never_gives_a_reopened_file_the_events_of_the_closed_one),
		cmocka_unit_test(loop_defers_to_the_end_of_the_turn_in_order),
		cmocka_unit_test(loop_does_not_wait_while_the_turn_end_has_more),
		cmocka_unit_test(loop_wakes_for_its_timer_and_not_before),
		cmocka_unit_test(loop_paused_leaves_files_in_the_kernel_and_serves_timers),
		cmocka_unit_test(loop_wake_is_never_lost),
		cmocka_unit_test(loop_serves_more_files_than_a_batch),
		cmocka_unit_test(loop_serves_who_stays_before_a_crowd_that_leaves),
		cmocka_unit_test(loop_serves_who_leaves_however_many_speak),
		cmocka_unit_test(loop_goes_on_watching_who_was_put_aside),
		cmocka_unit_test(loop_random_is_not_the_same_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

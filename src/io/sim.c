/* sim.c: the simulated world: time, chance, events, and its loops.
 *
 * Time moves only here: by a little with each turn of a loop, and in a leap to the next event or
 * timer when nobody has anything to do. Everything that is drawn comes from one stream
 * (splitmix64), except the bytes that the product itself asks for: each loop has its own stream for
 * those, so that what the product draws does not change what the world does to it.
 *
 * The monotonic clock begins anywhere, for one seed in four just before the wrap of the timers'
 * 32-bit ticks. */
#include "io/sim.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/sim_priv.h"

/* Chance */

uint64_t sim_splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t sim_random(struct sim *s, uint64_t n)
{
	ASSERT(n > 0);
	return sim_splitmix(&s->random) % n; /* the bias of 2^-32 and less does not matter here */
}

void sim_reseed(struct sim *s, uint64_t seed, uint64_t stream)
{
	uint64_t state = sim_splitmix(&seed) ^ stream;

	s->random = sim_splitmix(&state);
	s->luck.random = sim_splitmix(&state);
}

uint64_t sim_fail_nth(struct sim *s, uint64_t n)
{
	uint64_t left = s->fail_in;

	s->fail_in = n;
	return left;
}

bool sim_strikes(struct sim *s)
{
	return s->fail_in > 0 && --s->fail_in == 0;
}

bool sim_chance(struct sim *s, unsigned percent)
{
	return percent > 0 && sim_random(s, 100) < percent;
}

uint64_t sim_draw_us(struct sim *s, uint32_t max_us)
{
	return max_us ? sim_random(s, sim_random(s, (uint64_t)max_us + 1) + 1) : 0;
}

static void fill_random(void *ctx, void *p, size_t n)
{
	struct sim_loop *l = ctx;
	uint8_t *at = p;

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)sim_splitmix(&l->random);
}

/* Trace */

void sim_trace(struct sim *s, uint64_t what)
{
	s->trace = (s->trace ^ what) * UINT64_C(0x9e3779b97f4a7c15);
	s->trace ^= s->trace >> 29;
}

void sim_trace_bytes(struct sim *s, const void *p, size_t n)
{
	const char *at = p;

	sim_trace(s, n);
	for (size_t left = n; left > 0;) {
		uint64_t word = 0;
		size_t taken = left < sizeof(word) ? left : sizeof(word);

		memcpy(&word, at, taken);
		sim_trace(s, word);
		at += taken;
		left -= taken;
	}
}

uint64_t sim_trace_hash(const struct sim *s)
{
	return s->trace;
}

/* Tables of pointers, zeroed, which never shrink. They do not count as live bytes: who compares those
 * before and after wants to know about the server. */
void *sim_table_grow(void *table, size_t n_before, size_t n)
{
	char *bigger = mem_chunk_alloc(_Alignof(void *), n * sizeof(void *));

	if (n_before > 0)
		memcpy(bigger, table, n_before * sizeof(void *));
	memset(bigger + n_before * sizeof(void *), 0, (n - n_before) * sizeof(void *));
	mem_chunk_free(table);
	return bigger;
}

/* Events: a binary heap, the next one on top. heap[0] is not used. */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void heap_set(struct sim *s, size_t place, struct sim_event *e)
{
	s->heap[place] = e;
	e->place = place;
}

/* Puts e at place or where it belongs above or below. */
static void heap_settle(struct sim *s, size_t place, struct sim_event *e)
{
	while (place > 1 && is_before(e, s->heap[place / 2])) {
		heap_set(s, place, s->heap[place / 2]);
		place /= 2;
	}
	for (;;) {
		size_t child = place * 2;

		if (child < s->heap_n && is_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (child > s->heap_n || !is_before(s->heap[child], e))
			break;
		heap_set(s, place, s->heap[child]);
		place = child;
	}
	heap_set(s, place, e);
}

void sim_event_arm(struct sim *s, struct sim_event *e, uint64_t delay_us)
{
	if (e->place)
		return;
	e->at_ns = s->now_ns + delay_us * 1000;
	e->order = s->n_events++;
	if (s->heap_n + 1 >= s->heap_cap) {
		size_t cap = s->heap_cap ? 2 * s->heap_cap : 64;

		s->heap = sim_table_grow(s->heap, s->heap_cap, cap);
		s->heap_cap = cap;
	}
	s->heap_n++;
	heap_settle(s, s->heap_n, e);
}

void sim_event_cancel(struct sim *s, struct sim_event *e)
{
	struct sim_event *last;
	size_t place = e->place;

	if (!place)
		return;
	e->place = 0;
	last = s->heap[s->heap_n--];
	if (last != e)
		heap_settle(s, place, last);
}

static void run_next_event(struct sim *s)
{
	struct sim_event *e = s->heap[1];

	sim_event_cancel(s, e);
	sim_trace(s, e->at_ns);
	sim_trace(s, e->order);
	e->run(e);
}

/* Loops */

static void set_clock(struct sim_loop *l)
{
	l->base.clock.mono_ns = l->sim->now_ns;
	l->base.clock.wall_ms = sim_wall_ms(l->sim);
}

static void on_wake(struct sim_event *e)
{
	container_of(e, struct sim_loop, wake)->is_woken = true;
}

struct loop *sim_loop_new(struct sim *s)
{
	struct sim_loop *l = xnew(struct sim_loop);

	l->sim = s;
	l->id = s->n_loops++;
	l->random = sim_splitmix(&s->random);
	l->wake.run = on_wake;
	l->n_files_max = UINT32_MAX;
	list_init(&l->touched);
	list_init(&l->jobs);
	list_push_back(&s->loops, &l->link);
	set_clock(l);
	loop_init(&l->base, &sim_ops, fill_random);
	return &l->base;
}

void sim_limit_files(struct loop *l, unsigned n_max)
{
	sim_loop_of(l)->n_files_max = n_max;
}

void sim_loop_wake(struct loop *l)
{
	struct sim_loop *sl = sim_loop_of(l);

	if (!sl->is_woken)
		sim_event_arm(sl->sim, &sl->wake,
			      sim_draw_us(sl->sim, sl->sim->options.wake_us_max));
}

void sim_file_touch(struct sim_file *file)
{
	if (file->kind != SIM_NO_FILE && list_is_empty(&file->touched))
		list_push_back(&file->loop->touched, &file->touched);
}

bool sim_loop_watch(struct loop *l, struct io_file *f, uint32_t was)
{
	struct sim_file *file = sim_loop_of(l)->sim->files[f->fd];

	ASSERT(file->loop == sim_loop_of(l));
	file->io = f;
	if (!(was & FILE_ADDED) && sim_strikes(file->loop->sim))
		return false;
	sim_file_touch(file);
	return true;
}

/* What the loop is to be told about the file now. */
static unsigned events_of(const struct sim_file *file)
{
	if (!(file->io->watched & FILE_ADDED))
		return 0;
	return sim_file_ready(file) & (file_events(file->io) | LOOP_HANGUP);
}

/* The first ready file of the touched ones; those before it, which are not, are forgotten. */
static struct sim_file *first_ready(struct sim_loop *l)
{
	while (!list_is_empty(&l->touched)) {
		struct sim_file *file = container_of(l->touched.next, struct sim_file, touched);

		if (events_of(file))
			return file;
		list_remove(&file->touched);
	}
	return NULL;
}

static void shuffle(struct sim *s, struct loop_ready *ready, unsigned n)
{
	for (; n > 1; n--) {
		unsigned i = (unsigned)sim_random(s, n);
		struct loop_ready last = ready[n - 1];

		ready[n - 1] = ready[i];
		ready[i] = last;
	}
}

unsigned sim_loop_poll(struct loop *l, int wait_ms)
{
	struct sim_loop *sl = sim_loop_of(l);
	struct sim_file *file;
	struct list taken;
	unsigned n = 0;

	sl->is_woken = false;
	set_clock(sl);
	list_init(&taken);
	while (!l->is_paused && n < LOOP_BATCH && (file = first_ready(sl))) {
		l->ready[n++] = (struct loop_ready){ file->io, events_of(file) };
		list_remove(&file->touched);
		list_push_back(&taken, &file->touched);
	}
	list_splice_back(&sl->touched, &taken);
	shuffle(sl->sim, l->ready, n);
	return n;
}

static bool is_stalled(const struct sim_loop *l)
{
	return l->stalled_until_ns > l->sim->now_ns;
}

static bool has_work(struct sim_loop *l)
{
	return l->is_woken || loop_has_work(&l->base) ||
	       timer_wheel_wait_ns(&l->base.timers, l->sim->now_ns) == 0 ||
	       (!l->base.is_paused && first_ready(l));
}

/* A random one of those that have something to do, or of all that are not stalled. */
static struct sim_loop *pick_loop(struct sim *s, bool of_all)
{
	struct sim_loop *picked = NULL;
	unsigned n = 0;

	for (struct list *i = s->loops.next; i != &s->loops; i = i->next) {
		struct sim_loop *l = container_of(i, struct sim_loop, link);

		if (!is_stalled(l) && (of_all || has_work(l)) && sim_random(s, ++n) == 0)
			picked = l;
	}
	return picked;
}

static void run_turn(struct sim_loop *l)
{
	struct sim *s = l->sim;

	sim_trace(s, l->id);
	sim_trace(s, s->now_ns);
	loop_turn(&l->base, 0);
	s->now_ns += sim_draw_us(s, s->options.turn_us_max) * 1000;
}

/* Offloaded jobs */

struct sim_job {
	struct offload_ticket ticket;
	struct sim_event end;
	struct list link;
	struct sim_loop *loop;
	struct offload *offload;
	struct offload_job *job;
};

static void job_cancel(struct offload_ticket *t)
{
	struct sim_job *j = container_of(t, struct sim_job, ticket);

	sim_event_cancel(j->loop->sim, &j->end);
	list_remove(&j->link);
	xfree(j);
}

static void on_job_end(struct sim_event *e)
{
	struct sim_job *j = container_of(e, struct sim_job, end);
	struct offload_job *job = j->job;

	offload_ticket_remove(j->offload, &j->ticket);
	job_cancel(&j->ticket);
	job->work(job);
	offload_finish(job);
}

bool sim_loop_offload(struct loop *l, struct offload *o, struct offload_job *job)
{
	struct sim_loop *sl = sim_loop_of(l);
	struct sim_job *j = xnew(struct sim_job);

	*j = (struct sim_job){ .loop = sl, .offload = o, .job = job };
	j->ticket.cancel = job_cancel;
	if (sim_strikes(sl->sim) || !offload_ticket_add(o, &j->ticket)) {
		xfree(j);
		return false;
	}
	list_push_back(&sl->jobs, &j->link);
	j->end.run = on_job_end;
	sim_event_arm(sl->sim, &j->end, sim_draw_us(sl->sim, sl->sim->options.offload_us_max));
	return true;
}

uint64_t sim_loop_now_ns(const struct loop *l)
{
	return ((const struct sim_loop *)l)->sim->now_ns;
}

void sim_loop_free(struct loop *l)
{
	struct sim_loop *sl = sim_loop_of(l);

	ASSERT(sl->n_files == 0);
	while (!list_is_empty(&sl->jobs)) {
		struct sim_job *j = container_of(sl->jobs.next, struct sim_job, link);

		offload_ticket_remove(j->offload, &j->ticket);
		job_cancel(&j->ticket);
	}
	sim_event_cancel(sl->sim, &sl->wake);
	list_remove(&sl->link);
	xfree(sl);
}

/* The world */

struct sim_options sim_options_calm(void)
{
	return (struct sim_options){ .turn_us_max = 10,
				     .buffer_bytes_min = 65536,
				     .buffer_bytes_max = 65536 };
}

struct sim_options sim_options_rough(void)
{
	return (struct sim_options){
		.delay_us_max = 20000,
		.turn_us_max = 500,
		.wake_us_max = 500,
		.offload_us_max = 50000,
		.buffer_bytes_min = 256,
		.buffer_bytes_max = 65536,
		.split_percent = 50,
		.short_write_percent = 20,
		.reset_loss_percent = 50,
		.early_wake_percent = 5,
	};
}

static uint64_t draw_start_ns(struct sim *s)
{
	uint64_t wrap_ns = (UINT64_C(1) << 32) * TIMER_TICK_NS;

	return sim_random(s, 4) == 0 ? wrap_ns - sim_random(s, UINT64_C(60000000000)) :
				       sim_random(s, wrap_ns);
}

struct sim *sim_new(uint64_t seed, const struct sim_options *o)
{
	struct sim *s = xnew(struct sim);

	sim_set_options(s, o);
	s->random = seed;
	s->start_ns = s->now_ns = draw_start_ns(s);
	list_init(&s->loops);
	list_init(&s->conns);
	list_init(&s->listeners);
	list_init(&s->peers);
	return s;
}

void sim_free(struct sim *s)
{
	ASSERT(list_is_empty(&s->loops));
	sim_peer_free_all(s);
	ASSERT(list_is_empty(&s->conns) && s->heap_n == 0);
	mem_chunk_free(s->files);
	mem_chunk_free(s->heap);
	xfree(s);
}

void sim_set_options(struct sim *s, const struct sim_options *o)
{
	ASSERT(o->buffer_bytes_min > 0 && o->buffer_bytes_min <= o->buffer_bytes_max);
	ASSERT(o->early_wake_percent < 100);
	s->options = *o;
}

uint64_t sim_now_us(const struct sim *s)
{
	return (s->now_ns - s->start_ns) / 1000;
}

/* When the next event or timer comes; UINT64_MAX: never. */
static uint64_t next_ns(struct sim *s)
{
	uint64_t next = s->heap_n ? s->heap[1]->at_ns : UINT64_MAX;

	for (struct list *i = s->loops.next; i != &s->loops; i = i->next) {
		struct sim_loop *l = container_of(i, struct sim_loop, link);
		uint64_t wait_ns =
			has_work(l) ? 0 : timer_wheel_wait_ns(&l->base.timers, s->now_ns);

		if (wait_ns < UINT64_MAX && s->now_ns + wait_ns < l->stalled_until_ns)
			wait_ns = l->stalled_until_ns - s->now_ns;

		if (wait_ns < UINT64_MAX && s->now_ns + wait_ns < next)
			next = s->now_ns + wait_ns;
	}
	return next;
}

/* As sim_step, but the time does not move beyond limit_ns. */
static bool step_until(struct sim *s, uint64_t limit_ns)
{
	struct sim_loop *l;
	uint64_t next;

	if (s->heap_n && s->heap[1]->at_ns <= s->now_ns) {
		run_next_event(s);
		return true;
	}
	l = pick_loop(s, sim_chance(s, s->options.early_wake_percent));
	if (l) {
		run_turn(l);
		return true;
	}
	next = next_ns(s);
	if (next > limit_ns)
		return false;
	s->now_ns = next;
	return true;
}

bool sim_step(struct sim *s)
{
	return step_until(s, UINT64_MAX - 1);
}

bool sim_quiet(struct sim *s)
{
	if (s->heap_n)
		return false;
	for (struct list *i = s->loops.next; i != &s->loops; i = i->next)
		if (has_work(container_of(i, struct sim_loop, link)))
			return false;
	return true;
}

bool sim_settle(struct sim *s, uint64_t max_steps)
{
	for (; max_steps; max_steps--) {
		if (sim_quiet(s))
			return true;
		sim_step(s);
	}
	return sim_quiet(s);
}

void sim_run_ms(struct sim *s, uint64_t ms)
{
	uint64_t end_ns = s->now_ns + ms * 1000000;

	while (s->now_ns < end_ns && step_until(s, end_ns))
		continue;
	if (s->now_ns < end_ns)
		s->now_ns = end_ns;
}

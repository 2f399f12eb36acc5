#include "server/server.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/rate_table.h"
#include "io/unlucky.h"
#include "server/admission.h"
#include "server/metrics.h"
#include "server/worker.h"
#include "webhook/webhooks.h"

/* Some six are usual: more would be a server that never comes to rest. */
enum { ROUNDS_TO_REST_MAX = 10000 };
/* Of the descriptors that connections may have. */
enum { RESERVE_SHARE = 16, RESERVE_MIN = 8, RESERVE_MAX = 64 };
/* A client that was told to come again has come by then, over a slow network and TLS. */
enum { LINGER_MS_MAX = 1000 };

struct server {
	/* The one that holds, and the one before it or after it, in turn. */
	struct server_settings settings[2];
	atomic_uint n_reloads; /* the lowest bit says which of them holds */
	atomic_bool is_reloading;
	struct log *log;
	struct tls_current *tls;
	uint16_t clients_port;

	struct hub *hub;
	struct loop *hub_loop; /* NULL: the hub lives on the only worker's loop */
	struct mailbox *hub_inbox;
	struct outbox *to_workers;
	atomic_bool hub_waits; /* for a worker to take its mail */
	struct hash_key hash_key;
	struct webhooks *webhooks; /* on the hub's loop; NULL: none */
	struct {
		atomic_bool is_wanted, is_over;
	} settling;
	atomic_size_t n_webhook_events;

	struct worker *workers;
	unsigned n_workers;

	struct rate_table *rates;
	size_t n_crowd; /* connections that descriptors allow beside the reserve; 0: any number */
	struct process *process;
	struct admission admission;
	struct metrics metrics;
	atomic_bool is_draining, door_is_shut;
	struct {
		atomic_uint n_telling, n_leaving; /* workers */
		atomic_size_t n_told, n_back;	  /* clients */
		atomic_uint_fast64_t last_told_ms;
	} drain;
};

/* The hub's turn */

static void *mail_to_worker(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	struct server *s = ctx;
	void *record = outbox_add(&s->to_workers[worker], kind, bytes);

	ASSERT(record); /* small: never fails */
	return record;
}

static void on_reloaded(void *ctx)
{
	struct server *s = ctx;

	atomic_store(&s->is_reloading, false);
}

/* Like a worker's of its own. */
static struct webhook_counts *webhook_counts_of(void *ctx, const struct app *app)
{
	struct server *s = ctx;

	return &activity_get(&s->metrics.activities, s->n_workers, app->id)->webhooks;
}

static void tell_webhooks(void *ctx, const struct hub_news *n)
{
	struct server *s = ctx;

	webhooks_tell(s->webhooks, n);
}

static void *meet_webhooks(void *ctx, const struct app *app, void *known)
{
	struct server *s = ctx;

	return s->webhooks ? webhooks_meet(s->webhooks, app, known) : NULL;
}

/* Who has left is decided when the last has: a connection that ends late is like the others. */
static void settle_webhooks(struct server *s)
{
	bool is_deserted = hub_is_deserted(s->hub);

	if (is_deserted && !webhooks_is_settling(s->webhooks))
		webhooks_settle(s->webhooks);
	atomic_store(&s->settling.is_over, is_deserted && webhooks_n_waiting(s->webhooks) == 0);
}

static void turn_webhooks(struct server *s)
{
	if (!s->webhooks)
		return;
	if (atomic_load(&s->settling.is_wanted))
		settle_webhooks(s);
	atomic_store_explicit(&s->n_webhook_events, webhooks_n_waiting(s->webhooks),
			      memory_order_relaxed);
}

static bool a_worker_is_full(const struct server *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		if (mailbox_is_full(s->workers[i].inbox))
			return true;
	return false;
}

static void wake_workers(struct server *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		loop_wake(s->workers[i].loop);
}

static void wake_waiting_workers(struct server *s)
{
	if (mailbox_is_full(s->hub_inbox))
		return;
	for (unsigned i = 0; i < s->n_workers; i++)
		if (atomic_load(&s->workers[i].waits_for_hub))
			loop_wake(s->workers[i].loop);
}

static bool take_hub_mail(struct server *s)
{
	struct mail_batch *b = mailbox_take(s->hub_inbox);
	bool any = b != NULL;

	while (b) {
		const struct mail *m;

		for (size_t at = 0; (m = mail_batch_next(b, &at));)
			hub_take(s->hub, mail_worker(m->kind), m->kind & 0xff, m->record);
		b = mail_batch_done(b);
	}
	hub_end_batch(s->hub);
	turn_webhooks(s);
	for (unsigned i = 0; i < s->n_workers; i++)
		outbox_flush(&s->to_workers[i]);
	return any;
}

/* While a worker is behind with its mail the hub takes no more: its own box fills, and the
 * workers stop taking in work. No circle of waiting: a worker never waits for the hub before it
 * takes its mail. */
static bool on_hub_turn_end(void *ctx)
{
	struct server *s = ctx;

	atomic_store(&s->hub_waits, true);
	if (a_worker_is_full(s))
		return false;
	if (loop_is_unlucky(s->hub_loop, UNLUCKY_WORKER_FULL))
		return true;
	atomic_store(&s->hub_waits, false);
	if (take_hub_mail(s))
		wake_waiting_workers(s);
	return false;
}

bool server_turn_hub(struct server *s)
{
	return !s->hub_loop && take_hub_mail(s);
}

void server_mail_was_taken(struct server *s)
{
	if (atomic_load(&s->hub_waits))
		loop_wake(s->hub_loop);
}

/* Life */

static void make_worker(struct server *s, unsigned index, struct loop *l)
{
	struct worker *w = &s->workers[index];

	w->settings = server_settings(s);
	w->options = &w->settings->options;
	w->apps = w->settings->apps;
	w->log = s->log;
	w->rates = s->rates;
	w->admission = &s->admission;
	w->metrics = &s->metrics;
	w->hub_inbox = s->hub_inbox;
	w->inbox = mailbox_new(l, w->options->mail_bytes_full);
	outbox_init(&s->to_workers[index], w->inbox);
	worker_init(w, s, index, l);
	metrics_add_loop(&s->metrics, &(struct metrics_loop){ .loop = l,
							      .mail = w->inbox,
							      .n_conns = &w->n_conns,
							      .rates = w->rate_counts });
}

static void watch_loops(struct server *s, struct loop *first)
{
	s->process = process_open(first);
	s->workers[0].options = &server_settings(s)->options;
	admission_init(&s->admission, &s->workers[0].options, s->log, first, s->process);
	metrics_init(&s->metrics, &s->admission, s->process, loop_clock(first)->wall_ms,
		     s->n_workers + 1);
}

struct server *server_new(const struct server_options *o, const struct app_table *apps,
			  struct log *log, struct loop **worker_loops, struct loop *hub_loop,
			  struct hash_key key)
{
	struct server *s = xnew(struct server);

	ASSERT(o->n_workers == 1 || hub_loop);
	s->settings[0] = (struct server_settings){ *o, apps };
	s->log = log;
	s->tls = tls_current_new();
	s->n_workers = o->n_workers;
	s->hub_loop = hub_loop;
	s->hash_key = key;
	s->hub = hub_new(apps, o->n_workers, key, loop_clock(hub_loop ? hub_loop : worker_loops[0]),
			 (struct hub_sink){ .mail = mail_to_worker,
					    .reloaded = on_reloaded,
					    .tell = tell_webhooks,
					    .meet = meet_webhooks,
					    .ctx = s });
	s->hub_inbox = mailbox_new(hub_loop ? hub_loop : worker_loops[0], o->mail_bytes_full);
	s->rates = rate_table_new(key);
	s->to_workers = xcalloc(o->n_workers, sizeof *s->to_workers);
	s->workers = xcalloc(o->n_workers, sizeof *s->workers);
	watch_loops(s, worker_loops[0]);
	for (unsigned i = 0; i < o->n_workers; i++) {
		s->workers[i].hash_key = key;
		make_worker(s, i, worker_loops[i]);
	}
	if (hub_loop) {
		loop_on_turn_end(hub_loop, on_hub_turn_end, s);
		metrics_add_loop(&s->metrics,
				 &(struct metrics_loop){ .loop = hub_loop, .mail = s->hub_inbox });
	}
	return s;
}

/* One turn of every loop, here and now: they have no threads any more. */
static void turn_all(struct server *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		loop_turn(s->workers[i].loop, 0);
	if (s->hub_loop)
		loop_turn(s->hub_loop, 0);
}

/* No mail is under way: leaves have come to the hub, its releases and late answers back, the last
 * records are freed, and a reload that had just begun is over. */
static bool is_at_rest(const struct server *s)
{
	if (mailbox_bytes(s->hub_inbox) > 0 || server_is_reloading(s))
		return false;
	for (unsigned i = 0; i < s->n_workers; i++)
		if (mailbox_bytes(s->workers[i].inbox) > 0 || s->workers[i].conns.n_live > 0 ||
		    s->workers[i].leaving.n > 0)
			return false;
	return true;
}

static void come_to_rest(struct server *s)
{
	unsigned n_rounds = 0;

	for (unsigned i = 0; i < s->n_workers; i++)
		worker_end_all(&s->workers[i]);
	do {
		turn_all(s);
		n_rounds++;
		ASSERT(n_rounds < ROUNDS_TO_REST_MAX);
	} while (!is_at_rest(s));
}

void server_free(struct server *s)
{
	come_to_rest(s);
	for (unsigned i = 0; i < s->n_workers; i++) {
		loop_on_turn_end(s->workers[i].loop, NULL, NULL);
		worker_fini(&s->workers[i]);
		outbox_fini(&s->to_workers[i]);
		mailbox_free(s->workers[i].inbox);
	}
	if (s->hub_loop)
		loop_on_turn_end(s->hub_loop, NULL, NULL);
	webhooks_free(s->webhooks);
	tls_current_free(s->tls);
	mailbox_free(s->hub_inbox);
	hub_free(s->hub);
	rate_table_free(s->rates);
	metrics_fini(&s->metrics);
	admission_fini(&s->admission);
	process_close(s->process);
	xfree(s->workers);
	xfree(s->to_workers);
	xfree(s);
}

err server_listen(struct server *s, enum listener_role role, struct net_address *a,
		  int *system_error)
{
	unsigned n = role == LISTENER_METRICS ? 1 : s->n_workers;
	err e = OK;

	for (unsigned i = 0; i < n && e == OK; i++)
		e = listener_open(&s->workers[i], role, a, system_error);
	if (e == OK && role == LISTENER_CLIENTS)
		s->clients_port = a->port;
	if (role == LISTENER_METRICS && e == OK)
		s->metrics.port = a->port;
	return e;
}

err server_listen_unix(struct server *s, enum listener_role role, str path, unsigned mode,
		       int *system_error)
{
	err e = listener_open_unix(&s->workers[0], role, path, mode, system_error);

	for (unsigned i = 1; i < s->n_workers && e == OK; i++)
		e = listener_share(&s->workers[i], &s->workers[0]);
	return e;
}

/* Webhooks */

static struct loop *loop_of_hub(const struct server *s)
{
	return s->hub_loop ? s->hub_loop : s->workers[0].loop;
}

void server_set_webhooks(struct server *s, struct http_client *c)
{
	s->webhooks = webhooks_new(&(struct webhooks_options){
		.loop = loop_of_hub(s),
		.client = c,
		.log = s->log,
		.hash_key = s->hash_key,
		.events_max = server_settings(s)->options.webhook_events_max,
		.counts_of = webhook_counts_of,
		.ctx = s });
	s->metrics.n_webhook_events = &s->n_webhook_events;
	hub_meet_apps(s->hub);
}

void server_settle(struct server *s)
{
	atomic_store(&s->settling.is_wanted, true);
	loop_wake(loop_of_hub(s));
}

bool server_is_settled(const struct server *s)
{
	return !s->webhooks || atomic_load(&s->settling.is_over);
}

size_t server_n_webhook_events(const struct server *s)
{
	return atomic_load_explicit(&s->n_webhook_events, memory_order_relaxed);
}

/* TLS */

void server_set_tls(struct server *s, struct tls_context *c)
{
	tls_current_set(s->tls, c);
}

struct tls_context *server_tls(struct server *s)
{
	return tls_current_get(s->tls);
}

uint16_t server_clients_port(const struct server *s)
{
	return s->clients_port;
}

/* Reload */

const struct server_settings *server_settings(const struct server *s)
{
	return &s->settings[atomic_load_explicit(&s->n_reloads, memory_order_acquire) & 1];
}

bool server_is_reloading(const struct server *s)
{
	return atomic_load(&s->is_reloading);
}

void server_reload(struct server *s, const struct server_options *o, const struct app_table *apps)
{
	unsigned n = atomic_load(&s->n_reloads) + 1;

	ASSERT(!server_is_reloading(s));
	s->settings[n & 1] = (struct server_settings){ *o, apps };
	s->settings[n & 1].options.n_workers = s->n_workers;
	atomic_store(&s->is_reloading, true);
	atomic_store_explicit(&s->n_reloads, n, memory_order_release);
	wake_workers(s);
}

/* Draining */

void server_drain(struct server *s)
{
	if (server_is_draining(s))
		return;
	atomic_store(&s->drain.n_telling, s->n_workers);
	atomic_store(&s->is_draining, true);
	wake_workers(s);
}

bool server_is_draining(const struct server *s)
{
	return atomic_load_explicit(&s->is_draining, memory_order_relaxed);
}

bool server_is_leaving(const struct server *s)
{
	return atomic_load(&s->drain.n_leaving) == s->n_workers;
}

bool server_is_drained(const struct server *s)
{
	return server_is_leaving(s) && server_n_connections(s) == 0;
}

void server_shut_door(struct server *s)
{
	atomic_store(&s->door_is_shut, true);
	wake_workers(s);
}

bool server_door_is_shut(const struct server *s)
{
	return atomic_load_explicit(&s->door_is_shut, memory_order_relaxed);
}

void server_told(struct server *s, uint64_t now_ms)
{
	atomic_fetch_add(&s->drain.n_told, 1);
	atomic_store(&s->drain.last_told_ms, now_ms);
}

void server_came_back(struct server *s)
{
	atomic_fetch_add(&s->drain.n_back, 1);
}

void server_has_told(struct server *s)
{
	atomic_fetch_sub(&s->drain.n_telling, 1);
}

bool server_may_leave(const struct server *s, uint64_t now_ms)
{
	uint64_t linger_ms = server_settings(s)->options.shutdown_grace_period_s * UINT64_C(250);

	if (linger_ms > LINGER_MS_MAX)
		linger_ms = LINGER_MS_MAX;
	if (atomic_load(&s->drain.n_telling) > 0)
		return false;
	if (atomic_load(&s->drain.n_leaving) > 0) /* newcomers there are told, but not awaited */
		return true;
	return atomic_load(&s->drain.n_back) >= atomic_load(&s->drain.n_told) ||
	       now_ms >= atomic_load(&s->drain.last_told_ms) + linger_ms;
}

void server_leaves(struct server *s)
{
	atomic_fetch_add(&s->drain.n_leaving, 1);
}

/* Counts */

/* A share of them, within what several backends and a balancer need at once. */
static size_t reserve_of(size_t n_descriptors)
{
	size_t share = n_descriptors / RESERVE_SHARE;

	return share < RESERVE_MIN ? RESERVE_MIN : share > RESERVE_MAX ? RESERVE_MAX : share;
}

void server_set_descriptors(struct server *s, size_t n_left)
{
	size_t reserve = reserve_of(n_left);

	s->n_crowd = n_left == 0 ? 0 : n_left > reserve ? n_left - reserve : 1;
}

bool server_is_crowded(const struct server *s)
{
	return s->n_crowd > 0 && server_n_connections(s) > s->n_crowd;
}

struct app_counts server_count(const struct server *s, const struct app *a)
{
	return hub_count(s->hub, a);
}

size_t server_n_connections(const struct server *s)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->n_workers; i++)
		n += atomic_load(&s->workers[i].n_conns);
	return n;
}

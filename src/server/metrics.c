/* metrics.c: the text format 0.0.4 of Prometheus.
 *
 * Each row of metrics.def writes the series it has; names and labels come from the row, so that
 * what is documented is what is written. What the workers counted for one app is summed here;
 * their records are sorted by app once per page. */
#include "server/metrics.h"

#include "base/check.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RATIO_NS_MIN UINT64_C(1000000000)
#define LOOP_NAME_MAX 24

/* Values of a row's labels, in their order. */
struct labels {
	const str *values;
	size_t n;
};
#define LABELS(...)                                                                                \
	((struct labels){ (const str[]){ __VA_ARGS__ }, ARRAY_LEN(((const str[]){ __VA_ARGS__ })) })
#define NO_LABELS ((struct labels){ 0 })

struct metric;

struct page {
	struct metrics *m;
	str prefix;
	struct buf *b;
	const struct app_counts *apps;
	size_t n_apps;
	struct activity **records; /* sorted by app */
	size_t n_records;
	char port[8];
	bool has_memory, has_usage;
	struct process_memory memory;
	struct process_usage usage;
	const struct metric *row; /* being written */
	bool has_head;
};

struct metric {
	str name;
	bool is_fixed;
	const char *type;
	str labels;
	const char *help;
	void (*put)(struct page *p);
	size_t offset; /* of the member that it sums */
};

static const str TYPE_NAMES[] = {
	[CHANNEL_TYPE_PUBLIC] = { "public", 6 },
	[CHANNEL_TYPE_PRIVATE] = { "private", 7 },
	[CHANNEL_TYPE_PRESENCE] = { "presence", 8 },
	[CHANNEL_TYPE_PRIVATE_ENCRYPTED] = { "private_encrypted", 17 },
	[CHANNEL_TYPE_CACHE] = { "cache", 5 },
};

static const str ERROR_NAMES[] = {
#define CONNECTION_ERROR(name, words) { #name, sizeof(#name) - 1 },
#include "server/connection_errors.def"
#undef CONNECTION_ERROR
};

static const str OUTCOME_NAMES[] = {
	[WEBHOOK_DELIVERED] = { "delivered", 9 },
	[WEBHOOK_GIVEN_UP] = { "given_up", 8 },
	[WEBHOOK_DROPPED] = { "dropped", 7 },
};

static const str AUDIENCE_NAMES[] = {
	[AUDIENCE_XS] = { "xs", 2 }, [AUDIENCE_SM] = { "sm", 2 }, [AUDIENCE_MD] = { "md", 2 },
	[AUDIENCE_LG] = { "lg", 2 }, [AUDIENCE_XL] = { "xl", 2 },
};

static const str BOUND_NAMES[] = {
	{ "0.5", 3 },  { "1", 1 },    { "2.5", 3 },  { "5", 1 },    { "10", 2 },
	{ "25", 2 },   { "50", 2 },   { "100", 3 },  { "250", 3 },  { "500", 3 },
	{ "1000", 4 }, { "2500", 4 }, { "5000", 4 }, { "+Inf", 4 },
};
_Static_assert(ARRAY_LEN(BOUND_NAMES) == N_LATENCY_BUCKETS, "one for each");

/* Text */

static void put_name(struct page *p, str suffix)
{
	if (!p->row->is_fixed)
		buf_puts(p->b, p->prefix);
	buf_puts(p->b, p->row->name);
	buf_puts(p->b, suffix);
}

static void put_head(struct page *p)
{
	buf_puts(p->b, S("# HELP "));
	put_name(p, S(""));
	buf_printf(p->b, " %s\n# TYPE ", p->row->help);
	put_name(p, S(""));
	buf_printf(p->b, " %s\n", p->row->type);
	p->has_head = true;
}

static void put_label(struct page *p, bool is_first, str name, str value)
{
	buf_putc(p->b, is_first ? '{' : ',');
	buf_puts(p->b, name);
	buf_puts(p->b, S("=\""));
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\\' || c == '"' || c == '\n')
			buf_putc(p->b, '\\');
		buf_putc(p->b, (char)(c == '\n' ? 'n' : c));
	}
	buf_putc(p->b, '"');
}

/* A line up to its number. le: of a bucket. */
static void begin(struct page *p, str suffix, struct labels values, str le)
{
	str names = p->row->labels;

	if (!p->has_head)
		put_head(p);
	put_name(p, suffix);
	for (size_t i = 0; i < values.n; i++)
		put_label(p, i == 0, str_split(&names, ' '), values.values[i]);
	ASSERT(names.n == 0);
	if (le.n)
		put_label(p, values.n == 0, S("le"), le);
	if (values.n || le.n)
		buf_putc(p->b, '}');
	buf_putc(p->b, ' ');
}

static void put_number(struct page *p, struct labels values, uint64_t n)
{
	begin(p, S(""), values, S(""));
	buf_putu(p->b, n);
	buf_putc(p->b, '\n');
}

static void put_real(struct page *p, struct labels values, double x)
{
	begin(p, S(""), values, S(""));
	buf_printf(p->b, "%.6f\n", x);
}

static str port_of(const struct page *p)
{
	return str_from_cstr(p->port);
}

/* Sums of what the workers counted */

/* The records of one app, which stand side by side; the others follow. */
struct app_records {
	struct activity **first;
	size_t n;
};

static bool next_app(const struct page *p, size_t *at, struct app_records *out)
{
	size_t i = *at;

	if (i >= p->n_records)
		return false;
	while (i < p->n_records && str_eq(p->records[i]->app_id, p->records[*at]->app_id))
		i++;
	*out = (struct app_records){ &p->records[*at], i - *at };
	*at = i;
	return true;
}

static uint64_t sum(const struct app_records *r, size_t offset)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += counter_get((const struct counter *)((const char *)r->first[i] + offset));
	return n;
}

static void put_app(struct page *p)
{
	struct app_records r;

	for (size_t at = 0; next_app(p, &at, &r);) {
		uint64_t n = sum(&r, p->row->offset);

		if (n > 0)
			put_number(p, LABELS(r.first[0]->app_id, port_of(p)), n);
	}
}

/* The same for an array of counters, each with a label of its own. */
static void put_array(struct page *p, size_t offset, const str *names, size_t n_names)
{
	struct app_records r;

	for (size_t at = 0; next_app(p, &at, &r);) {
		for (size_t i = 0; i < n_names; i++) {
			uint64_t n = sum(&r, offset + i * sizeof(struct counter));

			if (n > 0)
				put_number(p, LABELS(r.first[0]->app_id, port_of(p), names[i]), n);
		}
	}
}

static void put_types(struct page *p)
{
	put_array(p, p->row->offset, TYPE_NAMES, N_CHANNEL_TYPES);
}

static void put_errors(struct page *p)
{
	put_array(p, offsetof(struct activity, errors), ERROR_NAMES, N_CONNECTION_ERRORS);
}

static void put_webhooks(struct page *p)
{
	put_array(p, offsetof(struct activity, webhooks.outcomes), OUTCOME_NAMES,
		  N_WEBHOOK_OUTCOMES);
}

static void put_webhook_depth(struct page *p)
{
	if (p->m->n_webhook_events)
		put_number(p, LABELS(port_of(p)),
			   atomic_load_explicit(p->m->n_webhook_events, memory_order_relaxed));
}

static void put_memory_refusals(struct page *p)
{
	struct app_records all = { p->records, p->n_records };
	uint64_t n = sum(&all, offsetof(struct activity, memory_refusals));

	if (n > 0)
		put_number(p, LABELS(port_of(p)), n);
}

/* Rates: of client addresses, then of single connections */

static uint64_t sum_rate(const struct page *p, enum client_rate which, bool refused)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->m->n_loops; i++) {
		const struct client_rate_count *r = p->m->loops[i].rates;

		if (r)
			n += atomic_load_explicit(refused ? &r[which].n_refused :
							    &r[which].n_checks,
						  memory_order_relaxed);
	}
	return n;
}

static void put_rate(struct page *p, str app_id, str limiter, str context, uint64_t n)
{
	if (n > 0)
		put_number(p, LABELS(app_id, port_of(p), limiter, context), n);
}

static void put_session_rates(struct page *p, size_t offset)
{
	size_t events = offsetof(struct activity, event_rate) + offset;
	size_t messages = offsetof(struct activity, message_rate) + offset;
	struct app_records r;

	for (size_t at = 0; next_app(p, &at, &r);) {
		str id = r.first[0]->app_id;

		put_rate(p, id, S("client_events"), S("unknown"), sum(&r, events));
		put_rate(p, id, S("messages"), S("unknown"), sum(&r, messages));
	}
}

static void put_rates(struct page *p, bool refused, size_t offset)
{
	put_rate(p, S("global"), S("api_rate_limit"), S("http_api"),
		 sum_rate(p, CLIENT_RATE_API, refused));
	put_rate(p, S("global"), S("websocket_rate_limit"), S("websocket_upgrade"),
		 sum_rate(p, CLIENT_RATE_UPGRADE, refused));
	put_session_rates(p, offset);
}

static void put_rate_checks(struct page *p)
{
	put_rates(p, false, offsetof(struct rate_counts, checks));
}

static void put_rate_refusals(struct page *p)
{
	put_rates(p, true, offsetof(struct rate_counts, refusals));
}

/* A histogram */

struct latency_sum {
	uint64_t buckets[N_LATENCY_BUCKETS], n, sum_ns;
};

static void add_latency(struct latency_sum *s, const struct latency *l)
{
	for (size_t i = 0; l && i < N_LATENCY_BUCKETS; i++) {
		s->buckets[i] += counter_get(&l->buckets[i]);
		s->n += counter_get(&l->buckets[i]);
	}
	s->sum_ns += l ? counter_get(&l->sum_ns) : 0;
}

static void put_histogram(struct page *p, struct labels values, const struct latency_sum *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < N_LATENCY_BUCKETS; i++) {
		n += s->buckets[i];
		begin(p, S("_bucket"), values, BOUND_NAMES[i]);
		buf_printf(p->b, "%" PRIu64 "\n", n);
	}
	begin(p, S("_sum"), values, S(""));
	buf_printf(p->b, "%.6f\n", (double)s->sum_ns / 1e6);
	begin(p, S("_count"), values, S(""));
	buf_printf(p->b, "%" PRIu64 "\n", s->n);
}

static void put_latency_of(struct page *p, const struct app_records *r, size_t type, size_t size)
{
	struct latency_sum s = { 0 };

	for (size_t i = 0; i < r->n; i++)
		add_latency(&s, atomic_load_explicit(&r->first[i]->latency[type][size],
						     memory_order_acquire));
	if (s.n > 0)
		put_histogram(p,
			      LABELS(r->first[0]->app_id, port_of(p), TYPE_NAMES[type],
				     AUDIENCE_NAMES[size]),
			      &s);
}

static void put_latency(struct page *p)
{
	struct app_records r;

	for (size_t at = 0; next_app(p, &at, &r);)
		for (size_t type = 0; type < N_CHANNEL_TYPES; type++)
			for (size_t size = 0; size < N_AUDIENCES; size++)
				put_latency_of(p, &r, type, size);
}

/* What the hub counted */

static void put_connected(struct page *p)
{
	for (size_t i = 0; i < p->n_apps; i++)
		put_number(p, LABELS(p->apps[i].app->id, port_of(p)), p->apps[i].connections);
}

static struct app_records records_of(const struct page *p, str app_id)
{
	struct app_records r = { 0 };
	size_t from = 0, to = p->n_records;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(p->records[middle]->app_id, app_id) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (from < p->n_records && str_eq(p->records[from]->app_id, app_id))
		next_app(p, &from, &r);
	return r;
}

/* A kind of channel that the app has had stays, at 0. */
static bool has_had(const struct app_records *r, size_t type)
{
	size_t offset = offsetof(struct activity, subscriptions) + type * sizeof(struct counter);

	return sum(r, offset) > 0;
}

static void put_active_channels(struct page *p)
{
	for (size_t i = 0; i < p->n_apps; i++) {
		str id = p->apps[i].app->id;
		struct app_records r = records_of(p, id);

		for (size_t type = 0; type < N_CHANNEL_TYPES; type++) {
			size_t n = p->apps[i].channels_of_type[type];

			if (n > 0 || has_had(&r, type))
				put_number(p, LABELS(id, port_of(p), TYPE_NAMES[type]), n);
		}
	}
}

/* Loops and process */

static str loop_name(const struct metrics_loop *l, const struct metrics *m,
		     char text[LOOP_NAME_MAX])
{
	if (!l->n_conns)
		return S("hub");
	snprintf(text, LOOP_NAME_MAX, "worker-%u", (unsigned)(l - m->loops));
	return str_from_cstr(text);
}

static void put_busy_ratio(struct page *p)
{
	char text[LOOP_NAME_MAX];

	for (unsigned i = 0; i < p->m->n_loops; i++) {
		const struct metrics_loop *l = &p->m->loops[i];

		put_real(p, LABELS(loop_name(l, p->m, text)), l->busy_ratio);
	}
}

static void put_mailboxes(struct page *p)
{
	char text[LOOP_NAME_MAX];

	for (unsigned i = 0; i < p->m->n_loops; i++) {
		const struct metrics_loop *l = &p->m->loops[i];

		put_number(p, LABELS(loop_name(l, p->m, text)), mailbox_bytes(l->mail));
	}
}

static void put_loop_connections(struct page *p)
{
	char text[LOOP_NAME_MAX];

	for (unsigned i = 0; i < p->m->n_loops; i++) {
		const struct metrics_loop *l = &p->m->loops[i];

		if (l->n_conns)
			put_number(p, LABELS(loop_name(l, p->m, text)),
				   atomic_load_explicit(l->n_conns, memory_order_relaxed));
	}
}

static void put_shedding(struct page *p)
{
	put_number(p, NO_LABELS, admission_pressure(p->m->admission) == PRESSURE_SHEDDING);
}

static void put_resident(struct page *p)
{
	if (p->has_memory)
		put_number(p, NO_LABELS, p->memory.resident_bytes);
}

static void put_virtual(struct page *p)
{
	if (p->has_memory)
		put_number(p, NO_LABELS, p->memory.virtual_bytes);
}

static void put_cpu(struct page *p)
{
	if (p->has_usage)
		put_real(p, NO_LABELS, (double)p->usage.cpu_ns / 1e9);
}

static void put_start(struct page *p)
{
	put_real(p, NO_LABELS, (double)p->m->start_ms / 1e3);
}

static void put_files(struct page *p)
{
	if (p->has_usage)
		put_number(p, NO_LABELS, p->usage.n_files);
}

static void put_files_max(struct page *p)
{
	if (p->has_usage)
		put_number(p, NO_LABELS, p->usage.n_files_max);
}

/* The page */

#define TYPE_COUNTER "counter"
#define TYPE_GAUGE "gauge"
#define TYPE_HISTOGRAM "histogram"
#define APP(member) put_app, offsetof(struct activity, member)
#define TYPES(member) put_types, offsetof(struct activity, member)
#define CALL(function) function, 0
#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}
#define SECTION(title)
#define METRIC(name, type, labels, source, words)                                                  \
	{ TEXT(#name), false, TYPE_##type, TEXT(labels), words, source },
#define FIXED(name, type, labels, source, words)                                                   \
	{ TEXT(#name), true, TYPE_##type, TEXT(labels), words, source },
static const struct metric METRICS[] = {
#include "server/metrics.def"
};

static int by_app(const void *a, const void *b)
{
	return str_cmp((*(struct activity *const *)a)->app_id,
		       (*(struct activity *const *)b)->app_id);
}

static void collect_records(struct page *p)
{
	struct activity *first = atomic_load(&p->m->activities.first);
	size_t n = 0;

	for (struct activity *a = first; a; a = a->next)
		n++;
	p->records = xcalloc(n + 1, sizeof(*p->records));
	for (struct activity *a = first; a; a = a->next)
		p->records[p->n_records++] = a;
	qsort(p->records, p->n_records, sizeof(*p->records), by_app);
}

/* Who asks twice within the second gets the same answer twice. */
static void measure_loop(struct metrics_loop *l)
{
	uint64_t now_ns = loop_now_ns(l->loop), passed_ns = now_ns - l->since_ns;
	uint64_t idle_ns = loop_idle_ns(l->loop), rested_ns = idle_ns - l->idle_ns;

	if (passed_ns < RATIO_NS_MIN)
		return;
	if (rested_ns > passed_ns) /* a wait that began before */
		rested_ns = passed_ns;
	l->busy_ratio = (double)(passed_ns - rested_ns) / (double)passed_ns;
	l->since_ns = now_ns;
	l->idle_ns = idle_ns;
}

void metrics_put(struct metrics *m, str prefix, const struct app_counts *apps, size_t n_apps,
		 struct buf *b)
{
	struct page p = { .m = m, .prefix = prefix, .b = b, .apps = apps, .n_apps = n_apps };

	snprintf(p.port, sizeof(p.port), "%u", m->port);
	collect_records(&p);
	p.has_memory = process_memory(m->process, &p.memory);
	p.has_usage = process_usage(m->process, &p.usage);
	for (unsigned i = 0; i < m->n_loops; i++)
		measure_loop(&m->loops[i]);
	for (size_t i = 0; i < ARRAY_LEN(METRICS); i++) {
		p.row = &METRICS[i];
		p.has_head = false;
		p.row->put(&p);
		if (p.has_head)
			buf_putc(b, '\n');
	}
	xfree(p.records);
}

void metrics_init(struct metrics *m, struct admission *a, struct process *p, int64_t start_ms,
		  unsigned n_loops_max)
{
	*m = (struct metrics){ .admission = a, .process = p, .start_ms = start_ms };
	m->loops = xcalloc(n_loops_max, sizeof(*m->loops));
}

void metrics_fini(struct metrics *m)
{
	activities_fini(&m->activities);
	xfree(m->loops);
}

void metrics_add_loop(struct metrics *m, const struct metrics_loop *l)
{
	m->loops[m->n_loops] = *l;
	m->loops[m->n_loops++].since_ns = loop_now_ns(l->loop);
}

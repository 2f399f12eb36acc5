#include "server/admission.h"

#include "base/check.h"
#include "base/mem.h"

/* It takes milliseconds, and while memory is really short it finds little. */
enum { GIVE_BACK_PAUSE_MS = 5000 };

/* Memory */

struct measure {
	enum memory_pressure pressure;
	const char *source;
	uint64_t resident_bytes, limit_bytes;
};

static const char *source_name(enum memory_limit_source source)
{
	static const char *const names[] = {
		[MEMORY_LIMIT_NONE] = "unavailable",
		[MEMORY_LIMIT_CGROUP_V2] = "cgroup_v2",
		[MEMORY_LIMIT_CGROUP_V1] = "cgroup_v1",
	};

	return names[source];
}

static bool is_above(const struct measure *m, double threshold)
{
	return (double)m->resident_bytes >= (double)m->limit_bytes * threshold;
}

static struct measure measure(const struct admission *a)
{
	const struct accept_traffic *o = &(*a->options)->accept_traffic;
	struct measure m = { .pressure = PRESSURE_DISABLED, .source = "unavailable" };
	struct process_memory memory;

	if (!o->enabled)
		return m;
	m.pressure = PRESSURE_UNAVAILABLE;
	if (!process_memory(a->process, &memory))
		return m;
	m.resident_bytes = memory.resident_bytes;
	m.limit_bytes = o->limit_bytes ? o->limit_bytes : memory.limit_bytes;
	m.source = o->limit_bytes ? "configured" : source_name(memory.limit_source);
	if (m.limit_bytes < UINT64_MAX)
		m.pressure = is_above(&m, o->threshold) ? PRESSURE_SHEDDING : PRESSURE_AVAILABLE;
	return m;
}

static void tell(const struct admission *a, enum memory_pressure before, const struct measure *m)
{
	if (m->pressure == PRESSURE_SHEDDING)
		log_write(a->log, LOG_WARN, "memory pressure admission shedding started",
			  LF_U64("resident_bytes", m->resident_bytes),
			  LF_U64("limit_bytes", m->limit_bytes), LF_CSTR("limit", m->source));
	else if (before == PRESSURE_SHEDDING)
		log_write(a->log, LOG_INFO, "memory pressure admission shedding stopped",
			  LF_U64("resident_bytes", m->resident_bytes));
	if (m->pressure == PRESSURE_UNAVAILABLE)
		log_write(a->log, LOG_WARN,
			  "memory pressure admission sampling unavailable; failing open");
}

/* What a crowd has left behind stays resident with the heap, and would keep newcomers out for ever:
 * memory is short only if it still is when that was given back. */
static bool may_give_back(struct admission *a)
{
	uint64_t now_ms = clock_ms(loop_clock(a->loop));

	if (now_ms < a->gives_back_ms)
		return false;
	a->gives_back_ms = now_ms + GIVE_BACK_PAUSE_MS;
	return true;
}

static struct measure measure_what_is_used(struct admission *a)
{
	struct measure m = measure(a);

	if (m.pressure != PRESSURE_SHEDDING || !may_give_back(a))
		return m;
	mem_give_back();
	return measure(a);
}

void admission_refresh(struct admission *a)
{
	enum memory_pressure before = admission_pressure(a);
	struct measure m = measure_what_is_used(a);

	atomic_store_explicit(&a->limit_source, m.source, memory_order_relaxed);
	atomic_store_explicit(&a->pressure, m.pressure, memory_order_relaxed);
	if (m.pressure != before)
		tell(a, before, &m);
	if (m.pressure == PRESSURE_DISABLED)
		timer_disarm(&a->timer);
	else
		timer_arm(a->loop, &a->timer, (*a->options)->accept_traffic.sample_interval_ms);
}

static void on_timer(struct timer *t)
{
	admission_refresh(container_of(t, struct admission, timer));
}

void admission_init(struct admission *a, const struct server_options *const *o, struct log *log,
		    struct loop *l, struct process *p)
{
	*a = (struct admission){ .options = o, .log = log, .loop = l, .process = p };
	timer_init(&a->timer, on_timer);
	admission_refresh(a);
}

void admission_fini(struct admission *a)
{
	timer_disarm(&a->timer);
}

/* Sessions */

bool admission_take(struct admission *a, uint32_t max)
{
	size_t n = atomic_fetch_add(&a->n_sessions, 1);

	if (max == 0 || n < max)
		return true;
	admission_give_back(a);
	return false;
}

void admission_give_back(struct admission *a)
{
	atomic_fetch_sub(&a->n_sessions, 1);
}

bool admission_is_full(struct admission *a, const struct server_options *o)
{
	size_t n = atomic_load(&a->n_sessions);
	double share = o->max_connections ? (double)n / o->max_connections : 0;
	bool is_full = atomic_load(&a->is_full) ? share > o->ready_low : share >= o->ready_high;

	atomic_store(&a->is_full, is_full);
	return is_full;
}

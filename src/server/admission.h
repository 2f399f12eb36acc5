/* admission.h: may this node take one more connection? Two reasons against: as many sessions as
 * max_connections, and memory near its limit.
 *
 * Memory is looked at every so often on one loop; everything else may be asked by any thread. What
 * cannot be measured refuses nobody. */
#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include "base/log.h"
#include "io/loop.h"
#include "io/process.h"
#include "server/options.h"

#include <stdatomic.h>

enum memory_pressure {
	PRESSURE_DISABLED,
	PRESSURE_UNAVAILABLE, /* no limit is known, or memory cannot be read */
	PRESSURE_AVAILABLE,   /* there is room */
	PRESSURE_SHEDDING,    /* new connections are refused */
};

struct admission {
	const struct server_options *const *options; /* which ones hold, on its loop */
	struct log *log;
	struct loop *loop;
	struct process *process;
	struct timer timer;
	uint64_t gives_back_ms; /* from when on free memory may be given back again */
	_Atomic(enum memory_pressure) pressure;
	_Atomic(const char *) limit_source;
	atomic_size_t n_sessions;
	atomic_bool is_full; /* since n_sessions last crossed one of the watermarks */
};

/* Looks at memory at once, then on that loop. What is given must outlive it. */
void admission_init(struct admission *a, const struct server_options *const *o, struct log *log,
		    struct loop *l, struct process *p);
void admission_fini(struct admission *a);
/* The loop's thread: there are other options. */
void admission_refresh(struct admission *a);

/* A session wants to exist: false when max (0: any number) are there. */
bool admission_take(struct admission *a, uint32_t max);
void admission_give_back(struct admission *a);

static inline enum memory_pressure admission_pressure(struct admission *a)
{
	return atomic_load_explicit(&a->pressure, memory_order_relaxed);
}
/* "configured", "cgroup_v2", "cgroup_v1" or "unavailable". */
static inline const char *admission_limit_source(struct admission *a)
{
	return atomic_load_explicit(&a->limit_source, memory_order_relaxed);
}
/* So near to max_connections that balancers should send clients elsewhere; once it is, until they
 * have become clearly fewer. */
bool admission_is_full(struct admission *a, const struct server_options *o);

#endif

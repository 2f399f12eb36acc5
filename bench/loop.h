/* loop.h: an epoll loop that never sleeps.
 *
 * A generator that slept would add its own wake-up time to every latency, so it spins: loop_poll() returns at
 * once, and whoever drives it calls it again. One thread. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define LOOP_SCRATCH_BYTES (256u * 1024u)

/* Embedded in whatever owns the descriptor. on_ready gets the epoll event bits; a watch may be closed and
 * opened again inside any on_ready, but its memory must outlive the loop_poll() call. */
struct watch {
	int fd;
	void (*on_ready)(struct watch *w, uint32_t events);
};

struct loop {
	int epoll_fd;
	char scratch[LOOP_SCRATCH_BYTES]; /* the one receive buffer */
};

struct loop *loop_new(void);
void loop_add(struct loop *l, struct watch *w, uint32_t events);
void loop_change(struct loop *l, struct watch *w, uint32_t events);
/* Handles what is ready now. */
void loop_poll(struct loop *l);

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif

/* tcp.h: a non-blocking TCP connection to the server under test.
 *
 * Connections leave from 127.0.0.2, .3, … in turn: one source address has only 28,000 ports, and a closed
 * connection keeps its port for a minute. Bytes that arrive are handed over as one run; what the reader does
 * not use is kept and put before the next. */
#ifndef BENCH_TCP_H
#define BENCH_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct tcp;

struct tcp_events {
	/* Returns how many of the n bytes it is done with. May close the connection and open it again. */
	size_t (*on_bytes)(struct tcp *t, const char *bytes, size_t n);
	/* The peer ended the connection or it failed; it is closed already and may be opened again. */
	void (*on_end)(struct tcp *t);
};

struct bytes {
	char *p;
	size_t n, cap;
};

struct tcp {
	struct watch watch;
	struct loop *loop;
	const struct tcp_events *events;
	struct bytes unread; /* arrived, not used yet */
	struct bytes unsent;
	uint32_t n_opened;
	bool is_blocked; /* waits for room in the kernel's buffer */
};

/* t is zeroed or was closed before. Returns at once; sending may begin at once, too. */
void tcp_open(struct tcp *t, struct loop *l, uint16_t port, const struct tcp_events *events);
void tcp_close(struct tcp *t);
static inline bool tcp_is_open(const struct tcp *t)
{
	return t->events && t->watch.fd >= 0;
}

/* Appends to what the next tcp_flush() sends in one call. */
void tcp_queue(struct tcp *t, const char *bytes, size_t n);
void tcp_flush(struct tcp *t);

#endif

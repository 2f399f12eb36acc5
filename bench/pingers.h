/* pingers.h: clients that ping by the clock: what everybody else feels while something big happens.
 *
 * Each client sends pusher:ping every 50 ms, the clients evenly spread; the latency counts from the time when
 * the ping was due. A client whose pong is late pings again only when it has come, and that ping is late from
 * its start: nothing is left out of the count. */
#ifndef BENCH_PINGERS_H
#define BENCH_PINGERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench.h"
#include "histogram.h"

struct pingers;

/* Connects n clients, subscribed to a channel of their own, and returns when all are ready. */
struct pingers *pingers_new(struct bench *b, uint32_t n);
/* Starts the schedule. */
void pingers_start(struct pingers *g);
/* Sends what is due. To be called between turns of the loop. Only pings that are sent while is_counted enter
 * the histogram. */
void pingers_turn(struct pingers *g, bool is_counted);
/* Waits for the pongs of counted pings, at most some seconds. */
void pingers_drain(struct pingers *g);
/* Counted pings whose pong is still out. */
uint32_t pingers_n_waiting(const struct pingers *g);
const struct histogram *pingers_latency_ns(const struct pingers *g);

#endif

/* http_publisher.h: one connection that publishes over the HTTP API.
 *
 * It keeps the connection as long as the server does and opens a new one where the server closes after each
 * answer, as some do. Until a server has shown that it keeps connections nothing is pipelined. Any answer but
 * 200 ends the program: no scenario sends what may be refused. */
#ifndef BENCH_HTTP_PUBLISHER_H
#define BENCH_HTTP_PUBLISHER_H

#include "bench.h"
#include "payload.h"
#include "tcp.h"

struct http_publisher {
	struct tcp tcp; /* first: a tcp is cast back to its publisher */
	struct bench *bench;
	uint64_t n_answers;
	uint32_t n_unanswered;
	uint32_t depth; /* requests that may be unanswered at once */
	bool is_persistent;
};

void http_publisher_open(struct http_publisher *p, struct bench *b, uint32_t depth);
bool http_publisher_has_room(const struct http_publisher *p);
/* Both queue; http_publisher_flush() sends all that is queued in one call. */
void http_publisher_publish(struct http_publisher *p, const char *channel,
			    const struct payload *payload);
void http_publisher_queue(struct http_publisher *p, const char *request, size_t n);
void http_publisher_flush(struct http_publisher *p);

#endif

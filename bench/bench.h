/* bench.h: what every scenario is given: the server to measure, for how long, and the loop to do it on. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>
#include <sys/types.h>

struct loop;
struct signer;

struct bench {
	struct loop *loop;
	struct signer *signer;
	const char *app_key;
	double warm_up_s; /* runs like the measured time, but nothing of it is reported */
	double measured_s;
	pid_t server_pid; /* 0: not given, then neither CPU nor memory is reported */
	uint16_t port;
};

/* Each runs one scenario against a fresh server and writes its figures with report.h. */
void scenario_fanout_one_in_flight(struct bench *b);
void scenario_fanout_sixteen_in_flight(struct bench *b);
void scenario_fanout_unpipelined(struct bench *b);
void scenario_publish(struct bench *b);
void scenario_publish_pipelined(struct bench *b);
void scenario_idle_memory(struct bench *b);
void scenario_paced_one_channel(struct bench *b);
void scenario_paced_many_channels(struct bench *b);
void scenario_churn(struct bench *b);
void scenario_churn_polite(struct bench *b);
void scenario_vanish(struct bench *b);
void scenario_ping_during_fanout(struct bench *b);

#endif

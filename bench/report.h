/* report.h: the figures of a scenario as one line of JSON on stdout. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "histogram.h"
#include "meter.h"
#include "sequence.h"

void report_begin(const char *scenario);
void report_number(const char *key, double value);
/* measured_s, and as shares of it: server_cpu, server_waited, load_waited. */
void report_meter(const struct meter *m);
/* <name>_p50_us, _p99_us, _p999_us, _max_us, _n. */
void report_latency(const char *name, const struct histogram *ns);
void report_verdict(const struct verdict *v);
void report_end(void);

#endif

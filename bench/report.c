#include "report.h"

#include <stdio.h>

void report_begin(const char *scenario)
{
	printf("{\"scenario\":\"%s\"", scenario);
}

void report_number(const char *key, double value)
{
	printf(",\"%s\":%.10g", key, value);
}

void report_meter(const struct meter *m)
{
	double all_ns = (double)m->elapsed_ns;

	report_number("measured_s", all_ns / 1e9);
	report_number("load_waited", (double)m->self.wait_ns / all_ns);
	if (m->server_pid == 0)
		return;
	report_number("server_cpu", (double)m->server.run_ns / all_ns);
	report_number("server_waited", (double)m->server.wait_ns / all_ns);
}

void report_latency(const char *name, const struct histogram *ns)
{
	static const struct {
		const char *name;
		double share;
	} marks[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p999", 0.999 }, { "max", 1.0 } };
	char key[64];

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		snprintf(key, sizeof key, "%s_%s_us", name, marks[i].name);
		report_number(key, (double)histogram_percentile(ns, marks[i].share) / 1e3);
	}
	snprintf(key, sizeof key, "%s_n", name);
	report_number(key, (double)ns->n);
}

void report_verdict(const struct verdict *v)
{
	report_number("received", (double)v->received);
	report_number("lost", (double)v->lost);
	report_number("duplicated", (double)v->duplicated);
	report_number("out_of_order", (double)v->out_of_order);
	report_number("stray", (double)v->stray);
}

void report_end(void)
{
	puts("}");
	fflush(stdout);
}

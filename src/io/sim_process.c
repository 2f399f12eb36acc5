/* sim_process.c: a process as the test tells it to be. */
#include "base/check.h"
#include "base/mem.h"
#include "io/sim_priv.h"

struct sim_process_file {
	struct process base;
	const struct sim_process *told;
};

static const struct sim_process *told(struct process *p)
{
	return container_of(p, struct sim_process_file, base)->told;
}

static bool memory(struct process *p, struct process_memory *out)
{
	*out = told(p)->memory;
	return !told(p)->is_unreadable;
}

static bool usage(struct process *p, struct process_usage *out)
{
	*out = told(p)->usage;
	return !told(p)->is_unreadable;
}

static bool host(struct process *p, struct host_memory *out)
{
	*out = told(p)->host;
	return !told(p)->is_unreadable;
}

static void close_process(struct process *p)
{
	xfree(container_of(p, struct sim_process_file, base));
}

static const struct process_ops sim_process_ops = {
	.close = close_process,
	.memory = memory,
	.usage = usage,
	.host = host,
};

struct process *sim_process_open(struct loop *l)
{
	struct sim_process_file *f = xnew(struct sim_process_file);

	f->base.ops = &sim_process_ops;
	f->told = &sim_loop_of(l)->sim->process;
	return &f->base;
}

struct sim_process *sim_process(struct sim *s)
{
	return &s->process;
}

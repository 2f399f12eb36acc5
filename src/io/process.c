#include "io/process.h"

#include "io/loop_ops.h"

struct process *process_open(struct loop *l)
{
	return l->ops->process_open(l);
}

void process_close(struct process *p)
{
	p->ops->close(p);
}

bool process_memory(struct process *p, struct process_memory *out)
{
	return p->ops->memory(p, out);
}

bool process_usage(struct process *p, struct process_usage *out)
{
	return p->ops->usage(p, out);
}

bool process_host(struct process *p, struct host_memory *out)
{
	return p->ops->host(p, out);
}

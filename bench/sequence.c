#include "sequence.h"

#define MEMORY 64u

static void take_ahead(struct sequence *s, uint32_t number, struct verdict *v)
{
	uint32_t gap = number - s->next;

	v->lost += gap;
	s->seen = gap + 1 < MEMORY ? s->seen << (gap + 1) | 1u : 1u;
	s->next = number + 1;
}

static bool take_behind(struct sequence *s, uint32_t number, struct verdict *v)
{
	uint32_t back = s->next - 1 - number;

	if (back >= MEMORY) {
		v->out_of_order++;
		return false;
	}
	if (s->seen >> back & 1u) {
		v->duplicated++;
		return false;
	}
	s->seen |= (uint64_t)1 << back;
	v->out_of_order++;
	v->lost--;
	return true;
}

bool sequence_take(struct sequence *s, uint32_t number, struct verdict *v)
{
	if (number < s->next && !take_behind(s, number, v))
		return false;
	if (number >= s->next)
		take_ahead(s, number, v);
	v->received++;
	return true;
}

void sequence_end(const struct sequence *s, uint32_t n_sent, struct verdict *v)
{
	if (s->next < n_sent)
		v->lost += n_sent - s->next;
}

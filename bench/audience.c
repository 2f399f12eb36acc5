#include "audience.h"

#include <stdio.h>

#include "die.h"

/* So many handshakes at once fit every server's listen queue. */
#define OPENING_MAX 100u
#define SILENCE_NS 2000000000u

struct subscriber {
	struct ws_client client; /* first */
	struct audience *audience;
	struct sequence *sequences; /* of the streams from first_stream on */
	uint32_t first_stream, n_streams;
	uint64_t order; /* digest of what came, in its order */
};

void audience_init(struct audience *a, struct bench *b, uint32_t n_max, uint32_t n_streams)
{
	a->bench = b;
	a->n_streams = n_streams;
	a->subscribers = must_calloc(n_max, sizeof *a->subscribers);
}

void audience_channel(const struct audience *a, uint32_t stream, char *out)
{
	snprintf(out, AUDIENCE_CHANNEL_BYTES, "bench-%u", a->n_streams > 0 ? 0 : stream);
}

static void on_open(struct ws_client *c)
{
	const struct subscriber *s = (struct subscriber *)c;
	char channel[AUDIENCE_CHANNEL_BYTES];

	audience_channel(s->audience, s->first_stream, channel);
	ws_client_subscribe(c, channel);
}

static void on_subscribed(struct ws_client *c)
{
	((struct subscriber *)c)->audience->n_subscribed++;
}

static void take(struct subscriber *s, const struct payload *p)
{
	struct audience *a = s->audience;
	uint32_t stream = (uint32_t)p->stream - s->first_stream;

	if (stream >= s->n_streams) {
		a->verdict.stray++;
		return;
	}
	if (!sequence_take(&s->sequences[stream], p->number, &a->verdict))
		return;
	s->order = (s->order ^ ((uint64_t)p->stream << 32 | p->number)) * 0x100000001b3u;
	a->last_delivery_ns = now_ns();
	if (p->intended_ns >= a->record_from_ns)
		histogram_add(&a->latency_ns, a->last_delivery_ns - p->intended_ns);
	if (a->on_delivery)
		a->on_delivery(a->context, p);
}

static bool on_event(struct ws_client *c, const char *text, size_t n)
{
	struct subscriber *s = (struct subscriber *)c;
	struct payload p;

	if (!payload_find(text, n, &s->audience->payload_hint, &p))
		return false;
	take(s, &p);
	return true;
}

static void open_subscriber(struct audience *a, uint32_t i)
{
	static const struct ws_client_events events = {
		.on_open = on_open,
		.on_subscribed = on_subscribed,
		.on_event = on_event,
	};
	struct subscriber *s = &a->subscribers[i];

	s->audience = a;
	s->first_stream = a->n_streams > 0 ? 0 : i;
	s->n_streams = a->n_streams > 0 ? a->n_streams : 1;
	s->sequences = must_calloc(s->n_streams, sizeof *s->sequences);
	ws_client_open(&s->client, a->bench, &events);
}

void audience_open_more(struct audience *a, uint32_t n, uint32_t opening_max)
{
	while (a->n < n && a->n - a->n_subscribed < opening_max)
		open_subscriber(a, a->n++);
}

void audience_grow(struct audience *a, uint32_t n)
{
	while (a->n_subscribed < n) {
		audience_open_more(a, n, OPENING_MAX);
		loop_poll(a->bench->loop);
	}
}

void audience_shrink(struct audience *a, uint32_t n)
{
	while (a->n > n)
		ws_client_drop(&a->subscribers[--a->n].client);
	a->n_subscribed = n;
}

void audience_record_from_now(struct audience *a)
{
	histogram_clear(&a->latency_ns);
	a->record_from_ns = now_ns();
}

void audience_drain(struct audience *a, uint64_t n_expected)
{
	uint64_t from_ns = now_ns();

	while (a->verdict.received < n_expected) {
		uint64_t heard_ns = a->last_delivery_ns > from_ns ? a->last_delivery_ns : from_ns;

		if (now_ns() - heard_ns > SILENCE_NS)
			break;
		loop_poll(a->bench->loop);
	}
}

static void end_streams(struct audience *a, const uint32_t *n_sent)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct subscriber *s = &a->subscribers[i];

		for (uint32_t k = 0; k < s->n_streams; k++)
			sequence_end(&s->sequences[k], n_sent[s->first_stream + k], &a->verdict);
	}
}

static void compare_orders(struct audience *a)
{
	for (uint32_t i = 1; i < a->n; i++) {
		if (a->subscribers[i].order != a->subscribers[0].order)
			a->verdict.out_of_order++;
	}
}

const struct verdict *audience_judge(struct audience *a, const uint32_t *n_sent)
{
	struct verdict *v = &a->verdict;

	end_streams(a, n_sent);
	/* A lost message changes the digest, too; it has been counted. */
	if (a->n_streams > 0 && v->lost == 0 && v->out_of_order == 0)
		compare_orders(a);
	return v;
}

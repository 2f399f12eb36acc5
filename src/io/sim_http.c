/* sim_http.c: posts in a world without a network of names: the world's receiver takes all of them.
 *
 * A post travels like bytes do, then the receiver says what becomes of it, then that travels back.
 * How long the receiver thinks, and how long the sender waits, are timers of the sender's loop: a world
 * in which somebody only waits is quiet. When the time is over the post may have arrived all the same,
 * or may still arrive nowhere; one that is lost by a fault was heard by the receiver every other
 * time. */
#include "base/check.h"
#include "io/http_client_priv.h"
#include "io/sim_priv.h"

struct sim_exchange {
	struct http_exchange base;
	struct sim_event arrival, answer;
	struct timer thought, deadline;
};

static struct sim_exchange *sim_exchange_of(struct http_exchange *x)
{
	return container_of(x, struct sim_exchange, base);
}

static struct sim *sim_of(const struct sim_exchange *x)
{
	return sim_loop_of(x->base.client->loop)->sim;
}

static void put_out(struct sim_exchange *x)
{
	sim_event_cancel(sim_of(x), &x->arrival);
	sim_event_cancel(sim_of(x), &x->answer);
	timer_disarm(&x->thought);
	timer_disarm(&x->deadline);
}

static void finish(struct sim_exchange *x)
{
	const struct sim_receiver *r = &sim_of(x)->receiver;

	put_out(x);
	if (r->on_end)
		r->on_end(r->ctx, &x->base.post, x->base.status);
	sim_trace(sim_of(x), x->base.status);
	http_exchange_finish(&x->base);
}

static void on_answer(struct sim_event *e)
{
	finish(container_of(e, struct sim_exchange, answer));
}

static void fly_back(struct sim_exchange *x)
{
	struct sim *s = sim_of(x);

	sim_event_arm(s, &x->answer, sim_draw_us(s, s->options.delay_us_max));
}

static void on_thought(struct timer *t)
{
	fly_back(container_of(t, struct sim_exchange, thought));
}

static void on_deadline(struct timer *t)
{
	struct sim_exchange *x = container_of(t, struct sim_exchange, deadline);

	x->base.status = 0;
	x->base.error = HTTP_ERROR_TIMEOUT;
	finish(x);
}

static struct sim_post_fate fate_of(struct sim *s, const struct http_post *post)
{
	if (!s->receiver.on_post)
		return (struct sim_post_fate){ .error = HTTP_ERROR_REFUSED };
	return s->receiver.on_post(s->receiver.ctx, post);
}

static void on_arrival(struct sim_event *e)
{
	struct sim_exchange *x = container_of(e, struct sim_exchange, arrival);
	struct sim *s = sim_of(x);
	struct sim_post_fate f;

	sim_trace_bytes(s, x->base.post.body.p, x->base.post.body.n);
	f = fate_of(s, &x->base.post);
	if (x->base.error) { /* struck by a fault before */
		fly_back(x);
		return;
	}
	x->base.status = f.status;
	x->base.error = f.status ? NULL : f.error;
	if (!f.status && !f.error)
		return;
	if (f.delay_ms)
		timer_arm(x->base.client->loop, &x->thought, f.delay_ms);
	else
		fly_back(x);
}

static void start(struct http_exchange *base)
{
	struct sim_exchange *x = sim_exchange_of(base);
	struct sim *s = sim_of(x);

	x->arrival.run = on_arrival;
	x->answer.run = on_answer;
	timer_init(&x->thought, on_thought);
	timer_init(&x->deadline, on_deadline);
	if (s->receiver.on_send)
		s->receiver.on_send(s->receiver.ctx, &base->post);
	timer_arm(base->client->loop, &x->deadline, base->post.timeout_ms);
	if (sim_strikes(s))
		base->error = HTTP_ERROR_LOST;
	if (base->error && sim_chance(s, 50))
		fly_back(x);
	else
		sim_event_arm(s, &x->arrival, sim_draw_us(s, s->options.delay_us_max));
}

static void end(struct http_exchange *x)
{
	put_out(sim_exchange_of(x));
}

static bool init(struct http_client *c, const struct http_client_options *o, const char **why)
{
	return true;
}

static void fini(struct http_client *c)
{
}

const struct http_client_ops sim_http_client_ops = {
	.client_bytes = sizeof(struct http_client),
	.exchange_bytes = sizeof(struct sim_exchange),
	.init = init,
	.fini = fini,
	.start = start,
	.end = end,
};

void sim_set_receiver(struct sim *s, const struct sim_receiver *r)
{
	s->receiver = *r;
}

#include "webhook/target.h"

#include "base/check.h"
#include "base/mem.h"
#include "webhook/event_json.h"

/* Half of the places are for those that have none: however many wait for slow receivers, the first
 * request to another one goes out. */
enum { TARGET_POSTS_MAX = 16, BUSY_POSTS_MAX = OUTLET_POSTS_MAX / 2 };

/* Room */

static void take_room(struct outlet *o, size_t n_events, size_t n_bytes)
{
	o->n_events += n_events;
	o->n_bytes += n_bytes;
}

static void give_room(struct outlet *o, size_t n_events, size_t n_bytes)
{
	ASSERT(o->n_events >= n_events && o->n_bytes >= n_bytes);
	o->n_events -= n_events;
	o->n_bytes -= n_bytes;
}

static void drop(struct target *t, uint64_t n_events, const char *reason)
{
	const struct outlet *o = t->outlet;

	counter_add(&t->counts->outcomes[WEBHOOK_DROPPED], n_events);
	log_limited(o->log, LOG_WARN, "webhook event dropped", LF_STR("app_id", t->set->app_id),
		    LF_STR("host", http_client_host(t->hook->url)), LF_CSTR("reason", reason),
		    LF_U64("events", o->n_events), LF_U64("events_max", o->n_events_max),
		    LF_U64("bytes", o->n_bytes), LF_U64("bytes_max", o->n_bytes_max),
		    LF_CSTR("setting", "queue.reliability.memory_capacity"));
}

static bool has_room(struct target *t)
{
	const struct outlet *o = t->outlet;

	if (o->n_events < o->n_events_max && o->n_bytes < o->n_bytes_max)
		return true;
	drop(t, 1, "too much waits");
	return false;
}

/* Requests */

static void forget(struct target *t, struct request *r)
{
	give_room(t->outlet, r->n_events, r->body.len);
	request_free(r);
}

static bool is_ready(const struct target *t)
{
	return !list_is_empty(&t->waiting) || (t->is_due && t->n_gathered > 0);
}

/* The next outlet_pump looks at it. */
static void look_at(struct target *t)
{
	if (list_is_empty(&t->ready_link))
		list_push_back(&t->outlet->ready, &t->ready_link);
}

static void be_ready(struct target *t)
{
	if (is_ready(t))
		look_at(t);
}

static void on_rested(struct timer *timer)
{
	struct request *r = container_of(timer, struct request, rest);
	struct target *t = r->target;

	list_remove(&r->link);
	list_push_back(&t->waiting, &r->link);
	be_ready(t);
	outlet_pump(t->outlet);
}

static void say_failure(const struct request *r, const struct http_result *result,
			const char *event, uint64_t again_ms)
{
	const struct target *t = r->target;

	log_limited(t->outlet->log, LOG_WARN, event, LF_STR("app_id", t->set->app_id),
		    LF_STR("host", http_client_host(t->hook->url)),
		    LF_U64("status", result->status),
		    LF_CSTR("error", result->error ? result->error : ""),
		    LF_CSTR("words", result->words), LF_U64("attempt", r->n_attempts),
		    LF_U64("events", r->n_events), LF_U64("again_in_ms", again_ms));
}

static void end(struct request *r, const struct http_result *result)
{
	struct target *t = r->target;
	bool is_taken = request_is_taken(result);

	if (!is_taken)
		say_failure(r, result, "webhook given up", 0);
	counter_add(&t->counts->outcomes[is_taken ? WEBHOOK_DELIVERED : WEBHOOK_GIVEN_UP],
		    r->n_events);
	forget(t, r);
}

static void on_done(void *request, const struct http_result *result)
{
	struct request *r = request;
	struct target *t = r->target;
	uint64_t now_ms = clock_ms(loop_clock(t->outlet->loop)), delay_ms;

	t->n_under_way--;
	t->outlet->n_under_way--;
	list_remove(&r->link);
	if (request_is_taken(result) ||
	    !request_may_rest(r, &t->hook->retry, result, now_ms, &delay_ms)) {
		end(r, result);
	} else {
		say_failure(r, result, "webhook failed", delay_ms);
		list_push_back(&t->resting, &r->link);
		timer_arm(t->outlet->loop, &r->rest, delay_ms);
	}
	look_at(t);
	outlet_pump(t->outlet);
}

static void post(struct request *r)
{
	static const struct http_result unusable = { .error = "url", .words = "" };
	struct target *t = r->target;
	struct outlet *o = t->outlet;

	if (!request_post(r, o->client, t->set, t->hook, clock_ms(loop_clock(o->loop)), on_done)) {
		end(r, &unusable);
		return;
	}
	list_push_back(&t->under_way, &r->link);
	t->n_under_way++;
	o->n_under_way++;
}

/* Gathering */

static uint64_t now_wall_ms(const struct target *t)
{
	return (uint64_t)loop_clock(t->outlet->loop)->wall_ms;
}

static void begin_body(struct target *t)
{
	buf_puts(&t->gathered, S("{\"time_ms\":"));
	buf_putu(&t->gathered, now_wall_ms(t));
	buf_puts(&t->gathered, S(",\"events\":["));
}

/* What is gathered becomes a request. */
static struct request *close_body(struct target *t)
{
	uint32_t n = t->n_gathered;
	size_t len = t->gathered.len;

	timer_disarm(&t->gather);
	t->n_gathered = 0;
	t->is_due = false;
	buf_puts(&t->gathered, S("]}"));
	if (!buf_ok(&t->gathered)) {
		give_room(t->outlet, n, len);
		buf_fini(&t->gathered);
		drop(t, n, "no memory");
		return NULL;
	}
	take_room(t->outlet, 0, t->gathered.len - len);
	return request_new(t, t->set, &t->gathered, n, on_rested);
}

static void close_whole(struct target *t)
{
	struct request *r = close_body(t);

	if (r)
		list_push_back(&t->waiting, &r->link);
}

static void on_gathered(struct timer *timer)
{
	struct target *t = container_of(timer, struct target, gather);

	target_hurry(t);
	outlet_pump(t->outlet);
}

/* False: memory is short, and the body is as it was. */
static bool add_event(struct target *t, const struct hub_news *n)
{
	size_t len = t->gathered.len;

	if (t->n_gathered == 0)
		begin_body(t);
	else
		buf_putc(&t->gathered, ',');
	event_json_write(&t->gathered, n);
	if (buf_ok(&t->gathered)) {
		take_room(t->outlet, 1, t->gathered.len - len);
		t->n_gathered++;
		return true;
	}
	t->gathered.len = len;
	t->gathered.overflow = false;
	if (t->n_gathered == 0)
		buf_fini(&t->gathered);
	return false;
}

void target_tell(struct target *t, const struct hub_news *n)
{
	if (!has_room(t))
		return;
	if (!add_event(t, n)) {
		drop(t, 1, "no memory");
		return;
	}
	if (t->n_gathered >= t->set->events_max)
		close_whole(t);
	else if (t->set->gather_ms == 0 || t->outlet->is_settling)
		t->is_due = true;
	else if (t->n_gathered == 1)
		timer_arm(t->outlet->loop, &t->gather, t->set->gather_ms);
	be_ready(t);
}

void target_hurry(struct target *t)
{
	t->is_due = t->n_gathered > 0;
	be_ready(t);
}

void target_wake(struct target *t)
{
	while (!list_is_empty(&t->resting)) {
		struct request *r = container_of(t->resting.next, struct request, link);

		timer_disarm(&r->rest);
		list_remove(&r->link);
		list_push_back(&t->waiting, &r->link);
	}
	target_hurry(t);
}

/* The way out */

static bool may_post(const struct target *t)
{
	const struct outlet *o = t->outlet;

	if (t->n_under_way == 0)
		return true;
	return !list_is_empty(&t->waiting) && t->n_under_way < TARGET_POSTS_MAX &&
	       o->n_under_way < BUSY_POSTS_MAX;
}

static void post_next(struct target *t)
{
	struct list *l = list_pop_front(&t->waiting);
	struct request *r = l ? container_of(l, struct request, link) : close_body(t);

	if (r)
		post(r);
}

/* Each in turn, so that none has to wait for the many of another. Who may not post now has a post under
 * way, whose end makes it ready again. */
void outlet_pump(struct outlet *o)
{
	while (o->n_under_way < OUTLET_POSTS_MAX && !list_is_empty(&o->ready)) {
		struct list *l = list_pop_front(&o->ready);
		struct target *t = container_of(l, struct target, ready_link);

		if (is_ready(t) && may_post(t)) {
			post_next(t);
			look_at(t);
		} else if (t->is_former && target_is_idle(t)) {
			target_free(t);
		}
	}
}

/* Life */

void target_retire(struct target *t)
{
	t->is_former = true;
	target_hurry(t);
	look_at(t);
}

struct target *target_new(struct outlet *o, struct webhook_set *set, size_t i,
			  struct webhook_counts *counts)
{
	struct target *t = xnew(struct target);

	t->outlet = o;
	t->set = webhook_set_ref(set);
	t->hook = set->hooks[i];
	t->counts = counts;
	list_init(&t->link);
	list_init(&t->ready_link);
	list_init(&t->waiting);
	list_init(&t->under_way);
	list_init(&t->resting);
	timer_init(&t->gather, on_gathered);
	buf_init(&t->gathered, UINT32_MAX);
	return t;
}

static void forget_all(struct target *t, struct list *requests)
{
	while (!list_is_empty(requests))
		forget(t, container_of(requests->next, struct request, link));
}

void target_free(struct target *t)
{
	forget_all(t, &t->waiting);
	forget_all(t, &t->under_way);
	forget_all(t, &t->resting);
	t->outlet->n_under_way -= t->n_under_way;
	give_room(t->outlet, t->n_gathered, t->gathered.len);
	timer_disarm(&t->gather);
	list_remove(&t->ready_link);
	list_remove(&t->link);
	buf_fini(&t->gathered);
	webhook_set_unref(t->set);
	xfree(t);
}

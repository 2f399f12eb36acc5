#include "webhook/departures.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

struct departure {
	struct list link;
	uint64_t due_ms, hash;
	void *listener;
	enum webhook_event event;
	uint32_t key_len, channel_len;
	char key[]; /* see write_key */
};

enum { KEY_CHANNEL_AT = sizeof(void *) };

static str key_of(const void *departure)
{
	const struct departure *x = departure;

	return (str){ x->key, x->key_len };
}

/* Listener, channel, NUL, user_id: no channel has a NUL in its name. What has departed was written here
 * before, so to look for it takes no memory. */
static bool write_key(struct departures *d, const struct hub_news *n)
{
	buf_clear(&d->key);
	buf_put(&d->key, &n->listener, sizeof n->listener);
	buf_puts(&d->key, n->channel);
	buf_putc(&d->key, '\0');
	buf_puts(&d->key, n->user_id);
	return buf_ok(&d->key);
}

static void spare_key(struct departures *d)
{
	if (d->by_key.n == 0)
		buf_fini(&d->key);
}

static void forget(struct departures *d, struct departure *x)
{
	map_remove(&d->by_key, x->hash, x);
	list_remove(&x->link);
	xfree(x);
	spare_key(d);
}

static void be_certain(struct departures *d, struct departure *x)
{
	str key = { x->key, x->key_len };
	struct hub_news n = { .event = x->event,
			      .listener = x->listener,
			      .sender = SOCKET_ID_NONE };

	n.channel = str_take(str_skip(key, KEY_CHANNEL_AT), x->channel_len);
	n.user_id = str_skip(key, KEY_CHANNEL_AT + x->channel_len + 1);
	d->on_certain(d->ctx, &n);
	forget(d, x);
}

static struct departure *oldest(const struct departures *d)
{
	return list_is_empty(&d->waiting) ? NULL :
					    container_of(d->waiting.next, struct departure, link);
}

static void on_due(struct timer *t)
{
	struct departures *d = container_of(t, struct departures, timer);
	uint64_t now_ms = clock_ms(loop_clock(d->loop));
	struct departure *x;

	while ((x = oldest(d)) && x->due_ms <= now_ms)
		be_certain(d, x);
	if (x)
		timer_arm(d->loop, t, x->due_ms - now_ms);
}

void departures_init(struct departures *d, struct loop *l, struct hash_key key, size_t n_max)
{
	*d = (struct departures){ .loop = l, .hash_key = key, .n_max = n_max };
	map_init(&d->by_key, key_of);
	list_init(&d->waiting);
	timer_init(&d->timer, on_due);
	buf_init(&d->key, UINT32_MAX);
}

void departures_fini(struct departures *d)
{
	struct departure *x;

	timer_disarm(&d->timer);
	while ((x = oldest(d)))
		forget(d, x);
	map_fini(&d->by_key);
	buf_fini(&d->key);
}

bool departures_add(struct departures *d, const struct hub_news *n)
{
	bool is_possible = d->by_key.n < d->n_max && write_key(d, n);
	struct departure *x = is_possible ? try_alloc(sizeof *x + d->key.len) : NULL;

	if (!x) {
		spare_key(d);
		return false;
	}
	*x = (struct departure){ .due_ms = clock_ms(loop_clock(d->loop)) + DEPARTURE_MS,
				 .hash = hash_str(&d->hash_key, buf_str(&d->key)),
				 .listener = n->listener,
				 .event = n->event,
				 .key_len = (uint32_t)d->key.len,
				 .channel_len = (uint32_t)n->channel.n };
	memcpy(x->key, d->key.p, d->key.len);
	DASSERT(!map_find(&d->by_key, x->hash, key_of(x)));
	map_put(&d->by_key, x->hash, x);
	list_push_back(&d->waiting, &x->link);
	if (!timer_is_armed(&d->timer))
		timer_arm(d->loop, &d->timer, DEPARTURE_MS);
	return true;
}

bool departures_take_back(struct departures *d, const struct hub_news *n)
{
	struct departure *x = NULL;

	if (d->by_key.n > 0 && write_key(d, n))
		x = map_find(&d->by_key, hash_str(&d->hash_key, buf_str(&d->key)),
			     buf_str(&d->key));
	if (x)
		forget(d, x);
	return x != NULL;
}

void departures_settle(struct departures *d)
{
	struct departure *x;

	while ((x = oldest(d)))
		be_certain(d, x);
	timer_disarm(&d->timer);
}

void departures_settle_of(struct departures *d, const void *listener)
{
	struct list *next;

	for (struct list *l = d->waiting.next; l != &d->waiting; l = next) {
		struct departure *x = container_of(l, struct departure, link);

		next = l->next;
		if (x->listener == listener)
			be_certain(d, x);
	}
}

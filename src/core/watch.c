#include "core/watch.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "codec/pusher.h"

static str watched_key(const void *watched)
{
	return ((const struct watched *)watched)->user_id;
}

void watch_init(struct watch_table *t, struct hash_key key)
{
	map_init(&t->by_user, watched_key);
	t->hash_key = key;
}

void watch_fini(struct watch_table *t)
{
	ASSERT(t->by_user.n == 0);
	map_fini(&t->by_user);
}

struct watched *watch_find(const struct watch_table *t, str user_id)
{
	return map_find(&t->by_user, hash_str(&t->hash_key, user_id), user_id);
}

static struct watched *watched_get(struct watch_table *t, str user_id)
{
	uint64_t hash = hash_str(&t->hash_key, user_id);
	struct watched *w = map_find(&t->by_user, hash, user_id);

	if (w)
		return w;
	w = try_alloc(sizeof(*w) + user_id.n);
	if (!w)
		return NULL;
	list_init(&w->watchers);
	w->hash = hash;
	memcpy(w->text, user_id.p, user_id.n);
	w->user_id = (str){ w->text, user_id.n };
	map_put(&t->by_user, hash, w);
	return w;
}

static void watched_put(struct watch_table *t, struct watched *w)
{
	if (!list_is_empty(&w->watchers))
		return;
	map_remove(&t->by_user, w->hash, w);
	xfree(w);
}

static void clear(struct watch_table *t, struct watch **list)
{
	struct watch *w;

	while ((w = *list)) {
		*list = w->next;
		list_remove(&w->in_watched);
		watched_put(t, w->watched);
		xfree(w);
	}
}

/* A list is set at once, so a repetition stands at the end of the watched user's watchers. */
static bool is_repetition(const struct watched *w, const struct channel *watcher)
{
	return !list_is_empty(&w->watchers) &&
	       container_of(w->watchers.prev, struct watch, in_watched)->watcher == watcher;
}

static void add(struct watch_table *t, struct watch ***end, struct channel *watcher, str user_id)
{
	struct watched *target = watched_get(t, user_id);
	struct watch *w;

	if (!target || is_repetition(target, watcher))
		return;
	w = try_alloc(sizeof(*w));
	if (!w) {
		watched_put(t, target);
		return;
	}
	*w = (struct watch){ .watched = target, .watcher = watcher };
	list_init(&w->in_watched);
	list_push_back(&target->watchers, &w->in_watched);
	**end = w;
	*end = &w->next;
}

void watch_set(struct watch_table *t, struct watch **list, struct channel *watcher, str watchlist)
{
	struct watch **end = list;
	struct json_iter it;
	struct json all, item;
	struct arena a;

	clear(t, list);
	if (json_parse(watchlist, PUSHER_DEPTH_MAX, &all, NULL) != OK || all.kind != JSON_ARRAY)
		return;
	arena_init(&a, 0);
	for (it = json_enter(all); json_next_item(&it, &item);)
		if (item.kind == JSON_STRING)
			add(t, &end, watcher, json_decode(item, &a));
	arena_fini(&a);
}

/* Frames */

static void begin(struct buf *b)
{
	buf_init(b, UINT32_MAX / 8);
	buf_puts(b, S("{\"events\":["));
}

static struct msg *end(struct buf *b)
{
	struct msg *m;

	buf_puts(b, S("]}"));
	m = buf_ok(b) ? pusher_text_event_new(S("pusher_internal:watchlist_events"), (str){ 0 },
					      buf_str(b)) :
			NULL;
	buf_fini(b);
	return m;
}

static void open_entry(struct buf *b, bool is_online)
{
	buf_puts(b, is_online ? S("{\"name\":\"online\",\"user_ids\":[") :
				S("{\"name\":\"offline\",\"user_ids\":["));
}

struct msg *watch_edge_new(str user_id, bool is_online)
{
	struct buf b;

	begin(&b);
	open_entry(&b, is_online);
	jw_string(&b, user_id);
	buf_puts(&b, S("]}"));
	return end(&b);
}

/* The entry of those in one state; nothing when there are none. */
static bool put_state(struct buf *b, const struct watch *list, bool wants_online, bool is_second,
		      bool (*is_online)(void *ctx, str user_id), void *ctx)
{
	bool any = false;

	for (const struct watch *w = list; w; w = w->next) {
		if (is_online(ctx, w->watched->user_id) != wants_online)
			continue;
		if (any || is_second)
			buf_putc(b, ',');
		if (!any)
			open_entry(b, wants_online);
		jw_string(b, w->watched->user_id);
		any = true;
	}
	if (any)
		buf_puts(b, S("]}"));
	return any;
}

struct msg *watch_state_new(const struct watch *list, bool (*is_online)(void *ctx, str user_id),
			    void *ctx)
{
	struct buf b;
	bool any;

	if (!list)
		return NULL;
	begin(&b);
	any = put_state(&b, list, true, false, is_online, ctx);
	put_state(&b, list, false, any, is_online, ctx);
	return end(&b);
}

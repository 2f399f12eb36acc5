/* hub_users.c: who is signed in. A user exists as the channel that all its connections are on
 * (mail.h). */
#include "base/check.h"
#include "core/hub_priv.h"

/* The name of a user's channel is looked up more often than users come and go: built where it is
 * needed. */
static struct channel *find_user(struct hub *h, const struct app *app, str user_id)
{
	struct channel *ch;
	struct buf name;

	buf_init(&name, UINT32_MAX);
	buf_puts(&name, S(CHANNEL_USER_PREFIX));
	buf_puts(&name, user_id);
	ch = buf_ok(&name) ? hub_find(h, app, buf_str(&name)) : NULL;
	buf_fini(&name);
	return ch;
}

struct user_finder {
	struct hub *hub;
	const struct app *app;
};

static bool is_online(void *ctx, str user_id)
{
	const struct user_finder *f = ctx;

	return find_user(f->hub, f->app, user_id) != NULL;
}

static void tell_watchers(struct hub *h, struct channel *user, bool online)
{
	str user_id = channel_user(user->name);
	struct watched *w = watch_find(&user->owner->watched, user_id);
	struct msg *edge = w ? watch_edge_new(user_id, online) : NULL;

	if (!edge)
		return;
	for (struct list *l = w->watchers.next; l != &w->watchers; l = l->next)
		hub_deliver(h, container_of(l, struct watch, in_watched)->watcher, msg_ref(edge),
			    SOCKET_ID_NONE);
	msg_unref(edge);
}

void hub_user_came(struct hub *h, struct channel *user)
{
	tell_watchers(h, user, true);
}

void hub_user_goes(struct hub *h, struct channel *user)
{
	watch_set(&user->owner->watched, &user->watches, user, S(""));
	tell_watchers(h, user, false);
}

struct msg *hub_user_watches(struct hub *h, struct channel *user, str watchlist)
{
	struct user_finder f = { h, user->owner->app };

	if (!f.app->enable_watchlist_events)
		return NULL;
	watch_set(&user->owner->watched, &user->watches, user, watchlist);
	return watch_state_new(user->watches, is_online, &f);
}

void hub_close_user(struct hub *h, unsigned worker, const struct to_hub_close_user *r)
{
	struct channel *user = find_user(h, r->app, (str){ r->text, r->user_id_len });

	for (unsigned w = 0; user && w < h->n_workers; w++) {
		struct to_worker_close *m;

		if (user->interest[w].n == 0)
			continue;
		m = hub_mail(h, w, TO_WORKER_CLOSE, sizeof *m);
		*m = (struct to_worker_close){ user->interest[w].local, r->code, r->reason };
	}
	hub_answer(h, worker, r->conn, ANSWER_OK, NULL);
}

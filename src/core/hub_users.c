/* hub_users.c: who is signed in. A user exists as the channel that all its connections are on
 * (mail.h). */
#include "base/check.h"
#include "core/hub_priv.h"

struct user_finder {
	struct hub *hub;
	const struct app *app;
	bool lacked_memory;
};

static bool is_online(void *ctx, str user_id)
{
	struct user_finder *f = ctx;
	struct buf name;
	bool is_there;

	buf_init(&name, UINT32_MAX);
	buf_puts(&name, S(CHANNEL_USER_PREFIX));
	buf_puts(&name, user_id);
	f->lacked_memory |= !buf_ok(&name);
	is_there = buf_ok(&name) && hub_find(f->hub, f->app, buf_str(&name));
	buf_fini(&name);
	return is_there;
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
	struct user_finder f = { .hub = h, .app = user->owner->app };
	struct msg *state;

	if (!f.app->enable_watchlist_events)
		return NULL;
	watch_set(&user->owner->watched, &user->watches, user, watchlist);
	state = watch_state_new(user->watches, is_online, &f);
	if (state && f.lacked_memory) {
		msg_unref(state);
		return NULL; /* better than a wrong word */
	}
	return state;
}

void hub_close_user(struct hub *h, unsigned worker, const struct to_hub_close_user *r)
{
	struct channel *user = hub_find(h, r->app, (str){ r->text, r->channel_len });

	for (unsigned w = 0; user && w < h->n_workers; w++) {
		struct to_worker_close *m;

		if (user->interest[w].n == 0)
			continue;
		m = hub_mail(h, w, TO_WORKER_CLOSE, sizeof *m);
		*m = (struct to_worker_close){ user->interest[w].local, r->code, r->reason };
	}
	hub_answer(h, worker, r->conn, ANSWER_OK, NULL);
}

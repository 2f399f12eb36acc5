/* session_users.c: signing in. A connection that is signed in is on its user's own channel
 * (mail.h), which is how events for the user reach it and how the hub knows who is online; the
 * client need not subscribe to that channel, and cannot leave it.
 *
 * The signature is verified before anything that it covers is believed. A second sign-in as
 * somebody else is refused. */
#include "base/mem.h"
#include "core/auth.h"
#include "core/channel_name.h"
#include "server/session_priv.h"
#include "server/sign_in_request.h"

#define AUTH "Authentication error: "

static const struct refusal OVER_CAPACITY = { PUSHER_OVER_CAPACITY, { "Over capacity", 13 } };

/* Texts: id, user_info, user_data, side by side. NULL: memory. */
static struct session_user *user_new(const struct user_data *d, str user_data)
{
	str texts[] = { d->id, d->user_info.raw, user_data };
	str *places[3];
	struct session_user *u = try_alloc(sizeof(*u) + texts[0].n + texts[1].n + texts[2].n);
	char *at = u ? u->text : NULL;

	if (!u)
		return NULL;
	u->is_confirmed = false;
	places[0] = &u->id;
	places[1] = &u->user_info;
	places[2] = &u->user_data;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		*places[i] = (str){ at, texts[i].n };
		if (texts[i].n > 0)
			at = mempcpy(at, texts[i].p, texts[i].n);
	}
	return u;
}

static str user_channel(struct arena *a, str id)
{
	str prefix = S(CHANNEL_USER_PREFIX);
	char *p = arena_alloc(a, prefix.n + id.n);

	memcpy(mempcpy(p, prefix.p, prefix.n), id.p, id.n);
	return (str){ p, prefix.n + id.n };
}

static bool verify(struct conn *c, const struct pusher_message *m, struct sign_in_request *r,
		   struct user_data *d, struct refusal *why)
{
	struct arena *a = &c->worker->arena;

	if (!conn_app(c)->enable_user_authentication)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED,
			      S(AUTH "User authentication is disabled for this app"));
	if (!sign_in_request_read(m, a, r, why))
		return false;
	if (!auth_user_ok(conn_app(c), c->id, r->user_data, r->auth))
		return REFUSE(why, a, PUSHER_UNAUTHORIZED,
			      S(AUTH "Connection not authorized for signin."));
	if (!user_data_read(r->user_data, a, d, why))
		return false;
	if (c->user && !str_eq(c->user->id, d->id))
		return REFUSE(why, a, PUSHER_UNAUTHORIZED,
			      S(AUTH "Connection is already signed in as a different user."));
	return true;
}

void session_sign_in(struct conn *c, const struct pusher_message *m)
{
	struct sign_in_request r;
	struct session_user *user;
	struct user_data d;
	struct refusal why;

	if (!verify(c, m, &r, &d, &why)) {
		if (why.code == PUSHER_UNAUTHORIZED)
			session_count_error(c, ERROR_authentication_failed);
		session_error(c, &why);
		return;
	}
	user = user_new(&d, r.user_data);
	if (!user || !session_join(c, user_channel(&c->worker->arena, d.id), CHANNEL_USER,
				   &(struct presence_data){ .user_info = d.watchlist })) {
		xfree(user);
		session_error(c, &OVER_CAPACITY);
		return;
	}
	xfree(c->user);
	c->user = user;
}

void session_signed_in(struct conn *c)
{
	struct buf data;

	c->user->is_confirmed = true;
	c->is_authorized = true;
	buf_init(&data, UINT32_MAX / 8);
	buf_puts(&data, S("{\"user_data\":"));
	jw_string(&data, c->user->user_data);
	buf_putc(&data, '}');
	conn_send(c, buf_ok(&data) ? pusher_event_new(S("pusher:signin_success"), (str){ 0 },
						      buf_str(&data), (str){ 0 }) :
				     NULL);
	buf_fini(&data);
}

void session_sign_in_failed(struct conn *c)
{
	xfree(c->user);
	c->user = NULL;
}

const struct session_user *session_user(const struct conn *c)
{
	return c->user && c->user->is_confirmed ? c->user : NULL;
}

bool session_is_user(const struct conn *c, str channel)
{
	const struct session_user *u = session_user(c);

	return u && str_eq(channel_user(channel), u->id);
}

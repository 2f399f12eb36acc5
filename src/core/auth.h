/* auth.h: who proves what with which signature. Comparisons take the same time wherever they
 * differ. */
#ifndef CORE_AUTH_H
#define CORE_AUTH_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/http1.h"
#include "core/app.h"
#include "core/socket_id.h"

/* auth is "key:hex". Private channels accept a signature with or without channel_data (p NULL or
 * empty: none given); presence channels require the form with channel_data when there is one. */
bool auth_channel_ok(const struct app *a, struct socket_id id, str channel, str channel_data,
		     bool is_presence, str auth);
bool auth_user_ok(const struct app *a, struct socket_id id, str user_data, str auth);

struct auth_failure {
	unsigned status;  /* HTTP */
	const char *code; /* slug of the error body: "auth_failed" … */
	str text;	  /* static or in the arena */
};

/* The signature of an HTTP API request; route_app_id is the {appId} of its path (decoded), body
 * its raw bytes, now_s the wall clock. OK: *app is who signed. Else ERR_AUTH and *why. The
 * checks run in the documented order. */
err auth_request_check(const struct app_table *apps, const struct http_request *r, str route_app_id,
		       str body, int64_t now_s, struct arena *a, const struct app **app,
		       struct auth_failure *why);

/* The same without the body, of which may be too much to keep for somebody who has proven nothing: what
 * is refused here would be refused with it as well, and what passes may still be. */
err auth_request_check_head(const struct app_table *apps, const struct http_request *r,
			    str route_app_id, int64_t now_s, struct arena *a,
			    struct auth_failure *why);

/* Signs a query string for our own clients (publish command, tests): appends auth_key,
 * auth_timestamp, auth_version, body_md5 (when body is not empty) and auth_signature to out as
 * "a=b&c=d". params: further pairs, already encoded and sorted, may be empty. */
void auth_request_sign(str key, const struct hmac_key *k, str method, str path, str params,
		       str body, int64_t now_s, struct buf *out);

#endif

/* namespace.h: what an app says about channel names.
 *
 * A namespace is what stands before the first ':' of a name (its kind's prefix aside):
 * "private-chat:room" belongs to "chat". An app that has no namespaces leaves ':' alone; one that
 * has some knows no others. "chat:room#alice,bob" is for these users only, where its namespace
 * allows such names. */
#ifndef CORE_NAMESPACE_H
#define CORE_NAMESPACE_H

#include "core/app.h"
#include "core/pattern.h"

struct namespace
{
	str name;
	uint32_t channel_name_bytes_max; /* 0: as the app */
	struct pattern *pattern;	 /* of names without prefix and users; NULL: any */
	bool allow_user_limited_channels;
	bool allow_subscribe_for_client;
	bool allow_publish_for_client;
	bool allow_presence_for_client;
};

/* The name is not empty and without ':', and copied. Clients may do everything, users limit
 * nothing. NULL: the app has one of that name. */
struct namespace *namespace_add(struct app *a, str name);
void namespaces_free(struct app *a);
/* Whose channel it is, or NULL. */
const struct namespace *namespace_of(const struct app *a, str channel);

/* How long this name may be. */
uint32_t namespace_bytes_max(const struct app *a, str channel);
/* May there be such a channel? False: *problem, static or in arena, says why not. */
bool namespace_check(const struct app *a, str channel, struct arena *arena, str *problem);
/* The users after a '#' as written; p NULL: for everybody. For names that were checked. */
str namespace_users(str channel);
/* Is the user one of namespace_users? */
bool namespace_has_user(str users, str user_id);

#endif

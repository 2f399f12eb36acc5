/* namespace.c: the rules in the original's order, because a client sees only the first that fails,
 * and in its words. Namespaces are few: they are searched one after the other. */
#include "core/namespace.h"

#include "base/check.h"
#include "base/mem.h"
#include "core/channel_name.h"

struct namespace *namespace_add(struct app *a, str name)
{
	struct namespace *ns;

	for (size_t i = 0; i < a->n_namespaces; i++) {
		if (str_eq(a->namespaces[i]->name, name))
			return NULL;
	}
	ns = xalloc(sizeof(*ns) + name.n);
	memcpy(ns + 1, name.p, name.n);
	*ns = (struct namespace){
		.name = { (const char *)(ns + 1), name.n },
		.allow_subscribe_for_client = true,
		.allow_publish_for_client = true,
		.allow_presence_for_client = true,
	};
	a->namespaces = xrealloc(a->namespaces, (a->n_namespaces + 1) * sizeof(*a->namespaces));
	a->namespaces[a->n_namespaces++] = ns;
	return ns;
}

void namespaces_free(struct app *a)
{
	for (size_t i = 0; i < a->n_namespaces; i++) {
		pattern_free(a->namespaces[i]->pattern);
		xfree(a->namespaces[i]);
	}
	xfree(a->namespaces);
}

/* Parts of a name */

/* Without prefix and users: what namespaces are about. */
static str plain_name(str channel)
{
	str base = channel_base(channel);

	return str_take(base, str_find_char(base, '#'));
}

str namespace_users(str channel)
{
	str base = channel_base(channel);
	size_t at = str_find_char(base, '#');

	return at > 0 && at < base.n ? str_skip(base, at + 1) : (str){ 0 };
}

static const struct namespace *find(const struct app *a, str name)
{
	for (size_t i = 0; i < a->n_namespaces; i++) {
		if (str_eq(a->namespaces[i]->name, name))
			return a->namespaces[i];
	}
	return NULL;
}

const struct namespace *namespace_of(const struct app *a, str channel)
{
	str name;
	size_t colon;

	if (a->n_namespaces == 0)
		return NULL;
	name = plain_name(channel);
	colon = str_find_char(name, ':');
	return colon < name.n ? find(a, str_take(name, colon)) : NULL;
}

static uint32_t bytes_max(const struct app *a, const struct namespace *ns)
{
	return ns && ns->channel_name_bytes_max ? ns->channel_name_bytes_max :
						  a->limits.max_channel_name_length;
}

uint32_t namespace_bytes_max(const struct app *a, str channel)
{
	return bytes_max(a, namespace_of(a, channel));
}

/* Rules */

#define REFUSE(problem, arena, ...)                                                                \
	refuse(problem, arena, (const str[]){ __VA_ARGS__ },                                       \
	       ARRAY_LEN(((const str[]){ __VA_ARGS__ })))

static bool refuse(str *problem, struct arena *arena, const str *pieces, size_t n_pieces)
{
	*problem = arena_join(arena, pieces, n_pieces);
	return false;
}

static bool check_namespace(const struct app *a, const struct namespace *ns, str channel,
			    struct arena *arena, str *problem)
{
	str name;
	size_t colon;

	if (a->n_namespaces == 0 || ns)
		return true;
	name = plain_name(channel);
	colon = str_find_char(name, ':');
	return colon == name.n || REFUSE(problem, arena, S("Unknown channel namespace '"),
					 str_take(name, colon), S("'"));
}

static bool check_characters(const struct app *a, const struct namespace *ns, str channel,
			     struct arena *arena, str *problem)
{
	uint32_t max = bytes_max(a, ns);
	err e = channel_name_check(channel, max, arena, problem);

	if (e == ERR_LIMIT)
		REFUSE(problem, arena, S("Channel name too long. Max length is "),
		       arena_number(arena, max));
	return e == OK;
}

static bool is_user_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '=' || c == '@' || c == '.';
}

/* What is wrong with it, after "Channel '…' "; empty: nothing. */
static str user_problem(str user)
{
	if (user.n == 0)
		return S("contains an empty user id in its user limit segment");
	for (size_t i = 0; i < user.n; i++) {
		if (!is_user_char(user.p[i]))
			return S("contains an invalid user id in its user limit segment");
	}
	return S("");
}

static str users_problem(const struct namespace *ns, str users)
{
	str first = S(""), rest = users;

	if (str_find_char(users, '#') < users.n)
		return S("contains multiple user limit separators");
	if (users.n == 0)
		return S("has an empty user limit segment");
	while (first.n == 0 && rest.p)
		first = user_problem(str_split(&rest, ','));
	if (first.n > 0 || (ns && ns->allow_user_limited_channels))
		return first;
	return S("uses user-limited syntax but the namespace does not allow it");
}

static bool check_users(const struct namespace *ns, str channel, struct arena *arena, str *problem)
{
	str users, what;

	if (str_find_char(channel, '#') == channel.n)
		return true;
	users = namespace_users(channel);
	what = users.p ? users_problem(ns, users) : S("");
	return what.n == 0 || REFUSE(problem, arena, S("Channel '"), channel, S("' "), what);
}

static bool check_pattern(const struct namespace *ns, str channel, struct arena *arena,
			  str *problem)
{
	if (!ns || !ns->pattern || pattern_matches(ns->pattern, plain_name(channel)))
		return true;
	return REFUSE(problem, arena, S("Channel '"), channel, S("' does not match namespace '"),
		      ns->name, S("' pattern"));
}

bool namespace_check(const struct app *a, str channel, struct arena *arena, str *problem)
{
	const struct namespace *ns = namespace_of(a, channel);

	return check_namespace(a, ns, channel, arena, problem) &&
	       check_characters(a, ns, channel, arena, problem) &&
	       check_users(ns, channel, arena, problem) &&
	       check_pattern(ns, channel, arena, problem);
}

bool namespace_has_user(str users, str user_id)
{
	while (users.p) {
		if (str_eq(str_split(&users, ','), user_id))
			return true;
	}
	return false;
}

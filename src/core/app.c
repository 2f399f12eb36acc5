/* app.c: tenants, found by id and by key.
 *
 * A table is filled by one thread before it is shared and only read afterwards, so it needs no
 * lock and no count. Each app keeps its signing key prepared: requests and subscriptions are
 * verified without touching the secret again. Whether an app's values make sense is decided
 * where configuration is read. */
#include "core/app.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/secret.h"
#include "core/namespace.h"
#include "core/origin.h"
#include "core/webhook.h"

const struct app_limits app_limits_unset = {
#define LIMIT(field, unset, floor, ceiling, unit, what) .field = (unset),
#include "core/limits.def"
#undef LIMIT
};

static str key_by_id(const void *value)
{
	return ((const struct app *)value)->id;
}

static str key_by_key(const void *value)
{
	return ((const struct app *)value)->key;
}

struct app_table *app_table_new(struct hash_key key)
{
	struct app_table *t = xnew(struct app_table);

	t->hash_key = key;
	map_init(&t->by_id, key_by_id);
	map_init(&t->by_key, key_by_key);
	return t;
}

static void app_free(struct app *a)
{
	for (size_t i = 0; i < a->n_allowed_origins; i++)
		str_free(a->allowed_origins[i]);
	xfree(a->allowed_origins);
	namespaces_free(a);
	webhook_set_unref(a->webhooks);
	secret_str_free(a->secret);
	str_free(a->key);
	str_free(a->id);
	secret_free(a, sizeof(*a));
}

void app_table_free(struct app_table *t)
{
	if (!t)
		return;
	map_fini(&t->by_id);
	map_fini(&t->by_key);
	for (size_t i = 0; i < t->n; i++)
		app_free(t->apps[i]);
	xfree(t->apps);
	xfree(t);
}

struct app *app_table_add(struct app_table *t, str id, str key, str secret)
{
	struct app *a;

	if (app_by_id(t, id) || app_by_key(t, key))
		return NULL;
	a = secret_alloc(sizeof(*a)); /* the signing key is a part of it */
	a->id = str_dup(id);
	a->key = str_dup(key);
	a->secret = secret_str(secret);
	hmac_key_init(&a->hmac, secret);
	a->index = (unsigned)t->n;
	a->enabled = true;
	a->cache_ttl_s = 3600;
	a->idempotency_ttl_s = 120;
	a->idempotency_key_bytes_max = 128;
	a->n_cached_max = 10000;
	a->limits = app_limits_unset;
	t->apps = xrealloc(t->apps, (t->n + 1) * sizeof(*t->apps));
	t->apps[t->n++] = a;
	t->n_slots = t->n;
	map_put(&t->by_id, hash_str(&t->hash_key, id), a);
	map_put(&t->by_key, hash_str(&t->hash_key, key), a);
	return a;
}

void app_table_follow(struct app_table *t, const struct app_table *now)
{
	bool *is_taken = xcalloc(now->n_slots + t->n + 1, sizeof(*is_taken));
	unsigned next = 0;

	t->n_slots = 0;
	for (size_t i = 0; i < now->n; i++)
		is_taken[now->apps[i]->index] = true;
	for (size_t i = 0; i < t->n; i++) {
		const struct app *same = app_by_id(now, t->apps[i]->id);

		while (!same && is_taken[next])
			next++;
		t->apps[i]->index = same ? same->index : next++;
		if (same)
			webhook_set_follow(t->apps[i], same);
		if (t->apps[i]->index >= t->n_slots)
			t->n_slots = t->apps[i]->index + 1;
	}
	xfree(is_taken);
}

void app_add_origin(struct app *a, str pattern)
{
	str copy = str_dup(pattern);
	char *p = (char *)copy.p;

	DASSERT(!origin_pattern_problem(pattern));
	for (size_t i = 0; i < copy.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 'a' - 'A';
	}
	a->allowed_origins = xrealloc(a->allowed_origins,
				      (a->n_allowed_origins + 1) * sizeof(*a->allowed_origins));
	a->allowed_origins[a->n_allowed_origins++] = copy;
}

const struct app *app_by_id(const struct app_table *t, str id)
{
	return map_find(&t->by_id, hash_str(&t->hash_key, id), id);
}

const struct app *app_by_key(const struct app_table *t, str key)
{
	return map_find(&t->by_key, hash_str(&t->hash_key, key), key);
}

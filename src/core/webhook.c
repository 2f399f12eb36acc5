#include "core/webhook.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/secret.h"
#include "core/channel_name.h"

const str webhook_event_names[N_WEBHOOK_EVENTS] = {
#define WEBHOOK_EVENT(name, words) S(#name),
#include "core/webhook_events.def"
#undef WEBHOOK_EVENT
};

/* Filling */

static void set(str *field, str s)
{
	str_free(*field);
	*field = str_dup(s);
}

static struct webhook_set *set_new(const struct app *a)
{
	struct webhook_set *s = secret_alloc(sizeof(*s));

	atomic_init(&s->n_refs, 1);
	s->app_id = str_dup(a->id);
	s->app_key = str_dup(a->key);
	s->hmac = a->hmac;
	s->gather_ms = 50;
	s->events_max = 100;
	return s;
}

struct webhook *webhook_add(struct app *a, str url)
{
	struct webhook *w = xnew(struct webhook);
	struct webhook_set *s = a->webhooks ? a->webhooks : (a->webhooks = set_new(a));

	w->url = str_dup(url);
	w->retry = (struct webhook_retry){ .enabled = true,
					   .max_elapsed_ms = 300000,
					   .initial_backoff_ms = 1000,
					   .max_backoff_ms = 60000 };
	w->timeout_ms = 10000;
	s->hooks = xrealloc(s->hooks, (s->n + 1) * sizeof(struct webhook *));
	s->hooks[s->n++] = w;
	return w;
}

void webhook_add_header(struct webhook *w, str name, str value)
{
	w->headers = xrealloc(w->headers, (w->n_headers + 1) * sizeof(*w->headers));
	w->headers[w->n_headers++] = (struct webhook_header){ str_dup(name), str_dup(value) };
}

void webhook_add_namespace(struct webhook *w, str name)
{
	w->namespaces = xrealloc(w->namespaces, (w->n_namespaces + 1) * sizeof(*w->namespaces));
	w->namespaces[w->n_namespaces++] = str_dup(name);
}

void webhook_set_prefix(struct webhook *w, str prefix)
{
	set(&w->channel_prefix, prefix);
}

void webhook_set_suffix(struct webhook *w, str suffix)
{
	set(&w->channel_suffix, suffix);
}

/* Life */

struct webhook_set *webhook_set_ref(struct webhook_set *s)
{
	atomic_fetch_add_explicit(&s->n_refs, 1, memory_order_relaxed);
	return s;
}

static void webhook_free(struct webhook *w)
{
	str_free(w->url);
	str_free(w->channel_prefix);
	str_free(w->channel_suffix);
	pattern_free(w->channel_pattern);
	for (size_t i = 0; i < w->n_namespaces; i++)
		str_free(w->namespaces[i]);
	xfree(w->namespaces);
	for (size_t i = 0; i < w->n_headers; i++) {
		str_free(w->headers[i].name);
		str_free(w->headers[i].value);
	}
	xfree(w->headers);
	xfree(w);
}

void webhook_set_unref(struct webhook_set *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < s->n; i++)
		webhook_free(s->hooks[i]);
	xfree(s->hooks);
	str_free(s->app_id);
	str_free(s->app_key);
	secret_free(s, sizeof(*s));
}

/* Following */

static bool is_same_filter(const struct webhook *a, const struct webhook *b)
{
	str pattern_a = a->channel_pattern ? pattern_text(a->channel_pattern) : S("");
	str pattern_b = b->channel_pattern ? pattern_text(b->channel_pattern) : S("");
	bool is_same = a->n_namespaces == b->n_namespaces && str_eq(pattern_a, pattern_b) &&
		       str_eq(a->channel_prefix, b->channel_prefix) &&
		       str_eq(a->channel_suffix, b->channel_suffix);

	for (size_t i = 0; is_same && i < a->n_namespaces; i++)
		is_same = str_eq(a->namespaces[i], b->namespaces[i]);
	return is_same;
}

static bool are_same_headers(const struct webhook *a, const struct webhook *b)
{
	bool is_same = a->n_headers == b->n_headers;

	for (size_t i = 0; is_same && i < a->n_headers; i++)
		is_same = str_eq(a->headers[i].name, b->headers[i].name) &&
			  str_eq(a->headers[i].value, b->headers[i].value);
	return is_same;
}

static bool is_same_hook(const struct webhook *a, const struct webhook *b)
{
	const struct webhook_retry *x = &a->retry, *y = &b->retry;

	return str_eq(a->url, b->url) && a->events == b->events && a->timeout_ms == b->timeout_ms &&
	       x->enabled == y->enabled && x->max_attempts == y->max_attempts &&
	       x->max_elapsed_ms == y->max_elapsed_ms &&
	       x->initial_backoff_ms == y->initial_backoff_ms &&
	       x->max_backoff_ms == y->max_backoff_ms && is_same_filter(a, b) &&
	       are_same_headers(a, b);
}

static bool is_same_set(const struct webhook_set *a, const struct webhook_set *b)
{
	bool is_same = a->n == b->n && a->gather_ms == b->gather_ms &&
		       a->events_max == b->events_max && str_eq(a->app_key, b->app_key) &&
		       memcmp(&a->hmac, &b->hmac, sizeof a->hmac) == 0;

	for (size_t i = 0; is_same && i < a->n; i++)
		is_same = is_same_hook(a->hooks[i], b->hooks[i]);
	return is_same;
}

void webhook_set_follow(struct app *a, const struct app *before)
{
	if (!a->webhooks || !before->webhooks || !is_same_set(a->webhooks, before->webhooks))
		return;
	webhook_set_unref(a->webhooks);
	a->webhooks = webhook_set_ref(before->webhooks);
}

/* Asking */

static bool has_suffix(str s, str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

/* What stands before the first ':' of the name, its kind's prefix aside; n == 0: it has none. */
static str namespace_name(str channel)
{
	str base = channel_base(channel);
	size_t n = str_find_char(base, ':');

	return str_take(base, n < base.n ? n : 0);
}

static bool is_in_namespaces(const struct webhook *w, str channel)
{
	str name = namespace_name(channel);

	for (size_t i = 0; i < w->n_namespaces; i++) {
		if (name.n && str_eq(w->namespaces[i], name))
			return true;
	}
	return w->n_namespaces == 0;
}

bool webhook_wants(const struct webhook *w, enum webhook_event e, str channel)
{
	return (w->events & 1u << e) && str_has_prefix(channel, w->channel_prefix) &&
	       has_suffix(channel, w->channel_suffix) && is_in_namespaces(w, channel) &&
	       (!w->channel_pattern || pattern_matches(w->channel_pattern, channel));
}

bool webhook_any_wants(const struct app *a, uint32_t events)
{
	for (size_t i = 0; a->webhooks && i < a->webhooks->n; i++) {
		if (a->webhooks->hooks[i]->events & events)
			return true;
	}
	return false;
}

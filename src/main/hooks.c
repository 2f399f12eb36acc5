#include "main/hooks.h"

#include "core/webhook.h"
#include "io/http_client.h"
#include "webhook/target.h"

#include <stdlib.h>

bool hooks_are_wanted(const struct app_table *apps)
{
	for (size_t i = 0; i < apps->n; i++) {
		if (apps->apps[i]->webhooks)
			return true;
	}
	return false;
}

static void log_counts(const struct app_table *apps, struct log *log)
{
	size_t n_apps = 0, n = 0;

	for (size_t i = 0; i < apps->n; i++) {
		const struct webhook_set *set = apps->apps[i]->webhooks;

		n_apps += set != NULL;
		n += set ? set->n : 0;
	}
	log_write(log, LOG_INFO, "webhooks open", LF_U64("apps", n_apps), LF_U64("webhooks", n));
}

/* OpenSSL's own variable, which libcurl passes over where it was built with a file. */
const char *hooks_ca_file(void)
{
	const char *file = getenv("SSL_CERT_FILE");

	return file && file[0] ? file : NULL;
}

bool hooks_open(struct server *s, struct loop *l, const struct app_table *apps, struct log *log)
{
	struct http_client_options o = { .n_posts_max = OUTLET_POSTS_MAX,
					 .ca_file = hooks_ca_file() };
	struct http_client *c;
	const char *why;

	if (!hooks_are_wanted(apps))
		return false;
	c = http_client_new(l, &o, &why);
	if (!c) {
		log_write(log, LOG_WARN, "webhooks are not available in this build",
			  LF_CSTR("reason", why));
		return false;
	}
	server_set_webhooks(s, c);
	log_counts(apps, log);
	return true;
}

void hooks_warn(bool were_wanted, const struct app_table *apps, struct log *log)
{
	if (!were_wanted && hooks_are_wanted(apps))
		log_write(log, LOG_WARN, "webhooks_need_restart",
			  LF_CSTR("reason", "no app had webhooks when the server started"));
}

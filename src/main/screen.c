/* screen.c: the first thing that a new user sees, so it has to work as pasted. */
#include "main/screen.h"

#include "base/check.h"
#include "main/config_apps.h"

#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define GREEN "\x1b[32m"
#define PLAIN "\x1b[0m"

/* A heading of a block of lines to paste. */
static void put_heading(const struct screen *s, const char *text, const char *hint, struct buf *b)
{
	if (s->has_colors)
		buf_printf(b, "\n  " BOLD "%s" PLAIN DIM "%s" PLAIN "\n", text, hint);
	else
		buf_printf(b, "\n  %s%s\n", text, hint);
}

/* Where a program on this machine reaches the listener: a wildcard is no address to connect to. */
static str reachable_host(const struct net_address *a, char text[NET_ADDRESS_TEXT_MAX])
{
	static const uint8_t any[16];
	size_t n = a->family == NET_IPV4 ? 4 : 16;
	str host;

	if (memcmp(a->ip, any, n) == 0)
		return a->family == NET_IPV4 ? S("127.0.0.1") : S("[::1]");
	host = net_address_format(a, text);
	while (host.p[host.n - 1] != ':')
		host.n--;
	host.n--;
	return host;
}

static const char *scheme(const struct screen *s)
{
	return s->certificate ? "https" : "http";
}

/* The host to paste: with TLS a name that the certificate is for, if that is one name. */
static str pasted_host(const struct screen *s, char text[NET_ADDRESS_TEXT_MAX])
{
	str name = s->certificate ? str_from_cstr(s->certificate->name) : S("");

	if (name.n && str_find_char(name, '*') == name.n)
		return name;
	return reachable_host(&s->addresses[0], text);
}

static void put_address(const struct screen *s, str host, unsigned port, struct buf *b)
{
	buf_printf(b, s->has_colors ? " " GREEN "%s://%.*s:%u" PLAIN : " %s://%.*s:%u", scheme(s),
		   STR_ARG(host), port);
}

static void put_addresses(const struct screen *s, struct buf *b)
{
	char text[NET_ADDRESS_TEXT_MAX];

	if (s->has_colors)
		buf_puts(b, S("\n  " BOLD "Sockudo " SOCKUDO_VERSION PLAIN " listens on"));
	else
		buf_puts(b, S("\n  Sockudo " SOCKUDO_VERSION " listens on"));
	for (size_t i = 0; i < s->n_addresses; i++)
		put_address(s, reachable_host(&s->addresses[i], text), s->addresses[i].port, b);
	if (s->unix_path.n)
		buf_printf(b, " %.*s", STR_ARG(s->unix_path));
	if (s->lan_ip.n) {
		buf_puts(b, S(", for others at"));
		put_address(s, s->lan_ip, s->addresses[0].port, b);
	}
	buf_putc(b, '\n');
}

/* What matters to operators, less loudly. */
static void put_details(const struct screen *s, struct buf *b)
{
	char text[NET_ADDRESS_TEXT_MAX];

	if (s->has_colors)
		buf_puts(b, S(DIM));
	if (s->redirect_port)
		buf_printf(b, "  Redirect: http on port %u leads to https\n", s->redirect_port);
	if (s->n_metrics)
		buf_printf(b, "  Metrics: http://%.*s:%u/metrics\n",
			   STR_ARG(reachable_host(s->metrics, text)), s->metrics->port);
	if (s->sandbox.n)
		buf_printf(b, "  %.*s\n", STR_ARG(s->sandbox));
	if (s->has_colors)
		buf_puts(b, S(PLAIN));
}

static void put_browser(const struct screen *s, str host, unsigned port, struct buf *b)
{
	put_heading(s, "Browser", "  (npm install pusher-js)", b);
	buf_printf(b,
		   "    const pusher = new Pusher(\"%.*s\", { wsHost: \"%.*s\", %s: %u,\n"
		   "      forceTLS: %s, enabledTransports: [\"ws\"], cluster: \"mt1\" });\n"
		   "    pusher.subscribe(\"my-channel\").bind(\"my-event\", data => "
		   "console.log(data));\n",
		   STR_ARG(s->app->key), STR_ARG(host), s->certificate ? "wssPort" : "wsPort", port,
		   s->certificate ? "true" : "false");
}

static str shown_secret(const struct screen *s)
{
	return app_is_demo(s->app) ? s->app->secret : S("<the app's secret>");
}

static void put_laravel(const struct screen *s, str host, unsigned port, struct buf *b)
{
	put_heading(s, "Laravel", "  (.env)", b);
	buf_printf(b,
		   "    BROADCAST_CONNECTION=pusher\n"
		   "    PUSHER_APP_ID=%.*s\n"
		   "    PUSHER_APP_KEY=%.*s\n"
		   "    PUSHER_APP_SECRET=%.*s\n"
		   "    PUSHER_HOST=%.*s\n"
		   "    PUSHER_PORT=%u\n"
		   "    PUSHER_SCHEME=%s\n"
		   "    PUSHER_APP_CLUSTER=mt1\n",
		   STR_ARG(s->app->id), STR_ARG(s->app->key), STR_ARG(shown_secret(s)),
		   STR_ARG(host), port, scheme(s));
}

static void put_url(const struct screen *s, struct buf *b)
{
	char text[NET_ADDRESS_TEXT_MAX];
	unsigned port;
	str host;

	if (s->n_addresses == 0) {
		buf_printf(b, "--url unix:%.*s ", STR_ARG(s->unix_path));
		return;
	}
	host = pasted_host(s, text);
	port = s->addresses[0].port;
	if (s->certificate || port != 6001 || !str_eq(host, S("127.0.0.1")))
		buf_printf(b, "--url %s://%.*s:%u ", scheme(s), STR_ARG(host), port);
}

/* The options without which the command would talk to the demo app at the default address. */
static void put_options(const struct screen *s, bool publishes, struct buf *b)
{
	put_url(s, b);
	if (app_is_demo(s->app) && str_eq(s->app->id, S(DEMO_APP_ID)))
		return;
	if (publishes)
		buf_printf(b, "--app-id %.*s ", STR_ARG(s->app->id));
	buf_printf(b, "--key %.*s ", STR_ARG(s->app->key));
	if (publishes)
		buf_puts(b, S("--secret '…' "));
}

static void put_commands(const struct screen *s, struct buf *b)
{
	put_heading(s, "Try it", "  (in two other terminals)", b);
	buf_printf(b, "    %s watch ", s->program);
	put_options(s, false, b);
	buf_printf(b, "my-channel\n    %s publish ", s->program);
	put_options(s, true, b);
	buf_puts(b, S("my-channel my-event '{\"hello\":\"world\"}'\n"));
}

static void put_warning(const struct screen *s, struct buf *b)
{
	if (!s->app || !app_is_demo(s->app))
		return;
	put_heading(s, "This is the demo app: everybody knows its secret.",
		    "  Your own: docs/configuration.md", b);
}

void screen_put(const struct screen *s, struct buf *b)
{
	char text[NET_ADDRESS_TEXT_MAX];
	str host;

	put_addresses(s, b);
	put_details(s, b);
	if (s->app && s->n_addresses) {
		host = pasted_host(s, text);
		put_browser(s, host, s->addresses[0].port, b);
		put_laravel(s, host, s->addresses[0].port, b);
	}
	if (s->app)
		put_commands(s, b);
	put_warning(s, b);
	buf_putc(b, '\n');
}

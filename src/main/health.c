/* health.c: `sockudo health`: one GET /up, answered by the exit code. For probes of containers and
 * service managers, so that an image needs no curl.
 *
 * Without a URL it asks where the configuration says that the server listens, on this machine. A
 * certificate is not looked at: it is for the name that clients use. */
#include "main/commands.h"

#include "main/client.h"

#include <stdio.h>

enum { ANSWER_SHOWN_MAX = 100 };

/* A wildcard is no address to connect to. */
static str reachable(str host)
{
	if (str_eq(host, S("0.0.0.0")))
		return S("127.0.0.1");
	return str_eq(host, S("::")) ? S("::1") : host;
}

/* Will the server take us for a proxy, which has to say for whom it speaks? Connections to an
 * address of this machine come from that address. */
static bool is_proxy_for(const struct config *c, str host)
{
	struct ip ip;

	if (!c->proxy_protocol)
		return false;
	if (c->unix_socket.enabled)
		return c->trusted_ips.has_unix;
	if (!ip_parse(host, &ip))
		ip = ip_from_v4((const uint8_t[]){ 127, 0, 0, 1 });
	return ip_set_has(&c->trusted_ips, &ip);
}

static struct client_url url_of(const struct config *c)
{
	struct client_url u = { .is_tls = c->ssl.enabled && !c->unix_socket.enabled,
				.host = reachable(c->host),
				.port = c->port };

	if (c->unix_socket.enabled)
		u.unix_path = c->unix_socket.path;
	if (is_proxy_for(c, u.host))
		u.preface = S("PROXY UNKNOWN\r\n");
	return u;
}

static bool ask(const struct client_url *u, struct client *c, struct buf *problem)
{
	struct client_response r;
	struct buf b;

	buf_init(&b, 8192);
	buf_printf(&b, "GET %.*s/up HTTP/1.1\r\nHost: ", STR_ARG(u->path));
	client_url_put_host(u, &b);
	buf_puts(&b, S("\r\nConnection: close\r\n\r\n"));
	client_send(c, buf_str(&b));
	buf_fini(&b);
	if (!client_response(c, &r, problem))
		return false;
	while (client_receive(c, CLIENT_WAIT_MS) == OK)
		;
	if (r.status == 200)
		return true;
	buf_printf(problem, "/up says %u %.*s", r.status,
		   STR_ARG(str_take(str_skip(buf_str(&c->in), r.head_bytes), ANSWER_SHOWN_MAX)));
	return false;
}

int command_health(const struct cli *cli, const struct config *config)
{
	struct client_trust trust = { cli->ca_file, cli->is_insecure || (config && !cli->ca_file) };
	struct client_url u;
	const char *wrong = NULL;
	struct buf problem;
	struct client c;
	bool is_up = false;

	if (config)
		u = url_of(config);
	else
		wrong = client_url_parse(str_from_cstr(cli->url), &u);
	if (wrong) {
		fprintf(stderr, "sockudo health: %s: %s\n", cli->url, wrong);
		return EXIT_USAGE;
	}
	buf_init(&problem, 4096);
	if (client_open(&c, &u, &trust, CLIENT_WAIT_MS, &problem)) {
		is_up = ask(&u, &c, &problem);
		client_close(&c);
	}
	if (is_up)
		puts("up");
	else
		fprintf(stderr, "sockudo health: %.*s\n", STR_ARG(buf_str(&problem)));
	buf_fini(&problem);
	return is_up ? 0 : EXIT_FAILED;
}

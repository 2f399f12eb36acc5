/* publish.c: `sockudo publish`: one signed POST /apps/{id}/events. */
#include "main/commands.h"

#include "base/json.h"
#include "base/secret.h"
#include "core/auth.h"
#include "main/client.h"
#include "main/config_apps.h"

#include <stdio.h>

enum { REQUEST_BYTES_MAX = 32 << 20 };

struct publisher {
	const struct cli *cli;
	struct client_url url;
	str app_id, key, secret;
	struct buf problem;
};

static int fail(struct publisher *p)
{
	fprintf(stderr, "sockudo publish: %.*s\n", STR_ARG(buf_str(&p->problem)));
	buf_fini(&p->problem);
	return EXIT_FAILED;
}

static void put_body(const struct cli *c, struct buf *b)
{
	buf_puts(b, S("{\"name\":"));
	jw_string(b, str_from_cstr(c->event));
	buf_puts(b, S(",\"channel\":"));
	jw_string(b, str_from_cstr(c->channel));
	buf_puts(b, S(",\"data\":"));
	jw_string(b, str_from_cstr(c->data));
	buf_putc(b, '}');
}

static void put_request(const struct publisher *p, str body, struct buf *b)
{
	struct hmac_key key;
	struct buf path;

	buf_init(&path, REQUEST_BYTES_MAX);
	buf_printf(&path, "/apps/%.*s/events", STR_ARG(p->app_id));
	hmac_key_init(&key, p->secret);
	buf_printf(b, "POST %.*s%.*s?", STR_ARG(p->url.path), STR_ARG(buf_str(&path)));
	auth_request_sign(p->key, &key, S("POST"), buf_str(&path), S(""), body,
			  dial_wall_ms() / 1000, b);
	buf_puts(b, S(" HTTP/1.1\r\nHost: "));
	client_url_put_host(&p->url, b);
	buf_printf(b,
		   "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		   "Connection: close\r\n\r\n",
		   body.n);
	buf_puts(b, body);
	secret_wipe(&key, sizeof(key));
	buf_fini(&path);
}

static void explain(struct publisher *p, unsigned status, str body)
{
	buf_printf(&p->problem, "the server refused: %u %.*s", status,
		   STR_ARG(str_take(str_trim(body), 500)));
	if (status == 401)
		buf_printf(&p->problem, "\nIs this the app? --app-id %.*s --key %.*s --secret …",
			   STR_ARG(p->app_id), STR_ARG(p->key));
}

static bool exchange(struct publisher *p, struct client *c)
{
	struct client_response r;
	struct buf body, request;
	bool is_sent;

	buf_init(&body, REQUEST_BYTES_MAX);
	buf_init(&request, REQUEST_BYTES_MAX);
	put_body(p->cli, &body);
	put_request(p, buf_str(&body), &request);
	is_sent = buf_ok(&request) && client_send(c, buf_str(&request));
	buf_fini(&request);
	buf_fini(&body);
	/* A server that refuses a large body answers before it has taken all of it. */
	if (!client_response(c, &r, &p->problem))
		return false;
	while (client_receive(c, CLIENT_WAIT_MS) == OK)
		;
	if (r.status == 200 && is_sent)
		return true;
	explain(p, r.status, str_skip(buf_str(&c->in), r.head_bytes));
	return false;
}

int command_publish(const struct cli *cli)
{
	struct publisher p = { .cli = cli };
	const char *url = cli->url ? cli->url : CLIENT_URL_DEFAULT;
	const char *problem = client_url_parse(str_from_cstr(url), &p.url);
	struct client_trust trust = { cli->ca_file, cli->is_insecure };
	struct client c;
	bool is_done;

	p.app_id = client_choose(cli->app_id, DEMO_APP_ID);
	p.key = client_choose(cli->key, DEMO_APP_KEY);
	p.secret = client_choose(cli->secret, DEMO_APP_SECRET);
	buf_init(&p.problem, 4096);
	if (problem) {
		fprintf(stderr, "sockudo publish: --url %s: %s\n", url, problem);
		return EXIT_USAGE;
	}
	if (!client_open(&c, &p.url, &trust, CLIENT_WAIT_MS, &p.problem))
		return fail(&p);
	is_done = exchange(&p, &c);
	client_close(&c);
	if (!is_done)
		return fail(&p);
	printf("published %s on %s\n", cli->event, cli->channel);
	return 0;
}

/* client.c: a connection for a command. Names are resolved here and now: nobody else is kept
 * waiting. */
#include "main/client.h"

#include "base/check.h"

#include <errno.h>

/* Addresses */

struct scheme {
	str prefix;
	uint16_t port;
	bool is_tls;
};

static const struct scheme schemes[] = {
	{ { "http://", 7 }, 80, false },
	{ { "ws://", 5 }, 80, false },
	{ { "https://", 8 }, 443, true },
	{ { "wss://", 6 }, 443, true },
};

static const struct scheme *scheme_take(str *text)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_has_prefix(*text, schemes[i].prefix)) {
			*text = str_skip(*text, schemes[i].prefix.n);
			return &schemes[i];
		}
	}
	return NULL;
}

/* Cuts "host" or "[::1]" off *text. */
static str host_take(str *text)
{
	bool is_bracketed = str_has_prefix(*text, S("["));
	size_t end = str_find_char(*text, is_bracketed ? ']' : ':');
	str host = str_take(*text, end);

	*text = str_skip(*text, is_bracketed ? end + 1 : end);
	return is_bracketed ? str_skip(host, 1) : host;
}

static const char *unix_parse(str path, struct client_url *out)
{
	if (!str_has_prefix(path, S("/")))
		return "expected unix:/PATH";
	*out = (struct client_url){ .host = S("localhost"), .port = 80, .unix_path = path };
	return NULL;
}

const char *client_url_parse(str text, struct client_url *out)
{
	const struct scheme *scheme;
	uint64_t port;
	str authority;

	if (str_has_prefix(text, S("unix:")))
		return unix_parse(str_skip(text, 5), out);
	scheme = scheme_take(&text);
	if (!scheme)
		return "expected http://HOST:PORT, https://HOST or unix:/PATH";
	authority = str_take(text, str_find_char(text, '/'));
	*out = (struct client_url){ .is_tls = scheme->is_tls, .path = str_skip(text, authority.n) };
	while (out->path.n && out->path.p[out->path.n - 1] == '/')
		out->path.n--;
	out->host = host_take(&authority);
	port = scheme->port;
	if (out->host.n == 0)
		return "it has no host";
	if (authority.n &&
	    (authority.p[0] != ':' || !str_to_u64(str_skip(authority, 1), 65535, &port)))
		return "its port is not a number from 1 to 65535";
	out->port = (uint16_t)port;
	return NULL;
}

void client_url_put_host(const struct client_url *u, struct buf *b)
{
	bool is_ipv6 = str_find_char(u->host, ':') < u->host.n;

	buf_printf(b, is_ipv6 ? "[%.*s]" : "%.*s", STR_ARG(u->host));
	if (u->port != (u->is_tls ? 443 : 80))
		buf_printf(b, ":%u", u->port);
}

/* The connection */

static bool resolve(const struct client_url *u, unsigned wait_ms, struct dial_addresses *out,
		    struct buf *problem)
{
	switch (dial_resolve(u->host, u->port, wait_ms, out)) {
	case OK:
		return true;
	case ERR_NOT_FOUND:
		buf_printf(problem, "%.*s: there is no such name", STR_ARG(u->host));
		return false;
	default:
		buf_printf(problem, "%.*s: no answer from the name servers", STR_ARG(u->host));
		return false;
	}
}

static bool explain_connect(const struct client_url *u, int error, struct buf *problem)
{
	if (u->unix_path.n)
		buf_puts(problem, u->unix_path);
	else
		client_url_put_host(u, problem);
	if (error == ECONNREFUSED)
		buf_puts(problem, S(": nothing listens there; start the server first"));
	else
		buf_printf(problem, ": %s", strerror(error));
	return false;
}

static bool connect_any(struct client *c, const struct client_url *u, unsigned wait_ms,
			struct buf *problem)
{
	struct dial_addresses addresses;
	int error = 0;

	if (u->unix_path.n) {
		if (dial_open_unix(&c->dial, u->unix_path, wait_ms, &error) == OK)
			return true;
		return explain_connect(u, error, problem);
	}
	if (!resolve(u, wait_ms, &addresses, problem))
		return false;
	for (size_t i = 0; i < addresses.n; i++) {
		if (dial_open(&c->dial, &addresses.list[i], wait_ms, &error) == OK)
			return true;
	}
	return explain_connect(u, error, problem);
}

static bool start_tls(struct client *c, const struct client_url *u,
		      const struct client_trust *trust, unsigned wait_ms, struct buf *problem)
{
	struct dial_tls_options o = { .host = u->host,
				      .ca_file = trust->ca_file,
				      .is_unverified = trust->is_insecure };
	bool is_done = dial_start_tls(&c->dial, &o, wait_ms, &c->tls);

	if (is_done && !c->tls.cert_problems)
		return true;
	client_url_put_host(u, problem);
	if (c->tls.failure == DIAL_TLS_BAD_CA_FILE)
		buf_printf(problem, ": %s holds no certificates", trust->ca_file);
	else if (c->tls.failure == DIAL_TLS_NOT_TLS)
		buf_puts(problem, S(": this port does not speak TLS; try http://"));
	else
		buf_printf(problem, ": %s: %s", is_done ? "its certificate" : "TLS",
			   c->tls.detail[0] ? c->tls.detail : "no answer in time");
	return false;
}

static bool open_with(struct client *c, const struct client_url *u, const struct net_address *a,
		      const struct client_trust *trust, unsigned wait_ms, struct buf *problem)
{
	int error = 0;
	bool is_open;

	*c = (struct client){ .dial = DIAL_CLOSED };
	buf_init(&c->in, CLIENT_BYTES_MAX);
	if (!a)
		is_open = connect_any(c, u, wait_ms, problem);
	else
		is_open = dial_open(&c->dial, a, wait_ms, &error) == OK ||
			  explain_connect(u, error, problem);
	if (is_open && u->preface.n)
		client_send(c, u->preface); /* if it does not get there, no answer comes either */
	if (is_open && (!u->is_tls || start_tls(c, u, trust, wait_ms, problem)))
		return true;
	client_close(c);
	return false;
}

bool client_open(struct client *c, const struct client_url *u, const struct client_trust *trust,
		 unsigned wait_ms, struct buf *problem)
{
	return open_with(c, u, NULL, trust, wait_ms, problem);
}

bool client_open_address(struct client *c, const struct client_url *u, const struct net_address *a,
			 const struct client_trust *trust, unsigned wait_ms, struct buf *problem)
{
	return open_with(c, u, a, trust, wait_ms, problem);
}

void client_close(struct client *c)
{
	dial_close(&c->dial);
	buf_fini(&c->in);
}

bool client_send(struct client *c, str bytes)
{
	return dial_send(&c->dial, bytes, CLIENT_WAIT_MS) == OK;
}

err client_receive(struct client *c, unsigned wait_ms)
{
	enum { STEP_BYTES = 64 << 10 };
	char *p = buf_reserve(&c->in, STEP_BYTES);
	size_t n = 0;
	err e = p && !c->is_ended ? dial_recv(&c->dial, p, STEP_BYTES, wait_ms, &n) : ERR_IO;

	c->is_ended |= e == OK && n == 0;
	buf_commit(&c->in, n);
	return c->is_ended ? ERR_IO : e;
}

/* Responses */

static bool head_parse(str in, struct client_response *out)
{
	const char *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
	uint64_t status;

	if (!end || !str_has_prefix(in, S("HTTP/1.")) ||
	    !str_to_u64(str_take(str_skip(in, 9), 3), 999, &status))
		return false;
	*out = (struct client_response){ .status = (unsigned)status,
					 .head_bytes = (size_t)(end + 4 - in.p) };
	return true;
}

bool client_response(struct client *c, struct client_response *out, struct buf *problem)
{
	enum { HEAD_BYTES_MAX = 64 << 10 };

	while (!head_parse(buf_str(&c->in), out)) {
		if (c->in.len < HEAD_BYTES_MAX && client_receive(c, CLIENT_WAIT_MS) == OK)
			continue;
		buf_puts(problem, S("no answer in HTTP came; is this a Sockudo server?"));
		return false;
	}
	return true;
}

str client_choose(const char *option, const char *otherwise)
{
	return str_from_cstr(option ? option : otherwise);
}

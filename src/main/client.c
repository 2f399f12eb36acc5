/* client.c: a connection for a command. Names are resolved here and now: nobody else is kept
 * waiting. */
#include "main/client.h"

#include "base/check.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Addresses */

static const char *scheme_problem(str *text)
{
	static const str plain[] = { { "http://", 7 }, { "ws://", 5 } };
	static const str secure[] = { { "https://", 8 }, { "wss://", 6 } };

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (str_has_prefix(*text, secure[i]))
			return "TLS is not available in this build; use http://";
		if (str_has_prefix(*text, plain[i])) {
			*text = str_skip(*text, plain[i].n);
			return NULL;
		}
	}
	return "expected http://HOST:PORT";
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

const char *client_url_parse(str text, struct client_url *out)
{
	const char *problem = scheme_problem(&text);
	size_t slash = str_find_char(text, '/');
	str authority = str_take(text, slash);
	uint64_t port = 80;

	if (problem)
		return problem;
	*out = (struct client_url){ .path = str_skip(text, slash) };
	while (out->path.n && out->path.p[out->path.n - 1] == '/')
		out->path.n--;
	out->host = host_take(&authority);
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

	buf_printf(b, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(u->host), u->port);
}

static struct net_address address_from(const struct addrinfo *ai)
{
	struct net_address a = { 0 };

	if (ai->ai_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)ai->ai_addr;

		a.family = NET_IPV4;
		a.port = ntohs(in->sin_port);
		memcpy(a.ip, &in->sin_addr, 4);
	} else if (ai->ai_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ai->ai_addr;

		a.family = NET_IPV6;
		a.port = ntohs(in6->sin6_port);
		memcpy(a.ip, &in6->sin6_addr, 16);
	}
	return a;
}

/* The connection */

static void on_ready(struct io_file *f, unsigned ready)
{
	struct client *c = container_of(f, struct client, file);

	c->ready |= ready;
	loop_watch(c->loop, f, 0);
}

/* Until the file is ready for events or hangs up. False: the time is over. */
static bool wait_for(struct client *c, unsigned events, unsigned wait_ms)
{
	uint64_t deadline = clock_ms(loop_clock(c->loop)) + wait_ms;

	c->ready = 0;
	loop_watch(c->loop, &c->file, events);
	while (!c->ready) {
		uint64_t now = clock_ms(loop_clock(c->loop));

		if (wait_ms != CLIENT_FOREVER && now >= deadline)
			return false;
		loop_turn(c->loop,
			  wait_ms == CLIENT_FOREVER ? UINT32_MAX : (unsigned)(deadline - now));
	}
	return true;
}

/* 0, or the system's error. */
static int try_connect(struct client *c, const struct net_address *a)
{
	int error = 0;

	if (net_connect(c->loop, &c->file, a, &error) != OK)
		return error;
	if (!wait_for(c, LOOP_WRITE, CLIENT_WAIT_MS))
		error = ETIMEDOUT;
	else if (net_connect_result(c->loop, &c->file, &error) == OK)
		return 0;
	net_close(c->loop, &c->file);
	return error ? error : ECONNREFUSED;
}

static bool connect_any(struct client *c, const struct client_url *u, struct buf *problem)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found;
	struct buf host, port;
	int error;

	buf_init(&host, 1024);
	buf_init(&port, 16);
	buf_printf(&host, "%.*s%c", STR_ARG(u->host), 0);
	buf_printf(&port, "%u%c", u->port, 0);
	error = getaddrinfo(host.p, port.p, &hints, &found);
	buf_fini(&host);
	buf_fini(&port);
	if (error) {
		buf_printf(problem, "%.*s: %s", STR_ARG(u->host), gai_strerror(error));
		return false;
	}
	error = ECONNREFUSED;
	for (struct addrinfo *ai = found; ai && error; ai = ai->ai_next) {
		struct net_address a = address_from(ai);

		if (a.family != NET_NONE)
			error = try_connect(c, &a);
	}
	freeaddrinfo(found);
	if (error == 0)
		return true;
	client_url_put_host(u, problem);
	if (error == ECONNREFUSED)
		buf_puts(problem, S(": nothing listens there; start the server first"));
	else
		buf_printf(problem, ": %s", strerror(error));
	return false;
}

bool client_open(struct client *c, const struct client_url *u, struct buf *problem)
{
	*c = (struct client){ .file = { .fd = -1, .on_ready = on_ready } };
	buf_init(&c->in, CLIENT_BYTES_MAX);
	c->loop = loop_new_kernel();
	if (!c->loop) {
		buf_printf(problem, "no event loop: %s", strerror(errno));
		return false;
	}
	loop_turn(c->loop, 0); /* reads the clock */
	if (connect_any(c, u, problem))
		return true;
	client_close(c);
	return false;
}

void client_close(struct client *c)
{
	net_close(c->loop, &c->file);
	loop_free(c->loop);
	buf_fini(&c->in);
}

bool client_send(struct client *c, str bytes)
{
	while (bytes.n) {
		struct net_span span = { bytes.p, bytes.n };
		size_t n = 0;
		err e = net_send(c->loop, &c->file, &span, 1, &n);

		if (e == ERR_AGAIN && wait_for(c, LOOP_WRITE, CLIENT_WAIT_MS))
			continue;
		if (e != OK)
			return false;
		bytes = str_skip(bytes, n);
	}
	return true;
}

bool client_receive(struct client *c, unsigned wait_ms)
{
	enum { STEP_BYTES = 64 << 10 };

	for (;;) {
		char *p = buf_reserve(&c->in, STEP_BYTES);
		size_t n = 0;
		err e = p && !c->is_ended ? net_recv(c->loop, &c->file, p, STEP_BYTES, &n) : ERR_IO;

		if (e == ERR_AGAIN && wait_for(c, LOOP_READ, wait_ms))
			continue;
		c->is_ended |= e == OK && n == 0;
		buf_commit(&c->in, n);
		return e == OK && n > 0;
	}
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
		if (c->in.len < HEAD_BYTES_MAX && client_receive(c, CLIENT_WAIT_MS))
			continue;
		buf_puts(problem, S("no answer in HTTP came; is this a Sockudo server?"));
		return false;
	}
	return true;
}

str client_choose(const char *option, const char *env_name, const char *otherwise)
{
	const char *env = getenv(env_name);

	if (option)
		return str_from_cstr(option);
	return str_from_cstr(env && env[0] ? env : otherwise);
}

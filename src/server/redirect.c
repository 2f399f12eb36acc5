/* redirect.c: 308, so that a POST stays one.
 *
 * Who asks chooses what stands in the Location: the name goes back to nobody but him, and only
 * characters of a name are let through. */
#include "server/redirect.h"

#include "server/http_priv.h"
#include "server/server.h"
#include "server/worker.h"

/* Browsers give up on longer ones. */
#define LOCATION_BYTES_MAX 8192

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_';
}

static bool is_address_char(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') ||
	       c == ':' || c == '.';
}

static bool all_are(str s, bool (*fits)(char c))
{
	for (size_t i = 0; i < s.n; i++)
		if (!fits(s.p[i]))
			return false;
	return s.n > 0;
}

/* Cuts "name" or "[::1]" off the value of a Host header. False: it is neither, or what follows is
 * no port. */
static bool take_host(str value, str *out)
{
	bool is_bracketed = value.n > 0 && value.p[0] == '[';
	size_t n = str_find_char(value, is_bracketed ? ']' : ':');
	str port;
	uint64_t ignored;

	if (is_bracketed && n < value.n)
		n++;
	*out = str_take(value, n);
	port = str_skip(value, n);
	if (is_bracketed && (n < 4 || out->p[n - 1] != ']' ||
			     !all_are((str){ out->p + 1, n - 2 }, is_address_char)))
		return false;
	if (!is_bracketed && !all_are(*out, is_name_char))
		return false;
	return port.n == 0 || (port.p[0] == ':' && str_to_u64(str_skip(port, 1), 65535, &ignored));
}

/* The host that was asked; without a Host header (HTTP/1.0) this machine. */
static bool asked_host(const struct http_request *r, str *out)
{
	const struct http_header *found = NULL;

	*out = S("localhost");
	for (uint32_t i = 0; i < r->n_headers; i++) {
		if (!str_eq_nocase(r->headers[i].name, S("host")))
			continue;
		if (found)
			return false;
		found = &r->headers[i];
	}
	return !found || take_host(found->value, out);
}

/* As it was sent: the parser cuts one '/' off the end, which still lies there. */
static str sent_path(const struct http_request *r)
{
	str path = r->path;

	if (path.n == 0 || path.p[0] != '/')
		return S("/");
	if (path.n > 1 && path.p[path.n] == '/')
		path.n++;
	return path;
}

void redirect_handle(const struct http_call *call)
{
	const struct http_request *r = call->request;
	str host;
	struct buf b;

	if (!asked_host(r, &host)) {
		http_reply(call->conn, &(struct http_reply){ .status = 400 });
		return;
	}
	buf_init(&b, LOCATION_BYTES_MAX);
	buf_printf(&b, "location: https://%.*s:%u", STR_ARG(host),
		   server_clients_port(call->worker->server));
	buf_puts(&b, sent_path(r));
	if (r->has_query) {
		buf_putc(&b, '?');
		buf_puts(&b, r->query);
	}
	buf_puts(&b, S("\r\n"));
	http_reply(call->conn, buf_ok(&b) ?
				       &(struct http_reply){ .status = 308, .lines = buf_str(&b) } :
				       &(struct http_reply){ .status = 414 });
	buf_fini(&b);
}

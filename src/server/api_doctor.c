/* api_doctor.c: GET …/doctor: how this very request arrived, for whoever sets up the proxies in
 * front (`sockudo doctor`). It is signed, because it shows addresses of the inside. */
#include "base/json.h"
#include "base/utf8.h"
#include "server/api.h"
#include "server/client_address.h"
#include "server/worker.h"

static void put_text(struct buf *b, str name, str value)
{
	jw_string(b, name);
	buf_putc(b, ':');
	if (value.p)
		jw_string(b, value);
	else
		buf_puts(b, S("null"));
	buf_putc(b, ',');
}

static void put_flag(struct buf *b, str name, bool value)
{
	jw_string(b, name);
	buf_puts(b, value ? S(":true,") : S(":false,"));
}

/* All lines of that name as one list; p is NULL without any. Header values may hold bytes above
 * ASCII, which JSON does not take unless they are UTF-8. */
static str header_text(const struct http_call *call, str name)
{
	const struct http_request *r = call->request;
	struct arena *a = &call->worker->arena;
	str all = { 0 };

	for (uint32_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (!str_eq_nocase(h->name, name))
			continue;
		all = all.p ? arena_join(a, (str[]){ all, S(", "), h->value }, 3) :
			      arena_copy(a, h->value);
	}
	return !all.p || utf8_valid(all) ? all : S("(not UTF-8)");
}

static void put_header(struct buf *b, const struct http_call *call, str member, str name)
{
	put_text(b, member, header_text(call, name));
}

static void put_peer(struct buf *b, const struct conn *c)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	put_text(b, S("peer"), client_peer_ip(&c->peer, &ip) ? ip_format(&ip, text) : S("unix"));
	put_flag(b, S("peer_trusted"), c->peer_is_trusted);
}

static void put_client(struct buf *b, const struct http_call *call)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	put_text(b, S("client"),
		 client_address_find(call->conn, call->request, 0, &ip) ? ip_format(&ip, text) :
									  (str){ 0 });
}

void api_doctor(const struct http_call *call)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_putc(&b, '{');
	put_peer(&b, call->conn);
	put_client(&b, call);
	put_header(&b, call, S("forwarded_for"), S("x-forwarded-for"));
	put_header(&b, call, S("real_ip"), S("x-real-ip"));
	put_header(&b, call, S("forwarded_proto"), S("x-forwarded-proto"));
	put_header(&b, call, S("host"), S("host"));
	put_text(&b, S("scheme"), call->conn->file.tls ? S("https") : S("http"));
	put_text(&b, S("http"), call->request->minor ? S("1.1") : S("1.0"));
	put_header(&b, call, S("connection"), S("connection"));
	put_flag(&b, S("proxy_protocol"), call->conn->is_proxied);
	buf_puts(&b, S("\"time\":"));
	buf_puti(&b, loop_clock(call->worker->loop)->wall_ms / 1000);
	buf_putc(&b, '}');
	if (buf_ok(&b))
		http_answer_json(call, 200, buf_str(&b));
	else
		http_answer_busy(call);
	buf_fini(&b);
}

/* net.c: addresses as text, and the calls of net.h passed on to the loop's world.
 *
 * Addresses are literals here: names are resolved on the offload pool, by whoever needs them. */
#include "io/net.h"

#include "base/check.h"
#include "io/loop_ops.h"
#include "io/tls_priv.h"
#include "io/unlucky.h"

#include <arpa/inet.h>
#include <stdio.h>

bool net_address_parse(str ip, uint16_t port, struct net_address *out)
{
	char text[INET6_ADDRSTRLEN];

	if (ip.n == 0 || ip.n >= sizeof(text) || memchr(ip.p, 0, ip.n))
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	memset(out, 0, sizeof(*out));
	out->port = port;
	if (inet_pton(AF_INET, text, out->ip) == 1)
		out->family = NET_IPV4;
	else if (inet_pton(AF_INET6, text, out->ip) == 1)
		out->family = NET_IPV6;
	return out->family != NET_NONE;
}

str net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	int n;

	if (a->family != NET_IPV4 && a->family != NET_IPV6) {
		n = snprintf(out, NET_ADDRESS_TEXT_MAX, "%s",
			     a->family == NET_UNIX ? "unix" : "none");
	} else {
		bool is_v6 = a->family == NET_IPV6;

		inet_ntop(is_v6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip));
		n = snprintf(out, NET_ADDRESS_TEXT_MAX, is_v6 ? "[%s]:%u" : "%s:%u", ip,
			     (unsigned)a->port);
	}
	return (str){ out, (size_t)n };
}

err net_listen_probe(struct loop *l, const struct net_address *a, int *system_error)
{
	return l->ops->probe(l, a, system_error);
}

err net_listen(struct loop *l, struct io_file *f, struct net_address *a, int *system_error)
{
	return l->ops->listen(l, f, a, system_error);
}

err net_listen_unix(struct loop *l, struct io_file *f, str path, unsigned mode, int *system_error)
{
	return l->ops->listen_unix(l, f, path, mode, system_error);
}

err net_listen_share(struct loop *l, struct io_file *f, const struct io_file *first)
{
	return l->ops->listen_share(l, f, first);
}

void net_stop_listening(struct loop *l, struct io_file *listener)
{
	l->ops->stop_listening(l, listener);
}

err net_accept(struct loop *l, struct io_file *listener, struct io_file *f,
	       struct net_address *peer)
{
	return l->ops->accept(l, listener, f, peer);
}

err net_connect(struct loop *l, struct io_file *f, const struct net_address *a, int *system_error)
{
	return l->ops->connect(l, f, a, system_error);
}

err net_connect_result(struct loop *l, struct io_file *f, int *system_error)
{
	return l->ops->connect_result(l, f, system_error);
}

err net_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n)
{
	DASSERT(max > 0);
	if (loop_is_unlucky(l, UNLUCKY_RECV_BYTE))
		max = 1;
	if (f->tls)
		return tls_recv(l, f, p, max, n);
	return l->ops->recv(l, f, p, max, n);
}

err net_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
	     size_t *n)
{
	struct net_span byte;

	DASSERT(n_spans > 0 && n_spans <= NET_SPANS_MAX);
	if (spans[0].n > 1 && loop_is_unlucky(l, UNLUCKY_SEND_BYTE)) {
		byte = (struct net_span){ spans[0].p, 1 };
		spans = &byte;
		n_spans = 1;
	}
	if (f->tls)
		return tls_send(l, f, spans, n_spans, n);
	return l->ops->send(l, f, spans, n_spans, n);
}

err net_flush_tls(struct loop *l, struct io_file *f)
{
	return tls_flush(l, f);
}

void net_shutdown(struct loop *l, struct io_file *f)
{
	if (f->tls)
		tls_shutdown(l, f);
	else
		l->ops->shutdown(l, f);
}

void net_close(struct loop *l, struct io_file *f)
{
	if (f->fd < 0)
		return;
	if (f->tls)
		tls_close(l, f);
	l->ops->close(l, f);
	io_file_open(f, -1);
}

/* listen.c: "0.0.0.0" is what everybody writes and means "every address", so it listens on IPv6
 * too: a proxy's "localhost" may resolve to either. A machine without IPv6 is no error; a name
 * that does not resolve is. */
#include "main/listen.h"

#include "base/check.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HTTP_PORT_DEFAULT = 80 };

static void add(struct listeners *l, const struct net_address *a)
{
	for (size_t i = 0; i < l->n; i++) {
		if (memcmp(&l->addresses[i], a, sizeof(*a)) == 0)
			return;
	}
	if (l->n < LISTEN_ADDRESSES_MAX)
		l->addresses[l->n++] = *a;
}

static bool from_kernel(const struct sockaddr *sa, uint16_t port, struct net_address *out)
{
	*out = (struct net_address){ .port = port };
	if (sa->sa_family == AF_INET) {
		out->family = NET_IPV4;
		memcpy(out->ip, &((const struct sockaddr_in *)sa)->sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		out->family = NET_IPV6;
		memcpy(out->ip, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		return true;
	}
	return false;
}

/* What a configuration says about one of them. */
struct place {
	str host;
	uint16_t port;
	const char *host_key, *port_variable; /* for the message */
	enum listener_role role;
};

static bool resolve(struct listeners *l, const struct place *p, struct buf *problem)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *found;
	int error = getaddrinfo(p->host.p, NULL, &hints, &found);

	if (error) {
		buf_printf(problem, "%s %.*s: %s", p->host_key, STR_ARG(p->host),
			   gai_strerror(error));
		return false;
	}
	for (struct addrinfo *ai = found; ai; ai = ai->ai_next) {
		struct net_address a;

		if (from_kernel(ai->ai_addr, p->port, &a))
			add(l, &a);
	}
	freeaddrinfo(found);
	return true;
}

static bool collect(struct listeners *l, const struct place *p, struct buf *problem)
{
	struct net_address a;

	if (!net_address_parse(p->host, p->port, &a))
		return resolve(l, p, problem);
	add(l, &a);
	if (str_eq(p->host, S("0.0.0.0")) && net_address_parse(S("::"), p->port, &a))
		add(l, &a);
	return true;
}

/* Has this machine no such address family? Then the second of two wildcards is left out. */
static bool is_missing_family(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

static void explain(const struct net_address *a, const char *setting, int error,
		    struct buf *problem)
{
	char text[NET_ADDRESS_TEXT_MAX];

	if (error == EADDRINUSE)
		buf_printf(problem,
			   "port %u is in use: stop the other server (ss -ltnp 'sport = :%u' shows "
			   "it), or set %s to another one",
			   a->port, a->port, setting);
	else if (error == EACCES)
		buf_printf(problem,
			   "port %u is for root: set %s to one from 1024, or allow it with "
			   "setcap cap_net_bind_service=+ep on the program",
			   a->port, setting);
	else if (error == EADDRNOTAVAIL)
		buf_printf(problem, "cannot listen on %.*s: this machine has no such address",
			   STR_ARG(net_address_format(a, text)));
	else
		buf_printf(problem, "cannot listen on %.*s: %s",
			   STR_ARG(net_address_format(a, text)), strerror(error));
}

static bool open_one(struct net_address *a, enum listener_role role, struct server *s,
		     struct loop *probe, int *error)
{
	return net_listen_probe(probe, a, error) == OK && server_listen(s, role, a, error) == OK;
}

static bool open_tcp(struct listeners *out, const struct place *p, struct server *s,
		     struct loop *probe, struct buf *problem)
{
	struct listeners wanted = { 0 };

	*out = wanted;
	if (!collect(&wanted, p, problem))
		return false;
	for (size_t i = 0; i < wanted.n; i++) {
		struct net_address *a = &wanted.addresses[i];
		int error = 0;

		if (a->port == 0 && out->n)
			a->port = out->addresses[0].port;
		if (open_one(a, p->role, s, probe, &error)) {
			add(out, a);
		} else if (wanted.n == 1 || !is_missing_family(error)) {
			explain(a, p->port_variable, error, problem);
			return false;
		}
	}
	if (out->n == 0)
		buf_printf(problem, "%s %.*s has no address here", p->host_key, STR_ARG(p->host));
	return out->n > 0;
}

/* Unix socket */

/* The folders that lead to the path, made if they are missing; existing ones are left as they
 * are. What cannot be made is told by the socket. */
static void make_parents(str path, struct buf *scratch)
{
	for (size_t i = 1; i < path.n; i++) {
		if (path.p[i] != '/')
			continue;
		buf_clear(scratch);
		buf_printf(scratch, "%.*s%c", (int)i, path.p, 0);
		mkdir(scratch->p, 0755);
	}
}

static bool find_file(str path, struct listen_file *out)
{
	struct stat st;

	if (lstat(path.p, &st) != 0)
		return false;
	*out = (struct listen_file){ st.st_dev, st.st_ino };
	return true;
}

static bool open_unix(struct listeners *out, const struct config *c, struct server *s,
		      struct buf *problem)
{
	str path = c->unix_socket.path;
	struct buf scratch;
	int error = 0;

	buf_init(&scratch, 4096);
	make_parents(path, &scratch);
	buf_fini(&scratch);
	if (server_listen_unix(s, LISTENER_CLIENTS, path, c->unix_socket.permission_mode, &error) ==
	    OK) {
		find_file(path, &out->unix_file);
		return true;
	}
	if (error == EADDRINUSE)
		buf_printf(problem, "%.*s is in use by another server", STR_ARG(path));
	else if (error == EEXIST)
		buf_printf(problem, "%.*s is not a socket, and is left alone", STR_ARG(path));
	else
		buf_printf(problem, "cannot listen on %.*s: %s", STR_ARG(path), strerror(error));
	return false;
}

bool listen_open(struct listeners *out, const struct config *c, struct server *s,
		 struct loop *probe, struct buf *problem)
{
	struct place p = { c->host, c->port, "host", "PORT", LISTENER_CLIENTS };

	out->n = 0;
	if (c->unix_socket.enabled)
		return open_unix(out, c, s, problem);
	return open_tcp(out, &p, s, probe, problem);
}

bool listen_open_metrics(struct listeners *out, const struct config *c, struct server *s,
			 struct loop *probe, struct buf *problem)
{
	struct place p = { c->metrics.host, c->metrics.port, "metrics.host", "METRICS_PORT",
			   LISTENER_METRICS };

	out->n = 0;
	return !c->metrics.enabled || open_tcp(out, &p, s, probe, problem);
}

bool listen_open_redirect(const struct listeners *out, const struct config *c, struct server *s,
			  struct loop *probe, unsigned *port, struct buf *problem)
{
	bool has_port = c->ssl.http_port > 0 && c->ssl.http_port != CONFIG_NONE;

	for (size_t i = 0; c->ssl.redirect_http && i < out->n; i++) {
		struct net_address a = out->addresses[i];
		int error = 0;

		a.port = has_port ? (uint16_t)c->ssl.http_port : HTTP_PORT_DEFAULT;
		if (!open_one(&a, LISTENER_REDIRECT, s, probe, &error)) {
			explain(&a, "ssl.http_port", error, problem);
			return false;
		}
		*port = a.port;
	}
	return true;
}

void listen_close(const struct listeners *l, const struct config *c)
{
	struct listen_file now;

	if (c->unix_socket.enabled && find_file(c->unix_socket.path, &now) &&
	    now.device == l->unix_file.device && now.number == l->unix_file.number)
		unlink(c->unix_socket.path.p);
}

/* The machine's address */

static bool is_wildcard(const struct net_address *a)
{
	static const uint8_t any[16];

	return a->family == NET_IPV4 && memcmp(a->ip, any, 4) == 0;
}

static bool is_for_others(const struct ifaddrs *i)
{
	return i->ifa_addr && i->ifa_addr->sa_family == AF_INET && (i->ifa_flags & IFF_UP) &&
	       !(i->ifa_flags & IFF_LOOPBACK);
}

str listen_lan_ip(const struct listeners *l, char text[NET_ADDRESS_TEXT_MAX])
{
	struct net_address a = { 0 };
	struct ifaddrs *all;
	str out = S("");

	if (l->n == 0 || !is_wildcard(&l->addresses[0]) || getifaddrs(&all) != 0)
		return out;
	for (struct ifaddrs *i = all; i && !a.family; i = i->ifa_next) {
		if (is_for_others(i))
			from_kernel(i->ifa_addr, 0, &a);
	}
	freeifaddrs(all);
	if (!a.family)
		return out;
	out = net_address_format(&a, text);
	return str_take(out, str_find_char(out, ':'));
}

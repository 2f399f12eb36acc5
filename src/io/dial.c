/* dial.c: sockets that are waited for with poll. They do not block themselves, so that a deadline
 * holds whatever the peer does; names are resolved by glibc's helper thread for the same reason. */
#include "io/dial.h"
#include "io/dial_priv.h"

#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Time and chance */

static int64_t read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t dial_now_ms(void)
{
	return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

int64_t dial_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

void dial_random(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		ASSERT(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

bool dial_wait(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = dial_now_ms();
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
		int n = poll(&p, 1,
			     deadline_ms == UINT64_MAX ?
				     -1 :
				     (int)(left < INT32_MAX ? left : INT32_MAX));

		if (n > 0)
			return true;
		if (n == 0 && left < INT32_MAX)
			return false;
		ASSERT(n == 0 || errno == EINTR);
	}
}

/* Names */

static struct net_address address_from(const struct sockaddr *sa)
{
	struct net_address a = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		a.family = NET_IPV4;
		a.port = ntohs(in->sin_port);
		memcpy(a.ip, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		a.family = NET_IPV6;
		a.port = ntohs(in6->sin6_port);
		memcpy(a.ip, &in6->sin6_addr, 16);
	}
	return a;
}

static err resolver_error(int error)
{
	if (error == EAI_INPROGRESS || error == EAI_AGAIN)
		return ERR_AGAIN;
	return error == EAI_NONAME || error == EAI_NODATA ? ERR_NOT_FOUND : ERR_IO;
}

/* What a helper thread works on: it may outlive the wait. */
struct lookup {
	struct gaicb job;
	struct addrinfo hints;
	struct gaicb *jobs[1];
	char host[256];
};

/* 0, or an EAI_… */
static int look_up(struct lookup *l, unsigned wait_ms)
{
	struct timespec t = { .tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000l };
	int error = getaddrinfo_a(GAI_NOWAIT, l->jobs, 1, NULL);

	if (error)
		return error;
	gai_suspend((const struct gaicb *const *)l->jobs, 1, wait_ms == DIAL_FOREVER ? NULL : &t);
	return gai_error(&l->job);
}

err dial_resolve(str host, uint16_t port, unsigned wait_ms, struct dial_addresses *out)
{
	struct lookup *l;
	int error;

	out->n = 1;
	if (net_address_parse(host, port, &out->list[0]))
		return OK;
	out->n = 0;
	l = xnew(struct lookup);
	if (host.n >= sizeof(l->host))
		host.n = sizeof(l->host) - 1; /* longer than any name: there is none like it */
	memcpy(l->host, host.p, host.n);
	l->hints = (struct addrinfo){ .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	l->job = (struct gaicb){ .ar_name = l->host, .ar_request = &l->hints };
	l->jobs[0] = &l->job;
	error = look_up(l, wait_ms);
	if (error == EAI_INPROGRESS && gai_cancel(&l->job) == EAI_NOTCANCELED)
		return ERR_AGAIN; /* the thread still writes to *l */
	for (struct addrinfo *ai = error ? NULL : l->job.ar_result; ai; ai = ai->ai_next) {
		struct net_address a = address_from(ai->ai_addr);

		a.port = port;
		if (a.family != NET_NONE && out->n < DIAL_ADDRESSES_MAX)
			out->list[out->n++] = a;
	}
	if (!error)
		freeaddrinfo(l->job.ar_result);
	xfree(l);
	if (error)
		return resolver_error(error);
	return out->n ? OK : ERR_NOT_FOUND;
}

/* Connections */

static socklen_t sockaddr_from(const struct net_address *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == NET_IPV4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

/* 0, or the system's error. */
static int finish_connect(int fd, unsigned wait_ms)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!dial_wait(fd, POLLOUT, dial_deadline(wait_ms)))
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		return errno;
	return error;
}

static err connect_to(struct dial *d, const struct sockaddr *sa, socklen_t n, unsigned wait_ms,
		      int *system_error)
{
	*d = (struct dial){ .fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
					 0) };
	*system_error = errno;
	if (d->fd < 0)
		return ERR_IO;
	*system_error = connect(d->fd, sa, n) == 0 ? 0 : errno;
	if (*system_error == EINPROGRESS)
		*system_error = finish_connect(d->fd, wait_ms);
	if (*system_error) {
		dial_close(d);
		return ERR_IO;
	}
	/* Fails on a Unix socket, where nothing is delayed. */
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return OK;
}

err dial_open(struct dial *d, const struct net_address *a, unsigned wait_ms, int *system_error)
{
	struct sockaddr_storage sa;
	socklen_t n = sockaddr_from(a, &sa);

	return connect_to(d, (struct sockaddr *)&sa, n, wait_ms, system_error);
}

err dial_open_unix(struct dial *d, str path, unsigned wait_ms, int *system_error)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	*d = (struct dial)DIAL_CLOSED;
	*system_error = ENAMETOOLONG;
	if (path.n >= sizeof(un.sun_path))
		return ERR_IO;
	memcpy(un.sun_path, path.p, path.n);
	return connect_to(d, (struct sockaddr *)&un, sizeof(un), wait_ms, system_error);
}

void dial_close(struct dial *d)
{
	dial_tls_free(d);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

/* Bytes */

static bool is_again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

err dial_send(struct dial *d, str bytes, unsigned wait_ms)
{
	uint64_t deadline_ms = dial_deadline(wait_ms);

	if (d->tls)
		return dial_tls_send(d, bytes, deadline_ms);
	while (bytes.n) {
		ssize_t n = send(d->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n > 0)
			bytes = str_skip(bytes, (size_t)n);
		else if (!is_again())
			return ERR_IO;
		else if (!dial_wait(d->fd, POLLOUT, deadline_ms))
			return ERR_AGAIN;
	}
	return OK;
}

err dial_recv(struct dial *d, void *p, size_t max, unsigned wait_ms, size_t *n)
{
	uint64_t deadline_ms = dial_deadline(wait_ms);

	*n = 0;
	if (d->tls)
		return dial_tls_recv(d, p, max, deadline_ms, n);
	for (;;) {
		ssize_t got = recv(d->fd, p, max, 0);

		if (got >= 0) {
			*n = (size_t)got;
			return OK;
		}
		if (!is_again())
			return ERR_IO;
		if (!dial_wait(d->fd, POLLIN, deadline_ms))
			return ERR_AGAIN;
	}
}

/* kernel_net.c: net.h on Linux sockets.
 *
 * Accepted sockets inherit TCP_NODELAY from the listener on Linux, so a connection costs one
 * accept4 and no setsockopt. A descriptor kept in reserve is given up when the process has no
 * other: the waiting connection is taken and closed, so that its client learns and a
 * level-triggered loop does not spin over it.
 *
 * Not here: name resolution, datagrams, socket buffer sizes (the kernel tunes them). */
#include "io/kernel.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* net.core.somaxconn cuts it */

union socket_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_un un;
};

/* Of a kind that needs no file: there may be no /dev where the server is shut in. */
int kernel_spare_open(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static bool is_out_of_descriptors(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static socklen_t address_to_kernel(const struct net_address *a, union socket_address *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == NET_IPV6) {
		out->ipv6.sin6_family = AF_INET6;
		out->ipv6.sin6_port = htons(a->port);
		memcpy(&out->ipv6.sin6_addr, a->ip, 16);
		return sizeof(out->ipv6);
	}
	ASSERT(a->family == NET_IPV4);
	out->ipv4.sin_family = AF_INET;
	out->ipv4.sin_port = htons(a->port);
	memcpy(&out->ipv4.sin_addr, a->ip, 4);
	return sizeof(out->ipv4);
}

static void address_from_kernel(const union socket_address *a, struct net_address *out)
{
	memset(out, 0, sizeof(*out));
	switch (a->any.sa_family) {
	case AF_INET:
		out->family = NET_IPV4;
		out->port = ntohs(a->ipv4.sin_port);
		memcpy(out->ip, &a->ipv4.sin_addr, 4);
		break;
	case AF_INET6:
		out->family = NET_IPV6;
		out->port = ntohs(a->ipv6.sin6_port);
		memcpy(out->ip, &a->ipv6.sin6_addr, 16);
		break;
	default:
		out->family = NET_UNIX;
	}
}

static void set_option(int fd, int level, int option)
{
	/* None of ours can fail on a stream socket of the right family. */
	int failed = setsockopt(fd, level, option, &(int){ 1 }, sizeof(int));

	ASSERT(!failed);
}

static int stream_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static err fail(int fd, int *system_error)
{
	*system_error = errno;
	if (fd >= 0)
		close(fd);
	if (*system_error == EADDRINUSE)
		return ERR_EXISTS;
	return is_out_of_descriptors(*system_error) ? ERR_LIMIT : ERR_IO;
}

/* A TCP socket bound to a, or -1 and *why. */
static int bound_socket(const struct net_address *a, bool is_shared, err *why, int *system_error)
{
	union socket_address ka;
	socklen_t ka_len = address_to_kernel(a, &ka);
	int fd = stream_socket(ka.any.sa_family);

	if (fd >= 0) {
		set_option(fd, SOL_SOCKET, SO_REUSEADDR);
		if (is_shared)
			set_option(fd, SOL_SOCKET, SO_REUSEPORT);
		if (a->family == NET_IPV6)
			set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		set_option(fd, IPPROTO_TCP, TCP_NODELAY);
		if (bind(fd, &ka.any, ka_len) == 0)
			return fd;
	}
	*why = fail(fd, system_error);
	return -1;
}

/* A socket that is not connected may not begin with it, but learns whether it exists. */
bool kernel_has_tls(void)
{
	int fd = stream_socket(AF_INET);
	bool has_tls = fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) != 0 &&
		       errno == ENOTCONN;

	if (fd >= 0)
		close(fd);
	return has_tls;
}

err kernel_probe(struct loop *l, const struct net_address *a, int *system_error)
{
	err why = OK;
	int fd = bound_socket(a, false, &why, system_error);

	if (fd >= 0)
		close(fd);
	return why;
}

err kernel_listen(struct loop *l, struct io_file *f, struct net_address *a, int *system_error)
{
	union socket_address bound;
	socklen_t len = sizeof(bound);
	err why = OK;
	int fd = bound_socket(a, true, &why, system_error);

	if (fd < 0)
		return why;
	if (listen(fd, BACKLOG) != 0 || getsockname(fd, &bound.any, &len) != 0)
		return fail(fd, system_error);
	address_from_kernel(&bound, a);
	io_file_open(f, fd);
	return OK;
}

/* Removes what a dead server left at the path. 0, or why the path cannot be had: EADDRINUSE when
 * somebody answers there, EEXIST when it is no socket. */
static int clear_unix_path(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, error;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	fd = stream_socket(AF_UNIX);
	if (fd < 0)
		return errno;
	error = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? EADDRINUSE : errno;
	close(fd);
	if (error != ECONNREFUSED)
		return error;
	return unlink(at->sun_path) == 0 ? 0 : errno;
}

err kernel_listen_unix(struct loop *l, struct io_file *f, str path, unsigned mode,
		       int *system_error)
{
	union socket_address at = { .un.sun_family = AF_UNIX };
	int fd;

	if (path.n == 0 || path.n >= sizeof(at.un.sun_path) || memchr(path.p, 0, path.n)) {
		*system_error = ENAMETOOLONG;
		return ERR_IO;
	}
	memcpy(at.un.sun_path, path.p, path.n);
	*system_error = clear_unix_path(&at.un);
	if (*system_error)
		return *system_error == EADDRINUSE || *system_error == EEXIST ? ERR_EXISTS : ERR_IO;
	fd = stream_socket(AF_UNIX);
	/* Nobody can connect before listen, so the mode holds from the first connection on. */
	if (fd < 0 || bind(fd, &at.any, sizeof(at.un)) != 0 || chmod(at.un.sun_path, mode) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail(fd, system_error);
	io_file_open(f, fd);
	return OK;
}

err kernel_listen_share(struct loop *l, struct io_file *f, const struct io_file *first)
{
	int fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return ERR_LIMIT;
	io_file_open(f, fd);
	return OK;
}

static void refuse_with_spare(struct kernel_loop *k, int listener_fd)
{
	int fd;

	if (k->spare_fd >= 0)
		close(k->spare_fd);
	fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	k->spare_fd = kernel_spare_open();
}

/* Drops segments with SYN and without ACK before TCP sees them, and nothing else. A Unix socket
 * refuses the filter, or has nothing to drop. */
void kernel_stop_listening(struct loop *l, struct io_file *listener)
{
	enum { TCP_FLAGS_OFFSET = 13, FLAG_SYN = 2, FLAG_ACK = 16 };
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FLAG_SYN | FLAG_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FLAG_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog filter = { .len = ARRAY_LEN(code), .filter = code };
	int family = 0;
	socklen_t n = sizeof(family);

	getsockopt(listener->fd, SOL_SOCKET, SO_DOMAIN, &family, &n);
	if (family != AF_UNIX)
		setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

err kernel_accept(struct loop *l, struct io_file *listener, struct io_file *f,
		  struct net_address *peer)
{
	union socket_address from;
	socklen_t len = sizeof(from);
	int fd = accept4(listener->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		io_file_open(f, fd);
		address_from_kernel(&from, peer);
		return OK;
	}
	if (errno == EAGAIN)
		return ERR_AGAIN;
	if (!is_out_of_descriptors(errno))
		return ERR_IO;
	refuse_with_spare(kernel_of(l), listener->fd);
	return ERR_LIMIT;
}

err kernel_connect(struct loop *l, struct io_file *f, const struct net_address *a,
		   int *system_error)
{
	union socket_address to;
	socklen_t len = address_to_kernel(a, &to);
	int fd = stream_socket(to.any.sa_family);

	if (fd < 0)
		return fail(fd, system_error);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	if (connect(fd, &to.any, len) != 0 && errno != EINPROGRESS)
		return fail(fd, system_error);
	io_file_open(f, fd);
	return OK;
}

err kernel_connect_result(struct loop *l, struct io_file *f, int *system_error)
{
	union socket_address peer;
	socklen_t len = sizeof(*system_error);

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, system_error, &len) != 0)
		*system_error = errno;
	if (*system_error)
		return ERR_IO;
	len = sizeof(peer);
	return getpeername(f->fd, &peer.any, &len) == 0 ? OK : ERR_AGAIN;
}

err kernel_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n)
{
	ssize_t got = recv(f->fd, p, max, 0);

	if (got >= 0) {
		*n = (size_t)got;
		return OK;
	}
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
}

/* net_span is the kernel's iovec by another name. */
_Static_assert(sizeof(struct net_span) == sizeof(struct iovec) &&
		       offsetof(struct net_span, p) == offsetof(struct iovec, iov_base) &&
		       offsetof(struct net_span, n) == offsetof(struct iovec, iov_len),
	       "kernel_send casts");

err kernel_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
		size_t *n)
{
	ssize_t sent;

	if (n_spans == 1) {
		sent = send(f->fd, spans->p, spans->n, MSG_NOSIGNAL);
	} else {
		struct msghdr m = { .msg_iov = (struct iovec *)spans, .msg_iovlen = n_spans };

		sent = sendmsg(f->fd, &m, MSG_NOSIGNAL);
	}
	if (sent >= 0) {
		*n = (size_t)sent;
		return OK;
	}
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
}

void kernel_shutdown(struct loop *l, struct io_file *f)
{
	shutdown(f->fd, SHUT_WR);
}

#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

#define N_SOURCE_ADDRESSES 128u

static void bytes_append(struct bytes *b, const char *p, size_t n)
{
	if (b->n + n > b->cap) {
		b->cap = 2 * (b->n + n);
		b->p = must_realloc(b->p, b->cap);
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void bytes_drop_front(struct bytes *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

/* IP_BIND_ADDRESS_NO_PORT leaves the choice of the port to connect(), which may then reuse one that is busy
 * towards another server. */
static void bind_source(int fd)
{
	static uint32_t turn;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + turn++ % N_SOURCE_ADDRESSES);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
		die("bind");
}

static void tcp_end(struct tcp *t)
{
	tcp_close(t);
	t->events->on_end(t);
}

static void tcp_read(struct tcp *t)
{
	struct loop *l = t->loop;
	size_t kept = t->unread.n, used;
	uint32_t n_opened = t->n_opened;
	ssize_t n;

	if (kept == sizeof l->scratch)
		die("the server sent %zu bytes that make no message", kept);
	if (kept > 0)
		memcpy(l->scratch, t->unread.p, kept);
	n = recv(t->watch.fd, l->scratch + kept, sizeof l->scratch - kept, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tcp_end(t);
		return;
	}
	used = t->events->on_bytes(t, l->scratch, kept + (size_t)n);
	if (!tcp_is_open(t) || t->n_opened != n_opened)
		return;
	t->unread.n = 0;
	if (used < kept + (size_t)n)
		bytes_append(&t->unread, l->scratch + used, kept + (size_t)n - used);
}

static void tcp_on_ready(struct watch *w, uint32_t events)
{
	struct tcp *t = (struct tcp *)w;

	if (events & EPOLLOUT)
		tcp_flush(t);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && tcp_is_open(t))
		tcp_read(t);
}

void tcp_open(struct tcp *t, struct loop *l, uint16_t port, const struct tcp_events *events)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	bind_source(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
		die("connect to port %u", port);
	t->watch = (struct watch){ .fd = fd, .on_ready = tcp_on_ready };
	t->loop = l;
	t->events = events;
	t->unread.n = t->unsent.n = 0;
	t->n_opened++;
	t->is_blocked = false;
	loop_add(l, &t->watch, EPOLLIN);
}

void tcp_close(struct tcp *t)
{
	close(t->watch.fd);
	t->watch.fd = -1;
}

static void tcp_set_blocked(struct tcp *t, bool is_blocked)
{
	if (t->is_blocked != is_blocked)
		loop_change(t->loop, &t->watch, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
	t->is_blocked = is_blocked;
}

void tcp_queue(struct tcp *t, const char *bytes, size_t n)
{
	bytes_append(&t->unsent, bytes, n);
}

void tcp_flush(struct tcp *t)
{
	ssize_t n;

	if (t->unsent.n == 0)
		return;
	n = send(t->watch.fd, t->unsent.p, t->unsent.n, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		tcp_end(t);
		return;
	}
	if (n > 0)
		bytes_drop_front(&t->unsent, (size_t)n);
	tcp_set_blocked(t, t->unsent.n > 0);
}

#include "main/log_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* A line is two pieces at most; for the second, a reader who is there has time to make room. */
enum { PATIENCE_MS = 20 };

static bool has_room(int fd, int patience_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, patience_ms) == 1 && (p.revents & POLLOUT);
}

/* What has room for one byte takes PIPE_BUF of them without waiting. Answers what did not get in. */
static str write_pieces(int fd, str bytes)
{
	int patience_ms = 0;

	while (bytes.n && has_room(fd, patience_ms)) {
		ssize_t n = write(fd, bytes.p, str_take(bytes, PIPE_BUF).n);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			bytes = str_skip(bytes, (size_t)n);
		patience_ms = PATIENCE_MS;
	}
	return bytes;
}

bool log_output_write(void *ctx, str line)
{
	struct log_output *o = ctx;
	str rest;

	if (o->is_torn && write_pieces(o->fd, S("\n")).n)
		return false;
	rest = write_pieces(o->fd, line);
	o->is_torn = rest.n > 0 && rest.n < line.n;
	return rest.n == 0;
}

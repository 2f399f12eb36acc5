/* config_file.c: reading at start, where waiting hurts nobody. What is read may be or hold a secret,
 * so it passes through memory that is wiped. */
#include "main/config_file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Grows as it reads: the size of a pipe or of /dev/stdin is not known beforehand. */
static int read_all(int fd, struct buf *b)
{
	enum { STEP_BYTES = 64 << 10 };

	for (;;) {
		size_t left = b->max - b->len, n_wanted = left < STEP_BYTES ? left : STEP_BYTES;
		char *p = n_wanted ? buf_reserve(b, n_wanted) : NULL;
		ssize_t n = p ? read(fd, p, n_wanted) : 0;

		if (!p)
			return EFBIG;
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;
		buf_commit(b, (size_t)n);
	}
}

int config_file_read(str name, size_t bytes_max, struct arena *a, str *out)
{
	int fd = open(arena_copy(a, name).p, O_RDONLY | O_CLOEXEC);
	struct buf b;
	int error;

	if (fd < 0)
		return errno;
	/* Room for one byte too many, which is how a file that is too large is noticed. */
	buf_init_secret(&b, bytes_max + 1);
	error = read_all(fd, &b);
	close(fd);
	*out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return error;
}

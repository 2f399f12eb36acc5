#include "http_publisher.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "die.h"
#include "signer.h"

static void reopen(struct http_publisher *p);

/* The value of a header in a head that ends with an empty line, or NULL. name is "\r\nname:". */
static const char *find_header(const char *head, const char *end, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = head; at < end; at++) {
		at = memchr(at, '\r', (size_t)(end - at));
		if (!at)
			return NULL;
		if ((size_t)(end - at) > n && strncasecmp(at, name, n) == 0) {
			at += n;
			return at + strspn(at, " ");
		}
	}
	return NULL;
}

static size_t body_length(const char *head, const char *end)
{
	const char *value = find_header(head, end, "\r\nContent-Length:");
	size_t n = 0;

	if (!value) {
		errno = 0;
		die("an answer without Content-Length: %.*s", (int)(end - head), head);
	}
	for (; *value >= '0' && *value <= '9'; value++)
		n = 10 * n + (size_t)(*value - '0');
	return n;
}

static void check_status(const char *answer, size_t n)
{
	if (n >= 13 && memcmp(answer, "HTTP/1.1 200 ", 13) == 0)
		return;
	errno = 0;
	die("a publish was answered: %.*s", (int)(n < 500 ? n : 500), answer);
}

/* The length of the whole answer at the start of n bytes, 0 while it is incomplete. */
static size_t take_answer(struct http_publisher *p, const char *bytes, size_t n)
{
	const char *end = memmem(bytes, n, "\r\n\r\n", 4);
	const char *connection;
	size_t used;

	if (!end)
		return 0;
	check_status(bytes, n);
	used = (size_t)(end - bytes) + 4 + body_length(bytes, end);
	if (used > n)
		return 0;
	if (p->n_unanswered == 0)
		die("an answer without a request");
	connection = find_header(bytes, end, "\r\nConnection:");
	p->is_persistent = !connection || strncasecmp(connection, "close", 5) != 0;
	p->n_unanswered--;
	p->n_answers++;
	return used;
}

static size_t on_bytes(struct tcp *t, const char *bytes, size_t n)
{
	struct http_publisher *p = (struct http_publisher *)t;
	size_t done = 0, used;

	for (; (used = take_answer(p, bytes + done, n - done)) > 0; done += used) {
		if (!p->is_persistent) {
			tcp_close(t);
			reopen(p);
			break;
		}
	}
	return done;
}

static void on_end(struct tcp *t)
{
	struct http_publisher *p = (struct http_publisher *)t;

	if (p->n_unanswered > 0)
		die("the server closed a connection with %u requests unanswered", p->n_unanswered);
	reopen(p);
}

static void reopen(struct http_publisher *p)
{
	static const struct tcp_events events = { on_bytes, on_end };

	if (p->n_unanswered > 0)
		die("the server closed a connection with %u requests unanswered", p->n_unanswered);
	tcp_open(&p->tcp, p->bench->loop, p->bench->port, &events);
}

void http_publisher_open(struct http_publisher *p, struct bench *b, uint32_t depth)
{
	*p = (struct http_publisher){ .bench = b, .depth = depth };
	reopen(p);
}

bool http_publisher_has_room(const struct http_publisher *p)
{
	return p->n_unanswered < (p->is_persistent ? p->depth : 1);
}

void http_publisher_publish(struct http_publisher *p, const char *channel,
			    const struct payload *payload)
{
	char request[SIGNED_REQUEST_BYTES_MAX];

	http_publisher_queue(p, request,
			     signer_publish(p->bench->signer, channel, payload, request));
}

void http_publisher_queue(struct http_publisher *p, const char *request, size_t n)
{
	tcp_queue(&p->tcp, request, n);
	p->n_unanswered++;
}

void http_publisher_flush(struct http_publisher *p)
{
	tcp_flush(&p->tcp);
}

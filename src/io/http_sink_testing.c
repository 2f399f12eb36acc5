/* http_sink_testing.c: a thread for each connection, which blocks; it is ended by shutting its socket
 * down. */
#include "io/http_sink_testing.h"

#include "base/check.h"
#include "base/mem.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes */

struct wire {
	int fd;
	SSL *tls;
};

static int wire_read(const struct wire *w, char *p, size_t max)
{
	return w->tls ? SSL_read(w->tls, p, (int)max) : (int)recv(w->fd, p, max, 0);
}

static bool wire_write(const struct wire *w, const char *p, size_t n)
{
	while (n > 0) {
		int done = w->tls ? SSL_write(w->tls, p, (int)n) :
				    (int)send(w->fd, p, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void say(const struct wire *w, const char *text)
{
	wire_write(w, text, strlen(text));
}

/* Until the peer has gone, or the sink. */
static void wait_for_the_end(const struct wire *w)
{
	char c[256];

	while (wire_read(w, c, sizeof(c)) > 0)
		;
}

/* Requests */

/* The length of the whole request at p, or 0: it is not whole yet. */
static size_t request_bytes(const char *p)
{
	const char *head_end = strstr(p, "\r\n\r\n"), *length = strstr(p, "Content-Length: ");
	size_t n_body =
		length && head_end && length < head_end ? strtoul(length + 16, NULL, 10) : 0;

	return head_end && strlen(head_end + 4) >= n_body ? (size_t)(head_end - p) + 4 + n_body : 0;
}

/* p has room for SINK_REQUEST_MAX. */
static bool read_request(const struct wire *w, char *p)
{
	size_t n = 0;

	p[0] = '\0';
	while (request_bytes(p) == 0) {
		int got = n + 1 < SINK_REQUEST_MAX ? wire_read(w, p + n, SINK_REQUEST_MAX - 1 - n) :
						     0;

		if (got <= 0)
			return false;
		n += (size_t)got;
		p[n] = '\0';
	}
	return true;
}

static void say_status(const struct wire *w, unsigned status, const char *lines)
{
	char text[512];

	snprintf(text, sizeof(text), "HTTP/1.1 %u Text\r\nContent-Length: 2\r\n%s\r\nok", status,
		 lines);
	say(w, text);
}

static void say_much(const struct wire *w)
{
	char zeros[65536] = { 0 };

	say(w, "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n");
	for (unsigned i = 0; i < 160 && wire_write(w, zeros, sizeof(zeros)); i++)
		;
}

/* False: the connection is over. */
static bool answer(struct sink *s, const struct wire *w, const char *path)
{
	char location[160];

	if (path[1] >= '1' && path[1] <= '9') {
		say_status(w, (unsigned)strtoul(path + 1, NULL, 10), "");
		return true;
	}
	if (strncmp(path, "/to/", 4) == 0) {
		snprintf(location, sizeof(location), "Location: %s\r\n", s->location);
		say_status(w, (unsigned)strtoul(path + 4, NULL, 10), location);
		return true;
	}
	if (strncmp(path, "/junk", 5) == 0)
		say(w, "SSH-2.0-OpenSSH_9.2\r\n");
	if (strncmp(path, "/huge", 5) == 0)
		say_much(w);
	if (strncmp(path, "/cut", 4) == 0)
		say(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
	if (strncmp(path, "/long", 5) == 0) {
		say(w, "HTTP/1.1 200 OK\r\n");
		while (wire_write(w, "X-Line: more\r\n", 14))
			;
	}
	if (strncmp(path, "/silent", 7) == 0 || strncmp(path, "/cut", 4) == 0)
		wait_for_the_end(w);
	return false;
}

static void note(struct sink *s, const char *request)
{
	pthread_mutex_lock(&s->lock);
	snprintf(s->last, sizeof(s->last), "%s", request);
	pthread_mutex_unlock(&s->lock);
	s->n_requests++;
}

static void serve(struct sink *s, const struct wire *w)
{
	char request[SINK_REQUEST_MAX];

	while (read_request(w, request)) {
		note(s, request);
		if (strncmp(request, "CONNECT ", 8) == 0) {
			say(w, "HTTP/1.1 200 Connected\r\n\r\n");
			return;
		}
		if (!answer(s, w, strchr(request, ' ') + 1))
			return;
	}
}

/* Threads */

static void *connection_main(void *connection)
{
	struct sink_connection *c = connection;
	struct wire w = { .fd = c->fd };
	sigset_t broken_pipe; /* OpenSSL writes as one writes to a pipe */

	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
	if (c->sink->tls) {
		w.tls = SSL_new(c->sink->tls);
		SSL_set_fd(w.tls, c->fd);
	}
	if (!w.tls || SSL_accept(w.tls) == 1)
		serve(c->sink, &w);
	SSL_free(w.tls);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *sink_main(void *sink)
{
	struct sink *s = sink;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		struct sink_connection *c;

		if (fd < 0 || s->is_over || s->n_connections == SINK_CONNECTIONS_MAX) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		c = &s->connections[s->n_connections];
		*c = (struct sink_connection){ .sink = s, .fd = fd };
		pthread_create(&c->thread, NULL, connection_main, c);
		s->n_connections++;
	}
}

static SSL_CTX *open_tls(const char *certificate_path, const char *key_path)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	ASSERT(SSL_CTX_use_certificate_file(tls, certificate_path, SSL_FILETYPE_PEM) == 1);
	ASSERT(SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) == 1);
	return tls;
}

struct sink *sink_new(const char *certificate_path, const char *key_path)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	struct sink *s = xnew(struct sink);

	s->tls = certificate_path ? open_tls(certificate_path, key_path) : NULL;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(bind(s->fd, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(s->fd, 64) == 0);
	ASSERT(getsockname(s->fd, (struct sockaddr *)&in, &n) == 0);
	s->port = ntohs(in.sin_port);
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&s->thread, NULL, sink_main, s);
	return s;
}

void sink_free(struct sink *s)
{
	s->is_over = true;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < s->n_connections; i++) {
		shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_join(s->connections[i].thread, NULL);
		close(s->connections[i].fd);
	}
	close(s->fd);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
}

str sink_last(struct sink *s, char *out)
{
	pthread_mutex_lock(&s->lock);
	memcpy(out, s->last, SINK_REQUEST_MAX);
	pthread_mutex_unlock(&s->lock);
	return str_from_cstr(out);
}

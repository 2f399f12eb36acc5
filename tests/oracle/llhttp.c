/* llhttp.c: the same as http1.c, as Node's parser reads it:  oracle-llhttp [PIECE_BYTES]
 *
 * Not part of the build: the tests compile it with the sources that Debian's node-llhttp brings, in strict mode and with every
 * leniency off. Targets are printed as sent. An upgrade is passed over, as by a server that does not know it. */
#include "records.h"

#include <string.h>

#include "llhttp.h"

struct text {
	char *p;
	size_t n;
};

struct peer {
	llhttp_t parser; /* first: callbacks get a pointer to it */
	struct text url, body;
	bool is_within, wants_close;
};

static void text_add(struct text *t, const char *p, size_t n)
{
	t->p = realloc(t->p, t->n + n + 1);
	if (!t->p)
		abort();
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

static int on_begin(llhttp_t *parser)
{
	struct peer *peer = (struct peer *)parser;

	peer->url.n = peer->body.n = 0;
	peer->is_within = true;
	return 0;
}

static int on_url(llhttp_t *parser, const char *p, size_t n)
{
	text_add(&((struct peer *)parser)->url, p, n);
	return 0;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
	text_add(&((struct peer *)parser)->body, p, n);
	return 0;
}

static int on_complete(llhttp_t *parser)
{
	struct peer *peer = (struct peer *)parser;

	printf("request %s ", llhttp_method_name(parser->method));
	print_hex(peer->url.p, peer->url.n);
	printf(" ");
	print_hex(peer->body.p, peer->body.n);
	printf("\n");
	peer->is_within = false;
	peer->wants_close = !llhttp_should_keep_alive(parser);
	return 0;
}

static llhttp_errno_t feed(struct peer *peer, const char *p, size_t n)
{
	const char *end = p + n;
	llhttp_errno_t e = llhttp_execute(&peer->parser, p, n);

	while (e == HPE_PAUSED_UPGRADE) {
		p = llhttp_get_error_pos(&peer->parser);
		llhttp_resume_after_upgrade(&peer->parser);
		e = llhttp_execute(&peer->parser, p, end - p);
	}
	return e;
}

static void print_end(const struct peer *peer, llhttp_errno_t e)
{
	if (e == HPE_CLOSED_CONNECTION || (e == HPE_OK && !peer->is_within && peer->wants_close))
		printf("end closed\n");
	else if (e != HPE_OK)
		printf("end refused %s\n", llhttp_errno_name(e));
	else
		printf("end %s\n", peer->is_within ? "incomplete" : "complete");
}

static void judge(const char *bytes, size_t n, size_t piece_bytes)
{
	llhttp_settings_t settings;
	struct peer peer = { 0 };
	llhttp_errno_t e = HPE_OK;

	llhttp_settings_init(&settings);
	settings.on_message_begin = on_begin;
	settings.on_url = on_url;
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	llhttp_init(&peer.parser, HTTP_REQUEST, &settings);
	for (size_t at = 0; at < n && e == HPE_OK; at += piece_bytes) {
		if (piece_bytes > n - at)
			piece_bytes = n - at;
		e = feed(&peer, bytes + at, piece_bytes);
	}
	print_end(&peer, e);
	free(peer.url.p);
	free(peer.body.p);
}

int main(int argc, char **argv)
{
	size_t n, piece_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : SIZE_MAX;
	char *bytes;

	while (record_read(&bytes, &n)) {
		judge(bytes, n, piece_bytes);
		free(bytes);
	}
	return 0;
}

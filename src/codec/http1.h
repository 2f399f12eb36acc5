/* http1.h: HTTP/1.1 requests in, response heads out. Pure text work, no state but the caller's
 * bytes.
 *
 * A head is parsed whole: the caller keeps the bytes of an unfinished one and calls again with more
 * (scanned saves the rescan). Strict on purpose, because a proxy stands in front and any
 * disagreement about where a request ends is a smuggling hole: bare LF, obs-fold, blanks around a
 * header name, CL with TE, two CL, a TE that is not exactly "chunked", tabs around either, bytes
 * that are no field characters, a target with a fragment or anything but ASCII: 400. */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H

#include "base/buf.h"
#include "base/err.h"

#define HTTP_HEADERS_MAX 100

struct http_limits {
	uint32_t head_bytes_max;   /* 431 */
	uint32_t target_bytes_max; /* 414 */
	uint32_t n_headers_max;	   /* 431; at most HTTP_HEADERS_MAX */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

struct http_header {
	str name, value; /* value without blanks around it */
};

struct http_request {
	enum http_method method;
	str method_text;
	/* As sent, not decoded, without one trailing '/' unless it is all; absolute form
	 * reduced. */
	str path;
	str query;	/* after the first '?' */
	bool has_query; /* a '?' was there */
	uint8_t minor;	/* HTTP/1.minor, 0 or 1 */
	bool keep_alive;
	bool expects_continue;
	bool is_chunked;
	uint64_t content_length; /* 0 when absent or chunked */
	size_t head_bytes;	 /* length of the head with its last CRLF */
	uint32_t n_headers;
	struct http_header headers[HTTP_HEADERS_MAX];
};

/* OK: *out points into bytes. ERR_AGAIN: the head is not complete (and still within limits).
 * Otherwise the request cannot be understood: *status is 400 (ERR_SYNTAX; also for another HTTP
 * version, as the original) or 414 or 431 (ERR_LIMIT): answer it and close. *scanned starts at 0
 * for a new head and is ours. Empty lines before the request line are skipped (they count into
 * head_bytes). */
err http_head_parse(str bytes, const struct http_limits *lim, size_t *scanned,
		    struct http_request *out, unsigned *status);
/* First header of that name (any case), or NULL. */
const struct http_header *http_header_find(const struct http_request *r, str name);
/* Does a comma list header (all lines of it) contain the token, any case? */
bool http_header_has_token(const struct http_request *r, str name, str token);

/* Chunked bodies, decoded piece by piece. Zeroed is the start. Chunk extensions and trailers are
 * checked and skipped within 4 KiB; trailers that name the body's length or coding are refused. */
struct http_chunked {
	uint8_t state;
	uint8_t framing_names; /* bit i: the trailer's name may yet be the i-th of those */
	uint16_t name_len;     /* of the trailer, so far */
	uint16_t n_skipped;
	uint64_t left;
};
/* Takes bytes from in (*used says how many) and appends the body to out. OK: the body is complete,
 * the rest of in is the next request. ERR_AGAIN: more is needed, all of in was taken. ERR_LIMIT:
 * out's maximum would be passed, known from a chunk's size before its data. ERR_SYNTAX: bad chunk.
 */
err http_chunked_feed(struct http_chunked *c, str in, size_t *used, struct buf *out);

/* The status line. The caller adds header lines with http_header_put and ends with http_head_end.
 * Names are written in lower case, as the original writes them. Names and values are put as given:
 * what came from a parsed request is safe. */
void http_head_begin(struct buf *b, unsigned status);
void http_header_put(struct buf *b, str name, str value);
/* date: as http_date made it. Adds content-length, when !keep_alive "connection: close", and date.
 * Who keeps the connection of an HTTP/1.0 client puts "connection: keep-alive" himself. */
#define HTTP_NO_LENGTH UINT64_MAX /* for content_length: 1xx, 204 and 304 have none */
void http_head_end(struct buf *b, str date, uint64_t content_length, bool keep_alive);
const char *http_reason(unsigned status);
/* IMF-fixdate of a wall-clock second: exactly 29 characters. */
#define HTTP_DATE_LEN 29
void http_date(int64_t unix_s, char out[HTTP_DATE_LEN]);

#endif

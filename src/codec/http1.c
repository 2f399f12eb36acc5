/* http1.c: a request head in one pass.
 *
 * Every byte is looked at once, values and targets eight at a time, names through one table: about
 * a third of a microsecond for what a browser sends. A head that is not all there is parsed again
 * when its next line has ended, not at every byte: a request that must be refused is refused at the
 * line that shows it, and no state is kept. What is read here decides where the request ends, so
 * nothing is repaired and nothing is guessed. */
#include "codec/http1.h"

#include "base/check.h"
#include "codec/http1_priv.h"
#include "codec/word.h"

/* A cursor over the part of the head that has arrived. Functions that take something move p behind
 * it; OK, ERR_AGAIN (it is not all there yet) or, with *status set, ERR_SYNTAX or ERR_LIMIT. */
struct head_parser {
	const char *p, *end;
	const struct http_limits *lim;
	struct http_request *out;
	unsigned *status;
	bool has_length, has_close, has_keep_alive;
};

const bool HTTP_IS_TCHAR[256] = {
	['!'] = true,	      ['#' ... '\''] = true, ['*'] = true,	   ['+'] = true,
	['-'] = true,	      ['.'] = true,	     ['0' ... '9'] = true, ['A' ... 'Z'] = true,
	['^' ... 'z'] = true, ['|'] = true,	     ['~'] = true,
};

/* RFC 3986, percent signs unread; with the brackets of IPv6. */
static const bool IS_AUTHORITY_CHAR[256] = {
	['!'] = true, ['$' ... '.'] = true, ['0' ... ';'] = true,
	['='] = true, ['@' ... '['] = true, [']'] = true,
	['_'] = true, ['a' ... 'z'] = true, ['~'] = true,
};

static err refuse(struct head_parser *h, unsigned status)
{
	*h->status = status;
	return status == 400 ? ERR_SYNTAX : ERR_LIMIT;
}

static const char *skip_tchars(const char *p, const char *end)
{
	while (p < end && HTTP_IS_TCHAR[(uint8_t)*p])
		p++;
	return p;
}

/* To the first byte that is below lowest or DEL. */
static const char *skip_above(const char *p, const char *end, uint8_t lowest)
{
	while (end - p >= 8) {
		uint64_t w = word_load(p);
		uint64_t stop = word_below(w, lowest) | word_equal(w, 0x7f);

		if (stop)
			return p + word_first(stop);
		p += 8;
	}
	while (p < end && (uint8_t)*p >= lowest && *p != 0x7f)
		p++;
	return p;
}

/* RFC 9110: visible ASCII, blank, tab and everything above ASCII. */
static const char *skip_field_chars(const char *p, const char *end)
{
	p = skip_above(p, end, 0x20);
	while (p < end && *p == '\t')
		p = skip_above(p + 1, end, 0x20);
	return p;
}

static bool is_target_char(char c)
{
	return (uint8_t)c > 0x20 && (uint8_t)c < 0x7f && c != '#';
}

/* Visible ASCII without the mark of a fragment, which a browser keeps to itself. */
static const char *skip_target_chars(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t w = word_load(p);
		uint64_t stop = word_below(w, 0x21) | word_equal(w, 0x7f) | word_equal(w, '#') |
				word_above_ascii(w);

		if (stop)
			return p + word_first(stop);
		p += 8;
	}
	while (p < end && is_target_char(*p))
		p++;
	return p;
}

static err take_char(struct head_parser *h, char c)
{
	if (h->p == h->end)
		return ERR_AGAIN;
	if (*h->p != c)
		return refuse(h, 400);
	h->p++;
	return OK;
}

static err take_crlf(struct head_parser *h)
{
	err e = take_char(h, '\r');

	return e == OK ? take_char(h, '\n') : e;
}

/* Request line */

static enum http_method method_of(str s)
{
	static const struct {
		str text;
		enum http_method method;
	} table[] = {
		{ { "GET", 3 }, HTTP_GET },	  { { "POST", 4 }, HTTP_POST },
		{ { "HEAD", 4 }, HTTP_HEAD },	  { { "OPTIONS", 7 }, HTTP_OPTIONS },
		{ { "DELETE", 6 }, HTTP_DELETE }, { { "PUT", 3 }, HTTP_PUT },
		{ { "PATCH", 5 }, HTTP_PATCH },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (str_eq(s, table[i].text))
			return table[i].method;
	}
	return HTTP_OTHER;
}

static err take_method(struct head_parser *h)
{
	const char *start = h->p;

	h->p = skip_tchars(h->p, h->end);
	h->out->method_text = (str){ start, (size_t)(h->p - start) };
	h->out->method = method_of(h->out->method_text);
	if (h->p == start && h->p < h->end)
		return refuse(h, 400);
	return take_char(h, ' ');
}

/* http://authority/path becomes /path. False if it is not such a target. */
static bool cut_authority(str *target)
{
	size_t scheme_len = str_find_char(*target, ':');
	str scheme = str_take(*target, scheme_len);
	str rest = str_skip(*target, scheme_len);
	size_t n = 0;

	if (!str_eq_nocase(scheme, S("http")) && !str_eq_nocase(scheme, S("https")))
		return false;
	if (!str_has_prefix(rest, S("://")))
		return false;
	rest = str_skip(rest, 3);
	while (n < rest.n && IS_AUTHORITY_CHAR[(uint8_t)rest.p[n]])
		n++;
	*target = str_skip(rest, n);
	return n > 0 && (n == rest.n || rest.p[n] == '/' || rest.p[n] == '?');
}

static err split_target(struct head_parser *h, str target)
{
	struct http_request *r = h->out;
	bool is_server_wide = r->method == HTTP_OPTIONS && str_eq(target, S("*"));
	str path;

	if (!is_server_wide && !str_has_prefix(target, S("/")) && !cut_authority(&target))
		return refuse(h, 400);
	path = str_take(target, str_find_char(target, '?'));
	r->has_query = path.n < target.n;
	r->query = str_skip(target, path.n + 1);
	if (path.n == 0)
		path = S("/");
	else if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	r->path = path;
	return OK;
}

static err take_target(struct head_parser *h)
{
	const char *start = h->p;
	str target;

	h->p = skip_target_chars(h->p, h->end);
	target = (str){ start, (size_t)(h->p - start) };
	if (target.n > h->lim->target_bytes_max)
		return refuse(h, 414);
	if (h->p == h->end)
		return ERR_AGAIN;
	if (*h->p++ != ' ')
		return refuse(h, 400);
	return split_target(h, target);
}

static err take_version(struct head_parser *h)
{
	str prefix = S("HTTP/1.");
	size_t n_left = (size_t)(h->end - h->p);

	/* What is there must fit even if it is not all there: "GET / X" ends here, not at a
	 * deadline. */
	if (memcmp(h->p, prefix.p, n_left < prefix.n ? n_left : prefix.n) != 0)
		return refuse(h, 400);
	if (n_left <= prefix.n)
		return ERR_AGAIN;
	h->p += prefix.n;
	if (*h->p != '0' && *h->p != '1')
		return refuse(h, 400);
	h->out->minor = *h->p++ == '1';
	return OK;
}

static err take_request_line(struct head_parser *h)
{
	err e = OK;

	while (e == OK && h->p < h->end && (*h->p == '\r' || *h->p == '\n'))
		e = take_crlf(h);
	if (e == OK)
		e = take_method(h);
	if (e == OK)
		e = take_target(h);
	if (e == OK)
		e = take_version(h);
	if (e == OK)
		e = take_crlf(h);
	return e;
}

/* Headers */

static err take_header(struct head_parser *h, struct http_header *out)
{
	const char *start = h->p;
	const char *colon = skip_tchars(start, h->end);
	err e;

	out->name = (str){ start, (size_t)(colon - start) };
	h->p = colon;
	if (colon == start && colon < h->end)
		return refuse(h, 400);
	e = take_char(h, ':');
	if (e != OK)
		return e;
	start = h->p;
	h->p = skip_field_chars(h->p, h->end);
	out->value = str_trim((str){ start, (size_t)(h->p - start) });
	return take_crlf(h);
}

/* A tab may lie around a value, but not every reader strips it. */
static bool has_tab_around(const struct head_parser *h, const struct http_header *header)
{
	const char *start = header->name.p + header->name.n;

	return memchr(start, '\t', (size_t)(h->p - start));
}

/* Any body length that two readers could understand in two ways is refused. */
static err note_content_length(struct head_parser *h, const struct http_header *header)
{
	uint64_t *n = &h->out->content_length;

	if (h->has_length || has_tab_around(h, header) || !str_to_u64(header->value, INT64_MAX, n))
		return refuse(h, 400);
	h->has_length = true;
	return OK;
}

static err note_transfer_encoding(struct head_parser *h, const struct http_header *header)
{
	if (h->out->is_chunked || h->out->minor == 0 || has_tab_around(h, header) ||
	    !str_eq_nocase(header->value, S("chunked")))
		return refuse(h, 400);
	h->out->is_chunked = true;
	return OK;
}

static bool list_has_token(str list, str token)
{
	while (list.n > 0) {
		if (str_eq_nocase(str_trim(str_split(&list, ',')), token))
			return true;
	}
	return false;
}

static void note_connection(struct head_parser *h, str value)
{
	h->has_close |= list_has_token(value, S("close"));
	h->has_keep_alive |= list_has_token(value, S("keep-alive"));
}

/* Lengths first: most headers are none of these. */
static err note_header(struct head_parser *h, const struct http_header *header)
{
	struct http_request *r = h->out;
	str name = header->name;

	if (name.n == 14 && str_eq_nocase(name, S("content-length")))
		return note_content_length(h, header);
	if (name.n == 17 && str_eq_nocase(name, S("transfer-encoding")))
		return note_transfer_encoding(h, header);
	if (name.n == 10 && str_eq_nocase(name, S("connection")))
		note_connection(h, header->value);
	if (name.n == 6 && str_eq_nocase(name, S("expect")) && r->minor == 1)
		r->expects_continue |= str_eq_nocase(header->value, S("100-continue"));
	return OK;
}

static err take_headers(struct head_parser *h)
{
	struct http_request *r = h->out;

	while (h->p < h->end && *h->p != '\r') {
		struct http_header *header = &r->headers[r->n_headers];
		err e;

		if (r->n_headers >= h->lim->n_headers_max || r->n_headers >= HTTP_HEADERS_MAX)
			return refuse(h, 431);
		e = take_header(h, header);
		if (e == OK)
			e = note_header(h, header);
		if (e != OK)
			return e;
		r->n_headers++;
	}
	return take_crlf(h);
}

static err take_head(struct head_parser *h, bool *in_request_line)
{
	struct http_request *r = h->out;
	err e = take_request_line(h);

	*in_request_line = e != OK;
	if (e == OK)
		e = take_headers(h);
	if (e != OK)
		return e;
	if (r->is_chunked && h->has_length)
		return refuse(h, 400);
	r->keep_alive = !h->has_close && (r->minor == 1 || h->has_keep_alive);
	return OK;
}

static void request_clear(struct http_request *r)
{
	r->n_headers = 0;
	r->is_chunked = r->expects_continue = false;
	r->content_length = 0;
}

/* Since the last call nothing can have been decided unless a line was ended. */
static bool is_worth_parsing(str bytes, const struct http_limits *lim, size_t scanned)
{
	if (scanned == 0 || bytes.n >= lim->head_bytes_max)
		return bytes.n > 0;
	return str_find_char(str_skip(bytes, scanned), '\n') < bytes.n - scanned;
}

static err parse(str bytes, const struct http_limits *lim, struct http_request *out,
		 unsigned *status)
{
	struct head_parser h = {
		.p = bytes.p,
		.end = bytes.p + (bytes.n < lim->head_bytes_max ? bytes.n : lim->head_bytes_max),
		.lim = lim,
		.out = out,
		.status = status,
	};
	bool in_request_line;
	err e;

	request_clear(out);
	e = take_head(&h, &in_request_line);
	if (e == ERR_AGAIN && bytes.n >= lim->head_bytes_max)
		e = refuse(&h, in_request_line ? 414 : 431);
	out->head_bytes = (size_t)(h.p - bytes.p);
	return e;
}

err http_head_parse(str bytes, const struct http_limits *lim, size_t *scanned,
		    struct http_request *out, unsigned *status)
{
	err e = ERR_AGAIN;

	if (is_worth_parsing(bytes, lim, *scanned))
		e = parse(bytes, lim, out, status);
	*scanned = e == ERR_AGAIN ? bytes.n : 0;
	return e;
}

const struct http_header *http_header_find(const struct http_request *r, str name)
{
	for (uint32_t i = 0; i < r->n_headers; i++) {
		if (r->headers[i].name.n == name.n && str_eq_nocase(r->headers[i].name, name))
			return &r->headers[i];
	}
	return NULL;
}

bool http_header_has_token(const struct http_request *r, str name, str token)
{
	for (uint32_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (h->name.n == name.n && str_eq_nocase(h->name, name) &&
		    list_has_token(h->value, token))
			return true;
	}
	return false;
}

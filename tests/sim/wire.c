#include "wire.h"

void wire_put_frame(struct buf *b, unsigned first_byte, str payload, uint32_t mask)
{
	uint8_t key[4] = { (uint8_t)(mask >> 24), (uint8_t)(mask >> 16), (uint8_t)(mask >> 8),
			   (uint8_t)mask };

	buf_putc(b, (char)first_byte);
	if (payload.n < 126) {
		buf_putc(b, (char)(0x80 | payload.n));
	} else if (payload.n < 65536) {
		buf_putc(b, (char)(0x80 | 126));
		buf_putc(b, (char)(payload.n >> 8));
		buf_putc(b, (char)payload.n);
	} else {
		buf_putc(b, (char)(0x80 | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_putc(b, (char)((uint64_t)payload.n >> shift));
	}
	buf_put(b, key, sizeof(key));
	for (size_t i = 0; i < payload.n; i++)
		buf_putc(b, (char)(payload.p[i] ^ key[i % 4]));
}

void wire_put_close(struct buf *b, unsigned code, uint32_t mask)
{
	char bytes[2] = { (char)(code >> 8), (char)code };

	wire_put_frame(b, WIRE_FIN | WIRE_CLOSE, (str){ bytes, code ? 2 : 0 }, mask);
}

static bool is_sent_by_servers(unsigned first_byte, uint64_t payload_bytes)
{
	if ((first_byte & ~(unsigned)WIRE_PACKED) == (WIRE_FIN | WIRE_TEXT))
		return true;
	return (first_byte == (WIRE_FIN | WIRE_CLOSE) || first_byte == (WIRE_FIN | WIRE_PING) ||
		first_byte == (WIRE_FIN | WIRE_PONG)) &&
	       payload_bytes < 126;
}

err wire_take_frame(str *in, struct wire_frame *out)
{
	const uint8_t *p = (const uint8_t *)in->p;
	size_t header = 2;
	uint64_t n;

	if (in->n < header)
		return ERR_AGAIN;
	n = p[1];
	if (n == 126)
		header = 4;
	else if (n == 127)
		header = 10;
	if (in->n < header)
		return ERR_AGAIN;
	if (header > 2)
		n = 0;
	for (size_t i = 2; i < header; i++)
		n = n << 8 | p[i];
	/* Masked, fragmented, of a wrong kind, or with its length in more bytes than it takes. */
	if (p[1] & 0x80 || !is_sent_by_servers(p[0], n) || (header == 4 && n < 126) ||
	    (header == 10 && n < 65536))
		return ERR_SYNTAX;
	if (in->n - header < n)
		return ERR_AGAIN;
	out->opcode = (enum wire_opcode)(p[0] & 0x0f);
	out->is_packed = p[0] & WIRE_PACKED;
	out->payload = (str){ in->p + header, (size_t)n };
	*in = str_skip(*in, header + (size_t)n);
	return OK;
}

unsigned wire_close_code(str payload)
{
	const uint8_t *p = (const uint8_t *)payload.p;

	return payload.n < 2 ? 0 : (unsigned)p[0] << 8 | p[1];
}

/* HTTP */

static size_t find_head_end(str in)
{
	const char *hit = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;

	return hit ? (size_t)(hit - in.p) + 4 : 0;
}

str wire_header(str head, str name)
{
	str line;

	while ((line = str_split(&head, '\n')).n > 0 || head.n > 0) {
		size_t colon = str_find_char(line, ':');

		if (colon < line.n && str_eq_nocase(str_take(line, colon), name)) {
			str value = str_skip(line, colon + 1);

			if (value.n && value.p[value.n - 1] == '\r')
				value.n--;
			return str_trim(value);
		}
	}
	return (str){ 0 };
}

err wire_take_answer(str *in, bool is_bare, struct wire_answer *out)
{
	size_t head_n = find_head_end(*in);
	uint64_t status, length = 0;
	str head = str_take(*in, head_n), text;

	if (head_n == 0)
		return ERR_AGAIN;
	if (!str_has_prefix(head, S("HTTP/1.1 ")) ||
	    !str_to_u64(str_take(str_skip(head, 9), 3), 999, &status))
		return ERR_SYNTAX;
	text = wire_header(head, S("content-length"));
	if (text.n ? !str_to_u64(text, UINT32_MAX, &length) : status >= 200)
		return ERR_SYNTAX;
	if (is_bare || status < 200)
		length = 0;
	if (in->n - head_n < length)
		return ERR_AGAIN;
	*out = (struct wire_answer){
		.status = (unsigned)status,
		.head = head,
		.body = { in->p + head_n, (size_t)length },
		.closes = str_eq_nocase(wire_header(head, S("connection")), S("close")),
	};
	*in = str_skip(*in, head_n + (size_t)length);
	return OK;
}

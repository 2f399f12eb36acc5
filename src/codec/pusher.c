/* pusher.c: client messages in, frames out.
 *
 * A frame is put together from pieces once all of them are known, so that it is one allocation of
 * the right size and the WebSocket header can stand in front. What of a message is not needed here
 * (tags, serial, …) is not looked at. */
#include "codec/pusher.h"

#include "base/check.h"
#include "codec/websocket.h"
#include "codec/word.h"

#include <stdio.h>

#define DECODE_FAILED "Invalid message format: Decode failed: JSON deserialization failed: "

/* In */

static err refuse(str text, const char *what, size_t offset, struct arena *a, str *problem)
{
	unsigned line, column;
	char buf[256];
	int n;

	json_position(text, offset, &line, &column);
	n = snprintf(buf, sizeof(buf), DECODE_FAILED "%s at line %u column %u", what, line, column);
	*problem = arena_copy(a, str_take((str){ buf, (size_t)n }, sizeof(buf) - 1));
	return ERR_SYNTAX;
}

static err refuse_kind(str text, struct json v, const char *wanted, struct arena *a, str *problem)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",		[JSON_FALSE] = "boolean `false`",
		[JSON_TRUE] = "boolean `true`", [JSON_NUMBER] = "number",
		[JSON_STRING] = "string",	[JSON_ARRAY] = "array",
		[JSON_OBJECT] = "object",
	};
	char what[64];

	snprintf(what, sizeof(what), "invalid type: %s, expected %s", names[v.kind], wanted);
	return refuse(text, what, (size_t)(v.raw.p - text.p), a, problem);
}

struct members {
	struct json event, channel, data; /* raw.p == NULL: absent */
};

static struct members find_members(struct json object)
{
	struct json_iter it = json_enter(object);
	struct members found = { 0 };
	struct json_member m;

	while (json_next_member(&it, &m)) {
		if (json_string_is(m.key, S("event")))
			found.event = m.value;
		else if (json_string_is(m.key, S("channel")))
			found.channel = m.value;
		else if (json_string_is(m.key, S("data")))
			found.data = m.value;
	}
	return found;
}

err pusher_parse(str text, struct arena *a, struct pusher_message *out, str *problem)
{
	struct json_error error;
	struct members found;
	struct json top;
	err e = json_parse(text, PUSHER_DEPTH_MAX, &top, &error);

	if (e != OK) {
		refuse(text, error.text, error.offset, a, problem);
		return e;
	}
	if (top.kind != JSON_OBJECT)
		return refuse_kind(text, top, "an object", a, problem);
	found = find_members(top);
	if (!found.event.raw.p || found.event.kind == JSON_NULL) {
		*problem = S("Invalid event name: Event name is required");
		return ERR_SYNTAX;
	}
	if (found.event.kind != JSON_STRING)
		return refuse_kind(text, found.event, "a string", a, problem);
	*out = (struct pusher_message){
		.event = json_decode(found.event, a),
		.has_channel = found.channel.raw.p && found.channel.kind == JSON_STRING,
		.has_data = found.data.raw.p != NULL,
		.data = found.data,
	};
	if (out->has_channel)
		out->channel = json_decode(found.channel, a);
	return OK;
}

/* Out */

#define PIECES_MAX 10
#define ESCAPED_MAX 3

/* The text of a frame as pieces that are joined at the end, when the length is known. Text that
 * needs no escaping, which is nearly all, is a piece as it is. */
struct frame {
	str pieces[PIECES_MAX];
	size_t n_pieces;
	struct buf escaped[ESCAPED_MAX];
	size_t n_escaped;
	bool is_short_of_memory;
};

static void frame_begin(struct frame *f)
{
	f->n_pieces = f->n_escaped = 0;
	f->is_short_of_memory = false;
}

static void add(struct frame *f, str wire)
{
	ASSERT(f->n_pieces < PIECES_MAX);
	f->pieces[f->n_pieces++] = wire;
}

static bool needs_escape(str s)
{
	const char *p = s.p, *end = s.p + s.n;

	for (; end - p >= 8; p += 8) {
		uint64_t w = word_load(p);

		if (word_below(w, 0x20) | word_equal(w, '"') | word_equal(w, '\\'))
			return true;
	}
	for (; p < end; p++) {
		if ((uint8_t)*p < 0x20 || *p == '"' || *p == '\\')
			return true;
	}
	return false;
}

static void add_text(struct frame *f, str text)
{
	struct buf *b = &f->escaped[f->n_escaped];

	if (text.n == 0 || !needs_escape(text)) {
		add(f, text);
		return;
	}
	ASSERT(f->n_escaped < ESCAPED_MAX);
	f->n_escaped++;
	buf_init(b, 6 * text.n);
	jw_escape(b, text);
	f->is_short_of_memory |= !buf_ok(b);
	add(f, buf_str(b));
}

static struct msg *frame_end(struct frame *f)
{
	struct msg *m = NULL;

	if (!f->is_short_of_memory)
		m = ws_frame_join(WS_TEXT, f->pieces, f->n_pieces);
	for (size_t i = 0; i < f->n_escaped; i++)
		buf_fini(&f->escaped[i]);
	return m;
}

static void add_head(struct frame *f, str event, str channel)
{
	add(f, S("{\"event\":\""));
	add_text(f, event);
	if (channel.p) {
		add(f, S("\",\"channel\":\""));
		add_text(f, channel);
	}
	add(f, S("\",\"data\":"));
}

struct msg *pusher_event_new(str event, str channel, str data_wire, str user_id)
{
	struct frame f;

	frame_begin(&f);
	add_head(&f, event, channel);
	add(&f, data_wire);
	if (user_id.p) {
		add(&f, S(",\"user_id\":\""));
		add_text(&f, user_id);
		add(&f, S("\"}"));
	} else {
		add(&f, S("}"));
	}
	return frame_end(&f);
}

struct msg *pusher_text_event_new(str event, str channel, str data_text)
{
	struct frame f;

	frame_begin(&f);
	add_head(&f, event, channel);
	add(&f, S("\""));
	add_text(&f, data_text);
	add(&f, S("\"}"));
	return frame_end(&f);
}

static str decimal(char out[16], unsigned value)
{
	return (str){ out, (size_t)snprintf(out, 16, "%u", value) };
}

struct msg *pusher_error_new(unsigned code, str message)
{
	char digits[16];
	struct frame f;

	frame_begin(&f);
	add(&f, S("{\"event\":\"pusher:error\",\"data\":{\"code\":"));
	add(&f, decimal(digits, code));
	add(&f, S(",\"message\":\""));
	add_text(&f, message);
	add(&f, S("\"}}"));
	return frame_end(&f);
}

struct msg *pusher_established_new(str socket_id, uint32_t activity_timeout_s)
{
	char digits[16];
	const str pieces[] = {
		S("{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":"
		  "\\\""),
		socket_id, /* digits and a dot */
		S("\\\",\\\"activity_timeout\\\":"),
		decimal(digits, activity_timeout_s),
		S("}\"}"),
	};

	return ws_frame_join(WS_TEXT, pieces, ARRAY_LEN(pieces));
}

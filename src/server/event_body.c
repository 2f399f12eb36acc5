/* event_body.c: first the shape of everything (422), then the rules event by event (400, 413),
 * as a reader that deserialises whole bodies would find them; of several mistakes the first one
 * is told. A member that occurs twice counts as it was last. The memory of a batch grows with
 * its good events only, which are longer in the body than in here times a small factor; what
 * cannot become a record is counted, not kept. */
#include "server/event_body.h"

#include "base/check.h"
#include "core/namespace.h"
#include "server/channel_info.h"

#define DEPTH_MAX 128
/* A record is one piece of memory with a 32-bit length. */
#define RECORD_BYTES_MAX ((size_t)1 << 30)

/* Refusals */

static err refuse(struct event_refusal *why, unsigned status, const char *code, str text)
{
	*why = (struct event_refusal){ status, code, text };
	return status == 413 ? ERR_LIMIT : ERR_SYNTAX;
}

static err refuse_memory(struct event_refusal *why)
{
	*why = (struct event_refusal){ .status = 503 };
	return ERR_MEMORY;
}

/* What was written to b becomes the text; frees b. */
static err refuse_with(struct event_refusal *why, unsigned status, const char *code, struct buf *b,
		       struct arena *a)
{
	err e = buf_ok(b) ? refuse(why, status, code, arena_copy(a, buf_str(b))) :
			    refuse_memory(why);

	buf_fini(b);
	return e;
}

static void text_init(struct buf *b, str start)
{
	buf_init(b, SIZE_MAX / 2);
	buf_puts(b, start);
}

static err refuse_number(struct event_refusal *why, str start, uint64_t n, uint64_t max,
			 struct arena *a)
{
	struct buf b;

	text_init(&b, start);
	buf_putu(&b, n);
	buf_puts(&b, S(") exceeds limit ("));
	buf_putu(&b, max);
	buf_putc(&b, ')');
	return refuse_with(why, 400, "limit_exceeded", &b, a);
}

/* Shape */

enum shape { ANYTHING, A_BOOLEAN, A_STRING, STRINGS, A_MAP_OF_STRINGS, AN_OBJECT };

static const char *const SHAPE_TEXTS[] = {
	[A_BOOLEAN] = "expected a boolean",
	[A_STRING] = "expected a string",
	[STRINGS] = "expected a sequence of strings",
	[A_MAP_OF_STRINGS] = "expected a map of strings",
	[AN_OBJECT] = "expected an object",
};

/* An absent member is a null one: zeroed. */
struct members {
	struct json name, data, channel, channels, socket_id, info, idempotency_key;
	struct json later; /* of features to come */
};

static const struct member {
	str name;
	enum shape shape;
	size_t offset;
} MEMBERS[] = {
#define MEMBER(name, shape, field)                                                                 \
	{                                                                                          \
		{ #name, sizeof(#name) - 1 }, shape, offsetof(struct members, field)               \
	}
	MEMBER(name, A_STRING, name),
	MEMBER(channels, STRINGS, channels),
	MEMBER(channel, A_STRING, channel),
	MEMBER(data, ANYTHING, data),
	MEMBER(socket_id, A_STRING, socket_id),
	MEMBER(info, A_STRING, info),
	MEMBER(tags, A_MAP_OF_STRINGS, later),
	MEMBER(delta, A_BOOLEAN, later),
	MEMBER(idempotency_key, A_STRING, idempotency_key),
	MEMBER(message_id, A_STRING, later),
	MEMBER(extras, AN_OBJECT, later),
#undef MEMBER
};

static bool are_all_strings(struct json v)
{
	struct json_iter it = json_enter(v);
	struct json item;
	struct json_member m;

	if (v.kind == JSON_ARRAY) {
		while (json_next_item(&it, &item)) {
			if (item.kind != JSON_STRING)
				return false;
		}
	} else {
		while (json_next_member(&it, &m)) {
			if (m.value.kind != JSON_STRING)
				return false;
		}
	}
	return true;
}

static bool has_shape(struct json v, enum shape shape)
{
	if (v.kind == JSON_NULL)
		return true;
	switch (shape) {
	case ANYTHING:
		return true;
	case A_BOOLEAN:
		return v.kind == JSON_TRUE || v.kind == JSON_FALSE;
	case A_STRING:
		return v.kind == JSON_STRING;
	case STRINGS:
		return v.kind == JSON_ARRAY && are_all_strings(v);
	case A_MAP_OF_STRINGS:
		return v.kind == JSON_OBJECT && are_all_strings(v);
	case AN_OBJECT:
		return v.kind == JSON_OBJECT;
	}
	NEVER("unknown shape");
}

static const struct member *member_find(struct json key)
{
	for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
		if (json_string_is(key, MEMBERS[i].name))
			return &MEMBERS[i];
	}
	return NULL;
}

/* A body, one event of it or everything in it. */
struct reader {
	const struct app *app;
	str header_key;
	struct arena *arena;
	struct event_refusal *why;
	struct event_body *out;
	bool is_batch;
	size_t n_events; /* seen */
};

static err refuse_shape(struct reader *r, str member, const char *problem)
{
	struct buf b;

	text_init(&b, S("Failed to deserialize the JSON body into the target type: "));
	if (r->is_batch && r->n_events > 0) {
		buf_puts(&b, S("batch["));
		buf_putu(&b, r->n_events - 1);
		buf_puts(&b, member.n ? S("].") : S("]: "));
	}
	buf_puts(&b, member);
	buf_puts(&b, member.n ? S(": ") : (str){ 0 });
	buf_puts(&b, str_from_cstr(problem));
	return refuse_with(r->why, 422, NULL, &b, r->arena);
}

static err read_members(struct reader *r, struct json v, struct members *out)
{
	struct json_iter it;
	struct json_member m;

	*out = (struct members){ 0 };
	if (v.kind != JSON_OBJECT)
		return refuse_shape(r, (str){ 0 }, SHAPE_TEXTS[AN_OBJECT]);
	it = json_enter(v);
	while (json_next_member(&it, &m)) {
		const struct member *known = member_find(m.key);

		if (!known)
			continue;
		if (!has_shape(m.value, known->shape))
			return refuse_shape(r, known->name, SHAPE_TEXTS[known->shape]);
		*(struct json *)((char *)out + known->offset) = m.value;
	}
	return OK;
}

/* Rules */

/* key with p NULL: none was given. */
static err take_key(struct reader *r, str key, str *out)
{
	uint32_t max = r->app->idempotency_key_bytes_max;
	struct buf b;

	if (!key.p || r->app->idempotency_ttl_s == 0)
		return OK;
	if (key.n == 0)
		return refuse(r->why, 400, "invalid_input", S("Idempotency key must not be empty"));
	*out = key;
	if (key.n <= max)
		return OK;
	text_init(&b, S("Idempotency key exceeds maximum length of "));
	buf_putu(&b, max);
	buf_puts(&b, S(" characters"));
	return refuse_with(r->why, 400, "invalid_input", &b, r->arena);
}

static str own_key(const struct reader *r, const struct members *m)
{
	if (m->idempotency_key.kind == JSON_STRING)
		return json_decode(m->idempotency_key, r->arena);
	return r->is_batch ? (str){ 0 } : r->header_key;
}

static err take_name(struct reader *r, struct json name, struct event *e)
{
	uint32_t max = r->app->limits.max_event_name_length;
	struct buf b;

	if (name.kind == JSON_NULL)
		return refuse(r->why, 400, "invalid_input", S("Event name is required"));
	e->name = json_decode(name, r->arena);
	if (e->name.n <= max)
		return OK;
	text_init(&b, S("Event name '"));
	buf_puts(&b, e->name);
	buf_puts(&b, S("' exceeds maximum length of "));
	buf_putu(&b, max);
	return refuse_with(r->why, 400, "limit_exceeded", &b, r->arena);
}

static err check_size(struct reader *r, const struct event *e, size_t n)
{
	uint32_t max_kb = r->app->limits.max_event_payload_in_kb;
	struct buf b;

	if (max_kb == NO_LIMIT || n <= (uint64_t)max_kb * 1024)
		return OK;
	text_init(&b, S("Event payload size ("));
	buf_putu(&b, n);
	buf_puts(&b, S(" bytes) for event '"));
	buf_puts(&b, e->name);
	buf_puts(&b, S("' exceeds limit ("));
	buf_putu(&b, max_kb);
	buf_puts(&b, S("KB)"));
	return refuse_with(r->why, 413, "payload_too_large", &b, r->arena);
}

/* A string goes out as it was written. What it decodes to is never longer, and only measured if
 * that decides. */
static err take_string_data(struct reader *r, struct json data, struct event *e)
{
	size_t n = data.raw.n - 2;

	e->data = data.raw;
	if (data.has_escapes && n > (uint64_t)r->app->limits.max_event_payload_in_kb * 1024)
		n = json_decode(data, r->arena).n;
	return check_size(r, e, n);
}

/* Anything else goes out as a string that holds its compact text; in that only quotes and
 * backslashes need escaping. */
static err take_other_data(struct reader *r, struct json data, struct event *e)
{
	struct buf compact, text;
	err result;

	buf_init(&compact, data.raw.n);
	jw_compact(&compact, data);
	buf_init(&text, 2 * compact.len + 2);
	jw_string(&text, buf_str(&compact));
	if (buf_ok(&compact) && buf_ok(&text)) {
		e->data = arena_copy(r->arena, buf_str(&text));
		result = check_size(r, e, compact.len);
	} else {
		result = refuse_memory(r->why);
	}
	buf_fini(&compact);
	buf_fini(&text);
	return result;
}

static err take_data(struct reader *r, struct json data, struct event *e)
{
	switch (data.kind) {
	case JSON_STRING:
		return take_string_data(r, data, e);
	case JSON_NULL:
		e->data = S("\"null\"");
		return check_size(r, e, 4);
	default:
		return take_other_data(r, data, e);
	}
}

static err check_channel(struct reader *r, str name)
{
	str problem;

	if (namespace_check(r->app, name, r->arena, &problem))
		return OK;
	return refuse(r->why, 400, "invalid_input", problem);
}

/* The names of a string or of an array of strings, one after the other. */
struct names {
	struct json value;
	struct json_iter it;
	bool is_done;
};

static struct names names_begin(struct json value)
{
	struct names n = { .value = value };

	if (value.kind == JSON_ARRAY)
		n.it = json_enter(value);
	return n;
}

static bool names_next(struct names *n, struct arena *a, str *out)
{
	struct json item = n->value;

	if (n->is_done)
		return false;
	if (n->value.kind == JSON_ARRAY && !json_next_item(&n->it, &item))
		return false;
	n->is_done = n->value.kind != JSON_ARRAY;
	*out = json_decode(item, a);
	return true;
}

static size_t count_items(struct json array)
{
	struct json_iter it = json_enter(array);
	struct json item;
	size_t n = 0;

	while (json_next_item(&it, &item))
		n++;
	return n;
}

/* "channels" counts if it is there, however empty. */
static err choose_channels(struct reader *r, const struct members *m, struct event *e)
{
	uint32_t max = r->app->limits.max_event_channels_at_once;
	size_t n = 1;

	e->channels = m->channels.kind == JSON_ARRAY ? m->channels : m->channel;
	if (e->channels.kind == JSON_ARRAY)
		n = count_items(e->channels);
	if (e->channels.kind == JSON_NULL || n == 0)
		return refuse(r->why, 400, "missing_channel_info",
			      S("Request must contain 'channels' (list) or 'channel' (string)"));
	if (max != NO_LIMIT && n > max)
		return refuse_number(r->why, S("Number of channels ("), n, max, r->arena);
	e->n_channels = (uint32_t)n;
	return OK;
}

/* Sets e->bytes. */
static err take_channels(struct reader *r, const struct members *m, struct event *e)
{
	uint64_t bytes = offsetof(struct published_event, text) + e->name.n + e->data.n + e->key.n;
	err result = choose_channels(r, m, e);
	struct names names;
	str name;

	if (result != OK)
		return result;
	names = names_begin(e->channels);
	while (names_next(&names, r->arena, &name)) {
		result = check_channel(r, name);
		if (result != OK)
			return result;
		bytes += sizeof(uint16_t) + name.n;
	}
	bytes = mail_padded(bytes);
	if (bytes > RECORD_BYTES_MAX)
		return refuse_memory(r->why);
	e->bytes = (uint32_t)bytes;
	return OK;
}

static err take_event(struct reader *r, const struct members *m, struct event *e)
{
	err result = take_key(r, own_key(r, m), &e->key);

	if (result == OK)
		result = take_name(r, m->name, e);
	if (result == OK)
		result = take_data(r, m->data, e);
	if (result == OK)
		result = take_channels(r, m, e);
	if (result != OK)
		return result;
	e->exclude = SOCKET_ID_NONE;
	if (m->socket_id.kind == JSON_STRING)
		socket_id_parse(json_decode(m->socket_id, r->arena), &e->exclude);
	e->has_info = m->info.kind == JSON_STRING;
	if (e->has_info)
		e->info = channel_info_parse(json_decode(m->info, r->arena));
	return OK;
}

/* Bodies */

static err append(struct reader *r, const struct members *m, struct event ***end)
{
	struct event *e = arena_alloc(r->arena, sizeof(*e));
	err result;

	*e = (struct event){ 0 };
	result = take_event(r, m, e);
	if (result != OK)
		return result;
	r->out->bytes += e->bytes;
	if (r->out->bytes > RECORD_BYTES_MAX)
		return refuse_memory(r->why);
	r->out->n_events++;
	**end = e;
	*end = &e->next;
	return OK;
}

static err read_single(struct reader *r, struct json body)
{
	struct event **end = &r->out->first;
	struct members m;
	err result = read_members(r, body, &m);

	return result == OK ? append(r, &m, &end) : result;
}

/* The shape of every event is looked at, whatever rule was broken before. */
static err read_items(struct reader *r, struct json batch)
{
	uint32_t max = r->app->limits.max_event_batch_size;
	struct event **end = &r->out->first;
	struct json_iter it = json_enter(batch);
	struct json item;
	struct members m;
	err result = OK;

	while (json_next_item(&it, &item)) {
		err shape;

		r->n_events++;
		shape = read_members(r, item, &m);
		if (shape != OK)
			return shape;
		if (result == OK && r->n_events <= max)
			result = append(r, &m, &end);
	}
	if (max != NO_LIMIT && r->n_events > max)
		return refuse_number(r->why, S("Batch size ("), r->n_events, max, r->arena);
	return result;
}

static err read_batch(struct reader *r, struct json body)
{
	struct json batch = { 0 };
	struct json_iter it;
	struct json_member m;

	if (body.kind != JSON_OBJECT)
		return refuse_shape(r, (str){ 0 }, SHAPE_TEXTS[AN_OBJECT]);
	it = json_enter(body);
	while (json_next_member(&it, &m)) {
		if (json_string_is(m.key, S("batch")))
			batch = m.value;
	}
	if (!batch.raw.n)
		return refuse_shape(r, (str){ 0 }, "missing field `batch`");
	if (batch.kind != JSON_ARRAY)
		return refuse_shape(r, S("batch"), "expected a sequence");
	return read_items(r, batch);
}

static err refuse_json(struct reader *r, str body, const struct json_error *error)
{
	unsigned line, column;
	struct buf b;

	json_position(body, error->offset, &line, &column);
	text_init(&b, S("Failed to parse the request body as JSON: "));
	buf_printf(&b, "%s at line %u column %u", error->text, line, column);
	return refuse_with(r->why, 400, NULL, &b, r->arena);
}

err event_body_parse(str body, bool is_batch, const struct app *app, str header_key,
		     struct arena *a, struct event_body *out, struct event_refusal *why)
{
	struct reader r = { .app = app,
			    .header_key = header_key,
			    .arena = a,
			    .why = why,
			    .out = out,
			    .is_batch = is_batch };
	struct json_error error;
	struct json top;

	*why = (struct event_refusal){ 0 };
	*out = (struct event_body){ .is_batch = is_batch };
	if (json_parse(body, DEPTH_MAX, &top, &error) != OK)
		return refuse_json(&r, body, &error);
	if (is_batch && take_key(&r, header_key, &out->key) != OK)
		return ERR_SYNTAX;
	out->bytes = mail_events_offset(out->key.n);
	return is_batch ? read_batch(&r, top) : read_single(&r, top);
}

/* The record */

static void write_event(const struct event *e, struct arena *a, struct published_event *out)
{
	struct names names = names_begin(e->channels);
	char *at = out->text;
	str name;

	*out = (struct published_event){
		.bytes = e->bytes,
		.info = e->info,
		.has_info = e->has_info,
		.exclude = e->exclude,
		.n_channels = e->n_channels,
		.name_len = (uint32_t)e->name.n,
		.data_len = (uint32_t)e->data.n,
		.key_len = (uint32_t)e->key.n,
	};
	at = mempcpy(at, e->name.p, e->name.n);
	at = mempcpy(at, e->data.p, e->data.n);
	if (e->key.n > 0)
		at = mempcpy(at, e->key.p, e->key.n);
	while (names_next(&names, a, &name)) {
		uint16_t len = (uint16_t)name.n;

		at = mempcpy(at, &len, sizeof(len));
		at = mempcpy(at, name.p, name.n);
	}
	ASSERT(at <= (char *)out + e->bytes);
}

void event_body_write(const struct event_body *b, struct arena *a, struct to_hub_publish *record)
{
	char *at = (char *)record + mail_events_offset(b->key.n);

	*record = (struct to_hub_publish){ .n_events = b->n_events, .is_batch = b->is_batch };
	record->key_len = (uint32_t)b->key.n;
	if (b->key.n > 0)
		memcpy(record->text, b->key.p, b->key.n);
	for (const struct event *e = b->first; e; e = e->next) {
		write_event(e, a, (struct published_event *)at);
		at += e->bytes;
	}
	ASSERT(at == (char *)record + b->bytes);
}

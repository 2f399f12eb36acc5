/* event_body: what is accepted keeps the limits and becomes a record that fits to the byte; what is
 * refused is told why. */
#include "fuzz.h"

#include "base/mem.h"
#include "core/channel_name.h"
#include "server/event_body.h"

static const struct app APP = {
	.limits = {
		.max_channel_name_length = 30,
		.max_event_channels_at_once = 4,
		.max_event_name_length = 20,
		.max_event_payload_in_kb = 1,
		.max_event_batch_size = 3,
	},
	.idempotency_ttl_s = 1,
	.idempotency_key_bytes_max = 10,
};

static bool is_legal_key(str key)
{
	return key.n <= APP.idempotency_key_bytes_max && naive_utf8_valid(key);
}

/* Answers what follows the texts. */
static const char *check_texts(const struct published_event *e)
{
	str name = { e->text, e->name_len };
	str data = { name.p + name.n, e->data_len };
	str key = { data.p + data.n, e->key_len };
	struct json v;

	CHECK(name.n <= APP.limits.max_event_name_length && naive_utf8_valid(name));
	CHECK(json_parse(data, 0, &v, NULL) == OK && v.kind == JSON_STRING && v.raw.n == data.n);
	CHECK(is_legal_key(key));
	return key.p + key.n;
}

static void check_channels(const struct published_event *e, const char *at, struct arena *a)
{
	const char *end = (const char *)e + e->bytes;
	str problem;

	CHECK(e->n_channels >= 1 && e->n_channels <= APP.limits.max_event_channels_at_once);
	for (uint32_t i = 0; i < e->n_channels; i++) {
		uint16_t n;

		memcpy(&n, at, sizeof(n));
		at += sizeof(n);
		CHECK(channel_name_check((str){ at, n }, APP.limits.max_channel_name_length, a,
					 &problem) == OK);
		at += n;
	}
	CHECK(at <= end && end - at < 8);
}

static void check_record(const struct event_body *b, struct arena *a)
{
	struct to_hub_publish *record = xalloc(b->bytes);
	const char *at = (const char *)record, *end = at + b->bytes;

	event_body_write(b, a, record);
	CHECK(record->n_events == b->n_events && record->is_batch == b->is_batch);
	CHECK(is_legal_key((str){ record->text, record->key_len }));
	at += mail_events_offset(record->key_len);
	for (uint32_t i = 0; i < record->n_events; i++) {
		const struct published_event *e = (const struct published_event *)at;

		CHECK(e->bytes % 8 == 0 && e->bytes <= (size_t)(end - at));
		check_channels(e, check_texts(e), a);
		at += e->bytes;
	}
	CHECK(at == end);
	xfree(record);
}

/* A receiver that decodes the data has what the publisher wrote. */
static void check_meaning(str body, const struct event *e, struct arena *a)
{
	struct json top, data, sent;
	str got;
	struct buf compact;

	CHECK(json_parse(body, JSON_DEPTH_MAX, &top, NULL) == OK);
	CHECK(json_parse(e->data, 0, &sent, NULL) == OK);
	got = json_decode(sent, a);
	data = json_find(top, S("data"));
	if (!data.raw.p) {
		CHECK(str_eq(got, S("null")));
		return;
	}
	buf_init(&compact, data.raw.n);
	jw_compact(&compact, data);
	CHECK(str_eq(got, data.kind == JSON_STRING ? json_decode(data, a) : buf_str(&compact)));
	buf_fini(&compact);
}

static void check_refusal(err e, const struct event_refusal *why)
{
	CHECK(e == ERR_SYNTAX || e == ERR_LIMIT);
	CHECK(why->status == 400 || why->status == 413 || why->status == 422);
	CHECK((e == ERR_LIMIT) == (why->status == 413));
	CHECK(why->text.n > 0 && naive_utf8_valid(why->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str body = fuzz_input(data, size, &choice);
	bool is_batch = choice & 1;
	str header_key = choice & 2 ? str_take(body, choice >> 2) : (str){ 0 };
	struct event_refusal why;
	struct event_body b;
	struct arena a;
	err e;

	arena_init(&a, 0);
	e = event_body_parse(body, is_batch, &APP, header_key, &a, &b, &why);
	if (e == OK) {
		CHECK(is_batch ? b.n_events <= APP.limits.max_event_batch_size : b.n_events == 1);
		check_record(&b, &a);
		if (!is_batch)
			check_meaning(body, b.first, &a);
	} else {
		check_refusal(e, &why);
	}
	arena_fini(&a);
	return 0;
}

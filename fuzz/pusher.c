/* pusher: a message that was understood can be sent on, and says the same there; a message that was
 * not gets an answer that is valid. */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/pusher.h"

static void check_same(const struct pusher_message *a, const struct pusher_message *b)
{
	CHECK(str_eq(a->event, b->event));
	CHECK(a->has_channel == b->has_channel && str_eq(a->channel, b->channel));
	CHECK(!a->has_data || str_eq(a->data.raw, b->data.raw));
}

static void check_event(const struct pusher_message *sent, struct arena *a)
{
	str channel = sent->has_channel && !sent->channel.p ? S("") : sent->channel;
	str data = sent->has_data ? sent->data.raw : S("null");
	struct msg *plain = pusher_event_new(sent->event, channel, data, (str){ 0 });
	struct msg *with_user = pusher_event_new(sent->event, channel, data, sent->event);
	struct pusher_message got;
	str problem;

	CHECK(pusher_parse(fuzz_frame_text(plain), a, &got, &problem) == OK);
	check_same(sent, &got);
	CHECK(pusher_parse(fuzz_frame_text(with_user), a, &got, &problem) == OK);
	check_same(sent, &got);
	msg_unref(plain);
	msg_unref(with_user);
}

/* Text as data comes back as that text. */
static void check_text_event(str text, struct arena *a)
{
	struct msg *m = pusher_text_event_new(S("e"), S("c"), text);
	struct pusher_message got;
	str problem;

	CHECK(pusher_parse(fuzz_frame_text(m), a, &got, &problem) == OK);
	CHECK(got.has_data && json_string_is(got.data, text));
	msg_unref(m);
}

static void check_error(str text, struct arena *a)
{
	struct msg *m = pusher_error_new(PUSHER_GENERIC, text);
	struct pusher_message got;
	str problem;

	CHECK(text.n > 0 && naive_utf8_valid(text));
	CHECK(pusher_parse(fuzz_frame_text(m), a, &got, &problem) == OK);
	CHECK(str_eq(got.event, S("pusher:error")) && got.data.kind == JSON_OBJECT);
	msg_unref(m);
}

/* Memory is short: no frame, and nothing left of it. */
static void check_memory(const struct pusher_message *sent, uint8_t choice)
{
	int64_t live = mem_live_bytes();

	mem_fail_nth(choice % 4 + 1);
	msg_unref(pusher_event_new(sent->event, sent->channel, S("1"), sent->event));
	mem_fail_nth(0);
	CHECK(mem_live_bytes() == live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str text = fuzz_input(data, size, &choice), problem = { 0 };
	struct pusher_message m;
	struct arena a;

	arena_init(&a, 0);
	if (pusher_parse(text, &a, &m, &problem) == OK) {
		CHECK(naive_utf8_valid(m.event) && naive_utf8_valid(m.channel));
		check_event(&m, &a);
		check_memory(&m, choice);
	} else {
		check_error(problem, &a);
	}
	if (naive_utf8_valid(text))
		check_text_event(text, &a);
	arena_fini(&a);
	return 0;
}

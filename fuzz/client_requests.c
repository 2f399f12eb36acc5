/* client_requests: what is let through of subscribe, unsubscribe and sign-in is a channel with a
 * legal name, a member or a user with an id; what is refused gets an answer that is valid. Input: a
 * client's message, or what one may carry inside: a member's channel_data, a user's user_data. */
#include "fuzz.h"

#include "base/mem.h"
#include "core/namespace.h"
#include "server/sign_in_request.h"
#include "server/subscribe_request.h"

enum { INFO_KB_MAX = 0 };

static const struct app APP = { .limits = { .max_channel_name_length = 40 } };

static void check_refusal(const struct refusal *why)
{
	struct msg *m = pusher_error_new(why->code, why->text);

	CHECK(why->code == PUSHER_GENERIC || why->code == PUSHER_CHANNEL ||
	      why->code == PUSHER_UNAUTHORIZED);
	CHECK(why->text.n > 0);
	fuzz_frame_text(m);
	msg_unref(m);
}

static void check_member(str channel_data, struct arena *a)
{
	struct refusal why = { 0 };
	struct presence_data member;
	struct json info;

	if (!presence_data_read(channel_data, INFO_KB_MAX, a, &member, &why)) {
		check_refusal(&why);
		return;
	}
	CHECK(member.user_id.n > 0 && naive_utf8_valid(member.user_id));
	if (member.user_info.n) {
		CHECK(member.user_info.n < 1024 + 2);
		CHECK(json_parse(member.user_info, PUSHER_DEPTH_MAX, &info, NULL) == OK);
		CHECK(info.raw.n == member.user_info.n);
	}
}

static void check_json(str text, enum json_kind kind)
{
	struct json v;

	CHECK(json_parse(text, PUSHER_DEPTH_MAX, &v, NULL) == OK);
	CHECK(v.kind == kind && v.raw.n == text.n);
}

static void check_user(str user_data, struct arena *a)
{
	struct refusal why = { 0 };
	struct user_data user;

	if (!user_data_read(user_data, a, &user, &why)) {
		check_refusal(&why);
		return;
	}
	CHECK(user.id.n > 0 && naive_utf8_valid(user.id));
	if (user.user_info.raw.p)
		check_json(user.user_info.raw, user.user_info.kind);
	if (user.watchlist.n)
		check_json(user.watchlist, JSON_ARRAY);
}

static void check_sign_in(const struct pusher_message *m, struct arena *a)
{
	struct sign_in_request r;
	struct refusal why = { 0 };

	if (!sign_in_request_read(m, a, &r, &why)) {
		check_refusal(&why);
		return;
	}
	CHECK(r.auth.p && naive_utf8_valid(r.auth));
	check_user(r.user_data, a);
}

static void check_subscribe(const struct pusher_message *m, struct arena *a)
{
	struct subscribe_request r;
	struct refusal why = { 0 };
	str problem;

	if (!subscribe_request_read(m, a, &r, &why)) {
		check_refusal(&why);
		return;
	}
	CHECK(naive_utf8_valid(r.channel) && naive_utf8_valid(r.auth));
	if (subscribe_request_check(&r, &APP, a, &why))
		CHECK(namespace_check(&APP, r.channel, a, &problem));
	else
		check_refusal(&why);
	if (r.channel_data.p)
		check_member(r.channel_data, a);
}

static void check_unsubscribe(const struct pusher_message *m, struct arena *a)
{
	struct refusal why = { 0 };
	str channel = { 0 };

	if (unsubscribe_request_read(m, a, &channel, &why))
		CHECK(channel.p && naive_utf8_valid(channel));
	else
		check_refusal(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str text = { (const char *)data, size }, problem;
	struct pusher_message m;
	struct arena a;

	arena_init(&a, 0);
	if (pusher_parse(text, &a, &m, &problem) == OK) {
		check_subscribe(&m, &a);
		check_unsubscribe(&m, &a);
		check_sign_in(&m, &a);
	}
	check_member(text, &a);
	check_user(text, &a);
	arena_fini(&a);
	return 0;
}

/* hub_testing.h: two workers talk to a hub. What it answers is written down as lines of text, one
 * per record, so that a test reads as the conversation it promises. Workers, locals and
 * connections are small numbers dressed as pointers. For hub…_test.c files only. */
#ifndef CORE_HUB_TESTING_H
#define CORE_HUB_TESTING_H

#include "base/buf.h"
#include "base/testing.h"
#include "core/channel_name.h"
#include "core/hub.h"

struct hub_fixture {
	struct app_table *apps;
	struct app *app;
	struct hub *hub;
	struct clock clock;
	struct buf said;
	_Alignas(8) char record[128];
	enum mail_to_worker kind;
	unsigned worker;
	char *last;
	struct channel *channel; /* of the last answer to a subscribe */
	struct membership *membership;
	uint64_t fail_nth; /* allocation of each request, 0: none */
	int64_t live_before;
};

/* A cmocka fixture: app "app-id", everything by default; *state is a struct hub_fixture. Nothing
 * may be left behind. */
int hub_set_up(void **state);
int hub_tear_down(void **state);
#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_set_up, hub_tear_down)

/* Everything said since the last call. */
#define assert_said(f, want)                                                                       \
	do {                                                                                       \
		hub_write_down(f);                                                                 \
		assert_str(buf_str(&(f)->said), S(want));                                          \
		buf_clear(&(f)->said);                                                             \
	} while (0)

void hub_write_down(struct hub_fixture *f);

/* What workers say */

struct place {
	unsigned worker;
	struct channel *channel;
	struct membership *membership;
};

struct test_event {
	str name, data, channels[2];
	uint32_t info;
	str key;
};
/* To one channel, without attributes and key. */
#define PLAIN_EVENT(name, data, channel)                                                           \
	{                                                                                          \
		S(name), S(data), { S(channel) }, 0, S("")                                         \
	}

void ask_connect(struct hub_fixture *f, unsigned worker, unsigned conn);
void tell_disconnect(struct hub_fixture *f, unsigned worker);
struct place ask_subscribe(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			   str name, str user_id, str user_info);
struct place ask_public(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			str name);
/* The same subscription once more. */
void ask_again(struct hub_fixture *f, unsigned conn, unsigned local, struct place p);
void tell_leave(struct hub_fixture *f, struct place p);
/* Left because the connection has ended. */
void tell_hang_up(struct hub_fixture *f, struct place p);
void ask_publish_keyed(struct hub_fixture *f, unsigned worker, unsigned conn, bool is_batch,
		       const struct test_event *e, uint32_t n, str batch_key);
void ask_publish(struct hub_fixture *f, unsigned worker, unsigned conn, bool is_batch,
		 const struct test_event *e, uint32_t n);
void ask_close_user(struct hub_fixture *f, str user_id);
struct place ask_sign_in(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			 str channel, str watchlist);
void tell_reload(struct hub_fixture *f, unsigned worker, const struct app_table *apps,
		 enum reload_step step);
void ask_query(struct hub_fixture *f, enum hub_query kind, str text, uint32_t info);

#endif

/* What the start-up screen shows and what it never shows. */
#include "main/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct net_address local[] = {
	{ .family = NET_IPV4, .port = 6001 },
	{ .family = NET_IPV6, .port = 6001 },
};

struct shown {
	struct app_table *apps;
	struct buf text;
};

static void show(struct shown *s, struct screen *screen, const char *key, const char *secret)
{
	s->apps = app_table_new((struct hash_key){ 1, 2 });
	screen->program = "./sockudo";
	screen->app =
		app_table_add(s->apps, S("app-id"), str_from_cstr(key), str_from_cstr(secret));
	buf_init(&s->text, 1 << 16);
	screen_put(screen, &s->text);
	buf_putc(&s->text, '\0');
}

static void unshow(struct shown *s)
{
	app_table_free(s->apps);
	buf_fini(&s->text);
}

static void assert_shows(const struct shown *s, const char *text)
{
	if (!strstr(s->text.p, text))
		fail_msg("no \"%s\" in:\n%s", text, s->text.p);
}

static void the_demo_app_is_shown_with_lines_that_work_as_pasted(void **state)
{
	struct screen screen = { .addresses = local, .n_addresses = 2 };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "listens on http://127.0.0.1:6001 http://[::1]:6001\n");
	assert_shows(&s, "new Pusher(\"app-key\", { wsHost: \"127.0.0.1\", wsPort: 6001,");
	assert_shows(&s, "\n    PUSHER_APP_SECRET=app-secret\n");
	assert_shows(&s, "\n    PUSHER_HOST=127.0.0.1\n    PUSHER_PORT=6001\n");
	assert_shows(&s, "\n    ./sockudo watch my-channel\n"
			 "    ./sockudo publish my-channel my-event '{\"hello\":\"world\"}'\n");
	unshow(&s);
}

static void the_sandbox_is_named_below_the_addresses(void **state)
{
	struct screen screen = { .addresses = local, .n_addresses = 1, .sandbox = S("Locked.") };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "listens on http://127.0.0.1:6001\n  Locked.\n\n");
	unshow(&s);
}

static void metrics_and_redirect_are_named_where_a_program_here_reaches_them(void **state)
{
	struct net_address wide = { .family = NET_IPV4, .port = 9601 };
	struct screen screen = { .addresses = local,
				 .n_addresses = 1,
				 .metrics = &wide,
				 .n_metrics = 1,
				 .redirect_port = 80 };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "\n  Redirect: http on port 80 leads to https\n"
			 "  Metrics: http://127.0.0.1:9601/metrics\n\n");
	unshow(&s);
}

static void with_tls_the_lines_say_so_and_name_whom_the_certificate_is_for(void **state)
{
	struct tls_certificate certificate = { .name = "ws.example.com" };
	struct screen screen = { .addresses = local,
				 .n_addresses = 1,
				 .certificate = &certificate };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "listens on https://127.0.0.1:6001\n");
	assert_shows(&s, "new Pusher(\"app-key\", { wsHost: \"ws.example.com\", wssPort: 6001,\n"
			 "      forceTLS: true, ");
	assert_shows(&s, "\n    PUSHER_HOST=ws.example.com\n    PUSHER_PORT=6001\n"
			 "    PUSHER_SCHEME=https\n");
	assert_shows(&s, "watch --url https://ws.example.com:6001 my-channel\n");
	unshow(&s);
	certificate = (struct tls_certificate){ .name = "*.example.com" };
	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "wsHost: \"127.0.0.1\", wssPort: 6001,");
	unshow(&s);
}

static void the_secret_of_a_real_app_is_never_shown(void **state)
{
	struct screen screen = { .addresses = local, .n_addresses = 1 };
	struct shown s;

	show(&s, &screen, "real-key", "hush-hush");
	assert_null(strstr(s.text.p, "hush"));
	assert_shows(&s, "PUSHER_APP_SECRET=<the app's secret>\n");
	assert_shows(&s, "watch --key real-key my-channel\n");
	assert_shows(&s, "publish --app-id app-id --key real-key --secret '…' my-channel");
	unshow(&s);
}

static void other_addresses_are_named_in_the_commands(void **state)
{
	struct net_address a = { .family = NET_IPV6, .port = 7, .ip = { [15] = 2 } };
	struct screen screen = { .addresses = &a, .n_addresses = 1 };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "watch --url http://[::2]:7 my-channel\n");
	assert_shows(&s, "wsHost: \"[::2]\", wsPort: 7,");
	unshow(&s);
}

static void it_fits_a_small_terminal_and_has_colours_only_when_asked(void **state)
{
	struct screen screen = { .addresses = local,
				 .n_addresses = 2,
				 .lan_ip = S("10.0.0.1"),
				 .sandbox = S("Locked."),
				 .metrics = local,
				 .n_metrics = 2 };
	struct shown plain, coloured;
	size_t n_lines = 0;

	show(&plain, &screen, "app-key", "app-secret");
	for (const char *p = plain.text.p; *p; p++)
		n_lines += *p == '\n';
	assert_true(n_lines <= 30);
	assert_shows(&plain, ", for others at http://10.0.0.1:6001\n");
	assert_null(strchr(plain.text.p, '\x1b'));
	screen.has_colors = true;
	show(&coloured, &screen, "app-key", "app-secret");
	assert_non_null(strchr(coloured.text.p, '\x1b'));
	unshow(&plain);
	unshow(&coloured);
}

static void a_unix_socket_is_named_with_commands_that_reach_it(void **state)
{
	struct screen screen = { .unix_path = S("/run/s.sock") };
	struct shown s;

	show(&s, &screen, "app-key", "app-secret");
	assert_shows(&s, "listens on /run/s.sock\n");
	assert_null(strstr(s.text.p, "http://"));
	assert_shows(&s, "\n    ./sockudo watch --url unix:/run/s.sock my-channel\n");
	unshow(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_demo_app_is_shown_with_lines_that_work_as_pasted),
		cmocka_unit_test(the_sandbox_is_named_below_the_addresses),
		cmocka_unit_test(metrics_and_redirect_are_named_where_a_program_here_reaches_them),
		cmocka_unit_test(with_tls_the_lines_say_so_and_name_whom_the_certificate_is_for),
		cmocka_unit_test(the_secret_of_a_real_app_is_never_shown),
		cmocka_unit_test(other_addresses_are_named_in_the_commands),
		cmocka_unit_test(it_fits_a_small_terminal_and_has_colours_only_when_asked),
		cmocka_unit_test(a_unix_socket_is_named_with_commands_that_reach_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

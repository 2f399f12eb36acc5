/* Command lines, good and bad. */
#include "main/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WORDS_MAX = 10 };

static bool parse(struct cli *c, const char *const *words, struct buf *problem)
{
	char *argv[WORDS_MAX + 2] = { (char *)"sockudo" };
	int argc = 1;

	while (argc <= WORDS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	buf_init(problem, 4096);
	return cli_parse(c, argc, argv, problem);
}

static void commands_are_understood(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		enum cli_command command;
	} table[] = {
		{ { NULL }, CLI_SERVE },
		{ { "serve" }, CLI_SERVE },
		{ { "--config", "a.json" }, CLI_SERVE },
		{ { "--help" }, CLI_HELP },
		{ { "-h" }, CLI_HELP },
		{ { "help" }, CLI_HELP },
		{ { "publish", "--help" }, CLI_HELP },
		{ { "--version" }, CLI_VERSION },
		{ { "-V" }, CLI_VERSION },
		{ { "--print-config" }, CLI_PRINT_CONFIG },
		{ { "-c", "a.json", "--print-config" }, CLI_PRINT_CONFIG },
		{ { "--print-config", "-c", "a.json" }, CLI_PRINT_CONFIG },
		{ { "--print-config=markdown" }, CLI_PRINT_MARKDOWN },
		{ { "publish", "c", "e", "d" }, CLI_PUBLISH },
		{ { "watch", "c" }, CLI_WATCH },
		{ { "health" }, CLI_HEALTH },
		{ { "doctor", "http://h" }, CLI_DOCTOR },
		{ { "doctor", "--json", "https://h", "--idle=3" }, CLI_DOCTOR },
		{ { "doctor", "--help" }, CLI_HELP },
		{ { "health", "-c", "a.json" }, CLI_HEALTH },
		{ { "check" }, CLI_CHECK },
		{ { "check", "a.toml" }, CLI_CHECK },
		{ { "check", "-c", "a.toml" }, CLI_CHECK },
		{ { "config", "show" }, CLI_CONFIG_SHOW },
		{ { "config", "show", "-c", "a.toml" }, CLI_CONFIG_SHOW },
		{ { "config", "explain" }, CLI_CONFIG_EXPLAIN },
		{ { "config", "explain", "port" }, CLI_CONFIG_EXPLAIN },
		{ { "config", "explain", "--help" }, CLI_HELP },
		{ { "health", "http://h", "--insecure" }, CLI_HEALTH },
		{ { "config", "--help" }, CLI_HELP },
		{ { "config", "-h" }, CLI_HELP },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf problem;
		struct cli c;

		assert_true(parse(&c, table[i].words, &problem));
		assert_int_equal(c.command, table[i].command);
		buf_fini(&problem);
	}
}

static void options_take_their_values_in_both_forms(void **state)
{
	static const char *const words[] = { "publish", "--url=http://h:1/?a=b",
					     "c",	"--key",
					     "k",	"--app-id",
					     "1",	"--",
					     "-e",	"--data",
					     NULL };
	struct buf problem;
	struct cli c;

	assert_true(parse(&c, words, &problem));
	assert_string_equal(c.url, "http://h:1/?a=b");
	assert_string_equal(c.key, "k");
	assert_string_equal(c.app_id, "1");
	assert_string_equal(c.channel, "c");
	assert_string_equal(c.event, "-e");
	assert_string_equal(c.data, "--data");
	buf_fini(&problem);
}

static void switches_stand_alone(void **state)
{
	static const char *const words[] = { "watch", "--insecure", "c", NULL };
	struct buf problem;
	struct cli c;

	assert_true(parse(&c, words, &problem));
	assert_true(c.is_insecure);
	assert_string_equal(c.channel, "c");
	buf_fini(&problem);
}

static void bad_command_lines_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *problem;
	} table[] = {
		{ { "--no-such" }, "unknown option --no-such" },
		{ { "--confg", "x" }, "unknown option --confg, did you mean --config?" },
		{ { "-x" }, "unknown option -x" },
		{ { "extra" }, "unknown command extra" },
		{ { "pubish", "c", "e", "d" }, "unknown command pubish, did you mean publish?" },
		{ { "serve", "extra" }, "unknown command extra" },
		{ { "config" }, "there are config show and config explain" },
		{ { "config", "shwo" }, "there are config show and config explain" },
		{ { "config", "show", "port" }, "one argument too many: port" },
		{ { "config", "explain", "port", "host" }, "one argument too many: host" },
		{ { "config", "explain", "-c", "a" }, "unknown option -c" },
		{ { "check", "a.json", "b.json" }, "one argument too many: b.json" },
		{ { "--config" }, "--config needs a value" },
		{ { "--config=" }, "--config needs a value" },
		{ { "--help=me" }, "--help takes no value" },
		{ { "--print-config=xml" }, "--print-config takes no value" },
		{ { "--url", "x" }, "unknown option --url" },
		{ { "publish", "c", "e" }, "publish needs CHANNEL EVENT DATA" },
		{ { "publish", "c", "e", "d", "f" }, "one argument too many: f" },
		{ { "watch" }, "watch needs CHANNEL" },
		{ { "doctor" }, "doctor needs URL" },
		{ { "watch", "--insecure=yes", "c" }, "--insecure takes no value" },
		{ { "health", "http://h", "x" }, "one argument too many: x" },
		{ { "--insecure" }, "unknown option --insecure" },
		{ { "watch", "--app-id", "1", "c" }, "unknown option --app-id" },
		{ { "watch", "c", "--secrt", "s" },
		  "unknown option --secrt, did you mean --secret?" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf problem;
		struct cli c;

		assert_false(parse(&c, table[i].words, &problem));
		buf_putc(&problem, '\0');
		assert_string_equal(problem.p, table[i].problem);
		buf_fini(&problem);
	}
}

static void help_names_every_command_by_the_path_it_was_called_with(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	cli_put_help("build/release/sockudo", CLI_SERVE, &b);
	assert_non_null(memmem(b.p, b.len, "  build/release/sockudo publish ", 32));
	assert_non_null(memmem(b.p, b.len, "  build/release/sockudo watch ", 30));
	assert_non_null(memmem(b.p, b.len, "  build/release/sockudo [serve]", 31));
	assert_non_null(memmem(b.p, b.len, "\n  build/release/sockudo\n", 25));
	buf_fini(&b);
}

static void each_command_may_have_a_help_of_its_own(void **state)
{
	static const char *const calls[][3] = { { "doctor", "--help" }, { "help", "doctor" } };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct buf problem, b;
		struct cli c;

		assert_true(parse(&c, calls[i], &problem));
		assert_int_equal(c.command, CLI_HELP);
		assert_int_equal(c.topic, CLI_DOCTOR);
		buf_init(&b, 1 << 16);
		cli_put_help("x", c.topic, &b);
		assert_non_null(memmem(b.p, b.len, "--idle SECONDS", 14));
		buf_fini(&b);
		buf_fini(&problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_understood),
		cmocka_unit_test(options_take_their_values_in_both_forms),
		cmocka_unit_test(switches_stand_alone),
		cmocka_unit_test(bad_command_lines_are_refused_with_a_reason),
		cmocka_unit_test(each_command_may_have_a_help_of_its_own),
		cmocka_unit_test(help_names_every_command_by_the_path_it_was_called_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

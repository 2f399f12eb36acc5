/* cli.c: three commands and a few options, from one table. An option is "--name VALUE" or
 * "--name=VALUE". */
#include "main/cli.h"

#include "base/check.h"
#include "main/nearest.h"

enum { FOR_SERVE = 1, FOR_PUBLISH = 2, FOR_WATCH = 4 };

struct cli_option {
	str name;
	char letter;	   /* 0: none */
	unsigned commands; /* FOR_… */
	size_t offset;	   /* of the const char * in struct cli that takes its value */
	bool is_command;   /* takes no value but says what to do */
	enum cli_command to;
};

#define TAKES(n, l, c, member)                                                                     \
	{                                                                                          \
		.name = { n, sizeof(n) - 1 }, .letter = (l), .commands = (c),                      \
		.offset = offsetof(struct cli, member)                                             \
	}
#define DOES(n, l, c, command)                                                                     \
	{                                                                                          \
		.name = { n, sizeof(n) - 1 }, .letter = (l), .commands = (c), .is_command = true,  \
		.to = (command)                                                                    \
	}

static const struct cli_option options[] = {
	TAKES("--config", 'c', FOR_SERVE, config_file),
	DOES("--print-config", 0, FOR_SERVE, CLI_PRINT_CONFIG),
	DOES("--help", 'h', FOR_SERVE | FOR_PUBLISH | FOR_WATCH, CLI_HELP),
	DOES("--version", 'V', FOR_SERVE, CLI_VERSION),
	TAKES("--url", 0, FOR_PUBLISH | FOR_WATCH, url),
	TAKES("--app-id", 0, FOR_PUBLISH, app_id),
	TAKES("--key", 0, FOR_PUBLISH | FOR_WATCH, key),
	TAKES("--secret", 0, FOR_PUBLISH | FOR_WATCH, secret),
	TAKES("--user-id", 0, FOR_WATCH, user_id),
};

static unsigned for_command(const struct cli *c)
{
	if (c->command == CLI_PUBLISH)
		return FOR_PUBLISH;
	return c->command == CLI_WATCH ? FOR_WATCH : FOR_SERVE;
}

struct arguments {
	char **at; /* ends with NULL */
	struct buf *problem;
};

static bool fail_unknown(struct arguments *args, str name, unsigned command)
{
	struct nearest n;

	nearest_init(&n, name);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].commands & command)
			nearest_offer(&n, options[i].name);
	}
	buf_printf(args->problem, "unknown option %.*s", STR_ARG(name));
	if (n.best.n)
		buf_printf(args->problem, ", did you mean %.*s?", STR_ARG(n.best));
	return false;
}

static const struct cli_option *find_option(str name, unsigned command)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		bool is_letter = name.n == 2 && options[i].letter && name.p[1] == options[i].letter;

		if ((options[i].commands & command) && (is_letter || str_eq(name, options[i].name)))
			return &options[i];
	}
	return NULL;
}

/* value: what followed '=', or p == NULL. */
static bool do_command(struct cli *c, struct arguments *args, const struct cli_option *o, str value)
{
	c->command = o->to;
	if (!value.p)
		return true;
	if (o->to == CLI_PRINT_CONFIG && str_eq(value, S("markdown"))) {
		c->command = CLI_PRINT_MARKDOWN;
		return true;
	}
	buf_printf(args->problem, "%.*s takes no value", STR_ARG(o->name));
	return false;
}

static bool take_value(struct cli *c, struct arguments *args, const struct cli_option *o,
		       const char *value)
{
	if (!value)
		value = *args->at ? *args->at++ : "";
	if (!value[0]) {
		buf_printf(args->problem, "%.*s needs a value", STR_ARG(o->name));
		return false;
	}
	*(const char **)((char *)c + o->offset) = value;
	return true;
}

static bool parse_option(struct cli *c, struct arguments *args, const char *text)
{
	unsigned command = for_command(c);
	str value = str_from_cstr(text), name = str_split(&value, '=');
	const struct cli_option *o = find_option(name, command);

	if (!o)
		return fail_unknown(args, name, command);
	return o->is_command ? do_command(c, args, o, value) : take_value(c, args, o, value.p);
}

/* The words after publish or watch. */
static bool take_word(struct cli *c, struct arguments *args, const char *word)
{
	const char **places[] = { &c->channel, &c->event, &c->data };
	size_t n = c->command == CLI_PUBLISH ? 3 : c->command == CLI_WATCH ? 1 : 0;

	for (size_t i = 0; i < n; i++) {
		if (!*places[i]) {
			*places[i] = word;
			return true;
		}
	}
	buf_printf(args->problem, n ? "one argument too many: %s" : "unknown command %s", word);
	return false;
}

static void take_command(struct cli *c, struct arguments *args)
{
	static const struct {
		const char *name;
		enum cli_command command;
	} table[] = { { "serve", CLI_SERVE },
		      { "publish", CLI_PUBLISH },
		      { "watch", CLI_WATCH },
		      { "help", CLI_HELP } };

	for (size_t i = 0; *args->at && i < ARRAY_LEN(table); i++) {
		if (strcmp(*args->at, table[i].name) == 0) {
			c->command = table[i].command;
			args->at++;
			return;
		}
	}
}

static bool check_words(const struct cli *c, struct buf *problem)
{
	if (c->command == CLI_PUBLISH && !c->data)
		buf_puts(problem, S("publish needs CHANNEL EVENT DATA"));
	else if (c->command == CLI_WATCH && !c->channel)
		buf_puts(problem, S("watch needs CHANNEL"));
	else
		return true;
	return false;
}

bool cli_parse(struct cli *c, int argc, char **argv, struct buf *problem)
{
	struct arguments args = { .at = argc ? argv + 1 : argv, .problem = problem };
	bool is_over = false;

	*c = (struct cli){ .command = CLI_SERVE };
	take_command(c, &args);
	while (*args.at) {
		const char *text = *args.at++;

		if (!is_over && strcmp(text, "--") == 0)
			is_over = true;
		else if (!is_over && text[0] == '-' && text[1]) {
			if (!parse_option(c, &args, text))
				return false;
		} else if (!take_word(c, &args, text)) {
			return false;
		}
		if (c->command == CLI_HELP || c->command == CLI_VERSION)
			return true;
	}
	return check_words(c, problem);
}

static const char help[] =
	"Sockudo: a realtime server that speaks the Pusher protocol.\n"
	"\n"
	"  sockudo [serve] [-c FILE]              start the server\n"
	"  sockudo publish CHANNEL EVENT DATA     publish one event through the HTTP API\n"
	"  sockudo watch CHANNEL                  print events as they arrive, one a line\n"
	"\n"
	"  -c, --config FILE    JSON file; without it "
	"config/config.json, if it is there\n"
	"      --print-config   print what is in effect and where it comes from, and exit\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"publish and watch use the demo app on http://127.0.0.1:6001 unless told otherwise:\n"
	"  --url URL  --app-id ID (publish)  --key KEY  --secret SECRET  --user-id ID (watch)\n"
	"or by SOCKUDO_DEFAULT_APP_ID, _KEY and _SECRET, which configure the server as well.\n"
	"\n"
	"Try it, in three terminals:\n"
	"  sockudo\n"
	"  sockudo watch my-channel\n"
	"  sockudo publish my-channel my-event '{\"hello\":\"world\"}'\n"
	"\n"
	"Most wanted variables (they win over the file; docs/configuration.md has all):\n"
	"  HOST, PORT                             where to listen: 0.0.0.0, 6001\n"
	"  SOCKUDO_DEFAULT_APP_ID, _KEY, _SECRET  the app to serve\n"
	"  SOCKUDO_DEFAULT_APP_ENABLE_CLIENT_MESSAGES=true\n"
	"  SOCKUDO_WORKERS                        threads, by default one per core\n"
	"  LOG_LEVEL=debug, LOG_OUTPUT_FORMAT=json\n"
	"\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong command line or configuration.\n";

/* The text says "sockudo"; what is printed can be pasted. */
void cli_put_help(const char *program, struct buf *b)
{
	str rest = str_from_cstr(help);
	const str word = S("  sockudo ");

	while (rest.n) {
		if (str_has_prefix(rest, word)) {
			buf_printf(b, "  %s ", program);
			rest = str_skip(rest, word.n);
		} else {
			buf_putc(b, rest.p[0]);
			rest = str_skip(rest, 1);
		}
	}
}

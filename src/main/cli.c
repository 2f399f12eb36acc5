/* cli.c: a few commands and a few options, each from one table. An option is "--name VALUE" or
 * "--name=VALUE", or a switch that takes no value. */
#include "main/cli.h"

#include "base/check.h"
#include "main/nearest.h"

enum {
	FOR_SERVE = 1,
	FOR_PUBLISH = 2,
	FOR_WATCH = 4,
	FOR_HEALTH = 8,
	FOR_DOCTOR = 16,
	FOR_CONFIG = 32,
	FOR_EXPLAIN = 64
};
#define FOR_CLIENTS (FOR_PUBLISH | FOR_WATCH | FOR_HEALTH | FOR_DOCTOR)

enum { CLI_WORDS_MAX = 3 };

/* A command's words are texts at these offsets in struct cli; the first n_needed must be given. */
struct cli_verb {
	const char *name; /* one word or two */
	enum cli_command command;
	unsigned bit;	   /* FOR_… */
	const char *needs; /* what is missing, in words */
	uint8_t n_words, n_needed;
	size_t words[CLI_WORDS_MAX];
};

static const struct cli_verb verbs[] = {
	{ "serve", CLI_SERVE, FOR_SERVE, "", 0, 0, { 0 } },
	{ "publish",
	  CLI_PUBLISH,
	  FOR_PUBLISH,
	  "CHANNEL EVENT DATA",
	  3,
	  3,
	  { offsetof(struct cli, channel), offsetof(struct cli, event),
	    offsetof(struct cli, data) } },
	{ "watch", CLI_WATCH, FOR_WATCH, "CHANNEL", 1, 1, { offsetof(struct cli, channel) } },
	{ "health", CLI_HEALTH, FOR_HEALTH, "", 1, 0, { offsetof(struct cli, url) } },
	{ "doctor", CLI_DOCTOR, FOR_DOCTOR, "URL", 1, 1, { offsetof(struct cli, url) } },
	{ "check", CLI_CHECK, FOR_CONFIG, "", 1, 0, { offsetof(struct cli, config_file) } },
	{ "config show", CLI_CONFIG_SHOW, FOR_CONFIG, "", 0, 0, { 0 } },
	{ "config explain",
	  CLI_CONFIG_EXPLAIN,
	  FOR_EXPLAIN,
	  "",
	  1,
	  0,
	  { offsetof(struct cli, config_key) } },
	{ "help", CLI_HELP, FOR_SERVE, "", 0, 0, { 0 } },
};

static const struct cli_verb *verb_of(enum cli_command command)
{
	for (size_t i = 1; i < ARRAY_LEN(verbs); i++) {
		if (verbs[i].command == command)
			return &verbs[i];
	}
	return &verbs[0];
}

enum cli_option_kind {
	CLI_TAKES,    /* a value, at offset in struct cli: const char * */
	CLI_SWITCHES, /* a bool there on */
	CLI_DOES      /* says what to do */
};

struct cli_option {
	str name;
	size_t offset;
	unsigned commands; /* FOR_… */
	enum cli_option_kind kind;
	enum cli_command to;
	char letter; /* 0: none */
};

#define TAKES(n, l, c, member)                                                                     \
	{                                                                                          \
		.name = { n, sizeof(n) - 1 }, .letter = (l), .commands = (c),                      \
		.offset = offsetof(struct cli, member)                                             \
	}
#define SWITCHES(n, l, c, member)                                                                  \
	{                                                                                          \
		.name = { n, sizeof(n) - 1 }, .letter = (l), .commands = (c),                      \
		.kind = CLI_SWITCHES, .offset = offsetof(struct cli, member)                       \
	}
#define DOES(n, l, c, command)                                                                     \
	{                                                                                          \
		.name = { n, sizeof(n) - 1 }, .letter = (l), .commands = (c), .kind = CLI_DOES,    \
		.to = (command)                                                                    \
	}

static const struct cli_option options[] = {
	TAKES("--config", 'c', FOR_SERVE | FOR_HEALTH | FOR_CONFIG, config_file),
	DOES("--print-config", 0, FOR_SERVE, CLI_PRINT_CONFIG),
	DOES("--help", 'h', FOR_SERVE | FOR_CLIENTS | FOR_CONFIG | FOR_EXPLAIN, CLI_HELP),
	DOES("--version", 'V', FOR_SERVE, CLI_VERSION),
	TAKES("--url", 0, FOR_PUBLISH | FOR_WATCH, url),
	TAKES("--app-id", 0, FOR_PUBLISH | FOR_DOCTOR, app_id),
	TAKES("--key", 0, FOR_PUBLISH | FOR_WATCH | FOR_DOCTOR, key),
	TAKES("--secret", 0, FOR_PUBLISH | FOR_WATCH | FOR_DOCTOR, secret),
	TAKES("--user-id", 0, FOR_WATCH, user_id),
	TAKES("--ca", 0, FOR_CLIENTS, ca_file),
	SWITCHES("--insecure", 0, FOR_CLIENTS, is_insecure),
	TAKES("--idle", 0, FOR_DOCTOR, idle_s),
	TAKES("--timeout", 0, FOR_DOCTOR, timeout_s),
	TAKES("--origin", 0, FOR_DOCTOR, origin),
	SWITCHES("--json", 0, FOR_DOCTOR, is_json),
};

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
static bool refuse_value(struct arguments *args, const struct cli_option *o, str value)
{
	if (!value.p)
		return true;
	buf_printf(args->problem, "%.*s takes no value", STR_ARG(o->name));
	return false;
}

static bool do_command(struct cli *c, struct arguments *args, const struct cli_option *o, str value)
{
	if (c->command != CLI_HELP)
		c->topic = c->command;
	c->command = o->to;
	if (o->to == CLI_PRINT_CONFIG && str_eq(value, S("markdown"))) {
		c->command = CLI_PRINT_MARKDOWN;
		return true;
	}
	return refuse_value(args, o, value);
}

static bool turn_on(struct cli *c, struct arguments *args, const struct cli_option *o, str value)
{
	*(bool *)((char *)c + o->offset) = true;
	return refuse_value(args, o, value);
}

static const char **text_at(struct cli *c, size_t offset)
{
	return (const char **)((char *)c + offset);
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
	*text_at(c, o->offset) = value;
	return true;
}

static bool parse_option(struct cli *c, struct arguments *args, const char *text)
{
	unsigned command = verb_of(c->command)->bit;
	str value = str_from_cstr(text), name = str_split(&value, '=');
	const struct cli_option *o = find_option(name, command);

	if (!o)
		return fail_unknown(args, name, command);
	if (o->kind == CLI_DOES)
		return do_command(c, args, o, value);
	if (o->kind == CLI_SWITCHES)
		return turn_on(c, args, o, value);
	return take_value(c, args, o, value.p);
}

static bool fail_command(struct arguments *args, const char *word)
{
	struct nearest n;

	nearest_init(&n, str_from_cstr(word));
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		nearest_offer(&n, str_from_cstr(verbs[i].name));
	buf_printf(args->problem, "unknown command %s", word);
	if (n.best.n)
		buf_printf(args->problem, ", did you mean %.*s?", STR_ARG(n.best));
	return false;
}

/* "config" alone is half a command. */
static bool take_half(struct cli *c, struct arguments *args)
{
	const char *next = *args->at;

	if (next && (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0)) {
		c->command = CLI_HELP;
		return true;
	}
	buf_puts(args->problem, S("there are config show and config explain"));
	return false;
}

/* The words after a command. */
static bool take_word(struct cli *c, struct arguments *args, const char *word)
{
	const struct cli_verb *v = verb_of(c->command);

	for (size_t i = 0; i < v->n_words; i++) {
		const char **place = text_at(c, v->words[i]);

		if (!*place) {
			*place = word;
			return true;
		}
	}
	if (c->command == CLI_SERVE)
		return strcmp(word, "config") == 0 ? take_half(c, args) : fail_command(args, word);
	buf_printf(args->problem, "one argument too many: %s", word);
	return false;
}

/* How many words of the name stand at words: all that it has, or 0. */
static size_t match_verb(const struct cli_verb *v, char **words)
{
	str rest = str_from_cstr(v->name);
	size_t n = 0;

	while (rest.p) {
		str word = str_split(&rest, ' ');

		if (!words[n] || !str_eq(str_from_cstr(words[n]), word))
			return 0;
		n++;
	}
	return n;
}

/* The command that *words begin with, which is skipped. NULL: there is none. */
static const struct cli_verb *take_verb(char ***words)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		size_t n = match_verb(&verbs[i], *words);

		*words += n;
		if (n > 0)
			return &verbs[i];
	}
	return NULL;
}

/* Also "help doctor". */
static void take_command(struct cli *c, struct arguments *args)
{
	const struct cli_verb *v = take_verb(&args->at);

	if (!v)
		return;
	c->command = v->command;
	if (v->command == CLI_HELP && (v = take_verb(&args->at)))
		c->topic = v->command;
}

static bool check_words(struct cli *c, struct buf *problem)
{
	const struct cli_verb *v = verb_of(c->command);

	if (v->n_needed == 0 || *text_at(c, v->words[v->n_needed - 1]))
		return true;
	buf_printf(problem, "%s needs %s", v->name, v->needs);
	return false;
}

bool cli_parse(struct cli *c, int argc, char **argv, struct buf *problem)
{
	struct arguments args = { .at = argc ? argv + 1 : argv, .problem = problem };
	bool is_over = false;

	*c = (struct cli){ .command = CLI_SERVE, .topic = CLI_SERVE };
	take_command(c, &args);
	while (*args.at && c->command != CLI_HELP && c->command != CLI_VERSION) {
		const char *text = *args.at++;

		if (!is_over && strcmp(text, "--") == 0)
			is_over = true;
		else if (!is_over && text[0] == '-' && text[1]) {
			if (!parse_option(c, &args, text))
				return false;
		} else if (!take_word(c, &args, text)) {
			return false;
		}
	}
	return check_words(c, problem);
}

static const char help[] =
	"Sockudo: a realtime server that speaks the Pusher protocol.\n"
	"\n"
	"  sockudo [serve] [-c FILE]              start the server\n"
	"  sockudo check [FILE]                   is the configuration good? All that is wrong\n"
	"  sockudo config show [-c FILE]          what is in effect and where it comes from, as "
	"TOML\n"
	"  sockudo config explain [KEY]           what a key, a block or a variable is\n"
	"  sockudo publish CHANNEL EVENT DATA     publish one event through the HTTP API\n"
	"  sockudo watch CHANNEL                  print events as they arrive, one a line\n"
	"  sockudo doctor URL                     what stands between clients and this server?\n"
	"  sockudo health [URL]                   is it up? Exit code 0 or 1, for probes\n"
	"\n"
	"  -c, --config FILE    TOML (*.toml) or JSON file; without it config/config.toml or\n"
	"                       config/config.json, if one is there\n"
	"      --print-config   as config show, but JSON\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"publish and watch use the demo app on http://127.0.0.1:6001 unless told otherwise:\n"
	"  --url URL  --app-id ID (publish)  --key KEY  --secret SECRET  --user-id ID (watch)\n"
	"  --ca FILE  authorities to believe instead of the system's   --insecure  any "
	"certificate\n"
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

static const char doctor_help[] =
	"sockudo doctor URL looks at a server from where its clients are, and says what to change\n"
	"in which file.\n"
	"\n"
	"  sockudo doctor https://sockudo.example.com   through the proxy, as clients come\n"
	"  sockudo doctor http://127.0.0.1:6001         past it, on the server itself\n"
	"  sockudo doctor unix:/run/sockudo/sockudo.sock\n"
	"\n"
	"  --app-id ID  --key KEY  --secret SECRET   of the app to try; or "
	"SOCKUDO_DEFAULT_APP_ID,\n"
	"                       _KEY and _SECRET; or the demo app's\n"
	"  --idle SECONDS       how long a WebSocket has to live in silence: 65; 0 leaves it out\n"
	"  --timeout SECONDS    for each answer: 5\n"
	"  --origin URL         of the page that connects, for apps with allowed_origins\n"
	"  --ca FILE            authorities to believe instead of the system's\n"
	"  --insecure           believe any certificate\n"
	"  --json               for programs: one object\n"
	"\n"
	"It checks name, connection, TLS, certificate, proxy, health, clock, upgrade, session, "
	"API,\n"
	"events, sizes, addresses, limits and idle time-outs, each once and as a client does it. "
	"It\n"
	"publishes a few events on a private channel of its own and changes nothing else.\n"
	"Run it from outside of the server's network, with the app of your back-end.\n"
	"docs/doctor.md explains each finding.\n"
	"\n"
	"Exit codes: 0 all well (warnings may remain), 1 problems, 2 wrong command line.\n";

/* The text says "sockudo"; what is printed can be pasted. */
void cli_put_help(const char *program, enum cli_command topic, struct buf *b)
{
	str rest = str_from_cstr(topic == CLI_DOCTOR ? doctor_help : help);
	const str word = S("\n  sockudo");

	while (rest.n) {
		if (str_has_prefix(rest, word)) {
			buf_printf(b, "\n  %s", program);
			rest = str_skip(rest, word.n);
		} else {
			buf_putc(b, rest.p[0]);
			rest = str_skip(rest, 1);
		}
	}
}

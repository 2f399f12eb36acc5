/* config_docs.c: docs/configuration.md, made from the tables so that it cannot fall behind them.
 * A test compares. */
#include "main/config_print.h"

#include "base/check.h"
#include "main/app_key.h"
#include "main/config_changes.h"

/* For each row of the table in its order, the heading in front of it or NULL for a key. */
static const char *const headings[] = {
#define SECTION(title) title,
#define KEY(...) NULL,
#define KEY_OF(...) NULL,
#define LATER(...) NULL,
#define LATER_OF(...) NULL,
#include "main/config_keys.def"
};

static const char intro[] =
	"# Configuration\n"
	"\n"
	"<!-- Made by `sockudo --print-config=markdown` from src/main/config_keys.def. -->\n"
	"\n"
	"Nothing has to be configured: without a file and without variables the server listens on "
	"port 6001 and\n"
	"serves a demo app. `sockudo config show` shows what is in effect and where it comes "
	"from, as TOML in which\n"
	"defaults are comments; `sockudo --print-config` does so in JSON, for programs. What they "
	"print can be read again as a\n"
	"file, but for secrets, which are masked. `sockudo check FILE` says all that is wrong with "
	"a "
	"file, `sockudo config explain\n"
	"KEY` what a key is.\n"
	"\n"
	"## Where values come from\n"
	"\n"
	"1. The defaults below.\n"
	"2. One file: the one named by `--config`, else `config/config.toml`, else "
	"`config/config.json` in the working\n"
	"   directory, if it is there. A name that ends in `.toml` is TOML, any other is JSON, `-` "
	"is "
	"JSON from standard\n"
	"   input. Files never merge.\n"
	"3. The environment, which wins. A variable that is empty counts as not set.\n"
	"\n"
	"JSON and TOML have the same keys: `{\"websocket\": {\"max_messages\": 10}}` is "
	"`websocket.max_messages = 10`. Apps are a\n"
	"list: `[[app_manager.array.apps]]`. In the file's text `${NAME}` stands for a variable "
	"and "
	"`${NAME:-default}` for a\n"
	"variable with a default. Keys that begin with `_` are comments. In the environment, flags "
	"are `true 1 yes on` or\n"
	"`false 0 no off`, lists are separated by commas, and `none` or `0` lifts a limit.\n"
	"\n"
	"### Secrets from files\n"
	"\n"
	"For every variable `NAME` of these tables, and for every `${NAME}`, `NAME_FILE` may name "
	"a "
	"file that holds the value:\n"
	"`SOCKUDO_DEFAULT_APP_SECRET_FILE=/run/secrets/app`, as Docker and Kubernetes mount "
	"secrets, "
	"or with systemd\n"
	"`LoadCredential=app:/etc/sockudo/app.secret` and "
	"`Environment=SOCKUDO_DEFAULT_APP_SECRET_FILE=%d/app`. A line end\n"
	"behind the value is not part of it; a file has at most 64 KiB. To set both is an error, "
	"and "
	"so is a file that is empty\n"
	"or cannot be read.\n"
	"\n"
	"### While it runs\n"
	"\n"
	"SIGHUP reads all of it again and [changes what it says](reload-and-drain.md), but for the "
	"keys that are marked\n"
	"*At the next start*.\n"
	"\n"
	"### Mistakes\n"
	"\n"
	"A key that is not known, a value that is not accepted, a key that comes twice, a variable "
	"that is not understood: the\n"
	"server does not start (exit code 2) and says what is wrong, where, and what was probably "
	"meant:\n"
	"\n"
	"```\n"
	"sockudo: config.json:12:5: app_manager.array.apps[0].enabeld: unknown key, did you mean "
	"\"enabled\"?\n"
	"```\n"
	"\n"
	"A variable whose name we do not know belongs to another program; if it is nearly one of "
	"ours, "
	"a warning says so.\n";

static const char apps_intro[] =
	"\n"
	"## Apps\n"
	"\n"
	"`app_manager.array.apps` is a list of apps. Each needs `id`, `key` and `secret`, and "
	"`\"enabled\": true`. The keys below\n"
	"stand in the app itself, or in the sections of its `policy`; with a `policy`, keys in the "
	"app itself are ignored.\n"
	"Numbers may be written as texts (`\"100\"`).\n"
	"\n"
	"```json\n"
	"{ \"app_manager\": { \"array\": { \"apps\": [ {\n"
	"  \"id\": \"1\", \"key\": \"my-key\", \"secret\": \"${APP_SECRET}\", \"enabled\": true,\n"
	"  \"enable_client_messages\": true, \"allowed_origins\": [\"https://example.com\"]\n"
	"} ] } } }\n"
	"```\n"
	"\n"
	"| Key | In `policy` | Environment | Unset | |\n"
	"|---|---|---|---|---|\n";

static const char namespaces[] =
	"\n"
	"### Namespaces\n"
	"\n"
	"`channel_namespaces` is a list of objects. With it, a `:` in a channel's name (behind the "
	"prefix of its kind) needs one of\n"
	"them: `private-chat:room` belongs to `chat`, and any other word before the first `:` is "
	"refused. Without it `:` is a\n"
	"character like others.\n"
	"\n"
	"| Key | Unset | |\n"
	"|---|---|---|\n"
	"| `name` | | Required: a text without `:`. |\n"
	"| `channel_name_pattern` | any | A regular expression (PCRE2) for the name without prefix "
	"and users, `^chat:[a-z]+$`. |\n"
	"| `max_channel_name_length` | as the app | Bytes of the whole name. From 1 to 1000. |\n"
	"| `allow_user_limited_channels` | `false` | `chat:room#alice,bob` is for who is signed in "
	"as `alice` or `bob`. |\n"
	"| `allow_subscribe_for_client` | `true` | Clients may subscribe. |\n"
	"| `allow_presence_for_client` | `true` | They may subscribe to presence channels. |\n"
	"| `allow_publish_for_client` | `true` | They may send client events. |\n"
	"| `annotations_enabled`, `history`, `presence_history` | | Not in this build. |\n";

static const char webhooks[] =
	"\n"
	"### Webhooks\n"
	"\n"
	"`webhooks` is a list of objects; [webhooks](webhooks.md) tells what their receivers get. "
	"In the process that starts\n"
	"without any, the first ones need a restart.\n"
	"\n"
	"| Key | Unset | |\n"
	"|---|---|---|\n"
	"| `url` | | Required: where to, `http://…` or `https://…`; may carry "
	"`user:password@`. |\n"
	"| `event_types` | | Required: a list of `channel_occupied`, `channel_vacated`, "
	"`member_added`, `member_removed`, `client_event`, `cache_miss`, `subscription_count`. |\n"
	"| `filter.channel_prefix`, `filter.channel_suffix` | any | How the channel's name begins, "
	"how it ends. |\n"
	"| `filter.channel_pattern` | any | A regular expression (PCRE2) that matches anywhere in "
	"it, unless it has anchors. |\n"
	"| `filter.channel_namespace`, `filter.channel_namespaces` | any | What stands before its "
	"first `:`, the prefix of its kind aside; a text, a list of them. |\n"
	"| `headers` | | `{\"X-Name\": \"value\"}`: further headers of each request. |\n"
	"| `retry` | as the global `webhooks.retry` | `{\"enabled\": true, \"max_attempts\": 5, "
	"\"max_elapsed_time_ms\": 300000, \"initial_backoff_ms\": 1000, "
	"\"max_backoff_ms\": 60000}`; each key may be left out. |\n"
	"| `request_timeout_ms` | as the global one | Milliseconds that one attempt may take. |\n"
	"| `lambda`, `lambda_function` | | Not in this build. |\n";

static const char env_intro[] =
	"\n"
	"### Variables\n"
	"\n"
	"The variables describe one app, which is then the only one. Its "
	"limits are 100 where no variable says otherwise;\n"
	"but `max_backend_events_per_second` and "
	"`max_read_requests_per_second` only limit when their variable is "
	"set:\n"
	"the original never counted these two, and who moves here shall not "
	"be answered with 429.\n"
	"\n"
	"| Variable | |\n"
	"|---|---|\n";

static const char later_intro[] = "\n"
				  "## Not in this build\n"
				  "\n"
				  "These keys are known, so that a file of the original loads, but "
				  "nothing reads them yet. *warns*: another value than the\n"
				  "default is answered by a warning. *refuses*: another value than "
				  "the default is an error, because the server would\n"
				  "do something else than what was asked for. Values that switch a "
				  "feature off are always accepted.\n";

static void put_env(const struct config_key *k, struct buf *b)
{
	str rest = k->env ? str_from_cstr(k->env) : (str){ 0 }, name;

	for (bool is_first = true; config_key_env_next(&rest, &name); is_first = false)
		buf_printf(b, "%s`%.*s`", is_first ? "" : ", ", STR_ARG(name));
}

static void put_key(const struct config_key *k, struct buf *b)
{
	buf_printf(b, "| `%.*s` | ", STR_ARG(k->path));
	put_env(k, b);
	buf_puts(b, S(" | `"));
	config_value_put(k, k->fallback, b);
	buf_puts(b, S("` | "));
	config_key_put_expected(k, b);
	buf_printf(b, " | %s%s |\n", k->words,
		   config_key_needs_restart(k) ? " *At the next start.*" : "");
}

static void put_later(const struct config_key *k, struct buf *b)
{
	static const char *const words[] = {
		[CONFIG_DETAIL] = "", [CONFIG_WARN] = "warns", [CONFIG_REFUSE] = "refuses"
	};

	buf_printf(b, "| `%.*s` | ", STR_ARG(k->path));
	put_env(k, b);
	buf_puts(b, S(" | `"));
	config_value_put(k, k->fallback, b);
	buf_printf(b, "` | %s |\n", words[k->otherwise]);
}

/* The table of sections whose keys are honoured, or of the others. */
static void put_sections(bool honoured, struct buf *b)
{
	const struct config_key *k = config_keys;
	const char *heading = NULL;

	for (size_t i = 0; i < ARRAY_LEN(headings); i++) {
		if (headings[i]) {
			heading = headings[i];
			continue;
		}
		if ((k->otherwise == CONFIG_HONOURED) == honoured && heading) {
			buf_printf(b, honoured ? "\n## %s\n\n" : "\n### %s\n\n", heading);
			buf_puts(b, honoured ? S("| Key | Environment | Default | Accepted | |\n"
						 "|---|---|---|---|---|\n") :
					       S("| Key | Environment | Default | |\n"
						 "|---|---|---|---|\n"));
			heading = NULL;
		}
		if ((k->otherwise == CONFIG_HONOURED) == honoured)
			(honoured ? put_key : put_later)(k, b);
		k++;
	}
}

static void put_variables(struct buf *b)
{
	buf_puts(b, S("\n## Other variables\n\n| Variable | |\n|---|---|\n"));
#define ENV(name, words) buf_puts(b, S("| `" name "` | " words " |\n"));
#include "main/config_keys.def"
}

static void put_aliases(struct buf *b)
{
	buf_puts(b, S("\n### Further names\n\nIn files, where the key itself is not there.\n\n"
		      "| Name | Key |\n|---|---|\n"));
	for (size_t i = 0; i < N_CONFIG_ALIASES; i++)
		buf_printf(b, "| `%.*s` | `%.*s` |\n", STR_ARG(config_aliases[i].path),
			   STR_ARG(config_aliases[i].key));
}

static void put_app_env(const struct app_key *k, struct buf *b)
{
	char name[APP_ENV_NAME_MAX];

	if (app_key_has_env(k))
		buf_printf(b, "`%s`", app_key_env(k, name));
	else if (k->kind == APP_KEY_ORIGINS)
		buf_puts(b, S("`SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS`"));
}

static void put_app_unset(const struct app_key *k, struct buf *b)
{
	if (k->kind == APP_KEY_FLAG)
		buf_puts(b, S("`false`"));
	else if (k->kind == APP_KEY_NAMESPACES || k->kind == APP_KEY_IDEMPOTENCY ||
		 k->kind == APP_KEY_WEBHOOKS)
		return;
	else if (k->kind != APP_KEY_LIMIT || k->unset == NO_LIMIT || k->unset == 0)
		buf_puts(b, S("no limit"));
	else
		buf_putu(b, k->unset);
}

static void put_app_key(const struct app_key *k, struct buf *b)
{
	buf_printf(b, "| `%.*s` | ", STR_ARG(k->name));
	if (k->section != APP_POLICY)
		buf_printf(b, "`%.*s`", STR_ARG(app_section_names[k->section]));
	buf_puts(b, S(" | "));
	put_app_env(k, b);
	buf_puts(b, S(" | "));
	if (app_key_is_honoured(k))
		put_app_unset(k, b);
	buf_puts(b, S(" | "));
	if (k->kind == APP_KEY_LIMIT)
		buf_printf(b, "Most %s: %s. From %u%s to %u. |\n", k->unit, k->words, k->floor,
			   k->unset == 0 ? " (no limit)" : "", k->ceiling);
	else
		buf_printf(b, "%s |\n", k->words ? k->words : "Not in this build.");
}

static void put_apps(struct buf *b)
{
	buf_puts(b, str_from_cstr(apps_intro));
	for (size_t i = 0; i < N_APP_KEYS; i++)
		put_app_key(&app_keys[i], b);
	buf_puts(b, str_from_cstr(namespaces));
	buf_puts(b, str_from_cstr(webhooks));
	buf_puts(b, str_from_cstr(env_intro));
#define APP_FLAG(...)
#define APP_LATER(...)
#define APP_ENV(name, words) buf_puts(b, S("| `" name "` | " words " |\n"));
#include "main/app_keys.def"
#undef APP_FLAG
#undef APP_LATER
#undef APP_ENV
}

void config_print_markdown(struct buf *b)
{
	buf_puts(b, str_from_cstr(intro));
	put_sections(true, b);
	put_variables(b);
	put_apps(b);
	buf_puts(b, str_from_cstr(later_intro));
	put_sections(false, b);
	put_aliases(b);
}

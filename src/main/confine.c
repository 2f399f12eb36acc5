/* confine.c: from configuration to paths.
 *
 * Files are replaced by renaming others over them, so a right to a file alone ends with the next
 * change; what is read again gets its folder, and the folder where its link leads to (certificates
 * of Let's Encrypt, mounted maps of Kubernetes). A folder that is "/" would be everything: there
 * only the file itself is meant. Paths that a later configuration names for the first time are
 * outside; they need a restart.
 *
 * What must start programs one day (another binary that takes the sockets over) stands outside:
 * see docs/hardening.md. */
#include "main/confine.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/secret.h"
#include "main/certificate.h"
#include "main/hooks.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct paths {
	struct sandbox_path *list;
	size_t n, cap;
	struct arena texts;
};

/* What every server reads, wherever its configuration is. */
static const char *const system_paths[] = {
	/* the spare descriptor of a loop */
	"/dev/null",
	/* names of other servers */
	"/etc/gai.conf",
	"/etc/host.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/resolv.conf",
	"/etc/services",
	/* whom we trust, and how OpenSSL is set up */
	"/etc/ssl",
	"/usr/lib/ssl",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	/* what we use, what the machine has, and what of it we may use */
	"/proc/self",
	"/proc/meminfo",
	"/sys/devices/system/cpu",
	"/sys/fs/cgroup",
};

/* Paths */

/* Once each: secrets of a container lie in one folder. */
static void add(struct paths *p, str path, enum sandbox_access access)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].access == access && str_eq(p->list[i].path, path))
			return;
	}
	if (p->n == p->cap) {
		p->cap = 2 * p->cap + 16;
		p->list = xrealloc(p->list, p->cap * sizeof(*p->list));
	}
	p->list[p->n++] = (struct sandbox_path){ arena_copy(&p->texts, path), access };
}

/* "." for a name without a folder. */
static str folder_of(str path)
{
	size_t n = path.n;

	while (n && path.p[n - 1] != '/')
		n--;
	return n == 0 ? S(".") : str_take(path, n > 1 ? n - 1 : n);
}

/* The path without links, or "": there is no such file. */
static str real_path(struct paths *p, str path)
{
	char resolved[PATH_MAX];

	if (!realpath(arena_copy(&p->texts, path).p, resolved))
		return S("");
	return arena_copy(&p->texts, str_from_cstr(resolved));
}

static void add_file(struct paths *p, str path)
{
	str folder = real_path(p, folder_of(path)), target = real_path(p, path);

	if (folder.n)
		add(p, folder.n > 1 ? folder : path, SANDBOX_READ);
	if (target.n && !str_eq(folder_of(target), folder))
		add(p, folder_of(target).n > 1 ? folder_of(target) : target, SANDBOX_READ);
}

static bool is_regular(str path)
{
	struct stat st;

	return stat(path.p, &st) == 0 && S_ISREG(st.st_mode);
}

/* Standard input and pipes cannot be read again. */
static void add_config_file(struct paths *p, const struct config *c)
{
	if (c->file.name.n == 0)
		add_file(p, S(CONFIG_FILE_JSON));
	else if (is_regular(arena_copy(&p->texts, c->file.name)))
		add_file(p, c->file.name);
}

static void collect(struct paths *p, const struct config *c)
{
	for (size_t i = 0; i < ARRAY_LEN(system_paths); i++) {
		str path = str_from_cstr(system_paths[i]), target = real_path(p, path);

		add(p, path, SANDBOX_READ);
		/* resolv.conf is a link to what a service writes anew. */
		if (target.n && is_regular(target) && !str_eq(target, path))
			add_file(p, target);
	}
	add_config_file(p, c);
	for (const struct config_variable_file *f = c->variables.files; f; f = f->next)
		add_file(p, f->path);
	if (certificate_is_wanted(c)) {
		add_file(p, c->ssl.cert_path);
		add_file(p, c->ssl.key_path);
	}
	if (c->ssl.enabled) {
		add_file(p, c->ssl.cert_path);
		add_file(p, c->ssl.key_path);
	}
	if (c->unix_socket.enabled)
		add(p, folder_of(c->unix_socket.path), SANDBOX_REMOVE);
}

/* Saying so */

static void warn(struct log *log, const char *what, const char *why)
{
	log_write(log, LOG_WARN, "sandbox incomplete", LF_CSTR("open", what),
		  LF_CSTR("reason", why));
}

static void log_sandbox(struct log *log, const struct sandbox_status *s)
{
	if (!s->no_calls || !s->no_files)
		log_write(log, LOG_INFO, "sandbox entered",
			  LF_U64("calls", s->no_calls ? 0 : s->n_calls),
			  LF_U64("paths", s->no_files ? 0 : s->n_paths));
	if (s->no_calls)
		warn(log, "system calls", s->no_calls);
	if (s->no_files)
		warn(log, "files", s->no_files);
}

static void log_advice(struct log *log)
{
	struct secret_memory m = secret_memory();

	if (geteuid() == 0)
		log_write(log, LOG_WARN, "running as root",
			  LF_CSTR("hint", "nothing here needs it; use a user of its own"));
	if (m.unlocked_bytes)
		log_write(log, LOG_WARN, "secrets may reach swap",
			  LF_U64("unlocked_bytes", m.unlocked_bytes),
			  LF_CSTR("hint", "raise the limit on locked memory (LimitMEMLOCK=, "
					  "ulimit -l)"));
}

/* The whole */

static bool is_wanted(const struct config *c)
{
	return !str_eq(c->sandbox, S("off"));
}

static bool is_enough(const struct config *c, const struct sandbox_status *s, struct buf *problem)
{
	if (!str_eq(c->sandbox, S("required")) || (!s->no_calls && !s->no_files))
		return true;
	buf_printf(problem, "sandbox is \"required\", and %s; \"on\" goes without",
		   s->no_calls ? s->no_calls : s->no_files);
	return false;
}

static struct sandbox_status enter(const struct config *c, bool has_webhooks)
{
	const char *notify = getenv("NOTIFY_SOCKET");
	struct sandbox_status s;
	struct paths p = { 0 };

	arena_init(&p.texts, 0);
	collect(&p, c);
	if (has_webhooks && hooks_ca_file())
		add_file(&p, str_from_cstr(hooks_ca_file()));
	s = sandbox_enter(&(struct sandbox_options){
		.paths = p.list,
		.n_paths = p.n,
		.uses_abstract_sockets = notify && notify[0] == '@',
		.uses_http_client = has_webhooks,
	});
	xfree(p.list);
	arena_fini(&p.texts);
	return s;
}

bool confine(const struct config *c, bool has_webhooks, struct log *log, struct sandbox_status *out,
	     struct buf *problem)
{
	log_advice(log);
	if (!is_wanted(c)) {
		*out = (struct sandbox_status){ .no_calls = CONFINE_OFF, .no_files = CONFINE_OFF };
		log_write(log, LOG_WARN, "sandbox off");
		return true;
	}
	*out = enter(c, has_webhooks);
	log_sandbox(log, out);
	return is_enough(c, out, problem);
}

void confine_put(const struct sandbox_status *s, struct buf *b)
{
	if (!s->no_calls && !s->no_files)
		buf_puts(b, S("Sandbox: system calls and files"));
	else if (s->no_calls && s->no_files)
		buf_printf(b, "No sandbox: %s", s->no_calls);
	else if (s->no_calls)
		buf_printf(b, "Sandbox: files only; %s", s->no_calls);
	else
		buf_printf(b, "Sandbox: system calls only; %s", s->no_files);
}

/* The complete server with a burglar inside: the linker puts a function of ours around
 * sandbox_enter, which starts a thread that does on purpose what no server does. */
#include "main/confine.h"

#include "main/config_apps.h"
#include "main/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SERVER_IS_UP_MS = 200, FINE = 0, UNTRIED = -1 };

/* What each attempt ended with: an errno, or FINE. */
struct haul {
	int config, next_to_config, next_to_target, elsewhere, writing;
	int foreign_socket, program;
	struct sandbox_status sandbox;
};

static char folder[] = "/tmp/sockudo-confine-XXXXXX";
static struct haul haul;
static pthread_t first_thread;

/* The burglar */

static int outcome(bool is_done)
{
	return is_done ? FINE : errno;
}

static const char *path_of(const char *name)
{
	static _Thread_local char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int try_open(const char *name, int flags)
{
	return outcome(open(path_of(name), flags) >= 0);
}

/* Out of the sandbox it would succeed, and nobody would be left to tell. */
static int try_program(void)
{
	char name[] = "/bin/true", *const argv[] = { name, NULL };

	return haul.sandbox.no_calls ? UNTRIED : outcome(execv(name, argv) == 0);
}

static void *burgle(void *arg)
{
	poll(NULL, 0, SERVER_IS_UP_MS);
	haul.config = try_open("links/config.json", O_RDONLY);
	haul.next_to_config = try_open("links/new.json", O_RDONLY);
	haul.next_to_target = try_open("data/other.json", O_RDONLY);
	haul.elsewhere = try_open("elsewhere/file", O_RDONLY);
	haul.writing = try_open("data/other.json", O_WRONLY);
	haul.foreign_socket = outcome(socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0);
	haul.program = try_program();
	pthread_kill(first_thread, SIGTERM);
	return NULL;
}

struct sandbox_status __real_sandbox_enter(const struct sandbox_options *o);
struct sandbox_status __wrap_sandbox_enter(const struct sandbox_options *o);

static void let_in(void)
{
	static pthread_t burglar;

	first_thread = pthread_self();
	if (pthread_create(&burglar, NULL, burgle, NULL) != 0)
		_exit(1);
	pthread_detach(burglar);
}

struct sandbox_status __wrap_sandbox_enter(const struct sandbox_options *o)
{
	haul.sandbox = __real_sandbox_enter(o);
	let_in();
	return haul.sandbox;
}

/* The server */

static void put_file(const char *name, const char *text)
{
	int fd = open(path_of(name), O_CREAT | O_WRONLY | O_TRUNC, 0600);
	ssize_t n = (ssize_t)strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
}

static const char *no_variable(void *ctx, const char *name)
{
	return NULL;
}

static int run(void)
{
	struct config_input in = { .file = path_of("links/config.json"),
				   .env = { .get = no_variable },
				   .n_cores = 2 };
	struct run_input r = { .config_input = &in, .key = { 1, 2 }, .program = "sockudo" };
	struct config_report report;
	sigset_t term;
	int status;

	/* However slow the start is, the burglar's signal waits for who reads it. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	config_report_init(&report);
	r.config = config_load(&in, &report);
	r.apps = config_apps_new(r.config, r.key, &report);
	if (str_eq(r.config->sandbox, S("off"))) {
		haul.sandbox.no_calls = haul.sandbox.no_files = "off";
		let_in();
	}
	status = report.n_errors ? 100 : run_server(&r);
	config_free(r.config);
	config_report_fini(&report);
	return status;
}

/* In a child, because there is no way back. Answers its exit code. */
static int serve(const char *sandbox)
{
	char text[256];
	int fds[2], status;
	pid_t pid;

	snprintf(text, sizeof(text),
		 "{\"host\":\"127.0.0.1\",\"port\":0,\"workers\":2,\"sandbox\":\"%s\","
		 "\"logging\":{\"format\":\"json\",\"level\":\"error\"}}",
		 sandbox);
	put_file("data/config.json", text);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		status = run();
		if (write(fds[1], &haul, sizeof(haul)) != sizeof(haul))
			status = 101;
		_exit(status);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &haul, sizeof(haul)), sizeof(haul));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void skip_without(const char *why_not)
{
	if (!why_not)
		return;
	print_message("skipped: %s\n", why_not);
	skip();
}

static void a_burglar_finds_everything_where_there_is_no_sandbox(void **state)
{
	assert_int_equal(serve("off"), 0);
	assert_int_equal(haul.elsewhere, FINE);
	assert_int_equal(haul.writing, FINE);
	assert_int_equal(haul.next_to_target, FINE);
}

static void a_burglar_can_run_nothing_and_open_no_foreign_socket(void **state)
{
	assert_int_equal(serve("on"), 0);
	skip_without(haul.sandbox.no_calls);
	assert_int_equal(haul.program, EPERM);
	assert_int_equal(haul.foreign_socket, EPERM);
	assert_int_equal(haul.writing, EPERM);
}

static void a_burglar_reads_nothing_but_what_a_reload_reads(void **state)
{
	assert_int_equal(serve("on"), 0);
	skip_without(haul.sandbox.no_files);
	assert_int_equal(haul.elsewhere, EACCES);
	assert_int_equal(haul.config, FINE);
	/* A configuration is changed by putting another file there. */
	assert_int_equal(haul.next_to_config, FINE);
	assert_int_equal(haul.next_to_target, FINE);
}

static void a_required_sandbox_is_there_or_the_server_does_not_start(void **state)
{
	int status = serve("required");

	if (haul.sandbox.no_calls || haul.sandbox.no_files)
		assert_int_equal(status, 1);
	else
		assert_int_equal(status, 0);
}

static int set_up(void **state)
{
	static const char *const folders[] = { "links", "data", "elsewhere" };

	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mkdir(path_of(folders[i]), 0700), 0);
	put_file("links/new.json", "");
	put_file("data/other.json", "");
	put_file("elsewhere/file", "");
	return symlink("../data/config.json", path_of("links/config.json"));
}

static int tear_down(void **state)
{
	static const char *const names[] = { "links/new.json",
					     "links/config.json",
					     "data/other.json",
					     "data/config.json",
					     "elsewhere/file",
					     "links",
					     "data",
					     "elsewhere" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burglar_finds_everything_where_there_is_no_sandbox),
		cmocka_unit_test(a_burglar_can_run_nothing_and_open_no_foreign_socket),
		cmocka_unit_test(a_burglar_reads_nothing_but_what_a_reload_reads),
		cmocka_unit_test(a_required_sandbox_is_there_or_the_server_does_not_start),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Each case is a child that enters the sandbox and then tries something. Its exit code is the error it got. */
#include "io/sandbox.h"

#include "base/check.h"
#include "base/testing.h"
#include "io/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINE = 0, NOT_CONFINED = 255 };

static char folder[] = "/tmp/sockudo-sandbox-XXXXXX";
static char inside[64], outside[] = "/etc/passwd", elsewhere[64];

static struct sandbox_status enter(void)
{
	const struct sandbox_path paths[] = {
		{ str_from_cstr(folder), SANDBOX_READ },   { S("/no/such/path"), SANDBOX_READ },
		{ S("/proc/self"), SANDBOX_READ },	   { S("/etc/hosts"), SANDBOX_READ },
		{ str_from_cstr(folder), SANDBOX_REMOVE },
	};

	return sandbox_enter(&(struct sandbox_options){ .paths = paths, .n_paths = 5 });
}

static int outcome(bool is_done)
{
	return is_done ? FINE : errno;
}

/* What the child ends with: see wait(2). */
static int status_of(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sandbox_status s;

		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 1 });
		s = enter();
		_exit(s.no_calls && s.no_files ? NOT_CONFINED : attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int result_of(int (*attempt)(void))
{
	int status = status_of(attempt);

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Attempts */

static int run_a_program(void)
{
	char name[] = "/bin/true", *const argv[] = { name, NULL };

	return outcome(execv(argv[0], argv) == 0);
}

static int start_a_process(void)
{
	return outcome(fork() >= 0);
}

static int start_a_process_by_clone3(void)
{
	uint64_t args[8] = { [4] = SIGCHLD };

	return outcome(syscall(SYS_clone3, args, sizeof(args)) >= 0);
}

static int make_memory_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NOT_CONFINED : outcome(mprotect(p, 4096, PROT_EXEC) == 0);
}

static int map_executable_memory(void)
{
	return outcome(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) != MAP_FAILED);
}

static int open_a_foreign_socket(void)
{
	return outcome(socket(AF_PACKET, SOCK_DGRAM, 0) >= 0);
}

static int make_a_socket_pair(void)
{
	int fds[2];

	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
}

static int bind_a_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? NOT_CONFINED : outcome(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
}

static int listen_again(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? NOT_CONFINED : outcome(listen(fd, 1) == 0);
}

static int write_inside(void)
{
	return outcome(open(inside, O_WRONLY) >= 0);
}

static int make_a_file_inside(void)
{
	return outcome(open(elsewhere, O_RDONLY | O_CREAT, 0600) >= 0);
}

static int signal_the_parent(void)
{
	return outcome(kill(getppid(), 0) == 0);
}

static int trace_the_parent(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int set_a_limit(void)
{
	return outcome(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0);
}

static int make_a_ring(void)
{
	char params[120] = { 0 };

	return outcome(syscall(SYS_io_uring_setup, 1, params) >= 0);
}

static int change_the_root(void)
{
	return outcome(chroot(folder) == 0);
}

static int leave_the_namespace(void)
{
	return outcome(unshare(CLONE_NEWUSER) == 0);
}

static void calls_that_no_server_makes_are_refused(void **state)
{
	static const struct {
		const char *what;
		int (*attempt)(void);
		int error;
	} rows[] = {
		{ "execve", run_a_program, EPERM },
		{ "fork", start_a_process, EPERM },
		{ "clone3", start_a_process_by_clone3, ENOSYS },
		{ "mprotect PROT_EXEC", make_memory_executable, EPERM },
		{ "mmap PROT_EXEC", map_executable_memory, EPERM },
		{ "socket AF_PACKET", open_a_foreign_socket, EPERM },
		{ "socketpair", make_a_socket_pair, EPERM },
		{ "bind", bind_a_port, EPERM },
		{ "listen", listen_again, EPERM },
		{ "open O_WRONLY", write_inside, EPERM },
		{ "open O_CREAT", make_a_file_inside, EPERM },
		{ "kill", signal_the_parent, EPERM },
		{ "ptrace", trace_the_parent, EPERM },
		{ "setrlimit", set_a_limit, EPERM },
		{ "io_uring_setup", make_a_ring, EPERM },
		{ "chroot", change_the_root, EPERM },
		{ "unshare", leave_the_namespace, EPERM },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int got = result_of(rows[i].attempt);

		if (got != rows[i].error)
			fail_msg("%s: %s", rows[i].what, got ? strerror(got) : "done");
	}
}

static int read_inside(void)
{
	return outcome(open(inside, O_RDONLY) >= 0);
}

static int read_outside(void)
{
	return outcome(open(outside, O_RDONLY) >= 0);
}

static int remove_inside(void)
{
	return outcome(unlink(inside) == 0);
}

static int remove_outside(void)
{
	return outcome(unlink(elsewhere) == 0);
}

static void only_the_named_paths_can_be_read(void **state)
{
	assert_int_equal(result_of(read_inside), FINE);
	assert_int_equal(result_of(read_outside), EACCES);
}

static void files_can_be_removed_only_where_that_was_asked_for(void **state)
{
	snprintf(elsewhere, sizeof(elsewhere), "/tmp/sockudo-sandbox-%d", (int)getpid());
	close(open(elsewhere, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(result_of(remove_outside), EACCES);
	unlink(elsewhere);
	assert_int_equal(result_of(remove_inside), FINE);
	assert_int_equal(access(inside, F_OK), -1);
	close(open(inside, O_CREAT | O_WRONLY, 0600));
}

/* The second wall alone, behind the first one. */
static int with_files_limited(int (*attempt)(void))
{
	const struct sandbox_path path = { str_from_cstr(folder), SANDBOX_READ };
	struct sandbox_status s = { 0 };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_limit_files(&(struct sandbox_options){ .paths = &path, .n_paths = 1 }, &s);
	return s.no_files ? NOT_CONFINED : attempt();
}

static int limited_write(void)
{
	return with_files_limited(write_inside);
}

static int limited_bind(void)
{
	return with_files_limited(bind_a_port);
}

static int limited_signal(void)
{
	return with_files_limited(signal_the_parent);
}

static int result_outside(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attempt());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void landlock_alone_refuses_writing_binding_and_signals(void **state)
{
	long version = syscall(444, NULL, (size_t)0, 1);

	assert_int_equal(result_outside(write_inside), FINE);
	assert_int_equal(result_outside(bind_a_port), FINE);
	assert_int_equal(result_outside(limited_write), EACCES);
	if (version >= 4)
		assert_int_equal(result_outside(limited_bind), EACCES);
	if (version >= 6)
		assert_int_equal(result_outside(limited_signal), EPERM);
}

/* What goes on */

static void *try_in_a_thread(void *arg)
{
	*(int *)arg = read_outside() == EACCES ? run_a_program() : NOT_CONFINED;
	return NULL;
}

static int try_in_a_new_thread(void)
{
	int result = NOT_CONFINED;
	pthread_t t;

	if (pthread_create(&t, NULL, try_in_a_thread, &result) != 0)
		return NOT_CONFINED;
	pthread_join(t, NULL);
	return result;
}

static void threads_can_be_started_and_are_confined_as_well(void **state)
{
	assert_int_equal(result_of(try_in_a_new_thread), EPERM);
}

static int abort_now(void)
{
	NEVER("on purpose: the backtrace is part of the test");
}

static void a_failed_assertion_still_ends_with_sigabrt(void **state)
{
	int status = status_of(abort_now);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int resolve_localhost(void)
{
	struct addrinfo *found;
	int error = getaddrinfo("localhost", "80", NULL, &found);

	if (error)
		return error == EAI_SYSTEM ? errno : 200;
	freeaddrinfo(found);
	return FINE;
}

static void names_are_still_resolved(void **state)
{
	assert_int_equal(result_of(resolve_localhost), FINE);
}

static int look_at_ourselves(void)
{
	char text[4096] = { 0 };
	int fd = open("/proc/self/status", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return errno;
	return strstr(text, "\nNoNewPrivs:\t1\n") && strstr(text, "\nSeccomp:\t2\n") ? FINE :
										       NOT_CONFINED;
}

static void the_kernel_says_that_the_process_is_confined(void **state)
{
	assert_int_equal(result_of(look_at_ourselves), FINE);
}

/* What the kernel may lack */

/* From here on the call fails with ENOSYS, as in a kernel that does not have it. */
static void take_away(int call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int enter_without_landlock(void)
{
	struct sandbox_status s;

	take_away(444);
	s = enter();
	if (s.no_calls || !s.no_files || strcmp(s.no_files, "the kernel has no Landlock") != 0)
		return NOT_CONFINED;
	return run_a_program();
}

static int enter_without_filters(void)
{
	struct sandbox_status s;

	take_away(SYS_seccomp);
	take_away(SYS_prctl);
	s = enter();
	if (!s.no_calls || strcmp(s.no_calls, "the kernel has no no_new_privs") != 0)
		return NOT_CONFINED;
	return FINE;
}

static void a_wall_that_the_kernel_lacks_is_named_and_the_other_stands(void **state)
{
	assert_int_equal(result_outside(enter_without_landlock), EPERM);
	assert_int_equal(result_outside(enter_without_filters), FINE);
}

/* Whether there is anything to test */

static bool kernel_has_all(void)
{
	struct sandbox_status s;
	int pipe_fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		s = enter();
		if (write(pipe_fds[1], &s, sizeof(s)) != sizeof(s))
			_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(read(pipe_fds[0], &s, sizeof(s)), sizeof(s));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	if (s.no_calls)
		print_message("no filter of system calls: %s\n", s.no_calls);
	if (s.no_files)
		print_message("no limits on files: %s\n", s.no_files);
	return !s.no_calls && !s.no_files;
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(inside, sizeof(inside), "%s/file", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/new", folder);
	close(open(inside, O_CREAT | O_WRONLY, 0600));
	return 0;
}

static int tear_down(void **state)
{
	unlink(inside);
	rmdir(folder);
	return 0;
}

static void nothing_can_be_tested_here(void **state)
{
	skip();
}

int main(void)
{
	const struct CMUnitTest none[] = { cmocka_unit_test(nothing_can_be_tested_here) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_that_no_server_makes_are_refused),
		cmocka_unit_test(only_the_named_paths_can_be_read),
		cmocka_unit_test(files_can_be_removed_only_where_that_was_asked_for),
		cmocka_unit_test(landlock_alone_refuses_writing_binding_and_signals),
		cmocka_unit_test(a_wall_that_the_kernel_lacks_is_named_and_the_other_stands),
		cmocka_unit_test(threads_can_be_started_and_are_confined_as_well),
		cmocka_unit_test(a_failed_assertion_still_ends_with_sigabrt),
		cmocka_unit_test(names_are_still_resolved),
		cmocka_unit_test(the_kernel_says_that_the_process_is_confined),
	};

	if (!kernel_has_all())
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

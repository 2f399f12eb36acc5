#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "base/testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs f in a child process; its standard error goes to out. Returns the wait status. */
static int run_apart(void (*f)(void), char *out, size_t out_size)
{
	FILE *errors = tmpfile();
	int status;
	pid_t pid;

	assert_non_null(errors);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(errors), STDERR_FILENO);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rewind(errors);
	out[fread(out, 1, out_size - 1, errors)] = '\0';
	fclose(errors);
	return status;
}

static void break_an_assertion(void)
{
	volatile int one = 1;

	ASSERT(one + one == 3);
}

static void keep_an_assertion(void)
{
	ASSERT(1 + 1 == 2);
}

static void reach_never(void)
{
	NEVER("the sky fell");
}

static void check_names_place_and_claim_then_aborts(void **state)
{
	char out[8192];
	int status = run_apart(break_an_assertion, out, sizeof(out));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(out, "ASSERT failed at "));
	assert_non_null(strstr(out, "check_test.c:"));
	assert_non_null(strstr(out, "one + one == 3"));
	assert_non_null(strstr(out, "[0x")); /* a frame of the backtrace */
}

static void check_never_says_why(void **state)
{
	char out[8192];
	int status = run_apart(reach_never, out, sizeof(out));

	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(out, "the sky fell"));
}

static void check_is_silent_when_true(void **state)
{
	char out[8192];

	assert_int_equal(run_apart(keep_an_assertion, out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

static void err_every_value_has_its_own_words(void **state)
{
	static const err ALL[] = { OK,
#define X(id, text) id,
				   ERR_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(ALL); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(err_text(ALL[i]), err_text(ALL[j]));
	assert_string_equal(err_text(ERR_DEPTH), "nested too deeply");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_names_place_and_claim_then_aborts),
		cmocka_unit_test(check_never_says_why),
		cmocka_unit_test(check_is_silent_when_true),
		cmocka_unit_test(err_every_value_has_its_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A pipe of one page, which is read when the test says so. */
#include "main/log_output.h"

#include "base/testing.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum { PAGE = 4096 };

struct pipe {
	int reader;
	struct log_output output;
	char bytes[4 * PAGE];
};

static int open_pipe(void **state)
{
	static struct pipe p;
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PAGE), PAGE);
	/* Its own end waits, as standard output does: who writes too much stands still. */
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	p = (struct pipe){ .reader = ends[0], .output = { .fd = ends[1] } };
	*state = &p;
	return 0;
}

static int close_pipe(void **state)
{
	struct pipe *p = *state;

	close(p->reader);
	close(p->output.fd);
	return 0;
}

static str read_all(struct pipe *p)
{
	ssize_t n = read(p->reader, p->bytes, sizeof(p->bytes));

	return (str){ p->bytes, n < 0 ? 0 : (size_t)n };
}

static void a_line_goes_out_whole(void **state)
{
	struct pipe *p = *state;

	assert_true(log_output_write(&p->output, S("one\n")));
	assert_str(read_all(p), S("one\n"));
}

static void a_line_without_room_is_not_taken_and_nobody_waits(void **state)
{
	struct pipe *p = *state;

	assert_true(log_output_write(&p->output, S("one\n")));
	assert_false(log_output_write(&p->output, S("two\n")));
	assert_str(read_all(p), S("one\n"));
	assert_true(log_output_write(&p->output, S("three\n")));
	assert_str(read_all(p), S("three\n"));
}

static void what_follows_a_torn_line_begins_a_new_one(void **state)
{
	static char line[PAGE + 10];
	str all = { line, sizeof(line) };
	struct pipe *p = *state;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_false(log_output_write(&p->output, all));
	assert_false(log_output_write(&p->output, S("lost\n")));
	assert_str(read_all(p), str_take(all, PAGE));
	assert_false(log_output_write(&p->output,
				      S("lost\n"))); /* the end of the torn one is in its place */
	assert_str(read_all(p), S("\n"));
	assert_true(log_output_write(&p->output, S("whole\n")));
	assert_str(read_all(p), S("whole\n"));
}

static void a_reader_who_is_gone_takes_nothing(void **state)
{
	struct pipe *p = *state;

	close(p->reader);
	assert_false(log_output_write(&p->output, S("one\n")));
	p->reader = -1;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)
	const struct CMUnitTest tests[] = {
		TEST(a_line_goes_out_whole),
		TEST(a_line_without_room_is_not_taken_and_nobody_waits),
		TEST(what_follows_a_torn_line_begins_a_new_one),
		TEST(a_reader_who_is_gone_takes_nothing),
	};

	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

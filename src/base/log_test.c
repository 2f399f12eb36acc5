#include "base/log.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>
#include <stdio.h>

struct sink {
	struct buf text;
	size_t n_lines;
	int64_t now_ms;
	bool is_full;
};

static bool sink_write(void *ctx, str line)
{
	struct sink *s = ctx;

	if (s->is_full)
		return false;
	assert_int_equal(line.p[line.n - 1], '\n');
	assert_int_equal(str_find_char(line, '\n'), line.n - 1);
	buf_puts(&s->text, line);
	s->n_lines++;
	return true;
}

static int64_t sink_wall_us(void *ctx)
{
	return ((struct sink *)ctx)->now_ms * 1000;
}

static struct log *sink_open(struct sink *s, bool json, bool colors)
{
	*s = (struct sink){ .now_ms = 1709210096789 };
	buf_init(&s->text, 1 << 20);
	return log_new(&(struct log_options){
		.level = LOG_INFO,
		.json = json,
		.colors = colors,
		.write = sink_write,
		.wall_us = sink_wall_us,
		.ctx = s,
	});
}

static void sink_close(struct sink *s, struct log *l)
{
	log_free(l);
	buf_fini(&s->text);
}

static void assert_text(struct sink *s, str want)
{
	assert_str(buf_str(&s->text), want);
	buf_clear(&s->text);
}

static void log_text_line_is_time_level_event_fields(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	log_write(l, LOG_INFO, "listening", LF_CSTR("address", "0.0.0.0"), LF_U64("port", 6001));
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  INFO sockudo: listening address=0.0.0.0 "
			  "port=6001\n"));
	log_write(l, LOG_ERROR, "stopped");
	assert_text(&s, S("2024-02-29T12:34:56.789000Z ERROR sockudo: stopped\n"));
	log_write(l, LOG_WARN, "x", LF_I64("n", -5), LF_CSTR("q", "a \"b\""), LF_STR("e", S("")),
		  LF_CSTR("k", "a=b"), LF_CSTR("nl", "1\n2"));
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  WARN sockudo: x n=-5 q=\"a \\\"b\\\"\" "
			  "e=\"\" k=\"a=b\" "
			  "nl=\"1\\n2\"\n"));
	sink_close(&s, l);
}

static void log_json_line_is_one_object(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, true, false);
	struct json v;

	log_write(l, LOG_INFO, "listening", LF_CSTR("path", "/a\"b\\"), LF_U64("port", 6001),
		  LF_I64("d", -1));
	assert_int_equal(json_parse(buf_str(&s.text), 4, &v, NULL), OK);
	assert_text(
		&s,
		S("{\"timestamp\":\"2024-02-29T12:34:56.789000Z\",\"level\":\"INFO\","
		  "\"fields\":{\"message\":\"listening\",\"path\":\"/a\\\"b\\\\\",\"port\":6001,"
		  "\"d\":-1},\"target\":\"sockudo\"}\n"));
	sink_close(&s, l);
}

static void log_without_target_keeps_the_rest(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);
	struct log_options o = { .level = LOG_INFO,
				 .no_target = true,
				 .write = sink_write,
				 .wall_us = sink_wall_us,
				 .ctx = &s };

	log_free(l);
	l = log_new(&o);
	log_write(l, LOG_INFO, "x", LF_U64("n", 1));
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  INFO x n=1\n"));
	log_free(l);
	o.json = true;
	l = log_new(&o);
	log_write(l, LOG_INFO, "x");
	assert_text(&s, S("{\"timestamp\":\"2024-02-29T12:34:56.789000Z\",\"level\":\"INFO\","
			  "\"fields\":{\"message\":\"x\"}}\n"));
	sink_close(&s, l);
}

static void log_level_can_change_while_it_runs(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	log_set_level(l, LOG_DEBUG);
	log_write(l, LOG_DEBUG, "x");
	assert_int_equal(s.n_lines, 1);
	log_set_level(l, LOG_OFF);
	log_write(l, LOG_ERROR, "x");
	assert_int_equal(s.n_lines, 1);
	sink_close(&s, l);
}

static void log_colors_wrap_the_level_alone(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, true);

	log_write(l, LOG_ERROR, "x");
	assert_text(&s, S("2024-02-29T12:34:56.789000Z \x1b[31mERROR\x1b[0m sockudo: x\n"));
	sink_close(&s, l);
}

static int n_evaluated;

static str evaluated(void)
{
	n_evaluated++;
	return S("v");
}

static void log_below_the_level_costs_no_evaluation(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false), *none = NULL;

	n_evaluated = 0;
	log_write(l, LOG_DEBUG, "x", LF_STR("k", evaluated()));
	log_write(none, LOG_ERROR, "x", LF_STR("k", evaluated()));
	assert_int_equal(n_evaluated, 0);
	assert_int_equal(s.n_lines, 0);
	log_write(l, LOG_INFO, "x", LF_STR("k", evaluated()));
	assert_int_equal(n_evaluated, 1);
	sink_close(&s, l);
}

static void log_value_of_a_peer_cannot_fool_a_terminal(void **state)
{
	static const struct {
		str value, want;
	} ROWS[] = {
		{ S("gr\xc3\xbc\xc3\x9f"), S("gr\xc3\xbc\xc3\x9f") },
		{ S("\x1b[2J"), S("\"\\u001b[2J\"") },
		{ S("a\x7f"), S("a?") },
		{ S("\xc2\x9b"
		    "31m"),
		  S("??31m") },
		{ S("bad\xff\xc3"), S("bad??") },
	};
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		str line;

		log_write(l, LOG_INFO, "x", LF_STR("v", ROWS[i].value));
		line = buf_str(&s.text);
		line.n--;
		assert_str(str_skip(line,
				    sizeof("2024-02-29T12:34:56.789000Z  INFO sockudo: x v=") - 1),
			   ROWS[i].want);
		buf_clear(&s.text);
	}
	sink_close(&s, l);
}

static void log_long_values_and_lines_are_cut(void **state)
{
	static char big[5000];
	struct sink s;
	struct log *l = sink_open(&s, true, false);
	struct json v;
	str value = { big, sizeof(big) };

	memset(big, 'a', sizeof(big));
	memcpy(big + 1023, "\xc3\xbc", 2); /* the cut falls inside */
	log_write(l, LOG_INFO, "x", LF_STR("v", value));
	assert_in_range(s.text.len, 1023, 1200);
	assert_int_equal(json_parse(buf_str(&s.text), 4, &v, NULL), OK);
	buf_clear(&s.text);

	memset(big, 1, sizeof(big)); /* six characters each */
	log_write(l, LOG_INFO, "x", LF_STR("v", value), LF_STR("w", value));
	assert_text(&s, S("{\"timestamp\":\"2024-02-29T12:34:56.789000Z\",\"level\":\"INFO\","
			  "\"fields\":{\"message\":\"x\",\"fields\":\"too long\"},"
			  "\"target\":\"sockudo\"}\n"));
	sink_close(&s, l);
}

static void log_limited_lets_one_a_second_through_and_counts(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	for (int i = 0; i < 5; i++)
		log_limited(l, LOG_WARN, "refused", LF_I64("i", i));
	log_limited(l, LOG_WARN, "other");
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  WARN sockudo: refused i=0\n"
			  "2024-02-29T12:34:56.789000Z  WARN sockudo: other\n"));
	s.now_ms += 999;
	log_limited(l, LOG_WARN, "refused", LF_I64("i", 5));
	assert_text(&s, S(""));
	s.now_ms += 1;
	log_limited(l, LOG_WARN, "refused", LF_I64("i", 6));
	assert_text(&s, S("2024-02-29T12:34:57.789000Z  WARN sockudo: refused i=6 held_back=5\n"));
	s.now_ms -= 60000; /* the clock was set */
	log_limited(l, LOG_WARN, "refused", LF_I64("i", 7));
	assert_text(&s, S("2024-02-29T12:33:57.789000Z  WARN sockudo: refused i=7\n"));
	sink_close(&s, l);
}

static void log_free_says_what_was_still_held_back(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	for (int i = 0; i < 3; i++)
		log_limited(l, LOG_WARN, "refused");
	buf_clear(&s.text);
	log_free(l);
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  WARN sockudo: refused held_back=2\n"));
	buf_fini(&s.text);
}

static void log_limits_more_events_than_it_has_places(void **state)
{
	static char names[100][16];
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "e%d", i);
		s.now_ms++;
		log_limited(l, LOG_WARN, names[i]);
		log_limited(l, LOG_WARN, names[i]);
	}
	log_free(l);
	/* A line each, and every second one reported once: when its place was taken, or at the
	 * end. */
	assert_int_equal(s.n_lines, 200);
	buf_fini(&s.text);
}

static void log_counts_what_its_sink_did_not_take(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	s.is_full = true;
	for (int i = 0; i < 3; i++)
		log_write(l, LOG_INFO, "x");
	s.is_full = false;
	log_write(l, LOG_INFO, "y");
	log_write(l, LOG_INFO, "z");
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  WARN sockudo: log lines lost lines=3\n"
			  "2024-02-29T12:34:56.789000Z  INFO sockudo: y\n"
			  "2024-02-29T12:34:56.789000Z  INFO sockudo: z\n"));
	s.is_full = true;
	log_write(l, LOG_INFO, "x");
	s.is_full = false;
	log_free(l);
	assert_text(&s, S("2024-02-29T12:34:56.789000Z  WARN sockudo: log lines lost lines=1\n"));
	buf_fini(&s.text);
}

static void log_moves_no_live_bytes_after_the_start(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, true, false);
	int64_t start;

	buf_reserve(&s.text, 100000);
	start = mem_live_bytes();
	for (int i = 0; i < 100; i++)
		log_limited(l, LOG_INFO, "x", LF_I64("i", i));
	log_write(l, LOG_INFO, "y");
	assert_int_equal(mem_live_bytes(), start);
	sink_close(&s, l);
}

static void log_dates_follow_the_calendar(void **state)
{
	static const struct {
		int64_t ms;
		str want;
	} ROWS[] = {
		{ 0, S("1970-01-01T00:00:00.000000Z") },
		{ -1, S("1969-12-31T23:59:59.999000Z") },
		{ 951782400000, S("2000-02-29T00:00:00.000000Z") },
		{ 951868800000, S("2000-03-01T00:00:00.000000Z") },
		{ 1735689599999, S("2024-12-31T23:59:59.999000Z") },
		{ 4107542400000, S("2100-03-01T00:00:00.000000Z") },
	};
	struct sink s;
	struct log *l = sink_open(&s, false, false);

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		s.now_ms = ROWS[i].ms;
		log_write(l, LOG_INFO, "x");
		assert_str(str_take(buf_str(&s.text), ROWS[i].want.n), ROWS[i].want);
		buf_clear(&s.text);
	}
	sink_close(&s, l);
}

static void log_level_parse_knows_six_words_in_any_case(void **state)
{
	static const char *const NAMES[] = { "off", "Error", "WARN", "info", "dEBUG", "trace" };
	enum log_level lv;

	for (size_t i = 0; i < 6; i++) {
		assert_true(log_level_parse(str_from_cstr(NAMES[i]), &lv));
		assert_int_equal(lv, i);
	}
	assert_false(log_level_parse(S("warning"), &lv));
	assert_false(log_level_parse(S(""), &lv));
}

static void *write_many(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_write(arg, LOG_INFO, "tick", LF_I64("i", i));
	return NULL;
}

static void log_lines_of_threads_do_not_mix(void **state)
{
	struct sink s;
	struct log *l = sink_open(&s, true, false);
	pthread_t threads[4];
	struct json v;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, l), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.n_lines, 2000);
	for (str rest = buf_str(&s.text); rest.n;)
		assert_int_equal(json_parse(str_split(&rest, '\n'), 2, &v, NULL), OK);
	sink_close(&s, l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_text_line_is_time_level_event_fields),
		cmocka_unit_test(log_json_line_is_one_object),
		cmocka_unit_test(log_without_target_keeps_the_rest),
		cmocka_unit_test(log_level_can_change_while_it_runs),
		cmocka_unit_test(log_colors_wrap_the_level_alone),
		cmocka_unit_test(log_below_the_level_costs_no_evaluation),
		cmocka_unit_test(log_value_of_a_peer_cannot_fool_a_terminal),
		cmocka_unit_test(log_long_values_and_lines_are_cut),
		cmocka_unit_test(log_limited_lets_one_a_second_through_and_counts),
		cmocka_unit_test(log_free_says_what_was_still_held_back),
		cmocka_unit_test(log_limits_more_events_than_it_has_places),
		cmocka_unit_test(log_counts_what_its_sink_did_not_take),
		cmocka_unit_test(log_moves_no_live_bytes_after_the_start),
		cmocka_unit_test(log_dates_follow_the_calendar),
		cmocka_unit_test(log_level_parse_knows_six_words_in_any_case),
		cmocka_unit_test(log_lines_of_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

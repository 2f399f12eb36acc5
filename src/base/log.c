/* log.c: one line, made whole under a lock and handed to the sink.
 *
 * Lines are rare (a state change each), so a lock and a shared line buffer beat anything clever.
 * Everything is set aside at the start: logging must work when memory is short, and must not
 * move the count of live bytes. Time of day is computed here because the C library's gmtime
 * family reads the time zone. */
#include "base/log.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the original calls the whole program; filters name it ("RUST_LOG=warn,sockudo=debug"). */
#define TARGET "sockudo"

enum { LINE_BYTES_MAX = 8192, VALUE_BYTES_MAX = 1024, N_LIMITS = 64, LIMIT_WINDOW_US = 1000000 };

/* One event name that went through log_limited. */
struct limit {
	const char *event; /* NULL: free */
	enum log_level level;
	int64_t since_us; /* when its last line went out */
	uint64_t n_held;
};

struct log {
	struct log_options o;
	_Atomic(enum log_level) level;
	pthread_mutex_t lock;
	struct buf line;
	struct limit limits[N_LIMITS];
	uint64_t n_lost; /* since a line was taken */
};

static const struct {
	str name, color;
} LEVELS[] = {
	[LOG_OFF] = { S("OFF"), S("") },
	[LOG_ERROR] = { S("ERROR"), S("\x1b[31m") },
	[LOG_WARN] = { S("WARN"), S("\x1b[33m") },
	[LOG_INFO] = { S("INFO"), S("\x1b[32m") },
	[LOG_DEBUG] = { S("DEBUG"), S("\x1b[34m") },
	[LOG_TRACE] = { S("TRACE"), S("\x1b[35m") },
};

bool log_level_parse(str name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (str_eq_nocase(name, LEVELS[i].name)) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

struct log *log_new(const struct log_options *o)
{
	struct log *l = xnew(struct log);

	l->o = *o;
	log_set_level(l, o->level);
	pthread_mutex_init(&l->lock, NULL);
	buf_init(&l->line, LINE_BYTES_MAX);
	buf_reserve(&l->line, LINE_BYTES_MAX);
	return l;
}

enum log_level log_level(const struct log *l)
{
	return atomic_load_explicit(&l->level, memory_order_relaxed);
}

void log_set_level(struct log *l, enum log_level level)
{
	atomic_store_explicit(&l->level, level, memory_order_relaxed);
}

struct civil {
	int year, month, day;
};

/* Counts years from March, so that the leap day is the last of its year, in eras of 400 years. */
static struct civil civil_from_days(int64_t days)
{
	int64_t since_march_0 = days + 719468;
	int64_t era = (since_march_0 >= 0 ? since_march_0 : since_march_0 - 146096) / 146097;
	int day_of_era = (int)(since_march_0 - era * 146097);
	int year =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
	int month = (5 * day_of_year + 2) / 153;

	return (struct civil){
		.year = year + (int)era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day_of_year - (153 * month + 2) / 5 + 1,
	};
}

static void put_time(struct buf *b, int64_t wall_us)
{
	const int64_t day_us = INT64_C(86400000000);
	int64_t days = wall_us / day_us - (wall_us % day_us < 0);
	int64_t us = wall_us - days * day_us;
	int s = (int)(us / 1000000);
	struct civil c = civil_from_days(days);

	buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", c.year, c.month, c.day, s / 3600,
		   s / 60 % 60, s % 60, (int)(us % 1000000));
}

/* Control characters, those that terminals obey in UTF-8 included. */
static bool is_treacherous(str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];

	return c == 0x7f || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0);
}

/* A copy of s that is sound UTF-8 and harmless, with '?' for what is not. */
static str sanitize(str s, char out[VALUE_BYTES_MAX])
{
	bool is_text = utf8_valid(s);

	if (is_text)
		s = utf8_truncate(s, VALUE_BYTES_MAX);
	s = str_take(s, VALUE_BYTES_MAX);
	for (size_t i = 0; i < s.n; i++) {
		bool bad = is_text ? is_treacherous(s, i) : (unsigned char)s.p[i] >= 0x7f;

		out[i] = bad ? '?' : s.p[i];
		if (bad && s.p[i] == '\xc2')
			out[++i] = '?';
	}
	return (str){ out, s.n };
}

static bool needs_quotes(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' ||
		    s.p[i] == '=')
			return true;
	return s.n == 0;
}

static void put_value(struct buf *b, const struct log_field *f, bool quote)
{
	char clean[VALUE_BYTES_MAX];
	str s;

	switch (f->kind) {
	case LOG_FIELD_U64:
		buf_putu(b, f->u);
		break;
	case LOG_FIELD_I64:
		buf_puti(b, (int64_t)f->u);
		break;
	case LOG_FIELD_STR:
		s = sanitize(f->s, clean);
		if (quote || needs_quotes(s))
			jw_string(b, s);
		else
			buf_puts(b, s);
		break;
	}
}

static void put_text_head(struct log *l, enum log_level lv, const char *event)
{
	struct buf *b = &l->line;

	put_time(b, l->o.wall_us(l->o.ctx));
	buf_putc(b, ' ');
	if (l->o.colors)
		buf_puts(b, LEVELS[lv].color);
	buf_printf(b, "%5.*s", STR_ARG(LEVELS[lv].name));
	if (l->o.colors)
		buf_puts(b, S("\x1b[0m"));
	buf_puts(b, l->o.no_target ? S(" ") : S(" " TARGET ": "));
	buf_puts(b, str_from_cstr(event));
}

static void put_text_field(struct buf *b, const struct log_field *f)
{
	buf_putc(b, ' ');
	buf_puts(b, str_from_cstr(f->key));
	buf_putc(b, '=');
	put_value(b, f, false);
}

static void put_json_head(struct log *l, enum log_level lv, const char *event)
{
	struct buf *b = &l->line;

	buf_puts(b, S("{\"timestamp\":\""));
	put_time(b, l->o.wall_us(l->o.ctx));
	buf_puts(b, S("\",\"level\":\""));
	buf_puts(b, LEVELS[lv].name);
	buf_puts(b, S("\",\"fields\":{\"message\":"));
	jw_string(b, str_from_cstr(event));
}

static void put_json_field(struct buf *b, const struct log_field *f)
{
	buf_putc(b, ',');
	jw_string(b, str_from_cstr(f->key));
	buf_putc(b, ':');
	put_value(b, f, true);
}

static void put_line(struct log *l, enum log_level lv, const char *event, const struct log_field *f,
		     size_t n, uint64_t n_held)
{
	void (*put_field)(struct buf * b, const struct log_field *f) =
		l->o.json ? put_json_field : put_text_field;

	buf_clear(&l->line);
	(l->o.json ? put_json_head : put_text_head)(l, lv, event);
	for (size_t i = 0; i < n; i++)
		put_field(&l->line, &f[i]);
	if (n_held)
		put_field(&l->line, &LF_U64("held_back", n_held));
	if (l->o.json)
		buf_puts(&l->line, l->o.no_target ? S("}}") : S("},\"target\":\"" TARGET "\"}"));
	buf_putc(&l->line, '\n');
}

static bool hand_over(struct log *l)
{
	return l->o.write(l->o.ctx, buf_str(&l->line));
}

static void report_lost(struct log *l)
{
	if (l->n_lost == 0)
		return;
	put_line(l, LOG_WARN, "log lines lost", &LF_U64("lines", l->n_lost), 1, 0);
	if (hand_over(l))
		l->n_lost = 0;
}

static void write_line(struct log *l, enum log_level lv, const char *event,
		       const struct log_field *f, size_t n, uint64_t n_held)
{
	report_lost(l);
	put_line(l, lv, event, f, n, n_held);
	if (!buf_ok(&l->line))
		put_line(l, lv, event, &LF_CSTR("fields", "too long"), 1, n_held);
	l->n_lost += !hand_over(l);
}

static void report_held(struct log *l, const struct limit *lim)
{
	if (lim->n_held)
		write_line(l, lim->level, lim->event, NULL, 0, lim->n_held);
}

/* The entry of this event, or the one to overwrite for it. */
static struct limit *limit_of(struct log *l, const char *event)
{
	struct limit *oldest = &l->limits[0];

	for (size_t i = 0; i < N_LIMITS; i++) {
		struct limit *lim = &l->limits[i];

		if (!lim->event || strcmp(lim->event, event) == 0)
			return lim;
		if (lim->since_us < oldest->since_us)
			oldest = lim;
	}
	report_held(l, oldest);
	*oldest = (struct limit){ 0 };
	return oldest;
}

static void emit_limited(struct log *l, enum log_level lv, const char *event,
			 const struct log_field *f, size_t n)
{
	struct limit *lim = limit_of(l, event);
	int64_t now_us = l->o.wall_us(l->o.ctx);
	int64_t age_us = now_us - lim->since_us;

	/* The wall clock may jump back: that ends the window too. */
	if (lim->event && age_us >= 0 && age_us < LIMIT_WINDOW_US) {
		lim->n_held++;
		return;
	}
	write_line(l, lv, event, f, n, lim->n_held);
	*lim = (struct limit){ .event = event, .level = lv, .since_us = now_us };
}

void log_emit(struct log *l, enum log_level lv, bool limited, const char *event,
	      const struct log_field *f, size_t n)
{
	pthread_mutex_lock(&l->lock);
	if (limited)
		emit_limited(l, lv, event, f, n);
	else
		write_line(l, lv, event, f, n, 0);
	pthread_mutex_unlock(&l->lock);
}

void log_free(struct log *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < N_LIMITS; i++)
		report_held(l, &l->limits[i]);
	report_lost(l);
	buf_fini(&l->line);
	pthread_mutex_destroy(&l->lock);
	xfree(l);
}

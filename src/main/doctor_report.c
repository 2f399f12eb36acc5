/* doctor_report.c: a line for each check as it ends, then for each finding what was seen, what it
 * means and what to change. Colours only where somebody looks. */
#include "main/doctor_report.h"

#include "base/check.h"
#include "base/json.h"
#include "main/cli.h"

#include <stdio.h>
#include <string.h>

enum { REPORT_BYTES_MAX = 1 << 20 };

#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

static const struct {
	const char *name, *color;
} levels[] = {
	[DOCTOR_SKIPPED] = { "skipped", DIM },
	[DOCTOR_OK] = { "ok", "\x1b[32m" },
	[DOCTOR_WARNING] = { "warning", "\x1b[33m" },
	[DOCTOR_PROBLEM] = { "problem", "\x1b[31m" },
};

static const char *color(const struct doctor *d, const char *code)
{
	return d->is_terminal ? code : "";
}

static unsigned count(const struct doctor *d, enum doctor_level level)
{
	unsigned n = 0;

	for (size_t i = 0; i < N_DOCTOR_CHECKS; i++)
		n += d->lines[i].level == level;
	return n;
}

static unsigned count_found(const struct doctor *d, enum doctor_level level)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->n_found; i++)
		n += doctor_finding_texts[d->found[i].finding].level == level;
	return n;
}

/* Text that a peer may have had a hand in: one line of ASCII, nothing that moves the cursor. */
static void put_text(struct buf *b, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool is_plain = s.p[i] >= ' ' && s.p[i] < 0x7f;

		buf_put(b, is_plain ? &s.p[i] : "?", 1);
	}
}

static void print(struct buf *b)
{
	fwrite(b->p, 1, b->len, stdout);
	fflush(stdout);
	buf_fini(b);
}

void doctor_report_begin(const struct doctor *d)
{
	printf("\n  %sExamining %.*s%s\n\n", color(d, BOLD), STR_ARG(d->url_text), color(d, PLAIN));
	fflush(stdout);
}

void doctor_report_line(const struct doctor *d, unsigned check)
{
	const struct doctor_line *line = &d->lines[check];
	const char *level_color = levels[line->level].color;
	struct buf b;

	buf_init(&b, REPORT_BYTES_MAX);
	if (d->is_terminal)
		buf_puts(&b, S("\r\x1b[K"));
	buf_printf(&b, "  %s%-8s%s %-16s%s", color(d, level_color), levels[line->level].name,
		   color(d, PLAIN), doctor_checks[check].name,
		   line->level == DOCTOR_SKIPPED ? color(d, DIM) : "");
	put_text(&b, line->text);
	buf_printf(&b, "%s\n", color(d, PLAIN));
	print(&b);
}

/* Findings */

/* "CERT_CHAIN" → "cert-chain". */
static void put_name(struct buf *b, enum doctor_finding f)
{
	for (const char *p = doctor_finding_texts[f].name; *p; p++)
		buf_putc(b, (char)(*p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p));
}

static str filled(const struct doctor *d, str name)
{
	if (str_eq(name, S("{host}")))
		return d->url.host;
	return str_eq(name, S("{app_id}")) ? d->app_id : (str){ 0 };
}

/* The text with its {names} filled in. */
static void put_filled(struct buf *b, const struct doctor *d, str text)
{
	while (text.n) {
		size_t brace = str_find_char(text, '{');
		str name, value;

		buf_puts(b, str_take(text, brace));
		text = str_skip(text, brace);
		name = str_take(text, str_find_char(text, '}') + 1);
		value = filled(d, name);
		if (value.p) {
			buf_puts(b, value);
			text = str_skip(text, name.n);
		} else {
			buf_puts(b, str_take(text, 1));
			text = str_skip(text, 1);
		}
	}
}

/* Under a heading, each line indented. */
static void put_block(struct buf *b, const struct doctor *d, const char *heading, const char *text)
{
	str rest = str_from_cstr(text);

	buf_printf(b, "    %s%s%s\n", color(d, DIM), heading, color(d, PLAIN));
	while (rest.n) {
		buf_puts(b, S("      "));
		put_filled(b, d, str_split(&rest, '\n'));
		buf_putc(b, '\n');
	}
}

static void put_finding(struct buf *b, const struct doctor *d, const struct doctor_found *f)
{
	const struct doctor_finding_text *t = &doctor_finding_texts[f->finding];

	buf_printf(b, "\n  %s%s%s: %s%s%s  %s[", color(d, levels[t->level].color),
		   levels[t->level].name, color(d, PLAIN), color(d, BOLD), t->title,
		   color(d, PLAIN), color(d, DIM));
	put_name(b, f->finding);
	buf_printf(b, "]%s\n    %sSeen%s\n      %s: ", color(d, PLAIN), color(d, DIM),
		   color(d, PLAIN), doctor_checks[f->check].name);
	put_text(b, f->seen);
	buf_putc(b, '\n');
	put_block(b, d, "It means", t->meaning);
	put_block(b, d, "Change", t->change);
}

static void put_total(struct buf *b, const struct doctor *d, unsigned ms)
{
	unsigned n_problems = count_found(d, DOCTOR_PROBLEM);
	unsigned n_warnings = count_found(d, DOCTOR_WARNING);

	buf_printf(b, "\n  %s%u problem%s, %u warning%s%s, %u ok, %u skipped, in %u.%u s\n\n",
		   color(d, BOLD), n_problems, n_problems == 1 ? "" : "s", n_warnings,
		   n_warnings == 1 ? "" : "s", color(d, PLAIN), count(d, DOCTOR_OK),
		   count(d, DOCTOR_SKIPPED), ms / 1000, ms % 1000 / 100);
}

/* JSON */

static void put_member(struct buf *b, const char *name, str text)
{
	buf_printf(b, "\"%s\":", name);
	jw_string(b, text);
}

/* What peers say need not be UTF-8, and JSON has to be. */
static str ascii(struct doctor *d, str s)
{
	str copy = arena_copy(&d->arena, s);

	for (size_t i = 0; i < copy.n; i++) {
		if ((unsigned char)copy.p[i] >= 0x80)
			((char *)copy.p)[i] = '?';
	}
	return copy;
}

static void put_checks_json(struct buf *b, struct doctor *d)
{
	for (unsigned i = 0; i < N_DOCTOR_CHECKS; i++) {
		const struct doctor_line *line = &d->lines[i];

		buf_puts(b, i ? S(",{") : S("{"));
		put_member(b, "check", str_from_cstr(doctor_checks[i].name));
		buf_putc(b, ',');
		put_member(b, "level", str_from_cstr(levels[line->level].name));
		buf_putc(b, ',');
		put_member(b, "text", ascii(d, line->text));
		buf_printf(b, ",\"ms\":%u}", line->ms);
	}
}

static void put_finding_json(struct buf *b, struct doctor *d, const struct doctor_found *f)
{
	const struct doctor_finding_text *t = &doctor_finding_texts[f->finding];
	struct buf change;

	buf_init(&change, REPORT_BYTES_MAX);
	put_filled(&change, d, str_from_cstr(t->change));
	buf_puts(b, S("{\"finding\":\""));
	put_name(b, f->finding);
	buf_puts(b, S("\","));
	put_member(b, "level", str_from_cstr(levels[t->level].name));
	buf_putc(b, ',');
	put_member(b, "check", str_from_cstr(doctor_checks[f->check].name));
	buf_putc(b, ',');
	put_member(b, "title", str_from_cstr(t->title));
	buf_putc(b, ',');
	put_member(b, "seen", ascii(d, f->seen));
	buf_putc(b, ',');
	put_member(b, "means", str_from_cstr(t->meaning));
	buf_putc(b, ',');
	put_member(b, "change", buf_str(&change));
	buf_putc(b, '}');
	buf_fini(&change);
}

static void put_json(struct buf *b, struct doctor *d, unsigned ms)
{
	buf_putc(b, '{');
	put_member(b, "url", ascii(d, d->url_text));
	buf_printf(b, ",\"problems\":%u,\"warnings\":%u,\"ms\":%u,\"checks\":[",
		   count_found(d, DOCTOR_PROBLEM), count_found(d, DOCTOR_WARNING), ms);
	put_checks_json(b, d);
	buf_puts(b, S("],\"findings\":["));
	for (size_t i = 0; i < d->n_found; i++) {
		buf_puts(b, i ? S(",") : S(""));
		put_finding_json(b, d, &d->found[i]);
	}
	buf_puts(b, S("]}\n"));
}

int doctor_report_end(struct doctor *d, unsigned ms)
{
	struct buf b;

	buf_init(&b, REPORT_BYTES_MAX);
	if (d->is_json) {
		put_json(&b, d, ms);
	} else {
		for (size_t i = 0; i < d->n_found; i++)
			put_finding(&b, d, &d->found[i]);
		put_total(&b, d, ms);
	}
	print(&b);
	return count_found(d, DOCTOR_PROBLEM) ? EXIT_FAILED : 0;
}

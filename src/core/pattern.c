/* pattern.c: PCRE2 behind our own memory, without its JIT: that needs writable code, and names are
 * short.
 *
 * The original's patterns are those of Rust's regex library. What both know means the same here:
 * $ is the very end, \d is a digit. Names are ASCII when they come here, so Unicode makes no
 * difference but in what a pattern may contain. */
#include "core/pattern.h"

#include "base/check.h"
#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps of one match: an ordinary pattern takes at most a few thousand for a name of 1000 bytes;
 * all of them take 3 ms. */
#define STEPS_MAX 20000
#define HEAP_KIB_MAX 4096

struct pattern {
	pcre2_general_context *memory;
	pcre2_match_context *bounds;
	pcre2_code *code;
	str text;
	char bytes[];
};

static void *take_memory(size_t bytes, void *ctx)
{
	return try_alloc(bytes);
}

static void give_memory(void *p, void *ctx)
{
	xfree(p);
}

static void describe(int error, size_t offset, struct arena *a, str *problem)
{
	char text[200] = "";
	str pieces[4] = { { NULL, 0 }, S(" (byte "), arena_number(a, offset), S(")") };

	pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
	pieces[0] = str_from_cstr(text);
	*problem = arena_join(a, pieces, ARRAY_LEN(pieces));
}

static bool compile(struct pattern *p, str text, struct arena *a, str *problem)
{
	pcre2_compile_context *ctx = pcre2_compile_context_create(p->memory);
	size_t offset = 0;
	int error = PCRE2_ERROR_NOMEMORY;

	if (ctx)
		p->code = pcre2_compile((PCRE2_SPTR)(text.n ? text.p : ""), text.n,
					PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
					&error, &offset, ctx);
	pcre2_compile_context_free(ctx);
	if (!p->code)
		describe(error, offset, a, problem);
	return p->code != NULL;
}

struct pattern *pattern_new(str text, struct arena *a, str *problem)
{
	struct pattern *p = xalloc(sizeof(*p) + text.n);

	*p = (struct pattern){ .text = { p->bytes, text.n } };
	if (text.n)
		memcpy(p->bytes, text.p, text.n);
	p->memory = pcre2_general_context_create(take_memory, give_memory, NULL);
	p->bounds = p->memory ? pcre2_match_context_create(p->memory) : NULL;
	if (!p->bounds) {
		*problem = S("memory is short");
	} else if (compile(p, text, a, problem)) {
		pcre2_set_match_limit(p->bounds, STEPS_MAX);
		pcre2_set_heap_limit(p->bounds, HEAP_KIB_MAX);
		return p;
	}
	pattern_free(p);
	return NULL;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->bounds);
	pcre2_general_context_free(p->memory);
	xfree(p);
}

str pattern_text(const struct pattern *p)
{
	return p->text;
}

bool pattern_matches(const struct pattern *p, str subject)
{
	pcre2_match_data *match = pcre2_match_data_create(1, p->memory);
	int result;

	if (!match)
		return false;
	result = pcre2_match(p->code, (PCRE2_SPTR)(subject.n ? subject.p : ""), subject.n, 0, 0,
			     match, p->bounds);
	pcre2_match_data_free(match);
	return result >= 0;
}

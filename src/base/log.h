/* log.h: one line per state change, key=value or JSON.
 *
 *   log_write(log, LOG_INFO, "http server listening", LF_STR("listen_addr", a));
 *
 * A line has a time, a level, a target, an event (a lower-case phrase that stays the same across
 * versions, because operators match on it) and fields. Both forms are those of the original, so
 * that its users' collectors go on working.
 * Secrets, payloads and auth strings are never passed in. log_limited lets one line per event
 * name and second through; the next one, or log_free, says how many were held back. What the sink
 * does not take is lost, and the next line that it takes follows one that counts them. Values are
 * cut at 1 KiB, a line at 8 KiB, and bytes that could fool a terminal are replaced, so that
 * fields may come from a peer. Nothing is allocated after log_new. The sink is given by main;
 * this floor writes nothing itself. Thread-safe. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

struct log_field {
	const char *key;
	enum { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64 } kind;
	str s;
	uint64_t u;
};
#define LF_STR(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_STR, .s = (v) })
#define LF_CSTR(k, v) LF_STR(k, str_from_cstr(v))
#define LF_U64(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_U64, .u = (uint64_t)(v) })
#define LF_I64(k, v)                                                                               \
	((struct log_field){ .key = (k), .kind = LOG_FIELD_I64, .u = (uint64_t)(int64_t)(v) })

struct log;
struct log_options {
	enum log_level level;
	bool json;
	bool colors;
	bool no_target;
	/* line ends with '\n'; called under the log's lock. False: it was not taken. */
	bool (*write)(void *ctx, str line);
	int64_t (*wall_us)(void *ctx);
	void *ctx;
};

struct log *log_new(const struct log_options *o);
void log_free(struct log *l);
enum log_level log_level(const struct log *l);
/* From now on, for all threads. */
void log_set_level(struct log *l, enum log_level level);
/* "error warn info debug trace off", any case. False: unknown. */
bool log_level_parse(str name, enum log_level *out);

void log_emit(struct log *l, enum log_level lv, bool limited, const char *event,
	      const struct log_field *f, size_t n);
#define log_write(l, lv, event, ...)                                                               \
	log_emit_if(l, lv, false, event, ((struct log_field[]){ { 0 }, ##__VA_ARGS__ }))
#define log_limited(l, lv, event, ...)                                                             \
	log_emit_if(l, lv, true, event, ((struct log_field[]){ { 0 }, ##__VA_ARGS__ }))
/* fields[0] is a filler so that an empty list is legal C; a NULL log is silent. */
#define log_emit_if(l, lv, limited, event, fields)                                                 \
	((l) && log_level(l) >= (lv) ? log_emit(l, lv, limited, event, (fields) + 1,               \
						sizeof(fields) / sizeof(struct log_field) - 1) :   \
				       (void)0)

#endif

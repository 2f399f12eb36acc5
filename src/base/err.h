/* err.h: the one set of error values that functions return.
 *
 * 0 is success. An err says what kind of thing went wrong so that a caller can decide; the words
 * that a user reads are built where the limit, the value and the setting are known. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_TABLE(X)                                                                               \
	X(ERR_AGAIN, "not enough data yet")                                                        \
	X(ERR_SYNTAX, "malformed input")                                                           \
	X(ERR_DEPTH, "nested too deeply")                                                          \
	X(ERR_LIMIT, "a configured limit was reached")                                             \
	X(ERR_AUTH, "signature does not match")                                                    \
	X(ERR_NOT_FOUND, "no such thing")                                                          \
	X(ERR_EXISTS, "exists already")                                                            \
	X(ERR_MEMORY, "out of memory")                                                             \
	X(ERR_IO, "the system refused")

typedef enum err {
	OK = 0,
#define X(id, text) id,
	ERR_TABLE(X)
#undef X
} err;

const char *err_text(err e);

#endif

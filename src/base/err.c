/* err.c: the words for each error value, out of the table that makes the enum. */
#include "base/err.h"

#include "base/check.h"

const char *err_text(err e)
{
	switch (e) {
	case OK:
		return "success";
#define X(id, text)                                                                                \
	case id:                                                                                   \
		return text;
		ERR_TABLE(X)
#undef X
	}
	NEVER("an err outside the table");
}

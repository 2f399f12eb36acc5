/* urlencode.h: percent-encoding and query strings (application/x-www-form-urlencoded).
 *
 * Decoding never fails: a malformed % stays literally, invalid UTF-8 becomes U+FFFD where
 * form_decode says so (this is what the signing rule of the HTTP API demands). */
#ifndef CODEC_URLENCODE_H
#define CODEC_URLENCODE_H

#include "base/arena.h"

/* %XX only ('+' stays), for path segments. The span itself when nothing is encoded, else a copy in
 * a. Bytes may be anything. */
str url_decode(str s, struct arena *a);
/* '+' is a space, %XX a byte, invalid UTF-8 is U+FFFD. */
str form_decode(str s, struct arena *a);

struct query_pair {
	str name, value; /* decoded */
};
/* Cuts the next pair off *rest (text between '&'; empty pieces are skipped). A piece without '='
 * has the empty value. */
bool query_next(str *rest, struct arena *a, struct query_pair *out);

/* Splits /a/b/c into raw segments: cuts the next one off *path, which begins with '/'. False at the
 * end. */
bool path_next(str *path, str *segment);

#endif

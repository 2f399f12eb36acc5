/* http1_priv.h: what the head and the chunks of a request have in common. */
#ifndef CODEC_HTTP1_PRIV_H
#define CODEC_HTTP1_PRIV_H

#include <stdbool.h>

/* RFC 9110: the bytes of a token. */
extern const bool HTTP_IS_TCHAR[256];

#endif

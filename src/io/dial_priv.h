/* dial_priv.h: what dial.c and dial_tls.c share. */
#ifndef IO_DIAL_PRIV_H
#define IO_DIAL_PRIV_H

#include "io/dial.h"

/* Waits for events of poll.h until deadline_ms on dial_now_ms' clock (UINT64_MAX: for ever). False:
 * the time is over. */
bool dial_wait(int fd, short events, uint64_t deadline_ms);
static inline uint64_t dial_deadline(unsigned wait_ms)
{
	return wait_ms == DIAL_FOREVER ? UINT64_MAX : dial_now_ms() + wait_ms;
}

err dial_tls_send(struct dial *d, str bytes, uint64_t deadline_ms);
err dial_tls_recv(struct dial *d, void *p, size_t max, uint64_t deadline_ms, size_t *n);
void dial_tls_free(struct dial *d);

#endif

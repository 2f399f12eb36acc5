/* service.h: what a service manager is told (systemd's sd_notify protocol): that the server is
 * ready, reads its configuration again, stops; and, if it asks for that, that all loops turn.
 *
 * Without NOTIFY_SOCKET everything here is silent. A message that cannot be sent is lost: the
 * server does not depend on its manager. Of the main thread alone. */
#ifndef MAIN_SERVICE_H
#define MAIN_SERVICE_H

#include "base/log.h"
#include "io/loop.h"

struct service;

/* control is the main thread's, loops are those of the threads; log may be NULL. Everything must
 * outlive it. Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
struct service *service_new(struct loop *control, struct loop *const *loops, size_t n_loops,
			    struct log *log);
void service_free(struct service *s);

/* All threads run: clients are welcome (also: again, after a reload). From the first time on the
 * watchdog is fed at half of its time, but only while every loop turns. status: a sentence for
 * `systemctl status`. */
void service_ready(struct service *s, str status);
void service_reloading(struct service *s);
void service_stopping(struct service *s);

#endif

/* service.c: one datagram per message, to a path or an abstract name.
 *
 * A loop that has nothing to do sleeps and does not turn, so the watchdog wakes each of them, and
 * half a period later wants to see that it did. One that hangs in a turn gets the server restarted
 * by its manager: that is what the watchdog is for. */
#include "main/service.h"

#include "base/check.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX 512

struct service {
	struct loop *control;
	struct loop *const *loops;
	size_t n_loops;
	struct log *log;
	struct sockaddr_un manager;
	socklen_t manager_len; /* 0: there is none */
	uint64_t watchdog_ms;  /* half of what the manager gives; 0: it does not watch */
	struct timer watchdog;
	uint32_t *n_turns; /* of each loop, when it was woken */
	bool is_stuck;
};

static void tell(const struct service *s, const char *text, size_t n)
{
	int fd;

	if (s->manager_len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, text, n, MSG_NOSIGNAL, (const struct sockaddr *)&s->manager,
			     s->manager_len) < 0)
		log_limited(s->log, LOG_WARN, "service manager unreachable");
	if (fd >= 0)
		close(fd);
}

/* Loops */

static void wake_all(struct service *s)
{
	for (size_t i = 0; i < s->n_loops; i++) {
		s->n_turns[i] = loop_n_turns(s->loops[i]);
		loop_wake(s->loops[i]);
	}
}

static bool all_have_turned(const struct service *s)
{
	for (size_t i = 0; i < s->n_loops; i++) {
		if (loop_n_turns(s->loops[i]) == s->n_turns[i])
			return false;
	}
	return true;
}

static void on_watchdog(struct timer *t)
{
	struct service *s = container_of(t, struct service, watchdog);
	bool is_stuck = !all_have_turned(s);

	if (!is_stuck)
		tell(s, "WATCHDOG=1", strlen("WATCHDOG=1"));
	else if (!s->is_stuck)
		log_write(s->log, LOG_ERROR, "a thread does not turn",
			  LF_U64("for_ms", s->watchdog_ms));
	s->is_stuck = is_stuck;
	wake_all(s);
	timer_arm(s->control, t, s->watchdog_ms);
}

/* Messages */

void service_ready(struct service *s, str status)
{
	char text[MESSAGE_BYTES_MAX];
	int n = snprintf(text, sizeof(text), "READY=1\nSTATUS=%.*s", STR_ARG(status));

	tell(s, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	if (s->watchdog_ms == 0 || timer_is_armed(&s->watchdog))
		return;
	tell(s, "WATCHDOG=1", strlen("WATCHDOG=1"));
	wake_all(s);
	timer_arm(s->control, &s->watchdog, s->watchdog_ms);
}

void service_reloading(struct service *s)
{
	char text[MESSAGE_BYTES_MAX];
	int n = snprintf(text, sizeof(text),
			 "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
			 "\nSTATUS=Reading the configuration",
			 loop_now_ns(s->control) / 1000);

	tell(s, text, (size_t)n);
}

void service_stopping(struct service *s)
{
	static const char text[] = "STOPPING=1\nSTATUS=Sending clients away";

	tell(s, text, sizeof(text) - 1);
}

/* Life */

/* A path, or '@' and a name that is no file's. */
static void find_manager(struct service *s)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(s->manager.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	s->manager.sun_family = AF_UNIX;
	memcpy(s->manager.sun_path, path, n);
	s->manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (path[0] == '@')
		s->manager.sun_path[0] = 0;
	else
		s->manager_len++;
}

static bool number_of(const char *name, uint64_t *out)
{
	const char *text = getenv(name);

	return text && str_to_u64(str_from_cstr(text), UINT64_MAX, out);
}

static uint64_t watchdog_ms(void)
{
	uint64_t us, pid;

	if (!number_of("WATCHDOG_USEC", &us) ||
	    (number_of("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid()))
		return 0;
	us /= 2000;
	return us > TIMER_DELAY_MAX_MS ? TIMER_DELAY_MAX_MS : us;
}

struct service *service_new(struct loop *control, struct loop *const *loops, size_t n_loops,
			    struct log *log)
{
	struct service *s = xnew(struct service);

	s->control = control;
	s->loops = loops;
	s->n_loops = n_loops;
	s->log = log;
	s->n_turns = xcalloc(n_loops, sizeof(*s->n_turns));
	timer_init(&s->watchdog, on_watchdog);
	find_manager(s);
	if (s->manager_len)
		s->watchdog_ms = watchdog_ms();
	return s;
}

void service_free(struct service *s)
{
	if (!s)
		return;
	timer_disarm(&s->watchdog);
	xfree(s->n_turns);
	xfree(s);
}

/* raw_loop.c: R, the yardstick: what the kernel alone costs per delivery, on this machine, in this minute.
 *
 * N connected pairs of TCP sockets on loopback; one process sends a frame of 120 bytes to each in turn, as fast
 * as it can, and another on another core drains them. No server that wakes N sockets per message can do better.
 * With --frames K every send carries K frames: what coalescing could gain at most. Two processes and not two
 * threads, because the descriptors of a threaded process cost a little more and the server has one thread, too. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"
#include "loop.h"

#define FRAME_BYTES 120u
#define FRAMES_MAX 256u
#define WARM_UP_NS 200000000u

struct raw_loop {
	uint32_t n_pairs, n_frames;
	unsigned sender_core, reader_core;
	uint64_t measured_ns;
	int *senders, *readers;
};

static void pin_to(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		die("cannot run on core %u", core);
}

static int listen_somewhere(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof *address;

	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, n) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)address, &n) != 0)
		die("cannot listen");
	return fd;
}

static void connect_pairs(struct raw_loop *r)
{
	struct sockaddr_in address;
	int listener = listen_somewhere(&address);
	int on = 1;

	r->senders = must_calloc(r->n_pairs, sizeof *r->senders);
	r->readers = must_calloc(r->n_pairs, sizeof *r->readers);
	for (uint32_t i = 0; i < r->n_pairs; i++) {
		r->readers[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (r->readers[i] < 0 ||
		    connect(r->readers[i], (struct sockaddr *)&address, sizeof address) != 0)
			die("cannot connect pair %u", i);
		r->senders[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (r->senders[i] < 0)
			die("cannot accept pair %u", i);
		setsockopt(r->senders[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
	close(listener);
}

static void close_all(const int *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		close(fds[i]);
}

static _Noreturn void drain(const struct raw_loop *r)
{
	static char bytes[65536];
	struct epoll_event ready[256];
	int epoll_fd = epoll_create1(0);

	for (uint32_t i = 0; i < r->n_pairs; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.fd = r->readers[i] };

		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, r->readers[i], &e) != 0)
			die("epoll_ctl");
	}
	for (;;) {
		int n = epoll_wait(epoll_fd, ready, 256, 0);

		for (int i = 0; i < n; i++) {
			if (recv(ready[i].data.fd, bytes, sizeof bytes, MSG_DONTWAIT) == 0)
				exit(0);
		}
	}
}

static pid_t start_reader(const struct raw_loop *r)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_all(r->senders, r->n_pairs);
		pin_to(r->reader_core);
		drain(r);
	}
	close_all(r->readers, r->n_pairs);
	return pid;
}

/* One round over all pairs; returns how often a socket was full and had to be tried again. */
static uint64_t send_round(const struct raw_loop *r, const char *frames)
{
	size_t n = (size_t)r->n_frames * FRAME_BYTES;
	uint64_t n_full = 0;

	for (uint32_t i = 0; i < r->n_pairs; i++) {
		size_t done = 0;

		while (done < n) {
			ssize_t sent = send(r->senders[i], frames + done, n - done, MSG_NOSIGNAL);

			if (sent > 0)
				done += (size_t)sent;
			else if (sent < 0 && errno == EAGAIN)
				n_full++;
			else
				die("send");
		}
	}
	return n_full;
}

static void measure(const struct raw_loop *r)
{
	static char frames[FRAMES_MAX * FRAME_BYTES];
	uint64_t n_sends = 0, n_full = 0;
	uint64_t start_ns = now_ns();
	double elapsed_s;

	memset(frames, 'x', sizeof frames);
	while (now_ns() - start_ns < WARM_UP_NS)
		send_round(r, frames);
	for (start_ns = now_ns(); now_ns() - start_ns < r->measured_ns; n_sends += r->n_pairs)
		n_full += send_round(r, frames);
	elapsed_s = (double)(now_ns() - start_ns) / 1e9;
	printf("{\"pairs\":%u,\"frames_per_send\":%u,\"sends_per_s\":%.10g,\"frames_per_s\":%.10g,"
	       "\"full_per_send\":%.4f}\n",
	       r->n_pairs, r->n_frames, (double)n_sends / elapsed_s,
	       (double)n_sends * r->n_frames / elapsed_s, (double)n_full / (double)n_sends);
}

static _Noreturn void usage(FILE *to, int status)
{
	fputs("usage: sockudo-raw-loop [--pairs 1000] [--frames 1] [--measured-ms 1000]\n"
	      "       [--sender-core 0] [--reader-core 1]\n",
	      to);
	exit(status);
}

static void parse(int argc, char **argv, struct raw_loop *r)
{
	static const struct option options[] = {
		{ "pairs", required_argument, NULL, 'p' },
		{ "frames", required_argument, NULL, 'f' },
		{ "measured-ms", required_argument, NULL, 'm' },
		{ "sender-core", required_argument, NULL, 's' },
		{ "reader-core", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			r->n_pairs = (uint32_t)must_number(optarg, 100000, "--pairs");
			break;
		case 'f':
			r->n_frames = (uint32_t)must_number(optarg, FRAMES_MAX, "--frames");
			break;
		case 'm':
			r->measured_ns = must_number(optarg, 1000000, "--measured-ms") * 1000000u;
			break;
		case 's':
			r->sender_core =
				(unsigned)must_number(optarg, CPU_SETSIZE - 1, "--sender-core");
			break;
		case 'r':
			r->reader_core =
				(unsigned)must_number(optarg, CPU_SETSIZE - 1, "--reader-core");
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	if (optind != argc || r->n_pairs == 0 || r->n_frames == 0)
		usage(stderr, 2);
}

int main(int argc, char **argv)
{
	struct raw_loop r = {
		.n_pairs = 1000, .n_frames = 1, .reader_core = 1, .measured_ns = 1000000000u
	};
	struct rlimit limit;
	pid_t reader;

	parse(argc, argv, &r);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	connect_pairs(&r);
	reader = start_reader(&r);
	pin_to(r.sender_core);
	measure(&r);
	close_all(r.senders, r.n_pairs);
	waitpid(reader, NULL, 0);
	return 0;
}

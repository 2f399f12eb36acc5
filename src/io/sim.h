/* sim.h: the simulated twin of the kernel's world.
 *
 * A world has one seed, one virtual time, any number of loops (workers, hubs, whole nodes) and
 * model clients ("peers"), all in one thread. sim_step runs one turn of one randomly chosen loop
 * that has something to do, or one event (bytes arrive, a wake-up, an offloaded job), or moves the
 * time to the next of them. The same seed and the same calls give the same run; sim_trace_hash
 * proves it.
 *
 * Sockets are streams with bounded buffers in both directions. Bytes take time, arrive in parts
 * that are cut anywhere, keep their order, and wait in the buffer until they are read; a full one
 * refuses more. A close leaves what was sent on its way, unless the closing side has unread bytes:
 * then the other side is reset, as TCP does, and may lose what it has not read. What arrives at a
 * closed end resets the sender.
 *
 * A loop's clock stands still between its turns: what a test calls on the product from outside sees
 * the time of the last one.
 *
 * Not simulated: signals, lost or doubled bytes inside a stream (TCP keeps them from us), clocks of
 * loops that differ from each other, and loop_run (step the world instead). Not thread-safe. */
#ifndef IO_SIM_H
#define IO_SIM_H

#include "base/str.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/process.h"
#include "io/unlucky.h"

struct sim;

/* Times are drawn between 0 and their maximum, small ones more often. */
struct sim_options {
	uint32_t delay_us_max;	 /* one hop of bytes, acknowledgements, connects */
	uint32_t turn_us_max;	 /* time that a loop's turn takes */
	uint32_t wake_us_max;	 /* from loop_wake to the turn */
	uint32_t offload_us_max; /* from offload_run to the end of the work */
	/* Of each direction of a connection; each draws its own, small ones as often as big
	 * ones. */
	uint32_t buffer_bytes_min, buffer_bytes_max;
	unsigned split_percent;	      /* an arrival is only a part of what is on its way */
	unsigned short_write_percent; /* net_send takes only a part, or nothing (ERR_AGAIN) */
	unsigned reset_loss_percent;  /* a reset takes along what is on its way, or unread */
	unsigned early_wake_percent;  /* a step is a turn of a loop that may have nothing to do */
};
/* Everything at once, whole, with buffers of 64 KiB. */
struct sim_options sim_options_calm(void);
/* Everything late, in pieces, with buffers from 256 bytes to 64 KiB. */
struct sim_options sim_options_rough(void);

struct sim *sim_new(uint64_t seed, const struct sim_options *o);
/* Its loops are freed before. Peers that are left are freed with it. */
void sim_free(struct sim *s);
/* From here on; buffers of existing connections stay as they are. */
void sim_set_options(struct sim *s, const struct sim_options *o);

/* A loop of this world, to be freed with loop_free. */
struct loop *sim_loop_new(struct sim *s);
/* At most n_max open files on this loop (listeners included): more is ERR_LIMIT. */
void sim_limit_files(struct loop *l, unsigned n_max);

/* What process.h answers in this world; all zeros at first. */
struct sim_process {
	struct process_memory memory;
	struct process_usage usage;
	struct host_memory host;
	bool is_unreadable;
};
struct sim_process *sim_process(struct sim *s);

/* Whom the posts of http_client.h reach in this world; at first they are all refused. */
struct sim_post_fate {
	unsigned status;   /* of the answer; 0: there is none */
	const char *error; /* why (HTTP_ERROR_…); NULL: silence, until the post's time is over */
	unsigned delay_ms; /* until then, added to what the way takes */
};
/* Called from within sim_step. */
struct sim_receiver {
	void *ctx;
	/* The post has arrived: what becomes of it? */
	struct sim_post_fate (*on_post)(void *ctx, const struct http_post *post);
	/* It is sent; it is told to have been answered with that status, or 0. NULL: nobody wants to
	 * know. */
	void (*on_send)(void *ctx, const struct http_post *post);
	void (*on_end)(void *ctx, const struct http_post *post, unsigned status);
};
/* For what arrives from now on. */
void sim_set_receiver(struct sim *s, const struct sim_receiver *r);

/* From here on the points of these bits (1 << UNLUCKY_…) strike in so many of 100 cases. */
void sim_set_luck(struct sim *s, uint32_t points, unsigned percent);
struct sim_luck_count {
	uint64_t n_asked, n_struck;
};
struct sim_luck_count sim_luck_count(const struct sim *s, enum unlucky point);

/* False: nothing will ever happen unless somebody outside does something. */
bool sim_step(struct sim *s);
/* Nothing is on its way and no loop has work; timers may be armed. */
bool sim_quiet(struct sim *s);
/* Steps until it is quiet. False: not within max_steps. */
bool sim_settle(struct sim *s, uint64_t max_steps);
/* Steps until ms have passed. */
void sim_run_ms(struct sim *s, uint64_t ms);

/* Since the beginning of the world. */
uint64_t sim_now_us(const struct sim *s);
/* Time leaps: what was on its way or due by then is late by that much. */
void sim_leap_ms(struct sim *s, uint64_t ms);
/* The wall clock, which goes with the time until somebody sets it, back or forward. */
int64_t sim_wall_ms(const struct sim *s);
void sim_set_wall_ms(struct sim *s, int64_t wall_ms);
/* The loop gets no turn for so long, whatever it has to do. A world with a stalled loop that has work
 * is not quiet. */
void sim_stall_loop(struct loop *l, uint64_t ms);
/* 0..n-1 from the world's stream, for the decisions of whoever drives it. */
uint64_t sim_random(struct sim *s, uint64_t n);
/* From here on chance is that of this stream of this seed, whatever was drawn before. */
void sim_reseed(struct sim *s, uint64_t seed, uint64_t stream);
/* Of everything that happened. */
uint64_t sim_trace_hash(const struct sim *s);
/* Test seam: of the calls that loops make from now on the n-th fails, as a system call can: accept,
 * listen and connect find no descriptor, recv and send find the connection lost, the first loop_watch and offload_run
 * find no room, a post is lost, before or after it has arrived. 0 turns it off. Answers what was left of the count before: 0, it had struck. */
uint64_t sim_fail_nth(struct sim *s, uint64_t n);
/* The network resets one connection, chosen at random, at both ends. False: there is none. */
bool sim_reset_any(struct sim *s);

/* A peer is the client's end of a connection. It is driven by calls, and told by on_change that
 * there may be something to do: connected, refused, bytes, end, reset, room to write. on_change is
 * called from within sim_step alone, never from the caller's own calls; it may call everything here
 * but sim_step. */
struct sim_peer;

enum sim_peer_state {
	SIM_PEER_CONNECTING,
	SIM_PEER_OPEN,
	SIM_PEER_ENDED, /* its stream is over and was read; writing may go on */
	SIM_PEER_RESET, /* after everything was read that had arrived */
	SIM_PEER_REFUSED,
};

struct sim_peer_init {
	struct net_address to;
	str unix_path;			       /* instead of to, if not empty */
	struct net_address from;	       /* NET_NONE: loopback, and a port of its own */
	void (*on_change)(struct sim_peer *p); /* may be NULL */
	void *user;
};

/* Begins to connect. */
struct sim_peer *sim_peer_connect(struct sim *s, const struct sim_peer_init *init);
void *sim_peer_user(const struct sim_peer *p);
enum sim_peer_state sim_peer_state(const struct sim_peer *p);
struct net_address sim_peer_address(const struct sim_peer *p);
/* How much of the bytes fits: maybe nothing. */
size_t sim_peer_write(struct sim_peer *p, const void *bytes, size_t n);
/* What has arrived, at most max bytes; 0 while paused. */
size_t sim_peer_read(struct sim_peer *p, void *bytes, size_t max);
/* While paused nothing is read and on_change is not called for bytes: the buffer fills. Look
 * yourself after resuming. */
void sim_peer_pause(struct sim_peer *p, bool paused);
/* No more bytes from this peer; it goes on reading. */
void sim_peer_shutdown(struct sim_peer *p);
/* Both free p; what it wrote before is still delivered by a close, and maybe by a reset. */
void sim_peer_close(struct sim_peer *p);
void sim_peer_reset(struct sim_peer *p);

#endif

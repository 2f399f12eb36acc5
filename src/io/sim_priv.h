/* sim_priv.h: the inside of the simulated world; for sim.c, sim_net.c and sim_peer.c. */
#ifndef IO_SIM_PRIV_H
#define IO_SIM_PRIV_H

#include "io/loop_ops.h"
#include "io/sim.h"

/* The wall clock when a world begins. */
#define SIM_WALL_START_MS INT64_C(1700000000000)

/* Something that will happen. Embedded in what it happens to, so that it can be cancelled. */
struct sim_event {
	uint64_t at_ns;
	uint64_t order; /* among those of the same time: first come, first served */
	size_t place;	/* in the heap, from 1; 0: not armed */
	void (*run)(struct sim_event *e);
};

struct sim {
	struct sim_options options;
	uint64_t random;
	uint64_t start_ns, now_ns;
	int64_t wall_shift_ms;
	uint64_t trace;
	uint64_t n_events; /* ever armed */
	struct sim_event **heap;
	size_t heap_n, heap_cap;
	struct list loops;
	unsigned n_loops; /* ever created */
	struct list conns, listeners, peers;
	struct sim_file **files; /* by descriptor; NULL: free */
	size_t files_cap;
	uint16_t next_port;
	uint64_t fail_in; /* calls until one fails; 0: none does */
	struct sim_process process;
	struct sim_luck {
		uint32_t points;
		unsigned percent;
		uint64_t random;
		struct sim_luck_count counts[N_UNLUCKY];
	} luck;
	struct sim_receiver receiver;
};

struct sim_loop {
	struct loop base;
	struct sim *sim;
	struct list link;
	unsigned id;
	uint64_t random;
	bool is_woken;
	uint64_t stalled_until_ns; /* it gets no turn before */
	struct sim_event wake;
	struct list touched; /* sim_file: may be ready */
	struct list jobs;    /* sim_job */
	unsigned n_files, n_files_max;
};

/* What a descriptor of a loop stands for. */
struct sim_file {
	enum { SIM_NO_FILE, SIM_SOCKET, SIM_LISTENER } kind;
	struct sim_loop *loop;
	struct io_file *io;
	struct list touched;
};

/* The bytes on their way to one end and those it has not read, in one ring. */
struct sim_pipe {
	char *ring; /* NULL until the first byte */
	size_t cap;
	size_t start;
	size_t n_arrived, n_flying;
	size_t n_unacked; /* read, but the writer does not know yet */
	bool fin_sent, fin_arrived, rst_sent;
	struct sim_event arrival, ack;
};

struct sim_end {
	struct sim_conn *conn;
	struct sim_end *other;
	struct sim_pipe in;
	enum { END_NEW, END_OPEN, END_CLOSED } state; /* does anybody hold it? */
	bool is_connected;
	int error; /* errno of a refusal or reset that has arrived */
	struct net_address address;
	/* Its holder: a loop (file.kind), a peer, or a listener's queue. */
	struct sim_file file;
	struct sim_peer *peer;
};

struct sim_conn {
	struct sim *sim;
	struct list link;
	struct list pending; /* in a listener's queue */
	struct sim_event handshake;
	struct net_address to;
	char *path;		/* of a unix socket, or NULL */
	struct sim_end ends[2]; /* who connected, who accepts */
};

/* sim.c */
uint64_t sim_splitmix(uint64_t *state);
uint64_t sim_draw_us(struct sim *s, uint32_t max_us);
bool sim_chance(struct sim *s, unsigned percent);
/* Is this call of a loop the one that fails? */
bool sim_strikes(struct sim *s);
void sim_trace(struct sim *s, uint64_t what);
void sim_trace_bytes(struct sim *s, const void *p, size_t n);
void *sim_table_grow(void *table, size_t n_before, size_t n);
void sim_event_arm(struct sim *s, struct sim_event *e, uint64_t delay_us);
void sim_event_cancel(struct sim *s, struct sim_event *e);
/* Something about the file has changed. */
void sim_file_touch(struct sim_file *file);

/* sim_net.c */
extern const struct loop_ops sim_ops;
unsigned sim_file_ready(const struct sim_file *file);
struct sim_conn *sim_conn_new(struct sim *s, const struct net_address *to, str path,
			      const struct net_address *from);
size_t sim_end_room(const struct sim_end *e);
void sim_end_write(struct sim_end *e, const void *p, size_t n); /* n <= room */
size_t sim_end_read(struct sim_end *e, void *p, size_t max);
void sim_end_shutdown(struct sim_end *e);
void sim_end_close(struct sim_end *e);
/* A reset begins to travel to e. */
void sim_end_send_reset(struct sim_end *e);

/* sim_peer.c */
void sim_peer_changed(struct sim_peer *p, bool by_bytes);
void sim_peer_free_all(struct sim *s);

/* sim_luck.c */
bool sim_is_unlucky(const struct loop *l, enum unlucky point);

/* sim_process.c */
struct process *sim_process_open(struct loop *l);

/* sim_http.c */
extern const struct http_client_ops sim_http_client_ops;

/* sim.c: the part of sim_ops that has nothing to do with sockets. */
void sim_loop_free(struct loop *l);
unsigned sim_loop_poll(struct loop *l, int wait_ms);
void sim_loop_wake(struct loop *l);
bool sim_loop_watch(struct loop *l, struct io_file *f, uint32_t was);
uint64_t sim_loop_now_ns(const struct loop *l);
bool sim_loop_offload(struct loop *l, struct offload *o, struct offload_job *j);

static inline struct sim_loop *sim_loop_of(struct loop *l)
{
	return (struct sim_loop *)l;
}
_Static_assert(offsetof(struct sim_loop, base) == 0, "sim_loop_of casts");

#endif

/* sim_net.c: streams in memory.
 *
 * A connection has two ends, and each end the pipe of the bytes that come to it: those still
 * flying, then those that have arrived and wait to be read. Both count against the pipe's capacity,
 * and so do those that were read until the writer hears of it. One event per pipe lets a part of
 * what flies arrive, then the end of the stream or a reset; so order is kept by construction, and
 * everything else is chance.
 *
 * A connection is freed when nobody holds either of its ends. What would still be on its way
 * between them then concerns nobody. */
#include "io/net.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/sim_priv.h"

#include <errno.h>

struct sim_listener {
	struct sim_file file;
	struct list link;
	struct list pending; /* sim_conn */
	struct net_address address;
	char *path; /* of a unix socket, or NULL */
};

enum { FIRST_PORT = 1024, FIRST_FD = 3 };

static struct sim_listener *listener_of(struct list *link)
{
	return container_of(link, struct sim_listener, link);
}

static char *copy_path(str path)
{
	char *copy;

	if (path.n == 0)
		return NULL;
	copy = xcalloc(1, path.n + 1);
	memcpy(copy, path.p, path.n);
	return copy;
}

/* Connections */

static void on_handshake(struct sim_event *ev);
static void on_arrival(struct sim_event *ev);
static void on_ack(struct sim_event *ev);

/* Every power of two between the bounds is as likely as the others. */
static size_t draw_capacity(struct sim *s)
{
	uint64_t min = s->options.buffer_bytes_min, max = s->options.buffer_bytes_max;
	uint64_t top = min << sim_random(s, 64 - (unsigned)__builtin_clzll(max / min));

	if (top > max / 2)
		top = max;
	return (size_t)(min + sim_random(s, top - min + 1));
}

static void end_init(struct sim_conn *c, unsigned which)
{
	struct sim_end *e = &c->ends[which];

	e->conn = c;
	e->other = &c->ends[!which];
	e->in.cap = draw_capacity(c->sim);
	e->in.arrival.run = on_arrival;
	e->in.ack.run = on_ack;
	list_init(&e->file.touched);
}

static uint16_t draw_port(struct sim *s)
{
	if (s->next_port < FIRST_PORT)
		s->next_port = FIRST_PORT;
	return s->next_port++;
}

static void default_origin(struct sim *s, const struct net_address *to, struct net_address *from)
{
	*from = (struct net_address){ .family = to->family };
	if (to->family == NET_IPV4)
		memcpy(from->ip, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	else if (to->family == NET_IPV6)
		from->ip[15] = 1;
	else
		return;
	from->port = draw_port(s);
}

struct sim_conn *sim_conn_new(struct sim *s, const struct net_address *to, str path,
			      const struct net_address *from)
{
	struct sim_conn *c = xnew(struct sim_conn);

	c->sim = s;
	c->to = *to;
	c->path = copy_path(path);
	if (c->path)
		c->to = (struct net_address){ .family = NET_UNIX };
	list_push_back(&s->conns, &c->link);
	list_init(&c->pending);
	end_init(c, 0);
	end_init(c, 1);
	c->ends[0].state = END_OPEN;
	c->ends[0].address = *from;
	c->ends[1].address = c->to;
	if (from->family == NET_NONE || c->path)
		default_origin(s, &c->to, &c->ends[0].address);
	c->handshake.run = on_handshake;
	sim_event_arm(s, &c->handshake, sim_draw_us(s, s->options.delay_us_max));
	return c;
}

static void pipe_fini(struct sim *s, struct sim_pipe *p)
{
	sim_event_cancel(s, &p->arrival);
	sim_event_cancel(s, &p->ack);
	xfree(p->ring);
}

static void conn_release(struct sim_conn *c)
{
	if (c->ends[0].state == END_OPEN || c->ends[1].state == END_OPEN)
		return;
	sim_event_cancel(c->sim, &c->handshake);
	pipe_fini(c->sim, &c->ends[0].in);
	pipe_fini(c->sim, &c->ends[1].in);
	list_remove(&c->pending);
	list_remove(&c->link);
	xfree(c->path);
	xfree(c);
}

/* The last thing that a caller does: the holder may close the end. */
static void end_changed(struct sim_end *e, bool by_bytes)
{
	if (e->state != END_OPEN)
		return;
	sim_file_touch(&e->file);
	if (e->peer)
		sim_peer_changed(e->peer, by_bytes);
}

static void arm_arrival(struct sim_end *e)
{
	struct sim *s = e->conn->sim;

	sim_event_arm(s, &e->in.arrival, sim_draw_us(s, s->options.delay_us_max));
}

static bool is_ip_any(const struct net_address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

static bool is_same_path(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Does li listen where a connection to address and path goes? */
static bool listener_hears(const struct sim_listener *li, const struct net_address *to,
			   const char *path)
{
	if (path || li->path)
		return is_same_path(li->path, path);
	return li->address.family == to->family && li->address.port == to->port &&
	       (is_ip_any(&li->address) || memcmp(li->address.ip, to->ip, sizeof(to->ip)) == 0);
}

/* A random one of those who hear it, or NULL. */
static struct sim_listener *find_listener(struct sim *s, const struct net_address *to,
					  const char *path)
{
	struct sim_listener *found = NULL;
	unsigned n = 0;

	for (struct list *i = s->listeners.next; i != &s->listeners; i = i->next)
		if (listener_hears(listener_of(i), to, path) && sim_random(s, ++n) == 0)
			found = listener_of(i);
	return found;
}

static void handshake_done(struct sim_conn *c)
{
	sim_event_cancel(c->sim, &c->handshake);
	c->ends[0].is_connected = true;
}

/* First the request comes to a listener, then its answer to the one who asked. */
static void on_handshake(struct sim_event *ev)
{
	struct sim_conn *c = container_of(ev, struct sim_conn, handshake);
	struct sim_listener *li;

	if (c->ends[1].state != END_NEW) {
		handshake_done(c);
		end_changed(&c->ends[0], false);
		return;
	}
	li = find_listener(c->sim, &c->to, c->path);
	if (!li) {
		c->ends[0].error = ECONNREFUSED;
		end_changed(&c->ends[0], false);
		return;
	}
	c->ends[1].state = END_OPEN;
	c->ends[1].is_connected = true;
	list_push_back(&li->pending, &c->pending);
	sim_file_touch(&li->file);
	sim_event_arm(c->sim, &c->handshake, sim_draw_us(c->sim, c->sim->options.delay_us_max));
}

static void bytes_arrive(struct sim_end *e)
{
	struct sim *s = e->conn->sim;
	struct sim_pipe *in = &e->in;
	size_t n = in->n_flying;

	if (e->state != END_OPEN) {
		in->n_flying = 0;
		sim_end_send_reset(e->other);
		return;
	}
	if (sim_chance(s, s->options.split_percent))
		n = sim_chance(s, 25) ? 1 : 1 + sim_random(s, n);
	in->n_flying -= n;
	in->n_arrived += n;
}

static void reset_arrives(struct sim_end *e)
{
	struct sim *s = e->conn->sim;

	e->error = ECONNRESET;
	if (sim_chance(s, s->options.reset_loss_percent))
		e->in.n_arrived = 0;
}

static void on_arrival(struct sim_event *ev)
{
	struct sim_end *e = container_of(ev, struct sim_end, in.arrival);
	struct sim_pipe *in = &e->in;

	/* An answer to the handshake comes before what follows it. */
	if (!e->is_connected)
		handshake_done(e->conn);
	if (in->n_flying)
		bytes_arrive(e);
	else if (in->rst_sent)
		reset_arrives(e);
	else if (in->fin_sent)
		in->fin_arrived = true;
	/* The end of the stream may come with its last bytes. */
	if (!in->n_flying && in->fin_sent && !in->rst_sent && sim_chance(e->conn->sim, 50))
		in->fin_arrived = true;
	if (in->n_flying || (in->rst_sent && !e->error) ||
	    (in->fin_sent && !in->fin_arrived && !e->error))
		arm_arrival(e);
	end_changed(e, !e->error);
}

static void on_ack(struct sim_event *ev)
{
	struct sim_end *e = container_of(ev, struct sim_end, in.ack);

	e->in.n_unacked = 0;
	end_changed(e->other, false);
}

/* Ends */

size_t sim_end_room(const struct sim_end *e)
{
	const struct sim_pipe *out = &e->other->in;

	if (!e->is_connected || e->error || out->fin_sent)
		return 0;
	return out->cap - out->n_arrived - out->n_flying - out->n_unacked;
}

static void ring_put(struct sim_pipe *p, const char *bytes, size_t n)
{
	size_t at = (p->start + p->n_arrived + p->n_flying) % p->cap;
	size_t till_wrap = p->cap - at < n ? p->cap - at : n;

	if (!p->ring)
		p->ring = xalloc(p->cap);
	memcpy(p->ring + at, bytes, till_wrap);
	memcpy(p->ring, bytes + till_wrap, n - till_wrap);
	p->n_flying += n;
}

void sim_end_write(struct sim_end *e, const void *p, size_t n)
{
	struct sim_pipe *out = &e->other->in;

	sim_trace_bytes(e->conn->sim, p, n);
	/* Behind a reset that the writer has not heard of: lost. */
	if (n == 0 || out->rst_sent)
		return;
	ring_put(out, p, n);
	arm_arrival(e->other);
}

size_t sim_end_read(struct sim_end *e, void *p, size_t max)
{
	struct sim *s = e->conn->sim;
	struct sim_pipe *in = &e->in;
	size_t n = in->n_arrived < max ? in->n_arrived : max;
	size_t till_wrap = in->cap - in->start < n ? in->cap - in->start : n;

	if (n == 0)
		return 0;
	memcpy(p, in->ring + in->start, till_wrap);
	memcpy((char *)p + till_wrap, in->ring, n - till_wrap);
	in->start = (in->start + n) % in->cap;
	in->n_arrived -= n;
	in->n_unacked += n;
	sim_trace_bytes(s, p, n);
	sim_event_arm(s, &in->ack, sim_draw_us(s, s->options.delay_us_max));
	return n;
}

static void send_fin(struct sim_end *e)
{
	if (e->other->in.fin_sent)
		return;
	e->other->in.fin_sent = true;
	if (e->other->state == END_OPEN && !e->other->error)
		arm_arrival(e->other);
}

void sim_end_shutdown(struct sim_end *e)
{
	if (e->is_connected && !e->error)
		send_fin(e);
}

void sim_end_send_reset(struct sim_end *e)
{
	struct sim *s = e->conn->sim;

	if (e->state != END_OPEN || e->in.rst_sent || e->error)
		return;
	e->in.rst_sent = true;
	if (sim_chance(s, s->options.reset_loss_percent))
		e->in.n_flying = 0;
	arm_arrival(e);
}

void sim_end_close(struct sim_end *e)
{
	e->state = END_CLOSED;
	e->peer = NULL;
	if (e == &e->conn->ends[0])
		sim_event_cancel(e->conn->sim, &e->conn->handshake);
	if (e->in.n_arrived)
		sim_end_send_reset(e->other);
	else
		send_fin(e);
	conn_release(e->conn);
}

bool sim_reset_any(struct sim *s)
{
	struct sim_conn *hit = NULL;
	unsigned n = 0;

	for (struct list *i = s->conns.next; i != &s->conns; i = i->next) {
		struct sim_conn *c = container_of(i, struct sim_conn, link);

		if (c->ends[0].is_connected && !c->ends[0].error && sim_random(s, ++n) == 0)
			hit = c;
	}
	if (!hit)
		return false;
	sim_end_send_reset(&hit->ends[0]);
	sim_end_send_reset(&hit->ends[1]);
	return true;
}

/* Descriptors */

static bool has_descriptor(const struct sim_loop *l)
{
	return l->n_files < l->n_files_max && !sim_strikes(l->sim);
}

static void file_open(struct sim_loop *l, struct sim_file *file, int kind, struct io_file *io)
{
	struct sim *s = l->sim;
	size_t fd = FIRST_FD;

	while (fd < s->files_cap && s->files[fd])
		fd++;
	if (fd >= s->files_cap) {
		size_t cap = s->files_cap ? 2 * s->files_cap : 64;

		s->files = sim_table_grow(s->files, s->files_cap, cap);
		s->files_cap = cap;
	}
	s->files[fd] = file;
	l->n_files++;
	file->kind = kind;
	file->loop = l;
	file->io = io;
	list_init(&file->touched);
	io_file_open(io, (int)fd);
}

static void file_close(struct sim_file *file)
{
	file->loop->sim->files[file->io->fd] = NULL;
	file->loop->n_files--;
	file->kind = SIM_NO_FILE;
	list_remove(&file->touched);
}

static struct sim_file *file_of(struct loop *l, const struct io_file *f)
{
	struct sim_file *file = sim_loop_of(l)->sim->files[f->fd];

	ASSERT(file && file->loop == sim_loop_of(l) && file->io == f);
	return file;
}

static struct sim_end *end_of(struct loop *l, const struct io_file *f)
{
	struct sim_file *file = file_of(l, f);

	ASSERT(file->kind == SIM_SOCKET);
	return container_of(file, struct sim_end, file);
}

static unsigned end_ready(const struct sim_end *e)
{
	const struct sim_pipe *in = &e->in;
	unsigned ready = 0;

	if (e->error)
		return LOOP_READ | LOOP_WRITE | LOOP_HANGUP;
	if (in->n_arrived || in->fin_arrived)
		ready |= LOOP_READ;
	if (e->is_connected && (e->other->in.fin_sent || sim_end_room(e)))
		ready |= LOOP_WRITE;
	if (in->fin_arrived && e->other->in.fin_sent)
		ready |= LOOP_HANGUP;
	return ready;
}

unsigned sim_file_ready(const struct sim_file *file)
{
	if (file->kind == SIM_SOCKET)
		return end_ready(container_of(file, struct sim_end, file));
	return list_is_empty(&container_of(file, struct sim_listener, file)->pending) ? 0 :
											LOOP_READ;
}

/* Listening */

static err sim_probe(struct loop *l, const struct net_address *a, int *system_error)
{
	struct sim *s = sim_loop_of(l)->sim;

	if (a->port == 0 || !find_listener(s, a, NULL))
		return OK;
	*system_error = EADDRINUSE;
	return ERR_EXISTS;
}

static void listener_open(struct loop *l, struct io_file *f, const struct net_address *a, str path)
{
	struct sim_loop *sl = sim_loop_of(l);
	struct sim_listener *li = xnew(struct sim_listener);

	li->address = *a;
	li->path = copy_path(path);
	list_init(&li->pending);
	list_push_back(&sl->sim->listeners, &li->link);
	file_open(sl, &li->file, SIM_LISTENER, f);
}

static err sim_listen(struct loop *l, struct io_file *f, struct net_address *a, int *system_error)
{
	struct sim *s = sim_loop_of(l)->sim;
	bool is_port_drawn = a->port == 0;

	if (!has_descriptor(sim_loop_of(l))) {
		*system_error = EMFILE;
		return ERR_LIMIT;
	}
	while (a->port == 0 || (is_port_drawn && find_listener(s, a, NULL)))
		a->port = draw_port(s);
	listener_open(l, f, a, (str){ 0 });
	return OK;
}

static err sim_listen_unix(struct loop *l, struct io_file *f, str path, unsigned mode,
			   int *system_error)
{
	struct net_address a = { .family = NET_UNIX };
	char *copy = copy_path(path);
	bool is_taken = find_listener(sim_loop_of(l)->sim, &a, copy);

	xfree(copy);
	*system_error = is_taken ? EADDRINUSE : EMFILE;
	if (is_taken)
		return ERR_EXISTS;
	if (!has_descriptor(sim_loop_of(l)))
		return ERR_LIMIT;
	listener_open(l, f, &a, path);
	return OK;
}

static err sim_listen_share(struct loop *l, struct io_file *f, const struct io_file *first)
{
	struct sim_file *file = sim_loop_of(l)->sim->files[first->fd];
	struct sim_listener *li = container_of(file, struct sim_listener, file);

	ASSERT(file->kind == SIM_LISTENER);
	if (!has_descriptor(sim_loop_of(l)))
		return ERR_LIMIT;
	listener_open(l, f, &li->address, li->path ? str_from_cstr(li->path) : (str){ 0 });
	return OK;
}

/* Those who wait at a shared unix socket are taken by another one; at a TCP port they are lost, as
 * the kernel loses them. */
static void listener_close(struct sim *s, struct sim_listener *li)
{
	struct list *link;
	struct sim_listener *heir;

	file_close(&li->file);
	list_remove(&li->link);
	heir = li->path ? find_listener(s, &li->address, li->path) : NULL;
	if (heir) {
		list_splice_back(&heir->pending, &li->pending);
		sim_file_touch(&heir->file);
	}
	while ((link = list_pop_front(&li->pending))) {
		struct sim_conn *c = container_of(link, struct sim_conn, pending);

		c->ends[1].state = END_CLOSED;
		sim_end_send_reset(&c->ends[0]);
		conn_release(c);
	}
	xfree(li->path);
	xfree(li);
}

static err sim_accept(struct loop *l, struct io_file *listener, struct io_file *f,
		      struct net_address *peer)
{
	struct sim_file *file = file_of(l, listener);
	struct sim_listener *li = container_of(file, struct sim_listener, file);
	struct list *link = list_pop_front(&li->pending);
	struct sim_end *e;

	if (!link)
		return ERR_AGAIN;
	e = &container_of(link, struct sim_conn, pending)->ends[1];
	if (!has_descriptor(sim_loop_of(l))) {
		sim_end_close(e);
		return ERR_LIMIT;
	}
	/* Reset while it waited: some kernels say so at once, others when it is read. */
	if (e->error && sim_chance(e->conn->sim, 50)) {
		sim_end_close(e);
		return ERR_IO;
	}
	file_open(sim_loop_of(l), &e->file, SIM_SOCKET, f);
	*peer = e->other->address;
	return OK;
}

/* Connecting, and bytes */

static err sim_connect(struct loop *l, struct io_file *f, const struct net_address *a,
		       int *system_error)
{
	struct sim_loop *sl = sim_loop_of(l);
	struct sim_conn *c;

	if (!has_descriptor(sl)) {
		*system_error = EMFILE;
		return ERR_LIMIT;
	}
	c = sim_conn_new(sl->sim, a, (str){ 0 }, &(struct net_address){ 0 });
	file_open(sl, &c->ends[0].file, SIM_SOCKET, f);
	return OK;
}

static err sim_connect_result(struct loop *l, struct io_file *f, int *system_error)
{
	struct sim_end *e = end_of(l, f);

	*system_error = e->error;
	if (e->error)
		return ERR_IO;
	return e->is_connected ? OK : ERR_AGAIN;
}

/* Does this call find the connection lost? */
static bool is_lost_now(struct sim_end *e)
{
	if (!sim_strikes(e->conn->sim))
		return false;
	e->error = ECONNRESET;
	sim_end_send_reset(e->other);
	return true;
}

static err sim_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n)
{
	struct sim_end *e = end_of(l, f);

	if (is_lost_now(e))
		return ERR_IO;
	*n = sim_end_read(e, p, max);
	if (*n > 0)
		return OK;
	if (e->error)
		return ERR_IO;
	return e->in.fin_arrived ? OK : ERR_AGAIN;
}

static err sim_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
		    size_t *n)
{
	struct sim_end *e = end_of(l, f);
	struct sim *s = e->conn->sim;
	size_t room = sim_end_room(e), offered = 0;

	for (size_t i = 0; i < n_spans; i++)
		offered += spans[i].n;
	if (is_lost_now(e) || e->error || e->other->in.fin_sent)
		return ERR_IO;
	if (room > offered)
		room = offered;
	if (sim_chance(s, s->options.short_write_percent))
		room = sim_random(s, room + 1);
	if (room == 0)
		return ERR_AGAIN;
	*n = room;
	for (; room > 0; spans++) {
		size_t part = spans->n < room ? spans->n : room;

		sim_end_write(e, spans->p, part);
		room -= part;
	}
	return OK;
}

static void sim_shutdown(struct loop *l, struct io_file *f)
{
	sim_end_shutdown(end_of(l, f));
}

static void sim_close(struct loop *l, struct io_file *f)
{
	struct sim_file *file = file_of(l, f);

	if (file->kind == SIM_LISTENER) {
		listener_close(sim_loop_of(l)->sim, container_of(file, struct sim_listener, file));
		return;
	}
	file_close(file);
	sim_end_close(container_of(file, struct sim_end, file));
}

/* A connection of the simulated network is made at once: none is ever half-way. */
static void sim_stop_listening(struct loop *l, struct io_file *listener)
{
}

const struct loop_ops sim_ops = {
	.free = sim_loop_free,
	.poll = sim_loop_poll,
	.wake = sim_loop_wake,
	.now_ns = sim_loop_now_ns,
	.watch = sim_loop_watch,
	.offload = sim_loop_offload,
	.probe = sim_probe,
	.listen = sim_listen,
	.listen_unix = sim_listen_unix,
	.listen_share = sim_listen_share,
	.stop_listening = sim_stop_listening,
	.accept = sim_accept,
	.connect = sim_connect,
	.connect_result = sim_connect_result,
	.recv = sim_recv,
	.send = sim_send,
	.shutdown = sim_shutdown,
	.close = sim_close,
	.process_open = sim_process_open,
	.http_client = &sim_http_client_ops,
	.is_unlucky = sim_is_unlucky,
};

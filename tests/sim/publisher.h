/* publisher.h: a model back-end: signed requests over persistent connections, pipelined.
 *
 * The answers must be those to its requests, one each, in their order: many of them name something
 * that only this request had. */
#ifndef SIM_PUBLISHER_H
#define SIM_PUBLISHER_H

#include "tunnel.h"

enum { REQUESTS_MAX = 16 };

struct request {
	unsigned status;
	bool is_head;
	bool is_publish;
	unsigned app, meets; /* reload.h */
	unsigned account;    /* meter.h */
	size_t bytes;	     /* of its body */
	bool has_slept;	     /* it was on its way when time leapt */
	bool is_last;	     /* the connection ends with its answer */
	uint32_t first_event, n_events;
	uint32_t dismissal;	   /* dismissal.h */
	const struct keyed *keyed; /* keyed.h; NULL: without a key */
	enum { BODY_IS, BODY_HAS, BODY_LISTS_USERS, BODY_IS_KEPT } check;
	str body; /* in the publisher's arena */
	uint32_t users;
};

struct publisher {
	struct world *world;
	char name[12];
	struct node *home;   /* where it always goes, or NULL */
	struct node *node;   /* where it is, or was */
	struct tunnel *peer; /* NULL: not connected */
	uint32_t connection;
	bool is_changed;
	bool is_scraper; /* scrape.h */
	bool is_half_closed;
	bool is_stalled; /* an unfinished request was sent */
	bool may_be_shut_out;
	bool has_slept; /* clocks.h: its deadlines may have passed in a leap */
	bool is_over;	/* the last answer has come */
	bool has_heard;
	uint64_t last_progress_us;
	struct arena arena; /* reset whenever nothing is asked */
	struct buf in, out;
	struct request requests[REQUESTS_MAX];
	unsigned first, n;
};

struct publisher *publisher_new(struct world *w, struct node *home, const char *name);
void publisher_free(struct publisher *p);
void publisher_serve(struct publisher *p);
/* The world rests: all is answered. */
void publisher_rest(struct publisher *p);
/* Connects if need be, to any node or to its home. False: not now. */
bool publisher_may_ask(struct publisher *p);

void publisher_publish(struct publisher *p);
void publisher_publish_batch(struct publisher *p);
/* Once more, word for word. */
void publisher_repeat(struct publisher *p, const struct keyed *k);
/* Small questions, and requests that are refused. */
void publisher_ask(struct publisher *p);
/* A question that was signed by a clock which differs by late_ms from the server's. */
void publisher_ask_at(struct publisher *p, int64_t late_ms);
void publisher_talk_nonsense(struct publisher *p);
/* An unfinished request, and silence. */
void publisher_stall(struct publisher *p);
void publisher_half_close(struct publisher *p);
/* What was asked of the app may meet that, too. */
void publisher_warn(struct publisher *p, unsigned app, unsigned meets);
/* Time has leapt while it was in the middle of things. */
void publisher_sleep(struct publisher *p);
void publisher_vanish(struct publisher *p, bool by_reset);

/* A POST without a body, for dismissal.h. */
void publisher_dismiss(struct publisher *p, const char *path, uint32_t dismissal);

/* A signed GET of a path below /apps/{id}, with a query (empty, or names that sort behind auth_…). */
void publisher_get(struct publisher *p, unsigned app, str path, str query,
		   const struct request *expected);
/* Without a signature. */
void publisher_get_plain(struct publisher *p, const char *path, const struct request *expected);

#endif

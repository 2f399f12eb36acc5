/* doctor.h: what the checks of `sockudo doctor` share: what they were told, what they learned, and
 * how they say what they saw.
 *
 * Each check is a function that looks at one thing and says exactly one of: doctor_ok, doctor_skip,
 * or doctor_find once or more often. They run in the order of doctor_checks.def, each only if what
 * it needs has been found; so a cause is named once and not again by everything that it breaks. */
#ifndef MAIN_DOCTOR_H
#define MAIN_DOCTOR_H

#include "main/http_client.h"
#include "main/ws_client.h"

/* Worst last. */
enum doctor_level { DOCTOR_SKIPPED, DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

enum doctor_finding {
#define FINDING(id, level, title, meaning, change) DOCTOR_##id,
#include "main/doctor_findings.def"
#undef FINDING
	N_DOCTOR_FINDINGS
};

struct doctor_finding_text {
	const char *name; /* as in the table: ID */
	enum doctor_level level;
	const char *title, *meaning, *change;
};
extern const struct doctor_finding_text doctor_finding_texts[N_DOCTOR_FINDINGS];

/* What a check may need, and what checks find out. */
enum {
	DOCTOR_HAS_NAME = 1,	   /* it is a name, not a literal or a Unix socket */
	DOCTOR_HAS_ADDRESS = 2,	   /* and there are addresses */
	DOCTOR_HAS_CONNECTION = 4, /* somebody takes connections */
	DOCTOR_HAS_TLS = 8,	   /* the URL says so, and it works */
	DOCTOR_HAS_CHANNEL = 16,   /* bytes can be exchanged */
	DOCTOR_HAS_SERVER = 32,	   /* Sockudo answers something */
	DOCTOR_HAS_SOCKET = 64,	   /* a WebSocket opens */
	DOCTOR_HAS_SESSION = 128,  /* a Pusher connection is established */
	DOCTOR_HAS_API = 256,	   /* a signed request was accepted */
};

struct doctor;
struct doctor_check {
	const char *name;
	const char *proves;
	unsigned needs;		/* DOCTOR_HAS_… */
	const char *needs_text; /* why it is skipped otherwise */
	void (*run)(struct doctor *d);
};
enum doctor_check_id {
#define CHECK(id, name, needs, needs_text, proves, run) DOCTOR_CHECK_##id,
#include "main/doctor_checks.def"
#undef CHECK
	N_DOCTOR_CHECKS
};
extern const struct doctor_check doctor_checks[N_DOCTOR_CHECKS];
#define CHECK(id, name, needs, needs_text, proves, run) void run(struct doctor *d);
#include "main/doctor_checks.def"
#undef CHECK

/* What a check said. */
struct doctor_line {
	enum doctor_level level;
	str text;
	unsigned ms;
};

enum { DOCTOR_FOUND_MAX = 32 };
struct doctor_found {
	enum doctor_finding finding;
	unsigned check; /* which saw it first */
	str seen;
};

/* The first requests, one for each of the three ways in. */
enum doctor_way { DOCTOR_UP, DOCTOR_APPS, DOCTOR_APP, N_DOCTOR_WAYS };

struct doctor_report;
struct doctor {
	/* Told */
	str url_text;
	struct client_url url;
	struct client_trust trust;
	str app_id, key, secret;
	str origin; /* n == 0: as a client that is no page */
	unsigned idle_ms, wait_ms;
	bool is_json;
	/* Learned */
	unsigned has;
	struct dial_addresses addresses;
	struct dial_tls_report tls;
	struct http_answer first[N_DOCTOR_WAYS];
	enum { SECRET_UNTRIED, SECRET_GOOD, SECRET_BAD } secret_state;
	struct http_answer last_api; /* of the last signed request that was answered */
	unsigned activity_timeout_s; /* 0: not known */
	/* The WebSocket, open from the first request on */
	struct client socket;
	struct ws_client ws;
	bool has_socket;
	uint64_t socket_since_ms; /* when it was upgraded */
	str channel;		  /* subscribed */
	/* Said */
	struct doctor_line lines[N_DOCTOR_CHECKS];
	unsigned check; /* the one that runs */
	struct doctor_found found[DOCTOR_FOUND_MAX];
	size_t n_found;
	struct arena arena;
	bool is_terminal;
};

/* Said by the check that runs. Texts are one line. */
void doctor_ok(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void doctor_skip(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* format: what was seen. The same finding is kept once. */
void doctor_find(struct doctor *d, enum doctor_finding f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* On a terminal: how far a long wait is. Nothing stays of it. */
void doctor_progress(const struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A text of at most 4 KiB that lives as long as d. */
str doctor_text(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Requests */

/* A connection of its own, whoever the server says that it is. False: it was noted in out, if out is
 * not NULL, as HTTP_UNREACHABLE. */
bool doctor_connect(struct doctor *d, struct client *c, struct http_answer *out);
/* One request on a connection of its own. target: without the path of the URL. */
void doctor_get(struct doctor *d, str target, str lines, struct http_answer *out);
struct doctor_call {
	str method;
	str rest; /* of the path, behind /apps/{id}/ */
	str params, lines, body;
	bool is_last; /* asks for the connection's end */
};
/* A signed request, on c or (NULL) a connection of its own. */
void doctor_call_api(struct doctor *d, struct client *c, const struct doctor_call *call,
		     struct http_answer *out);

/* Judging answers (doctor_judge.c) */

/* Did Sockudo itself say this? */
bool doctor_is_ours(const struct http_answer *a, enum doctor_way way);
/* What an answer that is not Sockudo's tells. */
enum doctor_finding doctor_judge_foreign(const struct http_answer *a, enum doctor_way way);
/* The same, said as a finding. */
void doctor_find_foreign(struct doctor *d, const struct http_answer *a, enum doctor_way way);
/* A signed request was answered by Sockudo with something else than success: says why. */
void doctor_find_refusal(struct doctor *d, const struct http_answer *a);
/* "502 Bad Gateway from nginx/1.22.1". */
str doctor_describe(struct doctor *d, const struct http_answer *a);

/* The WebSocket (doctor_socket.c) */

/* A WebSocket's request on c, up to the head of the answer, which stays in c->in. lines: further
 * header lines. */
void doctor_ask_socket(struct doctor *d, struct client *c, struct ws_client *w, str lines,
		       struct http_answer *out, size_t *head_bytes);
/* "Origin: …" with its CRLF, or nothing. */
str doctor_origin_line(struct doctor *d, str origin);
void doctor_close_socket(struct doctor *d);
/* The next event on the socket within wait_ms, whose decoded parts live in d's arena. OK; ERR_AGAIN;
 * ERR_IO: it is closed, *why says how; pings are answered and not handed out. */
struct doctor_event {
	str event, channel, data; /* data: as text */
};
err doctor_next_event(struct doctor *d, unsigned wait_ms, struct doctor_event *out, str *why);

#endif

/* dial.h: a connection outwards for a command that does one thing after the other: TCP or a Unix
 * socket, with TLS on it where that is wanted.
 *
 * Every call waits, and none longer than its wait_ms (DIAL_FOREVER: as long as it takes). Not for
 * the server, which never waits, and not for the simulator. TLS is looked at as a doctor does: what
 * is wrong with a certificate is noted and the connection goes on; the caller decides. */
#ifndef IO_DIAL_H
#define IO_DIAL_H

#include "base/buf.h"
#include "base/err.h"
#include "io/net.h"

#define DIAL_FOREVER UINT32_MAX

struct dial {
	int fd;	   /* -1: not open */
	void *tls; /* NULL: plain */
};
#define DIAL_CLOSED                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

enum { DIAL_ADDRESSES_MAX = 16 };
struct dial_addresses {
	struct net_address list[DIAL_ADDRESSES_MAX];
	size_t n;
};
/* The addresses of a name or a literal, in the order in which they should be tried. ERR_NOT_FOUND:
 * there is no such name; ERR_AGAIN: the resolver did not answer in time; ERR_IO: it could not. */
err dial_resolve(str host, uint16_t port, unsigned wait_ms, struct dial_addresses *out);

/* OK, or ERR_IO with *system_error (ETIMEDOUT: nothing came back within wait_ms). */
err dial_open(struct dial *d, const struct net_address *a, unsigned wait_ms, int *system_error);
err dial_open_unix(struct dial *d, str path, unsigned wait_ms, int *system_error);
/* Harmless twice. */
void dial_close(struct dial *d);

/* OK: all of it is with the kernel. ERR_AGAIN: not within wait_ms; ERR_IO: the peer is gone. */
err dial_send(struct dial *d, str bytes, unsigned wait_ms);
/* OK with *n > 0; OK with *n == 0: the peer ended its stream; ERR_AGAIN: nothing came within
 * wait_ms; ERR_IO: reset. */
err dial_recv(struct dial *d, void *p, size_t max, unsigned wait_ms, size_t *n);

/* TLS */

/* What can be wrong with a server's certificate; several may be. */
enum {
	DIAL_CERT_EXPIRED = 1,
	DIAL_CERT_NOT_YET_VALID = 2,
	DIAL_CERT_SELF_SIGNED = 4,
	DIAL_CERT_WRONG_NAME = 8,
	DIAL_CERT_NO_ISSUER = 16, /* who signed the last certificate that came is not known here */
	DIAL_CERT_OTHER = 32,
};

/* How a handshake failed. */
enum dial_tls_failure {
	DIAL_TLS_OK,
	DIAL_TLS_BAD_CA_FILE,
	DIAL_TLS_NOT_TLS,     /* what answers there does not speak TLS */
	DIAL_TLS_OLD_VERSION, /* nothing from 1.2 on */
	DIAL_TLS_NO_HTTP1,    /* ALPN: it wants another protocol than HTTP/1.1 */
	DIAL_TLS_REJECTED,    /* it knows no such name, or has no certificate for us */
	DIAL_TLS_CLOSED,      /* the stream ended in the middle */
	DIAL_TLS_TIMEOUT,
	DIAL_TLS_OTHER,
};

struct dial_tls_options {
	str host;	     /* what the certificate must be for: a name or an address */
	const char *ca_file; /* NULL: the system's */
	bool is_unverified;  /* any certificate will do: none is looked at, no authority is read */
};

struct dial_tls_report {
	enum dial_tls_failure failure;
	unsigned cert_problems; /* DIAL_CERT_… */
	unsigned n_certs;	/* how many came */
	int64_t not_after_s;	/* of the server's own, wall clock; 0: not known */
	const char *version;	/* static: "TLSv1.3" */
	char detail[200];	/* the library's words about what was wrong, may be empty */
	char names[200];	/* what the certificate is for, as far as it fits */
};

/* The handshake, offering HTTP/1.1. False: out->failure says how it failed. */
bool dial_start_tls(struct dial *d, const struct dial_tls_options *o, unsigned wait_ms,
		    struct dial_tls_report *out);

/* Time and chance, for who has no loop. */
uint64_t dial_now_ms(void); /* monotonic */
int64_t dial_wall_ms(void); /* since 1970 */
void dial_random(void *p, size_t n);

#endif

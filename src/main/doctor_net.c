/* doctor_net.c: the way to the server: name, connection, TLS, certificate, and what plain http
 * says beside https. */
#include "main/doctor.h"

#include "base/check.h"

#include <errno.h>
#include <time.h>

enum { CERT_SOON_DAYS = 14, DAY_S = 86400 };

/* Names and addresses */

static str list_addresses(struct doctor *d)
{
	str all = S("");

	for (size_t i = 0; i < d->addresses.n; i++) {
		char text[NET_ADDRESS_TEXT_MAX];
		struct net_address a = d->addresses.list[i];
		str one = net_address_format(&a, text);

		while (one.n && one.p[one.n - 1] != ':')
			one.n--;
		all = doctor_text(d, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "",
				  (int)(one.n ? one.n - 1 : 0), one.p);
	}
	return all;
}

void doctor_check_name(struct doctor *d)
{
	switch (dial_resolve(d->url.host, d->url.port, d->wait_ms, &d->addresses)) {
	case OK:
		d->has |= DOCTOR_HAS_ADDRESS;
		doctor_ok(d, "%.*s is %.*s", STR_ARG(d->url.host), STR_ARG(list_addresses(d)));
		return;
	case ERR_NOT_FOUND:
		doctor_find(d, DOCTOR_NAME_UNKNOWN, "no address for %.*s", STR_ARG(d->url.host));
		return;
	default:
		doctor_find(d, DOCTOR_NAME_SILENT, "no answer about %.*s within %u s",
			    STR_ARG(d->url.host), d->wait_ms / 1000);
	}
}

/* Connections */

static void find_unreachable(struct doctor *d, str where, int error)
{
	if (d->url.unix_path.n)
		doctor_find(d, DOCTOR_UNIX_SOCKET, "%.*s: %s", STR_ARG(where), strerror(error));
	else if (error == ECONNREFUSED)
		doctor_find(d, DOCTOR_REFUSED, "%.*s refuses connections", STR_ARG(where));
	else if (error == ETIMEDOUT)
		doctor_find(d, DOCTOR_NO_CONNECTION, "%.*s: no answer within %u s", STR_ARG(where),
			    d->wait_ms / 1000);
	else
		doctor_find(d, DOCTOR_NO_ROUTE, "%.*s: %s", STR_ARG(where), strerror(error));
}

static void try_unix(struct doctor *d)
{
	struct dial c;
	int error = 0;

	if (dial_open_unix(&c, d->url.unix_path, d->wait_ms, &error) != OK) {
		find_unreachable(d, d->url.unix_path, error);
		return;
	}
	dial_close(&c);
	d->has |= DOCTOR_HAS_CONNECTION;
	doctor_ok(d, "%.*s takes connections", STR_ARG(d->url.unix_path));
}

struct tried {
	struct dial_addresses open, dead;
	int error;   /* of the last dead one */
	unsigned ms; /* the slowest open one */
};

static void try_address(struct doctor *d, const struct net_address *a, struct tried *t)
{
	uint64_t begin = dial_now_ms();
	struct dial c;
	unsigned ms;

	if (dial_open(&c, a, d->wait_ms, &t->error) != OK) {
		t->dead.list[t->dead.n++] = *a;
		return;
	}
	dial_close(&c);
	ms = (unsigned)(dial_now_ms() - begin);
	t->ms = ms > t->ms ? ms : t->ms;
	t->open.list[t->open.n++] = *a;
}

/* This machine may have no IPv6 at all, which says nothing about the server. */
static bool is_our_own_lack(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

void doctor_check_connection(struct doctor *d)
{
	char text[NET_ADDRESS_TEXT_MAX];
	struct tried t = { 0 };
	size_t n;

	if (d->url.unix_path.n) {
		try_unix(d);
		return;
	}
	if (!(d->has & DOCTOR_HAS_NAME))
		dial_resolve(d->url.host, d->url.port, d->wait_ms, &d->addresses);
	n = d->addresses.n;
	for (size_t i = 0; i < n; i++)
		try_address(d, &d->addresses.list[i], &t);
	if (t.open.n == 0) {
		find_unreachable(d, net_address_format(&t.dead.list[0], text), t.error);
		return;
	}
	d->has |= DOCTOR_HAS_CONNECTION;
	d->addresses = t.open;
	if (t.dead.n && !is_our_own_lack(t.error))
		doctor_find(d, DOCTOR_ADDRESS_DEAD, "%.*s: %s",
			    STR_ARG(net_address_format(&t.dead.list[0], text)), strerror(t.error));
	else
		doctor_ok(d, "%zu of %zu address%s take%s connections (%u ms)%s", t.open.n, n,
			  n == 1 ? "" : "es", n == 1 ? "s" : "", t.ms,
			  t.dead.n ? "; this machine has no way to the others" : "");
}

/* TLS */

static enum doctor_finding finding_of(enum dial_tls_failure f)
{
	static const enum doctor_finding table[] = {
		[DIAL_TLS_NOT_TLS] = DOCTOR_NOT_TLS,	 [DIAL_TLS_OLD_VERSION] = DOCTOR_TLS_OLD,
		[DIAL_TLS_NO_HTTP1] = DOCTOR_HTTP2_ONLY, [DIAL_TLS_REJECTED] = DOCTOR_TLS_REJECTED,
		[DIAL_TLS_CLOSED] = DOCTOR_TLS_FAILED,	 [DIAL_TLS_TIMEOUT] = DOCTOR_TLS_SILENT,
		[DIAL_TLS_OTHER] = DOCTOR_TLS_FAILED,
	};

	return table[f];
}

static bool open_dial(struct doctor *d, struct dial *c)
{
	int error;

	if (d->url.unix_path.n)
		return dial_open_unix(c, d->url.unix_path, d->wait_ms, &error) == OK;
	return dial_open(c, &d->addresses.list[0], d->wait_ms, &error) == OK;
}

void doctor_check_tls(struct doctor *d)
{
	struct dial_tls_options o = { .host = d->url.host,
				      .ca_file = d->trust.ca_file,
				      .is_unverified = d->trust.is_insecure };
	struct dial c;

	if (!d->url.is_tls) {
		d->has |= DOCTOR_HAS_CHANNEL;
		doctor_skip(d, "the URL is not https");
		return;
	}
	if (!open_dial(d, &c)) {
		doctor_find(d, DOCTOR_TLS_FAILED, "a second connection was refused");
		return;
	}
	if (dial_start_tls(&c, &o, d->wait_ms, &d->tls)) {
		d->has |= DOCTOR_HAS_TLS | DOCTOR_HAS_CHANNEL;
		doctor_ok(d, "%s", d->tls.version);
	} else if (d->tls.failure == DIAL_TLS_BAD_CA_FILE) {
		doctor_find(d, DOCTOR_CERT_UNKNOWN_CA, "--ca %s holds no certificates",
			    d->trust.ca_file);
	} else {
		doctor_find(d, finding_of(d->tls.failure), "the handshake ended with: %s",
			    d->tls.detail[0] ? d->tls.detail : "no answer in time");
	}
	dial_close(&c);
}

/* The certificate */

static str date_text(struct doctor *d, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	return doctor_text(d, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* Without its issuer: did the proxy forget it, or does nobody know it? */
static void find_no_issuer(struct doctor *d)
{
	if (d->tls.n_certs == 1)
		doctor_find(d, DOCTOR_CERT_CHAIN,
			    "one certificate came, and not that of its issuer");
	else
		doctor_find(d, DOCTOR_CERT_UNKNOWN_CA,
			    "%u certificates came, up to an unknown issuer", d->tls.n_certs);
}

static void find_cert_problems(struct doctor *d)
{
	unsigned p = d->tls.cert_problems;
	str date = date_text(d, d->tls.not_after_s);

	if (p & DIAL_CERT_EXPIRED)
		doctor_find(d, DOCTOR_CERT_EXPIRED, "valid until %.*s", STR_ARG(date));
	if (p & DIAL_CERT_NOT_YET_VALID)
		doctor_find(d, DOCTOR_CERT_NOT_YET_VALID, "valid until %.*s, but not yet",
			    STR_ARG(date));
	if (p & DIAL_CERT_WRONG_NAME)
		doctor_find(d, DOCTOR_CERT_WRONG_NAME, "asked for %.*s, it is for %s",
			    STR_ARG(d->url.host),
			    d->tls.names[0] ? d->tls.names : "no name at all");
	if (p & DIAL_CERT_SELF_SIGNED)
		doctor_find(d, DOCTOR_CERT_SELF_SIGNED, "it is its own issuer");
	else if (p & DIAL_CERT_NO_ISSUER)
		find_no_issuer(d);
	if (p & DIAL_CERT_OTHER)
		doctor_find(d, DOCTOR_CERT_BAD, "%s", d->tls.detail);
}

void doctor_check_certificate(struct doctor *d)
{
	int64_t days = (d->tls.not_after_s - dial_wall_ms() / 1000) / DAY_S;
	str date = date_text(d, d->tls.not_after_s);

	if (d->trust.is_insecure) {
		doctor_skip(d, "--insecure: it may be any");
	} else if (d->tls.cert_problems) {
		find_cert_problems(d);
	} else if (days < CERT_SOON_DAYS) {
		doctor_find(d, DOCTOR_CERT_EXPIRES_SOON, "valid until %.*s: %lld days",
			    STR_ARG(date), (long long)days);
	} else {
		doctor_ok(d, "for %s, valid until %.*s (%lld days)", d->tls.names, STR_ARG(date),
			  (long long)days);
	}
}

/* Plain http */

static bool is_redirect(unsigned status)
{
	return status >= 301 && status <= 308 && status != 304;
}

/* Port 80 beside port 443. Who serves at another port has no such pair. */
void doctor_check_plain(struct doctor *d)
{
	struct client_url plain = d->url;
	struct client_trust any = { .is_insecure = true };
	struct http_answer a;
	struct buf problem;
	struct client c;

	plain.is_tls = false;
	plain.port = 80;
	if (d->url.port != 443) {
		doctor_skip(d, "port %u has no plain http beside it", d->url.port);
		return;
	}
	buf_init(&problem, 4096);
	if (!client_open(&c, &plain, &any, d->wait_ms, &problem)) {
		doctor_ok(d, "port 80 is closed");
		buf_fini(&problem);
		return;
	}
	buf_fini(&problem);
	http_client_ask(&c, &plain,
			&(struct http_question){ .method = S("POST"),
						 .target = S("/apps/x/events"),
						 .body = S("{}"),
						 .is_last = true });
	http_client_read(&c, d->wait_ms, &d->arena, &a);
	client_close(&c);
	if (a.outcome != HTTP_ANSWERED)
		doctor_ok(d, "port 80 does not answer");
	else if (a.status == 301 || a.status == 302 || a.status == 303)
		doctor_find(d, DOCTOR_PLAIN_REDIRECT, "a POST to port 80 is answered with %u",
			    a.status);
	else if (is_redirect(a.status))
		doctor_ok(d, "redirected with %u: a POST stays a POST", a.status);
	else
		doctor_ok(d, "answered with %u, without a redirect", a.status);
}

/* Whose answer is it, and what does it tell? As the proxies that we do not run in tests give them. */
#include "main/doctor.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct http_answer answer(unsigned status, const char *lines, const char *body)
{
	static char head[1024];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\n%s", status, lines);

	return (struct http_answer){ .status = status,
				     .minor = 1,
				     .head = { head, (size_t)n },
				     .body = str_from_cstr(body) };
}

#define HTML "Content-Type: text/html\r\n"

static void strangers_are_judged_by_status_and_words(void **state)
{
	static const struct {
		unsigned status;
		const char *lines, *body;
		enum doctor_way way;
		enum doctor_finding finding;
	} table[] = {
		{ 301, "Location: https://x/\r\n", "", DOCTOR_APPS, DOCTOR_REDIRECTED },
		{ 308, "Location: https://x/\r\n", "", DOCTOR_APP, DOCTOR_REDIRECTED },
		{ 401, HTML "WWW-Authenticate: Basic\r\n", "", DOCTOR_APP, DOCTOR_BASIC_AUTH },
		{ 403, HTML "Server: cloudflare\r\nCF-Mitigated: challenge\r\n", "", DOCTOR_APPS,
		  DOCTOR_FORBIDDEN },
		{ 404, "Content-Type: text/plain\r\n", "404 page not found\n", DOCTOR_APPS,
		  DOCTOR_API_NOT_PROXIED },
		{ 404, HTML "Server: nginx\r\n", "", DOCTOR_APP, DOCTOR_SOCKET_NOT_PROXIED },
		{ 404, HTML, "", DOCTOR_UP, DOCTOR_HEALTH_HIDDEN },
		{ 200, HTML, "<h1>It works!</h1>", DOCTOR_UP, DOCTOR_HEALTH_HIDDEN },
		{ 400, HTML, "The plain HTTP request was sent to HTTPS port", DOCTOR_UP,
		  DOCTOR_TLS_PORT },
		{ 400, "", "Client sent an HTTP request to an HTTPS server.\n", DOCTOR_APP,
		  DOCTOR_TLS_PORT },
		{ 400, "", "This port speaks TLS: use an address with https:// or wss://.\n",
		  DOCTOR_UP, DOCTOR_TLS_PORT },
		{ 413, HTML, "", DOCTOR_APPS, DOCTOR_BODY_LIMIT },
		{ 426, "", "", DOCTOR_APP, DOCTOR_UPGRADE_NOT_DONE },
		{ 429, "", "", DOCTOR_APPS, DOCTOR_PROXY_LIMIT },
		{ 502, "Server: Caddy\r\n", "", DOCTOR_APPS, DOCTOR_UPSTREAM_DOWN },
		{ 502, HTML "Server: awselb/2.0\r\n", "", DOCTOR_APP, DOCTOR_UPSTREAM_DOWN },
		{ 503, HTML "Server: nginx/1.22.1\r\n",
		  "<h1>503 Service Temporarily Unavailable</h1>", DOCTOR_APP, DOCTOR_PROXY_LIMIT },
		{ 503, HTML, "No server is available to handle this request.", DOCTOR_APPS,
		  DOCTOR_UPSTREAM_DOWN },
		{ 503, "Server: envoy\r\n", "no healthy upstream", DOCTOR_APPS,
		  DOCTOR_UPSTREAM_DOWN },
		{ 503, HTML "Via: 1.1 varnish\r\n", "", DOCTOR_APPS, DOCTOR_CDN_ERROR },
		{ 504, HTML, "", DOCTOR_APP, DOCTOR_UPSTREAM_SLOW },
		{ 522, HTML "Server: cloudflare\r\n", "", DOCTOR_APP, DOCTOR_CDN_ERROR },
		{ 502, HTML "X-Amz-Cf-Id: 1\r\n", "", DOCTOR_APP, DOCTOR_CDN_ERROR },
		{ 418, "", "", DOCTOR_APP, DOCTOR_ODD_ANSWER },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct http_answer a = answer(table[i].status, table[i].lines, table[i].body);

		assert_false(doctor_is_ours(&a, table[i].way));
		assert_int_equal(doctor_judge_foreign(&a, table[i].way), table[i].finding);
	}
}

static void sockudo_is_known_by_what_only_it_says(void **state)
{
	static const struct {
		unsigned status;
		const char *lines, *body;
		enum doctor_way way;
	} table[] = {
		{ 200, "x-health-check: OK\r\n", "OK", DOCTOR_UP },
		{ 503, "Server: nginx\r\nX-Health-Check: ERROR\r\n", "ERROR", DOCTOR_UP },
		{ 404, "content-type: text/plain\r\n", "404 NOT FOUND", DOCTOR_APPS },
		{ 401, "content-type: application/json\r\n", "{\"error\":\"x\"}", DOCTOR_APPS },
		{ 200, "content-type: application/json\r\n", "{\"channels\":{}}", DOCTOR_APPS },
		{ 415, "", "Expected request with `Content-Type: application/json`", DOCTOR_APPS },
		{ 101, "", "", DOCTOR_APP },
		{ 400, "", "Missing Upgrade header", DOCTOR_APP },
		{ 503, "", "MEMORY_PRESSURE", DOCTOR_APP },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct http_answer a = answer(table[i].status, table[i].lines, table[i].body);

		assert_true(doctor_is_ours(&a, table[i].way));
	}
}

static void every_finding_has_its_texts(void **state)
{
	for (size_t i = 0; i < N_DOCTOR_FINDINGS; i++) {
		const struct doctor_finding_text *t = &doctor_finding_texts[i];

		assert_true(t->level == DOCTOR_WARNING || t->level == DOCTOR_PROBLEM);
		assert_true(t->title[0] && t->meaning[0] && t->change[0]);
		assert_null(strchr(t->title, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_judged_by_status_and_words),
		cmocka_unit_test(sockudo_is_known_by_what_only_it_says),
		cmocka_unit_test(every_finding_has_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

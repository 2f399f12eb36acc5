/* From ssl.* to an identity, or to words that say what to do. */
#include "main/certificate.h"

#include "base/check.h"
#include "base/testing.h"
#include "io/tls_testing.h"
#include "main/config_fixture.h"

#include <stdio.h>
#include <time.h>

#define APPS                                                                                       \
	"\"app_manager\":{\"array\":{\"apps\":[{\"id\":\"i\",\"key\":\"k\",\"secret\":\"s\","      \
	"\"enabled\":true}]}}"

/* "ssl" with this inside. */
static struct tls_context *load(struct fixture *f, const char *ssl)
{
	struct tls_context *c;
	struct buf json;

	buf_init(&json, 4096);
	buf_printf(&json, "{\"ssl\":{%s}," APPS "}%c", ssl, 0);
	fixture_load(f, json.p, NULL);
	buf_fini(&json);
	assert_errors(f, "");
	c = certificate_load(f->config, &f->report);
	return c;
}

static void expect(const char *ssl, const char *errors, const char *warnings)
{
	struct fixture f;
	struct tls_context *c = load(&f, ssl);

	assert_errors(&f, errors);
	assert_warnings(&f, warnings);
	assert_true(!c == !!errors[0]);
	tls_context_unref(c);
	fixture_free(&f);
}

static const char *paths(const char *certificate, const char *key, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), "\"enabled\":true,\"cert_path\":\"%s\",\"key_path\":\"%s\"%s",
		 certificate, key, more);
	return text;
}

static const char *about(const char *place, const char *key, const char *path, const char *what)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s: %s: %s: %s\n", place, key, path, what);
	return text;
}

/* It stands nowhere, so there is no place to name. */
static const char *about_the_passphrase(const char *path)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "ssl.passphrase: %s: the key is encrypted and there is no passphrase\n", path);
	return text;
}

static void without_ssl_there_is_none(void **state)
{
	struct fixture f;

	assert_null(load(&f, ""));
	assert_errors(&f, "");
	fixture_free(&f);
	assert_null(load(&f, "\"cert_path\":\"/nowhere\",\"redirect_http\":true"));
	assert_errors(&f, "");
	assert_warnings(&f, "test.json:1:48: ssl.redirect_http: without effect while ssl.enabled "
			    "is false\n");
	fixture_free(&f);
}

static void the_unix_socket_wins(void **state)
{
	struct fixture f;

	fixture_load(&f, "{\"ssl\":{\"enabled\":true},\"unix_socket\":{\"enabled\":true}," APPS "}",
		     NULL);
	assert_null(certificate_load(f.config, &f.report));
	assert_errors(&f, "");
	assert_warnings(&f,
			"test.json:1:19: ssl.enabled: without effect on a Unix socket: the proxy "
			"in front of it speaks TLS\n");
	fixture_free(&f);
}

static void empty_paths_are_refused(void **state)
{
	expect("\"enabled\":true",
	       "test.json:1:19: ssl.enabled: ssl.cert_path (SSL_CERT_PATH) is empty: give the PEM "
	       "file with the certificate and its chain\n"
	       "test.json:1:19: ssl.enabled: ssl.key_path (SSL_KEY_PATH) is empty: give the PEM "
	       "file with the private key\n",
	       "");
}

static void a_good_pair_is_taken_and_a_bad_one_named(void **state)
{
	struct testing_pair good, other, closed;

	testing_pair_make(&good, TESTING_EC, TESTING_PKCS8, 90);
	testing_pair_make(&other, TESTING_EC, TESTING_PKCS8, 90);
	testing_pair_make(&closed, TESTING_EC, TESTING_ENCRYPTED, 90);
	expect(paths(good.certificate_path, good.key_path, ""), "", "");
	expect(paths(closed.certificate_path, closed.key_path,
		     ",\"passphrase\":\"" TESTING_PASSPHRASE "\""),
	       "", "");
	expect(paths("/nowhere/c.pem", good.key_path, ""),
	       about("test.json:1:36", "ssl.cert_path", "/nowhere/c.pem",
		     "cannot be used: No such file or directory"),
	       "");
	expect(paths(good.certificate_path, other.key_path, ""),
	       about("test.json:1:73", "ssl.key_path", other.key_path,
		     "does not belong to the certificate"),
	       "");
	expect(paths(closed.certificate_path, closed.key_path, ""),
	       about_the_passphrase(closed.key_path), "");
	testing_pair_remove(&good);
	testing_pair_remove(&other);
	testing_pair_remove(&closed);
}

static void one_that_ends_soon_or_has_ended_is_taken_with_a_warning(void **state)
{
	static const struct {
		int days;
		const char *verb;
	} rows[] = { { -3, "has expired" }, { 5, "expires" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_t until = time(NULL) + (rows[i].days - 1) * 24 * 3600;
		char date[16], text[128];
		struct testing_pair p;
		struct tm tm;

		gmtime_r(&until, &tm);
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
		snprintf(text, sizeof(text), "the certificate %s on %s: renew it", rows[i].verb,
			 date);
		testing_pair_make(&p, TESTING_EC, TESTING_PKCS8, rows[i].days);
		expect(paths(p.certificate_path, p.key_path, ""), "",
		       about("test.json:1:36", "ssl.cert_path", p.certificate_path, text));
		testing_pair_remove(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_ssl_there_is_none),
		cmocka_unit_test(the_unix_socket_wins),
		cmocka_unit_test(empty_paths_are_refused),
		cmocka_unit_test(a_good_pair_is_taken_and_a_bad_one_named),
		cmocka_unit_test(one_that_ends_soon_or_has_ended_is_taken_with_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which files make an identity, and what is said of those that do not. */
#include "io/tls.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/tls_testing.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void every_usual_kind_of_key_is_taken(void **state)
{
	static const struct {
		enum testing_key key;
		enum testing_form form;
		const char *passphrase, *described;
	} rows[] = {
		{ TESTING_EC, TESTING_PKCS8, NULL, "EC 256 bits" },
		{ TESTING_EC, TESTING_TRADITIONAL, NULL, "EC 256 bits" },
		{ TESTING_EC, TESTING_ENCRYPTED, TESTING_PASSPHRASE, "EC 256 bits" },
		{ TESTING_RSA, TESTING_PKCS8, NULL, "RSA 2048 bits" },
		{ TESTING_RSA, TESTING_TRADITIONAL, NULL, "RSA 2048 bits" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tls_certificate *described;
		struct tls_context *c;
		struct testing_pair p;
		struct tls_problem why;
		int64_t now_ms = (int64_t)time(NULL) * 1000, day_ms = 24 * 3600 * 1000;

		testing_pair_make(&p, rows[i].key, rows[i].form, 30);
		c = tls_context_new(&(struct tls_pair){ p.certificate_path, p.key_path,
							rows[i].passphrase, false, S("") },
				    &why);
		assert_row(c, i);
		described = tls_context_certificate(c);
		assert_str(str_from_cstr(described->name), S("localhost"));
		assert_str(str_from_cstr(described->key), str_from_cstr(rows[i].described));
		assert_true(described->from_ms < now_ms &&
			    described->from_ms > now_ms - 2 * day_ms);
		assert_true(described->until_ms > now_ms + 28 * day_ms &&
			    described->until_ms < now_ms + 30 * day_ms);
		tls_context_unref(c);
		testing_pair_remove(&p);
	}
}

static void expect_problem(const char *certificate, const char *key, const char *passphrase,
			   enum tls_part part, const char *text)
{
	struct tls_pair pair = { certificate, key, passphrase, false, S("") };
	struct tls_problem why = { 0 };

	assert_null(tls_context_new(&pair, &why));
	assert_str(str_from_cstr(why.text), str_from_cstr(text));
	assert_int_equal(why.part, part);
}

static void what_is_wrong_with_the_files_is_said(void **state)
{
	struct testing_pair ec, rsa, other, closed;

	testing_pair_make(&ec, TESTING_EC, TESTING_PKCS8, 30);
	testing_pair_make(&other, TESTING_EC, TESTING_PKCS8, 30);
	testing_pair_make(&rsa, TESTING_RSA, TESTING_PKCS8, 30);
	testing_pair_make(&closed, TESTING_EC, TESTING_ENCRYPTED, 30);
	expect_problem("/nowhere/c.pem", ec.key_path, NULL, TLS_CERTIFICATE,
		       "cannot be used: No such file or directory");
	expect_problem(ec.certificate_path, "/nowhere/k.pem", NULL, TLS_KEY,
		       "cannot be used: No such file or directory");
	expect_problem(ec.key_path, ec.key_path, NULL, TLS_CERTIFICATE,
		       "has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
	expect_problem("/dev/null", ec.key_path, NULL, TLS_CERTIFICATE,
		       "has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
	expect_problem(ec.certificate_path, ec.certificate_path, NULL, TLS_KEY,
		       "has no private key in PEM (-----BEGIN PRIVATE KEY-----)");
	expect_problem(ec.certificate_path, other.key_path, NULL, TLS_KEY,
		       "does not belong to the certificate");
	expect_problem(ec.certificate_path, rsa.key_path, NULL, TLS_KEY,
		       "does not belong to the certificate");
	expect_problem(closed.certificate_path, closed.key_path, NULL, TLS_PASSPHRASE,
		       "the key is encrypted and there is no passphrase");
	expect_problem(closed.certificate_path, closed.key_path, "wrong", TLS_PASSPHRASE,
		       "does not open the key");
	testing_pair_remove(&ec);
	testing_pair_remove(&other);
	testing_pair_remove(&rsa);
	testing_pair_remove(&closed);
}

static void *take_often(void *arg)
{
	struct tls_current *current = arg;

	for (int i = 0; i < 20000; i++) {
		struct tls_context *c = tls_current_get(current);

		assert_non_null(tls_context_certificate(c));
		tls_context_unref(c);
	}
	return NULL;
}

static void the_context_in_use_is_changed_while_others_take_it(void **state)
{
	struct tls_current *current = tls_current_new();
	struct tls_context *one, *two;
	struct testing_pair p;
	pthread_t thread;

	testing_pair_make(&p, TESTING_EC, TESTING_PKCS8, 30);
	one = testing_context(&p);
	two = testing_context(&p);
	assert_null(tls_current_get(current));
	tls_current_set(current, tls_context_ref(one));
	pthread_create(&thread, NULL, take_often, current);
	for (int i = 0; i < 2000; i++)
		tls_current_set(current, tls_context_ref(i % 2 ? one : two));
	pthread_join(thread, NULL);
	tls_current_free(current);
	tls_context_unref(one);
	tls_context_unref(two);
	testing_pair_remove(&p);
	assert_int_equal(mem_live_bytes(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_usual_kind_of_key_is_taken),
		cmocka_unit_test(what_is_wrong_with_the_files_is_said),
		cmocka_unit_test(the_context_in_use_is_changed_while_others_take_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The worked example of Pusher's public documentation, and one of the same form with other values. */
static const struct {
	const char *app_id, *key, *secret, *path;
	int64_t timestamp;
	const char *body, *target;
} vectors[] = {
	{ "3", "278d425bdf160c739803", "7ad3773142a6692b25b8", "/apps/3/events", 1353088179,
	  "{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":\\\"data\\\"}"
	  "\"}",
	  "/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
	  "&body_md5=ec365a775a4cd0599faeb73354201b6f&auth_signature="
	  "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c" },
	{ "app-id", "app-key", "app-secret", "/apps/app-id/events", 1700000000,
	  "{\"name\":\"my-event\",\"channels\":[\"my-channel\"],\"data\":\"{\\\"hello\\\":"
	  "\\\"world\\\"}\"}",
	  "/apps/app-id/events?auth_key=app-key&auth_timestamp=1700000000&auth_version=1.0"
	  "&body_md5=4a2297b34d32420d05955925447cdaf7&auth_signature="
	  "9b1548d1fed48d2437f0a82a6ea33b43d1fbcdfb998be18906e5e17e3de7c9e1" },
};

static void signer_signs_as_pusher_does_again_and_again(void **state)
{
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct signer *s = signer_new(vectors[i].app_id, vectors[i].key, vectors[i].secret);
		char target[512];

		for (int round = 0; round < 3; round++) {
			size_t n = signer_target(s, vectors[i].path, vectors[i].timestamp,
						 vectors[i].body, strlen(vectors[i].body), target,
						 sizeof target);

			assert_int_equal(n, strlen(vectors[i].target));
			assert_memory_equal(target, vectors[i].target, n);
		}
		signer_free(s);
	}
}

static void signer_publish_says_the_length_of_its_body(void **state)
{
	struct signer *s = signer_new("app-id", "app-key", "app-secret");
	struct payload p = { 1, 2, 3 }, found;
	char request[SIGNED_REQUEST_BYTES_MAX + 1];
	const char *body, *length;
	size_t hint = 0, n = signer_publish(s, "bench-0", &p, request);

	request[n] = '\0';
	assert_memory_equal(request, "POST /apps/app-id/events?auth_key=app-key&", 42);
	body = strstr(request, "\r\n\r\n") + 4;
	length = strstr(request, "\r\nContent-Length: ") + 18;
	assert_int_equal(strtoul(length, NULL, 10), strlen(body));
	assert_non_null(strstr(body, "\"channels\":[\"bench-0\"]"));
	assert_true(payload_find(body, strlen(body), &hint, &found));
	assert_int_equal(found.number, 2);
	signer_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signer_signs_as_pusher_does_again_and_again),
		cmocka_unit_test(signer_publish_says_the_length_of_its_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "io/mailbox.h"

#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>
#include <string.h>

enum { KIND_NUMBER = 7, KIND_BIG = 8 };

/* Takes everything and checks the numbers of each sender. */
struct receiver {
	struct mailbox *box;
	struct loop *loop;
	uint64_t next[8];
	uint64_t n_left; /* stops the loop at 0 */
	bool is_wrong;
};

struct number {
	uint64_t sender;
	uint64_t value;
};

static void receive_one(struct receiver *r, const struct mail *m)
{
	const struct number *n = (const struct number *)m->record;

	if (m->kind == KIND_NUMBER && m->bytes == sizeof(*n) && r->next[n->sender] == n->value)
		r->next[n->sender]++;
	else
		r->is_wrong = true;
	if (--r->n_left == 0)
		loop_stop(r->loop);
}

static bool receive(void *ctx)
{
	struct receiver *r = ctx;

	for (struct mail_batch *b = mailbox_take(r->box); b; b = mail_batch_done(b)) {
		const struct mail *m;
		size_t at = 0;

		while ((m = mail_batch_next(b, &at)))
			receive_one(r, m);
	}
	return false;
}

static void send_number(struct outbox *o, uint64_t sender, uint64_t value)
{
	*(struct number *)outbox_add(o, KIND_NUMBER, sizeof(struct number)) =
		(struct number){ sender, value };
}

static void mail_comes_in_order_over_many_batches(void **state)
{
	int64_t live = mem_live_bytes();
	struct receiver r = { .loop = loop_new_kernel(), .n_left = UINT64_MAX };
	struct outbox o;

	r.box = mailbox_new(r.loop, 1);
	outbox_init(&o, r.box);
	assert_false(outbox_flush(&o));
	for (uint64_t i = 0; i < 5000; i++) {
		send_number(&o, 0, i);
		if (i % 1777 == 0)
			assert_true(outbox_flush(&o));
	}
	outbox_flush(&o);
	outbox_fini(&o);
	receive(&r);
	assert_int_equal(r.next[0], 5000);
	assert_false(r.is_wrong);
	assert_null(mailbox_take(r.box));
	mailbox_free(r.box);
	loop_free(r.loop);
	assert_int_equal(mem_live_bytes(), live);
}

static void mail_of_every_size_keeps_its_bytes_and_its_place(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 4096, 4097, 100000, 3, 8000, 8000, 1 };
	struct loop *l = loop_new_kernel();
	struct mailbox *box = mailbox_new(l, 1);
	struct mail_batch *b;
	struct outbox o;
	size_t n = 0;

	outbox_init(&o, box);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *p = outbox_add(&o, (uint32_t)i, sizes[i]);

		assert_int_equal((uintptr_t)p % 8, 0);
		memset(p, (int)i + 1, sizes[i]);
	}
	outbox_flush(&o);
	for (b = mailbox_take(box); b; b = mail_batch_done(b)) {
		const struct mail *m;
		size_t at = 0;

		while ((m = mail_batch_next(b, &at))) {
			const char *p = (const char *)m->record;

			assert_int_equal(m->kind, n);
			assert_int_equal(m->bytes, (sizes[n] + 7) / 8 * 8);
			for (size_t i = 0; i < sizes[n]; i++)
				assert_int_equal(p[i], (char)(n + 1));
			n++;
		}
	}
	assert_int_equal(n, sizeof(sizes) / sizeof(sizes[0]));
	mailbox_free(box);
	loop_free(l);
}

static void mail_too_big_for_memory_is_refused_and_the_rest_goes_on(void **state)
{
	struct receiver r = { .loop = loop_new_kernel(), .n_left = UINT64_MAX };
	struct outbox o;

	r.box = mailbox_new(r.loop, 1);
	outbox_init(&o, r.box);
	send_number(&o, 0, 0);
	mem_fail_nth(1);
	assert_null(outbox_add(&o, KIND_BIG, 9000));
	mem_fail_nth(1);
	assert_non_null(outbox_add(&o, KIND_NUMBER, 4096));
	mem_fail_nth(0);
	assert_null(outbox_add(&o, KIND_BIG, MAIL_BYTES_MAX + 1));
	outbox_flush(&o);
	for (struct mail_batch *b = mailbox_take(r.box); b; b = mail_batch_done(b))
		r.next[1]++;
	assert_int_equal(r.next[1], 1);
	mailbox_free(r.box);
	loop_free(r.loop);
}

static void mailbox_is_full_until_its_mail_is_done(void **state)
{
	struct loop *l = loop_new_kernel();
	struct mailbox *box = mailbox_new(l, 1000);
	struct mail_batch *b;
	struct outbox o;

	outbox_init(&o, box);
	outbox_add(&o, 1, 900);
	outbox_flush(&o);
	assert_false(mailbox_is_full(box));
	outbox_add(&o, 1, 100);
	assert_false(mailbox_is_full(box));
	outbox_flush(&o);
	assert_true(mailbox_is_full(box));
	b = mailbox_take(box);
	assert_true(mailbox_is_full(box));
	b = mail_batch_done(b);
	assert_false(mailbox_is_full(box));
	assert_null(mail_batch_done(b));
	mailbox_free(box);
	loop_free(l);
}

/* Threads */

enum { N_SENDERS = 4, N_NUMBERS = 20000 };

struct sender {
	pthread_t thread;
	struct mailbox *to;
	uint64_t id;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;
	struct outbox o;

	outbox_init(&o, s->to);
	for (uint64_t i = 0; i < N_NUMBERS; i++) {
		send_number(&o, s->id, i);
		if (i % (s->id * 30 + 1) == 0)
			outbox_flush(&o);
	}
	outbox_flush(&o);
	outbox_fini(&o);
	return NULL;
}

static void mail_of_many_threads_is_complete_and_in_order_per_sender(void **state)
{
	int64_t live = mem_live_bytes();
	struct receiver r = { .loop = loop_new_kernel(), .n_left = N_SENDERS * N_NUMBERS };
	struct sender senders[N_SENDERS];

	r.box = mailbox_new(r.loop, 1 << 20);
	loop_on_turn_end(r.loop, receive, &r);
	for (uint64_t i = 0; i < N_SENDERS; i++) {
		senders[i] = (struct sender){ .to = r.box, .id = i };
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]),
				 0);
	}
	loop_run(r.loop);
	for (uint64_t i = 0; i < N_SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		assert_int_equal(r.next[i], N_NUMBERS);
	}
	assert_false(r.is_wrong);
	mailbox_free(r.box);
	loop_free(r.loop);
	assert_int_equal(mem_live_bytes(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_comes_in_order_over_many_batches),
		cmocka_unit_test(mail_of_every_size_keeps_its_bytes_and_its_place),
		cmocka_unit_test(mail_too_big_for_memory_is_refused_and_the_rest_goes_on),
		cmocka_unit_test(mailbox_is_full_until_its_mail_is_done),
		cmocka_unit_test(mail_of_many_threads_is_complete_and_in_order_per_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

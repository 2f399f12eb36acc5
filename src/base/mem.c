/* mem.c: the C library's heap, with a count that is exact and costs an addition.
 *
 * A counter shared by all threads would be the busiest cache line of the server, so each thread
 * has its own, which only it writes; the sum is taken when somebody asks. A thread's counter may
 * be negative (it freed what another took); only the sum means something. Sizes are what malloc
 * really set aside (malloc_usable_size), so nothing has to be stored beside an object. These
 * counters are the one global state of the code: the heap is global too. */
#include "base/mem.h"

#include "base/list.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/auxv.h>

struct thread_count {
	struct list node;
	_Atomic int64_t bytes;
	enum { THREAD_NEW, THREAD_COUNTED, THREAD_ENDED } state;
};

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list threads = { &threads, &threads };
static _Atomic int64_t ended_bytes; /* of threads that are gone */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t end_key;
static _Thread_local struct thread_count self;
static _Atomic uint64_t fail_in,
	fail_more; /* a count down, of which so many fail before the last */

static _Noreturn void die(size_t bytes)
{
	fprintf(stderr, "sockudo: out of memory (%zu bytes wanted)\n", bytes);
	abort();
}

static void on_thread_end(void *thread)
{
	struct thread_count *t = thread;

	pthread_mutex_lock(&threads_lock);
	list_remove(&t->node);
	atomic_fetch_add(&ended_bytes, atomic_load(&t->bytes));
	t->state = THREAD_ENDED;
	pthread_mutex_unlock(&threads_lock);
}

static void make_key(void)
{
	if (pthread_key_create(&end_key, on_thread_end) != 0)
		die(0);
}

static void thread_register(void)
{
	pthread_once(&key_once, make_key);
	if (pthread_setspecific(end_key, &self) != 0)
		die(0);
	pthread_mutex_lock(&threads_lock);
	list_push_back(&threads, &self.node);
	self.state = THREAD_COUNTED;
	pthread_mutex_unlock(&threads_lock);
}

/* Other destructors of an ending thread may still free things after ours ran. */
static __attribute__((noinline, cold)) void count_unregistered(int64_t bytes)
{
	if (self.state == THREAD_ENDED) {
		atomic_fetch_add(&ended_bytes, bytes);
		return;
	}
	thread_register();
	mem_count(bytes);
}

void mem_count(int64_t bytes)
{
	if (__builtin_expect(self.state != THREAD_COUNTED, 0)) {
		count_unregistered(bytes);
		return;
	}
	/* No one else writes it: a load and a store, not a locked instruction. */
	int64_t old = atomic_load_explicit(&self.bytes, memory_order_relaxed);

	atomic_store_explicit(&self.bytes, old + bytes, memory_order_relaxed);
}

int64_t mem_live_bytes(void)
{
	int64_t sum;

	pthread_mutex_lock(&threads_lock);
	sum = atomic_load(&ended_bytes);
	for (struct list *l = threads.next; l != &threads; l = l->next)
		sum += atomic_load(&((struct thread_count *)l)->bytes);
	pthread_mutex_unlock(&threads_lock);
	return sum;
}

static int64_t size_of(void *p)
{
	return (int64_t)malloc_usable_size(p);
}

static void *counted(void *p)
{
	if (p)
		mem_count(size_of(p));
	return p;
}

static void *must(void *p, size_t bytes)
{
	if (__builtin_expect(!p, 0))
		die(bytes);
	return p;
}

/* realloc to nothing would free. */
static void *resize(void *p, size_t bytes)
{
	int64_t old = size_of(p);
	void *new = realloc(p, bytes ? bytes : 1);

	if (new)
		mem_count(size_of(new) - old);
	return new;
}

static bool fails_now(void)
{
	uint64_t n = atomic_load_explicit(&fail_in, memory_order_relaxed);

	while (__builtin_expect(n != 0, 0))
		if (atomic_compare_exchange_weak(&fail_in, &n, n - 1))
			return n <= 1 + atomic_load_explicit(&fail_more, memory_order_relaxed);
	return false;
}

void *xalloc(size_t bytes)
{
	return must(counted(malloc(bytes)), bytes);
}

void *xcalloc(size_t n, size_t bytes)
{
	return must(counted(calloc(n, bytes)), bytes);
}

void *xrealloc(void *p, size_t bytes)
{
	return must(resize(p, bytes), bytes);
}

void *try_alloc(size_t bytes)
{
	return fails_now() ? NULL : counted(malloc(bytes));
}

void *try_realloc(void *p, size_t bytes)
{
	return fails_now() ? NULL : resize(p, bytes);
}

void xfree(void *p)
{
	if (!p)
		return;
	mem_count(-size_of(p));
	free(p);
}

str str_dup(str s)
{
	char *p = xalloc(s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (str){ p, s.n };
}

void str_free(str s)
{
	xfree((void *)s.p);
}

void *mem_chunk_alloc(size_t align, size_t bytes)
{
	void *p;

	if (posix_memalign(&p, align, bytes) != 0)
		die(bytes);
	return p;
}

void mem_chunk_free(void *p)
{
	free(p);
}

uint64_t mem_fail_nth(uint64_t n)
{
	return mem_fail_run(n, 0);
}

uint64_t mem_fail_run(uint64_t n, uint64_t n_more)
{
	atomic_store(&fail_more, n_more);
	return atomic_exchange(&fail_in, n ? n + n_more : 0);
}

void mem_give_back(void)
{
	malloc_trim(0);
}

/* Only what was never written to: the rest would be lost. */
static int let_go_of_segments(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = getauxval(AT_PAGESZ);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + ph->p_vaddr) & ~(page - 1);
		uintptr_t end = info->dlpi_addr + ph->p_vaddr + ph->p_filesz;

		if (ph->p_type == PT_LOAD && !(ph->p_flags & PF_W))
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void mem_let_go_of_code(void)
{
	dl_iterate_phdr(let_go_of_segments, NULL);
}

#include "io/process.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/cgroup.h"
#include "io/sim.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void process_knows_its_memory_descriptors_and_machine(void **state)
{
	struct loop *l = loop_new_kernel();
	struct process *p = process_open(l);
	struct process_usage before, after;
	struct process_memory m;
	struct host_memory host;
	int fd;

	assert_true(process_memory(p, &m));
	assert_in_range(m.resident_bytes, 1 << 20, UINT32_MAX);
	assert_true(m.virtual_bytes >= m.resident_bytes);
	assert_int_equal(m.limit_bytes == UINT64_MAX, m.limit_source == MEMORY_LIMIT_NONE);
	assert_true(process_host(p, &host));
	assert_true(host.available_bytes > 0 && host.available_bytes <= host.total_bytes);
	assert_true(process_usage(p, &before));
	fd = open("/dev/null", O_RDONLY);
	assert_true(process_usage(p, &after));
	assert_int_equal(after.n_files, before.n_files + 1);
	assert_true(after.cpu_ns > before.cpu_ns);
	assert_true(after.n_files_max >= after.n_files);
	close(fd);
	process_close(p);
	loop_free(l);
}

static void process_is_what_the_simulator_was_told(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct sim *s = sim_new(1, &calm);
	struct loop *l = sim_loop_new(s);
	struct process *p = process_open(l);
	struct process_memory m;

	sim_process(s)->memory.resident_bytes = 7;
	assert_true(process_memory(p, &m));
	assert_int_equal(m.resident_bytes, 7);
	sim_process(s)->is_unreadable = true;
	assert_false(process_memory(p, &m));
	process_close(p);
	loop_free(l);
	sim_free(s);
	assert_int_equal(mem_live_bytes(), 0);
}

/* Control groups, in a folder that looks like the system's */

struct tree {
	char root[64];
	struct cgroup cgroup;
};

static void tree_path(const struct tree *t, const char *path, char out[256])
{
	snprintf(out, 256, "%s%s", t->root, path);
}

static void tree_put(const struct tree *t, const char *path, const char *text)
{
	char at[256];
	FILE *f;

	tree_path(t, path, at);
	for (char *p = at + strlen(t->root) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(at, 0755);
		*p = '/';
	}
	f = fopen(at, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void tree_init(struct tree *t, const char *self)
{
	snprintf(t->root, sizeof(t->root), "/tmp/cgroup-test-XXXXXX");
	assert_non_null(mkdtemp(t->root));
	tree_put(t, "/proc/self/cgroup", self);
}

static uint64_t tree_limit(struct tree *t, enum memory_limit_source source)
{
	uint64_t bytes = 0;

	cgroup_open(&t->cgroup, t->root);
	if (cgroup_limit(&t->cgroup, &bytes))
		assert_int_equal(t->cgroup.source, source);
	else
		bytes = 0;
	cgroup_close(&t->cgroup);
	return bytes;
}

static int forget(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void tree_fini(struct tree *t)
{
	assert_int_equal(nftw(t->root, forget, 8, FTW_DEPTH), 0);
}

static void cgroup_takes_the_smallest_limit_on_the_way_up(void **state)
{
	struct tree t;

	tree_init(&t, "0::/a.slice/b.service\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 0);
	tree_put(&t, "/sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 0);
	tree_put(&t, "/sys/fs/cgroup/a.slice/memory.max", "5000000\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 5000000);
	tree_put(&t, "/sys/fs/cgroup/a.slice/b.service/memory.max", "6000000\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 5000000);
	tree_put(&t, "/sys/fs/cgroup/a.slice/b.service/memory.max", "4000000\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 4000000);
	tree_fini(&t);
}

static void cgroup_of_a_container_is_the_root_that_it_sees(void **state)
{
	struct tree t;

	tree_init(&t, "0::/docker/0123456789ab\n");
	tree_put(&t, "/sys/fs/cgroup/memory.max", "268435456\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 268435456);
	tree_fini(&t);
}

static void cgroup_of_version_1_has_its_own_tree_and_its_own_none(void **state)
{
	struct tree t;

	tree_init(&t, "5:devices:/x\n4:cpu,memory:/x\n0::/\n");
	tree_put(&t, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V1), 0);
	tree_put(&t, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1048576\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V1), 1048576);
	tree_fini(&t);
}

static void cgroup_limit_is_read_anew_each_time(void **state)
{
	struct tree t;
	uint64_t bytes;

	tree_init(&t, "0::/\n");
	tree_put(&t, "/sys/fs/cgroup/memory.max", "1000000\n");
	cgroup_open(&t.cgroup, t.root);
	assert_true(cgroup_limit(&t.cgroup, &bytes));
	tree_put(&t, "/sys/fs/cgroup/memory.max", "2000000\n");
	assert_true(cgroup_limit(&t.cgroup, &bytes));
	assert_int_equal(bytes, 2000000);
	cgroup_close(&t.cgroup);
	tree_fini(&t);
}

static void cgroup_makes_nothing_of_nonsense(void **state)
{
	struct tree t;
	char deep[600] = "0::";

	for (size_t i = 3; i + 2 < sizeof(deep) - 1; i += 2)
		memcpy(deep + i, "/a", 3);
	tree_init(&t, deep);
	tree_put(&t, "/sys/fs/cgroup/memory.max", "many\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 0);
	tree_put(&t, "/proc/self/cgroup", "\n:\n::::\n0:\n");
	assert_int_equal(tree_limit(&t, MEMORY_LIMIT_CGROUP_V2), 0);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_knows_its_memory_descriptors_and_machine),
		cmocka_unit_test(process_is_what_the_simulator_was_told),
		cmocka_unit_test(cgroup_takes_the_smallest_limit_on_the_way_up),
		cmocka_unit_test(cgroup_of_a_container_is_the_root_that_it_sees),
		cmocka_unit_test(cgroup_of_version_1_has_its_own_tree_and_its_own_none),
		cmocka_unit_test(cgroup_limit_is_read_anew_each_time),
		cmocka_unit_test(cgroup_makes_nothing_of_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

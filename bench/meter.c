#include "meter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "loop.h"

static void read_file(const char *path, char *out, size_t cap)
{
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		die("%s", path);
	n = fread(out, 1, cap - 1, file);
	out[n] = '\0';
	fclose(file);
}

static void add_thread(struct usage *u, pid_t pid, const char *thread)
{
	char path[320], text[128];
	char *rest;

	snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
	read_file(path, text, sizeof text);
	u->run_ns += strtoull(text, &rest, 10);
	u->wait_ns += strtoull(rest, NULL, 10);
}

static struct usage usage_of(pid_t pid)
{
	struct usage u = { 0 };
	const struct dirent *entry;
	char path[64];
	DIR *threads;

	if (pid == 0)
		return u;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (!threads)
		die("%s", path);
	while ((entry = readdir(threads))) {
		if (entry->d_name[0] != '.')
			add_thread(&u, pid, entry->d_name);
	}
	closedir(threads);
	return u;
}

static struct usage usage_since(struct usage now, struct usage before)
{
	return (struct usage){ now.run_ns - before.run_ns, now.wait_ns - before.wait_ns };
}

void meter_start(struct meter *m, pid_t server_pid)
{
	*m = (struct meter){ .server_pid = server_pid };
	m->server = usage_of(server_pid);
	m->self = usage_of(getpid());
	m->from_ns = now_ns();
}

void meter_stop(struct meter *m)
{
	m->elapsed_ns = now_ns() - m->from_ns;
	m->server = usage_since(usage_of(m->server_pid), m->server);
	m->self = usage_since(usage_of(getpid()), m->self);
}

double meter_per_second(const struct meter *m, uint64_t n)
{
	return (double)n * 1e9 / (double)m->elapsed_ns;
}

uint64_t meter_rss_bytes(pid_t pid)
{
	char path[64], text[4096];
	const char *line;

	if (pid == 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	read_file(path, text, sizeof text);
	line = strstr(text, "\nRss:");
	if (!line)
		die("%s has no Rss", path);
	return strtoull(line + strlen("\nRss:"), NULL, 10) * 1024;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"
#include "trace.h"

#define SETTLE_SECONDS	12	/* frees that wait for RCU are batched for five */

static long kib_of(const char *key)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			kib = atol(line + strlen(key));
	}
	if (kib < 0)
		tap_bail("/proc/meminfo: no %s", key);
	fclose(f);
	return kib;
}

/* Empty slabs go back to where pages come from, and objects are counted exactly. */
static void shrink_slabs(void)
{
	DIR *d = opendir("/sys/kernel/slab");
	struct dirent *e;
	char path[300];

	if (!d)
		tap_bail("/sys/kernel/slab");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || e->d_type == DT_LNK)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", e->d_name);
		write_line(path, "1");
	}
	closedir(d);
}

static void count_objects(struct trace *t)
{
	char line[256];
	FILE *f = fopen("/proc/slabinfo", "re");

	t->caches = 0;
	while (f && fgets(line, sizeof(line), f) && t->caches < MAX_CACHES) {
		struct slab *s = &t->slab[t->caches];

		t->caches += sscanf(line, "%47s %ld", s->name, &s->objects) == 2;
	}
	if (!t->caches)
		tap_bail("/proc/slabinfo");
	fclose(f);
}

void trace_look(struct trace *t)
{
	shrink_slabs();
	count_objects(t);
	t->free_kib = kib_of("MemFree:");
	t->vmalloc_kib = kib_of("VmallocUsed:");
	t->percpu_kib = kib_of("Percpu:");
}

static long objects_of(const struct trace *t, const char *name)
{
	for (int i = 0; i < t->caches; i++) {
		if (!strcmp(t->slab[i].name, name))
			return t->slab[i].objects;
	}
	return 0;
}

/* the cache that grew most */
static long most_grown(const struct trace *before, const struct trace *after, const char **name)
{
	long most = 0;

	*name = "none";
	for (int i = 0; i < after->caches; i++) {
		const struct slab *s = &after->slab[i];
		long more = s->objects - objects_of(before, s->name);

		if (more > most) {
			most = more;
			*name = s->name;
		}
	}
	return most;
}

bool trace_gone(const struct trace *before, const struct trace *after, long kib, long objects)
{
	const char *name;

	return before->free_kib - after->free_kib < kib &&
	       after->vmalloc_kib - before->vmalloc_kib < kib &&
	       after->percpu_kib - before->percpu_kib < kib &&
	       most_grown(before, after, &name) < objects;
}

void trace_report(const struct trace *before, const struct trace *after)
{
	const char *name;
	const long more = most_grown(before, after, &name);

	tap_note("free memory %+ld KiB, vmalloc %+ld KiB, per-CPU %+ld KiB",
		 after->free_kib - before->free_kib, after->vmalloc_kib - before->vmalloc_kib,
		 after->percpu_kib - before->percpu_kib);
	tap_note("most objects more: %ld, of %s", more, name);
}

void trace_settle(struct trace *t)
{
	long free_kib;

	trace_look(t);
	for (int i = 0; i < SETTLE_SECONDS; i++) {
		free_kib = t->free_kib;
		sleep(1);
		trace_look(t);
		if (i > 5 && t->free_kib <= free_kib)
			break;
	}
}

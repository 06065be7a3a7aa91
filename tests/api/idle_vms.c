// SPDX-License-Identifier: GPL-2.0-only
/* A thousand VMs that have run and are idle, all at once; no trace when they are gone. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"

#define VMS		1000
#define RAM_SIZE	0x20000
#define MAX_CACHES	512
#define WATCHDOG_SECONDS 120
#define SETTLE_SECONDS	12	/* frees that wait for RCU are batched for five */
/* In KiB: pages that each CPU keeps for itself; less than one page for every third VM. */
#define KIB_KEPT	1300
/* All of the slab that a CPU allocates from counts as used: at most 512 objects, of 8 bytes. */
#define OBJECTS_KEPT	(VMS * 3 / 4)

static struct machine vms[VMS];
static struct cpu cpus[VMS];

struct slab {
	char name[48];
	long objects;
};

struct trace {
	long free_kib, vmalloc_kib, percpu_kib;
	int caches;
	struct slab slab[MAX_CACHES];
};

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

static void look(struct trace *t)
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

static bool gone(const struct trace *before, const struct trace *after)
{
	const char *name;

	return before->free_kib - after->free_kib < KIB_KEPT &&
	       after->vmalloc_kib - before->vmalloc_kib < KIB_KEPT &&
	       after->percpu_kib - before->percpu_kib < KIB_KEPT &&
	       most_grown(before, after, &name) < OBJECTS_KEPT;
}

/* All of them share their RAM. A real-mode program of one instruction ends the case. */
static void make_ram(struct machine *m)
{
	static const uint8_t program[] = { 0xe6, PORT_DONE };
	const uint64_t entry = GUEST_BASE + 8;

	m->dev = open_device();
	m->ram_size = RAM_SIZE;
	m->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->ram == MAP_FAILED)
		tap_bail("mmap");
	machine_tables(m);
	memcpy(m->ram + GUEST_BASE, &entry, sizeof(entry));
	memcpy(m->ram + entry, program, sizeof(program));
}

/* How many ran to their end. */
static int begin(const struct machine *like, int count)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };
	int ran = 0;

	for (int i = 0; i < count; i++) {
		vms[i] = *like;
		vms[i].vm = call(like->dev, VMXHV_CREATE_VM, &create);
		if (vms[i].vm < 0)
			tap_bail("CREATE_VM number %d: %s", i, strerror(-vms[i].vm));
		machine_map(&vms[i], 0, like->ram, RAM_SIZE, 0);
		cpu_create(&vms[i], &cpus[i], 0);
		cpu_start(&cpus[i], MODE_REAL, 0);
		ran += run_guest(&cpus[i]) == VMXHV_EXIT_NONE;
	}
	return ran;
}

static int begin_again(int count)
{
	int ran = 0;

	for (int i = 0; i < count; i++) {
		cpu_start(&cpus[i], MODE_REAL, 0);
		ran += run_guest(&cpus[i]) == VMXHV_EXIT_NONE;
	}
	return ran;
}

static void end(int count)
{
	for (int i = 0; i < count; i++) {
		cpu_destroy(&cpus[i]);
		close(vms[i].vm);
	}
}

static void report(const struct trace *before, const struct trace *after)
{
	const char *name;
	const long more = most_grown(before, after, &name);

	tap_note("free memory %+ld KiB, vmalloc %+ld KiB, per-CPU %+ld KiB",
		 after->free_kib - before->free_kib, after->vmalloc_kib - before->vmalloc_kib,
		 after->percpu_kib - before->percpu_kib);
	tap_note("most objects more: %ld, of %s", more, name);
}

/* Until nothing more is freed. */
static void settle(struct trace *t)
{
	long free_kib;

	look(t);
	for (int i = 0; i < SETTLE_SECONDS; i++) {
		free_kib = t->free_kib;
		sleep(1);
		look(t);
		if (i > 5 && t->free_kib <= free_kib)
			break;
	}
}

static void without_a_trace(const struct machine *m)
{
	static struct trace before, full, after;

	/* what comes with the first thousand, and stays for the next, is no trace */
	begin(m, VMS);
	end(VMS);
	settle(&before);
	tap_equal(begin(m, VMS), VMS, "a thousand VMs: each ran and is idle");
	look(&full);
	report(&before, &full);
	tap_ok(before.free_kib - full.free_kib > VMS * 16, "they have memory of the kernel's");
	tap_equal(begin_again(VMS), VMS, "and each runs again");
	end(VMS);
	settle(&after);
	report(&before, &after);
	tap_ok(gone(&before, &after), "gone without a trace");
}

int main(void)
{
	const struct rlimit limit = { 2 * VMS + 64, 2 * VMS + 64 };
	struct machine m;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		tap_bail("RLIMIT_NOFILE");
	make_ram(&m);
	alarm(patience(WATCHDOG_SECONDS));
	without_a_trace(&m);
	return tap_done();
}

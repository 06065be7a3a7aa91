// SPDX-License-Identifier: GPL-2.0-only
/* A thousand VMs that have run and are idle, all at once; no trace when they are gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "trace.h"

#define VMS		1000
#define RAM_SIZE	0x20000
#define WATCHDOG_SECONDS 120
/* In KiB: pages that each CPU keeps for itself; less than one page for every third VM. */
#define KIB_KEPT	1300
/* All of the slab that a CPU allocates from counts as used: at most 512 objects, of 8 bytes. */
#define OBJECTS_KEPT	(VMS * 3 / 4)

static struct machine vms[VMS];
static struct cpu cpus[VMS];

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

static void without_a_trace(const struct machine *m)
{
	static struct trace before, full, after;

	/* what comes with the first thousand, and stays for the next, is no trace */
	begin(m, VMS);
	end(VMS);
	trace_settle(&before);
	tap_equal(begin(m, VMS), VMS, "a thousand VMs: each ran and is idle");
	trace_look(&full);
	trace_report(&before, &full);
	tap_ok(before.free_kib - full.free_kib > VMS * 16, "they have memory of the kernel's");
	tap_equal(begin_again(VMS), VMS, "and each runs again");
	end(VMS);
	trace_settle(&after);
	trace_report(&before, &after);
	tap_ok(trace_gone(&before, &after, KIB_KEPT, OBJECTS_KEPT), "gone without a trace");
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

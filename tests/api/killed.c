// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 in the middle of every call that can wait, and nothing of the process is left.
 *
 * Where a call waits is a matter of userfaultfd: a trap is memory that nobody fills. The process is
 * killed when the kernel has stepped into it, with the call's argument, an array, guest memory or
 * the guest's page tables there. Calls that are long, or that race with others, are killed after
 * some time. Needs the module vmxe, and one CPU: with two, the emulated machine now and then takes
 * seconds for an exit, and for what waits for RCU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"
#include "trace.h"

#define TRAP_SIZE	0x10000u
#define LARGE		(64u << 20)	/* takes a while to fill */
#define PASSES		3
/* Of each that is killed: what slabs and CPUs keep differs by some MiB, all in all. */
#define KIB_KEPT	24
#define RCU_SECONDS	20
#define WATCHDOG_SECONDS 140

enum fd { DEV, VM, VCPU };
enum { IO_OUTS_REP = 1, IO_INS_REP = 4 };	/* of io.S */
enum { SPIN, CLI_CPUID, COUNT, HALT };		/* of spin.S */
enum { WAIT_VALUE, WRITE_VALUE };		/* of memory.S */

static struct machine m;
static struct cpu c;
static uint8_t *trap;
static int uffd;
static void *argument;			/* of the call, once a row has prepared it */

/* ---- traps in arrays ------------------------------------------------------------------------ */

static void ops_trap(void)
{
	static struct vmxhv_memory memory = { .size = sizeof(memory), .count = 1 };

	memory.ops = (uintptr_t)trap;
	argument = &memory;
}

static void prefault(void *hva, uint64_t length)
{
	static struct vmxhv_mem_op op = { .kind = VMXHV_MEM_MAP, .flags = VMXHV_MEM_PREFAULT,
					  .gpa = PAGED_BASE };
	static struct vmxhv_memory memory = { .size = sizeof(memory), .count = 1 };

	op.hva = (uintptr_t)hva;
	op.length = length;
	memory.ops = (uintptr_t)&op;
	argument = &memory;
}

static void prefault_trap(void)
{
	prefault(trap, TRAP_SIZE);
}

static struct vmxhv_dirty dirty = { .size = sizeof(dirty), .length = 0x10000 };

static void log_ram(void)
{
	static struct vmxhv_mem_op op = { .kind = VMXHV_MEM_LOG, .flags = VMXHV_MEM_LOG_DIRTY,
					  .length = 0x10000 };
	struct vmxhv_memory memory = { .size = sizeof(memory), .count = 1,
				       .ops = (uintptr_t)&op };

	if (call(m.vm, VMXHV_MEMORY, &memory))
		tap_bail("LOG");
	dirty.bitmap = (uintptr_t)trap;
	argument = &dirty;
}

static void bitmap_out_trap(void)
{
	log_ram();
	dirty.op = VMXHV_DIRTY_GET;
}

static void bitmap_in_trap(void)
{
	log_ram();
	dirty.op = VMXHV_DIRTY_CLEAR;
}

static void ranges_trap(void)
{
	static struct vmxhv_config config = { .size = sizeof(config), .count = 1 };

	config.ranges = (uintptr_t)trap;
	argument = &config;
}

static void cpuid_trap(void)
{
	static struct vmxhv_cpuid cpuid = { .size = sizeof(cpuid), .count = 256 };

	cpuid.entries = (uintptr_t)trap;
	argument = &cpuid;
}

static void msrs_trap(void)
{
	static struct vmxhv_msrs msrs = { .size = sizeof(msrs), .count = 512 };

	msrs.entries = (uintptr_t)trap;
	argument = &msrs;
}

static struct vmxhv_state state = { .size = sizeof(state), .count = 1 };

static void entries_trap(void)
{
	state.entries = (uintptr_t)trap;
	argument = &state;
}

static void group_trap(void)
{
	static struct vmxhv_state_entry entry = { VMXHV_STATE_XSAVE, 8192, 0 };

	entry.data = (uintptr_t)trap;
	state.entries = (uintptr_t)&entry;
	argument = &state;
}

/* ---- traps in the guest's memory ------------------------------------------------------------ */

static struct vmxhv_run_args run_args = { .size = sizeof(run_args) };
static struct vmxhv_translate translate = { .size = sizeof(translate), .gva = 0x1000,
					    .access = VMXHV_ACCESS_READ };

static void guest(const char *image, unsigned int entry)
{
	load_guest(&m, image);
	cpu_start(&c, MODE_LONG, entry);
	argument = &run_args;
}

static void guest_accesses(unsigned int entry)
{
	machine_map(&m, PAGED_BASE, trap, TRAP_SIZE, 0);
	guest("memory", entry);
}

static void guest_reads(void)
{
	guest_accesses(WAIT_VALUE);
}

static void guest_writes(void)
{
	guest_accesses(WRITE_VALUE);
}

static void guest_fetches(void)
{
	struct vmxhv_gprs gprs;

	guest_reads();
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	gprs.rip = PAGED_BASE;
	set_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
}

static void guest_walks(void)
{
	struct vmxhv_sregs sregs;

	guest_reads();
	get_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs));
	sregs.cr3 = PAGED_BASE;
	set_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs));
}

static void translate_walks(void)
{
	guest_walks();
	argument = &translate;
}

static void data_trap(void)
{
	machine_unmap(&m, DATA_BASE, 4096);
	machine_map(&m, DATA_BASE, trap, 4096, 0);
}

/* The kernel reads for OUTS, with the vCPU's mutex held. */
static void guest_outs(void)
{
	data_trap();
	guest("io", IO_OUTS_REP);
}

/* The kernel writes what INS brought when RUN completes it. */
static void guest_ins(void)
{
	guest("io", IO_INS_REP);
	if (run_guest(&c) != VMXHV_EXIT_IO)
		tap_bail("no INS");
	data_trap();
}

/* ---- what takes long, and races ------------------------------------------------------------- */

static void spins(void)
{
	guest("spin", SPIN);
}

static void exits(void)
{
	guest("spin", CLI_CPUID);
}

static void counts(void)
{
	guest("spin", COUNT);
}

static void halts(void)
{
	guest("spin", HALT);
}

static void waits_for_sipi(void)
{
	const struct vmxhv_events events = { .activity = VMXHV_WAIT_SIPI };
	const struct vmxhv_extint line = { .size = sizeof(line), .level = 1 };

	guest("spin", SPIN);
	set_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events));
	call(c.fd, VMXHV_EXTINT, &line);
}

static void prefault_large(void)
{
	void *large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	prefault(large, LARGE);
}

static void create_and_close(void)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };
	struct vmxhv_create_vcpu vcpu = { .size = sizeof(vcpu) };
	int vm = call(m.dev, VMXHV_CREATE_VM, &create);

	call(vm, VMXHV_CREATE_VCPU, &vcpu);
	close(vm);
}

static void create_vcpus(void)
{
	static uint32_t id = 1;
	struct vmxhv_create_vcpu vcpu = { .size = sizeof(vcpu), .id = id++ % 64 };

	close(call(m.vm, VMXHV_CREATE_VCPU, &vcpu));
}

static void map_and_unmap(void)
{
	static uint8_t page[1 << 20] __attribute__((aligned(4096)));
	const uint64_t gpa = (uint64_t)gettid() << 24;

	machine_map(&m, gpa, page, sizeof(page), VMXHV_MEM_PREFAULT);
	machine_unmap(&m, gpa, sizeof(page));
}

static void log_and_clear(void)
{
	static uint64_t bitmap[64];
	struct vmxhv_dirty d = { .size = sizeof(d), .length = 0x10000 };

	log_ram();
	d.bitmap = (uintptr_t)bitmap;
	call(m.vm, VMXHV_DIRTY, &d);
	d.op = VMXHV_DIRTY_CLEAR;
	call(m.vm, VMXHV_DIRTY, &d);
}

static void change_state(void)
{
	static uint8_t xsave[8192];

	get_group(&c, VMXHV_STATE_XSAVE, xsave, sizeof(xsave));
	set_group(&c, VMXHV_STATE_XSAVE, xsave, sizeof(xsave));
	call(c.fd, VMXHV_TRANSLATE, &translate);
}

static void open_and_close(void)
{
	close(open("/dev/vmxhv", O_RDWR));
}

static void run_kick(void)
{
	call(c.fd, VMXHV_KICK, NULL);
	run(&c);
}

/**
 * struct row - a call, and where it is when the process is killed
 * @name: of the test
 * @fd: of the call
 * @command: of the call
 * @prepare: puts the trap in its place, and sets argument; NULL: the argument itself is the trap
 * @meanwhile: what two more threads do over and over
 * @delay: microseconds from its start; 0: killed in the trap
 */
struct row {
	const char *name;
	enum fd fd;
	unsigned long command;
	void (*prepare)(void);
	void (*meanwhile)(void);
	unsigned int delay;
};

static const struct row rows[] = {
	{ .name = "GET_INFO's argument", DEV, VMXHV_GET_INFO },
	{ .name = "CREATE_VM's argument", DEV, VMXHV_CREATE_VM },
	{ .name = "GET_CPUID's argument", DEV, VMXHV_GET_CPUID },
	{ .name = "GET_MSR_LIST's argument", DEV, VMXHV_GET_MSR_LIST },
	{ .name = "the device's GET_ERROR's argument", DEV, VMXHV_GET_ERROR },
	{ .name = "MEMORY's argument", VM, VMXHV_MEMORY },
	{ .name = "CREATE_VCPU's argument", VM, VMXHV_CREATE_VCPU },
	{ .name = "DIRTY's argument", VM, VMXHV_DIRTY },
	{ .name = "SIGNAL_MSI's argument", VM, VMXHV_SIGNAL_MSI },
	{ .name = "CONFIG's argument", VM, VMXHV_CONFIG },
	{ .name = "the VM's GET_ERROR's argument", VM, VMXHV_GET_ERROR },
	{ .name = "RUN's argument", VCPU, VMXHV_RUN },
	{ .name = "GET_STATE's argument", VCPU, VMXHV_GET_STATE },
	{ .name = "SET_STATE's argument", VCPU, VMXHV_SET_STATE },
	{ .name = "GET_MSRS's argument", VCPU, VMXHV_GET_MSRS },
	{ .name = "SET_MSRS's argument", VCPU, VMXHV_SET_MSRS },
	{ .name = "SET_CPUID's argument", VCPU, VMXHV_SET_CPUID },
	{ .name = "INJECT's argument", VCPU, VMXHV_INJECT },
	{ .name = "EXTINT's argument", VCPU, VMXHV_EXTINT },
	{ .name = "LAPIC_ACCESS's argument", VCPU, VMXHV_LAPIC_ACCESS },
	{ .name = "TRANSLATE's argument", VCPU, VMXHV_TRANSLATE },
	{ .name = "DEBUG's argument", VCPU, VMXHV_DEBUG },
	{ .name = "the vCPU's GET_ERROR's argument", VCPU, VMXHV_GET_ERROR },

	{ .name = "GET_CPUID's table", DEV, VMXHV_GET_CPUID, cpuid_trap },
	{ .name = "GET_MSR_LIST's array", DEV, VMXHV_GET_MSR_LIST, msrs_trap },
	{ .name = "MEMORY's operations", VM, VMXHV_MEMORY, ops_trap },
	{ .name = "MEMORY's PREFAULT", VM, VMXHV_MEMORY, prefault_trap },
	{ .name = "DIRTY's bitmap that is got", VM, VMXHV_DIRTY, bitmap_out_trap },
	{ .name = "DIRTY's bitmap that is cleared", VM, VMXHV_DIRTY, bitmap_in_trap },
	{ .name = "CONFIG's ranges", VM, VMXHV_CONFIG, ranges_trap },
	{ .name = "GET_STATE's entries", VCPU, VMXHV_GET_STATE, entries_trap },
	{ .name = "GET_STATE's group", VCPU, VMXHV_GET_STATE, group_trap },
	{ .name = "SET_STATE's entries", VCPU, VMXHV_SET_STATE, entries_trap },
	{ .name = "SET_STATE's group", VCPU, VMXHV_SET_STATE, group_trap },
	{ .name = "GET_MSRS's array", VCPU, VMXHV_GET_MSRS, msrs_trap },
	{ .name = "SET_MSRS's array", VCPU, VMXHV_SET_MSRS, msrs_trap },
	{ .name = "SET_CPUID's table", VCPU, VMXHV_SET_CPUID, cpuid_trap },

	{ .name = "RUN: memory that is read", VCPU, VMXHV_RUN, guest_reads },
	{ .name = "RUN: memory that is written to", VCPU, VMXHV_RUN, guest_writes },
	{ .name = "RUN: code", VCPU, VMXHV_RUN, guest_fetches },
	{ .name = "RUN: page tables", VCPU, VMXHV_RUN, guest_walks },
	{ .name = "RUN: what OUTS reads", VCPU, VMXHV_RUN, guest_outs },
	{ .name = "RUN: where INS writes", VCPU, VMXHV_RUN, guest_ins },
	{ .name = "TRANSLATE's page tables", VCPU, VMXHV_TRANSLATE, translate_walks },
	{ .name = "RUN waits, others are refused", VCPU, VMXHV_RUN, guest_outs, change_state },
	{ .name = "RUN waits, and is kicked", VCPU, VMXHV_RUN, guest_reads, run_kick },

	{ .name = "RUN: a guest that spins", VCPU, VMXHV_RUN, spins, NULL, 3000 },
	{ .name = "RUN: a guest that exits all the time", VCPU, VMXHV_RUN, exits, NULL, 3000 },
	{ .name = "RUN: a guest that is halted", VCPU, VMXHV_RUN, halts, NULL, 3000 },
	{ .name = "RUN: a vCPU that waits for SIPI", VCPU, VMXHV_RUN, waits_for_sipi, NULL, 3000 },
	{ .name = "RUN under KICK and RUN", VCPU, VMXHV_RUN, counts, run_kick, 5000 },
	{ .name = "RUN under SET_STATE", VCPU, VMXHV_RUN, counts, change_state, 5000 },
	{ .name = "RUN under MEMORY", VCPU, VMXHV_RUN, counts, map_and_unmap, 7000 },
	{ .name = "RUN under DIRTY", VCPU, VMXHV_RUN, counts, log_and_clear, 7000 },
	{ .name = "RUN under CREATE_VM", VCPU, VMXHV_RUN, counts, create_and_close, 7000 },
	{ .name = "RUN under CREATE_VCPU", VCPU, VMXHV_RUN, counts, create_vcpus, 7000 },
	{ .name = "CREATE_VM, three at once", DEV, VMXHV_GET_INFO, NULL, create_and_close, 9000 },
	{ .name = "open, three at once", DEV, VMXHV_GET_INFO, NULL, open_and_close, 2000 },
	{ .name = "MEMORY: PREFAULT of much", VM, VMXHV_MEMORY, prefault_large, NULL, 5000 },
	{ .name = "MEMORY: PREFAULT under MEMORY", VM, VMXHV_MEMORY, prefault_large,
	  map_and_unmap, 9000 },
};

/* ---- the process that is killed ------------------------------------------------------------- */

static void make_trap(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register all = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	trap = mmap(NULL, TRAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	all.range.start = (uintptr_t)trap;
	all.range.len = TRAP_SIZE;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (trap == MAP_FAILED || uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &all))
		tap_bail("userfaultfd: %s", strerror(errno));
	argument = trap;
}

static void *caller(void *opaque)
{
	const struct row *r = opaque;
	const int fd[] = { m.dev, m.vm, c.fd };
	void *arg = argument;

	do {
		call(fd[r->fd], r->command, arg);
	} while (r->delay);
	return NULL;
}

static void *over_and_over(void *opaque)
{
	const struct row *r = opaque;

	for (;;)
		r->meanwhile();
	return NULL;
}

static void start(void *(*function)(void *), const struct row *r)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)r))
		tap_bail("pthread_create");
}

/* Says when it may be killed, and waits for that. A page fault is there when poll() says so. */
static void be_killed(const struct row *r, int ready)
{
	struct pollfd event = { .events = POLLIN };

	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	make_trap();
	if (r->prepare)
		r->prepare();
	start(caller, r);
	event.fd = uffd;
	if (!r->delay && poll(&event, 1, patience(5) * 1000) != 1)
		tap_bail("%s: nobody stepped into the trap", r->name);
	if (r->meanwhile) {
		start(over_and_over, r);
		start(over_and_over, r);
	}
	usleep(r->delay);
	if (write(ready, "x", 1) == 1)
		pause();
}

static bool kill_in(const struct row *r)
{
	int ready[2], status;
	double start_time;
	bool good;
	pid_t pid;
	char byte;

	if (pipe(ready))
		tap_bail("pipe");
	pid = fork();
	if (!pid) {
		be_killed(r, ready[1]);
		_exit(1);
	}
	close(ready[1]);
	good = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	start_time = now();
	kill(pid, SIGKILL);
	status = wait_for(pid);
	if (!good || status != 128 + SIGKILL || now() - start_time > patience(2))
		tap_note("%s: ready %d, status %d, after %.3f s", r->name, good, status,
			 now() - start_time);
	good = good && status == 128 + SIGKILL && now() - start_time <= patience(2);
	return nobody_uses_vmx() && good;
}

static bool gone(const struct trace *before, const struct trace *after)
{
	return trace_gone(before, after, PASSES * ARRAY_SIZE(rows) * KIB_KEPT,
			  PASSES * ARRAY_SIZE(rows) / 2);
}

/* All rows, several times; what the first time leaves behind stays for the next. */
int main(void)
{
	static struct trace before, after;
	static bool good[ARRAY_SIZE(rows)];
	const int count = ARRAY_SIZE(rows);

	alarm(patience(WATCHDOG_SECONDS));
	for (int i = 0; i < count; i++)
		good[i] = kill_in(&rows[i]);
	trace_settle(&before);
	for (int i = 0; i < PASSES * count; i++)
		good[i % count] = kill_in(&rows[i % count]) && good[i % count];
	trace_settle(&after);
	/* tasks and what belongs to them are freed when RCU comes to it */
	for (int i = 0; i < RCU_SECONDS && !gone(&before, &after); i++) {
		sleep(1);
		trace_look(&after);
	}
	for (int i = 0; i < count; i++)
		tap_ok(good[i], "killed in %s", rows[i].name);
	trace_report(&before, &after);
	tap_ok(gone(&before, &after), "%d processes, gone without a trace", PASSES * count);
	return tap_done();
}

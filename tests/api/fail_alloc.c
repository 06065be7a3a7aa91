// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation fails once: for every call, the Nth chance of the kernel's fault injection, for N
 * from 1 until a whole call meets none. Slabs, pages and copies from and to userspace can fail; the
 * errno says which of them it was, or the call has another way and succeeds. Whatever happened, the
 * same call then succeeds, and in the end nothing of it is left. Needs a kernel with FAILSLAB,
 * FAIL_PAGE_ALLOC and /proc/PID/fail-nth: the debug kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define REFERENCES	"/sys/module/vmxhv/refcnt"
#define MAX_CHANCES	2000		/* more than any call has: it would never end */
#define RAM_SIZE	(PAGED_BASE + 0x10000u)
#define PREFAULTED	0x4000		/* each page of it is a chance to fail */
#define TSC_AUX		0xc0000103

enum { WRITE_VALUE = 1 };		/* of tests/guest/memory.S */

/* Who can fail, and what the call says then. */
static const struct injector {
	const char *times;
	int error;
} injectors[] = {
	{ DEBUGFS "failslab/times", ENOMEM },
	{ DEBUGFS "fail_page_alloc/times", ENOMEM },
	{ DEBUGFS "fail_usercopy/times", EFAULT },
};

/* Every allocation may fail, silently: also those that could wait, and of one page. */
static const char *const settings[][2] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "failslab/verbose", "0" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "fail_page_alloc/min-order", "0" },
	{ DEBUGFS "fail_page_alloc/verbose", "0" },
	{ DEBUGFS "fail_usercopy/verbose", "0" },
};

/**
 * struct target - a call that is made again and again
 * @name: of the test
 * @prepare: makes what the call needs; nothing fails yet
 * @call: what is tried; 0 or more, or -errno
 * @check: it went well: is it as it should be?
 * @undo: closes what @prepare made
 * @gives_fd: @call returns a descriptor
 */
struct target {
	const char *name;
	void (*prepare)(void);
	int (*call)(void);
	bool (*check)(int ret);
	void (*undo)(void);
	bool gives_fd;
};

static struct machine m;
static struct cpu c;
static int nth_fd;

static void must(int ret, const char *what)
{
	if (ret)
		tap_bail("%s: %s", what, strerror(-ret));
}

static void arm(unsigned int chance)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", chance);

	for (int i = 0; i < ARRAY_SIZE(injectors); i++)
		must(write_line(injectors[i].times, "1"), injectors[i].times);
	if (pwrite(nth_fd, text, length, 0) != length)
		tap_bail("fail-nth: %s", strerror(errno));
}

/* The injector that failed since arm(), or NULL. Taking the fault back can itself be the Nth. */
static const struct injector *disarm(void)
{
	if (pwrite(nth_fd, "0", 1, 0) != 1)
		return NULL;
	for (int i = 0; i < ARRAY_SIZE(injectors); i++) {
		char line[16];

		must(read_line(injectors[i].times, line, sizeof(line)), injectors[i].times);
		if (!atoi(line))
			return &injectors[i];
	}
	return NULL;
}

/* What must be as it was before: nothing else in the machine uses the module. */
static bool nothing_left(const char *references)
{
	char now[16], vmxe[64];

	must(read_line(REFERENCES, now, sizeof(now)), REFERENCES);
	must(read_line("/sys/module/vmxe/parameters/cpus", vmxe, sizeof(vmxe)), "vmxe");
	if (strcmp(now, references) || vmxe[0])
		tap_note("%s references to the module, wanted %s; CR4.VMXE on CPUs '%s'", now,
			 references, vmxe);
	return !strcmp(now, references) && !vmxe[0];
}

/* One chance. False: something is wrong, or (with *fired false) no chance is left. */
static bool one_chance(const struct target *t, unsigned int chance, bool *fired)
{
	const struct injector *who;
	bool good;
	int ret;

	t->prepare();
	arm(chance);
	ret = t->call();
	who = disarm();
	*fired = who;
	good = ret >= 0 ? t->check(ret) : who && ret == -who->error;
	if (!good)
		tap_note("%s, chance %u: returned %d, failed: %s", t->name, chance, ret,
			 who ? who->times : "nothing");
	/* a call that failed has changed nothing: now it works */
	if (ret < 0) {
		ret = t->call();
		if (ret < 0 || !t->check(ret)) {
			tap_note("%s, after chance %u: returned %d", t->name, chance, ret);
			good = false;
		}
	}
	if (t->gives_fd && ret >= 0)
		close(ret);
	t->undo();
	return good;
}

static void try_all(const struct target *t)
{
	char references[16];
	unsigned int chance = 0;
	bool good = true, fired = true;

	must(read_line(REFERENCES, references, sizeof(references)), REFERENCES);
	while (good && fired && chance < MAX_CHANCES) {
		good = one_chance(t, ++chance, &fired);
		good = nothing_left(references) && good;
	}
	if (fired && good)
		tap_note("%s: no end after %u chances", t->name, chance);
	tap_note("%s: %u chances to fail", t->name, chance - 1);
	tap_ok(good && !fired && chance > 1, "%s", t->name);
}

/* ---- the calls ------------------------------------------------------------------------------ */

static bool fine(int ret)
{
	return ret >= 0;
}

static void nothing(void)
{
}

static int open_call(void)
{
	int fd = open("/dev/vmxhv", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void prepare_dev(void)
{
	m.dev = open_call();
	if (m.dev < 0)
		tap_bail("open: %s", strerror(-m.dev));
}

static int create_vm(void)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };

	return call(m.dev, VMXHV_CREATE_VM, &create);
}

static void undo_dev(void)
{
	close(m.dev);
}

static void prepare_vm(void)
{
	prepare_dev();
	m.vm = create_vm();
	if (m.vm < 0)
		tap_bail("CREATE_VM: %s", strerror(-m.vm));
}

static void forget_pages(void)
{
	if (madvise(m.ram, RAM_SIZE, MADV_DONTNEED))
		tap_bail("madvise: %s", strerror(errno));
}

static void undo_vm(void)
{
	close(m.vm);
	undo_dev();
	forget_pages();
}

static int map_ram(uint64_t length, uint32_t flags)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_MAP, .flags = flags, .length = length,
				   .hva = (uintptr_t)m.ram };
	struct vmxhv_memory mem = { .size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op };

	return call(m.vm, VMXHV_MEMORY, &mem);
}

static int map_lazily(void)
{
	return map_ram(RAM_SIZE, 0);
}

static int map_at_once(void)
{
	return map_ram(PREFAULTED, VMXHV_MEM_PREFAULT);
}

/* Each kind of range that has memory of its own: ports have a bitmap. */
static int configure(void)
{
	struct vmxhv_range ranges[] = {
		{ .kind = VMXHV_RANGE_PORT_PASS, .access = 3, .first = 0x3ff, .last = 0x3ff },
		{ .kind = VMXHV_RANGE_MSR_EXIT, .access = 3, .first = 0x10, .last = 0x10 },
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = 1, .first = 1, .last = 4 },
	};
	struct vmxhv_config config = {
		.size = sizeof(config), .count = ARRAY_SIZE(ranges), .ranges = (uintptr_t)ranges,
	};

	return call(m.vm, VMXHV_CONFIG, &config);
}

static void prepare_configured(void)
{
	prepare_vm();
	must(configure(), "CONFIG");
}

static void prepare_mapped(void)
{
	prepare_vm();
	must(map_lazily(), "MEMORY");
}

static int begin_log(void)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_LOG, .flags = VMXHV_MEM_LOG_DIRTY,
				   .length = RAM_SIZE };
	struct vmxhv_memory mem = { .size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op };

	return call(m.vm, VMXHV_MEMORY, &mem);
}

static void prepare_log(void)
{
	prepare_mapped();
	must(begin_log(), "LOG");
}

static int dirty(uint32_t op)
{
	static uint64_t bitmap[RAM_SIZE / 4096 / 64 + 1];
	struct vmxhv_dirty dirty = { .size = sizeof(dirty), .op = op, .length = RAM_SIZE,
				     .bitmap = (uintptr_t)bitmap };

	return call(m.vm, VMXHV_DIRTY, &dirty);
}

static int get_log(void)
{
	return dirty(VMXHV_DIRTY_GET);
}

static int clear_log(void)
{
	return dirty(VMXHV_DIRTY_CLEAR);
}

static int create_vcpu(void)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create) };

	return call(m.vm, VMXHV_CREATE_VCPU, &create);
}

/* Two of its parts that have an allocation of their own: registers, and the FPU's control word. */
static bool is_reset(int fd)
{
	static uint16_t xsave[4096];
	struct vmxhv_gprs gprs = {};

	c.fd = fd;
	if (fd < 0 || get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)) ||
	    get_group(&c, VMXHV_STATE_XSAVE, xsave, sizeof(xsave)))
		return false;
	if (gprs.rip != 0xfff0 || xsave[0] != 0x40)
		tap_note("RIP %#llx, FPU control word %#x", (unsigned long long)gprs.rip, xsave[0]);
	return gprs.rip == 0xfff0 && xsave[0] == 0x40;
}

static void prepare_vcpu(void)
{
	prepare_vm();
	must(map_lazily(), "MEMORY");
	machine_tables(&m);
	load_guest(&m, "memory");
	cpu_create(&m, &c, 0);
}

static void undo_vcpu(void)
{
	cpu_destroy(&c);
	undo_vm();
}

static int map_run_area(void)
{
	void *run = mmap(NULL, VMXHV_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);

	if (run == MAP_FAILED)
		return -errno;
	munmap(run, VMXHV_RUN_SIZE);
	return 0;
}

#define GROUPS	VMXHV_STATE_GROUPS
static uint8_t groups[GROUPS][8192];
static struct vmxhv_state_entry entries[GROUPS];
static struct vmxhv_state state = { .size = sizeof(state), .entries = (uintptr_t)entries };

static int get_state(void)
{
	for (int i = 0; i < GROUPS; i++)
		entries[i] = (struct vmxhv_state_entry){
			.group = i, .length = sizeof(groups[i]), .data = (uintptr_t)groups[i] };
	state.count = GROUPS;
	return call(c.fd, VMXHV_GET_STATE, &state);
}

static void prepare_state(void)
{
	prepare_vcpu();
	must(get_state(), "GET_STATE");
}

static int set_state(void)
{
	return call(c.fd, VMXHV_SET_STATE, &state);
}

static struct vmxhv_cpuid_entry leaves[256];
static struct vmxhv_cpuid cpuid = { .size = sizeof(cpuid), .entries = (uintptr_t)leaves };

static int get_cpuid(void)
{
	cpuid.count = 256;
	return call(m.dev, VMXHV_GET_CPUID, &cpuid);
}

static void prepare_cpuid(void)
{
	prepare_vcpu();
	must(get_cpuid(), "GET_CPUID");
}

static int set_cpuid(void)
{
	return call(c.fd, VMXHV_SET_CPUID, &cpuid);
}

static int set_tsc_aux(void)
{
	return set_msr(&c, TSC_AUX, 5);
}

/* Sregs in the run area: the way by which registers come without a call of their own. */
static void prepare_dirty(void)
{
	prepare_vcpu();
	must(get_group(&c, VMXHV_STATE_SREGS, &c.run->sregs, sizeof(c.run->sregs)), "GET_STATE");
}

static int complete_dirty(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };

	c.run->dirty = VMXHV_GROUP_SREGS;
	return call(c.fd, VMXHV_RUN, &args);
}

static void prepare_run(void)
{
	prepare_vcpu();
	cpu_start(&c, MODE_LONG, WRITE_VALUE);
}

/* A guest that touches pages of its memory: what the host cannot give is a MEMORY_ERROR. */
static int run_touching(void)
{
	int ret = run_guest(&c);

	if (ret == VMXHV_EXIT_MEMORY_ERROR)
		return -(int)c.run->u.memory_error.error;
	return ret;
}

static bool has_ended(int ret)
{
	if (ret != VMXHV_EXIT_NONE)
		note_exit(&c);
	return ret == VMXHV_EXIT_NONE;
}

static const struct target targets[] = {
	{ "open", nothing, open_call, fine, nothing, true },
	{ "CREATE_VM", prepare_dev, create_vm, fine, undo_dev, true },
	{ "GET_CPUID", prepare_dev, get_cpuid, fine, undo_dev, false },
	{ "MEMORY", prepare_vm, map_lazily, fine, undo_vm, false },
	{ "MEMORY, prefaulting", prepare_vm, map_at_once, fine, undo_vm, false },
	{ "CONFIG", prepare_vm, configure, fine, undo_vm, false },
	{ "CONFIG, once more", prepare_configured, configure, fine, undo_vm, false },
	{ "LOG", prepare_mapped, begin_log, fine, undo_vm, false },
	{ "DIRTY: GET", prepare_log, get_log, fine, undo_vm, false },
	{ "DIRTY: CLEAR", prepare_log, clear_log, fine, undo_vm, false },
	{ "CREATE_VCPU", prepare_vm, create_vcpu, is_reset, undo_vm, true },
	{ "CREATE_VCPU of a configured VM", prepare_configured, create_vcpu, is_reset, undo_vm,
	  true },
	{ "mmap of the run area", prepare_vcpu, map_run_area, fine, undo_vcpu, false },
	{ "GET_STATE", prepare_vcpu, get_state, fine, undo_vcpu, false },
	{ "SET_STATE", prepare_state, set_state, fine, undo_vcpu, false },
	{ "SET_CPUID", prepare_cpuid, set_cpuid, fine, undo_vcpu, false },
	{ "SET_MSRS", prepare_vcpu, set_tsc_aux, fine, undo_vcpu, false },
	{ "RUN with dirty registers", prepare_dirty, complete_dirty, fine, undo_vcpu, false },
	{ "RUN that touches memory", prepare_run, run_touching, has_ended, undo_vcpu, false },
};

static void set_up(void)
{
	for (int i = 0; i < ARRAY_SIZE(settings); i++) {
		int ret = write_line(settings[i][0], settings[i][1]);

		if (ret == -ENOENT)
			tap_skip_all("no fault injection: %s is not there", settings[i][0]);
		must(ret, settings[i][0]);
	}
	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		tap_skip_all("/proc/self/fail-nth: %s", strerror(errno));
	m.ram_size = RAM_SIZE;
	m.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.ram == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
}

int main(void)
{
	set_up();
	for (int i = 0; i < ARRAY_SIZE(targets); i++)
		try_all(&targets[i]);
	return tap_done();
}

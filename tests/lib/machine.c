// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "round_trip.h"
#include "tap.h"

/* A hung guest ends the test, before the machine's own limit does. */
#define WATCHDOG_SECONDS	25

int patience(int seconds)
{
	const char *slower = getenv("SLOWER");

	return seconds * (slower ? atoi(slower) : 1);
}

int open_device(void)
{
	struct vmxhv_info info = { .size = sizeof(info) };
	int fd = open("/dev/vmxhv", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_bail("/dev/vmxhv: %s", strerror(errno));
	if (call(fd, VMXHV_GET_INFO, &info))
		tap_bail("GET_INFO failed");
	/* whoever has it, an earlier test left it so */
	if (info.unusable_reason == VMXHV_UNUSABLE_IN_USE)
		tap_bail("%.160s", info.unusable_text);
	if (info.unusable_reason)
		tap_skip_all("%.160s", info.unusable_text);
	alarm(patience(WATCHDOG_SECONDS));
	return fd;
}

void machine_map(struct machine *m, uint64_t gpa, void *hva, uint64_t length, uint32_t flags)
{
	struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_MAP, .flags = flags, .gpa = gpa, .length = length,
		.hva = (uintptr_t)hva,
	};
	struct vmxhv_memory mem = {
		.size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op,
	};
	int ret = call(m->vm, VMXHV_MEMORY, &mem);

	if (ret)
		tap_bail("map %#llx+%#llx: %s: %.96s", (unsigned long long)gpa,
			 (unsigned long long)length, strerror(-ret), last_error(m->vm).text);
}

void machine_unmap(struct machine *m, uint64_t gpa, uint64_t length)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_UNMAP, .gpa = gpa, .length = length };
	struct vmxhv_memory mem = {
		.size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op,
	};
	int ret = call(m->vm, VMXHV_MEMORY, &mem);

	if (ret)
		tap_bail("unmap %#llx: %s", (unsigned long long)gpa, strerror(-ret));
}

static void build_gdt(uint8_t *ram)
{
	const uint64_t gdt[] = {
		0,
		0x00af9b000000ffff,	/* SEL_CODE64 */
		0x00cf93000000ffff,	/* SEL_DATA */
		0x00cf9b000000ffff,	/* SEL_CODE32 */
		0x00008b0000000067 | TSS_BASE << 16, 0,	/* SEL_TSS, busy */
		0x00009b000000ffff,	/* SEL_CODE16 */
		0x00cff3000000ffff,	/* SEL_USER_DATA */
		0x00affb000000ffff,	/* SEL_USER_CODE64 */
		0x00cffb000000ffff,	/* SEL_USER_CODE32 */
	};
	uint64_t rsp0 = STACK_TOP - 0x800;

	memcpy(ram + GDT_BASE, gdt, sizeof(gdt));
	memset(ram + TSS_BASE, 0, 0x68);
	memcpy(ram + TSS_BASE + 4, &rsp0, 8);
	/* the I/O bitmap lies beyond the limit: ring 3 has no port */
	ram[TSS_BASE + 0x66] = 0x68;
}

/* PML4, PDPT, and two page directories of 2 MiB pages: GiB 0 and GiB 3, where the APIC is. */
static void build_page_tables(uint8_t *ram)
{
	uint64_t *pml4 = (uint64_t *)(ram + PAGE_TABLES), *pdpt = pml4 + 512;
	uint64_t *pd0 = pdpt + 512, *pd3 = pd0 + 512;

	memset(pml4, 0, 4 * 4096);
	pml4[0] = (PAGE_TABLES + 0x1000) | 7;
	pdpt[0] = (PAGE_TABLES + 0x2000) | 7;
	pdpt[3] = (PAGE_TABLES + 0x3000) | 7;
	for (uint64_t i = 0; i < 512; i++) {
		pd0[i] = i << 21 | 0x87;
		pd3[i] = (3ull << 30 | i << 21) | 0x87;
	}
}

void machine_tables(struct machine *m)
{
	build_gdt(m->ram);
	build_page_tables(m->ram);
}

unsigned int vm_flags(void)
{
	const char *flags = getenv("VM_FLAGS");

	return flags ? atoi(flags) : 0;
}

#define TPR_SHADOW	0x200000
#define PAGE_AND_MSRS	0x11		/* APIC accesses, x2APIC mode */
#define DELIVERY	0x300		/* registers, virtual interrupts */
#define POSTED		0x80

int apic_level(struct machine *m)
{
	struct vmxhv_info info = { .size = sizeof(info) };
	unsigned int flags = vm_flags();
	uint32_t pin, cpu, cpu2;

	if (call(m->dev, VMXHV_GET_INFO, &info))
		tap_bail("GET_INFO");
	pin = info.vmx_msr[1] >> 32;
	cpu = info.vmx_msr[2] >> 32;
	cpu2 = info.vmx_msr[11] >> 32;
	if (!(cpu & TPR_SHADOW) || (cpu2 & PAGE_AND_MSRS) != PAGE_AND_MSRS ||
	    flags & VMXHV_VM_NO_APICV)
		return LEVEL_NONE;
	if ((cpu2 & DELIVERY) != DELIVERY || flags & VMXHV_VM_TPR_SHADOW)
		return LEVEL_TPR;
	if (pin & POSTED)
		return LEVEL_FULL;
	return flags & VMXHV_VM_APICV ? LEVEL_FULL_EMULATED : LEVEL_TPR;
}

void machine_create(struct machine *m, size_t ram_size)
{
	struct vmxhv_create_vm create = { .size = sizeof(create), .flags = vm_flags() };

	m->dev = open_device();
	m->vm = call(m->dev, VMXHV_CREATE_VM, &create);
	if (m->vm < 0)
		tap_bail("CREATE_VM: %s: %.96s", strerror(-m->vm), last_error(m->dev).text);
	m->ram_size = ram_size;
	m->ram = mmap(NULL, ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->ram == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	machine_map(m, 0, m->ram, ram_size, 0);
	machine_tables(m);
}

void machine_destroy(struct machine *m)
{
	close(m->vm);
	munmap(m->ram, m->ram_size);
	close(m->dev);
}

void load_guest(struct machine *m, const char *name)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/guest/%s.bin", name);
	f = fopen(path, "re");
	if (!f)
		tap_bail("%s: %s", path, strerror(errno));
	if (!fread(m->ram + GUEST_BASE, 1, 0x7000, f))
		tap_bail("%s is empty", path);
	fclose(f);
}

void load_code(struct machine *m, const void *code, size_t length)
{
	const uint64_t at = GUEST_BASE + sizeof(at);

	memcpy(m->ram + GUEST_BASE, &at, sizeof(at));
	memcpy(m->ram + at, code, length);
}

static void set_default_cpuid(struct cpu *c)
{
	struct vmxhv_cpuid_entry entries[256];
	struct vmxhv_cpuid cpuid = {
		.size = sizeof(cpuid), .count = 256, .entries = (uintptr_t)entries,
	};
	int ret = call(c->m->dev, VMXHV_GET_CPUID, &cpuid);

	if (!ret)
		ret = call(c->fd, VMXHV_SET_CPUID, &cpuid);
	if (ret)
		tap_bail("CPUID: %s: %.96s", strerror(-ret), last_error(c->fd).text);
}

void cpu_create(struct machine *m, struct cpu *c, uint32_t id)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create), .id = id };

	memset(c, 0, sizeof(*c));
	c->m = m;
	c->fd = call(m->vm, VMXHV_CREATE_VCPU, &create);
	if (c->fd < 0)
		tap_bail("CREATE_VCPU: %s: %.96s", strerror(-c->fd), last_error(m->vm).text);
	c->run = mmap(NULL, VMXHV_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (c->run == MAP_FAILED)
		tap_bail("mmap of the run area: %s", strerror(errno));
	set_default_cpuid(c);
}

void cpu_destroy(struct cpu *c)
{
	round_trip_done(c);
	munmap(c->run, VMXHV_RUN_SIZE);
	close(c->fd);
}

void two_guests_create(struct machine m[2], struct cpu c[2], const char *image)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 2; i++) {
		machine_create(&m[i], 1 << 20);
		load_guest(&m[i], image);
		cpu_create(&m[i], &c[i], 0);
	}
}

void two_guests_destroy(struct machine m[2], struct cpu c[2])
{
	for (int i = 0; i < 2; i++) {
		cpu_destroy(&c[i]);
		machine_destroy(&m[i]);
	}
}

static int state_call(struct cpu *c, unsigned long command, uint32_t group, const void *data,
		      uint32_t length)
{
	struct vmxhv_state_entry entry = {
		.group = group, .length = length, .data = (uintptr_t)data,
	};
	struct vmxhv_state state = {
		.size = sizeof(state), .count = 1, .entries = (uintptr_t)&entry,
	};

	return call(c->fd, command, &state);
}

int get_group(struct cpu *c, uint32_t group, void *to, uint32_t length)
{
	return state_call(c, VMXHV_GET_STATE, group, to, length);
}

int set_group(struct cpu *c, uint32_t group, const void *from, uint32_t length)
{
	return state_call(c, VMXHV_SET_STATE, group, from, length);
}

static int msr_call(struct cpu *c, unsigned long command, uint32_t index, uint64_t *value)
{
	struct vmxhv_msr_entry entry = { .index = index, .value = *value };
	struct vmxhv_msrs msrs = {
		.size = sizeof(msrs), .count = 1, .entries = (uintptr_t)&entry,
	};
	int ret = call(c->fd, command, &msrs);

	*value = entry.value;
	return ret;
}

int get_msr(struct cpu *c, uint32_t index, uint64_t *value)
{
	return msr_call(c, VMXHV_GET_MSRS, index, value);
}

int set_msr(struct cpu *c, uint32_t index, uint64_t value)
{
	return msr_call(c, VMXHV_SET_MSRS, index, &value);
}

static struct vmxhv_segment flat_segment(uint16_t selector, uint32_t access, uint32_t limit)
{
	return (struct vmxhv_segment){ .selector = selector, .access = access, .limit = limit };
}

static void set_flat(struct vmxhv_sregs *s, struct vmxhv_segment code, struct vmxhv_segment data)
{
	s->cs = code;
	s->ds = data;
	s->es = data;
	s->ss = data;
	s->fs = data;
	s->gs = data;
	s->tr = flat_segment(SEL_TSS, 0x8b, 0x67);
	s->tr.base = TSS_BASE;
	s->gdtr = (struct vmxhv_table){ .base = GDT_BASE, .limit = 0x4f };
	s->cr3 = PAGE_TABLES;
	memset(s->pdpte, 0, sizeof(s->pdpte));
}

void set_real_mode(struct vmxhv_sregs *s)
{
	set_flat(s, flat_segment(0, 0x9b, 0xffff), flat_segment(0, 0x93, 0xffff));
	s->cr0 = 0x10;
	s->cr4 = 0;
	s->efer = 0;
	s->idtr = (struct vmxhv_table){ .base = 0, .limit = 0x3ff };
}

void set_protected_mode(struct vmxhv_sregs *s)
{
	set_flat(s, flat_segment(SEL_CODE32, 0xc09b, ~0u), flat_segment(SEL_DATA, 0xc093, ~0u));
	s->cr0 = 0x11;
	s->cr4 = 0;
	s->efer = 0;
}

void set_long_mode(struct vmxhv_sregs *s)
{
	set_flat(s, flat_segment(SEL_CODE64, 0xa09b, ~0u), flat_segment(SEL_DATA, 0xc093, ~0u));
	s->cr0 = 0x80010033;		/* PG WP NE ET MP PE */
	s->cr4 = 0x620;			/* OSXMMEXCPT OSFXSR PAE */
	s->efer = 0x500;		/* LMA LME */
}

/* What the last case left pending must not be completed on top of the next one's state. */
static void complete_pending(struct cpu *c)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	uint8_t spurious = c->run->intack_spurious;
	int ret;

	c->run->intack_spurious = 1;
	ret = call(c->fd, VMXHV_RUN, &args);
	c->run->intack_spurious = spurious;
	if (ret)
		tap_bail("COMPLETE_ONLY: %s: %.96s", strerror(-ret), last_error(c->fd).text);
}

void cpu_start(struct cpu *c, enum cpu_mode mode, unsigned int entry)
{
	struct vmxhv_gprs gprs = { .rflags = 2 };
	struct vmxhv_events events = {};
	struct vmxhv_sregs s;
	int ret;

	complete_pending(c);
	if (get_group(c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("GET_STATE: %.96s", last_error(c->fd).text);
	if (mode == MODE_REAL)
		set_real_mode(&s);
	else if (mode == MODE_PROTECTED)
		set_protected_mode(&s);
	else
		set_long_mode(&s);
	memcpy(&gprs.rip, c->m->ram + GUEST_BASE + 8 * entry, 8);
	gprs.gpr[4] = STACK_TOP;
	ret = set_group(c, VMXHV_STATE_SREGS, &s, sizeof(s));
	if (!ret)
		ret = set_group(c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	if (!ret)
		ret = set_group(c, VMXHV_STATE_EVENTS, &events, sizeof(events));
	if (ret)
		tap_bail("SET_STATE: %s: %.96s (index %u item %u)", strerror(-ret),
			 last_error(c->fd).text, last_error(c->fd).index, last_error(c->fd).item);
	c->nr_values = 0;
	c->text_len = 0;
	memset(c->text, 0, sizeof(c->text));
}

int run(struct cpu *c)
{
	struct vmxhv_run_args args = { .size = sizeof(args) };

	if (round_trip(c))
		return 0;
	return call(c->fd, VMXHV_RUN, &args);
}

/* One of the guest's own ports? */
static bool guest_port(struct cpu *c, const struct vmxhv_exit_io *io)
{
	if (io->in || io->string)
		return false;
	if (io->port == PORT_VALUE && io->width == 4 && c->nr_values < MAX_VALUES)
		c->values[c->nr_values++] = io->data;
	else if (io->port == PORT_TEXT && c->text_len < (int)sizeof(c->text) - 1)
		c->text[c->text_len++] = io->data;
	else
		return false;
	return true;
}

void kick(struct cpu *c)
{
	__atomic_store_n(&c->kicked, true, __ATOMIC_SEQ_CST);
	if (call(c->fd, VMXHV_KICK, NULL))
		tap_bail("KICK");
}

/* Nothing that the test has to see: the guest goes on. */
static bool goes_on(struct cpu *c)
{
	const struct vmxhv_exit_io *io = &c->run->u.io;

	if (c->run->exit_reason == VMXHV_EXIT_INTR)
		return !__atomic_exchange_n(&c->kicked, false, __ATOMIC_SEQ_CST);
	return c->run->exit_reason == VMXHV_EXIT_IO && guest_port(c, io);
}

int run_guest(struct cpu *c)
{
	for (;;) {
		int ret = run(c);

		if (ret)
			return ret;
		if (goes_on(c))
			continue;
		if (c->run->exit_reason == VMXHV_EXIT_IO && !c->run->u.io.in &&
		    c->run->u.io.port == PORT_DONE)
			return VMXHV_EXIT_NONE;
		return c->run->exit_reason;
	}
}

static void on_time(int signal)
{
	(void)signal;
}

int run_guest_for(struct cpu *c, int seconds)
{
	/* again and again: the first can come between two RUNs */
	const struct itimerspec when = {
		.it_value.tv_sec = patience(seconds), .it_interval.tv_nsec = 50000000,
	};
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	const struct sigaction act = { .sa_handler = on_time };
	timer_t timer;
	int ret;

	sigaction(SIGUSR1, &act, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		tap_bail("timer_create: %s", strerror(errno));
	ret = run_guest(c);
	timer_delete(timer);
	return ret;
}

const char *exit_name(uint32_t reason)
{
	static const char *const names[] = {
		"NONE", "INTR", "IO", "MMIO", "HLT", "INTACK", "WINDOW", "NMI_WINDOW",
		"HYPERCALL", "MSR_READ", "MSR_WRITE", "CPUID", "EOI", "DEBUG", "EXCEPTION",
		"TPR", "PAUSE", "SHUTDOWN", "SYSTEM_EVENT", "MEMORY_ERROR", "FAIL_ENTRY",
		"INTERNAL",
	};

	return reason < (uint32_t)ARRAY_SIZE(names) ? names[reason] : "?";
}

void note_exit(struct cpu *c)
{
	struct vmxhv_gprs g = {};
	const struct vmxhv_run *r = c->run;

	get_group(c, VMXHV_STATE_GPRS, &g, sizeof(g));
	tap_note("exit %s, hw reason %#x qualification %#llx gpa %#llx gla %#llx, rip %#llx",
		 exit_name(r->exit_reason), r->hw.reason, (unsigned long long)r->hw.qualification,
		 (unsigned long long)r->hw.gpa, (unsigned long long)r->hw.gla,
		 (unsigned long long)g.rip);
	if (r->exit_reason == VMXHV_EXIT_FAIL_ENTRY)
		tap_note("  %.96s", r->u.fail_entry.text);
	if (r->exit_reason == VMXHV_EXIT_INTERNAL)
		tap_note("  %.96s", r->u.internal.text);
	if (r->exit_reason == VMXHV_EXIT_IO)
		tap_note("  port %#x in %u width %u data %#x", r->u.io.port, r->u.io.in,
			 r->u.io.width, r->u.io.data);
}

void expect_values(struct cpu *c, const char *name, int count, const uint32_t *wanted)
{
	expect_outcome(c, run_guest(c), name, count, wanted);
}

void expect_outcome(struct cpu *c, int ret, const char *name, int count, const uint32_t *wanted)
{
	bool good = ret == VMXHV_EXIT_NONE && c->nr_values == count &&
		    !memcmp(c->values, wanted, count * sizeof(*wanted));

	if (ret < 0)
		tap_note("RUN: %s: %.96s", strerror(-ret), last_error(c->fd).text);
	else if (ret)
		note_exit(c);
	if (!good && c->nr_values != count)
		tap_note("%d values, wanted %d", c->nr_values, count);
	for (int i = 0; !good && i < c->nr_values; i++) {
		if (i >= count)
			tap_note("value %d: %#x, not wanted", i, c->values[i]);
		else
			tap_note("value %d: %#x, wanted %#x", i, c->values[i], wanted[i]);
	}
	tap_ok(good, "%s", name);
}

void fill_seeded(uint8_t *to, size_t length, uint32_t seed)
{
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245 + 12345;
		to[i] = seed >> 16;
	}
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

double now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

double cpu_seconds(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

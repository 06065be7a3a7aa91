// SPDX-License-Identifier: GPL-2.0-only
/*
 * No byte comes out that nobody put there. All that the interface gives is collected twice, with
 * the kernel's free memory full of one byte and then of another, and with the caller's buffers full
 * of a third and a fourth. A place that holds the first and then the second is the kernel's old
 * memory; one that holds the third and then the fourth was not written. What a kernel or a compiler
 * poisons in its own way (freed slab objects, variables without a value) must not be there at all.
 * Needs the module stain, and a kernel that does not clear what it allocates.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "host.h"
#include "refusal.h"
#include "tap.h"

#define STAIN		"/sys/module/stain/parameters/"
#define RAM_SIZE	0x200000
#define MAX_PIECES	160
#define ARENA		(4u << 20)
#define FRESH		0x100000	/* guest memory that nobody has touched */
#define POISON_FREE	0x6b		/* SLUB's, with slub_debug=P */
#define POISON_AUTO	0xfe		/* GCC's, with -ftrivial-auto-var-init=pattern */
#define POISON_RUN	3		/* so many in a row are no accident */

/* by round */
static const uint8_t kernel_byte[2] = { 0x5a, 0xa7 };
static const uint8_t caller_byte[2] = { 0x31, 0xce };

struct piece {
	const char *name;
	size_t at, size;
};

/* What was collected, in the order of collecting, which is the same in both rounds. */
static struct collection {
	uint8_t bytes[ARENA];
	size_t used;
	struct piece piece[MAX_PIECES];
	int count;
} collected[2];

static int round_nr;
static struct machine m;
static struct cpu c;

static void collect(const char *name, const void *bytes, size_t size)
{
	struct collection *to = &collected[round_nr];

	if (to->count == MAX_PIECES || size > ARENA - to->used)
		tap_bail("no room for %s", name);
	to->piece[to->count++] = (struct piece){ name, to->used, size };
	memcpy(to->bytes + to->used, bytes, size);
	to->used += size;
}

/* A buffer of the caller's: full of this round's byte. */
static void *buffer(size_t size)
{
	static uint8_t bytes[1 << 16] __attribute__((aligned(64)));

	if (size > sizeof(bytes))
		tap_bail("no room for %zu bytes", size);
	memset(bytes, caller_byte[round_nr], sizeof(bytes));
	return bytes;
}

static void must(int ret, const char *what)
{
	if (ret)
		tap_bail("%s: %s", what, strerror(-ret));
}

/* ---- what the calls give -------------------------------------------------------------------- */

static void collect_error(int fd, const char *name)
{
	struct vmxhv_error *e = buffer(sizeof(*e));

	e->size = sizeof(*e);
	e->flags = 0;
	must(call(fd, VMXHV_GET_ERROR, e), name);
	collect(name, e, sizeof(*e));
}

static void collect_info(void)
{
	struct vmxhv_info *info = buffer(sizeof(*info));

	info->size = sizeof(*info);
	info->flags = 0;
	must(call(m.dev, VMXHV_GET_INFO, info), "GET_INFO");
	collect("GET_INFO", info, sizeof(*info));
}

static void collect_cpuid(void)
{
	void *entries = buffer(256 * sizeof(struct vmxhv_cpuid_entry));
	struct vmxhv_cpuid cpuid = {
		.size = sizeof(cpuid), .count = 256, .entries = (uintptr_t)entries,
	};

	must(call(m.dev, VMXHV_GET_CPUID, &cpuid), "GET_CPUID");
	collect("GET_CPUID", entries, cpuid.count * sizeof(struct vmxhv_cpuid_entry));
	collect("GET_CPUID: its structure", &cpuid, offsetof(struct vmxhv_cpuid, entries));
}

/* The list, then the values. */
static void collect_msrs(void)
{
	struct vmxhv_msr_entry *entries = buffer(512 * sizeof(*entries));
	struct vmxhv_msrs msrs = {
		.size = sizeof(msrs), .count = 512, .entries = (uintptr_t)entries,
	};

	must(call(m.dev, VMXHV_GET_MSR_LIST, &msrs), "GET_MSR_LIST");
	collect("GET_MSR_LIST", entries, msrs.count * sizeof(*entries));
	for (uint32_t i = 0; i < msrs.count; i++)
		memset(&entries[i].value, caller_byte[round_nr], sizeof(entries[i].value));
	must(call(c.fd, VMXHV_GET_MSRS, &msrs), "GET_MSRS");
	collect("GET_MSRS", entries, msrs.count * sizeof(*entries));
}

/* Twice as long as any group but XSAVE's: what is behind the group is written too. */
static void collect_state(const char *const names[VMXHV_STATE_GROUPS])
{
	for (uint32_t group = 0; group < VMXHV_STATE_GROUPS; group++) {
		const uint32_t size = group == VMXHV_STATE_XSAVE ? 8192 : 2304;
		void *bytes = buffer(size);

		must(get_group(&c, group, bytes, size), names[group]);
		collect(names[group], bytes, size);
	}
}

static void collect_new_state(void)
{
	static const char *const names[VMXHV_STATE_GROUPS] = {
		"a new vCPU's GPRS", "its SREGS", "its EVENTS", "its DEBUG", "its XSAVE",
		"its LAPIC", "its TSC",
	};

	collect_state(names);
}

static void collect_used_state(void)
{
	static const char *const names[VMXHV_STATE_GROUPS] = {
		"a used vCPU's GPRS", "its SREGS now", "its EVENTS now", "its DEBUG now",
		"its XSAVE now", "its LAPIC now", "its TSC now",
	};

	collect_state(names);
}

static void collect_apic_page(void)
{
	static uint32_t value[1024];
	struct vmxhv_lapic_access access = { .size = sizeof(access), .length = 4 };
	int count = 0;

	for (access.offset = 0; access.offset < 4096; access.offset += 16) {
		memset(&access.value, caller_byte[round_nr], sizeof(access.value));
		if (!call(c.fd, VMXHV_LAPIC_ACCESS, &access))
			value[count++] = access.value;
	}
	collect("LAPIC_ACCESS: every register", value, count * sizeof(*value));
}

/* Of what the structures hold, the inputs are the caller's. */
static void collect_small(void)
{
	struct vmxhv_translate *t = buffer(sizeof(*t));
	struct vmxhv_msi msi = { .size = sizeof(msi), .address = 0xfee00000, .data = 0x41 };

	t->size = sizeof(*t);
	t->flags = 0;
	t->gva = 0x1000;
	t->access = VMXHV_ACCESS_READ;
	t->reserved = 0;
	must(call(c.fd, VMXHV_TRANSLATE, t), "TRANSLATE");
	collect("TRANSLATE", t, sizeof(*t));
	memset(&msi.delivered, caller_byte[round_nr], sizeof(msi.delivered));
	must(call(m.vm, VMXHV_SIGNAL_MSI, &msi), "SIGNAL_MSI");
	collect("SIGNAL_MSI", &msi, sizeof(msi));
}

/* The log of memory that nobody wrote to: the bitmap is the kernel's. */
static void collect_dirty(void)
{
	const uint64_t length = 64ull << 20;
	void *far = mmap(NULL, length, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct vmxhv_dirty dirty = {
		.size = sizeof(dirty), .gpa = 1ull << 32, .length = length,
		.bitmap = (uintptr_t)buffer(length / 4096 / 8),
	};

	if (far == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	machine_map(&m, 1ull << 32, far, length, VMXHV_MEM_LOG_DIRTY);
	must(call(m.vm, VMXHV_DIRTY, &dirty), "DIRTY");
	collect("DIRTY: a log that is new", (void *)(uintptr_t)dirty.bitmap, length / 4096 / 8);
	machine_unmap(&m, 1ull << 32, length);
	munmap(far, length);
}

/* A refusal in few words: the text's rest is 0. */
static void collect_refusals(void)
{
	struct vmxhv_create_vm unknown = { .size = sizeof(unknown), .flags = 1u << 31 };
	struct vmxhv_create_vcpu taken = { .size = sizeof(taken), .id = 0 };
	struct vmxhv_extint line = { .size = sizeof(line), .level = 2 };

	call(m.dev, VMXHV_CREATE_VM, &unknown);
	collect_error(m.dev, "GET_ERROR of the device: a refusal");
	call(m.vm, VMXHV_CREATE_VCPU, &taken);
	collect_error(m.vm, "GET_ERROR of the VM: a refusal");
	call(c.fd, VMXHV_EXTINT, &line);
	collect_error(c.fd, "GET_ERROR of the vCPU: a refusal");
	call(c.fd, VMXHV_EXTINT, NULL);
	collect_error(c.fd, "GET_ERROR of the vCPU: a bare EFAULT");
}

/* ---- what exits give ------------------------------------------------------------------------ */

/**
 * struct step - an exit, and with it the whole run area
 * @name: of the exit
 * @image: the guest
 * @entry: its case
 * @prepare: what else is needed, when the vCPU is ready to run the case
 * @exit: the exit that must come
 */
struct step {
	const char *name;
	const char *image;
	unsigned int entry;
	void (*prepare)(void);
	uint32_t exit;
};

static void set_msr_number(void)
{
	*(uint32_t *)(m.ram + DATA_BASE) = 0x7777;
}

static void set_rip(uint64_t rip, uint64_t rbx, uint64_t rflags)
{
	struct vmxhv_gprs gprs;

	must(get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)), "GPRS");
	gprs.rip = rip;
	gprs.gpr[3] = rbx;
	gprs.rflags = rflags;
	must(set_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)), "GPRS");
}

/* MOV (%RBX), %EAX in the last two bytes there are: the CPU could fetch no third. */
static void at_the_end(void)
{
	memcpy(m.ram + RAM_SIZE - 2, "\x8b\x03", 2);
	set_rip(RAM_SIZE - 2, 0x20000040, 2);
}

static void no_memory_left(void)
{
	if (munmap(m.ram + FRESH, RAM_SIZE - FRESH))
		tap_bail("munmap");
}

/* No IDT: what INJECT brings ends in a triple fault. */
static void inject(void)
{
	struct vmxhv_inject gp = {
		.size = sizeof(gp), .vector = 13, .has_error = 1, .error_code = 0x18,
	};
	struct vmxhv_sregs sregs;

	must(get_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs)), "SREGS");
	sregs.idtr = (struct vmxhv_table){ .limit = 0 };
	must(set_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs)), "SREGS");
	must(call(c.fd, VMXHV_INJECT, &gp), "INJECT");
}

static void single_step(void)
{
	struct vmxhv_debug debug = { .size = sizeof(debug), .control = VMXHV_DEBUG_STEP };

	must(call(c.fd, VMXHV_DEBUG, &debug), "DEBUG");
}

static void no_single_step(void)
{
	struct vmxhv_debug debug = { .size = sizeof(debug) };

	must(call(c.fd, VMXHV_DEBUG, &debug), "DEBUG");
}

static void interrupts_on(void)
{
	struct vmxhv_gprs gprs;

	must(get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)), "GPRS");
	set_rip(gprs.rip, 0, 0x202);
}

static void want_window(void)
{
	interrupts_on();
	c.run->user_flags |= VMXHV_USER_WANT_WINDOW;
}

/* LVT0 is as after power-on: masked. ExtINT through it needs the APIC switched on, and open. */
static void want_intack(void)
{
	struct vmxhv_lapic_access access = { .size = sizeof(access), .length = 4, .write = 1 };
	struct vmxhv_extint line = { .size = sizeof(line), .level = 1 };

	c.run->user_flags &= ~VMXHV_USER_WANT_WINDOW;
	interrupts_on();
	access.offset = 0xf0;
	access.value = 0x1ff;
	must(call(c.fd, VMXHV_LAPIC_ACCESS, &access), "SVR");
	access.offset = 0x350;
	access.value = 0x700;
	must(call(c.fd, VMXHV_LAPIC_ACCESS, &access), "LVT0");
	must(call(c.fd, VMXHV_EXTINT, &line), "EXTINT");
}

static void line_down(void)
{
	struct vmxhv_extint line = { .size = sizeof(line) };

	must(call(c.fd, VMXHV_EXTINT, &line), "EXTINT");
	c.run->intack_spurious = 1;
}

static void kicked(void)
{
	line_down();
	kick(&c);
}

enum { IO_OUTS_REP = 1, IO_INS_REP = 4 };		/* of io.S */
enum { MMIO_READS, MMIO_WRITES };			/* of mmio.S */
enum { SPIN, CLI_CPUID, COUNT, HALT };			/* of spin.S */
enum { MEMORY_WRITE = 1 };				/* of memory.S */

static const struct step steps[] = {
	{ "OUT", "config", OUT, NULL, VMXHV_EXIT_IO },
	{ "IN", "config", IN, NULL, VMXHV_EXIT_IO },
	{ "REP OUTS", "io", IO_OUTS_REP, NULL, VMXHV_EXIT_IO },
	{ "REP INS", "io", IO_INS_REP, NULL, VMXHV_EXIT_IO },
	{ "MMIO read", "mmio", MMIO_READS, NULL, VMXHV_EXIT_MMIO },
	{ "MMIO write", "mmio", MMIO_WRITES, NULL, VMXHV_EXIT_MMIO },
	{ "MMIO, few bytes of the instruction", "mmio", MMIO_READS, at_the_end, VMXHV_EXIT_MMIO },
	{ "MSR read", "config", READ_MSR, set_msr_number, VMXHV_EXIT_MSR_READ },
	{ "MSR write", "config", WRITE_MSR, set_msr_number, VMXHV_EXIT_MSR_WRITE },
	{ "hypercall", "config", HYPERCALL, NULL, VMXHV_EXIT_HYPERCALL },
	{ "PAUSE", "config", PAUSE, NULL, VMXHV_EXIT_PAUSE },
	{ "CPUID", "config", CPUID, NULL, VMXHV_EXIT_CPUID },
	{ "invalid opcode", "config", UD2, NULL, VMXHV_EXIT_EXCEPTION },
	{ "page fault", "config", READ_NOWHERE, NULL, VMXHV_EXIT_EXCEPTION },
	{ "HLT", "spin", HALT, NULL, VMXHV_EXIT_HLT },
	{ "step", "spin", COUNT, single_step, VMXHV_EXIT_DEBUG },
	{ "interrupt window", "spin", COUNT, want_window, VMXHV_EXIT_WINDOW },
	{ "INTACK", "spin", COUNT, want_intack, VMXHV_EXIT_INTACK },
	{ "kick", "spin", COUNT, kicked, VMXHV_EXIT_INTR },
	{ "triple fault", "spin", COUNT, inject, VMXHV_EXIT_SHUTDOWN },
	{ "memory that is gone", "memory", MEMORY_WRITE, no_memory_left, VMXHV_EXIT_MEMORY_ERROR },
};

static void take_step(const struct step *s)
{
	int ret;

	load_guest(&m, s->image);
	no_single_step();
	cpu_start(&c, MODE_LONG, s->entry);
	if (s->prepare)
		s->prepare();
	ret = run_guest(&c);
	if (ret != (int)s->exit) {
		note_exit(&c);
		tap_bail("%s: returned %d (%s), wanted %s", s->name, ret,
			 ret < 0 ? strerror(-ret) : exit_name(ret), exit_name(s->exit));
	}
	collect(s->name, c.run, VMXHV_RUN_SIZE);
}

/* ---- two rounds ----------------------------------------------------------------------------- */

static void configure(void)
{
	struct vmxhv_range ranges[] = {
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 0, .last = 1 },
		{ .kind = VMXHV_RANGE_MSR_EXIT, .access = READ | WRITE, .first = 0x7777,
		  .last = 0x7777 },
	};
	struct vmxhv_config config = {
		.size = sizeof(config), .count = ARRAY_SIZE(ranges),
		.flags = VMXHV_CONFIG_HYPERCALL | VMXHV_CONFIG_PAUSE,
		.exceptions = 1 << 6 | 1 << 14, .ranges = (uintptr_t)ranges,
	};

	must(call(m.vm, VMXHV_CONFIG, &config), "CONFIG");
}

/* Guest memory is the process's, and the host clears it; it is the kernel's free memory too. */
static void collect_fresh_memory(void)
{
	collect("guest memory that nobody wrote", m.ram + FRESH, 0x10000);
}

static void stain(void)
{
	char byte[16], found[80];
	unsigned int pages, objects;

	snprintf(byte, sizeof(byte), "%#x", kernel_byte[round_nr]);
	must(write_line(STAIN "fill", byte), STAIN "fill");
	must(read_line(STAIN "found", found, sizeof(found)), STAIN "found");
	if (sscanf(found, "%u of %*u pages, %u of", &pages, &objects) != 2)
		tap_bail("%s", found);
	tap_ok(pages >= 32 && objects >= 32, "round %d: the kernel's free memory holds %#x: %s",
	       round_nr, kernel_byte[round_nr], found);
}

static void make_vcpu(void)
{
	cpu_create(&m, &c, 0);
	collect("a new run area", c.run, VMXHV_RUN_SIZE);
	collect_error(c.fd, "GET_ERROR of a new vCPU");
	collect_new_state();
	collect_apic_page();
	/* whatever was there: it is the caller's, and RUN reads it */
	memset(c.run, 0, VMXHV_RUN_SIZE);
	c.run->wanted = VMXHV_GROUP_GPRS | VMXHV_GROUP_SREGS | VMXHV_GROUP_EVENTS;
	c.run->user_flags = VMXHV_USER_EXIT_HLT;
}

static void one_round(void)
{
	stain();
	machine_create(&m, RAM_SIZE);
	collect_error(m.dev, "GET_ERROR of a new device");
	collect_error(m.vm, "GET_ERROR of a new VM");
	collect_info();
	configure();
	make_vcpu();
	collect_cpuid();
	collect_msrs();
	collect_small();
	collect_dirty();
	collect_refusals();
	collect_fresh_memory();
	for (int i = 0; i < ARRAY_SIZE(steps); i++)
		take_step(&steps[i]);
	collect_used_state();
	cpu_destroy(&c);
	machine_destroy(&m);
}

static bool poison_run(const uint8_t *bytes, size_t i)
{
	static const uint8_t poisons[] = { POISON_FREE, POISON_AUTO };

	for (int p = 0; p < ARRAY_SIZE(poisons); p++) {
		int n = 0;

		while (n < POISON_RUN && bytes[i + n] == poisons[p])
			n++;
		if (n == POISON_RUN)
			return true;
	}
	return false;
}

/* What is wrong with byte @i of a piece, or NULL. */
static const char *stale(const uint8_t *first, const uint8_t *second, size_t i, size_t size)
{
	if (first[i] == kernel_byte[0] && second[i] == kernel_byte[1])
		return "is the kernel's old memory";
	if (first[i] == caller_byte[0] && second[i] == caller_byte[1])
		return "was not written";
	if (i + POISON_RUN <= size && (poison_run(first, i) || poison_run(second, i)))
		return "is poison";
	return NULL;
}

static void judge(const struct piece *p, const struct piece *again)
{
	const uint8_t *first = collected[0].bytes + p->at;
	const uint8_t *second = collected[1].bytes + again->at;
	const char *what = NULL;
	size_t i;

	if (p->size != again->size)
		tap_bail("%s: %zu bytes, then %zu", p->name, p->size, again->size);
	for (i = 0; i < p->size && !what; i++)
		what = stale(first, second, i, p->size);
	if (what)
		tap_note("byte %#zx of %#zx %s: %#x, then %#x", i - 1, p->size, what, first[i - 1],
			 second[i - 1]);
	tap_ok(!what, "%s", p->name);
}

int main(void)
{
	for (round_nr = 0; round_nr < 2; round_nr++)
		one_round();
	if (collected[0].count != collected[1].count)
		tap_bail("%d pieces, then %d", collected[0].count, collected[1].count);
	for (int i = 0; i < collected[0].count; i++)
		judge(&collected[0].piece[i], &collected[1].piece[i]);
	return tap_done();
}

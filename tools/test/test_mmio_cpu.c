// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's completion of MMIO against this CPU: random instructions run twice from the same
 * registers. First on memory. Then two of the pages are gone; each access there raises SIGSEGV, of
 * which an MMIO exit is made, the library performs the instruction, and the CPU goes on. Registers,
 * flags, vectors, exceptions and every byte must be the same.
 *
 * What the kernel would do is here: ioctl() answers for it.
 *
 *	test_mmio_cpu [seed [instructions]]
 */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "../../tests/lib/backed_device.h"
#include "../../tests/lib/random_insn.h"
#include "libvmxhv.h"
#include "tap.h"
#include "util.h"

#define CODE		0x10000000ul	/* the way in, the instruction, the way out */
#define STATE		0x10010000ul	/* struct state: what both ways load and save */
#define WORLD		0x10100000ul	/* four pages: memory, device, device, memory */
#define PAGE		4096ul
#define PAGES		4
#define DEVICE		(WORLD + PAGE)
#define DEVICE_SIZE	(2 * PAGE)

#define FLAGS		0xcd5ull	/* the status flags, and DF */
#define YMM_OFFSET	576		/* of the AVX component */

enum { RSP = 4 };

struct state {
	uint64_t gpr[16];
	uint64_t flags[2];		/* loaded by POPF, saved by PUSHF: behind it a word more */
	uint64_t host_rsp;
	uint8_t ymm[16][32] __attribute__((__aligned__(32)));
};

static struct state *const state = (struct state *)STATE;
static uint8_t *const world = (uint8_t *)WORLD;
static uint8_t device[DEVICE_SIZE];

static struct random_world w = {
	.code = CODE + 0x400, .base = WORLD, .length = PAGES * PAGE,
};

/* how a run ended */
static sigjmp_buf out;
static struct {
	int vector;			/* of an exception; 0: SIGFPE is 16 */
	uint64_t address, rip;
	bool write;
} trap;

static unsigned int exits, flags_set[PAGES];
static struct vmxhv_run run;
static struct vmxhv_vcpu vcpu = { .fd = 100, .run = &run };

/* ---- the CPU ------------------------------------------------------------------------------ */

static uint8_t *emit(uint8_t *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

/* MOV or VMOVUPS between a register and an address below 2 GiB: ModRM without base, SIB */
static uint8_t *emit_absolute(uint8_t *at, const uint8_t *op, size_t count, unsigned int reg,
			      const void *address)
{
	const uint8_t modrm[2] = { (reg & 7) << 3 | 4, 0x25 };
	const uint32_t where = (uintptr_t)address;

	at = emit(at, op, count);
	at = emit(at, modrm, 2);
	return emit(at, &where, 4);
}

static uint8_t *emit_gpr(uint8_t *at, bool store, unsigned int reg, const void *address)
{
	const uint8_t op[2] = { 0x48 | reg >> 3 << 2, store ? 0x89 : 0x8b };

	return emit_absolute(at, op, 2, reg, address);
}

static uint8_t *emit_vector(uint8_t *at, bool store, unsigned int reg)
{
	const uint8_t avx[4] = { 0xc4, reg < 8 ? 0xe1 : 0x61, 0x7c, store ? 0x11 : 0x10 };
	const uint8_t sse[3] = { 0x40 | reg >> 3 << 2, 0x0f, store ? 0x11 : 0x10 };

	return emit_absolute(at, w.avx ? avx : sse, w.avx ? 4 : 3, reg, state->ymm[reg]);
}

/* Before the instruction, up to its address; and behind it. */
static void emit_ways(void)
{
	static uint8_t in[0x400];
	uint8_t *at = in;
	uint32_t flags = (uintptr_t)state->flags;
	unsigned int r;

	/* push %rbx, %rbp, %r12 to %r15 */
	at = emit(at, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10);
	at = emit_gpr(at, true, RSP, &state->host_rsp);
	for (r = 0; r < 16; r++)
		at = emit_vector(at, false, r);
	at = emit(at, "\x48\xc7\xc4", 3);		/* mov $flags, %rsp; popf */
	at = emit(at, &flags, 4);
	at = emit(at, "\x9d", 1);
	for (r = 0; r < 16; r++)
		at = emit_gpr(at, false, r, &state->gpr[r]);
	memset((void *)CODE, 0x90, 0x400);
	memcpy((void *)(w.code - (at - in)), in, at - in);
}

static void emit_insn(const uint8_t *bytes, unsigned int length)
{
	uint8_t *at = emit((uint8_t *)w.code, bytes, length);
	const uint32_t flags = (uintptr_t)&state->flags[1];
	unsigned int r;

	for (r = 0; r < 16; r++)
		at = emit_gpr(at, true, r, &state->gpr[r]);
	at = emit(at, "\x48\xc7\xc4", 3);		/* mov $flags + 8, %rsp; pushf */
	at = emit(at, &flags, 4);
	at = emit(at, "\x9c", 1);
	for (r = 0; r < 16; r++)
		at = emit_vector(at, true, r);
	at = emit_gpr(at, false, RSP, &state->host_rsp);
	/* pop them; cld; ret */
	emit(at, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xfc\xc3", 12);
}

/* The registers of the instruction that was interrupted become those of the state. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	static const int order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int r;

	for (r = 0; r < 16; r++)
		state->gpr[r] = gregs[order[r]];
	state->flags[0] = gregs[REG_EFL] & (FLAGS | 0x202);
	trap.vector = number == SIGSEGV ? 14 : number == SIGFPE ? 16 : 6;
	trap.address = (uintptr_t)info->si_addr;
	trap.rip = gregs[REG_RIP];
	trap.write = gregs[REG_ERR] & 2;
	siglongjmp(out, 1);
}

/* Runs what was emitted; state has the registers then. False: trap says why it ended early. */
static bool run_cpu(void)
{
	void (*const way)(void) = (void (*)(void))CODE;

	if (sigsetjmp(out, 1)) {
		/* vectors are as they were: nothing that faults has changed any */
		__asm__ volatile("cld" : : : "memory");
		return false;
	}
	way();
	return true;
}

/* ---- the kernel --------------------------------------------------------------------------- */

static void translate(struct vmxhv_translate *t)
{
	const uint64_t page = (t->gva - WORLD) / PAGE;

	t->result = VMXHV_TRANSLATED;
	t->gpa = t->gva;
	t->page_size = PAGE;
	t->rights = VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE | VMXHV_ACCESS_USER;
	if (page >= PAGES) {
		t->result = VMXHV_TRANSLATE_FAULT;
		t->vector = 14;
		return;
	}
	if (page == 0 || page == PAGES - 1)
		t->rights |= VMXHV_ON_MEMORY(VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE);
	if (t->flags & VMXHV_TRANSLATE_SET_FLAGS)
		flags_set[page]++;
}

static void xsave(uint8_t *image, bool set)
{
	uint64_t *bv = (uint64_t *)(image + 512);
	unsigned int r;

	for (r = 0; r < 16; r++) {
		if (set) {
			memset(state->ymm[r], 0, 32);
			if (*bv & 2)
				memcpy(state->ymm[r], image + 160 + 16 * r, 16);
			if (*bv & 4)
				memcpy(state->ymm[r] + 16, image + YMM_OFFSET + 16 * r, 16);
		} else {
			memcpy(image + 160 + 16 * r, state->ymm[r], 16);
			memcpy(image + YMM_OFFSET + 16 * r, state->ymm[r] + 16, 16);
		}
	}
	if (!set)
		*bv = w.avx ? 6 : 2;
}

static void state_group(const struct vmxhv_state_entry *entry, bool set)
{
	const struct vmxhv_segment flat = { .limit = ~0u, .access = 0xc0f3 };

	if (entry->group == VMXHV_STATE_SREGS && !set)
		*(struct vmxhv_sregs *)(uintptr_t)entry->data = (struct vmxhv_sregs){
			.ss = flat, .ds = flat, .es = flat, .cs = { .access = 0xa0fb },
		};
	if (entry->group == VMXHV_STATE_XSAVE)
		xsave((uint8_t *)(uintptr_t)entry->data, set);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case VMXHV_TRANSLATE:
		translate(arg);
		return 0;
	case VMXHV_GET_STATE:
	case VMXHV_SET_STATE:
		state_group((void *)(uintptr_t)((struct vmxhv_state *)arg)->entries,
			    request == VMXHV_SET_STATE);
		return 0;
	}
	return -1;
}

static const struct backed_device backed = { DEVICE, DEVICE_SIZE, device };

static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	(void)opaque;
	return backed_read(&backed, gpa, width, value);
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	(void)opaque;
	return backed_write(&backed, gpa, width, value);
}

static void *ram(void *opaque, uint64_t gpa, uint64_t length)
{
	const uint64_t page = (gpa - WORLD) / PAGE;

	(void)opaque;
	if ((page && page != PAGES - 1) || gpa % PAGE + length > PAGE)
		abort();
	return (void *)(uintptr_t)gpa;
}

/* ---- both runs ---------------------------------------------------------------------------- */

struct outcome {
	int vector;
	uint64_t gpr[16], flags, rip;
	uint8_t ymm[16][32];
	uint8_t bytes[PAGES * PAGE];
};

static void begin(const struct random_insn *i, const uint8_t *bytes, const uint8_t *vectors)
{
	memcpy(world, bytes, PAGES * PAGE);
	if (i->planted)
		memcpy((void *)(uintptr_t)i->at, &i->memory, 8);
	memcpy(state->gpr, i->gpr, sizeof(state->gpr));
	state->flags[0] = i->flags | 0x200;
	memcpy(state->ymm, vectors, sizeof(state->ymm));
	if (!w.avx)
		for (int r = 0; r < 16; r++)
			memset(state->ymm[r] + 16, 0, 16);
	memset(&trap, 0, sizeof(trap));
}

static void take(struct outcome *o, bool whole, uint64_t rip)
{
	o->vector = whole ? 0 : trap.vector == 16 ? 16 : trap.vector;
	memcpy(o->gpr, state->gpr, sizeof(o->gpr));
	o->flags = state->flags[0] & FLAGS;
	o->rip = rip;
	memcpy(o->ymm, state->ymm, sizeof(o->ymm));
	memcpy(o->bytes, world, sizeof(o->bytes));
}

/* The access that SIGSEGV told of, as an exit; 0, or what the library said. */
static int complete(const struct random_insn *i)
{
	static const struct vmxhv_mmio_ops ops = { device_read, device_write, ram };

	exits++;
	memset(&run, 0, sizeof(run));
	run.valid = VMXHV_GROUP_GPRS;
	run.hw.valid = VMXHV_HW_GLA;
	run.u.mmio.gva = trap.address;
	run.u.mmio.gpa = trap.address;
	run.u.mmio.mode = VMXHV_MODE_64;
	run.u.mmio.access = trap.write ? VMXHV_MMIO_WRITE : VMXHV_MMIO_READ;
	run.u.mmio.insn_count = 15;
	memcpy(run.u.mmio.insn, (void *)(uintptr_t)w.code, 15);
	memcpy(run.gprs.gpr, state->gpr, sizeof(state->gpr));
	run.gprs.rip = trap.rip;
	run.gprs.rflags = state->flags[0];
	(void)i;
	return vmxhv_mmio_complete(&vcpu, &ops, NULL);
}

static void resume(void)
{
	memcpy(state->gpr, run.gprs.gpr, sizeof(state->gpr));
	state->flags[0] = (run.gprs.rflags & FLAGS) | 0x202;
}

/* By CPU and library; the outcome, or false with a note. */
static bool run_mmio(const struct random_insn *i, struct outcome *o)
{
	bool whole = false;
	int err, steps;

	for (steps = 0; steps < 40 && !whole; steps++) {
		mprotect((void *)DEVICE, DEVICE_SIZE, PROT_NONE);
		whole = run_cpu();
		if (whole)
			trap.rip = w.code + i->length;
		mprotect((void *)DEVICE, DEVICE_SIZE, PROT_READ | PROT_WRITE);
		if (whole || trap.vector != 14)
			break;
		err = complete(i);
		if (err) {
			printf("# %s\n", vmxhv_message(&vcpu.fail));
			return false;
		}
		if (run.u.mmio.completion == VMXHV_MMIO_FAULT) {
			trap.vector = run.u.mmio.fault_vector ? run.u.mmio.fault_vector : 16;
			break;
		}
		resume();
		whole = run.u.mmio.completion == VMXHV_MMIO_RETIRE;
		if (whole)
			trap.rip = run.gprs.rip;
	}
	memcpy((void *)DEVICE, device, DEVICE_SIZE);
	take(o, whole, trap.rip);
	return true;
}

static bool same(const struct random_insn *i, const struct outcome *a, const struct outcome *b)
{
	unsigned int r;

	if (a->vector != b->vector)
		return printf("# exception %d, wanted %d\n", b->vector, a->vector), false;
	if (a->vector)
		return true;
	for (r = 0; r < 16; r++) {
		if (a->gpr[r] != b->gpr[r])
			return printf("# register %u: %#lx, wanted %#lx\n", r, b->gpr[r],
				      a->gpr[r]), false;
		if (memcmp(a->ymm[r], b->ymm[r], 32))
			return printf("# vector register %u\n", r), false;
	}
	if (a->flags != b->flags)
		return printf("# flags %#lx, wanted %#lx\n", b->flags, a->flags), false;
	for (r = 0; r < PAGES * PAGE; r++) {
		if (a->bytes[r] != b->bytes[r])
			return printf("# byte %#x: %#x, wanted %#x\n", r, b->bytes[r],
				      a->bytes[r]), false;
	}
	if (b->rip != w.code + i->length)
		return printf("# RIP %#lx\n", b->rip), false;
	return true;
}

static void note(const struct random_insn *i)
{
	unsigned int k;

	printf("# %s:", i->name);
	for (k = 0; k < i->length; k++)
		printf(" %02x", i->bytes[k]);
	printf(" flags %#lx\n", i->flags);
	for (k = 0; k < 16; k++)
		printf("%s %#lx%s", k % 8 ? "" : "#", i->gpr[k], k % 8 == 7 ? "\n" : "");
}

static bool one(unsigned int form, unsigned int *done)
{
	static struct outcome wanted, seen;
	static uint8_t bytes[PAGES * PAGE], vectors[16 * 32];
	struct random_insn i;
	unsigned int k;
	bool whole;

	if (!random_insn(&w, form, &i))
		return true;
	for (k = 0; k < sizeof(bytes); k += 8)
		*(uint64_t *)(bytes + k) = random_next(&w);
	for (k = 0; k < sizeof(vectors); k += 8)
		*(uint64_t *)(vectors + k) = random_next(&w);
	emit_insn(i.bytes, i.length);
	begin(&i, bytes, vectors);
	whole = run_cpu();
	take(&wanted, whole, 0);
	begin(&i, bytes, vectors);
	memcpy(device, (void *)DEVICE, DEVICE_SIZE);
	++*done;
	if (run_mmio(&i, &seen) && same(&i, &wanted, &seen))
		return true;
	note(&i);
	return false;
}

static void look_at_cpu(void)
{
	unsigned int a, b, c = 0, d;

	__get_cpuid(1, &a, &b, &c, &d);
	w.movbe = c & bit_MOVBE;
	w.avx = (c & bit_AVX) && (c & bit_OSXSAVE) && __builtin_cpu_supports("avx2");
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	static char stack[64 << 10];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i;

	sigaltstack(&other, NULL);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

static void map(unsigned long at, size_t length, int prot)
{
	if (mmap((void *)at, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != (void *)at)
		exit(printf("Bail out! no memory at %#lx\n", at) > 0);
}

int main(int argc, char **argv)
{
	const unsigned int forms = random_insn_forms();
	const unsigned int total = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000 * forms;
	unsigned int done = 0, i, bad = 0;
	struct tap t = { 0 };

	w.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	printf("# seed %lu, %u instructions of %u forms\n", w.seed, total, forms);
	look_at_cpu();
	map(CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(STATE, 0x1000, PROT_READ | PROT_WRITE);
	map(WORLD, PAGES * PAGE, PROT_READ | PROT_WRITE);
	emit_ways();
	catch_signals();
	for (i = 0; i < total && bad < 10; i++)
		bad += !one(i % forms, &done);
	tap(&t, !bad && done > total / 2, "library and CPU do the same");
	tap(&t, exits > total / 2, "most of them exited");
	tap(&t, flags_set[0] && flags_set[PAGES - 1], "flags of pages beside were set");
	printf("# %u done, %u exits\n", done, exits);
	return tap_end(&t);
}

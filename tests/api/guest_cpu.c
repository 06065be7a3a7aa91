// SPDX-License-Identifier: GPL-2.0-only
/* Long mode under EPT: instructions that exit, and faults that the kernel raises for them. */
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	MODE, CPUID, EXCEPTIONS, PAGE_FAULT, MSRS_UNKNOWN, VMX_INSTRUCTIONS, CR0, CR4, XSETBV,
	SINGLE_STEP, EFER, CR8, MSRS, DEBUG_REGISTERS, DOUBLE_FAULT, TRIPLE_FAULT, HYPERCALL,
	LMSW_CLTS, WBINVD, RDTSC, USER_MODE,
};

#define UD		6, 0, 0
#define NM		7, 0, 0
#define GP		13, 0, 0

/* What each case reports: see cpu.S. A fault: vector, error code, RIP's distance. */
static const struct reports rows[] = {
	{ "mode as set by SREGS", MODE, COUNTED(8, 0x500, 0x80010033, 0x620, PAGE_TABLES) },
	{ "CPUID: hypervisor bit, no VMX, our signature", CPUID,
	  COUNTED(1, 0, 0x68786d56, 0x786d5676, 0x7668, 0) },
	{ "#UD #DE #GP #BP #GP(selector) #SS", EXCEPTIONS,
	  COUNTED(UD, 0, 0, 0, GP, 3, 0, 1, 13, 0x58, 0, 12, 0, 0) },
	{ "#PF: error code and CR2", PAGE_FAULT,
	  COUNTED(14, 0, 0, 0x40001234, 14, 2, 0, 0x40005678) },
	{ "unknown MSRs are #GP", MSRS_UNKNOWN, COUNTED(GP, GP, GP) },
	{ "VMX instructions are #UD", VMX_INSTRUCTIONS,
	  COUNTED(UD, UD, UD, UD, UD, UD, UD, UD, UD, UD, UD) },
	{ "MOV to CR0", CR0,
	  COUNTED(NM, NM, 0x8001003b, 0x80000013, 0x80010033, GP, GP, GP, 0x80010033) },
	{ "MOV to CR4", CR4, COUNTED(0x6a8, GP, GP, GP, 0x620) },
	{ "single step over an instruction that exits", SINGLE_STEP,
	  COUNTED(1, 0, 2, 0xffff4ff0) },
	{ "EFER", EFER, COUNTED(0x501, GP, GP, 0x500) },
	{ "CR8", CR8, COUNTED(5, GP, 0) },
	{ "MSRs hold what was written", MSRS,
	  COUNTED(0x12340081, 0x12340082, 0x12340083, 0x12340084, 0x12340100, 0x12340101,
		  0x12340102, 0x12340174, 0x12340175, 0x12340176, 0x12340102, GP, 0x70106, GP) },
	{ "debug registers outlive an exit", DEBUG_REGISTERS,
	  COUNTED(0x1111, 0x2222, 0x3333, 0x4444, 0x400) },
	{ "#NP while #PF is delivered makes #DF", DOUBLE_FAULT, COUNTED(8, 0, 0) },
	{ "LMSW, SMSW, CLTS", LMSW_CLTS, COUNTED(0x3b, 0x31) },
	{ "WBINVD and INVD", WBINVD, COUNTED(1, 2) },
	{ "the TSC goes forward", RDTSC, COUNTED(1) },
	{ "ring 3: HLT and IN are #GP, CPUID is not", USER_MODE, COUNTED(GP, GP, UD) },
};

static void xsetbv(struct cpu *c)
{
	static const uint32_t wanted[] = { 1, 1, 3, 7, GP, GP, GP, GP, GP, 7 };
	int ret;

	cpu_start(c, MODE_LONG, XSETBV);
	ret = run_guest(c);
	if (!ret && c->nr_values == 1 && !c->values[0])
		tap_skip("XSETBV", "the guest has no XSAVE here");
	else
		expect_outcome(c, ret, "XSETBV: every value that is legal and none that is not",
			       ARRAY_SIZE(wanted), wanted);
}

static void triple_fault(struct cpu *c)
{
	cpu_start(c, MODE_LONG, TRIPLE_FAULT);
	tap_equal(run_guest(c), VMXHV_EXIT_SHUTDOWN, "a triple fault is SHUTDOWN");
	tap_equal(c->nr_values, 1, "nothing behind it ran");
	tap_equal(run_guest(c), VMXHV_EXIT_SHUTDOWN, "and the vCPU stays shut down");
	cpu_start(c, MODE_LONG, WBINVD);
	EXPECT(c, "until its state is set again", 1, 2);
}

static void hypercall(struct cpu *c)
{
	static const uint64_t args[6] = { 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 };
	const struct vmxhv_exit_hypercall *call = &c->run->u.hypercall;

	cpu_start(c, MODE_LONG, HYPERCALL);
	EXPECT(c, "VMCALL returns -ENOSYS unless userspace wants it", (uint32_t)-38);
	c->run->user_flags = VMXHV_USER_EXIT_HYPERCALL;
	cpu_start(c, MODE_LONG, HYPERCALL);
	tap_equal(run_guest(c), VMXHV_EXIT_HYPERCALL, "VMCALL exits");
	tap_ok(call->nr == 0x11 && !memcmp(call->args, args, sizeof(args)),
	       "VMCALL: number and arguments");
	c->run->u.hypercall.result = 0xabcd;
	EXPECT(c, "VMCALL: the result is in RAX", 0xabcd);
	c->run->user_flags = 0;
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "cpu");
	cpu_create(&m, &c, 0);
	for (const struct reports *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		cpu_start(&c, MODE_LONG, r->entry);
		expect_values(&c, r->name, r->count, r->values);
	}
	xsetbv(&c);
	hypercall(&c);
	triple_fault(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

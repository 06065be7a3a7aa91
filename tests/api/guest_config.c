// SPDX-License-Identifier: GPL-2.0-only
/* CONFIG: each guest shows that it exits where it was asked to, and nowhere else. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define MSR_PAT		0x277
#define MSR_APIC_BASE	0x1b
#define MSR_X2APIC_ID	0x802
#define MSR_NOBODYS	0x1b0	/* guests do not have it */
#define MSR_NOWHERE	0x4b564d00 /* and no bitmap covers this one */
#define MSR_SYSENTER_CS	0x174	/* reached without an exit ... */
#define MSR_GS_BASE	0xc0000101 /* ... as these are */
#define MSR_KERNEL_GS	0xc0000102

#define PAT_NEW		0x0007010600070106ull

static struct machine m;
static struct cpu c;

static void start(uint32_t flags, const struct vmxhv_range *ranges, uint32_t count)
{
	configured(&m, &c, &(const struct vmxhv_config){
		.flags = flags, .count = count, .ranges = (uintptr_t)ranges }, "config");
}

static void end(void)
{
	cpu_destroy(&c);
	machine_destroy(&m);
}

/* It exits, with this in the run area. */
static bool msr_exits(bool write, uint32_t msr, uint64_t value)
{
	const struct vmxhv_exit_msr *e = &c.run->u.msr;
	int ret;

	prepare(&c, write ? WRITE_MSR : READ_MSR, msr, value);
	ret = run_guest(&c);
	if (ret != (write ? VMXHV_EXIT_MSR_WRITE : VMXHV_EXIT_MSR_READ))
		return tap_note("MSR %#x: ended with %s, %u values", msr, exit_name(ret),
				c.nr_values), false;
	return e->index == msr && e->fault == 1 && e->value == (write ? value : 0) &&
	       c.run->exit_flags & VMXHV_EXITF_PENDING && c.run->hw.insn_len == 2;
}

static void answer(uint64_t value)
{
	c.run->u.msr.fault = 0;
	c.run->u.msr.value = value;
}

static void expect_gp(const char *name)
{
	EXPECT(&c, name, 13, 0, 0);
}

static void expect_read(const char *name, uint64_t value)
{
	EXPECT(&c, name, (uint32_t)value, value >> 32, 0);
}

/* The kernel's own value, whatever the guest is told. */
static uint64_t kernels(uint32_t msr)
{
	uint64_t value = ~0ull;

	get_msr(&c, msr, &value);
	return value;
}

/* In x2APIC mode a CPU that virtualizes it has another MSR bitmap. */
static void msr_reads_x2apic(void)
{
	static const struct vmxhv_range range = {
		.access = READ, .first = MSR_GS_BASE, .last = MSR_GS_BASE,
	};

	start(0, &range, 1);
	tap_equal(set_msr(&c, MSR_APIC_BASE, 0xfee00d00), 0, "x2APIC mode");
	prepare(&c, READ_MSR, MSR_X2APIC_ID, 0);
	expect_read("its registers are MSRs", 0);
	tap_ok(msr_exits(false, MSR_GS_BASE, 0), "RDMSR of a passed-through one exits there too");
	answer(7);
	expect_read("RDMSR of it: the answer", 7);
	end();
}

static void msr_reads(void)
{
	static const struct vmxhv_range ranges[] = {
		{ .access = READ, .first = MSR_NOBODYS, .last = MSR_NOBODYS + 1 },
		{ .access = READ, .first = MSR_PAT, .last = MSR_PAT },
		{ .access = READ, .first = MSR_GS_BASE, .last = MSR_GS_BASE },
		{ .access = READ, .first = MSR_NOWHERE, .last = 0xbfffffff },
	};
	const uint64_t value = 0x1234567890abcdefull;

	start(0, ranges, ARRAY_SIZE(ranges));
	tap_ok(msr_exits(false, MSR_NOBODYS, 0), "RDMSR in a range exits");
	answer(value);
	expect_read("RDMSR: the answer is what the guest reads", value);
	tap_ok(msr_exits(false, MSR_NOBODYS + 1, 0), "RDMSR: the last of a range exits");
	expect_gp("RDMSR without an answer is #GP");
	prepare(&c, READ_MSR, MSR_NOBODYS + 2, 0);
	expect_gp("RDMSR behind a range is #GP");
	prepare(&c, WRITE_MSR, MSR_NOBODYS, 0);
	expect_gp("WRMSR in a range of reads does not exit");

	tap_ok(msr_exits(false, MSR_PAT, 0), "RDMSR of one that the kernel has exits");
	answer(value);
	expect_read("RDMSR: not the kernel's value", value);
	prepare(&c, WRITE_MSR, MSR_PAT, PAT_NEW);
	EXPECT(&c, "WRMSR of it does not exit", 1);
	tap_equal(kernels(MSR_PAT), PAT_NEW, "WRMSR: the kernel has the value");

	tap_ok(msr_exits(false, MSR_GS_BASE, 0), "RDMSR of a passed-through one exits");
	answer(value);
	expect_read("RDMSR of it: the answer", value);
	prepare(&c, WRITE_MSR, MSR_GS_BASE, 0x5000);
	EXPECT(&c, "WRMSR of it does not exit", 1);
	tap_equal(kernels(MSR_GS_BASE), 0x5000, "WRMSR: in the CPU");
	set_msr(&c, MSR_KERNEL_GS, 0x6000);
	prepare(&c, READ_MSR, MSR_KERNEL_GS, 0);
	expect_read("RDMSR of its neighbour does not exit", 0x6000);
	tap_ok(msr_exits(false, MSR_NOWHERE, 0), "RDMSR of one that no bitmap covers exits");
	end();
}

static void msr_writes(void)
{
	static const struct vmxhv_range ranges[] = {
		{ .access = WRITE, .first = MSR_SYSENTER_CS, .last = MSR_NOBODYS },
		{ .access = WRITE, .first = 0xc0000100, .last = MSR_GS_BASE },
	};
	const uint64_t value = 0x0000123487654321ull;

	start(0, ranges, ARRAY_SIZE(ranges));
	tap_ok(msr_exits(true, MSR_NOBODYS, ~value), "WRMSR in a range exits");
	answer(0);
	EXPECT(&c, "WRMSR: taken", 1);
	tap_ok(msr_exits(true, MSR_NOBODYS, value), "WRMSR exits again");
	expect_gp("WRMSR without an answer is #GP");
	prepare(&c, READ_MSR, MSR_NOBODYS, 0);
	expect_gp("RDMSR in a range of writes does not exit");
	tap_ok(msr_exits(true, MSR_SYSENTER_CS, value), "WRMSR of a passed-through one exits");
	answer(0);
	EXPECT(&c, "WRMSR of it: taken", 1);
	tap_equal(kernels(MSR_SYSENTER_CS), 0, "WRMSR: but the CPU's value stays");
	tap_ok(msr_exits(true, MSR_GS_BASE, 0x7000), "WRMSR of a high one exits");
	prepare(&c, READ_MSR, MSR_GS_BASE, 0);
	set_msr(&c, MSR_GS_BASE, value);
	expect_read("RDMSR of it does not", value);
	end();
}

static void msrs_unknown(void)
{
	start(VMXHV_CONFIG_UNKNOWN_MSR, NULL, 0);
	tap_ok(msr_exits(false, MSR_NOBODYS, 0), "RDMSR: an unknown MSR exits if asked for");
	answer(7);
	expect_read("RDMSR: its answer", 7);
	tap_ok(msr_exits(true, MSR_NOWHERE, 8), "WRMSR: likewise");
	expect_gp("WRMSR: #GP without an answer");
	prepare(&c, READ_MSR, MSR_PAT, 0);
	expect_read("RDMSR of one that the kernel has does not exit", 0x0007040600070406ull);
	prepare(&c, WRITE_MSR, MSR_PAT, 2);
	expect_gp("WRMSR of a wrong value is #GP");
	end();
}

/* Another RUN that only completes, and new registers instead of an answer. */
static void completion(void)
{
	static const struct vmxhv_range range = { .access = READ | WRITE, .first = MSR_NOBODYS,
						  .last = MSR_NOBODYS };
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	struct vmxhv_gprs before, after;

	start(0, &range, 1);
	msr_exits(false, MSR_NOBODYS, 0);
	get_group(&c, VMXHV_STATE_GPRS, &before, sizeof(before));
	answer(0xaaaabbbbccccddddull);
	tap_equal(call(c.fd, VMXHV_RUN, &args), 0, "COMPLETE_ONLY");
	get_group(&c, VMXHV_STATE_GPRS, &after, sizeof(after));
	tap_ok(after.rip == before.rip + 2 && after.gpr[0] == 0xccccdddd &&
	       after.gpr[2] == 0xaaaabbbb, "COMPLETE_ONLY has completed RDMSR");
	msr_exits(true, MSR_NOBODYS, 0);
	get_group(&c, VMXHV_STATE_GPRS, &before, sizeof(before));
	before.rip += 2;
	set_group(&c, VMXHV_STATE_GPRS, &before, sizeof(before));
	EXPECT(&c, "new registers: nothing is completed any more", 1);
	end();
}

static void hypercall(void)
{
	start(VMXHV_CONFIG_HYPERCALL, NULL, 0);
	cpu_start(&c, MODE_LONG, HYPERCALL);
	tap_equal(run_guest(&c), VMXHV_EXIT_HYPERCALL, "VMCALL exits without a user flag");
	tap_ok(c.run->u.hypercall.nr == 0x11 && c.run->u.hypercall.args[0] == 0x22,
	       "VMCALL: number and first argument");
	c.run->u.hypercall.result = 0x99;
	EXPECT(&c, "VMCALL: the result", 0x99);
	end();
}

static void pauses(void)
{
	struct vmxhv_info info = { .size = sizeof(info) };
	struct vmxhv_config config = { .size = sizeof(config), .flags = VMXHV_CONFIG_PAUSE_LOOP };

	start(VMXHV_CONFIG_PAUSE, NULL, 0);
	prepare(&c, PAUSE, 0, 0);
	tap_ok(run_guest(&c) == VMXHV_EXIT_PAUSE && !c.nr_values, "PAUSE exits");
	EXPECT(&c, "PAUSE: it is done", 1);
	call(m.dev, VMXHV_GET_INFO, &info);
	end();

	if (!(info.features[0] & VMXHV_FEATURE_PAUSE_LOOP)) {
		machine_create(&m, 1 << 20);
		expect_error(m.vm, call(m.vm, VMXHV_CONFIG, &config), EOPNOTSUPP,
			     VMXHV_ERR_ARGUMENT, offsetof(struct vmxhv_config, flags), "PAUSE",
			     "loops of PAUSE: this CPU does not see them");
		machine_destroy(&m);
		return;
	}
	start(VMXHV_CONFIG_PAUSE_LOOP, NULL, 0);
	prepare(&c, PAUSE, 0, 0);
	EXPECT(&c, "PAUSE alone does not exit", 1);
	prepare(&c, PAUSES, 100000, 0);
	tap_equal(run_guest(&c), VMXHV_EXIT_PAUSE, "a loop of PAUSE exits");
	end();
	start(0, NULL, 0);
	prepare(&c, PAUSES, 100000, 0);
	EXPECT(&c, "a loop of PAUSE that nobody asked for", 2);
	end();
}

static void cpuid_values(uint32_t leaf, uint32_t index, uint32_t values[4])
{
	prepare(&c, CPUID, index, leaf);
	run_guest(&c);
	memcpy(values, c.values, 16);
}

/* Leaves with and without sub-leaves, one that the table lacks, and one behind the leaf_2. */
static const struct { uint32_t leaf, index; } asked[] = {
	{ 0, 0 }, { 1, 7 }, { 4, 1 }, { 4, 77 }, { 5, 0 }, { 0xb, 1 }, { 0xb, 9 }, { 0x1f, 0 },
	{ 0x40000000, 0 }, { 0x80000002, 0 }, { 0x8000001f, 0 },
};

static void cpuid(void)
{
	static const struct vmxhv_range ranges[] = {
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 0, .last = 1 },
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 4, .last = 0x1f },
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 0xa, .last = 0xc },
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 0x40000000,
		  .last = 0x4000000f },
		{ .kind = VMXHV_RANGE_CPUID_EXIT, .access = READ, .first = 0x80000002,
		  .last = 0x8000001f },
	};
	uint32_t own[ARRAY_SIZE(asked)][4], leaf_2[4];
	int good = 0, same = 0;

	start(0, NULL, 0);
	for (int i = 0; i < ARRAY_SIZE(asked); i++)
		cpuid_values(asked[i].leaf, asked[i].index, own[i]);
	cpuid_values(2, 0, leaf_2);
	end();

	start(0, ranges, ARRAY_SIZE(ranges));
	for (int i = 0; i < ARRAY_SIZE(asked); i++) {
		const struct vmxhv_exit_cpuid *e = &c.run->u.cpuid;
		bool exits;

		prepare(&c, CPUID, asked[i].index, asked[i].leaf);
		exits = run_guest(&c) == VMXHV_EXIT_CPUID && e->function == asked[i].leaf &&
			e->index == asked[i].index && !memcmp(&e->eax, own[i], 16);
		if (!exits)
			tap_note("leaf %#x, index %u: %s", asked[i].leaf, asked[i].index,
				 exit_name(c.run->exit_reason));
		good += exits;
		run_guest(&c);
		same += c.nr_values == 4 && !memcmp(c.values, own[i], 16);
	}
	tap_equal(good, ARRAY_SIZE(asked), "CPUID: leaves exit, with what the guest would read");
	tap_equal(same, ARRAY_SIZE(asked), "CPUID: which it reads, unless userspace changes it");
	prepare(&c, CPUID, 3, 0xb);
	run_guest(&c);
	c.run->u.cpuid.eax = 0x11;
	c.run->u.cpuid.ebx = 0x22;
	c.run->u.cpuid.ecx = 0x33;
	c.run->u.cpuid.edx = 0x44;
	EXPECT(&c, "CPUID: userspace's values", 0x11, 0x22, 0x33, 0x44);
	prepare(&c, CPUID, 0, 2);
	EXPECT(&c, "CPUID: another leaf does not exit", leaf_2[0], leaf_2[1], leaf_2[2],
	       leaf_2[3]);
	end();
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* The guest's own TSC, between the host's before and behind it. */
static bool guest_tsc_is(struct cpu *of, uint64_t offset)
{
	uint64_t before = rdtsc(), guest, after;

	prepare(of, TSC, 0, 0);
	run_guest(of);
	after = rdtsc();
	guest = of->values[0] | (uint64_t)of->values[1] << 32;
	if (of->nr_values == 2 && guest - offset >= before && guest - offset <= after)
		return true;
	tap_note("host %#llx to %#llx, guest %#llx", (unsigned long long)before,
		 (unsigned long long)after, (unsigned long long)guest);
	return false;
}

static void tsc(void)
{
	const uint64_t offset = 1ull << 60;
	struct vmxhv_tsc state;
	struct cpu second;

	configured(&m, &c, &(const struct vmxhv_config){
		.flags = VMXHV_CONFIG_TSC, .tsc_offset = offset }, "config");
	tap_ok(guest_tsc_is(&c, offset), "the TSC has the offset that CONFIG says");
	get_group(&c, VMXHV_STATE_TSC, &state, sizeof(state));
	tap_ok(state.offset == offset && !state.adjust, "as the state says, and no adjustment");
	cpu_create(&m, &second, 1);
	tap_ok(guest_tsc_is(&second, offset), "so has the second vCPU's");
	cpu_destroy(&second);
	end();
	configured(&m, &c, &(const struct vmxhv_config){ .flags = VMXHV_CONFIG_TSC }, "config");
	tap_ok(guest_tsc_is(&c, 0), "0 is an offset, too");
	end();
}

/* The last CONFIG before the first vCPU counts, and it alone. */
static void replaced(void)
{
	const struct vmxhv_range range = { .access = READ | WRITE, .last = 0x7ff };
	struct vmxhv_vm vm = {};

	machine_create(&m, 1 << 20);
	vm.fd = m.vm;
	tap_equal(vmxhv_vm_config(&vm, &(const struct vmxhv_config){
				  .count = 1, .ranges = (uintptr_t)&range,
				  .tsc_offset = 1ull << 60,
				  .flags = VMXHV_CONFIG_UNKNOWN_MSR | VMXHV_CONFIG_HYPERCALL |
					   VMXHV_CONFIG_TSC }),
		  0, "a first CONFIG");
	tap_equal(vmxhv_vm_config(&vm, &(const struct vmxhv_config){}), 0,
		  "a second, with nothing");
	load_guest(&m, "config");
	cpu_create(&m, &c, 0);
	prepare(&c, READ_MSR, MSR_NOBODYS, 0);
	expect_gp("no MSR exits any more");
	set_msr(&c, MSR_SYSENTER_CS, 0x77);
	prepare(&c, READ_MSR, MSR_SYSENTER_CS, 0);
	expect_read("a passed-through one is passed through again", 0x77);
	cpu_start(&c, MODE_LONG, HYPERCALL);
	EXPECT(&c, "nor does VMCALL", (uint32_t)-38);
	prepare(&c, TSC, 0, 0);
	run_guest(&c);
	tap_ok(c.nr_values == 2 && c.values[1] < 1u << 28, "the TSC counts from the VM's creation");
	end();
}

int main(void)
{
	msr_reads();
	msr_reads_x2apic();
	msr_writes();
	msrs_unknown();
	completion();
	hypercall();
	pauses();
	cpuid();
	tsc();
	replaced();
	return tap_done();
}

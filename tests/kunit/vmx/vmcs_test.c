// SPDX-License-Identifier: GPL-2.0-only
/* VMXON and VMCSs for real: all CPUs or none, loading, moving, clearing, and a failing VMLAUNCH. */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include <asm/tlbflush.h>

#include "vmx/arch.h"
#include "vmx/check.h"
#include "vmx/insn.h"
#include "vmx/insn_errors.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

static int vmx_suite_test_init(struct kunit *test)
{
	struct vmx_refusal why;
	int error = vmx_get(&why);

	if (error)
		kunit_err(test, "%s", why.text);
	return error;
}

static void vmx_suite_test_exit(struct kunit *test)
{
	vmx_put();
}

static void count_cpu(void *data)
{
	atomic_t *on = data;

	if (vmx_cpu_enabled() && (__read_cr4() & X86_CR4_VMXE))
		atomic_inc(on);
	if (!vmx_cpu_enabled() && !(__read_cr4() & X86_CR4_VMXE))
		atomic_add(1000, on);
}

static int cpus_on(void)
{
	atomic_t on = ATOMIC_INIT(0);

	on_each_cpu(count_cpu, &on, 1);
	return atomic_read(&on);
}

static void on_every_cpu_until_the_last_user(struct kunit *test)
{
	struct vmx_refusal why;

	KUNIT_EXPECT_EQ(test, cpus_on(), num_online_cpus());
	KUNIT_EXPECT_EQ(test, 0, vmx_get(&why));
	KUNIT_EXPECT_EQ(test, why.reason, VMXHV_USABLE);
	KUNIT_EXPECT_EQ(test, 0, vmx_probe(&why));
	vmx_put();
	KUNIT_EXPECT_EQ(test, cpus_on(), num_online_cpus());
	vmx_put();
	KUNIT_EXPECT_EQ(test, cpus_on(), 1000 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, 0, vmx_probe(&why));
	KUNIT_EXPECT_EQ(test, cpus_on(), 1000 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, 0, vmx_get(&why));
}

static void set_vmxe(void *unused)
{
	cr4_set_bits(X86_CR4_VMXE);
}

static void clear_vmxe(void *unused)
{
	cr4_clear_bits(X86_CR4_VMXE);
}

/* As if another hypervisor were on the last CPU only: none may be left in VMX operation. */
static void another_owner_is_refused(struct kunit *test)
{
	int cpu = cpumask_last(cpu_online_mask);
	struct vmx_refusal why;

	vmx_put();
	smp_call_function_single(cpu, set_vmxe, NULL, 1);
	/* who only asks may not hear of it before somebody wanted VMX */
	KUNIT_EXPECT_EQ(test, -EBUSY, vmx_get(&why));
	KUNIT_EXPECT_EQ(test, -EBUSY, vmx_probe(&why));
	KUNIT_EXPECT_EQ(test, why.reason, VMXHV_UNUSABLE_IN_USE);
	KUNIT_EXPECT_EQ(test, why.cpu, cpu);
	KUNIT_EXPECT_STREQ(test, why.owner, "unknown");
	smp_call_function_single(cpu, clear_vmxe, NULL, 1);
	KUNIT_EXPECT_EQ(test, 0, vmx_probe(&why));
	KUNIT_EXPECT_EQ(test, cpus_on(), 1000 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, 0, vmx_get(&why));
}

struct visit {
	struct loaded_vmcs *lv;
	unsigned long rip;		/* out: as found */
	unsigned long write;
	int error;
};

static long visit(void *data)
{
	struct visit *v = data;

	preempt_disable();
	v->error = vmcs_load(v->lv);
	if (!v->error) {
		v->rip = vmcs_readl(GUEST_RIP);
		vmcs_writel(GUEST_RIP, v->write);
	}
	preempt_enable();
	return 0;
}

static void a_vmcs_keeps_its_fields_when_it_moves(struct kunit *test)
{
	int last = cpumask_last(cpu_online_mask);
	struct loaded_vmcs lv;
	struct visit v = { .lv = &lv, .write = 0x1234 };

	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&lv));
	KUNIT_EXPECT_EQ(test, lv.cpu, -1);
	work_on_cpu(0, visit, &v);
	KUNIT_EXPECT_EQ(test, v.error, 0);
	KUNIT_EXPECT_EQ(test, lv.cpu, 0);
	v.write = 0x5678;
	lv.launched = true;
	work_on_cpu(last, visit, &v);
	KUNIT_EXPECT_EQ(test, v.rip, 0x1234);
	KUNIT_EXPECT_EQ(test, lv.cpu, last);
	/* VMCLEAR made it non-launched: VMRESUME would fail */
	KUNIT_EXPECT_EQ(test, lv.launched, last == 0);
	work_on_cpu(0, visit, &v);
	KUNIT_EXPECT_EQ(test, v.rip, 0x5678);
	KUNIT_EXPECT_FALSE(test, lv.failed);
	loaded_vmcs_free(&lv);
}

static long read_current(void *phys)
{
	asm volatile("vmptrst %0" : "=m" (*(u64 *)phys) : : "cc", "memory");
	return 0;
}

/*
 * VMCLEAR of the current VMCS leaves its CPU without one (SDM: "VMCLEAR"). That is all that shows
 * on a CPU that keeps its VMCS data in memory, where the move works without it.
 */
static void moving_clears_it_where_it_was(struct kunit *test)
{
	int last = cpumask_last(cpu_online_mask);
	struct loaded_vmcs lv;
	struct visit v = { .lv = &lv };
	u64 phys = 0;

	if (!last)
		kunit_skip(test, "one CPU");
	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&lv));
	work_on_cpu(0, visit, &v);
	work_on_cpu(0, read_current, &phys);
	KUNIT_EXPECT_EQ(test, phys, lv.phys);
	work_on_cpu(last, visit, &v);
	KUNIT_EXPECT_EQ(test, v.error, 0);
	work_on_cpu(0, read_current, &phys);
	KUNIT_EXPECT_EQ(test, phys, ~0ull);
	work_on_cpu(last, read_current, &phys);
	KUNIT_EXPECT_EQ(test, phys, lv.phys);
	loaded_vmcs_free(&lv);
}

static void the_last_put_clears_what_is_loaded(struct kunit *test)
{
	struct loaded_vmcs a, b;
	struct visit va = { .lv = &a, .write = 1 }, vb = { .lv = &b, .write = 2 };
	struct vmx_refusal why;

	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&a));
	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&b));
	work_on_cpu(0, visit, &va);
	work_on_cpu(0, visit, &vb);
	vmx_put();
	KUNIT_EXPECT_EQ(test, a.cpu, -1);
	KUNIT_EXPECT_EQ(test, b.cpu, -1);
	work_on_cpu(0, visit, &va);
	KUNIT_EXPECT_EQ(test, va.error, -EAGAIN);
	KUNIT_EXPECT_EQ(test, 0, vmx_get(&why));
	work_on_cpu(0, visit, &va);
	KUNIT_EXPECT_EQ(test, va.error, 0);
	KUNIT_EXPECT_EQ(test, va.rip, 1);
	loaded_vmcs_free(&a);
	loaded_vmcs_free(&b);
}

/* A CPU may leave VMX operation under a task: its VMX instructions then fail, and do not oops. */
static void instructions_outside_vmx_operation(struct kunit *test)
{
	struct vmx_refusal why;

	vmx_put();
	preempt_disable();
	KUNIT_EXPECT_EQ(test, vmcs_readl(GUEST_RIP), 0);
	KUNIT_EXPECT_EQ(test, vmcs_read16(HOST_CS_SELECTOR), 0);
	vmcs_writel(GUEST_RIP, 1);
	KUNIT_EXPECT_EQ(test, vmcs_read_any(GUEST_RIP), 0);
	KUNIT_EXPECT_EQ(test, vmcs_write_any(GUEST_RIP, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmx_vmclear(0x1000), -EIO);
	KUNIT_EXPECT_EQ(test, vmx_vmptrld(0x1000), -EIO);
	KUNIT_EXPECT_EQ(test, vmx_invept(INVEPT_ALL, 0), -EIO);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, 0, vmx_get(&why));
}

static int vmlaunch(void)
{
	bool failed;

	asm volatile("vmlaunch" : "=@ccbe" (failed) : : "cc", "memory");
	return failed ? vmcs_read32(VM_INSTRUCTION_ERROR) : 0;
}

static void write_controls(void)
{
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, vmx_caps.pin);
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, vmx_caps.cpu);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, vmx_caps.cpu2);
	vmcs_write32(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write32(VM_ENTRY_CONTROLS, vmx_caps.entry);
	vmcs_write16(VIRTUAL_PROCESSOR_ID, 1);
	vmcs_write64(EPT_POINTER, VMX_EPTP_WALK_4 | VMX_EPTP_WB);
}

/* One wrong control after the other: the CPU says 7 each time, the checker says which. */
static const struct wrong_case {
	const char *name;
	u32 field;
	u64 value;
	u32 rule;
} wrong_cases[] = {
	{ "VPID 0", VIRTUAL_PROCESSOR_ID, 0, 122 },
	{ "EPT memory type", EPT_POINTER, VMX_EPTP_WALK_4 | 3, 123 },
	{ "EPT walk length", EPT_POINTER, VMX_EPTP_WB, 124 },
	{ "EPT reserved bit", EPT_POINTER, VMX_EPTP_WALK_4 | VMX_EPTP_WB | 0x100, 126 },
	{ "pin-based", PIN_BASED_VM_EXEC_CONTROL, 0, 101 },
	{ "primary", CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, 102 },
	{ "MSR bitmap", MSR_BITMAP, 8, 108 },
	{ "exit", VM_EXIT_CONTROLS, 0, 141 },
	{ "entry", VM_ENTRY_CONTROLS, 0, 151 },
	{ "injected type", VM_ENTRY_INTR_INFO_FIELD, 0x80000100, 152 },
	{ "injected vector", VM_ENTRY_INTR_INFO_FIELD, 0x80000203, 153 },
	{ "injected reserved bit", VM_ENTRY_INTR_INFO_FIELD, 0x80002020, 155 },
};

static void a_failed_launch_is_explained(struct kunit *test)
{
	const struct wrong_case *c = test->param_value;
	struct vmx_violation v;
	struct loaded_vmcs lv;
	int insn_error;
	bool found;

	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&lv));
	preempt_disable();
	KUNIT_EXPECT_EQ(test, 0, vmcs_load(&lv));
	write_controls();
	/* without this one thing, the controls are right and the host state (all 0) is not */
	insn_error = vmlaunch();
	KUNIT_EXPECT_EQ(test, insn_error, VMXERR_ENTRY_INVALID_HOST_STATE_FIELD);
	KUNIT_EXPECT_FALSE(test, vmx_check_controls(&vmx_check_current, &vmx_caps, &v));
	KUNIT_EXPECT_TRUE(test, vmx_check_host(&vmx_check_current, &vmx_caps, &v));
	KUNIT_EXPECT_EQ(test, v.rule, 201);

	KUNIT_EXPECT_EQ(test, 0, vmcs_write_any(c->field, c->value));
	insn_error = vmlaunch();
	KUNIT_EXPECT_EQ(test, insn_error, VMXERR_ENTRY_INVALID_CONTROL_FIELD);
	found = vmx_check_controls(&vmx_check_current, &vmx_caps, &v);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, found);
	KUNIT_EXPECT_EQ_MSG(test, v.rule, c->rule, "%s", v.text);
	KUNIT_EXPECT_FALSE(test, lv.failed);
	loaded_vmcs_free(&lv);
}

KUNIT_ARRAY_PARAM_DESC(wrong, wrong_cases, name);

static void dump_and_absent_fields(struct kunit *test)
{
	struct loaded_vmcs lv;

	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&lv));
	preempt_disable();
	KUNIT_EXPECT_EQ(test, 0, vmcs_load(&lv));
	write_controls();
	vmcs_dump();
	KUNIT_EXPECT_EQ(test, 0, vmcs_read_any(0x6ffe));
	KUNIT_EXPECT_EQ(test, -EINVAL, vmcs_write_any(0x6ffe, 1));
	KUNIT_EXPECT_EQ(test, vmcs_read_any(EPT_POINTER), VMX_EPTP_WALK_4 | VMX_EPTP_WB);
	preempt_enable();
	KUNIT_EXPECT_FALSE(test, lv.failed);
	loaded_vmcs_free(&lv);
}

static void vpids_are_not_shared(struct kunit *test)
{
	int a = vpid_alloc(), b = vpid_alloc();

	KUNIT_EXPECT_GT(test, a, 0);
	KUNIT_EXPECT_GT(test, b, 0);
	KUNIT_EXPECT_NE(test, a, b);
	preempt_disable();
	vmx_flush_vpid(a);
	vmx_flush_ept(VMX_EPTP_WALK_4 | VMX_EPTP_WB);
	preempt_enable();
	vpid_free(a);
	vpid_free(b);
}

static struct kunit_case vmcs_cases[] = {
	KUNIT_CASE(on_every_cpu_until_the_last_user),
	KUNIT_CASE(another_owner_is_refused),
	KUNIT_CASE(a_vmcs_keeps_its_fields_when_it_moves),
	KUNIT_CASE(moving_clears_it_where_it_was),
	KUNIT_CASE(the_last_put_clears_what_is_loaded),
	KUNIT_CASE(instructions_outside_vmx_operation),
	KUNIT_CASE_PARAM(a_failed_launch_is_explained, wrong_gen_params),
	KUNIT_CASE(dump_and_absent_fields),
	KUNIT_CASE(vpids_are_not_shared),
	{}
};

static struct kunit_suite vmcs_suite = {
	.name = "vmx_vmcs",
	.init = vmx_suite_test_init,
	.exit = vmx_suite_test_exit,
	.test_cases = vmcs_cases,
};

kunit_test_suite(vmcs_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 terminal fault (CVE-2018-3646). On the CPUs that have it, a guest can read whatever lies in
 * the L1 data cache through a not-present page-table entry of its own; EPT does not stop it.
 * The cache is therefore flushed before an entry that follows anything but plain exit handling, as
 * far as the host's l1tf= and mitigations= settings want that.
 */
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched/smt.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "compat.h"
#include "vmx/count.h"
#include "vmx/l1d.h"

/* Twice the largest L1 data cache of the affected CPUs: any replacement policy evicts the rest. */
#define FLUSH_ORDER	4
#define FLUSH_BYTES	(PAGE_SIZE << FLUSH_ORDER)
#define LINE		64

DEFINE_STATIC_KEY_FALSE(vmx_l1d_flush_needed);
DEFINE_STATIC_KEY_FALSE(vmx_l1d_flush_always);

static void *flush_pages;

/**
 * vmx_l1d_when() - when does an entry need a flush?
 * @bug: the CPU has L1 terminal fault
 * @mitigation: what the host's l1tf= and mitigations= ask for
 * @caps: IA32_ARCH_CAPABILITIES, or 0
 *
 * Context: Any.
 * Return: never; after more than exit handling; before each entry, where l1tf= says "full".
 */
enum vmx_l1d_when vmx_l1d_when(bool bug, enum l1tf_mitigations mitigation, u64 caps)
{
	if (!bug || mitigation == L1TF_MITIGATION_OFF || caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return VMX_L1D_NEVER;
	if (mitigation == L1TF_MITIGATION_FULL || mitigation == L1TF_MITIGATION_FULL_FORCE)
		return VMX_L1D_ALWAYS;
	return VMX_L1D_STALE;
}

VMXHV_EXPORT_FOR_TEST(vmx_l1d_when);

static enum vmx_l1d_when when_here(void)
{
	u64 caps = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	return vmx_l1d_when(boot_cpu_has_bug(X86_BUG_L1TF), l1tf_mitigation, caps);
}

/**
 * vmx_l1d_warn() - a guest's sibling thread shares the cache, and no flush helps against that
 *
 * Said once, as KVM says it: "off" and "nowarn" mean that it is known, with "force" SMT cannot come
 * back by itself.
 *
 * Context: A VM is made.
 */
void vmx_l1d_warn(void)
{
	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF ||
	    l1tf_mitigation == L1TF_MITIGATION_FLUSH_NOWARN ||
	    l1tf_mitigation == L1TF_MITIGATION_FULL_FORCE || !sched_smt_active())
		return;
	pr_warn_once("this CPU has L1 terminal fault (CVE-2018-3646) and SMT is on: a guest can read the host's data. Boot with nosmt or l1tf=full,force, see l1tf= in the kernel's parameters\n");
}

/**
 * vmx_l1d_init() - find out whether entries need a flush, and prepare it
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int vmx_l1d_init(void)
{
	const enum vmx_l1d_when when = when_here();

	if (when == VMX_L1D_NEVER)
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, FLUSH_ORDER);

		if (!page)
			return -ENOMEM;
		flush_pages = page_address(page);
	}
	static_branch_enable(&vmx_l1d_flush_needed);
	if (when == VMX_L1D_ALWAYS)
		static_branch_enable(&vmx_l1d_flush_always);
	return 0;
}

/**
 * vmx_l1d_exit() - undo vmx_l1d_init()
 *
 * Context: Module exit; no VM is left.
 */
void vmx_l1d_exit(void)
{
	static_branch_disable(&vmx_l1d_flush_always);
	static_branch_disable(&vmx_l1d_flush_needed);
	if (flush_pages)
		free_pages((unsigned long)flush_pages, FLUSH_ORDER);
	flush_pages = NULL;
}

/*
 * Without the flush command of newer microcode: fill the cache with something harmless. The TLB
 * entries first, or page walks would put their own lines in between.
 */
static void flush_by_reading(void)
{
	const u8 *page = flush_pages;
	unsigned long offset;

	for (offset = 0; offset < FLUSH_BYTES; offset += PAGE_SIZE)
		READ_ONCE(page[offset]);
	/* the loads above are done before those below begin */
	rmb();
	for (offset = 0; offset < FLUSH_BYTES; offset += 8 * LINE) {
		READ_ONCE(page[offset]);
		READ_ONCE(page[offset + LINE]);
		READ_ONCE(page[offset + 2 * LINE]);
		READ_ONCE(page[offset + 3 * LINE]);
		READ_ONCE(page[offset + 4 * LINE]);
		READ_ONCE(page[offset + 5 * LINE]);
		READ_ONCE(page[offset + 6 * LINE]);
		READ_ONCE(page[offset + 7 * LINE]);
	}
	/* ... and those are done before the guest is entered */
	rmb();
}

/**
 * vmx_l1d_flush() - empty the L1 data cache of everything that was in it
 *
 * Context: Preemption off.
 */
void vmx_l1d_flush(void)
{
	lockdep_assert_preemption_disabled();
	if (static_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		flush_by_reading();
}

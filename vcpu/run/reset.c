// SPDX-License-Identifier: GPL-2.0-only
/* INIT and start-up IPIs (SDM: "Multiple-Processor (MP) Initialization"). */
#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"

/**
 * vcpu_init() - an INIT arrived
 * @v: the vCPU, loaded
 *
 * Registers go to their reset values, but for the FPU, XCR0, all MSRs but EFER and the segment
 * bases, and the cache bits of CR0 (SDM: "IA-32 and Intel 64 Processor States Following Power-up,
 * Reset, or INIT"). The bootstrap processor goes on at the reset vector, any other waits for a
 * start-up IPI.
 *
 * Context: Process.
 */
void vcpu_init(struct vcpu *v)
{
	const u64 cache_bits = vcpu_cr0(v) & (X86_CR0_CD | X86_CR0_NW);
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;

	vcpu_assert_may_sleep(v);
	reset_image(v, &gprs, &sregs);
	sregs.cr0 = (sregs.cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW)) | cache_bits;
	sregs.apic_base = lapic_base(v);
	sregs.xcr0 = v->xcr0;
	state_set(v, VMXHV_STATE_SREGS, &sregs);
	state_set(v, VMXHV_STATE_GPRS, &gprs);
	lapic_reset(v, true);
	reset_events(v, sregs.apic_base & MSR_IA32_APICBASE_BSP ? VMXHV_ACTIVE : VMXHV_WAIT_SIPI);
}

/**
 * vcpu_take_init() - serve an INIT that has arrived, if one has
 * @v: the vCPU, loaded
 *
 * It comes before whatever is read or set after it: one that waited would wipe that out.
 *
 * Context: Process.
 */
void vcpu_take_init(struct vcpu *v)
{
	if (test_and_clear_bit(REQ_INIT, &v->requests))
		vcpu_init(v);
}

/**
 * vcpu_start_up() - a start-up IPI arrived
 * @v: the vCPU, loaded
 *
 * Only a processor that waits for one takes it: real mode at the page that the vector names.
 *
 * Context: Process.
 */
void vcpu_start_up(struct vcpu *v)
{
	u8 vector = READ_ONCE(v->sipi_vector);
	struct vmxhv_sregs sregs;

	vcpu_assert_may_sleep(v);
	if (v->events.activity != VMXHV_WAIT_SIPI)
		return;
	state_get(v, VMXHV_STATE_SREGS, &sregs);
	sregs.cs.selector = vector << 8;
	sregs.cs.base = (u64)vector << 12;
	state_set(v, VMXHV_STATE_SREGS, &sregs);
	vcpu_set_rip(v, 0);
	v->events.activity = VMXHV_ACTIVE;
}

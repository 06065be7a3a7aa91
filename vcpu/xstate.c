// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU and extended state. Between xstate_load() and xstate_put() the guest's registers
 * belong to the thread, eagerly and whole (never left behind CR0.TS): the scheduler saves and
 * restores them with it. XCR0 is the guest's only between xstate_enter() and xstate_leave().
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

#include "compat.h"
#include "vcpu/cpu_state.h"
#include "vcpu/cpuid.h"
#include "vcpu/cr.h"
#include "vcpu/exits.h"
#include "vcpu/regs.h"
#include "vcpu/xstate.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

/* What a guest may enable: states that XSAVE saves, that are never in their own MSRs. */
#define GUEST_XFEATURES	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

/**
 * struct xstate - a vCPU's extended state
 * @fpu: the kernel's container of it
 * @host_xcr0: XCR0 of the host; constant
 * @loaded: between xstate_load() and xstate_put()
 * @entered: between xstate_enter() and xstate_leave()
 * @switched: XCR0 is the guest's
 */
struct xstate {
	struct fpu_guest fpu;
	u64 host_xcr0;
	bool loaded;
	bool entered;
	bool switched;
};

static u64 host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

/**
 * xstate_allowed_xcr0() - what guests may set in XCR0 on this host
 *
 * Context: Any. SDM: "Extended Control Registers (Including XCR0)".
 * Return: the bits; 0 when the host has not set CR4.OSXSAVE: guests have no XSAVE then.
 */
u64 xstate_allowed_xcr0(void)
{
	return host_xcr0() & GUEST_XFEATURES;
}

/**
 * xstate_size() - bytes of an XSAVE image in standard format
 *
 * Context: Any.
 * Return: at least XSTATE_MIN_SIZE.
 */
u32 xstate_size(void)
{
	u64 xcr0 = xstate_allowed_xcr0();
	u32 size = XSTATE_MIN_SIZE;
	u32 eax, ebx, ecx, edx;
	u32 i;

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		size = max(size, eax + ebx);
	}
	return size;
}

/* The bits of MXCSR that this CPU has; FXSAVE writes 0 where it means the oldest set. */
static u32 mxcsr_mask(void)
{
	struct fxregs_state fx __aligned(16) = {};

	kernel_fpu_begin();
	asm volatile("fxsave %0" : "+m" (fx));
	kernel_fpu_end();
	return fx.mxcsr_mask ?: 0xffbf;
}

static void to_power_on(struct xstate *x)
{
	union fpregs_state *image = kvzalloc(xstate_size(), GFP_KERNEL);
	u32 pkru = 0;

	if (!image)
		return;
	image->fxsave.cwd = 0x40;
	image->fxsave.twd = 0xff;	/* no register empty */
	image->fxsave.mxcsr = 0x1f80;
	image->xsave.header.xfeatures = XFEATURE_MASK_FPSSE;
	fpu_copy_uabi_to_guest_fpstate(&x->fpu, image, XFEATURE_MASK_FPSSE, &pkru);
	kvfree(image);
}

/**
 * xstate_create() - allocate a vCPU's extended state, as after power-on
 * @v: the vCPU
 *
 * Context: Process context, may sleep. SDM: "x87 FPU State Following Power-up ...".
 * Return: 0 or -ENOMEM.
 */
int xstate_create(struct vcpu *v)
{
	struct xstate *x = kzalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);

	if (!x)
		return -ENOMEM;
	if (!fpu_alloc_guest_fpstate(&x->fpu)) {
		kfree(x);
		return -ENOMEM;
	}
	x->host_xcr0 = host_xcr0();
	to_power_on(x);
	v->xstate = x;
	v->xcr0 = XFEATURE_MASK_FP;
	return 0;
}

/**
 * xstate_destroy() - free it
 * @v: the vCPU, not in RUN
 *
 * Context: Process context.
 */
void xstate_destroy(struct vcpu *v)
{
	if (!v->xstate)
		return;
	fpu_free_guest_fpstate(&v->xstate->fpu);
	kfree(v->xstate);
	v->xstate = NULL;
}

/**
 * xstate_load() - the thread's registers out, the guest's in
 * @v: the vCPU
 *
 * Context: RUN begins; mutex held, preemption on.
 */
void xstate_load(struct vcpu *v)
{
	fpu_swap_kvm_fpstate(&v->xstate->fpu, true);
	v->xstate->loaded = true;
}

/**
 * xstate_put() - the guest's registers out, the thread's in
 * @v: the vCPU
 *
 * Context: RUN ends; mutex held, preemption on.
 */
void xstate_put(struct vcpu *v)
{
	v->xstate->loaded = false;
	fpu_swap_kvm_fpstate(&v->xstate->fpu, false);
}

/* While CR4.OSXSAVE is clear the guest can neither use nor see XCR0. */
static void switch_xcr0(struct vcpu *v)
{
	struct xstate *x = v->xstate;
	u64 wanted = x->host_xcr0;

	if (v->cr4_shadow & X86_CR4_OSXSAVE)
		wanted = v->xcr0;
	if (wanted == x->host_xcr0 && !x->switched)
		return;
	xsetbv(XCR_XFEATURE_ENABLED_MASK, wanted);
	x->switched = wanted != x->host_xcr0;
}

/**
 * xstate_enter() - before a burst of VM entries
 * @v: the vCPU, between xstate_load() and xstate_put()
 *
 * The thread may have been switched out since: then its registers, the guest's, are loaded again.
 *
 * Context: IRQs off until xstate_leave().
 */
void xstate_enter(struct vcpu *v)
{
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		switch_fpu_return();
	v->xstate->entered = true;
	if (v->xcr0 != v->xstate->host_xcr0)
		switch_xcr0(v);
}

/**
 * xstate_leave() - after it: XCR0 is the host's again
 * @v: the vCPU
 *
 * Context: IRQs still off since xstate_enter().
 */
void xstate_leave(struct vcpu *v)
{
	struct xstate *x = v->xstate;

	x->entered = false;
	if (x->switched) {
		xsetbv(XCR_XFEATURE_ENABLED_MASK, x->host_xcr0);
		x->switched = false;
	}
}

/**
 * xstate_set_xcr0() - change the guest's XCR0
 * @v: the vCPU
 * @value: the value, checked
 *
 * Context: Mutex held; IRQs off if between xstate_enter() and xstate_leave().
 */
void xstate_set_xcr0(struct vcpu *v, u64 value)
{
	v->xcr0 = value;
	cpuid_refresh(v);
	if (v->xstate->entered)
		switch_xcr0(v);
}

/**
 * handle_xsetbv() - exit handler of XSETBV
 * @v: the vCPU
 *
 * Context: IRQs on or off. SDM: "XSETBV—Set Extended Control Register".
 * Return: HANDLED.
 */
int handle_xsetbv(struct vcpu *v)
{
	u64 value = vcpu_edx_eax(v);

	if (VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)))
		return raise_gp(v);
	if ((u32)v->gpr[REG_RCX] || xcr0_check(value, v->cpuid->xcr0_valid))
		return raise_gp(v);
	xstate_set_xcr0(v, value);
	vcpu_skip_insn(v);
	return HANDLED;
}

/* The image in memory is the guest's only while its registers are not in the CPU. */
static bool take_out(struct vcpu *v)
{
	bool was = v->xstate->loaded;

	if (was)
		xstate_put(v);
	return was;
}

/**
 * xstate_get_image() - the guest's state as an XSAVE image in standard format
 * @v: the vCPU
 * @image: xstate_size() bytes
 *
 * Context: Mutex held, preemption on.
 */
void xstate_get_image(struct vcpu *v, void *image)
{
	bool was = take_out(v);

	memset(image, 0, xstate_size());
	fpu_copy_guest_fpstate_to_uabi(&v->xstate->fpu, image, xstate_size(),
				       xstate_allowed_xcr0() ?: XFEATURE_MASK_FPSSE, 0);
	if (was)
		xstate_load(v);
}

static int refuse_image(struct vmxhv_error *err, u32 item, u64 value, u64 wanted, const char *text)
{
	return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_STATE, .index = VMXHV_STATE_XSAVE, .item = item,
			.value = value, .wanted = wanted }, "%s", text);
}

/**
 * xstate_check_fields() - may this image be restored?
 * @image: in standard format
 * @valid: components that guests may have
 * @mxcsr_valid: bits that MXCSR has
 * @err: where a refusal goes
 *
 * The components are not held against the guest's own XCR0, which may have been narrowed since they
 * were used: what was read can be written back.
 *
 * Context: Any. SDM: "Standard Form of XRSTOR", "XSAVE Header".
 * Return: 0 or -EINVAL.
 */
int xstate_check_fields(const void *image, u64 valid, u32 mxcsr_valid, struct vmxhv_error *err)
{
	const struct xregs_state *x = image;
	unsigned int i;

	if (x->header.xfeatures & ~valid)
		return refuse_image(err, offsetof(struct xregs_state, header.xfeatures),
				    x->header.xfeatures, valid,
				    "XSTATE_BV has components that guests cannot have");
	if (x->header.xcomp_bv)
		return refuse_image(err, offsetof(struct xregs_state, header.xcomp_bv),
				    x->header.xcomp_bv, 0, "XCOMP_BV: not the standard format");
	for (i = 0; i < ARRAY_SIZE(x->header.reserved); i++)
		if (x->header.reserved[i])
			return refuse_image(err, offsetof(struct xregs_state, header.reserved) +
					    i * sizeof(u64), x->header.reserved[i], 0,
					    "the header's reserved bytes are not zero");
	if (x->i387.mxcsr & ~mxcsr_valid)
		return refuse_image(err, offsetof(struct fxregs_state, mxcsr), x->i387.mxcsr,
				    mxcsr_valid, "MXCSR has reserved bits");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(xstate_check_fields);

/**
 * xstate_check_image() - the same, for this host
 * @image: xstate_size() bytes
 * @err: where a refusal goes
 *
 * Context: Process context, preemption on.
 * Return: 0 or -EINVAL.
 */
int xstate_check_image(const void *image, struct vmxhv_error *err)
{
	return xstate_check_fields(image, xstate_allowed_xcr0() ?: XFEATURE_MASK_FPSSE,
				   mxcsr_mask(), err);
}

/**
 * xstate_set_image() - restore the guest's state
 * @v: the vCPU
 * @image: checked by xstate_check_image()
 *
 * Components that XSTATE_BV leaves out get their initial values.
 *
 * Context: Mutex held, preemption on.
 */
void xstate_set_image(struct vcpu *v, const void *image)
{
	bool was = take_out(v);
	u32 pkru = 0;

	fpu_copy_uabi_to_guest_fpstate(&v->xstate->fpu, image,
				       xstate_allowed_xcr0() ?: XFEATURE_MASK_FPSSE, &pkru);
	if (was)
		xstate_load(v);
}

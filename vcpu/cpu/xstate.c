// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU and extended state. The guest's registers are in the CPU between xstate_enter()
 * and xstate_leave() only, with interrupts off throughout: eagerly, whole, never left behind. What
 * was there before, the thread's or nothing of value, is put back as it was found: the kernel's own
 * bookkeeping of who has the FPU stays true without hearing of it, and no interface of the kernel's
 * is needed. Components that guests cannot have stay in their registers, out of the guest's reach.
 */
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"
#include "xsave.h"

/* Components that have a place of their own, behind the legacy region (SDM: "XSAVE Area"). */
#define FIRST_EXTENDED	2
#define LAST_EXTENDED	(XSTATE_COMPONENTS - 1)

/* FXSAVE and XSAVE leave the end of the legacy region to software. */
#define LEGACY_USED	464
#define FCW_INIT	0x37f
#define FCW_POWER_ON	0x40
#define MXCSR_INIT	0x1f80

/**
 * struct xstate - a vCPU's extended state
 * @guest: the guest's registers while they are not in the CPU: standard format, 64-byte aligned
 * @host: what the host had in the CPU, during a burst: compacted where the CPU can
 * @mask: the components that are switched; 0: no XSAVE, the legacy region alone
 * @host_xcr0: XCR0 of the host; constant
 * @entered: between xstate_enter() and xstate_leave()
 * @switched: XCR0 is the guest's
 */
struct xstate {
	struct xregs_state *guest;
	struct xregs_state *host;
	u64 mask;
	u64 host_xcr0;
	bool entered;
	bool switched;
};

static u32 image_size = XSTATE_MIN_SIZE;
static struct xstate_place places[XSTATE_COMPONENTS];

/**
 * xstate_init() - ask the CPU for the layout of an image, once: CPUID is dear where it exits
 *
 * Context: Module init. SDM: "Processor Extended State Enumeration".
 */
void xstate_init(void)
{
	u64 xcr0 = xstate_allowed_xcr0();
	u32 ecx, edx;
	u32 i;

	for (i = FIRST_EXTENDED; i <= LAST_EXTENDED; i++) {
		struct xstate_place *p = &places[i];

		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &p->size, &p->offset, &ecx, &edx);
		image_size = max(image_size, p->size + p->offset);
	}
}

/**
 * xstate_size() - bytes of an XSAVE image in standard format
 *
 * Context: Any, after xstate_init().
 * Return: at least XSTATE_MIN_SIZE.
 */
u32 xstate_size(void)
{
	return image_size;
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

/* of zeroed memory */
static void to_power_on(struct xstate *x)
{
	struct xregs_state *area = x->guest;

	area->i387.cwd = FCW_POWER_ON;
	area->i387.twd = 0xff;	/* no register empty */
	area->i387.mxcsr = MXCSR_INIT;
	area->header.xfeatures = x->mask & XFEATURE_MASK_FPSSE;
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
	u32 size = ALIGN(xstate_size(), 64);

	if (!x)
		return -ENOMEM;
	/* a power of two is aligned to its size */
	x->guest = kzalloc(roundup_pow_of_two(2 * size), GFP_KERNEL_ACCOUNT);
	if (!x->guest) {
		kfree(x);
		return -ENOMEM;
	}
	x->host = (void *)x->guest + size;
	x->host_xcr0 = host_xcr0();
	x->mask = xstate_allowed_xcr0();
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
	kfree_sensitive(v->xstate->guest);
	kfree(v->xstate);
	v->xstate = NULL;
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

/* Every image was checked before: the guest loses its registers, not the host its own. */
static noinline void load_failed(struct xstate *x)
{
	WARN_ONCE(1, pr_fmt("XRSTOR refused a checked image\n"));
	memset(x->guest, 0, xstate_size());
	to_power_on(x);
	load_registers(x->guest, x->mask);
}

/**
 * xstate_enter() - before a burst of VM entries: the guest's registers in
 * @v: the vCPU
 *
 * Context: IRQs off until xstate_leave(). Costs an XSAVEC and an XRSTOR; the way back an XSAVEOPT
 * and an XRSTOR.
 */
void xstate_enter(struct vcpu *v)
{
	struct xstate *x = v->xstate;
	const u64 mask = x->mask;

	vcpu_assert_burst(v);
	x->entered = true;
	save_host_registers(x->host, mask);
	if (unlikely(load_registers(x->guest, mask)))
		load_failed(x);
	if (v->xcr0 != x->host_xcr0 && v->cr4_shadow & X86_CR4_OSXSAVE)
		switch_xcr0(v);
}

/**
 * xstate_leave() - after it: registers and XCR0 as they were
 * @v: the vCPU
 *
 * Context: IRQs still off since xstate_enter().
 */
void xstate_leave(struct vcpu *v)
{
	struct xstate *x = v->xstate;
	const u64 mask = x->mask;

	vcpu_assert_burst(v);
	x->entered = false;
	if (x->switched) {
		xsetbv(XCR_XFEATURE_ENABLED_MASK, x->host_xcr0);
		x->switched = false;
	}
	save_guest_registers(x->guest, mask);
	/* what the CPU has just saved it takes back */
	load_registers(x->host, mask);
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

/* The legacy region as it reads: a component in its initial state may have been left out. */
static void get_legacy(const struct xregs_state *area, u64 in_use, struct xregs_state *image)
{
	memcpy(image, area, LEGACY_USED);
	if (!(in_use & XFEATURE_MASK_FP)) {
		memset(&image->i387, 0, offsetof(struct fxregs_state, mxcsr));
		memset(image->i387.st_space, 0, sizeof(image->i387.st_space));
		image->i387.cwd = FCW_INIT;
	}
	if (!(in_use & XFEATURE_MASK_SSE))
		memset(image->i387.xmm_space, 0, sizeof(image->i387.xmm_space));
}

/**
 * xstate_copy_extended() - copy what lies behind the legacy region, in standard format
 * @to: an image
 * @from: an image
 * @components: which of them; FP and SSE are passed over
 * @layout: XSTATE_COMPONENTS of them: where each is
 *
 * Context: Any.
 */
void xstate_copy_extended(void *to, const void *from, u64 components,
			  const struct xstate_place *layout)
{
	u32 i;

	for (i = FIRST_EXTENDED; i <= LAST_EXTENDED; i++) {
		if (components & BIT_ULL(i))
			memcpy(to + layout[i].offset, from + layout[i].offset, layout[i].size);
	}
}

VMXHV_EXPORT_FOR_TEST(xstate_copy_extended);

/* FXSAVE has no header: both of its components are always there. */
static u64 components_of(const struct xstate *x, const struct xregs_state *area)
{
	return x->mask ? area->header.xfeatures & x->mask : XFEATURE_MASK_FPSSE;
}

/**
 * xstate_get_image() - the guest's state as an XSAVE image in standard format
 * @v: the vCPU
 * @image: xstate_size() bytes
 *
 * Context: Mutex held, not in a burst.
 */
void xstate_get_image(struct vcpu *v, void *image)
{
	const struct xstate *x = v->xstate;
	struct xregs_state *out = image;
	u64 in_use = components_of(x, x->guest);

	vcpu_assert_held(v);
	memset(out, 0, xstate_size());
	get_legacy(x->guest, in_use, out);
	xstate_copy_extended(out, x->guest, in_use, places);
	out->header.xfeatures = in_use;
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
 * Context: Mutex held, not in a burst.
 */
void xstate_set_image(struct vcpu *v, const void *image)
{
	const struct xregs_state *in = image;
	struct xstate *x = v->xstate;
	u64 in_use = in->header.xfeatures & (x->mask ?: XFEATURE_MASK_FPSSE);

	vcpu_assert_held(v);
	memset(x->guest, 0, xstate_size());
	get_legacy(in, in_use, x->guest);
	xstate_copy_extended(x->guest, in, in_use, places);
	/* without XSAVE there is no header, and what FXRSTOR loads is all initial by now */
	x->guest->header.xfeatures = x->mask ? in_use : 0;
}

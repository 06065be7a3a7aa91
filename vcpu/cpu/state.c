// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_STATE and SET_STATE: the groups of the UAPI, read from and written to the VMCS and the vCPU.
 * Checking is apart from writing, so that a transaction is refused before anything has changed.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

static void get_segment(struct vmxhv_segment *seg, u16 selector, u64 base, u32 limit, u32 access)
{
	*seg = (struct vmxhv_segment){
		.selector = selector, .base = base, .limit = limit,
		.access = access & SEGMENT_ACCESS_BITS,
	};
}

/* A VMCS field's name must be a constant: each segment has its own two functions. */
#define SEGMENT_ACCESS(NAME)							\
static void get_##NAME(struct vmxhv_segment *seg)				\
{										\
	get_segment(seg, vmcs_read16(GUEST_##NAME##_SELECTOR),			\
		    vmcs_readl(GUEST_##NAME##_BASE), vmcs_read32(GUEST_##NAME##_LIMIT),	\
		    vmcs_read32(GUEST_##NAME##_AR_BYTES));			\
}										\
										\
static void set_##NAME(const struct vmxhv_segment *seg)			\
{										\
	vmcs_write16(GUEST_##NAME##_SELECTOR, seg->selector);			\
	vmcs_writel(GUEST_##NAME##_BASE, seg->base);				\
	vmcs_write32(GUEST_##NAME##_LIMIT, seg->limit);				\
	vmcs_write32(GUEST_##NAME##_AR_BYTES, seg->access & SEGMENT_ACCESS_BITS);	\
}

SEGMENT_ACCESS(ES)
SEGMENT_ACCESS(CS)
SEGMENT_ACCESS(SS)
SEGMENT_ACCESS(DS)
SEGMENT_ACCESS(FS)
SEGMENT_ACCESS(GS)
SEGMENT_ACCESS(LDTR)
SEGMENT_ACCESS(TR)

/**
 * state_get_segments() - read the segment registers, GDTR and IDTR
 * @s: of it only those are written
 *
 * Context: vCPU loaded, mutex held.
 */
void state_get_segments(struct vmxhv_sregs *s)
{
	get_ES(&s->es);
	get_CS(&s->cs);
	get_SS(&s->ss);
	get_DS(&s->ds);
	get_FS(&s->fs);
	get_GS(&s->gs);
	get_LDTR(&s->ldtr);
	get_TR(&s->tr);
	s->gdtr.base = vmcs_readl(GUEST_GDTR_BASE);
	s->gdtr.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	s->idtr.base = vmcs_readl(GUEST_IDTR_BASE);
	s->idtr.limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

/**
 * state_set_segments() - write ES, CS, SS, DS, FS, GS, LDTR and TR
 * @s: of it only those are looked at; checked
 *
 * Context: vCPU loaded, mutex held.
 */
void state_set_segments(const struct vmxhv_sregs *s)
{
	set_ES(&s->es);
	set_CS(&s->cs);
	set_SS(&s->ss);
	set_DS(&s->ds);
	set_FS(&s->fs);
	set_GS(&s->gs);
	set_LDTR(&s->ldtr);
	set_TR(&s->tr);
}

static void get_sregs(struct vcpu *v, void *image)
{
	struct vmxhv_sregs *s = image;

	memset(s, 0, sizeof(*s));
	state_get_segments(s);
	s->cr0 = vcpu_cr0(v);
	s->cr2 = v->cr2;
	s->cr3 = vmcs_readl(GUEST_CR3);
	s->cr4 = vcpu_cr4(v);
	s->cr8 = lapic_cr8(v);
	s->xcr0 = v->xcr0;
	s->efer = v->efer;
	s->apic_base = lapic_base(v);
	if (cr_pae_paging(s->cr0, s->cr4, s->efer))
		cr_get_pdptes(s->pdpte);
}

/* x2APIC mode can only be entered through xAPIC mode, and left through disabled. */
static void set_apic_base(struct vcpu *v, u64 base)
{
	const u64 mode = X2APIC_ENABLE | MSR_IA32_APICBASE_ENABLE;

	if (lapic_base(v) == base)
		return;
	if (!lapic_set_base(v, base))
		return;
	lapic_set_base(v, base & ~mode);
	if (base & X2APIC_ENABLE)
		lapic_set_base(v, base & ~(u64)X2APIC_ENABLE);
	lapic_set_base(v, base);
}

static void set_sregs(struct vcpu *v, const void *image)
{
	const struct vmxhv_sregs *s = image;

	state_set_segments(s);
	vmcs_writel(GUEST_GDTR_BASE, s->gdtr.base);
	vmcs_write32(GUEST_GDTR_LIMIT, s->gdtr.limit);
	vmcs_writel(GUEST_IDTR_BASE, s->idtr.base);
	vmcs_write32(GUEST_IDTR_LIMIT, s->idtr.limit);
	v->cr2 = s->cr2;
	vmcs_writel(GUEST_CR3, s->cr3);
	if (cr_pae_paging(s->cr0, s->cr4, s->efer))
		cr_set_pdptes(s->pdpte);
	v->xcr0 = s->xcr0;
	/* before CPUID is brought up to date */
	set_apic_base(v, s->apic_base);
	cr_force(v, s->cr0, s->cr4, s->efer);
	lapic_set_cr8(v, s->cr8);
}

/* RFLAGS.TF or a shadow changed from outside. */
static void set_pending_debug(struct vcpu *v)
{
	bool shadow = vcpu_shadow(v) & (SHADOW_STI | SHADOW_MOV_SS);

	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
		    state_pending_debug(shadow, vcpu_rflags(v), vcpu_debugctl(v)));
}

static void get_gprs(struct vcpu *v, void *image)
{
	struct vmxhv_gprs *g = image;

	vcpu_rsp(v);
	memcpy(g->gpr, v->gpr, sizeof(g->gpr));
	g->rip = vcpu_rip(v);
	g->rflags = vcpu_rflags(v);
}

/* New registers answer an exit that waits for completion: the old instruction is not finished. */
static void set_gprs(struct vcpu *v, const void *image)
{
	const struct vmxhv_gprs *g = image;
	bool tf_changed;

	if (v->completion != COMPLETE_INTACK)
		v->completion = COMPLETE_NONE;
	memcpy(v->gpr, g->gpr, sizeof(g->gpr));
	vcpu_set_rsp(v, g->gpr[REG_RSP]);
	vcpu_set_rip(v, g->rip);
	tf_changed = (vcpu_rflags(v) ^ g->rflags) & X86_EFLAGS_TF;
	vcpu_set_rflags(v, g->rflags);
	/* STI has no shadow where IF is clear: no entry, and no SET_STATE, would take it */
	if (unlikely(!(g->rflags & X86_EFLAGS_IF)) && vcpu_shadow(v) & SHADOW_STI)
		vcpu_set_shadow(v, vcpu_shadow(v) & ~SHADOW_STI);
	if (tf_changed)
		set_pending_debug(v);
}

static void get_events(struct vcpu *v, void *image)
{
	const struct vcpu_events *ev = &v->events;
	struct vmxhv_events *e = image;
	u32 shadow = vcpu_shadow(v);

	if (atomic_read(&v->nmi_queued))
		vcpu_take_nmis(v);
	*e = (struct vmxhv_events){
		.injected = { .info = ev->injected.info, .error_code = ev->injected.error_code,
			      .insn_len = ev->injected.insn_len },
		.nmi_pending = ev->nmi_pending,
		.nmi_blocked = !!(shadow & SHADOW_NMI),
		.sti_shadow = !!(shadow & SHADOW_STI),
		.movss_shadow = !!(shadow & SHADOW_MOV_SS),
		.sipi_vector = READ_ONCE(v->sipi_vector),
		.sipi_pending = test_bit(REQ_SIPI, &v->requests),
		.extint_line = READ_ONCE(v->extint_line),
		/* SHUTDOWN is to be reported yet: whoever gets the state will be told */
		.activity = ev->triple_fault ? VMXHV_SHUTDOWN : ev->activity,
		.extint_answered = ev->extint_answered,
		.extint_vector = ev->extint_answered ? ev->extint_vector : 0,
	};
	if (ev->exception.pending)
		e->pending = (struct vmxhv_event){
			.info = ev->exception.vector | INTR_TYPE_HARD_EXCEPTION |
				INTR_INFO_VALID_MASK |
				(ev->exception.has_error ? INTR_INFO_DELIVER_CODE_MASK : 0),
			.error_code = ev->exception.has_error ? ev->exception.error_code : 0,
			.insn_len = ev->exception.insn_len,
			.payload = ev->exception.has_payload ? ev->exception.payload : 0,
		};
}

/* A payload is what #PF and #DB have; 0 in DR6 bits means that there is none. */
static void set_exception(struct exception *to, const struct vmxhv_event *from)
{
	u8 vector = from->info & INTR_INFO_VECTOR_MASK;

	*to = (struct exception){
		.pending = from->info & INTR_INFO_VALID_MASK,
		.vector = vector,
		.has_error = from->info & INTR_INFO_DELIVER_CODE_MASK,
		.has_payload = vector == 14 || (vector == 1 && from->payload),
		.insn_len = from->insn_len,
		.error_code = from->error_code,
		.payload = from->payload,
	};
}

static void set_events(struct vcpu *v, const void *image)
{
	const struct vmxhv_events *e = image;
	struct vcpu_events *ev = &v->events;

	ev->injected = (struct injected_event){
		.info = e->injected.info, .error_code = e->injected.error_code,
		.insn_len = e->injected.insn_len };
	set_exception(&ev->exception, &e->pending);
	ev->nmi_pending = e->nmi_pending;
	ev->activity = e->activity;
	ev->triple_fault = false;
	ev->extint_answered = e->extint_answered;
	ev->extint_vector = e->extint_vector;
	vcpu_set_shadow(v, (e->nmi_blocked ? SHADOW_NMI : 0) | (e->sti_shadow ? SHADOW_STI : 0) |
			(e->movss_shadow ? SHADOW_MOV_SS : 0));
	vcpu_own_nmi_blocking(v);
	set_pending_debug(v);
	WRITE_ONCE(v->sipi_vector, e->sipi_vector);
	WRITE_ONCE(v->extint_line, e->extint_line);
	/* the group says all that waits: what was sent before it is over */
	atomic_set(&v->nmi_queued, 0);
	clear_bit(REQ_INIT, &v->requests);
	if (e->sipi_pending)
		set_bit(REQ_SIPI, &v->requests);
	else
		clear_bit(REQ_SIPI, &v->requests);
	set_bit(REQ_EVENT, &v->requests);
}

static void get_debug(struct vcpu *v, void *image)
{
	struct vmxhv_debug_regs *d = image;

	memcpy(d->dr, v->dr, sizeof(d->dr));
	d->dr6 = v->dr6;
	d->dr7 = vmcs_readl(GUEST_DR7);
}

static void set_debug(struct vcpu *v, const void *image)
{
	const struct vmxhv_debug_regs *d = image;

	memcpy(v->dr, d->dr, sizeof(d->dr));
	v->dr6 = d->dr6;
	dr_set7(v, d->dr7);
}

static struct state_limits limits_of(const struct vcpu *v)
{
	return (struct state_limits){
		.cr4_valid = v->cpuid->cr4_valid,
		.efer_valid = v->cpuid->efer_valid,
		.xcr0_valid = v->cpuid->xcr0_valid,
		.maxphyaddr = v->cpuid->maxphyaddr,
		.linear_bits = vmx_caps.linear_bits,
	};
}

/* SREGS, and GPRS of the same transaction beside them. */
static int check_sregs(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	const struct vmxhv_sregs *s = groups[VMXHV_STATE_SREGS];
	const struct vmxhv_gprs *g = groups[VMXHV_STATE_GPRS];
	const struct state_limits limits = limits_of(v);
	int ret = state_check_reserved(s, &limits, err);

	if (!ret)
		ret = state_check_control(s, &limits, err);
	if (ret)
		return ret;
	/* alone, it may prepare either mode: RFLAGS comes later */
	if (!g && !state_check_segments(s, true, &limits, NULL))
		return 0;
	ret = state_check_segments(s, g && g->rflags & X86_EFLAGS_VM, &limits, err);
	if (!ret && g)
		ret = state_check_gprs(g, s, limits.linear_bits, err);
	return ret;
}

/* RFLAGS.VM changes alone: the segments that are there must fit the other mode. */
static int check_vm_flag(struct vcpu *v, const struct vmxhv_gprs *g, const struct vmxhv_sregs *now,
			 struct vmxhv_error *err)
{
	const struct state_limits limits = limits_of(v);

	if (!state_check_segments(now, g->rflags & X86_EFLAGS_VM, &limits, NULL))
		return 0;
	return refuse_state(err, VMXHV_STATE_GPRS, offsetof(struct vmxhv_gprs, rflags), g->rflags,
			    g->rflags ^ X86_EFLAGS_VM, "the segments do not fit RFLAGS.VM");
}

/*
 * RIP and RFLAGS without SREGS, as most exits are answered: of the segments and control registers
 * only what the rules look at is read.
 */
static int check_gprs_alone(struct vcpu *v, const struct vmxhv_gprs *g, struct vmxhv_error *err)
{
	struct vmxhv_sregs now = {
		.efer = v->efer,
		.cs.access = vmcs_read32(GUEST_CS_AR_BYTES),
		.cr0 = X86_CR0_PE,
	};
	bool vm_changes = (g->rflags ^ vcpu_rflags(v)) & X86_EFLAGS_VM;
	int ret;

	if (vm_changes)
		get_sregs(v, &now);
	ret = state_check_gprs(g, &now, vmx_caps.linear_bits, err);
	if (!ret && vm_changes)
		ret = check_vm_flag(v, g, &now, err);
	return ret;
}

static int check_gprs(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	/* beside SREGS check_sregs() sees to both */
	return groups[VMXHV_STATE_SREGS] ? 0 : check_gprs_alone(v, groups[VMXHV_STATE_GPRS], err);
}

static int check_events(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	const struct vmxhv_gprs *g = groups[VMXHV_STATE_GPRS];

	return state_check_events(groups[VMXHV_STATE_EVENTS], g ? g->rflags : vcpu_rflags(v), err);
}

static int check_debug(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	return state_check_debug(groups[VMXHV_STATE_DEBUG], err);
}

/* The groups that other files keep: what they take has a type. */

static int check_xsave(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	return xstate_check_image(groups[VMXHV_STATE_XSAVE], err);
}

static int check_lapic(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	return lapic_check_state(v, groups[VMXHV_STATE_LAPIC], err);
}

static void get_lapic(struct vcpu *v, void *image)
{
	lapic_get_state(v, image);
}

static void set_lapic(struct vcpu *v, const void *image)
{
	lapic_set_state(v, image);
}

static int check_tsc(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	return tsc_check_state(groups[VMXHV_STATE_TSC], err);
}

static void get_tsc(struct vcpu *v, void *image)
{
	tsc_get_state(v, image);
}

static void set_tsc(struct vcpu *v, const void *image)
{
	tsc_set_state(v, image);
}

/**
 * struct state_group - what there is to know of a group
 * @size: of its image, in bytes; 0: xstate_size(), which the host decides
 * @get: writes the whole image
 * @set: takes an image that is checked
 * @check: 0 or -EINVAL for the group's own image in a transaction; other groups by NULL or image
 */
struct state_group {
	u32 size;
	void (*get)(struct vcpu *v, void *image);
	void (*set)(struct vcpu *v, const void *image);
	int (*check)(struct vcpu *v, const void *const *groups, struct vmxhv_error *err);
};

static const struct state_group state_groups[VMXHV_STATE_GROUPS] = {
	[VMXHV_STATE_GPRS] = { sizeof(struct vmxhv_gprs), get_gprs, set_gprs, check_gprs },
	[VMXHV_STATE_SREGS] = { sizeof(struct vmxhv_sregs), get_sregs, set_sregs, check_sregs },
	[VMXHV_STATE_EVENTS] = { sizeof(struct vmxhv_events), get_events, set_events,
				 check_events },
	[VMXHV_STATE_DEBUG] = { sizeof(struct vmxhv_debug_regs), get_debug, set_debug,
				check_debug },
	[VMXHV_STATE_XSAVE] = { 0, xstate_get_image, xstate_set_image, check_xsave },
	[VMXHV_STATE_LAPIC] = { sizeof(struct vmxhv_lapic), get_lapic, set_lapic, check_lapic },
	[VMXHV_STATE_TSC] = { sizeof(struct vmxhv_tsc), get_tsc, set_tsc, check_tsc },
};

/**
 * state_group_size() - how long a group is
 * @group: VMXHV_STATE_*, or any number of userspace's
 *
 * Context: Any.
 * Return: bytes, or 0: no such group.
 */
u32 state_group_size(u32 group)
{
	if (group >= VMXHV_STATE_GROUPS)
		return 0;
	return state_groups[array_index_nospec(group, VMXHV_STATE_GROUPS)].size ?: xstate_size();
}

/**
 * state_get() - read one group
 * @v: the vCPU
 * @group: VMXHV_STATE_*, not a number of userspace's
 * @out: state_group_size() bytes, written whole
 *
 * Context: vCPU loaded, mutex held; interrupts may be off for the groups of the run area.
 * Return: 0, or -EINVAL: no such group.
 */
int state_get(struct vcpu *v, u32 group, void *out)
{
	if (group >= VMXHV_STATE_GROUPS)
		return -EINVAL;
	state_groups[group].get(v, out);
	return 0;
}

/**
 * state_check_all() - would the groups of one transaction be accepted?
 * @v: the vCPU
 * @groups: by group: the image, or NULL
 * @err: the first refusal: group, field, value and rule
 *
 * A rule that needs another group takes it from the transaction, or else from the vCPU.
 *
 * Context: vCPU loaded, mutex held, preemption on. SDM: "Checks on the Guest State Area".
 * Return: 0 or -EINVAL.
 */
int state_check_all(struct vcpu *v, const void *const *groups, struct vmxhv_error *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < VMXHV_STATE_GROUPS && !ret; i++)
		if (groups[i])
			ret = state_groups[i].check(v, groups, err);
	return ret;
}

/**
 * state_check() - would this group alone be accepted?
 * @v: the vCPU
 * @group: VMXHV_STATE_*, not a number of userspace's
 * @in: its image
 * @err: the refusal
 *
 * Context: As state_check_all().
 * Return: 0 or -EINVAL.
 */
int state_check(struct vcpu *v, u32 group, const void *in, struct vmxhv_error *err)
{
	const void *groups[VMXHV_STATE_GROUPS] = { NULL };

	if (group >= VMXHV_STATE_GROUPS)
		return -EINVAL;
	groups[group] = in;
	return state_groups[group].check(v, groups, err);
}

/**
 * state_set() - write one group
 * @v: the vCPU
 * @group: VMXHV_STATE_*, not a number of userspace's
 * @in: its image, checked
 *
 * Context: vCPU loaded, mutex held, preemption on.
 */
void state_set(struct vcpu *v, u32 group, const void *in)
{
	if (group < VMXHV_STATE_GROUPS)
		state_groups[group].set(v, in);
}

static const struct vmxhv_segment reset_data = { .limit = 0xffff, .access = 0x93 };

/**
 * reset_image() - registers after power-on or INIT
 * @v: the vCPU
 * @gprs: where the general registers go
 * @sregs: where segments and control registers go; what INIT keeps is as after power-on
 *
 * RDX identifies the processor, as CPUID.1:EAX does. CS has its base where its selector does not
 * say it: the first instruction is at FFFF_FFF0H.
 *
 * Context: Any with the mutex held. SDM: "IA-32 and Intel 64 Processor States Following Power-up,
 *	Reset, or INIT".
 */
void reset_image(struct vcpu *v, struct vmxhv_gprs *gprs, struct vmxhv_sregs *sregs)
{
	const struct vmxhv_cpuid_entry *signature = cpuid_lookup(v->cpuid, 1, 0);

	*gprs = (struct vmxhv_gprs){ .rip = 0xfff0, .rflags = X86_EFLAGS_FIXED };
	if (signature)
		gprs->gpr[REG_RDX] = signature->eax;

	*sregs = (struct vmxhv_sregs){
		.es = reset_data, .ss = reset_data, .ds = reset_data, .fs = reset_data,
		.gs = reset_data,
		.cs = { .base = 0xffff0000, .limit = 0xffff, .selector = 0xf000, .access = 0x9b },
		.ldtr = { .limit = 0xffff, .access = 0x82 },
		.tr = { .limit = 0xffff, .access = 0x8b },
		.gdtr.limit = 0xffff,
		.idtr.limit = 0xffff,
		.cr0 = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW,
		.xcr0 = 1,
		.apic_base = lapic_base(v),
	};
}

/**
 * reset_events() - nothing waits and no debug register is set, as after power-on or INIT
 * @v: the vCPU
 * @activity: what it does next
 *
 * What userspace was asked about before will not be completed. The ExtINT line is as it was.
 *
 * Context: vCPU loaded, mutex held.
 */
void reset_events(struct vcpu *v, u32 activity)
{
	const struct vmxhv_debug_regs debug = { .dr6 = DR6_RESET, .dr7 = DR7_RESET };

	set_debug(v, &debug);
	v->events = (struct vcpu_events){ .activity = activity };
	atomic_set(&v->nmi_queued, 0);
	v->completion = COMPLETE_NONE;
	v->io.rip = ~0ull;
	vcpu_set_shadow(v, 0);
	vcpu_own_nmi_blocking(v);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

/**
 * vcpu_reset_state() - power-on state of everything but the local APIC, which has its own
 * @v: the vCPU; its CPUID table is there, its APIC is reset
 *
 * Context: vCPU loaded, mutex held or the vCPU not yet public; preemption on.
 */
void vcpu_reset_state(struct vcpu *v)
{
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;

	reset_image(v, &gprs, &sregs);
	msr_reset(v);
	set_sregs(v, &sregs);
	set_gprs(v, &gprs);
	reset_events(v, VMXHV_ACTIVE);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write32(GUEST_SMBASE, 0);
}

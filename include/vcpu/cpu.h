/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's processor, as struct vcpu and its VMCS hold it. Context of all: vCPU loaded, mutex
 * held; interrupts may be off unless it says that it sleeps.
 */
#ifndef VCPU_CPU_H
#define VCPU_CPU_H

#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/vcpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

/*
 * Registers: those in the VMCS are read when first asked for after an exit, and written back just
 * before the next entry.
 */

static inline u64 vcpu_rip(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RIP)) {
		v->rip = vmcs_readl(GUEST_RIP);
		v->reg_avail |= CACHE_RIP;
	}
	return v->rip;
}

static inline void vcpu_set_rip(struct vcpu *v, u64 rip)
{
	v->rip = rip;
	v->reg_avail |= CACHE_RIP;
	v->reg_dirty |= CACHE_RIP;
}

static inline u64 vcpu_rsp(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RSP)) {
		v->gpr[REG_RSP] = vmcs_readl(GUEST_RSP);
		v->reg_avail |= CACHE_RSP;
	}
	return v->gpr[REG_RSP];
}

static inline void vcpu_set_rsp(struct vcpu *v, u64 rsp)
{
	v->gpr[REG_RSP] = rsp;
	v->reg_avail |= CACHE_RSP;
	v->reg_dirty |= CACHE_RSP;
}

static inline u64 vcpu_rflags(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RFLAGS)) {
		v->rflags = vmcs_readl(GUEST_RFLAGS);
		v->reg_avail |= CACHE_RFLAGS;
	}
	return v->rflags;
}

static inline void vcpu_set_rflags(struct vcpu *v, u64 rflags)
{
	v->rflags = rflags;
	v->reg_avail |= CACHE_RFLAGS;
	v->reg_dirty |= CACHE_RFLAGS;
}

static inline u32 vcpu_shadow(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_SHADOW)) {
		v->shadow = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & v->shadow_mask;
		v->reg_avail |= CACHE_SHADOW;
	}
	return v->shadow;
}

static inline void vcpu_set_shadow(struct vcpu *v, u32 shadow)
{
	v->shadow = shadow;
	v->shadow_mask |= shadow & SHADOW_NMI;
	v->reg_avail |= CACHE_SHADOW;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, shadow);
}

/* a general register by its encoding, RSP included */
static inline u64 vcpu_gpr(struct vcpu *v, unsigned int reg)
{
	return reg == REG_RSP ? vcpu_rsp(v) : v->gpr[reg];
}

static inline void vcpu_set_gpr(struct vcpu *v, unsigned int reg, u64 value)
{
	if (reg == REG_RSP)
		vcpu_set_rsp(v, value);
	else
		v->gpr[reg] = value;
}

static inline u32 vcpu_eax(const struct vcpu *v)
{
	return (u32)v->gpr[REG_RAX];
}

static inline u64 vcpu_edx_eax(const struct vcpu *v)
{
	return (u32)v->gpr[REG_RAX] | v->gpr[REG_RDX] << 32;
}

static inline void vcpu_set_edx_eax(struct vcpu *v, u64 value)
{
	v->gpr[REG_RAX] = (u32)value;
	v->gpr[REG_RDX] = value >> 32;
}

/* ---- the mode ---- */

/* The guest's privilege level is the DPL of SS (SDM: "Guest Register State"). One VMREAD. */
static inline unsigned int vcpu_cpl(const struct vcpu *v)
{
	return VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
}

/* In 64-bit mode, not compatibility mode? A VMREAD in IA-32e mode. */
static inline bool vcpu_is_64bit(const struct vcpu *v)
{
	return v->efer & EFER_LMA && vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L;
}

enum vmxhv_cpu_mode vcpu_cpu_mode(struct vcpu *v);

/* ---- the exit's fields, read once each ---- */

static inline u64 exit_qualification(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_QUALIFICATION)) {
		v->exit.qualification = vmcs_readl(EXIT_QUALIFICATION);
		v->exit.valid |= EXIT_HAS_QUALIFICATION;
	}
	return v->exit.qualification;
}

static inline u32 exit_insn_len(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INSN_LEN)) {
		v->exit.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		v->exit.valid |= EXIT_HAS_INSN_LEN;
	}
	return v->exit.insn_len;
}

static inline u32 exit_insn_info(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INSN_INFO)) {
		v->exit.insn_info = vmcs_read32(VMX_INSTRUCTION_INFO);
		v->exit.valid |= EXIT_HAS_INSN_INFO;
	}
	return v->exit.insn_info;
}

static inline u32 exit_intr_info(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INTR_INFO)) {
		v->exit.intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
		v->exit.intr_error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
		v->exit.valid |= EXIT_HAS_INTR_INFO;
	}
	return v->exit.intr_info;
}

static inline u64 exit_gpa(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_GPA)) {
		v->exit.gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
		v->exit.valid |= EXIT_HAS_GPA;
	}
	return v->exit.gpa;
}

static inline u64 exit_gla(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_GLA)) {
		v->exit.gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
		v->exit.valid |= EXIT_HAS_GLA;
	}
	return v->exit.gla;
}

/* ---- the end of an instruction: what every exit handled in the kernel pays for ---- */

/* vcpu/cpu/retire.c: out of line, the rest */
void retire_cached(struct vcpu *v, u32 len);
void retire_more(struct vcpu *v, u64 old);
void retire_iteration(struct vcpu *v);

static __always_inline bool retire_needs_more(unsigned long old, unsigned long rip,
					      unsigned long shadow, unsigned long rflags)
{
	return (old ^ rip) >> 32 | (shadow & (SHADOW_STI | SHADOW_MOV_SS)) |
	       (rflags & (X86_EFLAGS_RF | X86_EFLAGS_TF));
}

/* Usually nothing has been read, and RIP is all that changes: then all at once is quicker. */
static __always_inline void retire_uncached(struct vcpu *v, unsigned long len)
{
	unsigned long old = vmcs_readl(GUEST_RIP);
	unsigned long shadow = vmcs_vmread(GUEST_INTERRUPTIBILITY_INFO);
	unsigned long rflags = vmcs_readl(GUEST_RFLAGS);

	vmcs_writel(GUEST_RIP, old + len);
	/* not kept: seldom does anything look at them before the next exit */
	if (likely(!retire_needs_more(old, old + len, shadow, rflags)))
		return;
	v->rip = old + len;
	v->reg_avail = CACHE_RIP;
	retire_more(v, old);
}

/**
 * vcpu_retire_insn() - the exiting instruction is done
 * @v: the vCPU, loaded
 * @len: its length in bytes, 1 to 15
 *
 * RIP moves on (within 32 bits outside 64-bit mode), RF and the STI or MOV-SS shadow end, and with
 * TF set the single-step trap follows. SDM: "Blocking by STI", "Single-Step Exception Condition".
 *
 * Context: Interrupts may be off. Costs VMREADs of RIP, interruptibility and RFLAGS as far as they
 * are not cached, and the VMWRITE of RIP.
 */
static __always_inline void vcpu_retire_insn(struct vcpu *v, u32 len)
{
	if (likely(!v->reg_avail))
		retire_uncached(v, len);
	else
		retire_cached(v, len);
}

/**
 * vcpu_skip_insn() - the instruction that exited is done
 * @v: the vCPU, loaded; no exit has come since
 *
 * As vcpu_retire_insn(), with the length that the exit reported: one VMREAD more.
 *
 * Context: Interrupts may be off.
 * Return: HANDLED, so that a handler can end with it.
 */
static __always_inline int vcpu_skip_insn(struct vcpu *v)
{
	if (likely(!v->reg_avail))
		retire_uncached(v, vmcs_vmread(VM_EXIT_INSTRUCTION_LEN));
	else
		retire_cached(v, exit_insn_len(v));
	return HANDLED;
}

/* ---- events ---- */

/* All of it: what is not valid is 0, as state_check_events() wants it. */
static inline void events_forget_injected(struct vcpu_events *events)
{
	events->injected = (struct injected_event){};
}

void vcpu_raise(struct vcpu *v, u8 vector);			/* no error code: #UD, #DB ... */
void vcpu_raise_error(struct vcpu *v, u8 vector, u32 error);	/* #GP(0), #SS(0) ... */
void vcpu_raise_page_fault(struct vcpu *v, u64 address, u32 error);
void vcpu_raise_exception(struct vcpu *v, const struct exception *e);
void vcpu_recover_events(struct vcpu *v);			/* after an exit: IDT-vectoring */
void vcpu_inject_events(struct vcpu *v);			/* before an entry: what fits */
void vcpu_triple_fault(struct vcpu *v);
bool vcpu_can_take_interrupt(struct vcpu *v);			/* IF and no shadow */
bool vcpu_has_wakeup(struct vcpu *v);				/* something ends HLT */
void vcpu_take_nmis(struct vcpu *v);				/* from nmi_queued */
void vcpu_own_nmi_blocking(struct vcpu *v);		/* another VMCS was current */
void vcpu_keep_trap_pending(struct vcpu *v);
void vcpu_reblock_nmis(struct vcpu *v);			/* IRET failed after it unblocked them */
struct exception exit_exception(struct vcpu *v, u32 info);

static inline int raise_gp(struct vcpu *v)
{
	vcpu_raise_error(v, 13, 0);
	return HANDLED;
}

static inline int raise_ud(struct vcpu *v)
{
	vcpu_raise(v, 6);
	return HANDLED;
}

/* ---- control and debug registers ---- */

int cr0_set(struct vcpu *v, u64 value);			/* as MOV would: 0, or 1: #GP */
int cr3_set(struct vcpu *v, u64 value);
int cr4_set(struct vcpu *v, u64 value);
int efer_set(struct vcpu *v, u64 value);
u64 vcpu_cr0(struct vcpu *v);				/* what the guest reads */
u64 vcpu_cr4(struct vcpu *v);
void cr_force(struct vcpu *v, u64 cr0, u64 cr4, u64 efer);	/* state restore; checked */
void cr_write_masks(struct vcpu *v);
void cr_read_state(struct vcpu *v, struct cr_state *s);
void cr_set_pdptes(const u64 *pdpte);
void cr_get_pdptes(u64 *pdpte);

void dr_enter(struct vcpu *v);				/* IRQs off, before a burst: DR0-3 */
void dr_set7(struct vcpu *v, u64 value);
void dr_meet(struct vcpu *v, enum debug_access access, u64 at, u32 length);

/* Has anybody a breakpoint that an instruction done in software could meet? Then dr_meet(). */
static inline bool dr_watching(const struct vcpu *v)
{
	return v->dr_loaded || v->debug.on;
}

/* ---- CPUID ---- */

int cpuid_create(struct vcpu *v);			/* may sleep; before vcpu_reset_state */
int cpuid_set(struct vcpu *v, const struct vmxhv_cpuid_entry *entries, u32 count,
	      struct vmxhv_error *err);			/* may sleep */
void cpuid_free(struct vcpu *v);
void cpuid_refresh(struct vcpu *v);		/* see struct cpuid_state */

/* ---- MSRs ---- */

#define MSR_IN_LIST		BIT(0)	/* saved and restored by userspace */
#define MSR_PASS_THROUGH	BIT(1)	/* the guest reads and writes it without an exit */

/**
 * struct msr_policy - what an MSR, or a range of them, does
 * @name: the SDM's name
 * @first: the first of the range
 * @last: the last of it
 * @flags: MSR_*
 * @needs: the feature that the guest's CPUID must show: enum cpuid_need
 * @offset: in struct vcpu, of a u64 that is the value; 0: @read gives it
 * @read: 0, or 1: #GP. NULL with no offset: not readable
 * @write: 0, or 1: #GP. NULL: not writable; from_user: by SET_MSRS, which may set what WRMSR cannot
 */
struct msr_policy {
	const char *name;
	u32 first, last;
	u16 flags;
	u16 needs;
	u32 offset;
	int (*read)(struct vcpu *v, u32 msr, u64 *value);
	int (*write)(struct vcpu *v, u32 msr, u64 value, bool from_user);
};

/* Indexes of policies by MSR, for the two ranges that are dense */
#define MSR_LOW_END		0x400
#define MSR_HIGH_FIRST		0xc0000080u
#define MSR_HIGH_COUNT		0x90

extern const struct msr_policy msr_policies[];
extern const u8 msr_low_index[MSR_LOW_END], msr_high_index[MSR_HIGH_COUNT];

/* ... and of those outside them: a call in the middle of WRMSR's exit would be dear */
enum { MSR_BEYOND_NONE, MSR_BEYOND_TSC_DEADLINE, MSR_BEYOND_X2APIC, MSR_BEYOND };
extern const u8 msr_beyond_index[MSR_BEYOND];
extern const unsigned int msr_policy_count;

const struct msr_policy *msr_find(u32 msr);		/* NULL: no such MSR */
void msr_bitmap_fill(u8 *bitmap);			/* one page; pure */
u32 msr_hidden_rows(const struct cpuid_table *table);	/* pure */
bool msr_is_hidden(const struct vcpu *v, u32 msr);	/* by the guest's CPUID */
void msr_follow_cpuid(struct vcpu *v);

const char *msr_kept_back(u32 first, u32 last, u32 access, u32 *which);	/* pure */
int msr_bitmap_init(struct vm *vm);			/* allocates vm->msr_bitmap */
void msr_reset(struct vcpu *v);				/* power-on values */
int msr_get(struct vcpu *v, u32 index, u64 *value);	/* 0, or 1: no such MSR */
int msr_set(struct vcpu *v, u32 index, u64 value, bool from_user); /* 0, or 1: refused */
int msr_list(struct vmxhv_msr_entry *entries, u32 max, u32 *count);	/* -ENOSPC: *count needed */

/**
 * msr_policy_of() - the policy of an MSR
 * @msr: its number, which the guest chooses
 *
 * Context: Any.
 * Return: its row; one with neither name nor functions where there is no such MSR.
 */
static __always_inline const struct msr_policy *msr_policy_of(u32 msr)
{
	u32 high = msr - MSR_HIGH_FIRST;

	if (msr < MSR_LOW_END)
		return &msr_policies[msr_low_index[array_index_nospec(msr, MSR_LOW_END)]];
	if (high < MSR_HIGH_COUNT)
		return &msr_policies[msr_high_index[array_index_nospec(high, MSR_HIGH_COUNT)]];
	if (msr == MSR_IA32_TSC_DEADLINE)
		return &msr_policies[msr_beyond_index[MSR_BEYOND_TSC_DEADLINE]];
	if (msr >> 8 == 8)
		return &msr_policies[msr_beyond_index[MSR_BEYOND_X2APIC]];
	return &msr_policies[msr_beyond_index[MSR_BEYOND_NONE]];
}

/**
 * msr_write() - msr_set(), inline
 * @v: the vCPU
 * @msr: the MSR
 * @value: its value
 * @from_user: as msr_set()
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 * Return: 0, or 1: no such MSR, or not this value.
 */
static __always_inline int msr_write(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	const struct msr_policy *p = msr_policy_of(msr);

	return p->write ? p->write(v, msr, value, from_user) : 1;
}

/* ---- the TSC ---- */

void tsc_set_offset(struct vcpu *v, u64 offset);
void tsc_follow_host(struct vcpu *v);
int tsc_check_state(const struct vmxhv_tsc *t, struct vmxhv_error *err);
void tsc_get_state(struct vcpu *v, struct vmxhv_tsc *t);
void tsc_set_state(struct vcpu *v, const struct vmxhv_tsc *t);

/* ---- extended state ---- */

int xstate_create(struct vcpu *v);			/* may sleep */
void xstate_destroy(struct vcpu *v);
void xstate_enter(struct vcpu *v);			/* IRQs off, before a burst */
void xstate_leave(struct vcpu *v);			/* IRQs still off, after it */
#define XSTATE_MIN_SIZE		576	/* legacy region and header */

/* Where a component of an XSAVE image is, in standard format; size 0: not one that guests have. */
struct xstate_place {
	u32 offset, size;
};

#define XSTATE_COMPONENTS	63	/* bit 63 of XSTATE_BV and XCR0 is none */

void xstate_init(void);			/* once, when the module loads */
void xstate_copy_extended(void *to, const void *from, u64 components,
			  const struct xstate_place *layout);
u32 xstate_size(void);
void xstate_get_image(struct vcpu *v, void *image);
int xstate_check_image(const void *image, struct vmxhv_error *err);
int xstate_check_fields(const void *image, u64 valid, u32 mxcsr_valid, struct vmxhv_error *err);
void xstate_set_image(struct vcpu *v, const void *image);
void xstate_set_xcr0(struct vcpu *v, u64 value);

/* ---- state: GET_STATE and SET_STATE; buffers are the kernel's ---- */

u32 state_group_size(u32 group);			/* bytes; 0: no such group */
int state_get(struct vcpu *v, u32 group, void *out);
int state_check(struct vcpu *v, u32 group, const void *in, struct vmxhv_error *err);
void state_set(struct vcpu *v, u32 group, const void *in);	/* after state_check of all */
/* all groups of one transaction, indexed by group, NULL where absent: rules across groups too */
int state_check_all(struct vcpu *v, const void *const *groups, struct vmxhv_error *err);
void vcpu_reset_state(struct vcpu *v);			/* power-on */
void reset_image(struct vcpu *v, struct vmxhv_gprs *gprs, struct vmxhv_sregs *sregs);
void reset_events(struct vcpu *v, u32 activity);

void state_get_segments(struct vmxhv_sregs *s);
void state_set_segments(const struct vmxhv_sregs *s);

/* ---- linear memory: may sleep ---- */

int vcpu_translate(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);
int vcpu_probe(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);
int vcpu_probe_ones(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);

/* where an access that began at @from has come to: 32 bits wide outside 64-bit mode */
u64 vcpu_wrap_gva(struct vcpu *v, u64 from, u64 at);

/**
 * struct gva_copy - a copy to or from guest-linear memory
 * @gva: the linear address; it wraps at 4 GiB outside 64-bit mode
 * @buf: to or from
 * @length: bytes
 * @access: WALK_*; with WALK_WRITE to the guest, else from it
 * @done: gets the bytes copied, also before a fault
 * @walk: gets the last page's translation, or what the guest's #PF says
 */
struct gva_copy {
	u64 gva;
	void *buf;
	u32 length;
	u32 access;
	u32 done;
	struct walk_result walk;
};

int vcpu_copy_gva(struct vcpu *v, struct gva_copy *copy);
u32 vcpu_fetch_insn(struct vcpu *v, u8 bytes[15], enum vmxhv_cpu_mode mode);

/* ---- IA32_DEBUGCTL ---- */

#define DEBUGCTL_OF_GUEST	DEBUGCTLMSR_BTF
/* what the host asked of its counters also holds while a guest runs, who does not see it */
#define DEBUGCTL_OF_HOST	DEBUGCTLMSR_FREEZE_IN_SMM

static inline u64 vcpu_debugctl(const struct vcpu *v)
{
	return vmcs_read64(GUEST_IA32_DEBUGCTL) & DEBUGCTL_OF_GUEST;
}

static inline void vcpu_set_debugctl(struct vcpu *v, u64 value)
{
	vmcs_write64(GUEST_IA32_DEBUGCTL, value | v->vmcs_host.debugctl);
}

/* ---- the host around the guest ---- */

/* the VMCS's host area: what never changes */
void host_state_constant(struct vcpu *v, unsigned long exit_point);
void host_state_cpu(struct vcpu *v);		/* ... what changes with the CPU */
void host_thread_leave(struct vcpu *v);		/* IRQs off: the guest's MSRs and bases in */
void host_thread_return(struct vcpu *v);	/* preemption off: the thread's own back */
void host_burst_begin(struct vcpu *v);		/* IRQs off: what may have changed since */
void host_syscall_sync(struct vcpu *v);		/* after EFER changed */
void host_burst_end(struct vcpu *v);		/* IRQs off: debug registers, DEBUGCTL */

/* ---- a debugger in userspace ---- */

bool debug_stepping(const struct vcpu *v);
void debug_enter(struct vcpu *v);	/* IRQs off, right before an entry */
void debug_leave(struct vcpu *v);	/* IRQs off, right after an exit */
void debug_iteration(struct vcpu *v);
bool debug_has_points(const struct vcpu_debug *d);
u64 debug_linear(struct vcpu *v, u64 ip);
void debug_say(struct vcpu *v, u32 kind, u64 dr6);
void debug_step_done(struct vcpu *v);
void debug_arm(struct vcpu *v);		/* may sleep */

#endif /* VCPU_CPU_H */

// SPDX-License-Identifier: GPL-2.0-only
/* The rules of the state groups but for segments: control registers, flags, debug, events. Pure. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

#define RFLAGS_RESERVED	(~0x3f7fd7ull)	/* 63:22, 15, 5, 3, 1 */

/**
 * refuse_state() - refuse a field of a state group
 * @err: where GET_ERROR will find it
 * @group: the group
 * @item: the field's offset in it
 * @value: what it holds
 * @wanted: what was expected, as @text says
 * @text: the rule
 *
 * Context: Any.
 * Return: -EINVAL.
 */
int refuse_state(struct vmxhv_error *err, u32 group, size_t item, u64 value, u64 wanted,
		 const char *text)
{
	return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_STATE, .index = group, .item = item,
			.value = value, .wanted = wanted }, "%s", text);
}

/* The same for a u64 member of a group's image. */
static int refuse_member(struct vmxhv_error *err, u32 group, const void *image, size_t item,
			 u64 wanted, const char *text)
{
	return refuse_state(err, group, item, *(const u64 *)((const char *)image + item), wanted,
			    text);
}

#define REFUSE_SREG(member, want, text)	\
	refuse_member(err, VMXHV_STATE_SREGS, s, offsetof(struct vmxhv_sregs, member), want, text)

/**
 * state_check_reserved() - are the reserved fields of SREGS zero, and the tables canonical?
 * @s: the group
 * @limits: what the guest may have
 * @err: the field
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int state_check_reserved(const struct vmxhv_sregs *s, const struct state_limits *limits,
			 struct vmxhv_error *err)
{
	const struct vmxhv_segment *seg = &s->es;
	const struct vmxhv_table *table = &s->gdtr;
	size_t at;
	int i;

	for (i = 0; i < 8; i++) {
		at = i * sizeof(*seg) + offsetof(struct vmxhv_segment, reserved);
		if (seg[i].reserved || seg[i].reserved2)
			return refuse_state(err, VMXHV_STATE_SREGS, at,
					    seg[i].reserved | seg[i].reserved2, 0,
					    "a segment's reserved fields are 0");
	}
	for (i = 0; i < 2; i++) {
		at = offsetof(struct vmxhv_sregs, gdtr) + i * sizeof(*table);
		if (table[i].reserved[0] | table[i].reserved[1] | table[i].reserved[2])
			return refuse_state(err, VMXHV_STATE_SREGS,
					    at + offsetof(struct vmxhv_table, reserved), 1, 0,
					    "a table register's reserved fields are 0");
		if (!linear_canonical(table[i].base, limits->linear_bits))
			return refuse_state(err, VMXHV_STATE_SREGS, at, table[i].base, 0,
					    "a table register's base is canonical");
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_reserved);

static int check_cr0_cr4(const struct vmxhv_sregs *s, const struct state_limits *limits,
			 struct vmxhv_error *err)
{
	if (s->cr0 & ~(u64)CR0_DEFINED)
		return REFUSE_SREG(cr0, s->cr0 & CR0_DEFINED, "CR0 has reserved bits");
	if (s->cr0 & X86_CR0_PG && !(s->cr0 & X86_CR0_PE))
		return REFUSE_SREG(cr0, s->cr0 | X86_CR0_PE, "CR0.PG needs CR0.PE");
	if (s->cr0 & X86_CR0_NW && !(s->cr0 & X86_CR0_CD))
		return REFUSE_SREG(cr0, s->cr0 | X86_CR0_CD, "CR0.NW needs CR0.CD");
	if (s->cr4 & ~limits->cr4_valid)
		return REFUSE_SREG(cr4, limits->cr4_valid, "CR4 has bits that CPUID does not show");
	if (s->cr4 & X86_CR4_PCIDE && !(s->efer & EFER_LMA))
		return REFUSE_SREG(cr4, s->cr4 & ~(u64)X86_CR4_PCIDE, "CR4.PCIDE needs EFER.LMA");
	return 0;
}

static int check_paging(const struct vmxhv_sregs *s, const struct state_limits *limits,
			struct vmxhv_error *err)
{
	bool lma = s->cr0 & X86_CR0_PG && s->efer & EFER_LME;
	unsigned int i;

	if (s->efer & ~limits->efer_valid)
		return REFUSE_SREG(efer, limits->efer_valid,
				   "EFER has bits that CPUID does not show");
	if (!!(s->efer & EFER_LMA) != lma)
		return REFUSE_SREG(efer, s->efer ^ EFER_LMA,
				   "EFER.LMA is EFER.LME and CR0.PG");
	if (lma && !(s->cr4 & X86_CR4_PAE))
		return REFUSE_SREG(cr4, s->cr4 | X86_CR4_PAE, "EFER.LMA needs CR4.PAE");
	if (s->cr3 >> limits->maxphyaddr)
		return REFUSE_SREG(cr3, GENMASK_ULL(limits->maxphyaddr - 1, 0),
				   "CR3 is wider than a physical address");

	if (cr_pae_paging(s->cr0, s->cr4, s->efer)) {
		if (pdpte_check(s->pdpte, limits->maxphyaddr))
			return REFUSE_SREG(pdpte[0], 0, "a PDPTE has reserved bits");
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(s->pdpte); i++)
		if (s->pdpte[i])
			return refuse_state(err, VMXHV_STATE_SREGS,
					    offsetof(struct vmxhv_sregs, pdpte[i]), s->pdpte[i], 0,
					    "PDPTEs are 0 outside PAE paging");
	return 0;
}

/* SDM "Relocating the Local APIC Registers", "x2APIC State Transitions" */
static int check_apic_base(const struct vmxhv_sregs *s, const struct state_limits *limits,
			   struct vmxhv_error *err)
{
	u64 flags = MSR_IA32_APICBASE_BSP | X2APIC_ENABLE | MSR_IA32_APICBASE_ENABLE;
	u64 valid = GENMASK_ULL(limits->maxphyaddr - 1, 12) | flags;

	if (s->apic_base & ~valid)
		return REFUSE_SREG(apic_base, valid, "APIC_BASE has reserved bits");
	if (s->apic_base & X2APIC_ENABLE && !(s->apic_base & MSR_IA32_APICBASE_ENABLE))
		return REFUSE_SREG(apic_base, s->apic_base | MSR_IA32_APICBASE_ENABLE,
				   "APIC_BASE.EXTD needs APIC_BASE.EN");
	return 0;
}

/**
 * state_check_control() - do the control registers in SREGS go together?
 * @s: the group
 * @limits: what the guest may have
 * @err: the register, its value and the rule
 *
 * EFER is judged by itself and by CR0 of the same group: the host's EFER has no say.
 *
 * Context: Any. SDM: "Checks on Guest Control Registers, Debug Registers, and MSRs", "Checks on
 *	Guest Page-Directory-Pointer-Table Entries".
 * Return: 0 or -EINVAL.
 */
int state_check_control(const struct vmxhv_sregs *s, const struct state_limits *limits,
			struct vmxhv_error *err)
{
	int ret = check_cr0_cr4(s, limits, err);

	if (!ret)
		ret = check_paging(s, limits, err);
	if (!ret)
		ret = check_apic_base(s, limits, err);
	if (ret)
		return ret;

	if (s->cr8 > 15)
		return REFUSE_SREG(cr8, 15, "CR8 has four bits");
	if (limits->xcr0_valid ? xcr0_check(s->xcr0, limits->xcr0_valid) : s->xcr0 != 1)
		return REFUSE_SREG(xcr0, limits->xcr0_valid ?: 1, "XSETBV would refuse XCR0");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_control);

#define REFUSE_GPR(member, want, text)	\
	refuse_member(err, VMXHV_STATE_GPRS, g, offsetof(struct vmxhv_gprs, member), want, text)

static bool alike_from(u64 value, unsigned int bit)
{
	return value >> bit == 0 || value >> bit == ~0ull >> bit;
}

/**
 * state_check_gprs() - may RIP and RFLAGS be entered with?
 * @g: the group GPRS
 * @s: the segment and control registers that they will stand beside
 * @linear_bits: the CPU's linear-address width
 * @err: the register, its value and the rule
 *
 * Context: Any. SDM: "Checks on Guest RIP, RFLAGS, and SSP".
 * Return: 0 or -EINVAL.
 */
int state_check_gprs(const struct vmxhv_gprs *g, const struct vmxhv_sregs *s,
		     unsigned int linear_bits, struct vmxhv_error *err)
{
	bool bits64 = s->efer & EFER_LMA && s->cs.access & VMX_AR_L;

	if (g->rflags & RFLAGS_RESERVED)
		return REFUSE_GPR(rflags, (g->rflags & ~RFLAGS_RESERVED) | X86_EFLAGS_FIXED,
				  "RFLAGS has reserved bits");
	if (!(g->rflags & X86_EFLAGS_FIXED))
		return REFUSE_GPR(rflags, g->rflags | X86_EFLAGS_FIXED, "RFLAGS bit 1 is 1");
	if (g->rflags & X86_EFLAGS_VM && (s->efer & EFER_LMA || !(s->cr0 & X86_CR0_PE)))
		return REFUSE_GPR(rflags, g->rflags & ~(u64)X86_EFLAGS_VM,
				  "RFLAGS.VM needs CR0.PE and no IA-32e mode");
	/* behind the last instruction of the lower half RIP is not canonical: its fetch faults */
	if (bits64 ? !alike_from(g->rip, linear_bits) : g->rip >> 32)
		return REFUSE_GPR(rip, bits64 ? g->rip : (u32)g->rip,
				  bits64 ? "RIP bits above linear addresses are alike" :
					   "RIP bits 63:32 are 0 outside 64-bit mode");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_gprs);

#define REFUSE_DR(member, want, text)	\
	refuse_member(err, VMXHV_STATE_DEBUG, d, offsetof(struct vmxhv_debug_regs, member), want, \
		      text)

/**
 * state_check_debug() - may these stand in the debug registers?
 * @d: the group DEBUG
 * @err: the register
 *
 * Context: Any. SDM: "Debug Registers".
 * Return: 0 or -EINVAL.
 */
int state_check_debug(const struct vmxhv_debug_regs *d, struct vmxhv_error *err)
{
	if (d->dr6 != dr6_stored(d->dr6))
		return REFUSE_DR(dr6, dr6_stored(d->dr6), "DR6's fixed bits");
	if (d->dr7 != dr7_stored(d->dr7))
		return REFUSE_DR(dr7, dr7_stored(d->dr7), "DR7's fixed bits");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_debug);

/**
 * state_pending_debug() - what must stand in the pending debug exceptions
 * @shadow: blocking by STI or MOV SS
 * @rflags: RFLAGS beside it
 * @debugctl: IA32_DEBUGCTL beside it
 *
 * An instruction in a shadow whose trap is still to come has BS pending; VM entry insists.
 *
 * Context: Any. SDM: "Checks on Guest Non-Register State".
 * Return: the field's value.
 */
u64 state_pending_debug(bool shadow, u64 rflags, u64 debugctl)
{
	return shadow && rflags & X86_EFLAGS_TF && !(debugctl & DEBUGCTLMSR_BTF) ?
		GUEST_PENDING_DBG_BS : 0;
}

VMXHV_EXPORT_FOR_TEST(state_pending_debug);

#define REFUSE_EVENT(member, seen, want, text)	\
	refuse_state(err, VMXHV_STATE_EVENTS, offsetof(struct vmxhv_events, member), seen, want, \
		     text)

static bool needs_insn_len(u32 type)
{
	return type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_PRIV_SW_EXCEPTION ||
	       type == INTR_TYPE_SOFT_EXCEPTION;
}

/* INT3 or INTO, which entry will have as a software exception. */
static bool may_have_insn_len(const struct vmxhv_event *ev)
{
	u32 vector = ev->info & INTR_INFO_VECTOR_MASK;

	return (vector == X86_TRAP_BP || vector == X86_TRAP_OF) &&
	       (ev->info & INTR_INFO_TYPE_MASK) == INTR_TYPE_HARD_EXCEPTION;
}

/* SDM "Checks on VM-Entry Control Fields": the interruption-information field. */
static const char *event_rule(const struct vmxhv_event *ev, bool pending)
{
	u32 vector = ev->info & INTR_INFO_VECTOR_MASK;
	u32 type = ev->info & INTR_INFO_TYPE_MASK;
	bool has_error = ev->info & INTR_INFO_DELIVER_CODE_MASK;

	if (ev->reserved)
		return "an event's reserved field is 0";
	if (!(ev->info & INTR_INFO_VALID_MASK))
		return ev->info || ev->error_code || ev->insn_len || ev->payload ?
			"an event that is not valid is all 0" : NULL;
	if (ev->info & INTR_INFO_RESERVED_MASK)
		return "bits 30:12 of an event are 0";
	if (type == INTR_TYPE_RESERVED || type == INTR_TYPE_OTHER_EVENT)
		return "the type of an event is reserved";
	if (type == INTR_TYPE_NMI_INTR && vector != 2)
		return "an NMI has vector 2";
	if (type == INTR_TYPE_HARD_EXCEPTION && vector > 31)
		return "an exception has a vector up to 31";
	if (has_error && (type != INTR_TYPE_HARD_EXCEPTION || vector > 31 ||
			  !exception_rule(vector)->error_code))
		return "this event has no error code";
	if (!has_error && ev->error_code)
		return "an error code that is not delivered is 0";
	if (ev->error_code >> 16)
		return "bits 31:16 of an error code are 0";
	if (pending && may_have_insn_len(ev))
		return ev->insn_len > 15 ? "an instruction has up to 15 bytes" : NULL;
	if (needs_insn_len(type) ? !ev->insn_len || ev->insn_len > 15 : ev->insn_len)
		return "the instruction length of software events is 1 to 15, of others 0";
	return NULL;
}

static bool is_nmi(const struct vmxhv_event *ev)
{
	return ev->info & INTR_INFO_VALID_MASK &&
	       (ev->info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR;
}

/**
 * state_check_events() - may these events be pending together?
 * @e: the group EVENTS
 * @rflags: RFLAGS that they will stand beside
 * @err: the field, its value and the rule
 *
 * Context: Any. SDM: "Checks on Guest Non-Register State".
 * Return: 0 or -EINVAL.
 */
int state_check_events(const struct vmxhv_events *e, u64 rflags, struct vmxhv_error *err)
{
	u32 type = e->injected.info & INTR_INFO_TYPE_MASK;
	bool injected = e->injected.info & INTR_INFO_VALID_MASK;
	const char *rule;

	rule = event_rule(&e->injected, false);
	if (rule)
		return REFUSE_EVENT(injected.info, e->injected.info, 0, rule);
	rule = event_rule(&e->pending, true);
	if (!rule && e->pending.info &&
	    (e->pending.info & INTR_INFO_TYPE_MASK) != INTR_TYPE_HARD_EXCEPTION)
		rule = "what is pending is a hardware exception";
	if (rule)
		return REFUSE_EVENT(pending.info, e->pending.info, 0, rule);

	if (e->nmi_pending > NMI_DEPTH)
		return REFUSE_EVENT(nmi_pending, e->nmi_pending, NMI_DEPTH,
				    "at most two NMIs are pending");
	if (e->nmi_pending == NMI_DEPTH && (e->nmi_blocked || is_nmi(&e->injected)))
		return REFUSE_EVENT(nmi_pending, e->nmi_pending, NMI_DEPTH - 1,
				    "one NMI is pending while another is served");
	if (e->nmi_blocked > 1)
		return REFUSE_EVENT(nmi_blocked, e->nmi_blocked, 1, "a flag is 0 or 1");
	if (e->sti_shadow > 1 || (e->sti_shadow && !(rflags & X86_EFLAGS_IF)))
		return REFUSE_EVENT(sti_shadow, e->sti_shadow, 0, "an STI shadow needs RFLAGS.IF");
	if (e->movss_shadow > 1 || (e->movss_shadow && e->sti_shadow))
		return REFUSE_EVENT(movss_shadow, e->movss_shadow, 0, "one shadow, STI or MOV SS");
	if (injected && (e->sti_shadow || e->movss_shadow) &&
	    (type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR))
		return REFUSE_EVENT(injected.info, e->injected.info, 0,
				    "no interrupt is injected in a shadow");
	if (injected && type == INTR_TYPE_NMI_INTR && e->nmi_blocked)
		return REFUSE_EVENT(nmi_blocked, e->nmi_blocked, 0,
				    "NMIs are not blocked before one is injected");
	if (injected && type == INTR_TYPE_EXT_INTR && !(rflags & X86_EFLAGS_IF))
		return REFUSE_EVENT(injected.info, e->injected.info, 0,
				    "an injected interrupt needs RFLAGS.IF");
	if (e->smi)
		return REFUSE_EVENT(smi, e->smi, 0, "SMM is not supported");
	if (e->sipi_pending > 1)
		return REFUSE_EVENT(sipi_pending, e->sipi_pending, 1, "a flag is 0 or 1");
	if (e->extint_line > 1)
		return REFUSE_EVENT(extint_line, e->extint_line, 1, "a flag is 0 or 1");
	if (e->extint_answered > 1)
		return REFUSE_EVENT(extint_answered, e->extint_answered, 1, "a flag is 0 or 1");
	if (!e->extint_answered && e->extint_vector)
		return REFUSE_EVENT(extint_vector, e->extint_vector, 0,
				    "a vector that INTACK did not give is 0");
	if (e->activity > VMXHV_WAIT_SIPI)
		return REFUSE_EVENT(activity, e->activity, VMXHV_WAIT_SIPI, "unknown activity");
	if (e->reserved)
		return REFUSE_EVENT(reserved, e->reserved, 0, "reserved is 0");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_events);

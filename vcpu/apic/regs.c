// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's registers, through the xAPIC page and through x2APIC MSRs. */
#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/cpuid.h"

/* access */
#define RO		(LAPIC_XR | LAPIC_X2R)
#define WO		(LAPIC_XW | LAPIC_X2W)
#define RW		(RO | WO)
#define XAPIC_RW	(LAPIC_XR | LAPIC_XW)

/* bits */
#define SVR		(APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED)
#define ICR		(APIC_DEST_ALLBUT | APIC_INT_LEVELTRIG | APIC_INT_ASSERT | \
			 APIC_DEST_LOGICAL | APIC_DM_FIXED_MASK | APIC_VECTOR_MASK)
#define MASKED		APIC_LVT_MASKED
#define LVT		(APIC_LVT_MASKED | APIC_VECTOR_MASK)
#define LVT_LINT	(LVT | APIC_MODE_MASK | APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER)
#define LVT_RO		APIC_SEND_PENDING
#define LVT_LINT_RO	(APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR)

#define NR(offset)	((offset) >> 4)

/*
 * Name, reset value, writable bits, ignored bits, access.
 * SDM: "Local APIC Register Address Map", "x2APIC Register Address Space". What one mode lacks is
 * reserved there: an illegal register address in the page, #GP as an MSR. ICR's halves and the
 * registers with an effect have their own code below; masks and access hold for all.
 */
const struct lapic_reg lapic_regs[LAPIC_REGS] = {
	[NR(APIC_ID)]		= { "ID", 0, 0, 0, RO },
	[NR(APIC_LVR)]		= { "version", LAPIC_VERSION | LAPIC_MAX_LVT << 16, 0, 0, RO },
	[NR(APIC_TASKPRI)]	= { "TPR", 0, 0xff, 0, RW },
	[NR(APIC_ARBPRI)]	= { "APR", 0, 0, 0, LAPIC_XR },
	[NR(APIC_PROCPRI)]	= { "PPR", 0, 0, 0, RO },
	[NR(APIC_EOI)]		= { "EOI", 0, 0, 0, WO },
	[NR(APIC_RRR)]		= { "RRD", 0, 0, 0, LAPIC_XR },
	[NR(APIC_LDR)]		= { "LDR", 0, APIC_LDR_MASK, 0, RO | LAPIC_XW },
	[NR(APIC_DFR)]		= { "DFR", U32_MAX, 0xf0000000, 0, XAPIC_RW },
	[NR(APIC_SPIV)]		= { "SVR", 0xff, SVR, 0, RW },
	[NR(APIC_ISR) ... NR(APIC_ISR) + 7] = { "ISR", 0, 0, 0, RO },
	[NR(APIC_TMR) ... NR(APIC_TMR) + 7] = { "TMR", 0, 0, 0, RO },
	[NR(APIC_IRR) ... NR(APIC_IRR) + 7] = { "IRR", 0, 0, 0, RO },
	[NR(APIC_ESR)]		= { "ESR", 0, 0, 0, RW },
	[NR(APIC_ICR)]		= { "ICR", 0, ICR, APIC_ICR_BUSY, RW },
	[NR(APIC_ICR2)]		= { "ICR high", 0, 0xff000000, 0, XAPIC_RW },
	[NR(APIC_LVTT)]		= { "LVT timer", MASKED, LVT | LAPIC_LVT_MODE, LVT_RO, RW },
	[NR(APIC_LVTTHMR)]	= { "LVT thermal", MASKED, LVT | APIC_MODE_MASK, LVT_RO, RW },
	[NR(APIC_LVTPC)]	= { "LVT performance", MASKED, LVT | APIC_MODE_MASK, LVT_RO, RW },
	[NR(APIC_LVT0)]		= { "LVT LINT0", MASKED, LVT_LINT, LVT_LINT_RO, RW },
	[NR(APIC_LVT1)]		= { "LVT LINT1", MASKED, LVT_LINT, LVT_LINT_RO, RW },
	[NR(APIC_LVTERR)]	= { "LVT error", MASKED, LVT, LVT_RO, RW },
	[NR(APIC_TMICT)]	= { "initial count", 0, U32_MAX, 0, RW },
	[NR(APIC_TMCCT)]	= { "current count", 0, 0, 0, RO },
	[NR(APIC_TDCR)]		= { "divide configuration", 0, 0xb, 0, RW },
	[NR(APIC_SELF_IPI)]	= { "SELF IPI", 0, APIC_VECTOR_MASK, 0, LAPIC_X2W },
};

static bool has_deadline(struct vcpu *v)
{
	return !v->cpuid || cpuid_table_has(v->cpuid, 1, 0, CPUID_REG_ECX,
					      LAPIC_CPUID_DEADLINE);
}

static u32 writable_bits(struct lapic *apic, u32 offset)
{
	u32 writable = lapic_regs[offset >> 4].writable;

	if (offset == APIC_LVTT && !has_deadline(apic->vcpu))
		writable &= ~APIC_LVT_TIMER_TSCDEADLINE;
	return writable;
}

/* The number of a register that allows one of the accesses, or -1. */
static int find_reg(u32 reg, u8 access)
{
	if (reg >= LAPIC_REGS)
		return -1;
	reg = array_index_nospec(reg, LAPIC_REGS);
	return lapic_regs[reg].access & access ? reg : -1;
}

/* Reads a register that may be read. */
static u32 read_reg(struct lapic *apic, u32 offset)
{
	u64 now;

	if (offset == APIC_PROCPRI && apic->tpr_live)
		lapic_update_ppr(apic);
	if (offset != APIC_TMCCT)
		return lapic_get(apic, offset);
	now = rdtsc();
	lapic_timer_expire(apic, now);
	return lapic_timer_count(apic, now);
}

/* While the APIC is software-disabled, every LVT entry is masked and stays so. */
static void write_lvt(struct lapic *apic, u32 offset, u32 value)
{
	if (!lapic_sw_enabled(apic))
		value |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		lapic_timer_set_lvt(apic, value, rdtsc());
	else
		lapic_put(apic, offset, value);
}

/* SDM: "Local APIC State After It Has Been Software Disabled". */
static void write_svr(struct lapic *apic, u32 value)
{
	u32 offset;

	lapic_put(apic, APIC_SPIV, value);
	if (value & APIC_SPIV_APIC_ENABLED)
		return;
	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 16)
		write_lvt(apic, offset, lapic_get(apic, offset));
}

/* A register that may be written; reserved bits are gone from the value. */
static void write_reg(struct lapic *apic, u32 offset, u32 value)
{
	switch (offset) {
	case APIC_TASKPRI:
		lapic_put(apic, offset, value);
		lapic_update_ppr(apic);
		break;
	case APIC_EOI:
		lapic_eoi(apic);
		break;
	case APIC_DFR:
		lapic_put(apic, offset, value | APIC_DFR_CLUSTER);
		break;
	case APIC_SPIV:
		write_svr(apic, value);
		break;
	case APIC_ESR:
		lapic_put(apic, offset, xchg(&apic->errors, 0));
		break;
	case APIC_LVTT ... APIC_LVTERR:
		write_lvt(apic, offset, value);
		break;
	case APIC_TMICT:
		lapic_timer_start(apic, value, rdtsc());
		break;
	case APIC_TDCR:
		lapic_timer_set_divide(apic, value, rdtsc());
		break;
	case APIC_SELF_IPI:
		lapic_self_ipi(apic, value);
		break;
	default:
		lapic_put(apic, offset, value);
	}
}

/**
 * lapic_page_read() - a 32-bit read of the xAPIC page
 * @apic: the APIC, in xAPIC mode
 * @offset: into the page, a multiple of 16
 *
 * Context: The vCPU's thread or one that stands for it, vcpu->mutex held; IRQs may be off.
 * Return: The value; 0, and an error in ESR, where no register is.
 */
u32 lapic_page_read(struct lapic *apic, u32 offset)
{
	int reg = find_reg(offset >> 4, LAPIC_XR | LAPIC_XW);

	if (reg < 0) {
		lapic_error(apic, APIC_ESR_ILLREGA, true);
		return 0;
	}
	if (!(lapic_regs[reg].access & LAPIC_XR))
		return 0;
	return read_reg(apic, reg << 4);
}

/**
 * lapic_page_write() - a 32-bit write to the xAPIC page
 * @apic: the APIC, in xAPIC mode
 * @offset: into the page, a multiple of 16
 * @value: the value; reserved bits are ignored
 *
 * Context: As lapic_page_read().
 */
void lapic_page_write(struct lapic *apic, u32 offset, u32 value)
{
	int reg = find_reg(offset >> 4, LAPIC_XR | LAPIC_XW);
	u32 dest;

	if (reg < 0) {
		lapic_error(apic, APIC_ESR_ILLREGA, true);
		return;
	}
	if (!(lapic_regs[reg].access & LAPIC_XW))
		return;
	offset = reg << 4;
	value &= writable_bits(apic, offset);
	if (offset != APIC_ICR) {
		write_reg(apic, offset, value);
		return;
	}
	lapic_put(apic, APIC_ICR, value);
	dest = lapic_get(apic, APIC_ICR2) >> 24;
	lapic_send_icr(apic, value, dest == 0xff ? LAPIC_BROADCAST : dest);
}

/* What stood in the register before the CPU stored over it, where that still counts. */
static void restore(struct lapic *apic, u32 offset)
{
	switch (offset) {
	case APIC_ID:
		lapic_put(apic, offset, apic->vcpu->id << 24);
		break;
	case APIC_LVTT:
		lapic_put(apic, offset, apic->timer.lvt);
		break;
	case APIC_TMICT:
		lapic_put(apic, offset, apic->timer.initial);
		break;
	case APIC_TDCR:
		lapic_put(apic, offset, apic->timer.divide);
		break;
	}
}

/**
 * lapic_page_written() - the CPU has stored a write of the guest's in a register: what follows?
 * @apic: the APIC
 * @offset: of the register, a multiple of 16
 *
 * In x2APIC mode that is SELF IPI with a vector that is illegal. SDM: "APIC-Write Emulation".
 *
 * Context: As lapic_page_read().
 */
void lapic_page_written(struct lapic *apic, u32 offset)
{
	u32 value = lapic_get(apic, offset);

	if (apic->mode == LAPIC_X2APIC) {
		if (offset == APIC_SELF_IPI)
			lapic_self_ipi(apic, value);
		return;
	}
	restore(apic, offset);
	lapic_page_write(apic, offset, value);
}

static int write_x2_icr(struct lapic *apic, u64 value)
{
	const struct lapic_reg *icr = &lapic_regs[APIC_ICR >> 4];

	if ((u32)value & ~(icr->writable | icr->ignored))
		return 1;
	value &= ~(u64)icr->ignored;
	lapic_put(apic, APIC_ICR, value);
	lapic_put(apic, APIC_ICR2, value >> 32);
	lapic_send_icr(apic, value, value >> 32);
	return 0;
}

/**
 * lapic_x2_read() - RDMSR of 800H to 8FFH
 * @apic: the APIC
 * @reg: the MSR's number - 800H
 * @value: the value
 *
 * Context: As lapic_page_read().
 * Return: 0, or 1: #GP.
 */
int lapic_x2_read(struct lapic *apic, u32 reg, u64 *value)
{
	int known = find_reg(reg, LAPIC_X2R);

	if (apic->mode != LAPIC_X2APIC || known < 0)
		return 1;
	*value = read_reg(apic, known << 4);
	if (known << 4 == APIC_ICR)
		*value |= (u64)lapic_get(apic, APIC_ICR2) << 32;
	return 0;
}

/**
 * lapic_x2_write() - WRMSR of 800H to 8FFH
 * @apic: the APIC
 * @reg: the MSR's number - 800H
 * @value: the value; reserved bits refuse it
 *
 * Context: As lapic_page_read().
 * Return: 0, or 1: #GP.
 */
int lapic_x2_write(struct lapic *apic, u32 reg, u64 value)
{
	int known;
	u32 writable;

	if (apic->mode != LAPIC_X2APIC)
		return 1;
	/* what every interrupt needs comes first */
	if (reg == APIC_EOI >> 4 && !value) {
		lapic_eoi(apic);
		return 0;
	}
	if (reg == APIC_ICR >> 4)
		return write_x2_icr(apic, value);
	known = find_reg(reg, LAPIC_X2W);
	if (known < 0)
		return 1;
	writable = writable_bits(apic, known << 4);
	if (value & ~(u64)(writable | lapic_regs[known].ignored))
		return 1;
	write_reg(apic, known << 4, value & writable);
	return 0;
}

/**
 * lapic_msr_read() - RDMSR of an MSR of the local APIC
 * @v: the vCPU
 * @msr: IA32_APIC_BASE, IA32_TSC_DEADLINE or 800H to 8FFH
 * @value: the value
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: 0, or 1: #GP.
 */
int lapic_msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	if (msr - APIC_BASE_MSR < 0x100)
		return lapic_x2_read(v->lapic, msr - APIC_BASE_MSR, value);
	switch (msr) {
	case MSR_IA32_TSC_DEADLINE:
		if (!has_deadline(v))
			return 1;
		lapic_timer_check(v);
		*value = v->lapic->timer.tsc_deadline;
		return 0;
	case MSR_IA32_APICBASE:
		*value = v->lapic->base;
		return 0;
	default:
		return 1;
	}
}

/**
 * lapic_msr_write() - WRMSR of an MSR of the local APIC
 * @v: the vCPU
 * @msr: IA32_APIC_BASE, IA32_TSC_DEADLINE or 800H to 8FFH
 * @value: the value
 *
 * Context: The vCPU's thread or one that stands for it, vcpu->mutex held; IRQs may be off.
 * Return: 0, or 1: #GP.
 */
int lapic_msr_write(struct vcpu *v, u32 msr, u64 value)
{
	struct lapic *apic = v->lapic;

	if (msr - APIC_BASE_MSR < 0x100)
		return lapic_x2_write(apic, msr - APIC_BASE_MSR, value);
	switch (msr) {
	case MSR_IA32_TSC_DEADLINE:
		/* the mode is there only if CPUID has it: no search in the table on the hot path */
		if ((lapic_get(apic, APIC_LVTT) & LAPIC_LVT_MODE) == APIC_LVT_TIMER_TSCDEADLINE)
			lapic_timer_set_deadline(apic, value, rdtsc());
		else
			return !has_deadline(v);
		return 0;
	case MSR_IA32_APICBASE:
		return lapic_set_base(v, value);
	default:
		return 1;
	}
}

/* Is there an access that the xAPIC page takes? */
static bool page_takes(struct vcpu *v, u32 offset)
{
	return v->lapic->mode == LAPIC_XAPIC && offset < PAGE_SIZE && !(offset & 15);
}

/**
 * lapic_mmio_read() - a read that userspace decoded
 * @v: the vCPU
 * @offset: into the xAPIC page
 * @value: the value
 *
 * Context: vcpu->mutex is held.
 * Return: 0; -EINVAL: not in xAPIC mode, or not the offset of a register slot.
 */
int lapic_mmio_read(struct vcpu *v, u32 offset, u32 *value)
{
	if (!page_takes(v, offset))
		return -EINVAL;
	*value = lapic_page_read(v->lapic, offset);
	return 0;
}

/**
 * lapic_mmio_write() - a write that userspace decoded
 * @v: the vCPU
 * @offset: into the xAPIC page
 * @value: the value
 *
 * Context: vcpu->mutex is held.
 * Return: 0; -EINVAL: as lapic_mmio_read().
 */
int lapic_mmio_write(struct vcpu *v, u32 offset, u32 value)
{
	if (!page_takes(v, offset))
		return -EINVAL;
	lapic_page_write(v->lapic, offset, value);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(lapic_regs);
VMXHV_EXPORT_FOR_TEST(lapic_page_read);
VMXHV_EXPORT_FOR_TEST(lapic_page_write);
VMXHV_EXPORT_FOR_TEST(lapic_page_written);
VMXHV_EXPORT_FOR_TEST(lapic_x2_read);
VMXHV_EXPORT_FOR_TEST(lapic_x2_write);

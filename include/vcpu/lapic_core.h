/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the local APIC share, and what their unit tests call: functions of one struct
 * lapic, with the time passed in.
 */
#ifndef VCPU_LAPIC_CORE_H
#define VCPU_LAPIC_CORE_H

#include <linux/bitops.h>
#include <asm/apicdef.h>

#include "vcpu/lapic.h"

#define LAPIC_BASE_BSP		BIT_ULL(8)
#define LAPIC_BASE_EXTD		BIT_ULL(10)	/* x2APIC mode */
#define LAPIC_BASE_EN		BIT_ULL(11)

#define LAPIC_VERSION		0x14u
#define LAPIC_MAX_LVT		5u		/* six LVT entries, no CMCI */
#define LAPIC_CPUID_X2APIC	21		/* CPUID leaf 1, ECX */
#define LAPIC_CPUID_DEADLINE	24
#define LAPIC_BROADCAST		U32_MAX

#define LAPIC_LVT_MODE		(3u << 17)	/* the timer's mode in its LVT entry */

/* struct lapic_reg.access */
#define LAPIC_XR	BIT(0)	/* readable in the xAPIC page */
#define LAPIC_XW	BIT(1)
#define LAPIC_X2R	BIT(2)	/* readable as an x2APIC MSR */
#define LAPIC_X2W	BIT(3)

/**
 * struct lapic_reg - one register of the local APIC
 * @name: as the SDM has it, for errors; NULL: reserved
 * @reset: value after power-up
 * @writable: bits that software can change
 * @ignored: read-only bits that a write may contain; those in neither are reserved
 * @access: LAPIC_XR and so on
 */
struct lapic_reg {
	const char *name;
	u32 reset;
	u32 writable;
	u32 ignored;
	u8 access;
};

/* The table: index is the offset in the page / 16, which is the MSR's number - 800H too. */
#define LAPIC_REGS	64
extern const struct lapic_reg lapic_regs[LAPIC_REGS];

/* A register that a thread other than the owner may read. */
static inline u32 *lapic_reg_ptr(const struct lapic *apic, u32 offset)
{
	return apic->regs + offset;
}

static inline u32 lapic_get(const struct lapic *apic, u32 offset)
{
	return READ_ONCE(*lapic_reg_ptr(apic, offset));
}

static inline void lapic_put(struct lapic *apic, u32 offset, u32 value)
{
	WRITE_ONCE(*lapic_reg_ptr(apic, offset), value);
}

/*
 * A vector's bit in ISR, TMR or IRR (@base). Each 32-bit word begins a 16-byte slot, so that the
 * unsigned long that the bit operations want lies inside it.
 */
static inline unsigned long *lapic_word(const struct lapic *apic, u32 base, u8 vector)
{
	return apic->regs + base + (vector / 32) * 16;
}

static inline bool lapic_test(const struct lapic *apic, u32 base, u8 vector)
{
	return test_bit(vector % 32, lapic_word(apic, base, vector));
}

static inline bool lapic_sw_enabled(const struct lapic *apic)
{
	return lapic_get(apic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED;
}

/* Takes interrupts from the bus? */
static inline bool lapic_accepting(const struct lapic *apic)
{
	return READ_ONCE(apic->mode) != LAPIC_DISABLED && lapic_sw_enabled(apic);
}

/* lapic.c */
void lapic_init(struct lapic *apic, struct vcpu *v, void *page);
void lapic_reset_regs(struct lapic *apic);
void lapic_update_ppr(struct lapic *apic);
void lapic_irr_to_isr(struct lapic *apic, u8 vector);
void lapic_eoi(struct lapic *apic);
bool lapic_base_legal(u64 base, u8 maxphyaddr, bool x2apic);
bool lapic_base_step(u64 from, u64 to);
void lapic_enter_mode(struct lapic *apic, u64 base);
void lapic_take_arrived(struct lapic *apic);
int lapic_highest_irr(struct lapic *apic);
void lapic_count_isr(struct lapic *apic);
void lapic_report_eoi(struct lapic *apic, u8 vector);
void lapic_set_live(struct lapic *apic, bool vid, bool tpr);

/* lapic_regs.c */
int lapic_x2_read(struct lapic *apic, u32 reg, u64 *value);
int lapic_x2_write(struct lapic *apic, u32 reg, u64 value);
u32 lapic_page_read(struct lapic *apic, u32 offset);
void lapic_page_write(struct lapic *apic, u32 offset, u32 value);
void lapic_page_written(struct lapic *apic, u32 offset);

/* lapic_ipi.c */

/**
 * struct lapic_msg - an interrupt message on its way to the APICs
 * @dest: destination; LAPIC_BROADCAST: all
 * @mode: APIC_DM_*
 * @shorthand: 0, APIC_DEST_SELF, APIC_DEST_ALLINC or APIC_DEST_ALLBUT
 * @vector: vector, or SIPI's start page
 * @logical: @dest is a logical destination
 * @level: level-triggered
 * @assert: the level
 */
struct lapic_msg {
	u32 dest;
	u32 mode;
	u32 shorthand;
	u8 vector;
	bool logical;
	bool level;
	bool assert;
};

bool lapic_accept(struct lapic *apic, u8 vector, bool level, bool local);
void lapic_error(struct lapic *apic, u32 esr, bool local);
bool lapic_matches(const struct lapic *apic, u32 dest, bool logical);
int lapic_send(struct vm *vm, struct lapic *source, const struct lapic_msg *msg);
void lapic_send_icr(struct lapic *apic, u32 low, u32 dest);
void lapic_self_ipi(struct lapic *apic, u8 vector);
int lapic_parse_msi(u64 address, u32 data, struct lapic_msg *msg);

/* lapic_timer.c: now is the host's TSC */
u32 lapic_timer_shift(u32 divide);
void lapic_timer_init(struct lapic *apic);
void lapic_timer_stop(struct lapic *apic);
void lapic_timer_start(struct lapic *apic, u32 count, u64 now);
void lapic_timer_resume(struct lapic *apic, u32 left, u64 now);
u32 lapic_timer_count(const struct lapic *apic, u64 now);
bool lapic_timer_expire(struct lapic *apic, u64 now);
void lapic_timer_set_lvt(struct lapic *apic, u32 lvt, u64 now);
void lapic_timer_set_divide(struct lapic *apic, u32 divide, u64 now);
void lapic_timer_set_deadline(struct lapic *apic, u64 tsc, u64 now);
void lapic_timer_publish(struct lapic *apic);

/* The timer's registers are as they shall be. */
static inline void lapic_timer_remember(struct lapic *apic)
{
	apic->timer.lvt = lapic_get(apic, APIC_LVTT);
	apic->timer.initial = lapic_get(apic, APIC_TMICT);
	apic->timer.divide = lapic_get(apic, APIC_TDCR);
}

u64 lapic_cycles_to_ns(u64 cycles, u32 khz);

/* lapic_mov.c */

/**
 * struct lapic_mov - a 32-bit MOV to or from memory
 * @length: of the instruction, 1 to 15
 * @store: to memory
 * @has_imm: stores @imm, not a register
 * @reg: the register, by its encoding
 * @imm: what is stored
 */
struct lapic_mov {
	u8 length;
	bool store;
	bool has_imm;
	u8 reg;
	u32 imm;
};

int lapic_decode_mov(const u8 *bytes, u32 count, enum vmxhv_cpu_mode mode, struct lapic_mov *out);

#endif /* VCPU_LAPIC_CORE_H */

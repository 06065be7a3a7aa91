/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architecture's rules, pure: values in, verdicts out. Nothing here knows a vCPU, a VMCS or
 * a vendor, so that all of it can be tested on any CPU.
 */
#ifndef VCPU_X86_H
#define VCPU_X86_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "vmxhv.h"

struct guest_msrs;

/* ---- control registers ---- */

/* Every bit that CR0 has. The kernel's CR0_STATE is only what Linux itself boots with. */
#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

/**
 * struct cr_state - what the rules for control registers look at
 * @cr0: as the guest sees it
 * @cr3: as the guest sees it
 * @cr4: as the guest sees it
 * @efer: IA32_EFER, LMA included
 * @cr4_valid: bits of CR4 that the guest's CPUID has
 * @efer_valid: bits of IA32_EFER that the guest's CPUID has
 * @maxphyaddr: the guest's physical-address width
 * @cs_l: CS.L: with LMA, 64-bit mode
 * @tss16: TR holds a 16-bit TSS
 */
struct cr_state {
	u64 cr0, cr3, cr4, efer;
	u64 cr4_valid, efer_valid;
	u8 maxphyaddr;
	bool cs_l;
	bool tss16;
};

/* vcpu/x86/cr_rules.c: pure. 0, or 1 where MOV or WRMSR raises #GP(0) */
int cr0_check(const struct cr_state *s, u64 value);
int cr3_check(const struct cr_state *s, u64 value);
int cr4_check(const struct cr_state *s, u64 value);
int efer_check(const struct cr_state *s, u64 value);
int pdpte_check(const u64 *pdpte, u8 maxphyaddr);
int xcr0_check(u64 value, u64 valid);
u64 cr0_hardware(u64 guest, u64 fixed0, u64 fixed1);
u64 cr4_hardware(u64 guest, u64 fixed0);

/* CR0's bits that the guest changes without an exit; the reasons are in vcpu/x86/cr_rules.c */
extern const u64 cr0_owned;

bool cr_pae_paging(u64 cr0, u64 cr4, u64 efer);

/* ---- debug registers, and a debugger in userspace ---- */

/* what stands in DR6 or DR7 after a write of value */
u64 dr6_stored(u64 value);
u64 dr7_stored(u64 value);

#define DR6_RESET	0xffff0ff0ull
#define DR7_RESET	0x400ull

#define DEBUG_POINTS	4

/* How an instruction is stepped over. */
enum step_kind {
	STEP_TRAP,	/* by TF */
	STEP_NEXT,	/* by a breakpoint behind it: it stores or loads TF */
	STEP_SYSCALL,	/* by a breakpoint where it leads */
	STEP_SYSRET,
	STEP_INT,	/* INT n: its event is injected */
};

/**
 * struct step - what debug_decode() says of the instruction at RIP
 * @kind: how to step over it
 * @length: its length; counts only where @kind needs it. After MOV SS, of both instructions
 * @vector: of INT n
 * @wide: SYSRET to 64-bit mode
 * @loads_tf: it is IRET: TF is another one behind it
 */
struct step {
	enum step_kind kind;
	u8 length;
	u8 vector;
	bool wide;
	bool loads_tf;
};

/* Whose a debug register is: the guest's of the same number, the step's, or a point of 0 to 3. */
#define OWNER_NONE	0
#define OWNER_GUEST	1
#define OWNER_STEP	2
#define OWNER_POINT	4	/* + its number */

/**
 * struct debug_slots - the CPU's debug registers, shared
 * @dr: DR0 to DR3
 * @dr7: DR7
 * @owner: of each: OWNER_*
 * @unwatched: bit n: there is none for point n
 */
struct debug_slots {
	u64 dr[DEBUG_POINTS];
	u64 dr7;
	u8 owner[DEBUG_POINTS];
	u8 unwatched;
};

/* What an instruction does that a breakpoint can be set on. */
enum debug_access {
	DEBUG_READS,
	DEBUG_WRITES,
	DEBUG_PORT,
};

u32 debug_hits(const u64 *dr, u64 dr7, bool io_points, enum debug_access access, u64 at,
	       u32 length);
struct step debug_decode(const u8 *insn, u32 count, enum vmxhv_cpu_mode mode);
void debug_share(const u64 *guest_dr, u64 guest_dr7, const struct vmxhv_debug_point *points,
		 const u64 *stop_at, struct debug_slots *slots);

/* ---- exceptions ---- */

#define NR_EXCEPTIONS	32

/* One NMI is being handled or about to be, one waits behind it (SDM: "Handling Multiple NMIs"). */
#define NMI_DEPTH	2

/* SDM: "Exception Classifications" */
enum exception_kind {
	EXCEPTION_FAULT,	/* the instruction is restarted: RF is set in what is pushed */
	EXCEPTION_TRAP,
	EXCEPTION_ABORT,
};

/* SDM: "Interrupt 8 -- Double Fault Exception (#DF)" */
enum exception_class {
	EXCEPTION_BENIGN,
	EXCEPTION_CONTRIBUTORY,
	EXCEPTION_PAGE_FAULT,	/* #PF and #VE */
	EXCEPTION_DOUBLE,	/* #DF itself */
};

/**
 * struct exception_rule - what is so of an exception whenever it is raised
 * @kind: enum exception_kind
 * @class: enum exception_class
 * @error_code: it pushes one, but for real mode, where none does
 */
struct exception_rule {
	u8 kind;
	u8 class;
	bool error_code;
};

extern const struct exception_rule exception_rules[NR_EXCEPTIONS];

/**
 * exception_rule() - the row of an exception
 * @vector: 0 to 31; what is above is cut off
 *
 * Context: Any.
 * Return: its row.
 */
static inline const struct exception_rule *exception_rule(u8 vector)
{
	return &exception_rules[vector % NR_EXCEPTIONS];
}

int exception_compose(u8 first, u8 second);
bool exception_alignment_checked(unsigned int cpl, u64 cr0, u64 rflags);

/* ---- MSRs ---- */

#define LAPIC_DEFAULT_BASE	0xfee00000ull	/* where the xAPIC page is after reset */

bool msr_mtrr_valid(u32 msr, u64 value, u8 maxphyaddr);
u64 *msr_mtrr_slot(struct guest_msrs *msrs, u32 msr);

/* IA32_PAT after reset: WB, WT, UC-, UC, twice */
#define MSR_PAT_RESET		0x0007040600070406ull
#define MSR_MTRR_CAP_VALUE	0x508ull	/* write combining, fixed ranges, 8 variable ones */
#define MSR_FEATURE_CONTROL_VALUE 1ull		/* locked, VMX off */

/**
 * msr_pat_valid() - may this stand in IA32_PAT?
 * @value: the value
 *
 * Context: Any. SDM: "IA32_PAT MSR".
 * Return: true if each byte is a memory type.
 */
static inline bool msr_pat_valid(u64 value)
{
	const u64 each_byte = 0x0101010101010101ull;

	/* of 0 to 7, the types 2 and 3 do not exist: bit 1 comes with bit 2 only */
	return !(value & 0xf8 * each_byte) && !(value & ~(value >> 1) & 2 * each_byte);
}

/* ---- state: what VM entry accepts ---- */

/**
 * struct state_limits - what the rules depend on beside the state itself
 * @cr4_valid: bits of CR4 that the guest may have
 * @efer_valid: bits of IA32_EFER
 * @xcr0_valid: bits of XCR0; 0: the guest has no XSAVE
 * @maxphyaddr: the guest's physical-address width
 * @linear_bits: the CPU's linear-address width
 */
struct state_limits {
	u64 cr4_valid, efer_valid, xcr0_valid;
	u8 maxphyaddr, linear_bits;
};

/* Access rights as the VMCS takes them: reserved bits gone. */
#define SEGMENT_ACCESS_BITS	0x1f0ffu
#define SEGMENT_UNUSABLE	0x10000u

/* 0 or -EINVAL; err says which group, field and rule */
int state_check_segments(const struct vmxhv_sregs *s, bool vm86, const struct state_limits *limits,
			 struct vmxhv_error *err);
int state_check_control(const struct vmxhv_sregs *s, const struct state_limits *limits,
			struct vmxhv_error *err);
int state_check_reserved(const struct vmxhv_sregs *s, const struct state_limits *limits,
			 struct vmxhv_error *err);
int state_check_gprs(const struct vmxhv_gprs *g, const struct vmxhv_sregs *s,
		     unsigned int linear_bits, struct vmxhv_error *err);
int state_check_debug(const struct vmxhv_debug_regs *d, struct vmxhv_error *err);
int state_check_events(const struct vmxhv_events *e, u64 rflags, struct vmxhv_error *err);

u64 state_pending_debug(bool shadow, u64 rflags, u64 debugctl);

int refuse_state(struct vmxhv_error *err, u32 group, size_t item, u64 value, u64 wanted,
		 const char *text);

/* ---- paging ---- */

/* An access, and rights; VMXHV_ACCESS_* are the same. What neither writes nor fetches reads. */
#define WALK_READ	BIT(0)
#define WALK_WRITE	BIT(1)
#define WALK_FETCH	BIT(2)
#define WALK_USER	BIT(3)	/* a user-mode access: CPL is 3, and not WALK_IMPLICIT */
#define WALK_IMPLICIT	BIT(4)	/* the CPU's own, to GDT, IDT, TSS: AC does not count */

/* What a page fault pushes (SDM: "Page-Fault Exceptions") */
#define PAGE_FAULT_PRESENT	BIT(0)
#define PAGE_FAULT_WRITE	BIT(1)
#define PAGE_FAULT_USER		BIT(2)
#define PAGE_FAULT_RESERVED	BIT(3)
#define PAGE_FAULT_FETCH	BIT(4)

/**
 * struct walk_mode - all that a walk depends on, so that it can be tested on any CPU
 * @cr0: as the guest sees it
 * @cr3: as it is
 * @cr4: as the guest sees it
 * @efer: LMA included
 * @rflags: AC, for SMAP
 * @pdpte: the four PDPTEs of PAE paging, as they were loaded
 * @maxphyaddr: physical-address width in bits: entries' bits from there on are reserved
 * @page_1g: the CPU has 1 GiB pages; without, that bit is reserved
 * @read: reads a paging-structure entry of @length bytes at @gpa; 0 or -errno
 * @update: puts @new where @old is, atomically; 0, 1 if something else was there, or -errno.
 *	NULL: leave accessed and dirty flags alone
 * @ctx: for @read and @update
 */
struct walk_mode {
	u64 cr0, cr3, cr4, efer;
	u64 rflags;
	u64 pdpte[4];
	u8 maxphyaddr;
	bool page_1g;
	int (*read)(void *ctx, u64 gpa, void *to, u32 length);
	int (*update)(void *ctx, u64 gpa, u64 old, u64 new, u32 length);
	void *ctx;
};

struct walk_result {
	u64 gpa;		/* or, when a table cannot be read, the address of its entry */
	u64 page_size;		/* bytes */
	u32 rights;		/* WALK_* that the mapping allows to accesses of this privilege */
	u32 fault_error;	/* the #PF error code, when the walk returns 1 ... */
	u64 linear;		/* ... and what CR2 gets */
};

/* 0: translated; 1: #PF with result->fault_error; -errno: see the definition */
int walk_page_tables(const struct walk_mode *mode, u64 gva, u32 access, struct walk_result *out);

/* ---- instructions ---- */

/**
 * struct io_segment - a segment, and how it is used
 * @mode: of the guest
 * @access: access rights, as the VMCS holds them
 * @limit: in bytes, granularity applied
 * @write: the instruction stores
 */
struct io_segment {
	enum vmxhv_cpu_mode mode;
	u32 access;
	u32 limit;
	bool write;
};

u64 io_segment_units(const struct io_segment *s, u64 offset, u64 mask, u32 width);

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

/* ---- hardware task switches ---- */

/* Exit qualification for task switches, bits 31:30 */
enum task_source {
	TASK_CALL,
	TASK_IRET,
	TASK_JMP,
	TASK_GATE,	/* a task gate in the IDT */
};

/* The selectors of a TSS, in its order: the first six are also those of struct vmxhv_sregs. */
enum task_segment_index {
	TASK_ES, TASK_CS, TASK_SS, TASK_DS, TASK_FS, TASK_GS,
	TASK_LDTR,
	TASK_SEGMENTS
};

#define TASK_NARROW_SELECTORS	4	/* a 16-bit TSS has neither FS nor GS */

/* SDM: "16-Bit Task-State Segment (TSS)" */
struct tss16 {
	u16 link;
	u16 stacks[6];
	u16 ip, flags;
	u16 gpr[8];
	u16 selector[TASK_NARROW_SELECTORS];
	u16 ldt;
};

/* SDM: "Task-State Segment (TSS)" */
struct tss32 {
	u32 link;
	u32 stacks[6];
	u32 cr3;
	u32 eip, eflags;
	u32 gpr[8];
	u32 selector[6];
	u32 ldt;
	u16 trap;
	u16 io_map;
};

static_assert(sizeof(struct tss16) == 44);
static_assert(sizeof(struct tss32) == 104);

union tss {
	struct tss16 narrow;
	struct tss32 wide;
};

/**
 * struct task_image - what a task switch saves and loads
 * @cr3: loaded only, from a 32-bit TSS
 * @eip: instruction pointer
 * @eflags: flags; those that do not exist are gone after parsing
 * @gpr: in the order of their encodings
 * @selector: by enum task_segment_index; LDTR's is loaded only
 * @trap: the debug trap flag T
 */
struct task_image {
	u32 cr3;
	u32 eip, eflags;
	u32 gpr[8];
	u16 selector[TASK_SEGMENTS];
	bool trap;
};

/**
 * struct task_segment - a selector, and the descriptor that it names
 * @selector: it
 * @null: it names none
 * @outside: it names one that lies outside its table, or where there is no such table
 * @raw: the descriptor, if neither is so
 */
struct task_segment {
	u16 selector;
	bool null, outside;
	u64 raw;
};

/**
 * struct task_fault - the exception that a rule raises
 * @vector: #TS, #NP, #SS or #GP; 0: none
 * @selector: for the error code: EXT is not part of it
 */
struct task_fault {
	u8 vector;
	u16 selector;
};

#define TSS_DESCRIPTOR_BUSY	2u	/* of its access byte */

u32 tss_size(bool wide);
void tss_saved_range(bool wide, u32 *offset, u32 *length);
void tss_parse(const union tss *tss, bool wide, struct task_image *image);
void tss_format(const struct task_image *image, bool wide, union tss *tss);
void task_descriptor(const struct task_segment *from, struct vmxhv_segment *to);
int task_check_tss(const struct task_segment *tss, enum task_source source,
		   struct task_fault *fault);
bool task_segment_good(const struct task_segment *segments, enum task_segment_index index);
int task_check_segments(const struct task_segment *segments, bool vm86, struct task_fault *fault);
void task_place_segments(const struct task_segment *segments, bool vm86, struct vmxhv_sregs *s);

#endif /* VCPU_X86_H */

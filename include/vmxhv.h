/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vmxhv: the userspace interface of /dev/vmxhv, and the only header that userspace needs.
 *
 * /dev/vmxhv gives VM descriptors (VMXHV_CREATE_VM), a VM gives vCPU descriptors
 * (VMXHV_CREATE_VCPU), and a vCPU's memory map is its run area (struct vmxhv_run).
 *
 * Every structure that an ioctl takes begins with size and flags. size is sizeof(the structure)
 * as the caller knows it: a shorter one is taken as if its tail were zero, a longer one is
 * refused with E2BIG unless its tail is zero. Output is written up to the caller's size, the rest
 * of a longer buffer is zeroed, and size returns the kernel's own. Unknown flags and reserved
 * fields that are not zero are refused with EINVAL. Pointers travel as __u64, so that 32-bit
 * callers need nothing special.
 */
#ifndef VMXHV_H
#define VMXHV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VMXHV_ABI_MAJOR		1
#define VMXHV_ABI_MINOR		0

#define VMXHV_MAGIC		0xBB

/* Device descriptor */
#define VMXHV_GET_INFO		_IOWR(VMXHV_MAGIC, 0x00, struct vmxhv_info)
#define VMXHV_CREATE_VM		_IOWR(VMXHV_MAGIC, 0x01, struct vmxhv_create_vm)
#define VMXHV_GET_CPUID		_IOWR(VMXHV_MAGIC, 0x02, struct vmxhv_cpuid)
#define VMXHV_GET_MSR_LIST	_IOWR(VMXHV_MAGIC, 0x03, struct vmxhv_msrs)

/* VM descriptor */
#define VMXHV_MEMORY		_IOWR(VMXHV_MAGIC, 0x10, struct vmxhv_memory)
#define VMXHV_CREATE_VCPU	_IOWR(VMXHV_MAGIC, 0x11, struct vmxhv_create_vcpu)
#define VMXHV_DIRTY		_IOWR(VMXHV_MAGIC, 0x12, struct vmxhv_dirty)
#define VMXHV_SIGNAL_MSI	_IOWR(VMXHV_MAGIC, 0x13, struct vmxhv_msi)
#define VMXHV_CONFIG		_IOWR(VMXHV_MAGIC, 0x17, struct vmxhv_config)

/* vCPU descriptor */
#define VMXHV_RUN		_IOWR(VMXHV_MAGIC, 0x20, struct vmxhv_run_args)
#define VMXHV_KICK		_IO(VMXHV_MAGIC, 0x21)
#define VMXHV_GET_STATE		_IOWR(VMXHV_MAGIC, 0x22, struct vmxhv_state)
#define VMXHV_SET_STATE		_IOWR(VMXHV_MAGIC, 0x23, struct vmxhv_state)
#define VMXHV_GET_MSRS		_IOWR(VMXHV_MAGIC, 0x24, struct vmxhv_msrs)
#define VMXHV_SET_MSRS		_IOWR(VMXHV_MAGIC, 0x25, struct vmxhv_msrs)
#define VMXHV_SET_CPUID		_IOWR(VMXHV_MAGIC, 0x26, struct vmxhv_cpuid)
#define VMXHV_INJECT		_IOWR(VMXHV_MAGIC, 0x27, struct vmxhv_inject)
#define VMXHV_EXTINT		_IOWR(VMXHV_MAGIC, 0x28, struct vmxhv_extint)
#define VMXHV_LAPIC_ACCESS	_IOWR(VMXHV_MAGIC, 0x29, struct vmxhv_lapic_access)
#define VMXHV_TRANSLATE		_IOWR(VMXHV_MAGIC, 0x2a, struct vmxhv_translate)
#define VMXHV_DEBUG		_IOWR(VMXHV_MAGIC, 0x2b, struct vmxhv_debug)

/* Any VM or vCPU descriptor */
#define VMXHV_GET_ERROR		_IOWR(VMXHV_MAGIC, 0x2d, struct vmxhv_error)

/* ---- device ------------------------------------------------------------------------------- */

/* Why CREATE_VM cannot work here; the errno that it then gives stands beside each. */
enum vmxhv_unusable {
	VMXHV_USABLE = 0,
	VMXHV_UNUSABLE_NO_VMX = 1,		/* ENODEV: CPUID.1:ECX.VMX is clear */
	VMXHV_UNUSABLE_LOCKED = 2,		/* EPERM: firmware locked VMX off */
	VMXHV_UNUSABLE_IN_USE = 3,		/* EBUSY: CR4.VMXE is set already */
	VMXHV_UNUSABLE_BASIC = 4,		/* EOPNOTSUPP: IA32_VMX_BASIC lacks what we need */
	VMXHV_UNUSABLE_CONTROLS = 5,		/* EOPNOTSUPP: a required control is missing */
	VMXHV_UNUSABLE_EPT = 6,			/* EOPNOTSUPP: no EPT, or not the form needed */
	VMXHV_UNUSABLE_UNRESTRICTED = 7,	/* EOPNOTSUPP: no unrestricted guest */
	VMXHV_UNUSABLE_VPID = 8,		/* EOPNOTSUPP: VPID, or its invalidation */
	VMXHV_UNUSABLE_MSR_BITMAP = 9,		/* EOPNOTSUPP: no MSR bitmaps */
	VMXHV_UNUSABLE_CPUS_DIFFER = 10,	/* EXDEV: CPUs have different capabilities */
	VMXHV_UNUSABLE_FIXED_BITS = 11,		/* EOPNOTSUPP: host CR0/CR4 break VMX's rules */
	VMXHV_UNUSABLE_VMXON_FAILED = 12,	/* EIO: VMXON itself failed */
	VMXHV_UNUSABLE_SHUTDOWN = 13,		/* ESHUTDOWN: the host is going down */
	VMXHV_UNUSABLE_FRED = 14,		/* EOPNOTSUPP: the host takes events by FRED */
};

/* The VMX capability MSRs in vmxhv_info.vmx_msr: IA32_VMX_BASIC (480H) is index 0, and so on. */
#define VMXHV_VMX_MSRS		20

#define VMXHV_TAINT_HYPERVISOR	(1u << 0)	/* CPUID says this machine is itself a guest */
#define VMXHV_TAINT_LOCKDOWN	(1u << 1)	/* kernel lockdown is active */

/* vmxhv_info.features[0]: what this kernel and CPU can do */
#define VMXHV_FEATURE_EPT_2M		(1ull << 0)
#define VMXHV_FEATURE_EPT_1G		(1ull << 1)
#define VMXHV_FEATURE_EPT_AD		(1ull << 2)
#define VMXHV_FEATURE_PREEMPTION_TIMER	(1ull << 3)
#define VMXHV_FEATURE_TSC_SCALING	(1ull << 4)
#define VMXHV_FEATURE_APICV		(1ull << 5)	/* APIC-register virtualization */
#define VMXHV_FEATURE_PML		(1ull << 6)
#define VMXHV_FEATURE_X2APIC		(1ull << 7)	/* guests may use x2APIC mode */
#define VMXHV_FEATURE_XSAVE		(1ull << 8)
#define VMXHV_FEATURE_PAUSE_LOOP	(1ull << 9)	/* PAUSE-loop exiting */
#define VMXHV_FEATURE_EPT_EXEC_ONLY	(1ull << 10)
#define VMXHV_FEATURE_OPERANDS		(1ull << 11)	/* MMIO_WALK and _ITERATION, TRANSLATE_* */

struct vmxhv_info {
	__u32 size;
	__u32 flags;
	__u32 abi_major;
	__u32 abi_minor;
	__u64 features[4];
	__u32 unusable_reason;		/* enum vmxhv_unusable, as CREATE_VM would find it now */
	__s32 unusable_cpu;		/* the CPU that said so, or -1 */
	char owner[32];			/* IN_USE: the likely owner of VMX */
	__u32 unusable_msr;		/* the MSR that said so, or 0 */
	__u32 tainted;			/* VMXHV_TAINT_* */
	__u64 unusable_seen;		/* the value seen ... */
	__u64 unusable_wanted;		/* ... and the bits wanted */
	char unusable_text[160];	/* one sentence: what is wrong and what to do */
	__u32 max_vcpus;
	__u32 max_ranges;
	__u32 max_cpuid;
	__u32 max_msrs;
	__u32 gpa_bits;
	__u32 run_size;			/* bytes to mmap from a vCPU descriptor */
	__u32 tsc_khz;
	__u32 apic_timer_hz;		/* what the APIC timer counts at divide 1 */
	__u32 vmx_msr_valid;		/* bit i: vmx_msr[i] could be read */
	__u32 cpuid_valid_reserved;	/* 0 */
	__u64 feature_control;		/* IA32_FEATURE_CONTROL of the CPU that read it */
	__u64 vmx_msr[VMXHV_VMX_MSRS];
};

/*
 * How much of the local APIC the CPU does, without exits: with none of these flags, all that it is
 * known to do well. A CPU that can do less does less. A guest sees no difference but in time. At
 * most one of them.
 */
#define VMXHV_VM_APICV		(1u << 0)	/* all that the CPU has, well done or not */
#define VMXHV_VM_TPR_SHADOW	(1u << 1)	/* TPR at most */
#define VMXHV_VM_NO_APICV	(1u << 2)	/* nothing */

struct vmxhv_create_vm {
	__u32 size;
	__u32 flags;			/* VMXHV_VM_* */
};					/* returns a VM descriptor */

struct vmxhv_cpuid_entry {
	__u32 function;
	__u32 index;
	__u32 flags;			/* VMXHV_CPUID_* */
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 reserved;
};

#define VMXHV_CPUID_INDEXED	(1u << 0)	/* index (ECX) is part of the key */

/* GET_CPUID writes the table that SET_CPUID takes as it is; ENOSPC returns the count needed. */
struct vmxhv_cpuid {
	__u32 size;
	__u32 flags;
	__u32 count;			/* in: entries at ptr; out: entries there are */
	__u32 reserved;
	__u64 entries;			/* struct vmxhv_cpuid_entry[] */
};

/* ---- memory ------------------------------------------------------------------------------- */

enum vmxhv_mem_op_kind {
	VMXHV_MEM_MAP = 0,
	VMXHV_MEM_UNMAP = 1,
	VMXHV_MEM_PROTECT = 2,		/* READONLY, NOEXEC, EXEC_ONLY become what flags says */
	VMXHV_MEM_LOG = 3,		/* the log begins, empty, or ends: LOG_DIRTY or 0 */
};

#define VMXHV_MEM_READONLY	(1u << 0)	/* guest writes exit as MMIO */
#define VMXHV_MEM_NOEXEC	(1u << 1)
#define VMXHV_MEM_PREFAULT	(1u << 2)	/* populate now */
#define VMXHV_MEM_LOG_DIRTY	(1u << 3)	/* MAP, LOG: log which pages are written to */
#define VMXHV_MEM_EXEC_ONLY	(1u << 4)	/* guest reads and writes exit as MMIO */

/*
 * A range may cover a local APIC's page, but does not hide it: there is no memory at FEE0_0000H,
 * whatever mode the APIC is in, nor where a vCPU has moved its xAPIC page. Where a vCPU's own APIC
 * does not answer there, its access exits as MMIO.
 */
struct vmxhv_mem_op {
	__u32 kind;			/* enum vmxhv_mem_op_kind */
	__u32 flags;			/* VMXHV_MEM_* */
	__u64 gpa;			/* 4 KiB aligned, as are length and hva */
	__u64 length;			/* bytes, not 0 */
	__u64 hva;			/* MAP: the caller's address; else 0 */
	__u64 reserved[2];
};

/* All operations take effect together or none does. */
struct vmxhv_memory {
	__u32 size;
	__u32 flags;
	__u32 count;			/* at most 64 */
	__u32 reserved;
	__u64 ops;			/* struct vmxhv_mem_op[] */
};

enum vmxhv_dirty_op {
	VMXHV_DIRTY_GET = 0,		/* which pages were written to; changes nothing */
	VMXHV_DIRTY_CLEAR = 1,		/* log the next write to these pages again */
};

#define VMXHV_DIRTY_MAX		(16ull << 30)	/* bytes that one call looks at */

/*
 * The log of guest-physical pages: written to by a vCPU, or by the kernel for the guest. Bit i % 64
 * of word i / 64 is the page at gpa + 4096 * i. What a page holds after CLEAR has returned is what
 * was written before, and what is written later sets its bit again: GET, CLEAR with the bitmap that
 * came, then copy the pages.
 */
struct vmxhv_dirty {
	__u32 size;
	__u32 flags;
	__u32 op;			/* enum vmxhv_dirty_op */
	__u32 reserved;
	__u64 gpa;			/* 4 KiB aligned; all of it is being logged */
	__u64 length;			/* bytes, at most VMXHV_DIRTY_MAX */
	__u64 bitmap;			/* __u64[]; CLEAR: which pages, 0 is all */
};

struct vmxhv_create_vcpu {
	__u32 size;
	__u32 flags;
	__u32 id;			/* the APIC id */
	__u32 reserved;
};					/* returns a vCPU descriptor */

struct vmxhv_msi {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u32 data;
	__u32 delivered;		/* out: APICs that took it */
};

/* ---- what exits, and what a guest may touch ------------------------------------------------ */

/* vmxhv_config.flags */
#define VMXHV_CONFIG_HYPERCALL	(1u << 0)	/* VMCALL at CPL 0 exits, without a user_flag too */
#define VMXHV_CONFIG_UNKNOWN_MSR (1u << 1)	/* an MSR that guests do not have exits: no #GP */
#define VMXHV_CONFIG_PAUSE	(1u << 2)	/* each PAUSE exits */
#define VMXHV_CONFIG_PAUSE_LOOP	(1u << 3)	/* loops of PAUSE exit: FEATURE_PAUSE_LOOP */
#define VMXHV_CONFIG_TSC	(1u << 4)	/* tsc_offset counts */
#define VMXHV_CONFIG_HALT_POLL	(1u << 5)	/* halt_poll_us counts */

#define VMXHV_HALT_POLL_MAX_US	1000000u

enum vmxhv_range_kind {
	VMXHV_RANGE_MSR_EXIT = 0,	/* MSRs that exit as MSR_READ and MSR_WRITE */
	VMXHV_RANGE_CPUID_EXIT = 1,	/* leaves that exit as CPUID */
	VMXHV_RANGE_MSR_PASS = 2,	/* MSRs of the CPU that the guest reaches without an exit */
	VMXHV_RANGE_PORT_PASS = 3,	/* ports of the host, likewise */
};

#define VMXHV_RANGE_READ	(1u << 0)
#define VMXHV_RANGE_WRITE	(1u << 1)

#define VMXHV_CONFIG_MAX_RANGES	64

/*
 * MSR_EXIT: the x2APIC's registers (800H to 8FFH) stay the kernel's. GET_MSRS and SET_MSRS reach
 * the kernel's own MSR as ever. CPUID_EXIT: access is READ; a range lies within 0 to 1FH,
 * 4000_0000H to 4000_000FH, or 8000_0000H to 8000_001FH.
 *
 * MSR_PASS and PORT_PASS need CAP_SYS_RAWIO and a kernel that is not locked down (EPERM). MSRs that
 * guests have of their own, or that would take the host down, are never passed (EACCES). The guest
 * reaches those of the CPU that it happens to run on. A port's access is READ and WRITE: the CPU
 * does not tell them apart.
 */
struct vmxhv_range {
	__u32 kind;			/* enum vmxhv_range_kind */
	__u32 access;			/* VMXHV_RANGE_READ, VMXHV_RANGE_WRITE, or both */
	__u32 first;
	__u32 last;			/* the last one, not the one behind */
	__u64 reserved;
};

/*
 * CONFIG: for the whole VM, before its first vCPU is made (EBUSY afterwards). A second call
 * replaces all that the first one said. Without VMXHV_CONFIG_TSC the guest's TSC counts from the
 * creation of the VM.
 */
struct vmxhv_config {
	__u32 size;
	__u32 flags;			/* VMXHV_CONFIG_* */
	__u32 exceptions;		/* bit n: exception n exits; neither NMI (2) nor #MC (18) */
	__u32 count;			/* at most VMXHV_CONFIG_MAX_RANGES */
	__u64 ranges;			/* struct vmxhv_range[] */
	__u64 tsc_offset;		/* TSC: at power-on a vCPU's TSC is the host's plus this */
	/*
	 * HALT_POLL: for so long, at most, a halted vCPU's thread looks for events before it
	 * sleeps, if that has paid lately and nobody else wants its CPU; 0: never. Without the flag
	 * it is the module's parameter of this name, at any time.
	 */
	__u32 halt_poll_us;		/* at most VMXHV_HALT_POLL_MAX_US */
	__u32 reserved;
};

/* ---- run ---------------------------------------------------------------------------------- */

/*
 * Complete, apply dirty groups, stop: NONE, or EOI while userspace has not been told of one. What
 * has been told, completed and reported is in no group of state: see struct vmxhv_state.
 */
#define VMXHV_RUN_COMPLETE_ONLY	(1u << 0)

struct vmxhv_run_args {
	__u32 size;
	__u32 flags;			/* VMXHV_RUN_* */
};

enum vmxhv_exit {
	VMXHV_EXIT_NONE = 0,
	VMXHV_EXIT_INTR = 1,		/* kicked, or the host has work for the thread: RUN again */
	VMXHV_EXIT_IO = 2,
	VMXHV_EXIT_MMIO = 3,
	VMXHV_EXIT_HLT = 4,
	VMXHV_EXIT_INTACK = 5,		/* ExtINT taken: the next RUN brings the vector */
	VMXHV_EXIT_WINDOW = 6,		/* the guest can take an interrupt now */
	VMXHV_EXIT_NMI_WINDOW = 7,
	VMXHV_EXIT_HYPERCALL = 8,
	VMXHV_EXIT_MSR_READ = 9,
	VMXHV_EXIT_MSR_WRITE = 10,
	VMXHV_EXIT_CPUID = 11,
	VMXHV_EXIT_EOI = 12,
	VMXHV_EXIT_DEBUG = 13,
	VMXHV_EXIT_EXCEPTION = 14,
	VMXHV_EXIT_TPR = 15,
	VMXHV_EXIT_PAUSE = 16,
	VMXHV_EXIT_SHUTDOWN = 17,	/* triple fault */
	VMXHV_EXIT_SYSTEM_EVENT = 18,
	VMXHV_EXIT_MEMORY_ERROR = 19,
	VMXHV_EXIT_FAIL_ENTRY = 20,
	VMXHV_EXIT_INTERNAL = 21,
};

/* vmxhv_run.user_flags */
#define VMXHV_USER_WANT_WINDOW	(1u << 0)	/* exit WINDOW when an interrupt could be taken */
#define VMXHV_USER_EXIT_HLT	(1u << 1)	/* HLT exits instead of waiting in the kernel */
#define VMXHV_USER_EXIT_HYPERCALL (1u << 2)	/* VMCALL at CPL 0 exits; else it returns -ENOSYS */

/* vmxhv_run.exit_flags */
#define VMXHV_EXITF_PENDING	(1u << 0)	/* the next RUN completes an instruction */
#define VMXHV_EXITF_DELIVERY	(1u << 1)	/* the exit interrupted an event's delivery */

/* groups that can travel in the run area: bits of wanted, dirty and valid */
#define VMXHV_GROUP_GPRS	(1u << 0)
#define VMXHV_GROUP_SREGS	(1u << 1)
#define VMXHV_GROUP_EVENTS	(1u << 2)

/* vmxhv_run.hw.valid */
#define VMXHV_HW_REASON		(1u << 0)
#define VMXHV_HW_QUALIFICATION	(1u << 1)
#define VMXHV_HW_INSN_LEN	(1u << 2)
#define VMXHV_HW_INSN_INFO	(1u << 3)
#define VMXHV_HW_INTR_INFO	(1u << 4)
#define VMXHV_HW_VECTORING	(1u << 5)
#define VMXHV_HW_GLA		(1u << 6)
#define VMXHV_HW_GPA		(1u << 7)
#define VMXHV_HW_CPU		(1u << 8)

struct vmxhv_hw {
	__u32 valid;			/* VMXHV_HW_* */
	__u32 reason;			/* the whole exit-reason field */
	__u64 qualification;
	__u32 insn_len;
	__u32 insn_info;
	__u32 intr_info;
	__u32 intr_error;
	__u32 vectoring_info;
	__u32 vectoring_error;
	__u64 gla;
	__u64 gpa;
	__u32 cpu;			/* host CPU */
	__u32 reserved[9];
};

/*
 * INS and OUTS exit so only if the units can be stored, or have been read: where the guest's buffer
 * is no memory, or none to be written, the exit is MMIO, and the whole instruction is userspace's
 * to do; where the host has lost it, MEMORY_ERROR. That can come for data that INS has read, too,
 * with EXITF_PENDING: it is stored when RUN is called again.
 */
struct vmxhv_exit_io {
	__u16 port;
	__u8 width;			/* 1, 2 or 4 bytes */
	__u8 in;			/* 1: IN, 0: OUT */
	__u8 string;			/* 1: INS or OUTS; data is in the I/O page */
	__u8 rep;
	__u8 segment;			/* OUTS: 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS */
	__u8 address_size;		/* 2, 4 or 8 bytes */
	__u32 count;			/* units in this exit */
	__u32 data_offset;		/* from the start of the run area */
	__u32 data;			/* not string: OUT's value, or IN's result */
	__u32 reserved;
	__u64 done;			/* rep: iterations before these */
};

#define VMXHV_MMIO_READ		(1u << 0)
#define VMXHV_MMIO_WRITE	(1u << 1)
#define VMXHV_MMIO_FETCH	(1u << 2)
/*
 * The page walk did it, reading a paging-structure entry (and writing, where it sets accessed and
 * dirty flags): gpa is the entry, gva what was being translated. No instruction asked for it.
 */
#define VMXHV_MMIO_WALK		(1u << 3)

enum vmxhv_mmio_completion {
	VMXHV_MMIO_RETRY = 0,		/* run the instruction again */
	VMXHV_MMIO_RETIRE = 1,		/* done: advance RIP by retire_len */
	VMXHV_MMIO_FAULT = 2,		/* raise fault_vector */
	VMXHV_MMIO_ITERATION = 3,	/* REP: one is done and more are to come; RIP stays */
};

enum vmxhv_cpu_mode {
	VMXHV_MODE_REAL = 0,
	VMXHV_MODE_VM86 = 1,
	VMXHV_MODE_16 = 2,		/* protected, CS.D=0 */
	VMXHV_MODE_32 = 3,		/* protected or compatibility, CS.D=1 */
	VMXHV_MODE_64 = 4,
};

struct vmxhv_exit_mmio {
	__u64 gpa;
	__u64 gva;			/* valid if hw.valid says GLA */
	__u32 access;			/* VMXHV_MMIO_* */
	__u8 mode;			/* enum vmxhv_cpu_mode */
	__u8 insn_count;		/* bytes of insn[] that could be fetched */
	__u8 insn[15];
	__u8 reserved0[3];
	/*
	 * The user's answer, read by the next RUN; RETRY unless set. RETIRE meets the guest's
	 * breakpoints that watch the byte at gva.
	 */
	__u32 completion;		/* enum vmxhv_mmio_completion */
	__u32 retire_len;		/* 1 to 15 */
	__u8 fault_vector;
	__u8 fault_has_error;
	__u8 reserved1[2];
	__u32 fault_error;
	__u64 fault_address;		/* CR2 for #PF */
	__u64 reserved2[4];
};

struct vmxhv_exit_msr {
	__u32 index;
	__u32 fault;			/* the user's answer: 1, as it is at first, raises #GP */
	__u64 value;			/* WRITE: the value; READ: the user's answer */
};

/* What the guest will read, unless userspace changes it. */
struct vmxhv_exit_cpuid {
	__u32 function;			/* EAX */
	__u32 index;			/* ECX */
	__u32 eax;			/* these four: the user's answer, too */
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
};

/*
 * An exception of the guest's that it has not got yet: CR2, DR6 and the stack are as before, and
 * RIP is at the instruction (behind it for a #DB trap). With deliver set the guest gets it, or the
 * double fault that it makes. Else it goes on at RIP: into the same fault again, unless userspace
 * has done something about it. INT1's #DB is delivered without an exit.
 */
struct vmxhv_exit_exception {
	__u8 vector;
	__u8 has_error;
	__u8 has_payload;
	__u8 reserved;
	__u32 error_code;
	__u64 payload;			/* #PF: what CR2 will be; #DB: DR6 bits */
	__u32 deliver;			/* the user's answer: 0 at first */
	__u32 reserved2;
};

struct vmxhv_exit_hypercall {
	__u64 nr;			/* RAX */
	__u64 args[6];			/* RBX, RCX, RDX, RSI, RDI, RBP */
	__u64 result;			/* in: RAX for the guest */
};

struct vmxhv_exit_memory_error {
	__u64 gpa;
	__u64 hva;
	__u32 error;			/* a positive errno */
	__u32 reserved;
};

struct vmxhv_exit_fail_entry {
	__u32 insn_error;		/* VM-instruction error, or 0 */
	__u32 reason;			/* exit reason with bit 31, or 0 */
	__u32 rule;			/* id of the first rule found broken, or 0 */
	__u32 field;			/* VMCS encoding, or 0 */
	__u64 value;
	__u64 wanted;
	__u64 qualification;
	char text[96];			/* in words */
};

struct vmxhv_exit_internal {
	__u32 where;
	__u32 reserved;
	char text[96];
};

/* EXIT_DEBUG: kind is of VMXHV_DEBUG_*, more than one if they came together */
struct vmxhv_exit_debug {
	__u64 pc;			/* linear */
	__u64 dr6;			/* 3:0: points by their number; 14: a step is done */
	__u32 kind;
	__u32 reserved;
};

/*
 * GPRS: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, in the order of their encodings.
 *
 * Setting them (by SET_STATE, or as a dirty group once RUN has completed the last exit) gives RIP
 * too: an instruction that an exit left pending is not completed after that. COMPLETE_ONLY
 * completes it before.
 */
struct vmxhv_gprs {
	__u64 gpr[16];
	__u64 rip;
	__u64 rflags;
};

struct vmxhv_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u16 reserved;
	__u32 access;			/* access rights as the VMCS holds them; bit 16: unusable */
	__u32 reserved2;
};

struct vmxhv_table {
	__u64 base;
	__u16 limit;
	__u16 reserved[3];
};

struct vmxhv_sregs {
	struct vmxhv_segment es, cs, ss, ds, fs, gs, ldtr, tr;
	struct vmxhv_table gdtr, idtr;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 xcr0;
	__u64 efer;
	__u64 apic_base;
	__u64 pdpte[4];			/* valid in PAE paging; else 0 */
};

/*
 * An event in the form of the VM-entry interruption-information field; 0: none. insn_len is that of
 * an instruction that raised it. A pending #BP or #OF has that of INT3 or INTO with prefixes, or 0,
 * which means 1.
 */
struct vmxhv_event {
	__u32 info;
	__u32 error_code;
	__u32 insn_len;
	__u32 reserved;
	__u64 payload;			/* #PF: CR2, #DB: DR6 bits */
};

enum vmxhv_activity {
	VMXHV_ACTIVE = 0,
	VMXHV_HALTED = 1,
	VMXHV_SHUTDOWN = 2,
	VMXHV_WAIT_SIPI = 3,
};

struct vmxhv_events {
	struct vmxhv_event injected;	/* being delivered when the exit came */
	struct vmxhv_event pending;	/* an exception still to be delivered */
	__u8 nmi_pending;		/* 0 to 2; to 1 while one is served */
	__u8 nmi_blocked;
	__u8 sti_shadow;
	__u8 movss_shadow;
	__u8 smi;			/* must be 0 */
	__u8 sipi_vector;
	__u8 sipi_pending;
	__u8 extint_line;
	__u32 activity;			/* enum vmxhv_activity */
	__u8 extint_answered;		/* INTACK gave extint_vector, and it is not delivered yet */
	__u8 extint_vector;
	__u16 reserved;
};

struct vmxhv_debug_regs {
	__u64 dr[4];
	__u64 dr6;
	__u64 dr7;
};

struct vmxhv_lapic {
	__u8 regs[1024];		/* the architected registers, as the xAPIC page has them */
	__u64 tsc_deadline;
};

/* The guest's TSC is the host's, by khz / GET_INFO's tsc_khz, plus offset. It never stops. */
struct vmxhv_tsc {
	__u64 offset;
	__u64 adjust;			/* IA32_TSC_ADJUST */
	__u64 deadline;			/* IA32_TSC_DEADLINE */
	__u64 khz;			/* 0: the host's; another needs TSC scaling */
};

/* The run area. What stands in one 64-byte line has one writer. */
struct vmxhv_run {
	/* 0x000: the user's; each field is read once by RUN */
	__u32 user_flags;		/* VMXHV_USER_* */
	__u32 wanted;			/* groups to publish at each exit */
	__u32 dirty;			/* groups that the user changed; RUN clears it */
	__u8 kick;			/* not 0: RUN returns INTR before entering */
	__u8 intack_spurious;		/* answer to INTACK: 1 means no vector */
	__u8 intack_vector;
	__u8 reserved0;
	__u64 user_cr8;
	__u64 reserved1[5];

	/* 0x040: the kernel's */
	__u32 exit_reason;		/* enum vmxhv_exit */
	__u32 exit_flags;		/* VMXHV_EXITF_* */
	__u64 sequence;			/* exits to userspace so far */
	__u32 valid;			/* groups published */
	__u8 ready_for_injection;
	__u8 if_flag;
	__u8 shadow;			/* STI or MOV-SS */
	__u8 nmi_blocked;
	__u64 cr8;
	__u64 apic_base;
	__u64 tsc;			/* the host's, at the exit */
	__u64 reserved2[2];

	/* 0x080 */
	struct vmxhv_hw hw;

	/* 0x0e0 */
	union {
		struct vmxhv_exit_io io;
		struct vmxhv_exit_mmio mmio;
		struct vmxhv_exit_msr msr;
		struct vmxhv_exit_cpuid cpuid;
		struct vmxhv_exit_exception exception;
		struct vmxhv_exit_hypercall hypercall;
		struct vmxhv_exit_memory_error memory_error;
		struct vmxhv_exit_fail_entry fail_entry;
		struct vmxhv_exit_internal internal;
		struct vmxhv_exit_debug debug;
		__u8 eoi_vector;
		__u64 raw[20];
	} u;

	/* 0x180 */
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	struct vmxhv_events events;
};

#define VMXHV_RUN_IO_OFFSET	0x1000	/* one page of string and rep I/O data */
#define VMXHV_RUN_SIZE		0x2000

/* ---- state -------------------------------------------------------------------------------- */

enum vmxhv_state_group {
	VMXHV_STATE_GPRS = 0,		/* struct vmxhv_gprs */
	VMXHV_STATE_SREGS = 1,		/* struct vmxhv_sregs */
	VMXHV_STATE_EVENTS = 2,		/* struct vmxhv_events */
	VMXHV_STATE_DEBUG = 3,		/* struct vmxhv_debug_regs */
	VMXHV_STATE_XSAVE = 4,		/* an XSAVE image, standard format */
	VMXHV_STATE_LAPIC = 5,		/* struct vmxhv_lapic */
	VMXHV_STATE_TSC = 6,		/* struct vmxhv_tsc */
	VMXHV_STATE_GROUPS = 7,
};

struct vmxhv_state_entry {
	__u32 group;			/* enum vmxhv_state_group */
	__u32 length;			/* bytes at data; GET returns the bytes there are */
	__u64 data;
};

/*
 * One transaction: refused means unchanged, and GET_ERROR says group, field and rule.
 *
 * Two things are in no group: the rest of an instruction that userspace is to complete, and the
 * EOIs that it has not been told of. So before a vCPU is read to go on elsewhere, and before it is
 * given another's state: RUN with COMPLETE_ONLY until it ends with NONE, and see to each EOI.
 */
struct vmxhv_state {
	__u32 size;
	__u32 flags;
	__u32 count;			/* at most VMXHV_STATE_GROUPS, each group once */
	__u32 reserved;
	__u64 entries;			/* struct vmxhv_state_entry[] */
};

struct vmxhv_msr_entry {
	__u32 index;
	__u32 reserved;
	__u64 value;
};

struct vmxhv_msrs {
	__u32 size;
	__u32 flags;
	__u32 count;			/* in: entries; out: done, or that there are */
	__u32 reserved;
	__u64 entries;			/* struct vmxhv_msr_entry[] */
};

enum vmxhv_inject_kind {
	VMXHV_INJECT_EXCEPTION = 0,
	VMXHV_INJECT_NMI = 1,
	VMXHV_INJECT_INIT = 2,		/* taken before GET_STATE, SET_STATE; ends a shutdown */
	VMXHV_INJECT_SIPI = 3,
};

/*
 * #BP and #OF are injected as what an instruction at RIP raises, and push what is behind it. It has
 * one byte; if the last EXCEPTION, or DEBUG by INT3, was for that very instruction, then as many as
 * it has.
 */
struct vmxhv_inject {
	__u32 size;
	__u32 flags;
	__u32 kind;			/* enum vmxhv_inject_kind */
	__u8 vector;			/* EXCEPTION: 0-31; SIPI: the start page */
	__u8 has_error;
	__u8 has_payload;
	__u8 reserved;
	__u32 error_code;
	__u32 reserved2;
	__u64 payload;			/* #PF: CR2; #DB: DR6 bits */
};

struct vmxhv_extint {
	__u32 size;
	__u32 flags;
	__u32 level;			/* 0 or 1 */
	__u32 reserved;
};

struct vmxhv_lapic_access {
	__u32 size;
	__u32 flags;
	__u32 offset;			/* into the APIC page */
	__u32 length;			/* 4 */
	__u32 write;			/* 0 or 1 */
	__u32 value;
};

/*
 * An access that TRANSLATE is asked about: one of READ, WRITE and FETCH, or READ and WRITE, which
 * to the CPU is a write. USER: by code at CPL 3; else by the supervisor. IMPLICIT: by the CPU
 * itself, to a descriptor table or a TSS: a supervisor's access at any CPL, for which EFLAGS.AC
 * does not count.
 */
#define VMXHV_ACCESS_READ	(1u << 0)
#define VMXHV_ACCESS_WRITE	(1u << 1)
#define VMXHV_ACCESS_FETCH	(1u << 2)
#define VMXHV_ACCESS_USER	(1u << 3)	/* of rights: the page is a user-mode one */
#define VMXHV_ACCESS_IMPLICIT	(1u << 4)

enum vmxhv_translation {
	VMXHV_TRANSLATED = 0,		/* gpa, page_size and rights */
	VMXHV_TRANSLATE_FAULT = 1,	/* vector and error_code; cr2 for #PF */
	VMXHV_TRANSLATE_NO_TABLE = 2,	/* gpa: a paging-structure entry where no memory is */
};

/*
 * What the access would do, with the vCPU's registers as they were at the last exit (dirty groups
 * are not applied yet). It has no side effect: accessed and dirty flags stay as they are.
 * Whether there is memory at gpa is another matter: see MEMORY.
 *
 * SET_FLAGS: for who does the access. If it is allowed, accessed and dirty flags are set as it sets
 * them, atomically, but not in READONLY memory. The dirty log has that, and the page at gpa where
 * the access writes: call it before the write for the flags, and behind it for a log that is read
 * meanwhile.
 * ONES: a paging-structure entry where no memory is reads as all ones, as it does where nothing
 * answers; there is no NO_TABLE then.
 * MEMORY: rights has VMXHV_ON_MEMORY() of READ, WRITE and FETCH, too, as far as the memory at gpa
 * lets a guest do that. What it does not let it do exits as MMIO.
 */
#define VMXHV_TRANSLATE_SET_FLAGS	(1u << 0)
#define VMXHV_TRANSLATE_ONES		(1u << 1)
#define VMXHV_TRANSLATE_MEMORY		(1u << 2)

#define VMXHV_ON_MEMORY(access)		((access) << 8)

struct vmxhv_translate {
	__u32 size;
	__u32 flags;			/* VMXHV_TRANSLATE_* */
	__u64 gva;			/* linear; outside long mode the low 32 bits count */
	__u32 access;			/* VMXHV_ACCESS_* */
	/* out; 0 where the result does not use it */
	__u32 result;			/* enum vmxhv_translation */
	__u64 gpa;
	__u64 page_size;		/* bytes; 4096 where paging is off */
	__u32 rights;			/* what such code may do: READ, WRITE, FETCH; and USER */
	__u32 vector;			/* 14, or 13: not canonical (12 if through SS) */
	__u32 error_code;
	__u32 reserved;			/* must be 0 */
	__u64 cr2;
};

/*
 * DEBUG: what exits as EXIT_DEBUG from now on. The guest sees nothing of it: its own TF and debug
 * registers work on, and come first: a point for which they leave no register is not watched, and
 * RUN says so, before anything else, by EXIT_DEBUG of kind UNWATCHED. All zeros: nothing any more.
 *
 * A step is an instruction, one iteration of a repeated one, MOV SS with the instruction behind
 * it, or the delivery of an event: it then ends at the handler's first instruction. INT3 exits
 * before it is done; INJECT of vector 3 gives it to the guest. A point of kind EXEC exits before
 * the instruction, and RUN does not stop there again; the others exit behind it. What userspace
 * does for the guest (MMIO, string I/O) meets no watchpoint.
 */
#define VMXHV_DEBUG_STEP	(1u << 0)
#define VMXHV_DEBUG_INT3	(1u << 1)
#define VMXHV_DEBUG_POINT	(1u << 2)	/* in exits only */
#define VMXHV_DEBUG_UNWATCHED	(1u << 3)	/* in exits only, alone; dr6: the points */

enum vmxhv_point_kind {
	VMXHV_POINT_NONE = 0,
	VMXHV_POINT_EXEC = 1,
	VMXHV_POINT_WRITE = 2,
	VMXHV_POINT_ACCESS = 3,		/* data read or written */
};

struct vmxhv_debug_point {
	__u64 address;			/* linear; a multiple of length */
	__u8 kind;			/* enum vmxhv_point_kind; NONE: all is 0 */
	__u8 length;			/* 1, 2, 4 or 8; EXEC: 1 */
	__u8 reserved[6];
};

struct vmxhv_debug {
	__u32 size;
	__u32 flags;
	__u32 control;			/* VMXHV_DEBUG_STEP, _INT3 */
	__u32 reserved;
	struct vmxhv_debug_point point[4];
};

/* What vmxhv_error.code means: which kind of thing item and index name. */
enum vmxhv_error_code {
	VMXHV_ERR_NONE = 0,
	VMXHV_ERR_ARGUMENT = 1,		/* item: byte offset of the field in the structure */
	VMXHV_ERR_MEM_OP = 2,		/* index: the operation; item: offset of the field in it */
	VMXHV_ERR_STATE = 3,		/* index: the group; item: offset of the field in it */
	VMXHV_ERR_MSR = 4,		/* index: the entry; item: the MSR */
	VMXHV_ERR_CPUID = 5,		/* index: the entry; item: the leaf */
	VMXHV_ERR_RUN = 6,		/* item: offset of the field in the run area */
	VMXHV_ERR_VMX = 7,		/* item: the MSR */
	VMXHV_ERR_LIMIT = 8,		/* wanted: the limit */
	VMXHV_ERR_RANGE = 9,		/* index: the range; item: offset of the field in it */
};

struct vmxhv_error {
	__u32 size;
	__u32 flags;
	__s32 error;			/* the errno given, as a positive number */
	__u32 code;			/* enum vmxhv_error_code */
	__u32 index;
	__u32 item;
	__u64 value;
	__u64 wanted;
	char text[96];
};

#endif /* VMXHV_H */

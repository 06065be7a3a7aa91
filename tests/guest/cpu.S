/* SPDX-License-Identifier: GPL-2.0-only */
/* Long mode: what the instructions that exit leave behind, and the faults that they raise. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	mode, cpuid_leaves, exceptions, page_fault, msrs_unknown, vmx_instructions
	CASES	cr0_writes, cr4_writes, xsetbv_values, single_step, efer_writes, cr8_writes
	CASES	msr_roundtrip, debug_registers, double_fault, triple_fault, hypercall
	CASES	lmsw_clts, wbinvd_invd, rdtsc_monotonic, user_mode
	.code64
#include "idt64.inc"

.macro SHOW_MSR index:req
	movl	$\index, %ecx
	rdmsr
	VALUE
.endm
.macro SET_MSR index:req, high:req, low:req
	movl	$\index, %ecx
	movl	$\high, %edx
	movl	$\low, %eax
	wrmsr
.endm
.macro TRY_SET_MSR index:req, high:req, low:req
	movl	$\index, %ecx
	movl	$\high, %edx
	movl	$\low, %eax
	TRY	wrmsr
.endm

mode:
	movl	%cs, %eax
	VALUE
	SHOW_MSR 0xc0000080
	movq	%cr0, %rax
	VALUE
	movq	%cr4, %rax
	VALUE
	movq	%cr3, %rax
	VALUE
	DONE

cpuid_leaves:
	movl	$1, %eax
	cpuid
	shrl	$31, %ecx
	REPORT	%ecx
	movl	$1, %eax
	cpuid
	shrl	$5, %ecx
	andl	$1, %ecx
	REPORT	%ecx
	movl	$0x40000000, %eax
	cpuid
	REPORT	%ebx
	REPORT	%ecx
	REPORT	%edx
	/* the high halves are cleared, and CPUID moved on by its two bytes */
	movq	$-1, %rbx
	movl	$0x80000000, %eax
	cpuid
	shrq	$32, %rbx
	REPORT	%ebx
	DONE

exceptions:
	USE_IDT
	TRY	ud2
	xorl	%ecx, %ecx
	movl	$1, %eax
	xorl	%edx, %edx
	TRY	divl %ecx
	movabsq	$0x8000000000000000, %rbx
	TRY	movl (%rbx), %ecx
	TRY	int3
	movl	$0x58, %ecx
	TRY	movw %cx, %ds
	movabsq	$0x8000000000000000, %rbp
	TRY	movl (%rbp), %ecx
	DONE

page_fault:
	USE_IDT
	movl	$0x40001234, %ebx
	TRY	movl (%rbx), %ecx
	movq	%cr2, %rax
	VALUE
	movl	$0x40005678, %ebx
	TRY	movl %ecx, (%rbx)
	movq	%cr2, %rax
	VALUE
	DONE

msrs_unknown:
	USE_IDT
	movl	$0xdeadbeef, %ecx
	TRY	rdmsr
	movl	$0xdeadbeef, %ecx
	TRY	wrmsr
	movl	$0x480, %ecx
	TRY	rdmsr
	DONE

vmx_instructions:
	USE_IDT
	movl	$DATA_BASE, %ebx
	TRY	vmxon (%rbx)
	TRY	vmxoff
	TRY	vmclear (%rbx)
	TRY	vmptrld (%rbx)
	TRY	vmptrst (%rbx)
	TRY	vmread %rax, %rdx
	TRY	vmwrite %rax, %rdx
	TRY	vmlaunch
	TRY	vmresume
	TRY	invept (%rbx), %rax
	TRY	invvpid (%rbx), %rax
	DONE

cr0_writes:
	USE_IDT
	fninit
	movq	%cr0, %rbx
	movq	%rbx, %rax
	orq	$0x8, %rax		/* TS on */
	movq	%rax, %cr0
	TRY	fnop
	TRY	movaps %xmm0, %xmm1
	movq	%cr0, %rax
	VALUE
	clts
	fnop
	movq	%rbx, %rax
	andq	$~0x10020, %rax		/* WP and NE off */
	movq	%rax, %cr0
	movq	%cr0, %rax
	VALUE
	movq	%rbx, %cr0
	movq	%cr0, %rax
	VALUE
	movq	%rbx, %rax
	andq	$~1, %rax		/* PG without PE */
	TRY	movq %rax, %cr0
	movq	%rbx, %rax
	orq	$0x20000000, %rax	/* NW without CD */
	TRY	movq %rax, %cr0
	movabsq	$0x100000000, %rax
	orq	%rbx, %rax
	TRY	movq %rax, %cr0
	movq	%rbx, %rax
	orq	$0x1000, %rax		/* a reserved bit below 32 is ignored */
	movq	%rax, %cr0
	movq	%cr0, %rax
	VALUE
	movq	%rbx, %cr0
	DONE

cr4_writes:
	USE_IDT
	movq	%cr4, %rbx
	movq	%rbx, %rax
	orq	$0x88, %rax		/* PGE, DE */
	movq	%rax, %cr4
	movq	%cr4, %rax
	VALUE
	movq	%rbx, %cr4
	movq	%rbx, %rax
	orq	$0x2000, %rax		/* VMXE is not the guest's */
	TRY	movq %rax, %cr4
	movq	%rbx, %rax
	orl	$0x80000000, %eax
	TRY	movq %rax, %cr4
	movq	%rbx, %rax
	andq	$~0x20, %rax		/* PAE off in long mode */
	TRY	movq %rax, %cr4
	movq	%cr4, %rax
	VALUE
	DONE

xsetbv_values:
	USE_IDT
	movl	$1, %eax
	cpuid
	shrl	$26, %ecx
	andl	$1, %ecx
	REPORT	%ecx
	jz	1f
	movq	%cr4, %rax
	orq	$0x40000, %rax
	movq	%rax, %cr4
.irp value, 1, 3, 7
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$\value, %eax
	xsetbv
	xgetbv
	VALUE
.endr
.irp value, 0, 2, 5, 0x80000003
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$\value, %eax
	TRY	xsetbv
.endr
	movl	$1, %ecx
	xorl	%edx, %edx
	movl	$1, %eax
	TRY	xsetbv
	xorl	%ecx, %ecx
	xgetbv
	VALUE
1:	DONE

/* RFLAGS.TF: the trap comes once, behind the instruction that exited */
single_step:
	USE_IDT
	xorl	%eax, %eax
	movq	%rax, %dr6
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	pushfq
	orl	$0x100, (%rsp)
	popfq
7:	cpuid
	nop
	nop
8:	movq	%dr6, %rax
	VALUE
	DONE

efer_writes:
	USE_IDT
	SET_MSR	0xc0000080, 0, 0x501
	SHOW_MSR 0xc0000080
	TRY_SET_MSR 0xc0000080, 0, 0x400		/* LME off while paging */
	TRY_SET_MSR 0xc0000080, 1, 0x500
	SET_MSR	0xc0000080, 0, 0x100		/* LMA is not written */
	SHOW_MSR 0xc0000080
	DONE

cr8_writes:
	USE_IDT
	movl	$5, %eax
	movq	%rax, %cr8
	xorl	%eax, %eax
	movq	%cr8, %rax
	VALUE
	movl	$16, %eax
	TRY	movq %rax, %cr8
	xorl	%eax, %eax
	movq	%rax, %cr8
	movq	%cr8, %rax
	VALUE
	DONE

msr_roundtrip:
	USE_IDT
.macro CHECK_MSR index:req
	SET_MSR	\index, 0, 0x12340000 + ((\index) & 0xfff)
	SHOW_MSR \index
.endm
.irp index, 0x81, 0x82, 0x83, 0x84, 0x100, 0x101, 0x102
	CHECK_MSR 0xc0000000 + \index
.endr
.irp index, 0x174, 0x175, 0x176
	CHECK_MSR \index
.endr
	swapgs
	SHOW_MSR 0xc0000101
	TRY_SET_MSR 0xc0000082, 0x80000000, 0	/* not canonical */
	SET_MSR	0x277, 0x00070106, 0x00070106
	SHOW_MSR 0x277
	TRY_SET_MSR 0x277, 0, 2			/* no such memory type */
	DONE

debug_registers:
	movl	$0x1111, %eax
	movq	%rax, %dr0
	movl	$0x2222, %eax
	movq	%rax, %dr1
	movl	$0x3333, %eax
	movq	%rax, %dr2
	movl	$0x4444, %eax
	movq	%rax, %dr3
	cpuid
	movq	%dr0, %rax
	VALUE
	movq	%dr1, %rax
	VALUE
	movq	%dr2, %rax
	VALUE
	movq	%dr3, %rax
	VALUE
	movq	%dr7, %rax
	VALUE
	DONE

/* #PF whose gate is not present: #NP while delivering #PF makes #DF */
double_fault:
	USE_IDT
	movb	$0x0e, idt + 14 * 16 + 5(%rip)
	movl	$0x40001234, %ebx
	TRY	movl (%rbx), %ecx
	movb	$0x8e, idt + 14 * 16 + 5(%rip)
	DONE

/* no IDT at all */
triple_fault:
	REPORT	$1
	lidt	no_idt(%rip)
	ud2
	REPORT	$2
	DONE

hypercall:
	movl	$0x11, %eax
	movl	$0x22, %ebx
	movl	$0x33, %ecx
	movl	$0x44, %edx
	movl	$0x55, %esi
	movl	$0x66, %edi
	movl	$0x77, %ebp
	vmcall
	VALUE
	DONE

lmsw_clts:
	USE_IDT
	movl	$0xb, %eax		/* TS MP PE */
	lmsw	%ax
	smsw	%eax
	andl	$0xffff, %eax
	VALUE
	clts
	movl	$0, %eax		/* LMSW cannot clear PE */
	lmsw	%ax
	movq	%cr0, %rax
	andl	$0xffff, %eax
	VALUE
	DONE

wbinvd_invd:
	wbinvd
	REPORT	$1
	invd
	REPORT	$2
	DONE

rdtsc_monotonic:
	rdtsc
	shlq	$32, %rdx
	movl	%eax, %ebx
	orq	%rdx, %rbx
	cpuid
	rdtsc
	shlq	$32, %rdx
	movl	%eax, %eax
	orq	%rdx, %rax
	cmpq	%rbx, %rax
	seta	%al
	movzbl	%al, %eax
	VALUE
	DONE

/* ring 3: I/O and HLT are #GP there, CPUID is not */
user_mode:
	USE_IDT
	RING_3
	cpuid
	TRY	hlt
	TRY	inb $PORT_DONE, %al
	xorl	%r15d, %r15d		/* the way out: the handler ends the case */
	leaq	2f(%rip), %r14
2:	ud2

no_idt:
	.word	0
	.quad	0

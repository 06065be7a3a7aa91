/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways between rings and modes under a 64-bit kernel: call gates, conforming code, SYSENTER, far
 * returns; segments in compatibility mode.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	from_ring_3, from_compatibility, conforming, refused, sysenter_case
	CASES	segments, mmio_segment
	.code64
#include "idt64.inc"

#define GATE		0x53
#define CONFORMING	0x63
#define GATE_ABSENT	0x6b
#define GATE_RING_0	0x7b
#define SMALL		0x88
#define READ_ONLY	0x93
#define EXPAND_DOWN	0x9b
#define DEVICE		0xa3
#define DEVICE_BASE	0x20000000

.macro BEGIN
	lgdt	gdtr(%rip)
	USE_IDT
	xorl	%ebx, %ebx
.endm
/* what follows in ring 3 faults, and that ends the case */
.macro LAST
	xorl	%r15d, %r15d
	leaq	7f(%rip), %r14
.endm

.macro COMPATIBLE_RING_3
	pushq	$SEL_USER_DATA
	pushq	$STACK_TOP - 0x400
	pushq	$2
	pushq	$SEL_USER_CODE32
	leaq	1f(%rip), %rax
	pushq	%rax
	iretq
	.code32
1:
.endm

/* an exit on the way, and back by a far return to an outer ring */
target:
	movl	%cs, %eax
	VALUE
	movl	%ss, %eax
	VALUE
	movl	8(%rsp), %eax		/* CS and SS of the caller */
	VALUE
	movl	24(%rsp), %eax
	VALUE
	REPORT	%ebx
	xorl	%eax, %eax
	cpuid
	lretq

from_ring_3:
	BEGIN
	LAST
	RING_3
	lcall	*gate(%rip)
7:	hlt

from_compatibility:
	BEGIN
	LAST
	COMPATIBLE_RING_3
	lcall	$GATE, $0
7:	hlt
	.code64

/* CPL stays 3 there; a gate tells */
conforming:
	BEGIN
	LAST
	RING_3
	lcall	*conforming_code(%rip)
	lcall	*gate(%rip)
7:	hlt
in_conforming:
	movl	%cs, %ebx
	lretl				/* as wide as the call */

refused:
	BEGIN
	RING_3
	TRY	lcall *gate_absent(%rip)
	TRY	lcall *gate_ring_0(%rip)
	TRY	ljmp *gate(%rip)
	TRY	lcall *code_ring_0(%rip)
	LAST
7:	hlt

.macro SET_MSR index:req, value:req
	movl	$\index, %ecx
	movl	$\value, %eax
	xorl	%edx, %edx
	wrmsr
.endm
sysenter_case:
	BEGIN
	SET_MSR	0x174, SEL_CODE64
	SET_MSR	0x175, (STACK_TOP - 0x100)
	SET_MSR	0x176, entered
	LAST
	RING_3
	sysenter
entered:
	movl	%cs, %eax
	VALUE
	movl	%ss, %eax
	VALUE
	movl	%esp, %eax
	VALUE
	leaq	7f(%rip), %rdx
	movl	$STACK_TOP - 0x400, %ecx
	sysexitq
7:	hlt

/* 32-bit code; a fault there is reported, and FFH if there is none */
.macro COMPATIBLE insn:vararg
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	pushq	$SEL_CODE32
	pushq	%r14
	lretq
	.code32
7:	\insn
	ljmp	$SEL_CODE64, $9f
8:	ljmp	$SEL_CODE64, $10f
	.code64
9:	REPORT	$0xff
10:
.endm
segments:
	BEGIN
	movl	$SMALL, %eax
	movl	%eax, %ds
	COMPATIBLE	movl 12, %ecx
	COMPATIBLE	movl 13, %ecx
	COMPATIBLE	movb $1, 15
	COMPATIBLE	movb $1, 16
	movl	16, %ecx		/* 64-bit mode knows no limit, and no base */
	movl	$READ_ONLY & ~3, %eax
	movl	%eax, %es
	COMPATIBLE	movl %es:8, %ecx
	COMPATIBLE	movl %ecx, %es:8
	movl	$EXPAND_DOWN & ~3, %eax
	movl	%eax, %es
	COMPATIBLE	movl %es:15, %ecx
	COMPATIBLE	movl %es:16, %ecx
	xorl	%eax, %eax
	movl	%eax, %es
	COMPATIBLE	movl %es:8, %ecx
	movl	%ss, %edx
	movl	$SMALL, %eax
	movl	%eax, %ss
	COMPATIBLE	movl %ss:13, %ecx
	movl	%edx, %ss
	COMPATIBLE	movl %cs:entered, %ecx
	COMPATIBLE	movl %ecx, %cs:entered
	movl	%edx, %ds
	DONE

/* where no memory is, by a segment with a base, from ring 3 of compatibility mode */
mmio_segment:
	BEGIN
	LAST
	movl	$DEVICE, %eax
	movl	%eax, %gs
	COMPATIBLE_RING_3
	movl	$0x40, %edx
	movl	%gs:(%edx), %ebx
	lcall	$GATE, $0
7:	hlt
	.code64

.macro FAR name:req, selector:req, offset=0
\name:
	.long	\offset
	.word	\selector
.endm
	FAR	gate, GATE
	FAR	gate_absent, GATE_ABSENT
	FAR	gate_ring_0, GATE_RING_0
	FAR	conforming_code, CONFORMING, in_conforming
	FAR	code_ring_0, SEL_CODE64, target

	.balign	8
gdtr:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.balign	8
.macro CALL_GATE type:req
	.word	target, SEL_CODE64, \type << 8, 0
	.quad	0
.endm
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* SEL_CODE64 */
	.quad	0x00cf93000000ffff	/* SEL_DATA */
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
	.word	0x67, TSS_BASE, 0x8b00, 0	/* SEL_TSS */
	.quad	0
	.quad	0x00009b000000ffff	/* SEL_CODE16 */
	.quad	0x00cff3000000ffff	/* SEL_USER_DATA */
	.quad	0x00affb000000ffff	/* SEL_USER_CODE64 */
	.quad	0x00cffb000000ffff	/* SEL_USER_CODE32 */
	CALL_GATE 0xec			/* GATE */
	.quad	0x00af9f000000ffff	/* CONFORMING */
	CALL_GATE 0x6c			/* GATE_ABSENT */
	CALL_GATE 0x8c			/* GATE_RING_0 */
	.word	15, DATA_BASE, 0x9300, 0x40	/* SMALL */
	.word	15, DATA_BASE, 0xf100, 0x40	/* READ_ONLY */
	.word	15, DATA_BASE, 0xf700, 0x40	/* EXPAND_DOWN */
	.word	0xfff, 0, 0xf300, 0x2040	/* DEVICE */
gdt_end:

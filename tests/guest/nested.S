/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events whose delivery the host has made impossible, by a gate or its stack. What arrives in the
 * end reports vector, error code and how far RIP is, and ends the case.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	divide, trap, breakpoint, invalid, absent, stack, protection, page, alignment
	CASES	software, outside, idt	/* the last one is no case: the host changes the gates */
	.code64
#include "idt64.inc"

.macro BEGIN
	USE_IDT
	leaq	7f(%rip), %r14
	xorl	%r15d, %r15d
	xorl	%eax, %eax
	movq	%rax, %cr2
.endm

/* the first event */
.macro FIRST insn:vararg
	BEGIN
7:	\insn
	REPORT	$0xff
	DONE
.endm

divide:
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	FIRST	divl %ecx

/* behind the NOP */
trap:
	BEGIN
	pushfq
	orl	$0x100, (%rsp)
	popfq
	nop
7:	REPORT	$0xff
	DONE

breakpoint:
	FIRST	int3

invalid:
	FIRST	ud2

absent:
	movl	$0x50, %ecx
	FIRST	movw %cx, %ds

stack:
	movabsq	$0x8000000000000000, %rbp
	FIRST	movl (%rbp), %ecx

protection:
	movabsq	$0x8000000000000000, %rbx
	FIRST	movl (%rbx), %ecx

page:
	movl	$0x40001234, %ebx
	FIRST	movl (%rbx), %ecx

alignment:
	movq	%cr0, %rax
	orl	$0x40000, %eax		/* AM */
	movq	%rax, %cr0
	BEGIN
	RING_3
	pushq	$0x40202
	popfq
7:	movl	DATA_BASE + 1, %eax
	ud2

software:
	FIRST	int $0x50

/* an NMI, or an interrupt; IRET ends what the last NMI began and nobody ended */
outside:
	BEGIN
	pushq	$SEL_DATA
	pushq	$STACK_TOP
	pushq	$0x202
	pushq	$SEL_CODE64
	leaq	1f(%rip), %rax
	pushq	%rax
	iretq
1:	outb	%al, $0xf0
7:	nop
	REPORT	$0xff
	DONE

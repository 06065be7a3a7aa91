/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interrupt from one vCPU to another: the sender notes the time and writes ICR, the receiver's
 * handler notes the time. Both wait with interrupts on and without PAUSE, which a hypervisor may
 * let exit. Their APICs are in xAPIC mode, or as PAIR_X2APIC says in x2APIC mode.
 */
#include "guest.inc"
#include "pair.h"
	.globl	_start
_start:
	CASES	spin, halt, send
	.code64

#define APIC_BASE	0x1b
#define X2APIC		0xc00

#define APIC_PAGE	0xfee00000
#define EOI		0xb0
#define SVR		0xf0
#define ICR		0x300
#define ICR2		0x310
#define MSR_OF(reg)	(0x800 + ((reg) >> 4))

#define SVR_ENABLED	0x1ff
#define RECEIVER	1		/* its APIC's ID */

/* the TSC in RAX */
.macro NOW
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
.endm

/* 32 bits of a register in either mode; RBP is the page */
.macro WRITE reg:req, value:req
	cmpl	$0, PAIR_X2APIC
	jne	7f
	movl	$\value, \reg(%rbp)
	jmp	8f
7:	movl	$MSR_OF(\reg), %ecx
	movl	$\value, %eax
	xorl	%edx, %edx
	wrmsr
8:
.endm

.macro USE_APIC
	movl	$APIC_PAGE, %ebp
	lidt	idtr(%rip)
	cmpl	$0, PAIR_X2APIC
	je	6f
	movl	$APIC_BASE, %ecx
	rdmsr
	orl	$X2APIC, %eax
	wrmsr
6:	WRITE	SVR, SVR_ENABLED
	sti
.endm

/* The receivers. The sender has another stack. */
spin:
	movl	$STACK_TOP - 0x400, %esp
	USE_APIC
	movl	$1, PAIR_READY
1:	incl	%ebx
	jmp	1b

halt:
	movl	$STACK_TOP - 0x400, %esp
	USE_APIC
	movl	$1, PAIR_READY
1:	hlt
	jmp	1b

taken:
	NOW
	movq	%rax, PAIR_SEEN
	WRITE	EOI, 0
	iretq

ended:
	WRITE	EOI, 0
	DONE

/* PAIR_COUNT times: wait, send, and wait until it was taken */
send:
	USE_APIC
	cmpl	$0, PAIR_X2APIC
	jne	4f
	movl	$RECEIVER << 24, ICR2(%rbp)	/* it stays */
4:
	movl	PAIR_COUNT, %esi
	movl	$PAIR_TIMES, %edi
1:	movq	$0, PAIR_SEEN
	NOW
	movl	PAIR_PAUSE, %ebx
	addq	%rax, %rbx
2:	NOW
	cmpq	%rbx, %rax
	jb	2b
	call	send_one
3:	cmpq	$0, PAIR_SEEN
	je	3b
	movq	PAIR_SEEN, %rax
	subq	PAIR_SENT, %rax
	movq	%rax, (%rdi)
	addq	$8, %rdi
	decl	%esi
	jnz	1b
	DONE

send_one:
	cmpl	$0, PAIR_X2APIC
	jne	1f
	NOW
	movq	%rax, PAIR_SENT
	movl	$PAIR_VECTOR, ICR(%rbp)
	ret
1:	movl	$MSR_OF(ICR), %ecx
	NOW
	movq	%rax, PAIR_SENT
	movl	$PAIR_VECTOR, %eax
	movl	$RECEIVER, %edx
	wrmsr
	ret

	.balign	16
idtr:
	.word	(PAIR_END + 1) * 16 - 1
	.quad	idt
	.balign	16
idt:
	.skip	PAIR_VECTOR * 16
	GATE64	taken
	.skip	(PAIR_END - PAIR_VECTOR - 1) * 16
	GATE64	ended

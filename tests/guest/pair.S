/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interrupt from one vCPU to another: the sender notes the time and writes ICR, the receiver's
 * handler notes the time. Both have x2APICs, and wait with interrupts on and without PAUSE, which
 * a hypervisor may let exit.
 */
#include "guest.inc"
#include "pair.h"
	.globl	_start
_start:
	CASES	spin, halt, send
	.code64

#define APIC_BASE	0x1b
#define X2APIC		0xc00
#define SVR		0x80f
#define EOI		0x80b
#define ICR		0x830

.macro USE_APIC
	lidt	idtr(%rip)
	movl	$APIC_BASE, %ecx
	rdmsr
	orl	$X2APIC, %eax
	wrmsr
	movl	$SVR, %ecx
	movl	$0x1ff, %eax
	xorl	%edx, %edx
	wrmsr
	sti
.endm

/* the TSC in RAX */
.macro NOW
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
.endm

.macro END_INTERRUPT
	movl	$EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
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
	END_INTERRUPT
	iretq

ended:
	END_INTERRUPT
	DONE

/* PAIR_COUNT times: wait, send, and wait until it was taken */
send:
	USE_APIC
	movl	PAIR_COUNT, %esi
	movl	$PAIR_TIMES, %edi
1:	movq	$0, PAIR_SEEN
	NOW
	movl	PAIR_PAUSE, %ebx
	addq	%rax, %rbx
2:	NOW
	cmpq	%rbx, %rax
	jb	2b
	movl	$ICR, %ecx
	NOW
	movq	%rax, PAIR_SENT
	movl	$PAIR_VECTOR, %eax
	movl	$1, %edx		/* to APIC 1 */
	wrmsr
3:	cmpq	$0, PAIR_SEEN
	je	3b
	movq	PAIR_SEEN, %rax
	subq	PAIR_SENT, %rax
	movq	%rax, (%rdi)
	addq	$8, %rdi
	decl	%esi
	jnz	1b
	DONE

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

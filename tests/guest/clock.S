/* SPDX-License-Identifier: GPL-2.0-only */
/* Time as the guest sees it: its TSC, and sleeps that the APIC timer ends. */
#include "guest.inc"
#include "clock.h"
	.globl	_start
_start:
	CASES	stamp, sleep, ticks
	.code64
#include "idt64.inc"

#define TIMER	0x60

.macro X2APIC reg:req, value:req
	movl	$0x800 + (\reg >> 4), %ecx
	movl	$\value, %eax
	xorl	%edx, %edx
	wrmsr
.endm

/* the TSC, to memory */
.macro STAMP where:req
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, \where
.endm

.macro ENABLE
	USE_IDT
	movl	$0x1b, %ecx
	rdmsr
	orl	$0xc00, %eax
	wrmsr
	movl	$EOI_X2APIC, irq_eoi(%rip)
	movl	$0, irq_count(%rip)
	X2APIC	0xf0, 0x1ff
	X2APIC	0x3e0, 0xb			/* divide by 1 */
.endm

stamp:
	STAMP	CLOCK_STAMPS
	DONE

/* halted for RBX cycles of its TSC */
sleep:
	ENABLE
	X2APIC	0x320, 0x40000 + TIMER		/* TSC deadline */
	mfence
	STAMP	CLOCK_STAMPS
	addq	%rbx, %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$0x6e0, %ecx
	wrmsr
	sti
	hlt
	cli
	STAMP	CLOCK_STAMPS + 8
	DONE

/* halted by turns: CLOCK_TICKS interrupts, EBX timer cycles apart, a stamp for each */
ticks:
	ENABLE
	X2APIC	0x320, 0x20000 + TIMER		/* periodic */
	movl	$0x838, %ecx
	movl	%ebx, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CLOCK_STAMPS, %edi
	movl	$CLOCK_TICKS, %esi
1:	sti
	hlt
	cli
	STAMP	(%rdi)
	addl	$8, %edi
	decl	%esi
	jnz	1b
	X2APIC	0x380, 0
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU may do of the local APIC by itself: what it costs the guest, in ticks, and what it
 * leaves behind. Each case comes twice: through the page, and as MSRs.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	x_costs, x_batch, x_level, x_in_service, x_goes_on, x_halted, x_burst, x_closed
	CASES	x_masks
	CASES	x2_costs, x2_batch, x2_level, x2_in_service, x2_goes_on, x2_halted, x2_burst
	CASES	x2_closed
	CASES	leave
	.code64
#include "idt64.inc"
#include "apic.inc"

#define EOI	0xb0
#define LDR	0xd0
#define DFR	0xe0
#define LVT0	0x350
#define SELF_IPI 0x3f0
#define TIMES	100
#define CLOSED	10000000	/* longer than some ticks of a host */

/* reports the ticks that TIMES of @op took: EAX, EDX and ECX are the operation's */
.macro COST op:vararg
	movl	$TIMES, %esi
	rdtsc
	movl	%eax, %r8d
2:	\op
	decl	%esi
	jnz	2b
	rdtsc
	subl	%r8d, %eax
	VALUE
.endm

/* to itself, interrupts as they are */
.macro SEND_SELF mode:req, vector:req
	.if	\mode == X2
	WRITE	X2, SELF_IPI, \vector
	.else
	WRITE	1, ICR, (0x40000 + \vector)
	.endif
.endm

.macro TAKE
	sti
	nop
	nop
	nop
	nop
	cli
.endm

.macro BEGIN mode:req, quiet:req
	ENABLE	\mode
	movl	$\quiet, irq_quiet(%rip)
.endm

.macro ALL mode:req, prefix:req
\prefix\()_costs:
	BEGIN	\mode, 1
	COST	WRITE \mode, TPR, 0x20
	COST	READ \mode, TPR
	COST	WRITE \mode, EOI, 0
	COST	READ \mode, SVR
	COST	SEND_SELF \mode, 0x70
	xorl	%edi, %edi
	COST	movq %rdi, %cr8
	COST	movq %cr8, %rdi
	AWAIT	1
	REPORT	irq_count(%rip)
	DONE

/* eight interrupts wait: how long until all are done? */
\prefix\()_batch:
	BEGIN	\mode, 1
	.irp	class, 4, 5, 6, 7, 8, 9, 10, 11
	SEND_SELF \mode, (\class * 16)
	.endr
	jmp	\prefix\()_take

/* the same, but the host has sent them */
\prefix\()_burst:
	BEGIN	\mode, 1
	outb	%al, $PORT_DONE		/* now it does */
\prefix\()_take:
	rdtsc
	movl	%eax, %r8d
	AWAIT	8
	rdtsc
	subl	%r8d, %eax
	VALUE
	REPORT	irq_count(%rip)
	DONE

/* one waits for as long as interrupts are masked, whatever the host is interrupted by */
\prefix\()_closed:
	BEGIN	\mode, 1
	TAKE
	SEND_SELF \mode, 0x50
	movl	$CLOSED, %esi
1:	decl	%esi
	jnz	1b
	REPORT	irq_count(%rip)
	AWAIT	1
	REPORT	irq_count(%rip)
	DONE

/* one level-triggered, then the same vector by edge: both end here */
\prefix\()_level:
	BEGIN	\mode, 0
	AWAIT	2
	DONE

/* 55H stays in service, and 45H has to wait for it */
\prefix\()_in_service:
	BEGIN	\mode, 0
	movl	$EOI_NONE, irq_eoi(%rip)
	SEND_SELF \mode, 0x55
	TAKE
	SEND_SELF \mode, 0x45
	TAKE
	DONE

/* perhaps on another vCPU: 55H ends, 45H comes */
\prefix\()_goes_on:
	USE_IDT
	movl	$\mode, irq_eoi(%rip)
	movl	$0, irq_quiet(%rip)
	sti
	REPORT	$1
	WRITE	\mode, EOI, 0
	nop
	REPORT	$2
	cli
	DONE

/* what is pending ends HLT; what comes while TPR holds it back does not count */
\prefix\()_halted:
	BEGIN	\mode, 0
	SEND_SELF \mode, 0x66
	sti
	hlt
	cli
	REPORT	$9
	DONE
.endm

	ALL	1, x
	ALL	X2, x2

/* all ones: what the registers keep of them */
x_masks:
	BEGIN	1, 0
	.irp	reg, ID, LDR, DFR, ICR2, LVTT, LVT0, TDCR, SVR, TPR
	WRITE	1, \reg, 0xffffffff
	READ	1, \reg
	VALUE
	.endr
	WRITE	1, TPR, 0
	WRITE	1, SVR, 0xff		/* software-disabled: masked, and stays so */
	WRITE	1, LVT0, 0x31
	READ	1, LVT0
	VALUE
	WRITE	1, LVTT, 0x10000
	DONE

/* out of x2APIC mode */
leave:
	movl	$0x1b, %ecx
	rdmsr
	andl	$~0xc00, %eax
	wrmsr
	orl	$0x800, %eax
	wrmsr
	DONE

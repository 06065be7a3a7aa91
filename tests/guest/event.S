/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts, NMIs and exceptions from outside; events whose delivery meets a missing page. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	wait_open, sti_window, halt_wake, nmi_twice, exception_in, far_idt, far_stack
	CASES	far_software, msi_running, cli_window, real_mode_halt, sti_hlt
	.code64
#include "idt64.inc"

/* where the host looks when the guest is ready, and what it may ask for */
#define READY	DATA_BASE

wait_open:
	USE_IDT
	sti
	movl	$1, READY
1:	cmpl	$0, irq_count(%rip)
	je	1b
	cli
	movl	$0, irq_count(%rip)
	DONE

/* STI holds interrupts off for one instruction more */
sti_window:
	USE_IDT
	outb	%al, $0xf0		/* the host makes an interrupt pending */
	movl	$1, %ebx
	sti
	movl	$2, %ebx
	nop
	cli
	REPORT	%ebx
	movl	$0, irq_count(%rip)
	DONE

halt_wake:
	USE_IDT
	movl	$1, READY
	sti
	hlt
	REPORT	$0x77
	movl	$0, irq_count(%rip)
	cli
	DONE

/* the second NMI waits for the first one's IRET */
nmi_twice:
	USE_IDT
	leaq	1f(%rip), %r15
	leaq	7f(%rip), %r14
	outb	%al, $0xf0
7:	jmp	7b
1:	REPORT	$0x55
	DONE

/* exceptions that the host injects */
exception_in:
	USE_IDT
	leaq	1f(%rip), %r15
	leaq	1f(%rip), %r14
	outb	%al, $0xf0
1:	REPORT	$0x66
	movq	%cr2, %rax
	VALUE
	DONE

/* the IDT lies in memory that is not there yet when the event comes */
far_idt:
	movl	$idt, %esi
	movl	$PAGED_BASE, %edi
	movl	$0x1000 / 4, %ecx
	cld
	rep movsl
	outb	%al, $0xf0		/* the host takes the page away and brings it back */
	lidt	far_idtr(%rip)
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	ud2
	REPORT	$0xff
8:	sti
	nop
	nop
	cli
	movl	$0, irq_count(%rip)
	DONE

/* the stack does */
far_stack:
	USE_IDT
	movl	$PAGED_BASE + 0x1000, %esp
	outb	%al, $0xf0
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	ud2
	REPORT	$0xff
8:	sti
	nop
	nop
	cli
	movl	$0, irq_count(%rip)
	movl	$STACK_TOP, %esp
	DONE

/* a software interrupt is injected again with its length */
far_software:
	USE_IDT
	movl	$PAGED_BASE + 0x1000, %esp
	outb	%al, $0xf0
	int	$0x50
	REPORT	$0x50
	outb	%al, $0xf0
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	int3
	REPORT	$0xff
8:	movl	$STACK_TOP, %esp
	movl	$0, irq_count(%rip)
	DONE

msi_running:
	USE_IDT
	sti
	movl	$1, READY
1:	cmpl	$8, irq_count(%rip)
	jb	1b
	cli
	movl	$0, irq_count(%rip)
	DONE

/* interrupts masked for long, then open: the interrupt comes at once */
cli_window:
	USE_IDT
	outb	%al, $0xf0
	movl	$1000, %ecx
1:	pause
	loop	1b
	REPORT	$1
	sti
	nop
	cli
	REPORT	$2
	movl	$0, irq_count(%rip)
	DONE

	.code16
real_mode_halt:
	movw	$1f, 0x20 * 4
	movw	$0, 0x20 * 4 + 2
	sti
	hlt
	REPORT	$0x99
	DONE
1:	REPORT	$0x20
	iretw

	.code64
/* HLT in the shadow of STI wakes up */
sti_hlt:
	USE_IDT
	outb	%al, $0xf0
	sti
	hlt
	REPORT	$3
	cli
	movl	$0, irq_count(%rip)
	DONE

far_idtr:
	.word	256 * 16 - 1
	.quad	PAGED_BASE

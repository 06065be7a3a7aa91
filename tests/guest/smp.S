/* SPDX-License-Identifier: GPL-2.0-only */
/* Two processors: INIT and SIPI, memory that both write, IPIs from one to the other. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	boot_ap, count_locked, ping, pong, serve, return, patcher, patched
	.code64
#include "idt64.inc"

/*
 * Nothing arrives while one waits for the other, but IF is set: without a preemption timer, and in
 * an emulator that takes no CPU back from a guest that masks interrupts, the other may never come.
 */
#define WAIT_OPEN	sti

#define AP_PAGE	0xf		/* DATA_BASE + 5000H: the start-up IPI's vector */
#define MAILBOX	DATA_BASE
#define COUNTER	DATA_BASE + 64
#define BALL	DATA_BASE + 128

boot_ap:
	movl	$ap_start, %esi
	movl	$AP_PAGE << 12, %edi
	movl	$ap_end - ap_start, %ecx
	cld
	rep movsb
	movl	$APIC_PAGE, %ebx
	movl	$0x1ff, 0xf0(%rbx)
	movl	$1 << 24, 0x310(%rbx)
	movl	$0x4500, 0x300(%rbx)		/* INIT */
	movl	$1 << 24, 0x310(%rbx)
	movl	$0x4600 + AP_PAGE, 0x300(%rbx)	/* start-up */
	WAIT_OPEN
1:	pause
	cmpl	$0x600d, MAILBOX
	jne	1b
	REPORT	MAILBOX + 4
	DONE

	.code16
ap_start:
	movw	%cs, %ax
	xorw	%bx, %bx
	movw	%bx, %ds
	movzwl	%ax, %eax
	movl	%eax, MAILBOX + 4
	movl	$0x600d, MAILBOX
	movw	$PORT_DONE, %dx
	outb	%al, %dx
1:	jmp	1b
ap_end:

	.code64
count_locked:
	movl	$20000, %ecx
1:	lock incl COUNTER
	loop	1b
	DONE

/* one writes what the other executes: MOV EAX, imm32; RET. It goes on when it has been seen. */
#define CODE	DATA_BASE + 0x2000
#define SEEN	DATA_BASE + 0x100
#define PATCHES	200
patcher:
	movl	$1, %ecx
	WAIT_OPEN
1:	movl	%ecx, CODE + 1
2:	pause
	cmpl	%ecx, SEEN
	jne	2b
	incl	%ecx
	cmpl	$PATCHES, %ecx
	jbe	1b
	DONE
patched:
	movl	$1, %ecx
	WAIT_OPEN
	movl	$CODE, %ebx
1:	call	*%rbx
	cmpl	%ecx, %eax
	ja	9f			/* ahead of what was written */
	jb	1b
	movl	%ecx, SEEN
	incl	%ecx
	cmpl	$PATCHES, %ecx
	jbe	1b
	REPORT	%eax
9:	DONE

/* each sends the other an IPI when it has received one */
.macro PLAYER other:req, serves:req
	USE_IDT
	movl	$APIC_PAGE, %ebx
	movl	$0x1ff, 0xf0(%rbx)
	movl	$0, 0x80(%rbx)
	.if	\serves
1:	pause
	cmpl	$1, MAILBOX + 8
	jne	1b
	.else
	movl	$1, MAILBOX + 8
	.endif
	movl	$20, %ecx
	movl	$\other << 24, 0x310(%rbx)
	.if	\serves
	movl	$0x4090, 0x300(%rbx)
	.endif
1:	cli
	movl	APIC_PAGE + 0x240, %eax	/* IRR of vectors 80H to 9FH */
	testl	$1 << 16, %eax
	jnz	2f
	pause
	jmp	1b
2:	sti
	nop
	cli
	movl	$APIC_PAGE, %ebx
	movl	$0, 0xb0(%rbx)
	movl	$0x4090, 0x300(%rbx)
	loop	1b
	DONE
.endm
ping:
	PLAYER	1, 1
pong:
	PLAYER	0, 0

/* The same with interrupts on: each waits for its turn to be counted. */
#define HITS	40

.macro RALLY other:req, turn:req
	USE_IDT
	movl	$APIC_PAGE, %ebx
	movl	$0x1ff, 0xf0(%rbx)
	movl	$0, 0x80(%rbx)
	movl	$\other << 24, 0x310(%rbx)
	movl	$EOI_XAPIC, irq_eoi(%rip)
	movl	$1, irq_quiet(%rip)
	WAIT_OPEN
	.if	\turn
	movl	$0, irq_count(%rip)
	movl	$1, MAILBOX + 8
	.else
1:	pause
	cmpl	$1, MAILBOX + 8
	jne	1b
	.endif
	movl	$\turn, %ecx
1:	pause
	cmpl	%ecx, irq_count(%rip)
	jne	1b
	cmpl	$HITS, %ecx
	je	2f
	movl	$0x4090, 0x300(%rbx)
	addl	$2, %ecx
	cmpl	$HITS, %ecx
	jbe	1b
2:	cli
	REPORT	irq_count(%rip)
	DONE
.endm
serve:
	RALLY	1, 0
return:
	RALLY	0, 1

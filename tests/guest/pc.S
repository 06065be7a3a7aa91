/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot: --machine pc as an old kernel drives it: 8259s, 8254, ACPI's timer. */
/* ORG = 0x300000, FORMAT = elf32 */
#include "kernel.inc"
#define MAGIC		0x1badb002
#define PERIOD		1193		/* of the 8254: a millisecond */
#define TICKS		20
#define PM_TIMER	0x608
#define UART_MCR	0x3fc
#define UART_IER	0x3f9
#define CODE32		0x20
	.globl	_start
	.code32
	.balign	4
	.long	MAGIC, 3, -(MAGIC + 3)

.macro OUT port:req, value:req
	movb	$\value, %al
	movw	$\port, %dx
	outb	%al, %dx
.endm

/* a gate at EBX for the handler in EAX */
.macro SET_GATE
	movw	%ax, (%ebx)
	shrl	$16, %eax
	movw	%ax, 6(%ebx)
	movw	$CODE32, 2(%ebx)
	movw	$0x8e00, 4(%ebx)
.endm

/* an IRQ's handler counts in its own word, and ends itself at one chip or both */
.macro HANDLER n:req
irq\n:
	pushl	%eax
	incl	counts + 4 * \n
	movb	$0x20, %al
	.if	\n >= 8
	outb	%al, $0xa0
	.endif
	outb	%al, $0x20
	popl	%eax
	iret
.endm

_start:
	movl	$stack, %esp
	STEP	1			/* the chips are there: masks read back */
	OUT	0x21, 0xfb
	OUT	0xa1, 0xff
	inb	$0x21, %al
	cmpb	$0xfb, %al
	WANT	e
	inb	$0xa1, %al
	cmpb	$0xff, %al
	WANT	e
	movl	$unexpected, %esi
	movl	$idt, %ebx
	movl	$256, %ecx
1:	movl	%esi, %eax
	SET_GATE
	addl	$8, %ebx
	loop	1b
	movl	$irq0, %eax
	movl	$idt + 8 * 0x20, %ebx
	SET_GATE
	movl	$irq4, %eax
	movl	$idt + 8 * 0x24, %ebx
	SET_GATE
	movl	$irq9, %eax
	movl	$idt + 8 * 0x29, %ebx
	SET_GATE
	lidt	idtr
	OUT	0x20, 0x11
	OUT	0x21, 0x20
	OUT	0x21, 0x04
	OUT	0x21, 0x01
	OUT	0xa0, 0x11
	OUT	0xa1, 0x28
	OUT	0xa1, 0x02
	OUT	0xa1, 0x01
	OUT	0x21, 0xfa		/* the timer and the slave */
	OUT	0xa1, 0xff
	STEP	2			/* mode 2: a tick each period, halted between */
	OUT	0x43, 0x34
	OUT	0x40, PERIOD & 0xff
	OUT	0x40, PERIOD >> 8
	call	read_pm
	movl	%eax, %ebp
	sti
2:	hlt
	cmpl	$TICKS, counts
	jb	2b
	cli
	STEP	3			/* ACPI's timer agrees: three times as fast */
	call	read_pm
	subl	%ebp, %eax
	andl	$0xffffff, %eax
	cmpl	$(TICKS - 2) * PERIOD * 3, %eax
	WANT	ae
	STEP	4			/* mode 0: once */
	OUT	0x43, 0x30
	movl	$0, counts
	OUT	0x40, PERIOD & 0xff
	OUT	0x40, PERIOD >> 8
	sti
3:	hlt
	cmpl	$1, counts
	jb	3b
	movl	$PERIOD * 9, %ecx	/* three periods of silence */
	call	wait_pm
	cli
	cmpl	$1, counts
	WANT	e
	STEP	5			/* channel 2 by port 61: no interrupt, but its output */
	OUT	0x61, 0x00
	OUT	0x43, 0xb0
	OUT	0x42, PERIOD & 0xff
	OUT	0x42, PERIOD >> 8
	movl	$PERIOD * 6, %ecx
	call	wait_pm
	inb	$0x61, %al
	testb	$0x20, %al
	WANT	z
	OUT	0x61, 0x01
4:	inb	$0x61, %al
	testb	$0x20, %al
	jz	4b
	STEP	6			/* the serial port's interrupt, polled: in service, ended */
	OUT	UART_MCR, 0x08		/* OUT2 lets it through */
	OUT	0x21, 0xef
	OUT	UART_IER, 0x02
	OUT	0x20, 0x0c
	inb	$0x20, %al
	cmpb	$0x84, %al
	WANT	e
	OUT	0x20, 0x0b
	inb	$0x20, %al
	cmpb	$0x10, %al
	WANT	e
	OUT	0x20, 0x64
	inb	$0x20, %al
	testb	%al, %al
	WANT	z
	STEP	7			/* the same as an interrupt */
	OUT	UART_IER, 0x00
	OUT	UART_IER, 0x02
	sti
	nop
	nop
	cli
	cmpl	$1, counts + 4 * 4
	WANT	e
	OUT	UART_IER, 0x00
	STEP	8			/* ACPI's timer through the slave, level-triggered */
	OUT	0x4d1, 0x02
	OUT	0x21, 0xfb
	OUT	0xa1, 0xfd
	movw	$0x604, %dx
	movw	$1, %ax
	outw	%ax, %dx		/* clear what has been */
	movw	$0x606, %dx
	outw	%ax, %dx
	sti
5:	hlt
	cmpl	$1, counts + 4 * 9
	jb	5b
	cli
	EXITS

read_pm:
	movw	$PM_TIMER, %dx
	inl	%dx, %eax
	ret

/* wait for ECX of its ticks, running */
wait_pm:
	call	read_pm
	movl	%eax, %ebx
6:	call	read_pm
	subl	%ebx, %eax
	andl	$0xffffff, %eax
	cmpl	%ecx, %eax
	jb	6b
	ret

unexpected:
	movb	$0x7e, step
	jmp	failed

	HANDLER	0
	HANDLER	4

/* a level: it lasts until its cause is gone */
irq9:
	pushl	%eax
	pushl	%edx
	incl	counts + 4 * 9
	movw	$0x606, %dx
	xorl	%eax, %eax
	outw	%ax, %dx
	movb	$0x20, %al
	outb	%al, $0xa0
	outb	%al, $0x20
	popl	%edx
	popl	%eax
	iret

	.data
	.balign	8
idtr:
	.word	256 * 8 - 1
	.long	idt
	.bss
	.balign	8
idt:
	.skip	256 * 8
counts:
	.skip	16 * 4
	.skip	1024
stack:

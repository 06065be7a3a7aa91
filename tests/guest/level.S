/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A level-triggered interrupt under vmxhv-run: the serial port's line on pin 4 of the I/O APIC.
 *
 * The line goes up while the local APIC is off, so that nobody takes the interrupt: then remote IRR
 * is clear and the delivery pending, and switching the APIC on is enough for it to come.
 *
 * The handler leaves the line up the first two times, so that each EOI brings the interrupt again;
 * the third time it reads IIR, and the line goes down. Printed, as digits: remote IRR and delivery
 * status before the APIC is on; how often the interrupt came; whether remote IRR and the APIC's TMR
 * were set every time; remote IRR at the end.
 */
#define APIC		0xfee00000
#define SVR		0xf0
#define EOI		0xb0
#define TMR2		0x1a0		/* vectors 40H to 5FH */
#define IOAPIC		0xfec00000
#define WINDOW		0x10
#define PIN4_LOW	0x18
#define PIN4_HIGH	0x19
#define LEVEL		(1 << 15)
#define REMOTE_IRR	14
#define STATUS		12
#define UART		0x3f8
#define IER		(UART + 1)
#define IIR		(UART + 2)
#define MCR		(UART + 4)
#define OUT2		8		/* lets the line through */
#define THRE		2		/* transmitter empty: it is, at once */
#define VECTOR		0x40
#define TIMES		3
#define PATIENCE	20000
#include "flat.inc"

	.code16
	.globl	_start
_start:
	ENTER_PROTECTED
	movw	$handler, idt + 8 * VECTOR
	movl	$0x8e000008, idt + 8 * VECTOR + 2
	lidt	idtr
	movl	$PIN4_HIGH, IOAPIC
	movl	$0, IOAPIC + WINDOW
	movl	$PIN4_LOW, IOAPIC
	movl	$(LEVEL | VECTOR), IOAPIC + WINDOW
	movw	$MCR, %dx
	movb	$OUT2, %al
	outb	%al, %dx
	movw	$IER, %dx
	movb	$THRE, %al
	outb	%al, %dx

	/* nobody has taken it, for longer than it takes to try again */
	movl	$PATIENCE * 20, %ecx
1:	pause
	loop	1b
	call	remote_irr
	movl	%eax, refused
	movl	$PIN4_LOW, IOAPIC
	movl	IOAPIC + WINDOW, %eax
	shrl	$STATUS, %eax
	andl	$1, %eax
	movl	%eax, pending

	movl	$0x1ff, APIC + SVR
	sti
	movl	$PATIENCE * 1000, %ecx
1:	pause
	cmpl	$0, count
	loope	1b
	/* long enough for one more than there should be */
	movl	$PATIENCE, %ecx
1:	pause
	loop	1b
	cli
	/* printing empties the transmitter again */
	movw	$IER, %dx
	movb	$0, %al
	outb	%al, %dx
	movl	refused, %eax
	call	digit
	movl	pending, %eax
	call	digit
	movl	count, %eax
	call	digit
	movl	remote, %eax
	call	digit
	movl	trigger, %eax
	call	digit
	call	remote_irr
	call	digit
	hlt

/* EAX = 0 or 1 */
remote_irr:
	movl	$PIN4_LOW, IOAPIC
	movl	IOAPIC + WINDOW, %eax
	shrl	$REMOTE_IRR, %eax
	andl	$1, %eax
	ret

digit:
	addb	$'0', %al
	movw	$UART, %dx
	outb	%al, %dx
	ret

handler:
	pushal
	incl	count
	call	remote_irr
	andl	%eax, remote
	movl	APIC + TMR2, %eax
	andl	%eax, trigger
	cmpl	$TIMES, count
	jb	1f
	movw	$IIR, %dx
	inb	%dx, %al
1:	movl	$0, APIC + EOI
	popal
	iret

	.balign	4
count:
	.long	0
remote:
	.long	1
trigger:
	.long	1
refused:
	.long	0
pending:
	.long	0

	FLAT_GDT
idtr:
	.word	8 * VECTOR + 7
	.long	idt
	.balign	8
idt:
	.fill	VECTOR + 1, 8, 0

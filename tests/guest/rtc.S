/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CMOS clock under vmxhv-run: its interrupt is pin 8 of the I/O APIC. Printed: U if the update
 * in progress was seen to begin, D if it was seen to end; then, for the periodic, the update and
 * the alarm interrupt, register C as the handler read it, with a 0 where none came.
 */
#define APIC		0xfee00000
#define SVR		0xf0
#define EOI		0xb0
#define IOAPIC		0xfec00000
#define WINDOW		0x10
#define PIN8_LOW	0x20
#define PIN8_HIGH	0x21
#define UART		0x3f8
#define VECTOR		0x40
#define REG_A		10
#define REG_B		11
#define REG_C		12
#define UIP		0x80
#define POLLS		200000		/* some seconds */
#define PATIENCE	0x4000000	/* the same without exits */
#define TIMES		4
#include "flat.inc"

	.code16
	.globl	_start
_start:
	ENTER_PROTECTED
	movw	$handler, idt + 8 * VECTOR
	movl	$0x8e000008, idt + 8 * VECTOR + 2
	lidt	idtr
	movl	$0x1ff, APIC + SVR
	movl	$PIN8_HIGH, IOAPIC
	movl	$0, IOAPIC + WINDOW
	movl	$PIN8_LOW, IOAPIC
	movl	$VECTOR, IOAPIC + WINDOW

	movb	$REG_A, %al
	outb	%al, $0x70
	movl	$POLLS, %ecx
1:	inb	$0x71, %al
	testb	$UIP, %al
	loopz	1b
	jz	2f
	movb	$'U', %al
	call	print
2:	movl	$POLLS, %ecx
1:	inb	$0x71, %al
	testb	$UIP, %al
	loopnz	1b
	jnz	2f
	movb	$'D', %al
	call	print
2:
	movl	$0x2a02, %eax		/* 64 Hz, ... */
	movl	$0x4202, %ebx		/* ... periodic */
	movl	$TIMES, %edx
	call	wait
	movl	$0x2000, %eax		/* none of that */
	movl	$0x1202, %ebx		/* update ended */
	movl	$1, %edx
	call	wait
	movb	$0xff, %al		/* any second */
	movb	$1, %cl
1:	xchgb	%al, %cl
	outb	%al, $0x70
	xchgb	%al, %cl
	outb	%al, $0x71
	addb	$2, %cl
	cmpb	$7, %cl
	jne	1b
	movl	$0x2000, %eax
	movl	$0x2202, %ebx		/* alarm */
	movl	$1, %edx
	call	wait
	hlt

/* Register A = AH, B = BH; wait for EDX interrupts, print C as of the last, and disable them */
wait:
	pushl	%edx
	movb	$REG_A, %al
	outb	%al, $0x70
	movb	%ah, %al
	outb	%al, $0x71
	movb	$REG_C, %al
	outb	%al, $0x70
	inb	$0x71, %al
	movb	$REG_B, %al
	outb	%al, $0x70
	movb	%bh, %al
	outb	%al, $0x71
	popl	%edx
	movl	$0, count
	movb	$0, flags
	movl	$PATIENCE, %ecx
	sti
1:	pause
	cmpl	count, %edx
	loopne	1b
	cli
	movb	$REG_B, %al
	outb	%al, $0x70
	movb	$0x02, %al
	outb	%al, $0x71
	movb	flags, %al
	shrb	$4, %al
	call	digit
	movb	flags, %al
	andb	$15, %al
digit:	addb	$'0', %al
	cmpb	$'9', %al
	jbe	print
	addb	$('a' - '9' - 1), %al
print:	movw	$UART, %dx
	outb	%al, %dx
	ret

handler:
	pushl	%eax
	incl	count
	movb	$REG_C, %al
	outb	%al, $0x70
	inb	$0x71, %al
	movb	%al, flags
	movl	$0, APIC + EOI
	popl	%eax
	iret

	.balign	4
count:
	.long	0
flags:
	.byte	0

	FLAT_GDT
idtr:
	.word	8 * VECTOR + 7
	.long	idt
	.balign	8
idt:
	.fill	VECTOR + 1, 8, 0

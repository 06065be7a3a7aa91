/* SPDX-License-Identifier: GPL-2.0-only */
/* Real mode: the first words of a guest, and ports in all widths. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	hello, out_widths, in_widths, halt, segments
	.code16
hello:
	movw	$message, %si
	cld
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, $PORT_TEXT
	jmp	1b
2:	DONE

out_widths:
	movl	$0x12345678, %eax
	movw	$0x300, %dx
	outb	%al, %dx
	outw	%ax, %dx
	outl	%eax, %dx
	outb	%al, $0x40
	DONE

/* an IN changes as many bits as it is wide */
in_widths:
	movw	$0x300, %dx
	movl	$0x12345678, %eax
	inb	%dx, %al
	VALUE
	movl	$0x12345678, %eax
	inw	%dx, %ax
	VALUE
	movl	$0x12345678, %eax
	inl	%dx, %eax
	VALUE
	movl	$0x12345678, %eax
	inb	$0x40, %al
	VALUE
	DONE

halt:
	REPORT	$1
	hlt
	REPORT	$2
	DONE

segments:
	movw	$0x0a00, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movl	$0xcafe0001, %ds:0x10
	movl	%es:0x10, %eax
	VALUE
	xorw	%ax, %ax
	movw	%ax, %ds
	movl	0xa010, %eax
	VALUE
	DONE

message:
	.asciz	"hello"

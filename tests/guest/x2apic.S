/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC's page under vmxhv-run: it is the APIC's in xAPIC mode only. Printed, for xAPIC
 * mode, for x2APIC mode and for an APIC that is switched off: what the ID register and the TPR read
 * there after the TPR was written, as 0 (a register's value), 1 (all ones) or x (something else).
 */
#define APIC		0xfee00000
#define ID		0x20
#define TPR		0x80
#define APIC_BASE	0x1b
#define ENABLED		0x800
#define X2APIC		0x400
#define UART		0x3f8
#include "flat.inc"

	.code16
	.globl	_start
_start:
	ENTER_PROTECTED
	call	look
	movl	$(ENABLED | X2APIC), %ebx
	call	mode
	call	look
	movl	$0, %ebx
	call	mode
	call	look
	hlt

/* The bits of IA32_APIC_BASE in EBX */
mode:
	movl	$APIC_BASE, %ecx
	rdmsr
	andl	$~(ENABLED | X2APIC), %eax
	orl	%ebx, %eax
	wrmsr
	ret

look:
	movl	$0x30, APIC + TPR
	movl	APIC + ID, %eax
	movl	$0, %ebx
	call	print
	movl	APIC + TPR, %eax
	movl	$0x30, %ebx
print:
	movb	$'0', %cl
	cmpl	%ebx, %eax
	je	1f
	movb	$'1', %cl
	cmpl	$-1, %eax
	je	1f
	movb	$'x', %cl
1:	movb	%cl, %al
	movw	$UART, %dx
	outb	%al, %dx
	ret

	FLAT_GDT

/* SPDX-License-Identifier: GPL-2.0-only */
/* String I/O in long mode: forward, backward, repeated, across pages. */
#include "guest.inc"
#define PORT	0x310
	.globl	_start
_start:
	CASES	outs_one, outs_rep, outs_backward, outs_long, ins_rep, ins_backward, ins_dwords
	CASES	rep_zero, ins_long, outs_back_long, ins_back_long
	CASES	outs_addr32, ins_addr32_back, outs_narrow_back, ins_narrow_back, outs_addr16
	CASES	ins_addr16_back, outs_twice
	.code64
/* afterwards: how far the registers went */
.macro REPORT_AND_DONE
	movl	%esi, %eax
	VALUE
	movl	%edi, %eax
	VALUE
	movl	%ecx, %eax
	VALUE
	DONE
.endm

.macro SETUP si=0, di=0, cx=0
	movl	$\si, %esi
	movl	$\di, %edi
	movl	$\cx, %ecx
	movw	$PORT, %dx
	cld
.endm

outs_one:
	SETUP	si=DATA_BASE, cx=7
	outsb
	REPORT_AND_DONE

outs_rep:
	SETUP	si=DATA_BASE, cx=6
	rep outsw
	REPORT_AND_DONE

outs_backward:
	SETUP	si=DATA_BASE+8, cx=3
	std
	rep outsl
	cld
	REPORT_AND_DONE

/* two pages and a half */
outs_long:
	SETUP	si=DATA_BASE+0x800, cx=0x2800
	rep outsb
	REPORT_AND_DONE

ins_rep:
	SETUP	di=DATA_BASE, cx=5
	rep insb
	REPORT_AND_DONE

ins_backward:
	SETUP	di=DATA_BASE+4, cx=3
	std
	rep insw
	cld
	REPORT_AND_DONE

/* the second unit crosses a page */
ins_dwords:
	SETUP	di=DATA_BASE+0xffa, cx=3
	rep insl
	REPORT_AND_DONE

rep_zero:
	SETUP	si=DATA_BASE
	rep outsb
	REPORT_AND_DONE

ins_long:
	SETUP	di=DATA_BASE+0x10, cx=0x1800
	rep insb
	REPORT_AND_DONE

/* downwards over a page's end, where a unit lies across it */
outs_back_long:
	SETUP	si=DATA_BASE+0x1003, cx=0x10
	std
	rep outsl
	cld
	REPORT_AND_DONE

ins_back_long:
	SETUP	di=DATA_BASE+0x1005, cx=0x10
	std
	rep insl
	cld
	REPORT_AND_DONE

/* 32-bit addresses in 64-bit mode: the upper halves of what changes are cleared */
.macro UPPER_HALF reg
	movabsq	$0x1234567800000000, %rax
	orq	%rax, \reg
.endm
outs_addr32:
	SETUP	si=DATA_BASE+0xff8, cx=0x10
	UPPER_HALF %rsi
	UPPER_HALF %rcx
	rep addr32 outsb
	movl	%esi, %eax
	VALUE
	movl	%edi, %eax
	VALUE
	movq	%rsi, %rax
	shrq	$32, %rax
	movq	%rcx, %rdx
	shrq	$32, %rdx
	orl	%edx, %eax
	orl	%ecx, %eax
	VALUE
	DONE

ins_addr32_back:
	SETUP	di=DATA_BASE+0x1005, cx=0x10
	UPPER_HALF %rdi
	std
	rep addr32 insw
	cld
	movl	%esi, %eax
	VALUE
	movl	%edi, %eax
	VALUE
	movq	%rdi, %rax
	shrq	$32, %rax
	orl	%ecx, %eax
	VALUE
	DONE

/* the same instruction again: its count of iterations begins anew */
outs_twice:
	SETUP
	movl	$2, %ebx
1:	movl	$DATA_BASE, %esi
	movl	$5, %ecx
	rep outsb
	decl	%ebx
	jnz	1b
	REPORT_AND_DONE

	.code32
outs_narrow_back:
	SETUP	si=DATA_BASE+0x1002, cx=0x10
	std
	rep outsw
	cld
	REPORT_AND_DONE

ins_narrow_back:
	SETUP	di=DATA_BASE+0x1001, cx=0x10
	std
	rep insl
	cld
	REPORT_AND_DONE

/* 16-bit addresses: the upper halves stay, and count for nothing */
outs_addr16:
	SETUP	si=DATA_BASE+0xffc+0x120000, cx=0x340009
	rep addr16 outsb
	REPORT_AND_DONE

ins_addr16_back:
	SETUP	di=DATA_BASE+0x1003+0x120000, cx=0x340007
	std
	rep addr16 insw
	cld
	REPORT_AND_DONE

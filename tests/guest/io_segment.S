/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * String I/O by segments that do not let it through. The host sets segments, index registers, the
 * count and the IDT. Reported: the count at the end, or vector, error code and count of a fault.
 */
#include "guest.inc"
#define PORT	0x310
	.globl	_start
_start:
	CASES	outs, outs_ss, outs_fs, outs_cs, outs_dwords, ins, ins_dwords
	CASES	real_outs, real_outs_ss, long_outs, long_outs_ss, long_outs_dwords
	CASES	idt32, idt64, real_12, real_13

.macro CASE name:req, insn:vararg
\name:
	movw	$PORT, %dx
	\insn
	movl	%ecx, %eax
	VALUE
	DONE
.endm

	.code32
	CASE	outs, rep outsb
	CASE	outs_ss, rep outsb %ss:(%esi), (%dx)
	CASE	outs_fs, rep outsb %fs:(%esi), (%dx)
	CASE	outs_cs, rep outsb %cs:(%esi), (%dx)
	CASE	outs_dwords, rep outsl
	CASE	ins, rep insb
	CASE	ins_dwords, rep insl

.macro FAULT bits:req, vector:req
fault\bits\()_\vector:
	movl	$\vector, %eax
	VALUE
	.if	\bits == 64
	popq	%rax
	.else
	popl	%eax
	.endif
	VALUE
	movl	%ecx, %eax
	VALUE
	DONE
.endm
	FAULT	32, 12
	FAULT	32, 13

	.code16
	CASE	real_outs, rep outsb
	CASE	real_outs_ss, rep outsw %ss:(%si), (%dx)
/* in real mode no error code is pushed */
real_12:
	REPORT	$12
	jmp	1f
real_13:
	REPORT	$13
1:	REPORT	$0
	movl	%ecx, %eax
	VALUE
	DONE

	.code64
	CASE	long_outs, rep outsb
	CASE	long_outs_ss, rep outsb %ss:(%rsi), (%dx)
	CASE	long_outs_dwords, rep outsl
	FAULT	64, 12
	FAULT	64, 13
	FAULT	64, 17

	.balign	8
idt32:
	.rept	12
	.quad	0
	.endr
	.irp	n, 12, 13
	.word	fault32_\n, SEL_CODE32
	.byte	0, 0x8e
	.word	0
	.endr

	.balign	16
idt64:
	.rept	12
	.quad	0, 0
	.endr
	GATE64	fault64_12
	GATE64	fault64_13
	.rept	3
	.quad	0, 0
	.endr
	GATE64	fault64_17

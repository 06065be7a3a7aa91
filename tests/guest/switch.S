/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at its own vector and debug registers again and again, without an exit: what others have in
 * theirs comes by way of preemption alone, if at all. Reports whether it went round, how often a
 * register was another's, how many writes and how many hits of the watchpoint there were.
 */
#include "guest.inc"
#include "switch.h"
	.globl	_start
_start:
	CASES	sse, avx, avx512
	.code64
#include "idt64.inc"

/* from or to memory at RDX */
.macro EACH insn, reg, size, count, to
	.altmacro
	.set	i, 0
	.rept	\count
	ONE	\insn, \reg, %i, \size, \to
	.set	i, i + 1
	.endr
	.noaltmacro
.endm
.macro ONE insn, reg, n, size, to
	.if	\to
	\insn	%\reg\n, (\n * \size)(%rdx)
	.else
	\insn	(\n * \size)(%rdx), %\reg\n
	.endif
.endm

.macro GO_ROUND insn, reg, size, count, xcr0
	USE_IDT
	movl	$hit, %eax
	movw	%ax, idt + 16
	movl	$DATA_BASE + SW_WATCHED, %eax
	movq	%rax, %dr0
	movq	DATA_BASE + SW_DR7, %rax
	movq	%rax, %dr7
	.if	\xcr0
	movq	%cr4, %rax
	orl	$0x40000, %eax
	movq	%rax, %cr4
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$\xcr0, %eax
	xsetbv
	.endif
	movl	$DATA_BASE, %edx
	EACH	\insn, \reg, \size, \count, 0
	.if	\count == 32
	movl	$DATA_BASE + SW_MASKS, %edx
	EACH	kmovw, k, 8, 8, 0
	.endif
	xorl	%r8d, %r8d		/* rounds */
	xorl	%r9d, %r9d		/* foreign registers */
	xorl	%r11d, %r11d		/* hits */
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	addq	DATA_BASE + SW_TICKS, %rax
	movq	%rax, %r10
	cld
1:	movl	$DATA_BASE + SW_OUT, %edx
	EACH	\insn, \reg, \size, \count, 1
	.if	\count == 32
	movl	$DATA_BASE + SW_OUT + SW_MASKS, %edx
	EACH	kmovw, k, 8, 8, 1
	.endif
	movl	$DATA_BASE, %esi
	movl	$DATA_BASE + SW_OUT, %edi
	movl	$\size * \count / 8, %ecx
	repe cmpsq
	je	2f
	incl	%r9d
2:
	.if	\count == 32
	movl	$DATA_BASE + SW_MASKS, %esi
	movl	$DATA_BASE + SW_OUT + SW_MASKS, %edi
	movl	$8, %ecx
	repe cmpsq
	je	3f
	incl	%r9d
3:
	.endif
	movl	%r8d, DATA_BASE + SW_WATCHED
	incl	%r8d
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%r10, %rax
	jb	1b
	movl	$0x400, %eax
	movq	%rax, %dr7
	REPORT	%r8d
	REPORT	%r9d
	REPORT	%r11d
	DONE
.endm

sse:	GO_ROUND movups, xmm, 16, 16, 0
avx:	GO_ROUND vmovups, ymm, 32, 16, 7
avx512:	GO_ROUND vmovups, zmm, 64, 32, 0xe7

hit:
	incl	%r11d
	iretq

/* SPDX-License-Identifier: GPL-2.0-only */
/* Vector registers across exits: loaded from DATA_BASE, stored behind it. */
#include "guest.inc"
#define OUT	DATA_BASE + 0x1000
	.globl	_start
_start:
	CASES	sse, avx, avx512, fresh_sse, fresh_avx, fresh_avx512
	.code64

.macro SET_XCR0 value:req
	movq	%cr4, %rax
	orl	$0x40000, %eax
	movq	%rax, %cr4
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$\value, %eax
	xsetbv
.endm
.macro MOVE insn:req, reg:req, size:req, count:req, to:req
	.set	i, 0
	.rept	\count
	MOVE1	\insn, \reg, %i, \size, \to
	.set	i, i + 1
	.endr
.endm
	.altmacro
.macro MOVE1 insn, reg, n, size, to
	.if	\to
	\insn	%\reg\n, OUT + \n * \size
	.else
	\insn	DATA_BASE + \n * \size, %\reg\n
	.endif
.endm
/* several turns, so that the host has other work in between */
.macro TURNS
1:	outb	%al, $0xf0
	cpuid_keep
	decl	%ebp
	jnz	1b
.endm
.macro cpuid_keep
	pushq	%rbx
	xorl	%eax, %eax
	cpuid
	popq	%rbx
.endm

sse:
	fninit
	MOVE	movups, xmm, 16, 16, 0
	ldmxcsr	DATA_BASE + 0x800
	fldl	DATA_BASE + 0x808
	movl	$4, %ebp
	TURNS
	MOVE	movups, xmm, 16, 16, 1
	stmxcsr	OUT + 0x800
	fstpl	OUT + 0x808
	DONE

avx:
	SET_XCR0 7
	MOVE	vmovups, ymm, 32, 16, 0
	movl	$4, %ebp
	TURNS
	MOVE	vmovups, ymm, 32, 16, 1
	DONE

avx512:
	SET_XCR0 0xe7
	MOVE	vmovups, zmm, 64, 32, 0
	kmovw	DATA_BASE + 0x800, %k1
	kmovw	DATA_BASE + 0x808, %k7
	movl	$4, %ebp
	TURNS
	MOVE	vmovups, zmm, 64, 32, 1
	kmovw	%k1, OUT + 0x800
	kmovw	%k7, OUT + 0x808
	DONE

/* what a vCPU has that has loaded nothing */
fresh_sse:
	MOVE	movups, xmm, 16, 16, 1
	DONE

fresh_avx:
	SET_XCR0 7
	MOVE	vmovups, ymm, 32, 16, 1
	DONE

fresh_avx512:
	SET_XCR0 0xe7
	MOVE	vmovups, zmm, 64, 32, 1
	kmovw	%k1, OUT + 0x800
	kmovw	%k7, OUT + 0x808
	DONE

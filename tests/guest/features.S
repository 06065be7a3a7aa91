/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions that a guest has, or not, by what its CPUID shows: 1, or the fault. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	rdtscp_case, rdpid_case, invpcid_case, rdrand_case, rdseed_case, xsaves_case
	CASES	xrstors_case, xss_read, xss_write, xsave_case
	.code64
#include "idt64.inc"

.macro FEATURE insn:vararg
	USE_IDT
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	\insn
	REPORT	$1
8:	DONE
.endm

/* all states that XSAVE has: FXSAVE's are enough */
.macro XSTATE insn:vararg
	movq	%cr4, %rax
	orl	$0x40000, %eax
	movq	%rax, %cr4
	movl	$DATA_BASE + 0x1000, %ebx
	movl	$3, %eax
	xorl	%edx, %edx
	FEATURE	\insn
.endm

rdtscp_case:
	FEATURE	rdtscp
rdpid_case:
	FEATURE	rdpid %rax
invpcid_case:
	movl	$2, %eax		/* all contexts */
	movl	$DATA_BASE, %ebx
	FEATURE	invpcid (%rbx), %rax
rdrand_case:
	FEATURE	rdrand %eax
rdseed_case:
	FEATURE	rdseed %eax
xsaves_case:
	XSTATE	xsaves64 (%rbx)
xrstors_case:
	XSTATE	xrstors64 (%rbx)
xss_read:
	movl	$0xda0, %ecx
	FEATURE	rdmsr
xss_write:
	movl	$0xda0, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	FEATURE	wrmsr
xsave_case:
	XSTATE	xsave64 (%rbx)

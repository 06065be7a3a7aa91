/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CONFIG decides about. The host says at DATA_BASE which MSR, port or leaf is meant, and the
 * values for it.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	read_msr, write_msr, hypercall
	.code64
#include "idt64.inc"

/* an instruction; a fault is reported instead of what follows it */
.macro FIRST insn:vararg
	USE_IDT
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	movl	DATA_BASE, %ecx
	movl	DATA_BASE + 4, %eax
	movl	DATA_BASE + 8, %edx
7:	\insn
.endm

/* the whole of RAX and RDX: the upper halves are cleared */
read_msr:
	movq	$-1, %rbx
	movq	%rbx, %rax
	movq	%rbx, %rdx
	FIRST	rdmsr
	movq	%rax, %rbx
	VALUE
	REPORT	%edx
	shrq	$32, %rbx
	shrq	$32, %rdx
	orl	%edx, %ebx
	REPORT	%ebx
8:	DONE

write_msr:
	FIRST	wrmsr
	REPORT	$1
8:	DONE

hypercall:
	movl	$0x11, %eax
	movl	$0x22, %ebx
	vmcall
	VALUE
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* Accesses to an address where no memory is. */
#include "guest.inc"
#define MMIO	0x20000040
	.globl	_start
_start:
	CASES	reads, writes, fault, retry, read_only, execute, step, page_crossing
	.code64
#include "idt64.inc"

reads:
	movl	$MMIO, %ebx
	movl	$-1, %eax
	movl	(%rbx), %eax
	VALUE
	movzbl	4(%rbx), %eax
	VALUE
	DONE

writes:
	movl	$MMIO, %ebx
	movl	$0x11223344, (%rbx)
	movb	$0x55, 4(%rbx)
	REPORT	$1
	DONE

fault:
	USE_IDT
	movl	$MMIO, %ebx
	TRY	movl (%rbx), %ecx
	movq	%cr2, %rax
	VALUE
	TRY	movl (%rbx), %ecx
	DONE

retry:
	movl	$MMIO, %ebx
	movl	(%rbx), %eax
	VALUE
	DONE

/* a page mapped read-only: reads succeed, writes exit */
read_only:
	movl	$PAGED_BASE, %ebx
	movl	(%rbx), %eax
	VALUE
	movl	$0x77, (%rbx)
	movl	(%rbx), %eax
	VALUE
	DONE

/* a page mapped without execution */
execute:
	movl	$PAGED_BASE, %ebx
	call	*%rbx
	REPORT	$1
	DONE

/* TF over an instruction that userspace completes */
step:
	USE_IDT
	xorl	%eax, %eax
	movq	%rax, %dr6
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	movl	$MMIO, %ebx
	pushfq
	orl	$0x100, (%rsp)
	popfq
7:	movl	(%rbx), %ecx
	nop
	nop
8:	REPORT	%ecx
	DONE

/* the instruction's bytes cross a page */
page_crossing:
	movl	$MMIO, %ebx
	movw	$0x038b, 0xbfff		/* mov (%rbx), %eax */
	movb	$0xc3, 0xc001		/* ret */
	movl	$0xbfff, %edx
	call	*%rdx
	VALUE
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory as such: counted up, measured, executed. */
#include "guest.inc"
#include "pages.h"
	.globl	_start
_start:
	CASES	count_up, ticks, call_it, read_it, write_it, outs_it
	.code64
/*
 * Each pass adds 1 to a word of each page. It begins when the gate opens. With interrupts on: a
 * host that wants its pages back has to get this CPU's attention first.
 */
count_up:
	sti
	xorl	%ebx, %ebx
1:	movl	AREA_GATE, %eax
	cmpl	$AREA_END, %eax
	je	3f
	cmpl	%ebx, %eax
	ja	2f
	pause
	jmp	1b
2:	movl	$AREA_BASE, %edi
	movl	$AREA_PAGES, %ecx
4:	addl	$1, (%rdi)
	addl	$0x1000, %edi
	loop	4b
	incl	%ebx
	movl	%ebx, AREA_DONE
	jmp	1b
3:	DONE

/* How long it takes to read RCX pages, RBX bytes apart, from RBP on. */
ticks:
	rdtsc
	movl	%eax, %esi
1:	movl	(%rbp), %eax
	addq	%rbx, %rbp
	loop	1b
	rdtsc
	subl	%esi, %eax
	VALUE
	DONE

call_it:
	movl	$PAGED_BASE, %eax
	call	*%rax
	VALUE
	DONE

read_it:
	movl	PAGED_BASE, %eax
	VALUE
	DONE

write_it:
	movl	$0x90909090, PAGED_BASE
	DONE

/* the kernel reads for the guest */
outs_it:
	movl	$PAGED_BASE, %esi
	movl	$PORT_VALUE, %edx
	outsl
	DONE

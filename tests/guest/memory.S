/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that changes under a running guest. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	wait_value, write_value, touch_pages, sum_pages
	.code64
/* reports what the word at PAGED_BASE becomes, until it is 333H */
wait_value:
	movl	$-1, %ebx
1:	movl	PAGED_BASE, %eax
	cmpl	%ebx, %eax
	je	1b
	movl	%eax, %ebx
	VALUE
	cmpl	$0x333, %eax
	jne	1b
	DONE

write_value:
	movl	$0x4444, PAGED_BASE
	movl	PAGED_BASE, %eax
	VALUE
	DONE

/* a word in each of 1024 pages */
touch_pages:
	movl	$PAGED_BASE, %edi
	movl	$1024, %ecx
1:	movl	%ecx, (%rdi)
	addl	$0x1000, %edi
	loop	1b
	DONE

sum_pages:
	movl	$PAGED_BASE, %edi
	movl	$1024, %ecx
	xorl	%eax, %eax
1:	addl	(%rdi), %eax
	addl	$0x1000, %edi
	loop	1b
	VALUE
	DONE

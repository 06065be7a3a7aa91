/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is taken away and put back while the guest uses it. */
#include "guest.inc"
#include "live.h"
	.globl	_start
_start:
	CASES	visit, either, high
	.code64
/*
 * Page after page, in some order, until LIVE_STOP is set: the first word is 0 or the page's number
 * plus one, which is then written to the fifth. Reports what it finds otherwise. RBP: the seed.
 */
visit:
	movl	%ebp, %ebx
1:	imull	$1664525, %ebx, %ebx
	addl	$1013904223, %ebx
	movl	%ebx, %esi
	shrl	$16, %esi
	andl	$(LIVE_PAGES - 1), %esi
	movl	%esi, %edi
	shll	$12, %edi
	addl	$LIVE_BASE, %edi
	incl	%esi
	movl	(%rdi), %eax
	testl	%eax, %eax
	jz	2f
	cmpl	%esi, %eax
	jne	3f
2:	movl	%esi, 16(%rdi)
	cmpl	$0, LIVE_STOP
	je	1b
	DONE
3:	VALUE
	movl	%esi, %eax
	VALUE
	DONE

/* Until LIVE_STOP is set: one of two values, in each of two pages. */
either:
	movl	$LIVE_BASE, %edi
1:	movl	(%rdi), %eax
	cmpl	$LIVE_OLD, %eax
	je	2f
	cmpl	$LIVE_NEW, %eax
	jne	3f
2:	xorl	$0x1000, %edi
	cmpl	$0, LIVE_STOP
	je	1b
	DONE
3:	VALUE
	DONE

high:
	movl	LIVE_HIGH, %eax
	VALUE
	addl	$1, LIVE_HIGH
	movl	LIVE_HIGH + 0x1000, %eax
	DONE

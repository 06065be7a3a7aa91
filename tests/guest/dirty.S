/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes that a dirty log must see. */
#include "guest.inc"
#include "dirty.h"
	.globl	_start
_start:
	CASES	write_one, read_all, write_all, in_string, pattern, write_far
	.code64
write_one:
	incl	DIRTY_BASE + 5 * 0x1000 + 8
	DONE

/* \what each page */
.macro EACH_PAGE what:vararg
	movl	$DIRTY_BASE, %edi
	movl	$DIRTY_PAGES, %ecx
1:	\what
	addl	$0x1000, %edi
	loop	1b
	DONE
.endm

/* a page in each stretch of 16 MiB */
write_far:
	movl	$DIRTY_FAR, %edi
	movl	$DIRTY_FAR_PAGES, %ecx
1:	incl	(%rdi)
	addl	$DIRTY_FAR_STEP, %edi
	loop	1b
	DONE

read_all:
	EACH_PAGE movl (%rdi), %eax

write_all:
	EACH_PAGE incl (%rdi)

/* the kernel writes for the guest: across pages 2 and 3 */
in_string:
	movl	$(DIRTY_BASE + 3 * 0x1000 - 4), %edi
	movl	$8, %ecx
	movl	$DIRTY_PORT, %edx
	cld
	rep insb
	DONE

/*
 * Until DIRTY_STOP is set: a counter into some word of some even page. The seed, in RBP, tells two
 * processors apart.
 */
pattern:
	movl	%ebp, %eax
	xorl	%esi, %esi
1:	imull	$1664525, %eax, %eax
	addl	$1013904223, %eax
	movl	%eax, %edi
	shrl	$8, %edi
	andl	$((DIRTY_PAGES * 0x1000 - 1) & ~0x1007), %edi
	incl	%esi
	movl	%esi, DIRTY_BASE(%rdi)
	cmpl	$0, DIRTY_STOP
	je	1b
	movl	%esi, %eax
	VALUE
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that counts, and looks after each step whether everything is still where it was. */
#include "guest.inc"
#include "migrate.h"
	.globl	_start
_start:
	CASES	count
	.code64
count:
	movl	$0x11112222, %esi
	movl	$0x3333, %ecx
	movq	%rcx, %xmm5
	xorl	%ebx, %ebx
1:	incl	%ebx
	movq	%rbx, %cr2
	movl	%ebx, %eax
	movl	$MIGRATE_PORT, %edx
	outl	%eax, %dx		/* the host moves the vCPU */
	movq	%cr2, %rax
	cmpq	%rbx, %rax
	jne	9f
	cmpl	$0x11112222, %esi
	jne	9f
	movq	%xmm5, %rax
	cmpl	$0x3333, %eax
	jne	9f
	jmp	1b
9:	REPORT	%ebx
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Touches memory as an array of the host's says (translate.h), in 64-bit and in 32-bit code, at
 * CPL 0 and 3. Each touch ends in an exception, and the handler notes which. What is here is mapped
 * for the supervisor alone, but for the page user_page.
 */
#include "guest.inc"
#include "translate.h"
	.globl	_start
_start:
	CASES	start64, start32, user_page

/* the ways to touch (%rdi), in the order of their kinds; r is the width of an address */
	.macro	WAYS who:req, r:req
read_\who:
	movl	(%\r\()di), %eax
	ud2
write_\who:
	movl	%eax, (%\r\()di)
	ud2
rmw_\who:
	lock xaddl %eax, (%\r\()di)
	ud2
fetch_\who:
	jmp	*%\r\()di
descriptor_\who:
	lsll	%edx, %eax
	ud2
	.endm
	.macro	WAYS_TABLE who:req
ways_\who:
	.quad	0, read_\who, write_\who, rmw_\who, fetch_\who, descriptor_\who
	.endm

	WAYS_TABLE super64
	WAYS_TABLE super32
	WAYS_TABLE user64
	WAYS_TABLE user32

	.macro	HARNESS bits:req, r:req, user_code:req
start\bits:
	lidt	idtr\bits
	movl	$TOUCHES, %ebx
next\bits:
	movl	$STACK_TOP, %esp
	movl	TOUCH_KIND(%\r\()bx), %ecx
	jecxz	end\bits
	movl	$(GDT_BASE + SEL_LDT), %esi
	movl	TOUCH_LDT(%\r\()bx), %eax
	movl	%eax, (%\r\()si)
	movl	TOUCH_LDT + 4(%\r\()bx), %eax
	movl	%eax, 4(%\r\()si)
	movl	TOUCH_LDT + 8(%\r\()bx), %eax
	movl	%eax, 8(%\r\()si)
	movl	TOUCH_LDT + 12(%\r\()bx), %eax
	movl	%eax, 12(%\r\()si)
	movl	$SEL_LDT, %eax
	lldt	%ax
	xorl	%eax, %eax
	mov	%\r\()ax, %cr2
	movl	$SEL_IN_LDT, %edx
	mov	TOUCH_GVA(%\r\()bx), %\r\()di
	movl	TOUCH_INPUT(%\r\()bx), %eax
	cmpl	$0, TOUCH_BY_USER(%\r\()bx)
	jne	user\bits
	jmp	*ways_super\bits\()(,%\r\()cx,8)
user\bits:
	push	$SEL_USER_DATA
	push	$0
	pushf
	push	$\user_code
	push	ways_user\bits\()(,%\r\()cx,8)
	iret\r
end\bits:
	DONE

exception\bits:
	movl	%eax, TOUCH_EAX(%\r\()bx)
	pop	%\r\()ax
	movl	%eax, TOUCH_VECTOR(%\r\()bx)
	pop	%\r\()ax
	movl	%eax, TOUCH_ERROR(%\r\()bx)
	pop	%\r\()ax
	mov	%\r\()ax, TOUCH_RIP(%\r\()bx)
	mov	%cr2, %\r\()ax
	mov	%\r\()ax, TOUCH_CR2(%\r\()bx)
	addl	$TOUCH_SIZE, %ebx
	jmp	next\bits

	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20
vector\bits\()_\n:
	push	$0
	push	$\n
	jmp	exception\bits
	.endr
	.irp	n, 8, 10, 11, 12, 13, 14, 17, 21
vector\bits\()_\n:
	push	$\n
	jmp	exception\bits
	.endr

	WAYS	super\bits, \r
	.endm

	.macro	iretr
	iretq
	.endm
	.macro	irete
	iretl
	.endm

	.code64
	HARNESS	64, r, SEL_USER_CODE64
	.code32
	HARNESS	32, e, SEL_USER_CODE32

	.balign	16
idt64:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
	GATE64	vector64_\n
	.endr
idtr64:
	.word	22 * 16 - 1
	.quad	idt64
	.balign	16
idt32:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
	.word	vector32_\n, SEL_CODE32, 0x8e00, 0
	.endr
idtr32:
	.word	22 * 8 - 1
	.long	idt32

	.balign	4096
user_page:
	.code64
	WAYS	user64, r
	.code32
	WAYS	user32, e

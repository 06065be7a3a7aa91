/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every form of MOV, and what else the completion of MMIO knows, on two pages that are memory or
 * not: what registers are left is logged, form by form, so that both can be compared.
 *
 * FS and GS have the base MOV_PAGES. Each form begins with the same registers.
 */
#include "guest.inc"
#include "mov.h"
	.globl	_start
_start:
	CASES	wide, narrow, real
	.set	device, MOV_PAGES + 0x40
	.set	across, MOV_PAGES + 0x1000
	.set	data, DATA_BASE

	.code64
/* a form, or several instructions that are one; where it was and what it left is logged */
#define LOG_SIZE	(8 * 8)
.macro F insn:vararg
	call	reset
	\insn
	call	store
.endm
.macro FS one:req, two:req, three, four
	call	reset
	\one
	\two
	\three
	\four
	call	store
.endm
reset:
	movl	$device, %ebx
	movabsq	$0x1122334455667788, %rax
	movl	$2, %ecx
	movabsq	$0x99aabbccddeeff01, %rdx
	movl	$device, %esi
	movl	$device + 8, %edi
	movabsq	$0x8070605040302010, %r9
	pushq	$2
	popfq
	ret
store:
	movq	%rax, 8(%rbp)
	movq	%rcx, 16(%rbp)
	movq	%rdx, 24(%rbp)
	movq	%rsi, 32(%rbp)
	movq	%rdi, 40(%rbp)
	movq	%r9, 48(%rbp)
	pushfq
	popq	56(%rbp)
	movq	(%rsp), %rax
	movq	%rax, (%rbp)
	addq	$LOG_SIZE, %rbp
	cld
	ret

wide:
	movl	$MOV_LOG, %ebp
	/* registers */
	.irp	reg, %al, %ah, %dl, %dh, %cl, %sil, %r9b
	F	movb \reg, 3(%rbx)
	F	movb (%rbx), \reg
	.endr
	.irp	reg, %ax, %dx, %r9w
	F	movw \reg, 2(%rbx)
	F	movw (%rbx), \reg
	.endr
	.irp	reg, %eax, %edx, %r9d
	F	movl \reg, 4(%rbx)
	F	movl (%rbx), \reg
	.endr
	.irp	reg, %rax, %rdx, %r9
	F	movq \reg, 8(%rbx)
	F	movq (%rbx), \reg
	.endr
	/* constants */
	F	movb $0x81, (%rbx)
	F	movw $0x8182, 4(%rbx)
	F	movl $0x81828384, 8(%rbx)
	F	movq $-0x7e7d7c7c, 16(%rbx)
	/* extensions */
	.irp	reg, %ax, %edx, %r9
	F	movzb (%rbx), \reg
	F	movsb (%rbx), \reg
	.endr
	F	movzwl 8(%rbx), %eax
	F	movzwq 8(%rbx), %rdx
	F	movswl 8(%rbx), %r9d
	F	movswq 8(%rbx), %rax
	F	movslq 8(%rbx), %rdx
	/* by an address in the instruction */
	F	movabsb %al, device + 1
	F	movabsb device + 4, %al
	F	movabsw %ax, device + 2
	F	movabsw device + 4, %ax
	F	movabsl %eax, device + 4
	F	movabsl device + 8, %eax
	F	movabsq %rax, device + 8
	F	movabsq device + 16, %rax
	/* other addresses */
	F	movl %eax, device + 4(%rip)
	F	movl device + 4(%rip), %edx
	F	movl $0x12345678, device(%rip)
	F	movl 4(%rbx,%rcx,4), %eax
	F	movl %eax, -4(%rbx,%rcx,8)
	F	movl device(,%rcx,4), %edx
	F	movq 0x80(%rbx,%rcx), %r9
	F	movl (%ebx), %eax
	F	movl %edx, 4(%ebx,%ecx,2)
	F	movl %fs:0x44, %eax
	F	movq %rdx, %gs:0x48(%rcx)
	F	movabsl %gs:0x50, %eax
	/* across two pages */
	F	movl %eax, across - 2
	F	movq %rdx, across - 5
	F	movw across - 1, %dx
	F	movl across - 2, %r9d
	F	movq across - 5, %rax
	/* others that move */
	F	movnti %eax, 4(%rbx)
	F	movnti %rdx, 8(%rbx)
	F	xchgl %eax, (%rbx)
	F	xchgb %dh, 5(%rbx)
	F	lock xaddl %edx, 8(%rbx)
	F	lock cmpxchgl %edx, (%rbx)
	F	addl %eax, (%rbx)
	F	orb $0x40, 3(%rbx)
	F	subq 8(%rbx), %rax
	F	incw 6(%rbx)
	F	negl 8(%rbx)
	F	testl $0x80, (%rbx)
	F	cmpb $0x81, (%rbx)
	F	btsl $5, (%rbx)
	/* strings: once, repeated, backwards, across pages, one side or both */
	.irp	width, b, w, l, q
	F	stos\width
	F	lods\width
	F	movs\width
	F	rep stos\width
	F	rep lods\width
	F	rep movs\width
	.endr
	FS	"std", "rep stosl"
	FS	"std", "rep lodsw"
	FS	"std", "rep movsb"
	FS	"movl $across - 6, %edi", "movl $4, %ecx", "rep stosl"
	FS	"movl $across + 6, %esi", "movl $4, %ecx", "std", "rep lodsl"
	FS	"movl $data, %esi", "movl $5, %ecx", "rep movsl"
	FS	"movl $data + 0x100, %edi", "movl $5, %ecx", "rep movsw"
	FS	"movl $data + 16, %esi", "movl $3, %ecx", "std", "rep movsq"
	FS	"xorl %ecx, %ecx", "rep stosb"
	F	addr32 rep stosb
	FS	"movl $0x44, %esi", "lodsb %gs:(%esi)"
	/* where there is one */
	movl	$1, %eax
	cpuid
	testl	$1 << 22, %ecx
	jz	1f
	F	movbe (%rbx), %ax
	F	movbe 4(%rbx), %edx
	F	movbe 8(%rbx), %r9
	F	movbe %ax, (%rbx)
	F	movbe %edx, 4(%rbx)
	F	movbe %r9, 8(%rbx)
1:	movq	%rbp, %rax
	VALUE
	DONE

	.code32
.macro F32 insn:vararg
	call	reset32
	\insn
	call	store32
.endm
.macro FS32 one:req, two:req, three, four
	call	reset32
	\one
	\two
	\three
	\four
	call	store32
.endm
reset32:
	movl	$device, %ebx
	movl	$0x55667788, %eax
	movl	$2, %ecx
	movl	$0xddeeff01, %edx
	movl	$device, %esi
	movl	$device + 8, %edi
	pushl	$2
	popfl
	ret
store32:
	movl	%eax, 4(%ebp)
	movl	%ecx, 8(%ebp)
	movl	%edx, 12(%ebp)
	movl	%esi, 16(%ebp)
	movl	%edi, 20(%ebp)
	pushfl
	popl	24(%ebp)
	movl	(%esp), %eax
	movl	%eax, (%ebp)
	addl	$LOG_SIZE, %ebp
	cld
	ret

narrow:
	movl	$MOV_LOG, %ebp
	F32	movb %al, device
	F32	movb device, %al
	F32	movw %ax, device + 2
	F32	movw device, %ax
	F32	movl %eax, device + 4
	F32	movl device, %eax
	F32	movb %dh, (%ebx)
	F32	movl %edx, 4(%ebx,%ecx,4)
	F32	movw $0x8182, (%ebx)
	F32	movl $0x81828384, 4(%ebx)
	F32	movsbl (%ebx), %edx
	F32	movzwl 4(%ebx), %eax
	F32	movl %fs:0x44, %eax
	F32	movb %al, %fs:0x44
	FS32	"xorl %ebx, %ebx", "movl %gs:0x48(%ebx), %edx"
	FS32	"movl $0x40, %ebx", "movl %eax, %fs:4(%bx)"
	FS32	"movl $0x3c, %esi", "addr16 movw %gs:4(%si), %dx"
	F32	movl across - 1, %edx
	F32	movw %ax, across - 1
	FS32	"movl $data, %esi", "rep movsl"
	FS32	"std", "rep stosw"
	F32	rep lodsb
	FS32	"movl $0x44, %esi", "movl $data + 64, %edi", "addr16 rep movsw %gs:(%si), %es:(%di)"
	movl	%ebp, %eax
	VALUE
	DONE

/* in real mode the device is in reach by the highest segment */
	.code16
.macro F16 insn:vararg
	call	reset16
	\insn
	call	store16
.endm
.macro FS16 one:req, two:req, three, four
	call	reset16
	\one
	\two
	\three
	\four
	call	store16
.endm
reset16:
	movl	$0x55667788, %eax
	movl	$0xddeeff01, %edx
	movw	$0x58, %bx
	movw	$2, %cx
	movw	$0x54, %si
	movw	$0x60, %di
	ret
store16:
	movl	%eax, %fs:4(%bp)
	movl	%ecx, %fs:8(%bp)
	movl	%edx, %fs:12(%bp)
	movl	%esi, %fs:16(%bp)
	movl	%edi, %fs:20(%bp)
	addw	$LOG_SIZE, %bp
	cld
	ret
real:
	movw	$MOV_LOG >> 4, %ax
	movw	%ax, %fs
	movw	$0xffff, %ax
	movw	%ax, %es
	xorl	%ebp, %ebp
	xorl	%ecx, %ecx
	xorl	%esi, %esi
	xorl	%edi, %edi
	F16	movb %al, %es:0x50
	F16	movw %es:0x52, %ax
	F16	movl %edx, %es:(%bx)
	F16	movl %es:4(%bx,%si), %edx
	F16	movw $0x8182, %es:2(%di)
	F16	movsbw %es:(%bx), %dx
	F16	rep stosw
	FS16	"std", "rep stosb"
	F16	rep lodsb %es:(%si)
	movl	%ebp, %eax
	addl	$MOV_LOG, %eax
	VALUE
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* A 64-bit ELF executable, started as Linux is. What it wants to see is in cases/run.py. */
/* ORG = 0x200000, FORMAT = elf64 */
#include "kernel.inc"
	.globl	_start
_start:
	STEP	1			/* long mode, paging, interrupts off */
	movl	$0xc0000080, %ecx
	rdmsr
	testl	$0x400, %eax
	WANT	nz
	movq	%cr0, %rax
	andl	$0x80000001, %eax
	cmpl	$0x80000001, %eax
	WANT	e
	pushfq
	popq	%rax
	testl	$0x200, %eax
	WANT	z
	STEP	2			/* the zero page */
	movq	%rsi, %rbx
	cmpw	$0xaa55, 0x1fe(%rbx)
	WANT	e
	cmpl	$0x53726448, 0x202(%rbx)
	WANT	e
	STEP	3
	movl	0x228(%rbx), %esi
	SAME	command_line
	STEP	4
	cmpl	$disk_end - disk - 1, 0x21c(%rbx)
	WANT	e
	movl	0x218(%rbx), %esi
	testl	$0xfff, %esi
	WANT	z
	SAME	disk
	STEP	5			/* a range of 63 MiB from 1 MiB on, RAM */
	movzbl	0x1e8(%rbx), %ecx
	leaq	0x2d0(%rbx), %rdx
1:	decl	%ecx
	WANT	ns
	cmpq	$0x100000, (%rdx)
	je	2f
	addq	$20, %rdx
	jmp	1b
2:	cmpq	$63 << 20, 8(%rdx)
	WANT	e
	cmpl	$1, 16(%rdx)
	WANT	e
	STEP	6
	movq	0x70(%rbx), %rsi
	SAME	rsdp
	STEP	7			/* our own memory: data there, bss empty */
	cmpl	$0x12345678, data
	WANT	e
	movl	$bss, %edi
	movl	$0x3000 / 4, %ecx
	xorl	%eax, %eax
	repe	scasl
	WANT	e
	STEP	8			/* the identity map reaches the local APIC */
	movl	$0xfee00030, %esi
	movl	(%rsi), %eax
	cmpb	$0x14, %al
	WANT	ae
	EXITS
	.data
data:
	.long	0x12345678
	TEXT	command_line, "check this"
	TEXT	disk, "a disk"
rsdp:
	.ascii	"RSD PTR "
rsdp_end:
	.bss
bss:
	.skip	0x3000

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CONFIG decides about. The host says at DATA_BASE which MSR, port or leaf is meant, and the
 * values for it.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	read_msr, write_msr, hypercall, pause_once, pauses, cpuid_leaf, port_out, port_in
	CASES	ud2_case, read_nowhere, bad_selector, breakpoint, single_step, nested
	CASES	tsc, breakpoint_wide
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

pause_once:
	pause
	REPORT	$1
	DONE

pauses:
	movl	DATA_BASE, %ecx
1:	pause
	decl	%ecx
	jnz	1b
	REPORT	$2
	DONE

cpuid_leaf:
	FIRST	cpuid
	VALUE
	REPORT	%ebx
	REPORT	%ecx
	REPORT	%edx
8:	DONE

/* EDX: the port */
port_out:
	FIRST	outb %al, %dx
	REPORT	$3
8:	DONE

port_in:
	FIRST	inb %dx, %al
	VALUE
8:	DONE

/* what follows a fault that was not delivered, or has been */
ud2_case:
	FIRST	ud2
8:	REPORT	$0x55
	DONE

read_nowhere:
	movl	$0x40001234, %ebx
	FIRST	movl (%rbx), %ebx
	REPORT	%ebx
8:	movq	%cr2, %rax
	VALUE
	DONE

bad_selector:
	FIRST	movw %cx, %ds
8:	DONE

breakpoint:
	FIRST	int3
8:	REPORT	$0x55
	DONE

/* three bytes: two segment prefixes that mean nothing */
breakpoint_wide:
	FIRST	.byte 0x2e, 0x3e, 0xcc
8:	REPORT	$0x55
	DONE

tsc:
	rdtsc
	VALUE
	REPORT	%edx
	DONE

/* RFLAGS.TF: the trap comes behind NOP */
single_step:
	USE_IDT
	xorl	%eax, %eax
	movq	%rax, %dr6
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	pushfq
	orl	$0x100, (%rsp)
	popfq
	nop
7:	nop
8:	movq	%dr6, %rax
	VALUE
	DONE

/* #PF whose gate is not present */
nested:
	USE_IDT
	movb	$0x0e, idt + 14 * 16 + 5(%rip)
	movl	$0x40001234, %ebx
	TRY	movl (%rbx), %ecx
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC through its page and through MSRs: timer, self-IPI, priorities, MSI. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	x_registers, x_oneshot, x_periodic, x_deadline, x_ipi, x_priority, x_msi
	CASES	x2_registers, x2_oneshot, x2_periodic, x2_deadline, x2_ipi, x2_priority, x2_msi
	CASES	x_halted_timer, decoder
	.code64
#include "idt64.inc"

#include "apic.inc"

/* longer than the slowest host takes for one interrupt and its report */
#define PERIOD	1000000

.macro ALL mode:req, prefix:req
\prefix\()_registers:
	ENABLE	\mode
	READ	\mode, ID
	VALUE
	READ	\mode, VERSION
	andl	$0xff, %eax
	VALUE
	READ	\mode, SVR
	VALUE
	WRITE	\mode, TPR, 0x31
	movq	%cr8, %rax
	VALUE
	movl	$7, %eax
	movq	%rax, %cr8
	READ	\mode, TPR
	VALUE
	WRITE	\mode, TPR, 0
	DONE

\prefix\()_oneshot:
	ENABLE	\mode
	WRITE	\mode, LVTT, 0x60
	WRITE	\mode, TMICT, 100000
	READ	\mode, TMCCT
	cmpl	$100000, %eax
	setbe	%al
	movzbl	%al, %eax
	VALUE
	AWAIT	1
	READ	\mode, TMCCT
	VALUE
	DONE

\prefix\()_periodic:
	ENABLE	\mode
	WRITE	\mode, LVTT, 0x20061
	WRITE	\mode, TMICT, PERIOD
	AWAIT	4
	WRITE	\mode, TMICT, 0
	READ	\mode, TMCCT
	VALUE
	DONE

\prefix\()_deadline:
	ENABLE	\mode
	WRITE	\mode, LVTT, 0x40062
	mfence
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	addq	$100000, %rax
	movq	%rax, %rsi
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$0x6e0, %ecx
	wrmsr
	AWAIT	1
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%rsi, %rax
	setae	%al
	movzbl	%al, %eax
	VALUE
	movl	$0x6e0, %ecx
	rdmsr
	VALUE				/* 0: it has fired */
	DONE

\prefix\()_ipi:
	ENABLE	\mode
	sti
	SEND	\mode, 0x40070
	nop
	SEND	\mode, 0x40071
	nop
	cli
	.if	\mode == X2
	sti
	movl	$0x83f, %ecx
	movl	$0x72, %eax
	xorl	%edx, %edx
	wrmsr
	nop
	cli
	.endif
	DONE

/* by class, and held back by the TPR */
\prefix\()_priority:
	ENABLE	\mode
	movl	$6, %eax
	movq	%rax, %cr8
	SEND	\mode, 0x40051
	SEND	\mode, 0x40061
	SEND	\mode, 0x40071
	SEND	\mode, 0x40082
	sti
	nop
	nop
	REPORT	$1
	movl	$5, %eax
	movq	%rax, %cr8
	nop
	REPORT	$2
	xorl	%eax, %eax
	movq	%rax, %cr8
	nop
	REPORT	$3
	cli
	DONE

\prefix\()_msi:
	ENABLE	\mode
	movl	$1, DATA_BASE
	AWAIT	2
	DONE
.endm

	ALL	1, x
	ALL	X2, x2

x_halted_timer:
	ENABLE	1
	WRITE	1, LVTT, 0x63
	WRITE	1, TMICT, 200000
	sti
	hlt
	cli
	REPORT	$9
	DONE

/* forms of MOV that reach the APIC page */
decoder:
	ENABLE	1
	movl	$APIC_PAGE, %ebx
	movl	$8, %ecx
	movl	$0x20, %r8d
	movl	%r8d, TPR(%rbx)		/* REX, disp32 */
	movl	TPR(%rbx), %r9d
	REPORT	%r9d
	movl	%ecx, TPR(,%rbx)
	movl	(TPR - 64)(%rbx,%rcx,8), %eax
	VALUE
	movabsl	APIC_PAGE + VERSION, %eax
	andl	$0xff, %eax
	VALUE
	movl	$0, TPR(%rbx)
	/* a form that the kernel leaves to userspace, and no CPU does this to a register */
	orl	$0x10, VERSION(%rbx)
	REPORT	$7
	DONE

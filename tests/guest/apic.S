/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC through its page and through MSRs: timer, self-IPI, priorities, MSI. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	x_registers, x_oneshot, x_periodic, x_deadline, x_ipi, x_priority, x_msi
	CASES	x2_registers, x2_oneshot, x2_periodic, x2_deadline, x2_ipi, x2_priority, x2_msi
	CASES	x_halted_timer, decoder
	CASES	x_divide, x_masked, x_unmasked, x_masked_periods, x_modes
	CASES	x2_divide, x2_masked, x2_unmasked, x2_masked_periods, x2_modes
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

/* until EDX:EAX is so many ticks later */
.macro SPIN ticks:req
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	leaq	\ticks(%rax), %rsi
1:	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%rsi, %rax
	jb	1b
.endm
#define MASKED		0x10000
#define PERIODIC	0x20000
#define DEADLINE	0x40000
.macro TIMERS mode:req, prefix:req
/* how many ticks of the TSC one of the timer's is, as a shift, by each value that divides it */
\prefix\()_divide:
	ENABLE	\mode
	WRITE	\mode, LVTT, (MASKED + 0x60)
	.irp	divide, 0xb, 0, 1, 2, 3, 8, 9, 0xa
	WRITE	\mode, TDCR, \divide
	WRITE	\mode, TMICT, 0x7fffffff
	READ	\mode, TMCCT
	movl	%eax, %r8d
	rdtsc
	movl	%eax, %r9d
	SPIN	200000
	READ	\mode, TMCCT
	subl	%eax, %r8d
	rdtsc
	subl	%r9d, %eax
	xorl	%edx, %edx
	movl	%r8d, %ecx
	shrl	%ecx
	addl	%ecx, %eax			/* rounded */
	divl	%r8d
	leal	(,%rax,4), %eax			/* the nearest power of two */
	movl	$3, %ecx
	xorl	%edx, %edx
	divl	%ecx
	bsrl	%eax, %eax
	VALUE
	.endr
	WRITE	\mode, TMICT, 0
	DONE

/* masked, it runs down and is lost: no interrupt comes later */
\prefix\()_masked:
	ENABLE	\mode
	WRITE	\mode, LVTT, (MASKED + 0x60)
	WRITE	\mode, TMICT, 50000
	sti
	SPIN	200000
	READ	\mode, TMCCT
	VALUE
	WRITE	\mode, LVTT, 0x60
	nop
	SPIN	100000
	cli
	REPORT	irq_count(%rip)
	DONE

/* unmasked in time, it interrupts; a count written anew begins anew */
\prefix\()_unmasked:
	ENABLE	\mode
	WRITE	\mode, LVTT, (MASKED + 0x64)
	WRITE	\mode, TMICT, 4000000
	sti
	SPIN	2000000
	WRITE	\mode, TMICT, 4000000
	SPIN	3000000
	REPORT	irq_count(%rip)
	WRITE	\mode, LVTT, 0x64
	AWAIT	1
	DONE

/* periods go on while it is masked */
\prefix\()_masked_periods:
	ENABLE	\mode
	WRITE	\mode, LVTT, (MASKED + PERIODIC + 0x65)
	WRITE	\mode, TMICT, PERIOD
	sti
	SPIN	(PERIOD * 3 / 2)
	READ	\mode, TMCCT
	cmpl	$PERIOD * 3 / 4, %eax		/* half a period is left */
	setb	%al
	cmpl	$0, irq_count(%rip)
	sete	%ah
	movzwl	%ax, %eax
	VALUE
	WRITE	\mode, LVTT, (PERIODIC + 0x65)
	AWAIT	2
	WRITE	\mode, TMICT, 0
	DONE

/* what belongs to the other mode is ignored, and what was armed is gone when the mode changes */
\prefix\()_modes:
	ENABLE	\mode
	WRITE	\mode, LVTT, 0x66
	WRITE	\mode, TMICT, 0
	movl	$0x6e0, %ecx
	movl	$1, %eax
	xorl	%edx, %edx
	wrmsr					/* long past, but there is no deadline */
	rdmsr
	VALUE
	WRITE	\mode, LVTT, (DEADLINE + 0x66)
	WRITE	\mode, TMICT, 100
	READ	\mode, TMICT
	VALUE
	sti
	rdtsc
	addl	$2000000, %eax
	adcl	$0, %edx
	movl	$0x6e0, %ecx
	wrmsr
	WRITE	\mode, LVTT, 0x66
	movl	$0x6e0, %ecx
	rdmsr
	VALUE
	SPIN	3000000
	REPORT	irq_count(%rip)
	WRITE	\mode, LVTT, (DEADLINE + 0x67)
	movl	$0x6e0, %ecx
	movl	$1, %eax
	xorl	%edx, %edx
	wrmsr					/* long past: at once */
	nop
	REPORT	$0x99
	rdtsc
	addl	$2000000, %eax
	adcl	$0, %edx
	movl	$0x6e0, %ecx
	wrmsr
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr					/* taken back */
	SPIN	3000000
	cli
	REPORT	irq_count(%rip)
	DONE
.endm

	TIMERS	1, x
	TIMERS	X2, x2

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks measure: each case repeats one operation, COUNT times, and leaves the ticks
 * that all of it took. The same bytes run under vmxhv and under KVM.
 *
 * Beside the operation, the loop has two instructions (those of the empty case, which the host
 * subtracts), and at most two more that set the operation up again.
 */
#include "guest.inc"
#include "bench.h"
	.globl	_start
_start:
	CASES	empty, cpuid_exit, vmcall_exit, rdmsr_exit, wrmsr_exit, out_exit, mmio_exit, touch
	CASES	touch_apart
	CASES	wbinvd_exit, in_exit, mmio_read, touch_huge, deadline, window, life
	CASES	self_ipi, self_ipi_halted
	.code64

.macro START
	movl	BENCH_COUNT, %esi
	rdtsc
	movl	%eax, %r8d
	movl	%edx, %r9d
	shlq	$32, %r9
	orq	%r9, %r8
.endm

.macro REPEAT label:req
	decl	%esi
	jnz	\label
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r8, %rax
	movq	%rax, BENCH_TICKS
	DONE
.endm

empty:
	START
1:
	REPEAT	1b

cpuid_exit:
	START
1:	xorl	%eax, %eax
	cpuid
	REPEAT	1b

/* the first returns -ENOSYS, which is no hypercall's number either */
vmcall_exit:
	START
	movl	$0x1000, %eax
1:	vmcall
	REPEAT	1b

rdmsr_exit:
	START
	movl	$0x1b, %ecx		/* IA32_APIC_BASE */
1:	rdmsr
	REPEAT	1b

wrmsr_exit:
	START
	movl	$0x277, %ecx		/* IA32_PAT, as it is after reset */
	movl	$0x00070406, %eax
	movl	$0x00070406, %edx
1:	wrmsr
	REPEAT	1b

out_exit:
	START
	movl	$BENCH_PORT, %edx
1:	outb	%al, %dx
	REPEAT	1b

mmio_exit:
	START
	movl	$BENCH_MMIO, %ebx
1:	movl	%eax, (%rbx)		/* BENCH_MMIO_LEN bytes */
	REPEAT	1b

touch:
	START
	movl	$BENCH_TOUCH, %ebx
1:	movb	%al, (%rbx)
	addq	$4096, %rbx
	REPEAT	1b

/* one page of each block of BENCH_APART */
touch_apart:
	START
	movl	$BENCH_TOUCH, %ebx
1:	movb	%al, (%rbx)
	addq	$(BENCH_APART * 4096), %rbx
	REPEAT	1b

wbinvd_exit:
	START
1:	wbinvd
	REPEAT	1b

in_exit:
	START
	movl	$BENCH_PORT, %edx
1:	inb	%dx, %al
	REPEAT	1b

mmio_read:
	START
	movl	$BENCH_MMIO, %ebx
1:	movl	(%rbx), %eax		/* BENCH_MMIO_LEN bytes */
	REPEAT	1b

touch_huge:
	START
	movl	$BENCH_HUGE, %ebx
1:	movb	%al, (%rbx)
	addq	$BENCH_HUGE_SIZE, %rbx
	REPEAT	1b

/* An x2APIC that takes interrupts, and an IDT with one gate. There is no way back to its page. */
.macro TAKE_INTERRUPTS
	lidt	one_gate(%rip)
	movl	$0x1b, %ecx
	rdmsr
	orl	$0xc00, %eax
	wrmsr
	movl	$0x80f, %ecx		/* SVR: enabled */
	movl	$0x1ff, %eax
	xorl	%edx, %edx
	wrmsr
.endm

/* 64 bits of the TSC, less a time, are added to R8 */
.macro ADD_TIME_SINCE time:req
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	\time, %rax
	addq	%rax, %r8
.endm

/*
 * The APIC's timer, BENCH_AHEAD ticks ahead: what it takes to set, and the time from its deadline
 * until the guest has ended the interrupt. What lies between is the guest's own.
 */
deadline:
	TAKE_INTERRUPTS
	movl	$0x832, %ecx		/* LVT timer: TSC deadline */
	movl	$0x40000 + TIMER_VECTOR, %eax
	wrmsr
	movl	BENCH_COUNT, %esi
	xorl	%r8d, %r8d
1:	movl	$0, interrupts(%rip)
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r9
	addq	$BENCH_AHEAD, %rax
	movq	%rax, %r10
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$0x6e0, %ecx
	wrmsr
	ADD_TIME_SINCE %r9
	sti
2:	cmpl	$0, interrupts(%rip)
	je	2b
	cli
	ADD_TIME_SINCE %r10
	decl	%esi
	jnz	1b
	movq	%r8, BENCH_TICKS
	DONE

/* An interrupt comes while the guest has them off; it opens them, takes it, and ends it. */
window:
	TAKE_INTERRUPTS
	START
1:	movl	$0x83f, %ecx		/* self-IPI */
	movl	$TIMER_VECTOR, %eax
	xorl	%edx, %edx
	wrmsr
	sti
	nop
	cli
	REPEAT	1b

/* in real mode, and the same bytes in any */
life:
	DONE

	.set	TIMER_VECTOR, 0x62
x2apic_interrupt:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	movl	$0x80b, %ecx		/* EOI */
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	incl	interrupts(%rip)
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

	.balign	16
timer_idt:
	.skip	TIMER_VECTOR * 16
	GATE64	x2apic_interrupt
one_gate:
	.word	. - timer_idt - 1
	.quad	timer_idt
interrupts:
	.long	0

	.balign	8
#define APIC_PAGE	0xfee00000
#define SVR		0xf0
#define EOI		0xb0
#define ICR		0x300
#define TO_SELF		(0x40000 + BENCH_VECTOR)

/* RBX: the local APIC's page */
.macro USE_APIC
	lidt	idtr(%rip)
	movl	$APIC_PAGE, %ebx
	movl	$0x1ff, SVR(%rbx)
.endm

/* by ICR; the handler acknowledges and returns */
self_ipi:
	USE_APIC
	sti
	START
1:	movl	$TO_SELF, ICR(%rbx)
	REPEAT	1b

/* it is pending when the guest halts */
self_ipi_halted:
	USE_APIC
	START
1:	cli
	movl	$TO_SELF, ICR(%rbx)
	sti
	hlt
	REPEAT	1b

acknowledge:
	movl	$0, EOI(%rbx)
	iretq

	.balign	16
idtr:
	.word	(BENCH_VECTOR + 1) * 16 - 1
	.quad	idt
	.balign	16
idt:
	GATES64	acknowledge, (BENCH_VECTOR + 1)

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

/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions that exit, or would if a control of ours were set; and who may execute them. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	not_there, not_for_ring_3, passes, features, descriptor_tables
	CASES	general_detect, dr4_dr5, int1, int1_ring_3, pauses
	.code64
#include "idt64.inc"

/* what the guest's CPUID does not show, and what only SMM or VMX operation has */
not_there:
	USE_IDT
	movl	$DATA_BASE, %ebx
	TRY	getsec
	TRY	rsm
	TRY	vmfunc
	TRY	encls
	TRY	enclv
	TRY	pconfig
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	%ebx, %eax
	TRY	monitor
	TRY	mwait
	TRY	umwait %eax
	TRY	tpause %eax
	movl	$1, %eax
	cpuid
	btl	$26, %ecx
	jnc	1f
	movq	%cr4, %rax
	orl	$0x40000, %eax		/* OSXSAVE */
	movq	%rax, %cr4
1:	movl	$DATA_BASE, %ebx
	TRY	xsaves (%rbx)
	TRY	xrstors (%rbx)
	TRY	enqcmd (%rbx), %rbx
	TRY	enqcmds (%rbx), %rbx
	DONE

/* #GP comes before the exit */
not_for_ring_3:
	USE_IDT
	RING_3
	movl	$DATA_BASE, %ebx
	xorl	%ecx, %ecx
	TRY	rdpmc
	TRY	rdmsr
	TRY	wrmsr
	TRY	invd
	TRY	wbinvd
	TRY	invlpg (%rbx)
	TRY	clts
	TRY	lmsw %ax
	TRY	movq %cr0, %rax
	TRY	movq %rax, %cr3
	TRY	movq %dr7, %rax
	TRY	movq %rax, %dr0
	TRY	lgdt (%rbx)
	TRY	lidt (%rbx)
	TRY	lldt %ax
	TRY	ltr %ax
	TRY	cli
	TRY	int $0x80
	TRY	vmxoff			/* an exit comes before #GP */
	leaq	9f(%rip), %r14
	xorl	%r15d, %r15d
9:	ud2

passes:
	USE_IDT
	movl	$DATA_BASE, %ebx
	TRY	invlpg (%rbx)
	TRY	rdtsc
	TRY	pause
	xorl	%ecx, %ecx
	TRY	rdpmc			/* but not that: there are no counters */
	DONE

/* CPUID's bit, and what the instruction does */
.macro FEATURE leaf:req, reg:req, bit:req, insn:vararg
	movl	$\leaf, %eax
	xorl	%ecx, %ecx
	cpuid
	xorl	%eax, %eax
	btl	$\bit, %\reg
	setc	%al
	VALUE
	movl	$DATA_BASE, %ebx
	xorl	%ecx, %ecx
	TRY	\insn
.endm
features:
	USE_IDT
	movq	$0, DATA_BASE
	movq	$0, DATA_BASE + 8
	FEATURE	0x80000001, edx, 27, rdtscp
	FEATURE	7, ebx, 10, invpcid (%rbx), %rcx
	FEATURE	1, ecx, 30, rdrand %eax
	FEATURE	7, ebx, 18, rdseed %eax
	DONE

descriptor_tables:
	USE_IDT
	sgdt	DATA_BASE
	movzwl	DATA_BASE, %eax
	VALUE
	movl	DATA_BASE + 2, %eax
	VALUE
	sidt	DATA_BASE
	movzwl	DATA_BASE, %eax
	VALUE
	lgdt	gdtr_copy(%rip)
	sgdt	DATA_BASE
	movzwl	DATA_BASE, %eax
	VALUE
	xorl	%eax, %eax
	lldt	%ax
	sldt	%eax
	VALUE
	str	%eax
	VALUE
	DONE
gdtr_copy:
	.word	0x5f
	.quad	GDT_BASE

/* DR7.GD: any MOV DR traps, once */
general_detect:
	USE_IDT
	xorl	%eax, %eax
	movq	%rax, %dr6
	movl	$0x2400, %eax
	movq	%rax, %dr7
	TRY	movq %dr0, %rax
	movq	%dr6, %rax
	VALUE
	movq	%dr7, %rax
	VALUE
	movl	$0x2400, %eax
	movq	%rax, %dr7
	TRY	movq %rax, %dr7
	movq	%dr7, %rax
	VALUE
	DONE

/* DR4 and DR5 are DR6 and DR7, or nothing */
dr4_dr5:
	USE_IDT
	movl	$0x1, %eax
	movq	%rax, %db4
	movq	%dr6, %rax
	VALUE
	movq	%db5, %rax
	VALUE
	movq	%cr4, %rax
	orl	$8, %eax		/* DE */
	movq	%rax, %cr4
	TRY	movq %db4, %rax
	TRY	movq %rax, %db5
	DONE

/* INT1: a trap with vector 1 that says nothing in DR6, and asks for no privilege */
int1:
	USE_IDT
	xorl	%eax, %eax
	movq	%rax, %dr6
	TRY	.byte 0xf1
	movq	%dr6, %rax
	VALUE
	TRY	.byte 0x66, 0x66, 0xf1
	DONE
int1_ring_3:
	USE_IDT
	RING_3
	TRY	.byte 0xf1
	leaq	9f(%rip), %r14
	xorl	%r15d, %r15d
9:	ud2

/* a loop that waits, as long as a window of PAUSE-loop exiting would be */
pauses:
	movl	$10000, %ecx
1:	pause
	loop	1b
	REPORT	$1
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of several events comes first, and what holds them back. A handler reports who it is and
 * then where it came from: 1 at "here", 2 at "there", 3 at the first instruction of the handler of
 * #DB or #UD, 0 elsewhere.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	together, with_trap, ipi_with_trap, injected
	CASES	sti_load, sti_again_load, movss_load, movss_load_trap, popss_load
	CASES	movss_traps, movss_watched, nested_classes
	CASES	point_cpuid, point_out, point_load, point_outs, trap_outs, branch_trap
	.code64
#include "idt64.inc"
#include "apic.inc"

#define TF		0x100
#define LOADED		PAGED_BASE + 8		/* no memory, until the host has seen the exit */
#define IS_DB		0xdb
#define IS_NMI		0x22
#define IS_UD		0x66

/* (%rsp): RIP of what was interrupted */
.macro FROM
	movl	$1, %eax
	cmpq	%r12, 8(%rsp)
	je	9f
	movl	$2, %eax
	cmpq	%r13, 8(%rsp)
	je	9f
	movl	$3, %eax
	cmpq	$db_handler, 8(%rsp)
	je	9f
	cmpq	$ud_handler, 8(%rsp)
	je	9f
	xorl	%eax, %eax
9:	VALUE
.endm
.macro HANDLER name:req, is:req
\name:
	pushq	%rax
	REPORT	$\is
	FROM
.endm
.macro HANDLER_END
	popq	%rax
	iretq
.endm

	HANDLER	nmi_handler, IS_NMI
	HANDLER_END
	HANDLER	ud_handler, IS_UD
	HANDLER_END
/* DR6 too; and TF is off from here on */
	HANDLER	db_handler, IS_DB
	movq	%dr6, %rax
	VALUE
	movl	$0xffff0ff0, %eax
	movq	%rax, %dr6
	andl	$~TF, 24(%rsp)
	HANDLER_END
/* the same, and on with RF: the instruction that was found is executed */
	HANDLER	point_handler, IS_DB
	orl	$0x10000, 24(%rsp)
	HANDLER_END
/* TF stays until the instruction is done */
	HANDLER	trap_handler, IS_DB
	cmpl	$2, %eax
	jne	1f
	andl	$~TF, 24(%rsp)
1:	HANDLER_END
	HANDLER	irq_handler, 0x60
	movl	$APIC_PAGE, %eax
	movl	$0, 0xb0(%rax)
	HANDLER_END

.macro GATE n:req, handler:req
	movl	$\handler, %eax
	movw	%ax, idt + \n * 16
.endm
.macro BEGIN
	ENABLE	1
	GATE	1, db_handler
	GATE	2, nmi_handler
	GATE	6, ud_handler
	GATE	0x60, irq_handler
	leaq	7f(%rip), %r12
	leaq	8f(%rip), %r13
	movl	$0xffff0ff0, %eax
	movq	%rax, %dr6
	/* IRET: an NMI of the case before may have had none */
	movq	%rsp, %rax
	pushq	$SEL_DATA
	pushq	%rax
	pushq	$2
	pushq	$SEL_CODE64
	leaq	1f(%rip), %rax
	pushq	%rax
	iretq
1:
.endm
/* the instructions behind are TF's, if asked for */
.macro OPEN flags=0
	pushq	$0x202 + \flags
	popfq
.endm
.macro END
	cli
	REPORT	$0x55
	DONE
.endm

/* the host has sent an NMI, an ExtINT and two interrupts by the APIC */
together:
	BEGIN
	OPEN
	outb	%al, $0xf0
7:	nop
	END
8:

/* the same with a trap behind the OUT: it is the first; the NMI comes before its handler */
with_trap:
	BEGIN
	OPEN	TF
	outb	%al, $0xf0
7:	nop
	END
8:

/* an IPI of the guest's own, taken behind the instruction that sent it: so is the trap */
ipi_with_trap:
	BEGIN
	movl	$APIC_PAGE, %ebx
	movl	$0, ICR2(%rbx)
	OPEN	TF
	movl	$0x40060, ICR(%rbx)
7:	nop
	END
8:

/* an exception that the host injects */
injected:
	BEGIN
	OPEN
	outb	%al, $0xf0
7:	nop
	END
8:

/* What comes in a shadow waits for the instruction in it, which exits and is done again. */
sti_load:
	BEGIN
	sti
	movl	LOADED, %edx
7:	nop
	REPORT	%edx
	END
8:

/* STI where interrupts are on already casts no shadow: "there" comes first */
sti_again_load:
	BEGIN
	OPEN
	sti
8:	movl	LOADED, %edx
7:	nop
	REPORT	%edx
	END

movss_load:
	BEGIN
	OPEN
	movl	%ss, %ecx
	movl	%ecx, %ss
	movl	LOADED, %edx
7:	nop
	REPORT	%edx
	END
8:

movss_load_trap:
	BEGIN
	movl	%ss, %ecx
	OPEN	TF
	movl	%ecx, %ss
	movl	LOADED, %edx
7:	nop
	REPORT	%edx
	END
8:

/* one trap behind both instructions; the second does not exit, and does */
movss_traps:
	BEGIN
	movl	%ss, %ecx
	pushq	$2 + TF
	popfq
	movl	%ecx, %ss
	nop
7:	leaq	8f(%rip), %r12
	xorl	%eax, %eax
	pushq	$2 + TF
	movl	%ss, %esi
	popfq
	movl	%esi, %ss
	cpuid
8:	nop
	END

/* SS loaded from where the guest watches: both reasons, behind the next instruction */
movss_watched:
	BEGIN
	movw	%ss, DATA_BASE
	movl	$DATA_BASE, %eax
	movq	%rax, %dr0
	movl	$0x000f0401, %eax	/* accesses to four bytes */
	movq	%rax, %dr7
	movw	DATA_BASE, %ss
	nop
7:	leaq	8f(%rip), %r12
	xorl	%eax, %eax
	movw	DATA_BASE, %ss
	cpuid
8:	movl	$0x400, %eax
	movq	%rax, %dr7
	END

/* a handler that opens interrupts: only a higher class comes between */
#define CLASS_5		0x50
nested_classes:
	BEGIN
	GATE	CLASS_5, opens
	SEND	1, 0x40050
	sti
	nop
	cli
	END
7:
8:
opens:
	pushq	%rax
	pushq	%rbx
	REPORT	$1
	movl	$EOI_XAPIC, irq_eoi(%rip)
	SEND	1, 0x40041
	SEND	1, 0x40058
	sti
	nop
	REPORT	$2
	SEND	1, 0x40061
	nop
	REPORT	$3
	movl	0xa0(%rbx), %eax	/* PPR */
	VALUE
	movl	$0, 0xb0(%rbx)
	nop
	REPORT	$4
	cli
	popq	%rbx
	popq	%rax
	iretq

/* a breakpoint on an instruction that exits: each time it is come to, and once */
.macro POINT insn:vararg
	BEGIN
	GATE	1, point_handler
	movl	$DATA_BASE + 0xffe, %esi	/* three bytes are in two pages */
	leaq	7f(%rip), %rax
	movq	%rax, %dr0
	movl	$0x401, %eax
	movq	%rax, %dr7
	movl	$2, %ebp
1:	xorl	%eax, %eax
	movl	$3, %ecx
	movw	$0xf2, %dx
7:	\insn
8:	decl	%ebp
	jnz	1b
	movl	$0x400, %eax
	movq	%rax, %dr7
	END
.endm
point_cpuid:
	POINT	cpuid
point_out:
	POINT	outb %al, $0xf2
point_load:
	POINT	movl LOADED, %edx
point_outs:
	POINT	rep outsb

/* TF over a repeated instruction: a trap behind each iteration */
trap_outs:
	BEGIN
	GATE	1, trap_handler
	movl	$DATA_BASE, %esi
	movl	$3, %ecx
	movw	$0xf2, %dx
	pushq	$2 + TF
	popfq
7:	rep outsb
8:	nop
	REPORT	%ecx
	END

/* TF with BTF: OUT is no branch; #DB clears BTF */
branch_trap:
	BEGIN
	movl	$0x1d9, %ecx
	xorl	%edx, %edx
	movl	$2, %eax
	wrmsr
	xorl	%eax, %eax
	pushq	$2 + TF
	popfq
	outb	%al, $0xf0
8:	.byte	0xeb, 0			/* JMP to the next instruction */
7:	nop
	movl	$0x1d9, %ecx
	rdmsr
	VALUE
	END

/* POP SS, which 64-bit mode has not */
popss_load:
	BEGIN
	pushq	$SEL_CODE32
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
	.code32
1:	pushl	$SEL_DATA
	pushl	$0x202
	popfl
	popl	%ss
	movl	LOADED, %edx
7:	nop
	REPORT	%edx
8:	END

/* SPDX-License-Identifier: GPL-2.0-only */
/* Beyond flat code: compatibility mode, gates, rings, PAE paging, code that changes. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	compatibility, changing_code, written_code, breakpoints
	CASES	call_gate, exceptions_32, alignment, stack_fault, pae
	.code64
#include "idt64.inc"

/* 32-bit code under the 64-bit IDT: exits, events and faults come back to it */
compatibility:
	USE_IDT
	leaq	7f(%rip), %r14
	leaq	8f(%rip), %r15
	movq	$-1, %rbx
	pushq	$SEL_CODE32
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
	.code32
1:	movl	$5, %eax
	.byte	0x48			/* DEC here, a prefix in 64-bit mode */
	nop
	VALUE
	movl	%cs, %eax
	VALUE
	movl	$0x80000000, %eax
	cpuid
	int	$0x50
7:	ud2
	REPORT	$0xff
8:	movl	$DATA_BASE, %esi
	movl	$0x12345678, DATA_BASE
	lodsl
	VALUE
	ljmp	$SEL_CODE64, $2f
	.code64
2:	movl	%cs, %eax
	VALUE
	movl	$0, irq_count(%rip)
	DONE

changing_code:
	movl	$3, %ecx
1:	movl	$0x100, %eax
	VALUE
	incb	1b + 1(%rip)
	loop	1b
	movb	$0, 1b + 1(%rip)
	/* the very next instruction, across a page's end where the code is copied to */
	movl	$2f, %esi
	movl	$DATA_BASE + 0x1000 - (3f - 2f), %edi
	movl	$4f - 2f, %ecx
	cld
	rep movsb
	movl	$DATA_BASE + 0x1000 - (3f - 2f), %eax
	jmp	*%rax
2:	movl	$0x77, %ebx
	movb	%bl, DATA_BASE + 0x1001
3:	movl	$0x11, %eax
	VALUE
	movl	$5f, %eax
	jmp	*%rax
4:
5:	DONE

/* a page that is written, executed, written and executed again, with an exit each time */
written_code:
	movl	$3, %ebp
	movl	$0xabc0, %ebx
1:	movb	$0xb8, DATA_BASE + 0x2000		/* MOV EAX, imm32 */
	movl	%ebx, DATA_BASE + 0x2001
	movb	$0xe7, DATA_BASE + 0x2005		/* OUT imm8, EAX */
	movb	$PORT_VALUE, DATA_BASE + 0x2006
	movb	$0xc3, DATA_BASE + 0x2007		/* RET */
	movl	$DATA_BASE + 0x2000, %eax
	call	*%rax
	incl	%ebx
	decl	%ebp
	jnz	1b
	DONE

/*
 * Breakpoints of this guest's own: DR0 to DR3 and DR7 come from the host and go back to it; in each
 * turn the instruction at "here" runs, which DR0 names in one guest and not in the other.
 */
breakpoints:
	USE_IDT
	leaq	here(%rip), %r14
	leaq	2f(%rip), %r15
	movq	DATA_BASE, %rax
	testq	%rax, %rax
	jnz	1f
	leaq	here(%rip), %rax
1:	movq	%rax, %dr0
	movq	DATA_BASE + 8, %rax
	movq	%rax, %dr1
	movq	DATA_BASE + 16, %rax
	movq	%rax, %dr2
	movq	DATA_BASE + 24, %rax
	movq	%rax, %dr3
	movq	DATA_BASE + 32, %rax
	movq	%rax, %dr7
	movl	$4, %ebp
1:	outb	%al, $0xf0
here:	nop
2:	decl	%ebp
	jnz	1b
	movq	%dr0, %rax
	movq	%rax, DATA_BASE + 0x1000
	movq	%dr1, %rax
	movq	%rax, DATA_BASE + 0x1008
	movq	%dr2, %rax
	movq	%rax, DATA_BASE + 0x1010
	movq	%dr3, %rax
	movq	%rax, DATA_BASE + 0x1018
	movq	%dr7, %rax
	movq	%rax, DATA_BASE + 0x1020
	xorl	%eax, %eax
	movq	%rax, %dr7
	DONE

	.code32
#define GATE	0x53		/* in a GDT of our own */
#define USER	0x4b
#define USERDATA 0x3b
#define ABSENT	0x58

.macro SETUP32
	lgdt	gdtr32
	lidt	idtr32
.endm

.macro TRY32 insn:vararg
	movl	$7f, expected
	movl	$8f, resume
7:	\insn
	REPORT	$0xff
8:
.endm

/* ring 0's stack for what comes from ring 3 */
.macro USE_TSS
	movw	$SEL_TSS, %ax
	movl	$STACK_TOP - 0x100, tss32 + 4
	movl	$SEL_DATA, tss32 + 8
	ltr	%ax
.endm

.macro TO_RING_3 label:req, flags=0x3002
	pushl	$USERDATA
	pushl	$STACK_TOP - 0x400
	pushl	$\flags
	pushl	$USER
	pushl	$\label
	iretl
.endm

/* a call gate to ring 0 with two parameters, and the far return to ring 3 */
call_gate:
	SETUP32
	USE_TSS
	TO_RING_3 1f
1:	movl	$USERDATA, %eax
	movl	%eax, %ds
	pushl	$0x1111
	pushl	$0x2222
	lcall	$GATE, $0
	movl	%cs, %eax
	VALUE
	subl	$STACK_TOP - 0x400, %esp
	movl	%esp, %eax
	VALUE
	movl	$STACK_TOP - 0x400, %esp
	movl	$2f, expected
	movl	$3f, resume
2:	hlt
3:	DONE
gate_target:
	movl	%cs, %eax
	VALUE
	movl	%ss, %eax
	VALUE
	movl	8(%esp), %eax		/* behind EIP and CS */
	VALUE
	movl	12(%esp), %eax
	VALUE
	cpuid
	lretl	$8

exceptions_32:
	SETUP32
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	TRY32	divl %ecx
	TRY32	int3
	movl	$0x7fffffff, %eax
	incl	%eax			/* OF */
	TRY32	into
	movl	$9, %eax
	TRY32	bound %eax, bounds
	TRY32	ud2
	movl	$ABSENT, %eax
	TRY32	movl %eax, %ds
	movl	$ABSENT, %eax
	TRY32	movl %eax, %ss
	movl	$GATE, %eax
	TRY32	movl %eax, %fs
	TRY32	int $0x40		/* beyond the IDT */
	TRY32	ljmp $ABSENT, $0
	DONE
bounds:
	.long	0, 8

/* #AC wants ring 3, AC and AM */
alignment:
	SETUP32
	USE_TSS
	movl	%cr0, %eax
	orl	$0x40000, %eax		/* AM */
	movl	%eax, %cr0
	movl	DATA_BASE + 1, %eax	/* not in ring 0 */
	REPORT	$1
	movl	$2f, expected
	movl	$3f, resume
	TO_RING_3 1f, 0x43002
1:	movl	$USERDATA, %eax
	movl	%eax, %ds
	movl	DATA_BASE + 4, %eax
2:	movl	DATA_BASE + 1, %eax
	REPORT	$0xff
3:	DONE

/* the stack has no room: #SS cannot be delivered on it either, and a shutdown follows */
stack_fault:
	SETUP32
	REPORT	$1
	movl	$0x60, %eax		/* 8 bytes at 0 */
	movl	%eax, %ss
	movl	$8, %esp
	pushl	$1
	pushl	$2
	pushl	$3
	REPORT	$0xff
	DONE

/* PAE paging: CR3 loads the PDPTEs, which stay what they were until it is loaded again */
#define PDPT	DATA_BASE + 0x3000
#define PD0	0x20000
#define PD1	0x21000
pae:
	SETUP32
	movl	$PD0 + 1, PDPT
	movl	$0, PDPT + 4
	movl	$PD1 + 1, PDPT + 8
	movl	$0, PDPT + 12
	movl	$0x87, PD0		/* 2 MiB at 0, ... */
	movl	$0x87, PD1		/* ... and at 1 GiB */
	movl	%cr4, %eax
	orl	$0x20, %eax
	movl	%eax, %cr4
	movl	$PDPT, %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	movl	$0x1234, DATA_BASE
	movl	0x40000000 + DATA_BASE, %eax
	VALUE
	movl	$0, PDPT + 8
	invlpg	0x40000000 + DATA_BASE
	movl	0x40000000 + DATA_BASE, %eax
	VALUE
	movl	$PDPT, %eax
	movl	%eax, %cr3
	TRY32	movl 0x40000000 + DATA_BASE, %eax
	movl	%cr2, %eax
	VALUE
	/* one with a reserved bit: #GP, and the old ones stay */
	movl	$PD1 + 3, PDPT + 8
	movl	$PDPT, %eax
	TRY32	movl %eax, %cr3
	DONE

/* Reports vector, error code, and how far it is; goes on where "resume" says, in ring 0. */
.macro EXCEPTION32 n, has_error
vector32_\n:
	.if	\has_error == 0
	pushl	$0
	.endif
	pushl	$\n
	jmp	exception32
.endm
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16
	EXCEPTION32 \n, 0
	.endr
	.irp	n, 8, 10, 11, 12, 13, 14, 17
	EXCEPTION32 \n, 1
	.endr
exception32:
	popl	%eax
	VALUE
	popl	%eax
	VALUE
	popl	%eax
	subl	%cs:expected, %eax
	VALUE
	addl	$8, %esp
	jmp	*%cs:resume
expected:
	.long	0
resume:
	.long	0

	.balign	8
gdtr32:
	.word	gdt32_end - gdt32 - 1
	.long	gdt32
	.balign	8
idtr32:
	.word	idt32_end - idt32 - 1
	.long	idt32
	.balign	8
gdt32:
	.quad	0, 0
	.quad	0x00cf93000000ffff	/* SEL_DATA */
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
	.word	0x67, tss32, 0x8900, 0	/* SEL_TSS */
	.quad	0, 0
	.quad	0x00cff3000000ffff	/* USERDATA */
	.quad	0
	.quad	0x00cffb000000ffff	/* USER */
	.word	gate_target, SEL_CODE32, 0xec02, 0	/* GATE */
	.quad	0x00cf13000000ffff	/* ABSENT */
	.quad	0x0040930000000007	/* 8 bytes at 0 */
gdt32_end:
	.balign	8
idt32:
	.altmacro
.macro GATE_OF32 n
	.word	vector32_\n, SEL_CODE32, 0xee00, 0
.endm
	.set	i, 0
	.rept	18
	GATE_OF32 %i
	.set	i, i + 1
	.endr
	.noaltmacro
idt32_end:
	.balign	8
tss32:
	.fill	0x68, 1, 0

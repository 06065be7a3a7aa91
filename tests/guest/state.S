/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What follows the processor's state, and what an event leaves of it: NMIs, breakpoints on what the
 * hypervisor does, CPUID and MSRs. The host takes part at PORT_ASK.
 */
#include "guest.inc"
#include "state.h"
	.globl	_start
_start:
	CASES	nmi_many, nmi_one, nmi_halted, points, point_mmio, point_apic, follow_apic
	CASES	follow_limit, follow_nx, misc_enable, syscall_64, tsc_adjust, tsc_aux
	CASES	syscall_32, rdmsr_32, wrmsr_32, toggle_cd, top_of_half, outs_at, ins_at, spin
	.code64
#include "idt64.inc"

/* ---- NMIs: in the first one's handler the host sends more ---- */

.macro NMI_HANDLER handler
	USE_IDT
	movw	$\handler, idt + 2 * 16
	movl	$0, nmis
.endm

nmi_many:
	NMI_HANDLER nmi_asks
	outb	%al, $PORT_ASK
	nop
	nop
	nop
	REPORT	nmis
	DONE
nmi_asks:
	incl	nmis
	cmpl	$1, nmis
	jne	1f
	outb	%al, $PORT_ASK
	outb	%al, $PORT_ASK
	outb	%al, $PORT_ASK
1:	iretq

nmi_one:
	NMI_HANDLER nmi_counts
	outb	%al, $PORT_ASK
	nop
	nop
	REPORT	nmis
	DONE
nmi_counts:
	incl	nmis
	iretq

nmi_halted:
	NMI_HANDLER nmi_counts
	outb	%al, $PORT_ASK
	hlt
	REPORT	nmis
	DONE

nmis:
	.long	0

/* ---- breakpoints: vector, code, how far, DR6 ---- */

.macro POINT address:req, dr7:req
	movl	$\address, %eax
	movq	%rax, %dr0
	movl	$\dr7, %eax
	movq	%rax, %dr7
.endm

.macro MET
	xorl	%eax, %eax
	movq	%rax, %dr7
	movq	%dr6, %rax
	VALUE
	movl	$0xffff0ff0, %eax
	movq	%rax, %dr6
.endm

.macro MEETS insn:vararg
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	\insn
	nop
	REPORT	$0xff
8:	MET
.endm

.macro DE on:req
	movq	%cr4, %rax
	.if	\on
	orl	$8, %eax
	.else
	andl	$~8, %eax
	.endif
	movq	%rax, %cr4
.endm

points:
	USE_IDT
	cld
	movw	$POINT_PORT, %dx
	movl	$0xffff0ff0, %eax
	movq	%rax, %dr6
	DE	0
	POINT	POINT_PORT, 0x20401
	MEETS	outb %al, $POINT_PORT
	DE	1
	POINT	POINT_PORT, 0x20401
	MEETS	outb %al, $POINT_PORT
	POINT	POINT_PORT, 0x20401
	MEETS	inb $POINT_PORT, %al
	/* four ports, of which it is the last */
	POINT	POINT_PORT, 0x20401
	MEETS	outl %eax, $POINT_PORT - 3
	POINT	POINT_PORT, 0x20401
	MEETS	outb %al, $POINT_PORT + 1
	/* beside the single-step trap: one #DB */
	POINT	POINT_PORT, 0x20401
	leaq	7f(%rip), %r14
	leaq	8f(%rip), %r15
	pushfq
	orl	$0x100, (%rsp)
	popfq
7:	outb	%al, $POINT_PORT
8:	MET
	movl	$DATA_BASE, %esi
	POINT	DATA_BASE, 0x30401
	MEETS	outsb
	/* a point on writes only */
	movl	$DATA_BASE, %esi
	POINT	DATA_BASE, 0x10401
	MEETS	outsb
	movl	$DATA_BASE, %edi
	POINT	DATA_BASE, 0x10401
	MEETS	insb
	/* behind the third of four */
	movl	$DATA_BASE, %esi
	movl	$4, %ecx
	POINT	DATA_BASE + 2, 0x30401
	MEETS	rep outsb
	REPORT	%ecx
	/* LMSW that exits: EM is set */
	movw	$5, DATA_BASE + 8
	movl	$DATA_BASE + 8, %ebx
	POINT	DATA_BASE + 8, 0x70401
	MEETS	lmsw (%rbx)
	movq	%cr0, %rax
	andl	$~4, %eax
	movq	%rax, %cr0
	DE	0
	DONE

/* a device, which userspace completes */
point_mmio:
	USE_IDT
	movl	$NO_MEMORY, %ebx
	POINT	NO_MEMORY, 0xd0401
	MEETS	movl %ecx, (%rbx)
	POINT	NO_MEMORY, 0xd0401
	MEETS	movl (%rbx), %ecx
	DONE

/* the local APIC's page: the divide configuration, which the CPU leaves to the hypervisor */
point_apic:
	USE_IDT
	movl	$APIC_PAGE + 0x3e0, %ebx
	movl	$0xb, %ecx
	POINT	APIC_PAGE + 0x3e0, 0xd0401
	MEETS	movl %ecx, (%rbx)
	POINT	APIC_PAGE + 0x3e0, 0xd0401
	MEETS	movl (%rbx), %ecx
	POINT	APIC_PAGE + 0x3e0, 0xf0401
	MEETS	movl (%rbx), %ecx
	DONE

/* ---- CPUID that follows state ---- */

.macro BIT_OF_EDX leaf:req, bit:req
	movl	$\leaf, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	%edx, %eax
	shrl	$\bit, %eax
	andl	$1, %eax
	VALUE
.endm

/* bit \bit of MSR \msr: 0 or 1 */
.macro MSR_BIT msr:req, bit:req, on:req
	movl	$\msr, %ecx
	rdmsr
	.if	\bit >= 32
	.if	\on
	orl	$1 << (\bit - 32), %edx
	.else
	andl	$~(1 << (\bit - 32)), %edx
	.endif
	.else
	.if	\on
	orl	$1 << \bit, %eax
	.else
	andl	$~(1 << \bit), %eax
	.endif
	.endif
.endm

follow_apic:
	BIT_OF_EDX 1, 9
	MSR_BIT	0x1b, 11, 0
	wrmsr
	BIT_OF_EDX 1, 9
	MSR_BIT	0x1b, 11, 1
	wrmsr
	BIT_OF_EDX 1, 9
	DONE

.macro LEAF_0
	xorl	%eax, %eax
	cpuid
	VALUE
.endm
follow_limit:
	USE_IDT
	LEAF_0
	MSR_BIT	0x1a0, 22, 1
	wrmsr
	LEAF_0
	/* what lies above repeats leaf 2 */
	movl	$2, %eax
	cpuid
	movl	%eax, %esi
	movl	%edx, %edi
	movl	$4, %eax
	xorl	%ecx, %ecx
	cpuid
	xorl	%esi, %eax
	xorl	%edi, %edx
	orl	%edx, %eax
	VALUE
	MSR_BIT	0x1a0, 22, 0
	wrmsr
	LEAF_0
	DONE

.macro EFER_NXE
	movl	$0xc0000080, %ecx
	rdmsr
	shrl	$11, %eax
	andl	$1, %eax
	VALUE
.endm
follow_nx:
	USE_IDT
	MSR_BIT	0xc0000080, 11, 1
	wrmsr
	BIT_OF_EDX 0x80000001, 20
	EFER_NXE
	MSR_BIT	0x1a0, 34, 1
	wrmsr
	BIT_OF_EDX 0x80000001, 20
	EFER_NXE
	MSR_BIT	0xc0000080, 11, 1
	TRY	wrmsr
	MSR_BIT	0x1a0, 34, 0
	wrmsr
	BIT_OF_EDX 0x80000001, 20
	MSR_BIT	0xc0000080, 11, 1
	wrmsr
	EFER_NXE
	DONE

/* bits of features that CPUID hides: thermal monitor, EIST, MONITOR, xTPR; and one of none */
misc_enable:
	USE_IDT
	.irp	bit, 3, 16, 18, 23, 33
	MSR_BIT	0x1a0, \bit, 1
	TRY	wrmsr
	.endr
	MSR_BIT	0x1a0, 0, 0
	TRY	wrmsr
	MSR_BIT	0x1a0, 0, 1
	TRY	wrmsr
	DONE

syscall_64:
	BIT_OF_EDX 0x80000001, 11
	DONE

/* a write of the TSC shows in TSC_ADJUST, and the other way; in units of 2^32 */
.macro HIGH_OF msr:req
	movl	$\msr, %ecx
	rdmsr
	addl	$0x80000000, %eax
	adcl	$0, %edx
	movl	%edx, %eax
	VALUE
.endm
.macro SET_HIGH msr:req, high:req
	movl	$\msr, %ecx
	xorl	%eax, %eax
	movl	$\high, %edx
	wrmsr
.endm
tsc_adjust:
	SET_HIGH 0x10, 0
	SET_HIGH 0x3b, 0
	SET_HIGH 0x10, 0
	movl	$0x3b, %ecx
	rdmsr
	movl	%eax, %esi
	movl	%edx, %edi
	SET_HIGH 0x10, 0x100
	movl	$0x3b, %ecx
	rdmsr
	subl	%esi, %eax
	sbbl	%edi, %edx
	addl	$0x80000000, %eax
	adcl	$0, %edx
	REPORT	%edx
	SET_HIGH 0x10, 0
	SET_HIGH 0x3b, 0
	SET_HIGH 0x10, 0x50
	HIGH_OF	0x10
	SET_HIGH 0x3b, 0x20
	DONE

tsc_aux:
	movl	$0xc0000103, %ecx
	movl	$0x7abc1234, %eax
	xorl	%edx, %edx
	wrmsr
	rdtscp
	REPORT	%ecx
	DONE

/* OUTS and INS where the host says, once; RSI or RDI is where */
outs_at:
	USE_IDT
	cld
	movw	$POINT_PORT, %dx
	TRY	outsb
	REPORT	%esi
	DONE
ins_at:
	USE_IDT
	cld
	movw	$POINT_PORT, %dx
	TRY	insb
	REPORT	%edi
	DONE

spin:	jmp	spin

/* OUT is the last instruction of the lower half: see the host */
top_of_half:
	USE_IDT
	xorl	%r14d, %r14d
	leaq	8f(%rip), %r15
	movabsq	$TOP_OF_HALF, %rcx
	jmp	*%rcx
8:	DONE

/* ---- 32-bit code ---- */

	.code32
syscall_32:
	BIT_OF_EDX 0x80000001, 11
	DONE

/* there is no IDT: a fault is a shutdown */
rdmsr_32:
	rdmsr
	DONE
wrmsr_32:
	rdmsr
	wrmsr
	DONE

/* PAE: the PDPTEs are in registers, and CR0.CD that changes loads them again */
toggle_cd:
	movl	$PAE_TABLES, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax
	movl	%eax, %cr4
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	movl	0x40000000 + DATA_BASE, %eax
	VALUE
	movl	$0, PAE_TABLES + 8
	movl	0x40200000 + DATA_BASE, %eax
	VALUE
	movl	%cr0, %eax
	xorl	$0x40000000, %eax
	movl	%eax, %cr0
	movl	0x40400000 + DATA_BASE, %eax
	VALUE
	DONE

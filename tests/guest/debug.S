/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a debugger steps over. Each case reports what it can see of RFLAGS.TF and of its debug
 * registers, and has a list of addresses at which a step must stop.
 */
#include "guest.inc"
	.globl	_start
_start:
	CASES	plain, flags, frames, syscall, own_trap, own_trap_sti, own_point, exits, nmi
	CASES	shadows, repeat, mmio, page_fault, debugctl, real_mode, protected, halt
	CASES	loop, store, int3_case, repeat_io, full
	/* the lists, in the same order; 0: none */
	CASES	t_plain, t_flags, 0, 0, 0, 0, 0, t_exits, 0
	CASES	t_shadows, t_repeat, t_mmio, 0, 0, t_real, t_protected, t_halt
	CASES	t_loop, t_store, t_int3, t_repeat_io, t_full
	.code64
#include "idt64.inc"

#define TF		0x100

/* an instruction at which a step stops */
.macro S insn:vararg
	S_	\@, \insn
.endm
.macro S_ n, insn:vararg
	.text	1
	.quad	step_\n
	.text	0
step_\n:
	\insn
.endm
/* a step stops there, too: elsewhere, or once more */
.macro AT address:req
	.text	1
	.quad	\address
	.text	0
.endm
.macro TRACE name:req
	.text	1
t_\name:
	.text	0
.endm
.macro TRACE_END
	.text	1
	.quad	0
	.text	0
.endm
.macro GATE n:req, handler:req, type=0x8e
	movl	$\handler, %eax
	movw	%ax, idt + \n * 16
	movb	$\type, idt + \n * 16 + 5
.endm

plain:
	TRACE	plain
	S	movl $1, %ebx
	S	jmp 1f
	nop
1:
	S	call return
	AT	return
	S	incl %ebx
	S	movl %ebx, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END
return:
	ret

/* stored and loaded */
flags:
	TRACE	flags
	S	pushfq
	S	popq %rax
	S	andl $TF, %eax
	S	outl %eax, $PORT_VALUE
	S	pushq $0x40ed7			/* AC, and the arithmetic flags */
	S	popfq
	S	pushfw
	S	pushfq
	S	popq %rax
	S	outl %eax, $PORT_VALUE
	S	popw %ax
	S	andl $TF, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END

/* the image of RFLAGS that an event leaves on the stack */
frame_of_int:
	movq	16(%rsp), %rax
	andl	$TF, %eax
	VALUE
	iretq
frame_of_ud:
	movq	16(%rsp), %rax
	andl	$TF, %eax
	VALUE
	addq	$2, (%rsp)
	iretq
frames:
	USE_IDT
	GATE	0x60, frame_of_int
	GATE	6, frame_of_ud
	int	$0x60
	REPORT	$1
	ud2
	REPORT	$2
	GATE	6, vector_6
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:	int3
8:	REPORT	$3
	DONE

.macro SET_MSR index, high, low
	movl	$\index, %ecx
	movl	$\high, %edx
	movl	$\low, %eax
	wrmsr
.endm
at_syscall:
	movl	%r11d, %eax
	andl	$TF, %eax
	VALUE
	sysretq
from_user:
	movq	16(%rsp), %rax
	andl	$TF, %eax
	VALUE
	movl	$STACK_TOP, %esp
	DONE
syscall:
	USE_IDT
	GATE	0x61, from_user, 0xee
	SET_MSR	0xc0000080, 0, 0x501
	SET_MSR	0xc0000081, 0x00330008, 0
	SET_MSR	0xc0000082, 0, at_syscall
	SET_MSR	0xc0000084, 0, TF
	syscall
	syscall
	int	$0x61

/* a guest that traps itself; the handler goes on at 8 */
.macro SET_TF
	USE_IDT
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	pushfq
	orl	$TF, (%rsp)
	popfq
.endm
own_trap:
	SET_TF
7:	nop
	nop
8:	movq	%dr6, %rax
	VALUE
	DONE

own_trap_sti:
	SET_TF
7:	sti
	nop
8:	cli
	movq	%dr6, %rax
	VALUE
	DONE

own_point:
	USE_IDT
	movl	$DATA_BASE + 8, %eax
	movq	%rax, %dr0
	movl	$0xffff0ff0, %eax
	movq	%rax, %dr6
	movl	$0x000d0402, %eax	/* a write of four bytes */
	movq	%rax, %dr7
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	movl	$1, DATA_BASE + 4
7:	movl	$1, DATA_BASE + 8
	nop
8:	movq	%dr6, %rax
	VALUE
	movq	%dr7, %rax
	VALUE
	movl	$0x400, %eax
	movq	%rax, %dr7
	DONE

exits:
	TRACE	exits
	S	xorl %eax, %eax
	S	cpuid
	S	movl $0xc0000080, %ecx
	S	rdmsr
	S	inl $0xf1, %eax
	S	outl %eax, $PORT_VALUE
	S	movq %cr0, %rax
	S	movq %rax, %cr0
	S	movq %dr7, %rax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END

/* an event from outside */
nmi:
	USE_IDT
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
	outb	%al, $0xf0
7:	nop
	nop
8:	REPORT	$4
	DONE

shadows:
	TRACE	shadows
	S	movw %ss, %dx
	S	sti
	S	nop
	S	cli
	S	movw %dx, %ss
	nop
	S	movw %dx, %ss
	pushfq
	S	popq %rax
	S	andl $TF, %eax
	S	outl %eax, $PORT_VALUE
	S	movw %dx, %ss
	xorl %eax, %eax
	S	movw %dx, %ss
	cpuid
	S	outb %al, $PORT_DONE
	TRACE_END

repeat:
	TRACE	repeat
	S	movl $DATA_BASE, %edi
	S	movl $3, %ecx
repeated:
	S	rep stosb
	AT	repeated
	AT	repeated
	S	movl %ecx, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END

mmio:
	TRACE	mmio
	S	movl $0xd0000000, %ebx
	S	movl %ebx, (%rbx)
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END

page_fault:
	USE_IDT
	movl	$0x40000123, %ebx
	TRY	movl (%rbx), %ecx
	movq	%cr2, %rax
	VALUE
	DONE

/* BTF can be set, LBR is not there */
debugctl:
	USE_IDT
	SET_MSR	0x1d9, 0, 2
	rdmsr
	VALUE
	SET_MSR	0x1d9, 0, 0
	incl	%eax
	TRY	wrmsr
	rdmsr
	VALUE
	DONE

	.code16
real_mode:
	TRACE	real
	S	movw $frame_of_real, 0x60 * 4
	S	movw $0, 0x60 * 4 + 2
	S	xorl %eax, %eax
	S	pushfw
	S	popw %ax
	S	andw $TF, %ax
	S	outl %eax, $PORT_VALUE
	S	pushfl
	S	popfl
	S	int $0x60
	AT	frame_of_real
	AT	frame_of_real_2
	AT	frame_of_real_3
	S	movl $0x99, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END
frame_of_real:
	movw	%sp, %bx
frame_of_real_2:
	andw	$TF, 4(%bx)
frame_of_real_3:
	iretw

	.code32
protected:
	TRACE	protected
	S	pushfl
	S	popl %eax
	S	andl $TF, %eax
	S	outl %eax, $PORT_VALUE
	S	cpuid
	S	movw %ss, %dx
	S	movw %dx, %ss
	nop
	S	pushw %ss
	S	popw %ss
	pushfl
	S	popl %eax
	S	andl $TF, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END
	.code64

halt:
	TRACE	halt
	S	lidt idtr(%rip)
	S	hlt
	S	nop
	DONE
	TRACE_END

loop:
	TRACE	loop
	movl	$3, %ecx
	S	decl %ecx
	jnz	. - 2
	DONE
	TRACE_END

store:
	TRACE	store
	movl	$1, DATA_BASE
	S	movl DATA_BASE, %eax
	S	movb $1, DATA_BASE + 1
	S	movb $1, DATA_BASE + 4
	S	nop
	DONE
	TRACE_END

int3_case:
	TRACE	int3
	USE_IDT
	leaq	8f(%rip), %r15
	leaq	7f(%rip), %r14
7:
	S	int3
8:	REPORT	$5
	DONE
	TRACE_END

repeat_io:
	TRACE	repeat_io
	S	movl $DATA_BASE, %esi
	S	movl $3, %ecx
	S	movl $0xf1, %edx
repeated_io:
	S	rep outsb
	AT	repeated_io
	AT	repeated_io
	S	movl %ecx, %eax
	S	outl %eax, $PORT_VALUE
	S	outb %al, $PORT_DONE
	TRACE_END

/* all four registers are the guest's, then three */
full:
	TRACE	full
	movl	$0x6000, %eax
	.irp	n, 0, 1, 2, 3
	movq	%rax, %dr\n
	.endr
	movl	$0x4ff, %eax
	movq	%rax, %dr7
	AT	full_now
full_now:
	call	1f
	movl	$0x4fc, %eax
	movq	%rax, %dr7
	call	1f
	movl	$0x400, %eax
	movq	%rax, %dr7
	DONE
1:
	S	nop
	ret
	TRACE_END

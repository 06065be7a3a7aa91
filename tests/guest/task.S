/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware task switches. The main task changes the TSS of another one, switches to it and is
 * switched back to; the host loads the image anew for each case.
 */
#include "guest.inc"
#include "task.h"
	.globl	_start
_start:
	CASES	jump, call_iret, call_again, by_int, by_fault, by_double_fault, narrow_jump
	CASES	narrow_fault, to_user, to_vm86, debug_trap, debug_registers, accessed
	CASES	to_absent, to_busy, to_short, iret_not_busy
	CASES	bad_ldt, absent_ldt, ldt_segment, bad_ds, absent_ds, read_only_ss, absent_ss
	CASES	absent_ss_alone, null_ss, bad_cs, absent_cs, conforming_cs, rpl_ss, beyond_limit
	CASES	no_room, by_irq, by_nmi, other_cr3, old_tss_read_only, new_tss_read_only
	CASES	old_tss_too_short, gate_to_bad_ds, irq_to_bad_ds, from_user, int_then_events
	.code32

#include "task_macros.inc"

jump:
	SETUP	jump_other
	movl	$0xaaaa0001, %eax
	movl	$0xaaaa0002, %ecx
	movl	$0xaaaa0003, %edx
	movl	$0xaaaa0004, %ebx
	movl	$0xaaaa0005, %ebp
	movl	$0xaaaa0006, %esi
	movl	$0xaaaa0007, %edi
	stc
	ljmp	$TASK_OTHER, $0
1:	REGISTERS
	TASK
	BUSY
	DONE
jump_other:
	REGISTERS
	SELECTORS
	FLAGS
	TASK
	movl	%cr0, %eax
	andl	$0xf, %eax
	VALUE
	BUSY
	SAVED	tss_main, 1b
	VALUE_OF tss_main + EFLAGS
	clts
	ljmp	$TASK_MAIN, $0

call_iret:
	SETUP	call_other
	lcall	$TASK_OTHER, $0
1:	FLAGS
	TASK
	BUSY
	SAVED	tss_other, 2f
	SAVED_FLAGS tss_other
	DONE
call_other:
	FLAGS
	BUSY
	VALUE_OF tss_other		/* the link */
	SAVED	tss_main, 1b
	iret
2:	REPORT	$0xff
	DONE

/* the second call goes on behind IRET */
call_again:
	SETUP	again_other
	lcall	$TASK_OTHER, $0
	REPORT	$1
	lcall	$TASK_OTHER, $0
	REPORT	$2
	DONE
again_other:
	REPORT	$0x11
	iret
	REPORT	$0x12
	iret

by_int:
	SETUP	int_other
	TASK_GATE 0x30, TASK_OTHER
	int	$0x30
1:	FLAGS
	TASK
	DONE
int_other:
	TASK
	VALUE_OF %esp			/* no error code */
	VALUE_OF tss_other
	SAVED	tss_main, 1b
	iret

/* what INT n had, the interrupt and the NMI behind it do not: how far the main task is */
int_then_events:
	SETUP	events_other
	TASK_GATE 0x30, TASK_OTHER
	TASK_GATE 0x40, TASK_OTHER
	TASK_GATE 2, TASK_OTHER
	int	$0x30
1:	sti
	nop
	outb	%al, $PORT_ASK		/* 2 bytes: the interrupt finds it 4 on */
	cli
	outb	%al, $PORT_ASK		/* the NMI: 7 */
	nop
	DONE
events_other:
	SAVED	tss_main, 1b
	iret
	jmp	events_other

by_fault:
	SETUP	fault_other
	TASK_GATE 13, TASK_OTHER
	movl	$0x58, %ecx
7:	movw	%cx, %ds
	TASK
	DONE
fault_other:
	popl	%eax			/* the error code */
	VALUE
	VALUE_OF %esp
	SAVED	tss_main, 7b
	SAVED_FLAGS tss_main	/* RF */
	addl	$2, tss_main + EIP
	iret

/* the gate for #GP is not there */
by_double_fault:
	SETUP	double_other
	TASK_GATE 8, TASK_OTHER
	movb	$0, idt + 13 * 8 + 5
	movl	$0x58, %ecx
7:	movw	%cx, %ds
	REPORT	$0xff
	DONE
double_other:
	popl	%eax
	VALUE
	VALUE_OF %esp
	TASK
	SAVED	tss_main, 7b
	DONE

narrow_jump:
	SETUP	narrow_other
	movl	$0xaaaa0004, %ebx
	ljmp	$TASK_NARROW, $0
1:	VALUE_OF %ebx
	TASK
	BYTE_OF	gdt + TASK_NARROW + 5
	movzwl	tss_narrow + IP16, %eax	/* IP */
	subl	$2f, %eax
	VALUE
	DONE
narrow_other:
	movzwl	%ax, %eax
	VALUE
	movzwl	%cx, %eax
	VALUE
	movzwl	%dx, %eax
	VALUE
	movzwl	%bx, %eax
	VALUE
	movzwl	%sp, %eax
	VALUE
	movzwl	%bp, %eax
	VALUE
	movzwl	%si, %eax
	VALUE
	movzwl	%di, %eax
	VALUE
	.irp	segment, es, cs, ss, ds
	movl	%\segment, %eax
	VALUE
	.endr
	TASK
	BYTE_OF	gdt + TASK_NARROW + 5
	ljmp	$TASK_MAIN, $0
2:

/* a 16-bit TSS has the error code pushed as a word */
narrow_fault:
	SETUP	narrow_other
	movw	$narrow_handler, tss_narrow + IP16
	TASK_GATE 13, TASK_NARROW
	movl	$0x58, %ecx
7:	movw	%cx, %ds
	TASK
	DONE
narrow_handler:
	movzwl	%sp, %eax
	VALUE
	popw	%ax
	movzwl	%ax, %eax
	VALUE
	addl	$2, tss_main + EIP
	iret

/* ring 3, by the selectors of the TSS, and back by a task gate */
to_user:
	SETUP	user_other
	USER	SEL_USER32
	ljmp	$TASK_OTHER, $0
1:	TASK
	BUSY
	movl	%cs, %eax
	VALUE
	DONE
user_other:
	SELECTORS
	ljmp	$SEL_GATE, $0

to_vm86:
	SETUP	vm86_other
	TASK_GATE 0x32, TASK_MAIN
	movl	$0x23002, tss_other + EFLAGS
	movl	$0x20, tss_other + CS_
	subl	$0x200, tss_other + EIP
	movl	$0x21, tss_other + DS_
	ljmp	$TASK_OTHER, $0
1:	TASK
	FLAGS
	VALUE_OF tss_main
	SAVED_FLAGS tss_other
	VALUE_OF tss_other + CS_
	VALUE_OF tss_other + 0x2c	/* ECX, EDX, EBX */
	VALUE_OF tss_other + 0x30
	VALUE_OF tss_other + 0x34
	DONE
	.code16
vm86_other:
	movl	%cs, %ecx
	movl	%ds, %edx
	movl	vm86_word - 0x210, %ebx
	int	$0x32
	.code32
vm86_word:
	.long	0x86868686

/* T: the trap comes before the first instruction of the task */
debug_trap:
	SETUP	trap_other
	movw	$1, tss_other + TRAP_
	xorl	%eax, %eax
	movl	%eax, %dr6
	EXPECT	trap_other, 8f
	ljmp	$TASK_OTHER, $0
8:	movl	%dr6, %eax
	VALUE
	TASK
	DONE
trap_other:
	REPORT	$0xff
	DONE

/* local breakpoints are the task's, global ones stay */
debug_registers:
	SETUP	dr_other
	xorl	%eax, %eax
	movl	%eax, %dr0
	movl	%eax, %dr1
	movl	%eax, %dr2
	movl	%eax, %dr3
	movl	$0x3b7, %eax		/* LE GE, L0 G0 L1 L2 G2 G3, one byte to execute, at 0 */
	movl	%eax, %dr7
	ljmp	$TASK_OTHER, $0
dr_other:
	movl	%dr7, %eax
	VALUE
	xorl	%eax, %eax
	movl	%eax, %dr7
	DONE

accessed:
	SETUP	accessed_other
	movl	$SEL_FRESH, tss_other + DS_
	BYTE_OF	gdt + SEL_FRESH + 5
	ljmp	$TASK_OTHER, $0
accessed_other:
	BYTE_OF	gdt + SEL_FRESH + 5
	movl	%ds, %eax
	VALUE
	DONE

/* in the old task */
to_absent:
	SETUP	never
	TRY	ljmp $TASK_ABSENT, $0
	TASK
	BUSY
	DONE
to_busy:
	SETUP	never
	TRY	ljmp $TASK_MAIN, $0
	TRY	lcall $TASK_MAIN, $0
	TASK
	DONE
to_short:
	SETUP	never
	TRY	ljmp $TASK_SHORT, $0
	TASK
	BUSY
	DONE
iret_not_busy:
	SETUP	never
	movl	$TASK_OTHER, tss_main
	pushfl
	orl	$0x4000, (%esp)
	popfl
	TRY	iret
	TASK
	DONE
never:
	REPORT	$0xfe
	DONE

/* in the new task, with its first instruction still to come */
.macro BAD name:req, field:req, selector:req
\name:
	SETUP	never
	movl	$\selector, tss_other + \field
	EXPECT	never, after_bad
	ljmp	$TASK_OTHER, $0
.endm
	BAD	bad_ldt, LDT_, SEL_DATA
	BAD	absent_ldt, LDT_, SEL_LDT_ABSENT
	BAD	bad_ds, DS_, SEL_BEYOND
	BAD	absent_ds, DS_, SEL_DATA_ABSENT
after_bad:
	TASK
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	BUSY
	DONE

ldt_segment:
	SETUP	ldt_other
	movl	$SEL_LDT, tss_other + LDT_
	movl	$SEL_IN_LDT, tss_other + DS_
	ljmp	$TASK_OTHER, $0
ldt_other:
	xorl	%eax, %eax
	sldt	%ax
	VALUE
	VALUE_OF %ds:(0)		/* the segment begins at the word */
	DONE

/* the handler is a task of its own: the stack, or the code, cannot be used */
.macro BAD_TASK name:req, vector:req, field:req, selector:req
\name:
	SETUP	never
	movl	$bad_task, tss_fault + EIP
	TASK_GATE \vector, TASK_FAULT
	movl	$\selector, tss_other + \field
	ljmp	$TASK_OTHER, $0
.endm
	BAD_TASK read_only_ss, 10, SS_, SEL_READ_ONLY
	BAD_TASK absent_ss, 12, SS_, SEL_DATA_ABSENT
	BAD_TASK null_ss, 10, SS_, 0
	BAD_TASK rpl_ss, 10, SS_, SEL_DATA + 1
	BAD_TASK bad_cs, 10, CS_, SEL_DATA
	BAD_TASK absent_cs, 11, CS_, SEL_CODE_ABSENT
	BAD_TASK beyond_limit, 13, CS_, SEL_CODE_LOW
bad_task:
	popl	%eax
	VALUE
	VALUE_OF tss_fault		/* it came from the other task */
	SAVED	tss_other, never
	VALUE_OF tss_other + CS_
	VALUE_OF tss_other + SS_
	DONE

/* no task gate: nothing can be pushed, and that is the end */
absent_ss_alone:
	SETUP	never
	movl	$SEL_DATA_ABSENT, tss_other + SS_
	ljmp	$TASK_OTHER, $0

/* CPL is the RPL of CS, whatever DPL a conforming segment has */
conforming_cs:
	SETUP	conforming_other
	USER	SEL_CONFORMING+3
	ljmp	$TASK_OTHER, $0
conforming_other:
	movl	%cs, %eax
	VALUE
	EXPECT	7f, 8f
7:	cli				/* allowed: IOPL is 3 */
	hlt				/* not: CPL is */
8:	DONE

/* #GP by a task gate, and no room for its code: #SS in the new task makes #DF, a third task's */
no_room:
	SETUP	never
	TASK_GATE 13, TASK_OTHER
	TASK_GATE 8, TASK_FAULT
	movl	$bad_task, tss_fault + EIP
	movl	$SEL_LAST, tss_other + SS_
	movl	$0x10, tss_other + ESP
	movl	$0x58, %ecx
7:	movw	%cx, %ds
	REPORT	$0xff
	DONE

/* the error code says whether the program did it: EXT */
gate_to_bad_ds:
	SETUP	never
	TASK_GATE 3, TASK_OTHER
	movl	$SEL_BEYOND, tss_other + DS_
	EXPECT	never, 8f
	int3
8:	DONE
irq_to_bad_ds:
	SETUP	never
	TASK_GATE 0x40, TASK_OTHER
	movl	$SEL_BEYOND, tss_other + DS_
	EXPECT	never, 8f
	sti
	nop
	outb	%al, $PORT_ASK
	REPORT	$0xff
8:	DONE

by_irq:
	SETUP	irq_other
	TASK_GATE 0x40, TASK_OTHER
	sti
	nop
	outb	%al, $PORT_ASK
1:	cli
	TASK
	FLAGS
	DONE
irq_other:
	TASK
	FLAGS
	SAVED	tss_main, 1b
	SAVED_FLAGS tss_main
	iret

/* the second NMI waits for the IRET that ends the task */
by_nmi:
	SETUP	nmi_other
	TASK_GATE 2, TASK_OTHER
	outb	%al, $PORT_ASK
	nop
	nop
	REPORT	$3
	DONE
nmi_other:
	REPORT	$1
	outb	%al, $PORT_ASK
	nop
	nop
	REPORT	$2
	iret
	jmp	nmi_other

.macro PAGING
	movl	%cr4, %eax
	orl	$0x10, %eax		/* PSE */
	movl	%eax, %cr4
	movl	$DIRECTORY, %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* PG, WP */
	movl	%eax, %cr0
.endm

other_cr3:
	SETUP	cr3_other
	movl	$OTHER_DIRECTORY, tss_other + CR3_
	movl	$DIRECTORY, tss_main + CR3_
	PAGING
	VALUE_OF 0x40000000
	ljmp	$TASK_OTHER, $0
1:	movl	%cr3, %eax
	VALUE
	VALUE_OF 0x40000000
	DONE
cr3_other:
	movl	%cr3, %eax
	VALUE
	VALUE_OF 0x40000000
	ljmp	$TASK_MAIN, $0

/* which of a TSS's fields is found first is the processor's choice */
.macro FAULT_AT tss:req
	movl	%cr2, %eax
	subl	$\tss, %eax
	andl	$~0x7f, %eax
	VALUE
.endm

/* a TSS where it cannot be written: both tasks' are seen read-only at 80000000H */
old_tss_read_only:
	SETUP	never
	movb	$0x80, gdt + TASK_MAIN + 7
	movb	$0x89, gdt + TASK_MAIN + 5
	PAGING
	movw	$TASK_MAIN, %ax
	ltr	%ax
	movl	$DIRECTORY, tss_other + CR3_
	TRY	ljmp $TASK_OTHER, $0
	FAULT_AT tss_main
	TASK
	DONE
new_tss_read_only:
	SETUP	new_read_only
	movb	$0x80, gdt + TASK_OTHER + 7
	PAGING
	movl	$DIRECTORY, tss_other + CR3_
	movl	$DIRECTORY, tss_main + CR3_
	TRY	lcall $TASK_OTHER, $0
	FAULT_AT tss_other
	TASK
	/* JMP stores no link */
	ljmp	$TASK_OTHER, $0
new_read_only:
	TASK
	DONE

old_tss_too_short:
	SETUP	never
	movb	$0x89, gdt + TASK_MAIN + 5
	movw	$0x5e, gdt + TASK_MAIN
	movw	$TASK_MAIN, %ax
	ltr	%ax
	TRY	ljmp $TASK_OTHER, $0
	TASK
	DONE

/* ring 3 may not name a TSS, nor a gate above it */
from_user:
	SETUP	from_other
	USER	SEL_USER32
	ljmp	$TASK_OTHER, $0
	REPORT	$0xff
	DONE
from_other:
	EXPECT	7f, 8f
7:	ljmp	$TASK_MAIN + 3, $0
8:	DONE

#include "task_tables.inc"

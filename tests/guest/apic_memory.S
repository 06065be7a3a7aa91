/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC's page and the memory around it. RBX: the page; RSI: the one that it moves to. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	page, around, move, moved, x2apic
	.code64

#define APIC_PAGE	0xfee00000
#define VERSION		0x30
#define TPR		0x80
#define EN		0x800
#define EXTD		0x400
#define MOVED_TO	(PAGED_BASE + 0x3000)

/* the low byte of the version, and TPR as it is written */
.macro SAY_APIC page:req
	movl	VERSION(\page), %eax
	andl	$0xff, %eax
	VALUE
	movl	$0x20, TPR(\page)
	movl	TPR(\page), %eax
	VALUE
.endm

/* what stands there, then what is written there */
.macro SAY_MEMORY at:req
	movl	\at, %eax
	VALUE
	movl	$0x4321, \at
	movl	\at, %eax
	VALUE
.endm

/* whatever makes it quicker from now on is there */
.macro TOUCH
	movl	VERSION(%rbx), %eax
	movl	VERSION(%rbx), %eax
.endm

.macro SET_BASE low:req
	movl	$0x1b, %ecx
	rdmsr
	andl	$0x100, %eax
	orl	$\low, %eax
	wrmsr
.endm

.macro SETUP
	movl	$APIC_PAGE, %ebx
	movl	$MOVED_TO, %esi
.endm

page:
	SETUP
	SAY_APIC %rbx
	DONE

around:
	SETUP
	SAY_MEMORY -0x1000(%rbx)
	SAY_APIC %rbx
	SAY_MEMORY 0x1000(%rbx)
	DONE

/* there and back; where the APIC was there is nothing meanwhile: the host sees MMIO */
move:
	SETUP
	TOUCH
	SAY_MEMORY (%rsi)
	SET_BASE MOVED_TO + EN
	SAY_APIC %rsi
	SAY_MEMORY 0x1000(%rsi)
	movl	$0x99, %eax
	movl	VERSION(%rbx), %eax
	VALUE
	SET_BASE APIC_PAGE + EN
	SAY_APIC %rbx
	movl	(%rsi), %eax
	VALUE
	DONE

/* stays there: the other vCPU looks for memory */
moved:
	SETUP
	SAY_MEMORY (%rsi)
	SET_BASE MOVED_TO + EN
	SAY_APIC %rsi
	DONE

x2apic:
	SETUP
	TOUCH
	SET_BASE APIC_PAGE + EN + EXTD
	movl	$0x99, %eax
	movl	VERSION(%rbx), %eax
	VALUE
	DONE

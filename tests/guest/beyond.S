/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What comes after Linux: no guest, but the program that a kexec, or a crash, jumps to. It runs
 * anywhere (position independent), in long mode with memory mapped one to one, interrupts off, no
 * IDT. On the second serial line it says
 *
 *	@@vmxhv beyond vmxe=V vmxon=N others=C
 *
 * V: CR4.VMXE as it was left. N: 1 if VMXON then succeeds (in VMX operation it fails, as it would
 * for the next kernel). C: processors that an INIT and a start-up IPI could start: one that was
 * left in VMX operation ignores INIT (SDM: "Restrictions on VMX Operation").
 */
#define COM2		0x2f8
#define LSR		5
#define LSR_EMPTY	0x20
#define CR4_VMXE	13
#define MSR_APIC_BASE	0x1b
#define X2APIC_ON	0xc00
#define MSR_VMX_BASIC	0x480
#define MSR_X2APIC_SVR	0x80f
#define MSR_X2APIC_ICR	0x830
#define ICR_INIT_OTHERS	0xc4500
#define ICR_SIPI_OTHERS	0xc4600
#define START_PAGE	0x8000		/* below 1 MiB, where a start-up IPI can point */
#define STARTED		0x8800		/* counts those that came */
#define WAIT		2000000

	.code64
	.globl	_start
_start:
	lea	stack_top(%rip), %rsp

	mov	%cr4, %rax
	bt	$CR4_VMXE, %eax
	adcb	$0, vmxe(%rip)

	bts	$CR4_VMXE, %eax
	mov	%rax, %cr4
	mov	$MSR_VMX_BASIC, %ecx
	rdmsr
	lea	region(%rip), %rbx
	mov	%eax, (%rbx)
	push	%rbx
	vmxon	(%rsp)
	jbe	1f
	incb	vmxon_ok(%rip)
	vmxoff
1:
	call	start_others
	addb	STARTED, %al
	addb	%al, others(%rip)

	lea	text(%rip), %rsi
2:	mov	$COM2 + LSR, %edx
3:	in	%dx, %al
	test	$LSR_EMPTY, %al
	jz	3b
	lodsb
	test	%al, %al
	jz	4f
	mov	$COM2, %edx
	out	%al, %dx
	jmp	2b
4:	hlt
	jmp	4b

start_others:
	mov	$START_PAGE, %edi
	lea	start_page(%rip), %rsi
	mov	$start_end - start_page, %ecx
	rep movsb
	movl	$0, STARTED

	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$X2APIC_ON, %eax
	wrmsr
	mov	$MSR_X2APIC_SVR, %ecx
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
	mov	$MSR_X2APIC_ICR, %ecx
	mov	$ICR_INIT_OTHERS, %eax
	wrmsr
	call	wait
	mov	$ICR_SIPI_OTHERS + (START_PAGE >> 12), %eax
	mov	$MSR_X2APIC_ICR, %ecx
	wrmsr
	call	wait
	xor	%eax, %eax
	ret

wait:
	mov	$WAIT, %ecx
5:	pause
	loop	5b
	ret

	.code16
start_page:
	xor	%ax, %ax
	mov	%ax, %ds
	lock incw STARTED
6:	hlt
	jmp	6b
start_end:

text:
	.ascii	"\n@@vmxhv beyond vmxe="
vmxe:
	.ascii	"0 vmxon="
vmxon_ok:
	.ascii	"0 others="
others:
	.asciz	"0\n"

	.balign	4096
region:
	.skip	4096 + 512
stack_top:

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back, again and again.
 *
 *	int vmx_enter(struct vcpu *v)
 *
 * Enters the guest. After each VM exit calls
 *
 *	bool vcpu_exited(struct vcpu *v)
 *
 * and enters once more as long as that says true: what C's calling convention wants saved is saved
 * once a burst, not once an exit. Returns 0 when vcpu_exited() said false, 1 when VMLAUNCH or
 * VMRESUME failed with a VM-instruction error, 2 when it failed without one (no current VMCS), 3
 * when the instruction itself faulted; in the last three cases nothing was called.
 * The vCPU's VMCS is current, interrupts are off.
 *
 * The hardware switches RSP, RIP, RFLAGS, CR0/3/4, segments and the MSRs named in the VMCS; the
 * rest is ours: fifteen general registers here, and the others once a burst. Register use:
 *	rdi  struct vcpu, until the guest's is loaded last
 *	CF   launched: the macro that clears CPU buffers changes ZF
 * On the host stack during guest mode, from HOST_RSP upward: struct vcpu, rbx, r12-r15, rbp.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/unwind_hints.h>

#include "vmx/count.h"
#include "offsets.h"

.section .noinstr.text, "ax"

/* All but RAX and RDI. */
.macro CLEAR_GUEST_REGISTERS
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
.endm

SYM_FUNC_START(vmx_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	/* HOST_RSP changes only with the caller's stack depth */
	cmp	%rsp, VCPU_HOST_RSP(%rdi)
	je	.Lenter
	mov	%rsp, VCPU_HOST_RSP(%rdi)
#ifdef VMXHV_COUNT
	incq	PER_CPU_VAR(vmx_counts + 8 * VMX_COUNT_VMWRITE)
#endif
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax

.Lenter:
	/* CF = launched, and it will be; nothing from here to the entry changes CF */
	btsl	$0, VCPU_LAUNCHED(%rdi)

	mov	VCPU_RAX(%rdi), %rax
	mov	VCPU_RCX(%rdi), %rcx
	mov	VCPU_RDX(%rdi), %rdx
	mov	VCPU_RBX(%rdi), %rbx
	mov	VCPU_RBP(%rdi), %rbp
	mov	VCPU_RSI(%rdi), %rsi
	mov	VCPU_R8(%rdi), %r8
	mov	VCPU_R9(%rdi), %r9
	mov	VCPU_R10(%rdi), %r10
	mov	VCPU_R11(%rdi), %r11
	mov	VCPU_R12(%rdi), %r12
	mov	VCPU_R13(%rdi), %r13
	mov	VCPU_R14(%rdi), %r14
	mov	VCPU_R15(%rdi), %r15
	mov	VCPU_RDI(%rdi), %rdi

	/* the kernel's macro for guests of its own is another vendor's; this one leaves CF alone */
	CLEAR_CPU_BUFFERS
	jnc	.Lvmlaunch

	/* execution goes on at vmx_exit_point: tell objtool that the stack is the same there */
	UNWIND_HINT_SAVE
.Lvmresume:
	vmresume
	jmp	.Lentry_failed
.Lvmlaunch:
	vmlaunch
	jmp	.Lentry_failed

	_ASM_EXTABLE(.Lvmresume, .Lentry_faulted)
	_ASM_EXTABLE(.Lvmlaunch, .Lentry_faulted)

SYM_INNER_LABEL_ALIGN(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR

	/* RDI is the only guest register in the way of the pointer: it waits on the stack */
	push	%rdi
	mov	8(%rsp), %rdi
	pop	VCPU_RDI(%rdi)
	mov	%rax, VCPU_RAX(%rdi)
	mov	%rcx, VCPU_RCX(%rdi)
	mov	%rdx, VCPU_RDX(%rdi)
	mov	%rbx, VCPU_RBX(%rdi)
	mov	%rbp, VCPU_RBP(%rdi)
	mov	%rsi, VCPU_RSI(%rdi)
	mov	%r8, VCPU_R8(%rdi)
	mov	%r9, VCPU_R9(%rdi)
	mov	%r10, VCPU_R10(%rdi)
	mov	%r11, VCPU_R11(%rdi)
	mov	%r12, VCPU_R12(%rdi)
	mov	%r13, VCPU_R13(%rdi)
	mov	%r14, VCPU_R14(%rdi)
	mov	%r15, VCPU_R15(%rdi)

	/*
	 * No register may carry a guest's value into speculation; those that C saves
	 * and the epilogue pops are included, since a pop can be speculated past.
	 */
	xor	%eax, %eax
	CLEAR_GUEST_REGISTERS

	/* before the first CALL or RET: the guest may have filled the return stack buffer */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	/* a kernel that sets IBRS on entry must set it again after an exit, and before a RET */
	ALTERNATIVE "jmp .Librs_done", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	movl	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	xor	%edx, %edx
	wrmsr
.Librs_done:

	/* what this calls is noinstr in the kernel; objtool cannot see that from a module */
.Lkernel_code:
	CLEAR_BRANCH_HISTORY_VMEXIT
.Lkernel_code_end:
	.pushsection .discard.instr_begin
	.long	.Lkernel_code - .
	.popsection
	.pushsection .discard.instr_end
	.long	.Lkernel_code_end - .
	.popsection

	call	vcpu_exited
	mov	(%rsp), %rdi
	test	%al, %al
	jnz	.Lenter
	xor	%eax, %eax

.Lleave:
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lentry_failed:
	/* VMfailValid sets ZF, VMfailInvalid sets CF; the guest's registers are unchanged */
	mov	$2, %eax
	jc	.Lnot_entered
	mov	$1, %eax
	jmp	.Lnot_entered

.Lentry_faulted:
	mov	$3, %eax

.Lnot_entered:
	CLEAR_GUEST_REGISTERS
	jmp	.Lleave
SYM_FUNC_END(vmx_enter)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back.
 *
 *	int vmx_enter(struct vcpu *v, bool launched)
 *
 * Returns 0 after a VM exit, 1 when VMLAUNCH or VMRESUME failed with a VM-instruction error,
 * 2 when it failed without one (no current VMCS), 3 when the instruction itself faulted.
 * The vCPU's VMCS is current, interrupts are off.
 *
 * The hardware switches RSP, RIP, RFLAGS, CR0/3/4, segments and the MSRs named in the VMCS; the
 * rest is ours: fifteen general registers and CR2. Register use:
 *	rdi  struct vcpu, until the guest's is loaded last
 *	esi  launched; kept as CF (the macro that clears CPU buffers changes ZF)
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

#include "vcpu/entry.h"

.section .noinstr.text, "ax"

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
	je	.Lhost_rsp_done
	mov	%rsp, VCPU_HOST_RSP(%rdi)
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
.Lhost_rsp_done:

	/* writing CR2 serializes: only when it differs */
	mov	VCPU_CR2(%rdi), %rax
	mov	%cr2, %rcx
	cmp	%rax, %rcx
	je	.Lcr2_done
	mov	%rax, %cr2
.Lcr2_done:

	/* CF = launched; nothing from here to the entry changes it */
	bt	$0, %esi

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

	VM_CLEAR_CPU_BUFFERS
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
	mov	%cr2, %rax
	mov	%rax, VCPU_CR2(%rdi)
	xor	%eax, %eax

.Lclear:
	/*
	 * No register may carry a guest's value into speculation; those that the
	 * epilogue pops are included, since a pop can be speculated past. RDI gets
	 * the host's pointer back from the stack.
	 */
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
	pop	%rdi

	/* before the first RET: the guest may have filled the return stack buffer */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	/* a kernel that sets IBRS on entry must set it again after an exit, and before a RET */
	ALTERNATIVE "jmp .Librs_done", "", X86_FEATURE_KERNEL_IBRS
	mov	%eax, %ebx
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	movl	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	xor	%edx, %edx
	wrmsr
	mov	%ebx, %eax
	xor	%ecx, %ecx
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
	jc	.Lclear
	mov	$1, %eax
	jmp	.Lclear

.Lentry_faulted:
	mov	$3, %eax
	jmp	.Lclear
SYM_FUNC_END(vmx_enter)

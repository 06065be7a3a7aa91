/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a failed VMREAD or VMWRITE goes (include/vmx/vmcs.h). The field's encoding is on the
 * stack, above the return address; the slot comes back as 0, the value that VMREAD then gives. The
 * compiler does not know of the call: every register that C may change is kept.
 *
 * The thunks can be called from noinstr code; what they call prints. The kernel's annotations that
 * say "may be instrumented from here to there" are empty without CONFIG_NOINSTR_VALIDATION, so
 * objtool is told here.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/frame.h>
#include <asm/nospec-branch.h>

.macro instrumented edge:req
.L\edge\@:
	nop
	.pushsection .discard.instr_\edge
	.long	.L\edge\@ - .
	.popsection
.endm

.macro vmcs_failed_thunk name:req target:req
SYM_FUNC_START(\name)
	push	%rbp
	mov	%rsp, %rbp
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	16(%rbp), %rdi
	instrumented begin
	call	\target
	instrumented end
	movq	$0, 16(%rbp)
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rbp
	RET
SYM_FUNC_END(\name)
.endm

	.section .noinstr.text, "ax"

vmcs_failed_thunk vmcs_read_thunk, vmcs_read_failed
vmcs_failed_thunk vmcs_write_thunk, vmcs_write_failed

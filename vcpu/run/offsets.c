// SPDX-License-Identifier: GPL-2.0-only
/* What entry.S knows of struct vcpu: compiled to assembly, of which Kbuild makes offsets.h. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "vcpu/vcpu.h"
#include "vmx/fields.h"

static void __used offsets(void)
{
	OFFSET(VCPU_RAX, vcpu, gpr[REG_RAX]);
	OFFSET(VCPU_RCX, vcpu, gpr[REG_RCX]);
	OFFSET(VCPU_RDX, vcpu, gpr[REG_RDX]);
	OFFSET(VCPU_RBX, vcpu, gpr[REG_RBX]);
	OFFSET(VCPU_RBP, vcpu, gpr[REG_RBP]);
	OFFSET(VCPU_RSI, vcpu, gpr[REG_RSI]);
	OFFSET(VCPU_RDI, vcpu, gpr[REG_RDI]);
	OFFSET(VCPU_R8, vcpu, gpr[REG_R8]);
	OFFSET(VCPU_R9, vcpu, gpr[REG_R9]);
	OFFSET(VCPU_R10, vcpu, gpr[REG_R10]);
	OFFSET(VCPU_R11, vcpu, gpr[REG_R11]);
	OFFSET(VCPU_R12, vcpu, gpr[REG_R12]);
	OFFSET(VCPU_R13, vcpu, gpr[REG_R13]);
	OFFSET(VCPU_R14, vcpu, gpr[REG_R14]);
	OFFSET(VCPU_R15, vcpu, gpr[REG_R15]);
	OFFSET(VCPU_HOST_RSP, vcpu, host_rsp);
	OFFSET(VCPU_LAUNCHED, vcpu, vmcs.launched);
	DEFINE(VMCS_HOST_RSP, HOST_RSP);
}

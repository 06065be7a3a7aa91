/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions. Each can fail in two ways: VMfail (flags), or a fault, when this CPU has
 * left VMX operation (reboot, hotplug) since the caller looked.
 */
#ifndef VMX_INSN_H
#define VMX_INSN_H

#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/types.h>
#include <asm/asm.h>

/* SDM "INVEPT" and "INVVPID": the invalidation types */
#define INVEPT_SINGLE			1
#define INVEPT_ALL			2
#define INVVPID_ADDR			0
#define INVVPID_SINGLE			1
#define INVVPID_ALL			2
#define INVVPID_SINGLE_KEEP_GLOBAL	3

void vmx_insn_failed(const char *insn, u64 operand);

/* What follows each instruction: it goes on at 2 after VMfail (CF or ZF) or on a fault. */
#define VMX_INSN_CHECK				\
	"\n\tja 3f\n"				\
	"2:\tmov %[eio], %[ret]\n"		\
	"3:\n\t"				\
	_ASM_EXTABLE(1b, 2b)

/**
 * vmx_vmclear() - VMCLEAR: flush a VMCS to memory and make it inactive, launch state clear
 * @phys: physical address of the VMCS, 4 KiB aligned
 *
 * Context: In VMX operation, preemption off.
 * Return: 0, or -EIO after vmx_insn_failed() said why.
 */
static __always_inline int vmx_vmclear(u64 phys)
{
	int ret = 0;

	lockdep_assert_preemption_disabled();
	asm volatile("1: vmclear %[phys]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [phys] "m" (phys), [eio] "i" (-EIO)
		     : "cc", "memory");
	if (unlikely(ret))
		vmx_insn_failed("VMCLEAR", phys);
	return ret;
}

/**
 * vmx_vmptrld() - VMPTRLD: make a VMCS this CPU's current one
 * @phys: physical address of the VMCS, 4 KiB aligned
 *
 * Context: In VMX operation, preemption off.
 * Return: 0, or -EIO after vmx_insn_failed() said why.
 */
static __always_inline int vmx_vmptrld(u64 phys)
{
	int ret = 0;

	lockdep_assert_preemption_disabled();
	asm volatile("1: vmptrld %[phys]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [phys] "m" (phys), [eio] "i" (-EIO)
		     : "cc", "memory");
	if (unlikely(ret))
		vmx_insn_failed("VMPTRLD", phys);
	return ret;
}

/**
 * vmx_invept() - INVEPT: invalidate mappings derived from EPT
 * @type: INVEPT_SINGLE or INVEPT_ALL; must be one that the CPU has
 * @eptp: the EPT pointer for INVEPT_SINGLE, else 0
 *
 * Context: In VMX operation, preemption off.
 * Return: 0, or -EIO after vmx_insn_failed() said why.
 */
static __always_inline int vmx_invept(unsigned long type, u64 eptp)
{
	struct { u64 eptp, reserved; } descriptor = { eptp, 0 };
	int ret = 0;

	lockdep_assert_preemption_disabled();
	asm volatile("1: invept %[desc], %[type]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [desc] "m" (descriptor), [type] "r" (type), [eio] "i" (-EIO)
		     : "cc", "memory");
	if (unlikely(ret))
		vmx_insn_failed("INVEPT", eptp);
	return ret;
}

/**
 * vmx_invvpid() - INVVPID: invalidate mappings tagged with a VPID
 * @type: INVVPID_*; must be one that the CPU has
 * @vpid: the VPID, 1 to 65535; 0 only with INVVPID_ALL
 * @address: linear address for INVVPID_ADDR, else 0
 *
 * Context: In VMX operation, preemption off.
 * Return: 0, or -EIO after vmx_insn_failed() said why.
 */
static __always_inline int vmx_invvpid(unsigned long type, u16 vpid, u64 address)
{
	struct { u64 vpid, address; } descriptor = { vpid, address };
	int ret = 0;

	lockdep_assert_preemption_disabled();
	asm volatile("1: invvpid %[desc], %[type]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [desc] "m" (descriptor), [type] "r" (type), [eio] "i" (-EIO)
		     : "cc", "memory");
	if (unlikely(ret))
		vmx_insn_failed("INVVPID", vpid);
	return ret;
}

void vmx_flush_ept(u64 eptp);
void vmx_flush_vpid(u16 vpid);

#endif /* VMX_INSN_H */

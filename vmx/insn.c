// SPDX-License-Identifier: GPL-2.0-only
/* What happens when a VMX instruction fails; invalidation by what the CPU has; access by number. */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <asm/asm.h>

#include "compat.h"
#include "vmx/insn.h"
#include "vmx/insn_errors.h"
#include "vmx/operation.h"
#include "vmx/vmcs.h"

DEFINE_PER_CPU(struct loaded_vmcs *, vmcs_current);
VMXHV_EXPORT_FOR_TEST(vmcs_current);

/*
 * Both ways to fail as one: what cannot be read gives *ok false. VMfailValid puts its number into
 * VM_INSTRUCTION_ERROR, over the one that was there.
 */
static u64 read_quietly(u32 encoding, bool *ok)
{
	unsigned long value = 0;
	int ret = 0;

	asm volatile("1: vmread %[field], %[value]" VMX_INSN_CHECK
		     : [value] "+r" (value), [ret] "+r" (ret)
		     : [field] "r" ((unsigned long)encoding), [eio] "i" (-EIO)
		     : "cc");
	*ok = !ret;
	return ret ? 0 : value;
}

static u32 last_error(void)
{
	bool ok;

	if (!vmx_cpu_enabled() || !this_cpu_read(vmcs_current))
		return 0;
	return read_quietly(VM_INSTRUCTION_ERROR, &ok);
}

/**
 * vmx_insn_failed() - a VMX instruction failed
 * @insn: its name
 * @operand: its operand
 *
 * A bug of ours, unless this CPU has left VMX operation (reboot, hotplug): then it is quiet.
 *
 * Context: Any.
 */
void vmx_insn_failed(const char *insn, u64 operand)
{
	u32 error;

	if (!vmx_cpu_enabled())
		return;
	error = last_error();
	WARN_ONCE(1, pr_fmt("%s %#llx failed: error %u (%s)\n"), insn, operand, error,
		  vmx_insn_error_text(error));
}

VMXHV_EXPORT_FOR_TEST(vmx_insn_failed);

static void access_failed(const char *insn, u32 field)
{
	struct loaded_vmcs *lv = this_cpu_read(vmcs_current);
	u32 error;

	if (lv)
		lv->failed = true;
	if (!vmx_cpu_enabled())
		return;
	error = last_error();
	WARN_ONCE(1, pr_fmt("%s of field %#x (%s) failed: error %u (%s)\n"), insn, field,
		  vmcs_field_name(field), error, vmx_insn_error_text(error));
}

/* called by vmx/thunk.S, in the name of noinstr code too */
asmlinkage void vmcs_read_failed(unsigned long field);
asmlinkage void vmcs_write_failed(unsigned long field);

asmlinkage void vmcs_read_failed(unsigned long field)
{
	access_failed("VMREAD", field);
}

asmlinkage void vmcs_write_failed(unsigned long field)
{
	access_failed("VMWRITE", field);
}

/**
 * vmcs_read_any() - read a field of the current VMCS by number
 * @encoding: any encoding
 *
 * For tables (dump, checker). It overwrites VM_INSTRUCTION_ERROR when the field does not exist.
 *
 * Context: A VMCS is current and stays so.
 * Return: Its value; 0 for a field that this CPU does not have.
 */
u64 vmcs_read_any(u32 encoding)
{
	bool ok;

	return read_quietly(encoding, &ok);
}

VMXHV_EXPORT_FOR_TEST(vmcs_read_any);

/**
 * vmcs_write_any() - write a field of the current VMCS by number
 * @encoding: any encoding
 * @value: the value; cut to the field's width by the CPU
 *
 * Context: A VMCS is current and stays so.
 * Return: 0, or -EINVAL for a field that this CPU does not have or that is read-only.
 */
int vmcs_write_any(u32 encoding, u64 value)
{
	int ret = 0;

	asm volatile("1: vmwrite %[value], %[field]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [field] "r" ((unsigned long)encoding), [value] "r" (value), [eio] "i" (-EIO)
		     : "cc");
	return ret ? -EINVAL : 0;
}

VMXHV_EXPORT_FOR_TEST(vmcs_write_any);

/**
 * vmx_flush_ept() - forget what this CPU has cached of an EPT
 * @eptp: the EPT pointer
 *
 * Context: In VMX operation, preemption off.
 */
void vmx_flush_ept(u64 eptp)
{
	if (vmx_caps.invept_single)
		vmx_invept(INVEPT_SINGLE, eptp);
	else
		vmx_invept(INVEPT_ALL, 0);
}

VMXHV_EXPORT_FOR_TEST(vmx_flush_ept);

/**
 * vmx_flush_vpid() - forget what this CPU has cached under a VPID
 * @vpid: the VPID, 1 to 65535
 *
 * Context: In VMX operation, preemption off.
 */
void vmx_flush_vpid(u16 vpid)
{
	if (vmx_caps.invvpid_single)
		vmx_invvpid(INVVPID_SINGLE, vpid, 0);
	else
		vmx_invvpid(INVVPID_ALL, 0, 0);
}

VMXHV_EXPORT_FOR_TEST(vmx_flush_vpid);

// SPDX-License-Identifier: GPL-2.0-only
/* The page walk of a loaded vCPU, and copies to and from its linear memory. */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/cpufeature.h>

#include "vcpu/cpu.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vcpu/x86.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

static int read_entry(void *ctx, u64 gpa, void *to, u32 length)
{
	return vm_window_read(ctx, gpa, to, length);
}

/* Read-only memory takes no flags, and the walk goes on: there a write is nothing. */
static int update_entry(void *ctx, u64 gpa, u64 old, u64 new, u32 length)
{
	const struct vm_window *w = ctx;
	int ret = vm_window_cmpxchg(ctx, gpa, old, new, length);

	if (ret == -EFAULT && w->range.length && (w->range.flags & VMXHV_MEM_READONLY))
		return 0;
	return ret;
}

/* Where nothing answers, ones are read. */
static int read_entry_or_ones(void *ctx, u64 gpa, void *to, u32 length)
{
	if (vm_window_read(ctx, gpa, to, length))
		memset(to, 0xff, length);
	return 0;
}

/*
 * What a page walk of this vCPU depends on, now. What it reads it finds through @window.
 *
 * Which bits are reserved is the host CPU's to say, whatever the guest's CPUID shows: nearly all of
 * the guest's walks are done by that CPU, and this one is to agree with them.
 *
 * In PAE paging the PDPTEs are those in the VMCS: the CPU loaded them with CR3, and does not look
 * at memory again (SDM: "PDPTE Registers").
 */
static void vcpu_walk_mode(struct vcpu *v, struct walk_mode *mode, struct vm_window *window)
{
	*window = VM_WINDOW(v->vm);
	*mode = (struct walk_mode) {
		.cr0 = vcpu_cr0(v),
		.cr3 = vmcs_readl(GUEST_CR3),
		.cr4 = vcpu_cr4(v),
		.efer = v->efer,
		.rflags = vcpu_rflags(v),
		.maxphyaddr = vmx_caps.phys_bits,
		.page_1g = boot_cpu_has(X86_FEATURE_GBPAGES),
		.read = read_entry,
		.update = update_entry,
		.ctx = window,
	};
	if (!(mode->cr0 & X86_CR0_PG) || !(mode->cr4 & X86_CR4_PAE) || (mode->efer & EFER_LMA))
		return;
	mode->pdpte[0] = vmcs_read64(GUEST_PDPTR0);
	mode->pdpte[1] = vmcs_read64(GUEST_PDPTR1);
	mode->pdpte[2] = vmcs_read64(GUEST_PDPTR2);
	mode->pdpte[3] = vmcs_read64(GUEST_PDPTR3);
}

/**
 * vcpu_translate() - translate one linear address
 * @v: the vCPU
 * @gva: the linear address
 * @access: WALK_*
 * @out: the translation, or the error code
 *
 * Context: vCPU loaded, mutex held; may sleep.
 * Return: as walk_page_tables().
 */
int vcpu_translate(struct vcpu *v, u64 gva, u32 access, struct walk_result *out)
{
	struct vm_window window;
	struct walk_mode mode;

	vcpu_walk_mode(v, &mode, &window);
	return walk_page_tables(&mode, gva, access, out);
}

static int probe(struct vcpu *v, u64 gva, u32 access,
		 int (*read)(void *ctx, u64 gpa, void *to, u32 length), struct walk_result *out)
{
	struct vm_window window;
	struct walk_mode mode;

	vcpu_walk_mode(v, &mode, &window);
	mode.read = read;
	mode.update = NULL;
	return walk_page_tables(&mode, gva, access, out);
}

/**
 * vcpu_probe() - translate one linear address without a trace
 * @v: the vCPU
 * @gva: the linear address
 * @access: WALK_*
 * @out: the translation, or the error code
 *
 * Accessed and dirty flags stay as they are.
 *
 * Context: vCPU loaded, mutex held; may sleep.
 * Return: as walk_page_tables().
 */
int vcpu_probe(struct vcpu *v, u64 gva, u32 access, struct walk_result *out)
{
	return probe(v, gva, access, read_entry, out);
}

/**
 * vcpu_probe_ones() - the same, where entries that are no memory are all ones
 * @v: the vCPU
 * @gva: the linear address
 * @access: WALK_*
 * @out: the translation, or the error code
 *
 * Context: vCPU loaded, mutex held; may sleep.
 * Return: as walk_page_tables(), but never for want of a table.
 */
int vcpu_probe_ones(struct vcpu *v, u64 gva, u32 access, struct walk_result *out)
{
	return probe(v, gva, access, read_entry_or_ones, out);
}

/**
 * vcpu_wrap_gva() - a linear address that an access has come to
 * @v: the vCPU
 * @from: where the access began, a linear address
 * @at: @from and some bytes more
 *
 * Linear addresses have 32 bits outside 64-bit mode, in compatibility mode too.
 *
 * Context: vCPU loaded. Costs a VMREAD where @at lies across 4 GiB, nothing otherwise.
 * Return: @at, or where it wraps to.
 */
u64 vcpu_wrap_gva(struct vcpu *v, u64 from, u64 at)
{
	if (unlikely((at ^ from) >> 32) && vcpu_cpu_mode(v) != VMXHV_MODE_64)
		return (u32)at;
	return at;
}

/**
 * vcpu_copy_gva() - copy to or from linear memory, as an instruction would
 * @v: the vCPU
 * @copy: what, from where and how; and how far it came
 *
 * Page by page, each as an access of its own.
 *
 * Context: vCPU loaded, mutex held; may sleep.
 * Return: 0; 1: the guest gets #PF, as @copy->walk says; -EFAULT where no memory is, or it is
 *	read-only; -EINVAL for an address that is not canonical.
 */
int vcpu_copy_gva(struct vcpu *v, struct gva_copy *copy)
{
	struct vm_window window;
	struct walk_mode mode;
	int ret;

	vcpu_walk_mode(v, &mode, &window);
	for (copy->done = 0; copy->done < copy->length; ) {
		u64 at = vcpu_wrap_gva(v, copy->gva, copy->gva + copy->done);
		u32 chunk = min_t(u32, copy->length - copy->done, PAGE_SIZE - offset_in_page(at));
		void *buf = copy->buf + copy->done;

		ret = walk_page_tables(&mode, at, copy->access, &copy->walk);
		if (ret)
			return ret;
		if (copy->access & WALK_WRITE)
			ret = vm_window_write(&window, copy->walk.gpa, buf, chunk);
		else if (copy->access & WALK_FETCH)
			ret = vm_window_fetch(&window, copy->walk.gpa, buf, chunk);
		else
			ret = vm_window_read(&window, copy->walk.gpa, buf, chunk);
		if (ret)
			return ret;
		copy->done += chunk;
	}
	return 0;
}

/**
 * vcpu_fetch_insn() - read the bytes at RIP, as far as they can be fetched
 * @v: the vCPU, loaded
 * @bytes: room for 15
 * @mode: of the guest
 *
 * Context: Process; may sleep.
 * Return: how many bytes were read, 0 to 15.
 */
u32 vcpu_fetch_insn(struct vcpu *v, u8 bytes[15], enum vmxhv_cpu_mode mode)
{
	u32 user = vcpu_cpl(v) == 3 ? WALK_USER : 0;
	u64 linear = vcpu_rip(v) + (mode == VMXHV_MODE_64 ? 0 : vmcs_readl(GUEST_CS_BASE));
	struct gva_copy copy = {
		.gva = mode == VMXHV_MODE_64 ? linear : (u32)linear,
		.buf = bytes,
		.length = 15,
		.access = WALK_FETCH | user,
	};

	vcpu_copy_gva(v, &copy);
	return copy.done;
}

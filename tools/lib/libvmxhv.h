/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvmxhv: a thin C library over /dev/vmxhv.
 *
 * A device handle gives VMs, a VM gives vCPUs; the caller owns the memory of each handle. The
 * library has no globals, prints nothing and starts no thread. Functions return 0 (or a count) or a
 * negative errno; the handle that was given then says why in words: vmxhv_message(&handle.fail).
 *
 * A handle is used by one thread at a time, except that vmxhv_vcpu_kick(), vmxhv_vcpu_extint() and
 * vmxhv_vm_signal_msi() may be called by any thread: they leave the message alone.
 */
#ifndef LIBVMXHV_H
#define LIBVMXHV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmxhv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMXHV_DEVICE		"/dev/vmxhv"
#define VMXHV_PAGE_SIZE		4096u

/**
 * struct vmxhv_fail - the last refusal of a handle
 * @error: positive errno, or 0
 * @detail: what GET_ERROR said; all zero if the kernel had no detail
 * @text: one line, without a newline
 */
struct vmxhv_fail {
	int error;
	struct vmxhv_error detail;
	char text[320];
};

/** struct vmxhv_dev - /dev/vmxhv, opened */
struct vmxhv_dev {
	int fd;
	struct vmxhv_fail fail;
};

/** struct vmxhv_vm - a virtual machine: its guest-physical memory and its interrupts */
struct vmxhv_vm {
	int fd;
	size_t run_size;
	struct vmxhv_fail fail;
};

/** struct vmxhv_vcpu - a virtual CPU, with its run area mapped */
struct vmxhv_vcpu {
	int fd;
	uint32_t id;
	struct vmxhv_run *run;
	size_t run_size;
	struct vmxhv_fail fail;
};

/** vmxhv_message() - why the last call on this handle failed, in one line */
const char *vmxhv_message(const struct vmxhv_fail *fail);

/* ---- the device --------------------------------------------------------------------------- */

/**
 * vmxhv_open() - open the device and agree on the ABI
 * @dev: written, also on failure: its message then says what to do
 * @path: NULL for VMXHV_DEVICE
 *
 * Return: 0, -ENOENT (module not loaded), -EACCES, -EPROTO (the module speaks another ABI).
 */
int vmxhv_open(struct vmxhv_dev *dev, const char *path);
void vmxhv_close(struct vmxhv_dev *dev);
int vmxhv_get_info(struct vmxhv_dev *dev, struct vmxhv_info *info);

/**
 * vmxhv_get_cpuid() - the CPUID leaves that a vCPU may show on this host
 * @table: set to an array that the caller frees, with room for @spare more entries
 * @count: set to the number of entries
 * @spare: entries to leave room for
 */
int vmxhv_get_cpuid(struct vmxhv_dev *dev, struct vmxhv_cpuid_entry **table, unsigned int *count,
		    unsigned int spare);

/** vmxhv_get_msr_list() - the MSRs that can be saved; the caller frees @list */
int vmxhv_get_msr_list(struct vmxhv_dev *dev, struct vmxhv_msr_entry **list, unsigned int *count);

/* ---- virtual machines --------------------------------------------------------------------- */

int vmxhv_vm_create(struct vmxhv_dev *dev, struct vmxhv_vm *vm);
/** vmxhv_vm_create_flags() - the same; flags are VMXHV_VM_* */
int vmxhv_vm_create_flags(struct vmxhv_dev *dev, struct vmxhv_vm *vm, uint32_t flags);
void vmxhv_vm_close(struct vmxhv_vm *vm);

/** vmxhv_vm_memory() - do @count memory operations, all or none */
int vmxhv_vm_memory(struct vmxhv_vm *vm, const struct vmxhv_mem_op *ops, unsigned int count);

/** vmxhv_vm_map() - show @length bytes at @hva to the guest at @gpa; flags are VMXHV_MEM_* */
int vmxhv_vm_map(struct vmxhv_vm *vm, uint64_t gpa, void *hva, uint64_t length, uint32_t flags);
int vmxhv_vm_unmap(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length);

/** vmxhv_vm_log() - log which pages are written to, beginning with none; or end that */
int vmxhv_vm_log(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length, bool on);

/**
 * vmxhv_vm_dirty_get() - which pages of a range that is logged were written to
 *
 * Bit i % 64 of word i / 64 of @bitmap is the page at @gpa + 4096 * i. To copy a running guest:
 * this, then vmxhv_vm_dirty_clear() with the same bitmap, then the pages, until few are left.
 */
int vmxhv_vm_dirty_get(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length, uint64_t *bitmap);

/** vmxhv_vm_dirty_clear() - log the next write to the pages of @bitmap again; NULL: to all */
int vmxhv_vm_dirty_clear(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length,
			 const uint64_t *bitmap);

/**
 * vmxhv_vm_config() - which exits this VM shall have, before its first vCPU is made
 * @config: size is filled in; a second call replaces what the first said
 */
int vmxhv_vm_config(struct vmxhv_vm *vm, const struct vmxhv_config *config);

/**
 * vmxhv_vm_signal_msi() - deliver a message-signalled interrupt; any thread
 *
 * Return: the number of APICs that took it, or a negative errno.
 */
int vmxhv_vm_signal_msi(struct vmxhv_vm *vm, uint64_t address, uint32_t data);

/* ---- virtual CPUs ------------------------------------------------------------------------- */

/**
 * vmxhv_vcpu_create() - make the vCPU with APIC id @id and map its run area
 *
 * Only the one with id 0 is the bootstrap processor and runs at once. All others wait for a SIPI,
 * from the guest or by vmxhv_vcpu_inject(): until then vmxhv_vcpu_run() waits in the kernel. The
 * states to start from (vmxhv_vcpu_start_*()) leave that as it is: they are for id 0.
 */
int vmxhv_vcpu_create(struct vmxhv_vm *vm, struct vmxhv_vcpu *vcpu, uint32_t id);
void vmxhv_vcpu_close(struct vmxhv_vcpu *vcpu);

/**
 * vmxhv_vcpu_run() - run the guest until something needs userspace: see vcpu->run->exit_reason
 *
 * Return: 0, or -EINTR when a signal is pending (run again), or another negative errno.
 */
int vmxhv_vcpu_run(struct vmxhv_vcpu *vcpu);

/**
 * vmxhv_vcpu_complete() - finish the pending exit and apply dirty groups, without entering
 *
 * Before all state is read to go on elsewhere: until exit_reason is NONE, and not EOI.
 */
int vmxhv_vcpu_complete(struct vmxhv_vcpu *vcpu);

/** vmxhv_vcpu_kick() - make the current or the next vmxhv_vcpu_run() return; any thread */
int vmxhv_vcpu_kick(const struct vmxhv_vcpu *vcpu);

int vmxhv_vcpu_get_state(struct vmxhv_vcpu *vcpu, enum vmxhv_state_group group, void *data,
			 uint32_t length);
int vmxhv_vcpu_set_state(struct vmxhv_vcpu *vcpu, enum vmxhv_state_group group, const void *data,
			 uint32_t length);
int vmxhv_vcpu_get_gprs(struct vmxhv_vcpu *vcpu, struct vmxhv_gprs *gprs);
int vmxhv_vcpu_set_gprs(struct vmxhv_vcpu *vcpu, const struct vmxhv_gprs *gprs);
int vmxhv_vcpu_get_sregs(struct vmxhv_vcpu *vcpu, struct vmxhv_sregs *sregs);
int vmxhv_vcpu_set_sregs(struct vmxhv_vcpu *vcpu, const struct vmxhv_sregs *sregs);

/** vmxhv_vcpu_get_msrs() - read @count MSRs; Return: how many were read, or a negative errno */
int vmxhv_vcpu_get_msrs(struct vmxhv_vcpu *vcpu, struct vmxhv_msr_entry *msrs, unsigned int count);
int vmxhv_vcpu_set_msrs(struct vmxhv_vcpu *vcpu, const struct vmxhv_msr_entry *msrs,
			unsigned int count);
int vmxhv_vcpu_set_cpuid(struct vmxhv_vcpu *vcpu, const struct vmxhv_cpuid_entry *table,
			 unsigned int count);

/** vmxhv_vcpu_inject() - an exception, NMI, INIT or SIPI; -EAGAIN: one of its class is waiting */
int vmxhv_vcpu_inject(struct vmxhv_vcpu *vcpu, const struct vmxhv_inject *event);

/** vmxhv_vcpu_extint() - raise or lower the vCPU's ExtINT line; any thread */
int vmxhv_vcpu_extint(const struct vmxhv_vcpu *vcpu, int level);

/**
 * vmxhv_vcpu_translate() - where an access to a linear address leads, or how it faults
 * @gva: the address
 * @access: VMXHV_ACCESS_*
 * @answer: written; a fault of the guest is an answer, too
 *
 * The registers are those of the last exit; nothing in the guest changes, accessed and dirty flags
 * included.
 */
int vmxhv_vcpu_translate(struct vmxhv_vcpu *vcpu, uint64_t gva, uint32_t access,
			 struct vmxhv_translate *answer);

/** vmxhv_vcpu_translate_with() - the same with flags, VMXHV_TRANSLATE_* */
int vmxhv_vcpu_translate_with(struct vmxhv_vcpu *vcpu, uint64_t gva, uint32_t access,
			      uint32_t flags, struct vmxhv_translate *answer);

/** vmxhv_translate_describe() - one line for a person: what TRANSLATE answered */
void vmxhv_translate_describe(const struct vmxhv_translate *answer, char *text, size_t size);

/**
 * vmxhv_vcpu_debug() - step, exit at INT3, breakpoints and watchpoints
 * @debug: what is wanted from now on; size is filled in. All zeros: nothing
 */
int vmxhv_vcpu_debug(struct vmxhv_vcpu *vcpu, const struct vmxhv_debug *debug);

/**
 * vmxhv_lapic_read() - an access of any width to the APIC page that userspace decoded
 * @offset: in the page
 *
 * Whether an address is in that page is for the caller to see, from vcpu->run->apic_base at each
 * exit: bits 12 and up say where it is, and it is the APIC's only while bit 11 (enabled) is set and
 * bit 10 (x2APIC mode) is clear. Else these calls fail with -EINVAL, and the address is that of
 * memory or of nothing.
 */
int vmxhv_lapic_read(struct vmxhv_vcpu *vcpu, uint32_t offset, unsigned int width, uint64_t *value);
int vmxhv_lapic_write(struct vmxhv_vcpu *vcpu, uint32_t offset, unsigned int width, uint64_t value);

/* ---- states to start from ----------------------------------------------------------------- */

/** vmxhv_vcpu_start_real() - real mode at 0000:@ip, all segments based at 0, interrupts off */
int vmxhv_vcpu_start_real(struct vmxhv_vcpu *vcpu, uint16_t ip);

/**
 * struct vmxhv_long_start - a flat 64-bit state
 * @rip: where to start
 * @rsp: the stack
 * @rsi: first argument of a Linux 64-bit entry (the zero page)
 * @cr3: guest-physical address of the PML4
 * @gdt: guest-physical address of a GDT with the two descriptors that the selectors name
 * @gdt_limit: its size minus one
 * @cs: code selector
 * @ds: data selector for DS, ES, SS, FS and GS
 */
struct vmxhv_long_start {
	uint64_t rip, rsp, rsi, cr3, gdt;
	uint16_t gdt_limit, cs, ds;
};

int vmxhv_vcpu_start_long(struct vmxhv_vcpu *vcpu, const struct vmxhv_long_start *start);

/**
 * struct vmxhv_protected_start - a flat 32-bit state without paging
 * @eip: where to start; interrupts are off
 * @eax: with @ebx, what a boot protocol hands over; the other registers are 0
 * @ebx: see @eax
 * @gdt: guest-physical address of a GDT with the two descriptors that the selectors name
 * @gdt_limit: its size minus one
 * @cs: code selector
 * @ds: data selector for DS, ES, SS, FS and GS
 */
struct vmxhv_protected_start {
	uint32_t eip, eax, ebx;
	uint64_t gdt;
	uint16_t gdt_limit, cs, ds;
};

int vmxhv_vcpu_start_protected(struct vmxhv_vcpu *vcpu, const struct vmxhv_protected_start *start);

/** vmxhv_identity_map() - write 4-level tables that map the first 4 GiB to themselves
 * @tables: six pages of guest memory
 * @gpa: where the guest sees them: the PML4 comes first
 */
#define VMXHV_IDENTITY_MAP_PAGES	6
void vmxhv_identity_map(void *tables, uint64_t gpa);

/* ---- CPUID tables ------------------------------------------------------------------------- */

struct vmxhv_cpuid_entry *vmxhv_cpuid_find(struct vmxhv_cpuid_entry *table, unsigned int count,
					   uint32_t function, uint32_t index);

/** vmxhv_cpuid_put() - replace the leaf of that function and index, or add it; there must be room
 * Return: the new count.
 */
unsigned int vmxhv_cpuid_put(struct vmxhv_cpuid_entry *table, unsigned int count,
			     const struct vmxhv_cpuid_entry *entry);

/* ---- names -------------------------------------------------------------------------------- */

const char *vmxhv_exit_name(uint32_t exit_reason);
const char *vmxhv_unusable_name(uint32_t reason);

/** vmxhv_exit_describe() - one line for a person: the exit and what matters of it */
void vmxhv_exit_describe(const struct vmxhv_run *run, char *text, size_t size);

/* ---- MMIO (the only part that needs Zydis) -------------------------------------------------- */

/**
 * struct vmxhv_mmio_ops - what an MMIO instruction is completed with
 * @read: read @width bytes (1, 2, 4 or 8) of the device at @gpa; negative errno stops the
 *	completion. Where nothing answers, all ones are read
 * @write: the same for a write
 * @ram: the caller's address of guest memory [@gpa, @gpa + @length), which lies in one page, or
 *	NULL where it has none; asked of what the kernel says is memory. NULL: there is none at all
 */
struct vmxhv_mmio_ops {
	int (*read)(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value);
	int (*write)(void *opaque, uint64_t gpa, unsigned int width, uint64_t value);
	void *(*ram)(void *opaque, uint64_t gpa, uint64_t length);
};

/**
 * vmxhv_mmio_complete() - decode and perform the instruction of an MMIO exit
 * @vcpu: after VMXHV_EXIT_MMIO. Publish VMXHV_GROUP_GPRS to save a call for each exit; SREGS are
 *	asked for only where an instruction needs them
 *
 * Each operand is taken page by page: what the exit names is the device's, all else is where the
 * kernel's TRANSLATE says, memory or device, and faults as it says. All of it is checked, and its
 * accessed and dirty flags are set, before anything is read or written.
 *
 * Writes the registers back (dirty GPRS; SREGS and EVENTS where an instruction changes these) and
 * the completion (RETIRE, ITERATION for a rep that has more to do, or FAULT); call vmxhv_vcpu_run()
 * next. RIP in the run area is advanced along with RETIRE, since RUN applies dirty groups after it
 * has completed the exit.
 *
 * Accesses that no instruction asked for are never performed: those of page walks, of the delivery
 * of events, of descriptor loads, and fetches. A walk that met no memory read ones, and the guest
 * gets the page fault that follows.
 *
 * Return: 0, -EOPNOTSUPP (an access or an instruction that cannot be performed: nothing was
 * changed, and vmxhv_message() says why), -EFAULT (its bytes could not be fetched), or what a
 * callback or a call gave.
 */
int vmxhv_mmio_complete(struct vmxhv_vcpu *vcpu, const struct vmxhv_mmio_ops *ops, void *opaque);

#ifdef __cplusplus
}
#endif

#endif /* LIBVMXHV_H */

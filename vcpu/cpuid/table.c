// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's CPUID. A vCPU's table is built once, with a direct slot for each leaf that software
 * asks for; what depends on the vCPU's own state (OSXSAVE, OSPKE, the sizes in leaf DH) is written
 * into the rows when that state changes, so that the exit handler only copies four words.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/cpu_state.h"
#include "vcpu/cpuid.h"
#include "vcpu/cr.h"
#include "vcpu/exits.h"
#include "vcpu/publish.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/nospec.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

#define DEFAULT_PHYS_BITS	36	/* where there is no leaf 8000_0008H */

static const struct vmxhv_cpuid_entry zero_row;

static void host_cpuid(const void *ctx, u32 leaf, u32 index, u32 *regs)
{
	cpuid_count(leaf, index, &regs[0], &regs[1], &regs[2], &regs[3]);
}

/* Asked of the CPU and not of vmx_caps: GET_CPUID may come before any VM is there. */
static u32 allowed_secondary_controls(void)
{
	u64 value;

	if (rdmsrl_safe(VMX_MSR_FIRST + VMX_MSR_CPU2, &value))
		return 0;
	return value >> 32;
}

/**
 * cpuid_default() - the CPUID table that vCPUs may show on this host
 * @entries: where it goes
 * @max: entries that fit
 * @count: entries there are
 *
 * Context: Process context; works without VMX.
 * Return: 0, or -ENOSPC when @max is too small: @count says what is needed.
 */
int cpuid_default(struct vmxhv_cpuid_entry *entries, u32 max, u32 *count)
{
	u32 controls = allowed_secondary_controls();
	const struct cpuid_source source = {
		.read = host_cpuid,
		.kernel_caps = boot_cpu_data.x86_capability,
		.xcr0 = xstate_allowed_xcr0(),
		.tsc_khz = tsc_khz,
		.rdtscp = controls & SECONDARY_EXEC_ENABLE_RDTSCP,
		.invpcid = controls & SECONDARY_EXEC_ENABLE_INVPCID,
	};

	return cpuid_filter(&source, entries, max, count);
}

static int compare_rows(const void *a, const void *b)
{
	const struct vmxhv_cpuid_entry *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return 0;
}

static struct cpuid_slot find_slot(const struct cpuid_table *t, u32 leaf)
{
	struct cpuid_slot slot = { .row = &zero_row };
	u32 i;

	for (i = 0; i < t->count && t->rows[i].function != leaf; i++)
		;
	if (i == t->count)
		return slot;

	slot.row = &t->rows[i];
	if (!(t->rows[i].flags & VMXHV_CPUID_INDEXED))
		return slot;
	while (i < t->count && t->rows[i].function == leaf) {
		slot.subleaves++;
		i++;
	}
	return slot;
}

/* Leaves above a range's highest one give the data of the highest basic leaf, as Intel CPUs do. */
static void fill_slots(const struct cpuid_table *t, struct cpuid_slot *slots, u32 n, u32 first)
{
	u32 max = find_slot(t, first).row->eax;
	u32 i;

	for (i = 0; i < n; i++)
		slots[i] = first + i <= max ? find_slot(t, first + i) : t->highest;
}

static struct vmxhv_cpuid_entry *row_of(struct cpuid_table *t, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < t->count; i++)
		if (t->rows[i].function == leaf && t->rows[i].index == index)
			return &t->rows[i];
	return NULL;
}

/**
 * cpuid_set_apic_id() - write what never changes for a vCPU into the rows
 * @t: the table
 * @id: the vCPU's APIC id
 *
 * Context: Any; the vCPU has not run.
 */
void cpuid_set_apic_id(struct cpuid_table *t, u32 id)
{
	u32 i;

	for (i = 0; i < t->count; i++) {
		struct vmxhv_cpuid_entry *e = &t->rows[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffff) | id << 24;
		else if (e->function == 0xb || e->function == 0x1f)
			e->edx = id;
	}
}

/**
 * cpuid_lookup() - the row of a leaf and index
 * @table: the table
 * @leaf: EAX
 * @index: ECX
 *
 * Context: Any.
 * Return: the row; NULL when the table has none (as for a leaf that reads as zero).
 */
const struct vmxhv_cpuid_entry *cpuid_lookup(const struct cpuid_table *table, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < table->count; i++) {
		const struct vmxhv_cpuid_entry *e = &table->rows[i];

		if (e->function == leaf &&
		    (!(e->flags & VMXHV_CPUID_INDEXED) || e->index == index))
			return e;
	}
	return NULL;
}

VMXHV_EXPORT_FOR_TEST(cpuid_lookup);

/**
 * cpuid_table_has() - is a bit set in a table?
 * @table: the table
 * @leaf: EAX
 * @index: ECX
 * @reg: CPUID_REG_*
 * @bit: 0 to 31
 *
 * Context: Any.
 * Return: true if it is.
 */
bool cpuid_table_has(const struct cpuid_table *table, u32 leaf, u32 index, int reg, u32 bit)
{
	const struct vmxhv_cpuid_entry *e = cpuid_lookup(table, leaf, index);

	return e && (&e->eax)[reg] & BIT(bit);
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_has);

/**
 * cpuid_xsave_size() - bytes of an XSAVE area
 * @table: whose leaf DH says where the components are
 * @xcr0: the components
 * @compacted: in the compacted format
 *
 * Context: Any. SDM: "Enumeration of CPU Support for XSAVE Instructions and XSAVE-Supported
 *	Features", "Compacted Form of an XSAVE Area".
 * Return: at least 576, the legacy region and the header.
 */
u32 cpuid_xsave_size(const struct cpuid_table *table, u64 xcr0, bool compacted)
{
	u32 size = 576;
	u32 i;

	for (i = 0; i < table->count; i++) {
		const struct vmxhv_cpuid_entry *e = &table->rows[i];

		if (e->function != 0xd || e->index < 2 || e->index > 62 ||
		    !(xcr0 & BIT_ULL(e->index)))
			continue;
		if (!compacted)
			size = max(size, e->eax + e->ebx);
		else
			size = (e->ecx & BIT(1) ? ALIGN(size, 64) : size) + e->eax;
	}
	return size;
}

VMXHV_EXPORT_FOR_TEST(cpuid_xsave_size);

static void set_bit_to(u32 *reg, u32 bit, bool value)
{
	*reg = value ? *reg | bit : *reg & ~bit;
}

/**
 * cpuid_table_refresh() - write what follows from the guest's state into the rows
 * @table: the table
 * @cr4: the guest's CR4
 * @xcr0: the guest's XCR0
 *
 * Context: Any; the vCPU is not in the guest.
 */
void cpuid_table_refresh(struct cpuid_table *table, u64 cr4, u64 xcr0)
{
	struct vmxhv_cpuid_entry *e;

	e = row_of(table, 1, 0);
	if (e)
		set_bit_to(&e->ecx, BIT(27), cr4 & X86_CR4_OSXSAVE);
	e = row_of(table, 7, 0);
	if (e)
		set_bit_to(&e->ecx, BIT(4), cr4 & X86_CR4_PKE);

	e = row_of(table, 0xd, 0);
	if (!e)
		return;
	e->ebx = cpuid_xsave_size(table, xcr0, false);
	e->ecx = cpuid_xsave_size(table, table->xcr0_valid, false);
	e = row_of(table, 0xd, 1);
	if (e)
		e->ebx = cpuid_xsave_size(table, xcr0, true);
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_refresh);

/**
 * cpuid_table_build() - a table that can be looked up quickly
 * @entries: the leaves, checked
 * @count: how many
 * @id: the vCPU's APIC id
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the table, or NULL when there is no memory.
 */
struct cpuid_table *cpuid_table_build(const struct vmxhv_cpuid_entry *entries, u32 count, u32 id)
{
	struct cpuid_table *t = kvzalloc(struct_size(t, rows, count), GFP_KERNEL_ACCOUNT);
	const struct vmxhv_cpuid_entry *e;

	if (!t)
		return NULL;

	t->count = count;
	memcpy(t->rows, entries, count * sizeof(*entries));
	sort(t->rows, count, sizeof(*entries), compare_rows, NULL);
	cpuid_set_apic_id(t, id);

	t->highest = find_slot(t, find_slot(t, 0).row->eax);
	fill_slots(t, t->basic, CPUID_BASIC_SLOTS, 0);
	fill_slots(t, t->hyper, CPUID_HYPER_SLOTS, 0x40000000);
	fill_slots(t, t->ext, CPUID_EXT_SLOTS, 0x80000000);

	e = cpuid_lookup(t, 0x80000008, 0);
	t->maxphyaddr = e ? e->eax & 0xff : DEFAULT_PHYS_BITS;
	e = cpuid_lookup(t, 0xd, 0);
	if (e && cpuid_table_has(t, 1, 0, CPUID_REG_ECX, 26))
		t->xcr0_valid = e->eax | (u64)e->edx << 32;
	cr_masks(t, &t->cr4_valid, &t->cr4_owned, &t->efer_valid);
	cpuid_table_refresh(t, 0, 1);
	return t;
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_build);

/**
 * cpuid_default_entries() - the host's default table, allocated
 * @count: entries it has
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the entries, or NULL when there is no memory.
 */
struct vmxhv_cpuid_entry *cpuid_default_entries(u32 *count)
{
	struct vmxhv_cpuid_entry *entries;

	entries = kvcalloc(CPUID_MAX_ENTRIES, sizeof(*entries), GFP_KERNEL);
	if (entries && cpuid_default(entries, CPUID_MAX_ENTRIES, count)) {
		kvfree(entries);
		return NULL;
	}
	return entries;
}

/**
 * cpuid_create() - give a new vCPU the host's default table
 * @v: the vCPU; its id is set
 *
 * Context: Process context, may sleep. Before vcpu_reset_state().
 * Return: 0 or -ENOMEM.
 */
int cpuid_create(struct vcpu *v)
{
	v->cpuid = cpuid_prototype_copy(v->id);
	if (!v->cpuid)
		return -ENOMEM;
	config_mark_cpuid(v->vm, v->cpuid);
	return 0;
}

/* After the first RUN the guest has seen its CPUID: only the same table is taken, to no effect. */
static int check_same(const struct cpuid_table *now, const struct cpuid_table *wanted,
		      struct vmxhv_error *err)
{
	u32 i;

	if (now->count != wanted->count)
		return refuse(err, -EBUSY, &(const struct refusal){
				.code = VMXHV_ERR_CPUID, .value = wanted->count,
				.wanted = now->count },
			      "the vCPU has run: only the same CPUID table is taken");

	for (i = 0; i < now->count; i++)
		if (memcmp(&now->rows[i], &wanted->rows[i], sizeof(now->rows[i])))
			return refuse(err, -EBUSY, &(const struct refusal){
					.code = VMXHV_ERR_CPUID, .index = i,
					.item = wanted->rows[i].function },
				      "the vCPU has run: this leaf differs");
	return 0;
}

static void install(struct vcpu *v, struct cpuid_table *t)
{
	kvfree(v->cpuid);
	v->cpuid = t;
	cr_write_masks(v);
	v->cpu2_controls = cpuid_controls(t, v->cpu2_controls, vmx_caps.cpu2_allowed1);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, v->cpu2_controls);
}

/**
 * cpuid_set() - SET_CPUID
 * @v: the vCPU
 * @entries: the table asked for
 * @count: entries of it
 * @err: where a refusal goes
 *
 * Context: Process context, may sleep; mutex held, vCPU loaded.
 * Return: 0; -EINVAL for a leaf that this host cannot show, -E2BIG, -ENOMEM, -EBUSY for another
 *	table after the first RUN.
 */
int cpuid_set(struct vcpu *v, const struct vmxhv_cpuid_entry *entries, u32 count,
	      struct vmxhv_error *err)
{
	u32 nr_allowed = 0;
	struct vmxhv_cpuid_entry *allowed = cpuid_default_entries(&nr_allowed);
	struct cpuid_table *t;
	int ret;

	if (!allowed)
		return -ENOMEM;
	ret = cpuid_check(allowed, nr_allowed, entries, count, err);
	kvfree(allowed);
	if (ret)
		return ret;

	t = cpuid_table_build(entries, count, v->id);
	if (!t)
		return -ENOMEM;
	config_mark_cpuid(v->vm, t);
	cpuid_table_refresh(t, vcpu_cr4(v), v->xcr0);
	if (!v->ran) {
		install(v, t);
		return 0;
	}
	ret = check_same(v->cpuid, t, err);
	kvfree(t);
	return ret;
}

/**
 * cpuid_free() - give the table back
 * @v: the vCPU, which runs no more
 *
 * Context: Process context.
 */
void cpuid_free(struct vcpu *v)
{
	kvfree(v->cpuid);
	v->cpuid = NULL;
}

/**
 * cpuid_refresh() - CR4.OSXSAVE, CR4.PKE or XCR0 of the guest changed
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 */
void cpuid_refresh(struct vcpu *v)
{
	cpuid_table_refresh(v->cpuid, vcpu_cr4(v), v->xcr0);
}

static const struct cpuid_slot *slot_of(const struct cpuid_table *t, u32 leaf)
{
	u32 ext = leaf - 0x80000000, hyper = leaf - 0x40000000;

	if (likely(leaf < CPUID_BASIC_SLOTS))
		return &t->basic[nospec_mask(leaf, CPUID_BASIC_SLOTS)];
	if (ext < CPUID_EXT_SLOTS)
		return &t->ext[nospec_mask(ext, CPUID_EXT_SLOTS)];
	if (hyper < CPUID_HYPER_SLOTS)
		return &t->hyper[nospec_mask(hyper, CPUID_HYPER_SLOTS)];
	return &t->highest;
}

/**
 * cpuid_ask() - userspace wants to be asked for leaves
 * @table: the table
 * @first: the first of them
 * @last: the last; all are within one of the table's arrays of slots
 *
 * Context: Any; the vCPU is not in the guest.
 */
void cpuid_ask(struct cpuid_table *table, u32 first, u32 last)
{
	u32 leaf;

	for (leaf = first; leaf <= last; leaf++) {
		struct cpuid_slot *slot = (struct cpuid_slot *)slot_of(table, leaf);

		if (slot->subleaves == CPUID_ASK)
			continue;
		slot->own_subleaves = slot->subleaves;
		slot->subleaves = CPUID_ASK;
	}
}

/* A leaf with sub-leaves. One that is not there is zero, but BH and 1FH still tell index and id. */
static noinline void read_subleaf(struct vcpu *v, const struct cpuid_slot *slot, u32 count,
				  u32 index)
{
	const struct vmxhv_cpuid_entry *e = slot->row;
	u32 i;

	for (i = 0; i < count; i++, e++) {
		if (e->index != index)
			continue;
		v->gpr[REG_RAX] = e->eax;
		v->gpr[REG_RBX] = e->ebx;
		v->gpr[REG_RCX] = e->ecx;
		v->gpr[REG_RDX] = e->edx;
		return;
	}

	e = slot->row;
	v->gpr[REG_RAX] = 0;
	v->gpr[REG_RBX] = 0;
	v->gpr[REG_RCX] = 0;
	v->gpr[REG_RDX] = 0;
	if (e->function == 0xb || e->function == 0x1f) {
		v->gpr[REG_RCX] = index & 0xff;
		v->gpr[REG_RDX] = v->id;
	}
}

static __always_inline void read_row(struct vcpu *v, const struct vmxhv_cpuid_entry *e)
{
	v->gpr[REG_RAX] = e->eax;
	v->gpr[REG_RBX] = e->ebx;
	v->gpr[REG_RCX] = e->ecx;
	v->gpr[REG_RDX] = e->edx;
}

/* What the guest would read goes to userspace first. */
static noinline int ask_user(struct vcpu *v, const struct cpuid_slot *slot)
{
	const u64 rax = v->gpr[REG_RAX], rbx = v->gpr[REG_RBX];
	const u64 rcx = v->gpr[REG_RCX], rdx = v->gpr[REG_RDX];
	struct vmxhv_exit_cpuid what = { .function = (u32)rax, .index = (u32)rcx };

	if (slot->own_subleaves)
		read_subleaf(v, slot, slot->own_subleaves, (u32)rcx);
	else
		read_row(v, slot->row);
	what.eax = v->gpr[REG_RAX];
	what.ebx = v->gpr[REG_RBX];
	what.ecx = v->gpr[REG_RCX];
	what.edx = v->gpr[REG_RDX];
	v->gpr[REG_RAX] = rax;
	v->gpr[REG_RBX] = rbx;
	v->gpr[REG_RCX] = rcx;
	v->gpr[REG_RDX] = rdx;

	exit_insn_len(v);
	v->completion = COMPLETE_CPUID;
	exit_to_user(v, VMXHV_EXIT_CPUID);
	publish_union(v, &what, sizeof(what));
	return TO_USER;
}

/**
 * handle_cpuid() - exit handler of CPUID
 * @v: the vCPU
 *
 * Context: IRQs off. SDM: "CPUID—CPU Identification".
 * Return: HANDLED, or TO_USER: userspace wants to see this leaf.
 */
int handle_cpuid(struct vcpu *v)
{
	const struct cpuid_slot *slot = slot_of(v->cpuid, vcpu_eax(v));

	if (unlikely(slot->subleaves)) {
		if (slot->subleaves == CPUID_ASK)
			return ask_user(v, slot);
		read_subleaf(v, slot, slot->subleaves, (u32)v->gpr[REG_RCX]);
	} else {
		read_row(v, slot->row);
	}
	return vcpu_skip_insn(v);
}

VMXHV_EXPORT_FOR_TEST(handle_cpuid);

/**
 * cpuid_guest_has() - does the guest's CPUID show a bit?
 * @v: the vCPU
 * @leaf: EAX
 * @index: ECX
 * @reg: 0 EAX, 1 EBX, 2 ECX, 3 EDX
 * @bit: 0 to 31
 *
 * Context: Any with the mutex held. Searches the table: not for fast paths.
 * Return: true if it does.
 */
bool cpuid_guest_has(struct vcpu *v, u32 leaf, u32 index, int reg, u32 bit)
{
	return cpuid_table_has(v->cpuid, leaf, index, reg, bit);
}

/**
 * cpuid_maxphyaddr() - the guest's physical-address width
 * @v: the vCPU
 *
 * Context: Any with the mutex held.
 * Return: bits.
 */
u8 cpuid_maxphyaddr(struct vcpu *v)
{
	return v->cpuid->maxphyaddr;
}

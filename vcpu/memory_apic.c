// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are a local APIC's and therefore nobody's memory. The EPT is one for all vCPUs, so a
 * page that it maps is memory to each of them, and no access to it exits: what an APIC answers to
 * must never be mapped.
 *
 * The page at the default base never is, in whatever mode the APICs are: on hardware too there is
 * no memory behind it. A guest that moves its xAPIC page elsewhere takes that page away from all
 * vCPUs for as long as the APIC answers there, while on hardware the others would still see memory;
 * their accesses exit as MMIO. (SDM: "Local APIC Status and Location", "Relocating the Local APIC
 * Registers".)
 */
#include <linux/mm.h>

#include "vcpu/lapic.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"

static bool holds(u64 start, u64 length, u64 page)
{
	return page >= start && page - start < length;
}

/**
 * memory_has_apic() - is any of this a local APIC's?
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @length: bytes, 4 KiB aligned
 *
 * Context: memory.lock is held.
 * Return: true if so: it must not be mapped as one piece.
 */
bool memory_has_apic(const struct memory *m, u64 gpa, u64 length)
{
	unsigned int i;

	if (holds(gpa, length, LAPIC_DEFAULT_BASE))
		return true;
	if (likely(!m->apics_moved))
		return false;
	for (i = 0; i < VM_MAX_VCPUS; i++) {
		if (m->apic_page[i] && holds(gpa, length, m->apic_page[i] & PAGE_MASK))
			return true;
	}
	return false;
}

/**
 * memory_place_apic() - a vCPU's xAPIC page is here from now on
 * @vm: the VM
 * @id: the vCPU's number
 * @page: what lapic_moved_page() says; 0: at the default base, or nowhere
 *
 * When this returns, no CPU can reach memory there.
 *
 * Context: Process; interrupts on.
 */
void memory_place_apic(struct vm *vm, u32 id, u64 page)
{
	struct memory *m = &vm->memory;
	LIST_HEAD(retired);

	write_lock(&m->lock);
	m->apics_moved += !!page - !!m->apic_page[id];
	m->apic_page[id] = page;
	if (page && ept_unmap_range(&m->ept, page & PAGE_MASK, PAGE_SIZE))
		vm_request_all(vm, BIT(REQ_TLB_FLUSH), true);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);
	ept_free_retired(&m->ept, &retired, true);
}

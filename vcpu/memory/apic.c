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
 *
 * With APIC virtualization the page at the default base is in the EPT all the same, as the
 * APIC-access page: to a vCPU with that control it is an APIC. To any other it would be memory, so
 * it is there only as long as every vCPU's APIC answers there.
 */
#include <linux/mm.h>

#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vcpu/x86.h"
#include "compat.h"
#include "vmx/ept.h"

static bool holds(u64 start, u64 length, u64 page)
{
	return page >= start && page - start < length;
}

static bool is_page(u64 place)
{
	return place && place != LAPIC_NOWHERE;
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
		if (is_page(m->apic_page[i]) && holds(gpa, length, m->apic_page[i] & PAGE_MASK))
			return true;
	}
	return false;
}

/**
 * memory_place_apic() - a vCPU's xAPIC page is here from now on
 * @vm: the VM
 * @id: the vCPU's number
 * @place: what lapic_place() says
 *
 * When this returns, no CPU can reach memory there, nor the APIC-access page if there is a vCPU
 * to which it would be memory.
 *
 * Context: Process; interrupts on.
 */
void memory_place_apic(struct vm *vm, u32 id, u64 place)
{
	struct memory *m = &vm->memory;
	LIST_HEAD(retired);
	bool flush = false;

	write_lock(&m->lock);
	m->apics_moved += is_page(place) - is_page(m->apic_page[id]);
	m->apics_away += !!place - !!m->apic_page[id];
	m->apic_page[id] = place;
	if (is_page(place))
		flush = ept_unmap_range(&m->ept, place & PAGE_MASK, PAGE_SIZE);
	if (place && m->apic_access)
		flush |= ept_unmap_range(&m->ept, LAPIC_DEFAULT_BASE, PAGE_SIZE);
	if (flush)
		vm_request_all(vm, BIT(REQ_TLB_FLUSH), true);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);
	ept_free_retired(&m->ept, &retired, true);
}

/**
 * memory_map_apic() - a vCPU has touched its xAPIC page at the default base
 * @vm: the VM
 *
 * The APIC-access page goes into the EPT, if it may. If there is no page for a table just now, it
 * will go there another time.
 *
 * Context: Process; may sleep.
 */
void memory_map_apic(struct vm *vm)
{
	struct memory *m = &vm->memory;

	if (!m->apic_access || READ_ONCE(m->apics_away) || memory_refill_cache(m))
		return;
	write_lock(&m->lock);
	if (!m->apics_away && ept_map(&m->ept, &m->cache, LAPIC_DEFAULT_BASE, m->apic_access,
				      EPT_4K, EPT_READ | EPT_WRITE) > 0)
		vm_request_all(vm, BIT(REQ_TLB_FLUSH), true);
	write_unlock(&m->lock);
}

VMXHV_EXPORT_FOR_TEST(memory_has_apic);
VMXHV_EXPORT_FOR_TEST(memory_place_apic);
VMXHV_EXPORT_FOR_TEST(memory_map_apic);

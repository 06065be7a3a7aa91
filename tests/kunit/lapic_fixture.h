/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM of vCPUs that have a local APIC and nothing else: enough for all that needs no VMX. */
#ifndef TESTS_LAPIC_FIXTURE_H
#define TESTS_LAPIC_FIXTURE_H

#include <kunit/test.h>
#include <linux/rcuwait.h>

#include "vcpu/apic.h"
#include "vcpu/vm.h"

static inline struct lapic *fixture_apic(struct kunit *test, struct vm *vm, u32 id)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct lapic *apic = kunit_kzalloc(test, sizeof(*apic), GFP_KERNEL);
	void *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_NOT_NULL(test, apic);
	KUNIT_ASSERT_NOT_NULL(test, page);
	v->id = id;
	v->vm = vm;
	v->lapic = apic;
	rcuwait_init(&v->wait);
	lapic_init(apic, v, page);
	vm->vcpus[id] = v;
	return apic;
}

static inline struct vm *fixture_vm(struct kunit *test, u32 vcpus)
{
	struct vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	u32 id;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	for (id = 0; id < vcpus; id++)
		fixture_apic(test, vm, id);
	return vm;
}

/* One APIC, software-enabled, in xAPIC mode. */
static inline struct lapic *fixture_one(struct kunit *test)
{
	struct lapic *apic = fixture_vm(test, 1)->vcpus[0]->lapic;

	lapic_page_write(apic, APIC_SPIV, 0xff | APIC_SPIV_APIC_ENABLED);
	return apic;
}

static inline void fixture_x2apic(struct lapic *apic)
{
	lapic_enter_mode(apic, apic->base | LAPIC_BASE_EXTD);
}

#endif /* TESTS_LAPIC_FIXTURE_H */

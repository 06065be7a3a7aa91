// SPDX-License-Identifier: GPL-2.0-only
/*
 * APIC virtualization without the hardware: which controls, which MSRs, and what the registers make
 * of what other threads send and of what the CPU does to them while a guest runs.
 */
#include "lapic_fixture.h"

#include <linux/pgtable.h>

#include "memory_world.h"
#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/controls.h"

static const struct vmx_caps all_caps = {
	.tpr_shadow = true, .virt_apic_accesses = true, .virt_x2apic = true,
	.apic_reg_virt = true, .virt_intr_delivery = true,
};

static void levels(struct kunit *test)
{
	struct vmx_caps caps = all_caps;

	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_APICV), APICV_FULL);
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_TPR_SHADOW), APICV_TPR);
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_NO_APICV), APICV_NONE);
	/* what the emulated CPU does of interrupts must be asked for */
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, 0), APICV_TPR);
	caps.pin_allowed1 = PIN_BASED_POSTED_INTR;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, 0), APICV_FULL);
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_TPR_SHADOW), APICV_TPR);
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_NO_APICV), APICV_NONE);
	caps.apic_reg_virt = false;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_APICV), APICV_TPR);
	caps.apic_reg_virt = true;
	caps.virt_intr_delivery = false;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_APICV), APICV_TPR);
	caps.pin_allowed1 = 0;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, 0), APICV_TPR);
	caps.virt_apic_accesses = false;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_APICV), APICV_NONE);
	caps = all_caps;
	caps.tpr_shadow = false;
	KUNIT_EXPECT_EQ(test, (int)apicv_level(&caps, VMXHV_VM_APICV), APICV_NONE);
}

#define CR8	(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING)
#define PAGE	SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES
#define MSRS	SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE
#define CPU	(SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
#define SHADOW	CPU_BASED_TPR_SHADOW

static const struct controls_case {
	const char *name;
	enum apicv_level level;
	enum lapic_mode mode;
	bool debugged;
	struct apicv_controls want;
} controls_cases[] = {
	{ "nothing", APICV_NONE, LAPIC_XAPIC, false, { CR8, 0, false } },
	{ "nothing, x2APIC", APICV_NONE, LAPIC_X2APIC, false, { CR8, 0, false } },
	{ "TPR", APICV_TPR, LAPIC_XAPIC, false, { SHADOW, PAGE, false } },
	{ "TPR, x2APIC", APICV_TPR, LAPIC_X2APIC, false, { SHADOW, MSRS, true } },
	{ "TPR, disabled", APICV_TPR, LAPIC_DISABLED, false, { SHADOW, 0, false } },
	{ "all", APICV_FULL, LAPIC_XAPIC, false, { SHADOW, PAGE | CPU, false } },
	{ "all, x2APIC", APICV_FULL, LAPIC_X2APIC, false, { SHADOW, MSRS | CPU, true } },
	{ "all, disabled", APICV_FULL, LAPIC_DISABLED, false, { SHADOW, CPU, false } },
	/* the page is in the EPT: it must not be memory */
	{ "debugged", APICV_FULL, LAPIC_XAPIC, true, { CR8, PAGE, false } },
	{ "debugged, x2APIC", APICV_FULL, LAPIC_X2APIC, true, { CR8, 0, false } },
};

static void controls(struct kunit *test)
{
	const struct controls_case *c = test->param_value;
	struct apicv_controls got = apicv_controls(c->level, c->mode, c->debugged);

	KUNIT_EXPECT_EQ(test, got.cpu, c->want.cpu);
	KUNIT_EXPECT_EQ(test, got.cpu2, c->want.cpu2);
	KUNIT_EXPECT_EQ(test, got.x2apic_bitmap, c->want.x2apic_bitmap);
}

KUNIT_ARRAY_PARAM_DESC(controls, controls_cases, name);

static bool exits(const u8 *map, u32 msr, bool write)
{
	return map[(write ? 0x800 : 0) + msr / 8] & BIT(msr % 8);
}

/* What is let through is virtualized: any other MSR would be the host's own. */
static void bitmap(struct kunit *test)
{
	u8 *plain = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	u8 *map = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	u32 i, changed = 0;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	KUNIT_ASSERT_NOT_NULL(test, map);
	msr_bitmap_fill(plain);
	memcpy(map, plain, PAGE_SIZE);
	apicv_bitmap_fill(map, APICV_TPR);
	for (i = 0; i < PAGE_SIZE; i++)
		changed += hweight8(plain[i] ^ map[i]);
	KUNIT_EXPECT_EQ(test, changed, 2u);
	KUNIT_EXPECT_FALSE(test, exits(map, 0x808, false) || exits(map, 0x808, true));

	memcpy(map, plain, PAGE_SIZE);
	apicv_bitmap_fill(map, APICV_FULL);
	for (i = 0; i < 0x2000; i++) {
		bool may_read = i >= 0x800 && i < 0x840 && i != 0x830 && i != 0x839 &&
				(lapic_regs[i - 0x800].access & LAPIC_X2R);
		bool may_write = i == 0x808 || i == 0x80b || i == 0x83f;

		if (i >> 8 != 8) {
			may_read = !exits(plain, i, false);
			may_write = may_read;
		}
		KUNIT_EXPECT_EQ_MSG(test, exits(map, i, false), !may_read, "%x", i);
		KUNIT_EXPECT_EQ_MSG(test, exits(map, i, true), !may_write, "%x", i);
	}
	KUNIT_EXPECT_EQ(test, memcmp(map + 0x400, plain + 0x400, 0x400), 0);
	KUNIT_EXPECT_EQ(test, memcmp(map + 0xc00, plain + 0xc00, 0x400), 0);
}

/* Another thread's interrupt leaves the registers alone until the vCPU's thread looks. */
static void arrivals(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vcpu *v = apic->vcpu;

	KUNIT_EXPECT_TRUE(test, lapic_accept(apic, 0x45, true, false));
	KUNIT_EXPECT_TRUE(test, lapic_accept(apic, 0x91, false, false));
	KUNIT_EXPECT_TRUE(test, lapic_accept(apic, 0x45, true, false));
	KUNIT_EXPECT_EQ(test, v->requests, BIT(REQ_EVENT));
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_IRR, 0x45));
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_TMR, 0x45));
	apic->eoi_map_stale = false;
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0x91);
	KUNIT_EXPECT_TRUE(test, apic->eoi_map_stale);
	KUNIT_EXPECT_TRUE(test, lapic_test(apic, APIC_TMR, 0x45));
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_TMR, 0x91));
	KUNIT_EXPECT_FALSE(test, apic->irr_words & BIT(LAPIC_ARRIVED));

	/* a vector changes its trigger mode with the interrupt that does */
	lapic_irr_to_isr(apic, 0x91);
	KUNIT_EXPECT_TRUE(test, lapic_accept(apic, 0x45, false, false));
	KUNIT_EXPECT_TRUE(test, lapic_test(apic, APIC_TMR, 0x45));
	lapic_eoi(apic);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0x45);
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_TMR, 0x45));
}

static void arrivals_end_at_reset(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_accept(apic, 0x45, false, false);
	lapic_reset(apic->vcpu, true);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	lapic_page_write(apic, APIC_SPIV, 0x1ff);
	/* nothing is left that would swallow the next */
	KUNIT_EXPECT_TRUE(test, lapic_accept(apic, 0x45, false, false));
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x45);
}

static void put_vector(struct lapic *apic, u32 base, u8 vector, bool on)
{
	__assign_bit(vector % 32, lapic_word(apic, base, vector), on);
}

/* What software keeps beside the registers follows when the CPU has changed them. */
static void live(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vcpu *v = apic->vcpu;

	lapic_set_live(apic, true, false);
	put_vector(apic, APIC_IRR, 0x45, true);		/* an IPI to itself */
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0x45);
	put_vector(apic, APIC_IRR, 0x45, false);	/* delivered */
	put_vector(apic, APIC_ISR, 0x45, true);
	lapic_put(apic, APIC_PROCPRI, 0x40);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), -1);
	put_vector(apic, APIC_IRR, 0x37, true);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), -1);
	KUNIT_EXPECT_EQ(test, lapic_highest_irr(apic), 0x37);

	apic->svi_stale = false;
	lapic_eoi(apic);				/* by LAPIC_ACCESS */
	KUNIT_EXPECT_TRUE(test, apic->svi_stale);
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_ISR, 0x45));
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0x37);
	put_vector(apic, APIC_ISR, 0x22, true);
	lapic_irr_to_isr(apic, 0x37);			/* where a window is asked for */
	KUNIT_EXPECT_EQ(test, apic->isr_count, 2);
	KUNIT_EXPECT_EQ(test, apic->isr_top, 0x37);

	lapic_set_live(apic, false, false);
	lapic_eoi(apic);
	KUNIT_EXPECT_EQ(test, apic->isr_top, 0x22);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_PROCPRI), 0x20u);
}

static void live_tpr(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_set_live(apic, false, true);
	lapic_accept(apic, 0x45, false, true);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x45);
	lapic_put(apic, APIC_TASKPRI, 0x40);		/* the guest, without an exit */
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_PROCPRI), 0x40u);
	lapic_put(apic, APIC_TASKPRI, 0x30);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x45);
}

/* The CPU stores what the guest writes, all of it: then it is as if it were written now. */
static const struct { u32 offset, write, read; } stored[] = {
	{ APIC_ID, U32_MAX, 0 }, { APIC_LDR, U32_MAX, APIC_LDR_MASK },
	{ APIC_DFR, 0, APIC_DFR_CLUSTER }, { APIC_SPIV, U32_MAX, 0x3ff },
	{ APIC_ESR, U32_MAX, 0 }, { APIC_LVT0, U32_MAX, 0x1a7ff },
	{ APIC_LVTT, U32_MAX, 0x700ff }, { APIC_TDCR, U32_MAX, 0xb },
	{ APIC_TMICT, 1000000, 1000000 },
};

static void written(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stored); i++) {
		lapic_put(apic, stored[i].offset, stored[i].write);
		lapic_page_written(apic, stored[i].offset);
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(apic, stored[i].offset), stored[i].read,
				    "%x", stored[i].offset);
	}
}

/* The timer goes by the register that was, until the write is accepted. */
static void written_timer(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_page_write(apic, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | 0x60);
	apic->vcpu->tsc.offset = 0;
	lapic_timer_set_deadline(apic, 2000, 1000);
	lapic_put(apic, APIC_TMICT, 5);			/* ignored in this mode */
	lapic_page_written(apic, APIC_TMICT);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_TMICT), 0u);
	KUNIT_EXPECT_EQ(test, apic->timer.deadline, 2000ull);
	lapic_put(apic, APIC_LVTT, 0x61);		/* leaves the mode: disarmed */
	lapic_page_written(apic, APIC_LVTT);
	KUNIT_EXPECT_EQ(test, apic->timer.tsc_deadline, 0ull);
	KUNIT_EXPECT_EQ(test, apic->timer.deadline, LAPIC_NO_DEADLINE);
}

/* An IPI to itself by APIC-write exit, which has no vector that is legal. */
static void written_self_ipi(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	fixture_x2apic(apic);
	lapic_put(apic, APIC_SELF_IPI, 5);
	lapic_page_written(apic, APIC_SELF_IPI);
	KUNIT_EXPECT_EQ(test, apic->errors, BIT(__ffs(APIC_ESR_SENDILL)));
}

/* The APIC-access page is there only while it is an APIC to every vCPU. */
static void access_page_body(struct kunit *test, struct world *w)
{
	struct memory *m = &w->vm.memory;
	const u64 page = LAPIC_DEFAULT_BASE;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	memory_map_apic(&w->vm);
	KUNIT_EXPECT_EQ(test, leaf_at(w, page, NULL), 0);	/* there is none */
	m->apic_access = 0x12345000;
	memory_map_apic(&w->vm);
	KUNIT_EXPECT_EQ(test, leaf_at(w, page, NULL) & (PTE_PFN_MASK | EPT_RWX),
			0x12345000 | EPT_READ | EPT_WRITE);

	memory_place_apic(&w->vm, 3, LAPIC_NOWHERE);
	KUNIT_EXPECT_EQ(test, leaf_at(w, page, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	memory_map_apic(&w->vm);
	KUNIT_EXPECT_EQ(test, leaf_at(w, page, NULL), 0);
	KUNIT_EXPECT_FALSE(test, memory_has_apic(m, 0, SZ_4K));
	memory_place_apic(&w->vm, 4, (GPA + SZ_4K) | LAPIC_BASE_EN);
	memory_place_apic(&w->vm, 3, 0);
	memory_map_apic(&w->vm);
	KUNIT_EXPECT_EQ(test, leaf_at(w, page, NULL), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MMIO);
	memory_place_apic(&w->vm, 4, 0);
	memory_map_apic(&w->vm);
	KUNIT_EXPECT_NE(test, leaf_at(w, page, NULL), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MAPPED);
	m->apic_access = 0;
}

static void access_page(struct kunit *test)
{
	with_world(test, true, access_page_body);
}

static struct kunit_case apicv_cases[] = {
	KUNIT_CASE(levels),
	KUNIT_CASE_PARAM(controls, controls_gen_params),
	KUNIT_CASE(bitmap),
	KUNIT_CASE(arrivals),
	KUNIT_CASE(arrivals_end_at_reset),
	KUNIT_CASE(live),
	KUNIT_CASE(live_tpr),
	KUNIT_CASE(written),
	KUNIT_CASE(written_timer),
	KUNIT_CASE(written_self_ipi),
	KUNIT_CASE(access_page),
	{}
};

static struct kunit_suite apicv_suite = {
	.name = "vmxhv_apicv",
	.test_cases = apicv_cases,
};

kunit_test_suite(apicv_suite);

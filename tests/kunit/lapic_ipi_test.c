// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt messages: who takes them. Five vCPUs, the second sends. */
#include "lapic_fixture.h"

#define VECTOR	0x41u
#define VCPUS	5u
#define SENDER	1u

enum addressing { FLAT, CLUSTER, X2 };

/* Logical ids: flat 1, 2, 4, 8, 10H; cluster 01H, 02H, 11H, 12H, 14H; x2APIC by the id. */
static struct vm *vm_with(struct kunit *test, enum addressing how)
{
	static const u8 cluster[VCPUS] = { 0x01, 0x02, 0x11, 0x12, 0x14 };
	struct vm *vm = fixture_vm(test, VCPUS);
	u32 id;

	for (id = 0; id < VCPUS; id++) {
		struct lapic *apic = vm->vcpus[id]->lapic;

		lapic_page_write(apic, APIC_SPIV, 0x1ff);
		if (how == X2)
			fixture_x2apic(apic);
		if (how == CLUSTER)
			lapic_page_write(apic, APIC_DFR, APIC_DFR_CLUSTER);
		lapic_page_write(apic, APIC_LDR, (how == FLAT ? BIT(id) : cluster[id]) << 24);
		if (how == X2)
			lapic_put(apic, APIC_LDR, BIT(id));
	}
	return vm;
}

/* Bit id: that APIC has VECTOR pending. */
static u32 takers(struct vm *vm)
{
	u32 id, set = 0;

	for (id = 0; id < VCPUS; id++) {
		lapic_take_arrived(vm->vcpus[id]->lapic);
		if (lapic_test(vm->vcpus[id]->lapic, APIC_IRR, VECTOR))
			set |= BIT(id);
	}
	return set;
}

struct icr_case {
	const char *what;
	enum addressing how;
	u32 low;
	u32 dest;
	u32 taken;		/* bit id */
};

static const struct icr_case icr_cases[] = {
	{ "physical", FLAT, 0, 3, BIT(3) },
	{ "physical, to itself", FLAT, 0, SENDER, BIT(SENDER) },
	{ "physical, nobody", FLAT, 0, 7, 0 },
	{ "physical, beyond the table", FLAT, 0, 0xc8, 0 },
	{ "physical broadcast", FLAT, 0, 0xff, 0x1f },
	{ "self", FLAT, APIC_DEST_SELF, 3, BIT(SENDER) },
	{ "all", FLAT, APIC_DEST_ALLINC, 0, 0x1f },
	{ "all but self", FLAT, APIC_DEST_ALLBUT, 0, 0x1d },
	{ "flat", FLAT, APIC_DEST_LOGICAL, 0x15, 0x15 },
	{ "flat, nobody", FLAT, APIC_DEST_LOGICAL, 0xe0, 0 },
	{ "flat broadcast", FLAT, APIC_DEST_LOGICAL, 0xff, 0x1f },
	{ "cluster 0", CLUSTER, APIC_DEST_LOGICAL, 0x03, 0x03 },
	{ "cluster 1, some", CLUSTER, APIC_DEST_LOGICAL, 0x16, 0x18 },
	{ "cluster 2", CLUSTER, APIC_DEST_LOGICAL, 0x2f, 0 },
	{ "cluster broadcast", CLUSTER, APIC_DEST_LOGICAL, 0xff, 0x1f },
	{ "asserted level is an edge", FLAT, APIC_INT_LEVELTRIG | APIC_INT_ASSERT, 3, BIT(3) },
	{ "de-asserted level is nothing", FLAT, APIC_INT_LEVELTRIG, 3, 0 },
	{ "SMI", FLAT, APIC_DM_SMI, 3, 0 },
	{ "remote read", FLAT, APIC_DM_REMRD, 3, 0 },
	{ "ExtINT", FLAT, APIC_DM_EXTINT, 3, 0 },
	{ "x2 physical", X2, 0, 4, BIT(4) },
	{ "x2 physical ffH is no broadcast", X2, 0, 0xff, 0 },
	{ "x2 physical broadcast", X2, 0, U32_MAX, 0x1f },
	{ "x2 physical, beyond the table", X2, 0, 0x80000000, 0 },
	{ "x2 logical", X2, APIC_DEST_LOGICAL, 0x0000001a, 0x1a },
	{ "x2 logical, other cluster", X2, APIC_DEST_LOGICAL, 0x0001001a, 0 },
	{ "x2 logical broadcast", X2, APIC_DEST_LOGICAL, U32_MAX, 0x1f },
	{ "x2 all but self", X2, APIC_DEST_ALLBUT, 0, 0x1d },
};

static void send_by_icr(struct lapic *apic, u32 low, u32 dest)
{
	if (apic->mode == LAPIC_X2APIC) {
		lapic_x2_write(apic, APIC_ICR >> 4, (u64)dest << 32 | low);
		return;
	}
	lapic_page_write(apic, APIC_ICR2, dest << 24);
	lapic_page_write(apic, APIC_ICR, low);
}

static void icr_destinations(struct kunit *test)
{
	const struct icr_case *c;

	for (c = icr_cases; c < icr_cases + ARRAY_SIZE(icr_cases); c++) {
		struct vm *vm = vm_with(test, c->how);

		send_by_icr(vm->vcpus[SENDER]->lapic, c->low | VECTOR, c->dest);
		KUNIT_EXPECT_EQ_MSG(test, takers(vm), c->taken, "%s", c->what);
	}
}

/* To another vCPU a request goes; this thread's own only looks again. */
static void who_is_told(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	u32 id;

	for (id = 0; id < VCPUS; id++)
		vm->vcpus[id]->recheck = false;
	send_by_icr(vm->vcpus[SENDER]->lapic, APIC_DEST_ALLINC | VECTOR, 0);
	for (id = 0; id < VCPUS; id++) {
		KUNIT_EXPECT_EQ(test, vm->vcpus[id]->recheck, id == SENDER);
		KUNIT_EXPECT_EQ(test, vm->vcpus[id]->requests,
				id == SENDER ? 0 : BIT(REQ_EVENT));
	}
}

static void one_of_the_lowest_priority(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	struct lapic *apic = vm->vcpus[SENDER]->lapic;
	u32 id;

	for (id = 0; id < VCPUS; id++)
		lapic_page_write(vm->vcpus[id]->lapic, APIC_TASKPRI, id == 3 ? 0x10 : 0x30);
	send_by_icr(apic, APIC_DEST_LOGICAL | APIC_DM_LOWEST | VECTOR, 0x1f);
	KUNIT_EXPECT_EQ(test, takers(vm), BIT(3));
	/* what it has in service is its priority: another one is the lowest */
	lapic_irr_to_isr(vm->vcpus[3]->lapic, VECTOR);
	send_by_icr(apic, APIC_DEST_LOGICAL | APIC_DM_LOWEST | VECTOR, 0x1f);
	KUNIT_EXPECT_EQ(test, hweight32(takers(vm)), 1u);
	KUNIT_EXPECT_EQ(test, takers(vm) & BIT(3), 0u);
}

/* One that is software-disabled takes nothing, and is no candidate for being the lowest. */
static void a_disabled_one_is_not_the_lowest(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	struct lapic *disabled = vm->vcpus[3]->lapic;
	u32 id;

	for (id = 0; id < VCPUS; id++)
		lapic_page_write(vm->vcpus[id]->lapic, APIC_TASKPRI, id == 3 ? 0x10 : 0x30);
	lapic_page_write(disabled, APIC_SPIV, 0xff);
	for (id = 0; id < VCPUS; id++)
		if (id != 3)
			KUNIT_ASSERT_LT(test, lapic_get(disabled, APIC_PROCPRI),
					lapic_get(vm->vcpus[id]->lapic, APIC_PROCPRI));
	send_by_icr(vm->vcpus[SENDER]->lapic, APIC_DEST_LOGICAL | APIC_DM_LOWEST | VECTOR, 0x1f);
	KUNIT_EXPECT_EQ(test, hweight32(takers(vm)), 1u);
	KUNIT_EXPECT_EQ(test, takers(vm) & BIT(3), 0u);
}

static void nmi_init_sipi(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	struct lapic *apic = vm->vcpus[SENDER]->lapic;
	struct vcpu *v = vm->vcpus[2];

	lapic_page_write(v->lapic, APIC_SPIV, 0xff);	/* needs no software-enabled APIC */
	send_by_icr(apic, APIC_DM_NMI, 2);
	send_by_icr(apic, APIC_DM_NMI, 2);
	send_by_icr(apic, APIC_DM_NMI, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&v->nmi_queued), 2);
	KUNIT_EXPECT_EQ(test, v->requests, BIT(REQ_NMI));

	v->requests = 0;
	send_by_icr(apic, APIC_DM_INIT | APIC_INT_LEVELTRIG, 2);	/* de-assert: nothing */
	KUNIT_EXPECT_EQ(test, v->requests, 0ul);
	send_by_icr(apic, APIC_DM_INIT | APIC_INT_LEVELTRIG | APIC_INT_ASSERT, 2);
	KUNIT_EXPECT_EQ(test, v->requests, BIT(REQ_INIT));
	send_by_icr(apic, APIC_DM_STARTUP | 0x9a, 2);
	KUNIT_EXPECT_EQ(test, v->requests, BIT(REQ_INIT) | BIT(REQ_SIPI));
	KUNIT_EXPECT_EQ(test, v->sipi_vector, 0x9a);
	KUNIT_EXPECT_EQ(test, vm->vcpus[SENDER]->requests, 0ul);

	/* a globally disabled APIC takes nothing */
	lapic_enter_mode(v->lapic, LAPIC_DEFAULT_BASE);
	v->requests = 0;
	send_by_icr(apic, APIC_DM_NMI, 2);
	KUNIT_EXPECT_EQ(test, v->requests, 0ul);
}

static void illegal_vectors(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	struct lapic *apic = vm->vcpus[SENDER]->lapic, *other = vm->vcpus[2]->lapic;

	send_by_icr(apic, 0x0f, 2);
	lapic_page_write(apic, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ESR), (u32)APIC_ESR_SENDILL);
	KUNIT_EXPECT_FALSE(test, lapic_accept(other, 0x0f, false, false));
	lapic_page_write(other, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_page_read(other, APIC_ESR), (u32)APIC_ESR_RECVILL);

	/* an error entry with an illegal vector of its own ends there */
	lapic_page_write(apic, APIC_LVTERR, 0x05);
	send_by_icr(apic, 0x0f, 2);
	lapic_page_write(apic, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ESR),
			(u32)(APIC_ESR_SENDILL | APIC_ESR_RECVILL));
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
}

static void self_ipi(struct kunit *test)
{
	struct vm *vm = vm_with(test, X2);
	struct vcpu *v = vm->vcpus[SENDER];

	KUNIT_EXPECT_EQ(test, lapic_x2_write(v->lapic, APIC_SELF_IPI >> 4, VECTOR), 0);
	KUNIT_EXPECT_EQ(test, takers(vm), BIT(SENDER));
	KUNIT_EXPECT_EQ(test, v->requests, 0ul);
	KUNIT_EXPECT_EQ(test, lapic_x2_write(v->lapic, APIC_SELF_IPI >> 4, 3), 0);
	KUNIT_EXPECT_EQ(test, v->lapic->errors, (unsigned long)APIC_ESR_SENDILL);
}

struct msi_case {
	const char *what;
	u64 address;
	u32 data;
	int ret;		/* of lapic_deliver_msi() */
	u32 taken;
};

static const struct msi_case msi_cases[] = {
	{ "fixed", 0xfee02000, VECTOR, 1, BIT(2) },
	{ "fixed, nobody there", 0xfee20000, VECTOR, 0, 0 },
	{ "physical broadcast", 0xfeeff000, VECTOR, 5, 0x1f },
	{ "logical", 0xfee05004, VECTOR, 2, 0x05 },
	{ "lowest priority", 0xfee10004, VECTOR | APIC_DM_LOWEST, 1, BIT(4) },
	{ "redirection hint", 0xfee1000c, VECTOR, 1, BIT(4) },
	{ "level", 0xfee02000, VECTOR | APIC_INT_LEVELTRIG | APIC_INT_ASSERT, 1, BIT(2) },
	{ "reserved bits", 0xfee02ff3, VECTOR | 0xffff3800, 1, BIT(2) },
	{ "NMI", 0xfee02000, APIC_DM_NMI, 1, 0 },
	{ "INIT", 0xfee02000, APIC_DM_INIT, 1, 0 },
	{ "not an interrupt", 0xfed02000, VECTOR, -EINVAL, 0 },
	{ "upper half", 0x1fee02000, VECTOR, -EINVAL, 0 },
	{ "vector 15", 0xfee02000, 15, -EINVAL, 0 },
	{ "SMI", 0xfee02000, VECTOR | APIC_DM_SMI, -EINVAL, 0 },
	{ "reserved mode 3", 0xfee02000, VECTOR | APIC_DM_REMRD, -EINVAL, 0 },
	{ "SIPI", 0xfee02000, VECTOR | APIC_DM_STARTUP, -EINVAL, 0 },
	{ "ExtINT", 0xfee02000, VECTOR | APIC_DM_EXTINT, -EINVAL, 0 },
};

static void msi(struct kunit *test)
{
	const struct msi_case *c;

	for (c = msi_cases; c < msi_cases + ARRAY_SIZE(msi_cases); c++) {
		struct vm *vm = vm_with(test, FLAT);

		KUNIT_EXPECT_EQ_MSG(test, lapic_deliver_msi(vm, c->address, c->data), c->ret, "%s",
				    c->what);
		KUNIT_EXPECT_EQ_MSG(test, takers(vm), c->taken, "%s", c->what);
	}
}

static void msi_trigger_mode(struct kunit *test)
{
	struct vm *vm = vm_with(test, FLAT);
	struct lapic *apic = vm->vcpus[2]->lapic;

	lapic_deliver_msi(vm, 0xfee02000, VECTOR | APIC_INT_LEVELTRIG | APIC_INT_ASSERT);
	lapic_take_arrived(apic);
	KUNIT_EXPECT_TRUE(test, lapic_test(apic, APIC_TMR, VECTOR));
	lapic_deliver_msi(vm, 0xfee02000, VECTOR);
	lapic_take_arrived(apic);
	KUNIT_EXPECT_FALSE(test, lapic_test(apic, APIC_TMR, VECTOR));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(icr_destinations),
	KUNIT_CASE(who_is_told),
	KUNIT_CASE(one_of_the_lowest_priority),
	KUNIT_CASE(a_disabled_one_is_not_the_lowest),
	KUNIT_CASE(nmi_init_sipi),
	KUNIT_CASE(illegal_vectors),
	KUNIT_CASE(self_ipi),
	KUNIT_CASE(msi),
	KUNIT_CASE(msi_trigger_mode),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_lapic_ipi",
	.test_cases = cases,
};

kunit_test_suites(&suite);

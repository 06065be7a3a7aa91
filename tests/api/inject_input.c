// SPDX-License-Identifier: GPL-2.0-only
/* Events and single registers: INJECT, EXTINT, LAPIC_ACCESS, SIGNAL_MSI, MSRs, CPUID. */
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

/* into #GP(0) */
static const struct poke exception_pokes[] = {
	{ "INJECT: unknown kind", POKE_ARG(vmxhv_inject, kind), 4, EINVAL },
	{ "INJECT: vector 32", POKE_ARG(vmxhv_inject, vector), 32, EINVAL },
	{ "INJECT: vector 2", POKE_ARG(vmxhv_inject, vector), 2, EINVAL },
	{ "INJECT: #GP without error code", POKE_ARG(vmxhv_inject, has_error), 0, EINVAL },
	{ "INJECT: has_error 2", POKE_ARG(vmxhv_inject, has_error), 2, EINVAL },
	{ "INJECT: #GP with payload", POKE_ARG(vmxhv_inject, has_payload), 1, EINVAL },
	{ "INJECT: payload without has_payload", POKE_ARG(vmxhv_inject, payload), 1, EINVAL },
	{ "INJECT: reserved", POKE_ARG(vmxhv_inject, reserved), 1, EINVAL },
	{ "INJECT: reserved2", POKE_ARG(vmxhv_inject, reserved2), 1, EINVAL },
};

/* into #UD */
static const struct poke ud_pokes[] = {
	{ "INJECT: #UD with error code", POKE_ARG(vmxhv_inject, has_error), 1, EINVAL },
	{ "INJECT: error code without has_error", POKE_ARG(vmxhv_inject, error_code), 1, EINVAL },
};

/* into an NMI */
static const struct poke nmi_pokes[] = {
	{ "INJECT: NMI with a vector", POKE_ARG(vmxhv_inject, vector), 2, EINVAL },
	{ "INJECT: NMI with error code", POKE_ARG(vmxhv_inject, has_error), 1, EINVAL },
	{ "INJECT: NMI with payload", POKE_ARG(vmxhv_inject, has_payload), 1, EINVAL },
};

static const struct poke extint_pokes[] = {
	{ "EXTINT: level 2", POKE_ARG(vmxhv_extint, level), 2, EINVAL },
	{ "EXTINT: reserved", POKE_ARG(vmxhv_extint, reserved), 1, EINVAL },
};

static const struct poke lapic_pokes[] = {
	{ "LAPIC: length 8", POKE_ARG(vmxhv_lapic_access, length), 8, EINVAL },
	{ "LAPIC: offset beyond the page", POKE_ARG(vmxhv_lapic_access, offset), 0x1000, EINVAL },
	{ "LAPIC: offset not aligned", POKE_ARG(vmxhv_lapic_access, offset), 0x22, EINVAL },
	{ "LAPIC: write 2", POKE_ARG(vmxhv_lapic_access, write), 2, EINVAL },
};

static const struct poke msi_pokes[] = {
	{ "MSI: not an interrupt address", POKE_ARG(vmxhv_msi, address), 0xfed00000, EINVAL },
	{ "MSI: high half", POKE_ARG(vmxhv_msi, address), 0x1fee00000, EINVAL },
	{ "MSI: vector 15", .at = offsetof(struct vmxhv_msi, data), .bytes = 4, .value = 15,
	  .error = EINVAL, .code = VMXHV_ERR_ARGUMENT, .item = ANY },
};

static void inject(struct cpu *c)
{
	struct vmxhv_inject in = { .size = sizeof(in), .vector = 13, .has_error = 1 };

	expect_struct_rules(c->fd, VMXHV_INJECT, &in, sizeof(in), "INJECT");
	expect_refused(c->fd, VMXHV_INJECT, &in, &in, exception_pokes, ARRAY_SIZE(exception_pokes));
	tap_equal(call(c->fd, VMXHV_INJECT, &in), 0, "INJECT: #GP");
	expect_error(c->fd, call(c->fd, VMXHV_INJECT, &in), EAGAIN, ANY, ANY, "waiting",
		     "INJECT: one is waiting");
	cpu_start(c, MODE_LONG, 0);	/* takes it back */
	in = (struct vmxhv_inject){ .size = sizeof(in), .vector = 6 };
	expect_refused(c->fd, VMXHV_INJECT, &in, &in, ud_pokes, ARRAY_SIZE(ud_pokes));
	in = (struct vmxhv_inject){ .size = sizeof(in), .kind = VMXHV_INJECT_NMI };
	expect_refused(c->fd, VMXHV_INJECT, &in, &in, nmi_pokes, ARRAY_SIZE(nmi_pokes));
	for (int i = 0; i < 2; i++)
		tap_equal(call(c->fd, VMXHV_INJECT, &in), 0, "INJECT: an NMI");
	tap_equal(-call(c->fd, VMXHV_INJECT, &in), EAGAIN, "INJECT: a third NMI");
}

static void lines_and_registers(struct machine *m, struct cpu *c)
{
	struct vmxhv_extint line = { .size = sizeof(line) };
	struct vmxhv_lapic_access access = { .size = sizeof(access), .offset = 0x20, .length = 4 };
	struct vmxhv_msi msi = { .size = sizeof(msi), .address = 0xfee00000, .data = 0x30 };

	expect_struct_rules(c->fd, VMXHV_EXTINT, &line, sizeof(line), "EXTINT");
	expect_refused(c->fd, VMXHV_EXTINT, &line, &line, extint_pokes, ARRAY_SIZE(extint_pokes));
	expect_struct_rules(c->fd, VMXHV_LAPIC_ACCESS, &access, sizeof(access), "LAPIC");
	expect_refused(c->fd, VMXHV_LAPIC_ACCESS, &access, &access, lapic_pokes,
		       ARRAY_SIZE(lapic_pokes));
	tap_equal(call(c->fd, VMXHV_LAPIC_ACCESS, &access), 0, "LAPIC: read the ID");
	tap_equal(access.value, 0, "LAPIC: it is 0");
	expect_struct_rules(m->vm, VMXHV_SIGNAL_MSI, &msi, sizeof(msi), "MSI");
	expect_refused(m->vm, VMXHV_SIGNAL_MSI, &msi, &msi, msi_pokes, ARRAY_SIZE(msi_pokes));
	tap_equal(call(m->vm, VMXHV_SIGNAL_MSI, &msi), 0, "MSI");
	tap_equal(msi.delivered, 0, "MSI: an APIC that software has not enabled takes none");
}

static void msrs(struct cpu *c)
{
	struct vmxhv_msr_entry e[3] = {
		{ .index = 0xc0000082, .value = 0x1000 }, { .index = 0xc0000083, .value = 0x2000 },
		{ .index = 0xc0000081, .value = 0x3000 },
	};
	struct vmxhv_msrs a = { .size = sizeof(a), .count = 3, .entries = (uintptr_t)e };
	static const struct poke arg_pokes[] = {
		{ "MSRs: reserved", POKE_ARG(vmxhv_msrs, reserved), 1, EINVAL },
		{ "MSRs: too many", POKE_ARG(vmxhv_msrs, count), 513, EINVAL },
		{ "MSRs: bad pointer", POKE_ADDRESS(vmxhv_msrs, entries), 8, EFAULT },
	};
	static const struct poke pokes[] = {
		{ "MSRs: unknown", .at = 16, .bytes = 4, .value = 0xdeadbeef, .error = EINVAL,
		  .code = VMXHV_ERR_MSR, .item = 0xdeadbeef },
		{ "MSRs: entry reserved", .at = 20, .bytes = 4, .value = 1, .error = EINVAL,
		  .code = VMXHV_ERR_MSR, .item = 0xc0000083 },
	};
	uint64_t value = 0;
	int ret;

	expect_struct_rules(c->fd, VMXHV_SET_MSRS, &a, sizeof(a), "SET_MSRS");
	expect_refused(c->fd, VMXHV_SET_MSRS, &a, &a, arg_pokes, ARRAY_SIZE(arg_pokes));
	expect_refused(c->fd, VMXHV_SET_MSRS, &a, e, pokes, ARRAY_SIZE(pokes));
	expect_refused(c->fd, VMXHV_GET_MSRS, &a, &a, arg_pokes, ARRAY_SIZE(arg_pokes));
	expect_refused(c->fd, VMXHV_GET_MSRS, &a, e, pokes, ARRAY_SIZE(pokes));
	a.reserved = 1;
	tap_equal(call(c->fd, VMXHV_SET_MSRS, &a), -EINVAL, "MSRs: reserved, once more");
	tap_equal(a.count, 0, "MSRs: and count says that none was written");
	a.reserved = 0;
	a.count = 3;
	e[0].value = 0x1111;
	e[1].value = 1ull << 63;
	ret = call(c->fd, VMXHV_SET_MSRS, &a);
	expect_error(c->fd, ret, EINVAL, VMXHV_ERR_MSR, 0xc0000083, NULL, "MSRs: a bad value");
	tap_equal(a.count, 1, "MSRs: count says how many were written");
	tap_equal(last_error(c->fd).index, 1, "MSRs: GET_ERROR says which failed");
	get_msr(c, 0xc0000082, &value);
	tap_equal(value, 0x1111, "MSRs: the one before was written");
}

static void cpuid(struct machine *m, struct cpu *c)
{
	struct vmxhv_cpuid_entry e[256];
	struct vmxhv_cpuid a = { .size = sizeof(a), .count = 256, .entries = (uintptr_t)e };
	static const struct poke arg_pokes[] = {
		{ "CPUID: reserved", POKE_ARG(vmxhv_cpuid, reserved), 1, EINVAL },
		{ "CPUID: too many", POKE_ARG(vmxhv_cpuid, count), 257, EINVAL },
		{ "CPUID: bad pointer", POKE_ADDRESS(vmxhv_cpuid, entries), 8, EFAULT },
	};
	static const struct poke pokes[] = {
		{ "CPUID: VMX is not for guests", .at = offsetof(struct vmxhv_cpuid_entry, ecx),
		  .bytes = 4, .value = 0x20, .error = EINVAL, .code = VMXHV_ERR_CPUID,
		  .item = 1 },
		{ "CPUID: unknown flag", .at = offsetof(struct vmxhv_cpuid_entry, flags),
		  .bytes = 4, .value = 0x80, .error = EINVAL, .code = VMXHV_ERR_CPUID,
		  .item = 1 },
		{ "CPUID: entry reserved", .at = offsetof(struct vmxhv_cpuid_entry, reserved),
		  .bytes = 4, .value = 1, .error = EINVAL, .code = VMXHV_ERR_CPUID, .item = 1 },
	};
	uint32_t leaf1 = 0;

	call(m->dev, VMXHV_GET_CPUID, &a);
	while (leaf1 < a.count - 1 && e[leaf1].function != 1)
		leaf1++;
	expect_struct_rules(c->fd, VMXHV_SET_CPUID, &a, sizeof(a), "SET_CPUID");
	expect_refused(c->fd, VMXHV_SET_CPUID, &a, &a, arg_pokes, ARRAY_SIZE(arg_pokes));
	expect_refused(c->fd, VMXHV_SET_CPUID, &a, &e[leaf1], pokes, ARRAY_SIZE(pokes));
	tap_equal(call(c->fd, VMXHV_SET_CPUID, &a), 0, "CPUID: another time before RUN");
	c->run->kick = 1;
	run(c);
	call(c->fd, VMXHV_KICK, NULL);
	c->run->kick = 0;
	run(c);
	tap_equal(call(c->fd, VMXHV_SET_CPUID, &a), 0, "CPUID: the same table after RUN");
	e[leaf1].ecx &= ~1u;
	expect_error(c->fd, call(c->fd, VMXHV_SET_CPUID, &a), EBUSY, VMXHV_ERR_CPUID, 1, "leaf",
		     "CPUID: another table after RUN");
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, 0);
	inject(&c);
	lines_and_registers(&m, &c);
	msrs(&c);
	cpuid(&m, &c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/* CONFIG: what it refuses, and when. */
#include <errno.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define POKE_RANGE(member)	POKE_AT(vmxhv_range, member, VMXHV_ERR_RANGE)

static const struct poke pokes[] = {
	{ "CONFIG: NMI is no exception", POKE_ARG(vmxhv_config, exceptions), 1 << 2, EINVAL },
	{ "CONFIG: #MC is the host's", POKE_ARG(vmxhv_config, exceptions), 1 << 18, EINVAL },
	{ "CONFIG: reserved2", POKE_ARG(vmxhv_config, reserved2), 1, EINVAL },
	{ "CONFIG: 65 ranges", POKE_ARG(vmxhv_config, count), 65, EINVAL },
	{ "CONFIG: ranges nowhere", POKE_ADDRESS(vmxhv_config, ranges), 0x1000, EFAULT },
};

/* into reads and writes of MSR 10H to 20H */
static const struct poke range_pokes[] = {
	{ "range: unknown kind", POKE_RANGE(kind), 99, EINVAL },
	{ "range: no access", POKE_RANGE(access), 0, EINVAL },
	{ "range: unknown access", POKE_RANGE(access), 4, EINVAL },
	{ "range: last before first", POKE_RANGE(last), 0xf, EINVAL },
	{ "range: reserved", POKE_RANGE(reserved), 1, EINVAL },
	{ "range: reaches the x2APIC", .at = offsetof(struct vmxhv_range, last), .bytes = 4,
	  .code = VMXHV_ERR_RANGE, .item = offsetof(struct vmxhv_range, first), .value = 0x800,
	  .error = EINVAL, .text = "x2APIC" },
};

/* into leaves 1 to 4 */
static const struct poke cpuid_pokes[] = {
	{ "leaves: written to", POKE_RANGE(access), 2, EINVAL },
	{ "leaves: beyond the basic ones", POKE_RANGE(last), 0x20, EINVAL },
	{ "leaves: two kinds in one range", POKE_RANGE(last), 0x40000000, EINVAL },
};

static int create_vcpu(const struct machine *m, uint32_t id)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create), .id = id };

	return call(m->vm, VMXHV_CREATE_VCPU, &create);
}

/* Only while there is no vCPU. */
static void in_time(struct machine *m, struct vmxhv_config *config)
{
	int fd;

	tap_equal(-create_vcpu(m, 64), ENOSPC, "CREATE_VCPU that is refused");
	tap_equal(call(m->vm, VMXHV_CONFIG, config), 0, "CONFIG: it is not too late then");
	tap_equal(call(m->vm, VMXHV_CONFIG, config), 0, "CONFIG: once more");
	fd = create_vcpu(m, 0);
	tap_ok(fd >= 0, "CREATE_VCPU");
	expect_error(m->vm, call(m->vm, VMXHV_CONFIG, config), EBUSY, VMXHV_ERR_LIMIT, ANY,
		     "too late", "CONFIG: too late with a vCPU");
	tap_equal(-create_vcpu(m, 0), EEXIST, "CREATE_VCPU: the same one");
	tap_equal(-call(m->vm, VMXHV_CONFIG, config), EBUSY, "CONFIG: still too late");
	close(fd);
	tap_equal(-call(m->vm, VMXHV_CONFIG, config), EBUSY, "CONFIG: and when it is closed");
}

int main(void)
{
	struct vmxhv_range ranges[] = {
		{ .access = VMXHV_RANGE_WRITE, .first = 0x900, .last = 0xffffffff },
		{ .access = VMXHV_RANGE_READ | VMXHV_RANGE_WRITE, .first = 0x10, .last = 0x20 },
	};
	struct vmxhv_config config = {
		.size = sizeof(config), .count = 2, .ranges = (uintptr_t)ranges,
	};
	struct machine m;

	machine_create(&m, 1 << 20);
	expect_struct_rules(m.vm, VMXHV_CONFIG, &config, sizeof(config), "CONFIG");
	expect_refused(m.vm, VMXHV_CONFIG, &config, &config, pokes, ARRAY_SIZE(pokes));
	expect_refused(m.vm, VMXHV_CONFIG, &config, &ranges[1], range_pokes,
		       ARRAY_SIZE(range_pokes));
	tap_equal(last_error(m.vm).index, 1, "range: which one it was");
	ranges[1] = (struct vmxhv_range){ .kind = VMXHV_RANGE_CPUID_EXIT,
					  .access = VMXHV_RANGE_READ, .first = 1, .last = 4 };
	expect_refused(m.vm, VMXHV_CONFIG, &config, &ranges[1], cpuid_pokes,
		       ARRAY_SIZE(cpuid_pokes));
	in_time(&m, &config);
	machine_destroy(&m);
	return tap_done();
}

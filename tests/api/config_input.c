// SPDX-License-Identifier: GPL-2.0-only
/* CONFIG: what it refuses, and when. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define POKE_RANGE(member)	POKE_AT(vmxhv_range, member, VMXHV_ERR_RANGE)

static const struct poke pokes[] = {
	{ "CONFIG: NMI is no exception", POKE_ARG(vmxhv_config, exceptions), 1 << 2, EINVAL },
	{ "CONFIG: #MC is the host's", POKE_ARG(vmxhv_config, exceptions), 1 << 18, EINVAL },
	{ "CONFIG: a TSC offset without its flag", POKE_ARG(vmxhv_config, tsc_offset), 1, EINVAL },
	{ "CONFIG: polling without its flag", POKE_ARG(vmxhv_config, halt_poll_us), 1, EINVAL },
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

/* into reads of MSR 1B0H */
static const struct poke pass_pokes[] = {
	{ "passed MSRs: beyond what the bitmap has", POKE_RANGE(last), 0x2000, EINVAL },
};

/* into port 3FFH */
static const struct poke port_pokes[] = {
	{ "passed ports: reads alone", POKE_RANGE(access), 1, EINVAL },
	{ "passed ports: beyond FFFFH", POKE_RANGE(last), 0x10000, EINVAL },
};

/* never passed, to be read or written */
static const struct { uint32_t msr, access; const char *why; } kept[] = {
	{ 0x10, READ, "of its own" }, { 0x1b, READ, "of its own" },
	{ 0x1b, WRITE, "of its own" }, { 0x3a, READ, "of its own" },
	{ 0x1d9, WRITE, "of its own" }, { 0x277, READ, "of its own" },
	{ 0x6e0, WRITE, "of its own" }, { 0x808, WRITE, "of its own" },
	{ 0xc0000080, WRITE, "of its own" }, { 0xc0000082, READ, "of its own" },
	{ 0xc0000103, WRITE, "of its own" }, { 0x48, WRITE, "speculation" },
	{ 0x20f, WRITE, "host's" }, { 0x210, WRITE, "memory types" }, { 0x401, WRITE, "machine" },
	{ 0x480, READ, "hidden" }, { 0x491, READ, "hidden" }, { 0x570, WRITE, "memory" },
	{ 0x600, WRITE, "memory" }, { 0xda0, READ, "XSAVES" }, { 0xda0, WRITE, "XSAVES" },
};

static void never_passed(const struct machine *m, struct vmxhv_config *config,
			 struct vmxhv_range *range)
{
	char name[64];

	for (int i = 0; i < ARRAY_SIZE(kept); i++) {
		snprintf(name, sizeof(name), "MSR %#x is never passed to be %s", kept[i].msr,
			 kept[i].access == READ ? "read" : "written");
		range->access = kept[i].access;
		range->first = kept[i].msr;
		range->last = kept[i].msr;
		expect_error(m->vm, call(m->vm, VMXHV_CONFIG, config), EACCES, VMXHV_ERR_RANGE,
			     offsetof(struct vmxhv_range, first), kept[i].why, name);
	}
	tap_equal(last_error(m->vm).value, 0xda0, "which one it is");
	range->first = 0x470;
	range->last = 0x490;
	range->access = READ;
	expect_error(m->vm, call(m->vm, VMXHV_CONFIG, config), EACCES, VMXHV_ERR_RANGE, ANY,
		     "MSR 0x480", "a range that reaches one");
	range->last = 0x47f;
	tap_equal(call(m->vm, VMXHV_CONFIG, config), 0, "and one that does not");
}

static void rawio(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	syscall(SYS_capget, &head, data);
	if (on)
		data[0].effective |= 1u << CAP_SYS_RAWIO;
	else
		data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &head, data))
		tap_bail("capset");
}

static void without_right(const struct machine *m, struct vmxhv_config *config,
			  const char *name)
{
	rawio(false);
	expect_error(m->vm, call(m->vm, VMXHV_CONFIG, config), EPERM, VMXHV_ERR_RANGE,
		     offsetof(struct vmxhv_range, kind), "CAP_SYS_RAWIO", name);
	rawio(true);
	tap_equal(call(m->vm, VMXHV_CONFIG, config), 0, "with it");
}

static void hardware(const struct machine *m, struct vmxhv_config *config,
		     struct vmxhv_range *range)
{
	*range = (struct vmxhv_range){ .kind = VMXHV_RANGE_MSR_PASS, .access = READ,
				       .first = 0x1b0, .last = 0x1b0 };
	expect_refused(m->vm, VMXHV_CONFIG, config, range, pass_pokes, ARRAY_SIZE(pass_pokes));
	without_right(m, config, "passed MSRs: without CAP_SYS_RAWIO");
	never_passed(m, config, range);
	*range = (struct vmxhv_range){ .kind = VMXHV_RANGE_PORT_PASS, .access = READ | WRITE,
				       .first = 0x3ff, .last = 0x3ff };
	expect_refused(m->vm, VMXHV_CONFIG, config, range, port_pokes, ARRAY_SIZE(port_pokes));
	without_right(m, config, "passed ports: without CAP_SYS_RAWIO");
}

/* The other range is writes of 900H and above. */
static void contradiction(const struct machine *m, struct vmxhv_config *config,
			  struct vmxhv_range *range)
{
	*range = (struct vmxhv_range){ .kind = VMXHV_RANGE_MSR_PASS, .access = WRITE,
				       .first = 0x8ff + 1, .last = 0x900 };
	expect_error(m->vm, call(m->vm, VMXHV_CONFIG, config), EINVAL, VMXHV_ERR_RANGE,
		     offsetof(struct vmxhv_range, kind), "range 0", "exits, and is passed");
	range->access = READ;
	tap_equal(call(m->vm, VMXHV_CONFIG, config), 0, "its reads can be passed");
}

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
	expect_grown_rules(m.vm, VMXHV_CONFIG, &config, 32, sizeof(config), "CONFIG");
	expect_refused(m.vm, VMXHV_CONFIG, &config, &config, pokes, ARRAY_SIZE(pokes));
	expect_refused(m.vm, VMXHV_CONFIG, &config, &ranges[1], range_pokes,
		       ARRAY_SIZE(range_pokes));
	tap_equal(last_error(m.vm).index, 1, "range: which one it was");
	ranges[1] = (struct vmxhv_range){ .kind = VMXHV_RANGE_CPUID_EXIT,
					  .access = VMXHV_RANGE_READ, .first = 1, .last = 4 };
	expect_refused(m.vm, VMXHV_CONFIG, &config, &ranges[1], cpuid_pokes,
		       ARRAY_SIZE(cpuid_pokes));
	hardware(&m, &config, &ranges[1]);
	contradiction(&m, &config, &ranges[1]);
	in_time(&m, &config);
	machine_destroy(&m);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/* The device descriptor: GET_INFO, the lists, and the rules that every structure follows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

/* "CAL:" of /proc/interrupts: function calls by IPI, all CPUs together. */
static unsigned long long calls_to_other_cpus(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	unsigned long long sum = 0, one;
	char line[1024], *at;
	int used;

	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, "CAL:");
		if (!at)
			continue;
		for (at += 4; sscanf(at, "%llu%n", &one, &used) == 1; at += used)
			sum += one;
	}
	if (f)
		fclose(f);
	return sum;
}

static void info_fields(int dev)
{
	struct vmxhv_info i;

	memset(&i, 0xaa, sizeof(i));
	i.size = sizeof(i);
	i.flags = 0;
	tap_equal(call(dev, VMXHV_GET_INFO, &i), 0, "GET_INFO");
	tap_equal(i.abi_major, VMXHV_ABI_MAJOR, "abi_major");
	tap_equal(i.size, sizeof(i), "size is the kernel's");
	tap_equal(i.run_size, VMXHV_RUN_SIZE, "run_size");
	tap_equal(i.unusable_reason, VMXHV_USABLE, "VMX can be used");
	tap_equal((uint32_t)i.unusable_cpu, (uint32_t)-1, "no CPU says otherwise");
	tap_ok(i.max_vcpus && i.max_ranges && i.max_cpuid && i.max_msrs, "limits are not 0");
	tap_ok(i.gpa_bits >= 36 && i.gpa_bits <= 52, "gpa_bits: %u", i.gpa_bits);
	tap_ok(i.tsc_khz > 1000 && i.apic_timer_hz, "tsc_khz: %u", i.tsc_khz);
	tap_ok((i.vmx_msr_valid & 1) && (uint32_t)i.vmx_msr[0], "IA32_VMX_BASIC was read");
	tap_equal(i.feature_control & 5, 5, "feature control: locked, on");
	tap_equal(i.cpuid_valid_reserved, 0, "no stale byte: reserved");
	tap_equal(i.features[3] | i.features[2] | i.features[1], 0, "no stale byte: features");
	tap_equal((uint8_t)i.unusable_text[159], 0, "no stale byte: text");
}

/* What the CPU can do is the same while a VM of ours has VMX. */
static void info_with_vm(int dev)
{
	struct vmxhv_info without = { .size = sizeof(without) }, with = { .size = sizeof(with) };
	struct vmxhv_create_vm c = { .size = sizeof(c) };
	int vm;

	call(dev, VMXHV_GET_INFO, &without);
	vm = call(dev, VMXHV_CREATE_VM, &c);
	call(dev, VMXHV_GET_INFO, &with);
	close(vm);
	tap_ok(without.features[0] & VMXHV_FEATURE_PREEMPTION_TIMER, "features: %#llx",
	       (unsigned long long)without.features[0]);
	tap_equal(with.features[0], without.features[0], "with a VM they are the same");
	tap_equal(with.unusable_reason, VMXHV_USABLE, "and VMX can still be used");
}

/* A structure of another version: longer with a zero tail, which comes back as zeros. */
static void info_growth(int dev)
{
	struct { struct vmxhv_info i; uint8_t tail[64]; } big;
	uint8_t zeros[64] = {};

	memset(&big, 0, sizeof(big));
	big.i.size = sizeof(big);
	tap_equal(call(dev, VMXHV_GET_INFO, &big), 0, "a longer structure with a zero tail");
	tap_equal(big.i.size, sizeof(big.i), "and size becomes the kernel's");
	tap_ok(!memcmp(big.tail, zeros, 64), "and the tail is zero");
}

/* Who only asks disturbs no other CPU. */
static void info_leaves_cpus_alone(int dev)
{
	struct vmxhv_info i = { .size = sizeof(i) };
	unsigned long long before, after;
	int k;

	call(dev, VMXHV_GET_INFO, &i);
	before = calls_to_other_cpus();
	for (k = 0; k < 200; k++)
		call(dev, VMXHV_GET_INFO, &i);
	after = calls_to_other_cpus();
	tap_note("%llu calls by IPI", after - before);
	tap_ok(after - before < 20, "200 times GET_INFO interrupt no other CPU");
}

static void commands(int dev)
{
	struct vmxhv_info i = { .size = sizeof(i) };

	tap_equal(-call(dev, _IO(VMXHV_MAGIC, 0x7f), &i), ENOTTY, "unknown command");
	tap_equal(-call(dev, _IO(0xba, 0x00), &i), ENOTTY, "another driver's command");
	tap_equal(-call(dev, VMXHV_RUN, &i), ENOTTY, "a vCPU's command");
	tap_equal(-call(dev, VMXHV_MEMORY, &i), ENOTTY, "a VM's command");
	tap_equal(call(dev, _IO(VMXHV_MAGIC, 0x00), &i), 0, "the size in the command is nothing");
}

static void cpuid_list(int dev)
{
	struct vmxhv_cpuid_entry e[256];
	struct vmxhv_cpuid c = { .size = sizeof(c), .count = 1, .entries = (uintptr_t)e };
	static const struct poke pokes[] = {
		{ "CPUID: reserved", POKE_ARG(vmxhv_cpuid, reserved), 1, EINVAL },
		{ "CPUID: bad pointer", POKE_ADDRESS(vmxhv_cpuid, entries), 8, EFAULT },
	};
	uint32_t count;
	int ret;

	memset(e, 0xaa, sizeof(e));
	ret = call(dev, VMXHV_GET_CPUID, &c);
	count = c.count;
	tap_ok(ret == -ENOSPC && count > 1, "CPUID: ENOSPC says how many: %u", count);
	c.count = count - 1;
	tap_equal(-call(dev, VMXHV_GET_CPUID, &c), ENOSPC, "CPUID: one too few");
	c.count = 256;
	tap_equal(call(dev, VMXHV_GET_CPUID, &c), 0, "CPUID: more room than needed");
	tap_equal(c.count, count, "CPUID: the same number");
	tap_equal(e[count].function, 0xaaaaaaaa, "CPUID: nothing written behind the table");
	tap_equal(e[0].function, 0, "CPUID: leaf 0 comes first");
	expect_struct_rules(dev, VMXHV_GET_CPUID, &c, sizeof(c), "CPUID");
	c.count = 256;
	expect_refused(dev, VMXHV_GET_CPUID, &c, &c, pokes, ARRAY_SIZE(pokes));
}

static void msr_list(int dev)
{
	struct vmxhv_msr_entry e[512];
	struct vmxhv_msrs c = { .size = sizeof(c), .count = 0, .entries = (uintptr_t)e };
	static const struct poke pokes[] = {
		{ "MSRs: reserved", POKE_ARG(vmxhv_msrs, reserved), 1, EINVAL },
		{ "MSRs: bad pointer", POKE_ADDRESS(vmxhv_msrs, entries), 8, EFAULT },
	};
	bool efer = false;
	int ret = call(dev, VMXHV_GET_MSR_LIST, &c);

	tap_ok(ret == -ENOSPC && c.count > 10, "MSRs: ENOSPC says how many: %u", c.count);
	c.count = 512;
	tap_equal(call(dev, VMXHV_GET_MSR_LIST, &c), 0, "MSRs: the list");
	for (uint32_t i = 0; i < c.count; i++)
		efer = efer || e[i].index == 0xc0000081;
	tap_ok(efer, "MSRs: STAR is among them");
	expect_struct_rules(dev, VMXHV_GET_MSR_LIST, &c, sizeof(c), "MSRs");
	c.count = 512;
	expect_refused(dev, VMXHV_GET_MSR_LIST, &c, &c, pokes, ARRAY_SIZE(pokes));
}

int main(void)
{
	struct vmxhv_info i = { .size = sizeof(i) };
	int dev = open_device();
	struct stat st;

	tap_ok(!fstat(dev, &st) && (st.st_mode & 0777) == 0600, "the device is root's alone");
	info_fields(dev);
	info_with_vm(dev);
	info_leaves_cpus_alone(dev);
	info_growth(dev);
	expect_struct_rules(dev, VMXHV_GET_INFO, &i, sizeof(i), "GET_INFO");
	commands(dev);
	cpuid_list(dev);
	msr_list(dev);
	close(dev);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "side.h"

#define CPUID_ENTRIES	256

static int dev, vm, cpu;
static struct kvm_run *area;
static const struct machine *machine;

static void map(uint32_t slot, uint64_t gpa, void *hva, size_t size)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r))
		die("KVM_SET_USER_MEMORY_REGION");
}

static void set_cpuid(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));

	c->nent = CPUID_ENTRIES;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, c) || ioctl(cpu, KVM_SET_CPUID2, c))
		die("CPUID");
	free(c);
}

static struct kvm_segment segment(const struct vmxhv_segment *s)
{
	return (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector,
		.type = s->access & 15, .s = s->access >> 4 & 1, .dpl = s->access >> 5 & 3,
		.present = s->access >> 7 & 1, .avl = s->access >> 12 & 1,
		.l = s->access >> 13 & 1, .db = s->access >> 14 & 1, .g = s->access >> 15 & 1,
		.unusable = s->access >> 16 & 1,
	};
}

static void set_sregs(void)
{
	struct vmxhv_sregs v = {};
	struct kvm_sregs s;

	set_long_mode(&v);
	if (ioctl(cpu, KVM_GET_SREGS, &s))
		die("KVM_GET_SREGS");
	s.cs = segment(&v.cs);
	s.ds = segment(&v.ds);
	s.es = segment(&v.es);
	s.fs = segment(&v.fs);
	s.gs = segment(&v.gs);
	s.ss = segment(&v.ss);
	s.tr = segment(&v.tr);
	s.gdt.base = v.gdtr.base;
	s.gdt.limit = v.gdtr.limit;
	s.cr0 = v.cr0;
	s.cr3 = v.cr3;
	s.cr4 = v.cr4;
	s.efer = v.efer;
	if (ioctl(cpu, KVM_SET_SREGS, &s))
		die("KVM_SET_SREGS");
}

static void create(struct machine *m, void *pages)
{
	int size;

	machine = m;
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("/dev/kvm");
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		die("KVM_CREATE_IRQCHIP");
	map(0, 0, m->ram, m->ram_size);
	map(1, BENCH_TOUCH, pages, BENCH_PAGES * 4096);
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (cpu < 0 || area == MAP_FAILED)
		die("KVM_CREATE_VCPU");
	set_cpuid();
	set_sregs();
}

static void start(unsigned int entry)
{
	struct kvm_regs regs = { .rflags = 2, .rsp = STACK_TOP };

	memcpy(&regs.rip, machine->ram + GUEST_BASE + 8 * entry, 8);
	if (ioctl(cpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

static void run_case(void)
{
	for (;;) {
		if (ioctl(cpu, KVM_RUN, 0) && errno != EINTR)
			die("KVM_RUN");
		switch (area->exit_reason) {
		case KVM_EXIT_IO:
			if (area->io.port == PORT_DONE)
				return;
			break;
		case KVM_EXIT_MMIO:
		case KVM_EXIT_INTR:
			break;
		default:
			die("exit %u, hardware reason %#llx", area->exit_reason,
			    (unsigned long long)area->hw.hardware_exit_reason);
		}
	}
}

static void cheapest_ioctl(void)
{
	ioctl(dev, KVM_GET_API_VERSION, 0);
}

static void run_at_once(void)
{
	area->immediate_exit = 1;
	ioctl(cpu, KVM_RUN, 0);
}

const struct side kvm_side = {
	.name = "kvm", .create = create, .start = start, .run = run_case,
	.ioctl = cheapest_ioctl, .run_at_once = run_at_once,
};

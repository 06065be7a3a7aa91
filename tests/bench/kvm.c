// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pair.h"
#include "side.h"

#define CPUID_ENTRIES	256

#define TSC_DEADLINE	0x01000000	/* CPUID leaf 1, ECX */

static int dev, vm, cpu, area_size;
static struct kvm_run *area;
static const struct machine *machine;

static int vm_create(void)
{
	int fd = ioctl(dev, KVM_CREATE_VM, 0);

	if (fd < 0)
		die("KVM_CREATE_VM");
	return fd;
}

static void split_apic(int of)
{
	struct kvm_enable_cap apic = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

	if (ioctl(of, KVM_ENABLE_CAP, &apic))
		die("KVM_CAP_SPLIT_IRQCHIP");
}

static int vcpu_create(int in)
{
	int fd = ioctl(in, KVM_CREATE_VCPU, 0);

	if (fd < 0)
		die("KVM_CREATE_VCPU");
	return fd;
}

static struct kvm_run *map_area(int fd)
{
	void *p = mmap(NULL, area_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap of struct kvm_run");
	return p;
}

static void map(int in, uint32_t slot, uint64_t gpa, void *hva, size_t size)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (ioctl(in, KVM_SET_USER_MEMORY_REGION, &r))
		die("KVM_SET_USER_MEMORY_REGION");
}

static void set_cpuid(int of)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));

	c->nent = CPUID_ENTRIES;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, c))
		die("KVM_GET_SUPPORTED_CPUID");
	/* the in-kernel APIC has it, which depends on there being one: so it is not in the list */
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 1)
			c->entries[i].ecx |= TSC_DEADLINE;
	}
	if (ioctl(of, KVM_SET_CPUID2, c))
		die("KVM_SET_CPUID2");
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

static void set_sregs(int of, const struct vmxhv_sregs *v)
{
	struct kvm_sregs s;

	if (ioctl(of, KVM_GET_SREGS, &s))
		die("KVM_GET_SREGS");
	s.cs = segment(&v->cs);
	s.ds = segment(&v->ds);
	s.es = segment(&v->es);
	s.fs = segment(&v->fs);
	s.gs = segment(&v->gs);
	s.ss = segment(&v->ss);
	s.tr = segment(&v->tr);
	s.gdt.base = v->gdtr.base;
	s.gdt.limit = v->gdtr.limit;
	s.cr0 = v->cr0;
	s.cr3 = v->cr3;
	s.cr4 = v->cr4;
	s.efer = v->efer;
	if (ioctl(of, KVM_SET_SREGS, &s))
		die("KVM_SET_SREGS");
}

static void open_side(struct machine *m)
{
	machine = m;
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("/dev/kvm");
	area_size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static void create(struct machine *m, void *pages, void *huge)
{
	struct vmxhv_sregs sregs = {};

	vm = vm_create();
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		die("KVM_CREATE_IRQCHIP");
	map(vm, 0, 0, m->ram, m->ram_size);
	map(vm, 1, BENCH_TOUCH, pages, BENCH_PAGES * 4096);
	map(vm, 2, BENCH_HUGE, huge, BENCH_HUGE_PAGES * BENCH_HUGE_SIZE);
	cpu = vcpu_create(vm);
	area = map_area(cpu);
	set_cpuid(cpu);
	set_long_mode(&sregs);
	set_sregs(cpu, &sregs);
}

static void set_entry(int of, unsigned int entry)
{
	struct kvm_regs regs = { .rflags = 2, .rsp = STACK_TOP };

	memcpy(&regs.rip, machine->ram + GUEST_BASE + 8 * entry, 8);
	if (ioctl(of, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

static void start(unsigned int entry)
{
	set_entry(cpu, entry);
}

static void run_until_done(int fd, struct kvm_run *run)
{
	for (;;) {
		if (ioctl(fd, KVM_RUN, 0) && errno != EINTR)
			die("KVM_RUN");
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (run->io.port == PORT_DONE)
				return;
			*((uint8_t *)run + run->io.data_offset) = 0;
			break;
		case KVM_EXIT_MMIO:
			if (!run->mmio.is_write)
				memset(run->mmio.data, 0, run->mmio.len);
			break;
		case KVM_EXIT_INTR:
			break;
		default:
			die("exit %u, hardware reason %#llx", run->exit_reason,
			    (unsigned long long)run->hw.hardware_exit_reason);
		}
	}
}

static void run_case(void)
{
	run_until_done(cpu, area);
}

/* The APIC alone is in the kernel, as it is in vmxhv: a whole chip set takes longer to make. */
static void life(unsigned int entry)
{
	struct vmxhv_sregs sregs = {};
	struct kvm_run *run;
	int vm_fd, fd;

	vm_fd = vm_create();
	split_apic(vm_fd);
	map(vm_fd, 0, 0, machine->ram, machine->ram_size);
	fd = vcpu_create(vm_fd);
	run = map_area(fd);
	set_real_mode(&sregs);
	set_sregs(fd, &sregs);
	set_entry(fd, entry);
	run_until_done(fd, run);
	munmap(run, area_size);
	close(fd);
	close(vm_fd);
}

static int pair_fds[2];
static struct kvm_run *pair_areas[2];

static void set_tsc_as_host(int of)
{
	uint64_t offset = 0;
	const struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset,
	};

	if (ioctl(of, KVM_SET_DEVICE_ATTR, &attr))
		die("KVM_VCPU_TSC_OFFSET");
}

static void pair_create(struct machine *m)
{
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vmxhv_sregs sregs = {};

	vm = vm_create();
	split_apic(vm);
	map(vm, 0, 0, m->ram, m->ram_size);
	set_long_mode(&sregs);
	for (int i = 0; i < ARRAY_SIZE(pair_fds); i++) {
		pair_fds[i] = ioctl(vm, KVM_CREATE_VCPU, i);
		if (pair_fds[i] < 0)
			die("KVM_CREATE_VCPU");
		pair_areas[i] = map_area(pair_fds[i]);
		set_cpuid(pair_fds[i]);
		set_sregs(pair_fds[i], &sregs);
		set_tsc_as_host(pair_fds[i]);
		if (ioctl(pair_fds[i], KVM_SET_MP_STATE, &runs))
			die("KVM_SET_MP_STATE");
	}
}

static void pair_run(unsigned int id, unsigned int entry)
{
	set_entry(pair_fds[id], entry);
	run_until_done(pair_fds[id], pair_areas[id]);
}

static void pair_msi(uint8_t vector)
{
	struct kvm_msi msi = { .address_lo = PAIR_MSI, .data = vector };

	if (ioctl(vm, KVM_SIGNAL_MSI, &msi) < 0)
		die("KVM_SIGNAL_MSI");
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
	.name = "kvm", .open = open_side, .create = create, .start = start, .run = run_case,
	.ioctl = cheapest_ioctl, .run_at_once = run_at_once,
	.vm_create = vm_create, .apic = split_apic, .vcpu_create = vcpu_create, .life = life,
	.pair_create = pair_create, .pair_run = pair_run, .pair_msi = pair_msi,
};

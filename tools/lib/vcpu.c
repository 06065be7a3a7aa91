// SPDX-License-Identifier: GPL-2.0-only
/* Virtual CPUs: running them, their state, and what is put into them. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"
#include "util.h"

int vmxhv_vcpu_create(struct vmxhv_vm *vm, struct vmxhv_vcpu *vcpu, uint32_t id)
{
	struct vmxhv_create_vcpu arg = { .size = sizeof(arg), .id = id };
	void *area;
	int fd;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->fd = -1;
	fd = fail_ioctl(&vm->fail, vm->fd, VMXHV_CREATE_VCPU, &arg, "CREATE_VCPU");
	if (fd < 0)
		return fd;
	area = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED) {
		const int error = errno;

		close(fd);
		return fail_set(&vm->fail, error, "mapping the run area of vCPU %u: %s", id,
				strerror(error));
	}
	vcpu->fd = fd;
	vcpu->id = id;
	vcpu->run = area;
	vcpu->run_size = vm->run_size;
	return 0;
}

void vmxhv_vcpu_close(struct vmxhv_vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

static int vcpu_ioctl(struct vmxhv_vcpu *vcpu, unsigned long request, void *arg, const char *what)
{
	return fail_ioctl(&vcpu->fail, vcpu->fd, request, arg, what);
}

static int run_flags(struct vmxhv_vcpu *vcpu, uint32_t flags)
{
	struct vmxhv_run_args arg = { .size = sizeof(arg), .flags = flags };

	if (ioctl(vcpu->fd, VMXHV_RUN, &arg) == 0)
		return 0;
	/* A signal is no refusal, and may be frequent: no words for it. */
	if (errno == EINTR)
		return -EINTR;
	return fail_errno(&vcpu->fail, vcpu->fd, errno, "RUN");
}

int vmxhv_vcpu_run(struct vmxhv_vcpu *vcpu)
{
	return run_flags(vcpu, 0);
}

int vmxhv_vcpu_complete(struct vmxhv_vcpu *vcpu)
{
	return run_flags(vcpu, VMXHV_RUN_COMPLETE_ONLY);
}

int vmxhv_vcpu_kick(const struct vmxhv_vcpu *vcpu)
{
	return ioctl(vcpu->fd, VMXHV_KICK) < 0 ? -errno : 0;
}

static int one_group(struct vmxhv_vcpu *vcpu, unsigned long request,
		     struct vmxhv_state_entry *entry, const char *what)
{
	struct vmxhv_state arg = {
		.size = sizeof(arg), .count = 1, .entries = (uintptr_t)entry,
	};

	return vcpu_ioctl(vcpu, request, &arg, what);
}

int vmxhv_vcpu_get_state(struct vmxhv_vcpu *vcpu, enum vmxhv_state_group group, void *data,
			 uint32_t length)
{
	struct vmxhv_state_entry entry = {
		.group = group, .length = length, .data = (uintptr_t)data,
	};

	return one_group(vcpu, VMXHV_GET_STATE, &entry, "GET_STATE");
}

int vmxhv_vcpu_set_state(struct vmxhv_vcpu *vcpu, enum vmxhv_state_group group, const void *data,
			 uint32_t length)
{
	struct vmxhv_state_entry entry = {
		.group = group, .length = length, .data = (uintptr_t)data,
	};

	return one_group(vcpu, VMXHV_SET_STATE, &entry, "SET_STATE");
}

int vmxhv_vcpu_get_gprs(struct vmxhv_vcpu *vcpu, struct vmxhv_gprs *gprs)
{
	return vmxhv_vcpu_get_state(vcpu, VMXHV_STATE_GPRS, gprs, sizeof(*gprs));
}

int vmxhv_vcpu_set_gprs(struct vmxhv_vcpu *vcpu, const struct vmxhv_gprs *gprs)
{
	return vmxhv_vcpu_set_state(vcpu, VMXHV_STATE_GPRS, gprs, sizeof(*gprs));
}

int vmxhv_vcpu_get_sregs(struct vmxhv_vcpu *vcpu, struct vmxhv_sregs *sregs)
{
	return vmxhv_vcpu_get_state(vcpu, VMXHV_STATE_SREGS, sregs, sizeof(*sregs));
}

int vmxhv_vcpu_set_sregs(struct vmxhv_vcpu *vcpu, const struct vmxhv_sregs *sregs)
{
	return vmxhv_vcpu_set_state(vcpu, VMXHV_STATE_SREGS, sregs, sizeof(*sregs));
}

int vmxhv_vcpu_get_msrs(struct vmxhv_vcpu *vcpu, struct vmxhv_msr_entry *msrs, unsigned int count)
{
	struct vmxhv_msrs arg = {
		.size = sizeof(arg), .count = count, .entries = (uintptr_t)msrs,
	};
	const int err = vcpu_ioctl(vcpu, VMXHV_GET_MSRS, &arg, "GET_MSRS");

	return err < 0 ? err : (int)arg.count;
}

int vmxhv_vcpu_set_msrs(struct vmxhv_vcpu *vcpu, const struct vmxhv_msr_entry *msrs,
			unsigned int count)
{
	struct vmxhv_msrs arg = {
		.size = sizeof(arg), .count = count, .entries = (uintptr_t)msrs,
	};
	const int err = vcpu_ioctl(vcpu, VMXHV_SET_MSRS, &arg, "SET_MSRS");

	return err < 0 ? err : (int)arg.count;
}

int vmxhv_vcpu_set_cpuid(struct vmxhv_vcpu *vcpu, const struct vmxhv_cpuid_entry *table,
			 unsigned int count)
{
	struct vmxhv_cpuid arg = {
		.size = sizeof(arg), .count = count, .entries = (uintptr_t)table,
	};

	return vcpu_ioctl(vcpu, VMXHV_SET_CPUID, &arg, "SET_CPUID");
}

int vmxhv_vcpu_inject(struct vmxhv_vcpu *vcpu, const struct vmxhv_inject *event)
{
	struct vmxhv_inject arg = *event;

	arg.size = sizeof(arg);
	return vcpu_ioctl(vcpu, VMXHV_INJECT, &arg, "INJECT");
}

int vmxhv_vcpu_extint(const struct vmxhv_vcpu *vcpu, int level)
{
	struct vmxhv_extint arg = { .size = sizeof(arg), .level = !!level };

	return ioctl(vcpu->fd, VMXHV_EXTINT, &arg) < 0 ? -errno : 0;
}

int vmxhv_vcpu_translate(struct vmxhv_vcpu *vcpu, uint64_t gva, uint32_t access,
			 struct vmxhv_translate *answer)
{
	return vmxhv_vcpu_translate_with(vcpu, gva, access, 0, answer);
}

int vmxhv_vcpu_translate_with(struct vmxhv_vcpu *vcpu, uint64_t gva, uint32_t access,
			      uint32_t flags, struct vmxhv_translate *answer)
{
	*answer = (struct vmxhv_translate){
		.size = sizeof(*answer), .flags = flags, .gva = gva, .access = access,
	};
	return vcpu_ioctl(vcpu, VMXHV_TRANSLATE, answer, "TRANSLATE");
}

int vmxhv_vcpu_debug(struct vmxhv_vcpu *vcpu, const struct vmxhv_debug *debug)
{
	struct vmxhv_debug arg = *debug;

	arg.size = sizeof(arg);
	return vcpu_ioctl(vcpu, VMXHV_DEBUG, &arg, "DEBUG");
}

static int lapic_dword(struct vmxhv_vcpu *vcpu, uint32_t offset, int write, uint32_t *value)
{
	struct vmxhv_lapic_access arg = {
		.size = sizeof(arg), .offset = offset, .length = 4, .write = write,
		.value = write ? *value : 0,
	};
	const int err = vcpu_ioctl(vcpu, VMXHV_LAPIC_ACCESS, &arg, "LAPIC_ACCESS");

	if (!err && !write)
		*value = arg.value;
	return err;
}

/*
 * Registers are 32 bits at 16-byte boundaries. Narrower reads get their part of the register, the
 * bytes between registers read as zero; the upper half of a 64-bit access is such a gap.
 */
int vmxhv_lapic_read(struct vmxhv_vcpu *vcpu, uint32_t offset, unsigned int width, uint64_t *value)
{
	const uint32_t reg = offset & ~0xfu;
	const unsigned int byte = offset & 0xf;
	uint32_t dword;
	int err;

	*value = 0;
	if (byte >= 4)
		return 0;
	err = lapic_dword(vcpu, reg, 0, &dword);
	if (err)
		return err;
	*value = dword >> (8 * byte) & width_mask(width);
	return 0;
}

/* The SDM leaves writes that are not 32 bits at a register's start undefined: we ignore them. */
int vmxhv_lapic_write(struct vmxhv_vcpu *vcpu, uint32_t offset, unsigned int width, uint64_t value)
{
	uint32_t dword = value;

	if ((offset & 0xf) || width < 4)
		return 0;
	return lapic_dword(vcpu, offset, 1, &dword);
}

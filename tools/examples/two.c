// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two vCPUs and a device in memory: each asks the device which of them it is, and writes the digit
 * there. vCPU 0 is started by us; vCPU 1 waits, as every CPU but the first, for a SIPI.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libvmxhv.h"

#define RAM_SIZE	(640ul << 10)
#define CODE_AT		0x1000		/* a SIPI with vector 1 starts there, too */
#define DEVICE_AT	0xb8000		/* where no memory is */
#define DEVICE_TEXT	0		/* written: a character */
#define DEVICE_NUMBER	4		/* read: whose read it is */

static const char guest[] =
	"\xb8\x00\xb8\x8e\xd8"		/* mov $0xb800, %ax; mov %ax, %ds */
	"\xa0\x04\x00\x04\x30"		/* mov DEVICE_NUMBER, %al; add $'0', %al */
	"\xa2\x00\x00\xfa\xf4";		/* mov %al, DEVICE_TEXT; cli; hlt */

static uint8_t *ram;
static struct vmxhv_vcpu cpus[2] = { { .fd = -1 }, { .fd = -1 } };

static void fail(const char *why)
{
	fprintf(stderr, "two: %s\n", why);
	exit(1);
}

/* @opaque is the vCPU. A whole VMM would look for its other devices here, and in xAPIC mode, as
 * cpu->run->apic_base says, for the local APIC's page: see vmxhv_lapic_read().
 */
static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	const struct vmxhv_vcpu *cpu = opaque;

	(void)width;
	*value = gpa == DEVICE_AT + DEVICE_NUMBER ? cpu->id : ~0ull;
	return 0;
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	const struct vmxhv_vcpu *cpu = opaque;

	(void)width;
	if (gpa == DEVICE_AT + DEVICE_TEXT)
		printf("vCPU %u wrote %c\n", cpu->id, (int)(value & 0xff));
	return 0;
}

static void *guest_memory(void *opaque, uint64_t gpa, uint64_t length)
{
	(void)opaque;
	return gpa < RAM_SIZE && length <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

/* A thread for each vCPU. */
static void *run(void *opaque)
{
	static const struct vmxhv_mmio_ops ops = {
		.read = device_read, .write = device_write, .ram = guest_memory,
	};
	struct vmxhv_vcpu *cpu = opaque;
	char text[200];

	for (;;) {
		if (vmxhv_vcpu_run(cpu))
			fail(vmxhv_message(&cpu->fail));
		if (cpu->run->exit_reason == VMXHV_EXIT_HLT)
			return NULL;
		if (cpu->run->exit_reason == VMXHV_EXIT_MMIO &&
		    !vmxhv_mmio_complete(cpu, &ops, cpu))
			continue;
		vmxhv_exit_describe(cpu->run, text, sizeof(text));
		fail(text);
	}
}

int main(void)
{
	const struct vmxhv_inject sipi = { .kind = VMXHV_INJECT_SIPI, .vector = CODE_AT >> 12 };
	struct vmxhv_dev dev;
	struct vmxhv_vm vm;
	pthread_t threads[2];
	unsigned int i;

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		fail("no memory");
	memcpy(ram + CODE_AT, guest, sizeof(guest));
	if (vmxhv_open(&dev, NULL) || vmxhv_vm_create(&dev, &vm))
		fail(vmxhv_message(&dev.fail));
	if (vmxhv_vm_map(&vm, 0, ram, RAM_SIZE, 0))
		fail(vmxhv_message(&vm.fail));
	for (i = 0; i < 2; i++) {
		if (vmxhv_vcpu_create(&vm, &cpus[i], i))
			fail(vmxhv_message(&vm.fail));
		cpus[i].run->user_flags = VMXHV_USER_EXIT_HLT;
		/* An MMIO exit needs the registers: with them at hand it asks for nothing. */
		cpus[i].run->wanted = VMXHV_GROUP_GPRS;
	}
	if (vmxhv_vcpu_start_real(&cpus[0], CODE_AT) || vmxhv_vcpu_inject(&cpus[1], &sipi))
		fail("no start");
	for (i = 0; i < 2; i++) {
		if (pthread_create(&threads[i], NULL, run, &cpus[i]))
			fail("no thread");
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

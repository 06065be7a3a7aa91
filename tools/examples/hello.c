// SPDX-License-Identifier: GPL-2.0-only
/* A guest of seven instructions prints a line by OUT, then halts. */
#define _DEFAULT_SOURCE		/* MAP_ANONYMOUS */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "libvmxhv.h"

static const char guest[] =		/* loaded at 0x1000 */
	"\xbe\x0f\x10\xba\xf8\x03"	/* mov $text, %si; mov $0x3f8, %dx */
	"\xac\x84\xc0\x74\x03"		/* next: lods; test %al, %al; jz done */
	"\xee\xeb\xf8\xf4"		/* out %al, (%dx); jmp next; done: hlt */
	"hello from a guest\n";		/* text */

int main(void)
{
	char *ram = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmxhv_dev dev;
	struct vmxhv_vm vm = { .fd = -1 };
	struct vmxhv_vcpu cpu = { .fd = -1 };

	if (vmxhv_open(&dev, NULL) || vmxhv_vm_create(&dev, &vm))
		return fprintf(stderr, "hello: %s\n", vmxhv_message(&dev.fail)), 1;
	if (vmxhv_vm_map(&vm, 0, ram, 1 << 20, 0) || vmxhv_vcpu_create(&vm, &cpu, 0))
		return fprintf(stderr, "hello: %s\n", vmxhv_message(&vm.fail)), 1;
	memcpy(ram + 0x1000, guest, sizeof(guest));
	vmxhv_vcpu_start_real(&cpu, 0x1000);
	cpu.run->user_flags = VMXHV_USER_EXIT_HLT;
	while (!vmxhv_vcpu_run(&cpu)) {
		if (cpu.run->exit_reason == VMXHV_EXIT_HLT)
			return 0;
		if (cpu.run->exit_reason == VMXHV_EXIT_IO && !cpu.run->u.io.in)
			putchar(cpu.run->u.io.data);
	}
	return fprintf(stderr, "hello: %s\n", vmxhv_message(&cpu.fail)), 1;
}

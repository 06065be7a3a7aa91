// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/ioctl.h>

#include "refusal.h"
#include "side.h"

static struct cpu cpu;

static void create(struct machine *m, void *pages)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };

	m->dev = open_device();
	m->vm = call(m->dev, VMXHV_CREATE_VM, &create);
	if (m->vm < 0)
		die("CREATE_VM: %d", m->vm);
	machine_map(m, 0, m->ram, m->ram_size, 0);
	machine_map(m, BENCH_TOUCH, pages, BENCH_PAGES * 4096, 0);
	cpu_create(m, &cpu, 0);
}

static void start(unsigned int entry)
{
	cpu_start(&cpu, MODE_LONG, entry);
}

static void run_case(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args) };
	struct vmxhv_run *run = cpu.run;

	for (;;) {
		if (ioctl(cpu.fd, VMXHV_RUN, &args) && errno != EINTR)
			die("RUN: %.96s", last_error(cpu.fd).text);
		switch (run->exit_reason) {
		case VMXHV_EXIT_IO:
			if (run->u.io.port == PORT_DONE)
				return;
			break;
		case VMXHV_EXIT_MMIO:
			run->u.mmio.completion = VMXHV_MMIO_RETIRE;
			run->u.mmio.retire_len = BENCH_MMIO_LEN;
			break;
		case VMXHV_EXIT_INTR:
			break;
		default:
			die("exit %s, hardware reason %u", exit_name(run->exit_reason),
			    run->hw.reason);
		}
	}
}

static void cheapest_ioctl(void)
{
	ioctl(cpu.fd, VMXHV_KICK, 0);
}

static void run_at_once(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args) };

	cpu.run->kick = 1;
	ioctl(cpu.fd, VMXHV_RUN, &args);
}

const struct side vmxhv_side = {
	.name = "vmxhv", .create = create, .start = start, .run = run_case,
	.ioctl = cheapest_ioctl, .run_at_once = run_at_once,
};

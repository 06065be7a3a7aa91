// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"
#include "refusal.h"
#include "side.h"

static struct cpu cpu;
static struct machine *machine;
static bool halting;

static int vm_create(void)
{
	struct vmxhv_create_vm create = {
		.size = sizeof(create), .flags = VMXHV_VM_APICV,
	};
	int vm = call(machine->dev, VMXHV_CREATE_VM, &create);

	if (vm < 0)
		die("CREATE_VM: %d", vm);
	return vm;
}

static void has_apic(int vm)
{
	(void)vm;
}

static int vcpu_create(int vm)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create) };
	int fd = call(vm, VMXHV_CREATE_VCPU, &create);

	if (fd < 0)
		die("CREATE_VCPU: %d", fd);
	return fd;
}

static void open_side(struct machine *m)
{
	machine = m;
	m->dev = open_device();
}

static void create(struct machine *m, void *pages, void *huge)
{
	m->vm = vm_create();
	machine_map(m, 0, m->ram, m->ram_size, 0);
	machine_map(m, BENCH_TOUCH, pages, BENCH_PAGES * 4096, 0);
	machine_map(m, BENCH_HUGE, huge, BENCH_HUGE_PAGES * BENCH_HUGE_SIZE, 0);
	cpu_create(m, &cpu, 0);
}

static void start(unsigned int entry)
{
	cpu_start(&cpu, MODE_LONG, entry);
	halting = entry == CASE_SELF_IPI_HALTED;
	/* a read ends with a register of the guest's changed */
	cpu.run->wanted = entry == CASE_MMIO_READ ? VMXHV_GROUP_GPRS : 0;
}

static void answer_mmio(struct vmxhv_run *run)
{
	run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	run->u.mmio.retire_len = BENCH_MMIO_LEN;
	if (run->u.mmio.access & VMXHV_MMIO_READ) {
		run->gprs.gpr[0] = 0;
		run->gprs.rip += BENCH_MMIO_LEN;
		run->dirty = VMXHV_GROUP_GPRS;
	}
}

/*
 * The emulated CPU may deliver an IPI while interrupts are still masked, right before HLT, and then
 * nothing ends that: something must. Such a sample is far above the others, and not the one taken.
 */
#define HALTS_TOO_LONG	1	/* seconds */

static void too_long(int signal)
{
	(void)signal;		/* RUN is interrupted */
}

static void end_halt(void)
{
	struct vmxhv_msi msi = { .size = sizeof(msi), .address = 0xfee00000,
				 .data = BENCH_VECTOR };

	if (call(machine->vm, VMXHV_SIGNAL_MSI, &msi))
		die("SIGNAL_MSI");
}

static void make_timer(timer_t *timer)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = too_long };

	if (sigaction(SIGUSR1, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, timer))
		die("timer_create");
}

static void watch_halts(unsigned int seconds)
{
	const struct itimerspec after = { .it_value.tv_sec = seconds };
	static timer_t timer;
	static bool made;

	if (!made)
		make_timer(&timer);
	made = true;
	timer_settime(timer, 0, &after, NULL);
}

static void run_until_done(struct cpu *c)
{
	struct vmxhv_run_args args = { .size = sizeof(args) };
	struct vmxhv_run *run = c->run;

	for (;;) {
		if (ioctl(c->fd, VMXHV_RUN, &args)) {
			if (errno != EINTR)
				die("RUN: %.96s", last_error(c->fd).text);
			if (halting)
				end_halt();
		}
		switch (run->exit_reason) {
		case VMXHV_EXIT_IO:
			if (run->u.io.port == PORT_DONE)
				return;
			run->u.io.data = 0;
			break;
		case VMXHV_EXIT_MMIO:
			answer_mmio(run);
			break;
		case VMXHV_EXIT_INTR:
			break;
		default:
			die("exit %s, hardware reason %u", exit_name(run->exit_reason),
			    run->hw.reason);
		}
	}
}

static void run_case(void)
{
	if (halting)
		watch_halts(HALTS_TOO_LONG);
	run_until_done(&cpu);
	if (halting)
		watch_halts(0);
}

/* The guest's registers are given with the first RUN. */
static void life(unsigned int entry)
{
	struct machine m = *machine;
	struct cpu c = { .m = &m };

	m.vm = vm_create();
	machine_map(&m, 0, m.ram, m.ram_size, 0);
	c.fd = vcpu_create(m.vm);
	c.run = mmap(NULL, VMXHV_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	if (c.run == MAP_FAILED)
		die("mmap of the run area");
	if (get_group(&c, VMXHV_STATE_SREGS, &c.run->sregs, sizeof(c.run->sregs)))
		die("GET_STATE");
	set_real_mode(&c.run->sregs);
	c.run->gprs = (struct vmxhv_gprs){ .rflags = 2 };
	memcpy(&c.run->gprs.rip, m.ram + GUEST_BASE + 8 * entry, 8);
	c.run->dirty = VMXHV_GROUP_SREGS | VMXHV_GROUP_GPRS;
	run_until_done(&c);
	cpu_destroy(&c);
	close(m.vm);
}

static struct cpu pair_cpus[2];

static void pair_create(struct machine *m)
{
	const struct vmxhv_tsc as_host = {};

	m->vm = vm_create();
	machine_map(m, 0, m->ram, m->ram_size, 0);
	for (int i = 0; i < ARRAY_SIZE(pair_cpus); i++) {
		cpu_create(m, &pair_cpus[i], i);
		if (set_group(&pair_cpus[i], VMXHV_STATE_TSC, &as_host, sizeof(as_host)))
			die("SET_STATE of the TSC");
	}
}

static void pair_run(unsigned int id, unsigned int entry)
{
	cpu_start(&pair_cpus[id], MODE_LONG, entry);
	run_until_done(&pair_cpus[id]);
}

static void pair_msi(uint8_t vector)
{
	struct vmxhv_msi msi = { .size = sizeof(msi), .address = PAIR_MSI, .data = vector };

	if (ioctl(machine->vm, VMXHV_SIGNAL_MSI, &msi))
		die("SIGNAL_MSI");
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
	.name = "vmxhv", .open = open_side, .create = create, .start = start, .run = run_case,
	.ioctl = cheapest_ioctl, .run_at_once = run_at_once,
	.vm_create = vm_create, .apic = has_apic, .vcpu_create = vcpu_create, .life = life,
	.pair_create = pair_create, .pair_run = pair_run, .pair_msi = pair_msi,
};

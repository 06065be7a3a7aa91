// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC of a guest: registers, timer in three modes, IPIs, priorities, MSI. */
#include <pthread.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { REGISTERS, ONESHOT, PERIODIC, DEADLINE, IPI, PRIORITY, MSI, MODES, HALTED = 14, DECODER };
enum { X_TIMERS = 16, X2_TIMERS = 21 };
enum { DIVIDE, MASKED, UNMASKED, MASKED_PERIODS, TIMER_MODES };

static struct machine m;
static struct cpu c;

static int msi(uint32_t vector)
{
	struct vmxhv_msi a = {
		.size = sizeof(a), .address = 0xfee00000, .data = vector,
	};
	int ret = call(m.vm, VMXHV_SIGNAL_MSI, &a);

	return ret ? ret : (int)a.delivered;
}

static void *sender(void *arg)
{
	volatile uint32_t *ready = (uint32_t *)(m.ram + DATA_BASE);

	while (!*ready)
		usleep(500);
	*(int *)arg = msi(0x80);
	/* two that wait together come the higher first: let the guest take this one */
	usleep(2000 * patience(1));
	*(int *)arg += msi(0x81);
	return NULL;
}

static void send_messages(unsigned int first)
{
	int delivered = 0;
	pthread_t t;

	*(uint32_t *)(m.ram + DATA_BASE) = 0;
	cpu_start(&c, MODE_LONG, first + MSI);
	pthread_create(&t, NULL, sender, &delivered);
	EXPECT(&c, "MSI: two messages to a running guest", 0x180, 0x181);
	pthread_join(t, NULL);
	tap_equal(delivered, 2, "MSI: each was taken by one APIC");
}

static void start(unsigned int entry)
{
	cpu_start(&c, MODE_LONG, entry);
}

static void both_modes(unsigned int first, const char *mode)
{
	tap_note("%s", mode);
	start(first + REGISTERS);
	EXPECT(&c, "registers, TPR and CR8", 0, 0x14, 0x1ff, 3, 0x70);
	start(first + ONESHOT);
	EXPECT(&c, "timer: one shot", 1, 0x160, 0);
	start(first + PERIODIC);
	EXPECT(&c, "timer: periodic", 0x161, 0x161, 0x161, 0x161, 0);
	start(first + DEADLINE);
	EXPECT(&c, "timer: TSC deadline", 0x162, 1, 0);
	start(first + IPI);
	if (first)
		EXPECT(&c, "IPIs to itself", 0x170, 0x171, 0x172);
	else
		EXPECT(&c, "IPIs to itself", 0x170, 0x171);
	start(first + PRIORITY);
	EXPECT(&c, "priorities", 0x182, 0x171, 1, 0x161, 2, 0x151, 3);
	send_messages(first);
}

static void timers(unsigned int first)
{
	start(first + DIVIDE);
	EXPECT(&c, "timer: divided by 1 to 128", 0, 1, 2, 3, 4, 5, 6, 7);
	start(first + MASKED);
	EXPECT(&c, "timer: what expires masked is lost", 0, 0);
	start(first + UNMASKED);
	EXPECT(&c, "timer: unmasked in time, and restarted", 0, 0x164);
	start(first + MASKED_PERIODS);
	EXPECT(&c, "timer: periods go on while masked", 0x101, 0x165, 0x165);
	start(first + TIMER_MODES);
	EXPECT(&c, "timer: a deadline is for TSC-deadline mode, a count for the others", 0, 0, 0, 0,
	       0x167, 0x99, 1);
}

/* A read-modify-write of the APIC page comes out as MMIO, and back by LAPIC_ACCESS. */
static void decoder(void)
{
	struct vmxhv_lapic_access a = { .size = sizeof(a), .offset = 0x80, .length = 4, .write = 1,
					.value = 0x10 };
	int ret;

	start(DECODER);
	ret = run_guest(&c);
	if (ret != VMXHV_EXIT_MMIO && ret >= 0)
		note_exit(&c);
	tap_ok(ret == VMXHV_EXIT_MMIO && c.run->u.mmio.gpa == 0xfee00030,
	       "OR to the APIC page goes to userspace");
	tap_equal(call(c.fd, VMXHV_LAPIC_ACCESS, &a), 0, "LAPIC_ACCESS");
	c.run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c.run->u.mmio.retire_len = 4;
	EXPECT(&c, "forms of MOV that the kernel decodes", 0x20, 8, 0x14, 7);
	a.write = 0;
	a.value = 0;
	tap_equal(call(c.fd, VMXHV_LAPIC_ACCESS, &a), 0, "LAPIC_ACCESS: read");
	tap_equal(a.value, 0x10, "the value is there");
}

static int complete_only(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };

	return call(c.fd, VMXHV_RUN, &args) ?: (int)c.run->exit_reason;
}

static void set_bit_of(struct vmxhv_lapic *l, uint32_t base, uint32_t vector)
{
	l->regs[base + vector / 32 * 16 + vector % 32 / 8] |= 1u << vector % 8;
}

/* EOIs that no RUN has told of: they are in no group, and come out before state is read. */
static void ended_between_runs(void)
{
	struct vmxhv_lapic_access eoi = { .size = sizeof(eoi), .offset = 0xb0, .length = 4,
					  .write = 1 };
	struct vmxhv_lapic l;
	bool told;

	start(DECODER);
	if (get_group(&c, VMXHV_STATE_LAPIC, &l, sizeof(l)))
		tap_bail("GET_STATE");
	set_bit_of(&l, 0x100, 0x61);	/* ISR and TMR */
	set_bit_of(&l, 0x180, 0x61);
	set_bit_of(&l, 0x100, 0x93);
	set_bit_of(&l, 0x180, 0x93);
	set_bit_of(&l, 0x100, 0x45);
	if (set_group(&c, VMXHV_STATE_LAPIC, &l, sizeof(l)))
		tap_bail("SET_STATE: %.96s", last_error(c.fd).text);
	for (int i = 0; i < 3; i++)
		if (call(c.fd, VMXHV_LAPIC_ACCESS, &eoi))
			tap_bail("LAPIC_ACCESS");
	told = complete_only() == VMXHV_EXIT_EOI && c.run->u.eoi_vector == 0x61;
	told &= complete_only() == VMXHV_EXIT_EOI && c.run->u.eoi_vector == 0x93;
	tap_ok(told, "COMPLETE_ONLY tells of each EOI of a level-triggered interrupt");
	tap_equal(complete_only(), VMXHV_EXIT_NONE, "and then there is nothing that state lacks");
	if (get_group(&c, VMXHV_STATE_LAPIC, &l, sizeof(l)))
		tap_bail("GET_STATE");
	tap_ok(!(l.regs[0x130] & 2) && !(l.regs[0x142] & 8), "the interrupts are ended");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "apic");
	cpu_create(&m, &c, 0);
	ended_between_runs();
	both_modes(0, "xAPIC");
	timers(X_TIMERS);
	start(HALTED);
	EXPECT(&c, "the timer wakes a halted guest", 0x163, 9);
	decoder();
	both_modes(MODES, "x2APIC");
	timers(X2_TIMERS);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

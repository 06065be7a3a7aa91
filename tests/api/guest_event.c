// SPDX-License-Identifier: GPL-2.0-only
/* Events from userspace: windows, shadows, NMIs, ExtINT, and delivery that meets a missing page. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	WAIT_OPEN, STI_WINDOW, HALT_WAKE, NMI_TWICE, EXCEPTION_IN, FAR_IDT, FAR_STACK,
	FAR_SOFTWARE, MSI_RUNNING, CLI_WINDOW, REAL_HALT, STI_HLT,
};

static struct machine m;
static struct cpu c;

static void extint(uint32_t level)
{
	struct vmxhv_extint line = { .size = sizeof(line), .level = level };

	if (call(c.fd, VMXHV_EXTINT, &line))
		tap_bail("EXTINT");
}

/* As firmware leaves it: the PIC's line comes through LINT0. */
static void virtual_wire(void)
{
	struct vmxhv_lapic_access svr = {
		.size = sizeof(svr), .offset = 0xf0, .length = 4, .write = 1, .value = 0x1ff,
	};
	struct vmxhv_lapic_access lint0 = {
		.size = sizeof(lint0), .offset = 0x350, .length = 4, .write = 1, .value = 0x700,
	};

	if (call(c.fd, VMXHV_LAPIC_ACCESS, &svr) || call(c.fd, VMXHV_LAPIC_ACCESS, &lint0))
		tap_bail("LAPIC_ACCESS: %.96s", last_error(c.fd).text);
}

static int inject(uint32_t kind, uint8_t vector)
{
	struct vmxhv_inject in = { .size = sizeof(in), .kind = kind, .vector = vector };

	return call(c.fd, VMXHV_INJECT, &in);
}

/* Runs to the guest's OUT to port F0H, where it waits for something to happen to it. */
static bool at_request(unsigned int entry)
{
	int ret;

	cpu_start(&c, MODE_LONG, entry);
	ret = run_guest(&c);
	if (ret != VMXHV_EXIT_IO || c.run->u.io.port != 0xf0) {
		if (ret >= 0)
			note_exit(&c);
		tap_ok(false, "case %u asked for its event", entry);
		return false;
	}
	return true;
}

/* INTACK: the line is acknowledged with a vector, and goes down. */
static bool intack(uint8_t vector)
{
	int ret = run_guest(&c);

	if (ret != VMXHV_EXIT_INTACK) {
		if (ret >= 0)
			note_exit(&c);
		return false;
	}
	extint(0);
	c.run->intack_spurious = 0;
	c.run->intack_vector = vector;
	return true;
}

static void extints(void)
{
	cpu_start(&c, MODE_LONG, WAIT_OPEN);
	extint(1);
	tap_ok(intack(0x40), "ExtINT: INTACK when the guest can take it");
	EXPECT(&c, "ExtINT: the vector arrives", 0x140);

	if (at_request(STI_WINDOW)) {
		extint(1);
		tap_ok(intack(0x41), "ExtINT: INTACK at the window");
		EXPECT(&c, "STI: one more instruction is done first", 0x141, 2);
	}
	if (at_request(CLI_WINDOW)) {
		extint(1);
		tap_ok(intack(0x42), "ExtINT: not while interrupts are off");
		EXPECT(&c, "but as soon as they are on", 1, 0x142, 2);
	}
	if (at_request(STI_HLT)) {
		extint(1);
		tap_ok(intack(0x43), "HLT in STI's shadow");
		EXPECT(&c, "wakes up", 0x143, 3);
	}
	cpu_start(&c, MODE_REAL, REAL_HALT);
	extint(1);
	tap_ok(intack(0x20), "ExtINT in real mode wakes HLT");
	EXPECT(&c, "through the real-mode table", 0x20, 0x99);
}

static void spurious_intack(void)
{
	if (!at_request(CLI_WINDOW))
		return;
	extint(1);
	tap_equal(run_guest(&c), VMXHV_EXIT_INTACK, "INTACK, answered by spurious");
	extint(0);
	c.run->intack_spurious = 1;
	EXPECT(&c, "spurious: nothing arrives", 1, 2);
	c.run->intack_spurious = 0;
}

static void window(void)
{
	if (!at_request(CLI_WINDOW))
		return;
	c.run->user_flags = VMXHV_USER_WANT_WINDOW;
	tap_equal(run_guest(&c), VMXHV_EXIT_WINDOW, "WINDOW, when asked for");
	tap_equal(c.nr_values, 1, "at the first instruction that allows it");
	tap_ok(c.run->if_flag && c.run->ready_for_injection, "the run area agrees");
	c.run->user_flags = 0;
	EXPECT(&c, "and the guest goes on", 1, 2);
}

static void *waker(void *arg)
{
	volatile uint32_t *ready = (uint32_t *)(m.ram + DATA_BASE);

	while (!*ready)
		usleep(500);
	usleep(5000);
	extint(1);
	return arg;
}

static void wake_halted(void)
{
	pthread_t t;

	*(uint32_t *)(m.ram + DATA_BASE) = 0;
	cpu_start(&c, MODE_LONG, HALT_WAKE);
	pthread_create(&t, NULL, waker, NULL);
	tap_ok(intack(0x44), "a halted guest is woken by another thread");
	pthread_join(t, NULL);
	EXPECT(&c, "and takes the interrupt", 0x144, 0x77);

	*(uint32_t *)(m.ram + DATA_BASE) = 0;
	cpu_start(&c, MODE_LONG, WAIT_OPEN);
	pthread_create(&t, NULL, waker, NULL);
	tap_ok(intack(0x45), "a running guest is interrupted by another thread");
	pthread_join(t, NULL);
	EXPECT(&c, "and takes it", 0x145);
}

static void nmis(void)
{
	if (!at_request(NMI_TWICE))
		return;
	tap_equal(inject(VMXHV_INJECT_NMI, 0), 0, "an NMI");
	tap_equal(inject(VMXHV_INJECT_NMI, 0), 0, "and a second one");
	/* the second behind the first one's IRET: two bytes on, before anything else is done */
	EXPECT(&c, "NMIs arrive one after the other", 2, 0, 0, 2, 0, 2, 0x55);
}

static void exceptions(void)
{
	struct vmxhv_inject pf = {
		.size = sizeof(pf), .vector = 14, .has_error = 1, .error_code = 0xb,
		.has_payload = 1, .payload = 0xabc000,
	};
	struct vmxhv_inject gp = {
		.size = sizeof(gp), .vector = 13, .has_error = 1, .error_code = 0x18,
	};
	struct vmxhv_inject ud = { .size = sizeof(ud), .vector = 6 };

	if (at_request(EXCEPTION_IN)) {
		tap_equal(call(c.fd, VMXHV_INJECT, &pf), 0, "INJECT #PF");
		EXPECT(&c, "#PF: code and CR2", 14, 0xb, 0, 0x66, 0xabc000);
	}
	if (at_request(EXCEPTION_IN)) {
		tap_equal(call(c.fd, VMXHV_INJECT, &gp), 0, "INJECT #GP");
		EXPECT(&c, "#GP: its code, CR2 is as it was", 13, 0x18, 0, 0x66, 0xabc000);
	}
	if (at_request(EXCEPTION_IN)) {
		tap_equal(call(c.fd, VMXHV_INJECT, &ud), 0, "INJECT #UD");
		EXPECT(&c, "#UD: no code", 6, 0, 0, 0x66, 0xabc000);
	}
}

/* Makes the next touch of the page at PAGED_BASE an EPT violation. The content stays. */
static void lose_page(uint8_t *page)
{
	uint8_t copy[4096];

	memcpy(copy, page, sizeof(copy));
	madvise(page, 4096, MADV_DONTNEED);
	memcpy(page, copy, sizeof(copy));
	mprotect(page, 4096, PROT_READ);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

/* An exit in the middle of delivery: the event still arrives, once. */
static void interrupted_delivery(uint8_t *page)
{
	if (at_request(FAR_IDT)) {
		lose_page(page);
		extint(1);
		tap_ok(intack(0x46), "IDT not there: the interrupt comes behind the exception");
		lose_page(page);
		EXPECT(&c, "IDT not there: each event once", 6, 0, 0, 0x146);
	}
	if (at_request(FAR_STACK)) {
		lose_page(page);
		extint(1);
		tap_ok(intack(0x47), "stack not there: the interrupt comes behind the exception");
		lose_page(page);
		EXPECT(&c, "stack not there: each event once", 6, 0, 0, 0x147);
	}
	if (at_request(FAR_SOFTWARE)) {
		lose_page(page);
		tap_equal(run_guest(&c), VMXHV_EXIT_IO, "stack not there: INT n");
		lose_page(page);
		EXPECT(&c, "INT n and INT3 once each, where they belong", 0x150, 0x50, 3, 0, 1);
	}
}

/* The page is no memory at all: the exit carries the event, which is delivered afterwards. */
static void delivery_exit(uint8_t *page)
{
	if (!at_request(FAR_STACK))
		return;
	machine_unmap(&m, PAGED_BASE, 4096);
	tap_equal(run_guest(&c), VMXHV_EXIT_MMIO, "delivery to where no memory is exits");
	tap_ok(c.run->exit_flags & VMXHV_EXITF_DELIVERY, "as an exit during delivery");
	machine_map(&m, PAGED_BASE, page, 4096, 0);
	EXPECT(&c, "and the event is delivered afterwards", 6, 0, 0);
}

int main(void)
{
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

	machine_create(&m, 1 << 20);
	machine_map(&m, PAGED_BASE, page, 4096, 0);
	load_guest(&m, "event");
	cpu_create(&m, &c, 0);
	virtual_wire();
	/* first: where an interrupted event is lost, what follows may wait for it for ever */
	interrupted_delivery(page);
	delivery_exit(page);
	extints();
	spurious_intack();
	window();
	wake_halted();
	nmis();
	exceptions();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

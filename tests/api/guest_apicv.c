// SPDX-License-Identifier: GPL-2.0-only
/*
 * APIC virtualization, as far as the CPU goes and VM_FLAGS let it: what does not exit any more, and
 * that the guest sees no difference otherwise.
 *
 * That an operation does not exit is told by its ticks: an exit costs a hundred and more. With more
 * than one CPU ticks are no instructions; then only results are looked at.
 */
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { COSTS, BATCH, LEVEL, IN_SERVICE, GOES_ON, HALTED, BURST, CLOSED, MASKS, X2 = 9, LEAVE = 17 };

#define TIMES		100
#define NO_EXIT		12	/* ticks at most: the loop and the operation's set-up */
#define ONE_EXIT	60	/* ticks at least */
#define BATCH_SIZE	8
#define TRIES		3	/* an interrupt of the host's may come between, not each time */
#define HANDLER		40	/* ticks at most of one interrupt that nobody reports */
#define PATIENCE	3	/* seconds until a guest is called stuck */

static struct machine m, second;
static struct cpu c;
static int level;		/* what the CPU does by itself */
static bool exact;

static void find_level(void)
{
	static const char *const names[] = { "all by software", "the CPU keeps TPR",
					     "interrupts are delivered by the CPU",
					     "by the CPU, even if they are masked" };

	level = apic_level(&m);
	exact = sysconf(_SC_NPROCESSORS_ONLN) == 1;
	tap_note("flags %u: %s", vm_flags(), names[level]);
}

static void start(unsigned int entry)
{
	cpu_start(&c, MODE_LONG, entry);
}

/* Runs a case to its end; its values are in @c. */
static bool ends(unsigned int entry)
{
	int ret;

	start(entry);
	ret = run_guest(&c);
	if (ret != VMXHV_EXIT_NONE && ret >= 0)
		note_exit(&c);
	return ret == VMXHV_EXIT_NONE;
}

static void costs(unsigned int first, const char *mode)
{
	static const struct { const char *name; int level; } ops[] = {
		{ "TPR is written", LEVEL_TPR }, { "TPR is read", LEVEL_TPR },
		{ "EOI", LEVEL_FULL },
		{ "SVR is read", LEVEL_FULL }, { "an IPI to itself", LEVEL_FULL },
		{ "CR8 is written", LEVEL_TPR }, { "CR8 is read", LEVEL_TPR },
	};
	const int count = ARRAY_SIZE(ops);
	unsigned int least[ARRAY_SIZE(ops)];
	bool right = true;

	memset(least, 0xff, sizeof(least));
	for (int i = 0; i < TRIES; i++) {
		right &= ends(first + COSTS) && c.nr_values == count + 1 && c.values[count] == 1;
		for (int k = 0; k < count; k++)
			least[k] = MIN(least[k], c.values[k] / TIMES);
	}
	tap_ok(right, "%s: each operation, and one interrupt in the end", mode);
	for (int i = 0; exact && i < count; i++) {
		bool none = level >= ops[i].level;
		bool good = none ? least[i] <= NO_EXIT : least[i] >= ONE_EXIT;

		tap_ok(good, "%s: %s %s", mode, ops[i].name,
		       none ? "without an exit" : "by an exit");
		if (!good)
			tap_note("%u ticks", least[i]);
	}
}

static int msi(uint32_t data)
{
	struct vmxhv_msi a = { .size = sizeof(a), .address = 0xfee00000, .data = data };
	int ret = call(m.vm, VMXHV_SIGNAL_MSI, &a);

	return ret ? ret : (int)a.delivered;
}

static bool takes_ipis(unsigned int first)
{
	return ends(first + BATCH) && c.nr_values == 2 && c.values[1] == BATCH_SIZE;
}

static bool takes_msis(unsigned int first)
{
	int sent = 0;

	if (!ends(first + BURST))
		tap_note("it did not come to the point");
	for (int i = 0; i < BATCH_SIZE; i++)
		sent += msi(0x40 + 16 * i);
	c.nr_values = 0;
	return run_guest(&c) == VMXHV_EXIT_NONE && sent == BATCH_SIZE && c.nr_values == 2 &&
	       c.values[1] == BATCH_SIZE;
}

/* All that wait are delivered without an exit between them. */
static void batch(unsigned int first, bool (*takes)(unsigned int), const char *mode,
		  const char *what)
{
	unsigned int ticks = -1u, most = BATCH_SIZE * HANDLER;
	bool right = true, good;

	for (int i = 0; i < TRIES; i++) {
		right &= takes(first);
		ticks = MIN(ticks, c.values[0]);
	}
	tap_ok(right, "%s: %s", mode, what);
	if (!exact)
		return;
	good = level >= LEVEL_FULL ? ticks <= most : ticks >= BATCH_SIZE * ONE_EXIT;
	tap_ok(good, "%s: %s cost %s", mode, what,
	       level >= LEVEL_FULL ? "one entry" : "an exit each");
	if (!good)
		tap_note("%u ticks", ticks);
}

static void batches(unsigned int first, const char *mode)
{
	batch(first, takes_ipis, mode, "eight IPIs to itself");
	batch(first, takes_msis, mode, "eight MSIs");
}

/* The EOI of a level-triggered vector comes out, that of an edge does not, in either order. */
static void eoi_exits(unsigned int first, const char *mode)
{
	int ret, sent;

	start(first + LEVEL);
	sent = msi(0xc060);
	ret = run_guest_for(&c, PATIENCE);
	tap_ok(ret == VMXHV_EXIT_EOI && c.run->u.eoi_vector == 0x60,
	       "%s: the EOI of a level-triggered MSI comes out", mode);
	sent += msi(0x60);
	ret = run_guest_for(&c, PATIENCE);
	tap_ok(ret == VMXHV_EXIT_NONE && sent == 2 && c.nr_values == 2 && c.values[0] == 0x160 &&
	       c.values[1] == 0x160, "%s: that of the same vector by edge does not", mode);
}

static uint32_t vectors(const struct vmxhv_lapic *lapic, uint32_t base, uint32_t vector)
{
	uint32_t word;

	memcpy(&word, lapic->regs + base + vector / 32 * 16, sizeof(word));
	return word;
}

/* An interrupt in service and one that waits go along to another VM. */
static void moves(unsigned int first, const char *mode)
{
	struct vmxhv_sregs from = {}, to = {};
	struct vmxhv_lapic lapic = {};
	struct cpu other;

	start(first + IN_SERVICE);
	EXPECT(&c, "one is in service, the other has to wait", 0x155);
	tap_equal(get_group(&c, VMXHV_STATE_LAPIC, &lapic, sizeof(lapic)), 0, "GET_STATE");
	tap_ok(vectors(&lapic, 0x100, 0x55) == 1u << 0x15 &&
	       vectors(&lapic, 0x200, 0x45) == 1u << 5 && lapic.regs[0xa0] == 0x50,
	       "%s: ISR, IRR and PPR say so", mode);
	get_group(&c, VMXHV_STATE_SREGS, &from, sizeof(from));

	cpu_create(&second, &other, first ? 1 : 0);
	/* the ID is the vCPU's own */
	lapic.regs[0x20] = first ? 1 : 0;
	get_group(&other, VMXHV_STATE_SREGS, &to, sizeof(to));
	to.apic_base = (to.apic_base & ~0xc00ull) | (from.apic_base & 0xc00);
	tap_equal(set_group(&other, VMXHV_STATE_SREGS, &to, sizeof(to)), 0, "SET_STATE: mode");
	tap_equal(set_group(&other, VMXHV_STATE_LAPIC, &lapic, sizeof(lapic)), 0, "SET_STATE");
	cpu_start(&other, MODE_LONG, first + GOES_ON);
	EXPECT(&other, "another VM goes on with them", 1, 0x145, 2);
	start(first + GOES_ON);
	EXPECT(&c, "and so does this one", 1, 0x145, 2);
	cpu_destroy(&other);
}

static void both_modes(unsigned int first, const char *mode)
{
	costs(first, mode);
	batches(first, mode);
	eoi_exits(first, mode);
	moves(first, mode);
	start(first + HALTED);
	EXPECT(&c, "what is pending ends HLT", 0x166, 9);
	if (level == LEVEL_FULL_EMULATED) {
		tap_skip("none is delivered while interrupts are masked", "this CPU does");
	} else {
		start(first + CLOSED);
		EXPECT(&c, "none is delivered while interrupts are masked", 0, 1);
	}
}

/*
 * The EPT is one for all: as long as one vCPU's APIC does not answer at the page, the others'
 * accesses exit, and after that they do not.
 */
static void mixed_modes(void)
{
	struct cpu other;

	cpu_create(&m, &other, 1);
	cpu_start(&other, MODE_LONG, X2 + HALTED);
	EXPECT(&other, "another vCPU in x2APIC mode", 0x166, 9);
	tap_ok(ends(COSTS) && c.values[7] == 1, "the first one's page answers all the same");
	/* by the page, whatever the CPU could do */
	if (exact)
		tap_ok(c.values[0] / TIMES >= ONE_EXIT, "but by exits");
	cpu_start(&other, MODE_LONG, LEAVE);
	EXPECT(&other, "it goes back");
	costs(0, "xAPIC again");
	cpu_destroy(&other);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	machine_create(&second, 1 << 20);
	load_guest(&m, "apicv");
	load_guest(&second, "apicv");
	find_level();
	cpu_create(&m, &c, 0);
	both_modes(0, "xAPIC");
	start(MASKS);
	EXPECT(&c, "what the registers keep of all ones", 0, 0xff000000, 0xffffffff, 0xff000000,
	       0x700ff, 0x1a7ff, 0xb, 0x3ff, 0xff, 0x10031);
	mixed_modes();
	both_modes(X2, "x2APIC");
	start(LEAVE);
	EXPECT(&c, "back to the page");
	costs(0, "xAPIC again");
	cpu_destroy(&c);
	machine_destroy(&second);
	machine_destroy(&m);
	return tap_done();
}

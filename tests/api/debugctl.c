// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's IA32_DEBUGCTL, which each VM exit clears, is what perf last made of it, also where that
 * was done by an IPI to the CPU on which a guest runs.
 */
#include <fcntl.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"

#define MSR_DEBUGCTL	0x1d9
#define BTF		2ull		/* single-step on branches: nothing here steps */
#define ROUNDS		50

static int msr;

static uint64_t debugctl(void)
{
	uint64_t value = ~0ull;

	if (pread(msr, &value, sizeof(value), MSR_DEBUGCTL) != sizeof(value))
		tap_bail("IA32_DEBUGCTL cannot be read");
	return value;
}

static void set_debugctl(uint64_t value)
{
	if (pwrite(msr, &value, sizeof(value), MSR_DEBUGCTL) != sizeof(value))
		tap_bail("IA32_DEBUGCTL cannot be written");
}

int main(void)
{
	struct counter g;
	int i, wrong = 0;

	msr = open("/dev/cpu/1/msr", O_RDWR);
	if (msr < 0)
		tap_bail("no /dev/cpu/1/msr");
	set_debugctl(BTF);
	if (debugctl() != BTF)
		tap_skip_all("this CPU keeps nothing in IA32_DEBUGCTL");
	set_debugctl(0);
	pin(pthread_self(), 0);
	counter_start(&g);
	pin(g.thread, 1);
	expect_counting(&g, "a guest runs");
	for (i = 0; i < ROUNDS; i++) {
		set_debugctl(i % 2 ? 0 : BTF);
		usleep(2000);
		wrong += debugctl() != (i % 2 ? 0 : BTF);
	}
	tap_equal(wrong, 0, "what was written while it ran stays");
	expect_counting(&g, "and the guest runs on");
	set_debugctl(0);
	counter_close(&g);
	return tap_done();
}

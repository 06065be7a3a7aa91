// SPDX-License-Identifier: GPL-2.0-only
/* The host sleeps (S3) while a guest runs: VMX is off on the way down, and the guest runs on. */
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"

static void sleep_once(struct counter *g, const char *name)
{
	char all[64];
	int ret = write_line("/sys/power/state", "mem");

	online_cpus(all, sizeof(all));
	tap_ok(!ret, "%s: the host slept and woke: %s", name, strerror(-ret));
	expect_vmxe(g->m.vm >= 0 ? all : "", name);
}

int main(void)
{
	struct counter g = { .m.vm = -1 };
	struct cpu second;

	if (write_line("/sys/power/mem_sleep", "deep"))
		tap_skip_all("no S3 here");
	sleep_once(&g, "no VM");
	counter_start(&g);
	/* a vCPU that never ran, and one that ran before and not since */
	cpu_create(&g.m, &second, 1);
	expect_counting(&g, "before");
	sleep_once(&g, "a guest runs");
	expect_counting(&g, "after the sleep");
	sleep_once(&g, "again");
	expect_counting(&g, "after another");
	counter_stop(&g);
	sleep_once(&g, "a vCPU that does not run");
	counter_go(&g);
	expect_counting(&g, "run again after the sleep");
	cpu_destroy(&second);
	counter_close(&g);
	expect_vmxe("", "the last VM is closed");
	return tap_done();
}

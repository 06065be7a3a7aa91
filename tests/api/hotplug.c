// SPDX-License-Identifier: GPL-2.0-only
/* CPU 1 goes and comes while VMs exist: a guest goes on, and the CPU has VMX as the others have. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"

#define TIMES	3

static void set_online(bool online)
{
	int ret = write_line("/sys/devices/system/cpu/cpu1/online", online ? "1" : "0");

	if (ret)
		tap_bail("CPU 1 %s: %s", online ? "online" : "offline", strerror(-ret));
}

/* The guest was on CPU 1 when it went: its VMCS was active there. */
static void cpu_goes(struct counter *g, bool pinned)
{
	const char *how = pinned ? "pinned to it" : "pinned nowhere";
	char name[80];

	if (pinned) {
		pin(g->thread, 1);
		expect_counting(g, "on CPU 1");
	}
	snprintf(name, sizeof(name), "CPU 1 went, guest %s", how);
	set_online(false);
	expect_counting(g, name);
	expect_vmxe("0", name);
	snprintf(name, sizeof(name), "CPU 1 came, guest %s", how);
	set_online(true);
	expect_counting(g, name);
	expect_vmxe("0-1", name);
}

/* A CPU that comes while nobody uses VMX is left alone, also if it went while somebody did. */
static void without_vm(struct counter *g)
{
	set_online(false);
	counter_close(g);
	expect_vmxe("", "the last VM went while CPU 1 was away");
	set_online(true);
	expect_vmxe("", "CPU 1 came without a VM");
	set_online(false);
	counter_start(g);
	expect_vmxe("0", "a VM is made while CPU 1 is away");
	set_online(true);
	expect_vmxe("0-1", "CPU 1 came after it");
	pin(g->thread, 1);
	expect_counting(g, "on CPU 1, which came after the VM");
	counter_close(g);
	expect_vmxe("", "the last VM is closed");
}

int main(void)
{
	struct counter g;

	counter_start(&g);
	expect_counting(&g, "at first");
	expect_vmxe("0-1", "at first");
	for (int i = 0; i < TIMES; i++)
		cpu_goes(&g, false);
	for (int i = 0; i < TIMES; i++)
		cpu_goes(&g, true);
	without_vm(&g);
	return tap_done();
}

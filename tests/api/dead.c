// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM that is dead while its process lives: the module's own mistake, planted (cases/exits.py).
 * What would change it is EIO from then on; what is there can still be read; and which refusal wins
 * where there are two.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

static struct machine m;
static struct cpu c;

static int fd_of(const struct a_call *a)
{
	const int fd[FDS] = { m.dev, m.vm, c.fd };

	return fd[a->fd];
}

static void expect_dead(const struct a_call *a, int ret, const char *what)
{
	char name[80];

	snprintf(name, sizeof(name), "%s%s", a->name, what);
	expect_error(fd_of(a), ret, EIO, VMXHV_ERR_NONE, 0, "dead", name);
}

static void good_argument(const struct a_call *a)
{
	int ret;

	calls_prepare();
	ret = call(fd_of(a), a->command, a->argument);
	if (a->alive) {
		expect_dead(a, ret, ": refused");
	} else if (a->command == VMXHV_RUN) {
		tap_equal(ret, -EIO, "RUN: refused");
	} else if (a->command == VMXHV_SET_CPUID) {
		tap_equal(ret, -EBUSY, "SET_CPUID: as on any vCPU that ran");
	} else {
		tap_ok(ret >= 0, "%s: works", a->name);
		if (a->command == VMXHV_CREATE_VM)
			close(ret);
	}
}

/* Its array is not looked at, its reserved fields are. */
static void bad_argument(const struct a_call *a)
{
	const uint64_t nowhere = 8;

	calls_prepare();
	if (a->alive && a->array) {
		memcpy((uint8_t *)a->argument + a->array, &nowhere, sizeof(nowhere));
		expect_dead(a, call(fd_of(a), a->command, a->argument),
			    ": before its array is looked at");
	}
	for (const struct field *f = a->reserved; f->size; f++) {
		calls_prepare();
		((uint8_t *)a->argument)[f->at] = 1;
		expect_error(fd_of(a), call(fd_of(a), a->command, a->argument), EINVAL,
			     VMXHV_ERR_ARGUMENT, f->at, "reserved", a->name);
	}
}

/* What of an argument is looked at first, and what is not. */
static void order(void)
{
	static struct vmxhv_memory none = { .size = sizeof(none) };
	static struct vmxhv_dirty dirty = { .size = sizeof(dirty), .op = 2, .length = 4096 };
	static struct vmxhv_create_vcpu beyond = { .size = sizeof(beyond), .id = 64 };
	static struct vmxhv_msi msi = { .size = sizeof(msi), .address = 0x1000 };
	static struct vmxhv_config nmi = { .size = sizeof(nmi), .exceptions = 1 << 2 };
	static const struct {
		const char *name;
		unsigned long command;
		void *arg;
		int error;
	} rows[] = {
		{ "MEMORY without operations", VMXHV_MEMORY, &none, EINVAL },
		{ "DIRTY, an unknown operation", VMXHV_DIRTY, &dirty, EINVAL },
		{ "CREATE_VCPU beyond the last id", VMXHV_CREATE_VCPU, &beyond, ENOSPC },
		{ "SIGNAL_MSI, no message", VMXHV_SIGNAL_MSI, &msi, EIO },
		{ "CONFIG of NMI", VMXHV_CONFIG, &nmi, EIO },
	};

	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		expect_error(m.vm, call(m.vm, rows[i].command, rows[i].arg), rows[i].error, ANY,
			     ANY, NULL, rows[i].name);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "plain");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, 0);
	tap_equal(run(&c), 0, "RUN returns 0");
	tap_equal(c.run->exit_reason, VMXHV_EXIT_INTERNAL, "with INTERNAL: the VM is dead");
	for (const struct a_call *a = calls; a < calls + NR_CALLS; a++) {
		good_argument(a);
		bad_argument(a);
	}
	order();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

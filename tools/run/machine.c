// SPDX-License-Identifier: GPL-2.0-only
/* How a run ends. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "term.h"

void die(int status, const char *format, ...)
{
	va_list ap;

	term_restore();
	fputs("vmxhv-run: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

void machine_stop(struct machine *machine, int status, const char *format, ...)
{
	va_list ap;

	if (atomic_flag_test_and_set(&machine->decided))
		return;
	va_start(ap, format);
	vsnprintf(machine->reason, sizeof(machine->reason), format, ap);
	va_end(ap);
	atomic_store(&machine->status, status);
	/* The kick is sticky: a vCPU on its way into the kernel comes back at once. */
	vmxhv_vcpu_kick(&machine->vcpu);
}

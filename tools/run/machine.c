// SPDX-License-Identifier: GPL-2.0-only
/* How a run ends. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "output.h"
#include "term.h"

/* Nobody takes signals any more: who waits here for a reader of ours must end by them. */
void die(int status, const char *format, ...)
{
	char text[600];
	sigset_t all;
	va_list ap;

	term_restore();
	sigfillset(&all);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	output_say("%s", text);
	output_say_drain();
	exit(status);
}

bool machine_stop(struct machine *machine, int status, const char *format, ...)
{
	va_list ap;

	if (atomic_flag_test_and_set(&machine->decided))
		return false;
	va_start(ap, format);
	vsnprintf(machine->reason, sizeof(machine->reason), format, ap);
	va_end(ap);
	atomic_store(&machine->status, status);
	/* The kick is sticky: a vCPU on its way into the kernel comes back at once. */
	vmxhv_vcpu_kick(&machine->vcpu);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT looks like a machine check during VM entry here (cases/silicon.py).
 *
 *   machine_check told      RUN ends at once, for the host's handler to have its way
 *   machine_check untold    this kernel has no handler that a module can call: the VM is dead
 *
 * Neither is a failed entry of the VMM's own making.
 */
#include <errno.h>
#include <string.h>

#include "machine.h"

/* hlt; jmp back */
static const uint8_t program[] = { 0xf4, 0xeb, 0xfd };

int main(int argc, char **argv)
{
	const bool told = argc > 1 && !strcmp(argv[1], "told");
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	machine_tables(&m);
	cpu_create(&m, &c, 0);
	load_code(&m, program, sizeof(program));
	cpu_start(&c, MODE_REAL, 0);
	if (told) {
		/* INTR can come for the host's own reasons, HALTED never does here */
		tap_equal(run(&c), 0, "RUN returns");
		tap_equal(c.run->exit_reason, VMXHV_EXIT_INTR, "as if it was interrupted");
		tap_equal(run(&c), 0, "and can be called again");
		tap_equal(c.run->exit_reason, VMXHV_EXIT_INTR, "with the same end");
	} else {
		tap_equal(run(&c), 0, "RUN returns");
		tap_equal(c.run->exit_reason, VMXHV_EXIT_INTERNAL, "with an internal error");
		tap_ok(strstr(c.run->u.internal.text, "machine check"), "which is named: %.60s",
		       c.run->u.internal.text);
		tap_equal(-run(&c), EIO, "the VM is dead");
	}
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host goes down between an exit and its handler (cases/silicon.py): VMREADs then give 0, which
 * is no exit for userspace to answer.
 */
#include <errno.h>
#include <string.h>

#include "machine.h"

/* out %al, $0x80; jmp back */
static const uint8_t program[] = { 0xe6, 0x80, 0xeb, 0xfc };

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	machine_tables(&m);
	cpu_create(&m, &c, 0);
	load_code(&m, program, sizeof(program));
	cpu_start(&c, MODE_REAL, 0);
	tap_equal(-run(&c), ESHUTDOWN, "RUN says that the host goes down");
	tap_equal(-run(&c), ESHUTDOWN, "and says so again");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

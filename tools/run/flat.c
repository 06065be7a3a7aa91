// SPDX-License-Identifier: GPL-2.0-only
/* --flat: a raw image, started in real mode. */
#include "file.h"
#include "machine.h"

void load_flat(struct machine *machine)
{
	const struct options *options = machine->options;
	struct file file;
	void *at;

	file_read(options->flat, &file);
	if (!file.size)
		die(STATUS_USAGE, "%s: is empty", options->flat);
	at = memory_at(machine, options->flat_addr, file.size);
	if (!at)
		die(STATUS_USAGE, "%s: %zu bytes do not fit between %#x and %#llx", options->flat,
		    file.size, options->flat_addr, MEM_LOW_END);
	file_copy(at, &file);
	file_free(&file);
}

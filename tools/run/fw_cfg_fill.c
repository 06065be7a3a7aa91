// SPDX-License-Identifier: GPL-2.0-only
/* What fw_cfg holds: memory map, kernel, initrd, command line, and the user's files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "file.h"
#include "machine.h"

/* As in the zero page. */
struct e820_entry {
	uint32_t start[2], length[2], type;
};

static void add_map(struct machine *machine)
{
	static struct e820_entry table[MEMORY_RANGES];
	struct memory_range map[MEMORY_RANGES];
	unsigned int i, count;

	count = memory_ranges(map, memory_low(machine), memory_high(machine));
	for (i = 0; i < count; i++) {
		const uint64_t start = map[i].start, length = map[i].end - start;

		table[i] = (struct e820_entry){
			.start = { start, start >> 32 }, .length = { length, length >> 32 },
			.type = map[i].type,
		};
	}
	fw_cfg_add_file(&machine->fw_cfg, "etc/e820", table, count * sizeof(table[0]));
}

static void check_size(const char *path, const struct file *file)
{
	if (file->size > UINT32_MAX)
		die(STATUS_USAGE, "%s: is larger than 4 GiB", path);
}

/* Mapped until we end. */
static struct file whole_file(const char *path)
{
	struct file file;

	file_read(path, &file);
	check_size(path, &file);
	return file;
}

static void add_sized(struct fw_cfg *fw_cfg, uint16_t size_key, uint16_t data_key,
		      const uint8_t *data, uint32_t size)
{
	fw_cfg_add_number(fw_cfg, size_key, size, 4);
	fw_cfg_add(fw_cfg, data_key, size ? data : (const uint8_t *)"", size);
}

/* A bzImage is in two parts, as its own loader wants it; anything else is one. */
static void add_kernel(struct fw_cfg *fw_cfg, const char *path, uint64_t ram_size)
{
	struct file file;
	size_t setup = 0;

	file_read_kernel(path, &file, ram_size);
	check_size(path, &file);

	if (bzimage_is(file.data, file.size))
		setup = bzimage_setup_size(file.data);
	add_sized(fw_cfg, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA, file.data, setup);
	add_sized(fw_cfg, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, file.data + setup,
		  file.size - setup);
}

static const char *why_not(int err)
{
	switch (err) {
	case -EEXIST:
		return "there is one of that name";
	case -ENAMETOOLONG:
		return "the name is longer than 55 characters";
	case -ENOSPC:
		return "too many files";
	default:
		return "want NAME=FILE";
	}
}

static void add_user_file(struct machine *machine, const char *option)
{
	const char *equals = strchr(option, '=');
	char *name = strdup(option);
	struct file file;
	int err = -EINVAL;

	if (!name)
		die(STATUS_HOST, "no memory");
	if (equals) {
		name[equals - option] = '\0';
		file = whole_file(equals + 1);
		err = fw_cfg_add_file(&machine->fw_cfg, name, file.data, file.size);
	}
	free(name);
	if (err)
		die(STATUS_USAGE, "--fw-cfg %s: %s", option, why_not(err));
}

void fw_cfg_fill(struct machine *machine)
{
	const struct options *options = machine->options;
	struct fw_cfg *fw_cfg = &machine->fw_cfg;
	struct file initrd = { 0 };
	unsigned int i;

	fw_cfg_init(fw_cfg);
	fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, machine->ram_size, 8);
	fw_cfg_add_number(fw_cfg, FW_CFG_CPUS, 1, 2);
	fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 1, 2);
	if (options->kernel) {
		add_kernel(fw_cfg, options->kernel, machine->ram_size);
		add_sized(fw_cfg, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA,
			  (const uint8_t *)machine->command_line,
			  strlen(machine->command_line) + 1);
	}
	if (options->initrd)
		initrd = whole_file(options->initrd);
	add_sized(fw_cfg, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, initrd.data, initrd.size);
	add_map(machine);
	for (i = 0; i < options->fw_cfg_count; i++)
		add_user_file(machine, options->fw_cfg[i]);
}

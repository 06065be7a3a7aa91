/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line, and what the exit status means. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The most that addresses of 40 bits reach, with the hole below 4 GiB. */
#define MEM_MOST	((1ull << 40) - (1ull << 30))
#define MEM_LEAST	(2ull << 20)

/* Exit status; --help prints them. */
enum status {
	STATUS_OFF = 0,		/* the guest powered off; --flat: it halted for good */
	STATUS_HOST = 1,	/* something failed on the host */
	STATUS_USAGE = 2,	/* a bad argument or image */
	STATUS_RESET = 3,	/* the guest asked for a reset */
	STATUS_SHUTDOWN = 4,	/* triple fault */
	STATUS_QUIT = 5,	/* Ctrl-A X */
	STATUS_ENTRY = 6,	/* the CPU refused the guest's state, or the module failed */
	STATUS_EMULATION = 7,	/* an instruction on MMIO that we do not know */
	STATUS_UNUSABLE = 8,	/* no usable /dev/vmxhv */
	STATUS_OUTPUT = 9,	/* the guest's output could not be written */
	STATUS_TIMEOUT = 124,	/* --timeout */
	STATUS_SIGNAL = 128,	/* plus the number of the signal */
};

enum signature {
	SIGNATURE_KERNEL,	/* as the module gives it */
	SIGNATURE_KVM,
	SIGNATURE_NONE,
};

#define MODULES_MAX	16
#define FW_CFG_MAX	16

struct options {
	const char *device;
	const char *kernel, *initrd, *append;
	const char *module[MODULES_MAX];
	unsigned int module_count;
	const char *fw_cfg[FW_CFG_MAX];
	unsigned int fw_cfg_count;
	const char *flat;
	uint16_t flat_addr;
	uint64_t mem;
	bool pc;
	enum signature signature;
	unsigned int timeout;	/* seconds, 0: none */
	int debug_exit;		/* port, or -1 */
	bool trace_io;
	uint32_t vm_flags;	/* VMXHV_VM_* */
};

/* Parse, or print what is wrong (or what was asked for) and end the process. */
void options_parse(struct options *options, int argc, char **argv);

/*
 * "64M", "1G", "262144K", "268435456". Return: 0; -EINVAL: no size; -ERANGE: more than 64 bits
 * hold; -EDOM: not in whole pages of 4 KiB.
 */
int parse_size(const char *text, uint64_t *size);

#endif /* RUN_OPTIONS_H */

// SPDX-License-Identifier: GPL-2.0-only
/* Options, help, and one clear line for each thing that is wrong with them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "util.h"
#include "vmxhv.h"
#include "vmxhv_version.h"

static const char help[] =
"usage: vmxhv-run --kernel IMAGE [--initrd FILE] [--append STRING] [--mem SIZE] ...\n"
"       vmxhv-run --flat FILE [--flat-addr ADDRESS] [--mem SIZE] ...\n"
"Run a guest on /dev/vmxhv, with its serial port on this terminal.\n"
"\n"
"  --kernel FILE         by its content: a Linux bzImage with a 64-bit entry; a static 64-bit ELF\n"
"                        executable, started as Linux is (RSI: the zero page); a Multiboot image\n"
"                        (version 1: ELF, or with address fields), started in 32-bit mode\n"
"  --initrd FILE         its initial RAM disk (bzImage and ELF)\n"
"  --append STRING       its command line (default: console=ttyS0; Multiboot: empty)\n"
"  --module FILE[,ARGS]  a module, with FILE ARGS as its text (Multiboot); up to 16 times\n"
"  --flat FILE           a raw image, started in real mode; ends at HLT with interrupts off\n"
"  --flat-addr ADDRESS   where the image is loaded and started (default: 0x1000)\n"
"  --mem SIZE            memory, with suffix K, M or G (default: 256M)\n"
"  --machine NAME        reduced (default): hardware-reduced ACPI, I/O APIC, no timer but the local\n"
"                        APIC's; pc: also 8259s, 8254, ACPI's fixed hardware with its timer\n"
"  --fw-cfg NAME=FILE    a file that the guest reads by name through fw_cfg (ports 0x510 and 0x511)\n"
"  --cpus N              only 1 for now\n"
"  --cpu hypervisor=NAME signature in CPUID 40000000H: vmxhv (default), kvm (Linux then uses\n"
"                        x2APIC; no paravirtual features) or none\n"
"  --timeout SECONDS     end the guest after this time\n"
"  --debug-exit PORT     an OUT of N to this port ends the run; the exit status is N modulo 256\n"
"  --trace-io            say on stderr which ports and addresses nobody claims\n"
"  --apicv WHAT          of the local APIC the CPU does: all (as much as it can), tpr, or nothing;\n"
"                        default: all that it is known to do well\n"
"  --device FILE         default: /dev/vmxhv\n"
"  --help, --version\n"
"\n"
"On a terminal, Ctrl-A X quits and Ctrl-A Ctrl-A sends Ctrl-A.\n"
"\n"
"Exit status: 0 the guest powered off (--flat: halted for good), 1 a failure on the host,\n"
"2 a bad argument or image, 3 the guest asked for a reset, 4 triple fault, 5 Ctrl-A X,\n"
"6 the CPU refused the guest's state or the module failed, 7 an MMIO instruction that is not\n"
"known, 8 no usable /dev/vmxhv, 9 output that could not be written, 124 --timeout,\n"
"128+N signal N.\n";

enum { OPT_KERNEL = 1, OPT_INITRD, OPT_APPEND, OPT_MEM, OPT_CPU, OPT_CPUS, OPT_FLAT, OPT_FLAT_ADDR,
	OPT_DEBUG_EXIT, OPT_MODULE, OPT_TIMEOUT, OPT_TRACE_IO, OPT_DEVICE, OPT_HELP, OPT_VERSION,
	OPT_MACHINE, OPT_FW_CFG, OPT_APICV };

static const struct option known[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "fw-cfg", required_argument, NULL, OPT_FW_CFG },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "mem", required_argument, NULL, OPT_MEM },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "flat", required_argument, NULL, OPT_FLAT },
	{ "flat-addr", required_argument, NULL, OPT_FLAT_ADDR },
	{ "debug-exit", required_argument, NULL, OPT_DEBUG_EXIT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "trace-io", no_argument, NULL, OPT_TRACE_IO },
	{ "apicv", required_argument, NULL, OPT_APICV },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* What QEMU and others call it. */
static const char *const aliases[] = {
	"m", "mem", "memory", "mem", "ram", "mem", "smp", "cpus", "cmdline", "append",
	"args", "append",
	"v", "version", "h", "help", "bios", "flat", NULL,
};

static const struct cli cli = {
	.program = "vmxhv-run", .known = known, .aliases = aliases,
	.usage_status = STATUS_USAGE, .output_status = STATUS_OUTPUT,
};

#define usage(...)	cli_refuse(&cli, __VA_ARGS__)

/* A whole non-negative number up to @max in C notation. */
static int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno || *end || *number > max ? -EINVAL : 0;
}

/* A K, M, G or T behind the number; also KiB and so on, but not KB, which is another number. */
static int parse_suffix(const char *text, unsigned int *shift)
{
	static const char letters[] = "KMGT";
	const char *letter = *text ? strchr(letters, toupper((unsigned char)*text)) : NULL;

	*shift = letter ? 10 * (letter - letters + 1) : 0;
	text += !!letter;
	if (letter && !strcmp(text, "iB"))
		return 0;
	return *text ? -EINVAL : 0;
}

int parse_size(const char *text, uint64_t *size)
{
	unsigned int shift;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*size = strtoull(text, &end, 0);
	if (parse_suffix(end, &shift))
		return -EINVAL;
	if (errno || *size > UINT64_MAX >> shift)
		return -ERANGE;
	*size <<= shift;
	return *size % 4096 ? -EDOM : 0;
}

static void parse_mem(struct options *options, const char *text)
{
	const int err = parse_size(text, &options->mem);

	if (err == -EINVAL)
		usage("--mem %s: want a size such as 256M or 2G", text);
	if (err == -ERANGE || options->mem > MEM_MOST)
		usage("--mem %s: at most %lluG", text, MEM_MOST >> 30);
	if (options->mem < MEM_LEAST)
		usage("--mem %s: at least %lluM", text, MEM_LEAST >> 20);
	if (err == -EDOM)
		usage("--mem %s: want whole pages, a multiple of 4K", text);
}

static void parse_cpu(struct options *options, const char *text)
{
	static const char *const names[] = {
		[SIGNATURE_KERNEL] = "vmxhv", [SIGNATURE_KVM] = "kvm", [SIGNATURE_NONE] = "none",
	};
	const char *prefix = "hypervisor=";
	unsigned int i;

	if (strncmp(text, prefix, strlen(prefix)))
		usage("--cpu %s: only hypervisor=NAME is known", text);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text + strlen(prefix), names[i])) {
			options->signature = i;
			return;
		}
	}
	usage("--cpu %s: NAME is vmxhv, kvm or none", text);
}

static uint64_t take_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (parse_number(text, max, &value) || value < min)
		usage("--%s %s: want a number from %llu to %llu", option, text,
		      (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void parse_apicv(struct options *options, const char *text)
{
	static const struct { const char *name; uint32_t flag; } words[] = {
		{ "all", VMXHV_VM_APICV }, { "tpr", VMXHV_VM_TPR_SHADOW },
		{ "nothing", VMXHV_VM_NO_APICV },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(text, words[i].name)) {
			options->vm_flags = words[i].flag;
			return;
		}
	}
	usage("--apicv %s: WHAT is all, tpr or nothing", text);
}

/* For what may be given more than once. */
static void append_to(const char *option, const char **list, unsigned int *count, unsigned int max)
{
	if (*count == max)
		usage("--%s %s: more than %u of them", option, optarg, max);
	list[(*count)++] = optarg;
}

static void take(struct options *options, int option)
{
	switch (option) {
	case OPT_KERNEL:
		options->kernel = optarg;
		break;
	case OPT_INITRD:
		options->initrd = optarg;
		break;
	case OPT_APPEND:
		options->append = optarg;
		break;
	case OPT_MODULE:
		append_to("module", options->module, &options->module_count, MODULES_MAX);
		break;
	case OPT_FW_CFG:
		append_to("fw-cfg", options->fw_cfg, &options->fw_cfg_count, FW_CFG_MAX);
		break;
	case OPT_MEM:
		parse_mem(options, optarg);
		break;
	case OPT_MACHINE:
		options->pc = !strcmp(optarg, "pc");
		if (!options->pc && strcmp(optarg, "reduced"))
			usage("--machine %s: NAME is reduced or pc", optarg);
		break;
	case OPT_CPU:
		parse_cpu(options, optarg);
		break;
	case OPT_CPUS:
		take_number("cpus", optarg, 1, 1);
		break;
	case OPT_FLAT:
		options->flat = optarg;
		break;
	case OPT_FLAT_ADDR:
		options->flat_addr = take_number("flat-addr", optarg, 0, 0xffff);
		break;
	case OPT_DEBUG_EXIT:
		options->debug_exit = take_number("debug-exit", optarg, 0, 0xffff);
		break;
	case OPT_TIMEOUT:
		options->timeout = take_number("timeout", optarg, 1, 1000000);
		break;
	case OPT_TRACE_IO:
		options->trace_io = true;
		break;
	case OPT_APICV:
		parse_apicv(options, optarg);
		break;
	case OPT_DEVICE:
		options->device = optarg;
		break;
	case OPT_HELP:
		cli_print(&cli, help);
	case OPT_VERSION:
		cli_print(&cli, "vmxhv-run " VMXHV_VERSION "\n");
	}
}

static void check(const struct options *options)
{
	if (!options->kernel && !options->flat)
		usage("nothing to run: give --kernel or --flat");
	if (options->kernel && options->flat)
		usage("--kernel and --flat exclude each other");
	if (options->flat && (options->initrd || options->append || options->module_count))
		usage("--initrd, --append and --module go with --kernel");
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){
		.flat_addr = 0x1000, .mem = 256ull << 20, .debug_exit = -1,
	};
	while ((option = cli_next(&cli, argc, argv)) != -1)
		take(options, option);
	check(options);
}

// SPDX-License-Identifier: GPL-2.0-only
/* vmxhv-info: whether guests can run here, one line for each thing that it takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "info.h"
#include "util.h"
#include "vmxhv_version.h"

static const char help[] =
"usage: vmxhv-info [--json] [--device FILE] [--version]\n"
"Say whether vmxhv can run guests on this machine, one line for each requirement:\n"
"yes, no, \"-\" (not there, and not required) or \"?\" (only the module can read it).\n"
"\n"
"Exit status: 0 usable, 1 another failure, 2 no VMX, 3 locked by firmware, 4 in use by another\n"
"hypervisor, 5 a required capability is missing, 6 the CPUs differ, 7 the module is not loaded,\n"
"8 /dev/vmxhv cannot be used (no permission, another ABI, another device), 9 output that could not\n"
"be written.\n";

static const struct {
	enum vmxhv_unusable reason;
	enum info_status status;
} causes[] = {
	{ VMXHV_USABLE, INFO_USABLE },
	{ VMXHV_UNUSABLE_NO_VMX, INFO_NO_VMX },
	{ VMXHV_UNUSABLE_LOCKED, INFO_LOCKED },
	{ VMXHV_UNUSABLE_IN_USE, INFO_IN_USE },
	{ VMXHV_UNUSABLE_BASIC, INFO_MISSING },
	{ VMXHV_UNUSABLE_CONTROLS, INFO_MISSING },
	{ VMXHV_UNUSABLE_EPT, INFO_MISSING },
	{ VMXHV_UNUSABLE_UNRESTRICTED, INFO_MISSING },
	{ VMXHV_UNUSABLE_VPID, INFO_MISSING },
	{ VMXHV_UNUSABLE_MSR_BITMAP, INFO_MISSING },
	{ VMXHV_UNUSABLE_FRED, INFO_MISSING },
	{ VMXHV_UNUSABLE_CPUS_DIFFER, INFO_CPUS_DIFFER },
};

static void judge_by_module(struct report *report)
{
	const struct vmxhv_info *info = &report->info;
	size_t i;

	report->status = INFO_OTHER;
	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		if (causes[i].reason == info->unusable_reason)
			report->status = causes[i].status;
	}
	report->reason = vmxhv_unusable_name(info->unusable_reason);
	if (info->unusable_reason == VMXHV_USABLE)
		snprintf(report->text, sizeof(report->text), "guests can run here");
	else
		snprintf(report->text, sizeof(report->text), "%.*s",
			 (int)sizeof(info->unusable_text), info->unusable_text);
}

/* Without the module only the absence of VMX is certain. */
static void judge_without_module(struct report *report, int err, const struct vmxhv_fail *fail)
{
	snprintf(report->text, sizeof(report->text), "%s", vmxhv_message(fail));
	if (report->finding[0].answer == ANSWER_NO) {
		report->status = INFO_NO_VMX;
		report->reason = vmxhv_unusable_name(VMXHV_UNUSABLE_NO_VMX);
		snprintf(report->text, sizeof(report->text),
			 "the CPU has no VMX, or a hypervisor below hides it");
	} else if (err == -ENOENT) {
		report->status = INFO_NO_MODULE;
		report->reason = "no-module";
	} else {
		report->status = INFO_NO_ACCESS;
		report->reason = err == -EACCES || err == -EPERM ? "no-access" : "no-device";
	}
}

static void collect(struct report *report, const char *device)
{
	struct vmxhv_dev dev;
	int err;

	check_cpuid(report);
	err = vmxhv_open(&dev, device);
	if (!err) {
		err = vmxhv_get_info(&dev, &report->info);
		report->module = !err;
		vmxhv_close(&dev);
	}
	check_msrs(report, report->module ? &report->info : NULL);
	if (report->module)
		judge_by_module(report);
	else
		judge_without_module(report, err, &dev.fail);
}

static const char *mark(const struct finding *finding)
{
	if (finding->answer == ANSWER_YES)
		return "yes";
	if (finding->answer == ANSWER_UNKNOWN)
		return "?";
	return finding->required ? "no" : "-";
}

static void print_text(const struct report *report)
{
	unsigned int i;

	for (i = 0; i < report->count; i++) {
		const struct finding *finding = &report->finding[i];

		printf("%-4s %-36s (%s; %s: %s)\n", mark(finding), finding->name, finding->seen,
		       finding->required ? "wanted" : "useful", finding->wanted);
	}
	if (report->module)
		printf("module: ABI %u.%u, TSC %u kHz, APIC timer %u Hz, %u address bits\n",
		       report->info.abi_major, report->info.abi_minor, report->info.tsc_khz,
		       report->info.apic_timer_hz, report->info.gpa_bits);
	printf("%s: %s\n", report->status == INFO_USABLE ? "usable" : "not usable", report->text);
}

static const struct option known[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

static const struct cli cli = {
	.program = "vmxhv-info", .known = known,
	.usage_status = INFO_OTHER, .output_status = INFO_OUTPUT,
};

int main(int argc, char **argv)
{
	static struct report report;
	const char *device = NULL;
	bool json = false;
	int option;

	while ((option = cli_next(&cli, argc, argv)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'd':
			device = optarg;
			break;
		case 'h':
			cli_print(&cli, help);
		case 'v':
			cli_print(&cli, "vmxhv-info " VMXHV_VERSION "\n");
		}
	}
	collect(&report, device);
	if (json)
		print_json(&report);
	else
		print_text(&report);
	return cli_finish(&cli, report.status);
}

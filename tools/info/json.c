// SPDX-License-Identifier: GPL-2.0-only
/* The report as one JSON object. */
#include <stdio.h>

#include "info.h"

/* At most @max bytes of @text, up to its end. */
static void print_string(const char *text, size_t max)
{
	size_t i;

	putchar('"');
	for (i = 0; i < max && text[i]; i++) {
		const unsigned char c = text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

#define PRINT_MEMBER(name, text, size) \
	do { \
		printf("\"" name "\": "); \
		print_string(text, size); \
	} while (0)

static void print_module(const struct vmxhv_info *info)
{
	unsigned int i, printed = 0;

	printf("{\"abi\": \"%u.%u\", ", info->abi_major, info->abi_minor);
	PRINT_MEMBER("owner", info->owner, sizeof(info->owner));
	printf(", \"unusable_cpu\": %d, \"unusable_msr\": \"0x%x\"", info->unusable_cpu,
	       info->unusable_msr);
	printf(", \"seen\": \"0x%llx\", \"wanted\": \"0x%llx\"", info->unusable_seen,
	       info->unusable_wanted);
	printf(", \"features\": \"0x%llx\", \"max_vcpus\": %u, \"gpa_bits\": %u", info->features[0],
	       info->max_vcpus, info->gpa_bits);
	printf(", \"tsc_khz\": %u, \"apic_timer_hz\": %u", info->tsc_khz, info->apic_timer_hz);
	printf(", \"under_hypervisor\": %s, \"lockdown\": %s",
	       info->tainted & VMXHV_TAINT_HYPERVISOR ? "true" : "false",
	       info->tainted & VMXHV_TAINT_LOCKDOWN ? "true" : "false");
	printf(",\n  \"feature_control\": \"0x%llx\", \"vmx_msrs\": {", info->feature_control);
	for (i = 0; i < VMXHV_VMX_MSRS; i++) {
		if (info->vmx_msr_valid & 1u << i)
			printf("%s\"%XH\": \"0x%llx\"", printed++ ? ", " : "", 0x480 + i,
			       info->vmx_msr[i]);
	}
	printf("}}");
}

static void print_finding(const struct finding *finding)
{
	static const char *const answers[] = {
		[ANSWER_NO] = "false", [ANSWER_YES] = "true", [ANSWER_UNKNOWN] = "null",
	};

	printf("  {");
	PRINT_MEMBER("name", finding->name, ~(size_t)0);
	printf(", \"required\": %s, \"ok\": %s, ", finding->required ? "true" : "false",
	       answers[finding->answer]);
	PRINT_MEMBER("seen", finding->seen, sizeof(finding->seen));
	printf(", ");
	PRINT_MEMBER("wanted", finding->wanted, sizeof(finding->wanted));
	printf("}");
}

void print_json(const struct report *report)
{
	unsigned int i;

	printf("{\"usable\": %s, \"status\": %d, ",
	       report->status == INFO_USABLE ? "true" : "false", report->status);
	PRINT_MEMBER("reason", report->reason, ~(size_t)0);
	printf(", ");
	PRINT_MEMBER("text", report->text, sizeof(report->text));
	printf(",\n \"module\": ");
	if (report->module)
		print_module(&report->info);
	else
		printf("null");
	printf(",\n \"requirements\": [\n");
	for (i = 0; i < report->count; i++) {
		print_finding(&report->finding[i]);
		printf("%s\n", i + 1 < report->count ? "," : "");
	}
	printf(" ]}\n");
}

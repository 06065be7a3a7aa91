// SPDX-License-Identifier: GPL-2.0-only
/* The requirements: a table over the capability MSRs, and VMX itself by raw CPUID of each CPU. */
#include <cpuid.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "info.h"
#include "util.h"

#define CPUID_1_ECX_VMX		BIT(5)
#define FIRST_VMX_MSR		0x480u
#define FEATURE_CONTROL_LOCK	0x1u
#define FEATURE_CONTROL_VMX	0x4u

enum compare { MASKED, AT_MOST };

/* MASKED: (msr >> shift & mask) == value; AT_MOST: ... <= value. A control is allowed if its bit in
 * the upper half is set.
 */
static const struct requirement {
	const char *name;
	bool required;
	uint32_t msr;
	unsigned int shift;
	uint64_t mask;
	enum compare compare;
	uint64_t value;
} requirements[] = {
	{ "VMCS regions of at most 4096 bytes", true, 0x480, 32, 0x1fff, AT_MOST, 4096 },
	{ "VMCS memory type write-back", true, 0x480, 50, 0xf, MASKED, 6 },
	{ "exit information for INS and OUTS", true, 0x480, 54, 1, MASKED, 1 },
	{ "TRUE control MSRs", true, 0x480, 55, 1, MASKED, 1 },
	{ "secondary controls", true, 0x482, 63, 1, MASKED, 1 },
	{ "MSR bitmaps", true, 0x482, 60, 1, MASKED, 1 },
	{ "EPT", true, 0x48b, 33, 1, MASKED, 1 },
	{ "unrestricted guest", true, 0x48b, 39, 1, MASKED, 1 },
	{ "VPID", true, 0x48b, 37, 1, MASKED, 1 },
	{ "EPT page walks of 4 levels", true, 0x48c, 6, 1, MASKED, 1 },
	{ "EPT memory type write-back", true, 0x48c, 14, 1, MASKED, 1 },
	{ "INVEPT", true, 0x48c, 20, 1, MASKED, 1 },
	{ "INVVPID", true, 0x48c, 32, 1, MASKED, 1 },
	{ "EPT pages of 2 MiB", false, 0x48c, 16, 1, MASKED, 1 },
	{ "EPT pages of 1 GiB", false, 0x48c, 17, 1, MASKED, 1 },
	{ "EPT accessed and dirty bits", false, 0x48c, 21, 1, MASKED, 1 },
	{ "preemption timer", false, 0x481, 38, 1, MASKED, 1 },
	{ "virtual NMIs", false, 0x481, 37, 1, MASKED, 1 },
	{ "TPR shadow", false, 0x482, 53, 1, MASKED, 1 },
	{ "APIC accesses virtualized", false, 0x48b, 32, 1, MASKED, 1 },
	{ "x2APIC mode virtualized", false, 0x48b, 36, 1, MASKED, 1 },
	{ "APIC registers virtualized", false, 0x48b, 40, 1, MASKED, 1 },
	{ "virtual-interrupt delivery", false, 0x48b, 41, 1, MASKED, 1 },
	{ "page-modification log", false, 0x48b, 49, 1, MASKED, 1 },
	{ "XSAVES in guests", false, 0x48b, 52, 1, MASKED, 1 },
	{ "TSC scaling", false, 0x48b, 57, 1, MASKED, 1 },
};

static struct finding *add(struct report *report, const char *name, bool required)
{
	struct finding *finding = &report->finding[report->count++];

	finding->name = name;
	finding->required = required;
	finding->answer = ANSWER_UNKNOWN;
	return finding;
}

static bool cpu_has_vmx(unsigned int *ecx)
{
	unsigned int eax, ebx, edx;

	if (!__get_cpuid(1, &eax, &ebx, ecx, &edx))
		return false;
	return *ecx & CPUID_1_ECX_VMX;
}

/* The kernel clears its own VMX flag where firmware switched it off, so the CPUs are asked. */
void check_cpuid(struct report *report)
{
	struct finding *finding = add(report, "VMX in the CPU", true);
	unsigned int ecx = 0, checked = 0;
	cpu_set_t before, one;
	int cpu, without = -1;

	if (sched_getaffinity(0, sizeof(before), &before))
		CPU_ZERO(&before);
	for (cpu = 0; cpu < CPU_SETSIZE && without < 0; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!CPU_ISSET(cpu, &before) || sched_setaffinity(0, sizeof(one), &one))
			continue;
		checked++;
		if (!cpu_has_vmx(&ecx))
			without = cpu;
	}
	if (checked)
		sched_setaffinity(0, sizeof(before), &before);
	else
		without = cpu_has_vmx(&ecx) ? -1 : 0;
	finding->answer = without < 0 ? ANSWER_YES : ANSWER_NO;
	if (without < 0)
		snprintf(finding->seen, sizeof(finding->seen), "CPUID.1:ECX = %#x on %u CPUs", ecx,
			 checked ? checked : 1);
	else
		snprintf(finding->seen, sizeof(finding->seen), "CPUID.1:ECX = %#x on CPU %d", ecx,
			 without);
	snprintf(finding->wanted, sizeof(finding->wanted), "bit 5 set");
}

static void check_feature_control(struct report *report, const struct vmxhv_info *info)
{
	struct finding *finding = add(report, "VMX switched on by firmware", true);

	snprintf(finding->wanted, sizeof(finding->wanted), "unlocked, or bits 0 and 2 set");
	if (!info) {
		snprintf(finding->seen, sizeof(finding->seen), "MSR 3AH: needs the module");
		return;
	}
	snprintf(finding->seen, sizeof(finding->seen), "MSR 3AH = %#llx", info->feature_control);
	/* All zero also stands for "could not be read": the reason decides then. */
	if (info->unusable_reason == VMXHV_UNUSABLE_NO_VMX)
		return;
	if (info->unusable_reason == VMXHV_UNUSABLE_LOCKED) {
		finding->answer = ANSWER_NO;
		if (info->unusable_cpu >= 0)
			snprintf(finding->seen, sizeof(finding->seen),
				 "MSR 3AH = %#llx on CPU %d", info->unusable_seen,
				 info->unusable_cpu);
		return;
	}
	finding->answer = !(info->feature_control & FEATURE_CONTROL_LOCK) ||
			  (info->feature_control & FEATURE_CONTROL_VMX) ? ANSWER_YES : ANSWER_NO;
}

static void check_owner(struct report *report, const struct vmxhv_info *info)
{
	struct finding *finding = add(report, "VMX not in use by another", true);

	snprintf(finding->wanted, sizeof(finding->wanted), "CR4.VMXE clear");
	if (!info || info->unusable_reason == VMXHV_UNUSABLE_NO_VMX) {
		snprintf(finding->seen, sizeof(finding->seen), "CR4: needs the module%s",
			 info ? " and VMX" : "");
		return;
	}
	finding->answer = info->unusable_reason == VMXHV_UNUSABLE_IN_USE ? ANSWER_NO : ANSWER_YES;
	if (finding->answer == ANSWER_NO)
		snprintf(finding->seen, sizeof(finding->seen), "likely owner: %.*s",
			 (int)sizeof(info->owner), info->owner[0] ? info->owner : "unknown");
	else
		snprintf(finding->seen, sizeof(finding->seen), "free, or ours");
}

static void check_cpus(struct report *report, const struct vmxhv_info *info)
{
	struct finding *finding = add(report, "the same on every CPU", true);

	snprintf(finding->wanted, sizeof(finding->wanted), "equal capability MSRs");
	if (!info || info->unusable_reason == VMXHV_UNUSABLE_NO_VMX) {
		snprintf(finding->seen, sizeof(finding->seen), "needs the module%s",
			 info ? " and VMX" : "");
		return;
	}
	if (info->unusable_reason == VMXHV_UNUSABLE_CPUS_DIFFER) {
		finding->answer = ANSWER_NO;
		snprintf(finding->seen, sizeof(finding->seen), "CPU %d differs: MSR %XH = %#llx",
			 info->unusable_cpu, info->unusable_msr, info->unusable_seen);
	} else {
		finding->answer = ANSWER_YES;
		snprintf(finding->seen, sizeof(finding->seen), "compared by the module");
	}
}

static void check_requirement(struct report *report, const struct requirement *req,
			      const struct vmxhv_info *info)
{
	struct finding *finding = add(report, req->name, req->required);
	const unsigned int index = req->msr - FIRST_VMX_MSR;
	uint64_t field;

	if (req->compare == AT_MOST)
		snprintf(finding->wanted, sizeof(finding->wanted), "at most %llu",
			 (unsigned long long)req->value);
	else if (req->mask == 1)
		snprintf(finding->wanted, sizeof(finding->wanted), "bit %u set", req->shift);
	else
		snprintf(finding->wanted, sizeof(finding->wanted), "%#llx at bit %u",
			 (unsigned long long)req->value, req->shift);
	if (!info || !(info->vmx_msr_valid & 1u << index)) {
		finding->answer = info && info->vmx_msr_valid ? ANSWER_NO : ANSWER_UNKNOWN;
		snprintf(finding->seen, sizeof(finding->seen), "MSR %XH: %s", req->msr,
			 info ? "cannot be read" : "needs the module");
		return;
	}
	field = info->vmx_msr[index] >> req->shift & req->mask;
	snprintf(finding->seen, sizeof(finding->seen), "MSR %XH = %#llx", req->msr,
		 info->vmx_msr[index]);
	finding->answer = (req->compare == AT_MOST ? field <= req->value : field == req->value) ?
			  ANSWER_YES : ANSWER_NO;
}

void check_msrs(struct report *report, const struct vmxhv_info *info)
{
	size_t i;

	check_feature_control(report, info);
	check_owner(report, info);
	check_cpus(report, info);
	for (i = 0; i < ARRAY_SIZE(requirements); i++)
		check_requirement(report, &requirements[i], info);
}

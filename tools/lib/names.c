// SPDX-License-Identifier: GPL-2.0-only
/* Names of exits and of reasons, and an exit in one line. */
#include <inttypes.h>
#include <stdio.h>

#include "internal.h"
#include "util.h"

const char *vmxhv_exit_name(uint32_t exit_reason)
{
	static const char *const names[] = {
		[VMXHV_EXIT_NONE] = "NONE", [VMXHV_EXIT_INTR] = "INTR",
		[VMXHV_EXIT_IO] = "IO", [VMXHV_EXIT_MMIO] = "MMIO",
		[VMXHV_EXIT_HLT] = "HLT", [VMXHV_EXIT_INTACK] = "INTACK",
		[VMXHV_EXIT_WINDOW] = "WINDOW", [VMXHV_EXIT_NMI_WINDOW] = "NMI_WINDOW",
		[VMXHV_EXIT_HYPERCALL] = "HYPERCALL", [VMXHV_EXIT_MSR_READ] = "MSR_READ",
		[VMXHV_EXIT_MSR_WRITE] = "MSR_WRITE", [VMXHV_EXIT_CPUID] = "CPUID",
		[VMXHV_EXIT_EOI] = "EOI", [VMXHV_EXIT_DEBUG] = "DEBUG",
		[VMXHV_EXIT_EXCEPTION] = "EXCEPTION", [VMXHV_EXIT_TPR] = "TPR",
		[VMXHV_EXIT_PAUSE] = "PAUSE", [VMXHV_EXIT_SHUTDOWN] = "SHUTDOWN",
		[VMXHV_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[VMXHV_EXIT_MEMORY_ERROR] = "MEMORY_ERROR",
		[VMXHV_EXIT_FAIL_ENTRY] = "FAIL_ENTRY", [VMXHV_EXIT_INTERNAL] = "INTERNAL",
	};

	return exit_reason < ARRAY_SIZE(names) ? names[exit_reason] : "unknown";
}

const char *vmxhv_unusable_name(uint32_t reason)
{
	static const char *const names[] = {
		[VMXHV_USABLE] = "usable", [VMXHV_UNUSABLE_NO_VMX] = "no-vmx",
		[VMXHV_UNUSABLE_LOCKED] = "locked", [VMXHV_UNUSABLE_IN_USE] = "in-use",
		[VMXHV_UNUSABLE_BASIC] = "vmx-basic", [VMXHV_UNUSABLE_CONTROLS] = "controls",
		[VMXHV_UNUSABLE_EPT] = "ept", [VMXHV_UNUSABLE_UNRESTRICTED] = "unrestricted-guest",
		[VMXHV_UNUSABLE_VPID] = "vpid", [VMXHV_UNUSABLE_MSR_BITMAP] = "msr-bitmap",
		[VMXHV_UNUSABLE_CPUS_DIFFER] = "cpus-differ",
		[VMXHV_UNUSABLE_FIXED_BITS] = "fixed-bits",
		[VMXHV_UNUSABLE_VMXON_FAILED] = "vmxon-failed",
		[VMXHV_UNUSABLE_SHUTDOWN] = "shutdown", [VMXHV_UNUSABLE_FRED] = "fred",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

static void describe_fail_entry(const struct vmxhv_exit_fail_entry *fail, char *text, size_t size)
{
	snprintf(text, size,
		 "the CPU refused the entry: %.*s (instruction error %u, reason %#x, rule %u, field %#x, value %#llx, wanted %#llx, qualification %#llx)",
		 (int)sizeof(fail->text), fail->text, fail->insn_error, fail->reason, fail->rule,
		 fail->field, fail->value, fail->wanted, fail->qualification);
}

static void describe_mmio(const struct vmxhv_exit_mmio *mmio, char *text, size_t size)
{
	int used;
	unsigned int i;

	used = snprintf(text, size, "MMIO %s at %#llx, bytes",
			mmio->access & VMXHV_MMIO_WALK ? "page walk" :
			mmio->access & VMXHV_MMIO_WRITE ? "write" :
			mmio->access & VMXHV_MMIO_FETCH ? "fetch" : "read", mmio->gpa);
	for (i = 0; i < mmio->insn_count && i < sizeof(mmio->insn); i++) {
		if (used < 0 || (size_t)used >= size)
			return;
		used += snprintf(text + used, size - used, " %02x", mmio->insn[i]);
	}
}

void vmxhv_exit_describe(const struct vmxhv_run *run, char *text, size_t size)
{
	const struct vmxhv_exit_internal *internal = &run->u.internal;

	switch (run->exit_reason) {
	case VMXHV_EXIT_FAIL_ENTRY:
		describe_fail_entry(&run->u.fail_entry, text, size);
		break;
	case VMXHV_EXIT_MMIO:
		describe_mmio(&run->u.mmio, text, size);
		break;
	case VMXHV_EXIT_INTERNAL:
		snprintf(text, size, "internal error of the module: %.*s (where %u)",
			 (int)sizeof(internal->text), internal->text, internal->where);
		break;
	case VMXHV_EXIT_MEMORY_ERROR:
		snprintf(text, size, "memory error at guest address %#llx (errno %u)",
			 run->u.memory_error.gpa, run->u.memory_error.error);
		break;
	case VMXHV_EXIT_DEBUG:
		snprintf(text, size, "stopped at %#llx:%s%s%s%s (DR6 %#llx)", run->u.debug.pc,
			 run->u.debug.kind & VMXHV_DEBUG_STEP ? " a step" : "",
			 run->u.debug.kind & VMXHV_DEBUG_INT3 ? " INT3" : "",
			 run->u.debug.kind & VMXHV_DEBUG_POINT ? " a point" : "",
			 run->u.debug.kind & VMXHV_DEBUG_UNWATCHED ? " a point unwatched" : "",
			 run->u.debug.dr6);
		break;
	case VMXHV_EXIT_MSR_READ:
		snprintf(text, size, "RDMSR of %#x", run->u.msr.index);
		break;
	case VMXHV_EXIT_MSR_WRITE:
		snprintf(text, size, "WRMSR of %#x, value %#llx", run->u.msr.index,
			 run->u.msr.value);
		break;
	case VMXHV_EXIT_CPUID:
		snprintf(text, size, "CPUID leaf %#x, index %#x", run->u.cpuid.function,
			 run->u.cpuid.index);
		break;
	case VMXHV_EXIT_EXCEPTION:
		snprintf(text, size, "exception %u (error code %#x, CR2 or DR6 %#llx)",
			 run->u.exception.vector, run->u.exception.error_code,
			 run->u.exception.payload);
		break;
	case VMXHV_EXIT_SHUTDOWN:
		snprintf(text, size, "the guest shut down (triple fault)");
		break;
	default:
		snprintf(text, size, "exit %s (%u)", vmxhv_exit_name(run->exit_reason),
			 run->exit_reason);
	}
}

void vmxhv_translate_describe(const struct vmxhv_translate *answer, char *text, size_t size)
{
	const uint32_t rights = answer->rights;

	switch (answer->result) {
	case VMXHV_TRANSLATED:
		snprintf(text, size, "gpa %#llx in a %s page of %llu KiB, %s%s%s", answer->gpa,
			 rights & VMXHV_ACCESS_USER ? "user" : "supervisor",
			 answer->page_size >> 10, rights & VMXHV_ACCESS_READ ? "r" : "-",
			 rights & VMXHV_ACCESS_WRITE ? "w" : "-",
			 rights & VMXHV_ACCESS_FETCH ? "x" : "-");
		break;
	case VMXHV_TRANSLATE_FAULT:
		if (answer->vector == 14)
			snprintf(text, size, "a page fault: error code %#x, CR2 %#llx",
				 answer->error_code, answer->cr2);
		else
			snprintf(text, size, "not canonical");
		break;
	case VMXHV_TRANSLATE_NO_TABLE:
		snprintf(text, size, "no memory at gpa %#llx, where a page-table entry should be",
			 answer->gpa);
		break;
	default:
		snprintf(text, size, "unknown answer %u", answer->result);
	}
}

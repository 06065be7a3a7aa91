// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "calls.h"
#include "vmxhv.h"

#define MAX_LEAVES	256
#define MAX_MSRS	512
#define TSC_AUX		0xc0000103

static struct arguments {
	struct vmxhv_info info;
	struct vmxhv_create_vm create_vm;
	struct vmxhv_cpuid cpuid, leaf;
	struct vmxhv_msrs msrs, tsc_aux;
	struct vmxhv_error error;
	struct vmxhv_config config;
	struct vmxhv_memory memory;
	struct vmxhv_create_vcpu create_vcpu;
	struct vmxhv_dirty dirty;
	struct vmxhv_msi msi;
	struct vmxhv_run_args run;
	struct vmxhv_state state;
	struct vmxhv_inject init;
	struct vmxhv_extint extint;
	struct vmxhv_lapic_access lapic;
	struct vmxhv_translate translate;
	struct vmxhv_debug debug;
} arg;

/* what they point to */
static struct vmxhv_cpuid_entry leaves[MAX_LEAVES];
static struct vmxhv_msr_entry msr[MAX_MSRS];
static struct vmxhv_gprs gprs;
static struct vmxhv_state_entry group;
static struct vmxhv_range range;
static uint64_t bitmap = 1;
static struct vmxhv_mem_op op = { .kind = VMXHV_MEM_LOG, .flags = VMXHV_MEM_LOG_DIRTY,
				  .length = 4096 };

#define CALL(call, command_nr, on, member, ...)					\
	{ .name = call, .fd = on, .command = command_nr, .argument = &arg.member,	\
	  .size = sizeof(arg.member), __VA_ARGS__ }
#define IN(command, on, member, ...)						\
	CALL(#command, VMXHV_##command, on, member, __VA_ARGS__)
#define OUT(command, on, member, ...)						\
	CALL(#command, VMXHV_##command, on, member, .out = true, __VA_ARGS__)
#define ARRAY(type, member)	.array = offsetof(struct type, member)
#define RESERVED(...)		.reserved = { __VA_ARGS__ }
#define FIELD(type, member)							\
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define ERROR_OF(what, on)							\
	CALL("GET_ERROR of the " what, VMXHV_GET_ERROR, on, error, .out = true)

const struct a_call calls[NR_CALLS] = {
	OUT(GET_INFO, DEV, info),
	IN(CREATE_VM, DEV, create_vm,
	   .flags = VMXHV_VM_APICV | VMXHV_VM_TPR_SHADOW | VMXHV_VM_NO_APICV),
	OUT(GET_CPUID, DEV, cpuid, ARRAY(vmxhv_cpuid, entries),
	    RESERVED(FIELD(vmxhv_cpuid, reserved))),
	OUT(GET_MSR_LIST, DEV, msrs, ARRAY(vmxhv_msrs, entries),
	    RESERVED(FIELD(vmxhv_msrs, reserved))),
	ERROR_OF("device", DEV),
	IN(CONFIG, VM, config, ARRAY(vmxhv_config, ranges), .flags = 0x3f, .alive = true,
	   RESERVED(FIELD(vmxhv_config, reserved))),
	IN(MEMORY, VM, memory, ARRAY(vmxhv_memory, ops), .alive = true,
	   RESERVED(FIELD(vmxhv_memory, reserved))),
	IN(CREATE_VCPU, VM, create_vcpu, .alive = true,
	   RESERVED(FIELD(vmxhv_create_vcpu, reserved))),
	IN(DIRTY, VM, dirty, ARRAY(vmxhv_dirty, bitmap), .alive = true,
	   RESERVED(FIELD(vmxhv_dirty, reserved))),
	OUT(SIGNAL_MSI, VM, msi, .alive = true),
	ERROR_OF("VM", VM),
	IN(RUN, VCPU, run, .flags = VMXHV_RUN_COMPLETE_ONLY),
	{ .name = "KICK", .fd = VCPU, .command = VMXHV_KICK },
	IN(GET_STATE, VCPU, state, ARRAY(vmxhv_state, entries),
	   RESERVED(FIELD(vmxhv_state, reserved))),
	IN(SET_STATE, VCPU, state, ARRAY(vmxhv_state, entries),
	   RESERVED(FIELD(vmxhv_state, reserved))),
	OUT(GET_MSRS, VCPU, tsc_aux, ARRAY(vmxhv_msrs, entries),
	    RESERVED(FIELD(vmxhv_msrs, reserved))),
	OUT(SET_MSRS, VCPU, tsc_aux, ARRAY(vmxhv_msrs, entries),
	    RESERVED(FIELD(vmxhv_msrs, reserved))),
	IN(SET_CPUID, VCPU, leaf, ARRAY(vmxhv_cpuid, entries),
	   RESERVED(FIELD(vmxhv_cpuid, reserved))),
	IN(INJECT, VCPU, init,
	   RESERVED(FIELD(vmxhv_inject, reserved), FIELD(vmxhv_inject, reserved2))),
	IN(EXTINT, VCPU, extint, RESERVED(FIELD(vmxhv_extint, reserved))),
	OUT(LAPIC_ACCESS, VCPU, lapic),
	OUT(TRANSLATE, VCPU, translate, .flags = 7, RESERVED(FIELD(vmxhv_translate, reserved))),
	IN(DEBUG, VCPU, debug,
	   RESERVED(FIELD(vmxhv_debug, reserved), FIELD(vmxhv_debug, point[0].reserved),
		    FIELD(vmxhv_debug, point[1].reserved), FIELD(vmxhv_debug, point[2].reserved),
		    FIELD(vmxhv_debug, point[3].reserved))),
	ERROR_OF("vCPU", VCPU),
};

#define SIZE(member)	.size = sizeof(arg.member)

void calls_prepare(void)
{
	leaves[0] = (struct vmxhv_cpuid_entry){ .function = 0 };
	gprs = (struct vmxhv_gprs){ .rip = 0x1000, .rflags = 2 };
	msr[0] = (struct vmxhv_msr_entry){ .index = TSC_AUX, .value = 7 };
	group = (struct vmxhv_state_entry){ VMXHV_STATE_GPRS, sizeof(gprs), (uintptr_t)&gprs };
	range = (struct vmxhv_range){ .kind = VMXHV_RANGE_CPUID_EXIT, .access = VMXHV_RANGE_READ,
				      .first = 1, .last = 1 };
	arg = (struct arguments){
		.info = { SIZE(info) },
		.create_vm = { SIZE(create_vm) },
		.cpuid = { SIZE(cpuid), .count = MAX_LEAVES, .entries = (uintptr_t)leaves },
		.msrs = { SIZE(msrs), .count = MAX_MSRS, .entries = (uintptr_t)msr },
		.error = { SIZE(error) },
		.config = { SIZE(config), .count = 1, .ranges = (uintptr_t)&range },
		.memory = { SIZE(memory), .count = 1, .ops = (uintptr_t)&op },
		.create_vcpu = { SIZE(create_vcpu), .id = 7 },
		.dirty = { SIZE(dirty), .length = 4096, .op = VMXHV_DIRTY_CLEAR,
			   .bitmap = (uintptr_t)&bitmap },
		.msi = { SIZE(msi), .address = 0xfee00000, .data = 0x51 },
		.run = { SIZE(run), .flags = VMXHV_RUN_COMPLETE_ONLY },
		.state = { SIZE(state), .count = 1, .entries = (uintptr_t)&group },
		.tsc_aux = { SIZE(tsc_aux), .count = 1, .entries = (uintptr_t)msr },
		.leaf = { SIZE(leaf), .count = 1, .entries = (uintptr_t)leaves },
		.init = { SIZE(init), .kind = VMXHV_INJECT_INIT },
		.extint = { SIZE(extint), .level = 1 },
		.lapic = { SIZE(lapic), .offset = 0x80, .length = 4, .write = 1, .value = 0x50 },
		.translate = { SIZE(translate), .access = VMXHV_ACCESS_READ },
		.debug = { SIZE(debug), .point[0] = { .address = 0x1000, .length = 1,
						      .kind = VMXHV_POINT_EXEC } },
	};
}

// SPDX-License-Identifier: GPL-2.0-only
/* The CPUID table of a vCPU: given when it is made, replaced by SET_CPUID, kept up to date. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/vcpu.h"
#include "vcpu/x86.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/vmcs.h"

/* The slots of leaves that exit to userspace, as CONFIG says. */
static void mark_asked(const struct vm *vm, struct cpuid_table *table)
{
	const struct vm_config *config = &vm->config;
	u32 i;

	for (i = 0; i < config->count; i++)
		if (config->ranges[i].kind == VMXHV_RANGE_CPUID_EXIT)
			cpuid_ask(table, config->ranges[i].first, config->ranges[i].last);
}

/**
 * cpuid_create() - give a new vCPU the host's default table
 * @v: the vCPU; its id is set
 *
 * Context: Process context, may sleep. Before vcpu_reset_state().
 * Return: 0 or -ENOMEM.
 */
int cpuid_create(struct vcpu *v)
{
	v->cpuid = cpuid_prototype_copy(v->id);
	if (!v->cpuid)
		return -ENOMEM;
	mark_asked(v->vm, v->cpuid);
	msr_follow_cpuid(v);
	return 0;
}

/* After the first RUN the guest has seen its CPUID: only the same table is taken, to no effect. */
static int check_same(const struct cpuid_table *now, const struct cpuid_table *wanted,
		      struct vmxhv_error *err)
{
	u32 i;

	if (now->count != wanted->count)
		return refuse(err, -EBUSY, &(const struct refusal){
				.code = VMXHV_ERR_CPUID, .value = wanted->count,
				.wanted = now->count },
			      "the vCPU has run: only the same CPUID table is taken");

	for (i = 0; i < now->count; i++)
		if (memcmp(&now->rows[i], &wanted->rows[i], sizeof(now->rows[i])))
			return refuse(err, -EBUSY, &(const struct refusal){
					.code = VMXHV_ERR_CPUID, .index = i,
					.item = wanted->rows[i].function },
				      "the vCPU has run: this leaf differs");
	return 0;
}

static void install(struct vcpu *v, struct cpuid_table *t)
{
	kvfree(v->cpuid);
	v->cpuid = t;
	msr_follow_cpuid(v);
	cr_write_masks(v);
	controls_set_cpu2(v, ~0u, cpuid_controls(t, v->ctl.cpu2, vmx_caps.cpu2_allowed1));
}

static void refresh(struct vcpu *v, struct cpuid_table *t)
{
	const struct cpuid_state state = {
		.cr4 = vcpu_cr4(v),
		.xcr0 = v->xcr0,
		.misc_enable = v->msrs.misc_enable,
		.apic = lapic_base(v) & MSR_IA32_APICBASE_ENABLE,
	};

	cpuid_table_refresh(t, &state);
}

/**
 * cpuid_set() - SET_CPUID
 * @v: the vCPU
 * @entries: the table asked for
 * @count: entries of it
 * @err: where a refusal goes
 *
 * Context: Process context, may sleep; mutex held, vCPU loaded.
 * Return: 0; -EINVAL for a leaf that this host cannot show, -E2BIG, -ENOMEM, -EBUSY for another
 *	table after the first RUN.
 */
int cpuid_set(struct vcpu *v, const struct vmxhv_cpuid_entry *entries, u32 count,
	      struct vmxhv_error *err)
{
	u32 nr_allowed = 0;
	struct vmxhv_cpuid_entry *allowed = cpuid_default_entries(&nr_allowed);
	struct cpuid_table *t;
	int ret;

	vcpu_assert_may_sleep(v);
	if (!allowed)
		return -ENOMEM;
	ret = cpuid_check(allowed, nr_allowed, entries, count, err);
	kvfree(allowed);
	if (ret)
		return ret;

	t = cpuid_table_build(entries, count, v->id);
	if (!t)
		return -ENOMEM;
	mark_asked(v->vm, t);
	refresh(v, t);
	if (!v->ran) {
		install(v, t);
		return 0;
	}
	ret = check_same(v->cpuid, t, err);
	kvfree(t);
	return ret;
}

/**
 * cpuid_free() - give the table back
 * @v: the vCPU, which runs no more
 *
 * Context: Process context.
 */
void cpuid_free(struct vcpu *v)
{
	kvfree(v->cpuid);
	v->cpuid = NULL;
}

/**
 * cpuid_refresh() - something of what CPUID follows has changed: see struct cpuid_state
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 */
void cpuid_refresh(struct vcpu *v)
{
	refresh(v, v->cpuid);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware task switches. The processor checks the gate and the TSS descriptor, exits and leaves
 * the switch to us (SDM: "Treatment of Task Switches", "Task Switching").
 *
 * A fault up to the load of CR3 finds the old task's registers, a later one the new task's.
 */
#include <linux/bits.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

#define ACCESS_BYTE	5	/* of a descriptor */
#define CHANGE_TRIES	16	/* while another CPU writes to the same place */
#define SELECTOR_LDT	4	/* TI */

#define DR7_LOCAL	(DR_LOCAL_ENABLE_MASK | DR_LOCAL_SLOWDOWN)

/**
 * struct task_switch - one under way
 * @v: the vCPU
 * @source: what began it
 * @event: whose delivery met a task gate
 * @external: EXT: @event is no software interrupt
 * @tss: selector and descriptor of the new TSS
 * @tr: the new TR
 * @image: what the new TSS holds
 * @s: the segment registers: the old ones, then the new ones
 * @fault: what ended it; vector 0: nothing did
 */
struct task_switch {
	struct vcpu *v;
	enum task_source source;
	struct injected_event event;
	bool external;
	struct task_segment tss;
	struct vmxhv_segment tr;
	struct task_image image;
	struct vmxhv_sregs s;
	struct exception fault;
};

static bool is_wide(const struct vmxhv_segment *tr)
{
	return tr->access & BIT(3);
}

/* the event is one that an instruction raised, which is over when its handler begins */
static bool by_software(u32 info)
{
	u32 type = info & INTR_INFO_TYPE_MASK;

	return type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_SOFT_EXCEPTION;
}

static int raise(struct task_switch *t, const struct task_fault *f)
{
	t->fault = (struct exception){
		.vector = f->vector, .has_error = true,
		.error_code = (f->selector & ~3u) | t->external,
	};
	return 1;
}

/* What a walk or a copy returned. Where no memory is there is no such segment: @otherwise. */
static int access_fault(struct task_switch *t, int how, const struct walk_result *walk,
			const struct task_fault *otherwise)
{
	if (how != 1)
		return raise(t, otherwise);
	t->fault = (struct exception){
		.vector = X86_TRAP_PF, .has_error = true, .error_code = walk->fault_error,
		.has_payload = true, .payload = walk->linear,
	};
	return 1;
}

static int copy(struct task_switch *t, u64 gva, void *buf, u32 length, u32 access,
		const struct task_fault *otherwise)
{
	struct gva_copy c = {
		.gva = (u32)gva, .buf = buf, .length = length, .access = access,
	};
	int ret = vcpu_copy_gva(t->v, &c);

	return ret ? access_fault(t, ret, &c.walk, otherwise) : 0;
}

/* Could all of it be written? It is no longer than a page. */
static int probe_write(struct task_switch *t, u64 gva, u32 length,
		       const struct task_fault *otherwise)
{
	const u32 access = WALK_WRITE | WALK_IMPLICIT;
	u32 last = gva + length - 1;
	struct walk_result walk;
	int ret = vcpu_translate(t->v, (u32)gva, access, &walk);

	if (ret)
		return access_fault(t, ret, &walk, otherwise);
	ret = vcpu_translate(t->v, last & PAGE_MASK, access, &walk);
	return ret ? access_fault(t, ret, &walk, otherwise) : 0;
}

/* Sets and clears bits of one byte, while other CPUs may do so too. */
static int change_byte(struct task_switch *t, u64 gva, u8 clear, u8 set,
		       const struct task_fault *otherwise)
{
	struct vm *vm = t->v->vm;
	struct walk_result walk;
	int tries, shift, ret = vcpu_translate(t->v, (u32)gva, WALK_WRITE | WALK_IMPLICIT, &walk);
	u32 old;
	u64 at;

	if (ret)
		return access_fault(t, ret, &walk, otherwise);
	at = walk.gpa & ~3ull;
	shift = (walk.gpa & 3) * 8;
	for (tries = 0; tries < CHANGE_TRIES; tries++) {
		if (vm_read(vm, at, &old, sizeof(old)))
			break;
		ret = vm_cmpxchg(vm, at, old, (old & ~((u32)clear << shift)) | (u32)set << shift,
				 sizeof(old));
		if (ret <= 0)
			return ret ? raise(t, otherwise) : 0;
	}
	return raise(t, otherwise);
}

static u64 descriptor_at(const struct task_switch *t, u16 selector)
{
	u64 table = selector & SELECTOR_LDT ? t->s.ldtr.base : t->s.gdtr.base;

	return (u32)(table + (selector & ~7u));
}

/* The descriptor of @selector, from the GDT or from the LDT that t->s holds. */
static int read_descriptor(struct task_switch *t, u16 selector, struct task_segment *to)
{
	const struct task_fault otherwise = { X86_TRAP_TS, selector };
	bool ldt = selector & SELECTOR_LDT;
	u32 limit = ldt ? t->s.ldtr.limit : t->s.gdtr.limit;

	*to = (struct task_segment){ .selector = selector, .null = !(selector & ~3u) };
	if (to->null)
		return 0;
	to->outside = (ldt && t->s.ldtr.access & SEGMENT_UNUSABLE) || (selector | 7u) > limit;
	if (to->outside)
		return 0;
	return copy(t, descriptor_at(t, selector), &to->raw, sizeof(to->raw), WALK_IMPLICIT,
		    &otherwise);
}

static void begin(struct vcpu *v, struct task_switch *t)
{
	u64 q = exit_qualification(v);

	memset(t, 0, sizeof(*t));
	t->v = v;
	t->source = TASK_SWITCH_SOURCE(q);
	t->tss.selector = TASK_SWITCH_SELECTOR(q);
	state_get_segments(&t->s);
	if (t->source != TASK_GATE)
		return;
	t->event = v->events.injected;
	t->external = !by_software(t->event.info);
	if ((t->event.info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		vcpu_set_shadow(v, vcpu_shadow(v) | SHADOW_NMI);
}

static int read_image(struct task_switch *t)
{
	const struct task_fault otherwise = { X86_TRAP_TS, t->tss.selector };
	bool wide = is_wide(&t->tr);
	union tss tss;
	int ret = copy(t, t->tr.base, &tss, tss_size(wide), WALK_IMPLICIT, &otherwise);

	if (!ret)
		tss_parse(&tss, wide, &t->image);
	return ret;
}

/* Does the old TSS reach far enough, and are all places there that are to be written? */
static int check_old(struct task_switch *t)
{
	const struct task_fault invalid = { X86_TRAP_TS, t->s.tr.selector };
	u32 offset, length;

	tss_saved_range(is_wide(&t->s.tr), &offset, &length);
	if (t->s.tr.limit < offset + length - 1)
		return raise(t, &invalid);
	if (probe_write(t, t->s.tr.base + offset, length, &invalid))
		return 1;
	if (t->source != TASK_JMP && t->source != TASK_IRET)
		return 0;
	return probe_write(t, descriptor_at(t, t->s.tr.selector) + ACCESS_BYTE, 1, &invalid);
}

static int check_new(struct task_switch *t)
{
	const struct task_fault invalid = { X86_TRAP_TS, t->tss.selector };
	struct task_fault fault;

	if (read_descriptor(t, t->tss.selector, &t->tss))
		return 1;
	if (task_check_tss(&t->tss, t->source, &fault))
		return raise(t, &fault);
	task_descriptor(&t->tss, &t->tr);
	t->tr.access |= TSS_DESCRIPTOR_BUSY;
	if (read_image(t))
		return 1;
	if ((t->source == TASK_CALL || t->source == TASK_GATE) &&
	    probe_write(t, t->tr.base, sizeof(u16), &invalid))
		return 1;
	if (t->source == TASK_IRET)
		return 0;
	return probe_write(t, descriptor_at(t, t->tss.selector) + ACCESS_BYTE, 1, &invalid);
}

/* Where the old task goes on. What RFLAGS.RF becomes the processor has seen to. */
static void collect(struct task_switch *t, struct task_image *old)
{
	struct vcpu *v = t->v;
	const struct vmxhv_segment *from = &t->s.es;
	int i;

	*old = (struct task_image){ .eip = vcpu_rip(v), .eflags = vcpu_rflags(v) };
	if (t->source != TASK_GATE)
		old->eip += exit_insn_len(v);
	else if (t->event.insn_len)
		old->eip += t->event.insn_len;
	if (t->source == TASK_IRET)
		old->eflags &= ~X86_EFLAGS_NT;
	for (i = 0; i < ARRAY_SIZE(old->gpr); i++)
		old->gpr[i] = vcpu_gpr(v, i);
	for (i = 0; i < TASK_LDTR; i++)
		old->selector[i] = from[i].selector;
}

static int save_old(struct task_switch *t)
{
	const struct task_fault invalid = { X86_TRAP_TS, t->s.tr.selector };
	bool wide = is_wide(&t->s.tr);
	struct task_image old;
	union tss tss = {};
	u32 offset, length;

	if ((t->source == TASK_JMP || t->source == TASK_IRET) &&
	    change_byte(t, descriptor_at(t, t->s.tr.selector) + ACCESS_BYTE, TSS_DESCRIPTOR_BUSY,
			0, &invalid))
		return 1;
	collect(t, &old);
	tss_format(&old, wide, &tss);
	tss_saved_range(wide, &offset, &length);
	return copy(t, t->s.tr.base + offset, (u8 *)&tss + offset, length,
		    WALK_WRITE | WALK_IMPLICIT, &invalid);
}

static int mark_new(struct task_switch *t)
{
	const struct task_fault invalid = { X86_TRAP_TS, t->tss.selector };
	u16 link = t->s.tr.selector;

	if ((t->source == TASK_CALL || t->source == TASK_GATE) &&
	    copy(t, t->tr.base, &link, sizeof(link), WALK_WRITE | WALK_IMPLICIT, &invalid))
		return 1;
	if (t->source != TASK_IRET &&
	    change_byte(t, descriptor_at(t, t->tss.selector) + ACCESS_BYTE, 0, TSS_DESCRIPTOR_BUSY,
			&invalid))
		return 1;
	/* again: the old TSS may be part of it */
	return read_image(t);
}

static int load_paging(struct task_switch *t)
{
	const struct task_fault protection = { X86_TRAP_GP, 0 };

	if (!is_wide(&t->tr) || !(vcpu_cr0(t->v) & X86_CR0_PG))
		return 0;
	return cr3_set(t->v, t->image.cr3) ? raise(t, &protection) : 0;
}

static void load_registers(struct task_switch *t)
{
	struct vcpu *v = t->v;
	u32 eflags = t->image.eflags;
	int i;

	if (t->source == TASK_CALL || t->source == TASK_GATE)
		eflags |= X86_EFLAGS_NT;
	for (i = 0; i < ARRAY_SIZE(t->image.gpr); i++)
		vcpu_set_gpr(v, i, t->image.gpr[i]);
	vcpu_set_rip(v, t->image.eip);
	vcpu_set_rflags(v, eflags);
	cr0_set(v, vcpu_cr0(v) | X86_CR0_TS);
	dr_set7(v, vmcs_readl(GUEST_DR7) & ~(u64)DR7_LOCAL);
	/* IRET ends the blocking of NMIs, shadows and traps were the old task's */
	vcpu_set_shadow(v, t->source == TASK_IRET ? 0 : vcpu_shadow(v) & SHADOW_NMI);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

/* The first fault counts, whatever else is wrong. */
static int read_segments(struct task_switch *t, bool vm86, struct task_segment *segments)
{
	static const u8 order[] = { TASK_CS, TASK_SS, TASK_DS, TASK_ES, TASK_FS, TASK_GS };
	int i, ret;

	ret = read_descriptor(t, t->image.selector[TASK_LDTR], &segments[TASK_LDTR]);
	if (ret)
		segments[TASK_LDTR].outside = true;
	t->s.ldtr.access = SEGMENT_UNUSABLE;
	if (!segments[TASK_LDTR].null && task_segment_good(segments, TASK_LDTR))
		task_descriptor(&segments[TASK_LDTR], &t->s.ldtr);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		struct task_segment *to = &segments[order[i]];

		if (vm86 || ret) {
			*to = (struct task_segment){
				.selector = t->image.selector[order[i]], .outside = true };
			continue;
		}
		ret = read_descriptor(t, t->image.selector[order[i]], to);
		if (ret)
			to->outside = true;
	}
	return ret;
}

/* A descriptor that is loaded has been accessed. */
static int mark_accessed(struct task_switch *t, const struct task_segment *segments)
{
	int i;

	for (i = 0; i < TASK_LDTR; i++) {
		const struct task_fault otherwise = { X86_TRAP_TS, segments[i].selector };
		u64 at = descriptor_at(t, segments[i].selector) + ACCESS_BYTE;

		if (segments[i].null || segments[i].raw & BIT_ULL(40) ||
		    !task_segment_good(segments, i))
			continue;
		if (change_byte(t, at, 0, VMX_AR_TYPE_ACCESSED, &otherwise))
			return 1;
	}
	return 0;
}

static int load_segments(struct task_switch *t)
{
	bool vm86 = t->image.eflags & X86_EFLAGS_VM;
	struct task_segment segments[TASK_SEGMENTS];
	struct task_fault fault;
	int ret = read_segments(t, vm86, segments);

	task_place_segments(segments, vm86, &t->s);
	t->s.tr = t->tr;
	state_set_segments(&t->s);
	if (ret)
		return ret;
	if (task_check_segments(segments, vm86, &fault))
		return raise(t, &fault);
	return vm86 ? 0 : mark_accessed(t, segments);
}

/* An exception's error code goes on the new task's stack, as wide as its TSS. */
static int push_error_code(struct task_switch *t)
{
	const struct task_fault no_room = { X86_TRAP_SS, 0 };
	const struct vmxhv_segment *ss = &t->s.ss;
	const struct io_segment stack = {
		.mode = t->image.eflags & X86_EFLAGS_VM ? VMXHV_MODE_VM86 : VMXHV_MODE_32,
		.access = ss->access, .limit = ss->limit, .write = true,
	};
	u32 width = is_wide(&t->tr) ? sizeof(u32) : sizeof(u16);
	u32 mask = ss->access & VMX_AR_DB ? U32_MAX : U16_MAX;
	u32 esp = t->image.gpr[REG_RSP];
	u32 top = (esp - width) & mask;
	u32 user = VMX_AR_DPL(ss->access) == 3 ? WALK_USER : 0;

	if (!io_segment_units(&stack, top, mask, width))
		return raise(t, &no_room);
	if (copy(t, ss->base + top, &t->event.error_code, width, WALK_WRITE | user, &no_room))
		return 1;
	vcpu_set_rsp(t->v, (esp & ~mask) | top);
	return 0;
}

/* The new task, up to its first instruction. */
static int enter_new(struct task_switch *t)
{
	const struct task_fault protection = { X86_TRAP_GP, 0 };

	load_registers(t);
	if (load_segments(t))
		return 1;
	if (t->event.info & INTR_INFO_DELIVER_CODE_MASK && push_error_code(t))
		return 1;
	return t->image.eip > t->s.cs.limit ? raise(t, &protection) : 0;
}

/**
 * handle_task_switch() - exit reason task switch
 * @v: the vCPU, loaded; the event whose delivery met a task gate is in events.injected
 *
 * Context: Process; may sleep. SDM: "Task Switching", "Exit Qualification for Task Switches".
 * Return: HANDLED: the guest is in the new task, or gets a fault.
 */
int handle_task_switch(struct vcpu *v)
{
	struct task_switch t;

	begin(v, &t);
	if (check_new(&t) || check_old(&t) || save_old(&t) || mark_new(&t) || load_paging(&t) ||
	    enter_new(&t)) {
		/* composes with the exception whose delivery this was */
		vcpu_raise_exception(v, &t.fault);
		return HANDLED;
	}
	events_forget_injected(&v->events);
	if (t.image.trap)
		vcpu_raise_exception(v, &(const struct exception){
			.vector = X86_TRAP_DB, .has_payload = true, .payload = DR_SWITCH });
	return HANDLED;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: every access exits, and userspace answers. String I/O moves its data through the run
 * area's page, as many units at a time as lie in one page of the guest's linear memory. Where the
 * guest's end of it is no memory, the exit is the one that any other instruction there would make.
 * (SDM: "Exit Qualification for I/O Instructions", "Instruction-Information Field".)
 */
#include <linux/minmax.h>
#include <linux/mm.h>

#include <asm/trapnr.h>

#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* INS and OUTS: instruction information */
#define INFO_ADDRESS_SIZE(info)	(2u << (((info) >> 7) & 7))	/* bytes */
#define INFO_SEGMENT(info)	(((info) >> 15) & 7)
#define SEGMENT_SS		2

static char *io_page(struct vcpu *v)
{
	return (char *)v->run + VMXHV_RUN_IO_OFFSET;
}

static u64 address_mask(const struct vmxhv_exit_io *io)
{
	return io->address_size == 8 ? ~0ull : io->address_size == 4 ? U32_MAX : U16_MAX;
}

static u32 string_access(struct vcpu *v, bool write)
{
	return (vcpu_cpl(v) == 3 ? WALK_USER : 0) | (write ? WALK_WRITE : 0);
}

/* How many units the segment lets through; the VMCS has the six one after the other. */
static u64 units_in_segment(struct vcpu *v, const struct vmxhv_exit_io *io)
{
	const u64 index = v->gpr[io->in ? REG_RDI : REG_RSI];
	const struct io_segment segment = {
		.mode = vcpu_cpu_mode(v),
		.access = vmcs_read_any(GUEST_ES_AR_BYTES + 2 * io->segment),
		.limit = vmcs_read_any(GUEST_ES_LIMIT + 2 * io->segment),
		.write = io->in,
	};

	return io_segment_units(&segment, index & address_mask(io), address_mask(io), io->width);
}

/* SDM: "Alignment Checking Exception (#AC)" */
static bool misaligned(struct vcpu *v, const struct vmxhv_exit_io *io)
{
	return (v->io.gva & (io->width - 1)) && (vcpu_cr0(v) & X86_CR0_AM) &&
	       (vcpu_rflags(v) & X86_EFLAGS_AC) && vcpu_cpl(v) == 3;
}

static u64 units_left(struct vcpu *v, const struct vmxhv_exit_io *io)
{
	return io->rep ? v->gpr[REG_RCX] & address_mask(io) : 1;
}

/* How many units fit: what may be done, the page in the run area, and the guest's page. */
static u32 string_count(struct vcpu *v, const struct vmxhv_exit_io *io, u64 left)
{
	u64 room = PAGE_SIZE - offset_in_page(v->io.gva);

	/* downwards, across a page, or with a trap behind each: one unit at a time */
	if ((vcpu_rflags(v) & (X86_EFLAGS_DF | X86_EFLAGS_TF)) || room < io->width ||
	    unlikely(dr_watching(v)))
		return min_t(u64, left, 1);
	return min_t(u64, left, room / io->width);
}

/* 64-bit mode ignores the prefix that names SS, whatever the exit says. */
static int segment_fault(struct vcpu *v)
{
	bool stack = v->io.exit.segment == SEGMENT_SS && vcpu_cpu_mode(v) != VMXHV_MODE_64;

	vcpu_raise_error(v, stack ? X86_TRAP_SS : X86_TRAP_GP, 0);
	return HANDLED;
}

/* A fault on the guest's buffer: the instruction is restarted after it. */
static int string_fault(struct vcpu *v, int how, const struct walk_result *walk)
{
	if (how == 1)
		vcpu_raise_page_fault(v, walk->linear, walk->fault_error);
	else
		segment_fault(v);
	return HANDLED;
}

/*
 * Is there memory at @gva that can be read, or written? If not, @ends is what the exit ends with:
 * the guest's own fault, MMIO or MEMORY_ERROR, or the instruction is tried again.
 */
static bool buffer_ready(struct vcpu *v, u64 gva, bool write, int *ends)
{
	u32 access = write ? VMXHV_MMIO_WRITE : VMXHV_MMIO_READ;
	struct fault_info info = {};
	struct walk_result walk = {};
	int how = vcpu_translate(v, gva, string_access(v, write), &walk);
	enum fault_result result;

	*ends = HANDLED;
	if (how == -EAGAIN)
		return false;
	if (how == 1 || how == -EINVAL) {
		string_fault(v, how, &walk);
		return false;
	}
	/* the walk itself met no memory: then @walk says where, and A and D may be at stake */
	result = memory_fault(v->vm, walk.gpa, write || how, false, &info);
	if (result == FAULT_MAPPED || result == FAULT_RETRY)
		return result == FAULT_MAPPED && !how;
	v->exit.gpa = walk.gpa;
	v->exit.gla = gva;
	v->exit.valid |= EXIT_HAS_GPA | EXIT_HAS_GLA;
	if (result == FAULT_ERROR)
		*ends = memory_error_to_user(v, &info);
	else
		*ends = mmio_to_user(v, access | (how ? VMXHV_MMIO_WALK : 0), gva);
	return false;
}

/* The units of this exit, between the run area's page and the guest's memory. */
static int copy_string(struct vcpu *v, bool write, struct gva_copy *copy)
{
	*copy = (struct gva_copy){
		.gva = v->io.gva,
		.buf = io_page(v),
		.length = v->io.exit.count * v->io.exit.width,
		.access = string_access(v, write),
	};
	return vcpu_copy_gva(v, copy);
}

static int check_ins_target(struct vcpu *v)
{
	u32 bytes = v->io.exit.count * v->io.exit.width;
	u64 last = vcpu_wrap_gva(v, v->io.gva, v->io.gva + bytes - 1);
	int ends;

	/* the data would be lost if it could not be stored: see first that it can */
	if (!buffer_ready(v, v->io.gva, true, &ends))
		return ends;
	if ((last ^ v->io.gva) & PAGE_MASK && !buffer_ready(v, last & PAGE_MASK, true, &ends))
		return ends;
	return io_to_user(v);
}

static int read_outs_source(struct vcpu *v)
{
	struct gva_copy copy;
	int ends, how = copy_string(v, false, &copy);

	if (!how)
		return io_to_user(v);
	if (how != -EFAULT)
		return string_fault(v, how, &copy.walk);
	/* there after all: once more */
	if (buffer_ready(v, vcpu_wrap_gva(v, v->io.gva, v->io.gva + copy.done), false, &ends))
		return HANDLED;
	return ends;
}

static noinline int handle_string(struct vcpu *v)
{
	struct vmxhv_exit_io *io = &v->io.exit;
	u32 info = exit_insn_info(v);
	u64 left, allowed;

	io->string = 1;
	io->address_size = INFO_ADDRESS_SIZE(info);
	io->segment = io->in ? 0 : INFO_SEGMENT(info);
	io->data_offset = VMXHV_RUN_IO_OFFSET;
	v->io.gva = exit_gla(v);
	left = units_left(v, io);
	allowed = units_in_segment(v, io);
	io->count = string_count(v, io, min(left, allowed));
	if (v->io.rip != vcpu_rip(v))
		v->io.done = 0;
	v->io.rip = vcpu_rip(v);
	io->done = v->io.done;

	if (!left)
		return vcpu_skip_insn(v);
	if (!allowed)
		return segment_fault(v);
	if (unlikely(misaligned(v, io))) {
		vcpu_raise_error(v, X86_TRAP_AC, 0);
		return HANDLED;
	}
	return io->in ? check_ins_target(v) : read_outs_source(v);
}

/**
 * handle_io() - exit reason I/O instruction
 * @v: the vCPU, loaded
 *
 * Context: Process; may sleep for string I/O.
 * Return: TO_USER with IO in the run area, or with MMIO or MEMORY_ERROR for the guest's buffer;
 *	HANDLED: the buffer faults.
 */
int handle_io(struct vcpu *v)
{
	const u32 qualification = exit_qualification(v);
	const bool in = qualification & IO_QUAL_IN;
	const u32 width = IO_QUAL_SIZE(qualification);
	struct vmxhv_exit_io *io = &v->io.exit;

	*io = (struct vmxhv_exit_io){
		.port = IO_QUAL_PORT(qualification),
		.width = width,
		.in = in,
		.rep = !!(qualification & IO_QUAL_REP),
		.count = 1,
	};
	exit_insn_len(v);
	if (unlikely(qualification & IO_QUAL_STRING))
		return handle_string(v);

	io->data_offset = offsetof(struct vmxhv_run, u.io.data);
	if (!in)
		io->data = v->gpr[REG_RAX] & (~0u >> (32 - width * 8));
	return io_to_user(v);
}

/* SI or DI by the units done, within the address size; the rest of the register stays. */
static void advance_index(struct vcpu *v, unsigned int reg)
{
	const struct vmxhv_exit_io *io = &v->io.exit;
	u64 bytes = (u64)io->count * io->width;
	u64 mask = address_mask(io);
	u64 old = v->gpr[reg];
	u64 new = vcpu_rflags(v) & X86_EFLAGS_DF ? old - bytes : old + bytes;

	/* writing a 32-bit register clears its upper half; a 16-bit one keeps it */
	v->gpr[reg] = mask == U16_MAX ? (old & ~mask) | (new & mask) : new & mask;
}

static void count_down(struct vcpu *v)
{
	u64 mask = address_mask(&v->io.exit);
	u64 old = v->gpr[REG_RCX];
	u64 new = old - v->io.exit.count;

	v->gpr[REG_RCX] = mask == U16_MAX ? (old & ~mask) | (new & mask) : new & mask;
}

/* Memory has gone since it was looked at: the data waits in the run area until it is back. */
static int keep_input(struct vcpu *v, const struct gva_copy *copy)
{
	struct fault_info info = { .error = -EFAULT };

	memory_fault(v->vm, copy->walk.gpa, true, false, &info);
	v->completion = COMPLETE_IO;
	v->exit.gpa = copy->walk.gpa;
	v->exit.valid |= EXIT_HAS_GPA;
	return memory_error_to_user(v, &info);
}

/* The instruction, or an iteration, is done: breakpoints on its port and its buffer. */
static noinline void meet_points(struct vcpu *v)
{
	const struct vmxhv_exit_io *io = &v->io.exit;

	if (io->string)
		dr_meet(v, io->in ? DEBUG_WRITES : DEBUG_READS, v->io.gva, io->width);
	dr_meet(v, DEBUG_PORT, io->port, io->width);
}

static noinline int complete_string(struct vcpu *v)
{
	const struct vmxhv_exit_io *io = &v->io.exit;
	struct gva_copy copy;
	bool more = false;
	int ret;

	if (io->in) {
		ret = copy_string(v, true, &copy);
		if (ret == -EFAULT)
			return keep_input(v, &copy);
		if (ret)
			return string_fault(v, ret, &copy.walk);
	}
	advance_index(v, io->in ? REG_RDI : REG_RSI);
	v->io.done += io->count;
	if (io->rep) {
		count_down(v);
		more = v->gpr[REG_RCX] & address_mask(io);
	}
	if (more) {
		retire_iteration(v);	/* interrupts may come between */
	} else {
		v->io.rip = ~0ull;
		vcpu_skip_insn(v);
	}
	if (unlikely(dr_watching(v)))
		meet_points(v);
	return HANDLED;
}

/* A 32-bit IN clears the upper half of RAX; narrower ones keep the rest. */
static void store_input(struct vcpu *v)
{
	u32 data = READ_ONCE(v->run->u.io.data);

	if (v->io.exit.width == 4)
		v->gpr[REG_RAX] = data;
	else if (v->io.exit.width == 2)
		v->gpr[REG_RAX] = (v->gpr[REG_RAX] & ~0xffffull) | (u16)data;
	else
		v->gpr[REG_RAX] = (v->gpr[REG_RAX] & ~0xffull) | (u8)data;
}

/* Out of line: whom nobody watches needs no stack frame. */
static noinline int complete_watched(struct vcpu *v)
{
	vcpu_skip_insn(v);
	meet_points(v);
	return HANDLED;
}

/**
 * complete_io() - RUN after an IO exit: store what came in, end the instruction
 * @v: the vCPU, loaded
 *
 * Context: Process; may sleep for string I/O.
 * Return: HANDLED; TO_USER with MEMORY_ERROR, to be completed again.
 */
int complete_io(struct vcpu *v)
{
	if (unlikely(v->io.exit.string))
		return complete_string(v);
	if (v->io.exit.in)
		store_input(v);
	if (unlikely(dr_watching(v)))
		return complete_watched(v);
	return vcpu_skip_insn(v);
}

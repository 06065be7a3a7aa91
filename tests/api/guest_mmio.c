// SPDX-License-Identifier: GPL-2.0-only
/* MMIO exits and their three completions; read-only and no-execute memory. */
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "tap.h"

enum { READS, WRITES, FAULT, RETRY, READ_ONLY, EXECUTE, STEP, PAGE_CROSSING };

#define MMIO	0x20000040

/* One MMIO exit, as it must look. */
static bool mmio_exit(struct cpu *c, uint64_t gpa, uint32_t access, const uint8_t *insn, int length)
{
	const struct vmxhv_exit_mmio *mmio = &c->run->u.mmio;
	int ret = run_guest(c);
	bool good = ret == VMXHV_EXIT_MMIO && mmio->gpa == gpa && mmio->gva == gpa &&
		    mmio->access == access && mmio->mode == VMXHV_MODE_64 &&
		    (mmio->insn_count >= length && !memcmp(mmio->insn, insn, length)) &&
		    mmio->completion == VMXHV_MMIO_RETRY &&
		    (c->run->exit_flags & VMXHV_EXITF_PENDING);

	if (!good) {
		if (ret >= 0)
			note_exit(c);
		tap_note("returned %d, gpa %#llx gva %#llx access %u mode %u insn[%u] %02x %02x",
			 ret, (unsigned long long)mmio->gpa, (unsigned long long)mmio->gva,
			 mmio->access, mmio->mode, mmio->insn_count, mmio->insn[0], mmio->insn[1]);
	}
	return good;
}

/* Done by userspace: a register's new value comes back in the run area, beside the completion. */
static void retire(struct cpu *c, uint32_t length, int reg, uint64_t value)
{
	c->run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c->run->u.mmio.retire_len = length;
	if (reg < 0)
		return;
	if (get_group(c, VMXHV_STATE_GPRS, &c->run->gprs, sizeof(c->run->gprs)))
		tap_bail("GET_STATE with an exit pending");
	c->run->gprs.gpr[reg] = value;
	c->run->gprs.rip += length;
	c->run->dirty = VMXHV_GROUP_GPRS;
}

static void reads(struct cpu *c)
{
	static const uint8_t mov[] = { 0x8b, 0x03 }, movzx[] = { 0x0f, 0xb6, 0x43, 0x04 };

	cpu_start(c, MODE_LONG, READS);
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "a read exits");
	retire(c, 2, 0, 0xcafe);
	tap_ok(mmio_exit(c, MMIO + 4, VMXHV_MMIO_READ, movzx, 4), "another kind of read");
	tap_equal(c->values[0], 0xcafe, "the register's new value");
	retire(c, 4, 0, 0x42);
	tap_equal(run_guest(c), VMXHV_EXIT_NONE, "the guest goes on");
	tap_equal(c->values[1], 0x42, "with the second value");
}

/* Registers in the run area, published at the exit and given back dirty. */
static void by_run_area(struct cpu *c)
{
	static const uint8_t mov[] = { 0x8b, 0x03 };

	cpu_start(c, MODE_LONG, READS);
	c->run->wanted = VMXHV_GROUP_GPRS;
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "a read exits");
	tap_ok(c->run->valid & VMXHV_GROUP_GPRS, "GPRS are published");
	tap_equal(c->run->gprs.gpr[3], MMIO, "RBX is what the guest loaded");
	c->run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c->run->u.mmio.retire_len = 2;
	c->run->gprs.gpr[0] = 0xbeef;
	c->run->gprs.rip += 2;
	c->run->dirty = VMXHV_GROUP_GPRS;
	tap_equal(run_guest(c), VMXHV_EXIT_MMIO, "RUN takes the dirty registers");
	tap_equal(c->run->dirty, 0, "and says so");
	tap_equal(c->values[0], 0xbeef, "the guest has them");
	c->run->wanted = 0;
}

static void two_writes(struct cpu *c)
{
	static const uint8_t mov[] = { 0xc7, 0x03, 0x44, 0x33, 0x22, 0x11 };
	static const uint8_t movb[] = { 0xc6, 0x43, 0x04, 0x55 };

	cpu_start(c, MODE_LONG, WRITES);
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_WRITE, mov, 6), "a write exits");
	retire(c, 6, -1, 0);
	tap_ok(mmio_exit(c, MMIO + 4, VMXHV_MMIO_WRITE, movb, 4), "a write of a byte");
	retire(c, 4, -1, 0);
	EXPECT(c, "writes are done once each", 1);
}

static void faults(struct cpu *c)
{
	static const uint8_t mov[] = { 0x8b, 0x0b };

	cpu_start(c, MODE_LONG, FAULT);
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "a read, answered by #PF");
	c->run->u.mmio.completion = VMXHV_MMIO_FAULT;
	c->run->u.mmio.fault_vector = 14;
	c->run->u.mmio.fault_has_error = 1;
	c->run->u.mmio.fault_error = 5;
	c->run->u.mmio.fault_address = 0x1234567;
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "a read, answered by #GP");
	c->run->u.mmio.completion = VMXHV_MMIO_FAULT;
	c->run->u.mmio.fault_vector = 13;
	c->run->u.mmio.fault_has_error = 1;
	c->run->u.mmio.fault_error = 0;
	EXPECT(c, "FAULT: vector, code and CR2", 14, 5, 0, 0x1234567, 13, 0, 0);
}

static void retries(struct machine *m, struct cpu *c)
{
	static const uint8_t mov[] = { 0x8b, 0x03 };
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);

	cpu_start(c, MODE_LONG, RETRY);
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "a read exits");
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "RETRY: it exits again");
	page[16] = 0x600d;
	machine_map(m, MMIO & ~0xfffull, page, 4096, 0);
	EXPECT(c, "RETRY: memory that came meanwhile is read", 0x600d);
	machine_unmap(m, MMIO & ~0xfffull, 4096);
	cpu_start(c, MODE_LONG, RETRY);
	tap_ok(mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2), "memory that went exits again");
	munmap(page, 4096);
}

static void refused_answers(struct cpu *c)
{
	static const uint8_t mov[] = { 0x8b, 0x03 };

	cpu_start(c, MODE_LONG, RETRY);
	mmio_exit(c, MMIO, VMXHV_MMIO_READ, mov, 2);
	c->run->u.mmio.completion = 7;
	tap_ok(run(c) < 0, "an unknown completion is refused");
	c->run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c->run->u.mmio.retire_len = 16;
	tap_ok(run(c) < 0, "so is a length of 16");
	retire(c, 2, 0, 3);
	EXPECT(c, "and the exit can still be completed", 3);
}

static void protections(struct machine *m, struct cpu *c)
{
	static const uint8_t store[] = { 0xc7, 0x03 };
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);

	page[0] = 0x66;
	machine_map(m, PAGED_BASE, page, 4096, VMXHV_MEM_READONLY);
	cpu_start(c, MODE_LONG, READ_ONLY);
	tap_ok(mmio_exit(c, PAGED_BASE, VMXHV_MMIO_WRITE, store, 2), "a write to ROM exits");
	retire(c, 6, -1, 0);
	EXPECT(c, "reads of ROM do not", 0x66, 0x66);
	machine_unmap(m, PAGED_BASE, 4096);

	page[0] = 0xc3;
	machine_map(m, PAGED_BASE, page, 4096, VMXHV_MEM_NOEXEC);
	cpu_start(c, MODE_LONG, EXECUTE);
	tap_equal(run_guest(c), VMXHV_EXIT_MMIO, "execution where there is none exits");
	tap_equal(c->run->u.mmio.access, VMXHV_MMIO_FETCH, "as a fetch");
	machine_unmap(m, PAGED_BASE, 4096);
	munmap(page, 4096);
}

int main(void)
{
	static const uint8_t step[] = { 0x8b, 0x0b }, crossing[] = { 0x8b, 0x03 };
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "mmio");
	cpu_create(&m, &c, 0);
	reads(&c);
	by_run_area(&c);
	two_writes(&c);
	faults(&c);
	retries(&m, &c);
	refused_answers(&c);
	protections(&m, &c);
	cpu_start(&c, MODE_LONG, STEP);
	tap_ok(mmio_exit(&c, MMIO, VMXHV_MMIO_READ, step, 2), "single step: the read exits");
	retire(&c, 2, 1, 0x99);
	EXPECT(&c, "single step: the trap comes behind RETIRE", 1, 0, 2, 0x99);
	cpu_start(&c, MODE_LONG, PAGE_CROSSING);
	tap_ok(mmio_exit(&c, MMIO, VMXHV_MMIO_READ, crossing, 2), "an instruction across pages");
	retire(&c, 2, 0, 0x123);
	EXPECT(&c, "and behind it", 0x123);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

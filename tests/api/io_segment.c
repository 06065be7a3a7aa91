// SPDX-License-Identifier: GPL-2.0-only
/* INS and OUTS within their segment: what fits is transferred, then comes the fault. */
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define PORT	0x310

enum {
	OUTS, OUTS_SS, OUTS_FS, OUTS_CS, OUTS_DWORDS, INS, INS_DWORDS, REAL_OUTS, REAL_OUTS_SS,
	LONG_OUTS, LONG_OUTS_SS, LONG_OUTS_DWORDS, IDT32, IDT64, REAL_12, REAL_13,
};

enum { ES, CS, SS, DS, FS };

enum { STACK_FAULT = 12, PROTECTION = 13, ALIGNMENT = 17 };

/* access rights */
#define DATA		0x4093
#define READ_ONLY	0x4091
#define EXPAND_DOWN	0x4097
#define EXECUTE_ONLY	0xc099
#define REAL_DATA	0x93
#define UNUSABLE	0x10000
#define D		DATA_BASE

/**
 * struct row - one case
 * @entry: of the image
 * @mode: and CPL 3 where @user
 * @segment: is given @base, @limit and @access
 * @index: SI or DI
 * @count: CX
 * @units: how many are transferred
 * @vector: what ends the case; 0: nothing does
 */
struct row {
	const char *name;
	uint8_t entry, mode, user, segment;
	uint32_t base, limit, access;
	uint64_t index;
	uint32_t count, units, vector;
};

static const struct row rows[] = {
	{ "OUTSB up to the limit", OUTS, MODE_PROTECTED, 0, DS, D, 15, DATA, 8, 8, 8, 0 },
	{ "OUTSB over the limit", OUTS, MODE_PROTECTED, 0, DS, D, 15, DATA, 8, 16, 8, PROTECTION },
	{ "OUTSL across the limit", OUTS_DWORDS, MODE_PROTECTED, 0, DS, D, 15, DATA, 14, 1, 0,
	  PROTECTION },
	{ "OUTSB beyond the limit, a count of 0", OUTS, MODE_PROTECTED, 0, DS, D, 15, DATA, 64, 0,
	  0, 0 },
	{ "OUTSB by a null segment", OUTS, MODE_PROTECTED, 0, DS, 0, 0, UNUSABLE, D, 4, 0,
	  PROTECTION },
	{ "OUTSB by an expand-down segment", OUTS, MODE_PROTECTED, 0, DS, D, 15, EXPAND_DOWN, 16, 4,
	  4, 0 },
	{ "OUTSB below an expand-down segment", OUTS, MODE_PROTECTED, 0, DS, D, 15, EXPAND_DOWN, 15,
	  4, 0, PROTECTION },
	{ "OUTSB by SS over the limit", OUTS_SS, MODE_PROTECTED, 0, SS, 0, D + 15, DATA, D + 8, 16,
	  8, STACK_FAULT },
	{ "OUTSB by FS over the limit", OUTS_FS, MODE_PROTECTED, 0, FS, D, 15, DATA, 8, 16, 8,
	  PROTECTION },
	{ "OUTSB by a code segment to execute only", OUTS_CS, MODE_PROTECTED, 0, CS, 0, ~0u,
	  EXECUTE_ONLY, D, 4, 0, PROTECTION },
	{ "OUTSB by a read-only segment", OUTS, MODE_PROTECTED, 0, DS, D, 15, READ_ONLY, 8, 8, 8,
	  0 },
	{ "INSB to a read-only segment", INS, MODE_PROTECTED, 0, ES, D, 15, READ_ONLY, 8, 8, 0,
	  PROTECTION },
	{ "INSB to a null segment", INS, MODE_PROTECTED, 0, ES, 0, 0, UNUSABLE, D, 4, 0,
	  PROTECTION },
	{ "INSL over the limit", INS_DWORDS, MODE_PROTECTED, 0, ES, D, 17, DATA, 0, 6, 4,
	  PROTECTION },
	{ "real mode: SI wraps", REAL_OUTS, MODE_REAL, 0, DS, D, 0xffff, REAL_DATA, 0xfff8, 16, 16,
	  0 },
	{ "real mode: OUTSW across the limit", REAL_OUTS_SS, MODE_REAL, 0, SS, 0, 0xffff,
	  REAL_DATA, 0xffff, 1, 0, STACK_FAULT },
	{ "64-bit mode has no limits", LONG_OUTS, MODE_LONG, 0, DS, 0, 0, UNUSABLE, D, 16, 16, 0 },
	{ "64-bit mode: not canonical", LONG_OUTS, MODE_LONG, 0, DS, 0, 0, UNUSABLE, 1ull << 47, 1,
	  0, PROTECTION },
	{ "64-bit mode: not canonical, by SS, which is ignored", LONG_OUTS_SS, MODE_LONG, 0, SS, 0,
	  ~0u, 0xc093, 1ull << 47, 1, 0, PROTECTION },
	{ "CPL 3: aligned", LONG_OUTS_DWORDS, MODE_LONG, 1, DS, 0, 0, UNUSABLE, D + 4, 4, 4, 0 },
	{ "CPL 3: misaligned", LONG_OUTS_DWORDS, MODE_LONG, 1, DS, 0, 0, UNUSABLE, D + 2, 4, 0,
	  ALIGNMENT },
};

static struct machine m;
static uint8_t *top_page;
static struct cpu c;

static uint32_t width_of(const struct row *r)
{
	if (r->entry == REAL_OUTS_SS)
		return 2;
	return r->entry == OUTS_DWORDS || r->entry == INS_DWORDS ||
	       r->entry == LONG_OUTS_DWORDS ? 4 : 1;
}

static bool is_in(const struct row *r)
{
	return r->entry == INS || r->entry == INS_DWORDS;
}

static uint8_t *unit(const struct row *r, uint32_t i)
{
	uint64_t offset = r->index + i * width_of(r);

	return m.ram + r->base + (r->mode == MODE_REAL ? (uint16_t)offset : offset);
}

static uint64_t address_of(unsigned int entry)
{
	uint64_t address;

	memcpy(&address, m.ram + GUEST_BASE + 8 * entry, 8);
	return address;
}

static void real_vector(unsigned int vector, unsigned int entry)
{
	uint32_t far = address_of(entry);

	memcpy(m.ram + 4 * vector, &far, 4);
}

static void set_user(struct vmxhv_sregs *s)
{
	s->cs.selector = SEL_USER_CODE64;
	s->cs.access = 0xa0fb;
	s->ss.selector = SEL_USER_DATA;
	s->ss.access = 0xc0f3;
	s->cr0 |= 1 << 18;		/* AM */
}

static void set_up(const struct row *r)
{
	struct vmxhv_sregs s;
	struct vmxhv_gprs g;
	struct vmxhv_segment *segment = &s.es + r->segment;

	cpu_start(&c, r->mode, r->entry);
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g));
	if (r->user)
		set_user(&s);
	segment->base = r->base;
	segment->limit = r->limit;
	segment->access = r->access;
	if (r->access == UNUSABLE)
		segment->selector = 0;
	else if (r->mode == MODE_REAL)
		segment->selector = r->base >> 4;
	if (r->mode != MODE_REAL)
		s.idtr = (struct vmxhv_table){
			.base = address_of(r->mode == MODE_LONG ? IDT64 : IDT32), .limit = 0xfff };
	g.gpr[1] = r->count;
	g.gpr[is_in(r) ? 7 : 6] = r->index;
	if (r->user)
		g.rflags |= 3 << 12 | 1 << 18;		/* IOPL, AC */
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("%s: SET_STATE: %.96s", r->name, last_error(c.fd).text);
}

/* The units of one exit; false: they are not what they should be. */
static bool transfer(const struct row *r, uint32_t *done)
{
	const struct vmxhv_exit_io *io = &c.run->u.io;
	uint8_t *data = (uint8_t *)c.run + io->data_offset;
	uint32_t width = width_of(r);

	if (io->port != PORT || io->width != width || io->in != is_in(r) || !io->string)
		return false;
	if (!io->count || *done + io->count > r->units)
		return false;
	for (uint32_t i = 0; i < io->count; i++) {
		if (io->in)
			memset(data + i * width, 0xc0 + *done + i, width);
		else if (memcmp(data + i * width, unit(r, *done + i), width))
			return false;
	}
	*done += io->count;
	return true;
}

static bool arrived(const struct row *r)
{
	for (uint32_t i = 0; is_in(r) && i < r->count; i++) {
		if (*unit(r, i) != (i < r->units ? 0xc0 + i : 0xee))
			return false;
	}
	return true;
}

static bool ended_well(const struct row *r)
{
	uint32_t left = r->count - r->units;

	if (!r->vector)
		return c.nr_values == 1 && c.values[0] == left;
	return c.nr_values == 3 && c.values[0] == r->vector && !c.values[1] && c.values[2] == left;
}

static void one(const struct row *r)
{
	uint32_t done = 0;
	bool good = true;
	int ret;

	for (uint32_t i = 0; i < 0x100; i++)
		m.ram[D + i] = is_in(r) ? 0xee : i + 1;
	for (uint32_t i = 0; i < 0x10; i++)
		m.ram[D + 0xfff0 + i] = 0x80 + i;
	set_up(r);
	while (good && (ret = run_guest(&c)) == VMXHV_EXIT_IO)
		good = transfer(r, &done);
	if (!good || ret || !ended_well(r)) {
		note_exit(&c);
		tap_note("%u units, %d values: %#x %#x %#x", done, c.nr_values, c.values[0],
			 c.values[1], c.values[2]);
	}
	tap_ok(good && !ret && done == r->units && arrived(r), "%s: data", r->name);
	tap_ok(ended_well(r), "%s: end", r->name);
}

/* One unit, of which two bytes are the last ones below 4 GiB and two the first ones. */
static void across_4g(enum cpu_mode mode, bool in, const char *name)
{
	static const uint8_t bytes[] = { 0x11, 0x22, 0x33, 0x44 };
	const struct row r = { name, in ? INS_DWORDS : OUTS_DWORDS, mode, 0, in ? ES : DS,
			       0xfffffffe, ~0u, 0xc093, 0, 1, 1, 0 };
	uint8_t *data = (uint8_t *)c.run + VMXHV_RUN_IO_OFFSET;
	struct vmxhv_sregs s;
	bool good;

	set_up(&r);
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.cs.selector = SEL_CODE32;
	s.cs.access = 0xc09b;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS: %.96s", last_error(c.fd).text);
	memcpy(top_page + 0xffe, in ? "    " : (const char *)bytes, 2);
	memcpy(m.ram, in ? "    " : (const char *)bytes + 2, 2);
	good = run_guest(&c) == VMXHV_EXIT_IO && c.run->u.io.count == 1;
	if (in)
		memcpy(data, bytes, 4);
	else
		good = good && !memcmp(data, bytes, 4);
	good = good && run_guest(&c) == VMXHV_EXIT_NONE;
	good = good && !memcmp(top_page + 0xffe, bytes, 2) && !memcmp(m.ram, bytes + 2, 2);
	if (!good)
		note_exit(&c);
	tap_ok(good, "%s: a unit across 4 GiB wraps", name);
}

static void all_across_4g(void)
{
	top_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	machine_map(&m, 0xfffff000, top_page, 4096, 0);
	across_4g(MODE_PROTECTED, false, "OUTSL in protected mode");
	across_4g(MODE_PROTECTED, true, "INSL in protected mode");
	across_4g(MODE_LONG, false, "OUTSL in compatibility mode");
	across_4g(MODE_LONG, true, "INSL in compatibility mode");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "io_segment");
	real_vector(STACK_FAULT, REAL_12);
	real_vector(PROTECTION, REAL_13);
	cpu_create(&m, &c, 0);
	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		one(&rows[i]);
	all_across_4g();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

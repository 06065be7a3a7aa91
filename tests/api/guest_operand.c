// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands of MMIO instructions, each page of them for itself: memory or a device, mapped or not,
 * with the rights of that access; and the accesses that are no instruction's own. The host lays
 * down one instruction, the guest runs it, and the library completes what exits.
 */
#include "one_insn.h"

/* ---- operands across pages ---------------------------------------------------------------- */

static void over_an_edge(void)
{
	static const uint8_t four[] = { 0x11, 0x22, 0x33, 0x44 };

	map_all();
	prepare(MODE_LONG, "\xc7\x03\x11\x22\x33\x44", 6);	/* movl $.., (%rbx) */
	set_reg(RBX, DEVICE - 2);
	memset(m.ram + DEVICE - 2, 0, 2);
	go();
	expect(ended() && !memcmp(m.ram + DEVICE - 2, four, 2) && !memcmp(dev.bytes, four + 2, 2) &&
	       dev.gpa == DEVICE && dev.width == 2 && dev.writes == 1,
	       "a store over an edge: half of it to memory, half to the device");
	tap_equal(*entry_at(PT(511)) & (A | D), A | D, "accessed and dirty flags of the memory");

	prepare(MODE_LONG, "\x8b\x03", 2);			/* mov (%rbx), %eax */
	set_reg(RBX, DEVICE - 1);
	m.ram[DEVICE - 1] = 0xaa;
	memcpy(dev.bytes, four, 4);
	go();
	expect(ended() && get_reg(RAX) == 0x332211aa, "a load over an edge: three bytes of it");

	prepare(MODE_LONG, "\x01\x03", 2);			/* add %eax, (%rbx) */
	set_reg(RBX, DEVICE - 2);
	set_reg(RAX, 0x00010001);
	memcpy(m.ram + DEVICE - 2, "\xff\xff", 2);
	go();
	expect(ended() && !memcmp(m.ram + DEVICE - 2, "\0\0", 2) &&
	       !memcmp(dev.bytes, "\2\0", 2), "an addition over an edge: with the carry");

	*entry_at(PT(0x180)) = 0;
	*entry_at(PT(0x17f)) = (DEVICE + 0x1000) | P | W;
	prepare(MODE_LONG, "\x89\x03", 2);			/* mov %eax, (%rbx) */
	set_reg(RBX, TARGET - 1);
	go();
	expect(faulted(14, 2, TARGET) && !dev.writes,
	       "the second page is not there: a page fault, and nothing is written");
	map_all();
}

/* Memory behind the device, and at the APIC's page, which no memory hides. */
static void neighbours(void)
{
	static const struct { uint64_t at, operand; const char *name; } places[] = {
		{ DEVICE + 0x1000, DEVICE + 0xffe, "memory behind the device" },
		{ 0xfedff000, 0xfedffffe, "memory before the APIC's page" },
		{ 0xfee01000, 0xfee00ffe, "memory behind the APIC's page" },
	};
	unsigned int i;

	beside = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		const bool first = places[i].at < places[i].operand;
		const uint8_t *bytes = beside + (first ? 0xffe : 0);
		const uint16_t wanted = first ? 0x2211 : 0x4433;

		memset(beside, 0, 4096);
		beside_at = places[i].at;
		machine_map(&m, beside_at, beside, 4096, 0);
		prepare(MODE_LONG, "\xc7\x03\x11\x22\x33\x44", 6);
		set_reg(RBX, places[i].operand);
		go();
		expect(ended() && dev.writes == 1 && dev.width == 2 && !memcmp(bytes, &wanted, 2) &&
		       dev.gpa == (first ? places[i].operand + 2 : places[i].operand),
		       places[i].name);
		machine_unmap(&m, beside_at, 4096);
	}
	munmap(beside, 4096);
	beside = NULL;
}

/* ---- the operand that did not exit -------------------------------------------------------- */

static void movs(uint64_t target)
{
	prepare(MODE_LONG, "\xa4", 1);
	set_reg(RSI, DEVICE);
	set_reg(RDI, target);
	dev.bytes[0] = 0x5a;
	m.ram[TARGET] = 0;
}

/* What TARGET's entry is, what comes of MOVSB to it, and whether SMAP is on. */
static void to_target(void)
{
	static const struct {
		const char *name;
		uint64_t entry;
		uint64_t cr4;
		uint32_t code;
	} cases[] = {
		{ "MOVS to a read-only page", TARGET | P, 0, 3 },
		{ "MOVS to a page that is not there", TARGET | W, 0, 2 },
		{ "MOVS to a page with a reserved bit", TARGET | P | W | 1ull << 51, 0, 0xb },
		{ "MOVS to a user's page under SMAP", TARGET | P | W | U, CR4_SMAP, 3 },
	};
	struct vmxhv_sregs s;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		movs(TARGET);
		*entry_at(PT(TARGET >> 12)) = cases[i].entry;
		get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
		s.cr4 |= cases[i].cr4;
		if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s))) {
			tap_skip(cases[i].name, "this CPU has no SMAP");
			continue;
		}
		/* the guest's own code and tables are the supervisor's */
		if (cases[i].cr4)
			*entry_at(TABLES + 0x2000) = (TABLES + 0x3000) | P | W | U;
		*entry_at(PT(CODE >> 12)) = CODE | P | W;
		*entry_at(PT(DEVICE >> 12)) = DEVICE | P | W;
		go();
		expect(faulted(14, cases[i].code, TARGET) && !dev.reads, cases[i].name);
	}
	map_all();
	movs(0x8000000000000000);
	go();
	expect(faulted(13, 0, 0) && !dev.reads, "MOVS to an address that is not canonical");
	movs(TARGET);
	go();
	expect(ended() && m.ram[TARGET] == 0x5a, "MOVS to memory");
	tap_equal(*entry_at(PT(TARGET >> 12)) & (A | D), A | D, "its page is accessed and dirty");
	tap_equal(get_reg(RDI), TARGET + 1, "and RDI moved on");
}

/* A debugger steps through a repeated instruction: each iteration is a step. */
static void steps(void)
{
	struct vmxhv_vcpu vcpu = { .fd = c.fd, .run = c.run };
	struct vmxhv_debug debug = { .control = VMXHV_DEBUG_STEP };
	bool good = true;
	int i;

	map_all();
	prepare(MODE_LONG, "\xf3\xaa", 2);			/* rep stosb */
	set_reg(RDI, DEVICE);
	set_reg(RCX, 3);
	if (vmxhv_vcpu_debug(&vcpu, &debug))
		tap_bail("DEBUG: %s", vmxhv_message(&vcpu.fail));
	for (i = 1; i <= 3; i++) {
		go();
		good &= end.ret == VMXHV_EXIT_DEBUG && get_reg(RCX) == (uint64_t)(3 - i) &&
			c.run->u.debug.pc == (i < 3 ? CODE : CODE + 2);
	}
	expect(good && dev.writes == 3, "each iteration is a step");
	debug.control = 0;
	vmxhv_vcpu_debug(&vcpu, &debug);
	go();
	expect(ended(), "and the guest goes on");
}

/* The instruction that was prepared is a user's, who may do I/O. */
static void by_user(uint64_t flags, uint64_t cr0)
{
	struct vmxhv_sregs s;
	struct vmxhv_gprs g;

	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.cr0 |= cr0;
	s.cs = (struct vmxhv_segment){
		.limit = ~0u, .selector = SEL_USER_CODE64, .access = 0xa0fb };
	s.ss = (struct vmxhv_segment){
		.limit = ~0u, .selector = SEL_USER_DATA, .access = 0xc0f3 };
	get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g));
	g.rflags |= flags | RFLAGS_IOPL;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("CPL 3: %.96s", last_error(c.fd).text);
}

static void users(void)
{
	map_all();
	movs(TARGET);
	*entry_at(PT(TARGET >> 12)) = TARGET | P | W;
	by_user(0, 0);
	go();
	expect(faulted(14, 7, TARGET) && !dev.reads, "a user's MOVS to a supervisor's page");
	map_all();
	prepare(MODE_LONG, "\x66\xa5", 2);			/* movsw */
	set_reg(RSI, DEVICE);
	set_reg(RDI, TARGET + 1);
	by_user(RFLAGS_AC, CR0_AM);
	go();
	expect(faulted(17, 0, 0) && !dev.reads, "a user's, not aligned, with AC and AM");
	prepare(MODE_LONG, "\x66\xa5", 2);
	set_reg(RSI, DEVICE);
	set_reg(RDI, TARGET + 1);
	by_user(RFLAGS_AC, 0);
	go();
	expect(ended(), "and without AM");
	prepare(MODE_LONG, "\xff\x33", 2);			/* push (%rbx) */
	set_reg(RBX, DEVICE);
	set_reg(RSP, 0x800000000004);
	go();
	expect(faulted(12, 0, 0) && !dev.reads, "PUSH to a stack that is not canonical");
}

static bool is_dirty(uint64_t gpa)
{
	uint64_t bitmap[RAM_SIZE / 4096 / 64] = { 0 };
	struct vmxhv_vm vm = { .fd = m.vm };

	if (vmxhv_vm_dirty_get(&vm, 0, RAM_SIZE, bitmap))
		tap_bail("DIRTY: %s", vmxhv_message(&vm.fail));
	return bitmap[gpa >> 18] >> (gpa >> 12 & 63) & 1;
}

static void log_of_it(void)
{
	struct vmxhv_vm vm = { .fd = m.vm };

	map_all();
	movs(TARGET);
	vmxhv_vm_log(&vm, 0, RAM_SIZE, true);
	tap_ok(!is_dirty(TARGET) && !is_dirty(PT(TARGET >> 12)), "a log begins");
	go();
	expect(ended() && is_dirty(TARGET), "the dirty log has what the library wrote");
	tap_ok(is_dirty(PT(TARGET >> 12)), "and the page table whose flags were set");
	vmxhv_vm_log(&vm, 0, RAM_SIZE, false);
}

/* 32-bit code: limits and types of ES. */
static void segments(void)
{
	static const struct { const char *name; uint32_t access, limit; bool faults; } cases[] = {
		{ "ES is long enough", 0xc093, ~0u, false },
		{ "ES ends one byte early", 0xc093, TARGET - 1, true },
		{ "ES cannot be written", 0xc091, ~0u, true },
		{ "ES is code", 0xc09b, ~0u, true },
		{ "ES is not usable", 0x1c093, ~0u, true },
		{ "ES expands down from above", 0xc097, 0x1fffff, true },
		{ "ES expands down from below", 0xc097, 0xfffff, false },
	};
	struct vmxhv_sregs s;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		prepare(MODE_PROTECTED, "\xa4", 1);
		set_reg(RSI, DEVICE);
		set_reg(RDI, TARGET);
		get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
		s.es.access = cases[i].access;
		s.es.limit = cases[i].limit;
		if (!(s.es.limit & 0xfff))
			s.es.access &= ~0x8000u;
		if (s.es.limit == TARGET - 1)
			s.es.limit |= 0xfff;
		if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
			tap_bail("SREGS: %.96s", last_error(c.fd).text);
		go();
		if (cases[i].faults)
			expect(faulted(13, 0, 0) && !dev.reads, cases[i].name);
		else
			expect(ended(), cases[i].name);
	}
}

/* ---- page walks --------------------------------------------------------------------------- */

static void walks(void)
{
	map_all();
	*entry_at(TABLES + 8) = DEVICE | P | W | U;
	prepare(MODE_LONG, "\x89\x0b", 2);			/* mov %ecx, (%rbx) */
	set_reg(RBX, HIGH);
	dev.fill = ~0ull;
	go();
	expect(faulted(14, 0xb, HIGH) && !dev.writes,
	       "a table of nothing: the page fault of a store has code 0BH");
	tap_ok(end.access & VMXHV_MMIO_WALK, "and its exit says that it was the walk");

	prepare(MODE_LONG, "\x8b\x0b", 2);			/* mov (%rbx), %ecx */
	set_reg(RBX, HIGH + 0x123);
	dev.fill = ~0ull;
	go();
	expect(faulted(14, 9, HIGH + 0x123), "that of a load has 9");

	prepare(MODE_LONG, "\x89\x0b", 2);
	set_reg(RBX, HIGH);
	dev.fill = TABLES | P | W | U;
	go();
	expect(faulted(14, 0xb, HIGH) && !dev.writes && !dev.reads,
	       "a device that has an entry there is not asked");

	prepare(MODE_LONG, "\xff\xe3", 2);			/* jmp *%rbx */
	set_reg(RBX, HIGH);
	dev.fill = ~0ull;
	go();
	expect(end.vector == 14 && (end.code & 0xf) == 9 && end.cr2 == HIGH, "a fetch faults, too");

	movs(HIGH);
	dev.bytes[0] = 1;
	dev.fill = ~0ull;
	go();
	expect(faulted(14, 0xb, HIGH) && !dev.writes, "the operand that did not exit, likewise");
	map_all();
}

static void expect_rom(bool good, const char *table, const char *what)
{
	if (!good)
		note_end();
	tap_ok(good, "a table in read-only memory, %s: %s", table, what);
}

/* Firmware has its tables there; it sets their flags in advance, or not. */
static void tables_in_rom(uint64_t flags, const char *name)
{
	uint64_t *rom = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	struct vmxhv_vm vm = { .fd = m.vm };

	map_all();
	rom[0] = TARGET | P | W | U | flags;
	rom[2] = (TARGET + 0x1000) | P | W | U | flags;
	machine_map(&m, ROM, rom, 4096, VMXHV_MEM_READONLY);
	*entry_at(TABLES + 0x2010) = ROM | P | W | U | A;
	*entry_at(TARGET + 0x1000) = 0x5678;
	/* mov %ecx, (%rbx); mov (%rbx), %eax; mov 0x2000(%rbx), %edx */
	prepare(MODE_LONG, "\x89\x0b\x8b\x03\x8b\x93\x00\x20\x00\x00", 10);
	set_reg(RBX, 4 << 20);
	set_reg(RCX, 0x1234);
	vmxhv_vm_log(&vm, 0, RAM_SIZE, true);
	go();
	expect_rom(ended() && !end.exits && get_reg(RAX) == 0x1234 && get_reg(RDX) == 0x5678, name,
		   "it is read, and the guest goes on");
	/* the emulated CPU sets its flags whatever the EPT says */
	expect_rom((rom[0] | A | D) == (TARGET | P | W | U | A | D), name, "it is as it was");
	expect_rom(is_dirty(TARGET), name, "what the guest writes is logged all the same");
	vmxhv_vm_dirty_clear(&vm, 0, RAM_SIZE, NULL);
	expect_rom(!is_dirty(TARGET), name, "and cleared");
	prepare(MODE_LONG, "\x89\x0b", 2);
	set_reg(RBX, 4 << 20);
	go();
	expect_rom(ended() && is_dirty(TARGET), name, "and logged again");
	vmxhv_vm_log(&vm, 0, RAM_SIZE, false);

	prepare(MODE_LONG, "\x89\x0b", 2);
	set_reg(RBX, ROM + 8);
	go();
	expect_rom(ended() && end.exits == 1 && end.access == VMXHV_MMIO_WRITE && !rom[1], name,
		   "a store to it exits as before");

	rom[0] = (TARGET + 0x2000) | P | W | U | flags;
	machine_unmap(&m, ROM, 4096);
	machine_map(&m, ROM, rom, 4096, VMXHV_MEM_READONLY);
	*entry_at(TARGET + 0x2000) = 0x9abc;
	prepare(MODE_LONG, "\x8b\x03", 2);
	set_reg(RBX, 4 << 20);
	go();
	expect_rom(ended() && get_reg(RAX) == 0x9abc, name, "another table in its place counts");
	machine_unmap(&m, ROM, 4096);
	munmap(rom, 4096);
	map_all();
}

/* ---- accesses of the CPU's own ------------------------------------------------------------ */

static void own_accesses(void)
{
	struct vmxhv_sregs s;

	prepare(MODE_LONG, "\xcd\x40", 2);			/* int $0x40 */
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.idtr.base = DEVICE;
	s.idtr.limit = 0xfff;
	set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	go();
	expect(refused("event"), "an IDT in the device: refused");

	prepare(MODE_LONG, "\x8e\xd8", 2);			/* mov %eax, %ds */
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.gdtr.base = DEVICE;
	set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	set_reg(RAX, SEL_DATA);
	go();
	expect(end.error == -EOPNOTSUPP && !dev.reads, "a GDT in the device: refused");

	prepare(MODE_LONG, "\x8e\x1b", 2);			/* mov (%rbx), %ds */
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.gdtr.base = DEVICE;
	set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	set_reg(RBX, TARGET);
	m.ram[TARGET] = SEL_DATA;
	go();
	expect(refused("operands"), "the same with an operand in memory: refused");

	prepare(MODE_PROTECTED, "\xea\x00\x00\x00\x00\x50\x00", 7);	/* ljmp $0x50, $0 */
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.gdtr.limit = 0x57;
	set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	*entry_at(s.gdtr.base + 0x50) = 0x0000890000000067 | (uint64_t)DEVICE << 16;
	go();
	expect(!dev.reads && !dev.writes && end.ret != VMXHV_EXIT_NONE,
	       "a task whose TSS is in the device is not entered");
	machine_tables(&m);

	prepare(MODE_LONG, "\x8b\x03", 2);
	set_reg(RBX, DEVICE);
	go();
	expect(ended() && dev.reads == 1, "and a load of the instruction's own is done");
}

int main(void)
{
	struct vmxhv_info info = { .size = sizeof(info) };

	machine_create(&m, RAM_SIZE);
	cpu_create(&m, &c, 0);
	tap_ok(!call(m.dev, VMXHV_GET_INFO, &info) && info.features[0] & VMXHV_FEATURE_OPERANDS,
	       "GET_INFO says that all this is there");
	over_an_edge();
	neighbours();
	to_target();
	users();
	log_of_it();
	steps();
	segments();
	walks();
	own_accesses();
	tables_in_rom(A | D, "flags set");
	tables_in_rom(0, "flags clear");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

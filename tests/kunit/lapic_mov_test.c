// SPDX-License-Identifier: GPL-2.0-only
/* The decoder of MOV to and from the APIC page. */
#include <kunit/test.h>
#include <linux/random.h>

#include "vcpu/apic.h"

#define CODE(...)	.count = sizeof((u8[]){ __VA_ARGS__ }), .bytes = { __VA_ARGS__ }

struct mov_case {
	const char *what;
	enum vmxhv_cpu_mode mode;
	u8 bytes[16];
	u8 count;
	u8 length;		/* 0: refused */
	bool store;
	bool has_imm;
	u8 reg;
	u32 imm;
};

static const struct mov_case known[] = {
	{ "mov eax, [rax]", VMXHV_MODE_64, CODE(0x8b, 0x00), .length = 2 },
	{ "mov [rax], ecx", VMXHV_MODE_64, CODE(0x89, 0x08), .length = 2, .store = true, .reg = 1 },
	{ "mov r9d, [r8]", VMXHV_MODE_64, CODE(0x45, 0x8b, 0x08), .length = 3, .reg = 9 },
	{ "mov [rax], r15d", VMXHV_MODE_64, CODE(0x44, 0x89, 0x38), .length = 3,
	  .store = true, .reg = 15 },
	{ "mov [rip + disp32], edi", VMXHV_MODE_64, CODE(0x89, 0x3d, 1, 2, 3, 4), .length = 6,
	  .store = true, .reg = 7 },
	{ "mov esi, [abs32] by SIB", VMXHV_MODE_64,
	  CODE(0x8b, 0x34, 0x25, 0xb0, 0xd0, 0x5f, 0xff), .length = 7, .reg = 6 },
	{ "mov [rsp], edx", VMXHV_MODE_64, CODE(0x89, 0x14, 0x24), .length = 3, .store = true,
	  .reg = 2 },
	{ "mov [rsp + disp8], edx", VMXHV_MODE_64, CODE(0x89, 0x54, 0x24, 8), .length = 4,
	  .store = true, .reg = 2 },
	{ "mov [rsp + disp32], edx", VMXHV_MODE_64, CODE(0x89, 0x94, 0x24, 8, 0, 0, 0),
	  .length = 7, .store = true, .reg = 2 },
	{ "mov [rbx + disp8], esp", VMXHV_MODE_64, CODE(0x89, 0x63, 0x20), .length = 3,
	  .store = true, .reg = 4 },
	{ "mov ebp, [rbx + disp32]", VMXHV_MODE_64, CODE(0x8b, 0xab, 0x20, 0, 0, 0), .length = 6,
	  .reg = 5 },
	{ "mov dword [abs32], imm32", VMXHV_MODE_64,
	  CODE(0xc7, 0x04, 0x25, 0xb0, 0xd0, 0x5f, 0xff, 0x78, 0x56, 0x34, 0x12),
	  .length = 11, .store = true, .has_imm = true, .imm = 0x12345678 },
	{ "mov dword [rax], 0", VMXHV_MODE_64, CODE(0xc7, 0x00, 0, 0, 0, 0), .length = 6,
	  .store = true, .has_imm = true },
	{ "mov eax, [moffs64]", VMXHV_MODE_64, CODE(0xa1, 0x20, 0, 0xe0, 0xfe, 0, 0, 0, 0),
	  .length = 9 },
	{ "mov [moffs32], eax", VMXHV_MODE_64, CODE(0x67, 0xa3, 0xb0, 0, 0xe0, 0xfe), .length = 6,
	  .store = true },
	{ "REX before another prefix does not count", VMXHV_MODE_64, CODE(0x44, 0x3e, 0x8b, 0x08),
	  .length = 4, .reg = 1 },
	{ "mov gs:[rax], eax", VMXHV_MODE_64, CODE(0x65, 0x89, 0x00), .length = 3, .store = true },
	{ "15 bytes", VMXHV_MODE_64,
	  CODE(0x3e, 0x3e, 0x3e, 0x3e, 0xc7, 0x04, 0x25, 0, 0, 0, 0, 1, 0, 0, 0),
	  .length = 15, .store = true, .has_imm = true, .imm = 1 },
	{ "mov eax, [0xfee00020]", VMXHV_MODE_32, CODE(0xa1, 0x20, 0, 0xe0, 0xfe), .length = 5 },
	{ "mov [disp32], ebx", VMXHV_MODE_32, CODE(0x89, 0x1d, 0xb0, 0, 0xe0, 0xfe), .length = 6,
	  .store = true, .reg = 3 },
	{ "mov eax, [esi + edi * 4]", VMXHV_MODE_32, CODE(0x8b, 0x04, 0xbe), .length = 3 },
	{ "a16 mov eax, [bx + si]", VMXHV_MODE_32, CODE(0x67, 0x8b, 0x00), .length = 3 },
	{ "mov eax, [disp16]", VMXHV_MODE_32, CODE(0x67, 0x8b, 0x06, 0, 0), .length = 5 },
	{ "mov eax, [moffs16]", VMXHV_MODE_32, CODE(0x67, 0xa1, 0, 0), .length = 4 },
	{ "o32 mov [bp + disp8], eax", VMXHV_MODE_16, CODE(0x66, 0x89, 0x46, 2), .length = 4,
	  .store = true },
	{ "o32 mov [bp + disp16], eax", VMXHV_MODE_16, CODE(0x66, 0x89, 0x86, 2, 0), .length = 5,
	  .store = true },
	{ "a32 o32 mov eax, [ebx + 0x20]", VMXHV_MODE_REAL, CODE(0x67, 0x66, 0x8b, 0x43, 0x20),
	  .length = 5 },
	{ "a32 o32 mov dword [esi], imm32", VMXHV_MODE_VM86,
	  CODE(0x66, 0x67, 0xc7, 0x06, 1, 0, 0, 0), .length = 8,
	  .store = true, .has_imm = true, .imm = 1 },
	{ "more bytes than the instruction has", VMXHV_MODE_64, CODE(0x8b, 0x00, 0x90, 0x90),
	  .length = 2 },
};

static const struct mov_case refused[] = {
	{ "nothing", VMXHV_MODE_64, .count = 0 },
	{ "prefixes only", VMXHV_MODE_64, CODE(0x3e, 0x48) },
	{ "opcode only", VMXHV_MODE_64, CODE(0x8b) },
	{ "mov rax, [rax]", VMXHV_MODE_64, CODE(0x48, 0x8b, 0x00) },
	{ "mov ax, [rax]", VMXHV_MODE_64, CODE(0x66, 0x8b, 0x00) },
	{ "mov ax, [bx], 16-bit", VMXHV_MODE_16, CODE(0x8b, 0x07) },
	{ "mov al, [rax]", VMXHV_MODE_64, CODE(0x8a, 0x00) },
	{ "mov [rax], al", VMXHV_MODE_64, CODE(0x88, 0x00) },
	{ "mov eax, ecx", VMXHV_MODE_64, CODE(0x8b, 0xc1) },
	{ "c7 /1", VMXHV_MODE_64, CODE(0xc7, 0x08, 0, 0, 0, 0) },
	{ "xbegin", VMXHV_MODE_64, CODE(0xc7, 0xf8, 0, 0, 0, 0) },
	{ "lock mov", VMXHV_MODE_64, CODE(0xf0, 0x89, 0x00) },
	{ "rep prefix", VMXHV_MODE_64, CODE(0xf3, 0x89, 0x00) },
	{ "xchg [rax], eax", VMXHV_MODE_64, CODE(0x87, 0x00) },
	{ "movzx", VMXHV_MODE_64, CODE(0x0f, 0xb6, 0x00) },
	{ "inc eax in 32-bit mode", VMXHV_MODE_32, CODE(0x40, 0x8b, 0x00) },
	{ "SIB byte missing", VMXHV_MODE_64, CODE(0x8b, 0x04) },
	{ "displacement cut", VMXHV_MODE_64, CODE(0x8b, 0x05, 0, 0, 0) },
	{ "immediate cut", VMXHV_MODE_64, CODE(0xc7, 0x00, 0, 0, 0) },
	{ "moffs cut", VMXHV_MODE_64, CODE(0xa1, 0, 0, 0, 0, 0, 0, 0) },
	{ "16 bytes", VMXHV_MODE_64,
	  CODE(0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0xc7, 0x04, 0x25, 0, 0, 0, 0, 1, 0, 0, 0) },
};

static void decodes(struct kunit *test)
{
	const struct mov_case *c;
	struct lapic_mov mov;

	for (c = known; c < known + ARRAY_SIZE(known); c++) {
		KUNIT_EXPECT_EQ_MSG(test, lapic_decode_mov(c->bytes, c->count, c->mode, &mov), 0,
				    "%s", c->what);
		KUNIT_EXPECT_EQ_MSG(test, mov.length, c->length, "%s", c->what);
		KUNIT_EXPECT_EQ_MSG(test, mov.store, c->store, "%s", c->what);
		KUNIT_EXPECT_EQ_MSG(test, mov.has_imm, c->has_imm, "%s", c->what);
		KUNIT_EXPECT_EQ_MSG(test, mov.reg, c->reg, "%s", c->what);
		KUNIT_EXPECT_EQ_MSG(test, mov.imm, c->imm, "%s", c->what);
	}
}

/* An instruction of which a byte is missing is refused, whichever it is. */
static void refuses_cut_short(struct kunit *test)
{
	const struct mov_case *c;
	struct lapic_mov mov;
	u32 count;

	for (c = known; c < known + ARRAY_SIZE(known); c++) {
		for (count = 0; count < c->length; count++)
			KUNIT_EXPECT_NE_MSG(test,
					    lapic_decode_mov(c->bytes, count, c->mode, &mov), 0,
					    "%s, %u bytes", c->what, count);
	}
}

static void refuses(struct kunit *test)
{
	const struct mov_case *c;
	struct lapic_mov mov;

	for (c = refused; c < refused + ARRAY_SIZE(refused); c++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_decode_mov(c->bytes, c->count, c->mode, &mov),
				    -EINVAL, "%s", c->what);
}

/* Whatever the bytes are: the length is within what there is, the register exists. */
static void stays_in_bounds(struct kunit *test)
{
	static const u8 opcodes[] = { 0x8b, 0x89, 0xc7, 0xa1 };
	struct lapic_mov mov;
	u8 bytes[15];
	u32 i, count;
	int bad = 0;

	for (i = 0; i < 20000; i++) {
		get_random_bytes(bytes, sizeof(bytes));
		if (i & 1)
			bytes[i / 2 % 4] = opcodes[i / 8 % 4];
		count = bytes[14] % 16;
		if (lapic_decode_mov(bytes, count, i % 5, &mov))
			continue;
		bad += !mov.length || mov.length > count || mov.reg > 15;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(decodes),
	KUNIT_CASE(refuses_cut_short),
	KUNIT_CASE(refuses),
	KUNIT_CASE(stays_in_bounds),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_lapic_mov",
	.test_cases = cases,
};

kunit_test_suites(&suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment, descriptor-table and control registers to and from MMIO: the CPU does it on memory, the
 * library on a device, and registers and bytes must be alike.
 */
#include "one_insn.h"

static const struct { const char *name, *code; int length; uint64_t memory; } system_insns[] = {
	{ "mov (%rbx), %ds", "\x8e\x1b", 2, SEL_DATA },
	{ "mov (%rbx), %es: null", "\x8e\x03", 2, 0 },
	{ "mov (%rbx), %fs", "\x8e\x23", 2, SEL_USER_DATA },
	{ "mov (%rbx), %ss", "\x8e\x13", 2, SEL_DATA },
	{ "mov %ds, (%rbx)", "\x8c\x1b", 2, 0 },
	{ "ltr (%rbx)", "\x0f\x00\x1b", 3, SEL_TSS },
	{ "lldt (%rbx): null", "\x0f\x00\x13", 3, 0 },
	{ "str (%rbx)", "\x0f\x00\x0b", 3, 0 },
	{ "sldt (%rbx)", "\x0f\x00\x03", 3, 0 },
	{ "smsw (%rbx)", "\x0f\x01\x23", 3, 0 },
	{ "sgdt (%rbx)", "\x0f\x01\x03", 3, 0 },
	{ "sidt (%rbx)", "\x0f\x01\x0b", 3, 0 },
	{ "lgdt (%rbx)", "\x0f\x01\x13", 3, 0x005000057 | (uint64_t)0 },
	{ "lidt (%rbx)", "\x0f\x01\x1b", 3, 0x12340000fff },
};

static void note_segments(const struct vmxhv_sregs *a, const struct vmxhv_sregs *b)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		const struct vmxhv_segment *x = &a->es + i, *y = &b->es + i;

		if (memcmp(x, y, sizeof(*x)))
			tap_note("register %u: %#x %#llx %#x %#x, wanted %#x %#llx %#x %#x", i,
				 y->selector, y->base, y->limit, y->access, x->selector, x->base,
				 x->limit, x->access);
	}
}

/* Of what is not usable only that, and the selector, is there. */
static bool same_registers(const struct vmxhv_sregs *a, const struct vmxhv_sregs *b)
{
	struct vmxhv_sregs x = *a, y = *b;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct vmxhv_segment *p = &x.es + i, *q = &y.es + i;

		if (!(p->access & q->access & 0x10000))
			continue;
		*p = (struct vmxhv_segment){ .selector = p->selector };
		*q = (struct vmxhv_segment){ .selector = q->selector };
	}
	return !memcmp(&x, &y, sizeof(x));
}

/* On memory and on the device: registers and what is stored must be alike. */
static void system_registers(void)
{
	static struct vmxhv_sregs s[2];
	static uint8_t left[2][16];
	int i, k;

	for (i = 0; i < ARRAY_SIZE(system_insns); i++) {
		for (k = 0; k < 2; k++) {
			uint8_t *bytes = k ? dev.bytes : m.ram + TARGET;

			machine_tables(&m);
			map_all();
			*entry_at(GDT_BASE + SEL_TSS) &= ~(2ull << 40);
			prepare(MODE_LONG, system_insns[i].code, system_insns[i].length);
			set_reg(RBX, k ? DEVICE : TARGET);
			memset(bytes, 0, 16);
			memcpy(bytes, &system_insns[i].memory, 8);
			go();
			memcpy(left[k], bytes, 16);
			get_group(&c, VMXHV_STATE_SREGS, &s[k], sizeof(s[k]));
			if (!ended() || !!end.exits != k)
				note_end();
		}
		note_segments(&s[0], &s[1]);
		expect(ended() && !memcmp(left[0], left[1], 16) && same_registers(&s[0], &s[1]),
		       system_insns[i].name);
	}
	machine_tables(&m);
}

int main(void)
{
	machine_create(&m, RAM_SIZE);
	cpu_create(&m, &c, 0);
	system_registers();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

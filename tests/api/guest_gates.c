// SPDX-License-Identifier: GPL-2.0-only
/* Ways between rings and modes of a 64-bit kernel, and segments in compatibility mode. */
#include <string.h>

#include "machine.h"
#include "tap.h"

enum { FROM_RING_3, FROM_COMPATIBILITY, CONFORMING, REFUSED, SYSENTER, SEGMENTS, MMIO_SEGMENT };

/* What a call gate's target sees: its CS and SS, the caller's, and EBX. */
#define BY_GATE(cs, ebx)	SEL_CODE64, 0, cs, SEL_USER_DATA, ebx
#define IN_RING_3		13, 0, 0	/* HLT is #GP there */
#define FINE			0xff

static const struct reports rows[] = {
	{ "a call gate to ring 0, and the far return", FROM_RING_3,
	  COUNTED(BY_GATE(SEL_USER_CODE64, 0), IN_RING_3) },
	{ "the same from compatibility mode", FROM_COMPATIBILITY,
	  COUNTED(BY_GATE(SEL_USER_CODE32, 0), IN_RING_3) },
	{ "conforming code keeps CPL 3", CONFORMING,
	  COUNTED(BY_GATE(SEL_USER_CODE64, 0x63), IN_RING_3) },
	{ "gates that are absent or for ring 0, JMP to an inner ring, a direct call", REFUSED,
	  COUNTED(11, 0x68, 0, 13, 0x78, 0, 13, SEL_CODE64, 0, 13, SEL_CODE64, 0, IN_RING_3) },
	{ "SYSENTER and SYSEXIT", SYSENTER,
	  COUNTED(SEL_CODE64, SEL_DATA, STACK_TOP - 0x100, IN_RING_3) },
	{ "limits and rights in compatibility mode", SEGMENTS,
	  COUNTED(FINE, 13, 0, 0, FINE, 13, 0, 0, FINE, 13, 0, 0, 13, 0, 0, FINE, 13, 0, 0,
		  12, 0, 0, FINE, 13, 0, 0) },
};

static void mmio_by_segment(struct cpu *c)
{
	static const uint8_t load[] = { 0x65, 0x8b, 0x1a };
	const struct vmxhv_exit_mmio *mmio = &c->run->u.mmio;
	int ret;

	cpu_start(c, MODE_LONG, MMIO_SEGMENT);
	ret = run_guest(c);
	tap_ok(ret == VMXHV_EXIT_MMIO && mmio->gpa == 0x20000040 && mmio->gva == 0x20000040 &&
	       mmio->mode == VMXHV_MODE_32 && mmio->insn_count >= 3 &&
	       !memcmp(mmio->insn, load, 3), "MMIO by a segment's base, in compatibility mode");
	if (get_group(c, VMXHV_STATE_GPRS, &c->run->gprs, sizeof(c->run->gprs)))
		tap_bail("GPRS");
	c->run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c->run->u.mmio.retire_len = 3;
	c->run->gprs.gpr[3] = 0xd00d;
	c->run->gprs.rip += 3;
	c->run->dirty = VMXHV_GROUP_GPRS;
	EXPECT(c, "and the guest goes on", BY_GATE(SEL_USER_CODE32, 0xd00d), IN_RING_3);
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "gates");
	cpu_create(&m, &c, 0);
	for (const struct reports *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		cpu_start(&c, MODE_LONG, r->entry);
		expect_values(&c, r->name, r->count, r->values);
	}
	mmio_by_segment(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}

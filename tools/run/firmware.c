// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a PC's firmware leaves below 1 MiB for those who come after it: words of the BIOS data area,
 * by which kernels find the end of conventional memory, and what a CPU does after reset.
 */
#include <string.h>

#include "machine.h"

#define BDA_AT		0x400ull
#define BDA_COM1	0x00	/* port of the first serial port */
#define BDA_EBDA	0x0e	/* segment of the extended BIOS data area */
#define BDA_EQUIPMENT	0x10
#define BDA_MEMORY	0x13	/* memory below that area, in KiB */
#define EQUIPMENT	BIT(9)	/* one serial port, and nothing else that has a bit */
#define EBDA_KIB	1	/* its first byte: how long it is */

/* Where a BIOS has its IRET for interrupts that nobody handles. */
#define IRET_AT		0xfff53ull
#define IRET_SEGMENT	0xf000
#define IVT_VECTORS	256

static void put_word(struct machine *machine, uint64_t gpa, uint16_t word)
{
	memcpy(memory_at(machine, gpa, sizeof(word)), &word, sizeof(word));
}

/*
 * Linux on hardware-reduced ACPI takes the machine for an EFI one; where that is not so, it reboots
 * through real mode and the BIOS's entry, which on a PC starts all over. Ours asks for a reset.
 */
static void put_reset_vector(struct machine *machine)
{
	static const uint8_t code[] = {
		0xba, PORT_RESET & 0xff, PORT_RESET >> 8,	/* mov $PORT_RESET, %dx */
		0xb0, RESET_VALUE,				/* mov $RESET_VALUE, %al */
		0xee,						/* out %al, (%dx) */
		0xf4, 0xeb, 0xfd,				/* 1: hlt; jmp 1b */
	};

	memcpy(memory_at(machine, RESET_VECTOR, sizeof(code)), code, sizeof(code));
}

/*
 * A call of the BIOS comes back with nothing done, which callers take for a function that it lacks.
 */
static void put_vectors(struct machine *machine)
{
	unsigned int i;

	*(uint8_t *)memory_at(machine, IRET_AT, 1) = 0xcf;
	for (i = 0; i < IVT_VECTORS; i++) {
		put_word(machine, 4 * i, IRET_AT - (IRET_SEGMENT << 4));
		put_word(machine, 4 * i + 2, IRET_SEGMENT);
	}
}

void firmware_create(struct machine *machine)
{
	put_vectors(machine);
	put_word(machine, BDA_AT + BDA_COM1, PORT_UART);
	put_word(machine, BDA_AT + BDA_EBDA, EBDA_AT >> 4);
	put_word(machine, BDA_AT + BDA_EQUIPMENT, EQUIPMENT);
	put_word(machine, BDA_AT + BDA_MEMORY, EBDA_AT >> 10);
	put_word(machine, EBDA_AT, EBDA_KIB);
	put_reset_vector(machine);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The pair of 8259A interrupt controllers of a PC, with the edge/level control registers. */
#ifndef DEVICES_PIC_H
#define DEVICES_PIC_H

#include <stdbool.h>
#include <stdint.h>

#define PIC_CASCADE	2	/* the master's input that the slave sits at */
#define PIC_LINES	16

struct pic;

/**
 * struct pic_chip - one 8259A
 * @lines: levels of the inputs
 * @irr: requests: latched edges, and lines that are level-triggered and high
 * @elcr: level-triggered inputs
 * @base: ICW2, upper five bits of the vectors
 * @init_step: the ICW that is expected, or 0
 * @lowest: the input of lowest priority: 7 unless rotated
 */
struct pic_chip {
	struct pic *pic;
	uint8_t lines, irr, isr, imr, elcr, elcr_mask, base;
	uint8_t init_step, lowest;
	bool single, needs_icw4, auto_eoi, rotate_auto_eoi, fully_nested;
	bool special_mask, read_isr, poll;
};

/**
 * struct pic - both of them
 * @set_intr: the INTR line to the CPU changed
 * @opaque: for @set_intr
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct pic {
	void (*set_intr)(void *opaque, bool level);
	void *opaque;

	struct pic_chip master, slave;
	bool intr;
};

void pic_init(struct pic *pic, void (*set_intr)(void *opaque, bool level), void *opaque);

/* The two ports of a chip (@opaque: the chip), in the form of struct bus_range. */
uint64_t pic_read(void *opaque, uint64_t offset, unsigned int width);
void pic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* Ports 0x4d0 and 0x4d1 (@opaque: struct pic). */
uint64_t pic_elcr_read(void *opaque, uint64_t offset, unsigned int width);
void pic_elcr_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* An input's level, 0 to 15 but for PIC_CASCADE. */
void pic_set_line(struct pic *pic, unsigned int irq, bool level);

/* The CPU acknowledges: the vector, which is that of input 7 when nothing requests any more. */
uint8_t pic_acknowledge(struct pic *pic);

#endif /* DEVICES_PIC_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A by its data sheet, as a PC wires two of them. Inputs are edge- or level-triggered by
 * the ELCR, as in later chipsets, not by ICW1. A request lasts only as long as its line is high,
 * edge or not: one that is gone at the acknowledge gives the vector of input 7 and nothing in
 * service.
 */
#include <string.h>

#include "libvmxhv-devices.h"
#include "util.h"

#define ICW1_NEEDS_ICW4	BIT(0)
#define ICW1_SINGLE	BIT(1)
#define ICW1		BIT(4)
#define ICW4_AUTO_EOI	BIT(1)
#define ICW4_NESTED	BIT(4)	/* special fully nested mode */
#define OCW3		BIT(3)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_READ	BIT(1)
#define OCW3_POLL	BIT(2)
#define OCW3_MASK	BIT(5)	/* special mask mode on ... */
#define OCW3_SET_MASK	BIT(6)	/* ... if this says that it is to change */
#define POLL_REQUEST	BIT(7)
#define NONE		8

/* These inputs are a PC's own, and edges: timer, keyboard, cascade; clock and FPU on the slave. */
#define ELCR_MASTER	0xf8
#define ELCR_SLAVE	0xde

enum { OCW2_ROTATE_AUTO_CLEAR = 0, OCW2_EOI = 1, OCW2_NOTHING = 2, OCW2_EOI_OF = 3,
	OCW2_ROTATE_AUTO_SET = 4, OCW2_ROTATE_EOI = 5, OCW2_SET_PRIORITY = 6,
	OCW2_ROTATE_EOI_OF = 7 };

/* ---- one chip ------------------------------------------------------------------------------ */

/* The input of highest priority among @inputs, or NONE: the first after the lowest one. */
static unsigned int highest(const struct vmxhv_pic_chip *chip, uint8_t inputs)
{
	unsigned int i;

	for (i = 1; i <= 8; i++) {
		const unsigned int input = (chip->lowest + i) & 7;

		if (inputs & 1u << input)
			return input;
	}
	return NONE;
}

static unsigned int rank(const struct vmxhv_pic_chip *chip, unsigned int input)
{
	return input == NONE ? 8 : (input - chip->lowest - 1) & 7;
}

/* What is to be delivered next, or NONE. What is in service holds back its own rank and below. */
static unsigned int request(const struct vmxhv_pic_chip *chip)
{
	const unsigned int wanted = highest(chip, chip->irr & ~chip->imr);
	uint8_t holding = chip->isr;

	if (chip->special_mask)
		holding &= ~chip->imr;
	/* In special fully nested mode the slave may be served within itself. */
	if (chip->fully_nested && chip == &chip->pic->master && wanted == VMXHV_PIC_CASCADE)
		holding &= ~(1u << VMXHV_PIC_CASCADE);
	return rank(chip, wanted) < rank(chip, highest(chip, holding)) ? wanted : NONE;
}

static void set_input(struct vmxhv_pic_chip *chip, unsigned int input, bool level)
{
	const uint8_t bit = 1u << input;
	const bool rose = level && !(chip->lines & bit);

	chip->lines = level ? chip->lines | bit : chip->lines & ~bit;
	if (!level)
		chip->irr &= ~bit;
	else if (rose || (chip->elcr & bit))
		chip->irr |= bit;
}

/* The slave's output, then the master's. */
static void update(struct vmxhv_pic *pic)
{
	bool intr;

	set_input(&pic->master, VMXHV_PIC_CASCADE, request(&pic->slave) != NONE);
	intr = request(&pic->master) != NONE;
	if (intr == pic->intr)
		return;
	pic->intr = intr;
	pic->set_intr(pic->opaque, intr);
}

static void end_of_interrupt(struct vmxhv_pic_chip *chip, unsigned int input, bool rotate)
{
	if (input == NONE)
		return;
	chip->isr &= ~(1u << input);
	if (rotate)
		chip->lowest = input;
}

/* Return: the input that is now in service, or NONE. */
static unsigned int take(struct vmxhv_pic_chip *chip)
{
	const unsigned int input = request(chip);
	const uint8_t bit = 1u << (input & 7);

	if (input == NONE)
		return NONE;
	chip->isr |= bit;
	if (!(chip->elcr & bit))
		chip->irr &= ~bit;
	if (chip->auto_eoi)
		end_of_interrupt(chip, input, chip->rotate_auto_eoi);
	/* The output goes down between two requests: an edge for the master. */
	if (chip == &chip->pic->slave)
		set_input(&chip->pic->master, VMXHV_PIC_CASCADE, false);
	return input;
}

static uint8_t vector(const struct vmxhv_pic_chip *chip, unsigned int input)
{
	return chip->base | (input == NONE ? 7 : input);
}

uint8_t vmxhv_pic_acknowledge(struct vmxhv_pic *pic)
{
	const unsigned int input = take(&pic->master);
	uint8_t result;

	if (input == VMXHV_PIC_CASCADE)
		result = vector(&pic->slave, take(&pic->slave));
	else
		result = vector(&pic->master, input);
	update(pic);
	return result;
}

/* ---- ports --------------------------------------------------------------------------------- */

static void write_icw1(struct vmxhv_pic_chip *chip, uint8_t value)
{
	chip->init_step = 2;
	chip->single = value & ICW1_SINGLE;
	chip->needs_icw4 = value & ICW1_NEEDS_ICW4;
	chip->irr = chip->lines & chip->elcr;
	chip->isr = 0;
	chip->imr = 0;
	chip->lowest = 7;
	chip->auto_eoi = false;
	chip->rotate_auto_eoi = false;
	chip->fully_nested = false;
	chip->special_mask = false;
	chip->read_isr = false;
	chip->poll = false;
}

/* ICW3 says how the chips are wired, which we know. */
static void write_next_icw(struct vmxhv_pic_chip *chip, uint8_t value)
{
	switch (chip->init_step) {
	case 2:
		chip->base = value & 0xf8;
		chip->init_step = !chip->single ? 3 : chip->needs_icw4 ? 4 : 0;
		break;
	case 3:
		chip->init_step = chip->needs_icw4 ? 4 : 0;
		break;
	default:
		chip->auto_eoi = value & ICW4_AUTO_EOI;
		chip->fully_nested = value & ICW4_NESTED;
		chip->init_step = 0;
	}
}

static void write_ocw2(struct vmxhv_pic_chip *chip, uint8_t value)
{
	const unsigned int input = value & 7;

	switch (value >> 5) {
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		end_of_interrupt(chip, highest(chip, chip->special_mask ? chip->isr & ~chip->imr :
									  chip->isr),
				 value >> 5 == OCW2_ROTATE_EOI);
		break;
	case OCW2_EOI_OF:
	case OCW2_ROTATE_EOI_OF:
		end_of_interrupt(chip, input, value >> 5 == OCW2_ROTATE_EOI_OF);
		break;
	case OCW2_SET_PRIORITY:
		chip->lowest = input;
		break;
	case OCW2_ROTATE_AUTO_SET:
	case OCW2_ROTATE_AUTO_CLEAR:
		chip->rotate_auto_eoi = value >> 5 == OCW2_ROTATE_AUTO_SET;
		break;
	}
}

static void write_ocw3(struct vmxhv_pic_chip *chip, uint8_t value)
{
	if (value & OCW3_SET_MASK)
		chip->special_mask = value & OCW3_MASK;
	if (value & OCW3_READ)
		chip->read_isr = value & OCW3_READ_ISR;
	chip->poll = value & OCW3_POLL;
}

void vmxhv_pic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_pic_chip *chip = opaque;

	(void)width;
	if (offset == 0 && (value & ICW1))
		write_icw1(chip, value);
	else if (offset == 0 && (value & OCW3))
		write_ocw3(chip, value);
	else if (offset == 0)
		write_ocw2(chip, value);
	else if (chip->init_step)
		write_next_icw(chip, value);
	else
		chip->imr = value;
	update(chip->pic);
}

/* The read after a poll command is an acknowledge. */
static uint8_t poll(struct vmxhv_pic_chip *chip)
{
	const unsigned int input = take(chip);

	chip->poll = false;
	update(chip->pic);
	return input == NONE ? 0 : POLL_REQUEST | input;
}

uint64_t vmxhv_pic_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct vmxhv_pic_chip *chip = opaque;

	(void)width;
	if (chip->poll)
		return poll(chip);
	if (offset)
		return chip->imr;
	return chip->read_isr ? chip->isr : chip->irr;
}

uint64_t vmxhv_pic_elcr_read(void *opaque, uint64_t offset, unsigned int width)
{
	const struct vmxhv_pic *pic = opaque;

	(void)width;
	return offset ? pic->slave.elcr : pic->master.elcr;
}

/* A line that is high already is a request once it is level-triggered, and none once it is not. */
void vmxhv_pic_elcr_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_pic *pic = opaque;
	struct vmxhv_pic_chip *chip = offset ? &pic->slave : &pic->master;
	const uint8_t elcr = value & chip->elcr_mask, changed = elcr ^ chip->elcr;

	(void)width;
	chip->elcr = elcr;
	chip->irr = (chip->irr & ~changed) | (chip->lines & elcr & changed);
	update(pic);
}

void vmxhv_pic_set_line(struct vmxhv_pic *pic, unsigned int irq, bool level)
{
	set_input(irq < 8 ? &pic->master : &pic->slave, irq & 7, level);
	update(pic);
}

void vmxhv_pic_init(struct vmxhv_pic *pic, void (*set_intr)(void *opaque, bool level), void *opaque)
{
	memset(pic, 0, sizeof(*pic));
	pic->set_intr = set_intr;
	pic->opaque = opaque;
	pic->master = (struct vmxhv_pic_chip){
		.pic = pic, .elcr_mask = ELCR_MASTER, .imr = 0xff, .lowest = 7 };
	pic->slave = (struct vmxhv_pic_chip){
		.pic = pic, .elcr_mask = ELCR_SLAVE, .imr = 0xff, .lowest = 7 };
}

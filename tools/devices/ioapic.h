/* SPDX-License-Identifier: GPL-2.0-only */
/* An I/O APIC that delivers by message-signalled interrupts. */
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_BASE	0xfec00000u
#define IOAPIC_LENGTH	0x1000u
#define IOAPIC_PINS	24

/**
 * struct ioapic - 24 pins
 * @send: deliver a message. Return: how many APICs took it (of 0 that may change), or a negative
 *	errno: none ever will
 * @opaque: for @send
 * @waiting: pins whose message no APIC has taken yet: ioapic_retry() is to be called when one may
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct ioapic {
	int (*send)(void *opaque, uint64_t address, uint32_t data);
	void *opaque;
	uint32_t waiting;

	uint32_t id;
	uint8_t select;
	bool eoi_seen;		/* the kernel reports EOIs */
	uint32_t lines;		/* pin levels */
	uint32_t edges;		/* pins that rose, and whose message nobody has taken */
	uint64_t entry[IOAPIC_PINS];
};

void ioapic_init(struct ioapic *ioapic, uint32_t id,
		 int (*send)(void *opaque, uint64_t address, uint32_t data), void *opaque);

/* In the form of struct bus_range. */
uint64_t ioapic_read(void *opaque, uint64_t offset, unsigned int width);
void ioapic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

void ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level);

/* Send again what no APIC has taken: one may have been switched on. */
void ioapic_retry(struct ioapic *ioapic);

/* A local APIC ended the interrupt @vector, and its trigger mode was level. */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

#endif /* DEVICES_IOAPIC_H */

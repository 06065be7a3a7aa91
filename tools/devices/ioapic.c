// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC, version 20H (with the EOI register). Pins are edge- or level-triggered. A level
 * interrupt sets remote IRR until its EOI; a module that reports no EOIs would leave it set for
 * ever, so that until the first EOI is seen a line that goes down clears it.
 */
#include <string.h>

#include "libvmxhv-devices.h"
#include "util.h"

#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define REG_EOI		0x40

#define IOAPIC_ID	0x00
#define IOAPIC_VERSION	0x01
#define IOAPIC_ARB	0x02
#define IOAPIC_TABLE	0x10

#define VERSION		(0x20 | (VMXHV_IOAPIC_PINS - 1) << 16)

#define ENTRY_VECTOR	0xffull
#define ENTRY_DELIVERY	0x700ull
#define DELIVERY_LOWEST	0x100ull
#define ENTRY_LOGICAL	BIT_ULL(11)
#define ENTRY_STATUS	BIT_ULL(12)
#define ENTRY_LOW	BIT_ULL(13)	/* polarity: active low */
#define ENTRY_IRR	BIT_ULL(14)
#define ENTRY_LEVEL	BIT_ULL(15)
#define ENTRY_MASKED	BIT_ULL(16)
#define ENTRY_DEST	56
#define ENTRY_RESERVED	0x00fffffffffe0000ull

#define MSI_ADDRESS	0xfee00000u
#define MSI_LOGICAL	BIT(2)
#define MSI_ASSERT	BIT(14)
#define MSI_LEVEL	BIT(15)

void vmxhv_ioapic_init(struct vmxhv_ioapic *ioapic, uint32_t id,
		       int (*send)(void *opaque, uint64_t address, uint32_t data), void *opaque)
{
	unsigned int pin;

	memset(ioapic, 0, sizeof(*ioapic));
	ioapic->send = send;
	ioapic->opaque = opaque;
	ioapic->id = id << 24;
	for (pin = 0; pin < VMXHV_IOAPIC_PINS; pin++)
		ioapic->entry[pin] = ENTRY_MASKED;
}

/* Only what an EOI ends can be level-triggered: NMI, INIT and the like are edges always. */
static bool is_level(uint64_t entry)
{
	return (entry & ENTRY_LEVEL) && (entry & ENTRY_DELIVERY) <= DELIVERY_LOWEST;
}

static int send(const struct vmxhv_ioapic *ioapic, uint64_t entry)
{
	uint32_t data = (entry & (ENTRY_VECTOR | ENTRY_DELIVERY)) | MSI_ASSERT;
	uint64_t address = MSI_ADDRESS | (entry >> ENTRY_DEST) << 12;

	if (entry & ENTRY_LOGICAL)
		address |= MSI_LOGICAL;
	if (is_level(entry))
		data |= MSI_LEVEL;
	return ioapic->send(ioapic->opaque, address, data);
}

/* A level pin is high and not being served; an edge was seen, and nobody has taken it yet. */
static bool has_message(const struct vmxhv_ioapic *ioapic, unsigned int pin)
{
	const uint64_t entry = ioapic->entry[pin];

	if (entry & ENTRY_MASKED)
		return false;
	if (is_level(entry))
		return (ioapic->lines & 1u << pin) && !(entry & ENTRY_IRR);
	return ioapic->edges & 1u << pin;
}

/*
 * Remote IRR says that an APIC has taken the interrupt; until one has, the pin goes on sending
 * (82093AA, "I/O Redirection Table Registers": delivery status, remote IRR).
 */
static void service(struct vmxhv_ioapic *ioapic, unsigned int pin)
{
	const uint32_t bit = 1u << pin;
	int taken;

	ioapic->waiting &= ~bit;
	if (!has_message(ioapic, pin))
		return;
	taken = send(ioapic, ioapic->entry[pin]);
	if (!taken)
		ioapic->waiting |= bit;
	else
		ioapic->edges &= ~bit;
	if (taken > 0 && is_level(ioapic->entry[pin]))
		ioapic->entry[pin] |= ENTRY_IRR;
}

void vmxhv_ioapic_retry(struct vmxhv_ioapic *ioapic)
{
	uint32_t pins = ioapic->waiting;

	for (; pins; pins &= pins - 1)
		service(ioapic, __builtin_ctz(pins));
}

void vmxhv_ioapic_set_line(struct vmxhv_ioapic *ioapic, unsigned int pin, bool level)
{
	const uint32_t bit = 1u << pin;
	const bool rose = level && !(ioapic->lines & bit);
	uint64_t *entry = &ioapic->entry[pin];

	ioapic->lines = level ? ioapic->lines | bit : ioapic->lines & ~bit;
	if (is_level(*entry)) {
		if (!level && !ioapic->eoi_seen)
			*entry &= ~ENTRY_IRR;
		service(ioapic, pin);
	} else if (rose && !(*entry & ENTRY_MASKED)) {
		ioapic->edges |= bit;
		service(ioapic, pin);
	}
}

static void end_of_interrupt(struct vmxhv_ioapic *ioapic, uint8_t vector)
{
	unsigned int pin;

	for (pin = 0; pin < VMXHV_IOAPIC_PINS; pin++) {
		uint64_t *entry = &ioapic->entry[pin];

		if ((*entry & ENTRY_VECTOR) != vector || !is_level(*entry))
			continue;
		*entry &= ~ENTRY_IRR;
		service(ioapic, pin);
	}
}

void vmxhv_ioapic_eoi(struct vmxhv_ioapic *ioapic, uint8_t vector)
{
	ioapic->eoi_seen = true;
	end_of_interrupt(ioapic, vector);
}

static uint32_t register_read(const struct vmxhv_ioapic *ioapic)
{
	const unsigned int index = ioapic->select - IOAPIC_TABLE;
	uint64_t entry;

	switch (ioapic->select) {
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return ioapic->id;
	case IOAPIC_VERSION:
		return VERSION;
	}
	if (ioapic->select < IOAPIC_TABLE || index / 2 >= VMXHV_IOAPIC_PINS)
		return 0xffffffff;
	entry = ioapic->entry[index / 2];
	if (ioapic->waiting & 1u << index / 2)
		entry |= ENTRY_STATUS;
	return entry >> (32 * (index & 1));
}

static void entry_write(struct vmxhv_ioapic *ioapic, unsigned int pin, bool high, uint32_t value)
{
	const uint64_t read_only = ENTRY_IRR | ENTRY_STATUS;
	const uint64_t old = ioapic->entry[pin];
	uint64_t entry;

	entry = high ? (old & 0xffffffff) | (uint64_t)value << 32 :
		       (old & ~0xffffffffull) | value;
	entry = (entry & ~(read_only | ENTRY_RESERVED)) | (old & read_only);
	/* Switching to edge ends what was being served: Linux uses it as an EOI of old versions. */
	if (!is_level(entry))
		entry &= ~ENTRY_IRR;
	/* Masking takes back what nobody has taken. */
	if ((entry & ENTRY_MASKED) || is_level(entry))
		ioapic->edges &= ~(1u << pin);
	ioapic->entry[pin] = entry;
	service(ioapic, pin);
}

static void register_write(struct vmxhv_ioapic *ioapic, uint32_t value)
{
	const unsigned int index = ioapic->select - IOAPIC_TABLE;

	if (ioapic->select == IOAPIC_ID)
		ioapic->id = value & 0x0f000000;
	else if (ioapic->select >= IOAPIC_TABLE && index / 2 < VMXHV_IOAPIC_PINS)
		entry_write(ioapic, index / 2, index & 1, value);
}

uint64_t vmxhv_ioapic_read(void *opaque, uint64_t offset, unsigned int width)
{
	const struct vmxhv_ioapic *ioapic = opaque;

	(void)width;
	switch (offset) {
	case REG_SELECT:
		return ioapic->select;
	case REG_WINDOW:
		return register_read(ioapic);
	default:
		return 0;
	}
}

void vmxhv_ioapic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_ioapic *ioapic = opaque;

	(void)width;
	switch (offset) {
	case REG_SELECT:
		ioapic->select = value;
		break;
	case REG_WINDOW:
		register_write(ioapic, value);
		break;
	case REG_EOI:
		end_of_interrupt(ioapic, value);
		break;
	}
}

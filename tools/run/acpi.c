// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables, by the ACPI Specification 6.x. Hardware-reduced: no PM1 blocks, no SCI, no 8259, no
 * PIT; power-off is by the sleep control register, reset by the reset register. For a PC: PM1a, the
 * timer, an SCI, 8259s; always in ACPI mode, so that there is no SMI command port.
 */
#include <string.h>

#include "acpi.h"
#include "aml.h"
#include "machine.h"
#include "util.h"

#define HEADER_LENGTH	36
#define RSDP_LENGTH	36
#define FADT_LENGTH	276
#define ALIGN		16

#define FADT_FACS		36
#define FADT_DSDT		40
#define FADT_SCI		46
#define FADT_PM1A_EVENT		56
#define FADT_PM1A_CONTROL	64
#define FADT_PM_TIMER		76
#define FADT_PM_LENGTHS		88	/* PM1 event, PM1 control, PM2 control, PM timer */
#define FADT_C2_LATENCY		96
#define FADT_C3_LATENCY		98
#define FADT_CENTURY		108
#define FADT_BOOT_ARCH		109
#define FADT_FLAGS		112
#define FADT_RESET_REG		116
#define FADT_RESET_VALUE	128
#define FADT_X_DSDT		140
#define FADT_X_PM1A_EVENT	148
#define FADT_X_PM1A_CONTROL	172
#define FADT_X_PM_TIMER		208
#define FADT_SLEEP_CONTROL	244
#define FADT_SLEEP_STATUS	256

#define BOOT_ARCH_LEGACY	BIT(0)	/* devices at their old ports, without being looked for */
#define BOOT_ARCH_NO_VGA	BIT(2)
#define FLAG_WBINVD		BIT(0)
#define FLAG_PROC_C1		BIT(2)
#define FLAG_NO_POWER_BUTTON	BIT(4)
#define FLAG_NO_SLEEP_BUTTON	BIT(5)
#define FLAG_RESET_REG		BIT(10)
#define FLAG_HEADLESS		BIT(12)
#define FLAG_HW_REDUCED		BIT(20)

#define FLAG_NO_RTC_WAKE	BIT(6)

#define FACS_LENGTH		64
#define FACS_ALIGN		64
#define NO_C_STATE		0xfff	/* a latency beyond what is allowed */
#define MADT_8259		BIT(0)
#define OVERRIDE_LENGTH		10
#define LEVEL_HIGH		0xd

#define CMOS_CENTURY		0x32
#define LAPIC_ADDRESS		0xfee00000u

#define FADT_FLAGS_BOTH	(FLAG_WBINVD | FLAG_PROC_C1 | FLAG_NO_POWER_BUTTON | \
			 FLAG_NO_SLEEP_BUTTON | FLAG_RESET_REG | FLAG_HEADLESS)

struct tables {
	uint8_t *at;
	size_t size, used;
	uint64_t gpa;
};

static void put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*at++ = value;
}

static uint8_t checksum(const uint8_t *at, size_t length)
{
	uint8_t sum = 0;

	while (length--)
		sum += *at++;
	return -sum;
}

/* A zeroed table with its header, all but the checksum; NULL if it does not fit. */
static uint8_t *begin(struct tables *tables, const char *signature, uint32_t length,
		      uint8_t revision, uint64_t *gpa)
{
	const size_t offset = (tables->used + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	uint8_t *table = tables->at + offset;

	if (offset + length > tables->size)
		return NULL;
	tables->used = offset + length;
	*gpa = tables->gpa + offset;
	memset(table, 0, length);
	memcpy(table, signature, 4);
	put(table + 4, length, 4);
	table[8] = revision;
	memcpy(table + 10, "VMXHV ", 6);
	memcpy(table + 16, "VMXHVRUN", 8);
	put(table + 24, 1, 4);
	memcpy(table + 28, "VMXH", 4);
	put(table + 32, 1, 4);
	return table;
}

static void end(uint8_t *table, uint32_t length)
{
	table[9] = checksum(table, length);
}

static void generic_address(uint8_t *at, uint16_t port, unsigned int bytes)
{
	at[0] = 1;			/* system I/O */
	at[1] = 8 * bytes;
	at[3] = bytes == 4 ? 3 : bytes;	/* access: byte, word, double word */
	put(at + 4, port, 8);
}

/* ---- DSDT --------------------------------------------------------------------------------- */

static void uart_device(struct aml *aml)
{
	const size_t device = aml_begin_device(aml, "COM1");
	size_t resources;

	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0501");
	aml_name(aml, "_UID");
	aml_integer(aml, 1);
	resources = aml_begin_resources(aml);
	aml_io(aml, PORT_UART, 8);
	aml_edge_interrupt(aml, IRQ_UART);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

static void rtc_device(struct aml *aml)
{
	const size_t device = aml_begin_device(aml, "RTC_");
	size_t resources;

	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0B00");
	resources = aml_begin_resources(aml);
	aml_io(aml, PORT_RTC, 2);
	aml_edge_interrupt(aml, IRQ_RTC);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

/* The name under which drivers know it. */
static void fw_cfg_device(struct aml *aml)
{
	const size_t device = aml_begin_device(aml, "FWCF");
	size_t resources;

	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0002");
	resources = aml_begin_resources(aml);
	aml_io(aml, PORT_FW_CFG, PORT_FW_CFG_LENGTH);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

static void sleep_package(struct aml *aml)
{
	size_t package;
	unsigned int i;

	aml_name(aml, "_S5_");
	package = aml_begin_package(aml, 4);
	aml_integer(aml, SLEEP_TYPE_OFF);
	for (i = 0; i < 3; i++)
		aml_integer(aml, 0);
	aml_end(aml, package);
}

static uint64_t dsdt(struct tables *tables)
{
	uint8_t code[512];
	struct aml aml = { .data = code, .size = sizeof(code) };
	uint64_t gpa;
	uint8_t *table;
	size_t scope;

	sleep_package(&aml);
	scope = aml_begin_scope(&aml, "_SB_");
	uart_device(&aml);
	rtc_device(&aml);
	fw_cfg_device(&aml);
	aml_end(&aml, scope);
	if (aml.overflow)
		return 0;
	table = begin(tables, "DSDT", HEADER_LENGTH + aml.used, 2, &gpa);
	if (!table)
		return 0;
	memcpy(table + HEADER_LENGTH, code, aml.used);
	end(table, HEADER_LENGTH + aml.used);
	return gpa;
}

/* ---- the others --------------------------------------------------------------------------- */

static void reduced_hardware(uint8_t *table)
{
	put(table + FADT_BOOT_ARCH, BOOT_ARCH_NO_VGA, 2);
	put(table + FADT_FLAGS, FADT_FLAGS_BOTH | FLAG_HW_REDUCED, 4);
	generic_address(table + FADT_SLEEP_CONTROL, PORT_SLEEP_CONTROL, 1);
	generic_address(table + FADT_SLEEP_STATUS, PORT_SLEEP_STATUS, 1);
}

static void fixed_hardware(uint8_t *table, uint64_t facs_gpa)
{
	static const uint8_t lengths[] = { 4, 2, 0, 4 };

	put(table + FADT_FACS, facs_gpa, 4);
	put(table + FADT_SCI, IRQ_SCI, 2);
	put(table + FADT_PM1A_EVENT, PORT_PM_EVENT, 4);
	put(table + FADT_PM1A_CONTROL, PORT_PM_CONTROL, 4);
	put(table + FADT_PM_TIMER, PORT_PM_TIMER, 4);
	memcpy(table + FADT_PM_LENGTHS, lengths, sizeof(lengths));
	put(table + FADT_C2_LATENCY, NO_C_STATE, 2);
	put(table + FADT_C3_LATENCY, NO_C_STATE, 2);
	put(table + FADT_BOOT_ARCH, BOOT_ARCH_LEGACY | BOOT_ARCH_NO_VGA, 2);
	put(table + FADT_FLAGS, FADT_FLAGS_BOTH | FLAG_NO_RTC_WAKE, 4);
	/* The event block is two registers of 16 bits. */
	generic_address(table + FADT_X_PM1A_EVENT, PORT_PM_EVENT, 4);
	generic_address(table + FADT_X_PM1A_CONTROL, PORT_PM_CONTROL, 2);
	generic_address(table + FADT_X_PM_TIMER, PORT_PM_TIMER, 4);
}

/* No table like the others: no checksum, and an alignment of its own. */
static uint64_t facs(struct tables *tables)
{
	const uint64_t end_gpa = tables->gpa + tables->used;
	const size_t offset = tables->used + (-end_gpa & (FACS_ALIGN - 1));

	if (offset + FACS_LENGTH > tables->size)
		return 0;
	tables->used = offset + FACS_LENGTH;
	memset(tables->at + offset, 0, FACS_LENGTH);
	memcpy(tables->at + offset, "FACS", 4);
	put(tables->at + offset + 4, FACS_LENGTH, 4);
	tables->at[offset + 32] = 2;		/* version */
	return tables->gpa + offset;
}

static uint64_t fadt(struct tables *tables, uint64_t dsdt_gpa, bool pc)
{
	const uint64_t facs_gpa = pc ? facs(tables) : 0;
	uint64_t gpa;
	uint8_t *table = begin(tables, "FACP", FADT_LENGTH, 6, &gpa);

	if (!table || (pc && !facs_gpa))
		return 0;
	put(table + FADT_DSDT, dsdt_gpa, 4);
	table[FADT_CENTURY] = CMOS_CENTURY;
	generic_address(table + FADT_RESET_REG, PORT_RESET, 1);
	table[FADT_RESET_VALUE] = RESET_VALUE;
	put(table + FADT_X_DSDT, dsdt_gpa, 8);
	if (pc)
		fixed_hardware(table, facs_gpa);
	else
		reduced_hardware(table);
	end(table, FADT_LENGTH);
	return gpa;
}

/* An ISA interrupt whose pin, trigger or polarity is not what its number says. */
static uint8_t *override(uint8_t *entry, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	entry[0] = 2;
	entry[1] = OVERRIDE_LENGTH;
	entry[3] = irq;
	put(entry + 4, gsi, 4);
	put(entry + 8, flags, 2);
	return entry + OVERRIDE_LENGTH;
}

static uint64_t madt(struct tables *tables, unsigned int cpus, bool pc)
{
	const uint32_t length = HEADER_LENGTH + 8 + 8 * cpus + 12 + (pc ? 2 * OVERRIDE_LENGTH : 0);
	uint8_t *table, *entry;
	unsigned int cpu;
	uint64_t gpa;

	table = begin(tables, "APIC", length, 5, &gpa);
	if (!table)
		return 0;
	put(table + HEADER_LENGTH, LAPIC_ADDRESS, 4);
	put(table + HEADER_LENGTH + 4, pc ? MADT_8259 : 0, 4);
	entry = table + HEADER_LENGTH + 8;
	for (cpu = 0; cpu < cpus; cpu++, entry += 8) {
		entry[1] = 8;				/* type 0: local APIC */
		entry[2] = cpu;
		entry[3] = cpu;
		put(entry + 4, 1, 4);			/* enabled */
	}
	entry[0] = 1;					/* I/O APIC */
	entry[1] = 12;
	entry[2] = cpus;
	put(entry + 4, VMXHV_IOAPIC_BASE, 4);
	put(entry + 8, 0, 4);				/* its first GSI */
	if (pc)
		override(override(entry + 12, 0, GSI_TIMER, 0), IRQ_SCI, IRQ_SCI, LEVEL_HIGH);
	end(table, length);
	return gpa;
}

static uint64_t xsdt(struct tables *tables, uint64_t fadt_gpa, uint64_t madt_gpa)
{
	const uint32_t length = HEADER_LENGTH + 16;
	uint64_t gpa;
	uint8_t *table = begin(tables, "XSDT", length, 1, &gpa);

	if (!table)
		return 0;
	put(table + HEADER_LENGTH, fadt_gpa, 8);
	put(table + HEADER_LENGTH + 8, madt_gpa, 8);
	end(table, length);
	return gpa;
}

static void rsdp(uint8_t *table, uint64_t xsdt_gpa)
{
	memset(table, 0, RSDP_LENGTH);
	memcpy(table, "RSD PTR ", 8);
	memcpy(table + 9, "VMXHV ", 6);
	table[15] = 2;
	put(table + 20, RSDP_LENGTH, 4);
	put(table + 24, xsdt_gpa, 8);
	table[8] = checksum(table, 20);
	table[32] = checksum(table, RSDP_LENGTH);
}

size_t acpi_build(uint8_t *at, size_t size, uint64_t gpa, unsigned int cpus, bool pc)
{
	struct tables tables = { .at = at, .size = size, .used = RSDP_LENGTH, .gpa = gpa };
	uint64_t dsdt_gpa, fadt_gpa, madt_gpa, xsdt_gpa;

	if (size < RSDP_LENGTH)
		return 0;
	dsdt_gpa = dsdt(&tables);
	fadt_gpa = dsdt_gpa ? fadt(&tables, dsdt_gpa, pc) : 0;
	madt_gpa = madt(&tables, cpus, pc);
	xsdt_gpa = fadt_gpa && madt_gpa ? xsdt(&tables, fadt_gpa, madt_gpa) : 0;
	if (!xsdt_gpa)
		return 0;
	rsdp(at, xsdt_gpa);
	return tables.used;
}

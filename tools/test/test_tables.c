// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables, CPUID leaves, bzImage checks and the bus. With a directory as argument the ACPI
 * tables are written there, one file each, for iasl to judge.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "boot.h"
#include "bus.h"
#include "cpu.h"
#include "tap.h"
#include "util.h"

#define ACPI_GPA	0xe0000ull

static uint64_t le(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static bool sums_to_zero(const uint8_t *at, size_t length)
{
	uint8_t sum = 0;

	while (length--)
		sum += *at++;
	return !sum;
}

/* ---- ACPI --------------------------------------------------------------------------------- */

static void write_table(const char *dir, const char *prefix, const uint8_t *table)
{
	char path[256];
	FILE *file;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s%.4s.dat", dir, prefix, (const char *)table);
	file = fopen(path, "w");
	if (!file)
		exit(1);
	fwrite(table, 1, le(table + 4, 4), file);
	fclose(file);
}

static const uint8_t *check_table(struct tap *t, const uint8_t *area, uint64_t gpa,
				  const char *signature, const char *dir, const char *prefix)
{
	const uint8_t *table = area + (gpa - ACPI_GPA);
	char name[64];

	snprintf(name, sizeof(name), "%s%s: signature and checksum", prefix, signature);
	tap(t, !memcmp(table, signature, 4) && sums_to_zero(table, le(table + 4, 4)), name);
	write_table(dir, prefix, table);
	return table;
}

static void test_acpi(struct tap *t, const char *dir)
{
	static uint8_t area[0x4000];
	const size_t used = acpi_build(area, sizeof(area), ACPI_GPA, 2, false);
	const uint8_t *xsdt, *fadt, *madt;

	tap(t, used && used < 2048, "ACPI: built");
	tap(t, !memcmp(area, "RSD PTR ", 8) && sums_to_zero(area, 20) && sums_to_zero(area, 36),
	    "RSDP: signature and checksums");
	xsdt = check_table(t, area, le(area + 24, 8), "XSDT", dir, "");
	tap_eq(t, le(xsdt + 4, 4), 36 + 16, "XSDT: two tables");
	fadt = check_table(t, area, le(xsdt + 36, 8), "FACP", dir, "");
	tap_eq(t, le(fadt + 4, 4), 276, "FADT: length of revision 6");
	tap_eq(t, le(fadt + 112, 4) >> 20 & 1, 1, "FADT: hardware-reduced");
	tap_eq(t, le(fadt + 248, 8), 0x600, "FADT: sleep control");
	tap_eq(t, le(fadt + 40, 4), le(fadt + 140, 8), "FADT: DSDT and X_DSDT agree");
	check_table(t, area, le(fadt + 140, 8), "DSDT", dir, "");
	madt = check_table(t, area, le(xsdt + 44, 8), "APIC", dir, "");
	tap_eq(t, le(madt + 40, 4), 0, "MADT: no 8259");
	tap(t, madt[44] == 0 && madt[52] == 0 && madt[55] == 1 && madt[60] == 1 && madt[62] == 2,
	    "MADT: two local APICs, an I/O APIC with another id");
	tap_eq(t, acpi_build(area, 100, ACPI_GPA, 1, false), 0, "ACPI: too little room");
}

static void test_acpi_pc(struct tap *t, const char *dir)
{
	static uint8_t area[0x4000];
	const size_t used = acpi_build(area, sizeof(area), ACPI_GPA, 1, true);
	const uint8_t *xsdt, *fadt, *madt, *facs;
	size_t size, refused = 0;

	xsdt = check_table(t, area, le(area + 24, 8), "XSDT", dir, "PC");
	fadt = check_table(t, area, le(xsdt + 36, 8), "FACP", dir, "PC");
	madt = check_table(t, area, le(xsdt + 44, 8), "APIC", dir, "PC");
	facs = area + (le(fadt + 36, 4) - ACPI_GPA);
	tap_eq(t, le(fadt + 112, 4) >> 20 & 1, 0, "PC: not hardware-reduced");
	tap(t, le(fadt + 46, 2) == 9 && !le(fadt + 48, 4), "PC: SCI, no SMI command port");
	tap(t, le(fadt + 56, 4) == 0x604 && le(fadt + 64, 4) == 0x60c && le(fadt + 76, 4) == 0x608,
	    "PC: PM1a event, control, timer");
	tap(t, le(fadt + 152, 8) == 0x604 && le(fadt + 176, 8) == 0x60c &&
	    le(fadt + 212, 8) == 0x608, "PC: the same in their longer form");
	tap(t, !memcmp(facs, "FACS", 4) && le(facs + 4, 4) == 64 &&
	    !(le(fadt + 36, 4) & 63), "PC: FACS, at a multiple of 64");
	tap_eq(t, le(madt + 40, 4), 1, "PC: MADT: 8259s");
	tap(t, madt[64] == 2 && madt[67] == 0 && le(madt + 68, 4) == 2 && madt[74] == 2 &&
	    madt[77] == 9 && le(madt + 82, 2) == 13, "PC: MADT: IRQ 0 at pin 2, IRQ 9 is a level");
	for (size = 0; size < used; size++)
		refused += !acpi_build(area, size, ACPI_GPA, 1, true);
	tap_eq(t, refused, used, "PC: refused in every smaller area");
}

/* ---- CPUID -------------------------------------------------------------------------------- */

/* As Linux computes it, in 32 bits. */
static double tsc_error(uint32_t tsc_khz, uint32_t crystal_khz)
{
	uint32_t eax, ebx, seen;

	cpu_tsc_ratio(tsc_khz, crystal_khz, &eax, &ebx);
	seen = crystal_khz * ebx / eax;
	return seen > tsc_khz ? (double)(seen - tsc_khz) / tsc_khz :
				(double)(tsc_khz - seen) / tsc_khz;
}

static void test_frequencies(struct tap *t)
{
	static const uint32_t tsc[] = { 50000, 1000000, 2893221, 2400000, 3700123, 999999 };
	static const uint32_t crystal[] = { 24000, 25000, 50000, 100000, 1000000, 2893221 };
	unsigned int i, k;
	char name[80];

	for (i = 0; i < ARRAY_SIZE(tsc); i++) {
		for (k = 0; k < ARRAY_SIZE(crystal); k++) {
			snprintf(name, sizeof(name), "TSC %u kHz by a crystal of %u kHz", tsc[i],
				 crystal[k]);
			tap(t, tsc_error(tsc[i], crystal[k]) < 0.0000011 + 1.0 / tsc[i], name);
		}
	}
}

static void test_leaves(struct tap *t)
{
	struct vmxhv_cpuid_entry table[6 + CPU_SPARE_LEAVES] = {
		{ .function = 0, .eax = 13 },
		{ .function = 1, .ecx = 1u << 31 },
		{ .function = 4, .flags = VMXHV_CPUID_INDEXED, .index = 0, .eax = 1 },
		{ .function = 4, .flags = VMXHV_CPUID_INDEXED, .index = 1, .eax = 2 },
		{ .function = 0x40000000, .eax = 0x40000000, .ebx = 1 },
		{ .function = 0x80000000 },
	};
	unsigned int count;

	tap_eq(t, vmxhv_cpuid_find(table, 6, 4, 1)->eax, 2, "leaves with an index");
	tap(t, !vmxhv_cpuid_find(table, 6, 4, 2), "an index that is not there");
	count = cpu_leaves(table, 6, SIGNATURE_KERNEL, 50000, 50000000);
	tap_eq(t, count, 8, "two leaves more");
	tap_eq(t, table[0].eax, 0x16, "leaf 0 reaches them");
	tap_eq(t, vmxhv_cpuid_find(table, count, 0x15, 0)->ecx, 50000000, "crystal");
	tap_eq(t, vmxhv_cpuid_find(table, count, 0x16, 0)->eax, 50, "base MHz");
	tap_eq(t, vmxhv_cpuid_find(table, count, 0x40000000, 0)->ebx, 1, "the module's signature");
	count = cpu_leaves(table, count, SIGNATURE_KVM, 50000, 50000000);
	tap(t, !memcmp(&vmxhv_cpuid_find(table, count, 0x40000000, 0)->ebx, "KVMKVMKVM\0\0\0", 12),
	    "hypervisor=kvm");
	tap_eq(t, vmxhv_cpuid_find(table, count, 0x40000000, 0)->eax, 0x40000001, "its last leaf");
	tap_eq(t, vmxhv_cpuid_find(table, count, 0x40000001, 0)->eax, 0, "without features");
	count = cpu_leaves(table, count, SIGNATURE_NONE, 50000, 50000000);
	tap(t, !vmxhv_cpuid_find(table, count, 0x40000000, 0), "hypervisor=none: no leaf");
	tap_eq(t, table[1].ecx, 0, "hypervisor=none: no bit");
}

/* ---- bzImage ------------------------------------------------------------------------------ */

#define MIB	BIT_ULL(20)

struct image {
	uint8_t bytes[0x4000];
	size_t size;
	struct setup_header hdr;
};

/* A good one: every bad one below differs in one thing. */
static struct image good_image(void)
{
	return (struct image){
		.size = 0x4000,
		.hdr = {
			.setup_sects = 3, .boot_flag = 0xaa55, .header = 0x53726448,
			.version = 0x020f, .loadflags = 1, .xloadflags = 1, .syssize = 0x300,
			.pref_address = 16 * MIB, .init_size = 8 * MIB, .kernel_alignment = 2 * MIB,
			.relocatable_kernel = 1, .initrd_addr_max = 0x7fffffff,
			.cmdline_size = 2047,
		},
	};
}

static const char *parse(struct image *image, uint64_t memory, struct bzimage *parsed)
{
	memcpy(image->bytes + 0x1f1, &image->hdr, sizeof(image->hdr));
	return bzimage_parse(parsed, image->bytes, image->size, memory);
}

static void spoil_magic(struct image *image)
{
	image->hdr.header++;
}

static void spoil_boot_flag(struct image *image)
{
	image->hdr.boot_flag = 0;
}

static void spoil_version(struct image *image)
{
	image->hdr.version = 0x020b;
}

static void spoil_high(struct image *image)
{
	image->hdr.loadflags = 0;
}

static void spoil_entry(struct image *image)
{
	image->hdr.xloadflags = 0;
}

static void spoil_size(struct image *image)
{
	image->size -= 16;
	image->hdr.syssize = 0x380;
}

static void spoil_all_size(struct image *image)
{
	image->size = 100;
}

/* Its end would wrap around. */
static void spoil_address(struct image *image)
{
	image->hdr.pref_address = -(4 * MIB);
	image->hdr.relocatable_kernel = 0;
}

static void spoil_need(struct image *image)
{
	image->hdr.init_size = 64 * MIB;
}

static void test_bzimage(struct tap *t)
{
	static const struct {
		void (*spoil)(struct image *image);
		const char *says;
	} bad[] = {
		{ spoil_magic, "not a bzImage" }, { spoil_boot_flag, "not a bzImage" },
		{ spoil_all_size, "not a bzImage" }, { spoil_address, "does not fit" },
		{ spoil_version, "older than 2.12" }, { spoil_high, "zImage" },
		{ spoil_entry, "no 64-bit entry" }, { spoil_size, "cut short" },
		{ spoil_need, "does not fit" },
	};
	struct image image = good_image();
	struct bzimage parsed;
	const char *wrong;
	unsigned int i;

	tap(t, !parse(&image, 64 * MIB, &parsed), "bzImage: good");
	tap(t, parsed.load == 16 * MIB && parsed.setup_size == 2048 && parsed.payload_size == 14336,
	    "bzImage: at its preferred address");
	tap(t, !parse(&image, 12 * MIB, &parsed) && parsed.load == 2 * MIB,
	    "bzImage: moved down where memory is small");
	image.hdr.syssize = 0x380;
	tap(t, !parse(&image, 64 * MIB, &parsed), "bzImage: syssize to the byte");
	image.size -= 15;
	tap(t, !parse(&image, 64 * MIB, &parsed) && parsed.payload_size == 14321,
	    "bzImage: syssize is rounded up to paragraphs");
	image = good_image();
	image.hdr.relocatable_kernel = 0;
	tap(t, parse(&image, 12 * MIB, &parsed), "bzImage: but not one that cannot be moved");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		image = good_image();
		bad[i].spoil(&image);
		wrong = parse(&image, 64 * MIB, &parsed);
		tap(t, wrong && strstr(wrong, bad[i].says), bad[i].says);
	}
}

static void test_initrd(struct tap *t)
{
	const struct bzimage image = {
		.load = 16 * MIB, .init_size = 8 * MIB, .initrd_max = 0x37ffffff,
	};

	tap_eq(t, initrd_place(&image, MIB, 64 * MIB), 63 * MIB, "initrd at the end of memory");
	tap_eq(t, initrd_place(&image, 1, 64 * MIB), 64 * MIB - 4096, "at a page");
	tap_eq(t, initrd_place(&image, MIB, 2048 * MIB), 0x38000000 - MIB, "below initrd_addr_max");
	tap_eq(t, initrd_place(&image, 40 * MIB, 64 * MIB), 24 * MIB, "it just fits");
	tap_eq(t, initrd_place(&image, 40 * MIB + 1, 64 * MIB), 0, "it does not fit");
	tap_eq(t, initrd_place(&image, 100 * MIB, 64 * MIB), 0, "larger than memory");
}

/* ---- the bus and sizes -------------------------------------------------------------------- */

static uint64_t bus_seen;

static uint64_t dev_read(void *opaque, uint64_t offset, unsigned int width)
{
	(void)opaque;
	return 0x10 + offset + (width << 8);
}

static void dev_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	(void)opaque;
	bus_seen = bus_seen << 16 | offset << 12 | width << 8 | value;
}

static void test_bus(struct tap *t)
{
	struct bus bus;

	bus_init(&bus, "port", false);
	bus_add(&bus, &(struct bus_range){ 0x100, 4, 1, dev_read, dev_write, NULL });
	tap_eq(t, bus_read(&bus, 0x200, 4), 0xffffffff, "nobody: all ones");
	tap_eq(t, bus_read(&bus, 0x200, 8), ~0ull, "nobody: 64 bits of them");
	tap_eq(t, bus_read(&bus, 0x101, 1), 0x11, "a byte");
	tap_eq(t, bus_read(&bus, 0x100, 4), 0x13121110, "four bytes of a byte device");
	tap_eq(t, bus_read(&bus, 0x103, 2), 0xff13, "half beyond its end");
	tap_eq(t, bus_read(&bus, 0xff, 2), 0x10ff, "half before its start");
	bus_write(&bus, 0x100, 2, 0xbbaa);
	tap_eq(t, bus_seen, 0x01aa11bb, "two bytes written, low one first");
}

int main(int argc, char **argv)
{
	struct tap t = { 0 };

	test_acpi(&t, argc > 1 ? argv[1] : NULL);
	test_acpi_pc(&t, argc > 1 ? argv[1] : NULL);
	test_frequencies(&t);
	test_leaves(&t);
	test_bzimage(&t);
	test_initrd(&t);
	test_bus(&t);
	return tap_end(&t);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI tables of both machines. */
#ifndef RUN_ACPI_H
#define RUN_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * acpi_build() - write RSDP, XSDT, FADT, MADT, DSDT and, for a PC, FACS
 * @at: where
 * @size: bytes there
 * @gpa: where the guest sees them; the RSDP comes first
 * @cpus: APIC ids 0 to @cpus - 1
 * @pc: with fixed hardware and 8259s, instead of hardware-reduced
 *
 * Return: bytes written, or 0 if they do not fit.
 */
size_t acpi_build(uint8_t *at, size_t size, uint64_t gpa, unsigned int cpus, bool pc);

#endif /* RUN_ACPI_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI's fixed hardware on a PC: PM1a event and control registers, and the timer. */
#ifndef RUN_ACPI_PM_H
#define RUN_ACPI_PM_H

#include <stdbool.h>
#include <stdint.h>

#define ACPI_PM_HZ	3579545u
#define ACPI_PM_NEVER	UINT64_MAX

/**
 * struct acpi_pm - the registers
 * @set_sci: the interrupt line, level-triggered and active high
 * @sleep: SLP_EN was written with this SLP_TYP
 * @changed: acpi_pm_next() may give another time now
 * @now: nanoseconds, from anywhere
 * @opaque: for all of them
 * @seen: the timer's tick up to which its status bit is right
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct acpi_pm {
	void (*set_sci)(void *opaque, bool level);
	void (*sleep)(void *opaque, unsigned int type);
	void (*changed)(void *opaque);
	uint64_t (*now)(void *opaque);
	void *opaque;

	uint16_t status, enable, control;
	uint64_t seen;
};

/* @pm has the functions and opaque. */
void acpi_pm_init(struct acpi_pm *pm);

/* PM1_STS and PM1_EN; PM1_CNT; PM_TMR: each takes accesses of 16 (the timer: 32) bits. */
uint64_t acpi_pm_event_read(void *opaque, uint64_t offset, unsigned int width);
void acpi_pm_event_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);
uint64_t acpi_pm_control_read(void *opaque, uint64_t offset, unsigned int width);
void acpi_pm_control_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);
uint64_t acpi_pm_timer_read(void *opaque, uint64_t offset, unsigned int width);

/* When the status bit is due, in nanoseconds, or ACPI_PM_NEVER if nobody wants its interrupt. */
uint64_t acpi_pm_next(const struct acpi_pm *pm);
void acpi_pm_run(struct acpi_pm *pm);

#endif /* RUN_ACPI_PM_H */

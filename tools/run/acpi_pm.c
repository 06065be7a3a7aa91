// SPDX-License-Identifier: GPL-2.0-only
/*
 * By "ACPI Hardware Specification", the fixed hardware. The machine is always in ACPI mode. The
 * timer has 24 bits; its status is set whenever the highest of them changes.
 */
#include "acpi_pm.h"
#include "scale.h"
#include "util.h"

#define NSEC		1000000000ull
#define TIMER_MASK	0xffffffu
#define HALF		BIT_ULL(23)

#define TIMER_STATUS	BIT(0)	/* the same bit in PM1_EN */
#define ENABLE_WRITABLE	0x721	/* and those of buttons, clock and global lock, which never come */
#define SCI_ENABLED	BIT(0)
#define SLEEP_TYPE	10
#define SLEEP_ENABLE	BIT(13)
#define CONTROL_WRITABLE	(BIT(1) | 7u << SLEEP_TYPE)

static uint64_t ticks(const struct acpi_pm *pm)
{
	return scale(pm->now(pm->opaque), ACPI_PM_HZ, NSEC);
}

/* The timer's status, as it has become since we looked last, and the line. */
void acpi_pm_run(struct acpi_pm *pm)
{
	const uint64_t now = ticks(pm);

	if (now / HALF != pm->seen / HALF)
		pm->status |= TIMER_STATUS;
	pm->seen = now;
	pm->set_sci(pm->opaque, pm->status & pm->enable);
}

uint64_t acpi_pm_next(const struct acpi_pm *pm)
{
	const uint64_t due = (pm->seen / HALF + 1) * HALF;

	if (!(pm->enable & TIMER_STATUS) || (pm->status & TIMER_STATUS))
		return ACPI_PM_NEVER;
	return scale_up(due, NSEC, ACPI_PM_HZ);
}

/* A byte of a register is read and written where it is; the rest of it keeps its value. */
static uint16_t part(uint16_t reg, uint64_t offset, unsigned int width)
{
	return width == 1 && (offset & 1) ? reg >> 8 : reg;
}

static uint16_t merge(uint16_t reg, uint64_t offset, unsigned int width, uint16_t value)
{
	if (width > 1)
		return value;
	return offset & 1 ? (reg & 0xff) | value << 8 : (reg & 0xff00) | value;
}

uint64_t acpi_pm_event_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct acpi_pm *pm = opaque;

	acpi_pm_run(pm);
	return part(offset < 2 ? pm->status : pm->enable, offset, width);
}

/* Ones clear the status. */
void acpi_pm_event_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct acpi_pm *pm = opaque;

	acpi_pm_run(pm);
	if (offset < 2)
		pm->status &= ~merge(0, offset, width, value);
	else
		pm->enable = merge(pm->enable, offset, width, value) & ENABLE_WRITABLE;
	acpi_pm_run(pm);
	pm->changed(pm->opaque);
}

uint64_t acpi_pm_control_read(void *opaque, uint64_t offset, unsigned int width)
{
	const struct acpi_pm *pm = opaque;

	return part(pm->control | SCI_ENABLED, offset, width);
}

void acpi_pm_control_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct acpi_pm *pm = opaque;
	const uint16_t control = merge(pm->control, offset, width, value);

	pm->control = control & CONTROL_WRITABLE;
	if (control & SLEEP_ENABLE)
		pm->sleep(pm->opaque, control >> SLEEP_TYPE & 7);
}

uint64_t acpi_pm_timer_read(void *opaque, uint64_t offset, unsigned int width)
{
	const struct acpi_pm *pm = opaque;

	(void)width;
	return (ticks(pm) & TIMER_MASK) >> (8 * offset);
}

void acpi_pm_init(struct acpi_pm *pm)
{
	pm->status = 0;
	pm->enable = 0;
	pm->control = 0;
	pm->seen = ticks(pm);
}

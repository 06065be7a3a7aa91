// SPDX-License-Identifier: GPL-2.0-only
/*
 * --machine pc: what a PC has beyond the reduced machine, and how it is wired: 8259s at ExtINT,
 * 8254, ACPI's fixed hardware. One timerfd serves all that is due at a time; the control thread
 * waits for it.
 */
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "util.h"

#define PORT_PIC_MASTER	0x20
#define PORT_PIC_SLAVE	0xa0
#define PORT_ELCR	0x4d0
#define PORT_PIT	0x40
#define PORT_CONTROL	0x61
#define IRQ_TIMER	0

#define APIC_SVR	0x0f0
#define APIC_LVT0	0x350
#define APIC_LVT1	0x360
#define SVR_ENABLED	0x1ff
#define LVT_EXTINT	0x700
#define LVT_NMI		0x400

/* ---- lines --------------------------------------------------------------------------------- */

void machine_set_irq(struct machine *machine, unsigned int irq, bool level)
{
	vmxhv_ioapic_set_line(&machine->ioapic, irq == IRQ_TIMER ? GSI_TIMER : irq, level);
	if (machine->options->pc)
		vmxhv_pic_set_line(&machine->pc.pic, irq, level);
}

static void set_intr(void *opaque, bool level)
{
	struct machine *machine = opaque;
	const int err = vmxhv_vcpu_extint(&machine->vcpu, level);

	if (err)
		machine_stop(machine, STATUS_HOST, "EXTINT: %s", strerror(-err));
}

static void timer_irq(void *opaque, bool level)
{
	machine_set_irq(opaque, IRQ_TIMER, level);
}

static void sci(void *opaque, bool level)
{
	machine_set_irq(opaque, IRQ_SCI, level);
}

static void sleep_state(void *opaque, unsigned int type)
{
	if (type == SLEEP_TYPE_OFF)
		machine_stop(opaque, STATUS_OFF, "%s", "");
}

/* ---- the map ------------------------------------------------------------------------------- */

static void add_ports(struct machine *machine)
{
	struct pc *pc = &machine->pc;
	const struct bus_range ranges[] = {
		{ PORT_PIC_MASTER, 2, 1, vmxhv_pic_read, vmxhv_pic_write, &pc->pic.master },
		{ PORT_PIC_SLAVE, 2, 1, vmxhv_pic_read, vmxhv_pic_write, &pc->pic.slave },
		{ PORT_ELCR, 2, 1, vmxhv_pic_elcr_read, vmxhv_pic_elcr_write, &pc->pic },
		{ PORT_PIT, 4, 1, vmxhv_pit_read, vmxhv_pit_write, &pc->pit },
		{ PORT_CONTROL, 1, 1, vmxhv_pit_control_read, vmxhv_pit_control_write, &pc->pit },
		{ PORT_PM_EVENT, 4, 2, acpi_pm_event_read, acpi_pm_event_write, &pc->pm },
		{ PORT_PM_CONTROL, 2, 2, acpi_pm_control_read, acpi_pm_control_write, &pc->pm },
		{ PORT_PM_TIMER, 4, 4, acpi_pm_timer_read, NULL, &pc->pm },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		bus_add(&machine->ports, &ranges[i]);
}

/* As a PC's firmware leaves it: the 8259s reach the CPU through LINT0, NMIs through LINT1. */
static void virtual_wire(struct machine *machine)
{
	struct vmxhv_vcpu *vcpu = &machine->vcpu;

	if (vmxhv_lapic_write(vcpu, APIC_SVR, 4, SVR_ENABLED) ||
	    vmxhv_lapic_write(vcpu, APIC_LVT0, 4, LVT_EXTINT) ||
	    vmxhv_lapic_write(vcpu, APIC_LVT1, 4, LVT_NMI))
		die(STATUS_HOST, "%s", vmxhv_message(&vcpu->fail));
}

void pc_create(struct machine *machine)
{
	struct pc *pc = &machine->pc;

	vmxhv_pic_init(&pc->pic, set_intr, machine);
	pc->pit = (struct vmxhv_pit){
		.set_irq = timer_irq, .changed = timer_arm, .now = machine_now, .opaque = machine };
	vmxhv_pit_init(&pc->pit);
	pc->pm = (struct acpi_pm){ .set_sci = sci, .sleep = sleep_state, .changed = timer_arm,
		.now = machine_now, .opaque = machine };
	acpi_pm_init(&pc->pm);
	add_ports(machine);
	virtual_wire(machine);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Which device sits where, and the few ports that need no device of their own. */
#include "machine.h"
#include "output.h"
#include "util.h"

#define SLEEP_ENABLE	0x20
#define KEYBOARD_RESET	0xfe

/* ---- connections -------------------------------------------------------------------------- */

static void uart_irq(void *opaque, bool level)
{
	struct machine *machine = opaque;

	machine_set_irq(machine, IRQ_UART, level);
}

static void uart_output(void *opaque, const uint8_t *data, size_t length)
{
	(void)opaque;
	output_guest(data, length);
}

static void rtc_irq(void *opaque, bool level)
{
	machine_set_irq(opaque, IRQ_RTC, level);
}

static int send_msi(void *opaque, uint64_t address, uint32_t data)
{
	struct machine *machine = opaque;

	return vmxhv_vm_signal_msi(&machine->vm, address, data);
}

/* ---- ports without a device --------------------------------------------------------------- */

static uint64_t read_zero(void *opaque, uint64_t offset, unsigned int width)
{
	(void)opaque;
	(void)offset;
	(void)width;
	return 0;
}

static uint64_t read_ones(void *opaque, uint64_t offset, unsigned int width)
{
	(void)opaque;
	(void)offset;
	(void)width;
	return ~0ull;
}

/* There is no keyboard controller, but a guest that pulses the CPU's reset line means it. */
static void keyboard_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	(void)offset;
	(void)width;
	if ((value & 0xff) == KEYBOARD_RESET)
		machine_stop(opaque, STATUS_RESET, "the guest reset itself (port 0x64)");
}

static void fast_reset_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	(void)offset;
	(void)width;
	if (value & 1)
		machine_stop(opaque, STATUS_RESET, "the guest reset itself (port 0x92)");
}

static uint64_t a20_read(void *opaque, uint64_t offset, unsigned int width)
{
	(void)opaque;
	(void)offset;
	(void)width;
	return 0x02;		/* A20 is on, always */
}

static void sleep_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	const unsigned int type = value >> 2 & 7;

	(void)width;
	/* The status register follows; there is nothing to clear in it. */
	if (offset == 0 && (value & SLEEP_ENABLE) && type == SLEEP_TYPE_OFF)
		machine_stop(opaque, STATUS_OFF, "%s", "");
}

static void reset_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	(void)offset;
	(void)width;
	if (value == RESET_VALUE)
		machine_stop(opaque, STATUS_RESET, "the guest reset itself (ACPI)");
}

static void debug_exit_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	(void)offset;
	(void)width;
	machine_stop(opaque, value & 0xff, "%s", "");
}

/* ---- the map ------------------------------------------------------------------------------ */

static void add_simple_ports(struct machine *machine)
{
	const struct bus_range ranges[] = {
		/* NMI status and speaker; POST codes and I/O delay */
		{ 0x61, 1, 1, read_zero, NULL, NULL },
		{ 0x80, 1, 4, read_zero, NULL, NULL },
		/* absent, but not worth a line of --trace-io: PICs, PIT, keyboard, PCI */
		{ 0x20, 2, 1, read_ones, NULL, NULL },
		{ 0xa0, 2, 1, read_ones, NULL, NULL },
		{ 0x40, 4, 1, read_ones, NULL, NULL },
		{ 0x60, 1, 1, read_ones, NULL, NULL },
		{ 0x64, 1, 1, read_ones, keyboard_write, machine },
		{ 0x92, 1, 1, a20_read, fast_reset_write, machine },
		{ 0xcf8, 8, 4, read_ones, NULL, NULL },
		{ PORT_SLEEP_CONTROL, 2, 1, read_zero, sleep_write, machine },
		{ PORT_RESET, 1, 1, read_zero, reset_write, machine },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		bus_add(&machine->ports, &ranges[i]);
}

void devices_create(struct machine *machine)
{
	const struct options *options = machine->options;

	pthread_mutex_init(&machine->lock, NULL);
	timer_create_fd(machine);
	bus_init(&machine->ports, "port", options->trace_io);
	bus_init(&machine->mmio, "mmio", options->trace_io);
	/* First, so that it wins over what sits at the port. */
	if (options->debug_exit >= 0)
		bus_add(&machine->ports, &(struct bus_range){
			options->debug_exit, 1, 4, read_ones, debug_exit_write, machine });
	vmxhv_uart_init(&machine->uart, uart_irq, uart_output, machine);
	vmxhv_ioapic_init(&machine->ioapic, 1, send_msi, machine);
	machine->rtc = (struct vmxhv_rtc){
		.now = machine_date, .set_irq = rtc_irq, .changed = timer_arm, .opaque = machine };
	vmxhv_rtc_init(&machine->rtc);
	bus_add(&machine->ports, &(struct bus_range){
		PORT_UART, 8, 1, vmxhv_uart_read, vmxhv_uart_write, &machine->uart });
	bus_add(&machine->ports, &(struct bus_range){
		PORT_RTC, 2, 1, vmxhv_rtc_read, vmxhv_rtc_write, &machine->rtc });
	bus_add(&machine->ports, &(struct bus_range){
		PORT_FW_CFG, PORT_FW_CFG_LENGTH, 2, fw_cfg_read, fw_cfg_write, &machine->fw_cfg });
	bus_add(&machine->mmio, &(struct bus_range){
		VMXHV_IOAPIC_BASE, VMXHV_IOAPIC_LENGTH, 4, vmxhv_ioapic_read, vmxhv_ioapic_write,
		&machine->ioapic });
	/* Before what stands for it where it is absent. */
	if (options->pc)
		pc_create(machine);
	add_simple_ports(machine);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A: FIFOs, interrupts in the order of their priority, loopback, scratch. Sending takes no
 * time, so that the transmitter is always empty; output is buffered up to the end of a line.
 *
 * What arrives waits on the "wire" until the guest has raised RTS, as a peer with flow control
 * would: input that was piped in before the guest's driver came up is not lost to its probing. A
 * guest that never touches MCR gets it when it looks.
 */
#include <string.h>

#include "libvmxhv-devices.h"

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5,
	MSR = 6, SCR = 7 };

#define IER_RX		0x01
#define IER_THRE	0x02
#define IER_LINE	0x04
#define IIR_NONE	0x01
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_CLEAR_TX	0x04
#define LCR_DLAB	0x80
#define MCR_RTS		0x02
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define LSR_DR		0x01
#define LSR_OE		0x02
#define LSR_THRE	0x20
#define LSR_TEMT	0x40
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_DCD		0x80

void vmxhv_uart_init(struct vmxhv_uart *uart, void (*set_irq)(void *opaque, bool level),
		     void (*output)(void *opaque, const uint8_t *data, size_t length), void *opaque)
{
	memset(uart, 0, sizeof(*uart));
	uart->set_irq = set_irq;
	uart->output = output;
	uart->opaque = opaque;
	uart->divisor = 12;		/* 9600 baud, as after a BIOS */
	uart->lcr = 0x03;
	uart->trigger = 1;
}

static unsigned int fifo_size(const struct vmxhv_uart *uart)
{
	return uart->fifo_enabled ? VMXHV_UART_FIFO : 1;
}

static uint8_t interrupt_id(const struct vmxhv_uart *uart)
{
	if ((uart->ier & IER_LINE) && uart->lsr_errors)
		return IIR_LINE;
	if ((uart->ier & IER_RX) && uart->rx_count >= uart->trigger)
		return IIR_RX;
	if ((uart->ier & IER_RX) && uart->rx_count)
		return IIR_TIMEOUT;
	if ((uart->ier & IER_THRE) && uart->thre_pending)
		return IIR_THRE;
	return IIR_NONE;
}

/*
 * The PC wires the line through OUT2; in loopback the output pins are inactive. A FIFO below its
 * trigger raises the time-out at once: no byte is on its way that could still come.
 */
static void update_line(struct vmxhv_uart *uart)
{
	const bool gate = (uart->mcr & MCR_OUT2) && !(uart->mcr & MCR_LOOP);
	const bool line = gate && interrupt_id(uart) != IIR_NONE;

	if (line == uart->line)
		return;
	uart->line = line;
	uart->set_irq(uart->opaque, line);
}

static bool ready_to_receive(const struct vmxhv_uart *uart, bool polled)
{
	if (uart->mcr & MCR_LOOP)
		return false;
	return uart->mcr_written ? uart->mcr & MCR_RTS : polled;
}

static void rx_push(struct vmxhv_uart *uart, uint8_t byte)
{
	uart->rx[(uart->rx_head + uart->rx_count) % VMXHV_UART_FIFO] = byte;
	uart->rx_count++;
}

/* From the wire into the FIFO as far as there is room; @polled: the guest looks for it. */
static void rx_fill(struct vmxhv_uart *uart, bool polled)
{
	while (uart->wire_count && uart->rx_count < fifo_size(uart) &&
	       ready_to_receive(uart, polled)) {
		rx_push(uart, uart->wire[uart->wire_head]);
		uart->wire_head = (uart->wire_head + 1) % VMXHV_UART_WIRE;
		uart->wire_count--;
	}
	update_line(uart);
}

size_t vmxhv_uart_room(const struct vmxhv_uart *uart)
{
	return VMXHV_UART_WIRE - uart->wire_count;
}

size_t vmxhv_uart_receive(struct vmxhv_uart *uart, const uint8_t *data, size_t length)
{
	size_t i;

	for (i = 0; i < length && vmxhv_uart_room(uart); i++) {
		uart->wire[(uart->wire_head + uart->wire_count) % VMXHV_UART_WIRE] = data[i];
		uart->wire_count++;
	}
	rx_fill(uart, false);
	return i;
}

void vmxhv_uart_flush(struct vmxhv_uart *uart)
{
	if (!uart->out_count)
		return;
	uart->output(uart->opaque, uart->out, uart->out_count);
	uart->out_count = 0;
}

static void transmit(struct vmxhv_uart *uart, uint8_t byte)
{
	if (uart->mcr & MCR_LOOP) {
		if (uart->rx_count < fifo_size(uart))
			rx_push(uart, byte);
		else
			uart->lsr_errors |= LSR_OE;
	} else {
		uart->out[uart->out_count++] = byte;
		uart->sent++;
		if (byte == '\n' || uart->out_count == sizeof(uart->out))
			vmxhv_uart_flush(uart);
	}
	/* Writing THR clears the interrupt, and the transmitter is empty again at once. */
	uart->thre_pending = false;
	update_line(uart);
	uart->thre_pending = true;
	update_line(uart);
}

static uint8_t receive_register(struct vmxhv_uart *uart)
{
	uint8_t byte = 0;

	rx_fill(uart, true);
	if (uart->rx_count) {
		byte = uart->rx[uart->rx_head];
		uart->rx_head = (uart->rx_head + 1) % VMXHV_UART_FIFO;
		uart->rx_count--;
	}
	rx_fill(uart, false);
	return byte;
}

static uint8_t identify(struct vmxhv_uart *uart)
{
	const uint8_t id = interrupt_id(uart);

	if (id == IIR_THRE) {
		uart->thre_pending = false;
		update_line(uart);
	}
	return id | (uart->fifo_enabled ? IIR_FIFO : 0);
}

static uint8_t line_status(struct vmxhv_uart *uart)
{
	uint8_t status = LSR_THRE | LSR_TEMT | uart->lsr_errors;

	rx_fill(uart, true);
	if (uart->rx_count)
		status |= LSR_DR;
	uart->lsr_errors = 0;
	update_line(uart);
	return status;
}

/* In loopback, CTS, DSR, RI and DCD read back RTS, DTR, OUT1 and OUT2. */
static uint8_t modem_status(const struct vmxhv_uart *uart)
{
	const uint8_t mcr = uart->mcr;

	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (mcr & 0x02) << 3 | (mcr & 0x01) << 5 | (mcr & 0x0c) << 4;
}

static void fifo_control(struct vmxhv_uart *uart, uint8_t value)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };
	const bool enable = value & FCR_ENABLE;

	/* Switching the FIFOs on or off empties them. */
	if (enable != uart->fifo_enabled || (enable && (value & FCR_CLEAR_RX)))
		uart->rx_count = 0;
	uart->fifo_enabled = enable;
	uart->trigger = enable ? triggers[value >> 6] : 1;
	if (enable && (value & FCR_CLEAR_TX))
		uart->thre_pending = true;
	rx_fill(uart, false);
}

static void interrupt_enable(struct vmxhv_uart *uart, uint8_t value)
{
	/* Enabling THRE with an empty transmitter raises it; a driver that is done disables it. */
	if ((value & IER_THRE) && !(uart->ier & IER_THRE))
		uart->thre_pending = true;
	if (!(value & IER_THRE))
		vmxhv_uart_flush(uart);
	uart->ier = value & 0x0f;
	rx_fill(uart, false);
}

uint64_t vmxhv_uart_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct vmxhv_uart *uart = opaque;
	const bool dlab = uart->lcr & LCR_DLAB;

	(void)width;
	switch (offset) {
	case RBR:
		return dlab ? uart->divisor & 0xff : receive_register(uart);
	case IER:
		return dlab ? uart->divisor >> 8 : uart->ier;
	case IIR:
		return identify(uart);
	case LCR:
		return uart->lcr;
	case MCR:
		return uart->mcr;
	case LSR:
		return line_status(uart);
	case MSR:
		return modem_status(uart);
	default:
		return uart->scr;
	}
}

void vmxhv_uart_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_uart *uart = opaque;
	const bool dlab = uart->lcr & LCR_DLAB;

	(void)width;
	switch (offset) {
	case THR:
		if (dlab)
			uart->divisor = (uart->divisor & 0xff00) | value;
		else
			transmit(uart, value);
		break;
	case IER:
		if (dlab)
			uart->divisor = (uart->divisor & 0xff) | value << 8;
		else
			interrupt_enable(uart, value);
		break;
	case FCR:
		fifo_control(uart, value);
		break;
	case LCR:
		uart->lcr = value;
		break;
	case MCR:
		uart->mcr = value & 0x1f;
		uart->mcr_written = true;
		rx_fill(uart, false);
		break;
	case SCR:
		uart->scr = value;
		break;
	default:
		break;		/* LSR and MSR are read-only here */
	}
}

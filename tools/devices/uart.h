/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A. */
#ifndef DEVICES_UART_H
#define DEVICES_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_FIFO	16
#define UART_WIRE	4096	/* received, not yet in the FIFO; a power of two */
#define UART_OUT	1024

/**
 * struct uart - one port
 * @set_irq: the interrupt line changed
 * @output: bytes to send on; called when a line is whole, the buffer is full or the guest is done
 * @opaque: for both
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct uart {
	void (*set_irq)(void *opaque, bool level);
	void (*output)(void *opaque, const uint8_t *data, size_t length);
	void *opaque;

	uint8_t ier, lcr, mcr, scr, lsr_errors;
	uint16_t divisor;
	bool fifo_enabled, thre_pending, timeout_pending, line, mcr_written;
	unsigned int trigger;

	uint8_t rx[UART_FIFO];
	unsigned int rx_head, rx_count;
	uint8_t wire[UART_WIRE];
	unsigned int wire_head, wire_count;
	uint8_t out[UART_OUT];
	size_t out_count;
	uint64_t sent;		/* bytes that went out, ever */
};

void uart_init(struct uart *uart, void (*set_irq)(void *opaque, bool level),
	       void (*output)(void *opaque, const uint8_t *data, size_t length), void *opaque);

/* Registers 0 to 7, in the form of struct bus_range. */
uint64_t uart_read(void *opaque, uint64_t offset, unsigned int width);
void uart_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* Bytes arrive from outside. Return: how many fit on the wire. */
size_t uart_receive(struct uart *uart, const uint8_t *data, size_t length);
size_t uart_room(const struct uart *uart);

/* Send on what is still buffered. */
void uart_flush(struct uart *uart);

#endif /* DEVICES_UART_H */

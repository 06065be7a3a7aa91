// SPDX-License-Identifier: GPL-2.0-only
/* The 16550A as a driver sees it. */
#include <string.h>

#include "libvmxhv-devices.h"
#include "tap.h"
#include "util.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = 0, FCR = 2 };

struct peer {
	bool line;
	unsigned int edges;
	char out[4096];
	size_t length;
};

static struct peer peer;

static void set_irq(void *opaque, bool level)
{
	struct peer *p = opaque;

	p->edges += level && !p->line;
	p->line = level;
}

static void output(void *opaque, const uint8_t *data, size_t length)
{
	struct peer *p = opaque;

	memcpy(p->out + p->length, data, length);
	p->length += length;
}

static struct vmxhv_uart fresh(void)
{
	struct vmxhv_uart uart;

	memset(&peer, 0, sizeof(peer));
	vmxhv_uart_init(&uart, set_irq, output, &peer);
	return uart;
}

static void out(struct vmxhv_uart *uart, unsigned int reg, uint8_t value)
{
	vmxhv_uart_write(uart, reg, 1, value);
}

static uint8_t in(struct vmxhv_uart *uart, unsigned int reg)
{
	return vmxhv_uart_read(uart, reg, 1);
}

static void test_probe(struct tap *t)
{
	struct vmxhv_uart uart = fresh();

	out(&uart, SCR, 0x5a);
	tap_eq(t, in(&uart, SCR), 0x5a, "scratch");
	out(&uart, IER, 0xff);
	tap_eq(t, in(&uart, IER), 0x0f, "IER has four bits");
	out(&uart, IER, 0);
	out(&uart, MCR, 0x1a);
	tap_eq(t, in(&uart, MSR) & 0xf0, 0x90, "loopback shows RTS and OUT2 in MSR");
	out(&uart, MCR, 0);
	out(&uart, FCR, 1);
	tap_eq(t, in(&uart, IIR), 0xc1, "FIFO on: a 16550A");
	out(&uart, FCR, 0);
	tap_eq(t, in(&uart, IIR), 0x01, "FIFO off");
	out(&uart, LCR, 0x83);
	out(&uart, 0, 0x01);
	out(&uart, 1, 0x02);
	tap(t, in(&uart, 0) == 1 && in(&uart, 1) == 2, "divisor latch");
	out(&uart, LCR, 0x03);
	tap_eq(t, in(&uart, IER), 0, "divisor latch is not IER");
	tap_eq(t, in(&uart, LSR), 0x60, "transmitter empty");
	tap_eq(t, in(&uart, MSR), 0xb0, "CTS, DSR, DCD");
}

static void test_transmit(struct tap *t)
{
	struct vmxhv_uart uart = fresh();
	const char *text = "login: ";

	for (; *text; text++)
		out(&uart, THR, *text);
	tap_eq(t, peer.length, 0, "output waits for the end of the line");
	out(&uart, IER, 0);
	tap(t, peer.length == 7 && !memcmp(peer.out, "login: ", 7), "or for the driver to be done");
	out(&uart, THR, '\n');
	tap_eq(t, peer.length, 8, "a newline sends");
	out(&uart, MCR, 0x08);
	out(&uart, IER, 0x02);
	tap(t, peer.line, "THRE interrupt when enabled");
	tap_eq(t, in(&uart, IIR), 0x02, "IIR says so");
	tap(t, !peer.line, "reading IIR clears it");
	out(&uart, THR, 'x');
	tap(t, peer.line && peer.edges == 2, "a byte sent raises it again, with an edge");
	out(&uart, THR, 'y');
	tap_eq(t, peer.edges, 3, "and each byte makes an edge of its own");
	out(&uart, MCR, 0);
	tap(t, !peer.line, "OUT2 gates the line");
}

static void test_receive(struct tap *t)
{
	struct vmxhv_uart uart = fresh();
	unsigned int i, same = 0;
	uint8_t data[20];

	for (i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i;
	out(&uart, FCR, 0x81);				/* trigger at 8 */
	out(&uart, MCR, 0x0b);
	out(&uart, IER, 0x01);
	tap_eq(t, vmxhv_uart_receive(&uart, data, 3), 3, "three bytes come");
	tap(t, peer.line, "they interrupt");
	tap_eq(t, in(&uart, IIR), 0xcc, "as time-out below the trigger");
	tap_eq(t, in(&uart, LSR) & 1, 1, "data ready");
	vmxhv_uart_receive(&uart, data + 3, 17);
	tap_eq(t, in(&uart, IIR), 0xc4, "as data at the trigger");
	for (i = 0; i < sizeof(data); i++)
		same += in(&uart, RBR) == data[i];
	tap_eq(t, same, 20, "more than the FIFO holds comes in order");
	tap(t, !peer.line && !(in(&uart, LSR) & 1), "empty: no interrupt, no data");
	tap_eq(t, in(&uart, LSR) & 2, 0, "no overrun");
}

/* Input before the guest is up waits; so does what a driver's FIFO reset would have dropped. */
static void test_early_input(struct tap *t)
{
	struct vmxhv_uart uart = fresh();

	out(&uart, MCR, 0x01);				/* DTR, no RTS: not open yet */
	vmxhv_uart_receive(&uart, (const uint8_t *)"hi", 2);
	tap_eq(t, in(&uart, LSR) & 1, 0, "input waits until the port is open");
	out(&uart, IER, 0x0f);
	out(&uart, IER, 0x00);
	out(&uart, FCR, 0x07);
	out(&uart, MCR, 0x0b);
	tap(t, in(&uart, RBR) == 'h' && in(&uart, RBR) == 'i',
	    "and survives probing and the FIFO reset");
	uart = fresh();
	vmxhv_uart_receive(&uart, (const uint8_t *)"yx", 2);
	out(&uart, FCR, 0x07);
	out(&uart, FCR, 0x00);
	tap_eq(t, in(&uart, LSR) & 1, 1, "a guest that never touches MCR gets it when it looks");
	tap(t, in(&uart, RBR) == 'y' && in(&uart, RBR) == 'x', "all of it");
}

/* What FCR clears: in loopback, so that nothing comes after it. */
static void test_fifo_control(struct tap *t)
{
	static const struct {
		const char *name;
		uint8_t first, then;
		bool kept;
	} rows[] = {
		{ "FCR: clearing the receiver", 0x01, 0x03, false },
		{ "FCR: clearing both", 0x01, 0x07, false },
		{ "FCR: clearing the transmitter leaves the receiver", 0x01, 0x05, true },
		{ "FCR: another trigger leaves the receiver", 0x01, 0x81, true },
		{ "FCR: FIFOs off empties them", 0x01, 0x00, false },
		{ "FCR: FIFOs on empties the one byte", 0x00, 0x01, false },
		{ "FCR: with FIFOs off its other bits do nothing", 0x00, 0x06, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vmxhv_uart uart = fresh();

		out(&uart, MCR, 0x10);
		out(&uart, FCR, rows[i].first);
		out(&uart, THR, 'a');
		tap_eq(t, in(&uart, LSR) & 1, 1, "FCR: a byte is there");
		out(&uart, FCR, rows[i].then);
		tap_eq(t, in(&uart, LSR) & 1, rows[i].kept, rows[i].name);
		tap_eq(t, in(&uart, RBR), rows[i].kept ? 'a' : 0, rows[i].name);
	}
}

/* Bytes that were in the FIFO are gone; those on the wire are not, and the line follows. */
static void test_fifo_clear(struct tap *t)
{
	struct vmxhv_uart uart = fresh();
	uint8_t data[18];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i;
	out(&uart, FCR, 0xc1);
	out(&uart, MCR, 0x0b);
	out(&uart, IER, 0x01);
	vmxhv_uart_receive(&uart, data, 3);
	tap(t, peer.line, "FCR: bytes interrupt");
	out(&uart, FCR, 0xc3);
	tap(t, !peer.line, "FCR: none are left, and no interrupt");
	vmxhv_uart_receive(&uart, data, sizeof(data));
	out(&uart, FCR, 0xc3);
	tap_eq(t, in(&uart, RBR), 'q', "FCR: what is behind the FIFO comes next");
	tap_eq(t, in(&uart, RBR), 'r', "FCR: to the last");
	tap(t, !(in(&uart, LSR) & 1) && !peer.line, "FCR: and that is all");
}

static void test_loopback(struct tap *t)
{
	struct vmxhv_uart uart = fresh();

	out(&uart, MCR, 0x10);
	out(&uart, THR, 'q');
	tap_eq(t, in(&uart, RBR), 'q', "loopback");
	tap_eq(t, peer.length + uart.out_count, 0, "loopback sends nothing");
	out(&uart, THR, '1');
	out(&uart, THR, '2');
	tap_eq(t, in(&uart, LSR) & 2, 2, "overrun without FIFO");
	tap_eq(t, in(&uart, LSR) & 2, 0, "LSR clears it");
}

static void test_full_wire(struct tap *t)
{
	struct vmxhv_uart uart = fresh();
	static uint8_t data[VMXHV_UART_WIRE + 100];

	out(&uart, MCR, 0);
	tap_eq(t, vmxhv_uart_receive(&uart, data, sizeof(data)), VMXHV_UART_WIRE,
	       "the wire takes what fits");
	tap_eq(t, vmxhv_uart_room(&uart), 0, "then there is no room");
}

int main(void)
{
	struct tap t = { 0 };

	test_probe(&t);
	test_transmit(&t);
	test_receive(&t);
	test_early_input(&t);
	test_fifo_control(&t);
	test_fifo_clear(&t);
	test_loopback(&t);
	test_full_wire(&t);
	return tap_end(&t);
}

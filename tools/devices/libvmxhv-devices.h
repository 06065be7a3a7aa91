/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvmxhv-devices: the devices that almost every guest wants, for a VMM of your own. It needs
 * neither the kernel module nor libvmxhv, has no globals, allocates nothing, prints nothing and
 * starts no thread.
 *
 * A device is a structure that the caller owns; what it wants of its surroundings are functions in
 * it. Nothing in it is to be touched but what is documented. Calls for one device, and for devices
 * that are wired to each other, are the caller's to serialise: one lock for all of them will do. A
 * device calls its functions only from within a call of its own.
 *
 * The registers are read and written by functions of one form, so that a table of them is a bus:
 *
 *	uint64_t read(void *opaque, uint64_t offset, unsigned int width);
 *	void write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);
 *
 * @opaque is the device, @offset from its first port or address, @width the bytes of the access.
 * Wider accesses than a device has registers (a byte at ports, four at the I/O APIC) are the bus's
 * to split.
 */
#ifndef LIBVMXHV_DEVICES_H
#define LIBVMXHV_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the I/O APIC (82093AA, version 20H: with the EOI register) ----------------------------- */

#define VMXHV_IOAPIC_BASE	0xfec00000u
#define VMXHV_IOAPIC_LENGTH	0x1000u
#define VMXHV_IOAPIC_PINS	24

/**
 * struct vmxhv_ioapic - 24 pins, whose interrupts are sent as messages
 * @send: deliver a message, as vmxhv_vm_signal_msi() does. Return: how many APICs took it (of 0
 *	that may change), or a negative errno: none ever will
 * @opaque: for @send
 * @waiting: pins whose message no APIC has taken yet; to be read. While it is not 0, call
 *	vmxhv_ioapic_retry() when an APIC may have been switched on, or every few milliseconds
 */
struct vmxhv_ioapic {
	int (*send)(void *opaque, uint64_t address, uint32_t data);
	void *opaque;
	uint32_t waiting;

	uint32_t id;
	uint8_t select;
	bool eoi_seen;		/* the kernel reports EOIs */
	uint32_t lines;		/* pin levels */
	uint32_t edges;		/* pins that rose, and whose message nobody has taken */
	uint64_t entry[VMXHV_IOAPIC_PINS];
};

/** vmxhv_ioapic_init() - all entries masked; @id is that of its ID register */
void vmxhv_ioapic_init(struct vmxhv_ioapic *ioapic, uint32_t id,
		       int (*send)(void *opaque, uint64_t address, uint32_t data), void *opaque);

/* The page at VMXHV_IOAPIC_BASE. */
uint64_t vmxhv_ioapic_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_ioapic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/** vmxhv_ioapic_set_line() - a pin's level; active high, whatever the entry's polarity says */
void vmxhv_ioapic_set_line(struct vmxhv_ioapic *ioapic, unsigned int pin, bool level);

/** vmxhv_ioapic_retry() - send again what no APIC has taken */
void vmxhv_ioapic_retry(struct vmxhv_ioapic *ioapic);

/** vmxhv_ioapic_eoi() - VMXHV_EXIT_EOI: a local APIC ended the level-triggered interrupt @vector */
void vmxhv_ioapic_eoi(struct vmxhv_ioapic *ioapic, uint8_t vector);

/* ---- the pair of 8259A interrupt controllers of a PC, with edge/level registers ------------ */

#define VMXHV_PIC_CASCADE	2	/* the master's input that the slave sits at */
#define VMXHV_PIC_LINES		16

struct vmxhv_pic;

/**
 * struct vmxhv_pic_chip - one 8259A; all of it is its own
 * @lines: levels of the inputs
 * @irr: requests: latched edges, and lines that are level-triggered and high
 * @elcr: level-triggered inputs
 * @base: ICW2, upper five bits of the vectors
 * @init_step: the ICW that is expected, or 0
 * @lowest: the input of lowest priority: 7 unless rotated
 */
struct vmxhv_pic_chip {
	struct vmxhv_pic *pic;
	uint8_t lines, irr, isr, imr, elcr, elcr_mask, base;
	uint8_t init_step, lowest;
	bool single, needs_icw4, auto_eoi, rotate_auto_eoi, fully_nested;
	bool special_mask, read_isr, poll;
};

/**
 * struct vmxhv_pic - both of them; it may not be copied once it is initialised
 * @set_intr: the INTR line to the CPU changed: vmxhv_vcpu_extint()
 * @opaque: for @set_intr
 * @master: what @opaque of vmxhv_pic_read() is at ports 0x20 and 0x21
 * @slave: the same at 0xa0 and 0xa1
 */
struct vmxhv_pic {
	void (*set_intr)(void *opaque, bool level);
	void *opaque;

	struct vmxhv_pic_chip master, slave;
	bool intr;
};

/** vmxhv_pic_init() - as after power-on: the guest has yet to initialise it */
void vmxhv_pic_init(struct vmxhv_pic *pic, void (*set_intr)(void *opaque, bool level),
		    void *opaque);

/* The two ports of a chip: @opaque is that chip. */
uint64_t vmxhv_pic_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_pic_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* Ports 0x4d0 and 0x4d1: @opaque is struct vmxhv_pic. */
uint64_t vmxhv_pic_elcr_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_pic_elcr_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/** vmxhv_pic_set_line() - an input's level, 0 to 15 but for VMXHV_PIC_CASCADE */
void vmxhv_pic_set_line(struct vmxhv_pic *pic, unsigned int irq, bool level);

/**
 * vmxhv_pic_acknowledge() - VMXHV_EXIT_INTACK: the CPU takes the interrupt
 *
 * Return: its vector, which is that of input 7 when nothing requests any more.
 */
uint8_t vmxhv_pic_acknowledge(struct vmxhv_pic *pic);

/* ---- the 8254 timer of a PC, with port 0x61 ------------------------------------------------- */

#define VMXHV_PIT_HZ		1193182u
#define VMXHV_PIT_CHANNELS	3
#define VMXHV_PIT_NEVER		UINT64_MAX

/**
 * struct vmxhv_pit_channel - one counter; all of it is its own
 * @reload: the count written last; 65536 (or 10000) for 0
 * @start: when it was loaded or triggered, in ticks of the clock
 * @stopped: ticks that had passed when the gate stopped it
 * @counting: a count is loaded, and in modes 1 and 5 the gate has triggered
 * @write_high, @read_high: of a count in two bytes the second is next
 */
struct vmxhv_pit_channel {
	uint8_t mode, access;
	bool bcd, gate, counting, null_count, write_high, read_high;
	uint8_t low;
	uint32_t reload;
	uint64_t start, stopped;
	uint8_t latched_bytes, latched_status;
	bool status_latched;
	uint16_t latched;
};

/**
 * struct vmxhv_pit - all of it
 * @set_irq: channel 0's output; an edge that was over before we looked is a fall and a rise
 * @changed: vmxhv_pit_next() may give another time now
 * @now: nanoseconds, from anywhere, never backwards
 * @opaque: for all of them
 * @seen: channel 0's rising edges up to this tick have been passed on
 */
struct vmxhv_pit {
	void (*set_irq)(void *opaque, bool level);
	void (*changed)(void *opaque);
	uint64_t (*now)(void *opaque);
	void *opaque;

	struct vmxhv_pit_channel channel[VMXHV_PIT_CHANNELS];
	uint64_t seen;
	bool speaker;
};

/** vmxhv_pit_init() - nothing counts; @pit has set_irq, changed, now and opaque, else 0 */
void vmxhv_pit_init(struct vmxhv_pit *pit);

/* Ports 0x40 to 0x43. */
uint64_t vmxhv_pit_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_pit_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* Port 0x61: channel 2's gate and output, and the refresh bit that toggles. */
uint64_t vmxhv_pit_control_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_pit_control_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/** vmxhv_pit_next() - when to call vmxhv_pit_run(), in @now's nanoseconds, or VMXHV_PIT_NEVER */
uint64_t vmxhv_pit_next(const struct vmxhv_pit *pit);

/** vmxhv_pit_run() - pass on what channel 0's output did up to now */
void vmxhv_pit_run(struct vmxhv_pit *pit);

/* ---- the MC146818 clock of a PC, with its CMOS memory -------------------------------------- */

#define VMXHV_RTC_NEVER		INT64_MAX

/**
 * struct vmxhv_rtc - the clock, in UTC
 * @now: nanoseconds since 1970
 * @set_irq: the interrupt line (IRQ 8) changed
 * @changed: vmxhv_rtc_next() may give another time now
 * @opaque: for all of them
 * @offset: the guest's time less @now
 * @seen: the guest's time up to which the flags of register C are right
 */
struct vmxhv_rtc {
	int64_t (*now)(void *opaque);
	void (*set_irq)(void *opaque, bool level);
	void (*changed)(void *opaque);
	void *opaque;

	int64_t offset, seen;
	uint8_t index;
	uint8_t cmos[128];
};

/** vmxhv_rtc_init() - @rtc has now, set_irq, changed and opaque, else 0 */
void vmxhv_rtc_init(struct vmxhv_rtc *rtc);

/* Ports 0x70 and 0x71. */
uint64_t vmxhv_rtc_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_rtc_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/** vmxhv_rtc_next() - when to call vmxhv_rtc_run(), by @now's clock, or VMXHV_RTC_NEVER */
int64_t vmxhv_rtc_next(const struct vmxhv_rtc *rtc);

/** vmxhv_rtc_run() - raise what is due */
void vmxhv_rtc_run(struct vmxhv_rtc *rtc);

/* ---- a 16550A ------------------------------------------------------------------------------ */

#define VMXHV_UART_FIFO		16
#define VMXHV_UART_WIRE		4096	/* received, not yet in the FIFO; a power of two */
#define VMXHV_UART_OUT		1024

/**
 * struct vmxhv_uart - one port
 * @set_irq: the interrupt line changed
 * @output: bytes to send on; called when a line is whole, the buffer is full or the guest is done.
 *	Must not wait for whoever reads them
 * @opaque: for both
 * @sent: bytes that the guest has sent, ever; to be read
 */
struct vmxhv_uart {
	void (*set_irq)(void *opaque, bool level);
	void (*output)(void *opaque, const uint8_t *data, size_t length);
	void *opaque;
	uint64_t sent;

	uint8_t ier, lcr, mcr, scr, lsr_errors;
	uint16_t divisor;
	bool fifo_enabled, thre_pending, timeout_pending, line, mcr_written;
	unsigned int trigger;

	uint8_t rx[VMXHV_UART_FIFO];
	unsigned int rx_head, rx_count;
	uint8_t wire[VMXHV_UART_WIRE];
	unsigned int wire_head, wire_count;
	uint8_t out[VMXHV_UART_OUT];
	size_t out_count;
};

/** vmxhv_uart_init() - 9600 baud, as after a BIOS */
void vmxhv_uart_init(struct vmxhv_uart *uart, void (*set_irq)(void *opaque, bool level),
		     void (*output)(void *opaque, const uint8_t *data, size_t length),
		     void *opaque);

/* Registers 0 to 7. */
uint64_t vmxhv_uart_read(void *opaque, uint64_t offset, unsigned int width);
void vmxhv_uart_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/** vmxhv_uart_receive() - bytes arrive from outside. Return: how many fit on the wire */
size_t vmxhv_uart_receive(struct vmxhv_uart *uart, const uint8_t *data, size_t length);
size_t vmxhv_uart_room(const struct vmxhv_uart *uart);

/** vmxhv_uart_flush() - send on what is still buffered; some ten times a second */
void vmxhv_uart_flush(struct vmxhv_uart *uart);

#ifdef __cplusplus
}
#endif

#endif /* LIBVMXHV_DEVICES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine: memory, one vCPU, its devices, and what the threads share. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "acpi_pm.h"
#include "bus.h"
#include "fw_cfg.h"
#include "libvmxhv-devices.h"
#include "libvmxhv.h"
#include "memory.h"
#include "options.h"
#include "util.h"

/* ---- the machine's address map ------------------------------------------------------------ */

#define MEM_LOW_END	0xa0000ull	/* then nothing, as there is no VGA ... */
#define MEM_ROM		0xc0000ull	/* ... then memory again */
#define MEM_ACPI	0xe0000ull	/* RSDP and tables, reserved up to 1 MiB */
#define MEM_1M		0x100000ull
#define MEM_3G		0xc0000000ull	/* above it devices; more memory from 4 GiB on */
#define MEM_4G		0x100000000ull

#define PORT_RTC	0x70
#define PORT_UART	0x3f8
#define PORT_FW_CFG	0x510
#define PORT_FW_CFG_LENGTH	2
#define IRQ_UART	4
#define IRQ_RTC		8

#define PORT_SLEEP_CONTROL	0x600
#define PORT_SLEEP_STATUS	0x601
#define PORT_RESET		0x602
#define RESET_VALUE		1
#define SLEEP_TYPE_OFF		5

/* --machine pc only */
#define PORT_PM_EVENT		0x604
#define PORT_PM_TIMER		0x608
#define PORT_PM_CONTROL		0x60c
#define IRQ_SCI			9
#define GSI_TIMER		2	/* the I/O APIC's pin for IRQ 0 */

#define RUNNING		(-1)

/* ---- what every kernel finds below 1 MiB; the ACPI tables are at MEM_ACPI ------------------- */

#define GDT_AT		0x500ull	/* where an image leaves room for it */
#define EBDA_AT		0x9fc00ull	/* reserved from here on */
#define RESET_VECTOR	0xffff0ull
#define BOOT_CS		0x10		/* 64-bit code */
#define BOOT_DS		0x18		/* flat data */
#define BOOT_CS32	0x20		/* flat 32-bit code */
#define BOOT_GDT_LIMIT	0x27

enum start { START_REAL, START_PROTECTED, START_LONG };

/** struct pc - what only --machine pc has */
struct pc {
	struct vmxhv_pic pic;
	struct vmxhv_pit pit;
	struct acpi_pm pm;
};

/**
 * struct machine - all of it
 * @start: the mode that the guest begins in; for all but real mode, how
 * @lock: serialises the devices (ports, mmio, uart, ioapic, rtc, fw_cfg, pc)
 * @status: RUNNING, or the exit status that was decided first
 * @reason: one line for stderr that goes with @status, or empty; written before @status is
 */
struct machine {
	const struct options *options;
	struct vmxhv_info info;
	struct vmxhv_dev dev;
	struct vmxhv_vm vm;
	struct vmxhv_vcpu vcpu;

	uint8_t *ram;
	uint64_t ram_size;
	const char *command_line;	/* what the kernel was given */
	enum start start;
	struct vmxhv_long_start start_long;
	struct vmxhv_protected_start start_protected;

	pthread_mutex_t lock;
	struct bus ports, mmio;
	struct vmxhv_uart uart;
	struct vmxhv_ioapic ioapic;
	struct vmxhv_rtc rtc;
	struct fw_cfg fw_cfg;
	struct pc pc;
	int timer_fd;		/* readable: something is due */

	atomic_int status;
	atomic_flag decided;
	char reason[512];
};

/* End the run; the first call decides. Any thread. Return: whether this was it. */
bool machine_stop(struct machine *machine, int status, const char *format, ...)
	__printf(3, 4);

/* Report on stderr and end the process; before the guest runs. */
__printf(2, 3) __noreturn
void die(int status, const char *format, ...);

/* memory.c: get the memory; show it to the guest */
void memory_create(struct machine *machine);
void memory_map(struct machine *machine);
/* Our address of [@gpa, @gpa + @length), or NULL where that is not all memory. */
void *memory_at(const struct machine *machine, uint64_t gpa, uint64_t length);
/* Memory below 3 GiB, and from 4 GiB on. */
uint64_t memory_low(const struct machine *machine);
uint64_t memory_high(const struct machine *machine);

/* firmware.c: before the image, which may lie over it */
void firmware_create(struct machine *machine);

/* devices.c */
void devices_create(struct machine *machine);

/* fw_cfg_fill.c: after the kernel is loaded */
void fw_cfg_fill(struct machine *machine);

/* pc.c */
void pc_create(struct machine *machine);
/* An interrupt line of a device, by its number on a PC. */
void machine_set_irq(struct machine *machine, unsigned int irq, bool level);

/* timer.c: nanoseconds of the two clocks; when the next device is due; with the lock held */
uint64_t machine_now(void *opaque);
int64_t machine_date(void *opaque);
void timer_create_fd(struct machine *machine);
void timer_arm(void *opaque);
void timer_run(struct machine *machine);	/* timer_fd is readable */

/* cpu.c */
void cpu_setup(struct machine *machine);

/* mtrr.c: memory as write-back, devices as uncacheable */
void mtrr_setup(struct machine *machine, unsigned int phys_bits);

/* kernel.c, flat.c: check the image and put it into memory; before there is a VM */
void load_kernel(struct machine *machine);
void load_flat(struct machine *machine);

/* loop.c: until machine->status is decided */
void run_loop(struct machine *machine);

/* control.c: the thread for input, signals and time */
void control_block_signals(void);
void control_start(struct machine *machine);
void control_vcpu_left(void);		/* run_loop() is through */
void control_join(void);
bool control_ended_it(void);		/* a signal, --timeout or Ctrl-A X; after control_join() */

#endif /* RUN_MACHINE_H */

// SPDX-License-Identifier: GPL-2.0-only
/* The vCPU's thread: RUN, see why it came back, answer, again. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "machine.h"
#include "output.h"
#include "util.h"

/* ---- port I/O ----------------------------------------------------------------------------- */

static void io_string(struct machine *machine, const struct vmxhv_exit_io *io, uint8_t *data)
{
	uint32_t i;

	for (i = 0; i < io->count; i++, data += io->width) {
		uint32_t value = 0;

		if (io->in) {
			value = bus_read(&machine->ports, io->port, io->width);
			memcpy(data, &value, io->width);
		} else {
			memcpy(&value, data, io->width);
			bus_write(&machine->ports, io->port, io->width, value);
		}
	}
}

static void handle_io(struct machine *machine)
{
	struct vmxhv_run *run = machine->vcpu.run;
	struct vmxhv_exit_io *io = &run->u.io;

	if (io->string)
		io_string(machine, io, (uint8_t *)run + io->data_offset);
	else if (io->in)
		io->data = bus_read(&machine->ports, io->port, io->width);
	else
		bus_write(&machine->ports, io->port, io->width, io->data);
}

/* SDM: "IA32_APIC_BASE MSR" */
#define APIC_BASE_ENABLED	BIT_ULL(11)
#define APIC_BASE_X2APIC	BIT_ULL(10)

/* ---- MMIO --------------------------------------------------------------------------------- */

/* The page is the APIC's in xAPIC mode only; in x2APIC mode, or switched off, it has none. */
static bool is_lapic(const struct machine *machine, uint64_t gpa)
{
	const uint64_t base = machine->vcpu.run->apic_base;

	if ((base & (APIC_BASE_ENABLED | APIC_BASE_X2APIC)) != APIC_BASE_ENABLED)
		return false;
	return (gpa & ~0xfffull) == (base & ~0xfffull);
}

static int mmio_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	struct machine *machine = opaque;
	const void *ram = memory_at(machine, gpa, width);

	if (is_lapic(machine, gpa))
		return vmxhv_lapic_read(&machine->vcpu, gpa & 0xfff, width, value);
	if (ram)
		memcpy(value, ram, width);
	else
		*value = bus_read(&machine->mmio, gpa, width);
	return 0;
}

static int mmio_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	struct machine *machine = opaque;
	void *ram = memory_at(machine, gpa, width);

	if (is_lapic(machine, gpa))
		return vmxhv_lapic_write(&machine->vcpu, gpa & 0xfff, width, value);
	if (ram)
		memcpy(ram, &value, width);
	else
		bus_write(&machine->mmio, gpa, width, value);
	return 0;
}

static void *mmio_ram(void *opaque, uint64_t gpa, uint64_t length)
{
	return memory_at(opaque, gpa, length);
}

/* No instruction is fetched from a device: the guest has lost its way. */
static void stop_at_fetch(struct machine *machine)
{
	const struct vmxhv_run *run = machine->vcpu.run;

	machine_stop(machine, STATUS_EMULATION,
		     "the guest executes at %#llx, where no memory is (RIP %#llx)",
		     (unsigned long long)run->u.mmio.gpa, (unsigned long long)run->gprs.rip);
}

static void handle_mmio(struct machine *machine)
{
	static const struct vmxhv_mmio_ops ops = {
		.read = mmio_read, .write = mmio_write, .ram = mmio_ram,
	};
	char text[256];
	int err;

	if (machine->vcpu.run->u.mmio.access & VMXHV_MMIO_FETCH) {
		stop_at_fetch(machine);
		return;
	}
	err = vmxhv_mmio_complete(&machine->vcpu, &ops, machine);
	if (!err)
		return;
	vmxhv_exit_describe(machine->vcpu.run, text, sizeof(text));
	machine_stop(machine, STATUS_EMULATION, "%s, RIP %#llx: %s", text,
		     machine->vcpu.run->gprs.rip,
		     err == -EOPNOTSUPP ? vmxhv_message(&machine->vcpu.fail) : strerror(-err));
}

/* ---- the rest ----------------------------------------------------------------------------- */

/*
 * HLT comes to us only from a flat guest. With interrupts on it goes on after a moment: waking up
 * for no reason is allowed, and a guest that waits has a loop around it.
 */
static void handle_hlt(struct machine *machine)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	vmxhv_uart_flush(&machine->uart);
	if (!machine->vcpu.run->if_flag) {
		machine_stop(machine, STATUS_OFF, "%s", machine->uart.sent ? "" :
			     "the guest has halted for good, without a byte of output");
		return;
	}
	/* the devices are the other threads' meanwhile */
	pthread_mutex_unlock(&machine->lock);
	nanosleep(&moment, NULL);
	pthread_mutex_lock(&machine->lock);
}

/* Where the guest was, and whether its instruction can be read there. */
static int where_it_was(struct vmxhv_vcpu *vcpu, uint64_t *rip, struct vmxhv_translate *answer)
{
	struct vmxhv_sregs sregs;
	struct vmxhv_gprs gprs;
	uint32_t access = VMXHV_ACCESS_FETCH;
	int err = vmxhv_vcpu_get_sregs(vcpu, &sregs);

	if (!err)
		err = vmxhv_vcpu_get_gprs(vcpu, &gprs);
	if (err)
		return err;
	if ((sregs.ss.access >> 5 & 3) == 3)
		access |= VMXHV_ACCESS_USER;
	*rip = gprs.rip;
	return vmxhv_vcpu_translate(vcpu, sregs.cs.base + gprs.rip, access, answer);
}

static void handle_shutdown(struct machine *machine)
{
	struct vmxhv_translate answer;
	uint64_t rip;
	char text[160];

	if (where_it_was(&machine->vcpu, &rip, &answer)) {
		machine_stop(machine, STATUS_SHUTDOWN, "the guest shut down: triple fault");
		return;
	}
	vmxhv_translate_describe(&answer, text, sizeof(text));
	machine_stop(machine, STATUS_SHUTDOWN,
		     "the guest shut down: triple fault at RIP %#llx (%s)",
		     (unsigned long long)rip, text);
}

static void handle_failure(struct machine *machine)
{
	char text[400];

	vmxhv_exit_describe(machine->vcpu.run, text, sizeof(text));
	machine_stop(machine, STATUS_ENTRY, "%s", text);
}

static void handle_intack(struct machine *machine)
{
	struct vmxhv_run *run = machine->vcpu.run;

	run->intack_spurious = !machine->options->pc;
	if (machine->options->pc)
		run->intack_vector = vmxhv_pic_acknowledge(&machine->pc.pic);
}

static void handle_hypercall(struct machine *machine)
{
	machine->vcpu.run->u.hypercall.result = ~0ull;	/* there are none */
}

static void handle_msr(struct machine *machine)
{
	machine->vcpu.run->u.msr.fault = 1;
}

static void handle_eoi(struct machine *machine)
{
	vmxhv_ioapic_eoi(&machine->ioapic, machine->vcpu.run->u.eoi_vector);
}

static void handle_nothing(struct machine *machine)
{
	(void)machine;
}

static void handle_exit(struct machine *machine)
{
	static void (*const handlers[])(struct machine *machine) = {
		[VMXHV_EXIT_NONE] = handle_nothing,
		[VMXHV_EXIT_INTR] = handle_nothing,
		[VMXHV_EXIT_IO] = handle_io,
		[VMXHV_EXIT_MMIO] = handle_mmio,
		[VMXHV_EXIT_HLT] = handle_hlt,
		[VMXHV_EXIT_INTACK] = handle_intack,
		[VMXHV_EXIT_WINDOW] = handle_nothing,
		[VMXHV_EXIT_NMI_WINDOW] = handle_nothing,
		[VMXHV_EXIT_HYPERCALL] = handle_hypercall,
		[VMXHV_EXIT_MSR_READ] = handle_msr,
		[VMXHV_EXIT_MSR_WRITE] = handle_msr,
		[VMXHV_EXIT_EOI] = handle_eoi,
		[VMXHV_EXIT_TPR] = handle_nothing,
		[VMXHV_EXIT_PAUSE] = handle_nothing,
		[VMXHV_EXIT_SHUTDOWN] = handle_shutdown,
		[VMXHV_EXIT_INTERNAL] = NULL,
	};
	const uint32_t reason = machine->vcpu.run->exit_reason;

	if (reason < ARRAY_SIZE(handlers) && handlers[reason])
		handlers[reason](machine);
	else
		handle_failure(machine);
}

void run_loop(struct machine *machine)
{
	while (atomic_load_explicit(&machine->status, memory_order_relaxed) == RUNNING) {
		const int err = vmxhv_vcpu_run(&machine->vcpu);

		if (err == -EINTR)
			continue;
		if (err) {
			machine_stop(machine, STATUS_ENTRY, "%s",
				     vmxhv_message(&machine->vcpu.fail));
			return;
		}
		pthread_mutex_lock(&machine->lock);
		handle_exit(machine);
		if (machine->ioapic.waiting)
			vmxhv_ioapic_retry(&machine->ioapic);
		pthread_mutex_unlock(&machine->lock);
		output_pace();
	}
}

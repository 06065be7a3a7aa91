// SPDX-License-Identifier: GPL-2.0-only
/* vmxhv-run: one guest, its console on the terminal. */
#include <inttypes.h>
#include <string.h>

#include "machine.h"
#include "output.h"
#include "term.h"

static void open_vm(struct machine *machine)
{
	if (vmxhv_open(&machine->dev, machine->options->device) ||
	    vmxhv_get_info(&machine->dev, &machine->info) ||
	    vmxhv_vm_create_flags(&machine->dev, &machine->vm, machine->options->vm_flags))
		die(STATUS_UNUSABLE, "%s", vmxhv_message(&machine->dev.fail));
}

static void create_vcpu(struct machine *machine)
{
	if (vmxhv_vcpu_create(&machine->vm, &machine->vcpu, 0))
		die(STATUS_HOST, "%s", vmxhv_message(&machine->vm.fail));
	/* An MMIO exit needs the registers; everything else leaves them alone. */
	machine->vcpu.run->wanted = VMXHV_GROUP_GPRS;
	cpu_setup(machine);
}

static void start_vcpu(struct machine *machine)
{
	struct vmxhv_vcpu *vcpu = &machine->vcpu;
	int err;

	switch (machine->start) {
	case START_LONG:
		err = vmxhv_vcpu_start_long(vcpu, &machine->start_long);
		break;
	case START_PROTECTED:
		err = vmxhv_vcpu_start_protected(vcpu, &machine->start_protected);
		break;
	default:
		vcpu->run->user_flags = VMXHV_USER_EXIT_HLT;
		err = vmxhv_vcpu_start_real(vcpu, machine->options->flat_addr);
	}
	if (err)
		die(STATUS_HOST, "%s", vmxhv_message(&vcpu->fail));
}

/* Output that is lost is an end of its own, unless the user has asked for another. */
static int say_loss(int status)
{
	const struct output_loss loss = output_loss();

	if (loss.error && status != STATUS_OUTPUT)
		output_say("standard output: %s", strerror(loss.error));
	else if (loss.bytes && !loss.error)
		output_say("%" PRIu64 " bytes of output are lost: nobody read them", loss.bytes);
	return (loss.error || loss.bytes) && !control_ended_it() ? STATUS_OUTPUT : status;
}

/* The control thread lives until all is written: a signal ends the wait for a reader. */
static int finish(struct machine *machine)
{
	int status;

	control_vcpu_left();
	pthread_mutex_lock(&machine->lock);
	vmxhv_uart_flush(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
	output_drain();
	control_join();
	term_restore();
	status = atomic_load(&machine->status);
	if (machine->reason[0])
		output_say("%s", machine->reason);
	status = say_loss(status);
	output_say_drain();
	vmxhv_vcpu_close(&machine->vcpu);
	vmxhv_vm_close(&machine->vm);
	vmxhv_close(&machine->dev);
	return status;
}

int main(int argc, char **argv)
{
	static struct machine machine = {
		.status = RUNNING, .decided = ATOMIC_FLAG_INIT,
	};
	struct options options;

	output_reserve();
	options_parse(&options, argc, argv);
	machine.options = &options;
	memory_create(&machine);
	firmware_create(&machine);
	if (options.kernel)
		load_kernel(&machine);
	else
		load_flat(&machine);
	fw_cfg_fill(&machine);
	control_block_signals();
	open_vm(&machine);
	memory_map(&machine);
	create_vcpu(&machine);
	devices_create(&machine);
	start_vcpu(&machine);
	control_start(&machine);
	run_loop(&machine);
	return finish(&machine);
}

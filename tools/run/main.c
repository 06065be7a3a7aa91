// SPDX-License-Identifier: GPL-2.0-only
/* vmxhv-run: one guest, its console on the terminal. */
#include <stdio.h>

#include "machine.h"
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

static int finish(struct machine *machine)
{
	uart_flush(&machine->uart);
	term_restore();
	if (machine->reason[0])
		fprintf(stderr, "vmxhv-run: %s\n", machine->reason);
	vmxhv_vcpu_close(&machine->vcpu);
	vmxhv_vm_close(&machine->vm);
	vmxhv_close(&machine->dev);
	return atomic_load(&machine->status);
}

int main(int argc, char **argv)
{
	static struct machine machine = {
		.status = RUNNING, .decided = ATOMIC_FLAG_INIT, .pc.timer_fd = -1,
	};
	struct options options;

	options_parse(&options, argc, argv);
	machine.options = &options;
	memory_create(&machine);
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
	control_join();
	return finish(&machine);
}

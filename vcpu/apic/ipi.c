// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt messages: from an ICR or a device to the APICs that they name. */
#include <linux/atomic.h>
#include <linux/nospec.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/vm.h"
#include "vcpu/x86.h"

#define MSI_BASE		0xfee00000ull
#define MSI_DEST_LOGICAL	BIT(2)
#define MSI_REDIRECT		BIT(3)

#define FIRST_VECTOR		16	/* those below are illegal */

static_assert(VM_MAX_VCPUS <= 64);	/* a set of vCPUs is a u64 */

/* Asks a vCPU to look; its own thread looks anyway before it enters the guest. */
static void signal_vcpu(struct vcpu *v, unsigned int request, bool local)
{
	if (local)
		set_bit(request, &v->requests);
	else
		vcpu_request(v, BIT(request));
}

/**
 * lapic_error() - an error was detected
 * @apic: the APIC that detected it
 * @esr: one APIC_ESR_* bit
 * @local: the caller is the vCPU's thread
 *
 * The error interrupt comes once until the guest writes ESR: what it does cannot become a storm.
 * SDM: "Error Handling".
 *
 * Context: Any.
 */
void lapic_error(struct lapic *apic, u32 esr, bool local)
{
	u32 lvt = lapic_get(apic, APIC_LVTERR);

	if (test_and_set_bit(__ffs(esr), &apic->errors) || lvt & APIC_LVT_MASKED)
		return;
	lapic_accept(apic, lvt & APIC_VECTOR_MASK, false, local);
}

static void change_tmr(struct lapic *apic, u8 vector, bool level)
{
	__assign_bit(vector % 32, lapic_word(apic, APIC_TMR, vector), level);
	apic->eoi_map_stale = true;
}

/* From another thread: beside the registers, which are not its to write. */
static void arrive(struct lapic *apic, u8 vector, bool level)
{
	if (test_bit(vector, apic->arrived_level) != level)
		assign_bit(vector, apic->arrived_level, level);
	if (test_and_set_bit(vector, apic->arrived))
		return;
	if (!test_bit(LAPIC_ARRIVED, &apic->irr_words))
		set_bit(LAPIC_ARRIVED, &apic->irr_words);
	vcpu_request(apic->vcpu, BIT(REQ_EVENT));
}

static void take_word(struct lapic *apic, unsigned int i, u32 bits)
{
	u32 level = READ_ONCE(((u32 *)apic->arrived_level)[i]) & bits;
	u32 tmr = lapic_get(apic, APIC_TMR + i * 16);

	if (!bits)
		return;
	if ((tmr & bits) != level) {
		lapic_put(apic, APIC_TMR + i * 16, (tmr & ~bits) | level);
		apic->eoi_map_stale = true;
	}
	lapic_put(apic, APIC_IRR + i * 16, lapic_get(apic, APIC_IRR + i * 16) | bits);
	set_bit(i, &apic->irr_words);
}

/**
 * lapic_take_arrived() - what other threads have sent becomes pending
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held, the guest does not run; IRQs may be off.
 */
void lapic_take_arrived(struct lapic *apic)
{
	unsigned int i;

	if (!(READ_ONCE(apic->irr_words) & BIT(LAPIC_ARRIVED)))
		return;
	apic->rvi_stale = true;
	clear_bit(LAPIC_ARRIVED, &apic->irr_words);
	smp_mb__after_atomic();		/* pairs with the atomic set in arrive() */
	for (i = 0; i < ARRAY_SIZE(apic->arrived); i++) {
		unsigned long bits;

		/* a locked access costs more than to look, and most are empty */
		if (!READ_ONCE(apic->arrived[i]))
			continue;
		bits = xchg(&apic->arrived[i], 0);
		take_word(apic, 2 * i, lower_32_bits(bits));
		take_word(apic, 2 * i + 1, upper_32_bits(bits));
	}
}

/**
 * lapic_accept() - make a fixed interrupt pending
 * @apic: the APIC that takes it
 * @vector: the vector; an illegal one becomes an error
 * @level: level-triggered: its EOI is reported to userspace
 * @local: the caller is the vCPU's thread, which needs no kick
 *
 * SDM: "Interrupt Acceptance for Fixed Interrupts".
 *
 * Context: Any.
 * Return: Whether it was accepted; one that was pending already counts.
 */
bool lapic_accept(struct lapic *apic, u8 vector, bool level, bool local)
{
	if (!lapic_accepting(apic))
		return false;
	if (vector < FIRST_VECTOR) {
		lapic_error(apic, APIC_ESR_RECVILL, local);
		return false;
	}
	if (!local) {
		arrive(apic, vector, level);
		return true;
	}
	if (lapic_test(apic, APIC_TMR, vector) != level)
		change_tmr(apic, vector, level);
	if (__test_and_set_bit(vector % 32, lapic_word(apic, APIC_IRR, vector)))
		return true;
	if (!test_bit(vector / 32, &apic->irr_words))
		set_bit(vector / 32, &apic->irr_words);
	apic->rvi_stale = true;
	apic->vcpu->recheck = true;
	return true;
}

static bool matches_logical(const struct lapic *apic, u32 dest)
{
	u32 ldr = lapic_get(apic, APIC_LDR);

	if (READ_ONCE(apic->mode) == LAPIC_X2APIC)
		return dest >> 16 == ldr >> 16 && dest & ldr & 0xffff;
	ldr >>= 24;
	switch (lapic_get(apic, APIC_DFR) >> 28) {
	case 0xf:	/* flat */
		return dest <= 0xff && dest & ldr;
	case 0:		/* cluster */
		return dest >> 4 == ldr >> 4 && dest & ldr & 0xf;
	default:
		return false;
	}
}

/**
 * lapic_matches() - is this APIC among those that a message names?
 * @apic: the APIC
 * @dest: the destination; LAPIC_BROADCAST: all
 * @logical: a logical one
 *
 * SDM: "Determining IPI Destination", "Logical Destination Mode in x2APIC Mode".
 *
 * Context: Any.
 * Return: Whether it is.
 */
bool lapic_matches(const struct lapic *apic, u32 dest, bool logical)
{
	if (READ_ONCE(apic->mode) == LAPIC_DISABLED)
		return false;
	if (dest == LAPIC_BROADCAST)
		return true;
	return logical ? matches_logical(apic, dest) : dest == apic->vcpu->id;
}

/* A vCPU that is there stays in the table until the VM goes; it is whole once it can be seen. */
static struct lapic *lapic_of(struct vm *vm, u32 id)
{
	struct vcpu *v;

	if (id >= VM_MAX_VCPUS)
		return NULL;
	/* pairs with the release in vcpu_publish() */
	v = smp_load_acquire(&vm->vcpus[array_index_nospec(id, VM_MAX_VCPUS)]);
	return v ? v->lapic : NULL;
}

static u64 find_targets(struct vm *vm, u32 dest, bool logical)
{
	u64 targets = 0;
	u32 id;

	for (id = 0; id < VM_MAX_VCPUS; id++) {
		struct lapic *apic = lapic_of(vm, id);

		if (apic && lapic_matches(apic, dest, logical))
			targets |= BIT_ULL(id);
	}
	return targets;
}

static u64 targets_of(struct vm *vm, struct lapic *source, const struct lapic_msg *msg)
{
	switch (msg->shorthand) {
	case APIC_DEST_SELF:
		return BIT_ULL(source->vcpu->id);
	case APIC_DEST_ALLINC:
		return find_targets(vm, LAPIC_BROADCAST, false);
	case APIC_DEST_ALLBUT:
		return find_targets(vm, LAPIC_BROADCAST, false) & ~BIT_ULL(source->vcpu->id);
	default:
		return find_targets(vm, msg->dest, msg->logical);
	}
}

/*
 * Lowest-priority delivery goes to one APIC: of those with the lowest processor priority the one
 * that the vector selects, so that vectors spread. SDM: "Lowest Priority Delivery Mode".
 */
static u64 arbitrate(struct vm *vm, u64 targets, u8 vector)
{
	u64 candidates = 0, left;
	u32 lowest = 256, skip;

	for (left = targets; left; left &= left - 1) {
		u32 id = __ffs64(left);
		struct lapic *apic = lapic_of(vm, id);
		u32 priority = lapic_get(apic, APIC_PROCPRI) & 0xf0;

		if (!lapic_accepting(apic) || priority > lowest)
			continue;
		if (priority < lowest)
			candidates = 0;
		lowest = priority;
		candidates |= BIT_ULL(id);
	}
	if (!candidates)
		return 0;
	for (skip = vector % hweight64(candidates); skip; skip--)
		candidates &= candidates - 1;
	return candidates & -candidates;
}

/* One message to one APIC. NMI, INIT and SIPI need no software-enabled APIC. */
static bool deliver_one(struct lapic *apic, const struct lapic_msg *msg, bool local)
{
	struct vcpu *v = apic->vcpu;

	switch (msg->mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		return lapic_accept(apic, msg->vector, msg->level, local);
	case APIC_DM_NMI:
		/* more are lost on hardware too */
		atomic_add_unless(&v->nmi_queued, 1, NMI_DEPTH);
		signal_vcpu(v, REQ_NMI, local);
		return true;
	case APIC_DM_INIT:
		if (msg->level && !msg->assert)
			return false;
		/* a start-up IPI that found it running is no one's: SDM, "MP Initialization" */
		clear_bit(REQ_SIPI, &v->requests);
		signal_vcpu(v, REQ_INIT, local);
		return true;
	case APIC_DM_STARTUP:
		WRITE_ONCE(v->sipi_vector, msg->vector);
		smp_mb__before_atomic();	/* the vector before its request */
		signal_vcpu(v, REQ_SIPI, local);
		return true;
	default:
		return false;
	}
}

/**
 * lapic_send() - deliver a message to all APICs that it names
 * @vm: the VM
 * @source: the APIC that sends it, whose thread this is; NULL: a device
 * @msg: the message
 *
 * Context: Any.
 * Return: How many APICs took it.
 */
int lapic_send(struct vm *vm, struct lapic *source, const struct lapic_msg *msg)
{
	u64 targets;
	int taken = 0;

	/* by far the most frequent: one APIC by its id */
	if (!msg->logical && !msg->shorthand && msg->dest != LAPIC_BROADCAST) {
		struct lapic *apic = lapic_of(vm, msg->dest);

		if (!apic || !lapic_matches(apic, msg->dest, false))
			return 0;
		return deliver_one(apic, msg, apic == source);
	}

	targets = targets_of(vm, source, msg);
	if (msg->mode == APIC_DM_LOWEST)
		targets = arbitrate(vm, targets, msg->vector);
	for (; targets; targets &= targets - 1) {
		struct lapic *apic = lapic_of(vm, __ffs64(targets));

		taken += deliver_one(apic, msg, apic == source);
	}
	return taken;
}

/* The modes that an ICR can send; an illegal vector is an error of the sender's. */
static bool may_send(struct lapic *apic, u32 mode, u8 vector)
{
	switch (mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		if (vector >= FIRST_VECTOR)
			return true;
		lapic_error(apic, APIC_ESR_SENDILL, true);
		return false;
	case APIC_DM_NMI:
	case APIC_DM_INIT:
	case APIC_DM_STARTUP:
		return true;
	default:
		return false;	/* SMI, remote read, ExtINT, reserved: nobody to take them */
	}
}

/**
 * lapic_send_icr() - the guest wrote ICR
 * @apic: its APIC
 * @low: ICR's lower half
 * @dest: the destination, LAPIC_BROADCAST for the mode's own broadcast value
 *
 * A level-triggered message is sent like an edge when asserted and has no effect when not, as on
 * every processor since the Pentium 4. SDM: "Interrupt Command Register (ICR)".
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_send_icr(struct lapic *apic, u32 low, u32 dest)
{
	const struct lapic_msg msg = {
		.dest = dest,
		.mode = low & APIC_DM_FIXED_MASK,
		.shorthand = low & APIC_DEST_ALLBUT,
		.vector = low & APIC_VECTOR_MASK,
		.logical = low & APIC_DEST_LOGICAL,
	};

	if (low & APIC_INT_LEVELTRIG && !(low & APIC_INT_ASSERT))
		return;
	if (may_send(apic, msg.mode, msg.vector))
		lapic_send(apic->vcpu->vm, apic, &msg);
}

/**
 * lapic_self_ipi() - the guest wrote the SELF IPI register
 * @apic: its APIC
 * @vector: the vector
 *
 * SDM: "SELF IPI Register".
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_self_ipi(struct lapic *apic, u8 vector)
{
	if (may_send(apic, APIC_DM_FIXED, vector))
		lapic_accept(apic, vector, false, true);
}

/**
 * lapic_parse_msi() - a message-signalled interrupt as a message
 * @address: its address
 * @data: its data
 * @msg: the message
 *
 * SDM: "Message Signalled Interrupts". Reserved bits are ignored, as APICs do; the upper half of
 * the address, where some hypervisors extend the destination, is refused.
 *
 * Context: Any.
 * Return: 0; -EINVAL: not an interrupt address, or a mode or vector that no APIC takes.
 */
int lapic_parse_msi(u64 address, u32 data, struct lapic_msg *msg)
{
	u32 dest = (address >> 12) & 0xff;

	if ((address & ~0xfffffull) != MSI_BASE)
		return -EINVAL;
	*msg = (struct lapic_msg){
		.dest = dest == 0xff ? LAPIC_BROADCAST : dest,
		.mode = data & APIC_DM_FIXED_MASK,
		.vector = data & APIC_VECTOR_MASK,
		.logical = address & MSI_DEST_LOGICAL,
		.level = data & APIC_INT_LEVELTRIG,
		.assert = data & APIC_INT_ASSERT,
	};
	switch (msg->mode) {
	case APIC_DM_FIXED:
		/* the redirection hint: to one of the logical destination */
		if (msg->logical && address & MSI_REDIRECT)
			msg->mode = APIC_DM_LOWEST;
		fallthrough;
	case APIC_DM_LOWEST:
		return msg->vector < FIRST_VECTOR ? -EINVAL : 0;
	case APIC_DM_NMI:
	case APIC_DM_INIT:
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * lapic_deliver_msi() - an MSI from a device
 * @vm: the VM
 * @address: 0xfeexxxxx
 * @data: vector, delivery mode, trigger
 *
 * Context: Any; no lock.
 * Return: How many APICs took it, or -EINVAL.
 */
int lapic_deliver_msi(struct vm *vm, u64 address, u32 data)
{
	struct lapic_msg msg;
	int ret = lapic_parse_msi(address, data, &msg);

	return ret ?: lapic_send(vm, NULL, &msg);
}

VMXHV_EXPORT_FOR_TEST(lapic_accept);
VMXHV_EXPORT_FOR_TEST(lapic_take_arrived);
VMXHV_EXPORT_FOR_TEST(lapic_matches);
VMXHV_EXPORT_FOR_TEST(lapic_send);
VMXHV_EXPORT_FOR_TEST(lapic_send_icr);
VMXHV_EXPORT_FOR_TEST(lapic_self_ipi);
VMXHV_EXPORT_FOR_TEST(lapic_parse_msi);
VMXHV_EXPORT_FOR_TEST(lapic_deliver_msi);

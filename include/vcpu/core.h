/* SPDX-License-Identifier: GPL-2.0-only */
/* What everything stands on: refusals, requests, control words, the TSC's two scales. */
#ifndef VCPU_CORE_H
#define VCPU_CORE_H

#include <linux/compiler_attributes.h>
#include <linux/math64.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "vmxhv.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/arch.h"
#include "vmx/controls.h"

/* ---- vcpu/core/error.c: an errno, and the detail that GET_ERROR returns ---- */

/**
 * struct refusal - what the caller of refuse() knows beyond the errno
 * @code: which kind of thing @index and @item name
 * @index: the array entry, or 0
 * @item: byte offset of the field, or the MSR or leaf, as @code says
 * @value: what was seen
 * @wanted: what was expected
 */
struct refusal {
	enum vmxhv_error_code code;
	u32 index;
	u32 item;
	u64 value;
	u64 wanted;
};

__printf(4, 5)
int refuse(struct vmxhv_error *err, int error, const struct refusal *what, const char *fmt, ...);

/* The common case: one bad field of an ioctl's structure, by its offset. */
#define refuse_field(err, error, type, member, seen, want, ...)			\
	refuse(err, error, &(const struct refusal){				\
		.code = VMXHV_ERR_ARGUMENT, .item = offsetof(type, member),	\
		.value = (seen), .wanted = (want) }, __VA_ARGS__)

/* ---- vcpu/core/request.c: from any thread, without the mutex ---- */

void vcpu_request(struct vcpu *v, unsigned long request_bits);	/* sets, wakes and kicks */
void vcpu_kick(struct vcpu *v);					/* the KICK call */
void vm_request_all(struct vm *vm, unsigned long request_bits, bool wait);
void vm_kill(struct vm *vm);

/* ---- vcpu/core/controls.c: vCPU loaded ---- */

void controls_init(struct vcpu *v, const struct control_words *ctl, u32 exit);
void controls_set_cpu(struct vcpu *v, u32 which, u32 to);
void controls_set_cpu2(struct vcpu *v, u32 which, u32 to);
void controls_set_entry(struct vcpu *v, u32 which, u32 to);
void controls_set_exceptions(const struct vcpu *v, u32 more);

/**
 * window_controls() - which exits tell that a guest can take what waits
 * @interrupt: an interrupt waits
 * @nmi: an NMI waits
 * @shadow: the guest's interruptibility state
 *
 * A CPU need not withhold the NMI-window exit while STI blocks, though the entry refuses an NMI
 * then: it would exit for ever. IF is set in that shadow, and the interrupt window opens behind it.
 * (SDM: "Other Causes of VM Exits", "Checks on Guest Non-Register State".)
 *
 * Context: Any.
 * Return: CPU_BASED_INTR_WINDOW_EXITING, CPU_BASED_NMI_WINDOW_EXITING, both or 0.
 */
static inline u32 window_controls(bool interrupt, bool nmi, u32 shadow)
{
	const bool sti = nmi && shadow & SHADOW_STI;

	return (interrupt || sti ? CPU_BASED_INTR_WINDOW_EXITING : 0) |
	       (nmi && !sti ? CPU_BASED_NMI_WINDOW_EXITING : 0);
}

/* ---- vcpu/core/tsc.c: host TSC * multiplier + offset, as the CPU computes it ---- */

/* the multiplier has so many bits behind the point (SDM: "TSC-multiplier field") */
#define TSC_FRACTION	48

/**
 * tsc_to_guest() - what the guest's RDTSC gives when the host's gives @host
 * @v: the vCPU
 * @host: host TSC
 *
 * SDM: "Time-Stamp Counter Offset and Multiplier".
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
static inline u64 tsc_to_guest(const struct vcpu *v, u64 host)
{
	if (unlikely(v->tsc.multiplier))
		host = mul_u64_u64_shr(host, v->tsc.multiplier, TSC_FRACTION);
	return host + v->tsc.offset;
}

u64 tsc_host_cycles(const struct vcpu *v, u64 guest_cycles);
u64 tsc_offset_after(const struct vcpu *v, u64 lost);

#endif /* VCPU_CORE_H */

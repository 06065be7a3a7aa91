/* SPDX-License-Identifier: GPL-2.0-only */
/* A hypervisor that is measured. Both get the same memory, the same guest and the same state. */
#ifndef TESTS_BENCH_SIDE_H
#define TESTS_BENCH_SIDE_H

#include "bench.h"
#include "machine.h"

/**
 * struct side - one hypervisor
 * @name: as the results name it
 * @create: a VM with an in-kernel APIC, @m->ram at 0 and the pages at BENCH_TOUCH, and a vCPU
 * @start: the vCPU is to run a case of the image
 * @run: answer exits until the case ends
 * @ioctl: the cheapest ioctl that there is
 * @run_at_once: RUN that returns without entering the guest
 */
struct side {
	const char *name;
	void (*create)(struct machine *m, void *pages);
	void (*start)(unsigned int entry);
	void (*run)(void);
	void (*ioctl)(void);
	void (*run_at_once)(void);
};

extern const struct side vmxhv_side, kvm_side;

__attribute__((format(printf, 1, 2), noreturn))
void die(const char *fmt, ...);

#endif /* TESTS_BENCH_SIDE_H */

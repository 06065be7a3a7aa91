/* SPDX-License-Identifier: GPL-2.0-only */
/* A hypervisor that is measured. Both get the same memory, the same guest and the same state. */
#ifndef TESTS_BENCH_SIDE_H
#define TESTS_BENCH_SIDE_H

#include "bench.h"
#include "machine.h"

/**
 * struct side - one hypervisor
 * @name: as the results name it
 * @open: the device
 * @create: a VM with an in-kernel APIC, @m->ram at 0, @pages at BENCH_TOUCH and @huge at
 *	BENCH_HUGE, and a vCPU
 * @start: the vCPU is to run a case of the image
 * @run: answer exits until the case ends
 * @ioctl: the cheapest ioctl that there is
 * @run_at_once: RUN that returns without entering the guest
 * @vm_create: a VM with nothing in it; its descriptor
 * @apic: its vCPUs are to have an APIC in the kernel, and it nothing more of a chip set
 * @vcpu_create: one in it; its descriptor
 * @life: VM with an in-kernel APIC and @m->ram, vCPU, run in real mode to the end of a case, gone
 * @pair_create: a VM with an in-kernel APIC, @m->ram at 0, and two vCPUs; their TSC is the host's
 * @pair_run: one of them runs a case of the image to its end
 * @pair_msi: an MSI to the second one
 */
struct side {
	const char *name;
	void (*open)(struct machine *m);
	void (*create)(struct machine *m, void *pages, void *huge);
	void (*start)(unsigned int entry);
	void (*run)(void);
	void (*ioctl)(void);
	void (*run_at_once)(void);
	int (*vm_create)(void);
	void (*apic)(int vm);
	int (*vcpu_create)(int vm);
	void (*life)(unsigned int entry);
	void (*pair_create)(struct machine *m);
	void (*pair_run)(unsigned int id, unsigned int entry);
	void (*pair_msi)(uint8_t vector);
};

/* the order of CASES in guest/bench.S */
enum bench_case {
	CASE_EMPTY, CASE_CPUID, CASE_VMCALL, CASE_RDMSR, CASE_WRMSR, CASE_OUT, CASE_MMIO_WRITE,
	CASE_TOUCH, CASE_TOUCH_APART, CASE_WBINVD, CASE_IN, CASE_MMIO_READ, CASE_TOUCH_HUGE,
	CASE_DEADLINE, CASE_WINDOW, CASE_LIFE, CASE_SELF_IPI, CASE_SELF_IPI_HALTED,
};

#define SAMPLES		9
#define MAX_SAMPLES	15
extern int samples;

extern const struct side vmxhv_side, kvm_side;

__attribute__((format(printf, 1, 2), noreturn))
void die(const char *fmt, ...);

/* The host's timer tick has come, and is over. */
void await_tick(void);

void wait_ticks(uint64_t ticks);

void report(const struct side *side, const char *name, double value);
double figure(double *values);		/* of @samples; sorts them */
double middle(double *values, int count);	/* sorts them */

/* lives.c: what it takes to make and to end a VM; @first: it is the host's only one */
void lives(const struct side *side, bool first);
void lives_count(const struct side *side);

/* pair.c: interrupts from one vCPU to another, and from a device */
void pair(const struct side *side, struct machine *m);

/* memory.c: bytes */
void memory_of_idle(const struct side *side);

/* count.c: VMREADs, VMWRITEs and MSR accesses of one of @count equal parts of @operation */
void count_row(const char *name, void (*operation)(const void *of, uint32_t count),
	       const void *of, uint32_t count);

/* launch.c: ticks of a program and the guest that it runs; its output goes to @console */
int launch(const char *side, const char *row, const char *console, char **command);

#endif /* TESTS_BENCH_SIDE_H */

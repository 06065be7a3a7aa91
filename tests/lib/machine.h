/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small VM for tests: RAM from 0, a vCPU or more, and a guest image of tests/guest/.
 *
 * An image loads at GUEST_BASE and begins with a table of addresses, one for each of its cases.
 * A guest speaks to the host by ports: PORT_VALUE reports 32 bits, PORT_TEXT a character, PORT_DONE
 * ends the case. Below the image stand tables that make every mode possible: see machine.c.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmxhv.h"
#include "guest.h"
#include "tap.h"

#define MAX_VALUES	64

struct machine {
	int dev, vm;
	uint8_t *ram;
	size_t ram_size;
};

struct cpu {
	struct machine *m;
	int fd;
	struct vmxhv_run *run;
	/* what the guest said */
	uint32_t values[MAX_VALUES];
	int nr_values;
	char text[256];
	int text_len;
	bool kicked;
	int round_trips;
};

enum cpu_mode { MODE_REAL, MODE_PROTECTED, MODE_LONG };

/* A failure of these ends the test. */
unsigned int vm_flags(void);		/* VM_FLAGS, or 0: VMXHV_VM_* */
int open_device(void);			/* skips the test where the CPU or firmware has no VMX */
void machine_create(struct machine *m, size_t ram_size);	/* flags: vm_flags() */
void machine_tables(struct machine *m);	/* GDT, TSS and page tables into its RAM */
void machine_destroy(struct machine *m);
void machine_map(struct machine *m, uint64_t gpa, void *hva, uint64_t length, uint32_t flags);
void machine_unmap(struct machine *m, uint64_t gpa, uint64_t length);
void load_guest(struct machine *m, const char *name);
void load_code(struct machine *m, const void *code, size_t length);	/* an image of one case */
void cpu_create(struct machine *m, struct cpu *c, uint32_t id);
void cpu_destroy(struct cpu *c);
/* Two VMs of 1 MiB with one image and one vCPU each, run by this thread on CPU 0. */
void two_guests_create(struct machine m[2], struct cpu c[2], const char *image);
void two_guests_destroy(struct machine m[2], struct cpu c[2]);

/* Ready to run case number @entry of the image, in a flat mode; interrupts off. */
void cpu_start(struct cpu *c, enum cpu_mode mode, unsigned int entry);
void set_long_mode(struct vmxhv_sregs *s);
void set_protected_mode(struct vmxhv_sregs *s);
void set_real_mode(struct vmxhv_sregs *s);

int get_group(struct cpu *c, uint32_t group, void *to, uint32_t length);
int set_group(struct cpu *c, uint32_t group, const void *from, uint32_t length);
int get_msr(struct cpu *c, uint32_t index, uint64_t *value);
int set_msr(struct cpu *c, uint32_t index, uint64_t value);

int run(struct cpu *c);			/* once; 0 or -errno */
/*
 * Until PORT_DONE (NONE), or an exit that is the test's own: its reason; -errno. INTR can come
 * without a kick, when the host has work on the way to userspace: then it is run again.
 */
int run_guest(struct cpu *c);
int run_guest_for(struct cpu *c, int seconds);	/* -EINTR when they are over */
void kick(struct cpu *c);		/* from any thread: run_guest() returns INTR */
const char *exit_name(uint32_t reason);
void note_exit(struct cpu *c);

/* The case's whole result: it ended by PORT_DONE and reported exactly these values. */
void expect_values(struct cpu *c, const char *name, int count, const uint32_t *wanted);
/* the same, where the test has run the guest, with this result */
void expect_outcome(struct cpu *c, int ret, const char *name, int count, const uint32_t *wanted);
#define EXPECT(c, name, ...) do {						\
	const uint32_t w_[] = { __VA_ARGS__ };					\
	expect_values(c, name, ARRAY_SIZE(w_), w_);			\
} while (0)

/**
 * struct reports - a case of an image, and what it reports
 * @name: of the test
 * @entry: of the image
 * @values: what is reported, by COUNTED()
 * @count: how many there are
 */
struct reports {
	const char *name;
	int entry;
	uint32_t values[MAX_VALUES];
	int count;
};

#define COUNTED(...)	{ __VA_ARGS__ },					\
	.count = sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

/*
 * How much of the local APIC the CPU does, from what GET_INFO and VM_FLAGS say. The emulated CPU
 * delivers interrupts when asked to, but one that waits comes with the host's next interrupt even
 * to a guest that has masked them meanwhile.
 */
enum { LEVEL_NONE, LEVEL_TPR, LEVEL_FULL, LEVEL_FULL_EMULATED };
int apic_level(struct machine *m);

/* The same seed, the same bytes. */
void fill_seeded(uint8_t *to, size_t length, uint32_t seed);

/* How long to wait for what must come: as many seconds, more on a kernel that is slow. */
int patience(int seconds);
double now(void);
double cpu_seconds(void);

#endif /* TESTS_MACHINE_H */

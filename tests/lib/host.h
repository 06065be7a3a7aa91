/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side of a test: its files, its CPUs, and a guest that counts while it looks. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine.h"

int read_line(const char *path, char *line, size_t size);	/* 0 or -errno; no newline */
int write_line(const char *path, const char *line);		/* 0 or -errno */

/* CPUs whose CR4.VMXE is set are exactly these: "", "0", "0-1" (needs the module vmxe). */
bool expect_vmxe(const char *cpus, const char *name);
/* A thread runs on this CPU alone. */
void pin(pthread_t thread, int cpu);
/* How the list of all CPUs that are online reads. */
void online_cpus(char *list, size_t size);

/* No VM is left, nor any descriptor: also what goes a little later is gone (needs vmxe). */
bool nobody_uses_vmx(void);
/* Its exit status, or 128 and the signal's number. */
int wait_for(pid_t pid);

/* A guest that counts in its memory for ever, run by a thread of its own. */
struct counter {
	struct machine m;
	struct cpu c;
	pthread_t thread;
	volatile bool stop;
	volatile int error;		/* what RUN returned, if it was not to go on */
};

void counter_start(struct counter *g);
/* It counts on, and RUN has not failed. */
bool expect_counting(struct counter *g, const char *name);
void counter_stop(struct counter *g);	/* the thread ends; the VM is still there */
void counter_go(struct counter *g);	/* a thread runs it on */
void counter_close(struct counter *g);	/* of one that runs: all of it ends */

#endif /* TESTS_HOST_H */

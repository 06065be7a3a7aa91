/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel charges a process for, by a memory cgroup of its own. */
#ifndef TESTS_CGROUP_H
#define TESTS_CGROUP_H

int cgroup_enter(const char *name);	/* the calling process; -1: there are no such groups */
long cgroup_kernel_bytes(void);		/* "kernel" of its memory.stat; -1: there is none */
void cgroup_leave(void);		/* the groups are no longer to be seen */

#endif /* TESTS_CGROUP_H */

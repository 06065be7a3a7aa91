/* SPDX-License-Identifier: GPL-2.0-only */
/* How every line of ours in the kernel log begins. Kbuild puts this in front of each C file. */
#ifndef VMXHV_PR_FMT_H
#define VMXHV_PR_FMT_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#endif /* VMXHV_PR_FMT_H */

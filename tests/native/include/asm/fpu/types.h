/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_ASM_FPU_TYPES_H
#define NATIVE_ASM_FPU_TYPES_H

/* the shared files pass pointers to it, and no more */
struct xregs_state;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* A process has no exception table: what faults ends it. */
#ifndef NATIVE_ASM_ASM_H
#define NATIVE_ASM_ASM_H

#define _ASM_EXTABLE(from, to)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Features are those of the compiler's target: see asm/alternative.h. */

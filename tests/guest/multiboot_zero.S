/* SPDX-License-Identifier: GPL-2.0-only */
/* The same over all that firmware and loaders leave there: from address 0 on. */
/* ORG = 0x0 */
#define FLAGS	0x10003
#define LINE	"/guest/multiboot_zero.bin check this"
#define OVER_BDA
#include "multiboot.inc"

/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot, in a raw file whose header has the addresses. */
/* ORG = 0x300000 */
#define FLAGS	0x10003
#define LINE	"/guest/multiboot_raw.bin check this"
#include "multiboot.inc"

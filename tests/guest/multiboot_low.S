/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot by addresses, where a loader would like to put its own things: from the GDT on. */
/* ORG = 0x500 */
#define FLAGS	0x10003
#define LINE	"/guest/multiboot_low.bin check this"
#include "multiboot.inc"

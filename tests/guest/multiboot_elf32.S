/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot, in ELF of 32 bits. */
/* ORG = 0x300000, FORMAT = elf32 */
#define FLAGS	0x3
#define LINE	"/guest/multiboot_elf32.elf check this"
#include "multiboot.inc"

/* SPDX-License-Identifier: GPL-2.0-only */
/* A 64-bit ELF executable at an address of its own. */
/* ORG = 0x200000, FORMAT = elf64 */
#include "kernel_elf.inc"

/* SPDX-License-Identifier: GPL-2.0-only */
/* The same image where the loader would like to put zero page, stack and page tables. */
/* ORG = 0x7000, FORMAT = elf64 */
#include "kernel_elf.inc"

/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that do not stop by themselves. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	spin, cli_cpuid, count_in_memory, halt_forever, out_forever
	.code64
spin:
	pause
	jmp	spin

cli_cpuid:
	cli
1:	cpuid
	incl	DATA_BASE
	jmp	1b

count_in_memory:
	incl	DATA_BASE
	jmp	count_in_memory

halt_forever:
	cli
	hlt
	REPORT	$1
	jmp	halt_forever

out_forever:
	movw	$0x320, %dx
1:	outb	%al, %dx
	jmp	1b

/* SPDX-License-Identifier: GPL-2.0-only */
/* The least that a guest can say; the code is the same in protected and in long mode. */
#include "guest.inc"
	.globl	_start
_start:
	CASES	says
	.code64
says:
	REPORT	$0x1234
	DONE

/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot: reads fw_cfg. The file, command line and memory are in cases/run.py. */
/* ORG = 0x300000, FORMAT = elf32 */
#include "kernel.inc"
#define MAGIC	0x1badb002
#define SELECT	0x510
#define DATA	0x511
#define DIRECTORY	0x19
#define ENTRY	64		/* of the directory: size, key, reserved, name */
	.globl	_start
	.code32
	.balign	4
	.long	MAGIC, 3, -(MAGIC + 3)

/* bytes of an item, from its start, to the buffer */
.macro READ key:req, bytes:req
	movw	$\key, %ax
	movw	$SELECT, %dx
	outw	%ax, %dx
	movl	$\bytes, %ecx
	call	read
.endm

_start:
	movl	$stack, %esp
	STEP	1			/* it is there, by ports */
	READ	0, 4
	cmpl	$0x554d4551, buffer
	WANT	e
	STEP	2
	READ	1, 4
	cmpl	$1, buffer
	WANT	e
	STEP	3			/* 64 MiB, one CPU */
	READ	3, 8
	cmpl	$64 << 20, buffer
	WANT	e
	READ	5, 2
	cmpw	$1, buffer
	WANT	e
	STEP	4			/* the command line, and nothing after it */
	READ	0x14, 4
	cmpl	$command_line_end - command_line, buffer
	WANT	e
	READ	0x15, 16
	movl	$buffer, %esi
	SAME	command_line
	cmpb	$0, (%esi)
	WANT	e
	STEP	5			/* our own image */
	READ	0x11, 4
	cmpl	$0x464c457f, buffer
	WANT	e
	STEP	6			/* no initrd */
	READ	0x0b, 4
	cmpl	$0, buffer
	WANT	e
	STEP	7			/* the directory has the memory map */
	movl	$map, %ebp
	movl	$map_end - map, %ebx
	call	open
	cmpl	$4 * 20, %edi
	WANT	e
	movl	$20, %ecx
	call	read
	cmpl	$0, buffer
	WANT	e
	cmpl	$0x9fc00, buffer + 8
	WANT	e
	cmpl	$1, buffer + 16
	WANT	e
	STEP	8			/* and the user's file */
	movl	$file, %ebp
	movl	$file_end - file, %ebx
	call	open
	cmpl	$contents_end - contents - 1, %edi
	WANT	e
	movl	$16, %ecx
	call	read
	movl	$buffer, %esi
	SAME	contents
	EXITS

/* ECX bytes of what is selected, by string I/O */
read:
	movl	$buffer, %edi
	movw	$DATA, %dx
	cld
	rep	insb
	ret

/* find the file with the name of EBX bytes at EBP, select it; its size in EDI; or end */
open:
	READ	DIRECTORY, 4
	movl	buffer, %eax
	bswap	%eax
	movl	%eax, count
1:	decl	count
	WANT	ns
	movl	$ENTRY, %ecx
	call	read
	movl	$buffer + 8, %esi
	movl	%ebp, %edi
	movl	%ebx, %ecx
	repe	cmpsb
	jne	1b
	movw	buffer + 4, %ax
	xchgb	%al, %ah
	movw	$SELECT, %dx
	outw	%ax, %dx
	movl	buffer, %edi
	bswap	%edi
	ret

	.data
	TEXT	command_line, "check this"
	TEXT	map, "etc/e820"
	TEXT	file, "opt/a disk"
	TEXT	contents, "a disk"
	.bss
count:
	.skip	4
buffer:
	.skip	ENTRY
	.skip	256
stack:

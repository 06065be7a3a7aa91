/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot sector of the emulated machine. The machine model has already put the
 * kernel, the zero page and the initramfs in RAM; what is left is what only
 * 16-bit code can do: ask the BIOS for the memory map, and enter long mode as
 * the 64-bit boot protocol wants it (flat segments, identity-mapped 4 GiB).
 *
 * ENTRY and ZEROPAGE come from the command line of the assembler: the kernel's
 * e_entry is not the first byte of its image on every version.
 */
	.set	E820_COUNT, 0x1e8
	.set	E820_TABLE, 0x2d0
	.set	E820_ENTRY, 20
	.set	SMAP, 0x534d4150
	.set	PML4, 0x70000		/* then one PDPT and four PDs */
	.set	ZERO_SEG, ZEROPAGE >> 4

	.code16
	.globl	_start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cld
	sti

	movw	$ZERO_SEG, %ax
	movw	%ax, %es
	movw	$E820_TABLE, %di
	xorl	%ebx, %ebx
	xorw	%bp, %bp
next_range:
	movl	$0xe820, %eax
	movl	$SMAP, %edx
	movl	$E820_ENTRY, %ecx
	int	$0x15
	jc	ranges_done
	addw	$E820_ENTRY, %di
	incw	%bp
	testl	%ebx, %ebx
	jnz	next_range
ranges_done:
	movw	%bp, %ax
	movb	%al, %es:E820_COUNT

	/* A20 by the fast gate. */
	inb	$0x92, %al
	orb	$2, %al
	outb	%al, $0x92
	cli

	/* Six pages of tables: all 4 GiB as 2 MiB pages. */
	movw	$(PML4 >> 4), %ax
	movw	%ax, %es
	xorw	%di, %di
	xorl	%eax, %eax
	movw	$(6 * 1024), %cx
	rep stosl
	movl	$(PML4 + 0x1003), %es:0
	movl	$(PML4 + 0x2003), %eax
	movw	$0x1000, %di
	movw	$4, %cx
pdpt:
	movl	%eax, %es:(%di)
	addl	$0x1000, %eax
	addw	$8, %di
	loop	pdpt
	movl	$0x83, %eax
	movw	$0x2000, %di
	movw	$(4 * 512), %cx
pd:
	movl	%eax, %es:(%di)
	addl	$0x200000, %eax
	addw	$8, %di
	loop	pd

	movl	$PML4, %eax
	movl	%eax, %cr3
	movl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orw	$0x100, %ax
	wrmsr
	lgdtl	gdtr
	movl	$0x80000001, %eax	/* CR0.PG | CR0.PE */
	movl	%eax, %cr0
	ljmpl	$0x10, $long_mode

	.code64
long_mode:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$ZEROPAGE, %esi
	movl	$ENTRY, %eax
	jmp	*%rax

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9a000000ffff	/* __BOOT_CS: 64-bit code */
	.quad	0x00cf92000000ffff	/* __BOOT_DS */
gdtr:	.word	gdtr - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55

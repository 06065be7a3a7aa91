/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does what the letters say that come in by the serial port, for the tests of vmxhv-run:
 *
 *	h  print "hello", go on		k  spin for ever
 *	q  halt with interrupts off	w  halt with interrupts on, then go on
 *	s  power off by ACPI		a  reset by ACPI
 *	r  reset by port 0x64		b  reset by port 0x92
 *	d  write 42 to port 0xf4	t  triple fault
 *	o  print by rep outsb		i  print what rep insb reads at LSR
 *	p  print what nobody's port gives	m  print what nobody's memory gives
 *	x  store there by rep stosw	f  an x87 load from there (not emulated)
 *	E  echo up to a newline		z  print for ever
 *	y  print 192 KiB			j  jump to nobody's memory
 */
/* ORG = 0x1000 */
	.code16
	.global _start
_start:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x1000, %sp
	cld
next:
	call	get
	mov	$table, %bx
	mov	%al, %ah
1:	mov	(%bx), %al
	test	%al, %al
	jz	next
	cmp	%al, %ah
	je	2f
	add	$3, %bx
	jmp	1b
2:	call	*1(%bx)
	jmp	next

	.macro	letter c:req, to:req
	.byte	\c
	.word	\to
	.endm
table:
	letter	'h', hello
	letter	'k', spin
	letter	'q', halt
	letter	'w', wait_a_moment
	letter	's', acpi_off
	letter	'a', acpi_reset
	letter	'r', keyboard_reset
	letter	'b', fast_reset
	letter	'd', debug_exit
	letter	't', triple_fault
	letter	'o', outs
	letter	'i', ins
	letter	'p', nobody_port
	letter	'm', nobody_memory
	letter	'x', store_nobody
	letter	'f', float_nobody
	letter	'E', echo
	letter	'z', flood
	letter	'y', print_much
	letter	'j', jump_nobody
	.byte	0

get:
	mov	$0x3fd, %dx
1:	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$0x3f8, %dx
	in	%dx, %al
	ret

/* AL as two digits and a newline */
print_hex:
	mov	%al, %cl
	shr	$4, %al
	call	digit
	mov	%cl, %al
	and	$15, %al
	call	digit
	mov	$'\n', %al
	out	%al, %dx
	ret
digit:
	mov	$0x3f8, %dx
	add	$'0', %al
	cmp	$'9', %al
	jbe	1f
	add	$('a' - '9' - 1), %al
1:	out	%al, %dx
	ret

hello:
	mov	$text, %si
	mov	$0x3f8, %dx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	ret

outs:
	mov	$text, %si
	mov	$(text_end - text), %cx
	mov	$0x3f8, %dx
	rep outsb
	ret

ins:
	mov	$buffer, %di
	mov	$4, %cx
	mov	$0x3fd, %dx
	rep insb
	mov	buffer + 3, %al
	jmp	print_hex

echo:
	call	get
	out	%al, %dx
	cmp	$'\n', %al
	jne	echo
	ret

nobody_port:
	mov	$0x2f8, %dx
	in	%dx, %al
	jmp	print_hex

nobody_memory:
	mov	$0xa000, %ax
	mov	%ax, %fs
	mov	%fs:0x10, %al
	jmp	print_hex

store_nobody:
	mov	$0xa000, %ax
	mov	%ax, %es
	xor	%di, %di
	mov	$3, %cx
	rep stosw
	xor	%ax, %ax
	mov	%ax, %es
	mov	%di, %ax
	jmp	print_hex

float_nobody:
	mov	$0xa000, %ax
	mov	%ax, %fs
	flds	%fs:0
	ret

jump_nobody:
	ljmp	$0xa000, $0x10

/* what lies in memory will do */
print_much:
	mov	$3, %bp
1:	xor	%si, %si
	mov	$0xffff, %cx
	mov	$0x3f8, %dx
	rep outsb
	outsb
	dec	%bp
	jnz	1b
	ret

flood:
	call	print_much
	jmp	flood

spin:
	mov	$text, %si
	call	hello
1:	pause
	jmp	1b

wait_a_moment:
	sti
	hlt
	cli
	jmp	hello

halt:
	cli
	hlt
	jmp	halt

acpi_off:
	mov	$0x600, %dx
	mov	$0x34, %al
	out	%al, %dx
	jmp	halt
acpi_reset:
	mov	$0x602, %dx
	mov	$1, %al
	out	%al, %dx
	jmp	halt
keyboard_reset:
	mov	$0xfe, %al
	out	%al, $0x64
	jmp	halt
fast_reset:
	mov	$1, %al
	out	%al, $0x92
	jmp	halt
debug_exit:
	mov	$42, %al
	out	%al, $0xf4
	ret
triple_fault:
	lidt	no_idt
	int3

no_idt:	.word	0, 0, 0
text:	.ascii	"hello\n"
text_end:
	.byte	0
buffer:	.skip	8

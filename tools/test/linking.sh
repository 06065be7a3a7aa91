#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# libvmxhv-devices as a program of others has it: the header alone, in strict C and in C++, and no name
# that is not ours. TAP.
# usage: linking.sh DIR-OF-LIBRARIES
set -u
bin=$1
top=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/tap.sh"

cp "$top/devices/libvmxhv-devices.h" "$tmp"
cat >"$tmp/vmm.c" <<'END'
#include "libvmxhv-devices.h"
#include <stdio.h>
#include <string.h>

static char text[8];

static void irq(void *opaque, bool level) { (void)opaque; (void)level; }

static void output(void *opaque, const uint8_t *data, size_t length)
{
	(void)opaque;
	memcpy(text, data, length < sizeof(text) ? length : sizeof(text));
}

int main(void)
{
	static struct vmxhv_uart uart;

	vmxhv_uart_init(&uart, irq, output, NULL);
	vmxhv_uart_write(&uart, 0, 1, 'x');
	vmxhv_uart_flush(&uart);
	return text[0] != 'x';
}
END
cp "$tmp/vmm.c" "$tmp/vmm.cc"
strict="-Wall -Wextra -Wpedantic -Werror -I$tmp"
for std in c99 c11 c17; do
	# shellcheck disable=SC2086
	t "a program in $std" ${CC:-gcc} -std=$std $strict -o "$tmp/$std" "$tmp/vmm.c" \
		"$bin/libvmxhv-devices.a"
	t "it runs" "$tmp/$std"
done
# shellcheck disable=SC2086
t "a program in C++" ${CXX:-g++} -std=c++17 $strict -o "$tmp/c++" "$tmp/vmm.cc" \
	"$bin/libvmxhv-devices.a"
nm -g --defined-only "$bin/libvmxhv-devices.a" | awk 'NF == 3 && $3 !~ /^vmxhv_/ {print $3}' >"$tmp/names"
t "every name is ours" test ! -s "$tmp/names"
nm "$bin/libvmxhv-devices.a" | awk '$2 ~ /^[bBdDC]$/' >"$tmp/data"
t "no globals" test ! -s "$tmp/data"
done_here

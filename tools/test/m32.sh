#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tools as a program of 32 bits has them: every file but one compiles, and the devices, whose
# times have more than 32 bits, pass their tests. TAP.
# usage: m32.sh
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/tap.sh"

cc32() {
	${CC:-gcc} -m32 -O2 -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
		-I"$top/../include" -I"$top/lib" -I"$top/devices" -I"$top/cli" -I"$top/run" -I"$top/test" "$@"
}

if ! echo 'int main(void) { return 0; }' | cc32 -x c -o "$tmp/a" - 2>/dev/null; then
	echo "1..0 # SKIP the compiler makes no programs of 32 bits (gcc-multilib)"
	exit 0
fi
cd "$top" || exit 1
for file in lib/*.c devices/*.c cli/*.c run/*.c info/*.c examples/*.c; do
	# it executes the guest's instructions, those of 64 bits too
	[ $file = lib/mmio_alu.c ] && continue
	t "$file compiles" cc32 -c -o "$tmp/o" "$file"
done
for device in ioapic pic pit rtc uart; do
	t "test_$device is built" cc32 -o "$tmp/$device" "test/test_$device.c" \
		"devices/$device.c" $([ "$device" = pit ] && echo run/acpi_pm.c)
	t "test_$device passes" "$tmp/$device"
done
done_here

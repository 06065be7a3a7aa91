#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ACPI tables as Intel's own disassembler reads them, where it is installed. TAP.
# usage: iasl.sh DIR-OF-TESTS
set -u
tests=$1
if ! command -v iasl >/dev/null; then
	echo "1..0 # SKIP iasl (acpica-tools) is not installed"
	exit 0
fi
. "$(dirname "$0")/tap.sh"

"$tests/test_tables" "$tmp" >/dev/null
cd "$tmp" || exit 1
for table in DSDT FACP APIC XSDT PCFACP PCAPIC; do
	t "iasl reads $table" iasl -d $table.dat
	count=$((count + 1))
	if grep -q -i -E "error|warning|incorrect|invalid" log; then
		echo "not ok $count - and has no complaint"
		sed 's/^/# /' log
		failed=$((failed + 1))
	else
		echo "ok $count - and has no complaint"
	fi
done
t "the DSDT compiles again" iasl -we -p again DSDT.dsl
t "_S5 has type 5" grep -q -A3 "_S5" DSDT.dsl
t "the serial port has its interrupt" grep -q "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive" DSDT.dsl
t "FADT: hardware-reduced" grep -q "Hardware Reduced (V5) : 1" FACP.dsl
t "FADT: the reset register is supported" grep -q "Reset Register Supported (V2) : 1" FACP.dsl
t "PC: FADT: not hardware-reduced" grep -q "Hardware Reduced (V5) : 0" PCFACP.dsl
t "PC: MADT: 8259s" grep -q "PC-AT Compatibility : 1" PCAPIC.dsl
t "MADT: no 8259" grep -q "PC-AT Compatibility : 0" APIC.dsl
done_here

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The command lines: each bad argument or image gives its status and one line. TAP.
# usage: cli.sh DIR-OF-PROGRAMS
set -u
here=$(dirname "$0")
bin=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

# t NAME STATUS PATTERN PROGRAM ARGS...: stderr is exactly one line and matches PATTERN
t() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	count=$((count + 1))
	if [ $got = "$status" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q -e "$pattern" "$tmp/err"
	then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# status $got, wanted $status; stderr:"
		sed 's/^/# /' "$tmp/err"
		failed=$((failed + 1))
	fi
}

# o NAME STATUS PATTERN PROGRAM ARGS...: the same of stdout, any number of lines
o() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	count=$((count + 1))
	if [ $got = "$status" ] && [ ! -s "$tmp/err" ] && grep -q -e "$pattern" "$tmp/out"
	then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name (status $got, wanted $status)"
		failed=$((failed + 1))
	fi
}

run="$bin/vmxhv-run"
info="$bin/vmxhv-info"
flat="$tmp/flat" ; printf '\364' >"$flat"
empty="$tmp/empty" ; : >"$empty"
big="$tmp/big" ; head -c 700000 /dev/zero >"$big"
text="$tmp/text" ; head -c 4096 /dev/zero | tr '\0' x >"$text"
none="$tmp/no-such-device"

# words N...: as little-endian bytes of 32 bits each
words() {
	python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<%dI" % len(sys.argv[1:]), *[int(w, 0) for w in sys.argv[1:]]))' "$@"
}

# A bzImage of 20 KiB that needs 1 MiB: 16 KiB of payload, no code that could run.
image() {	# FILE VERSION-BYTE LOADFLAGS XLOADFLAGS
	head -c 20480 /dev/zero >"$1"
	put() { printf "$2" | dd of="$image" bs=1 seek="$1" conv=notrunc status=none; }
	image=$1
	put $((0x1f1)) '\003'
	put $((0x1f4)) '\000\004\000\000'
	put $((0x1fe)) '\125\252'
	put $((0x200)) '\353\152HdrS'
	put $((0x206)) "$2\\002"
	put $((0x211)) "$3"
	put $((0x22c)) '\377\377\377\177'
	put $((0x230)) '\000\000\040\000'
	put $((0x234)) '\001'
	put $((0x236)) "$4\\000"
	put $((0x238)) '\377\007\000\000'
	put $((0x258)) '\000\000\000\001\000\000\000\000'
	put $((0x260)) '\000\000\020\000'
}
good="$tmp/good" ; image "$good" '\017' '\001' '\001'
old="$tmp/old" ; image "$old" '\013' '\001' '\001'
low="$tmp/low" ; image "$low" '\017' '\000' '\001'
bits32="$tmp/bits32" ; image "$bits32" '\017' '\001' '\000'
short="$tmp/short" ; head -c 10000 "$good" >"$short"
elf="$tmp/elf" ; printf '\177ELF\002' >"$elf"
elf32="$tmp/elf32" ; words 0x464c457f 0x00010101 0 0 0x00030002 1 0x100000 52 0 0 0x00200034 0x00000001 0 1 0 0 0x100000 16 16 0 0 >"$elf32"
multiboot="$tmp/multiboot" ; words 0x1badb002 3 0xe4524ffb 0 0 0 0 0 >"$multiboot"
badsum="$tmp/badsum" ; words 0x1badb002 3 0xe4524ffc >"$badsum"
aout="$tmp/aout" ; words 0x1badb002 0x10003 0xe4514ffb 0x100000 0x100000 0 0 0x100000 >"$aout"
vast="$tmp/vast" ; words 0x1badb002 0x10003 0xe4514ffb 0x100000 0x100000 0 0xf0000000 0x100000 >"$vast"
lowload="$tmp/lowload" ; words 0x1badb002 0x10003 0xe4514ffb 0x8000 0x8000 0 0 0x8000 >"$lowload"
zeroload="$tmp/zeroload" ; words 0x1badb002 0x10003 0xe4514ffb 0 0 0 0 0 >"$zeroload"
# conventional memory, and a module that is all there is above it
fullload="$tmp/fullload" ; words 0x1badb002 0x10003 0xe4514ffb 0 0 0 0x9fc00 0 >"$fullload"
modules=$(for i in $(seq 17); do echo "--module $flat"; done)
full="$tmp/full" ; head -c 1048576 /dev/zero >"$full"
longer=$(head -c 70000 /dev/zero | tr '\0' a)
long=$(head -c 3000 /dev/zero | tr '\0' a)

o "--help" 0 "^Exit status:" "$run" --help
o "--version" 0 "^vmxhv-run " "$run" --version
t "nothing to run" 2 "nothing to run" "$run"
t "an option that is none" 2 "--krenel is no option" "$run" --krenel x
t "an argument that is none" 2 "x is no option" "$run" --flat "$flat" x
t "an argument that is missing" 2 "--kernel needs an argument" "$run" --kernel
t "--kernel and --flat" 2 "exclude" "$run" --kernel "$good" --flat "$flat"
t "--flat and --initrd" 2 "go with --kernel" "$run" --flat "$flat" --initrd "$text"
t "-kernel" 2 "^vmxhv-run: -kernel is no option: did you mean --kernel?" "$run" -kernel x
t "-k" 2 "^vmxhv-run: -k is no option: did you mean --kernel?" "$run" -k x
t "-kernel behind a good one" 2 "-initrd is no option: did you mean --initrd?" "$run" --kernel x -initrd y
t "--trace-io=1" 2 "--trace-io takes no argument" "$run" --trace-io=1 --flat "$flat"
t "--fla" 2 "did you mean --flat or --flat-addr" "$run" --fla "$flat"
for option in kernel initrd append module flat flat-addr mem machine fw-cfg cpus cpu timeout \
	debug-exit trace-io apicv device help version; do
	swapped=$(echo "$option" | sed 's/^\(.\)\(.\)\(.\)/\1\3\2/')
	missing=$(echo "$option" | sed 's/.$//')
	[ "$swapped" = "$option" ] && swapped=$option-
	t "-$option" 2 "-$option is no option: did you mean .*--$option" "$run" "-$option" x
	t "--$swapped" 2 "--$swapped is no option: did you mean .*--$option" "$run" "--$swapped" x
	t "$option without dashes" 2 "$option is no option: did you mean .*--$option" "$run" "$option"
	t "--${option}x" 2 "is no option: did you mean .*--$option" "$run" "--${option}x" x
	t "--x$missing" 2 "is no option: did you mean .*--$option" "$run" "--x${option}" x
done
t "--mem 1x" 2 "--mem 1x: want a size" "$run" --flat "$flat" --mem 1x
t "--mem 1T" 2 "--mem 1T: at most 1023G" "$run" --flat "$flat" --mem 1T
t "--mem 1025G" 2 "at most 1023G" "$run" --flat "$flat" --mem 1025G
t "--mem with 20 digits" 2 "at most 1023G" "$run" --flat "$flat" --mem 99999999999999999999
t "--mem 16777215T" 2 "at most 1023G" "$run" --flat "$flat" --mem 16777215T
t "--mem 256MB" 2 "want a size" "$run" --flat "$flat" --mem 256MB
t "--mem -1" 2 "want a size" "$run" --flat "$flat" --mem -1
t "--mem 2097153" 2 "whole pages" "$run" --flat "$flat" --mem 2097153
t "--mem 0" 2 "--mem 0: at least 2M" "$run" --flat "$flat" --mem 0
t "--mem 1M" 2 "at least 2M" "$run" --flat "$flat" --mem 1M
t "--cpus 2" 2 "from 1 to 1" "$run" --flat "$flat" --cpus 2
t "--cpu model=x" 2 "only hypervisor=NAME" "$run" --flat "$flat" --cpu model=x
t "--cpu hypervisor=x" 2 "vmxhv, kvm or none" "$run" --flat "$flat" --cpu hypervisor=x
t "--machine q35" 2 "NAME is reduced or pc" "$run" --flat "$flat" --machine q35
t "--fw-cfg without a file" 2 "want NAME=FILE" "$run" --flat "$flat" --fw-cfg name
t "--fw-cfg without a name" 2 "want NAME=FILE" "$run" --flat "$flat" --fw-cfg "=$text"
t "--fw-cfg: no such file" 2 "no-such: No such file" "$run" --flat "$flat" --fw-cfg "a=$tmp/no-such"
t "--fw-cfg: a long name" 2 "longer than 55" "$run" --flat "$flat" --fw-cfg "$(head -c 56 "$text")=$text"
t "--fw-cfg: a name twice" 2 "one of that name" "$run" --flat "$flat" --fw-cfg "a=$text" --fw-cfg "a=$flat"
t "--fw-cfg: our own name" 2 "one of that name" "$run" --flat "$flat" --fw-cfg "etc/e820=$text"
t "--fw-cfg, 17 of them" 2 "more than 16" "$run" --flat "$flat" $(for i in $(seq 17); do echo "--fw-cfg $i=$text"; done)
t "no device, with --fw-cfg and --machine pc" 8 "insmod" "$run" --kernel "$good" --machine pc --fw-cfg "a=$text" --device "$none"
t "--timeout 0" 2 "--timeout 0: want a number" "$run" --flat "$flat" --timeout 0
t "--timeout soon" 2 "want a number" "$run" --flat "$flat" --timeout soon
t "--debug-exit 65536" 2 "want a number" "$run" --flat "$flat" --debug-exit 65536
t "--flat-addr 0x10000" 2 "want a number" "$run" --flat "$flat" --flat-addr 0x10000
t "flat: no such file" 2 "no-such: No such file" "$run" --flat "$tmp/no-such"
t "flat: a directory" 2 "not a regular file" "$run" --flat "$tmp"
t "flat: empty" 2 "is empty" "$run" --flat "$empty"
t "flat: too large" 2 "do not fit" "$run" --flat "$big"
t "kernel: no such file" 2 "No such file" "$run" --kernel "$tmp/no-such"
gzip -c "$good" >"$tmp/good.gz"
gzip -c "$aout" >"$tmp/aout.gz"
head -c 100 "$tmp/good.gz" >"$tmp/short.gz"
printf 'MZ' >"$tmp/efi"; head -c 1022 /dev/zero >>"$tmp/efi"
patch() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
patch "$tmp/efi" 60 '\200' ; patch "$tmp/efi" 128 'PE' ; patch "$tmp/efi" 220 '\012'
head -c 65536 /dev/zero >"$tmp/bios"; patch "$tmp/bios" 65520 '\352\133\340\000\360'
head -c 4096 /dev/zero >"$tmp/ovmf"; patch "$tmp/ovmf" 40 '_FVH'
t "no device, for a packed kernel" 8 "insmod" "$run" --kernel "$tmp/good.gz" --device "$none"
t "no device, for a packed Multiboot image" 8 "insmod" "$run" --kernel "$tmp/aout.gz" --device "$none"
t "kernel: packed, cut short" 2 "is cut short: gzip" "$run" --kernel "$tmp/short.gz"
t "kernel: an EFI program" 2 "is an EFI program" "$run" --kernel "$tmp/efi"
t "kernel: a BIOS" 2 "firmware (BIOS)" "$run" --kernel "$tmp/bios"
t "kernel: UEFI firmware" 2 "UEFI firmware" "$run" --kernel "$tmp/ovmf"
# w WORD: of the command line, with a line of warning in front of that which ends it
w() {
	count=$((count + 1))
	"$run" --kernel "$good" --append "console=ttyS0 $1 quiet" --device "$none" $3 >/dev/null 2>"$tmp/err"
	if [ "$(grep -c -e "--machine pc" "$tmp/err")" = "$2" ]; then
		echo "ok $count - --append $1 $3"
	else
		echo "not ok $count - --append $1 $3"
		sed 's/^/# /' "$tmp/err"
		failed=$((failed + 1))
	fi
}
for word in nosmp maxcpus=0 acpi=off acpi=noirq pci=noacpi noapic nolapic disableapic nolapic_timer; do
	w $word 1 ""
	w $word 0 "--machine pc"
done
w acpi=force 0 ""
w maxcpus=01 0 ""
w xnoapic 0 ""
t "kernel: empty" 2 "not a bzImage" "$run" --kernel "$empty"
t "kernel: some file" 2 "not a bzImage" "$run" --kernel "$text"
t "kernel: a program" 2 "not a static executable" "$run" --kernel "$run"
t "kernel: ELF of 32 bits" 2 "32-bit ELF file without" "$run" --kernel "$elf32"
t "kernel: ELF cut short" 2 "cut short in the ELF header" "$run" --kernel "$elf"
t "kernel: Multiboot, bad checksum" 2 "checksum of its Multiboot" "$run" --kernel "$badsum"
t "kernel: Multiboot without a place" 2 "no addresses" "$run" --kernel "$multiboot"
t "multiboot: --initrd" 2 "use --module" "$run" --kernel "$multiboot" --initrd "$text"
t "multiboot: no such module" 2 "no-such: No such" "$run" --kernel "$aout" --module "$tmp/no-such,x"
t "multiboot: module too large" 2 "do not fit above" "$run" --kernel "$aout" --module "$big" --mem 2M --module "$big"
t "multiboot: too much text" 2 "more text than" "$run" --kernel "$aout" --append "$longer"
t "multiboot: too little memory" 2 "not within the guest" "$run" --kernel "$vast"
t "multiboot: where the information would be" 8 "insmod" "$run" --kernel "$lowload" --device "$none"
t "multiboot: where the GDT would be" 8 "insmod" "$run" --kernel "$zeroload" --device "$none"
t "multiboot: no room for the information" 2 "leaves no .* for the loader's Multiboot" "$run" --kernel "$fullload" --mem 2M --module "$full"
t "no device, for a Multiboot image" 8 "insmod" "$run" --kernel "$aout" --module "$flat" --device "$none"
t "--module for a bzImage" 2 "no Multiboot image" "$run" --kernel "$good" --module "$text"
t "--module for a flat image" 2 "go with --kernel" "$run" --flat "$flat" --module "$text"
t "--module, 17 of them" 2 "more than 16" "$run" --kernel "$aout" $modules
t "kernel: old protocol" 2 "older than 2.12" "$run" --kernel "$old"
t "kernel: zImage" 2 "a zImage" "$run" --kernel "$low"
t "kernel: 32-bit" 2 "no 64-bit entry" "$run" --kernel "$bits32"
t "kernel: cut short" 2 "is cut short" "$run" --kernel "$short"
t "kernel: too little memory" 2 "give more with --mem" "$run" --kernel "$good" --mem 2M
t "kernel: command line too long" 2 "3000 characters" "$run" --kernel "$good" --append "$long"
t "initrd: no such file" 2 "No such file" "$run" --kernel "$good" --initrd "$tmp/no-such"
t "initrd: empty" 2 "is empty" "$run" --kernel "$good" --initrd "$empty"
t "initrd: too large" 2 "do not fit above" "$run" --kernel "$good" --initrd "$big" --mem 3456K
t "no device, for a flat image" 8 "insmod vmxhv.ko" "$run" --flat "$flat" --device "$none"
t "no device, for a good kernel" 8 "insmod vmxhv.ko" "$run" --kernel "$good" --device "$none"
for other in /dev/null /dev/zero /dev/full /dev/ptmx "$tmp" "$text"; do
	t "a device that is another: $other" 8 "$other is not vmxhv's device" "$run" --flat "$flat" --device "$other"
done
mkfifo "$tmp/fifo"
t "a device that is a FIFO" 8 "is not vmxhv's device" "$run" --flat "$flat" --device "$tmp/fifo"
t "a device below a file" 8 "Not a directory" "$run" --flat "$flat" --device "$text/x"
f() {	# NAME STATUS COMMAND: what it prints does not get out
	count=$((count + 1))
	sh -c "$3" 2>"$tmp/err"
	got=$?
	if [ $got = "$2" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q "standard output: " "$tmp/err"; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		echo "# status $got"; sed 's/^/# /' "$tmp/err"
		failed=$((failed + 1))
	fi
}
f "--help on a full disk" 9 "$run --help >/dev/full"
f "--version, closed" 9 "$run --version >&-"
f "info on a full disk" 9 "$info --device $none >/dev/full"
f "info --json, closed" 9 "$info --json --device $none >&-"
f "info --version on a full disk" 9 "$info --version >/dev/full"

o "info --help" 0 "^Exit status:" "$info" --help
o "info --version" 0 "^vmxhv-info " "$info" --version
t "info: an option that is none" 1 "option" "$info" --x
t "info: -json" 1 "did you mean --json" "$info" -json
t "info: --jsno" 1 "did you mean --json" "$info" --jsno
t "info: an argument that is none" 1 "x is no option" "$info" x
if grep -qw vmx /proc/cpuinfo; then
	status=7 reason=no-module
else
	status=2 reason=no-vmx
fi
same() { [ "$($run --version)" = "vmxhv-run $1" ] && grep -q "\"$1\"" "$here/../../include/vmxhv_version.h"; }
count=$((count + 1))
if same "$("$info" --version | cut -d' ' -f2)"; then
	echo "ok $count - one version"
else
	echo "not ok $count - one version"
	failed=$((failed + 1))
fi
o "info: without a module" $status "^not usable: " "$info" --device "$none"
o "info --json: without a module" $status "\"reason\": \"$reason\"" "$info" --json --device "$none"
"$info" --json --device "$none" >"$tmp/json"
o "info --json: is JSON" 0 '"requirements"' python3 -m json.tool "$tmp/json"

echo "1..$count"
[ $failed = 0 ]

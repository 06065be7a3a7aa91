#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The library as others link it: its names, its headers, its example. TAP.
# usage: linked.sh OUT
set -u
out=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

# t NAME COMMAND...: succeeds, and says nothing
t() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$tmp/log" 2>&1 && [ ! -s "$tmp/log" ]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$tmp/log"
		failed=$((failed + 1))
	fi
}

foreign_names() {
	nm -g --defined-only "$out/libvmxhv.a" | awk 'NF == 3 && $3 !~ /^vmxhv_/ { print $3 }'
}

compile() {
	"${CC:-cc}" "$@" -Wall -Wextra -I"$top/include" -I"$top/tools/lib"
}

strict() {
	compile -std=c99 -pedantic-errors -c -o "$tmp/hello.o" "$top/tools/examples/hello.c"
}

link() {
	strict && "${CC:-cc}" -static -o "$tmp/hello" "$tmp/hello.o" "$out/libvmxhv.a"
}

t "all names of the library begin with vmxhv_" foreign_names
t "the example is C99" strict
t "it needs nothing but the library" link
echo "1..$count"
[ $failed = 0 ]

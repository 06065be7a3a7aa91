#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The library as others link it: its names, its headers, its example. TAP.
# usage: linked.sh OUT
set -u
out=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/tap.sh"

# succeeds, and says nothing
silent() {
	"$@" && [ ! -s "$tmp/log" ]
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

t "all names of the library begin with vmxhv_" silent foreign_names
t "the example is C99" silent strict
t "it needs nothing but the library" silent link
done_here

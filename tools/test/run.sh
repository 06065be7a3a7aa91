#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# All tests of the tools that run on any host: prints each one's TAP, then the sum.
# usage: OUT=dir [TAP=dir] run.sh TEST...
# TAP keeps each one's output there, under its name.
set -u
here=$(dirname "$0")
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
rc=0

# test_one NAME COMMAND...
test_one() {
	name=$1
	shift
	echo "# $name"
	"$@" >"$logs/$name" || rc=1
	grep -A4 "^not ok" "$logs/$name"
}

for test in "$@"; do
	test_one "$(basename "$test")" "$test"
done
test_one cli.sh sh "$here/cli.sh" "$OUT"
test_one iasl.sh sh "$here/iasl.sh" "$OUT/tooltests"
test_one linked.sh sh "$here/linked.sh" "$OUT"
test_one linking.sh sh "$here/linking.sh" "$OUT"
test_one m32.sh sh "$here/m32.sh"
if [ -n "${TAP:-}" ]; then
	mkdir -p "$TAP" && cp "$logs"/* "$TAP"
fi
passed=$(cat "$logs"/* | grep -c "^ok")
failed=$(cat "$logs"/* | grep -c "^not ok")
echo "$passed passed, $failed failed"
[ $rc = 0 ] && [ "$failed" = 0 ]

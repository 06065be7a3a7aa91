#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# All tests of the tools that run on any host: prints each one's TAP, then the sum.
# usage: OUT=dir run.sh TEST...
set -u
here=$(dirname "$0")
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
rc=0
for test in "$@"; do
	echo "# $(basename "$test")"
	"$test" >>"$log" || rc=1
done
{ sh "$here/cli.sh" "$OUT" || rc=1; } >>"$log"
{ sh "$here/iasl.sh" "$OUT/tooltests" || rc=1; } >>"$log"
{ sh "$here/linked.sh" "$OUT" || rc=1; } >>"$log"
grep -A4 "^not ok" "$log"
passed=$(grep -c "^ok" "$log")
failed=$(grep -c "^not ok" "$log")
echo "$passed passed, $failed failed"
[ $rc = 0 ] && [ "$failed" = 0 ]

# SPDX-License-Identifier: GPL-2.0-only
# TAP for the shell tests here, which read this file: a folder of their own in $tmp, t(), and done_here
# at the end.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

# t NAME COMMAND...: succeeds; what it says is in $tmp/log
t() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$tmp/log" 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$tmp/log"
		failed=$((failed + 1))
	fi
}

done_here() {
	echo "1..$count"
	[ $failed = 0 ]
}

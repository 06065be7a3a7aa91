#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Install what the build and the tests need, from Debian and nothing else.
#
# Idempotent: with everything in place it asks dpkg once and returns. No package
# name carries a point release; the meta packages say which kernel is meant.
set -eu

BUILD="gcc g++ make binutils bc bison flex libelf-dev libssl-dev pahole cpio kmod
 perl python3 rsync xz-utils lz4 zstd gcc-multilib libc6-dev libzydis-dev
 zlib1g-dev"
CHECKS="sparse clang-format"
MACHINES="bochs bochsbios vgabios qemu-system-x86 busybox-static"
# never installed from here
OPTIONAL="gnuplot-nox"
KERNELS="linux-headers-cloud-amd64 linux-headers-6.12-cloud-amd64 linux-source-6.12"

missing() {
	want="$BUILD $CHECKS $MACHINES $KERNELS"
	# shellcheck disable=SC2086
	have=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $want 2>/dev/null |
		sed -n 's/^ii *//p' | tr '\n' ' ')
	for p in $want; do
		case " $have" in
		*" $p "*) ;;
		*) echo "$p" ;;
		esac
	done
}

optional() {
	# shellcheck disable=SC2086
	for p in $OPTIONAL; do
		dpkg-query -W -f '${db:Status-Abbrev}\n' "$p" 2>/dev/null | grep -q ^ii ||
			echo "deps: optional, and not installed: $p (a chart of make bench)"
	done
}

[ "${1:-}" = "-q" ] || optional
need=$(missing | tr '\n' ' ')
if [ -z "$need" ]; then
	[ "${1:-}" = "-q" ] || echo "deps: every package is installed"
	exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: not root and no sudo; install these as root: $need" >&2
		exit 1
	}
	as_root=sudo
fi

echo "deps: installing from Debian: $need"
export DEBIAN_FRONTEND=noninteractive
apt_get() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}
# apt's own words are many: how much is left says that it is alive
alive() {
	while sleep 30 >/dev/null 2>&1; do
		echo "deps: still at it, $(missing | wc -l) of $(echo "$need" | wc -w) packages left"
	done
}
alive &
alive=$!
trap 'kill $alive 2>/dev/null' EXIT
# killed by a signal, the shell would leave it behind
trap 'exit 130' INT
trap 'exit 143' TERM
apt_get update >/dev/null
for p in $need; do
	[ -n "$(apt-cache madison "$p" 2>/dev/null)" ] || {
		echo "deps: apt does not know '$p'." >&2
		echo "deps: Debian 12 with its security suite (bookworm-security) is needed." >&2
		exit 1
	}
done
# shellcheck disable=SC2086
apt_get install --no-install-recommends $need >/dev/null
left=$(missing | tr '\n' ' ')
[ -z "$left" ] || { echo "deps: still missing: $left" >&2; exit 1; }
echo "deps: done"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Prove "two commands from a fresh clone": a new Debian 12 by debootstrap, a clone
# of what is committed here, .ci/run in it with an empty cache; prints the time.
#
#   tests/clean-chroot.sh DIR     as root; DIR must not exist, and is left for a look
set -eu

dir=${1:?"usage: $0 DIR"}
repo=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "must be root" >&2; exit 1; }
[ ! -e "$dir" ] || { echo "$dir exists" >&2; exit 1; }

# The mirrors that this machine uses; the security suite has the 6.12 kernel.
uri() {
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n "s/^$1 //p" | head -n1
}
main=$(uri bookworm)
security=$(uri bookworm-security)

debootstrap --variant=minbase --include=ca-certificates,git,make,python3 \
	bookworm "$dir" "$main" >/dev/null
{
	echo "deb $main bookworm main"
	echo "deb $security bookworm-security main"
} > "$dir/etc/apt/sources.list"
cp /etc/resolv.conf "$dir/etc/"
for f in /etc/apt/apt.conf.d/*proxy*; do
	[ ! -e "$f" ] || cp "$f" "$dir/etc/apt/apt.conf.d/"
done
git clone -q "$repo" "$dir/root/vmxhv"

mount -t proc proc "$dir/proc"
mount --rbind --make-rslave /dev "$dir/dev"
trap 'umount "$dir/proc"; umount -l "$dir/dev"' EXIT

start=$(date +%s)
rc=0
env -i PATH="$PATH" HOME=/root CI=true TERM=dumb \
	${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
	chroot "$dir" /root/vmxhv/.ci/run </dev/null || rc=$?
end=$(date +%s)
echo "clean-chroot: rc $rc, $(((end - start) / 60)) min $(((end - start) % 60)) s"
exit "$rc"

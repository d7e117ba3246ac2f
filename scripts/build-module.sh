#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the module for one kernel in a folder of its own, which holds links to
# the sources, so that builds for several kernels and the build in the tree do
# not disturb each other.  Prints the path of the module.
#
# usage: scripts/build-module.sh KDIR OUT [make argument...]

set -eu

[ $# -ge 2 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
kdir=$(cd "$1" && pwd -P)
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2

exec 8>"$out/.lock"
flock 8

# Mirror the sources as links: new files appear, removed ones go.
mkdir -p "$out/kvm-vtl" "$out/include/uapi"
find "$out" -xtype l -delete
ln -sf "$top/Kbuild" "$out/Kbuild"
cd "$top"
folders=(kvm-vtl)
[ ! -d include ] || folders+=(include)
find "${folders[@]}" -type d | while read -r dir; do
	mkdir -p "$out/$dir"
done
find "${folders[@]}" -type f \( -name '*.[chS]' -o -name Kbuild \
	-o -name Makefile \) ! -name '*.mod.c' | while read -r file; do
	ln -sf "$top/$file" "$out/$file"
done

# Another kernel in the same folder: begin anew.
if [ "$(cat "$out/.kdir" 2>/dev/null)" != "$kdir" ]; then
	find "$out" -type f \( -name '*.o' -o -name '*.ko' -o -name '.*.cmd' \
		-o -name '*.mod*' -o -name modules.order \
		-o -name Module.symvers \) -delete
	echo "$kdir" >"$out/.kdir"
fi

make -C "$kdir" M="$out" "$@" modules >&2
echo "$out/kvm-vtl/kvm-vtl.ko"

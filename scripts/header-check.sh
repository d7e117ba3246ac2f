#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every header compiles alone: the module's with the kernel's own flags, the
# user ABI's as C, as C++ and for 32 bits.  And syzkaller's description has
# all commands, and no name that the header does not have.
#
# usage: scripts/header-check.sh KDIR OUT

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
kdir=$1
out=$2
status=0

complain() { echo "header-check: $*" >&2; status=1; }

# The module's headers: one source file per header, built as its own module.
# hook_list.h has no include guard and trace.h is expanded several times.
mkdir -p "$out/module"
rm -f "$out/module/"*.c
objects=
for header in "$top"/kvm-vtl/*.h; do
	name=$(basename "$header" .h)
	[ "$name" != hook_list ] || continue
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" \
		>"$out/module/header_$name.c"
	objects+=" header_$name.o"
done
if [ -n "$objects" ]; then
	sed -n 's/^ccflags-y/&/p' "$top/kvm-vtl/Kbuild" |
		sed "s,\$(src),$top/kvm-vtl,g; s,\$(srctree)/,,g" \
		>"$out/module/Kbuild"
	cat >>"$out/module/Kbuild" <<-END
		ccflags-y += -I$top/kvm-vtl -I$top/include/uapi
		obj-m += headers.o
		headers-y :=$objects
	END
	for object in $objects; do
		make -s -C "$kdir" M="$out/module" "$object" >"$out/log" 2>&1 ||
			{ cat "$out/log" >&2; complain "$object"; }
	done
fi

# The user ABI.
for header in "$top"/include/uapi/linux/*.h; do
	[ -f "$header" ] || continue
	printf '#include "%s"\nint main(void) { return 0; }\n' "$header" \
		>"$out/uapi.c"
	cp "$out/uapi.c" "$out/uapi.cc"
	flags="-Wall -Wextra -Werror -pedantic -fsyntax-only"
	# shellcheck disable=SC2086
	{
		gcc -std=c99 $flags "$out/uapi.c" || complain "$header as C"
		gcc -std=c99 -m32 $flags "$out/uapi.c" ||
			complain "$header with -m32"
		g++ -std=c++11 $flags "$out/uapi.cc" ||
			complain "$header as C++"
	}
done

abi=$top/include/uapi/linux/kvm_vtl.h
calls=$top/scripts/syzkaller/dev_kvm_vtl.txt
while read -r name; do
	grep -q "const\[$name\]" "$calls" || complain "$calls lacks $name"
done < <(sed -n 's/^#define \(KVM_VTL_[A-Z_]*\) \\$/\1/p' "$abi")
while read -r name; do
	grep -qE "define $name\b" "$abi" || complain "$calls has $name"
done < <(grep -oE '\bKVM_VTL_[A-Z_]+' "$calls" | sort -u)
exit "$status"

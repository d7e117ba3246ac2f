#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make test: every test there is with the first kernel, and those of
# second_tests with the second, and every test on the debug kernel if there is
# one; or every test with the kernel that is named.
# The last line is the total of all hosts.
#
# usage: scripts/test.sh [SERIES]

set -u

cd "$(dirname "$0")/.." || exit 1
first=${1:-6.12} second=
[ $# -gt 0 ] || second=7.3
passed=0 failed=0 skipped=0

# Every group of hooks, in a few minutes of both hosts
second_tests=library,switch,protect,attack,emulator,hyperv_path
second_tests+=,interrupt,cr_intercept,port,startup,uapi,mbec,guests
second_tests+=,load

# add FILE: the three numbers in it; none there is a failure.
add()
{
	local p f s
	if read -r p f s <"$1"; then
		passed=$((passed + p)) failed=$((failed + f))
		skipped=$((skipped + s))
	else
		echo "not ok: no result in $1"
		failed=$((failed + 1))
	fi 2>/dev/null
}

# logs HOST SERIES: where run.sh puts them
logs() { if [ "$2" = 6.12 ]; then echo "build/logs/$1"; else
	echo "build/logs/$1-$2"; fi; }

# The hook list against the kernel that the hosts run.  The faults that
# --self-test makes are some of 6.12.
check_hooks()
{
	local kernel source out=build/logs/hooks-$1
	kernel=$(scripts/deps.sh kernel "$1") || return 1
	source=$(scripts/deps.sh source "$1") || return 1
	mkdir -p "$out"
	scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
		kvm-vtl/hook_list.h >"$out/report" || return 1
	[ "$1" = 6.12 ] || return 0
	scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
		--self-test kvm-vtl/hook_list.h >"$out/self-test"
}

# vmtest SERIES [TESTS]: on both hosts
vmtest()
{
	local host
	for host in svm vmx; do
		rm -f "$(logs "$host" "$1")/totals"
		selftests/vmtest/run.sh -m "$host" -k "$1" ${2:+-t "$2"}
		add "$(logs "$host" "$1")/totals"
	done
}

# Pure code as user-space programs, when there are such tests.
if [ -f selftests/unit/Makefile ]; then
	mkdir -p build/logs/unit
	rm -f build/logs/unit/totals
	make -s -C selftests/unit run TOTALS="$PWD/build/logs/unit/totals"
	add build/logs/unit/totals
fi

for series in $first $second; do
	if check_hooks "$series"; then
		echo "hooks-$series: 1 passed, 0 failed, 0 skipped"
		passed=$((passed + 1))
	else
		cat "build/logs/hooks-$series"/*
		echo "hooks-$series: 0 passed, 1 failed, 0 skipped"
		failed=$((failed + 1))
	fi
done

vmtest "$first"
[ -z "$second" ] || vmtest "$second" "$second_tests"

# Everything on the debug kernel, where make test-debug has built it
if [ -n "$second" ] && scripts/deps.sh kernel 6.12-debug --cached >/dev/null
then
	rm -f "$(logs svm 6.12-debug)/totals"
	scripts/test-debug.sh
	add "$(logs svm 6.12-debug)/totals"
fi

# What the conformance table claims
more=()
[ -z "$second" ] || more=(--more "$(logs svm "$second")/verdict"
			  --more "$(logs vmx "$second")/verdict")
if scripts/check-conformance.py --verdict "$(logs svm "$first")/verdict" \
		--verdict "$(logs vmx "$first")/verdict" "${more[@]}" \
		selftests/*_test.c; then
	echo "conformance: 1 passed, 0 failed, 0 skipped"
	passed=$((passed + 1))
else
	echo "conformance: 0 passed, 1 failed, 0 skipped"
	failed=$((failed + 1))
fi

# Stock QEMU boots Linux through the device.
if [ -x guest/boot_test.sh ]; then
	rm -f build/logs/guest/boot_test.totals
	guest/boot_test.sh
	add build/logs/guest/boot_test.totals
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

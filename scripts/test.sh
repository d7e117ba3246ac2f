#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make test: every test there is, with a total of all hosts as the last line.
#
# usage: scripts/test.sh [SERIES]

set -u

cd "$(dirname "$0")/.." || exit 1
series=${1:-6.12}
passed=0 failed=0 skipped=0

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

# Pure code as user-space programs, when there are such tests.
if [ -f selftests/unit/Makefile ]; then
	mkdir -p build/logs/unit
	rm -f build/logs/unit/totals
	make -s -C selftests/unit run TOTALS="$PWD/build/logs/unit/totals"
	add build/logs/unit/totals
fi

# The hook list against the kernel that the hosts run.
if [ -x scripts/verify-hooks.py ] && [ -f kvm-vtl/hook_list.h ]; then
	kernel=$(scripts/deps.sh kernel "$series")
	source=$(scripts/deps.sh source "$series")
	mkdir -p build/logs/hooks
	if scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
			kvm-vtl/hook_list.h >build/logs/hooks/report &&
	   scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
			--self-test kvm-vtl/hook_list.h \
			>build/logs/hooks/self-test; then
		echo "hooks: 2 passed, 0 failed, 0 skipped"
		passed=$((passed + 2))
	else
		cat build/logs/hooks/*
		echo "hooks: 0 passed, 1 failed, 0 skipped"
		failed=$((failed + 1))
	fi
fi

for host in svm vmx; do
	rm -f "build/logs/$host/totals"
	selftests/vmtest/run.sh -m "$host" -k "$series"
	add "build/logs/$host/totals"
done

# What the conformance table claims
if scripts/check-conformance.py --verdict build/logs/svm/verdict \
		--verdict build/logs/vmx/verdict selftests/*_test.c; then
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

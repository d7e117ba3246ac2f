#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make test-debug: the hook list against the debug kernel, and tests on it.
#
# usage: scripts/test-debug.sh [SERIES [HOST [TEST,TEST...]]]
# FLAVOUR=kcsan takes the kernel with KCSAN instead of that with KASAN.

set -eu

cd "$(dirname "$0")/.."
series=${1:-6.12} host=${2:-svm} tests=${3:-} flavour=${FLAVOUR:-debug}
kernel=$(scripts/deps.sh kernel "$series-$flavour")
source=$(scripts/deps.sh source "$series")

# Another configuration inlines other functions.
mkdir -p build/logs/hooks
if ! scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
		kvm-vtl/hook_list.h >"build/logs/hooks/$flavour"; then
	grep -A 3 '^FAIL' "build/logs/hooks/$flavour"
	exit 1
fi
# Races need processors that run at the same time.
options=()
[ "$flavour-$host" != kcsan-svm ] || options=(--thread multi)
exec selftests/vmtest/run.sh -m "$host" -k "$series-$flavour" \
	${tests:+-t "$tests"} "${options[@]}"

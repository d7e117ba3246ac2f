#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make fuzz: both fuzzers for as many inputs as told.  On a debug kernel what
# they keep is added to selftests/corpus/.
#
# usage: scripts/fuzz.sh SERIES HOST ROUNDS SEED
#        scripts/fuzz.sh collect LOG	only adds what a log has

set -eu

cd "$(dirname "$0")/.."

collect()
{
	local name
	for name in fuzz_vtl0 fuzz_vtl1 fuzz_ioctl; do
		sed -n "s/^# corpus $name \(INPUT(.*),\)\$/\1/p" "$1" \
			>>"selftests/corpus/$name.inc"
		echo "# $name: $(grep -c "^INPUT(" "selftests/corpus/$name.inc") inputs"
	done
}

if [ "${1:-}" = collect ]; then
	collect "$2"
	exit
fi
[ $# = 4 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
series=$1 host=$2 words="KVM_VTL_FUZZ_ROUNDS=$3 KVM_VTL_FUZZ_SEED=$4"
echo "ROUNDS=$3 SEED=$4"
case $series in *-debug) words+=" KVM_VTL_FUZZ_KEEP=1" ;; esac
status=0
selftests/vmtest/run.sh -m "$host" -k "$series" -t fuzz,fuzz_ioctl -v \
	-s 7200 --cmdline "$words" || status=$?
label=$host
[ "$series" = 6.12 ] || label+=-$series
case $series in *-debug) collect "build/logs/$label/verdict" ;; esac
exit "$status"

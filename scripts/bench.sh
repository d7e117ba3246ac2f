#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench: what the module costs, on both emulated hosts.

set -u

cd "$(dirname "$0")/.." || exit 1
out=build/bench
series=6.12

usage()
{
	cat <<'END'
usage: scripts/bench.sh [-k SERIES] [--accept] [svm] [vmx] [svm-time]

Runs bench/ on the hosts named (default: vmx and svm), prints one table of all,
and what changed against bench/results.  build/bench/ has HOST.tsv with all
figures, HOST-SERIES.json, chart.svg, and in HOST.log what the host said.

  -k SERIES   kernel series (default 6.12)
  --accept    the new results are those to compare with from now on
  svm-time    svm by time instead of instructions, as a multiple of the hypercall
              exit of the same run: other load on this machine shows, and TCG's
              world switch dominates
END
}

note()
{
	cat <<'END'
Costs of kvm-vtl in instructions of the host, 64-bit guest, one VP; medians.

Such counts hide what an instruction takes: above all the IBPB that KVM issues
whenever a CPU changes to another VMCS or VMCB, hence twice in each VTL call and
return, and the L1D flush on hosts with L1TF.  Each is thousands of cycles on a
real CPU; so is the world switch itself.  No cycles are claimed here.
Documentation/performance.rst explains each row and how to measure cycles.

vmx  Bochs.  Each repetition of a REP instruction counts.  The CPU has L1TF and
     no instruction to flush, which KVM replaces by a loop of 4,200 instructions
     after each return into KVM_RUN: switched off (vmentry_l1d_flush=never) but
     for the two rows that say so.
svm  QEMU with -icount.  TCG has no NRIPS: to step over most instructions KVM
     emulates them, 2,000 instructions more for each such exit.
vs   what the same exit costs more than with the module absent.
     "hooked": a redirected function lies on the way while any VM has VTLs.
END
}

# run_host HOST: build/bench/HOST.log, .tsv; a lost machine is tried again.
run_host()
{
	local host=$1 status=0 try options=()
	[ "$host" != svm ] || options=(--count)
	for try in 1 2; do
		status=0
		selftests/vmtest/run.sh -m "${host%-time}" -k "$series" -s 900 \
			"${options[@]}" --program "$out/bench" \
			>"$out/$host.log" || status=$?
		[ "$status" = 3 ] || break
		echo "bench: $host: machine lost, try $try of 2" >&2
	done
	grep '^#' "$out/$host.log"
	{
		printf 'name\ttext\tunit\tmedian\tmin\tmax\tsamples\tmust\n'
		sed -n 's/^bench\t//p' "$out/$host.log"
	} >"$out/$host.tsv"
	if [ "$status" != 0 ] || [ "$(wc -l <"$out/$host.tsv")" = 1 ]; then
		echo "bench: $host: incomplete, see $out/$host.log" >&2
		return 1
	fi
}

hosts=() accept=''
while [ $# -gt 0 ]; do
	case $1 in
	-k) series=$2; shift ;;
	--accept) accept=--accept ;;
	svm|vmx|svm-time) hosts+=("$1") ;;
	-h|--help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
[ "${#hosts[@]}" -gt 0 ] || hosts=(vmx svm)

scripts/deps.sh tools build vmtest bench || exit 1
mkdir -p "$out"
make -s -C bench OUT="$PWD/$out" || exit 1

status=0
for host in "${hosts[@]}"; do
	run_host "$host" || status=1
done
echo
note
echo
scripts/bench-report.py ${accept:+"$accept"} --series "$series" \
	--kernel "$(cat "$(scripts/deps.sh kernel "$series")/version")" \
	"$out" "${hosts[@]}" || status=1
exit $status

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
usage: scripts/bench.sh [-k SERIES] [svm] [vmx]

Runs bench/ on the hosts named (default: both) and prints one table of all;
build/bench/HOST.tsv has the same and more for programs, build/bench/HOST.log
what the host said.
END
}

note()
{
	cat <<'END'
Costs of kvm-vtl, 64-bit guest, one VP.

vmx  host instructions, median of the samples.  Bochs's clock counts
     instructions, each repetition of a REP one (which makes copies dear), and
     the guest's own, which are few.  Such counts hide what an instruction
     takes: above all the IBPB that KVM issues whenever a CPU changes to another
     VMCS or VMCB, hence twice in each VTL call and return, and the L1D flush
     on hosts with L1TF.  Each is thousands of cycles on a real CPU; so is the
     world switch itself.  No cycles are claimed here.
     The emulated CPU has L1TF and no instruction to flush, which KVM replaces
     by a loop of 4,200 instructions after each return into KVM_RUN.  It is
     switched off (vmentry_l1d_flush=never) but for the two rows that say so.
svm  time as a multiple of the in-kernel hypercall exit of the same run, module
     absent; fastest sample by fastest sample, because other load on the
     machine can only add.  TCG's world switch dominates.  Runs on a loaded
     machine differed by half and more: no finding rests on one svm figure.
     The switch by user space uses plain GET and SET ioctls, caches nothing and
     does without KVM_CAP_SYNC_REGS: a careful VMM needs less.
vs   what the same exit costs more than with the module absent.
     "hooked": a redirected function lies on the way while any VM has VTLs.
END
}

# run_host HOST: build/bench/HOST.log, .tsv; a lost machine is tried again.
run_host()
{
	local host=$1 status=0 try
	for try in 1 2; do
		status=0
		selftests/vmtest/run.sh -m "$host" -k "$series" -s 900 \
			--program "$out/bench" >"$out/$host.log" || status=$?
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

# One table of the hosts' files, whichever there are.
table()
{
	awk -F '\t' '
	function grouped(n,   s, r) {
		s = sprintf("%.0f", n)
		while (length(s) > 3) {
			r = "," substr(s, length(s) - 2) r
			s = substr(s, 1, length(s) - 3)
		}
		return s r
	}
	# The figure that counts for a host
	function figure(host, name) {
		return host == "svm" ? low[host, name] : mid[host, name]
	}
	function known(host, name) {
		return (host, name) in mid && mid[host, name] != "-"
	}
	function value(host, name,   v) {
		if (!known(host, name))
			return "-"
		v = figure(host, name)
		if (unit[name] != "op" && unit[name] != "page")
			return sprintf("%g", v)
		if (host == "vmx")
			return grouped(v)
		if (!known(host, "hypercall-absent"))
			return "-"
		v /= figure(host, "hypercall-absent")
		return sprintf(v < 0.1 ? "%.3f" : "%.2f", v)
	}
	function more(host, name,   base) {
		base = name
		if (!sub(/-(idle|active)$/, "-absent", base) ||
		    !known(host, name) || !known(host, base))
			return ""
		base = figure(host, base)
		return sprintf("%+.1f %%", 100 * (figure(host, name) / base - 1))
	}
	FNR == 1 {
		host = FILENAME
		sub(/.*\//, "", host)
		sub(/\.tsv$/, "", host)
		next
	}
	{
		if (!($1 in text))
			names[++count] = $1
		text[$1] = $2
		unit[$1] = $3
		mid[host, $1] = $4
		low[host, $1] = $5
		must[$1] = $8
	}
	END {
		form = "%-56s %-7s %13s %8s %9s %8s  %s\n"
		printf form, "", "per", "vmx", "vs", "svm", "vs", "must (vmx)"
		for (i = 1; i <= count; i++) {
			n = names[i]
			printf form, text[n], unit[n], value("vmx", n),
			       more("vmx", n), value("svm", n), more("svm", n),
			       must[n] == "-" ? "" : must[n]
		}
	}' "$@" | sed 's/ *$//'
}

hosts=()
while [ $# -gt 0 ]; do
	case $1 in
	-k) series=$2; shift ;;
	svm|vmx) hosts+=("$1") ;;
	-h|--help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
[ "${#hosts[@]}" -gt 0 ] || hosts=(svm vmx)

scripts/deps.sh tools build vmtest || exit 1
mkdir -p "$out"
make -s -C bench OUT="$PWD/$out" || exit 1

status=0 files=()
for host in "${hosts[@]}"; do
	run_host "$host" || status=1
	files+=("$out/$host.tsv")
done
echo
note
echo
table "${files[@]}"
exit $status

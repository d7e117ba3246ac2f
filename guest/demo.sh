#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make demo: a secret kept from the kernel of a Linux guest.

set -eu

guest_name=demo
# shellcheck source=guest/lib.sh
. "$(dirname "$0")/lib.sh"

LIMIT=170	# seconds for one guest

usage()
{
	cat <<'END'
usage: guest/demo.sh

Boots an emulated AMD host; in it stock QEMU boots Debian's Linux twice, on
/dev/kvm and on /dev/kvm-vtl.  A module in the guest's kernel loads a small
secure kernel, which answers questions with the help of a secret: in VTL1 on
/dev/kvm-vtl, as a function of Linux on /dev/kvm, where there is no VTL1.  A
second module, with all rights of the guest's kernel, attacks it.

Prints both runs side by side, and the tracepoints that fired.  Exit status 0
only if every attack succeeded on /dev/kvm and failed on /dev/kvm-vtl.

Everything needed is fetched and built; see scripts/deps.sh --help for where it
is kept.  SERIES=6.12 chooses the kernel.  Logs: build/logs/guest/demo*
END
}

# As guest/init has them; the access that each begins with.
attacks=(
	"read the secret, direct map"
	"overwrite the code, direct map"
	"read the secret, own mapping"
	"overwrite the code, own mapping"
	"overwrite the secret, own mapping"
)
targets=(secret mac secret mac secret)
actions=(steal patch steal patch spoil)
accesses=(read write read write write)
declare -A numbers=([2]=0xbad0002 [4]=0xbad0004)

# --- inside ----------------------------------------------------------------

tracing=/sys/kernel/tracing

run_guest()
{
	local run=$1 device=$2 start=$SECONDS status=lost
	guest_progress "$device: booting Linux and attacking"
	echo >"$tracing/trace"
	if guest_boot "$device" 1 attack "$LIMIT"; then
		status=complete
	else
		guest_explain
	fi
	sed "s/^/record $run /" "$guest_report"
	echo "record $run guest $status"
	sed -n "s/^.*: \\(kvm_vtl_[a-z_]*: .*\\)/trace $run \\1/p" \
		"$tracing/trace"
	guest_progress "$device: $status, $((SECONDS - start)) s"
	[ "$status" = complete ]
}

# Where stock KVM does not get its guest through, the emulated host is to blame.
inside()
{
	echo 4096 >"$tracing/buffer_size_kb"
	echo 1 >"$tracing/events/kvm_vtl/enable"
	# A device of the VMM makes ten thousands of these.
	echo 0 >"$tracing/events/kvm_vtl/kvm_vtl_userspace_exit/enable"
	guest_offer_vtls 1
	run_guest control /dev/kvm || exit 3
	run_guest vtl /dev/kvm-vtl || true
	echo 0 >"$tracing/events/kvm_vtl/enable"
}

# --- what happened ---------------------------------------------------------

raw='' problems=()

problem() { problems+=("$*"); }

# record RUN KEY: the rest of that line
record() { sed -n "s/^record $1 $2 //p" "$raw" | tail -n 1; }

# trace RUN EVENT: what that event said, each time
trace() { sed -n "s/^trace $1 kvm_vtl_$2: //p" "$raw"; }

count() { trace "$1" "$2" | wc -l; }

# Two addresses, which may be missing: in the same page?
same_page() { [ -n "$1" ] && [ -n "$2" ] && [ $(($1 >> 12)) = $(($2 >> 12)) ]; }

# want WHAT EXPECTED SEEN
want() { [ "$2" = "$3" ] || problem "$1: expected '$2', seen '$3'"; }

judge_start()
{
	local run=$1 mode=$2
	want "$run: the guest" complete "$(record "$run" guest)"
	want "$run: the service runs in" "$mode" "$(record "$run" mode)"
	right=$(record "$run" expected)
	[ -n "$right" ] || problem "$run: the right answer is not known"
	want "$run: the service before the attacks" "0 $right" \
		"$(record "$run" 'answer 0')"
}

# On /dev/kvm each attack has its effect on the service.
judge_control()
{
	local n report answer forged
	judge_start control vtl0
	answer=$right
	for n in 1 2 3 4 5; do
		report=$(record control "attack $n")
		case $report in
		done\ *) ;;
		*) problem "control: attack $n did not succeed: '$report'" ;;
		esac
		forged=${report##* }
		if [ "${actions[n - 1]}" = steal ]; then
			want "control: answer forged by attack $n" "$right" \
				"$forged"
		elif [ "${actions[n - 1]}" = patch ]; then
			answer=$(printf 0x%016x "${numbers[$n]}")
		fi
		want "control: the service after attack $n" "0 $answer" \
			"$(record control "answer $n")"
	done
	want "control: tracepoints of kvm_vtl" 0 \
		"$(grep -c '^trace control ' "$raw" || true)"
}

# Where attack N goes, on the run with VTL1
target_of() { record vtl "${targets[$1 - 1]}"; }

# One intercept for each attack, no more, at the right page.
judge_intercept()
{
	local n=$1 seen gpa access
	read -r seen gpa access < <(record vtl "intercepts $n") || true
	want "vtl: intercepts that VTL1 counts after attack $n" "$n" \
		"${seen:-none}"
	want "vtl: access that VTL1 was told of attack $n" \
		"${accesses[n - 1]}" "${access:-none}"
	same_page "$gpa" "$(target_of "$n")" ||
		problem "vtl: VTL1 was told of ${gpa:-nothing}, attack $n" \
			"went to $(target_of "$n")"
}

# line N of an event has the page and the words of attack N
judge_event()
{
	local event=$1 n=$2 words=$3 line gpa
	line=$(trace vtl "$event" | sed -n "${n}p")
	gpa=$(sed -n 's/.* gpa \(0x[0-9a-f]*\) .*/\1/p' <<<"$line")
	same_page "$gpa" "$(target_of "$n")" ||
		problem "vtl: tracepoint kvm_vtl_$event $n: '$line'"
	grep -q " $words\\( \\|\$\\)" <<<"$line" ||
		problem "vtl: tracepoint kvm_vtl_$event $n lacks '$words':" \
			"'$line'"
}

judge_vtl()
{
	local n access
	judge_start vtl vtl1
	for n in 1 2 3 4 5; do
		want "vtl: VTL0 sees of attack $n" "fault 13" \
			"$(record vtl "attack $n")"
		want "vtl: the service after attack $n" "0 $right" \
			"$(record vtl "answer $n")"
		access=${accesses[n - 1]}
		judge_intercept "$n"
		judge_event intercept "$n" "access $access"
		[ "$access" = write ] && access=0x2 || access=0x1
		judge_event fault "$n" "access $access"
	done
	want "vtl: tracepoint kvm_vtl_fault fired" 5 "$(count vtl fault)"
	want "vtl: tracepoint kvm_vtl_intercept fired" 5 \
		"$(count vtl intercept)"
	want "vtl: tracepoint kvm_vtl_partition_dead fired" 0 \
		"$(count vtl partition_dead)"
	for n in partition_create switch hypercall protect partition_destroy; do
		[ "$(count vtl $n)" -gt 0 ] ||
			problem "vtl: tracepoint kvm_vtl_$n did not fire"
	done
}

# --- what is printed -------------------------------------------------------

row() { printf '  %-35s %-37s %s\n' "$@"; }

say_control()
{
	local n=$1 report
	report=$(record control "attack $n")
	case $report in
	done\ *) ;;
	*) echo "${report:-nothing}"; return ;;
	esac
	case ${actions[n - 1]} in
	steal)	echo "got it, forges answers" ;;
	patch)	echo "done, service says ${numbers[$n]}" ;;
	spoil)	echo "done, the secret is lost" ;;
	esac
}

say_vtl()
{
	local n=$1 report seen gpa access answer
	report=$(record vtl "attack $n")
	read -r seen gpa access < <(record vtl "intercepts $n") || true
	answer=$(record vtl "answer $n")
	[ "$report" != "fault 13" ] || report="#GP"
	[ "$answer" = "0 $(record vtl expected)" ] && answer=right ||
		answer="'$answer'"
	echo "${report:-nothing}; VTL1 told: ${access:-} of ${gpa:-};" \
		"answer $answer"
}

# What one attack gave the attacker of RUN: the secret's two words
stolen()
{
	local found
	found=$(sed -n "s/^record $1 attack [13] done \\([0-9a-f]*\\) \\([0-9a-f]*\\) .*/\\1\\2/p" \
		"$raw" | head -n 1)
	echo "${found:-nothing}"
}

print_table()
{
	local n
	echo
	row "" "/dev/kvm" "/dev/kvm-vtl"
	row "the service runs in" "$(record control mode), as any kernel code" \
		"$(record vtl mode), its pages closed to VTL0"
	row "its answer before the attacks" \
		"$(record control 'answer 0' | cut -d ' ' -f 2)" \
		"$(record vtl 'answer 0' | cut -d ' ' -f 2)"
	row "intercepts that VTL1 counted" "-" \
		"$(record vtl 'intercepts 5' | cut -d ' ' -f 1)"
	row "the secret lies at" "$(record control secret)" \
		"$(record vtl secret)"
	row "its code lies at" "$(record control mac)" "$(record vtl mac)"
	for n in 1 2 3 4 5; do
		row "$n ${attacks[n - 1]}" "$(say_control "$n")" \
			"$(say_vtl "$n")"
	done
	row "its answer after the attacks" \
		"$(record control 'answer 5' | cut -d ' ' -f 2)" \
		"$(record vtl 'answer 5' | cut -d ' ' -f 2)"
	row "what the attacker got" "$(stolen control)" "$(stolen vtl)"
}

events=(partition_create switch hypercall protect fault intercept
	partition_dead partition_destroy)

print_traces()
{
	local e
	echo
	echo "  Tracepoints of kvm_vtl that fired:"
	for e in "${events[@]}"; do
		row "$e" "$(count control "$e")" "$(count vtl "$e")"
	done
	echo
	echo "  Protection changes, faults and intercepts on /dev/kvm-vtl:"
	sed -n 's/^trace vtl \(kvm_vtl_\(protect\|fault\|intercept\): \)/    \1/p' \
		"$raw"
}

# --- outside ---------------------------------------------------------------

# The whole host is lost, or a guest in it: that is not the demo's answer.
lost()
{
	local file=$1 status=$2
	[ "$status" = 3 ] || ! grep -q '^record vtl guest ' "$file"
}

outside()
{
	local logs=$guest_top/build/logs/guest status=0
	raw=$logs/demo.log
	mkdir -p "$logs"
	rm -f "$logs"/demo*
	guest_prepare
	guest_say "starting the emulated host (some minutes)"
	guest_run_host_twice $((2 * LIMIT + 40)) "$raw" || status=$?
	if lost "$raw" "$status"; then
		guest_say "the emulated host was lost; see build/logs/svm-run"
		exit 3
	fi
	judge_control
	judge_vtl
	if guest_host_splats >"$logs/demo.splats"; then
		problem "the host's kernel complains: build/logs/guest/demo.splats"
	fi
	print_table
	print_traces
	echo
	finish
}

finish()
{
	local p
	if [ "${#problems[@]}" = 0 ]; then
		echo "demo: passed: every attack succeeds on /dev/kvm and is" \
			"stopped on /dev/kvm-vtl"
		return 0
	fi
	for p in "${problems[@]}"; do echo "demo: $p"; done
	grep -aE '^(---|secure kernel)' "$raw" >/dev/null &&
		echo "demo: what the guests said is in build/logs/guest/demo.log"
	echo "demo: FAILED"
	return 1
}

case ${1:-} in
'')	outside ;;
--inside) inside ;;
-h|--help) usage ;;
*)	usage >&2; exit 2 ;;
esac

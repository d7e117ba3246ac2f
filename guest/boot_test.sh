#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stock QEMU boots Debian's Linux in the emulated AMD host: on /dev/kvm, and on
# /dev/kvm-vtl with VTLs offered or not.

set -eu

guest_name=boot_test
# shellcheck source=guest/lib.sh
. "$(dirname "$0")/lib.sh"

LIMIT=180	# seconds for one guest

usage()
{
	cat <<'END'
usage: guest/boot_test.sh

Boots Debian's Linux to user space with stock QEMU, inside the emulated AMD
host, and prints TAP:

  1  on /dev/kvm
  2  on /dev/kvm-vtl, no VTLs offered
  3  on /dev/kvm-vtl, VTLs offered, one vCPU
  4  on /dev/kvm-vtl, VTLs offered, two vCPUs
  5  and the host's kernel has nothing to complain about

Output and totals ("passed failed skipped"): build/logs/guest/boot_test*
Exit status: 0 all passed, 1 not, 3 the emulated host was lost.
END
}

# --- inside ----------------------------------------------------------------

# AccessVsm and AccessVpRegisters of CPUID 0x40000003: both (1) or none (0)
offers_vtls()
{
	local high want=0
	[ "$1" = 0 ] || want=$((0x30000))
	high=$(sed -n 's/^privileges //p' "$guest_report")
	[ -n "$high" ] && [ $((high & 0x30000)) = $want ]
}

reaches_userspace()
{
	local device=$1 vtls=$2 cpus=$3
	guest_boot "$device" "$cpus" boot "$LIMIT" || return 1
	grep -q '^userspace ' "$guest_report" || return 1
	grep -qx "cpus $cpus" "$guest_report" && offers_vtls "$vtls"
}

# boot_case NUMBER DEVICE VTLS CPUS DESCRIPTION
boot_case()
{
	local number=$1 start=$SECONDS status=0
	guest_offer_vtls "$3"
	guest_progress "booting: $5"
	if reaches_userspace "$2" "$3" "$4"; then
		echo "ok $number - $5"
	else
		echo "not ok $number - $5"
		sed 's/^/  # /' "$guest_report"
		guest_explain | sed 's/^/  # /'
		status=1
	fi
	guest_progress "$((SECONDS - start)) s"
	return $status
}

# Where stock KVM does not boot its guest, the emulated host is to blame.
inside()
{
	boot_case 1 /dev/kvm 0 1 "Linux boots on /dev/kvm" || exit 3
	boot_case 2 /dev/kvm-vtl 0 1 \
		"Linux boots on /dev/kvm-vtl without VTLs" || true
	boot_case 3 /dev/kvm-vtl 1 1 "Linux boots with VTLs, 1 vCPU" || true
	boot_case 4 /dev/kvm-vtl 1 2 "Linux boots with VTLs, 2 vCPUs" || true
}

# --- outside ---------------------------------------------------------------

# tap_lines FILE: the TAP in the inside half's output
tap_lines() { grep -E '^(ok |not ok |  # )' "$1"; }

outside()
{
	local logs=$guest_top/build/logs/guest raw status=0 passed failed
	raw=$logs/$guest_name.log
	mkdir -p "$logs"
	rm -f "$logs/$guest_name"*
	guest_prepare
	guest_run_host_twice $((4 * LIMIT + 60)) "$raw" || status=$?
	printf 'TAP version 13\n1..5\n'
	tap_lines "$raw" || true
	if guest_host_splats >"$logs/$guest_name.splats"; then
		echo "not ok 5 - the host's kernel is silent"
		sed 's/^/  # /' "$logs/$guest_name.splats"
	else
		echo "ok 5 - the host's kernel is silent"
	fi
	passed=$(tap_lines "$raw" | grep -c '^ok ' || true)
	failed=$((4 - passed))
	if [ -s "$logs/$guest_name.splats" ]; then
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
	echo "$passed $failed 0" >"$logs/$guest_name.totals"
	echo "# boot: $passed passed, $failed failed, 0 skipped"
	[ "$status" != 3 ] || exit 3
	[ "$failed" = 0 ]
}

case ${1:-} in
'')	outside ;;
--inside) inside ;;
-h|--help) usage ;;
*)	usage >&2; exit 2 ;;
esac

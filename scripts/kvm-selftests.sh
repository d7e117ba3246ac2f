#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# KVM's own selftests, of the kernel's source, in the emulated AMD host: is
# /dev/kvm what it was while the module is there, and is /dev/kvm-vtl one?

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
deps=$top/scripts/deps.sh
logs=$top/build/logs/kvm-selftests
LIMIT=40	# seconds for one test

# They want more memory or time than the machine has.
too_big='(access_tracking|dirty_log|memslot)_perf_test|demand_paging_test'
too_big+='|max_guest_memory_test|memslot_modification_stress_test'
too_big+='|kvm_page_table_test|dirty_log_test|kvm_create_max_vcpus'
# They measure time, and compare it with another clock of the emulator.
timed='x86_64/(apic_bus_clock_test|hyperv_clock)'

usage()
{
	cat <<'END'
usage: scripts/kvm-selftests.sh [TEST...]

Runs KVM's selftests (default: all but big ones and two clocks) four times:

  plain   on /dev/kvm, before kvm-vtl was loaded
  loaded  on /dev/kvm, kvm-vtl is loaded
  active  on /dev/kvm, and a partition with VTLs exists
  device  on /dev/kvm-vtl, no VTLs offered

and compares: a test must end in the same way each time.  One that takes longer
than 40 s in the first run is left out.  Results: build/logs/kvm-selftests/
Exit status: 0 no difference, 1 there is one, 3 the emulated host was lost.
END
}

# --- inside ----------------------------------------------------------------

verdict()
{
	case $1 in
	0) echo pass ;;
	4) echo skip ;;
	124|137) echo slow ;;
	*) echo "status-$1" ;;
	esac
}

# run_case NAME [VARIABLE=VALUE...]
redirected=
run_case()
{
	local name=$1 test status
	shift
	for test in $KVM_TESTS; do
		status=0
		rm -f "$redirected"
		env "$@" timeout -k 5 "$LIMIT" "$KVM_TESTS_DIR/$test" \
			>"/tmp/$name.log" 2>&1 </dev/null || status=$?
		# It was /dev/kvm-vtl, and not /dev/kvm once more.
		[ "$status" != 0 ] || [ -z "$redirected" ] ||
			[ -e "$redirected" ] || status=not-redirected
		echo "result $name $test $(verdict "$status")"
		case $status in
		0|4|124|137) ;;
		*) tail -n 3 "/tmp/$name.log" | sed 's/^/  # /' ;;
		esac
	done
}

hold_partition()
{
	python3 - <<-END &
		import fcntl, signal, struct
		CONFIGURE, CREATE_VM = 0x4018b901, 0xae01
		vtl = open('/dev/kvm-vtl', 'r+b', buffering=0)
		fcntl.ioctl(vtl, CONFIGURE, struct.pack('=4IQ', 24, 0, 1, 0, 0))
		vm = fcntl.ioctl(vtl, CREATE_VM, 0)
		open('/tmp/held', 'w').close()
		signal.pause()
	END
	holder=$!
	for _ in $(seq 100); do
		[ ! -e /tmp/held ] || return 0
		sleep 0.1
	done
	echo "  # no partition"
	return 1
}

inside()
{
	run_case plain
	insmod "$KVM_VTL_KO"
	run_case loaded
	hold_partition
	run_case active
	kill "$holder"
	wait "$holder" || true
	redirected=/tmp/redirected
	run_case device LD_PRELOAD="$KVM_DEVICE" REDIRECTED=$redirected
	echo finished
}

# --- outside ---------------------------------------------------------------

build()
{
	local source=$1 headers=$2/headers
	echo "kvm-selftests: building" >&2
	rm -rf "$2"
	mkdir -p "$headers" "$2/bin"
	make -s -C "$source" O="$headers" headers
	make -s -k -j"$(nproc)" -C "$source/tools/testing/selftests/kvm" \
		OUTPUT="$2/bin" ARCH=x86_64 \
		KHDR_INCLUDES="-isystem $headers/usr/include"
	rm -rf "$headers"
	touch "$2/complete"
}

# All tests of the folder but the big ones
all_tests()
{
	(cd "$1" && find . -type f -perm -u+x ! -name '*.so*' |
		sed 's,^\./,,' | grep -vxE "$too_big|$timed" | sort)
}

# Prints what is different; status 1 when there is anything.
compare()
{
	awk '
	$1 == "result" { if (!($3 in first)) { first[$3] = $4; next }
		if (first[$3] == "slow") next
		n++
		if ($4 != first[$3]) {
			printf "differs: %s: %s, %s: %s\n", $3, first[$3],
				$2, $4
			bad++
		} }
	END { for (t in first) count[first[t]]++
		for (v in count) line = line sprintf(" %d %s,", count[v], v)
		printf "kvm-selftests:%s %d compared, %d different\n", line,
			n, bad
		exit bad > 0 || n == 0 }' "$1"
}

outside()
{
	local source dir tests
	"$deps" tools build vmtest
	source=$("$deps" source 6.12)
	dir=$("$deps" cache)/kvm-selftests
	[ "$dir/complete" -nt "$source/Makefile" ] || build "$source" "$dir" >&2
	mkdir -p "$logs"
	tests=$*
	[ -n "$tests" ] || tests=$(all_tests "$dir/bin" | paste -sd ' ')
	gcc -O2 -Wall -shared -fPIC -D_GNU_SOURCE -o "$logs/kvm_device.so" \
		"$top/selftests/vmtest/kvm_device.c"
	cat >"$logs/inside" <<-END
		#!/bin/bash
		export KVM_TESTS='$tests' KVM_TESTS_DIR='$dir/bin'
		export KVM_DEVICE='$logs/kvm_device.so'
		exec '$top/scripts/kvm-selftests.sh' --inside
	END
	"$top/selftests/vmtest/run.sh" -m svm -v --root9p --no-load -s 7200 \
		--run "$logs/inside" | tee "$logs/output" |
		sed -un 's/^result /  /p; s/^  # /    /p' || true
	grep -qx finished "$logs/output" || { echo "the host was lost"; exit 3; }
	compare "$logs/output"
}

case ${1:-} in
--inside) inside ;;
-h|--help) usage ;;
-*) usage >&2; exit 2 ;;
*) outside "$@" ;;
esac

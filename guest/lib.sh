#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the demo and the boot test share: a Linux guest of stock QEMU inside the
# emulated AMD host.
#
# Two machines are nested, so each script has two halves.  Outside, on the
# machine that it was started on, it builds and starts the host; inside, in that
# host, which has the same files (9p), it starts the guests.

: "${guest_name:?}"
guest_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
guest_out=$guest_top/build/guest
guest_deps=$guest_top/scripts/deps.sh
guest_series=${SERIES:-6.12}

guest_say() { echo "$guest_name: $*" >&2; }

guest_die()
{
	guest_say "error: $*"
	exit 1
}

# --- outside ---------------------------------------------------------------

guest_build_modules()
{
	local kernel=$1 dir=$guest_out/vtl0 image=$guest_out/secure_kernel
	guest_say "building the secure kernel and VTL0's modules"
	mkdir -p "$dir"
	find "$dir" -xtype l -delete
	ln -sf "$guest_top"/guest/vtl0/* "$dir/"
	make -s -C "$guest_top/guest/secure_kernel" OUT="$image" >&2
	make -s -C "$kernel/build" M="$dir" SK_BIN="$image/sk.bin" \
		SK_INCLUDE="$guest_top/guest/include" modules \
		>"$guest_out/modules.log" 2>&1 ||
		{ cat "$guest_out/modules.log" >&2
		guest_die "cannot build VTL0's modules"; }
}

guest_make_initramfs()
{
	local root=$guest_out/root
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,lib,proc,sys}
	cp "$guest_top/guest/init" "$root/init"
	chmod +x "$root/init"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$guest_out"/vtl0/*.ko "$root/lib/"
	strip -g "$root"/lib/*.ko
	(cd "$root" && find . | sort |
		cpio --quiet -o -H newc -R 0:0) >"$guest_out/initramfs"
}

# Fetches and builds everything that the inside half needs.
guest_prepare()
{
	local kernel qemu
	mkdir -p "$guest_out"
	"$guest_deps" tools build vmtest demo
	kernel=$("$guest_deps" kernel "$guest_series")
	qemu=$("$guest_deps" qemu10)
	exec 6>"$guest_out/.lock"
	flock 6
	guest_build_modules "$kernel"
	guest_make_initramfs
	cat >"$guest_out/inside" <<-END
		#!/bin/bash
		export GUEST_KERNEL='$kernel/vmlinuz' GUEST_QEMU='$qemu'
		exec '$guest_top/guest/$guest_name.sh' --inside
	END
}

# guest_run_host SECONDS FILE: boots the host, runs the inside half there; its
# progress ("# ...") is shown, all of its output is in FILE.  Status: its own,
# or 3 when the host is lost.
guest_run_host()
{
	local seconds=$1 file=$2 status=0
	{ "$guest_top/selftests/vmtest/run.sh" -m svm -k "$guest_series" -v \
		--cpus 1 --root9p --mem 2048 -s "$seconds" --run "$guest_out/inside" \
		6>&- || echo "host-status $?"; } |
		tee "$file" | sed -un 's/^# //p' >&2
	status=$(sed -n 's/^host-status //p' "$file")
	return "${status:-0}"
}

# As above, once more when the machine, not the test, failed.
guest_run_host_twice()
{
	local status=0
	guest_run_host "$@" || status=$?
	[ "$status" = 3 ] || return "$status"
	guest_say "the emulated host was lost (infrastructure), second try"
	guest_run_host "$@"
}

# Complaints of the host's kernel; what the tests print is prefixed there.
guest_host_splats()
{
	local console=$guest_top/build/logs/svm-run/console
	grep -v 'vtl-test run|' "$console" | tr -d '\r' | grep -aE \
		'\bBUG\b|WARNING:|Oops|Call Trace|rcu.*stall|blocked for more|general protection|Kernel panic'
}

# --- inside ----------------------------------------------------------------

guest_progress() { echo "# $*"; }

# guest_offer_vtls 0|1: what stock QEMU is offered on /dev/kvm-vtl
guest_offer_vtls()
{
	echo "$1" >/sys/module/kvm_vtl/parameters/default_max_vtl
}

# guest_boot DEVICE CPUS TASK SECONDS: the guest's records are in
# $guest_report then, its console in $guest_console.
guest_report=/tmp/guest.report
guest_console=/tmp/guest.console
guest_sample=/tmp/guest.sample
guest_boot()
{
	local device=$1 cpus=$2 task=$3 seconds=$4 status=0 sampler
	local cpu=host,kvm=off,hv-relaxed,hv-vapic,hv-time,hv-vpindex
	cpu+=,hv-runtime,hv-synic,hv-frequencies,hv-reset
	rm -f "$guest_report" "$guest_console" "$guest_sample"
	guest_sample_late $((seconds - 5)) &
	sampler=$!
	timeout -k 5 "$seconds" "$GUEST_QEMU" \
		-accel "kvm,device=$device" -M q35,kernel-irqchip=split \
		-cpu "$cpu" -smp "$cpus" -m 384 \
		-nodefaults -no-user-config -no-reboot -display none \
		-kernel "$GUEST_KERNEL" -initrd "$guest_top/build/guest/initramfs" \
		-append "console=ttyS0 panic=-1 oops=panic guest.task=$task" \
		-serial "file:$guest_console" -serial "file:$guest_report" \
		>/tmp/guest.qemu 2>&1 </dev/null || status=$?
	kill "$sampler" 2>/dev/null || true
	touch "$guest_report" "$guest_console" "$guest_sample"
	tr -d '\r' <"$guest_report" >"$guest_report.new"
	mv "$guest_report.new" "$guest_report"
	[ "$status" = 0 ] && grep -qx end "$guest_report"
}

# What KVM counts in two seconds of a guest that is about to be given up.
guest_sample_late()
{
	sleep "$1"
	for _ in 1 2 3; do
		(cd /sys/kernel/debug/kvm && echo "uptime $(cut -d ' ' -f 1 \
			/proc/uptime)" && grep -s . exits halt_exits io_exits \
			irq_injections signal_exits) | tr '\n' ' '
		echo
		sleep 1
	done >"$guest_sample"
}

# Why a guest did not come to its end.
guest_explain()
{
	echo "--- the host's clock:"
	dmesg | grep -aE 'tsc: (Det|Ref)|Switched to clocksource' || true
	echo "--- KVM, shortly before the end:"
	cat "$guest_sample"
	echo "--- QEMU:"
	tail -n 5 /tmp/guest.qemu
	echo "--- the guest's console ends with:"
	# A panic of the guest is none of the host: run.sh looks for that word.
	tail -n 60 "$guest_console" | tr -d '\r' |
		sed 's/Kernel panic/kernel panic/'
	echo "---"
}

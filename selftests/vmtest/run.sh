#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Boots a test machine, an emulated AMD or Intel host, and runs the selftests
# (or one command, or one program) in it.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/selftests/vmtest
deps=$top/scripts/deps.sh
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

usage()
{
	cat <<'END'
usage: selftests/vmtest/run.sh -m svm|vmx [OPTION...]

  -m HOST         svm: QEMU TCG, AMD with nested paging, 2 CPUs
                  vmx: Bochs, Intel with EPT, 1 CPU
  -k SERIES       kernel series of Debian (default 6.12), or SERIES-debug or
                  SERIES-kcsan
  -t TEST[,TEST]  run only these tests (default: all)
  -s SECONDS      limit for the whole boot (default: svm 1500, vmx 2400)
  -v              show the tests' output while they run
  --cpus N        CPUs of svm (default 2)
  --thread KIND   of TCG (svm): single (default), or multi, which corrupts
                  machines now and then (Documentation/testing.rst)
  --count         svm's clock counts instructions, as that of vmx always does;
                  the seconds of the machine have nothing to do with ours
  --mem MIB       memory (default: svm 2048, vmx 1024)
  --model NAME    CPU model (default: svm max; vmx broadwell_ult, from Linux
                  7.3 on corei3_cnl, which has MBEC)
  --cmdline WORDS add to the kernel's command line, e.g. parameters of the
                  module as kvm_vtl.NAME=VALUE (no quotes: GRUB eats them)
  --root9p        give the machine this machine's root (svm only): what is
                  written there stays in the machine's memory
  --run FILE      run the program or script FILE in that root instead of the
                  tests; its output is printed, its status is ours.  kvm-vtl
                  is loaded unless --no-load; its file is $KVM_VTL_KO
  --no-load       with --run: do not load kvm-vtl
  --program FILE  run this static program instead of the tests; its output is
                  printed, its status is ours.  It finds kvm-vtl loaded, and
                  its file as $KVM_VTL_KO
  --no-module     do not build and load kvm-vtl.ko

With a debug kernel all time limits are VTL_SCALE times as long (default 6),
and the machine has twice the memory.

Logs: build/logs/HOST/, for other series build/logs/HOST-SERIES/.  Exit status: 0 passed, 1 failed, 3 machine lost.
BOCHS=packaged takes Debian's Bochs instead of the faster build, QEMU=packaged
Debian's QEMU instead of the repaired one.
END
}

die() { echo "vmtest: error: $*" >&2; exit 1; }

parse_arguments()
{
	host='' series=6.12 tests='' seconds='' verbose='' cpus=2 mem=''
	thread=single count='' model='' extra='' root9p='' run='' program='' module=1 load=1
	while [ $# -gt 0 ]; do
		case $1 in
		-m) host=$2; shift ;;
		-k) series=$2; shift ;;
		-t) tests=$2; shift ;;
		-s) seconds=$2; shift ;;
		-v) verbose=1 ;;
		--cpus) cpus=$2; shift ;;
		--thread) thread=$2; shift ;;
		--count) count=1 ;;
		--mem) mem=$2; shift ;;
		--model) model=$2; shift ;;
		--cmdline) extra=$2; shift ;;
		--root9p) root9p=1 ;;
		--run) run=$2; shift ;;
		--program) program=$2; shift ;;
		--no-load) load= ;;
		--no-module) module= ;;
		-h|--help) usage; exit 0 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift
	done
	scale=${VTL_SCALE:-1} size=1
	case $series in
	*-kcsan) scale=${VTL_SCALE:-6} size=2 ;;
	*-debug) scale=${VTL_SCALE:-6} size=2 extra+=' kasan_multi_shot' ;;
	esac
	case $host in
	svm) : "${seconds:=$((1500 * scale))}" "${mem:=$((2048 * size))}"
		: "${model:=max}"; vendor=kvm-amd ;;
	vmx) : "${seconds:=$((2400 * scale))}" "${mem:=$((1024 * size))}"
		case $series in 6.*) : "${model:=broadwell_ult}" ;; esac
		: "${model:=corei3_cnl}"; vendor=kvm-intel ;;
	*) usage >&2; exit 2 ;;
	esac
	[ -z "$run" ] || [ "$host$root9p" = svm1 ] ||
		die "--run needs -m svm --root9p"
	[ -z "$program" ] || [ -z "$run$tests" ] ||
		die "--program goes without -t and --run"
}

# Where things go; one run of a kind at a time.
prepare()
{
	label=$host
	[ "$series" = 6.12 ] || label=$host-$series
	[ -z "$run" ] || label+=-run
	[ -z "$program" ] || label+=-$(basename "$program")
	work=$top/build/vmtest/$label
	logs=$top/build/logs/$label
	mkdir -p "$work" "$logs"
	exec 7>"$work.lock"
	flock -n 7 || { echo "vmtest: waiting for another $label run" >&2; flock 7; }
	rm -f "$logs"/*

	"$deps" tools build vmtest
	kernel=$("$deps" kernel "$series")
	version=$(cat "$kernel/version")
}

# What differs between the two hosts.
choose_machine()
{
	machine_words='' wall_factor=2
	if [ "$host$root9p" = svm1 ]; then
		# Linux inside it was seen to stop in the repaired one.
		qemu=$(QEMU=packaged "$deps" qemu)
	elif [ "$host" = svm ]; then
		qemu=$("$deps" qemu)
	else
		# Bochs's second is 200 million instructions, several real seconds.
		# Newer CPU models claim a TSC of some GHz in CPUID leaf 0x15, which
		# Linux believes: timers run wild.  Broadwell has no such leaf.
		wall_factor=8
		bochs=$("$deps" bochs)
		case $bochs in
		"$("$deps" cache)"/*) bochs_kind=cached ;;
		*) bochs_kind=packaged ;;
		esac
		# 3.0 refuses posted-interrupt descriptors that are not page-aligned.
		[ "$bochs_kind" = packaged ] ||
			machine_words+=" kvm_intel.enable_apicv=0"
	fi
}

# --- what goes into the machine --------------------------------------------

# The tests chosen; empty means every one that there is.
test_names()
{
	(cd "$top/selftests" && ls) |
		sed -n 's/^\([^_].*\)_test\.\(c\|sh\)$/\1/p' | sort -u
}

choose_tests()
{
	local t
	wanted=$(test_names)
	if [ -n "$tests" ]; then
		for t in ${tests//,/ }; do
			grep -qx "$t" <<<"$wanted" || die "no test '$t'; there are:" \
				"$(tr '\n' ' ' <<<"$wanted")"
		done
		wanted=$(tr ',' '\n' <<<"$tests")
	fi
	[ -z "$run$program" ] || wanted=
}

build()
{
	local t targets=("$top/build/selftests/init")
	for t in $wanted; do
		[ ! -f "$top/selftests/${t}_test.c" ] ||
			targets+=("$top/build/selftests/${t}_test")
	done
	flock "$top/build/selftests.lock" \
		make -s -C "$top/selftests" "${targets[@]}" >&2
	if [ -n "$module" ] && [ -f "$top/kvm-vtl/main.c" ]; then
		"$top/scripts/build-module.sh" "$kernel/build" \
			"$top/build/module/$version" -s >"$work/module"
	else
		: >"$work/module"
	fi
}

# add_module NAME: with what it needs, in loading order, decompressed.
add_module()
{
	local word file name
	modprobe -C /dev/null -d "$kernel" -S "$version" --show-depends "$1" |
	while read -r word file _; do
		[ "$word" = insmod ] || continue
		name=$(basename "$file")
		name=${name%%.ko*}.ko
		if [ ! -f "$work/root/lib/modules/$name" ]; then
			case $file in
			*.xz) xz -dc "$file" ;;
			*.zst) zstd -qdc "$file" ;;
			*.gz) gzip -dc "$file" ;;
			*) cat "$file" ;;
			esac >"$work/root/lib/modules/$name"
		fi
		grep -qx "/lib/modules/$name" "$work/root/vtl/load" ||
			echo "/lib/modules/$name" >>"$work/root/vtl/load"
	done
}

# The Linux that the test of VTL2 boots, where there is one.
add_linux_vtl2()
{
	local out=$top/build/guest/linux_vtl2 to=$work/root/vtl/linux_vtl2 linux
	linux=$("$deps" guest-vtl2) || return 0
	flock "$top/build/selftests.lock" \
		make -s -C "$top/guest/linux_vtl2" OUT="$out" >&2
	mkdir -p "$to"
	cp "$linux" "$out/initramfs" "$to"
}

make_initramfs()
{
	local root=$work/root t ko hash
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,lib/modules,proc,sys,tests,tmp,vtl}
	cp "$top/build/selftests/init" "$root/init"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for t in $("$root/bin/busybox" --list); do
		[ "$t" = busybox ] || ln -s busybox "$root/bin/$t"
	done
	: >"$root/vtl/load"
	add_module "$vendor"
	# Something to swap to, where the kernel has it
	! grep -qx race <<<"$wanted" ||
		! modinfo -b "$kernel" -k "$version" brd >/dev/null 2>&1 ||
		add_module brd
	if [ -n "$root9p" ]; then
		add_module 9pnet_virtio
		add_module 9p
		add_module virtio_pci
		add_module overlay
	fi
	ko=$(cat "$work/module")
	if [ -n "$ko" ]; then
		cp "$ko" "$root/lib/modules/kvm-vtl.ko"
		strip -g "$root/lib/modules/kvm-vtl.ko"
	fi
	cp "$top/selftests/settings" "$root/vtl/settings"
	for t in $wanted; do
		if [ -f "$top/selftests/${t}_test.c" ]; then
			cp "$top/build/selftests/${t}_test" "$root/tests/"
			strip "$root/tests/${t}_test"
		else
			cp "$top/selftests/${t}_test.sh" "$root/tests/"
			chmod +x "$root/tests/${t}_test.sh"
		fi
	done
	! grep -qx linux_vtl2 <<<"$wanted" || add_linux_vtl2
	[ -z "$run" ] || { cp "$run" "$root/vtl/run"; chmod +x "$root/vtl/run"; }
	if [ -n "$program" ]; then
		cp "$program" "$root/tests/run_test"
		strip "$root/tests/run_test"
		echo "run=$seconds" >>"$root/vtl/settings"
	fi

	hash=$(cd "$root" && find . -type f -print0 | sort -z |
		xargs -0 sha256sum | sha256sum)
	if [ "$hash" != "$(cat "$work/hash" 2>/dev/null)" ]; then
		rm -f "$work/hash" "$work"/*.iso
		(cd "$root" && find . | sort |
			cpio --quiet -o -H newc -R 0:0 --reproducible) |
			zstd -q -T0 -"$1" >"$work/initramfs"
		echo "$hash" >"$work/hash"
	fi
}

# --- the machines ----------------------------------------------------------

command_line()
{
	local words="console=ttyS0,115200 panic=-1 oops=panic loglevel=7"
	words+=" printk.devkmsg=on vtl.host=$host vtl.scale=$scale"
	[ -z "$tests" ] || words+=" vtl.tests=$tests"
	[ -z "$run" ] || words+=" vtl.run=$(test -z "$load" || echo load)run"
	echo "$words $machine_words $extra"
}

start_svm()
{
	local share_root="local,path=/,mount_tag=hostroot"
	share_root+=",security_model=none,readonly=on,multidevs=remap"
	local args=(
		-accel "tcg,thread=$thread" -cpu "$model" -smp "$cpus" -m "$mem"
		-nodefaults -no-user-config -no-reboot -display none
		-kernel "$kernel/vmlinuz" -initrd "$work/initramfs"
		-append "$(command_line)"
		-chardev "file,id=console,path=$logs/console"
		-chardev "file,id=verdict,path=$logs/verdict"
		-serial chardev:console -serial chardev:verdict
	)
	[ -z "$count" ] || args+=(-icount "shift=0,sleep=off")
	[ -z "$root9p" ] || args+=(-virtfs
		"$share_root")
	nice timeout -k 5 "$seconds" "$qemu" "${args[@]}" \
		</dev/null >"$logs/emulator" 2>&1 7>&- &
	emulator=$!
}

# A BIOS ISO with as little in it as possible: the BIOS reads it slowly.
make_iso()
{
	local line
	line=$(command_line)
	if [ -f "$work/boot.iso" ] && [ "$kernel $line" = "$(cat "$work/iso" \
			2>/dev/null)" ]; then
		return
	fi
	rm -rf "$work/isoroot" "$work/boot.iso"
	mkdir -p "$work/isoroot/boot/grub"
	cp "$kernel/vmlinuz" "$work/isoroot/boot/vmlinuz"
	cp "$work/initramfs" "$work/isoroot/boot/initramfs"
	cat >"$work/isoroot/boot/grub/grub.cfg" <<-END
		linux /boot/vmlinuz $line
		initrd /boot/initramfs
		boot
	END
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$work/boot.iso" \
		--install-modules="linux normal iso9660 biosdisk" \
		--modules="linux iso9660 biosdisk" --fonts= --locales= \
		--themes= --compress=no "$work/isoroot" \
		>"$work/grub.log" 2>&1 || die "grub-mkrescue: see $work/grub.log"
	echo "$kernel $line" >"$work/iso"
}

start_vmx()
{
	local share display=nogui
	make_iso
	share=$(dirname "$(dirname "$bochs")")/share/bochs
	[ -f "$share/BIOS-bochs-latest" ] || share=/usr/share/bochs
	[ "$bochs_kind" = cached ] || display='rfb, options="timeout=0"'
	cat >"$work/bochsrc" <<-END
		display_library: $display
		cpu: model=$model, count=1, ips=200000000, reset_on_triple_fault=0, ignore_bad_msrs=1
		megs: $mem
		romimage: file=$share/BIOS-bochs-latest
		vgaromimage: file=$share/VGABIOS-lgpl-latest
		ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
		boot: cdrom
		log: $logs/bochs.log
		com1: enabled=1, mode=file, dev=$logs/console
		com2: enabled=1, mode=file, dev=$logs/verdict
		clock: sync=none, time0=utc
		mouse: enabled=0
	END
	local args=(-q -f "$work/bochsrc")
	if [ "$bochs_kind" = packaged ]; then
		# A debugger build ("c" starts the machine), and it aborts
		# where it finds no sound.
		cat >>"$work/bochsrc" <<-END
			sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
			speaker: enabled=0
		END
		echo c >"$work/bochs.rc"
		args+=(-rc "$work/bochs.rc")
	fi
	# Bochs 3.0 logs its speed in a signal handler and can deadlock there.
	nice timeout -k 5 "$seconds" env --block-signal=ALRM \
		"$bochs" "${args[@]}" \
		</dev/zero >"$logs/emulator" 2>&1 7>&- &
	emulator=$!
}

# --- one boot --------------------------------------------------------------

emulator=
stop_emulator()
{
	[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
	[ -z "$emulator" ] || wait "$emulator" 2>/dev/null || true
	emulator=
}
trap stop_emulator EXIT
trap 'exit 130' INT TERM

# A test that says nothing for longer than its limit (init kills it then) means
# that the machine itself hangs.
machine_hangs()
{
	local limit age
	limit=$(sed -n 's/^vtl-begin .* limit=//p' "$logs/verdict" | tail -n 1)
	age=$(($(date +%s) - $(stat -c %Y "$logs/verdict")))
	[ -n "$limit" ] && [ "$age" -gt $((limit * wall_factor + 60)) ]
}

boot()
{
	local shown=0 lines grace=''
	: >"$logs/console"
	: >"$logs/verdict"
	if [ "$host" = svm ]; then start_svm; else start_vmx; fi
	while kill -0 "$emulator" 2>/dev/null; do
		sleep 0.2
		if [ -n "$verbose" ]; then
			lines=$(wc -l <"$logs/verdict")
			# Of a range that ends before it begins sed prints a line.
			[ "$lines" -le "$shown" ] || sed -n \
				"$((shown + 1)),${lines}p" "$logs/verdict"
			shown=$lines
		fi
		if grep -qx 'vtl-done' "$logs/verdict"; then
			: "${grace:=$(($(date +%s) + 5))}"
		elif grep -qE '^\[[^]]*\] Kernel panic' "$logs/console"; then
			: "${grace:=$(($(date +%s) + 3))}"
		elif machine_hangs; then
			echo "vmtest: $label: the machine hangs" >&2
			break
		fi
		[ -z "$grace" ] || [ "$(date +%s)" -lt "$grace" ] || break
	done
	stop_emulator
}

judge()
{
	"$here/judge.py" --host "$label" --verdict "$logs/verdict" \
		--console "$logs/console" --totals "$logs/totals" \
		--expected "$top/selftests/expected-splats" \
		--want "$(tr '\n' ',' <<<"$wanted")" "$@"
}

# The output and status of the command or program are ours.
finish_run()
{
	local status
	status=$(sed -n 's/^vtl-end run status=exit:\([0-9]*\).*/\1/p' \
		"$logs/verdict")
	[ -n "$verbose" ] || grep -v '^vtl-' "$logs/verdict" || true
	[ -n "$status" ] && exit "$status"
	echo "$label: machine lost or command killed; see $logs" >&2
	exit 3
}

finish_tests()
{
	local status=0 try f
	judge >"$logs/report" || status=$?
	for try in 2 3; do
		[ "$status" = 3 ] || break
		cat "$logs/report"
		echo "$label: machine lost: infrastructure failure, try $try of 3"
		for f in console verdict emulator; do
			cp "$logs/$f" "$logs/$f.$((try - 1))"
		done
		boot
		status=0
		if [ "$try" = 3 ]; then set -- --count-lost; fi
		judge "$@" >"$logs/report" || status=$?
	done
	cat "$logs/report"
	echo "# $label: $(($(date +%s) - started)) s, logs in build/logs/$label"
	exit "$status"
}

# Everything is in functions: this file may change while it runs.
main()
{
	local started
	parse_arguments "$@"
	prepare
	choose_machine
	choose_tests
	build
	if [ "$host" = vmx ]; then make_initramfs 19; else make_initramfs 1; fi

	started=$(date +%s)
	echo "# $label: kernel $version," \
		"${run:-${program:-$(wc -w <<<"$wanted") test programs}}"
	boot
	[ -z "$run$program" ] || finish_run
	finish_tests
}

main "$@"

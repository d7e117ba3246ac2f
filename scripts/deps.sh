#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The one place that knows which Debian packages the project needs and where
# kernels, their sources and the emulators come from.
#
# Everything fetched lies in a cache outside the tree, keyed by version, and is
# answered from there without the network once it is complete.  The archive is
# the one that this system is configured with; no mirror is named here.

set -eu
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd)
CACHE=${KVM_VTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kvm-vtl}
BOCHS_VERSION=3.0
BOCHS_BUILD=2	# counts the changes to how it is built
QEMU_BUILD=3	# counts the changes to how the emulated AMD host is built
QEMU_PATCH=$TOP/selftests/vmtest/qemu.patch
QEMU_SUITE_SUFFIX=-backports
QEMU_SERIES=10.0
GUEST_SERIES=7.3
DEBUG_BUILD=1	# counts the changes to how the debug kernel is built
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

usage()
{
	cat <<'END'
usage: scripts/deps.sh COMMAND [ARGUMENT]

  tools [GROUP...]   install the missing Debian packages of the groups
                     build, vmtest, check, bench, demo or all (default: all)
  kernel [SERIES]    newest Debian kernel of the series (default 6.12) with its
                     headers; prints a folder with version, vmlinuz, modules/,
                     build/ (usable as KDIR).  SERIES-debug is the series'
                     source built with selftests/vmtest/debug.config: KASAN,
                     lockdep and others; minutes, once.  SERIES-kcsan is the
                     same with KCSAN instead of KASAN.  SERIES-debug --cached
                     fails when it was not built yet
  source [SERIES]    kernel source of the series, extracted; prints the folder
  harness [SERIES]   kselftest headers; prints the folder
  checkpatch [SERIES]
                     checkpatch.pl and its word lists; prints the script's path
  qemu10             QEMU 10.0 of Debian backports, private; prints a program
  qemu               QEMU of this Debian release, repaired, built once;
                     QEMU=packaged takes Debian's packaged one instead; prints
                     the program
  bochs              Bochs 3.0, built once; BOCHS=packaged takes Debian's
                     packaged one instead; prints the program
  guest-vtl2         Linux 7.3 for VTL2, configured by guest/linux_vtl2/config,
                     built once; prints its ELF file
  refresh            forget what "newest" was, and the package lists
  cache              print the cache folder

The result is printed on stdout, progress on stderr.  The cache folder is
KVM_VTL_CACHE, else XDG_CACHE_HOME/kvm-vtl, else ~/.cache/kvm-vtl.
END
}

say() { echo "deps: $*" >&2; }
die() { echo "deps: error: $*" >&2; exit 1; }

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "need root (or sudo) for: $*"
	fi
}

os_release() { sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\).*/\\1/p" /etc/os-release; }

# Can the program be started?  Bochs has no option that only tells its version,
# and a kernel is no program.
starts()
{
	[ -x "$1" ] || return
	case ${1##*/} in
	bochs|vmlinux) ;;
	*)	"$1" --version >/dev/null 2>&1 ;;
	esac
}

# built KIND PREFIX PROGRAM ELSE: build_KIND PREFIX has made, or makes, PROGRAM.
# After a failure it is not tried again for an hour; ELSE is said each time.
built()
{
	local kind=$1 prefix=$2 program=$3 else=$4
	starts "$program" && return
	if [ -z "$(find "$prefix.failed" -mmin -60 2>/dev/null)" ]; then
		("build_$kind" "$prefix") && starts "$program" && return
		rm -f "$program"
		mkdir -p "${prefix%/*}"
		touch "$prefix.failed"
	fi
	say "cannot build $kind, $else; deps.sh refresh tries again"
	return 1
}

# --- packages of the system ------------------------------------------------

tool_packages()
{
	case $1 in
	kernel)	echo make gcc libc6-dev binutils flex bison bc libelf-dev \
			cpio zstd kmod xz-utils perl ;;
	build)	echo make gcc gcc-12 libc6-dev libelf1 binutils kmod xz-utils \
			dpkg-dev pahole ;;
	vmtest)	echo qemu-system-x86 bochs bochs-term bochsbios vgabios \
			grub-common grub-pc-bin xorriso mtools busybox-static cpio zstd xz-utils kmod python3 \
			g++ make ;;
	qemu)	echo gcc libc6-dev dpkg-dev make meson ninja-build pkg-config \
			python3 libglib2.0-dev libpixman-1-dev libfdt-dev \
			libcap-ng-dev libattr1-dev ;;
	guest)	echo make gcc libc6-dev binutils flex bison bc libelf-dev \
			perl python3 ;;
	check)	echo sparse shellcheck perl python3 codespell gcc-multilib g++ \
			g++-multilib binutils ;;
	bench)	echo gnuplot-nox python3 ;;
	demo)	echo qemu-system-x86 busybox-static cpio kmod python3 ;;
	all)	tool_packages build; tool_packages vmtest
		tool_packages check; tool_packages bench
		tool_packages demo ;;
	*)	die "unknown tool group '$1'" ;;
	esac
}

missing_packages()
{
	local p
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" \
			= installed ] || echo "$p"
	done
}

cmd_tools()
{
	local want missing g
	want=$(for g in "${@:-all}"; do tool_packages "$g"; done |
		tr ' ' '\n' | sort -u)
	# shellcheck disable=SC2086
	missing=$(missing_packages $want | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	say "installing: $missing"
	# shellcheck disable=SC2086
	apt_install $missing && return 0
	# The package lists may be absent, or older than the mirror's pool.
	say "reading the system's package lists again"
	as_root apt-get update -q >>"$CACHE/install.log" 2>&1 || true
	# shellcheck disable=SC2086
	apt_install $missing && return 0
	tail -n 20 "$CACHE/install.log" >&2
	die "cannot install: $missing"
}

apt_install()
{
	mkdir -p "$CACHE"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy \
		--no-install-recommends "$@" </dev/null \
		>>"$CACHE/install.log" 2>&1
}

# --- a private apt root ----------------------------------------------------

# Prints "URI suite" for every binary source that the system is configured with.
system_sources()
{
	local f
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		awk '
			function flush(  i, j, n, m, u, s) {
				if (!off) {
					n = split(uris, u, " ")
					m = split(suites, s, " ")
					for (i = 1; i <= n; i++)
						for (j = 1; j <= m; j++)
							print u[i], s[j]
				}
				uris = suites = ""; off = 0
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			tolower($1) == "uris:" { $1 = ""; uris = $0 }
			tolower($1) == "suites:" { $1 = ""; suites = $0 }
			tolower($1) == "enabled:" && $2 == "no" { off = 1 }
			END { flush() }' "$f"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		sed -n 's/\[[^]]*\]//; s/^[ \t]*deb[ \t]\{1,\}//p' "$f" |
			awk '{ print $1, $2 }'
	done
}

# archive_uri SUITE: where the system's archive keeps that suite.
archive_uri()
{
	local code
	code=$(os_release VERSION_CODENAME)
	case $1 in
	*-security) system_sources | awk -v s="$code-security" \
			'$2 == s { print $1; exit }' ;;
	*)	system_sources | awk -v s="$code" '$2 == s { print $1; exit }' ;;
	esac
}

# apt_root NAME SUITE...: makes the private root, sets APT_OPTIONS.
apt_root()
{
	local root=$CACHE/apt/$1 suite uri
	shift
	mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
	: >"$root/sources.list"
	for suite in "$@"; do
		uri=$(archive_uri "$suite")
		[ -n "$uri" ] || continue
		echo "${APT_TYPE:-deb} $uri $suite main" >>"$root/sources.list"
	done
	[ -s "$root/sources.list" ] ||
		die "no Debian archive in the system's apt configuration"
	APT_OPTIONS=(
		-o "Dir::Etc::sourcelist=$root/sources.list"
		-o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null
		-o Dir::Etc::preferencesparts=/dev/null
		-o "Dir::State::lists=$root/lists"
		-o "Dir::Cache=$root/cache"
		-o "Dir::State::status=${APT_STATUS:-/dev/null}"
		-o APT::Sandbox::User=
		-o Debug::NoLocking=1
		-o Acquire::Languages=none
		-o Acquire::Retries=3
	)
	if ! cmp -s "$root/sources.list" "$root/updated"; then
		say "reading the package lists of: $*"
		apt-get "${APT_OPTIONS[@]}" -q update >&2 ||
			say "some package lists could not be read"
		cp "$root/sources.list" "$root/updated"
	fi
}

# Debian's suites of one release.
release_suites() { echo "$1 $1-updates $1-security $1-backports"; }

# fetch FOLDER PACKAGE...: downloads (what is not there yet) and extracts.
fetch()
{
	local to=$1 p
	shift
	mkdir -p "$CACHE/debs/partial"
	for p in "$@"; do
		compgen -G "$CACHE/debs/${p}_*.deb" >/dev/null && continue
		say "downloading $p"
		(cd "$CACHE/debs/partial" && rm -f ./*.deb &&
			apt-get "${APT_OPTIONS[@]}" -q download "$p" >&2 &&
			mv ./*.deb ..) || die "cannot download $p"
	done
	mkdir -p "$to"
	for p in "$@"; do
		say "extracting $p"
		dpkg -x "$CACHE/debs/${p}"_*.deb "$to"
	done
}

forget_debs()
{
	local p
	for p in "$@"; do rm -f "$CACHE/debs/${p}"_*.deb; done
}

# find_newest REGEX: looks through this release, then newer ones; leaves
# APT_OPTIONS set for the root which has it and the package name in FOUND.
find_newest()
{
	local group code
	code=$(os_release VERSION_CODENAME)
	FOUND=
	for group in "$code" trixie sid; do
		if [ "$group" = sid ]; then
			apt_root sid sid
		else
			# shellcheck disable=SC2046
			apt_root "$group" $(release_suites "$group")
		fi
		FOUND=$(apt-cache "${APT_OPTIONS[@]}" pkgnames "${1%%-*}" |
			grep -E "^$1\$" | sort -V | tail -n 1) || true
		[ -z "$FOUND" ] || return 0
	done
	die "no package matches $1"
}

resolved() { cat "$CACHE/resolved/$1" 2>/dev/null; }
resolve_to() { mkdir -p "$CACHE/resolved"; echo "$2" >"$CACHE/resolved/$1"; }

# One download at a time when several commands start together.
lock() { mkdir -p "$CACHE"; exec 9>"$CACHE/lock-$1"; flock 9; }

# --- kernels ---------------------------------------------------------------

depends_matching()
{
	apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "$1" |
		sed -n 's/^Depends: //p' | tr ',|' '\n' |
		sed 's/^ *//; s/ .*//' | grep -E "$2" | sort -u || true
}

# Makes the extracted packages usable where they lie: no absolute paths.
relocate_kernel()
{
	local dir=$1 ver=$2
	[ -e "$dir/lib" ] || ln -s usr/lib "$dir/lib"
	ln -sfn "usr/src/linux-headers-$ver" "$dir/build"
	ln -sfn "lib/modules/$ver" "$dir/modules"
	# Newer Debian kernels have it beside their modules.
	ln -sfn "boot/vmlinuz-$ver" "$dir/vmlinuz"
	[ -e "$dir/vmlinuz" ] || ln -sfn "modules/vmlinuz" "$dir/vmlinuz"
	rm -f "$dir/lib/modules/$ver/build" "$dir/lib/modules/$ver/source"
	ln -s "$dir/build" "$dir/lib/modules/$ver/build"
	depmod -b "$dir" "$ver" 2>/dev/null || die "depmod failed for $ver"
	echo "$ver" >"$dir/version"
}

# with_libc ROOT PROGRAM: has the program use the C library below ROOT.
with_libc()
{
	[ -f "$2.bin" ] || mv "$2" "$2.bin"
	cat >"$2" <<-END
		#!/bin/sh
		# Made by scripts/deps.sh: a program of a newer Debian.
		exec $1/usr/lib64/ld-linux-x86-64.so.2 --argv0 "\$0" \
			--library-path $1/usr/lib/x86_64-linux-gnu $2.bin "\$@"
	END
	chmod +x "$2"
}

# newer_compiler GCC: a compiler that this Debian does not have, and its C
# library; leaves its folder in FOUND.  The other libraries that it needs are
# those of the system's compiler.
newer_compiler()
{
	local dir=$CACHE/compilers/$1 packages p
	if [ ! -f "$dir/complete" ]; then
		packages="$1-x86-64-linux-gnu cpp-${1#gcc-}-x86-64-linux-gnu
			libc6"
		find_newest "$1-x86-64-linux-gnu"
		rm -rf "$dir"
		# shellcheck disable=SC2086
		fetch "$dir" $packages
		# shellcheck disable=SC2086
		forget_debs $packages
		for p in "$dir/usr/bin/x86_64-linux-gnu-$1" \
			 "$dir/usr/libexec/gcc/x86_64-linux-gnu/${1#gcc-}/cc1"; do
			with_libc "$dir" "$p"
		done
		touch "$dir/complete"
	fi
	FOUND=$dir
}

# A kernel of a newer Debian: its headers want a compiler, and their programs a
# C library, that this one does not have.  Without the BTF of the module, for
# which pahole would have to be as new.
adopt_kernel()
{
	local dir=$1 variables gcc p
	for p in "$dir"/usr/src/linux-headers-*/Makefile; do
		sed -i -E "s,(^include |^KBUILD_OUTPUT=)/usr/src/,\1$dir/usr/src/," \
			"$p"
	done
	variables=$dir/build/.kernelvariables
	gcc=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$variables")
	if ! command -v "$gcc" >/dev/null && ! apt_knows "$gcc"; then
		newer_compiler "$gcc"
		sed -i "s,^CC = .*,CC = $FOUND/usr/bin/x86_64-linux-gnu-$gcc," \
			"$variables"
		sed -i '/^CONFIG_DEBUG_INFO_BTF_MODULES=/d' \
			"$dir/build/include/config/auto.conf"
		for p in "$dir"/build/scripts/mod/modpost.real-lsb-64 \
			 "$dir"/build/tools/objtool/objtool.real-x86; do
			with_libc "$FOUND" "$p"
		done
	fi
	touch "$dir/adopted"
}

# Has the system, or could it have, this package?
apt_knows() { apt-cache pkgnames "$1" | grep -qx "$1"; }

has_kernel() { [ -f "$1/complete" ] && [ -e "$1/vmlinuz" ]; }

cmd_kernel()
{
	local series=${1:-6.12} ver dir re packages
	case $series in
	*-debug|*-kcsan) cmd_debug_kernel "$series" "${2:-}"; return ;;
	esac
	lock apt
	ver=$(resolved "kernel-$series") || ver=
	dir=$CACHE/kernels/$ver
	if [ -n "$ver" ] && has_kernel "$dir"; then
		[ -f "$dir/adopted" ] || adopt_kernel "$dir"
		echo "$dir"
		return
	fi
	re="linux-image-${series//./\\.}(\\.[0-9]+)*([-+~][0-9a-z.+~]*)?-amd64"
	find_newest "$re"
	ver=${FOUND#linux-image-}
	say "newest kernel of the $series series: $ver"
	dir=$CACHE/kernels/$ver
	if ! has_kernel "$dir"; then
		packages="linux-image-$ver linux-headers-$ver
			$(depends_matching "linux-image-$ver" \
				'^linux-(modules|binary|base)-')
			$(depends_matching "linux-headers-$ver" \
				'^linux-(kbuild-|headers-.*-common)')"
		rm -rf "$dir" "$dir.new"
		# shellcheck disable=SC2086
		fetch "$dir.new" $packages
		mv "$dir.new" "$dir"
		relocate_kernel "$dir" "$ver"
		touch "$dir/complete"
		# shellcheck disable=SC2086
		forget_debs $packages
	fi
	[ -f "$dir/adopted" ] || adopt_kernel "$dir"
	resolve_to "kernel-$series" "$ver"
	echo "$dir"
}

# --- kernel source and what we need of it ----------------------------------

cmd_source()
{
	local series=${1:-6.12} pkg dir
	lock apt
	pkg=linux-source-$series
	dir=$CACHE/source/$pkg
	if [ ! -f "$dir/.complete" ]; then
		find_newest "linux-source-${series//./\\.}"
		rm -rf "$dir" "$CACHE/source/deb"
		fetch "$CACHE/source/deb" "$pkg"
		say "extracting the source of $series"
		tar -C "$CACHE/source" -xJf \
			"$CACHE/source/deb/usr/src/$pkg.tar.xz"
		rm -rf "$CACHE/source/deb"
		touch "$dir/.complete"
		forget_debs "$pkg"
	fi
	echo "$dir"
}

# The few files of the source that every build and check uses.
source_files()
{
	local series=$1 pkg dir files full
	lock apt
	pkg=linux-source-$series
	dir=$CACHE/source-files/$series
	full=$CACHE/source/$pkg
	files="tools/testing/selftests/kselftest.h
		tools/testing/selftests/kselftest_harness.h
		scripts/checkpatch.pl scripts/spelling.txt
		scripts/const_structs.checkpatch"
	if [ ! -f "$dir/complete" ]; then
		mkdir -p "$dir/tmp"
		if [ -f "$full/.complete" ]; then
			# shellcheck disable=SC2086
			(cd "$full" && cp --parents $files "$dir/tmp")
		else
			find_newest "linux-source-${series//./\\.}"
			fetch "$dir/deb" "$pkg"
			say "extracting a few files of $pkg"
			# shellcheck disable=SC2046,SC2086
			tar -C "$dir/tmp" --strip-components=1 \
				-xJf "$dir/deb/usr/src/$pkg.tar.xz" \
				$(printf "$pkg/%s " $files)
			rm -rf "$dir/deb"
			forget_debs "$pkg"
		fi
		mkdir -p "$dir/kselftest" "$dir/checkpatch"
		mv "$dir"/tmp/tools/testing/selftests/* "$dir/kselftest/"
		mv "$dir"/tmp/scripts/* "$dir/checkpatch/"
		rm -rf "$dir/tmp"
		touch "$dir/complete"
	fi
	echo "$dir"
}

cmd_harness() { local d; d=$(source_files "${1:-6.12}"); echo "$d/kselftest"; }

cmd_checkpatch()
{
	local d
	d=$(source_files "${1:-6.12}")
	echo "$d/checkpatch/checkpatch.pl"
}

# --- the debug kernel --------------------------------------------------------

# Nothing of what a build leaves behind but what modules are built with.
forget_objects()
{
	find "$1" \( -path "$1/scripts" -o -path "$1/tools" \) -prune -o \
		-type f \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \
		-o -name '*.ko' -o -name '*.mod*' -o -name 'vmlinux*' \) \
		-exec rm -f {} +
}

# Later lines win.
debug_config()
{
	cat "$TOP/selftests/vmtest/debug.config"
	[ "$1" = debug ] || cat "$TOP/selftests/vmtest/$1.config"
}

# build_debug_kernel PREFIX SOURCE FLAVOUR: where an interrupted build left off.
build_debug_kernel()
{
	local prefix=$1 source=$2 out=$1/build ver
	mkdir -p "$out"
	debug_config "$3" >"$prefix/config"
	say "building the debug kernel in $prefix (many minutes, once)"
	(
		set -e
		make -sC "$source" O="$out" KCONFIG_ALLCONFIG="$prefix/config" \
			allnoconfig
		nice make -sC "$source" O="$out" -j"$(nproc)" bzImage modules
		make -sC "$source" O="$out" INSTALL_MOD_PATH="$prefix" \
			INSTALL_MOD_STRIP=1 modules_install
	) >"$prefix/log" 2>&1 || { say "see $prefix/log"; return 1; }
	ver=$(cat "$out/include/config/kernel.release")
	cp "$out/arch/x86/boot/bzImage" "$prefix/vmlinuz"
	cp "$out/.config" "$prefix/lib/modules/$ver/config"
	cp "$out/System.map" "$prefix/"
	ln -sfn "lib/modules/$ver" "$prefix/modules"
	forget_objects "$out"
	echo "$ver" >"$prefix/version"
}

cmd_debug_kernel()
{
	local flavour=${1##*-} source dir key
	source=$(cmd_source "${1%-*}")
	lock debug-kernel
	key=$(sed -n '2,4s/^[A-Z]* = //p' "$source/Makefile" | paste -sd.)
	key+=-$flavour-$({ echo "$DEBUG_BUILD"; debug_config "$flavour"; } |
		sha256sum | cut -c1-12)
	dir=$CACHE/kernels/$key
	if [ ! -f "$dir/complete" ]; then
		[ "${2:-}" != --cached ] || return 1
		# There is nothing to take instead.
		[ -z "$(find "$dir.failed" -mmin -60 2>/dev/null)" ] ||
			die "the debug kernel could not be built, see $dir/log;" \
				"deps.sh refresh tries again"
		cmd_tools kernel
		(build_debug_kernel "$dir" "$source" "$flavour") || {
			touch "$dir.failed"
			die "cannot build the debug kernel"
		}
		touch "$dir/complete"
	fi
	echo "$dir"
}

# --- QEMU 10.0, the inner VMM ----------------------------------------------

# Debian 12 has 7.2; backports has 10.0.  It is extracted beside its libraries
# that the system lacks, and run through a small wrapper: nothing is installed.
cmd_qemu10()
{
	local dir=$CACHE/qemu/$QEMU_SERIES bin code debs
	lock apt
	bin=$dir/qemu-system-x86_64
	if [ -x "$bin" ] && "$bin" --version >/dev/null 2>&1; then
		echo "$bin"
		return
	fi
	if qemu-system-x86_64 --version 2>/dev/null |
			grep -q "version $QEMU_SERIES\\."; then
		command -v qemu-system-x86_64
		return
	fi
	code=$(os_release VERSION_CODENAME)
	# shellcheck disable=SC2046
	APT_STATUS=/var/lib/dpkg/status apt_root "$code" \
		$(release_suites "$code")
	rm -rf "$dir"
	mkdir -p "$dir/root"
	say "downloading QEMU $QEMU_SERIES and its libraries"
	debs=$(printf '%s\n' "${APT_OPTIONS[@]}" |
		sed -n 's/^Dir::Cache=//p')/archives
	rm -f "$debs"/*.deb
	apt-get "${APT_OPTIONS[@]}" -o APT::Keep-Downloaded-Packages=true \
		-q -y install --download-only --no-install-recommends \
		-t "$code$QEMU_SUITE_SUFFIX" qemu-system-x86 >&2 </dev/null
	for p in "$debs"/*.deb; do dpkg -x "$p" "$dir/root"; done
	rm -f "$debs"/*.deb
	cat >"$bin" <<-END
		#!/bin/sh
		# Made by scripts/deps.sh: QEMU out of its extracted package.
		root=$dir/root
		LD_LIBRARY_PATH=\$root/usr/lib/x86_64-linux-gnu:\$root/lib/x86_64-linux-gnu
		QEMU_MODULE_DIR=\$root/usr/lib/x86_64-linux-gnu/qemu
		export LD_LIBRARY_PATH QEMU_MODULE_DIR
		exec "\$root/usr/bin/qemu-system-x86_64" -L "\$root/usr/share/qemu" -L "\$root/usr/share/seabios" -L /usr/share/seabios "\$@"
	END
	chmod +x "$bin"
	"$bin" --version >&2 || die "QEMU $QEMU_SERIES does not start"
	echo "$bin"
}

# --- QEMU, the emulated AMD host ---------------------------------------------

packaged_qemu()
{
	command -v qemu-system-x86_64 || {
		cmd_tools vmtest
		command -v qemu-system-x86_64
	}
}

# Only what the test machine has.
configure_qemu()
{
	printf 'CONFIG_%s=y\n' I440FX VIRTIO_PCI VIRTIO_9P \
		>configs/devices/x86_64-softmmu/vtl.mak &&
	mkdir build &&
	cd build &&
	../configure --target-list=x86_64-softmmu --without-default-features \
		--without-default-devices --with-devices-x86_64=vtl \
		--disable-kvm --disable-docs --disable-tools \
		--disable-guest-agent --disable-werror --enable-tcg \
		--enable-virtfs --enable-attr --enable-cap-ng --enable-fdt
}

build_qemu()
{
	local prefix=$1 work=$CACHE/qemu/work code
	cmd_tools qemu
	code=$(os_release VERSION_CODENAME)
	rm -rf "$work"
	mkdir -p "$work"
	APT_TYPE=deb-src apt_root qemu-source "$code" "$code-security"
	say "fetching the source of QEMU"
	(cd "$work" && apt-get "${APT_OPTIONS[@]}" -q source qemu) \
		>"$work/log" 2>&1 || { say "see $work/log"; return 1; }
	say "building QEMU (some minutes, once)"
	(
		cd "$work"/qemu-*/ && patch -p1 <"$QEMU_PATCH" && configure_qemu &&
		nice ninja qemu-system-x86_64
	) >>"$work/log" 2>&1 || { say "see $work/log"; return 1; }
	mkdir -p "$prefix"
	strip -o "$prefix/qemu-system" "$work"/qemu-*/build/qemu-system-x86_64
	# Debian's package has the firmware.
	cat >"$prefix/qemu-system-x86_64" <<-END
		#!/bin/sh
		# Made by scripts/deps.sh: QEMU with a repair.
		exec $prefix/qemu-system -L /usr/share/qemu -L /usr/share/seabios "\$@"
	END
	chmod +x "$prefix/qemu-system-x86_64"
	rm -rf "$work"
	"$prefix/qemu-system-x86_64" --version >&2
}

cmd_qemu()
{
	local hash prefix program
	hash=$(sha256sum <"$QEMU_PATCH" | cut -c 1-12)
	prefix=$CACHE/qemu/repaired-$QEMU_BUILD-$hash
	program=$prefix/qemu-system-x86_64
	if [ "${QEMU:-}" != packaged ]; then
		lock qemu
		if built qemu "$prefix" "$program" "taking Debian's package"; then
			echo "$program"
			return
		fi
	fi
	packaged_qemu
}

# --- Bochs -----------------------------------------------------------------

packaged_bochs()
{
	command -v bochs || { cmd_tools vmtest; command -v bochs; }
}

build_bochs()
{
	local prefix=$1 work=$CACHE/bochs/work uri
	rm -rf "$work"
	mkdir -p "$work"
	APT_TYPE=deb-src apt_root bochs-source trixie
	uri=$(apt-get "${APT_OPTIONS[@]}" -qq source --print-uris bochs |
		sed -n "s/^'\\([^']*bochs_${BOCHS_VERSION}[^']*\\.orig\\.tar\\.[a-z0-9]*\\)'.*/\\1/p" |
		head -n 1)
	[ -n "$uri" ] || { say "no Bochs $BOCHS_VERSION source"; return 1; }
	say "fetching the source of Bochs $BOCHS_VERSION"
	/usr/lib/apt/apt-helper "${APT_OPTIONS[@]}" download-file "$uri" \
		"$work/bochs.tar" >&2 || return 1
	mkdir "$work/src"
	tar -C "$work/src" --strip-components=1 -xf "$work/bochs.tar" ||
		return 1
	# At a VM entry with IF=0 Bochs leaves the host's interrupts masked, though
	# they cause exits: a guest that spins without exits stops the host.
	sed -i 's/^  BX_CPU_THIS_PTR in_vmx_guest = true;/&\
  handleInterruptMaskChange();/' "$work/src/cpu/vmx.cc"
	say "building Bochs $BOCHS_VERSION (some minutes, once)"
	(
		cd "$work/src" &&
		./configure --prefix="$prefix" --with-nogui \
			--disable-debugger --enable-vmx=2 --enable-svm \
			--enable-x86-64 --enable-avx --enable-evex \
			--enable-smp --enable-all-optimizations \
			--disable-docbook &&
		nice make -j"$(nproc)" && make install
	) >"$work/log" 2>&1 || { say "see $work/log"; return 1; }
	cp -n "$work"/src/bios/BIOS-bochs-latest \
		"$work"/src/bios/VGABIOS-lgpl-latest* \
		"$prefix/share/bochs/" 2>/dev/null || true
	rm -rf "$work"
}

cmd_bochs()
{
	local prefix=$CACHE/bochs/$BOCHS_VERSION-$BOCHS_BUILD
	if [ "${BOCHS:-}" != packaged ]; then
		lock bochs
		if built bochs "$prefix" "$prefix/bin/bochs" \
				"taking Debian's package"; then
			echo "$prefix/bin/bochs"
			return
		fi
	fi
	packaged_bochs
}

# --- Linux for VTL2 ----------------------------------------------------------

# config_has FRAGMENT CONFIG: what the fragment asks for is what it became.
config_has()
{
	local line
	while read -r line; do
		grep -qx "$line" "$2" || { say "not to be had: $line"; return 1; }
	done < <(grep '^CONFIG_' "$1")
}

build_guest_vtl2()
{
	local prefix=$1 work=$CACHE/guest-vtl2/work source
	local config=$TOP/guest/linux_vtl2/config
	cmd_tools guest
	source=$(cmd_source "$GUEST_SERIES")
	rm -rf "$work"
	mkdir -p "$work/out" "$prefix"
	say "building Linux $GUEST_SERIES for VTL2 (some minutes, once)"
	(
		cd "$source" &&
		make O="$work/out" KCONFIG_ALLCONFIG="$config" tinyconfig &&
		config_has "$config" "$work/out/.config" &&
		nice make -j"$(nproc)" O="$work/out" vmlinux
	) >"$work/log" 2>&1 || { say "see $work/log"; return 1; }
	strip -o "$prefix/vmlinux" "$work/out/vmlinux"
	rm -rf "$work"
}

cmd_guest_vtl2()
{
	local hash prefix
	hash=$(sha256sum <"$TOP/guest/linux_vtl2/config" | cut -c 1-12)
	prefix=$CACHE/guest-vtl2/$GUEST_SERIES-$hash
	lock guest-vtl2
	built guest_vtl2 "$prefix" "$prefix/vmlinux" \
		"its tests are skipped" || return
	echo "$prefix/vmlinux"
}

cmd_refresh()
{
	rm -rf "$CACHE/resolved" "$CACHE"/apt/*/updated \
		"$CACHE"/guest-vtl2/*.failed \
		"$CACHE/bochs/$BOCHS_VERSION-$BOCHS_BUILD.failed" \
		"$CACHE"/qemu/*.failed \
		"$CACHE"/kernels/*.failed
}

main()
{
	local command=${1:-help}
	[ $# = 0 ] || shift
	case $command in
	tools|kernel|source|harness|checkpatch|qemu10|qemu|bochs|refresh)
		"cmd_$command" "$@" ;;
	guest-vtl2) cmd_guest_vtl2 ;;
	cache)	echo "$CACHE" ;;
	help|-h|--help) usage ;;
	*)	usage >&2; exit 2 ;;
	esac
}

main "$@"

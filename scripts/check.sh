#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check: everything that can be said about the sources without running
# them.

set -u

cd "$(dirname "$0")/.." || exit 1
top=$PWD
out=$top/build/check
mkdir -p "$out"
passed=0 failed=0 skipped=0
# Of most steps one kernel is enough: the first.
all_series=${SERIES:-6.12 7.3}
series=${all_series%% *}

steps=(format spdx shell python version conformance checkpatch kernel-doc headers build
	sparse hooks paths)

usage()
{
	cat <<'END'
usage: scripts/check.sh [STEP...]

  all          every step (default), from cheap to dear
  format       trailing space, files of the module over 900 lines
  spdx         a licence line in every source file
  shell        shellcheck on every script
  python       every Python file compiles
  version      kernel versions are told apart in compat* only
  conformance  the tests that Documentation/conformance.rst names exist
  build        the module with W=1 -Werror, for each kernel
  sparse       no complaint of sparse, and it did look at every file
  checkpatch   --strict on every C file and header
  kernel-doc   comments of functions and structures are complete
  headers      every header compiles alone; the user ABI in C, C++ and -m32
  hooks        the list of hooked functions against each kernel, and what
               Documentation/hooks/ has for it
  paths        the list of functions that can reach guest memory, the same

SERIES=6.12 chooses one kernel.
END
}

# C files and headers that are ours, shell scripts, Python files.
c_files()
{
	find kvm-vtl include selftests guest bench -name '*.[ch]' \
		! -name '*.mod.c' 2>/dev/null | sort
}

script_files()
{
	find scripts selftests guest bench .ci -type f 2>/dev/null |
		while read -r f; do
			head -n 1 "$f" | grep -aq '^#!.*\(ba\)\{0,1\}sh\b' &&
				echo "$f"
		done | sort
}

python_files() { find scripts selftests guest bench -name '*.py' 2>/dev/null | sort; }

# kernel_build [SERIES]
kernel_build()
{
	local dir
	dir=$(scripts/deps.sh kernel "${1:-$series}") || return 1
	echo "$dir/build"
}

check_format()
{
	local bad f n
	bad=$(find . \( -name .git -o -path ./build \) -prune -o -type f \
		\( -name '*.[chS]' -o -name '*.sh' -o -name '*.py' \
		-o -name '*.rst' -o -name Makefile -o -name Kbuild \
		-o -name README -o -name '.*conf*' \) \
		! -name '*.mod.c' -exec grep -nHE '[[:space:]]+$' {} +)
	[ -z "$bad" ] || { echo "trailing space:"; echo "$bad"; return 1; }
	for f in kvm-vtl/*.[ch]; do
		[ -f "$f" ] || continue
		n=$(wc -l <"$f")
		[ "$n" -le 900 ] || { echo "$f has $n lines"; return 1; }
	done
}

check_spdx()
{
	local f bad=0
	while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier:' ||
			{ echo "no SPDX line: $f"; bad=1; }
	done < <({ c_files; script_files; python_files
		find kvm-vtl selftests guest bench . -maxdepth 2 \
			\( -name Makefile -o -name Kbuild -o -name '*.S' \
			-o -name '*.lds' \) -not -path './build/*' \
			2>/dev/null; } | sort -u)
	return $bad
}

check_shell()
{
	local files
	mapfile -t files < <(script_files)
	shellcheck "${files[@]}"
}

check_python()
{
	local f bad=0
	for f in $(python_files); do
		PYTHONPYCACHEPREFIX=$out/pycache python3 -m py_compile "$f" ||
			bad=1
	done
	return $bad
}

check_version()
{
	! grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION' kvm-vtl/*.[ch] |
		grep -v '^kvm-vtl/compat[_a-z]*\.[ch]:'
}

check_conformance() { scripts/check-conformance.py selftests/*_test.c; }

no_module() { [ ! -f kvm-vtl/Kbuild ] || [ ! -f kvm-vtl/main.c ]; }

check_build()
{
	local kdir s
	no_module && return 4
	for s in $all_series; do
		kdir=$(kernel_build "$s") || return 1
		scripts/build-module.sh "$kdir" "$out/build-$s" W=1 \
			KCFLAGS=-Werror || return 1
	done
}

check_sparse()
{
	local kdir log=$out/sparse-build.log f bad=0
	no_module && return 4
	kdir=$(kernel_build) || return 1
	scripts/build-module.sh "$kdir" "$out/sparse" C=2 \
		CF='-Wsparse-error -Wno-context -D__CHECK_ENDIAN__' >"$log" 2>&1 ||
		{ cat "$log"; return 1; }
	grep -E 'warning:|error:' "$log" && return 1
	# Some kernels switch sparse off without failing.
	for f in kvm-vtl/*.c; do
		case $f in *.mod.c) continue ;; esac
		[ -f "$out/sparse/${f%.c}.o" ] || continue
		grep -q "CHECK .*/$(basename "$f")\$" "$log" ||
			{ echo "sparse did not look at $f"; bad=1; }
	done
	return $bad
}

# What checkpatch is not asked about one file
checkpatch_ignore()
{
	case $1 in
	kvm-vtl/trace.h)
		# The form that trace events have everywhere.
		echo OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT ;;
	kvm-vtl/compat*.[ch])
		# The one place for such tests, and what is nothing for some.
		echo LINUX_VERSION_CODE,CONSTANT_COMPARISON,MACRO_ARG_UNUSED ;;
	kvm-vtl/hook_list.h)
		# An entry in VTL_SINCE_x_y() looks like any other.
		echo OPEN_ENDED_LINE ;;
	kvm-vtl/hooks.[ch])
		# The list is expanded by macros.
		echo MACRO_ARG_UNUSED,TRAILING_SEMICOLON
		echo MULTISTATEMENT_MACRO_USE_DO_WHILE ;;
	kvm-vtl/msr_regs.c)
		# The kernel's names of the MTRRs.
		echo CAMELCASE ;;
	selftests/*|guest/*|bench/*)
		# Not the kernel: no <linux/compiler.h>, symbols of linker
		# scripts and assembly, memory that another CPU or VTL writes,
		# byte strings of machine code, test macros.
		echo PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO
		echo AVOID_EXTERNS,VOLATILE,EMBEDDED_FUNCTION_NAME
		echo COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL
		echo MULTISTATEMENT_MACRO_USE_DO_WHILE
		# EXPECT_...() are two statements; tables of registers;
		# Elf64_Phdr; messages are not split.
		echo BRACES,MULTIPLE_ASSIGNMENTS,CAMELCASE,LONG_LINE_STRING ;;
	esac
}

# checkpatch_one PROGRAM FILE WORDS...: silent when all is well
checkpatch_one()
{
	local pl=$1 f=$2 ignore
	shift 2
	ignore=$(checkpatch_ignore "$f" | paste -sd ,)
	"$pl" -q --no-summary "$@" ${ignore:+--ignore "$ignore"} -f "$f" ||
		echo "checkpatch: $f"
}

check_checkpatch()
{
	local pl f words=() logs=$out/checkpatch.d
	pl=$(scripts/deps.sh checkpatch) || return 1
	f=/usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt
	if [ -f "$f" ]; then
		# Interrupt stack table, and an asm constraint: no typos.
		grep -vE '^(ist|nd)->' "$f" >"$out/words"
		words=(--codespell --codespellfile "$out/words")
	fi
	rm -rf "$logs"
	mkdir -p "$logs"
	for f in $(c_files); do
		while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
			wait -n
		done
		checkpatch_one "$pl" "$f" "${words[@]}" \
			>"$logs/${f//\//_}" 2>&1 &
	done
	wait
	cat "$logs"/*
	[ -z "$(cat "$logs"/*)" ]
}

check_kernel_doc()
{
	local kdir tool
	kdir=$(kernel_build) || return 1
	tool=$kdir/scripts/kernel-doc
	[ -f "$tool" ] || tool=$kdir/source/scripts/kernel-doc
	[ -f "$tool" ] || { echo "no kernel-doc in $kdir"; return 1; }
	local files
	mapfile -t files < <(find kvm-vtl include -name '*.[ch]' \
		! -name '*.mod.c' 2>/dev/null | sort)
	[ "${#files[@]}" -gt 0 ] || return 4
	# Its status is the number of errors.
	"$tool" -Wall -Werror -none "${files[@]}" || return 1
}

check_headers()
{
	local kdir
	[ -d kvm-vtl ] || return 4
	kdir=$(kernel_build) || return 1
	mkdir -p "$out/headers"
	scripts/header-check.sh "$kdir" "$out/headers"
}

check_hooks()
{
	local kernel source s known bad=0
	[ -f scripts/verify-hooks.py ] && [ -f kvm-vtl/hook_list.h ] ||
		return 4
	for s in $all_series; do
		kernel=$(scripts/deps.sh kernel "$s") || return 1
		source=$(scripts/deps.sh source "$s") || return 1
		scripts/verify-hooks.py --kernel "$kernel" --source "$source" \
			--write "$out/hooks-$s" kvm-vtl/hook_list.h || bad=1
		# A newer build of the kernel has none yet.
		known=Documentation/hooks/$(cat "$kernel/version").txt
		[ ! -f "$known" ] || diff -u "$known" "$out/hooks-$s" || bad=1
	done
	return $bad
}

check_paths()
{
	local kernel s bad=0
	for s in $all_series; do
		kernel=$(scripts/deps.sh kernel "$s") || return 1
		scripts/memory-paths.py --kernel "$kernel" || bad=1
	done
	return $bad
}

step()
{
	local name=$1 status=0
	"check_${name//-/_}" >"$out/$name.log" 2>&1 || status=$?
	case $status in
	0)	echo "ok $name"; passed=$((passed + 1)) ;;
	4)	echo "ok $name # SKIP nothing there yet"
		skipped=$((skipped + 1)) ;;
	*)	echo "not ok $name"
		sed 's/^/    /' "$out/$name.log"
		failed=$((failed + 1)) ;;
	esac
}

case ${1:-all} in
all)	set -- "${steps[@]}" ;;
-h|--help|help) usage; exit 0 ;;
esac
scripts/deps.sh tools build check || exit 1
for name in "$@"; do
	grep -qw -- "$name" <<<"${steps[*]}" || { usage >&2; exit 2; }
	step "$name"
done
echo "check: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

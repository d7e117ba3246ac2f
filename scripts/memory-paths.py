#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that every function of KVM that can touch guest memory is accounted for.

Guest memory is what the VMM has mapped: KVM reaches it by accesses to user
memory, or by taking pages and mapping them.  This program finds in kvm.ko,
kvm-intel.ko and kvm-amd.ko of one kernel

  * every function with an access to user memory of its own (its exception
    table), or a call of a function of the kernel that makes one;
  * every function that turns a guest address into a host address or a page;

and looks each of them up in Documentation/memory-paths.txt, which says what
stops VTL0 from using it.  One that is not there, or an entry that nothing
belongs to, is an error: a kernel with a new path does not pass unseen.
"""

import argparse
import importlib.util
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "Documentation", "memory-paths.txt")
MODULES = ("kvm", "kvm_intel", "kvm_amd")
ANSWERS = ("hooked", "refused", "vmm", "none")

# Exception table entries of accesses to user memory; kernel's asm/extable*.h
EX_TYPE_UACCESS = 3
EX_TYPE_IMM_REG = 17
EX_TYPE_UCOPY_LEN = 20
EFAULT = 14
EX_ENTRY = 12

# Functions of the kernel that access user memory or take its pages
USER = re.compile(r"_?copy_(from|to)_user\w*|__(get|put)_user\w*|"
                  r"copy_(from|to)_user_nofault|strncpy_from_user\w*|"
                  r"v?memdup_user\w*|strndup_user|clear_user\w*|"
                  r"(get|pin)_user_pages\w*|fixup_user_fault|"
                  r"follow_pfn\w*|access_process_vm|memremap")
# Functions of KVM that make a host address or a page of a guest address
PAGE = re.compile(r"\w*gfn_to_(hva|pfn|page)\w*|hva_to_pfn\w*|"
                  r"\w*kvm_vcpu_(un)?map\w*|kvm_gpc_\w+|\w*faultin_pfn\w*|"
                  r"kvm_follow_pfn")


def load_elf_reader():
    """The reader of kernel modules in verify-hooks.py."""
    spec = importlib.util.spec_from_file_location(
        "verify_hooks", os.path.join(HERE, "verify-hooks.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def accesses_user(word):
    """Is this type word of an exception table entry one of user memory?"""
    kind, immediate = word & 0xff, struct.unpack("<h", struct.pack(
        "<H", word >> 16))[0]
    return kind in (EX_TYPE_UACCESS, EX_TYPE_UCOPY_LEN) or \
        (kind == EX_TYPE_IMM_REG and immediate == -EFAULT)


def own_accesses(module):
    """Names of the functions with accesses of their own."""
    result = set()
    for index, section in enumerate(module.elf.sections):
        if section.name != "__ex_table":
            continue
        data = module.elf.content(section)
        for reloc in module.relocs.get(index, ()):
            if reloc.offset % EX_ENTRY:
                continue
            word, = struct.unpack_from("<I", data, reloc.offset + 8)
            symbol = module.elf.symbols[reloc.symbol]
            function = module.function_at(symbol.section,
                                          symbol.value + reloc.addend)
            if function and accesses_user(word):
                result.add(function.name)
    return result


def callers(module):
    """Names of the functions that call one of the patterns above."""
    return {caller for caller, callees in module.calls.items()
            if not caller.startswith("(") and
            any(USER.fullmatch(c) or PAGE.fullmatch(c) for c in callees)}


def find_functions(kernel, reader):
    """{(module, function)} of all that is to be accounted for."""
    found = set()
    folder = os.path.join(reader.find_release(kernel, None)[0],
                          reader.MODULE_DIR)
    for name, file in reader.MODULES.items():
        path = reader.one_file(os.path.join(folder, file + "*"))
        module = reader.Module(name, path)
        found |= {(name, reader.base_name(f))
                  for f in own_accesses(module) | callers(module)}
    return found


def is_in(release, mark):
    """Is what has this mark, a series or nothing, in this kernel?"""
    return not mark or (release + ".").startswith(mark + ".")


def read_table(path, release):
    """[(answer, module, function, line number)] of the table for a kernel."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if len(words) < 3 or words[0] not in ANSWERS or \
               words[1] not in MODULES:
                raise ValueError("%s:%d: not a row" % (path, number))
            for word in words[2:]:
                function, _, mark = word.partition("@")
                if is_in(release, mark):
                    rows.append((words[0], words[1], function, number))
    return rows


def compare(found, rows):
    """Print what does not fit; return the number of errors."""
    errors = 0
    known = {}
    for _, module, function, number in rows:
        if (module, function) in known:
            print("error: line %d: %s is in line %d, too" %
                  (number, function, known[module, function]))
            errors += 1
        known[module, function] = number
    for module, function in sorted(found - set(known)):
        print("error: %s: %s can reach guest memory, and is in no row" %
              (module, function))
        errors += 1
    for module, function in sorted(set(known) - found):
        print("error: line %d: %s: %s does not reach guest memory" %
              (known[module, function], module, function))
        errors += 1
    return errors


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", required=True, metavar="DIR",
                        help="what deps.sh kernel prints")
    parser.add_argument("--list", action="store_true",
                        help="print the functions, check nothing")
    parser.add_argument("table", nargs="?", default=TABLE)
    arguments = parser.parse_args()
    reader = load_elf_reader()
    try:
        found = find_functions(arguments.kernel, reader)
        release = reader.find_release(arguments.kernel, None)[1]
        rows = [] if arguments.list else read_table(arguments.table, release)
    except (reader.Failure, ValueError, OSError) as error:
        sys.exit("memory-paths: %s" % error)
    if arguments.list:
        print("\n".join("%s %s" % pair for pair in sorted(found)))
        return
    errors = compare(found, rows)
    counts = ", ".join("%d %s" % (sum(r[0] == a for r in rows), a)
                       for a in ANSWERS)
    print("%d functions: %s; %d errors" % (len(found), counts, errors))
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Check the hook list against one set of KVM binaries.

A symbol that exists is not yet a function that can be hooked: the compiler
may have inlined it into its callers, split it, or left out the fentry call.
For every entry of hook_list.h this program checks, in kvm.ko, kvm-intel.ko
and kvm-amd.ko of one kernel package:

  * the symbol exists exactly once in its module, and not only as a clone
    (.isra, .constprop, .part, .cold);
  * the function has an entry in __mcount_loc (VTL_HOOK only);
  * its BTF prototype equals the declared one (typedefs resolved, const and
    other qualifiers ignored);
  * every function that calls it in the source also calls it in the binary
    (VTL_HOOK only, needs --source): else it holds an inlined copy, which a
    hook never sees.

It also prints who calls the function, which tables hold its address, and
whether its ENDBR is sealed (then it must not be called by pointer).

Entries in VTL_BEFORE_x_y() or VTL_SINCE_x_y() are for some kernels only.  The
names that a kernel has for a function or a type are those of compat_hooks.h,
beside the list.  Every VTL_LAYOUT() of compat_kvm.h that is for this kernel is
checked, too: the member of the structure is at this offset.

What it cannot see: a copy in a function that calls the target elsewhere.
There is a note if such a function has fewer calls than the source.

Words of the comment above an entry, or above several without a comment of
their own, which are read here; a kernel series may follow the word
("Callers 6.12: a, b"), the line then holds for it alone:

  Callers: a, b                 exactly these functions (or tables) of the
                                binaries reach the target; or "none"
  Inlined: a, b (why); c (why)  the inlined copies in a and b are harmless,
                                because ...; or "none"

Needs objdump from binutils.
"""

import argparse
import bisect
import collections
import glob
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile

MODULES = {"kvm": "kvm.ko", "kvm_intel": "kvm-intel.ko",
           "kvm_amd": "kvm-amd.ko"}
MODULE_DIR = "kernel/arch/x86/kvm"
# Owner of functions outside of modules, for VTL_CALL
VMLINUX = "vmlinux"

SHT_SYMTAB, SHT_RELA, SHT_PROGBITS = 2, 4, 1
SHF_EXECINSTR = 4
STT_OBJECT, STT_FUNC, STT_SECTION = 1, 2, 3
R_X86_64_PC32, R_X86_64_PLT32 = 2, 4

CLONE = re.compile(r"\.(?:isra|constprop|part|cold)\b.*$")
BRANCH = re.compile(r"\s*([0-9a-f]+):\s+"
                    r"(?:(?:bnd|notrack|cs|ds|data16|rex\.W) +)*"
                    r"(call|j[a-z]+)\s+([0-9a-f]+)\b")
# Sections which list every function or code site: no address is taken there.
SITE_LIST = re.compile(r"__mcount_loc|__patchable|orc|_sites|ibt_endbr_seal|"
                       r"ksymtab|kcrctab|ex_table|bug_table|smp_locks|"
                       r"altinstr|jump_table|discard|__tracepoint|BTF|debug")
# References that every function has and that say nothing about a copy.
COMMON = {"__fentry__", "__x86_return_thunk", "__stack_chk_fail", "pcpu_hot",
          "const_pcpu_hot", "__warn_printk", "_printk",
          "__ref_stack_chk_guard"}
# What instrumentation puts into every function.
INSTRUMENT = re.compile(r"__(?:asan|kasan|ubsan)_")


def base_name(symbol):
    """The function a symbol was made from: foo.part.0 -> foo."""
    return CLONE.sub("", symbol)


class Failure(Exception):
    """Something that makes the whole run impossible."""


# ---------------------------------------------------------------- ELF

Section = collections.namedtuple("Section", "name type flags offset size info")
Symbol = collections.namedtuple("Symbol", "name type section value size")
Reloc = collections.namedtuple("Reloc", "offset symbol type addend")


class Elf:
    """The parts of a 64-bit little-endian ELF file that are used here."""

    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01":
            raise Failure("not a 64-bit little-endian ELF file")
        self.sections = self._read_sections()
        self.symbols = self._read_symbols()

    def string(self, offset):
        """The zero-terminated string at this file offset."""
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def _read_sections(self):
        start, = struct.unpack_from("<Q", self.data, 0x28)
        number, names = struct.unpack_from("<HH", self.data, 0x3c)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + 64 * i)
               for i in range(number)]
        return [Section(self.string(raw[names][4] + s[0]), s[1], s[2], s[4],
                        s[5], s[7] if s[1] == SHT_RELA else s[6])
                for s in raw]

    def _read_symbols(self):
        table = next((s for s in self.sections if s.type == SHT_SYMTAB), None)
        strings = next((s for s in self.sections if s.name == ".strtab"), None)
        if table is None or strings is None:
            return []
        result = []
        for fields in struct.iter_unpack("<IBBHQQ", self.content(table)):
            name, info, _, section, value, size = fields
            result.append(Symbol(self.string(strings.offset + name), info & 15,
                                 section, value, size))
        return result

    def content(self, section):
        """The bytes of a section."""
        return self.data[section.offset:section.offset + section.size]

    def find(self, name):
        """The bytes of the section of this name, or None."""
        for section in self.sections:
            if section.name == name:
                return self.content(section)
        return None

    def relocs(self):
        """Yield (index of the relocated section, its relocations)."""
        for section in self.sections:
            if section.type == SHT_RELA:
                yield section.info, [
                    Reloc(offset, info >> 32, info & 0xffffffff, addend)
                    for offset, info, addend
                    in struct.iter_unpack("<QQq", self.content(section))]


# ---------------------------------------------------------------- modules

Function = collections.namedtuple("Function", "start end name")


class Module:
    """Functions of one .ko, which of them call which, and by what."""

    def __init__(self, name, path):
        self.name = name
        data = read_file(path)
        self.elf = Elf(data)
        self.code = {i for i, s in enumerate(self.elf.sections)
                     if s.type == SHT_PROGBITS and s.flags & SHF_EXECINSTR}
        self._index_functions()
        self.undefined = {s.name for s in self.elf.symbols if s.section == 0}
        self.relocs = dict(self.elf.relocs())
        self.fentry = self._listed("__mcount_loc")
        self.sealed = self._listed(".ibt_endbr_seal")
        self.calls = collections.defaultdict(collections.Counter)
        self.taken = collections.defaultdict(set)
        self.refs = collections.defaultdict(set)
        self._find_calls(disassemble(data))
        self._find_refs()
        self._find_taken()

    def build_id(self):
        """The build id as the kernel prints it."""
        note = self.elf.find(".note.gnu.build-id") or b""
        return note[16:].hex() or "none"

    def _index_functions(self):
        self.functions = collections.defaultdict(list)
        self.count = collections.Counter()
        self.variants = collections.defaultdict(set)
        for symbol in self.elf.symbols:
            if symbol.type != STT_FUNC or symbol.section not in self.code or \
               symbol.name.startswith("__pfx_"):
                continue
            self.functions[symbol.section].append(
                Function(symbol.value, symbol.value + max(symbol.size, 1),
                         symbol.name))
            self.count[symbol.name] += 1
            self.variants[base_name(symbol.name)].add(symbol.name)
        for functions in self.functions.values():
            functions.sort()
        self._starts = {s: [f.start for f in functions]
                        for s, functions in self.functions.items()}

    def function_at(self, section, offset):
        """The function that contains this place, or None."""
        if section not in self.functions:
            return None
        index = bisect.bisect_right(self._starts[section], offset) - 1
        if index < 0:
            return None
        function = self.functions[section][index]
        return function if offset < function.end else None

    def _place(self, reloc):
        """(section, offset) a relocation points to; section 0: undefined."""
        symbol = self.elf.symbols[reloc.symbol]
        pc_relative = reloc.type in (R_X86_64_PC32, R_X86_64_PLT32)
        return (symbol.section,
                symbol.value + reloc.addend + (4 if pc_relative else 0))

    def _listed(self, name):
        """Names of the functions that a site list points into."""
        result = set()
        for index, relocs in self.relocs.items():
            if self.elf.sections[index].name != name:
                continue
            for reloc in relocs:
                function = self.function_at(*self._place(reloc))
                if function:
                    result.add(function.name)
        return result

    def _find_calls(self, listing):
        """Fill .calls from the branches of a disassembly."""
        names = [s.name for s in self.elf.sections]
        relocs = {i: {r.offset: r for r in self.relocs.get(i, ())}
                  for i in self.code}
        self._branch_relocs = set()
        section = None
        for line in listing.splitlines():
            if line.startswith("Disassembly of section"):
                section = names.index(line.split()[-1][:-1])
                continue
            match = BRANCH.match(line)
            if match:
                address, target = (int(match[i], 16) for i in (1, 3))
                self._add_branch(section, address, target, relocs[section],
                                 match[2] == "call")

    def _add_branch(self, section, address, target, relocs, is_call):
        caller = self.function_at(section, address)
        if caller is None and self.elf.sections[section].name == ".text":
            return      # body of an overridden weak function: dead, no symbol
        place = (section, target)
        for offset in range(address + 1, address + 4):
            reloc = relocs.get(offset)
            if reloc and reloc.type in (R_X86_64_PC32, R_X86_64_PLT32):
                self._branch_relocs.add((section, offset))
                place = self._place(reloc)
                break
        else:
            reloc = None
        name = caller.name if caller else \
            "(%s)" % self.elf.sections[section].name
        if place[0] == 0:
            self.calls[name][self.elf.symbols[reloc.symbol].name] += 1
            return
        callee = self.function_at(*place)
        if callee and callee.start == place[1] and \
           (is_call or callee != caller):
            self.calls[name][callee.name] += 1

    def _find_refs(self):
        """Fill .refs: everything a function refers to, to recognise copies."""
        for index in self.code:
            for reloc in self.relocs.get(index, ()):
                user = self.function_at(index, reloc.offset)
                if user:
                    self.refs[user.name].add(self._describe(reloc))
        for caller, callees in self.calls.items():
            self.refs[caller].update(callees)

    def _describe(self, reloc):
        symbol = self.elf.symbols[reloc.symbol]
        if symbol.type != STT_SECTION:
            return symbol.name
        place = self._place(reloc)
        function = self.function_at(*place)
        if function:
            return function.name
        return "%s+%#x" % (self.elf.sections[place[0]].name, place[1])

    def _find_taken(self):
        """Fill .taken: where the address of a function is stored or loaded."""
        objects = collections.defaultdict(list)
        for symbol in self.elf.symbols:
            if symbol.type == STT_OBJECT:
                objects[symbol.section].append(symbol)
        for index, relocs in self.relocs.items():
            if SITE_LIST.search(self.elf.sections[index].name):
                continue
            for reloc in relocs:
                if (index, reloc.offset) not in self._branch_relocs:
                    self._add_taken(index, reloc, objects)

    def _add_taken(self, index, reloc, objects):
        place = self._place(reloc)
        if place[0] == 0:
            name = self.elf.symbols[reloc.symbol].name
        else:
            function = self.function_at(*place)
            if not function or function.start != place[1]:
                return
            name = function.name
        holder = self._holder(index, reloc.offset, objects)
        if holder:
            self.taken[name].add(holder)

    def _holder(self, index, offset, objects):
        """Name of what contains this place, None for dead code."""
        if index in self.code:
            user = self.function_at(index, offset)
            return user.name if user else None
        for symbol in objects[index]:
            if symbol.value <= offset < symbol.value + symbol.size:
                return symbol.name
        return "(%s)" % self.elf.sections[index].name


def read_file(path):
    """Content of a file, uncompressed if it is a .xz."""
    with open(path, "rb") as stream:
        data = stream.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def uncompress_image(data):
    """The ELF file in an x86 boot image; an ELF file itself is returned."""
    if data[:4] == b"\x7fELF" or data[0x202:0x206] != b"HdrS":
        return data
    sectors = data[0x1f1] or 4
    offset, size = struct.unpack_from("<II", data, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = data[start:start + size]
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dc"], input=payload[:-4], check=True,
                              stdout=subprocess.PIPE).stdout
    raise Failure("boot image is neither xz nor zstd")


def disassemble(data):
    """objdump's listing of all code of an ELF file."""
    with tempfile.NamedTemporaryFile(suffix=".ko") as stream:
        stream.write(data)
        stream.flush()
        return subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", stream.name], check=True,
            stdout=subprocess.PIPE, encoding="utf-8").stdout


# ---------------------------------------------------------------- BTF

(BTF_INT, BTF_PTR, BTF_ARRAY, BTF_STRUCT, BTF_UNION, BTF_ENUM, BTF_FWD,
 BTF_TYPEDEF, BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_FUNC, BTF_FUNC_PROTO,
 BTF_VAR, BTF_DATASEC) = range(1, 16)
BTF_DECL_TAG, BTF_TYPE_TAG, BTF_ENUM64 = 17, 18, 19
# Bytes that follow the 12 of struct btf_type: (fixed, for each member).
BTF_TAIL = {BTF_INT: (4, 0), BTF_ARRAY: (12, 0), BTF_STRUCT: (0, 12),
            BTF_UNION: (0, 12), BTF_ENUM: (0, 8), BTF_FUNC_PROTO: (0, 8),
            BTF_VAR: (4, 0), BTF_DATASEC: (0, 12), BTF_DECL_TAG: (4, 0),
            BTF_ENUM64: (0, 12)}
BTF_TAGS = {BTF_STRUCT: "struct ", BTF_UNION: "union ", BTF_ENUM: "enum ",
            BTF_ENUM64: "enum ", BTF_FWD: "struct "}
QUALIFIERS = (BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_TYPE_TAG)

BtfType = collections.namedtuple("BtfType", "name kind vlen type tail")


class Btf:
    """Type information of vmlinux, or of a module on top of vmlinux."""

    def __init__(self, data, base=None):
        self.data = data
        magic, _, _, header, self.types_at, types_size, self.strings_at, \
            self.strings_size = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xeb9f:
            raise Failure("not BTF")
        self.types_at += header
        self.strings_at += header
        self.base = base
        self.first_id = base.end_id if base else 1
        self.first_string = base.end_string if base else 0
        self.end_string = self.first_string + self.strings_size
        self.types = self._read_types(types_size)
        self.end_id = self.first_id + len(self.types)
        self.functions = self._by_name(BTF_FUNC)
        self.typedefs = self._by_name(BTF_TYPEDEF)

    def _read_types(self, size):
        result = []
        at, end = self.types_at, self.types_at + size
        while at < end:
            name, info, type_id = struct.unpack_from("<III", self.data, at)
            kind, vlen = info >> 24 & 31, info & 0xffff
            fixed, each = BTF_TAIL.get(kind, (0, 0))
            at += 12
            result.append(BtfType(name, kind, vlen, type_id, at))
            at += fixed + each * vlen
        return result

    def _by_name(self, kind):
        return {self.string(t.name): i + self.first_id
                for i, t in enumerate(self.types) if t.kind == kind}

    def string(self, offset):
        """The name at this string offset."""
        if offset < self.first_string:
            return self.base.string(offset)
        at = self.strings_at + offset - self.first_string
        return self.data[at:self.data.index(b"\0", at)].decode()

    def typedef(self, name):
        """Id of a typedef, None if there is none of this name."""
        if name in self.typedefs:
            return self.typedefs[name]
        return self.base.typedef(name) if self.base else None

    def type(self, type_id):
        """The type of this id, and the Btf that holds it."""
        if type_id < self.first_id:
            return self.base.type(type_id)
        return self.types[type_id - self.first_id], self

    def canonical(self, type_id, alias=""):
        """A type as text: qualifiers dropped, typedefs resolved."""
        if type_id == 0:
            return "void"
        this, owner = self.type(type_id)
        name = owner.string(this.name)
        if this.kind == BTF_PTR:
            return self.canonical(this.type) + "*"
        if this.kind in QUALIFIERS:
            return self.canonical(this.type, alias)
        if this.kind == BTF_TYPEDEF:
            return self.canonical(this.type, name)
        if this.kind in BTF_TAGS:
            return BTF_TAGS[this.kind] + (name or "typedef " + alias)
        if this.kind == BTF_FUNC_PROTO:
            return "function"
        return plain_int(name.split()) or name

    def offset(self, name, path):
        """Offset of a member of a structure, a.b for one inside; or None."""
        for this in self.types:
            if this.kind == BTF_STRUCT and self.string(this.name) == name:
                return self._offset(this, self, path.split("."))
        return self.base.offset(name, path) if self.base else None

    def _offset(self, this, owner, path):
        for i in range(this.vlen):
            name, type_id, bits = struct.unpack_from(
                "<III", owner.data, this.tail + 12 * i)
            if owner.string(name) != path[0]:
                continue
            at = (bits & 0xffffff) // 8     # above: the size of a bit field
            if len(path) == 1:
                return at
            rest = self._offset(*owner.type(type_id), path[1:])
            return None if rest is None else at + rest
        return None

    def prototype(self, name):
        """[return type, argument types...] of a function, or None."""
        if name not in self.functions:
            return None
        function, _ = self.type(self.functions[name])
        proto, owner = self.type(function.type)
        result = [self.canonical(proto.type)]
        for i in range(proto.vlen):
            _, arg = struct.unpack_from("<II", owner.data, proto.tail + 8 * i)
            result.append(self.canonical(arg))
        return result


def plain_int(words):
    """One spelling for an integer type: 'long unsigned int' and so on."""
    if not words or set(words) - {"unsigned", "signed", "int", "long", "short",
                                  "char", "_Bool"}:
        return None
    sign = "unsigned " if "unsigned" in words else ""
    size = [w for w in words if w in ("long", "short", "char", "_Bool")]
    return sign + " ".join(size or ["int"])


# ---------------------------------------------------------------- hook list

Entry = collections.namedtuple(
    "Entry", "kind owner name flags proto args comment")
QUALIFIER_WORDS = re.compile(r"\b(?:const|volatile|restrict|__restrict|"
                             r"__user|__rcu|__iomem|__percpu|__force)\b")


def series(release):
    """The series of a release as a number: 7.3.4+deb13 -> 703."""
    major, minor = re.match(r"(\d+)\.(\d+)", release).groups()
    return int(major) * 100 + int(minor)


def for_kernel(text, release):
    """A header of ours without the parts that are for other kernels."""
    def number(match):
        return str(int(match[1]) * 100 + int(match[2]))
    text = re.sub(r"KERNEL_VERSION\((\d+), (\d+), \d+\)", number, text)
    text = text.replace("LINUX_VERSION_CODE", str(series(release)))
    lines, stack = [], []
    for line in text.split("\n"):
        match = re.match(r"#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)",
                         line)
        if match:
            follow_condition(stack, match[1], match[2], {})
        elif all(s[0] is not False for s in stack):
            lines.append(line)
    return "\n".join(lines)


def renames(text, release):
    """{our name: the kernel's} of compat_hooks.h."""
    return dict(re.findall(r"^#define[ \t]+(\w+)[ \t]+([a-z_]\w+)$",
                           for_kernel(text, release), re.M))


def is_for(word, major, minor, release):
    """Is what stands in VTL_<word>_<major>_<minor>() for this kernel?"""
    since = series(release) >= int(major) * 100 + int(minor)
    return since == (word == "SINCE")


def parse_list(text, release, names):
    """All VTL_HOOK and VTL_CALL entries of a hook list for a kernel."""
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    entries = []
    comment, at = "", 0
    token = re.compile(r"/\*.*?\*/|\bVTL_(HOOK|CALL)\s*\(|"
                       r"\bVTL_(BEFORE|SINCE)_(\d+)_(\d+)\s*\(", re.S)
    while True:
        match = token.search(text, at)
        if not match:
            return entries
        at = match.end()
        if match[2]:
            if not is_for(*match.groups()[1:], release):
                at = closing(text, at - 1)
            continue
        if match[1] is None:
            comment = match[0]
            continue
        at = closing(text, at - 1)
        entry = re.sub(r"\w+", lambda m: names.get(m[0], m[0]),
                       text[match.end():at])
        entries.append(make_entry(match[1], split_commas(entry), comment))


def make_entry(kind, fields, comment):
    """Turn the macro's arguments into an Entry."""
    if len(fields) != (6 if kind == "HOOK" else 5):
        raise Failure("VTL_%s(%s): %d arguments" %
                      (kind, ", ".join(fields[:2]), len(fields)))
    owner, name = fields[0].strip('"'), fields[1]
    if owner not in MODULES and (owner, kind) != (VMLINUX, "CALL"):
        raise Failure("%s: unknown module %s" % (name, owner))
    flags = fields[2] if kind == "HOOK" else ""
    proto, args = fields[-3:-1], fields[-1]
    return Entry(kind, owner, name, flags, proto, args, headings(comment))


def closing(text, at):
    """Index of the parenthesis that closes the one at this index."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise Failure("unbalanced parenthesis: " + text[at:at + 60])


def split_commas(text):
    """Split at the commas outside of parentheses, tidy the blanks."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [" ".join(p.split()) for p in parts]


def headings(comment):
    """The 'Word: text' paragraphs of a comment: {word: [text, ...]}."""
    result = collections.defaultdict(list)
    word = None
    for line in comment.strip("/*").splitlines():
        line = re.sub(r"^\s*\*?\s?", "", line).rstrip()
        match = re.match(r"([A-Z][A-Za-z]+(?: \d[\w.-]*)?):\s*(.*)", line)
        if match:
            word = match[1]
            result[word].append(match[2])
        elif word and line.strip():
            result[word][-1] += " " + line.strip()
        else:
            word = None
    return result


def noted(entry, word, release):
    """All paragraphs under a heading, bare or for this kernel series."""
    result = []
    names = (release + ".",
             re.sub(r"^(\d+\.\d+)\.\d+-", r"\1-", release) + ".")
    for key, texts in entry.comment.items():
        name, _, series = key.partition(" ")
        if name == word and (not series or any(
                n.startswith(series + ".") for n in names)):
            result += texts
    return result


def accepted_copies(entry, release):
    """({function: reason}, errors) of the Inlined: lines."""
    accepted, errors = {}, []
    for text in noted(entry, "Inlined", release):
        if text.startswith("none"):
            continue
        for group in re.split(r"(?<=\))\s*;\s*", text):
            match = re.fullmatch(r"([\w.,\s]+?)\s*\((.+)\)\.?", group)
            if not match:
                errors.append("'Inlined: %s' is not: a, b (reason)" % group)
                continue
            for name in split_commas(match[1]):
                accepted[name] = match[2]
    return accepted, errors


def declared_prototype(entry, btf):
    """The entry's types in the form of Btf.prototype()."""
    params = split_commas(entry.proto[1].strip()[1:-1])
    if params in ([""], ["void"]):
        params = []
    types = [declared_type(entry.proto[0], btf)]
    return types + [declared_type(parameter_type(p), btf) for p in params]


def parameter_type(param):
    """A parameter without its name."""
    if re.search(r"\(\s*\*", param):
        return "function *"
    param, arrays = re.subn(r"\[[^\]]*\]", "", param)
    return re.sub(r"\w+$", "", param.strip()) + "*" * arrays


def declared_type(text, btf):
    """A C type as text, in the form of Btf.canonical()."""
    text = QUALIFIER_WORDS.sub("", text)
    stars = "*" * text.count("*")
    words = text.replace("*", " ").split()
    if words in (["void"], ["function"]) or \
       (words and words[0] in ("struct", "union", "enum")):
        return " ".join(words) + stars
    integer = plain_int(words)
    if integer:
        return integer + stars
    typedef = btf.typedef(" ".join(words))
    if typedef is None:
        return "unknown type '%s'" % " ".join(words)
    return btf.canonical(typedef) + stars


# ---------------------------------------------------------------- C source

Definition = collections.namedtuple("Definition", "name file static uses")
SOURCE_DIRS = ("arch/x86/kvm", "virt/kvm")
SOURCE_HEADERS = ("include/linux/kvm_host.h",
                  "arch/x86/include/asm/kvm_host.h")
NO_FUNCTION = {"if", "for", "while", "switch", "return", "sizeof", "typeof",
               "__must_hold", "__acquires", "__releases", "__attribute__",
               "__printf", "__aligned", "__section", "__cond_acquires"}
# A name that is called, or used as a value (a function passed by address).
USE = re.compile(r"\b([A-Za-z_]\w*)\s*(?=\()|"
                 r"(?<=[=(,&?:])\s*([A-Za-z_]\w*)\s*(?=[,;)}])")
# paging_tmpl.h is included once for each of these.
TEMPLATES = (("paging64_", 64), ("paging32_", 32), ("ept_", 99))


class Source:
    """Which function of the KVM source mentions a call of which."""

    def __init__(self, root, config):
        self.defs = {}
        self.named = collections.defaultdict(list)
        env = dict(config, MODULE=1, __KERNEL__=1)
        unused = unused_files(root, config)
        for path in self._files(root):
            if path in unused:
                continue
            with open(os.path.join(root, path), errors="replace") as stream:
                text = strip_comments(stream.read())
            if path.endswith("paging_tmpl.h"):
                self._add_template(path, text, env)
            else:
                self._add(path, text, env)
        self.callers = collections.defaultdict(list)
        for caller in self.defs.values():
            for name in caller.uses:
                callee = self._bind(name, caller.file)
                if callee and callee != caller:
                    self.callers[callee[:2]].append(caller)

    @staticmethod
    def _files(root):
        for top in SOURCE_DIRS:
            for folder, _, names in sorted(os.walk(os.path.join(root, top))):
                for name in sorted(names):
                    if name.endswith((".c", ".h")):
                        yield os.path.relpath(os.path.join(folder, name), root)
        yield from SOURCE_HEADERS

    def _add_template(self, path, text, env):
        for prefix, value in TEMPLATES:
            copy = re.sub(r"\bFNAME\(\s*(\w+)\s*\)", prefix + r"\1", text)
            copy = copy.replace("PTTYPE_EPT", "99")
            self._add(path, copy, dict(env, PTTYPE=value))

    def _add(self, path, text, env):
        text, macros = preprocess(text, env)
        for name, static, body in list(functions_of(text)) + macros:
            uses = collections.Counter(a or b for a, b in USE.findall(body))
            del uses[name]
            known = self.defs.get((name, path))
            if known:
                known.uses.update(uses)
                continue
            self.defs[name, path] = Definition(name, path, static, uses)
            self.named[name].append(self.defs[name, path])

    def _bind(self, name, file):
        """The definition that a call of this name in this file means."""
        found = self.named.get(name, ())
        for definition in found:
            if definition.file == file:
                return definition
        seen = [d for d in found if d.file.endswith(".h") or not d.static]
        near = [d for d in seen
                if os.path.dirname(d.file) == os.path.dirname(file)]
        code = [d for d in seen if d.file.endswith(".c")]
        return (near or code or seen or [None])[0]


def unused_files(root, config):
    """Source files which the Makefiles leave out with this configuration."""
    result = set()
    for path in ("arch/x86/kvm/Makefile", "virt/kvm/Makefile.kvm"):
        with open(os.path.join(root, path), encoding="utf-8") as stream:
            text = stream.read().replace("\\\n", " ")
        for option, objects in re.findall(r"^[\w-]+-\$\((CONFIG_\w+)\)"
                                          r"\s*\+=(.*)", text, re.M):
            if not config or option in config:
                continue
            for name in re.findall(r"(\S+)\.o\b", objects):
                result.add("%s/%s.c" % (os.path.dirname(path),
                                        name.replace("$(KVM)/", "")))
    return result


def strip_comments(text):
    """Blank out comments, empty string and character literals."""
    def replace(match):
        if match[0][0] == "/":
            return re.sub(r"[^\n]", " ", match[0])
        return '""' if match[0][0] == '"' else "0"
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])+'", replace, text, flags=re.S)


def condition(expression, env):
    """Value of an #if expression, None if it depends on unknown macros.

    An option that the configuration does not set is 0.
    """
    expression = re.sub(r"defined\s*\(?\s*(\w+)\s*\)?|"
                        r"IS_(?:ENABLED|REACHABLE|MODULE)\s*\(\s*(\w+)\s*\)",
                        r" \1\2 ", expression)
    unknown = False

    def replace(match):
        nonlocal unknown
        if match[0] in env:
            return str(env[match[0]])
        if not match[0].startswith("CONFIG_") or "CONFIG_KVM" not in env:
            unknown = True
        return "0"
    expression = re.sub(r"\b[A-Za-z_]\w*\b", replace, expression)
    expression = expression.replace("&&", " and ").replace("||", " or ")
    expression = re.sub(r"!(?!=)", " not ", expression)
    if unknown or re.search(r"[^\w\s()<>=!]", expression):
        return None
    try:
        return bool(eval(expression, {"__builtins__": {}}))
    except (SyntaxError, TypeError):
        return None


def preprocess(text, env):
    """Drop what #if excludes for sure; collect function-like macros."""
    lines, macros, stack = [], [], []
    for line in text.replace("\\\n", "  ").split("\n"):
        match = re.match(r"\s*#\s*(\w+)\s*(.*)", line)
        if not match:
            lines.append(line if all(s[0] is not False for s in stack) else "")
            continue
        lines.append("")
        word, rest = match.groups()
        if word == "define" and all(s[0] is not False for s in stack):
            macro = re.match(r"(\w+)\([^)]*\)(.*)", rest)
            if macro:
                macros.append((macro[1], True, macro[2]))
        else:
            follow_condition(stack, word, rest, env)
    return "\n".join(lines), macros


def follow_condition(stack, word, rest, env):
    """Keep a stack of [value of this branch, one was already true]."""
    if word in ("if", "ifdef", "ifndef"):
        value = condition(rest if word == "if" else "defined(%s)" % rest, env)
        if word == "ifndef" and value is not None:
            value = not value
        stack.append([value, value is True])
    elif word == "elif" and stack:
        value = False if stack[-1][1] else condition(rest, env)
        stack[-1] = [value, stack[-1][1] or value is True]
    elif word == "else" and stack:
        if stack[-1][1]:
            stack[-1][0] = False
        elif stack[-1][0] is False:
            stack[-1][0] = True
    elif word == "endif" and stack:
        stack.pop()


def functions_of(text):
    """Yield (name, static, body) of the function definitions in a file."""
    depth, last, start, head = 0, 0, 0, ""
    for match in re.finditer(r"[{};]", text):
        at, char = match.start(), match[0]
        first = at == 0 or text[at - 1] == "\n"
        if char == "{":
            if first:
                depth = 0       # kernel style: a body opens in column 0
            if depth == 0:
                head, start = text[last:at], at + 1
            depth += 1
        elif char == "}":
            depth = 0 if first else max(depth - 1, 0)
            if depth == 0:
                name = function_name(head)
                if name and "__weak" not in head.split():
                    yield name, "static" in head.split(), text[start:at]
                last, head = at + 1, ""
        elif depth == 0:
            last = at + 1


def function_name(head):
    """Name of the function a definition's head declares, or None."""
    if head.rstrip().endswith("="):
        return None
    stack, groups = [], []
    for i, char in enumerate(head):
        if char == "(":
            stack.append(i)
        elif char == ")" and stack:
            start = stack.pop()
            if not stack:
                groups.append(start)
    for start in reversed(groups):
        word = re.search(r"(\w+)\s*$", head[:start])
        if word and word[1] not in NO_FUNCTION:
            return word[1]
    return None


# ---------------------------------------------------------------- kernel

class Kernel:
    """Binaries, types and source of one kernel package."""

    def __init__(self, root, release=None, source=None):
        self.folder, self.release = find_release(root, release)
        self.modules = {
            name: Module(name, one_file(os.path.join(self.folder, MODULE_DIR,
                                                     file + "*")))
            for name, file in MODULES.items()}
        self.btf = self._load_btf(root)
        self.source = None
        if source:
            self.source = Source(source, self._load_config(root))

    def _load_btf(self, root):
        path = first_file(root, "usr/src/linux-headers-%s/vmlinux",
                          "boot/vmlinux-%s", "usr/lib/debug/boot/vmlinux-%s",
                          "boot/vmlinuz-%s", "lib/modules/%s/vmlinuz",
                          "usr/lib/modules/%s/vmlinuz", release=self.release)
        if path is None:
            return None
        base = Btf(Elf(uncompress_image(read_file(path))).find(".BTF"))
        types = {name: Btf(module.elf.find(".BTF"), base)
                 for name, module in self.modules.items()}
        return dict(types, **{VMLINUX: base})

    def _load_config(self, root):
        path = first_file(root, "boot/config-%s",
                          "usr/src/linux-headers-%s/.config",
                          "lib/modules/%s/config",
                          "usr/lib/modules/%s/config", release=self.release)
        if path is None:
            return {}
        with open(path, encoding="utf-8") as stream:
            return {name: 1 for name in
                    re.findall(r"^(CONFIG_\w+)=[ym]", stream.read(), re.M)}

    # In the following, "definition" is a function of the source.

    def homes(self, definition):
        """The modules into which this function may be compiled."""
        if definition.file.endswith(".h"):
            return list(self.modules.values())
        for part, name in (("/vmx/", "kvm_intel"), ("/svm/", "kvm_amd")):
            if part in definition.file:
                return [self.modules[name]]
        return [self.modules["kvm"]]

    def symbols(self, definition):
        """(module, symbol) of all the function became in the binaries."""
        return [(m, s) for m in self.homes(definition)
                for s in m.variants.get(definition.name, ())]

    def calls(self, definition, symbol):
        """How often it calls, or takes the address of, exactly this symbol."""
        return sum(m.calls[s][symbol] + (s in m.taken.get(symbol, ()))
                   for m, s in self.symbols(definition) if s in m.calls)

    def reaches(self, definition, name):
        """Does it refer to this function or a clone of it?"""
        return any(base_name(symbol) == name
                   for m, s in self.symbols(definition)
                   for symbol in m.refs.get(s, ()))

    def users(self, owner, name, field):
        """{module: users} of a function; field is 'calls' or 'taken'."""
        result = {}
        for module in self.modules.values():
            if module.name != owner and name not in module.undefined:
                continue
            if field == "calls":
                users = {c: n[name] for c, n in module.calls.items()
                         if name in n}
            else:
                users = {place: 1 for place in module.taken.get(name, ())}
            if users:
                result[module.name] = users
        return result

    def missing_calls(self, target):
        """Where the source calls target but the binary does not.

        Walks from every source caller up through the functions that hold an
        inlined copy of it.  Returns {definition: chain of inlined functions}.
        """
        result, seen = {}, set()

        def visit(caller, chain):
            if caller[:2] in seen or caller == target:
                return
            seen.add(caller[:2])
            if self.symbols(caller) and \
               not self.calls(caller, target.name) and \
               not any(self.reaches(caller, name) for name in chain):
                result[caller[:2]] = chain
            for user in self.source.callers.get(caller[:2], ()):
                if not self.reaches(user, caller.name):
                    visit(user, chain + [caller.name])
        for caller in self.source.callers.get(target[:2], ()):
            visit(caller, [])
        return result

    def likeness(self, owner, name, definition):
        """(shared, all) references of the target found in a function."""
        refs = self.modules[owner].refs.get(name, set())
        refs = {r for r in refs - COMMON - {definition.name, name}
                if not INSTRUMENT.match(r)}
        found = set()
        for module, symbol in self.symbols(definition):
            found |= module.refs.get(symbol, set())
        return len(refs & found), len(refs)


def find_release(root, release):
    """(module folder, release) of the one kernel below root."""
    found = {}
    for top in ("lib", "usr/lib"):
        pattern = os.path.join(root, top, "modules", release or "*")
        for path in glob.glob(os.path.join(pattern, MODULE_DIR)):
            folder = path[:-len(MODULE_DIR) - 1]
            found[os.path.basename(folder)] = folder
    if len(found) != 1:
        raise Failure("%d kernels with KVM modules in the given folder: %s" %
                      (len(found), ", ".join(sorted(found)) or "none"))
    (release, folder), = found.items()
    return folder, release


def one_file(pattern):
    """The only file that matches."""
    paths = glob.glob(pattern)
    if len(paths) != 1:
        raise Failure("%s: %d files" % (os.path.basename(pattern), len(paths)))
    return paths[0]


def first_file(root, *patterns, release):
    """The first of these files that exists, or None."""
    for pattern in patterns:
        path = os.path.join(root, pattern % release)
        if os.path.isfile(path):
            return path
    return None


# ---------------------------------------------------------------- checks

class Result:
    """What was found out about one entry."""

    def __init__(self, entry):
        self.entry = entry
        self.errors, self.notes = [], []
        self.columns = {"fentry": "-", "ibt": "-", "prototype": "-"}

    def lines(self):
        """The entry's lines of the report."""
        entry = self.entry
        state = "FAIL" if self.errors else "ok"
        yield "%-4s %-4s %-9s %-34s %-6s %-6s %s" % (
            state, entry.kind.lower(), entry.owner, entry.name,
            self.columns["fentry"], self.columns["ibt"],
            self.columns["prototype"])
        for text in self.errors:
            yield "          error: " + text
        for text in self.notes:
            yield "          " + text


def check_entry(kernel, entry):
    """Run all checks on one entry."""
    result = Result(entry)
    if entry.owner == VMLINUX:
        check_prototype(kernel, entry, result)
        return result
    if not check_symbol(kernel, entry, result):
        return result
    module = kernel.modules[entry.owner]
    sealed = entry.name in module.sealed
    traceable = entry.name in module.fentry
    result.columns.update(fentry="yes" if traceable else "no",
                          ibt="sealed" if sealed else "-")
    check_prototype(kernel, entry, result)
    check_callers(kernel, entry, result)
    if entry.kind == "HOOK":
        if not traceable:
            result.errors.append("not traceable: no entry in __mcount_loc")
        check_copies(kernel, entry, result)
    return result


def check_symbol(kernel, entry, result):
    """The symbol exists exactly once; False if there is nothing to check."""
    module = kernel.modules[entry.owner]
    number = module.count[entry.name]
    clones = sorted(module.variants.get(entry.name, set()) - {entry.name})
    if number == 1:
        return True
    if number > 1:
        result.errors.append("%d functions of this name" % number)
    elif clones:
        result.errors.append("exists only as " + ", ".join(clones))
    elif "OPTIONAL" in entry.flags:
        result.notes.append("absent: optional")
    else:
        result.errors.append("no such function in " + entry.owner)
    return False


def check_prototype(kernel, entry, result):
    """The declared types are those of the binary."""
    args = split_commas(entry.args[1:-1])
    params = split_commas(entry.proto[1].strip()[1:-1])
    names = [re.sub(r"^.*?(\w+)\)?(?:\[[^\]]*\])?(?:\([^()]*\))?$", r"\1", p)
             for p in params]
    if args != names and [params, args] != [["void"], [""]]:
        result.errors.append("passes (%s), declares (%s)" %
                             (", ".join(args), ", ".join(names)))
    if kernel.btf is None:
        result.columns["prototype"] = "unchecked"
        return
    btf = kernel.btf[entry.owner]
    found, declared = btf.prototype(entry.name), declared_prototype(entry, btf)
    if found == declared:
        result.columns["prototype"] = "same"
        return
    result.columns["prototype"] = "differs" if found else "none"
    if found is None:
        result.errors.append("BTF has no prototype for it")
        return
    result.errors.append("declared  %s" % show_prototype(declared))
    result.errors.append("but it is %s" % show_prototype(found))


def show_prototype(types):
    """[result, argument...] as text."""
    return "%s (%s)" % (types[0], ", ".join(types[1:]) or "void")


def check_callers(kernel, entry, result):
    """Report who reaches the function; compare with a Callers: line."""
    names = set()
    for field, title in (("calls", "callers"), ("taken", "address")):
        users = kernel.users(entry.owner, entry.name, field)
        if entry.kind == "HOOK" and (users or field == "calls"):
            result.notes.append("%s: %s" % (title, show_users(users)))
        names.update(base_name(n) for u in users.values() for n in u)
    for text in noted(entry, "Callers", kernel.release):
        declared = set(split_commas(text.rstrip(". "))) - {"none"}
        if declared == names:
            continue
        changes = ["+" + n for n in sorted(names - declared)] + \
                  ["-" + n for n in sorted(declared - names)]
        result.errors.append("callers are not those declared: " +
                             " ".join(changes))


def show_users(users):
    """{module: {function: number}} as text."""
    return "; ".join(
        module + ": " + " ".join(name + ("*%d" % n if n > 1 else "")
                                 for name, n in sorted(functions.items()))
        for module, functions in sorted(users.items())) or "none"


def find_target(kernel, entry):
    """The entry's function in the source, or None."""
    for definition in kernel.source.named.get(entry.name, ()):
        homes = kernel.homes(definition)
        if kernel.modules[entry.owner] in homes:
            return definition
    return None


def check_copies(kernel, entry, result):
    """No function that should call the target holds a copy of it."""
    accepted, errors = accepted_copies(entry, kernel.release)
    result.errors += errors
    if kernel.source is None:
        return
    target = find_target(kernel, entry)
    if target is None:
        result.errors.append("no definition found in the source")
        return
    for caller, chain in sorted(kernel.missing_calls(target).items()):
        judge_copy(kernel, entry, result, kernel.source.defs[caller], chain,
                   accepted)
    note_fewer_sites(kernel, target, result)


def judge_copy(kernel, entry, result, caller, chain, accepted):
    """Sort one missing call into error, accepted copy, or dead code."""
    where = caller.name + "".join(" < " + n for n in reversed(chain))
    clones = sorted({callee for m, s in kernel.symbols(caller)
                     for callee in m.calls.get(s, ())
                     if base_name(callee) == entry.name})
    shared, total = kernel.likeness(entry.owner, entry.name, caller)
    if not clones and shared == 0 and total >= 2:
        result.notes.append("call optimised away: %s (0 of %d references)" %
                            (where, total))
    elif caller.name in accepted:
        result.notes.append("inlined copy: %s (%s)" %
                            (where, accepted[caller.name]))
    elif clones:
        result.errors.append("PARTIAL COPY in %s: it calls %s" %
                             (where, ", ".join(clones)))
    else:
        result.errors.append("INLINED COPY in %s (%d of %d references)" %
                             (where, shared, total))


def note_fewer_sites(kernel, target, result):
    """Report callers with fewer calls than the source; may be merged code."""
    fewer = []
    for caller in kernel.source.callers.get(target[:2], ()):
        found, wanted = kernel.calls(caller, target.name), \
            caller.uses[target.name]
        if 0 < found < wanted:
            fewer.append("%s %d/%d" % (caller.name, found, wanted))
    if fewer:
        result.notes.append("fewer calls than in the source: " +
                            ", ".join(sorted(fewer)))


def check_layout(kernel, text):
    """Check the VTL_LAYOUT() lines of compat_kvm.h: lines, errors."""
    lines, errors = [], 0
    for struct_name, member, offset in re.findall(
            r"^VTL_LAYOUT\((\w+),\s*([\w.]+),\s*(\w+)\)",
            for_kernel(text, kernel.release), re.M):
        found = kernel.btf["kvm"].offset(struct_name, member) \
            if kernel.btf else int(offset, 0)
        good = found == int(offset, 0)
        errors += not good
        lines.append("%-4s member    %s.%s at %s%s" %
                     ("ok" if good else "FAIL", struct_name, member, offset,
                      "" if good else ", but it is at %s" % found))
    return lines, errors


def check_list(kernel, text, names=None):
    """Check a whole hook list: results in a stable order."""
    entries = parse_list(text, kernel.release, names or {})
    if not entries:
        raise Failure("no VTL_HOOK or VTL_CALL entry found")
    results = [check_entry(kernel, entry) for entry in entries]
    seen = set()
    for result in results:
        key = (result.entry.owner, result.entry.name)
        if key in seen:
            result.errors.append("listed twice")
        seen.add(key)
    owners = list(MODULES) + [VMLINUX]
    return sorted(results, key=lambda r: (owners.index(r.entry.owner),
                                          r.entry.name, r.entry.kind))


def report(kernel, results, layout):
    """The report as text."""
    lines = ["# Hooks of kvm-vtl in Linux %s; scripts/verify-hooks.py." %
             kernel.release]
    lines += ["# %-9s build-id %s" % (name, module.build_id())
              for name, module in kernel.modules.items()]
    if kernel.btf is None:
        lines.append("# Prototypes not checked: no vmlinux.")
    if kernel.source is None:
        lines.append("# Inlined copies not checked: no source.")
    lines += ["", "%-4s %-4s %-9s %-34s %-6s %-6s %s" %
              ("#", "kind", "module", "function", "fentry", "ibt",
               "prototype")]
    for result in results:
        lines += result.lines()
    lines += [""] + layout if layout else []
    failed = sum(bool(r.errors) for r in results)
    lines += ["", "%d ok, %d failed" % (len(results) - failed, failed)]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- self-test

KICK = '"kvm", kvm_vcpu_kick, VTL_HOOK_REQUIRED, void'
WAKE_UP = 'VTL_HOOK("kvm", kvm_vcpu_wake_up, VTL_HOOK_REQUIRED,\n' \
          '\t bool, (struct kvm_vcpu *vcpu), (vcpu))\n'
# What each list must yield: None for ok, else a part of the error.
SELF_TESTS = (
    ("good hook", None,
     "VTL_HOOK(%s, (struct kvm_vcpu *vcpu), (vcpu))" % KICK),
    ("good call with typedefs", None,
     'VTL_CALL("kvm", kvm_mmu_gva_to_gpa_read, u64, (struct kvm_vcpu *vcpu, '
     "gva_t gva, struct x86_exception *ex), (vcpu, gva, ex))"),
    ("symbol does not exist", "no such function",
     'VTL_HOOK("kvm", kvm_no_such_function, VTL_HOOK_REQUIRED, void, (void), '
     "())"),
    ("symbol may be absent", None,
     'VTL_HOOK("kvm", kvm_no_such_function, VTL_HOOK_OPTIONAL, void, (void), '
     "())"),
    ("exists only as a clone", "exists only as",
     'VTL_HOOK("kvm", __set_sregs_common, 0, int, (void), ())'),
    ("inlined into kvm_vcpu_kick", "INLINED COPY in kvm_vcpu_kick", WAKE_UP),
    ("inlined copies accepted", None,
     "/*\n * Why: x\n * Inlined: kvm_vcpu_kick (hooked itself);\n"
     " *          kvm_make_vcpu_request (makes no work)\n */\n" + WAKE_UP),
    ("inlined copy accepted without reason", "is not: a, b (reason)",
     "/*\n * Inlined: kvm_vcpu_kick, kvm_make_vcpu_request\n */\n" + WAKE_UP),
    ("split by the compiler", "PARTIAL COPY in kvm_apic_write_nodecode",
     'VTL_HOOK("kvm", kvm_x2apic_icr_write, VTL_HOOK_REQUIRED, int, '
     "(struct kvm_lapic *apic, u64 data), (apic, data))"),
    ("not traceable", "not traceable",
     'VTL_HOOK("kvm", kvm_mmu_do_page_fault, VTL_HOOK_REQUIRED, int, '
     "(struct kvm_vcpu *vcpu, gpa_t gpa, u64 err, bool prefetch, int *type, "
     "u8 *level), (vcpu, gpa, err, prefetch, type, level))"),
    ("wrong argument type", "but it is void (struct kvm_vcpu*)",
     "VTL_HOOK(%s, (struct kvm *kvm), (kvm))" % KICK),
    ("wrong number of arguments", "but it is void (struct kvm_vcpu*)",
     "VTL_HOOK(%s, (struct kvm_vcpu *vcpu, bool b), (vcpu, b))" % KICK),
    ("arguments passed in wrong order", "passes (b, a)",
     'VTL_CALL("kvm", kvm_flush_remote_tlbs, void, (struct kvm *a, int b), '
     "(b, a))"),
    ("callers as declared", None,
     "/*\n * Callers: emulate_ops\n */\n"
     'VTL_HOOK("kvm", emulator_cmpxchg_emulated, VTL_HOOK_REQUIRED, int, '
     "(struct x86_emulate_ctxt *ctxt, unsigned long addr, const void *old, "
     "const void *new, unsigned int bytes, struct x86_exception *exception), "
     "(ctxt, addr, old, new, bytes, exception))"),
    ("callers not as declared", "+vmx_handle_exit -handle_xy -nobody",
     "/*\n * Callers: nobody, handle_xy\n */\n"
     'VTL_HOOK("kvm_intel", nested_vmx_reflect_vmexit, VTL_HOOK_REQUIRED, '
     "bool, (struct kvm_vcpu *vcpu), (vcpu))"),
)


def self_test(kernel):
    """Run the checks on lists with known faults; number of wrong answers."""
    wrong = 0
    for title, expected, text in SELF_TESTS:
        result, = check_list(kernel, text)
        if expected is None:
            good = not result.errors
        else:
            good = any(expected in error for error in result.errors)
        wrong += not good
        print("%s - %s" % ("ok" if good else "not ok", title))
        for error in result.errors if not good else ():
            print("#   " + error)
    print("%d ok, %d failed" % (len(SELF_TESTS) - wrong, wrong))
    return wrong


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("list", nargs="?", metavar="hook_list.h")
    parser.add_argument("--kernel", required=True, metavar="DIR",
                        help="unpacked image (and headers) package, or /")
    parser.add_argument("--release", help="which kernel, if DIR holds several")
    parser.add_argument("--source", metavar="DIR",
                        help="source tree of that kernel")
    parser.add_argument("--write", metavar="FILE",
                        help="write the report to this file, too")
    parser.add_argument("--self-test", action="store_true",
                        help="show that faults are found (6.12, with source)")
    arguments = parser.parse_args()
    if not arguments.self_test and not arguments.list:
        parser.error("hook_list.h is missing")
    return arguments


def beside(path, name):
    """The text of another file in the folder of this one."""
    with open(os.path.join(os.path.dirname(path), name),
              encoding="utf-8") as stream:
        return stream.read()


def main():
    """Returns the exit status."""
    arguments = parse_arguments()
    kernel = Kernel(arguments.kernel, arguments.release, arguments.source)
    if arguments.self_test:
        return 1 if self_test(kernel) else 0
    names = renames(beside(arguments.list, "compat_hooks.h"), kernel.release)
    layout, wrong = check_layout(kernel,
                                 beside(arguments.list, "compat_kvm.h"))
    with open(arguments.list, encoding="utf-8") as stream:
        results = check_list(kernel, stream.read(), names)
    text = report(kernel, results, layout)
    sys.stdout.write(text)
    if arguments.write:
        os.makedirs(os.path.dirname(arguments.write) or ".", exist_ok=True)
        with open(arguments.write, "w", encoding="utf-8") as stream:
            stream.write(text)
    return 1 if wrong or any(r.errors for r in results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit("verify-hooks.py: %s" % error)

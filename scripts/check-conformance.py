#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does every test that Documentation/conformance.rst names exist, and did it run?

A name is AREA.TEST; in a table's cell the names that follow it after commas
belong to the same area.  "*" stands for any number of characters, and must fit
at least one test.  Of fixtures with variants (AREA.VARIANT.TEST) all variants
count.

With verdict files (build/logs/HOST/verdict) no name may have failed or be absent
in any of them; one that was skipped there is listed with its reason.  Files
given by --more are of hosts that run a part of the tests: names may be absent.
With them, each name must have passed in one file at least.
"""

import argparse
import fnmatch
import re
import sys

NAME = re.compile(r'^([a-z][a-z0-9_]*)\.([a-z0-9_*]+)$')
BARE = re.compile(r'^[a-z*][a-z0-9_*]*$')
FILES = ('c', 'h', 'py', 'rst', 'sh', 'txt')
POINT = re.compile(r'^(not )?ok \d+ (\S+)(?:\s+# SKIP\s*(.*))?')


def cells(path):
    """Yields (line number, text) of the last cell of every table row."""
    text, start = '', 0
    borders = []
    with open(path) as f:
        lines = f.read().split('\n')
    for number, line in enumerate(lines, 1):
        grid = line.startswith('| ')
        if grid:
            cell = line.rstrip().rstrip('|').rsplit('|', 1)[1].strip()
            # The first line of a row has its name.
            new = bool(line.split('|')[1].strip())
        elif re.match(r'^=+( +=+)+$', line):
            borders = [m.start() for m in re.finditer(r'=+', line)]
            yield start, text
            text = ''
            continue
        elif borders and len(line) > borders[-1] and \
                (not line[:borders[1]].strip() or
                 line[borders[-1] - 1] == ' '):
            cell = line[borders[-1]:].strip()
            new = bool(line[borders[1]:borders[-1]].strip())
        else:
            if line.startswith('+'):
                yield start, text
                text = ''
            if not line.strip():
                borders = []
            continue
        if new and not grid:
            yield start, text
            text, start = '', number
        start = start if text else number
        text = (text + ' ' + cell).strip()
    yield start, text


def names(path):
    """Yields (line number, area, pattern)."""
    for number, text in cells(path):
        area = None
        for part in re.split(r'[,;()]|\.(?:\s|$)|:\s', text):
            for word in part.split():
                match = NAME.match(word)
                if match and match.group(2) in FILES:
                    continue
                if match:
                    area = match.group(1)
                    yield number, area, match.group(2)
            words = part.split()
            if area and len(words) == 1 and BARE.match(words[0]):
                yield number, area, words[0]


def sources(tests):
    """The tests of all programs, as {area: set of names}."""
    found = {}
    for path in tests:
        with open(path) as f:
            text = f.read()
        area = re.findall(r'(?:AREA|FIXTURE)\((\w+)\)', text)
        for a in area:
            found.setdefault(a, set())
        for macro, args in re.findall(r'^(\w*TEST\w*)\(([^)]*)\)', text, re.M):
            words = [w.strip() for w in args.split(',')]
            if 'name' in words:		# the body of such a macro
                continue
            if words[0] in found and len(words) > 1:
                found[words[0]].add(words[1])
            elif area:
                # A macro of the file, with the name first
                found[area[0]].add(words[0])
    return found


def verdict(path):
    """{area.test: None or the reason of the skip}, and what failed."""
    ran, failed = {}, set()
    with open(path, errors='replace') as f:
        for line in f:
            match = POINT.match(line.strip())
            if not match:
                continue
            words = match.group(2).split('.')
            name = words[0] + '.' + words[-1]
            if match.group(1):
                failed.add(name)
            else:
                # One variant that was skipped is enough to say so.
                ran[name] = ran.get(name) or match.group(3)
    return ran, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--table', default='Documentation/conformance.rst')
    parser.add_argument('--verdict', action='append', default=[])
    parser.add_argument('--more', action='append', default=[])
    parser.add_argument('tests', nargs='+', help='selftests/*_test.c')
    args = parser.parse_args()

    there = sources(args.tests)
    named, errors = {}, []
    for number, area, pattern in names(args.table):
        fits = {'%s.%s' % (area, t) for t in
                fnmatch.filter(there.get(area, ()), pattern)}
        if not fits:
            errors.append('%s:%d: no test %s.%s' % (args.table, number, area,
                                                    pattern))
        for name in fits:
            named.setdefault(name, number)
    passed = set()
    for path in args.verdict + args.more:
        ran, failed = verdict(path)
        for name, number in sorted(named.items()):
            if name in failed or (name not in ran and path in args.verdict):
                errors.append('%s:%d: %s did not pass in %s' %
                              (args.table, number, name, path))
            elif ran.get(name):
                print('%s: %s was skipped: %s' % (path, name, ran[name]))
            elif name in ran:
                passed.add(name)
    for name in sorted(set(named) - passed if args.more else ()):
        errors.append('%s:%d: %s was skipped everywhere' %
                      (args.table, named[name], name))
    for error in errors:
        print(error)
    print('conformance: %d tests named, %d errors, %d hosts' %
          (len(named), len(errors), len(args.verdict + args.more)))
    return bool(errors) or not named


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges one run of a test machine.

Two independent witnesses: the verdict file (second serial port, written by
init.c) with the TAP output of every test, and the console, on which no kernel
splat may appear.  Prints a line per test program, what failed and what was
skipped, and writes "PASSED FAILED SKIPPED" into the totals file.

Exit status: 0 all passed, 1 something failed, 3 the machine was lost.
"""

import argparse
import re
import sys

SPLAT = re.compile(
    r'BUG:|\] WARNING:|\bOops\b|Call Trace|KASAN|KFENCE|UBSAN|'
    r'possible recursive locking|possible circular locking|'
    r'possible irq lock inversion|inconsistent lock state|'
    r'suspicious RCU usage|sleeping function called|held lock freed|'
    r'bad unlock balance|lock held when returning|'
    r'soft lockup|hard LOCKUP|rcu:.*stall|rcu_\w+ (self-)?detected|'
    r'blocked for more than|general protection fault|'
    r'kmem_cache_destroy|Kernel panic|unable to handle|refcount_t:|'
    r'list_(add|del) corruption|unreferenced object|scheduling while atomic|'
    r'stack segment|double fault|Bad page state|'
    r'Unpatched return thunk|ftrace (bug|failed to modify)')
KERNEL_LINE = re.compile(r'\[ *\d+\.\d+\]')
POINT = re.compile(r'^(not )?ok\b *(\d*) *-? *(.*)$')
PLAN = re.compile(r'^1\.\.(\d+)(.*)$')


class Test:
    """What one test program said."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.status = None
        self.ms = 0

    def count(self):
        """Returns (passed, [failure texts], [skip texts])."""
        passed, failed, skipped, notes = 0, [], [], []
        plan, points, died = None, 0, False
        for line in self.lines:
            point, head = POINT.match(line), PLAN.match(line)
            if head:
                plan = int(head.group(1))
                if plan == 0:
                    skipped.append(head.group(2).strip(' #') or self.name)
            elif point:
                points += 1
                text = point.group(3)
                skip = re.search(r'# *SKIP\b *(.*)', text, re.I)
                if skip:
                    name = text[:skip.start()].strip()
                    skipped.append('%s: %s' % (name, skip.group(1) or
                                               'no reason given'))
                elif point.group(1):
                    failed.append('\n'.join(notes[-25:] + [line]))
                else:
                    passed += 1
                notes = []
            else:
                notes.append(line)

        if self.status is None:
            died = 'machine lost while it ran'
        elif self.status == 'exit:4' and plan is None and not points:
            skipped.append('\n'.join(notes[-3:]) or 'no reason given')
        elif self.status in ('timeout', 'stuck', 'setup'):
            died = {'timeout': 'killed at its time limit',
                    'stuck': 'cannot be killed; machine stopped',
                    'setup': 'module not in the wanted state'}[self.status]
        elif self.status.startswith('signal'):
            died = 'died of ' + self.status
        elif plan is None:
            died = 'no plan in its output, ' + self.status
        elif points != plan:
            died = '%d results of %d planned, %s' % (points, plan, self.status)
        elif plan and not failed and self.status not in ('exit:0', 'exit:4'):
            died = 'ended with ' + self.status
        if died:
            failed.append('\n'.join(notes[-25:] + [died]))
        return passed, failed, skipped


def read_verdict(path):
    """Returns (names planned, tests by name, errors, final word seen)."""
    planned, tests, errors, done, now = [], {}, [], False, None
    with open(path, errors='replace') as f:
        lines = f.read().replace('\r', '').split('\n')
    for line in lines:
        if line.startswith('vtl-tests'):
            planned = line.split()[1:]
        elif line.startswith('vtl-begin '):
            now = Test(line.split()[1])
            tests[now.name] = now
        elif now and line.startswith('vtl-end %s status=' % now.name):
            found = re.search(r'status=(\S+) ms=(\d+)', line)
            if found:
                now.status, now.ms = found.group(1), int(found.group(2))
            now = None
        elif line.startswith('vtl-error '):
            errors.append(line[10:])
        elif line == 'vtl-done':
            done = True
        elif now and line:
            now.lines.append(line)
    return planned, tests, errors, done


def read_expected(path):
    expected = []
    with open(path) as f:
        for line in f:
            name, sep, regex = line.strip().partition(': ')
            if sep and not line.startswith('#'):
                expected.append((name, re.compile(regex)))
    return expected


def without_foreign_races(lines):
    """Drops what KCSAN says of races between functions that are not ours: Linux
    has many, most of them meant.  Returns (lines, titles of what was dropped).
    """
    kept, report, dropped = [], [], []
    for line in lines:
        found = re.search(r'BUG: KCSAN: (.*)', line)
        if found:
            title = found.group(1)
            ours = '[kvm_vtl]' in title
        if not found and not report or 'kvm-vtl-test: begin' in line:
            kept.append(line)
            continue
        report.append(line)
        if re.search(r'\] ={60,}', line):
            if ours:
                kept += report
            else:
                dropped.append(title)
            report = []
    return kept + report, dropped


def read_console(path, expected):
    """Returns (splats by test, kernel lines by test, foreign races).

    'boot' is what happens in our init before the first test, 'end' after the
    last, 'kernel' what came before that: complaints about the emulated
    machine, not about us.
    """
    now, splats, kernel = 'kernel', {}, {}
    with open(path, errors='replace') as f:
        lines, races = without_foreign_races(
            f.read().replace('\r', '').split('\n'))
        for line in lines:
            mark = re.search(r'kvm-vtl-test: begin (\S+)', line)
            if mark and KERNEL_LINE.search(line):
                now = mark.group(1)
                continue
            if '] vtl-init: start' in line:
                now = 'boot'
            if re.search(r'\] vtl-test \S+\|', line):
                continue
            if not line.strip():
                continue
            kernel.setdefault(now, []).append(line)
            if SPLAT.search(line) and not any(
                    name == now and regex.search(line)
                    for name, regex in expected):
                splats.setdefault(now, []).append(line)
    return splats, kernel, races


def indent(text, by='    '):
    return '\n'.join(by + line for line in text.split('\n'))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--host', required=True)
    parser.add_argument('--verdict', required=True)
    parser.add_argument('--console', required=True)
    parser.add_argument('--expected', default='/dev/null')
    parser.add_argument('--want', default='', help='tests asked for: a,b')
    parser.add_argument('--totals')
    parser.add_argument('--count-lost', action='store_true',
                        help='count a lost machine as failures')
    args = parser.parse_args()

    planned, tests, errors, done = read_verdict(args.verdict)
    splats, kernel, races = read_console(args.console,
                                         read_expected(args.expected))
    want = [name for name in args.want.split(',') if name] or planned

    if not done and not args.count_lost:
        running = [t.name for t in tests.values() if t.status is None]
        print('%s: machine lost %s' % (
            args.host, 'in ' + running[0] if running else
            'between tests' if tests else 'before the first test'))
        lines = [line for part in kernel.values() for line in part]
        print(indent('\n'.join(lines[-15:])))
        return 3

    total = [0, 0, 0]

    def report(name, passed, failed, skipped, ms):
        total[0] += passed
        total[1] += len(failed)
        total[2] += len(skipped)
        print('%s: %s: %d passed, %d failed, %d skipped (%.1f s)' % (
            args.host, name, passed, len(failed), len(skipped), ms / 1000))
        for text in failed:
            print(indent(text))
        for text in skipped:
            print(indent('skipped: ' + text))
        lines = kernel.get(name, [])
        if failed and lines:
            first = lines.index(splats[name][0]) if name in splats else 0
            shown = lines[first:][:30] if name in splats else lines[-15:]
            print(indent('console:\n' + indent('\n'.join(shown), '  ')))

    for error in errors:
        print('%s: %s' % (args.host, error))
    if 'kernel' in splats:
        print('%s: note: the kernel complains about this machine: %s' % (
            args.host, re.sub(r'^\[[^]]*\] *', '', splats['kernel'][0])))
    if races:
        print('%s: note: %d reports of races in which kvm-vtl has no part' % (
            args.host, len(races)))
        for title in sorted({title for title in races if '[kvm' in title}):
            print('%s: note: %s' % (args.host, title))
    boot = []
    if 'boot' in splats:
        boot.append('splat on the console:\n' + '\n'.join(splats['boot'][:8]))
    if not done and not tests:
        boot.append('machine lost before the first test')
    if not want:
        boot.append('no test ran')
    if errors and not any(t.status == 'setup' for t in tests.values()):
        boot += errors
    if boot:
        report('boot', 0, boot, [], 0)
    for name in want:
        test = tests.get(name)
        if not test:
            report(name, 0, ['did not run'], [], 0)
            continue
        passed, failed, skipped = test.count()
        if name in splats:
            text = 'splat on the console:\n' + '\n'.join(splats[name][:8])
            if test.status is None:
                failed[-1] += '\n' + text
            else:
                failed.append(text)
        report(name, passed, failed, skipped, test.ms)

    if 'end' in splats:
        report('end', 0, ['splat on the console:\n' +
                          '\n'.join(splats['end'][:8])], [], 0)

    print('%s: %d passed, %d failed, %d skipped' % (args.host, *total))
    if args.totals:
        with open(args.totals, 'w') as f:
            f.write('%d %d %d\n' % tuple(total))
    return 1 if total[1] else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The figures of make bench: a table, a file for programs, a chart.

Reads FOLDER/HOST.tsv, as scripts/bench.sh leaves them, and writes
FOLDER/HOST-SERIES.json and, when vmx is among them, FOLDER/chart.svg.  What
changed against the results of the same host and series in bench/results is
listed; --accept makes the new ones the results to compare with, and the chart
that of Documentation/performance.rst.
"""
import argparse
import csv
import json
import pathlib
import shutil
import subprocess
import sys

RESULTS = pathlib.Path(__file__).resolve().parent.parent / "bench/results"
CHART = RESULTS.parent.parent / "Documentation/performance.svg"
LIMIT = 0.03        # of a change that is listed
BASE = "hypercall-absent"
COUNTED = {"op", "page"}

# Rows of the chart
BARS = [
    ("hypercall-absent", "hypercall exit, in the kernel"),
    ("port-absent", "exit to user space and back"),
    ("switch-fast", "VTL call and return"),
    ("intercept", "memory intercept, answered by VTL1"),
    ("user-switch-gprs", "switch by user space: GPRs"),
    ("user-switch-fpu", "... and FPU, debug registers"),
    ("user-switch-all", "... and CR2: all that is shared"),
]


def read_rows(path):
    with open(path, newline="") as tsv:
        rows = csv.DictReader(tsv, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["name"]: row for row in rows if row["median"] != "-"}


class Host:
    """The rows of one run."""

    def __init__(self, folder, name):
        self.name = name
        self.rows = read_rows(folder / f"{name}.tsv")
        # Other load on this machine only ever adds to a time.
        self.by = "min" if name == "svm-time" else "median"

    def value(self, name):
        row = self.rows.get(name)
        return float(row[self.by]) if row else None

    def text(self, name):
        value = self.value(name)
        if value is None:
            return "-"
        if self.rows[name]["unit"] not in COUNTED:
            return f"{value:g}"
        if self.name != "svm-time":
            return f"{value:,.0f}"
        base = self.value(BASE)
        return f"{value / base:.2f}" if base else "-"

    def more(self, name):
        """What the row is above the same without the module, or an empty
        string."""
        head, _, state = name.rpartition("-")
        value, base = self.value(name), self.value(f"{head}-absent")
        if state not in ("idle", "active") or not value or not base:
            return ""
        return f"{100 * (value / base - 1):+.1f} %"

    def results(self, kernel):
        rows = {name: {key: float(row[key]) for key in ("median", "min", "max")}
                | {key: row[key] for key in ("text", "unit")}
                for name, row in self.rows.items()}
        return {"host": self.name, "kernel": kernel, "rows": rows}


def print_table(hosts):
    names, form = [], "{:<50} {:<8}" + " {:>15} {:>8}" * len(hosts) + "  {}"
    for host in hosts:
        names += [name for name in host.rows if name not in names]
    heads = [word for host in hosts for word in (host.name, "vs")]
    print(form.format("", "per", *heads, "goal").rstrip())
    for name in names:
        row = next(h.rows[name] for h in hosts if name in h.rows)
        cells = [cell for host in hosts
                 for cell in (host.text(name), host.more(name))]
        goal = row["must"] if row["must"] != "-" else ""
        print(form.format(row["text"], row["unit"], *cells, goal).rstrip())


def print_ratios(host):
    """The goals that are ratios of rows of one run."""
    for text, above, below in (
            ("VTL call and return in hypercall exits", "switch-fast", BASE),
            ("memory intercept in VTL calls and returns", "intercept",
             "switch-fast"),
            ("interrupt of VTL1 in VTL calls and returns", "interrupt",
             "switch-fast"),
            ("switch by user space / ours, GPRs only", "user-switch-gprs",
             "switch-fast"),
            ("switch by user space / ours, all that is shared",
             "user-switch-all", "switch-fast")):
        a, b = host.value(above), host.value(below)
        if a and b:
            print(f"{host.name}: {text}: {a / b:.1f}")


def print_changes(host, path):
    if not path.exists():
        print(f"{host.name}: no results of this host and series to compare "
              "with")
        return
    before = json.loads(path.read_text())["rows"]
    changed = 0
    for name, row in host.rows.items():
        old, new = before.get(name, {}).get(host.by), host.value(name)
        if old is None or abs(new - old) <= LIMIT * abs(old):
            continue
        changed += 1
        ratio = f"{100 * (new / old - 1):+.1f} %" if old else "new"
        print(f"{host.name}: {row['text']}: {old:,.0f} -> {new:,.0f} ({ratio})")
    print(f"{host.name}: {changed} rows changed by more than "
          f"{100 * LIMIT:.0f} % since the last accepted results")


def draw(host, path):
    if not shutil.which("gnuplot"):
        print("no chart: no gnuplot", file=sys.stderr)
        return
    bars = [(text, host.value(name)) for name, text in BARS
            if host.value(name)]
    bars.reverse()
    data = "\n".join(f'{i} {value:.0f} "{text}"'
                     for i, (text, value) in enumerate(bars))
    script = f"""
set terminal svg size 800,{60 + 36 * len(bars)} font "sans,13" \\
	background rgb "white"
set output "{path}"
set title "Host instructions on {host.name}; less is better"
set style fill solid 0.7
set boxwidth 0.6
set yrange [-0.6:{len(bars) - 0.4}]
set xrange [0:*]
set format x "%'.0f"
set grid xtics
unset key
set lmargin 36
$bars << END
{data}
END
plot $bars using (0):0:(0):2:($0-0.3):($0+0.3):ytic(3) \\
	with boxxyerror lc rgb "#3465a4", \\
	$bars using 2:0:(sprintf("%.0f", $2)) with labels left offset 0.5
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true",
                        help="keep the results in bench/results")
    parser.add_argument("--series", required=True)
    parser.add_argument("--kernel", required=True, help="full version")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("host", nargs="+")
    args = parser.parse_args()

    hosts = [Host(args.folder, name) for name in args.host]
    print_table(hosts)
    print()
    for host in hosts:
        print_ratios(host)
    print()
    for host in hosts:
        name = f"{host.name}-{args.series}.json"
        path = args.folder / name
        path.write_text(json.dumps(host.results(args.kernel), indent=1) + "\n")
        if host.name == "svm-time":
            continue
        print_changes(host, RESULTS / name)
        if args.accept:
            RESULTS.mkdir(exist_ok=True)
            shutil.copy(path, RESULTS / name)
        if host.name == "vmx":
            draw(host, args.folder / "chart.svg")
            if args.accept:
                shutil.copy(args.folder / "chart.svg", CHART)


if __name__ == "__main__":
    main()

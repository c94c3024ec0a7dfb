"""What survives: every promise of SECURITY.md, broken at length.

    python benchmarks/faults.py                          all long forms, one after the other: hours
    python benchmarks/faults.py kills --count 500        one of them
    python benchmarks/faults.py resume losses downloads  suites of tests, each test a case
    python benchmarks/faults.py fuzz --seconds 60        every fuzz target for so long; --target midi: one of them
    python benchmarks/faults.py --quick                  the short forms, as in `seqgen selftest`

Prints a table and keeps the last outcome of each check, with how many cases it had, in `results/faults.json`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import _report

from seqgen import selftest
from seqgen.jobs.selftest import Outcome, check_apart, names

SUITES = {  # rows of the table that tests hold better than damage at random does
    "mounts": ("no rename, no room, no right: the old file stays", ["tests/test_files.py", "tests/test_faults.py"]),
    "resume": (
        "20 stops at steps of choice: weights, optimizer, random states, log byte-identical",
        ["tests/test_resume.py"],
    ),
    "losses": ("planted NaN and spikes: the run goes back, completes, and says so", ["tests/test_rollback.py"]),
    "downloads": (
        "wrong hash, cut connection, no network: nothing left, one sentence",
        ["tests/test_catalogue.py", "tests/test_catalogue_archive.py", "tests/test_catalogue_fetch.py"],
    ),
    "encodings": (
        "text that is none: file, byte and a suggested --encoding",
        ["tests/test_tokenization.py", "tests/test_cli_tokenize.py"],
    ),
    "replays": (
        "takes come back byte by byte, alone and from an export",
        ["tests/test_takes.py", "tests/test_cli_takes.py"],
    ),
    "steering": ("control lines of generate --follow", ["tests/test_control.py", "tests/test_cli_events.py"]),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join((*names(), *SUITES)))
    parser.add_argument("--count", type=int, help="cases of each check")
    parser.add_argument("--quick", action="store_true", help="short forms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, help="fuzz: how long each target is tried")
    parser.add_argument("--target", default="all", help="fuzz: one target")
    given = parser.parse_args()
    unknown = set(given.checks) - {*names(), *SUITES}
    if unknown:
        parser.error(f"no check is called {min(unknown)!r}")
    if given.seconds:
        return fuzz(given.seconds, given.target, given.seed)
    outcomes = []
    for name in given.checks or (*names(), *SUITES):
        if name in SUITES:
            outcomes.append(suite(name))
            keep({name: {"tests": SUITES[name][1], **outcomes[-1].to_json()}})
            continue
        quick, long = selftest.counts(name)
        count = given.count or (quick if given.quick else long)
        print(f"{name}: {count:,} …", file=sys.stderr, flush=True)
        outcome = check_apart(name, count, given.seed)
        outcomes.append(outcome)
        keep({name: {"asked": count, **outcome.to_json()}})
    show(outcomes)
    return 0 if all(outcome.held for outcome in outcomes) else 1


def show(outcomes: list[Outcome]) -> None:
    """A row for each check, and the first failures."""
    rows = [
        (each.name, each.cases, each.failed, round(each.memory / 1e6), round(each.seconds), facts(each))
        for each in outcomes
    ]
    _report.print_table(("check", "cases", "failed", "MB", "s", "found"), rows)
    for each in outcomes:
        for words in each.failures:
            print(f"{each.name}: {words}")


def suite(name: str) -> Outcome:
    """Run tests in a process of their own; each is a case."""
    title, paths = SUITES[name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *paths]
        print(f"{name}: {' '.join(paths)} …", file=sys.stderr, flush=True)
        ran = subprocess.run(command, cwd=_report.RESULTS.parent.parent, stdout=subprocess.DEVNULL, check=False)
        cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = [case.get("name", "") for case in cases if {each.tag for each in case} & {"failure", "error"}]
    if ran.returncode and not failed:
        failed = [f"pytest ended with exit code {ran.returncode}"]
    facts = {"skipped": skipped} if skipped else {}
    seconds = time.monotonic() - began
    return Outcome(name, title, len(cases) - skipped, len(failed), tuple(failed[:10]), facts, seconds, 0)


def facts(outcome: Outcome) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in outcome.facts.items())


def keep(rows: dict[str, dict[str, object]]) -> None:
    """Put rows, with the time of each, beside those of earlier calls."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    rows = {name: {"date": when, **row} for name, row in rows.items()}
    path = _report.RESULTS / "faults.json"
    before = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {}
    _report.write_json("faults", dict(sorted({**before, **rows}.items())))


def fuzz(seconds: float, wanted: str, seed: int) -> int:
    """Every target for so many seconds, each with a tally of its own."""
    from seqgen.selftest import fuzz as fuzzing

    rows, failed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        found = fuzzing.targets(Path(folder))
        if wanted != "all" and wanted not in found:
            print(f"no target is called {wanted!r}; there are: {', '.join(found)}", file=sys.stderr)
            return 2
        for name, (target, seeds) in found.items():
            if wanted not in ("all", name):
                continue
            tally, random, until = selftest.Tally(), Random(f"{seed} {name}"), time.monotonic() + seconds
            while time.monotonic() < until:
                fuzzing.one(tally, name, target, fuzzing.broken(random, name, random.choice(seeds)))
            rows.append((name, tally.cases, tally.failed, tally.facts.get("slowest_s", 0.0)))
            failed += tally.failed
            keep({f"fuzz: {name}": {"seconds": seconds, "cases": tally.cases, "failed": tally.failed, **tally.facts}})
            for words in tally.failures:
                print(words)
    _report.print_table(("target", "inputs", "failed", "slowest s"), rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The lowest versions that pyproject.toml allows, held to the tests of SECURITY.md's promises.

    python benchmarks/floors.py                       a new environment, used once
    python benchmarks/floors.py --environment FOLDER  kept there, and used again as it is
    python benchmarks/floors.py tests/test_files.py   only these tests

Every bound `name>=version` becomes `name==version`, extras and development included, so a floor that does not exist
fails; what these bring along is the newest. Run by the oldest Python that pyproject.toml allows. On Linux the package
index serves torch's CUDA build: 3 GB to fetch, 5 GB on disk. The tests are those that SECURITY.md names, and those of
the commands. Warnings of deprecation do not count: old releases use what newer ones of others have deprecated.

Prints a table and keeps it in `results/floors.json`.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import _report

ROOT = Path(__file__).resolve().parent.parent
FLOOR = re.compile(r"([\w.-]+)>=([\w.]+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", metavar="TEST", help="else those that SECURITY.md names")
    parser.add_argument("--environment", type=Path, help="where the virtual environment lies, or will lie")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = (given.environment or Path(folder) / "environment").resolve()
        if not (place / "pyvenv.cfg").exists():
            install(place, floors())
        python = str(place / ("Scripts" if sys.platform == "win32" else "bin") / "python")
        found, wanted = installed(python), floors()
        wrong = {name: found.get(name) for name in wanted if not same(wanted[name], found.get(name, ""))}
        if wrong:
            print(f"{place}: other versions than the floors: {wrong}; give another --environment", file=sys.stderr)
            return 1
        tests = given.tests or sorted(trusted())
        outcomes = [suite(python, test, Path(folder)) for test in tests]
    rows = [(each["test"], each["cases"], each["failed"], each["skipped"], each["seconds"]) for each in outcomes]
    _report.print_table(("test", "cases", "failed", "skipped", "s"), rows)
    for each in outcomes:
        for words in each["failures"]:
            print(f"{each['test']}: {words}")
    if not given.tests:
        named = {name: found[name] for name in sorted(wanted)}
        _report.write_json("floors", {"python": found["python"], "versions": named, "tests": outcomes})
    return 1 if any(each["failed"] or not each["cases"] for each in outcomes) else 0


def floors() -> dict[str, str]:
    """Name → the lowest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (line for lines in project["optional-dependencies"].values() for line in lines)
    matches = (FLOOR.fullmatch(line) for line in (*project["dependencies"], *extras))
    return {normal(match[1]): match[2] for match in matches if match}


def normal(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def same(floor: str, version: str) -> bool:
    """Whether a version is the floor: 1.3 is 1.3.0, and a build such as +cu121 does not matter."""
    return re.sub(r"(\.0)+$", "", version.partition("+")[0]) == re.sub(r"(\.0)+$", "", floor)


def install(place: Path, wanted: dict[str, str]) -> None:
    """A virtual environment with just these versions, and seqgen from here."""
    venv.create(place, with_pip=True)
    pip = [str(place / ("Scripts" if sys.platform == "win32" else "bin") / "python"), "-P", "-m", "pip", "install"]
    subprocess.run([*pip, *(f"{name}=={version}" for name, version in wanted.items())], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)


def installed(python: str) -> dict[str, str]:
    """Name → version of all that an environment has, and of its Python."""
    code = "import importlib.metadata as m, json, platform; print(json.dumps({'python': platform.python_version()} | "
    code += "{each.name: each.version for each in m.distributions()}))"
    ran = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True)
    return {normal(name): version for name, version in json.loads(ran.stdout).items()}


def trusted() -> Iterator[str]:
    """The files of tests that SECURITY.md names, and those of the commands."""
    named = set(re.findall(r"tests/test_\w+\.py", (ROOT / "SECURITY.md").read_text("utf-8")))
    yield from named | {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("test_cli_*.py")}


def suite(python: str, test: str, folder: Path) -> dict[str, Any]:
    """One file of tests: how many cases, and which failed."""
    report, began = folder / "report.xml", time.monotonic()
    report.unlink(missing_ok=True)
    print(f"{test} …", file=sys.stderr, flush=True)
    command = [python, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning"]
    ran = subprocess.run([*command, f"--junitxml={report}", test], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    failed = [case.get("name", "") for case in cases if {each.tag for each in case} & {"failure", "error"}]
    if ran.returncode and not failed:
        failed = [f"pytest ended with exit code {ran.returncode}"]
    skipped = sum(case.find("skipped") is not None for case in cases)
    counts = {"cases": len(cases) - skipped, "failed": len(failed), "skipped": skipped}
    return {"test": test, **counts, "failures": failed[:10], "seconds": round(time.monotonic() - began)}


if __name__ == "__main__":
    sys.exit(main())

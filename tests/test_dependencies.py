"""What pyproject.toml allows, what is pinned, and what the documents say of it agree."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(path):
    """Name → version of the lines `name==version` of a file."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return {normal(name): version for name, version in found}


def number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version.partition(".post")[0]))


PINS = versions("constraints.txt")


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *EXTRAS])
def test_each_bound_has_a_floor_that_its_pin_reaches(line):
    name, relation, floor = re.fullmatch(r"([\w.-]+)(>=|==)([\w.]+)", line.partition(";")[0]).groups()
    pin = PINS.get(normal(name))
    extras = PROJECT["optional-dependencies"]
    assert (
        pin or line in extras["fluidsynth"] + extras["tables"] + extras["code"] + extras["live"] + extras["link"]
    )  # which the tests do without
    assert pin is None or (number(pin) >= number(floor) if relation == ">=" else pin == floor)


def test_the_hashed_files_pin_the_same_versions():
    assert versions("requirements/run.txt") | versions("requirements/dev.txt") == PINS


def test_the_table_has_each_dependency_with_its_pin():
    text = (ROOT / "docs/dependencies.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]\S*) \|", text, re.MULTILINE)
    assert {normal(name): version for name, version in rows} == {
        name: PINS[name] for name in (normal(re.split("[>=]", line)[0]) for line in PROJECT["dependencies"])
    }

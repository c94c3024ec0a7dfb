"""What is made from the code is as the code says; what lists the tree lists what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seqgen"


def test_the_help_is_that_of_the_commands():
    script = str(ROOT / "scripts" / "docs")
    done = subprocess.run([sys.executable, "-P", script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), "run scripts/docs"


def test_the_check_sees_another_help(tmp_path):
    """The same script beside a help that lacks a line."""
    for name in ("seqgen", "corpora", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    for folder in ("scripts", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "scripts" / "docs").write_bytes((ROOT / "scripts" / "docs").read_bytes())
    text = (ROOT / "docs" / "help.md").read_text("utf-8")
    (tmp_path / "docs" / "help.md").write_text(text.replace("--force", "--farce", 1), "utf-8")
    command = [sys.executable, "-P", str(tmp_path / "scripts" / "docs"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run scripts/docs" in done.stderr


def tree() -> dict[str, str]:
    """Name → what README.md says of it, of the entries of seqgen/."""
    block = (ROOT / "README.md").read_text("utf-8").split("## The tree")[1].split("```")[1]
    lines = re.findall(r"^  (\S+)\s+(\S.*)$", block, re.MULTILINE)
    return dict(lines)


def test_the_tree_of_the_readme_is_true():
    there = {
        path.name + "/" * path.is_dir()
        for path in PACKAGE.iterdir()
        if not path.name.startswith("__") and not path.name.startswith("_data") and path.suffix in ("", ".py")
    }
    assert set(tree()) == there


@pytest.mark.parametrize("name", [*tree()])
def test_each_entry_of_the_tree_is_told(name):
    assert len(tree()[name]) > 15


GUIDES = [name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md") if (ROOT / name).exists()]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_that_a_guide_names_is_there(guide):
    """`x/y.py` is below seqgen/ or the project's own folder; `test_x.py` is in tests/."""
    named = set(re.findall(r"`(\w+/[\w/]*\w+\.(?:py|md|toml)|test_\w+\.py)`", (ROOT / guide).read_text("utf-8")))
    assert len(named) > 3
    named = {name for name in named if "NAME" not in name}
    lost = [name for name in named if not any((top / name).exists() for top in (ROOT, PACKAGE, ROOT / "tests"))]
    assert lost == []


def test_the_slow_files_are_there_and_every_room_is_tested_without_them():
    slow = (ROOT / "tests" / "slow.txt").read_text("utf-8").split()
    assert [name for name in slow if not (ROOT / "tests" / name).exists()] == []
    fast = [path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py") if path.name not in slow]
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {room for room in rooms if not any(f"seqgen.{room}" in text for text in fast)} == set()

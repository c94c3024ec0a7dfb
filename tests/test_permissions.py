"""Files and folders that this user may not read: one sentence each, told and counted, whichever command meets them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Permissions do not bind root: its right to pass them over is taken away.
PLAIN = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
pytestmark = pytest.mark.skipif(
    os.name == "nt" or (os.geteuid() == 0 and shutil.which("setpriv") is None), reason="permissions do not bind here"
)
TEXT = "so it is, and it is so.\n" * 40


@pytest.fixture
def places(tmp_path):
    """A corpus in which a file and a folder are somebody else's, as is a file, a folder of music, and a run."""
    for name in ("corpus/a.txt", "corpus/b.txt", "corpus/mine.txt", "corpus/locked/c.txt", "alone.txt", "shut/d.txt",
                 "run/model.safetensors", "run/training.json", "music/x.mid", "blind/e.txt"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)
    closed = [
        tmp_path / name for name in ("corpus/mine.txt", "corpus/locked", "alone.txt", "shut", "run", "music/x.mid")
    ]
    for path in closed:
        path.chmod(0)
    (tmp_path / "blind").chmod(0o100)  # to be entered, not listed
    yield tmp_path
    for path in [*closed, tmp_path / "blind"]:
        path.chmod(0o700)


def called(places: Path, *words: str) -> tuple[int, str]:
    """Exit code, and all that was said."""
    before = PLAIN if os.geteuid() == 0 else []
    done = subprocess.run(
        [*before, sys.executable, "-m", "seqgen", *words], cwd=places, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr + done.stdout


def test_a_folder_is_read_without_what_is_closed_and_it_is_counted(places):
    code, said = called(places, "tokenize", "corpus", "-c", "char", "-o", "x.tokens")
    assert code == 0
    assert "from 2 files" in said
    assert "Skipped 2 files:" in said
    assert "corpus/locked: cannot be read (Permission denied)" in said
    assert "corpus/mine.txt: cannot be read (Permission denied)" in said
    code, said = called(places, "inspect", "corpus", "--json")
    assert code == 0
    assert '"read": {"files": 2' in said.replace("\n", "").replace("  ", "")
    assert said.count("cannot be read (Permission denied)") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tokenize", "alone.txt", "-o", "x.tokens"], "alone.txt: cannot be read (Permission denied)"),
        (["tokenize", "shut", "-o", "x.tokens"], "shut: cannot be read (Permission denied)"),
        (["tokenize", "shut/d.txt", "-o", "x.tokens"], "shut/d.txt: cannot be read (Permission denied)"),
        (["tokenize", "shut/below", "-o", "x.tokens"], "shut/below: cannot be read (Permission denied)"),
        (["tokenize", "shut/*.txt", "-o", "x.tokens"], "shut: cannot be read (Permission denied), so nothing matches"),
        (["tokenize", "shut/below/*", "-o", "x.tokens"], "shut/below: cannot be read (Permission denied), so nothing"),
        (["tokenize", "blind/*.txt", "-o", "x.tokens"], "blind: cannot be read (Permission denied), so nothing"),
        (["tokenize", "*/d.txt", "-o", "x.tokens"], "shut: cannot be read (Permission denied), so nothing matches"),
        (["tokenize", "shut/**/*.txt", "-o", "x.tokens"], "shut: cannot be read (Permission denied), so nothing"),
        (["tokenize", "corpus/**/c.txt", "-o", "x.tokens"], "corpus/locked: cannot be read (Permission denied), so"),
        (["train", "shut/*", "-o", "new"], "shut: cannot be read (Permission denied), so nothing matches shut/*"),
        (["evaluate", "tiny-shakespeare", "shut/*"], "shut: cannot be read (Permission denied), so nothing matches"),
        (["inspect", "shut/below"], "shut/below: Permission denied"),
        (["train", "shut/d.txt", "-o", "new"], "shut/d.txt: cannot be read (Permission denied)"),
        (["train", "--resume", "-o", "run"], "run/training.json: cannot be read (Permission denied)"),
        (["inspect", "shut/d.txt"], "shut/d.txt: Permission denied\nHint: may you read it, and enter its folder?"),
        (["inspect", "music"], "music/x.mid: cannot be read (Permission denied)"),
        (["generate", "run"], "Permission denied\nHint: may you read it, and enter its folder?"),
        (["evaluate", "run", "corpus"], "Permission denied\nHint: may you read it, and enter its folder?"),
        (["decode", "alone.txt", "-o", "x"], "alone.txt: cannot be read (Permission denied)"),
    ],
)
def test_what_is_closed_is_one_sentence(places, words, sentence):
    code, said = called(places, *words)
    assert code == 1
    assert f"{sentence}" in said
    assert said.count("Error: ") == 1
    assert not {path.name for path in places.iterdir()} & {"x.tokens", "x", "new"}


def test_what_a_pattern_finds_beside_a_closed_folder_is_read_and_that_is_told(places):
    code, said = called(places, "tokenize", "corpus/**/[a-c].txt", "-c", "char", "-o", "x.tokens")
    assert code == 0
    assert "from 2 files" in said
    assert "corpus/locked: cannot be read (Permission denied)" in said

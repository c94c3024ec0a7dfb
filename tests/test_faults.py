"""Faults, in short: failing calls, kills, full disks, lost permissions. The long forms: benchmarks/faults.py."""

import contextlib
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from seqgen import files, selftest
from seqgen.catalogue import _fetch, _store
from seqgen.catalogue._recipe import Expect, Recipe, RecipeSource
from seqgen.cli import run
from seqgen.errors import OutputError, SeqgenError
from seqgen.files import system
from seqgen.jobs.selftest import check_apart
from seqgen.render.audio import wav_bytes
from seqgen.selftest import _materials
from seqgen.selftest._failing import NUMBERS, Failing


@pytest.mark.parametrize(
    ("name", "count"),
    [("writes", 40), ("kills", 6), ("bitflips", 34), ("corpora", 200), ("stops", 1), ("growth", 5), ("ranks", 2)],
)
def test_the_promise_holds(name, count):
    outcome = check_apart(name, count)
    assert outcome.held, outcome.failures
    assert outcome.cases >= count // 20


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A corpus of two files, whose download is at hand."""
    import zipfile

    archive = tmp_path / "toy.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("toy/a.txt", "first")
        packed.writestr("toy/b.txt", "second")
    monkeypatch.setattr(_fetch, "fetch", lambda source, folder: archive)
    source = RecipeSource(kind="url", url="https://example.org/toy.zip", sha256="0" * 64, file="zip")
    recipe = Recipe("toy", "A toy.", "text", "char", "CC0", "nobody", source, ("**/*.txt",), Expect(2, 11), strip=1)
    monkeypatch.setattr(_store, "recipe", lambda name: recipe)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_fault_while_a_corpus_is_fetched(toy, tmp_path, monkeypatch, number):
    counted = Failing()
    with system.replaced(counted):
        _store.get("toy")
    assert {"open", "write", "sync_all", "rename", "sync"} <= set(counted.calls)
    for at in range(1, len(counted.calls) + 1):
        monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / f"cache{at}"))
        failing = Failing(at, number)
        with system.replaced(failing), contextlib.suppress(SeqgenError):
            _store.get("toy")
        assert list((tmp_path / f"cache{at}").rglob("*.part")) == []
        folder = _store.get("toy")  # whole, or fetched again
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "first", "b.txt": "second"}


@pytest.mark.parametrize("number", NUMBERS)
def test_every_fault_while_sound_is_written(tmp_path, number):
    import numpy as np

    data = wav_bytes(np.zeros((1000, 2), np.float32), 8000)
    counted = Failing()
    with system.replaced(counted):
        files.write_bytes(tmp_path / "new.wav", data)
    for at in range(1, len(counted.calls) + 1):
        (tmp_path / "new.wav").write_bytes(b"old")
        with system.replaced(Failing(at, number)), contextlib.suppress(OutputError):
            files.write_bytes(tmp_path / "new.wav", data)
        assert (tmp_path / "new.wav").read_bytes() in (b"old", data)
        assert [path.name for path in tmp_path.iterdir()] == ["new.wav"]


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from seqgen.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_file_that_may_not_grow_leaves_the_old_one(tmp_path):
    (tmp_path / "play.txt").write_text(_materials.PLAY)
    (tmp_path / "out.tokens").write_bytes(b"old")
    command = [sys.executable, "-c", FULL, "tokenize", "play.txt", "-c", "char", "-o", "out.tokens", "--force"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Error: out.tokens: the file is larger than this system allows; nothing was overwritten (" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "out.tokens").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tokens", "play.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_standard_output_on_a_full_disk(tmp_path):
    stream = _materials.stream(tmp_path).path
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "seqgen", "decode", str(stream), "-o", "-"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 1
    assert "standard output: cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 kB of its own, where this machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("this machine lets nobody mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk, tmp_path, capsys):
    (tmp_path / "big.txt").write_text(_materials.PLAY * 100)
    target = small_disk / "out.tokens"
    target.write_bytes(b"old")
    assert run(["tokenize", str(tmp_path / "big.txt"), "-c", "char", "-o", str(target), "--force"]) == 1
    said = capsys.readouterr().err
    assert f"Error: {target}: the disk is full; nothing was overwritten (" in said
    assert "or more are needed" in said
    assert target.read_bytes() == b"old"
    assert [path.name for path in small_disk.iterdir()] == ["out.tokens"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(tmp_path):
    (tmp_path / "folder").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission to write there"):
        files.write_bytes(tmp_path / "folder" / "new", b"x")


def test_what_nobody_foresaw_is_one_sentence(monkeypatch, capsys, tmp_path):
    def fails(*_):
        raise OSError(errno.EIO, "Input/output error", str(tmp_path / "x\x1b[2J"))

    monkeypatch.setattr("seqgen.jobs.describe.facts.describe", fails)
    assert run(["inspect", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "\\x1b[2J: Input/output error" in said
    assert "\x1b" not in said


def test_a_clock_that_goes_back_takes_nothing_for_stale(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    with files.atomic_write(tmp_path / "new") as file:
        file.write(b"abc")
        assert files.sweep(tmp_path) == 0
    assert (tmp_path / "new").read_bytes() == b"abc"


def test_without_locks_only_what_is_a_day_old_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr("seqgen.files._staging.fcntl", None)
    old, young = tmp_path / ".a.seqgen-00000001.part", tmp_path / ".a.seqgen-00000002.part"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    assert files.sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [young]
    files.write_bytes(tmp_path / "new", b"abc")
    assert (tmp_path / "new").read_bytes() == b"abc"


def test_a_check_that_dies_is_a_failure(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    outcome = check_apart("pickles", 1)
    assert not outcome.held
    assert "the check's process died" in outcome.failures[0]


def test_a_check_sees_what_is_broken(monkeypatch):
    """A loader without checksums would be noticed: the checks are not blind."""
    monkeypatch.setattr("seqgen.container.Header.verify", lambda self, limits=None: None)
    outcome = selftest.check("bitflips", 17)
    assert outcome.failed >= 10, outcome.failures


def test_scratch_folders_vanish():
    before = set(Path(tempfile.gettempdir()).glob("seqgen-selftest-*"))
    selftest.check("texts", 5)
    assert set(Path(tempfile.gettempdir()).glob("seqgen-selftest-*")) <= before

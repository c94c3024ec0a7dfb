"""Hostile input, in short: files from strangers, archives, terminals, sockets. The long forms: benchmarks/faults.py."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from seqgen import selftest
from seqgen.cli import run
from seqgen.errors import SeqgenError
from seqgen.jobs.selftest import check_apart, names
from seqgen.selftest import _grammars, _materials, bait, fuzz, worst
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.sources import Source


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("containers", 2000), ("resumes", 60), ("pickles", 1), ("archives", 1), ("texts", 2000), ("fuzz", 2000),
        ("music", 500), ("terminal", 200), ("sockets", 1), ("repeats", 2), ("links", 4),
        ("bait", 6), ("overwrites", 10),
        ("imports", 25),
        ("worst", 300),
    ],
)  # fmt: skip
def test_the_promise_holds(name, count):
    outcome = check_apart(name, count)
    assert outcome.held, outcome.failures
    assert outcome.cases >= count


def test_every_check_is_tested_and_has_both_forms():
    tested = {"writes", "kills", "bitflips", "corpora", "stops", "growth", "repeats", "ranks"}
    tested |= {"containers", "resumes", "pickles", "archives", "texts", "fuzz", "music", "terminal", "sockets"}
    tested |= {"links"}
    tested |= {"bait"}
    tested |= {"overwrites"}
    tested |= {"imports"}
    tested |= {"streams", "arguments", "runs"}
    tested |= {"worst"}
    assert set(names()) == tested
    for name in names():
        quick, long = selftest.counts(name)
        assert 0 < quick <= long


def test_each_promise_names_what_holds_it_and_that_is_there():
    root = Path(__file__).parent.parent
    promises = [line.split("|")[1:3] for line in (root / "SECURITY.md").read_text("utf-8").splitlines() if "| " in line]
    promises = [each for each in promises if each[1].strip() not in ("held by", "---")]
    assert len(promises) > 15
    named = set[str]()
    for promise, holders in promises:
        found = re.findall(r"`([^`]+)`", holders)
        assert found, promise
        for name in found:
            path, _, test = name.partition("::")
            if path.startswith("tests/"):
                assert f"def {test}" in (root / path).read_text("utf-8"), name
            else:
                assert name in names(), name
                named.add(name)
    assert named == set(names()), "every check holds a promise"


SEEDS: list[tuple[str, bytes]] = [
    # (target, input): what once went wrong, or what once took long elsewhere
    ("midi", b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + b"\xff" * 2000),
    ("midi", b"MThd\0\0\0\6\0\0\0\1\0\0MTrk\0\0\0\4\0\xff\x2f\0"),
    ("abc", b"X:1\nK:C\n" + b"(" * 3000),
    ("abc", b"X:1\nM:0/0\nL:1/0\nQ:0/0=0\nK:\n|:" + b"A" * 100),
    ("musicxml", b"<" * 5000),
    ("musicxml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa">]><score-partwise>&a;</score-partwise>'),
    ("abc", b"X:1\nM:4" + b" " * 100_000 + b"x\nK:C\nC|"),
    ("abc", b"X:1\nK:C\n" + b"".join(b"V:%d\n" % voice + b"c" * 600 + b"|\n" for voice in range(63))),
    ("abc", b"M:3/4\n" * 600 + b"X:1\n" * 5_000),
    (
        "musicxml",
        _grammars.scored([_grammars.NOTE + b"</measure>" + b"<measure/>" * 8_000 + b"<measure>", *[b""] * 255]),
    ),
    ("musicxml", _grammars.packed([b"<rootfile a " * 5_000, b""])),
    ("control", b'{"temperature":"' + b"." * 60_000 + b'="}'),
    ("recipe", b"[" * 3000),
    ("recipe", b"name = 1979-05-27T07:32:00Z\n"),
    ("recipe", fuzz.RECIPE.replace(b"bytes = 100", b"bytes = 11e99900")),
    ("recipe", fuzz.RECIPE.replace(b"files = 3", b"files = nan")),
    ("settings", b"hidden nan"),
    ("settings", b"hidden 1e999"),
    ("settings", b"hidden " + b"9" * 5000),
]


@pytest.mark.parametrize(("name", "data"), SEEDS)
def test_seeds_are_read_or_refused_soon(tmp_path, name, data):
    tally = selftest.Tally()
    fuzz.one(tally, name, fuzz.targets(tmp_path)[name][0], data)
    assert not tally.failed, tally.failures


def test_the_check_worst_sees_what_is_slower_than_linear(monkeypatch):
    target = worst.music("midi")
    shape = worst.Shape(_grammars.ABC, b"X:1\nM:4", ((b" ", b"", 0.95), (b"x", b"", 0.05)), True)
    for broken in (False, True):
        if broken:
            slow = re.compile(r"(\d{1,3})\s*\)?\s*/\s*(\d{1,3})")
            monkeypatch.setattr("seqgen.music.notation.abc.fields._METER", slow)
        tally = selftest.Tally()
        worst.grows(tally, "abc", target, shape, 2_000)
        assert bool(tally.failed) == broken, tally.failures


def test_an_archive_as_a_source_is_refused_in_one_sentence(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "plays.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    (tmp_path / "plays.tar.gz").write_bytes(b"\x1f\x8b")
    for name in ("plays.zip", "plays.tar.gz"):
        for codec in ((), ("-c", "char")):
            assert run(["tokenize", str(tmp_path / name), *codec, "-o", str(tmp_path / "out.tokens")]) == 1
            assert f"{name}: is an archive, expected plain files\nHint: unpack it" in capsys.readouterr().err
    assert not (tmp_path / "out.tokens").exists()


def test_a_file_that_changes_while_it_is_read_does_not_break_the_stream(tmp_path):
    path = tmp_path / "grows.txt"
    path.write_bytes(b"a" * 3_000_000)
    pieces = iter(Reader(Source("grows.txt", path)))
    first = next(pieces)
    path.write_bytes(b"b" * 1_500_000)  # shorter now
    rest = b"".join(pieces)
    assert set(first + rest) <= set(b"ab")
    os.truncate(path, 0)
    assert b"".join(Reader(Source("grows.txt", path))) == b""


def test_names_that_would_command_a_terminal_are_spelled_out(tmp_path, capsys):
    path = tmp_path / "x\x1b]0;owned\x07\u202e.txt"
    path.write_bytes(b"\0\1\2" * 50)
    assert run(["tokenize", str(path), "-c", "char", "-o", str(tmp_path / "out.tokens")]) == 1
    said = capsys.readouterr().err
    assert "\\x1b]0;owned\\x07\\u202e" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_labels_that_would_command_a_terminal_are_spelled_out(tmp_path, capsys):
    for label in ("a\x1b[31m", "b"):
        (tmp_path / "corpus" / label).mkdir(parents=True)
        (tmp_path / "corpus" / label / "x.txt").write_text("some text")
    assert run(["tokenize", str(tmp_path / "corpus"), "-c", "char", "-o", str(tmp_path / "out.tokens")]) == 0
    assert run(["inspect", str(tmp_path / "out.tokens")]) == 0
    shown = capsys.readouterr()
    assert "\\x1b[31m" in shown.out
    assert "\x1b" not in shown.out + shown.err


def test_workers_import_nothing_here_where_python_ignores_its_environment(tmp_path):
    """`-E`, which some systems write into scripts, is handed on to workers, and they would not hear PYTHONSAFEPATH."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "multiprocessing.py").write_text("raise SystemExit('it ran')\n")
    (tmp_path / "command.py").write_text(bait.LAUNCHER)
    command = [sys.executable, "-E", str(tmp_path / "command.py"), "tokenize", ".", "-c", "char", "--workers", "2"]
    ran = subprocess.run([*command, "-o", str(tmp_path / "o")], cwd=tmp_path / "corpus", capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "it ran" not in ran.stderr


def test_no_module_extracts_archives():
    package = Path(selftest.__file__).parent.parent
    users = [
        path for path in package.rglob("*.py") if ".extract(" in path.read_text() or "extractall(" in path.read_text()
    ]
    assert users == []


def test_sockets_are_blocked_in_this_suite():
    import socket

    with pytest.raises(OSError, match="tests open no socket"), socket.socket() as made:
        made.connect(("127.0.0.1", 9))
    from conftest import TRIED

    assert TRIED.pop() == ("127.0.0.1", 9)


def test_a_stream_of_another_vocabulary_is_refused_whole(tmp_path):
    stream = _materials.stream(tmp_path)
    raw = bytearray(stream.path.read_bytes())
    raw[4096:4098] = b"\xff\xff"
    stream.path.write_bytes(bytes(raw))
    assert run(["decode", str(stream.path), "-o", str(tmp_path / "out")]) == 1
    with pytest.raises(SeqgenError):
        type(stream).open(stream.path).verify()

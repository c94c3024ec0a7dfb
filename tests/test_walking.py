"""Walking a folder: links, depth, odd entries, seqgen's own output, globs."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from seqgen.checkpoint import FORMAT, MODEL_FILE
from seqgen.cli import run
from seqgen.errors import CorpusError
from seqgen.files import own
from seqgen.files.choosing import Choice
from seqgen.files.walking import Own, Walk, folders
from seqgen.jobs.demo import PIECES
from seqgen.jobs.train.watching import INSIDE_FILE, SAMPLES_FILE
from seqgen.originality.index import INDEX_FILE
from seqgen.selftest import _materials
from seqgen.takes import _database
from seqgen.takes.store import Takes
from seqgen.tokenization.globbing import globbed
from seqgen.tokenization.sources import resolve
from seqgen.training import journal, recorded, resume


def written(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, "utf-8")
    return folder


def names(folder: Path, **how: Any) -> list[str]:
    return ["/".join(file.parts) for file in Walk(folder, Choice(**how)).files]


def test_links_inside_are_read_once_and_the_real_name_wins(tmp_path):
    folder = written(tmp_path / "c", "b/x.txt", "z.txt")
    (folder / "a.txt").symlink_to("z.txt")
    (folder / "again").symlink_to("b")
    (folder / "up").symlink_to(".")
    assert names(folder) == ["b/x.txt", "z.txt"]


def test_links_to_what_is_hidden_are_read_once(tmp_path):
    folder = written(tmp_path / "c", ".store/1", "a.txt")
    for name in ("two.txt", "one.txt"):
        (folder / name).symlink_to(".store/1")
    assert names(folder) == ["a.txt", "one.txt"]


def test_links_out_are_refused_counted_and_read_where_that_is_asked_for(tmp_path):
    folder = written(tmp_path / "c", "a.txt")
    written(tmp_path / "out", "1.txt", "below/2.txt")
    for name in ("l1", "l2"):
        (folder / name).symlink_to(tmp_path / "out")
    (folder / "l3").symlink_to("../out/1.txt")
    found = resolve([folder])
    assert [source.name for source in found] == ["c/a.txt"]
    assert found.passed == {
        "c/l1": "is a link that leads out of the folder (--follow-links reads those), and so are 2 more"
    }
    assert names(folder, follow_links=True) == ["a.txt", "l1/1.txt", "l1/below/2.txt"]


def test_a_link_that_the_user_names_is_read(tmp_path):
    written(tmp_path / "real", "a.txt")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "link.txt").symlink_to("real/a.txt")
    assert [source.name for source in resolve([tmp_path / "link"])] == ["real/a.txt"]
    assert [source.name for source in resolve([tmp_path / "link.txt", tmp_path / "real"])] == ["link.txt"]


def test_long_chains_of_links_end(tmp_path):
    folder = written(tmp_path / "c", "a.txt")
    (folder / "l0").symlink_to("a.txt")
    for number in range(1, 3000):
        (folder / f"l{number}").symlink_to(f"l{number - 1}")
    walk = Walk(folder)
    assert [file.parts for file in walk.files] == [("a.txt",)]
    assert set(walk.passed) == {"is a link that leads nowhere"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such files")
def test_pipes_and_sockets_are_never_opened(tmp_path, monkeypatch):
    folder = written(tmp_path / "c", "a.txt")
    os.mkfifo(folder / "pipe.txt")
    (folder / "device").symlink_to("pipe.txt")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s.txt")
        found = resolve([folder])
    assert [source.name for source in found] == ["c/a.txt"]
    assert found.passed == {"c/pipe.txt": "is a pipe, a socket or a device, and so are 2 more"}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_no_utf8(tmp_path, capsys):
    folder = tmp_path / "c"
    (folder / os.fsdecode(b"d\xff")).mkdir(parents=True)
    (folder / os.fsdecode(b"d\xff") / os.fsdecode(b"\xfe.txt")).write_text("text", "utf-8")
    (folder / "e").mkdir()
    (folder / "e" / "x.txt").write_text("text", "utf-8")
    for command in (["tokenize", "-c", "char", "-o", str(tmp_path / "x.tokens")], ["inspect"]):
        assert run([command[0], str(folder), *command[1:]]) == 0
    assert run(["inspect", str(tmp_path / "x.tokens")]) == 0
    assert run(["decode", str(tmp_path / "x.tokens"), "-o", str(tmp_path / "again")]) == 0
    assert len(list((tmp_path / "again").rglob("*.txt"))) == 2
    capsys.readouterr()


def test_one_unreadable_folder_costs_that_folder(tmp_path, monkeypatch, capsys):
    folder = written(tmp_path / "c", "a.txt", "locked/b.txt")
    scandir = os.scandir

    def guarded(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("seqgen.files.walking.os.scandir", guarded)
    assert run(["tokenize", str(folder), "-c", "char", "-o", str(tmp_path / "x.tokens")]) == 0
    assert "c/locked: cannot be read (Permission denied)" in capsys.readouterr().err
    with pytest.raises(CorpusError, match="locked: cannot be read"):
        resolve([folder / "locked"])


def test_recursive_globs_follow_no_links_and_stay_inside(tmp_path, monkeypatch):
    monkeypatch.chdir(written(tmp_path, "c/a.txt", "c/d/b.txt", "c/d/e[1]/f.txt", "c/.h/x.txt", "out/o.txt"))
    Path("c/d/up").symlink_to("..")
    Path("c/out").symlink_to("../out")
    Path("c/o.txt").symlink_to("../out/o.txt")
    assert globbed("c/**/*.txt").matches == ["c/a.txt", "c/d/b.txt", "c/d/e[1]/f.txt"]
    assert globbed("c/**/*.txt").passed.keys() == {"c/o.txt"}
    assert globbed("**/d/**/*.txt").matches == ["c/d/b.txt", "c/d/e[1]/f.txt"]
    assert globbed(f"{tmp_path}/**/**/f.txt").matches == [f"{tmp_path}/c/d/e[1]/f.txt"]
    assert globbed("c/*").matches == ["c/a.txt", "c/d"]
    assert globbed("c/*", Choice(follow_links=True)).matches == ["c/a.txt", "c/d", "c/o.txt", "c/out"]
    assert [source.path.name for source in resolve(["c/**"])] == ["a.txt", "b.txt", "f.txt"]
    assert list(folders("c")) == ["c", "c/d", "c/d/e[1]"]


def test_own_names_are_those_that_the_rooms_above_use():
    above = {MODEL_FILE, resume.RESUME_FILE, INDEX_FILE, recorded.TRAINING_FILE, *journal.NAMES}
    above |= {SAMPLES_FILE, INSIDE_FILE}
    assert set(own.RUN_FILES) == above
    assert {piece.artifact: Path(piece.artifact).stem for piece in PIECES} == own.DEMO_RUNS
    assert int.from_bytes(own.APPLICATION, "big") == _database.APPLICATION
    assert own.CHECKPOINT == FORMAT


def test_what_seqgen_wrote_is_passed_over_in_a_corpus(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(written(tmp_path / "notes", "README", "CHANGES"))
    Path("README").write_text(_materials.PLAY)
    train = ["train", ".", "--steps", "1", "--seed", "1", *_materials.TINY]
    assert run([*train, "-o", "run1"]) == 0
    with Takes(Path("takes.db")):
        pass
    assert run(["tokenize", ".", "-c", "char", "-o", "x.tokens"]) == 0
    found = resolve(["."])
    assert [source.name for source in found] == ["notes/CHANGES", "notes/README"]
    assert [source.label for source in found] == [None, None]
    assert found.passed == {
        "notes/run1": "is a run folder of seqgen",
        "notes/takes.db": "is a list of takes of seqgen",
        "notes/x.tokens": "is a seqgen token stream",
    }
    capsys.readouterr()
    assert run([*train, "-o", "run2"]) == 0
    said = capsys.readouterr().err
    assert said.count("Left out notes/run1: is a run folder of seqgen") == 1
    assert "Tokenized before" in said  # the key is that of the files alone
    assert run(["train", ".", "-o", "run1", "--resume", "--steps", "2"]) == 0
    assert run(["inspect", "."]) == 0
    assert "run folder of seqgen" in capsys.readouterr().out


def test_a_run_folder_and_its_files_are_read_where_they_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(written(tmp_path, "a.txt"))
    Path("a.txt").write_text(_materials.PLAY)
    assert run(["train", "a.txt", "-o", "run", "--steps", "1", *_materials.TINY]) == 0
    written(Path("run"), "notes.txt")
    assert [source.name for source in resolve(["run"])] == ["run/notes.txt"]
    assert [source.name for source in resolve(["run/log.jsonl"])] == ["log.jsonl"]
    capsys.readouterr()


def test_the_folder_of_a_demo_is_passed_over(tmp_path):
    run_folder = written(tmp_path / "c", "a.txt", "demo/code.c", "demo/report.html") / "demo" / "models" / "code"
    run_folder.mkdir(parents=True)
    (run_folder / "training.json").write_text('{"stream": "", "fingerprint": "", "plan": {}}')
    found = resolve([tmp_path / "c"])
    assert [source.name for source in found] == ["c/a.txt"]
    assert found.passed == {"c/demo": "is the folder of a seqgen demo"}


def test_a_training_json_of_somebody_else_is_a_file_like_any_other(tmp_path):
    folder = written(tmp_path / "c", "a.txt", "b/training.json", "b/log.jsonl", "model.safetensors", "x.tokens", "y.db")
    assert names(folder) == ["a.txt", "b/log.jsonl", "b/training.json", "model.safetensors", "x.tokens", "y.db"]
    assert own.own(str(folder), frozenset(path.name for path in folder.iterdir())) == Own()

"""Exports from strangers: what they may add, what they may not touch, and that a fault is told as theirs."""

import io
import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from test_takes import MUSIC, TEXT, beginning, lines, record, replayed, taken_in, text

from seqgen.cli import run
from seqgen.errors import TakeError
from seqgen.music.annotation import annotate, annotation
from seqgen.selftest import MEMORY as MOST_MEMORY
from seqgen.selftest import _exports, check
from seqgen.takes import exchange, replay
from seqgen.takes._database import Database
from seqgen.takes.exchange import NAMESAKES, bring_in
from seqgen.takes.record import Beginning, TakeSource
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes

TABLES = ("sources", "takes", "chunks")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "takes.sqlite"


def objects(data):
    return [json.loads(line) for line in data.splitlines()]


def joined(objects):
    return b"".join(json.dumps(each).encode() + b"\n" for each in objects)


def rows(path):
    base = sqlite3.connect(path)
    found = {name: base.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
    base.close()
    return found


def bring(path, data):
    with Takes(path) as takes:
        return bring_in(takes, io.BytesIO(data), "stranger.jsonl")


def foreign(data):
    """The same takes, said to come from another tokenizer."""
    return joined([each | ({"tokenizer": MUSIC.spec()} if each["kind"] == "source" else {}) for each in objects(data)])


def test_a_known_checkpoint_with_another_tokenizer_spoils_nothing(path, tmp_path):
    data = foreign(lines(tmp_path / "stranger", record(tmp_path / "stranger", ids=text(b"cab"))))
    assert bring(path, data) == (1, 0)
    id = record(path, ids=text(b"abc"))
    assert replayed(path, id) == replayed(path, "last") == b"abc"
    same = record(path, ids=text(b"cab"))
    assert same.endswith("-2"), "the stranger's has the same digits"
    assert replayed(path, same) == b"cab"
    with Takes(path, write=False) as takes:
        assert takes.load(takes.key_in_file(same[:12])).id == same, "a file means the user's own"
        assert [take.imported for take in takes.list()] == [False, False, True]


def test_an_import_first_does_not_keep_the_users_own_backup_out(path, tmp_path):
    own = lines(tmp_path / "own", record(tmp_path / "own", ids=text(b"abc")))
    assert bring(path, foreign(own)) == (1, 0)
    assert bring(path, own) == (1, 0)
    assert bring(path, own) == bring(path, foreign(own)) == (0, 1)
    with Takes(path, write=False) as takes:
        assert [take.beginning.source.tokenizer["name"] for take in takes.list()] == ["char", "midi"]


def test_a_damaged_take_comes_back_from_an_export(path):
    id = record(path, ids=text(b"abc"))
    backup = lines(path, id)
    with sqlite3.connect(path) as base:
        base.execute("UPDATE chunks SET ids = zeroblob(16)")
    base.close()
    assert bring(path, backup) == (1, 0)
    assert replayed(path, f"{id}-2") == b"abc"


def test_names_of_a_stranger_take_no_line_and_command_no_terminal(path, tmp_path):
    data = lines(tmp_path / "stranger", record(tmp_path / "stranger", ids=text(b"abc")))
    for evil in ("a\nb", "\x1b]0;owned\x07", "\u202e", "\ud800"):
        bring(path, data.replace(b'"checkpoints/plays"', json.dumps(f"{evil} ä 日\u3000本").encode()))
        with Takes(path) as takes:
            name = takes.find("last").beginning.source.name
            assert name == f"{evil.encode('unicode_escape').decode()} ä 日\u3000本"
            takes.delete(takes.find("last"))


CHANGES = [
    ("take", "seconds", "raw:NaN", "'NaN' is no finite number"),
    ("take", "seconds", "raw:1e999", "'1e999' is no finite number"),
    ("take", "seconds", -1, "seconds is -1, expected"),
    ("take", "sample", "raw:" + "9" * 5000, "is too long for a number"),
    ("take", "sample", True, "sample is True, expected"),
    ("take", "starred", 1, "starred is 1, expected true or false"),
    ("take", "created", "9999-12-31T23:59:59+00:00", "created is '9999"),
    ("take", "created", "2026-01-01", "expected a time such as"),
    ("take", "finished", "\x1b[2J", r"finished is '\\x1b\[2J', expected one of"),
    ("take", "id", "last", "id is 'last', expected twelve hexadecimal digits"),
    ("take", "source", "0" * 64, "a take of a source that is not above it"),
    ("take", "source", ["x"], "a take of a source that is not above it"),
    ("take", "prompt_tokens", 2, "more or fewer than it says"),
    ("take", "excess", 2, "do not match its id"),
    ("take", "settings", "raw:" + '{"a":' * 40 + "1" + "}" * 40, "nested deeper than 32"),
    ("take", "settings", "raw:" + "[" * 100_000 + "]" * 100_000, "it is no JSON"),
    ("take", "settings", 'raw:{"a":1,"a":2}', "a key stands twice"),
    ("take", "versions", {"seqgen": 1}, "versions are no text"),
    ("take", "more", 1, "'more' is unknown"),
    ("tokens", "ids", [], "no list of 1 to 65,536"),
    ("tokens", "ids", [1, True, 2, 3], "no whole numbers"),
    ("source", "hash", "F" * 64, "expected 64 hexadecimal digits"),
    ("source", "name", "x" * 5000, "expected a text of 4,096 characters"),
    ("source", "tokenizer", {}, "tokenizer is none of seqgen's"),
    ("source", "tokenizer", TEXT.spec() | {"state": 1}, "the stored codec is damaged"),
    ("source", "tokenizer", "raw:" + json.dumps(TEXT.spec() | {"labels": ["x" * 3_500_000]}), "is longer than"),
    ("end", "takes", True, "cut short"),
]


@pytest.mark.parametrize(("kind", "key", "value", "message"), CHANGES)
def test_a_fault_is_told_as_the_files_and_changes_nothing(path, tmp_path, kind, key, value, message):
    mine, theirs = record(path, ids=text(b"abc")), record(tmp_path / "theirs", ids=text(b"cab"))
    before = rows(path)
    changed = [
        each | ({key: value} if each["kind"] == kind else {}) for each in objects(lines(tmp_path / "theirs", theirs))
    ]
    with pytest.raises(TakeError, match=message) as caught:
        bring(path, b"".join(map(_exports.text_of, changed)))
    assert caught.value.message.startswith("stranger.jsonl: is damaged: line ")
    assert "\n" not in caught.value.message
    assert "nothing was taken in" in caught.value.hint
    assert rows(path) == before
    assert replayed(path, mine) == b"abc"


@pytest.mark.parametrize(
    ("ids", "settings", "fault"),
    [
        ([256, 70_000], {}, "outside its vocabulary"),
        ([1, 2], {"timing": {"ticks": 0, "tempo": [[0, 1]], "meter": []}}, "its timing makes no sense"),
        ([1, 2], {"timing": [1]}, "its timing makes no sense"),
    ],
)
def test_what_could_not_be_replayed_is_refused_though_its_id_is_right(path, tmp_path, ids, settings, fault):
    found = objects(lines(tmp_path / "theirs", record(tmp_path / "theirs", MUSIC, ids=[1, 2])))
    for line in found:
        line |= {"tokens": {"ids": ids}, "take": {"prompt_tokens": 0, "settings": settings}}.get(line["kind"], {})
    with pytest.raises(TakeError, match=fault):
        bring(path, joined(_exports.resealed(found)))
    with Takes(path) as takes:
        assert takes.list() == []


def test_a_forged_token_of_a_megabyte_makes_no_terabyte(path, tmp_path, monkeypatch):
    monkeypatch.setattr("seqgen.takes.replay.MAX_PIECE", 1)
    replay._tokenizer.cache_clear()
    data = lines(tmp_path / "theirs", record(tmp_path / "theirs", MUSIC, ids=[1]))
    source = objects(data)[1]
    take = objects(data)[2] | {"prompt_tokens": 1, "tokens": 1}
    forged = [objects(data)[0], source | {"tokenizer": TEXT.spec()}, take, {"kind": "tokens", "ids": [1, 1]}]
    with pytest.raises(TakeError, match="a token of 2 bytes, expected 1 at most"):
        bring(path, joined(_exports.resealed([*forged, {"kind": "end", "takes": 1}])))


def test_what_follows_the_end_is_not_passed_over(path):
    data = lines(path, record(path, ids=text(b"abc")))
    with pytest.raises(TakeError, match="line 5: it goes on after its end"):
        bring(path, data + data)


def test_many_namesakes_are_refused_soon(path, tmp_path):
    first, source, take, tokens, _ = objects(lines(tmp_path / "theirs", record(tmp_path / "theirs", ids=text(b"abc"))))
    forged = [first]
    for number in range(NAMESAKES + 1):
        forged += [source | {"tokenizer": TEXT.spec() | {"labels": [str(number)]}}, take, tokens]
    with pytest.raises(TakeError, match=f"more than {NAMESAKES} takes are called"):
        bring(path, joined([*forged, {"kind": "end", "takes": NAMESAKES + 1}]))
    many = joined([first, source, *[take, tokens] * 500, {"kind": "end", "takes": 500}])
    assert bring(path, many) == (1, 499)


def test_a_failed_import_makes_no_list(tmp_path, path, monkeypatch, capsys):
    monkeypatch.setenv("SEQGEN_TAKES", str(path))
    (tmp_path / "bad.jsonl").write_bytes(b'{"kind":"seqgen takes","version":1}\n')
    assert run(["takes", "import", str(tmp_path / "bad.jsonl")]) == 1
    assert "bad.jsonl: is damaged: line 2: it is cut short" in capsys.readouterr().err
    assert not path.exists()


def test_a_file_that_comes_slowly_holds_nobody_up(path, tmp_path):
    """The list is not locked before the file has been read to its end."""
    data = lines(tmp_path / "theirs", record(tmp_path / "theirs", ids=text(b"cab")))

    class Slow(io.BytesIO):
        def readline(self, *size):
            record(path, ids=text(b"abc"))
            return super().readline(*size)

    with Takes(path) as takes:
        assert bring_in(takes, Slow(data), "slow.jsonl") == (1, 0)
        assert len(takes.list()) == 1 + len(objects(data))


class Stop(BaseException):
    pass


@pytest.mark.parametrize("act", ["import", "delete"])
def test_an_act_that_is_cut_off_anywhere_leaves_all_as_it_was(path, tmp_path, monkeypatch, act):
    record(path, ids=text(b"abc"))
    record(tmp_path / "theirs", ids=text(b"cab"))
    data = lines(tmp_path / "theirs", record(tmp_path / "theirs", MUSIC, ids=[1, 2]), "last")
    before, execute, done, at = rows(path), Database.execute, False, 0
    while not done:
        at += 1
        calls = 0

        def cut(base, *arguments, at=at):
            nonlocal calls
            calls += 1
            if calls == at:
                raise Stop
            return execute(base, *arguments)

        monkeypatch.setattr(Database, "execute", cut)
        try:
            bring(path, data) if act == "import" else delete(path)
            done = True
        except Stop:
            monkeypatch.undo()
            assert rows(path) == before
    assert at > 3
    monkeypatch.undo()
    assert rows(path) != before


def delete(path):
    with Takes(path) as takes:
        takes.delete(takes.find("last"))


def test_nothing_is_left_of_what_was_deleted(path, tmp_path):
    first = record(path, ids=text(b"abc"))
    before = rows(path)
    bring(path, foreign(lines(tmp_path / "theirs", record(tmp_path / "theirs", ids=text(b"cab")))))
    assert [len(found) for found in rows(path).values()] == [2, 2, 2]
    delete(path)
    assert rows(path) == before
    with Takes(path) as takes:
        takes.delete(takes.find(first))
    assert rows(path) == {name: [] for name in TABLES}


def test_a_take_that_is_deleted_while_it_grows_does_not_grow_in_another(path):
    with Takes(path) as takes:
        said = []
        grown = Recorder(lambda: takes, beginning(), said.append)
        grown.begin([TEXT.document_id])
        grown._write()
        takes.delete(takes.find("open-1"))
        id = record(path, ids=text(b"abc"))
        grown.extend(text(b"cab"))
        assert grown.finish("length")[1] is None
    assert said == ["This take is not kept: it was deleted while it grew"]
    assert replayed(path, id) == b"abc"
    assert len(rows(path)["chunks"]) == 1


TAKES_OF_FILES = ["last", "1", "", "open-1", "0", "f" * 11, "f" * 13, "F" * 12, "f" * 12 + "-2", 1, None, ["last"]]


@pytest.mark.parametrize("name", TAKES_OF_FILES)
def test_a_file_means_no_take_but_its_own(path, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setenv("SEQGEN_TAKES", str(path))
    record(path, ids=text(b"abc"))
    before = rows(path)
    file = tmp_path / "stranger.mid"
    file.write_bytes(annotate(MUSIC.decode(np.arange(20)), "seqgen " + json.dumps({"take": name})))
    for words in (["delete"], ["star"], ["show"], ["replay"], ["export"]):
        assert run(["takes", *words, str(file)]) == 1
        assert "names no take" in capsys.readouterr().err
    assert rows(path) == before


def test_an_annotation_nested_beyond_measure_names_no_take(path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEQGEN_TAKES", str(path))
    record(path, ids=text(b"abc"))
    file = tmp_path / "stranger.mid"
    file.write_bytes(annotate(MUSIC.decode(np.arange(20)), 'seqgen {"take": ' + "[" * 90_000))
    assert annotation(file.read_bytes()) is not None
    assert run(["takes", "show", str(file)]) == 1
    assert "names no take" in capsys.readouterr().err


def test_sources_of_one_hash_go_out_and_come_in_apart(path, tmp_path):
    """The latest source above a take is its own."""
    ids = [record(path, ids=text(b"abc"))]
    bring(path, foreign(lines(tmp_path / "theirs", record(tmp_path / "theirs", ids=text(b"cab")))))
    ids += [record(path, ids=text(b"bca"))]
    with Takes(path, write=False) as takes:
        kept = takes.list()[::-1]
        data = b"".join(exchange.export(takes, kept))
    other, counts = taken_in(tmp_path, data)
    assert counts == (3, 0)
    with Takes(other, write=False) as takes:
        assert [take.beginning.source for take in takes.list()[::-1]] == [take.beginning.source for take in kept]
    assert [replayed(other, id) for id in ids] == [b"abc", b"bca"]


def test_one_checkpoint_under_two_names_keeps_both(path):
    for name in ("plays", "poems"):
        with Takes(path) as takes:
            grown = Recorder(
                lambda takes=takes: takes,
                Beginning(TakeSource("f" * 64, name, "", TEXT.spec()), 1, 1, {}, {}),
                pytest.fail,
            )
            grown.extend([1])
            grown.finish("length")
    with Takes(path, write=False) as takes:
        assert [take.beginning.source.name for take in takes.list()] == ["poems", "plays"]


BROKEN = {  # statements, and what they were or could be
    "sources by their hash alone": (
        "digest = ? AND name = ? AND corpus = ?",
        "? > '' AND ? > '' AND ? >= '' ORDER BY key",
    ),
    "a file means whichever came first": ("ORDER BY imported, key", "ORDER BY key"),
    "sources stay": ("DELETE FROM sources", "DELETE FROM chunks WHERE 0 AND take IN (SELECT key FROM sources)--"),
}


@pytest.mark.parametrize("name", [*BROKEN, "nothing is replayed before it is let in"])
def test_the_check_sees_what_is_broken(monkeypatch, name):
    execute = Database.execute
    right, wrong = BROKEN.get(name, ("", ""))
    if right:
        monkeypatch.setattr(
            Database, "execute", lambda base, said, *values: execute(base, said.replace(right, wrong), *values)
        )
    else:
        monkeypatch.setattr("seqgen.takes.exchange.replayed", lambda takes, take: None)
    failures = [words for words in check("imports", 30).failures if "memory" not in words]
    assert failures


WORST = {
    "lists": 'b\'{"kind":"source","x":[\' + b"[]," * 1_390_000 + b"[]]}"',
    "objects": 'b\'{"kind":"source",\' + b",".join(b\'"%d":{}\' % number for number in range(340_000)) + b"}"',
    "text": 'b\'{"kind":"source","x":"\' + b"x" * 5_000_000 + b\'"}\'',
}
MEMORY = """
import io
from seqgen.errors import TakeError
from seqgen.selftest import peak_memory
from seqgen.takes.exchange import brought
try:
    with brought(io.BytesIO(b'{"kind":"seqgen takes","version":1}\\n' + LINE), "x"):
        pass
except TakeError:
    print(peak_memory())
"""


@pytest.mark.parametrize("line", WORST)
def test_the_worst_line_takes_little_memory(line):
    arguments = [sys.executable, "-P", "-c", MEMORY.replace("LINE", WORST[line])]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert 0 < int(ran.stdout) < MOST_MEMORY

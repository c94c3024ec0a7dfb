"""Lists of takes: those of earlier versions, those of strangers, and what one damaged take costs."""

import json
import sqlite3
import stat
from dataclasses import replace

import pytest
from test_takes import MUSIC, TEXT, beginning, record, replayed, text

from seqgen.cli import run
from seqgen.errors import TakeError
from seqgen.takes import _schema, exchange
from seqgen.takes._database import APPLICATION, MAX_ROW, Database
from seqgen.takes.exchange import bring_in
from seqgen.takes.record import Ending, pack
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes

FIRST = """
CREATE TABLE models (hash TEXT PRIMARY KEY, name TEXT NOT NULL, corpus TEXT NOT NULL, tokenizer TEXT NOT NULL);
CREATE TABLE takes (
    key INTEGER PRIMARY KEY, id TEXT UNIQUE, created TEXT NOT NULL, model TEXT NOT NULL REFERENCES models (hash),
    sample INTEGER NOT NULL, seed TEXT NOT NULL, settings TEXT NOT NULL, circumstances TEXT NOT NULL,
    versions TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, tokens INTEGER NOT NULL, excess INTEGER NOT NULL,
    finished TEXT NOT NULL, seconds REAL NOT NULL, starred INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE chunks (
    take INTEGER NOT NULL REFERENCES takes (key), place INTEGER NOT NULL, ids BLOB NOT NULL,
    PRIMARY KEY (take, place)
) WITHOUT ROWID;
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
    return tmp_path / "takes.sqlite"


def first_version(path, more=""):
    """A list as version 1 wrote it, with takes 3 (text), 5 (music, starred), 8 (never finished), and their ids."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = WAL")
    base.executescript(FIRST)
    for hash, tokenizer in (("f" * 64, TEXT), ("e" * 64, MUSIC), ("d" * 64, TEXT)):
        base.execute(
            "INSERT INTO models VALUES (?, 'checkpoints/plays', ?, ?)", (hash, "c" * 64, json.dumps(tokenizer.spec()))
        )
    ids = []
    for key, tokenizer, tokens in ((3, TEXT, text(b"abc")), (5, MUSIC, [1, 2, 3]), (8, TEXT, text(b"cab"))):
        begun, ending = beginning(tokenizer), Ending("length" if key < 8 else "interrupted", 0, len(tokens), 0, 0.5)
        ids.append(begun.fingerprint().extended(pack(tokens)).id(ending) if key < 8 else None)
        base.execute(
            "INSERT INTO takes VALUES (?, ?, '2026-01-31T12:00:00+00:00', ?, 1, ?, ?,"
            " '{}', '{\"seqgen\": \"0\"}', 0, 3, 0, ?, 0.5, ?)",
            (key, ids[-1], begun.source.hash, str(begun.seed), json.dumps(begun.settings), ending.finished, key == 5),
        )
        base.execute("INSERT INTO chunks VALUES (?, 0, ?)", (key, pack(tokens)))
    base.execute("INSERT INTO chunks VALUES (99, 0, x'00000000')")
    base.executescript(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1; {more}")
    base.commit()
    base.close()
    return ids


def table(path, statement):
    base = sqlite3.connect(path)
    try:
        return base.execute(statement).fetchall()
    finally:
        base.close()


@pytest.mark.parametrize("write", [True, False])
def test_a_list_of_the_first_version_goes_on_without_loss(path, write):
    ids = first_version(path)
    with Takes(path, write=write) as takes:
        found = takes.list()
        assert [take.id for take in found] == ["open-8", ids[1], ids[0]]
        assert [take.beginning for take in found] == [beginning(TEXT), beginning(MUSIC), beginning(TEXT)]
        assert [take.starred for take in found] == [False, True, False]
        assert {take.created for take in found} == {"2026-01-31T12:00:00+00:00"}
        assert {take.imported for take in found} == {False}
    assert replayed(path, ids[0]) == b"abc"
    assert replayed(path, "open-8") == b"cab"
    assert replayed(path, ids[1])[:4] == b"MThd"
    assert table(path, "PRAGMA user_version") == [(2,)]
    assert table(path, "SELECT key FROM takes ORDER BY key") == [(3,), (5,), (8,)]
    assert table(path, "SELECT count(*) FROM sources") == [(2,)], "no take needs the third"
    assert table(path, "SELECT DISTINCT take FROM chunks") == [(3,), (5,), (8,)]
    assert record(path, ids=text(b"bca")) not in ids
    assert table(path, "SELECT max(key) FROM takes") == [(9,)]


def test_a_migration_that_is_cut_off_leaves_the_first_version(path, monkeypatch):
    first_version(path)
    before = table(path, "SELECT * FROM takes"), table(path, "SELECT * FROM models")
    monkeypatch.setattr(_schema, "_compact", lambda tokenizer: 1 / 0)
    with pytest.raises(TakeError):
        Takes(path)
    assert (table(path, "SELECT * FROM takes"), table(path, "SELECT * FROM models")) == before
    assert table(path, "PRAGMA user_version") == [(1,)]


def test_a_list_of_the_first_version_that_may_only_be_read_is_read(path):
    ids = first_version(path, "PRAGMA journal_mode = DELETE;")
    before = path.read_bytes()
    path.chmod(stat.S_IRUSR)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("seqgen.takes._database._writable", lambda path: False)
            assert replayed(path, ids[0]) == b"abc"
    finally:
        path.chmod(0o600)
    assert path.read_bytes() == before


def test_a_take_of_the_first_version_without_checkpoint_is_kept_and_told(path, capsys):
    ids = first_version(path, "DELETE FROM models WHERE hash LIKE 'e%';")
    assert run(["takes", "list"]) == 1
    said = capsys.readouterr()
    assert f"Left out: take {ids[1]} is damaged: its tokenizer is missing" in said.err
    assert said.out.count("checkpoints") == 0
    assert ids[0] in said.out
    assert table(path, "SELECT count(*) FROM takes") == [(3,)]


def test_the_first_version_says_in_one_sentence_that_the_list_is_newer(path):
    """Its rule, which stands in copies that are out there: a version above its own, and seqgen's mark."""
    record(path, ids=text(b"abc"))
    assert table(path, "PRAGMA user_version")[0][0] > 1
    assert table(path, "PRAGMA application_id") == [(APPLICATION,)]


EVIL = [
    "CREATE TRIGGER t AFTER UPDATE ON takes BEGIN DELETE FROM takes; END",
    "CREATE TEMP VIEW x AS SELECT 1; CREATE VIEW v AS SELECT 1",
    "CREATE TABLE more (a)",
    "CREATE INDEX i ON takes (abs(tokens))",
    "ALTER TABLE takes ADD COLUMN more TEXT DEFAULT 'x'",
    "ALTER TABLE takes ADD COLUMN more TEXT AS (hex(id))",
    "ALTER TABLE sources RENAME TO real; CREATE VIEW sources AS SELECT * FROM real",
    "DROP TABLE chunks; CREATE TABLE chunks (take, place, ids)",
    "DROP TABLE chunks",
    "CREATE VIRTUAL TABLE v USING fts5 (a)",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -5",
    "PRAGMA application_id = 1",
]


@pytest.mark.parametrize("statement", EVIL)
@pytest.mark.parametrize("words", [["list"], ["delete", "last"], ["export", "--all"], ["show", "last"]])
def test_a_list_with_what_seqgen_did_not_make_is_not_used(path, capsys, statement, words):
    record(path, ids=text(b"abc"))
    base = sqlite3.connect(path)
    base.executescript(statement)
    base.close()
    before = table(path, "SELECT * FROM takes")
    assert run(["takes", *words]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "is not as seqgen made it" in said.err or "is no list of takes" in said.err
    assert said.err.count("\n") == 2
    assert table(path, "SELECT * FROM takes") == before


def test_a_trigger_in_the_first_versions_tables_does_not_run_when_they_change(path):
    first_version(path, "CREATE TRIGGER t AFTER DELETE ON chunks BEGIN DELETE FROM takes; END;")
    with pytest.raises(TakeError, match="'t' in it is not as seqgen made it"):
        Takes(path)
    assert table(path, "SELECT count(*) FROM takes") == [(3,)]


def test_statistics_of_the_planner_are_no_harm(path):
    id = record(path, ids=text(b"abc"))
    base = sqlite3.connect(path)
    base.execute("ANALYZE")
    base.commit()
    base.close()
    assert replayed(path, id) == b"abc"


def test_a_fifo_or_a_device_is_no_list(tmp_path):
    for place in ("/dev/null",):
        with pytest.raises(TakeError, match="is no file"):
            Takes(place)


DAMAGE = [
    "UPDATE takes SET settings = 'nonsense' WHERE key = 2",
    "UPDATE takes SET settings = '{\"a\": 1e999}' WHERE key = 2",
    "UPDATE takes SET settings = CAST(x'ff00' AS TEXT) WHERE key = 2",
    f"UPDATE takes SET settings = zeroblob({MAX_ROW + 1}) WHERE key = 2",
    "UPDATE takes SET seconds = 9e999 WHERE key = 2",
    "UPDATE takes SET seconds = 'x' WHERE key = 2",
    "UPDATE takes SET created = 7 WHERE key = 2",
    "UPDATE takes SET finished = 'never' WHERE key = 2",
    "UPDATE takes SET starred = 'yes' WHERE key = 2",
    "UPDATE takes SET source = 77 WHERE key = 2",
    "UPDATE takes SET seed = x'00' WHERE key = 2",
    "UPDATE takes SET seed = '" + "9" * 5000 + "' WHERE key = 2",
    "UPDATE takes SET id = 'last' WHERE key = 2",
    "UPDATE takes SET id = x'1b' WHERE key = 2",
    "UPDATE takes SET id = '\x1b[2J' WHERE key = 2",
]
TOKENS = [
    "UPDATE takes SET tokens = 99 WHERE key = 2",
    "UPDATE takes SET excess = 2 WHERE key = 2",
    "UPDATE chunks SET ids = x'ffffffff' WHERE take = 2",
    "UPDATE chunks SET ids = x'00' WHERE take = 2",
    "UPDATE chunks SET ids = 'text' WHERE take = 2",
    f"UPDATE chunks SET ids = zeroblob({MAX_ROW + 1}) WHERE take = 2",
    "DELETE FROM chunks WHERE take = 2",
]


@pytest.mark.parametrize("statement", DAMAGE + TOKENS)
def test_one_damaged_take_costs_that_take(path, tmp_path, capsys, statement):
    first, _, third = (record(path, ids=text(each)) for each in (b"abc", b"bca", b"cab"))
    base = sqlite3.connect(path)
    base.executescript(statement)
    base.close()
    assert run(["takes", "export", "--all", "-o", str(tmp_path / "all.jsonl")]) == 1
    said = capsys.readouterr().err
    assert said.count("Left out: ") == 1
    assert "Wrote 2 takes to " in said
    assert "\x1b" not in said
    code = run(["takes", "list"])
    shown = capsys.readouterr()
    assert first in shown.out
    assert third in shown.out
    assert (code == 1) == ("Left out: take " in shown.err)
    assert code == 1 or statement in TOKENS
    assert run(["takes", "list", "--json"]) == (1 if statement in DAMAGE else 0)
    assert {first, third} <= {take["id"] for take in json.loads(capsys.readouterr().out)}
    name = table(path, "SELECT id FROM takes WHERE key = 2")[0][0] if "SET id =" not in statement else "open-2"
    assert run(["takes", "replay", name]) == 1
    assert run(["takes", "delete", name]) == 0, "it can be forgotten"
    assert table(path, "SELECT key FROM takes") == [(1,), (3,)]
    with Takes(tmp_path / "other.sqlite") as takes, (tmp_path / "all.jsonl").open("rb") as file:
        assert bring_in(takes, file, "all.jsonl") == (2, 0)


def test_a_damaged_tokenizer_is_mended_by_the_next_take(path):
    id = record(path, ids=text(b"abc"))
    base = sqlite3.connect(path)
    base.execute("UPDATE sources SET tokenizer = tokenizer || ' '")
    base.commit()
    base.close()
    with pytest.raises(TakeError, match="its tokenizer is missing, or is not the one that it had"):
        replayed(path, id)
    record(path, ids=text(b"bca"))
    assert replayed(path, id) == b"abc"


def test_a_tokenizer_beyond_measure_is_told_as_such(path):
    begun = beginning()
    source = replace(begun.source, tokenizer={"state": "x" * 4_000_000})
    with Takes(path) as takes, pytest.raises(TakeError, match="such a long tokenizer"), takes.transaction():
        takes.begin(replace(begun, source=source))


def test_an_export_of_a_take_that_grows_is_of_one_moment(path, tmp_path, monkeypatch):
    """Another program adds tokens between the look at a take and the look at its tokens."""
    with Takes(path) as takes:
        grown = Recorder(lambda: takes, beginning(), pytest.fail)
        grown.extend(text(b"abc"))
        grown._write()
        look = exchange.replayed

        def replayed(*arguments):
            grown.extend(text(b"cab"))
            grown._write()
            look(*arguments)

        monkeypatch.setattr(exchange, "replayed", replayed)
        assert run(["takes", "export", "--all", "-o", str(tmp_path / "all.jsonl")]) == 0
        assert grown.finish("length")[1] is not None
    lines = (tmp_path / "all.jsonl").read_text("utf-8").splitlines()
    assert [len(json.loads(line).get("ids", "")) for line in lines] == [0, 0, 0, 3, 0]


@pytest.mark.parametrize("name", ["user_version", "application_id"])
def test_a_list_that_another_program_makes_between_two_looks_is_opened(path, monkeypatch, name):
    """The first look at one of its two marks comes before the other program has written it."""
    with Takes(path):
        pass
    looks, true = [], Database._pragma
    early = lambda self, asked: looks.append(asked) or (0 if looks == [name] else true(self, asked))  # noqa: E731
    if name == "application_id":  # it is looked at second
        early = lambda self, asked: looks.append(asked) or (0 if len(looks) <= 2 else true(self, asked))  # noqa: E731
    monkeypatch.setattr(Database, "_pragma", early)
    with Takes(path) as takes:
        assert takes.list() == []
    assert len(looks) > 3

"""Takes: what is kept, by whom, and what comes back; damage, locks and foreign files."""

import json
import sqlite3
import stat
import subprocess
import sys

import numpy as np
import pytest

from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.errors import TakeError
from seqgen.music.annotation import MAX_TEXT, annotate, annotation
from seqgen.music.read import read_score
from seqgen.takes import recorder as recorder_module
from seqgen.takes.exchange import bring_in, export, facts
from seqgen.takes.place import FILE, place
from seqgen.takes.record import Beginning, TakeSource, inscription, pack, unpack
from seqgen.takes.recorder import Recorder
from seqgen.takes.replay import replay
from seqgen.takes.store import Takes
from seqgen.tokenizer import Tokenizer

TEXT = Tokenizer(Char.fit(["abcé ".encode()], CharOptions()), "char", ("x",))
MUSIC = Tokenizer(Midi(MidiOptions()), "midi")


def beginning(tokenizer=TEXT, sample=1, **settings):
    source = TakeSource(("f" if tokenizer is TEXT else "e") * 64, "checkpoints/plays", "c" * 64, tokenizer.spec())
    return Beginning(source, sample, 2**64 - 1, {"temperature": 0.8, "rules": [["top_p", "0.9"]]} | settings, {})


def record(path, tokenizer=TEXT, prompt=b"", ids=(), finished="length", excess=0, **how):
    """A take of these tokens; its id."""
    with Takes(path) as takes:
        grown = Recorder(lambda: takes, beginning(tokenizer, **how), pytest.fail)
        grown.begin([tokenizer.document_id, *tokenizer.encode(prompt).tolist()] if prompt else [tokenizer.document_id])
        grown.extend(int(token) for token in ids)
        return grown.finish(finished, excess)[1]


def text(data):
    return TEXT.encode(data).tolist()


def replayed(path, name):
    with Takes(path, write=False) as takes:
        return b"".join(replay(takes, takes.find(name)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "takes.sqlite"


def test_a_take_comes_back_as_it_was(path):
    id = record(path, prompt="é$".encode(), ids=text(b"abc cba"))
    assert replayed(path, id) == "é$abc cba".encode()
    with Takes(path, write=False) as takes:
        (take,) = takes.list()
        assert take == takes.find(id) == takes.find(id[:4]) == takes.find("last")
        assert take.beginning == beginning()
        assert (take.ending.finished, take.ending.tokens, take.starred) == ("length", 7, False)
        assert set(take.versions) == {"seqgen", "numpy", "python"}
        assert take.created.endswith("+00:00")


def test_the_id_is_pinned():
    """Ids stand in MIDI files for ever."""
    grown = Recorder(lambda: pytest.fail("not yet"), beginning(), lambda message: None)
    grown._broken = True
    grown.begin([1, 2])
    grown.extend([3, 65_536])
    line, id = grown.finish("length", 0, 1.0)
    assert id is None
    assert json.loads(line.removeprefix("seqgen ")) == {
        "take": PINNED,
        "sample": 1,
        "seed": 2**64 - 1,
        "checkpoint": "f" * 64,
        "temperature": 0.8,
        "rules": [["top_p", "0.9"]],
    }


PINNED = "173dfce36c79"


def test_the_same_again_is_another_take_of_the_same_name(path):
    ids = [record(path, ids=text(b"abc")) for _ in range(3)]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]
    assert len({record(path, ids=text(b"abc"), sample=number) for number in (2, 3)} | {*ids}) == 5
    assert {replayed(path, id) for id in ids} == {b"abc"}


def test_what_lies_behind_a_stop_string_stays_away(path):
    assert replayed(path, record(path, ids=text("abé".encode()), excess=1, finished="stop")) == "abé".encode()[:-1]


def test_music_says_which_take_it_is(path):
    rng = np.random.default_rng(1)
    id = record(path, MUSIC, ids=rng.integers(0, MUSIC.document_id, 500))
    data = replayed(path, id)
    said = annotation(data)
    assert said == inscription(id, beginning(MUSIC))
    assert len(read_score(data)) == len(read_score(data.replace(said.encode(), b"x" * len(said)))) > 0


def test_an_annotation_changes_no_note():
    plain = MUSIC.decode(np.random.default_rng(1).integers(0, MUSIC.document_id, 300))
    for line in ("a", "é" * 100, "x" * 20_000):
        marked = annotate(plain, line)
        assert annotation(marked) == line
        for field in ("onset", "duration", "pitch", "velocity", "program", "tempo"):
            assert np.array_equal(getattr(read_score(marked), field), getattr(read_score(plain), field))
        assert read_score(marked).title == read_score(plain).title
    assert annotate(plain, "x" * (MAX_TEXT + 1)) == plain
    assert annotation(plain) is None
    assert annotation(annotate(plain, "abc")[:26]) is None
    assert annotation(b"") is None


def test_a_growing_take_is_written_in_parts_and_may_be_cut_off(path, monkeypatch):
    monkeypatch.setattr(recorder_module, "CHUNK", 100)
    with Takes(path) as takes:
        grown = Recorder(lambda: takes, beginning(), pytest.fail)
        grown.begin([TEXT.document_id])
        grown.extend(text(b"abc" * 85))
        assert len(grown._state.waiting) == 56, "memory is bounded"
        (open_take,) = takes.list()
        assert open_take.id == "open-1"
        assert open_take.ending.finished == "interrupted"
        assert b"".join(replay(takes, takes.find("open-1"))) == (b"abc" * 85)[:199]
        assert takes.list()[0].whole is False
        id = grown.finish("end")[1]
    assert replayed(path, id) == b"abc" * 85
    assert record(path, ids=text(b"abc" * 85), finished="end") == f"{id}-2", "parts make no difference"


def test_a_growing_take_is_written_now_and_then(path, monkeypatch):
    monkeypatch.setattr(recorder_module, "INTERVAL", 0.0)
    with Takes(path) as takes:
        grown = Recorder(lambda: takes, beginning(), pytest.fail)
        grown.extend([1] * recorder_module.LOOK)
        assert takes.list()[0].ending.tokens == recorder_module.LOOK


def test_a_list_that_cannot_be_written_is_told_once_and_keeps_nothing(path, monkeypatch):
    monkeypatch.setattr(recorder_module, "CHUNK", 10)
    path.write_bytes(b"no database" * 1000)
    said = []
    grown = Recorder(lambda: Takes(path), beginning(), said.append)
    grown.extend([1] * 95)
    assert len(grown._state.waiting) == 5
    line, id = grown.finish("length")
    assert id is None
    assert "take" in line
    assert len(said) == 1
    assert "is damaged, or is none" in said[0]


def test_an_interruption_while_writing_loses_nothing(path, monkeypatch):
    with Takes(path) as takes:
        grown = Recorder(lambda: takes, beginning(), pytest.fail)
        grown.begin([TEXT.document_id])
        grown.extend(text(b"abc"))
        monkeypatch.setattr(Takes, "append", interrupted)
        with pytest.raises(KeyboardInterrupt):
            grown._write()
        monkeypatch.undo()
        assert takes.list() == []
        id = grown.finish("interrupted")[1]
    assert replayed(path, id) == b"abc"


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_names(path):
    first, second = record(path, ids=text(b"a")), record(path, ids=text(b"b"))
    with Takes(path) as takes:
        common = ""
        with pytest.raises(TakeError, match="no take is called 'nothing'"):
            takes.find("nothing")
        for name in (common, "*", "open-", "open-99", "open-" + "9" * 30, "[a-f]*", "' OR 1"):
            with pytest.raises(TakeError, match=r"no take is called|more than one take"):
                takes.find(name)
        takes.star(takes.find(first))
        assert [take.id for take in takes.list(starred=True)] == [first]
        takes.star(takes.find(first), starred=False)
        assert takes.list(starred=True) == []
        assert [take.id for take in takes.list()] == [second, first]
        assert [take.id for take in takes.list(1)] == [second]
        takes.delete(takes.find(first))
        assert [take.id for take in takes.list()] == [second]
    assert first not in str(unpack(b""))


def test_where_takes_lie(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "a.sqlite"))
    assert place() == tmp_path / "a.sqlite"
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path))
    assert place() == tmp_path / FILE
    monkeypatch.delenv("SEQGEN_TAKES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert place().name == FILE


def test_reading_makes_no_file(path):
    with pytest.raises(TakeError, match="there are no takes yet"):
        Takes(path, write=False)
    assert not path.exists()


def test_a_list_that_may_only_be_read_is_read(path):
    id = record(path, ids=text(b"abc"))
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert replayed(path, id) == b"abc"
    finally:
        path.parent.chmod(0o700)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE takes SET settings = 'nonsense'",
        "UPDATE takes SET settings = '[]'",
        "UPDATE takes SET seed = 'x'",
        "UPDATE takes SET tokens = 99",
        "UPDATE takes SET excess = 2",
        "UPDATE sources SET tokenizer = '{}'",
        "UPDATE sources SET tokenizer = '[]'",
        "UPDATE chunks SET ids = x'00'",
        "UPDATE chunks SET ids = x'ffffffff'",
        "UPDATE chunks SET ids = 'text'",
        "UPDATE chunks SET ids = NULL, place = 1 WHERE 0; DELETE FROM chunks",
        "DROP TABLE chunks",
    ],
)
def test_damage_is_one_sentence(path, statement):
    id = record(path, ids=text(b"abc"))
    base = sqlite3.connect(path)
    base.executescript(statement)
    base.close()
    with pytest.raises(TakeError) as caught:
        replayed(path, id)
    assert "\n" not in caught.value.message


def test_every_flipped_byte_is_an_error_or_does_no_harm(path, tmp_path):
    id = record(path, ids=text(b"abc" * 400))
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        base.execute("PRAGMA journal_mode = DELETE")
    base.close()
    whole, damaged = path.read_bytes(), tmp_path / "damaged.sqlite"
    outcomes = set()
    for at in range(0, len(whole), 131):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert replayed(damaged, id) == b"abc" * 400
            outcomes.add("harmless")
        except TakeError:
            outcomes.add("error")
    assert outcomes == {"harmless", "error"}


def test_what_is_no_list_of_takes_is_left_alone(path):
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE mine (a)")
    base.close()
    before = path.read_bytes()
    for write in (True, False):
        with pytest.raises(TakeError, match="is no list of takes"):
            Takes(path, write=write)
    assert path.read_bytes() == before


def test_a_newer_list_is_refused(path):
    record(path, ids=text(b"abc"))
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA user_version = 3")
    base.close()
    with pytest.raises(TakeError, match="newer seqgen"):
        Takes(path)


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_takes import record, text
for number in range(25):
    record(Path({path!r}), ids=text(b"abc"), sample={writer} * 100 + number)
"""


def test_several_programs_lose_no_take(path, request):
    tests = str(request.path.parent)
    programs = [
        subprocess.Popen([sys.executable, "-c", WRITER.format(tests=tests, path=str(path), writer=writer)])
        for writer in range(4)
    ]
    assert [program.wait(60) for program in programs] == [0] * 4
    with Takes(path, write=False) as takes:
        assert len({take.beginning.sample for take in takes.list()}) == 100


def lines(path, *names):
    with Takes(path, write=False) as takes:
        return b"".join(export(takes, [takes.find(name) for name in names]))


def taken_in(tmp_path, data):
    other, file = tmp_path / "other.sqlite", tmp_path / "export.jsonl"
    file.write_bytes(data)
    with Takes(other) as takes, file.open("rb") as stream:
        return other, bring_in(takes, stream, "export.jsonl")


def test_an_export_replays_elsewhere(path, tmp_path):
    first = record(path, prompt=b"a", ids=text("abé".encode()), excess=1, finished="stop")
    second = record(path, MUSIC, ids=np.random.default_rng(0).integers(0, MUSIC.document_id, 300))
    with Takes(path) as takes:
        takes.star(takes.find(first))
    data = lines(path, first, second)
    assert all(isinstance(json.loads(line), dict) for line in data.splitlines())
    other, counts = taken_in(tmp_path, data)
    assert counts == (2, 0)
    for id in (first, second):
        assert replayed(other, id) == replayed(path, id)
        with Takes(path) as here, Takes(other) as there:
            assert facts(here.find(id)) == facts(there.find(id))
    assert taken_in(tmp_path, data)[1] == (0, 2), "what is known is passed over"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"seqgen takes"', b'"something"', "is no export of takes"),
        (b'"version":1}', b'"version":2}', "newer seqgen"),
        (b'"ids":[', b'"ids":[1,', "do not match its id"),
        (b'"ids":[', b'"ids":[-1,', "line 4: tokens that are no whole numbers"),
        (b'"ids":[', b'"ids":["a",', "line 4: tokens that are no whole numbers"),
        (b'"seed":18446744073709551615', b'"seed":1', "do not match its id"),
        (b'"seed":', b'"seed":1', "line 3: seed is 118446744073709551615, expected a whole number"),
        (b'"seed":', b'"sead":', "line 3: 'sead' is unknown"),
        (b'"takes":1}', b'"takes":2}', "cut short"),
        (b'{"kind":"end"', b'{"kind":"odd"', "cut short"),
        (b'"tokenizer":{', b'"tokenizer":{"name":"none"},"x":{', "line 2: 'x' is unknown"),
        (b'"name":"char"', b'"name":"none"', "line 2: the stored codec"),
        (b'{"kind":"source"', b"[", "line 2: it is no JSON"),
        (b'{"kind":"seqgen takes"', b"[", "is no export of takes"),
    ],
)
def test_a_damaged_export_takes_nothing_in(path, tmp_path, old, new, message):
    data = lines(path, record(path, ids=text(b"abc")))
    assert old in data
    with pytest.raises(Exception, match=message) as caught:
        taken_in(tmp_path, data.replace(old, new, 1))
    assert type(caught.value).__module__ == "seqgen.errors"
    with Takes(tmp_path / "other.sqlite") as takes:
        assert takes.list() == []


def test_an_export_cut_anywhere_takes_nothing_in(path, tmp_path):
    data = lines(path, record(path, ids=text(b"abc")))
    for end in range(0, len(data) - 1, 97):
        with pytest.raises(TakeError):
            taken_in(tmp_path, data[:end])


def test_tokens_are_little_endian():
    assert pack([1, 65_536]) == b"\1\0\0\0\0\0\1\0"
    assert unpack(pack([1, 65_536])).tolist() == [1, 65_536]

"""What `inspect` says of a file, and the names of instruments."""

import json

import pytest
from midi_files import control, events, meta, midi, off, on, program, simple, tempo

from seqgen.errors import MidiError, UsageError
from seqgen.jobs.describe.music import describe, describe_folder
from seqgen.music import programs
from seqgen.music.score import DRUMS


def test_describe():
    first = events(
        (0, meta(3, b"Air")),
        (0, tempo(600_000)),
        (0, meta(0x58, b"\3\2\x18\x08")),
        (960, tempo(300_000)),
        (9999, tempo(1)),
    )
    second = [(0, program(40)), (0, control(7, 9)), (0, on(60)), (480, off(60)), (480, on(72)), (1920, off(72))]
    found = describe(midi(first, events(*second, (1920, on(36, channel=9)), (1925, off(36, 9)))))
    codecs = found.pop("codecs")
    assert found == {
        "kind": "midi",
        "format": "midi type 1",
        "title": "Air",
        "seconds": pytest.approx(6.849, abs=0.001),
        "notes": 3,
        "instruments": {"violin": 2, "drums": 1},
        "tempo": {"slowest": 100.0, "fastest": 200.0},
        "meters": ["3/4"],
        "pitches": {"lowest": 60, "highest": 72},
        "tokens": 13,
        "report": {"read": 0, "skipped": {}, "dropped": {"controller": 1}, "repaired": {}},
    }
    json.dumps(found)
    assert (codecs["midi"]["tokens"], codecs["midi"]["notes"], codecs["midi"]["dropped"]) == (13, 3, {})
    assert codecs["midi_bar"]["onset_quarters"] == 0
    assert codecs["midi_bar"]["dropped"] == {"tempo after the last onset": 1}
    assert codecs["midi_388"]["dropped"] == codecs["midi_grid"]["dropped"] == {"drum": 1}
    assert codecs["midi_388"]["repaired"] == {"note of another instrument": 2}


def test_describe_a_folder():
    song = simple((0, on(60)), (7, control(1, 1)), (480, off(60)))
    two = midi(events((0, on(60)), (9, off(60))), events((0, on(61)), (9, off(61))), form=2)
    found = describe_folder([("a.mid", song), ("b.mid", two), ("c.mid", b"MThd")])
    assert (found["files"], found["pieces"], found["notes"]) == (3, 3, 3)
    assert list(found["refused"]) == ["c.mid"]
    assert found["codecs"]["midi"]["notes"] == 3
    json.dumps(found)


def test_describe_a_damaged_and_an_empty_file():
    found = describe(simple((0, on(60)), (5, off(60)))[:-5])
    assert found["notes"] == 1
    assert found["report"]["repaired"]["truncated track"] == 1
    empty = describe(simple())
    assert (empty["notes"], empty["pitches"], empty["tokens"]) == (0, None, 0)
    with pytest.raises(MidiError):
        describe(b"nothing of the kind")


def test_names_of_programs():
    assert len(programs.NAMES) == len(set(programs.NAMES)) == 128
    assert len(programs.FAMILIES) == 16
    assert (programs.name(0), programs.name(56), programs.name(127)) == ("grand piano", "trumpet", "gunshot")
    assert (programs.family(0), programs.family(73), programs.family(DRUMS)) == ("piano", "pipe", "drums")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("violin", (40,)), (" Violin ", (40,)), ("73", (73,)), ("drums", (DRUMS,)), ("brass", tuple(range(56, 64))),
        ("piano", tuple(range(8))),
    ],
)  # fmt: skip
def test_finding_programs(text, found):
    assert programs.find(text) == found


def test_an_unknown_instrument():
    with pytest.raises(UsageError, match="no instrument is called 'violine'") as caught:
        programs.find("violine")
    assert "'violin'" in caught.value.hint

"""MusicXML: what is written is what sounds, and what is broken is told. All music here is made up for the tests."""

import contextlib
import io
import time
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgen.errors import MidiError
from seqgen.music.faults import Faults
from seqgen.music.instruments import guess_program
from seqgen.music.notation.bars import Bar, play_order
from seqgen.music.notation.jumps import followed
from seqgen.music.notation.musicxml.read import read_musicxml
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

QUARTER = 24  # ticks, where divisions divide 24
CONTAINER = '<container><rootfiles><rootfile full-path="music/score.xml"/></rootfiles></container>'


def note(pitch: str, duration: object, extra: str = "", before: str = "") -> str:
    """A note such as C4, C#4 or Bb3; `before` stands first in it, `extra` last."""
    alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(pitch[1:-1], "")
    sound = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    timed = "" if duration is None else f"<duration>{duration}</duration>"
    return f"<note>{before}{sound}{timed}{extra}</note>"


def rest(duration: int) -> str:
    return f"<note><rest/><duration>{duration}</duration></note>"


def attributes(divisions: object = 1, beats: str = "4", beat_type: str = "4", more: str = "") -> str:
    time_signature = f"<time><beats>{beats}</beats><beat-type>{beat_type}</beat-type></time>"
    return f"<attributes><divisions>{divisions}</divisions>{time_signature}{more}</attributes>"


def part_of(measures: Iterable[str], name: str = "P1") -> str:
    inside = "".join(f'<measure number="{number}">{body}</measure>' for number, body in enumerate(measures, 1))
    return f'<part id="{name}">{inside}</part>'


def document(*parts: str, listed: str = "", head: str = "") -> bytes:
    text = f"<score-partwise>{head}<part-list>{listed}</part-list>{''.join(parts)}</score-partwise>"
    return ('<?xml version="1.0"?>\n' + text).encode()


def score(*measures: str, listed: str = "") -> bytes:
    return document(part_of(measures), listed=listed)


def listed(part_name: str, instrument: str = "") -> str:
    return f'<score-part id="P1"><part-name>{part_name}</part-name>{instrument}</score-part>'


def rows(made: Score) -> list[tuple[int, ...]]:
    """(onset, duration, pitch) of each note."""
    return list(zip(made.onset.tolist(), made.duration.tolist(), made.pitch.tolist()))


def archive(**members: bytes | str) -> bytes:
    """A zip; double underscores in names stand for slashes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def compressed(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("META-INF/container.xml", CONTAINER)
        packed.writestr("other.xml", "<nothing/>")
        packed.writestr("music/score.xml", data)
    return file.getvalue()


SIMPLE = score(attributes() + note("C4", 1) + note("E4", 1) + rest(1) + note("Bb3", 1), note("G4", 4))
SIMPLE_ROWS = [(0, 24, 60), (24, 24, 64), (72, 24, 58), (96, 96, 67)]


def test_notes_and_rests_stand_where_they_are_written() -> None:
    made = read_musicxml(SIMPLE)
    assert made.ticks_per_quarter == QUARTER
    assert rows(made) == SIMPLE_ROWS
    assert made.velocity.tolist() == [80] * 4
    assert made.program.tolist() == [0] * 4
    assert (made.length, made.meter.tolist(), made.tempo.tolist()) == (192, [[4, 4]], [500_000])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_any_encoding_plain_or_compressed(encoding: str) -> None:
    text = SIMPLE.decode().replace('"1.0"', f'"1.0" encoding="{encoding}"')
    for data in (text.encode(encoding), compressed(text.encode(encoding))):
        assert rows(read_musicxml(data)) == SIMPLE_ROWS
        assert rows(read_score(data)) == SIMPLE_ROWS


def test_a_standard_document_type_is_no_matter() -> None:
    doctype = b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://x.invalid/p.dtd">'
    assert rows(read_musicxml(SIMPLE.replace(b"?>\n", b"?>\n" + doctype, 1))) == SIMPLE_ROWS


def test_an_archive_without_a_container_is_read_and_counted() -> None:
    report = Report()
    data = archive(score__xml=b"", **{"tune.xml": SIMPLE})
    assert rows(read_musicxml(data, report)) == SIMPLE_ROWS
    assert report.repaired == {"archive without a container": 1}


def test_score_timewise_is_the_same_music() -> None:
    top, bottom = note("C5", 4), note("C3", 4)
    by_part = document(part_of([attributes() + top, top], "P1"), part_of([attributes() + bottom, bottom], "P2"))
    measures = "".join(
        f'<measure number="1"><part id="P1">{first}{top}</part><part id="P2">{first}{bottom}</part></measure>'
        for first in (attributes(), "")
    )
    by_time = f"<score-timewise><part-list/>{measures}</score-timewise>".encode()
    assert rows(read_musicxml(by_time)) == rows(read_musicxml(by_part))
    assert rows(read_musicxml(by_part)) == [(0, 96, 48), (0, 96, 72), (96, 96, 48), (96, 96, 72)]


def test_chords_backup_and_forward() -> None:
    body = (
        attributes(2)
        + note("C5", 4, "<voice>1</voice>")
        + note("E5", 4, "<voice>1</voice>", "<chord/>")
        + "<backup><duration>4</duration></backup><forward><duration>2</duration></forward>"
        + note("C4", 2, "<voice>2</voice>")
        + note("D4", 4, "<voice>2</voice>")
    )
    assert rows(read_musicxml(score(body))) == [(0, 48, 72), (0, 48, 76), (24, 24, 60), (48, 48, 62)]


def test_tied_notes_are_one_note_also_across_measures_and_in_chords() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    first = attributes() + rest(2) + note("C4", 2, start) + note("E4", 2, before="<chord/>")
    second = note("C4", 4, stop + start)
    third = note("C4", 1, stop) + note("C4", 3)
    assert rows(read_musicxml(score(first, second, third))) == [(48, 168, 60), (48, 48, 64), (216, 72, 60)]


def test_tuplets_of_several_divisions_are_exact() -> None:
    triplets = attributes(6) + "".join(note("C4", 2) for _ in range(3)) + note("D4", 18)
    fives = attributes(5, more="") + "".join(note("C5", 1) for _ in range(5)) + note("D5", 15)
    made = read_musicxml(document(part_of([triplets], "P1"), part_of([fives], "P2")))
    assert made.ticks_per_quarter == 120
    assert made.onset[made.pitch == 60].tolist() == [0, 40, 80]
    assert made.onset[made.pitch == 72].tolist() == [0, 24, 48, 72, 96]
    assert made.length == 480


def test_divisions_too_fine_for_midi_are_rounded_without_drift() -> None:
    count = 9973  # a prime
    body = attributes(count) + "".join(note("C4", 1) for _ in range(count)) + note("D4", 3 * count)
    made = read_musicxml(score(attributes(7919) + note("C5", 4 * 7919), body))
    assert made.ticks_per_quarter == 10080
    grid = made.onset[(made.pitch == 60)] - 4 * 10080
    assert np.abs(grid - np.arange(count) * 10080 / count).max() <= 0.5
    assert made.onset[made.pitch == 62].tolist() == [5 * 10080]


def test_divisions_may_change_inside_a_measure() -> None:
    body = attributes(1) + note("C4", 1) + "<attributes><divisions>4</divisions></attributes>" + note("D4", 2)
    assert rows(read_musicxml(score(body))) == [(0, 24, 60), (24, 12, 62)]


def test_grace_notes_come_before_the_beat_and_cut_the_note_before() -> None:
    graces = note("D5", None, "<voice>1</voice>", "<grace/>") + note("E5", None, "<voice>1</voice>", "<grace/>")
    body = attributes() + note("C5", 2, "<voice>1</voice>") + graces + note("F5", 2, "<voice>1</voice>")
    made = rows(read_musicxml(score(body)))
    assert made == [(0, 42, 72), (42, 3, 74), (45, 3, 76), (48, 48, 77)]


def test_grace_notes_at_the_beginning_of_a_piece_and_after_a_bar_line() -> None:
    grace = note("D5", None, "", "<grace/>")
    made = rows(read_musicxml(score(attributes() + grace + note("C5", 4), grace + note("C5", 4))))
    assert made == [(0, 96 - 3, 72), (0, 3, 74), (93, 3, 74), (96, 96, 72)]


def test_transposing_instruments_sound_as_they_sound() -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    deep = "<transpose><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
    assert read_musicxml(score(attributes(more=clarinet) + note("D4", 4))).pitch.tolist() == [60]
    assert read_musicxml(score(attributes(more=deep) + note("D4", 4))).pitch.tolist() == [48]


def test_tempos_from_sound_and_metronome() -> None:
    metronome = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>ca. 60</per-minute></metronome></direction-type></direction>"
    )
    body = attributes() + '<sound tempo="100"/>' + note("C4", 2) + metronome + note("D4", 2)
    both = '<direction><sound tempo="50"/></direction>' + note("E4", 4)
    made = read_musicxml(score(body, both))
    assert made.tempo_tick.tolist() == [0, 48, 96]
    assert made.tempo.tolist() == [600_000, 666_667, 1_200_000]


def test_meters_pickup_and_empty_measures() -> None:
    made = read_musicxml(score(attributes(1, "3+2", "8") + note("C4", 1), "", note("C4", 1)))
    assert made.meter_tick.tolist() == [0, 24]
    assert made.meter.tolist() == [[1, 4], [5, 8]]
    assert made.onset.tolist() == [0, 24 + 60]
    changed = read_musicxml(score(attributes() + note("C4", 1), attributes(1, "3") + note("D4", 3)))
    assert changed.meter_tick.tolist() == [0, 24]
    assert changed.meter.tolist() == [[1, 4], [3, 4]]


def test_a_short_part_waits_for_the_longest_in_each_measure() -> None:
    high = part_of([attributes() + note("C5", 1), note("D5", 4)], "P1")
    low = part_of([attributes() + note("C4", 4), note("D4", 4)], "P2")
    made = read_musicxml(document(high, low))
    assert made.onset[made.pitch == 74].tolist() == [96]


def barline(sign: str = "", ending: str = "", times: int | None = None) -> str:
    count = f' times="{times}"' if times else ""
    repeat = f'<repeat direction="{sign}"{count}/>' if sign else ""
    number, _, kind = ending.partition(" ")
    return f"<barline>{repeat}" + (f'<ending number="{number}" type="{kind}"/>' if ending else "") + "</barline>"


def test_repeats_and_endings_are_played() -> None:
    measures = (
        attributes() + note("C4", 4),
        barline("forward") + note("D4", 4),
        barline(ending="1 start") + note("E4", 4) + barline("backward", "1 stop"),
        barline(ending="2 start") + note("F4", 4) + barline(ending="2 discontinue"),
        note("G4", 4),
    )
    assert read_musicxml(score(*measures)).pitch.tolist() == [60, 62, 64, 62, 65, 67]


def test_a_repeat_without_a_beginning_goes_back_to_the_start_or_the_last_repeat() -> None:
    end = barline("backward")
    made = read_musicxml(score(attributes() + note("C4", 4) + end, note("D4", 4) + barline("backward", times=3)))
    assert made.pitch.tolist() == [60, 60, 62, 62, 62]
    assert made.onset.tolist() == [0, 96, 192, 288, 384]


def test_one_part_may_carry_the_repeat_signs_for_all() -> None:
    with_sign = part_of([attributes() + note("C5", 4) + barline("backward")], "P1")
    without = part_of([attributes() + note("C4", 4)], "P2")
    assert len(read_musicxml(document(with_sign, without))) == 4


def test_a_tempo_is_what_it_was_when_a_repeat_goes_back() -> None:
    slow = '<sound tempo="60"/>'
    made = read_musicxml(score(attributes() + note("C4", 4), slow + note("D4", 4) + barline("backward")))
    assert made.tempo_tick.tolist() == [0, 96, 192, 288]
    assert made.tempo.tolist() == [500_000, 1_000_000, 500_000, 1_000_000]


@pytest.mark.parametrize(
    ("bars", "order"),
    [
        ([Bar(), Bar(passes=2), Bar()], [0, 1, 0, 1, 2]),
        ([Bar(begins=True), Bar(endings=frozenset({1, 2}), passes=2), Bar(endings=frozenset({3}))], [0, 1, 0, 1, 0, 2]),
        ([Bar(), Bar(passes=2, endings=frozenset({1})), Bar(passes=2, endings=frozenset({2})), Bar(passes=2)],
         [0, 1, 0, 2, 3, 3]),
        ([Bar(), Bar(may_begin=True), Bar(passes=2)], [0, 1, 2, 1, 2]),
        ([Bar(begins=True), Bar(may_begin=True), Bar(passes=2)], [0, 1, 2, 0, 1, 2]),
        ([Bar(passes=1000)], [0] * 8),
        ([], []),
    ],
)  # fmt: skip
def test_the_order_of_bars(bars: list[Bar], order: list[int]) -> None:
    assert play_order(bars) == order


def test_dynamics_hold_from_where_they_stand_in_every_voice() -> None:
    loud = "<direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>"
    body = (
        attributes()
        + note("C5", 2)
        + loud
        + note("D5", 2)
        + "<backup><duration>4</duration></backup>"
        + note("C4", 2)
        + note("D4", 2)
    )
    made = read_musicxml(score(body, '<direction><sound dynamics="50"/></direction>' + note("E4", 4)))
    assert made.velocity.tolist() == [80, 80, 112, 112, 45]


def test_programs_are_the_files_own_or_guessed_from_names() -> None:
    given_program = (
        '<midi-instrument id="I"><midi-channel>1</midi-channel><midi-program>74</midi-program></midi-instrument>'
    )
    unset = given_program.replace("74", "1")
    body = attributes() + note("C4", 4)
    assert read_musicxml(score(body, listed=listed("Anything", given_program))).program.tolist() == [73]
    assert read_musicxml(score(body, listed=listed("Tenor", unset))).program.tolist() == [52]
    assert read_musicxml(score(body, listed=listed("Violino I"))).program.tolist() == [40]
    assert read_musicxml(score(body, listed=listed("Part 1", unset))).program.tolist() == [0]


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Soprano", 52), ("Basso", 52), ("S.", 52), ("Soprano\nOboe 1,2\nViolin1", 52), ("Alto Flute", 73),
        ("Bass Clarinet", 71), ("Violoncello.", 42), ("Violin2", 40), ("Oboe da caccia", 69), ("Timpani", 47),
        ("Horn in F", 60), ("Clarinet in B", 71), ("Staff 1", 0), ("", 0), ("Drumset", DRUMS),
    ],
)  # fmt: skip
def test_what_a_part_name_means(name: str, program: int) -> None:
    assert guess_program(name) == program


def test_unpitched_notes_are_drums_where_the_drum_is_known() -> None:
    kit = (
        '<score-instrument id="K"><instrument-name>Kick</instrument-name></score-instrument>'
        '<midi-instrument id="K"><midi-channel>10</midi-channel><midi-unpitched>36</midi-unpitched></midi-instrument>'
        '<midi-instrument id="S"><midi-channel>10</midi-channel><midi-unpitched>39</midi-unpitched></midi-instrument>'
    )
    hit = (
        "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
        '<duration>2</duration><instrument id="{}"/></note>'
    )
    report = Report()
    made = read_musicxml(score(attributes() + hit.format("K") + hit.format("S"), listed=listed("Kit", kit)), report)
    assert (made.program.tolist(), made.pitch.tolist()) == ([DRUMS, DRUMS], [35, 38])
    assert not report.dropped
    unknown = score(attributes() + note("C4", 2) + hit.format("K").replace("E", "F", 1))
    made = read_musicxml(unknown, report)
    assert list(zip(made.program.tolist(), made.pitch.tolist())) == [(0, 60), (DRUMS, 36)]
    assert report.repaired == {"drum guessed": 1}


@pytest.mark.parametrize(
    ("marks", "changes", "order"),
    [
        ({1: "fine", 3: "dacapo"}, {}, [0, 1, 2, 3, 0, 1]),
        (
            {1: "fine", 3: "dacapo"},
            {1: {"passes": 2}, 2: {"begins": True}, 3: {"passes": 2}},
            [0, 1, 0, 1, 2, 3, 2, 3, 0, 1],
        ),
        ({1: "segno", 2: "tocoda", 3: "dalsegno", 4: "coda"}, {}, [0, 1, 2, 3, 1, 2, 4, 5]),
        ({3: "dacapo"}, {1: {"endings": {1}, "passes": 2}, 2: {"endings": {2}}}, [0, 1, 0, 2, 3, 0, 2, 3, 4, 5]),
        ({1: "dacapo"}, {}, [0, 1, 0, 1, 2, 3, 4, 5]),
        ({1: "fine"}, {}, [0, 1, 2, 3, 4, 5]),
        ({1: "dalsegno"}, {}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_jumps_are_followed(marks: Any, changes: Any, order: Any) -> None:
    report = Report()
    bars = [Bar(marks=frozenset({marks.get(at)} - {None}), **changes.get(at, {})) for at in range(max(order) + 1)]
    assert followed(play_order(bars), bars, Faults(report)) == order
    assert report.dropped == ({"jump": 1} if marks == {1: "dalsegno"} else {})


def test_a_da_capo_that_the_file_says_is_played() -> None:
    fine, capo = (f'<direction><sound {mark}="yes"/></direction>' for mark in ("fine", "dacapo"))
    made = read_musicxml(score(attributes() + note("C4", 4) + fine, note("D4", 4) + capo))
    assert made.pitch.tolist() == [60, 62, 60]


def test_what_a_score_has_no_place_for_is_counted() -> None:
    report = Report()
    body = (
        attributes()
        + '<direction><sound dalsegno="yes"/></direction>'
        + note("C4", 1, "<lyric><text>la</text></lyric><notations><ornaments><trill-mark/></ornaments></notations>")
        + note("D4", 1, "", "<cue/>")
        + note("E4", 2, "<notations><fermata/></notations>")
    )
    assert rows(read_musicxml(score(body), report)) == [(0, 24, 60), (48, 48, 64)]
    assert report.dropped == {"jump": 1, "lyric": 1, "ornament": 1, "cue note": 1}
    assert not report.repaired


def test_the_title() -> None:
    head = "<work><work-title> Made\nup\t </work-title></work><movement-title>Other</movement-title>"
    assert read_musicxml(document(part_of([attributes() + note("C4", 4)]), head=head)).title == "Made up"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not well-formed"),
        (b"PK\x03\x04 and nothing", "archive is damaged or cut short"),
        (SIMPLE[:-40], "XML is not well-formed"),
        (SIMPLE.replace(b"</pitch>", b"</pitsch>", 1), "XML is not well-formed"),
        (b"<html><body/></html>", "no MusicXML"),
        (b"<?xml version='1.0' encoding='no-such-thing'?><a/>", "XML"),
        (score(attributes() + rest(4)), "holds no notes"),
        (document(), "holds no notes"),
        (score(attributes(0) + note("C4", 1)), "divisions is '0', expected 1 to"),
        (score(attributes(10**30) + note("C4", 1)), "divisions is '1000000000"),
        (score(attributes("x") + note("C4", 1)), "divisions is 'x'"),
        (score(attributes() + note("C4", -4)), "measure 1: duration is '-4'"),
        (score(attributes() + note("C4", 10**9)), "duration is '1000000000'"),
        (score(attributes() + note("C4", None)), "duration is ''"),
        (score(attributes() + note("H4", 1)), "pitch is 'H4'"),
        (score(attributes() + note("C4", 1).replace("4", "99")), "pitch is 'C99'"),
        (score(attributes() + note("C4", 1) + "<backup><duration>9</duration></backup>"), "backup leads to before"),
        (f'<?xml version="1.0"?>{BOMB}]><score-partwise>&j;</score-partwise>'.encode(), "document type of its own"),
        (f'<?xml version="1.0" encoding="utf-16"?>{BOMB}]><x/>'.encode("utf-16"), "document type of its own"),
        (b"<score-partwise>" + b"<a>" * 3_500_000, "too many elements (expected at most 64 levels)"),
        (b"<score-partwise>" + b"<a/>" * 3_100_000, "too many elements (expected at most 3,000,000"),
    ],
)  # fmt: skip
def test_damage_is_one_sentence_soon(data: bytes, sentence: str) -> None:
    begin = time.process_time()
    with pytest.raises(MidiError) as caught:
        read_musicxml(data)
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message
    assert time.process_time() - begin < 5


def test_what_can_be_salvaged_is_and_is_counted() -> None:
    report = Report()
    cut = SIMPLE[: SIMPLE.index(b'<measure number="2">') + 30]
    assert rows(read_musicxml(cut, report)) == SIMPLE_ROWS[:3]
    assert report.repaired == {"damaged XML": 1}
    report = Report()
    body = attributes(0) + note("C4", 1) + note("D4", -1) + note("H4", 1) + note("E4", 1)
    assert rows(read_musicxml(score(body), report)) == [(0, 24, 60), (48, 24, 64)]
    assert report.dropped == {"bad divisions": 1, "bad duration": 1, "bad pitch": 1}
    assert report.repaired == {"no divisions": 1}


@pytest.mark.parametrize("at", [10, 100, 300, -30, -1])
def test_an_archive_cut_short_is_refused(at: int) -> None:
    with pytest.raises(MidiError, match="archive"):
        read_musicxml(compressed(SIMPLE)[:at], Report())


def test_bytes_flipped_in_an_archive_never_raise_anything_else() -> None:
    whole = compressed(SIMPLE)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        with contextlib.suppress(MidiError):
            assert len(read_musicxml(bytes(damaged), Report())) > 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (archive(a__xml=b" " * 30_000_000), "packed too tightly"),
        (archive(**{f"{index}.xml": b"" for index in range(1001)}), "too many members"),
        (archive(**{"readme.txt": b"no music"}), "holds no MusicXML score"),
        (archive(**{f"{index}.bin": bytes(range(256)) * 140_000 for index in range(2)}), "too large"),
    ],
    ids=["ratio", "members", "nothing", "size"],
)  # fmt: skip
def test_evil_archives_are_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(MidiError) as caught:
        read_musicxml(data, Report())
    assert sentence in caught.value.message


def test_a_member_is_deflated_or_stored_and_nothing_else() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as packed:
        packed.writestr("score.xml", SIMPLE)
    with pytest.raises(MidiError, match="neither stored nor deflated"):
        read_musicxml(file.getvalue())


def test_many_repeats_and_marks_are_not_slow() -> None:
    mark = "<direction><direction-type><dynamics><p/></dynamics></direction-type></direction>"
    body = attributes() + "".join(mark + note("C4", 1) for _ in range(4000))
    ended = barline("backward", "1 start")
    begin = time.process_time()
    assert len(read_musicxml(score(body, *[note("D4", 1) + ended] * 4000))) > 4000
    assert time.process_time() - begin < 5


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SIMPLE) - 1), st.integers(1, 40), st.binary(max_size=6))
def test_mutated_files_are_read_or_refused(at: int, size: int, junk: bytes) -> None:
    data = SIMPLE[:at] + junk + SIMPLE[at + size :]
    for report in (None, Report()):
        try:
            made = read_musicxml(data, report)
        except MidiError:
            continue
        assert len(made) > 0
        assert (made.duration > 0).all()
        assert (made.onset >= 0).all()

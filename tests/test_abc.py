"""ABC: what is written is what sounds, and what is broken is told. All music here is made up for the tests."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgen.errors import MidiError
from seqgen.music.notation.abc import fields as abc_fields
from seqgen.music.notation.abc.book import split_abc
from seqgen.music.notation.abc.read import read_abc
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

EIGHTH = 5040  # ticks; a quarter note is 10080


def tune(music: str, *, key: str = "C", meter: str = "4/4", unit: str = "1/8", more: str = "") -> bytes:
    return f"X:1\nT:Made up\nM:{meter}\nL:{unit}\n{more}K:{key}\n{music}\n".encode()


def rows(made: Score) -> list[tuple[float, float, int]]:
    """(onset, duration, pitch) of each note, times in eighth notes."""
    return [
        (onset / EIGHTH, duration / EIGHTH, pitch)
        for onset, duration, pitch in zip(made.onset.tolist(), made.duration.tolist(), made.pitch.tolist())
    ]


def pitches(music: str, key: str = "C") -> list[int]:
    return read_abc(tune(music, key=key)).pitch.tolist()


def lengths(music: str, meter: str = "4/4", unit: str = "1/8") -> list[float]:
    return [duration for _, duration, _ in rows(read_abc(tune(music, meter=meter, unit=unit)))]


def test_notes_octaves_lengths_and_rests() -> None:
    made = read_abc(tune("C,2 Cc c'/ z3/2 c''// x B,,3|"))
    assert rows(made) == [
        (0, 2, 48), (2, 1, 60), (3, 1, 72), (4, 0.5, 84), (6, 0.25, 96), (7.25, 3, 47),
    ]  # fmt: skip
    assert (made.title, made.ticks_per_quarter, made.length) == ("Made up", 10080, round(10.25 * EIGHTH))
    assert set(made.velocity.tolist()) == {80}
    assert set(made.program.tolist()) == {0}


def test_lengths_of_all_spellings() -> None:
    assert lengths("C C2 C/ C/2 C// C3/4 C/4 C3/") == [1, 2, 0.5, 0.5, 0.25, 0.75, 0.25, 1.5]


def test_accidentals_hold_to_the_bar_line_in_all_octaves() -> None:
    assert pitches("^FFf=fF _B|FB ^^C __D|") == [66, 66, 78, 77, 65, 70, 65, 71, 62, 60]


@pytest.mark.parametrize(
    ("key", "scale"),
    [
        ("C", [60, 62, 64, 65, 67, 69, 71]),
        ("G", [60, 62, 64, 66, 67, 69, 71]),
        ("Dmix", [60, 62, 64, 66, 67, 69, 71]),
        ("D Mixolydian % a word", [60, 62, 64, 66, 67, 69, 71]),
        ("Ador", [60, 62, 64, 66, 67, 69, 71]),
        ("Em", [60, 62, 64, 66, 67, 69, 71]),
        ("E Minor", [60, 62, 64, 66, 67, 69, 71]),
        ("Bphr", [60, 62, 64, 66, 67, 69, 71]),
        ("Clyd", [60, 62, 64, 66, 67, 69, 71]),
        ("F#loc", [60, 62, 64, 66, 67, 69, 71]),
        ("GM", [60, 62, 64, 66, 67, 69, 71]),
        ("Gm", [60, 62, 63, 65, 67, 69, 70]),
        ("F#m", [61, 62, 64, 66, 68, 69, 71]),
        ("Bb", [60, 62, 63, 65, 67, 69, 70]),
        ("Cb", [59, 61, 63, 64, 66, 68, 70]),
        ("HP", [61, 62, 64, 66, 67, 69, 71]),
        ("none", [60, 62, 64, 65, 67, 69, 71]),
        ("Dmix=f", [60, 62, 64, 65, 67, 69, 71]),
        ("A exp _b ^c", [61, 62, 64, 65, 67, 69, 70]),
        ("D clef=bass", [61, 62, 64, 66, 67, 69, 71]),
    ],
)  # fmt: skip
def test_keys_and_modes(key: str, scale: list[int]) -> None:
    assert pitches("CDEFGAB|", key) == scale


def test_broken_rhythms() -> None:
    assert lengths("A>B A<B A>>B A<<B") == [1.5, 0.5, 0.5, 1.5, 1.75, 0.25, 0.25, 1.75]
    assert lengths("A > B [CE]<z B") == [1.5, 0.5, 0.5, 0.5, 1]
    made = rows(read_abc(tune("A{c}>B A")))
    assert [onset for onset, _, pitch in made if pitch != 72] == [0, 1.5, 2]


def test_tuplets() -> None:
    assert lengths("(3ABc (2AB A") == pytest.approx([2 / 3] * 3 + [1.5] * 2 + [1])
    assert lengths("(3:2:4ABcd e") == pytest.approx([2 / 3] * 4 + [1])
    assert lengths("(3A2B z (3[CE]c>d|") == pytest.approx([4 / 3, 2 / 3, 2 / 3, 2 / 3, 1, 1 / 3])
    assert lengths("(5ABcde", "6/8") == pytest.approx([3 / 5] * 5)
    assert lengths("(5ABcde", "2/4") == pytest.approx([2 / 5] * 5)
    assert lengths("(AB) (c(3ABc)") == pytest.approx([1, 1, 1] + [2 / 3] * 3)


def test_ties_join_notes_also_over_bar_lines_and_keep_the_accidental() -> None:
    assert rows(read_abc(tune("A2-A2 ^F4-|F4 F4|"))) == [(0, 4, 69), (4, 8, 66), (12, 4, 65)]
    assert rows(read_abc(tune("[CE]4-[CE]4|[C-E]4[CE]4"))) == [
        (0, 8, 60), (0, 8, 64), (8, 8, 60), (8, 4, 64), (12, 4, 64),
    ]  # fmt: skip
    assert rows(read_abc(tune("A2-B2 A2"))) == [(0, 2, 69), (2, 2, 71), (4, 2, 69)]


def test_chords_are_as_long_as_their_first_note() -> None:
    assert rows(read_abc(tune('"Am"[A,2C2E2] [CE]3 [c2e]/'))) == [
        (0, 2, 57), (0, 2, 60), (0, 2, 64), (2, 3, 60), (2, 3, 64), (5, 1, 72), (5, 1, 76),
    ]  # fmt: skip


def test_grace_notes_come_before_the_beat_and_cut_the_note_before() -> None:
    assert rows(read_abc(tune("A4 {Bc}B4 {/d}c4"))) == [
        (0, 3.5, 69), (3.5, 0.25, 71), (3.75, 0.25, 72), (4, 3.75, 71), (7.75, 0.25, 74), (8, 4, 72),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("|:A:|B|", "AAB"),
        ("A:|B:|", "AABB"),
        ("|:A|B::c|d:|", "ABABcdcd"),
        ("A|1B:|2c|]d|", "ABAcd"),
        ("|:A|[1 B:|[2 c||d:|", "ABAcdd"),
        ("|:A [1B :| [2c | d |: e :|", "ABAcdee"),
        ("|:A|[1,3 B:|[2 c:|d|", "ABAcABd"),
        ("|:A|[1-2 B:|[3 c|]", "ABABAc"),
        ("|:A::|B", "AAAB"),
        ("A||B:|", "ABB"),
        ("|:A||B:|", "ABAB"),
        ("A:||:B:||", "AABB"),
        ("A [|]:| |: B |]", "AAB"),
        ("A:|\n|1 B:|2 c|", "AABAc"[:2] + "Bc"),
    ],
)  # fmt: skip
def test_repeats_and_endings(music: str, played: str) -> None:
    names = {69: "A", 71: "B", 72: "c", 74: "d", 76: "e"}
    assert "".join(names[pitch] for pitch in pitches(music)) == played


def test_bars_of_rest_and_overlays() -> None:
    assert rows(read_abc(tune("Z2|A|", meter="3/4"))) == [(12, 1, 69)]
    assert rows(read_abc(tune("A4 B4 & C8|E"))) == [(0, 8, 60), (0, 4, 69), (4, 4, 71), (8, 1, 64)]


def test_fields_in_the_body_and_within_a_line() -> None:
    made = read_abc(tune("A [L:1/4] A [K:F] B [M:3/4] A | [Q:1/4=60] A\nM:2/4\nL:1/16\nK:D\nF"))
    assert rows(made) == [(0, 1, 69), (1, 2, 69), (3, 2, 70), (5, 2, 69), (7, 2, 69), (9, 0.5, 66)]
    assert made.meter_tick.tolist() == [0, 7 * EIGHTH]
    assert made.meter.tolist() == [[7, 8], [3, 4]]  # the last bar is not done
    assert made.tempo_tick.tolist() == [0, 7 * EIGHTH]
    assert made.tempo.tolist() == [500_000, 1_000_000]


@pytest.mark.parametrize(
    ("text", "quarters"),
    [
        ("1/4=120", 120), ("3/8=80", 120), ('"Slow" 1/4=60 "ly"', 60), ("1/2=60", 120), ("1/4 3/8=60", 150),
        ("90", 90), ("C=120", 60), ("C3=40", 60), ("1/4 =50", 50),
    ],
)  # fmt: skip
def test_tempos(text: str, quarters: int) -> None:
    assert read_abc(tune("A", more=f"Q:{text}\n")).tempo.tolist() == [round(60_000_000 / quarters)]


@pytest.mark.parametrize("text", ["", '"Slow"', "1/0=3", "1/4=0", "1/4=" + "9" * 500, "x=y"])
def test_tempos_that_say_nothing(text: str) -> None:
    assert abc_fields.tempo(text, Fraction(1, 8)) is None


@pytest.mark.parametrize(
    ("text", "meter"),
    [("C", (4, 4)), ("C|", (2, 2)), ("6/8", (6, 8)), ("(2+3)/8", (5, 8)), ("none", None), ("9/7", None), ("0/4", None)],
)
def test_meters(text: str, meter: tuple[int, int] | None) -> None:
    assert abc_fields.meter(text) == meter


def test_the_unit_length_follows_from_the_meter() -> None:
    for meter, ticks in (("2/4", 2520), ("3/4", 5040), ("6/8", 5040), ("none", 5040)):
        assert read_abc(f"X:1\nM:{meter}\nK:C\nA\n".encode()).duration.tolist() == [ticks]


def test_voices_sound_together() -> None:
    made = read_abc(tune("V:1\nA4 B4|\nV:2\nA,4 B,4|\n[V:1] c8 |[V:2] C8|"))
    assert rows(made) == [(0, 4, 57), (0, 4, 69), (4, 4, 59), (4, 4, 71), (8, 8, 60), (8, 8, 72)]


def test_programs_transposition_and_drums() -> None:
    head = "V:1 name=Flute\n%%MIDI program 73\nV:2 octave=-1\n%%MIDI program 1 42\n"
    made = read_abc(tune("V:1\nA4\nV:2\nA4\nV:3\n%%MIDI channel 10\nC4\n%%MIDI transpose 2\n", more=head))
    assert list(zip(made.program.tolist(), made.pitch.tolist())) == [(42, 57), (73, 69), (DRUMS, 60)]
    assert read_abc(tune("%%MIDI program 40\nA")).program.tolist() == [40]
    assert read_abc(tune("A", more="%%MIDI program 40\n")).program.tolist() == [40]
    assert read_abc(tune("A", more="%%MIDI transpose -12\n")).pitch.tolist() == [57]


def test_dynamics_set_velocities_and_other_decorations_are_counted() -> None:
    report = Report()
    made = read_abc(tune('!f!A .~B !trill!c +pp+d "Am"e Te ud !D.C.! (fg)|\nw: la la\nW: more'), report)
    assert made.velocity.tolist() == [96] * 3 + [33] * 6
    assert report.dropped == {"decoration": 4, "chord symbol or annotation": 1, "jump": 1, "lyric": 2}
    assert not report.repaired


def test_what_old_books_are_full_of_is_no_damage() -> None:
    made = read_abc(tune("A`B``c \\\n y B2 !\n!g2 a:|  % a remark with G2 in it\n%%center Title\nJ" + "A*A"))
    assert made.pitch.tolist() == [69, 71, 72, 71, 79, 81, 69, 71, 72, 71, 79, 81, 69, 69]


def test_text_blocks_comments_and_what_follows_a_blank_line_are_no_music() -> None:
    data = tune("A\n%%begintext\nA bad egg\n%%endtext\n% A\nB\n\nA bad cabbage")
    assert read_abc(data).pitch.tolist() == [69, 71]


def test_line_ends_encodings_and_the_general_reader() -> None:
    data = tune("A|B").replace(b"Made up", "Mädé up".encode("latin-1"))
    for end in (b"\n", b"\r\n", b"\r"):
        made = read_abc(data.replace(b"\n", end))
        assert (made.title, made.pitch.tolist()) == ("Mädé up", [69, 71])
    assert read_score(b"\xef\xbb\xbf" + data).pitch.tolist() == [69, 71]


BOOK = (
    b"% a book\nA long preface, A B c\nM:3/4\nL:1/4\n%%MIDI program 73\n\n"
    b"X:1\nT:One\nK:C\nA B c|\n\nwords between\n\nX: 2\nT:Two\nM:4/4\nK:G\nF|\n"
)


def test_a_book_is_split_and_its_head_goes_with_each_tune() -> None:
    one, two = split_abc(BOOK)
    assert one.startswith(b"M:3/4\nL:1/4\n%%MIDI program 73\nX:1\n")
    assert b"preface" not in one + two
    first, second = read_abc(one), read_abc(two)
    assert (first.title, first.pitch.tolist(), first.meter.tolist()) == ("One", [69, 71, 72], [[3, 4]])
    assert (second.title, second.pitch.tolist(), second.meter.tolist()) == ("Two", [66], [[4, 4]])
    assert first.duration.tolist() == [10080] * 3
    assert second.program.tolist() == [73]
    assert split_abc(b"no tune") == [b"no tune"]
    assert split_abc(one)[0] == one


def test_of_a_book_the_first_tune_is_read_and_the_rest_counted() -> None:
    report = Report()
    assert read_abc(BOOK, report).title == "One"
    assert report.dropped == {"further tune": 1}
    with pytest.raises(MidiError, match="book of 2 tunes, expected one"):
        read_abc(BOOK)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "holds no notes"),
        (tune(""), "holds no notes"),
        (tune("z4 | z4"), "holds no notes"),
        (b"X:1\nM:4/4\nA B c|\n", "byte 10: tune has no key"),
        (tune("A", key="H"), "key is 'H'"),
        (tune("A", key="Cxyz"), "key is 'Cxyz'"),
        (tune("A0"), "note is 'A0'"),
        (tune("A999999"), "note is 'A999999'"),
        (tune("A/0"), "note is 'A/0'"),
        (tune("z999999 A"), "rest is 'z999999'"),
        (tune("c''''''''''"), 'note is "c'),
    ],
)
def test_damage_is_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(MidiError) as caught:
        read_abc(data)
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message


def test_what_can_be_salvaged_is_and_is_counted() -> None:
    report = Report()
    assert read_abc(b"X:1\nM:4/4\nA0 B c,,,,,,,,,| z0 ? [] [CE|\n", report).pitch.tolist() == [71]
    assert report.repaired == {"no key": 1, "stray character": 1, "empty chord": 1}
    assert report.dropped == {"bad note": 2, "bad rest": 1}
    assert read_abc(tune("F", key="Gn"), report).pitch.tolist() == [66]
    assert report.repaired["unknown key"] == 1


@pytest.mark.parametrize(
    "music",
    [
        "[" * 50_000, "[K:" * 25_000, "{" * 50_000, ":" * 50_000 + "A", "A" + ">" * 50_000, '"' * 50_001,
        ":|" * 50_000 + "A", "A{" + "B" * 20_000 + "}" + "> " * 20_000, "[" + "A" * 20_000 + "]" + "- " * 20_000,
        "A" + "'" * 50_000,
        "|" * 50_000, "[1" * 25_000 + "A", "|1 A :" * 10_000, "(9" * 25_000, "A & " * 50_000, "A" * 50_000,
        "1" * 50_000, "!" * 50_000, "V:" + "x" * 50_000, "| " + " " * 50_000, "A9999/" * 10_000,
    ],
)  # fmt: skip
def test_hostile_lines_are_quick(music: str) -> None:
    begin = time.process_time()
    for data in (tune(music), tune(music + "\n" + "A" + "|" * 2)):
        try:
            read_abc(data, Report())
        except MidiError as error:
            sentence = error.message
            if len(sentence) > 200:
                pytest.fail(sentence[:300])
    assert time.process_time() - begin < 4


def test_too_much_is_refused() -> None:
    with pytest.raises(MidiError, match="too many notes"):
        read_abc(tune("A" * 500_001), Report())
    with pytest.raises(MidiError, match="too many tunes"):
        split_abc(b"X:1\n" * 100_001)
    with pytest.raises(MidiError, match="too many voices"):
        read_abc(tune("\n".join(f"V:{index}\nA" for index in range(65))), Report())
    with pytest.raises(MidiError, match="music is too long"):
        read_abc(tune("A2000|" * 10, more="Q:1/4=4\n"), Report())


MUSIC = "|: {g}A>B ^c'2-c'/ (3ABc [CEG]2 !f!z | [1 _d,4 & C4 :| [2 \"Am\"e4 || [K:Dmix] f [V:2] Z2 |]"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(MUSIC)), st.integers(0, 12), st.text("ABcz[]{}|:123>-(^_=',/&\"!K~ \n%", max_size=8))
def test_mutated_tunes_are_read_or_refused(at: int, size: int, junk: str) -> None:
    data = tune(MUSIC[:at] + junk + MUSIC[at + size :])
    for report in (None, Report()):
        try:
            made = read_abc(data, report)
        except MidiError:
            continue
        assert len(made) > 0
        assert (made.duration > 0).all()
        assert (made.onset >= 0).all()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(junk: bytes) -> None:
    for data in (junk, b"X:1\nK:C\n" + junk):
        for part in split_abc(data):
            try:
                made = read_abc(part, Report())
            except MidiError:
                continue
            assert len(made) > 0


def test_notes_are_counted_over_all_voices(monkeypatch):
    monkeypatch.setattr("seqgen.music.notation.abc.voice.MAX_NOTES", 50)
    tune = b"X:1\nL:1/8\nK:C\n" + b"".join(b"V:%d\n" % voice + b"c" * 20 + b"|\n" for voice in range(3))
    with pytest.raises(MidiError, match=r"too many notes .*at most 50, found 51 and more"):
        read_abc(tune)


def test_grace_groups_at_one_place_end_the_notes_before_where_the_last_that_is_later_begins():
    score = read_abc(b"X:1\nL:1/4\nK:C\nC{ga}{g}D|")
    quick = read_abc(b"X:1\nL:1/4\nK:C\nC" + b"{g}" * 5 + b"D|")
    assert int(score.duration[0]) == int(quick.duration[0]) == 10080 - 10080 // 8

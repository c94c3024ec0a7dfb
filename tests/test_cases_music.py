"""Files that tools like this one are known to read wrongly, each of a kind: what is right. All are made up here."""

import io
import zipfile

import pytest
from midi_files import control, events, meta, midi, off, on, program, simple, spans

from seqgen.music.notation.abc.read import read_abc
from seqgen.music.notation.musicxml.read import read_musicxml
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score
from seqgen.report import Report

FOUR = "<time><beats>4</beats><beat-type>4</beat-type></time>"


def rows(score: Score) -> list[tuple[float, float, int]]:
    """(onset, length, pitch) of each note, times in quarters."""
    quarter = score.ticks_per_quarter
    return [(onset / quarter, length / quarter, pitch) for onset, length, pitch in spans(score)]


def meters(score: Score) -> list[tuple[float, int, int]]:
    """(quarters, numerator, denominator) of the meter map."""
    quarter = score.ticks_per_quarter
    return [(at / quarter, *meter) for at, meter in zip(score.meter_tick.tolist(), score.meter.tolist())]


def tune(body: str, head: str = "", meter: str = "4/4") -> Score:
    return read_abc(f"X:1\nM:{meter}\nL:1/4\n{head}K:C\n{body}\n".encode(), Report())


def note(pitch: str, duration: object = 1, more: str = "", before: str = "") -> str:
    sound = f"<pitch><step>{pitch[0]}</step><octave>{pitch[1]}</octave></pitch>"
    return f"<note>{before}{sound}<duration>{duration}</duration>{more}</note>"


def notes(pitches: str, duration: object = 1, more: str = "", before: str = "") -> str:
    return "".join(note(pitch, duration, more, before) for pitch in pitches.split())


def attributes(time: str = FOUR, divisions: int = 1, more: str = "") -> str:
    return f"<attributes><divisions>{divisions}</divisions>{time}{more}</attributes>"


def document(*measures: str, name: str = "Piano", instrument: str = "", head: str = "") -> bytes:
    body = "".join(f'<measure number="{at}">{measure}</measure>' for at, measure in enumerate(measures, 1))
    listed = f'<score-part id="P1"><part-name>{name}</part-name>{instrument}</score-part>'
    return f'<score-partwise>{head}<part-list>{listed}</part-list><part id="P1">{body}</part></score-partwise>'.encode()


def score(*measures: str, report: Report | None = None, **rest: str) -> Score:
    return read_musicxml(document(*measures, **rest), report)


# --- bars


def test_a_pickup_has_a_bar_of_its_own() -> None:
    assert meters(tune("G|cde|cde|cde|c2|]", meter="3/4")) == [(0, 1, 4), (1, 3, 4)]


def test_a_bar_that_a_repeat_divides_is_two_bars() -> None:
    made = tune("|:G|cdef|cde:|:G|cdef|cde:|")
    assert meters(made) == [
        (0, 1, 4), (1, 4, 4), (5, 3, 4), (8, 1, 4), (9, 4, 4), (13, 3, 4), (16, 1, 4), (17, 4, 4), (21, 3, 4),
        (24, 1, 4), (25, 4, 4),
    ]  # fmt: skip


def test_the_number_of_an_ending_is_no_bar_line() -> None:
    assert meters(tune("|:cdef|cd[1ef:|[2eg|]")) == [(0, 4, 4)]


def test_bars_of_rest_are_bars_and_rounded_tuplets_no_new_meter() -> None:
    assert meters(tune("Z3|cdef|(7:4:7cdefgab|(7:4:7cdefgab|c4|")) == [(0, 4, 4)]
    assert meters(tune("c8|cdef|")) == [(0, 8, 4), (8, 4, 4)]


def test_free_meter_has_the_bars_that_are_written() -> None:
    assert meters(tune("cde|cdefg|c/d/c/|", meter="none")) == [(0, 3, 4), (3, 5, 4), (8, 3, 8)]


def test_an_unfinished_last_bar_keeps_its_meter() -> None:
    assert meters(tune("cd", meter="6/8")) == [(0, 6, 8)]


def test_measures_without_a_time_signature() -> None:
    made = score(attributes("") + notes("C4 " * 5), notes("D4 " * 3), notes("E4 " * 7))
    assert meters(made) == [(0, 5, 4), (5, 3, 4), (8, 7, 4)]


def test_composite_meters_are_added_up() -> None:
    time = "<time><beats>3</beats><beat-type>4</beat-type><beats>2</beats><beat-type>8</beat-type></time>"
    measure = notes("C4 C4 C4", 2) + notes("G4 G4")
    assert meters(score(attributes(time, 2) + measure, measure)) == [(0, 8, 8)]
    other = '<time number="2"><beats>12</beats><beat-type>8</beat-type></time>'  # of another staff
    assert meters(score(attributes(FOUR + other) + notes("C4 " * 4))) == [(0, 4, 4)]


def test_a_whole_rest_lasts_as_long_as_its_measure() -> None:
    three = "<time><beats>3</beats><beat-type>4</beat-type></time>"
    rest = '<note><rest measure="yes"/><duration>4</duration></note>'
    made = score(attributes(three) + notes("C4 D4 E4"), rest, notes("C4 D4 E4"))
    assert made.onset.tolist() == [0, 24, 48, 144, 168, 192]
    assert meters(made) == [(0, 3, 4)]


def test_a_forward_never_makes_a_measure_longer() -> None:
    forward, backup = "<forward><duration>300</duration></forward>", "<backup><duration>304</duration></backup>"
    made = score(attributes() + note("C4", 4) + forward + backup + note("C3", 4), note("D4", 4))
    assert rows(made) == [(0, 4, 48), (0, 4, 60), (4, 4, 62)]
    assert made.length == 8 * 24
    short = "<forward><duration>3</duration></forward>"
    assert score(attributes() + note("C4") + short, note("D4", 4)).onset.tolist() == [0, 4 * 24]
    upbeat = document(attributes() + note("C4") + short, note("D4", 4)).replace(
        b"<measure", b'<measure implicit="yes"', 1
    )
    assert read_musicxml(upbeat).onset.tolist() == [0, 24]


def test_what_is_not_printed_makes_no_measure_longer() -> None:
    rest = '<note print-object="no"><rest/><duration>3</duration></note>'
    assert score(attributes() + notes("C4 D4 E4") + rest, note("F4", 4)).onset.tolist() == [0, 24, 48, 96]
    cadenza = notes("C4 D4 E4 F4 G4 A4")
    assert meters(score(attributes() + cadenza, note("F4", 4))) == [(0, 6, 4), (6, 4, 4)]


def test_a_far_backup_waits_for_the_forward_that_leads_back() -> None:
    backup, forward = "<backup><duration>{}</duration></backup>", "<forward><duration>302</duration></forward>"
    far = note("C4", 4) + backup.format(304) + note("D4") + forward + note("E4")
    assert rows(score(attributes() + far, report=Report())) == [(0, 4, 60), (3, 1, 64)]
    near = note("C4", 3) + backup.format(4) + note("E4")
    assert rows(score(attributes() + near, report=Report())) == [(0, 3, 60), (0, 1, 64)]


# --- parts


def test_parts_and_voices_are_parts_by_name() -> None:
    voices = note("C5", 4, "<voice>1</voice>") + "<backup><duration>4</duration></backup>"
    made = score(attributes() + voices + notes("E4 F4 G4 A4", 1, "<voice>2</voice>"), name="Soprano Alto")
    assert made.names == ("Soprano Alto", "Soprano Alto")
    assert sorted(zip(made.part.tolist(), made.pitch.tolist())) == [(0, 64), (0, 65), (0, 67), (0, 69), (1, 72)]


def test_a_voice_that_takes_over_or_sounds_seldom_is_no_part() -> None:
    first, second = "<voice>1</voice>", "<voice>2</voice>"
    assert score(attributes() + notes("C5 C5", 2, first), notes("D5 D5", 2, second)).names == ("Piano",)
    back = "<backup><duration>4</duration></backup>"
    seldom = [attributes() + notes("C5 C5", 2, first), notes("D5 D5", 2, first) + back + note("E4", 4, second)]
    assert set(score(*seldom).part.tolist()) == {0, 1}
    many = [attributes() + notes("C5 C5 C5 C5", 1, first), *seldom[1:], notes("C5 C5", 2, first)]
    assert set(score(*many).part.tolist()) == {0}


def test_staves_are_parts_and_a_voice_may_go_over_to_another() -> None:
    def staff(number: int) -> str:
        return f"<voice>{number}</voice><staff>{number}</staff>"

    back = "<backup><duration>4</duration></backup>"
    both = notes("C5 D5 E5 F5", 1, staff(1)) + back + notes("C3 D3 E3 F3", 1, staff(2))
    assert set(score(attributes() + both).part.tolist()) == {0, 1}
    crossing = note("G3", 4, "<voice>1</voice><staff>2</staff>")
    made = score(attributes() + both, crossing)
    assert made.part.tolist()[-1] == made.part[made.pitch == 72].tolist()[0]


def test_voices_of_a_tune_have_names() -> None:
    made = tune("V:1\ncdef|\nV:T\ncdef|\nV:3\ncdef|", 'V:1 name="First Fiddle"\nV:T\nV:3 nm=Bass\n')
    assert made.names == ("First Fiddle", "T", "Bass")
    assert tune("V:1\ncdef|\nV:2\ncdef|").names == ("", "")


# --- MusicXML


def test_small_notes_are_music_where_the_program_writes_them_so() -> None:
    measures = (
        attributes(divisions=2) + note("C5", 4) + notes("E4 G4 C5 E5", 1, "", "<cue/>"),
        notes("D4 F4 A4 D5", 2, "", "<cue/>"),
    )
    head = "<identification><encoding><software>MuseScore 2.3.2</software></encoding></identification>"
    report = Report()
    assert rows(score(*measures, head=head, report=report)) == [
        (0, 2, 72), (2, 0.5, 64), (2.5, 0.5, 67), (3, 0.5, 72), (3.5, 0.5, 76), (4, 1, 62), (5, 1, 65), (6, 1, 69),
        (7, 1, 74),
    ]  # fmt: skip
    assert report.repaired == {"cue note taken for music": 8}
    report = Report()
    assert len(score(*measures, report=report)) == 1
    assert report.dropped == {"cue note": 8}


def test_a_small_note_that_is_not_printed_is_there_to_be_heard() -> None:
    hidden = note("D4", 2, "", "<cue/>").replace("<note>", '<note print-object="no">')
    made = score(attributes() + note("C4", 2) + hidden + note("E4", 2, "", "<cue/>"), report=Report())
    assert made.pitch.tolist() == [60, 62]


def test_small_notes_are_music_where_a_part_has_no_others() -> None:
    assert score(attributes() + notes("C4 D4 E4 F4", 1, "", "<cue/>"), report=Report()).pitch.tolist() == [
        60,
        62,
        64,
        65,
    ]


INSTRUMENT = (
    '<score-instrument id="I"><instrument-name>Violin</instrument-name></score-instrument>'
    '<midi-instrument id="I"><midi-channel>1</midi-channel><midi-program>41</midi-program></midi-instrument>'
)


def test_a_sound_changes_tempo_and_instrument() -> None:
    sound = '<sound tempo="66"><midi-instrument id="I"><midi-program>46</midi-program></midi-instrument></sound>'
    for written in (sound, f"<direction><direction-type><words>pizz.</words></direction-type>{sound}</direction>"):
        made = score(attributes() + note("C5", 4), written + note("D5", 4), note("E5", 4), instrument=INSTRUMENT)
        assert made.program.tolist() == [40, 45, 45]
        assert (made.tempo_tick.tolist(), made.tempo.tolist()) == ([0, 96], [500_000, 909_091])


def test_ties_are_joined_by_time() -> None:
    first = note("C5", 2) + note("G4", 2, '<tie type="stop"/>')
    second = note("G4", 2, '<tie type="start"/>') + note("C4", 2)
    made = score(attributes() + first + "<backup><duration>4</duration></backup>" + second)
    assert [row for row in rows(made) if row[2] == 67] == [(0, 4, 67)]
    tied = [note("C4", 4, f'<notations><tied type="{kind}"/></notations>') for kind in ("start", "stop")]
    assert rows(score(attributes() + tied[0], tied[1])) == [(0, 8, 60)]


def test_decimal_durations() -> None:
    body = note("C4", 0.5) + note("D4", 0.5) + note("E4", 1) + note("F4", 1.5) + note("G4", ".5")
    assert rows(score(attributes() + body)) == [(0, 0.5, 60), (0.5, 0.5, 62), (1, 1, 64), (2, 1.5, 65), (3.5, 0.5, 67)]


@pytest.mark.parametrize(
    ("name", "place", "drum"),
    [
        ("Snare Drum", "E4", 38),
        ("Gran Cassa", "E4", 36),
        ("Drumset", "G5", 42),
        ("Percussion", "B4", 45),
        ("", "E4", 38),
    ],
)
def test_rhythm_without_pitch_is_drums(name: str, place: str, drum: int) -> None:
    at = f"<display-step>{place[0]}</display-step><display-octave>{place[1]}</display-octave>"
    hit = f"<note><unpitched>{at}</unpitched><duration>1</duration></note>"
    report = Report()
    made = score(attributes() + 4 * hit, name=name, report=report)
    assert (made.program.tolist(), made.pitch.tolist()) == ([DRUMS] * 4, [drum] * 4)
    assert report.repaired == {"drum guessed": 4}


def test_staves_are_transposed_apart() -> None:
    lower = '<transpose number="2"><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>'
    upper = '<transpose number="1"><chromatic>-2</chromatic></transpose>'
    body = (
        note("C4", 4, "<staff>1</staff>")
        + "<backup><duration>4</duration></backup>"
        + note("C4", 4, "<staff>2</staff>")
    )
    assert score(attributes(more=upper + lower) + body).pitch.tolist() == [48, 58]


@pytest.mark.parametrize(("dots", "beats"), [(0, 80), (1, 120), (2, 140)])
def test_dots_of_a_beat_unit(dots: int, beats: int) -> None:
    mark = f"<beat-unit>quarter</beat-unit>{'<beat-unit-dot/>' * dots}<per-minute>80</per-minute>"
    direction = f"<direction><direction-type><metronome>{mark}</metronome></direction-type></direction>"
    assert score(attributes() + direction + note("C4", 4)).tempo.tolist() == [round(6e7 / beats)]


@pytest.mark.parametrize(
    "roots",
    [
        '<c:rootfile full-path="scores/My%20Song.xml" media-type="application/vnd.recordare.musicxml+xml"/>',
        '<c:rootfile full-path="a.pdf" media-type="application/pdf"/><c:rootfile full-path="./scores/my song.xml"/>',
        '<c:rootfile full-path="lost.xml"/>',
    ],
)
def test_an_archive_goes_by_its_container(roots: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cover.xml", "<none/>")
        archive.writestr("a.pdf", "%PDF")
        archive.writestr(
            "META-INF/container.xml", f'<c:container xmlns:c="urn:x"><c:rootfiles>{roots}</c:rootfiles></c:container>'
        )
        archive.writestr("scores/My Song.xml", document(attributes() + note("C4", 4)))
    assert rows(read_musicxml(file.getvalue(), Report())) == [(0, 4, 60)]


# --- ABC


@pytest.mark.parametrize(
    ("voice", "first"),
    [
        ("clef=treble", 60), ("clef=treble-8", 48), ("clef=bass", 60), ("treble-8", 48), ("bass+8", 72),
        ("clef=bass middle=d", 60), ("octave=-1", 48), ("clef=treble-8 octave=-1", 48), ("transpose=2", 62),
        ("clef=treble+15", 84), ('name="Tenor" clef="treble-8"', 48),
    ],
)  # fmt: skip
def test_octave_clefs(voice: str, first: int) -> None:
    assert tune("CDEF|", f"V:1 {voice}\n").pitch.tolist() == [first, first + 2, first + 4, first + 5]
    assert tune(f"[V:1 {voice}]C|").pitch.tolist() == [first]


def test_a_plain_clef_ends_an_octave_clef() -> None:
    assert tune("[K:treble-8]C|[K:clef=treble]C|[K:G]C|").pitch.tolist() == [48, 60, 60]


@pytest.mark.parametrize(
    "said",
    [
        "%%MIDI program 73 % flute",
        "%%MIDI program 73",
        "%%MIDI program 1 73",
        "I:MIDI program 73",
        " %%MIDI program 73",
    ],
)
def test_programs_of_directives(said: str) -> None:
    assert tune("CDEF|", said + "\n").program.tolist() == [73] * 4


def test_directives_within_a_line_and_drums() -> None:
    assert tune("C[I:MIDI program 40]D|").program.tolist() == [0, 40]
    made = tune("%%MIDI channel 10 % kit\n%%MIDI program 24\nCDEF|")
    assert (made.program.tolist(), made.kit) == ([DRUMS] * 4, 24)


def test_a_field_may_be_indented() -> None:
    made = tune("CDEF|\n w: a be de fa\nGABc|\n  M:3/4\nCDE|\n+: more\n")
    assert made.pitch.tolist() == [60, 62, 64, 65, 67, 69, 71, 72, 60, 62, 64]
    assert meters(made) == [(0, 4, 4), (8, 3, 4)]


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("G|:|||:CD|E:|", "GCDECDE"), ("C:|:D:|", "CCDD"), ("C::D:|", "CCDD"), ("C:||:D:|]", "CCDD"), ("C:|]D", "CCD"),
        ("C||:D:|E", "CDDE"), ("C|]:|D", "CCD"), ("C [|]:| |: D:|", "CCDD"), ("C:|||:D:|", "CCDD"), ("C|:|D|", "CD"),
        ("[|:C:|]", "CC"), ("|:C:|1D", "CCD"), ("|:C|D|:", "CDCD"),
    ],
)  # fmt: skip
def test_repeat_signs_run_together(music: str, played: str) -> None:
    names = {60: "C", 62: "D", 64: "E", 67: "G"}
    assert "".join(names[pitch] for pitch in tune(music).pitch.tolist()) == played


# --- MIDI


def sysex(*payload: int) -> bytes:
    return b"\xf0" + bytes([len(payload) + 1, *payload, 0xF7])


GS_RESET = sysex(0x41, 0x10, 0x42, 0x12, 0x40, 0, 0x7F, 0, 0x41)
XG_ON = sysex(0x43, 0x10, 0x4C, 0, 0, 0x7E, 0)
GM2_ON = sysex(0x7E, 0x7F, 9, 3)


def gs_rhythm(block: int, value: int) -> bytes:
    return sysex(0x41, 0x10, 0x42, 0x12, 0x40, 0x10 | block, 0x15, value, 0x0F)


def bank(value: int, channel: int) -> bytes:
    return control(0, value, channel)


def hit(channel: int, at: int = 10) -> list[tuple[int, bytes]]:
    return [(at, on(36, 80, channel)), (at + 5, off(36, channel))]


@pytest.mark.parametrize(
    ("said", "channel", "drums"),
    [
        ([], 9, True), ([], 10, False),
        ([GS_RESET, gs_rhythm(10, 2)], 10, True), ([GS_RESET, gs_rhythm(10, 2)], 9, True),
        ([gs_rhythm(0, 0)], 9, False), ([gs_rhythm(1, 1)], 0, True), ([gs_rhythm(0, 0), GS_RESET], 9, True),
        ([gs_rhythm(10, 2), bank(0, 10), program(0, 10)], 10, True), ([gs_rhythm(10, 2), gs_rhythm(10, 0)], 10, False),
        ([XG_ON, bank(127, 2), program(0, 2)], 2, True), ([bank(127, 2), program(0, 2)], 2, False),
        ([XG_ON, bank(127, 2)], 2, False), ([XG_ON, sysex(0x43, 0x10, 0x4C, 8, 4, 7, 2)], 4, True),
        ([XG_ON, bank(127, 2), program(0, 2), bank(0, 2), program(0, 2)], 2, False),
        ([GM2_ON, bank(120, 3), program(0, 3)], 3, True), ([bank(121, 3), program(0, 3)], 3, False),
    ],
)  # fmt: skip
def test_percussion_is_what_the_file_says(said: list[bytes], channel: int, drums: bool) -> None:
    data = midi(events(*((0, message) for message in said)), events(*hit(channel)))
    made = read_score(data)
    assert (made.program == DRUMS).tolist() == [drums]


def test_a_part_made_drums_keeps_its_kit() -> None:
    data = midi(events((0, gs_rhythm(10, 2)), (0, program(3, 9))), events((1, program(25, 10)), *hit(10)))
    assert read_score(data).kit == 25


def test_controllers_end_all_notes() -> None:
    body = [
        (0, on(60)), (0, on(64)), (480, control(123, 0)), (960, on(67)), (1440, control(120, 0)), (1500, on(60)),
        (1600, off(60)), (9600, meta(1, b"end")),
    ]  # fmt: skip
    report = Report()
    made = read_score(simple(*body), report)
    assert spans(made) == [(0, 480, 60), (0, 480, 64), (960, 480, 67), (1500, 100, 60)]
    assert report.repaired == {"note ended by its channel": 3}
    other = simple((0, on(60)), (10, control(123, 0, 1)), (20, off(60)))
    assert spans(read_score(other)) == [(0, 20, 60)]


@pytest.mark.parametrize("controller", [120, 123, 124, 125, 126, 127])
def test_all_controllers_that_end_notes_and_the_pedal(controller: int) -> None:
    body = (0, on(60)), (5, control(64, 127)), (10, control(controller, 0)), (30, control(64, 0))
    assert spans(read_score(simple(*body))) == [(0, 10 if controller == 120 else 30, 60)]


def test_a_note_may_be_ended_in_another_track() -> None:
    begins = events((0, on(60)), (480, on(64)), end=7200)
    ends = events((480, off(60)), (960, off(64)))
    report = Report()
    assert spans(read_score(midi(begins, ends), report)) == [(0, 480, 60), (480, 480, 64)]
    assert not report.repaired
    assert not report.dropped
    own = midi(events((0, on(60)), (240, off(60))), events((0, on(60)), (480, off(60))))
    assert spans(read_score(own)) == [(0, 240, 60), (0, 480, 60)]


def test_one_bad_event_costs_that_event() -> None:
    bad_delta = (
        b"\0\xff\x03\x04clip" + b"\x8f\xff\xff\xff\0" + on(60) + b"\x60" + off(60) + b"\0" + on(62) + b"\x60" + off(62)
    )
    report = Report()
    assert read_score(midi(bad_delta + b"\0\xff\x2f\0", form=0), report).pitch.tolist() == [60, 62]
    assert report.repaired == {"number of more than 4 bytes": 1}
    no_status = b"\0\x3c\x40" + events((0, on(60)), (480, off(60)))
    report = Report()
    assert spans(read_score(midi(no_status), report)) == [(0, 480, 60)]
    assert report.dropped == {"damaged event": 1}
    long_text = b"\0\xff\x01\x7fshort" + events((0, on(60)), (480, off(60)))
    report = Report()
    assert spans(read_score(midi(long_text), report)) == [(0, 480, 60)]
    assert report.dropped == {"event cut short": 1}


@pytest.mark.parametrize("message", [b"\xf1\x10", b"\xf2\x10\x20", b"\xf3\x10", b"\xf6", b"\xf8", b"\xfa", b"\xfe"])
def test_system_messages_are_passed_over_with_their_data(message: bytes) -> None:
    body = b"\0" + on(60) + b"\0" + message + b"\x83\x60" + off(60) + b"\0" + on(62) + b"\x83\x60" + off(62)
    report = Report()
    assert spans(read_score(midi(body + b"\0\xff\x2f\0"), report)) == [(0, 480, 60), (480, 480, 62)]
    assert report.dropped == {"system message": 1}


def test_a_short_note_inside_a_long_one_of_another_part_keeps_its_end() -> None:
    long = events((0, program(0)), (0, on(60)), (1920, off(60)))
    short = events((0, program(0, 1)), (480, on(60, 90, 1)), (720, off(60, 1)))
    data = midi(events(), long, short)
    made = read_score(data)
    assert rows(made) == rows(read_score(write_score(made))) == [(0, 4, 60), (1, 0.5, 60)]


def test_a_header_is_searched_for() -> None:
    plain = simple((0, on(60)), (480, off(60)))
    binary = bytearray(128)
    binary[1:9], binary[83:87] = b"\x07tune.md", len(plain).to_bytes(4, "big")
    for data in (b"\r\n" + plain, bytes(binary) + plain + bytes(60)):
        report = Report()
        assert spans(read_score(data, report)) == [(0, 480, 60)]
        assert report.repaired == {"bytes before the header": 1}
        assert not report.dropped

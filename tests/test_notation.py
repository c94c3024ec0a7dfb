"""Music as it is printed: what is written comes back note for note and bar for bar, named as the key has it."""

from collections import Counter

import numpy as np
import pytest

from seqgen.errors import MidiError
from seqgen.music.convert import converted, on_grid, write_abc, write_musicxml
from seqgen.music.notation.printing import PLAIN, QUARTER, TRIPLET, printed, values
from seqgen.music.notation.spelling import Name, signature, spelled, tonic_name
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.music.tonality import key_of
from seqgen.music.write import write_score
from seqgen.report import Report

WRITERS = {"musicxml": write_musicxml, "abc": write_abc}


def rows(score):
    """Onset, length, pitch and program of each note in 24ths; drums without a length."""
    unit = score.ticks_per_quarter / QUARTER
    columns = zip(score.onset.tolist(), score.duration.tolist(), score.pitch.tolist(), score.program.tolist())
    return Counter(
        (at / unit, length / unit if kind != DRUMS else 0, pitch, kind) for at, length, pitch, kind in columns
    )


def piece(seed, meters=((0, 4, 4),), length=480, drums=True):
    """A score on the grid: two parts of one program, one of another, drums; chords, ties over bar lines, triplets."""
    rng = np.random.default_rng(seed)
    notes, part = [], []
    for number, program in enumerate((0, 0, 40, DRUMS)[: 4 if drums else 3]):
        taken = set()
        for _ in range(40):
            at = int(rng.choice([0, 6, 12, 18, 8, 16, 3])) + QUARTER * int(rng.integers(0, length // QUARTER - 8))
            pitch = int(rng.integers(36, 85))
            steps = int(rng.choice([3, 6, 8, 12, 16, 18, 24, 36, 48, 96, 100]))
            if not taken & {(pitch, step) for step in range(at, at + steps)}:
                taken |= {(pitch, step) for step in range(at, at + steps)}
                notes.append((at, steps, pitch, int(rng.integers(1, 128)), program))
                part.append(number)
    changes = np.array(meters, np.int64)
    return Score.from_notes(
        QUARTER, notes, part=part, names=("Upper", "Lower", "Fiddle", ""), length=length, meter_tick=changes[:, 0],
        meter=changes[:, 1:], tempo_tick=np.array([0, 48]), tempo=np.array([600_000, 512_345]), title="A & B",
    )  # fmt: skip


METERS = {
    "common": ((0, 4, 4),),
    "upbeat": ((0, 1, 4), (24, 3, 4)),
    "compound": ((0, 6, 8),),
    "changes": ((0, 3, 4), (144, 7, 8), (312, 2, 2)),
    "odd": ((0, 5, 16),),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("meters", METERS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_is_read_note_for_note(kind, meters, seed):
    score = piece(seed, METERS[meters])
    again = read_score(WRITERS[kind](score), Report())
    assert rows(again) == rows(score)
    assert [tempo / 1e6 for tempo in again.tempo.tolist()] == pytest.approx([0.6, 0.512345], rel=1e-5)
    assert again.title == "A & B"


@pytest.mark.parametrize("meters", ["common", "compound", "changes", "odd"])
@pytest.mark.parametrize("kind", WRITERS)
def test_bars_and_meters_come_back(kind, meters):
    score = piece(1, METERS[meters])
    again = read_score(WRITERS[kind](score), Report())
    assert again.meter.tolist() == score.meter.tolist()
    assert (again.meter_tick * QUARTER // again.ticks_per_quarter).tolist() == score.meter_tick.tolist()


def test_two_parts_of_one_program_stay_apart():
    text = write_abc(piece(2)).decode()
    assert text.count('name="Upper"') == text.count('name="Lower"') == 1
    page = write_musicxml(piece(2)).decode()
    assert page.count("<part id=") == 4
    assert "<part-name>Upper</part-name>" in page
    assert "<work-title>A &amp; B</work-title>" in page


def test_overlaid_voices_of_an_abc_part_share_a_channel_and_keep_their_places():
    notes = [(0, 48, 64, 80, 0), (0, 144, 60, 80, 0), (96, 48, 72, 80, 33), (96, 48, 38, 80, DRUMS)]
    meters = {"meter_tick": np.array([0, 96]), "meter": np.array([[4, 4], [2, 4]])}
    text = write_abc(Score.from_notes(QUARTER, notes, part=[0, 0, 1, 2], length=144, **meters)).decode()
    assert "%%MIDI channel 1\n%%MIDI program 0\nE4 z4 & C8-|[M:2/4]x4 & [M:2/4]=C4|]" in text
    assert "%%MIDI channel 2\n%%MIDI program 33\nz8|" in text
    assert "%%MIDI channel 10\nz8|" in text


@pytest.mark.parametrize(("programs", "channels"), [(list(range(20)), 15), ([0] * 10 + [1] * 10, 2)])
def test_more_abc_parts_than_channels(programs, channels):
    notes = [(0, 24, 60 + at, 80, program) for at, program in enumerate(programs)]
    text = write_abc(Score.from_notes(QUARTER, notes, part=range(len(notes)))).decode()
    found = [line for line in text.splitlines() if "MIDI channel" in line]
    assert len(set(found)) == channels
    assert "%%MIDI channel 10" not in found


def test_an_upbeat_is_a_measure_of_its_own_without_a_number():
    page = write_musicxml(piece(0, METERS["upbeat"])).decode()
    assert '<measure number="0" implicit="yes">' in page
    assert page.index("<beats>3</beats>") < page.index('<measure number="1"')
    assert "<beats>1</beats>" not in page


def test_values_that_a_printer_has():
    for begin in range(96):
        for end in range(begin + 1, begin + 200):
            found = list(values(begin, end))
            assert [at for at, _ in found] == [begin, *(at + steps for at, steps in found)][:-1]
            assert sum(steps for _, steps in found) == end - begin
            assert all(steps in PLAIN or steps in TRIPLET for _, steps in found)
            assert all(at // 24 == (at + steps - 1) // 24 for at, steps in found if steps in TRIPLET and at % 24)
    assert list(values(12, 36)) == [(12, 24)]  # syncopated
    assert list(values(8, 16)) == [(8, 8)]
    assert list(values(0, 40)) == [(0, 24), (24, 16)]
    assert list(values(18, 36)) == [(18, 6), (24, 12)]


@pytest.mark.parametrize(
    ("pitch", "fifths", "name"),
    [
        (60, 0, Name("C", 0, 4)), (61, 0, Name("C", 1, 4)), (63, 0, Name("E", -1, 4)), (61, -4, Name("D", -1, 4)),
        (59, -7, Name("C", -1, 4)), (60, 7, Name("B", 1, 3)), (66, 1, Name("F", 1, 4)), (70, 2, Name("A", 1, 4)),
        (68, 0, Name("G", 1, 4)), (0, 0, Name("C", 0, -1)), (127, 0, Name("G", 0, 9)),
    ],
)  # fmt: skip
def test_spelling(pitch, fifths, name):
    assert spelled(pitch, fifths) == name


def test_every_pitch_in_every_key_sounds_as_it_is_spelled():
    for fifths in range(-7, 8):
        for pitch in range(128):
            name = spelled(pitch, fifths)
            base = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name.letter]
            assert 12 * (name.octave + 1) + base + name.alter == pitch
            assert abs(name.alter) <= 2


def test_keys():
    scale = np.zeros(12, np.int64)
    scale[[9, 11, 1, 2, 4, 6, 8]] = [8, 3, 5, 3, 6, 3, 2]  # A major
    assert key_of(tuple(scale.tolist())) == (3, False)
    scale[:] = 0
    scale[[2, 4, 5, 7, 9, 10, 1]] = [8, 2, 5, 3, 6, 3, 2]  # D minor
    assert key_of(tuple(scale.tolist())) == (-1, True)
    assert tonic_name(-1, True) == "D"
    assert tonic_name(-3, False) == "Eb"
    assert tonic_name(4, True) == "C#"
    assert signature(2) == {"F": 1, "C": 1}
    assert signature(-2) == {"E": -1, "B": -1}


def test_what_lies_off_the_grid_is_refused_with_a_way_out():
    score = Score.from_notes(480, [(0, 480, 60, 80, 0), (487, 480, 62, 80, 0), (961, 100, 64, 80, 0)])
    with pytest.raises(MidiError, match=r"1 of 3 notes lie off the grid") as caught:
        write_abc(score)
    assert "--grid 16" in caught.value.hint
    again = read_score(converted(write_score(score), ".abc", 16), Report())
    assert rows(again) == Counter({(0, 24, 60, 0): 1, (24, 24, 62, 0): 1, (48, 6, 64, 0): 1})
    with pytest.raises(MidiError, match="grid is 7"):
        on_grid(score, 7)
    with pytest.raises(MidiError, match="holds no notes"):
        printed(Score.from_notes(480, []))


def test_keys_that_begin_together_on_the_grid_sound_once():
    score = Score.from_notes(480, [(0, 10, 60, 80, 0), (20, 480, 60, 80, 0)])
    assert len(on_grid(score, 16)) == 1


def test_midi_stays_as_it_is():
    data = write_score(piece(0))
    assert converted(data, ".mid") == data
    assert converted(data, ".musicxml").startswith(b"<?xml")

"""The bytes of MIDI tracks, against what the specification prints and what mido reads."""

import io

import mido
import numpy as np
import pytest

from seqgen.music import track_bytes as out
from seqgen.music.arrays import differs, gaps


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "00"), (0x40, "40"), (0x7F, "7f"), (0x80, "8100"), (0x2000, "c000"), (0x3FFF, "ff7f"), (0x4000, "818000"),
     (0x1FFFFF, "ffff7f"), (0x200000, "81808000"), (0xFFFFFFF, "ffffff7f")],
)  # fmt: skip
def test_variable_length_numbers_are_those_of_the_specification(value: int, expected: str):
    assert out.number(value).hex() == expected
    (track,) = out.channel_tracks(*columns([(value, 0, 0, 0x90, 60, 64)]), 1)
    assert track.hex() == expected + "903c40"


def columns(rows: list[tuple[int, ...]]) -> tuple[np.ndarray, ...]:
    table = np.array(rows, np.int64).reshape(-1, 6)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3:]


def test_events_are_sorted_and_use_running_status_within_a_track_only():
    rows = [(10, 1, 0, 0x90, 62, 1), (0, 0, 1, 0x90, 50, 2), (10, 0, 0, 0x80, 60, 0), (0, 0, 0, 0x90, 60, 3),
            (0, 0, 2, 0xC0, 7, out.ABSENT), (9, 0, 1, 0x90, 51, 4)]  # fmt: skip
    first, empty_but_one, third = out.channel_tracks(*columns(rows), 3)
    assert first.hex(" ") == "00 90 3c 03 0a 80 3c 00 00 90 3e 01"
    assert empty_but_one.hex(" ") == "00 90 32 02 09 33 04"
    assert third.hex(" ") == "00 c0 07"


def test_a_file_is_read_by_mido():
    track = out.tempo(0, 400_000) + out.meter(5, 6, 8) + out.meta(2, out.TRACK_NAME, b"x" * 200)
    data = out.file_bytes(96, [track + out.meta(7, out.END_OF_TRACK), out.meta(0, out.END_OF_TRACK)])
    file = mido.MidiFile(file=io.BytesIO(data))
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 96, 2)
    tempo, meter, name, end = file.tracks[0]
    assert (tempo.tempo, meter.numerator, meter.denominator) == (400_000, 6, 8)
    assert (meter.clocks_per_click, meter.notated_32nd_notes_per_beat) == (24, 8)
    assert (name.name, end.time) == ("x" * 200, 7)


def test_neighbours():
    values = np.array([3, 3, 5, 4])
    assert gaps(values).tolist() == [3, 0, 2, -1]
    assert gaps(values, 3).tolist() == [0, 0, 2, -1]
    assert differs(values).tolist() == [True, False, True, True]
    assert differs(values, 3).tolist() == [False, False, True, True]
    assert len(gaps(values[:0])) == len(differs(values[:0])) == 0

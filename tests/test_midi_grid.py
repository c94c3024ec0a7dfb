"""The chorale codec: voices, the grid, holds, idempotence, the grammar."""

import numpy as np
import pytest
from midi_files import events, midi, off, on, simple, spans
from midi_walks import after, sampled, walk
from test_midi_performance import busy

from seqgen.codecs.midi_grid import MidiGrid, MidiGridOptions
from seqgen.music.read import read_score
from seqgen.report import Report

PLAIN, HOLD = MidiGrid(MidiGridOptions()), MidiGrid(MidiGridOptions(hold=True))
BOTH = pytest.mark.parametrize("codec", [PLAIN, HOLD], ids=["plain", "hold"])


def words(codec: MidiGrid, data: bytes, report: Report | None = None) -> list[str]:
    names = codec.vocabulary()
    return [names[token].removeprefix("PITCH_") for token in codec.encode(data, report or Report()).tolist()]


def line(*pitches: int, steps: int = 240) -> bytes:
    """A track of notes one after another."""
    return events(*((at * steps + last * steps, (off if last else on)(pitch)) for at, pitch in enumerate(pitches)
                    for last in (0, 1)))  # fmt: skip


def test_four_tracks_are_four_voices_the_highest_first():
    data = midi(line(48, 50), line(72, 71), line(60, 59), line(55, 57))
    expected = ["72", "60", "55", "48"] * 2 + ["71", "59", "57", "50"] * 2
    assert words(PLAIN, data) == expected
    assert words(HOLD, data)[4:8] == ["HOLD_ON"] * 4
    assert (PLAIN.vocab_size, HOLD.vocab_size) == (129, 130)


def test_crossing_voices_stay_apart():
    data = midi(line(72, 60), line(65, 67), line(55, 55), line(40, 40))
    assert words(PLAIN, data)[8:12] == ["60", "67", "55", "40"]
    once = PLAIN.normalize(data)
    assert PLAIN.normalize(once) == once


def test_one_track_has_its_voices_by_pitch():
    chord = [(0, on(pitch)) for pitch in (72, 60, 55, 48, 50)] + [(480, off(pitch)) for pitch in (72, 60, 55, 48, 50)]
    report = Report()
    assert words(PLAIN, simple(*chord), report)[:4] == ["72", "60", "55", "48"]
    assert report.dropped == {"note beyond four voices": 1}
    assert words(PLAIN, simple((0, on(60)), (0, on(40)), (120, off(60)), (120, off(40)))) == [
        "60", "REST_ON", "REST_ON", "40"
    ]  # fmt: skip


def test_holds_tell_repeated_notes_from_long_ones():
    data = simple((0, on(60)), (240, off(60)), (240, on(60)), (480, off(60)))
    report = Report()
    assert words(PLAIN, data, report)[::4] == ["60"] * 4
    assert report.repaired == {"repeated notes joined": 1}
    assert words(HOLD, data)[::4] == ["60", "HOLD_ON", "60", "HOLD_ON"]
    assert spans(read_score(HOLD.normalize(data))) == [(0, 240, 60), (240, 240, 60)]
    assert spans(read_score(PLAIN.normalize(data))) == [(0, 480, 60)]


def test_long_notes_and_silences_are_cut_and_counted():
    report = Report()
    data = simple((0, on(60)), (480 * 20, off(60)), (480 * 40, on(62)), (480 * 41, off(62)))
    assert len(words(PLAIN, data, report)) == 4 * (64 + 64 + 4)
    assert report.repaired == {"note longer than four bars": 1, "silence longer than four bars": 1}


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_normalize_is_idempotent(codec, seed):
    ids = codec.encode(busy(seed), Report())
    once = codec.decode(ids)
    assert np.array_equal(codec.encode(once), ids)
    assert codec.normalize(once) == once
    assert codec.grammar().may_end(walk(codec, ids))


@BOTH
def test_19_any_ids_decode_to_a_file_that_can_be_read(codec):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ids = rng.integers(0, codec.vocab_size, int(rng.integers(0, 900)))
        if seed % 2:
            ids = rng.choice([60, 61, 128, codec.vocab_size - 1], 900, p=[0.05, 0.05, 0.1, 0.8])
        once = codec.normalize(codec.decode(ids))
        assert codec.normalize(once) == once


@BOTH
def test_random_logits_decode_with_nothing_dropped(codec):
    for seed in range(40):
        ids, complete = sampled(codec, seed, spread=seed % 4)
        report = Report()
        score = codec.score(np.array(ids[: len(ids) // 4 * 4]), report)
        assert complete
        assert len(score) > 0
        assert not report.dropped
        assert not report.repaired


def test_the_grammar_cycles_the_voices():
    assert "HOLD_ON" not in after(HOLD)
    assert "HOLD_ON" in after(HOLD, "PITCH_60", "REST_ON", "REST_ON", "REST_ON")
    assert "HOLD_ON" not in after(HOLD, "PITCH_60", "REST_ON", "REST_ON", "REST_ON", "HOLD_ON")
    assert "REST_ON" in after(PLAIN, *["REST_ON"] * 255)
    assert "REST_ON" not in after(PLAIN, *["REST_ON"] * 259)
    grammar = PLAIN.grammar()
    assert not grammar.may_end(grammar.start())
    assert not grammar.may_end(walk(PLAIN, [60]))
    assert grammar.may_end(walk(PLAIN, [60, 128, 128, 128]))

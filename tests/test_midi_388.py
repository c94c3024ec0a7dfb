"""Performance RNN's codec: golden ids, idempotence, what its grammar promises."""

import numpy as np
import pytest
from midi_files import off, on, program, simple, spans
from midi_walks import after, sampled, walk
from test_midi_performance import busy

from seqgen.codecs.midi_388 import Midi388, Midi388Options
from seqgen.codecs.midi_388 import vocabulary as v
from seqgen.music.read import read_score
from seqgen.report import Report

CODEC = Midi388(Midi388Options())
NAMES = CODEC.vocabulary()


def words(data: bytes, report: Report | None = None) -> str:
    return " ".join(NAMES[token] for token in CODEC.encode(data, report or Report()).tolist())


def test_golden_ids():
    assert CODEC.vocab_size == len(set(NAMES)) == 388
    data = simple(
        (0, on(60, 100)), (480, off(60)), (480, on(60, 20)), (1000, on(64, 20)), (2500, off(60)), (2500, off(64))
    )
    assert words(data) == (
        "VEL_24 ON_60 SHIFT_500ms OFF_60 VEL_4 ON_60 SHIFT_540ms ON_64 SHIFT_1000ms SHIFT_560ms OFF_60 OFF_64"
    )


def test_what_is_merged_or_left_out_is_counted():
    report = Report()
    timed = [
        (0, program(7)),
        (0, on(36, channel=9)),
        (0, on(60)),
        (0, on(60, channel=1)),
        (100, on(60)),
        (900, off(60)),
    ]
    data = simple(*timed, (950, off(60)), (960, off(60, 1)))
    assert spans(read_score(CODEC.decode(CODEC.encode(data, report)))) == [(0, 100, 60), (100, 890, 60)]
    assert report.dropped == {"drum": 1, "second note of one pitch at one time": 1}
    assert report.repaired["note of another instrument"] == 2
    assert report.repaired["overlapping notes of one pitch"] == 1


def test_drums_alone_are_no_document():
    report = Report()
    assert words(simple((0, on(36, channel=9)), (5, off(36, 9))), report) == ""
    assert report.dropped["document without notes"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_normalize_is_idempotent(seed):
    ids = CODEC.encode(busy(seed), Report())
    once = CODEC.decode(ids)
    assert np.array_equal(CODEC.encode(once), ids)
    assert CODEC.normalize(once) == once
    assert CODEC.grammar().may_end(walk(CODEC, ids))


def test_19_any_ids_decode_to_a_file_that_can_be_read():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ids = rng.integers(0, v.SIZE, int(rng.integers(0, 500)))
        if seed % 2:
            ids = rng.choice([60, 61, 60 + v.OFF, 61 + v.OFF, v.SHIFT, v.SECOND, v.VEL], 300)
        once = CODEC.normalize(CODEC.decode(ids))
        assert CODEC.normalize(once) == once


def test_random_logits_decode_with_nothing_dropped():
    for seed in range(60):
        ids, complete = sampled(CODEC, seed, spread=seed % 4)
        report = Report()
        score = CODEC.score(np.array(ids), report)
        kinds = {"note of no length"} if not complete else set()
        assert set(report.dropped) <= kinds
        assert len(score) > 0
        assert not (complete and report.repaired)


def test_only_what_sounds_is_switched_off_and_nothing_sounds_at_the_end():
    start = ("VEL_9", "ON_60")
    assert not {name for name in after(CODEC, *start) if name.startswith("OFF")}
    later = after(CODEC, *start, "SHIFT_10ms")
    assert {name for name in later if name.startswith("OFF")} == {"OFF_60"}
    assert "ON_60" not in later
    grammar = CODEC.grammar()
    ids = [NAMES.index(name) for name in (*start, "ON_64", "SHIFT_10ms", "OFF_60")]
    assert not grammar.may_end(walk(CODEC, ids))
    assert grammar.may_end(walk(CODEC, [*ids, NAMES.index("OFF_64")]))


def test_silence_is_bounded_and_an_opening_does_not_end():
    assert not {name for name in after(CODEC, *["SHIFT_1000ms"] * 60) if name.startswith("SHIFT")}
    opening = CODEC.encode_prompt(simple((0, on(60)), (480, on(62)), (960, off(60)), (960, off(62))))
    assert NAMES[opening[-1]] == "ON_62"

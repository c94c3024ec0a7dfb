"""Measures of plausibility: pieces whose values are known, and samples beside a corpus."""

import numpy as np
import pytest

from seqgen.evaluation.plausibility import (
    NAMES,
    SIMILARITIES,
    TITLES,
    Heard,
    Spread,
    beside,
    doubled,
    meaningful,
    measure,
    most,
)
from seqgen.music.score import DRUMS, Score

QUARTER = 480
BAR = 4 * QUARTER
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def notes(*rows, **rest):
    """Rows of onset in quarters, pitch, and perhaps length in quarters, program."""
    full = [(round(at * QUARTER), round(length * QUARTER), pitch, 80, program) for at, pitch, length, program in rows]
    return Score.from_notes(QUARTER, full, **rest)


def tune(bars, **rest):
    """Of each bar, the pitches of its quarters."""
    return notes(*((4 * bar + at, pitch, 1, 0) for bar, row in enumerate(bars) for at, pitch in enumerate(row)), **rest)


def every(four_bars, times):
    return tune(list(four_bars) * times)


FOUR = [(60, 62, 64, 65), (67, 69, 71, 72), (48, 50, 52, 53), (55, 57, 59, 36)]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        (FOUR * 5, {1: 0, 2: 0, 4: 1, 8: 1, 16: 1}),
        ([FOUR[0]] * 20, {1: 1, 2: 1, 4: 1, 8: 1, 16: 1}),
        (FOUR[:2] * 10, {1: 0, 2: 1, 4: 1, 8: 1, 16: 1}),
        ([FOUR[0], (60, 62, 64, 66)], {1: 3 / 5, 2: None}),
        ([FOUR[0], (62, 60, 64, 65)], {1: 2 / 6}),  # the same pitches at other places
    ],
)
def test_a_piece_is_like_itself_at_the_lag_at_which_it_repeats(bars, expected):
    found = measure(tune(bars))
    assert {lag: found[f"bar_similarity_{lag}"] for lag in expected} == pytest.approx(expected, nan_ok=True)


def test_the_best_earlier_bar_may_be_any():
    assert measure(every(FOUR, 3))["bar_similarity_best"] == pytest.approx((3 * 0 + 8 * 1) / 11)
    assert measure(tune([FOUR[0], FOUR[1], FOUR[2], FOUR[0]]))["bar_similarity_best"] == pytest.approx(1 / 3)
    assert measure(tune([FOUR[0]]))["bar_similarity_best"] is None


def test_empty_bars_are_unlike_and_do_not_count_themselves():
    found = measure(tune([FOUR[0], (), FOUR[0], FOUR[0]]))
    assert found["empty_bars"] == pytest.approx(1 / 4)
    assert found["bar_similarity_1"] == pytest.approx((0 + 1) / 2)
    assert found["bar_similarity_2"] == pytest.approx((1 + 0) / 2)


def test_a_bar_in_which_a_note_goes_on_is_not_empty():
    assert measure(notes((0, 60, 8, 0), (8, 62, 1, 0)))["empty_bars"] == 0
    assert measure(notes((0, 60, 4, 0), (8, 62, 1, 0)))["empty_bars"] == pytest.approx(1 / 3)
    assert measure(notes((12, 60, 1, 0)))["empty_bars"] == pytest.approx(3 / 4)


def test_bars_follow_the_meter_map():
    """An upbeat of a quarter, then bars of 6/8 that are all the same."""
    meters = {"meter_tick": np.array([0, QUARTER]), "meter": np.array([[1, 4], [6, 8]])}
    rows = [(0, 60, 1, 0)] + [
        (1 + 3 * bar + eighth / 2, 60 + eighth, 0.5, 0) for bar in range(8) for eighth in range(6)
    ]
    found = measure(notes(*rows, **meters))
    assert found["bar_similarity_1"] == pytest.approx((1 / 6 + 7) / 8)
    assert found["bar_similarity_2"] == pytest.approx((1 / 6 + 6) / 7)
    assert measure(notes(*rows))["bar_similarity_1"] < 0.2, "in 4/4 from the beginning the same notes are no bars"
    assert found["empty_bars"] == 0


@pytest.mark.parametrize(("over", "under"), [(1, 64), (7, 3), (0, 4), (64, 1)])
def test_odd_meters_are_measured(over, under):
    found = measure(notes((0, 60, 1, 0), (900_000, 60, 1, 0), meter=np.array([[over, under]])))
    assert 0.9 < found["empty_bars"] < 1
    assert found["bar_similarity_1"] in (None, 0)


def test_in_key_is_the_share_of_time_in_the_scale_of_the_likeliest_key():
    scale = [(at, pitch, 1, 0) for at, pitch in enumerate(SCALE * 3)]
    assert measure(notes(*scale))["in_key"] == 1
    assert measure(notes(*scale, (24, 61, 6, 0)))["in_key"] == pytest.approx(24 / 30)
    assert measure(notes(*scale, (24, 61, 1, DRUMS)))["in_key"] == 1
    assert measure(notes((0, 36, 1, DRUMS)))["in_key"] is None
    chromatic = measure(notes(*((at, 60 + at, 1, 0) for at in range(12))))["in_key"]
    assert chromatic == pytest.approx(7 / 12)


def test_onsets_on_sixteenths_and_on_triplets():
    found = measure(notes((0, 60, 1, 0), (1.25, 60, 1, 0), (2 + 1 / 3, 60, 1, 0), (3.1, 60, 1, 0)))
    assert found["on_sixteenths"] == 0.5
    assert found["on_triplets"] == 0.25


def test_repeated_notes_are_those_of_the_instant_before_in_their_part():
    assert measure(tune([(60, 60, 62, 60)]))["repeated_notes"] == pytest.approx(1 / 3)
    chords = [(0, 60, 1, 0), (0, 64, 1, 0), (1, 60, 1, 0), (1, 65, 1, 0)]
    assert measure(notes(*chords))["repeated_notes"] == pytest.approx(1 / 2)
    parts = [(0, 60, 1, 0), (0.5, 72, 1, 40), (1, 60, 1, 0)]
    assert measure(notes(*parts))["repeated_notes"] == 1, "another part between does not count"
    assert measure(notes((0, 36, 1, DRUMS), (1, 36, 1, DRUMS)))["repeated_notes"] is None


def test_the_most_at_an_instant_and_doubled_keys():
    rows = [(0, 60, 1, 0), (0, 64, 1, 0), (0, 67, 1, 40), (1, 60, 1, 0)]
    found = measure(notes(*rows))
    assert (found["notes_together"], found["notes_of_a_part_together"]) == (3, 2)
    assert doubled(notes(*rows)) == 0
    assert doubled(notes(*rows, (1, 60, 2, 0), (1, 60, 1, 40))) == 1, "another part may have the same key"
    assert most([notes(*rows), notes(*rows[3:])]) == {"notes_together": 3, "notes_of_a_part_together": 2}


def test_notes_per_second_follow_the_tempo_map():
    rows = [(at, 60, 1, 0) for at in range(8)]
    assert measure(notes(*rows))["notes_per_second"] == pytest.approx(2)
    tempo = {"tempo_tick": np.array([0, 4 * QUARTER]), "tempo": np.array([500_000, 1_000_000])}
    assert measure(notes(*rows, **tempo))["notes_per_second"] == pytest.approx(8 / 6)


def test_strangers_are_programs_and_parts_that_the_corpus_has_not():
    def of(program, name):
        return notes((0, 60, 1, program), (1, 62, 1, 0), part=np.array([0, 1]), names=[name, "Piano"])

    heard = Heard.of([of(40, "First"), of(40, "Second")])
    assert heard.strangers(of(40, "First")) == (0, 0)
    assert heard.strangers(of(40, "First"), 2) == (0, 0.5), "but to its own corpus a piece is no witness of itself"
    assert heard.strangers(of(40, "Third")) == (0, 0.5)
    assert heard.strangers(of(DRUMS, "First")) == (0.5, 0.5)
    seen = Heard.of([of(40, "First")], frozenset({DRUMS}))
    assert seen.strangers(of(DRUMS, "")) == (0, 0.5)


def test_samples_beside_a_corpus():
    corpus = [every(FOUR, times) for times in range(4, 14)]
    found = {each.name: each for each in beside(corpus, [every(FOUR[:1], 16), every(FOUR[:1], 20)])}
    assert tuple(found) == NAMES
    assert set(TITLES) == set(NAMES)
    assert (found["bar_similarity_4"].corpus.median, found["bar_similarity_1"].corpus.median) == (1, 0)
    assert found["bar_similarity_1"].samples.median == 1
    assert not found["bar_similarity_1"].inside
    assert found["notes_per_second"].inside
    assert found["in_key"].to_json()["corpus"]["pieces"] == 10
    assert set(found["in_key"].to_json()) == {"corpus", "samples", "inside"}


def test_quartiles():
    spread = Spread.of([*range(101)])
    assert spread.to_json() == {
        "pieces": 101, "p05": 5, "lower_quartile": 25, "median": 50, "upper_quartile": 75, "p95": 95,
    }  # fmt: skip
    assert [spread.holds(value) for value in (24, 25, 75, 76)] == [False, True, True, False]


def test_of_performances_what_hangs_on_beats_is_left_out():
    rng = np.random.default_rng(1)
    played = [notes(*((at, 60, 0.1, 0) for at in rng.uniform(0, 60, 50))) for _ in range(4)]
    kept = meaningful(played)
    assert not {"on_sixteenths", "on_triplets", *SIMILARITIES} & set(kept)
    assert {"in_key", "empty_bars", "notes_per_second"} <= set(kept)
    assert [each.name for each in beside(played, played)] == list(kept)


def test_a_piece_of_many_bars_takes_little_time():
    found = measure(notes(*((at / 2, 40 + at % 40, 0.5, 0) for at in range(40_000))))
    assert found["bar_similarity_best"] == pytest.approx(1, abs=0.1)

"""Samples of music beside a corpus: what is the same scores as the same, what differs where it differs."""

import numpy as np
import pytest

from seqgen.errors import UsageError
from seqgen.evaluation.music import compare, features
from seqgen.music.score import DRUMS, Score


def piece(seed, low=50, high=80, step=250, notes=60, scale=(0, 2, 4, 5, 7, 9, 11)):
    rng = np.random.default_rng(seed)
    pitches = [pitch for pitch in range(low, high) if pitch % 12 in scale]
    onset = np.cumsum(rng.integers(1, 4, notes) * step)
    rows = [(at, int(rng.integers(1, 5)) * step, int(rng.choice(pitches)), 80, 0) for at in onset.tolist()]
    return Score.from_notes(500, rows)


def by_name(found):
    return {each.feature: each for each in found}


def test_features_of_a_piece_worked_out_by_hand():
    rows = [(0, 500, 60, 90, 0), (500, 500, 64, 90, 0), (1000, 1000, 67, 90, 0), (1000, 10, 36, 90, DRUMS)]
    found = features(Score.from_notes(500, rows))
    assert found["pitch count"] == [3]
    assert found["pitch range"] == [7]
    assert found["pitch interval"] == [3.5]
    assert found["note count"] == [4]
    assert found["inter-onset interval"] == [0.5]
    assert found["pitch class histogram"][[0, 4, 7]] == pytest.approx([1 / 3] * 3)
    assert np.flatnonzero(found["pitch class transitions"]).tolist() == [4, 4 * 12 + 7]
    assert found["note length histogram"][[7, 9]] == pytest.approx([2 / 3, 1 / 3])
    assert found["note length transitions"].sum() == pytest.approx(1)


def test_pieces_of_drums_alone_have_features_too():
    found = features(Score.from_notes(500, [(0, 10, 36, 90, DRUMS)]))
    assert all(np.isfinite(values).all() for values in found.values())


def test_samples_like_the_corpus_come_near_the_ceiling():
    found = compare([piece(seed) for seed in range(40)], [piece(seed) for seed in range(100, 140)], rounds=30)
    assert len(found) == 9
    for each in found:
        assert each.overlap > 0.8
        assert each.divergence < 0.2
        assert abs(each.overlap - each.overlap_ceiling) < 0.2
        assert each.overlap_interval[0] <= each.overlap_interval[1] <= 1 + 1e-9


def test_samples_unlike_the_corpus_are_found_out_in_what_differs():
    corpus = [piece(seed) for seed in range(30)]
    higher = by_name(compare(corpus, [piece(seed, 50, 110) for seed in range(100, 130)], rounds=20))
    slower = by_name(compare(corpus, [piece(seed, step=1000) for seed in range(100, 130)], rounds=20))
    assert higher["pitch range"].overlap < 0.2
    assert higher["pitch range"].divergence > 1
    assert higher["inter-onset interval"].overlap > 0.7
    assert slower["inter-onset interval"].overlap < 0.2
    assert slower["pitch range"].overlap > 0.7
    assert slower["pitch range"].overlap_interval[0] > slower["inter-onset interval"].overlap_interval[1]


def test_both_densities_stand_on_one_grid():
    """A shift of all samples must show, however far: with a grid for each it would vanish."""
    corpus = [piece(seed) for seed in range(20)]
    found = [
        by_name(compare(corpus, [piece(seed, notes=n) for seed in range(50, 70)], rounds=0)) for n in (60, 90, 300)
    ]
    overlaps = [each["note count"].overlap for each in found]
    assert overlaps[0] == pytest.approx(1, abs=1e-6)
    assert overlaps[1] < 0.05
    assert overlaps[2] < 0.05


def test_the_same_seed_gives_the_same_numbers():
    corpus, samples = [piece(seed) for seed in range(10)], [piece(seed) for seed in range(20, 26)]
    assert compare(corpus, samples, 3, 10) == compare(corpus, samples, 3, 10)


def test_too_few_pieces_are_refused():
    with pytest.raises(UsageError, match="7 pieces and 4 samples"):
        compare([piece(seed) for seed in range(7)], [piece(seed) for seed in range(4)])

"""Holes in music by seconds: performances from instant to instant, scores by the nearest bars; all else stays."""

import numpy as np
import pytest
from fill_fixtures import chorale, chorales, performances

from seqgen.api.filling_music import seconds_filling
from seqgen.api.model import Model
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.filling import TimeHole
from seqgen.errors import CheckpointError, SeqgenError
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score

WHOLE = 12.0  # seconds of a chorale of six bars


@pytest.fixture(scope="module")
def model():
    return Model(performances())


def notes(data, begin=0.0, end=1e9, inside=True):
    """Notes that are struck in a stretch of seconds, or outside of it; with their beginnings and ends in seconds."""
    score = read_score(data, fold_pedal=False)
    when, until = score.seconds(score.onset), score.seconds(score.onset + score.duration)
    names = [score.names[part] for part in score.part.tolist()]
    rows = zip(when.tolist(), until.tolist(), score.pitch.tolist(), score.velocity.tolist(), names)
    return sorted(row for row in rows if (begin - 0.004 <= row[0] < end - 0.004) == inside)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("seconds", [(0, 1.5), (2.25, 4.75), (3.337, 3.9), (9, 12), (10.5, 99), (0, 12)])
def test_a_performance_is_filled_from_one_instant_to_the_other(model, seconds, seed):
    piece = chorale(seed + 20, ticks=480)
    made = model.fill(piece, seconds=seconds, seed=seed)
    assert made.finished == "end"
    assert notes(made.bytes, *seconds, inside=False) == notes(piece, *seconds, inside=False)
    new = notes(made.bytes, *seconds)
    assert new
    assert all(begin > seconds[0] - 0.006 for begin, *_ in new)
    assert all(end < min(seconds[1], WHOLE) + 0.006 for _, end, *_ in new)
    last = max(begin for begin, *_ in notes(piece))
    if last < seconds[1]:
        assert max(begin for begin, *_ in new) == pytest.approx(last, abs=0.006)


def test_the_tokens_of_a_filling_lead_exactly_to_what_follows(model):
    piece = chorale(30, ticks=480)
    hole = model.tokenizer.codec.hole_of_seconds(piece, (2.25, 4.75), {})
    for seed in range(6):
        made = model.fill(piece, seconds=(2.25, 4.75), seed=seed).ids
        told = np.concatenate([hole.left, made[made < v.SIZE], hole.right]).astype(np.int64)
        steps = np.cumsum(v.STEPS[told])[-len(hole.right) :]
        assert steps.tolist() == np.cumsum(v.STEPS[hole.ids.astype(np.int64)])[-len(hole.right) :].tolist()
        assert v.SHIFT <= made[made < v.SIZE][-1] < v.INST


def test_what_the_piece_has_is_told_as_it_was(model):
    codec, piece = model.tokenizer.codec, chorale(31, ticks=480)
    for seconds in ((0, 3), (2.25, 4.75), (6, 99)):
        hole = codec.hole_of_seconds(piece, seconds, {})
        whole = hole.ids.tolist()
        assert whole[: len(hole.left)] == hole.left.tolist()
        assert whole[len(whole) - len(hole.right) :] == hole.right.tolist()
        grammar, state = hole.grammar({}, None, 10_000), None
        state = grammar.start()
        middle = whole[len(hole.left) : len(whole) - len(hole.right)]
        for token in middle:  # nothing of it outlasts the hole by much, so lengths aside all of it may come
            mask = grammar.allowed(state)
            assert mask[token] or v.DUR <= token < v.DRUM
            state = grammar.step(state, token)
        assert grammar.may_end(state)


def walked(hole, seed, length):
    """Tokens drawn by chance until the filling ends."""
    random, grammar = np.random.default_rng(seed), hole.grammar({}, None, length)
    state, made = grammar.start(), []
    for _ in range(length + hole.ending + 1):
        mask = grammar.allowed(state)
        if grammar.may_end(state) and (not mask.any() or random.random() < 0.5):
            return np.array(made)
        made.append(int(random.choice(np.flatnonzero(mask))))
        state = grammar.step(state, made[-1])
    raise AssertionError("it did not end")


def piece_of(onsets, pedal=()):
    """One note a second mark, each half as long as the least rest."""
    rows = [(round(1000 * at), 40, 60 + place % 5, 68, 0) for place, at in enumerate(onsets)]
    return write_score(Score.from_notes(500, rows, pedal=np.array(pedal, np.int64).reshape(-1, 3)))


@pytest.mark.parametrize("length", [0, 40])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("onsets", "seconds"),
    [
        ([0, 1, 2, 3], (1, 1.01)),
        ([0, 1, 200, 201], (100, 110)),  # in a rest that the tokens cut
        ([0, 1, 200, 201], (0.5, 199)),
        ([100, 101], (0, 50)),
        ([*range(0, 400, 20)], (30, 350)),
        ([*range(0, 400, 20)], (90.5, 1000)),
        ([0, 30, 89.5, 149], (29, 31)),
    ],
)
def test_any_filling_ends_in_its_time(onsets, seconds, seed, length):
    piece, codec = piece_of(onsets), Midi(MidiOptions())
    hole = TimeHole.between(codec, piece, seconds)
    made = walked(hole, seed, length)
    data = hole.joined(made[:0], made, None)
    assert notes(data, *seconds, inside=False) == notes(piece, *seconds, inside=False)
    assert all(seconds[0] - 0.006 < begin < end < seconds[1] + 0.006 for begin, end, *_ in notes(data, *seconds))
    assert notes(data, *seconds)


@pytest.mark.parametrize("pedal", [False, True])
def test_the_pedal_and_the_lengths_of_what_is_given_stay(pedal):
    piece = piece_of([0, 1, 2, 3, 4], pedal=[(500, 2000, 0)])
    made = Model(performances(pedal=pedal)).tokenizer.codec.hole_of_seconds(piece, (2, 3), {})
    data = made.joined(np.zeros(0, np.int64), np.zeros(0, np.int64), None)
    before, after = (read_score(each, fold_pedal=False) for each in (piece, data))
    assert after.pedal.tolist() == before.pedal.tolist()
    assert notes(data) == notes(piece, 2, 3, inside=False)


def test_a_score_is_filled_by_the_nearest_bars():
    model, piece = Model(chorales()), chorale(3)
    for seconds, bars in (((3.6, 8.9), (3, 4)), ((4, 8), (3, 4)), ((4.2, 4.9), (3, 3)), ((11, 99), (6, 6))):
        one, other = (model.fill(piece, seed=1, **where).bytes for where in ({"seconds": seconds}, {"bars": bars}))
        assert one == other
    assert model.tokenizer.codec.hole_of_seconds(piece, (3.6, 8.9), {}).said == "bars 3 to 4, 4 to 8 s"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model: model.fill(chorale(1, ticks=480), seconds=(13, 14)), "nothing is struck at 13 s or later"),
        (lambda model: model.fill(chorale(1, ticks=480), seconds=(3.001, 3.002)), "is empty"),
        (lambda model: model.fill(chorale(1, ticks=480), seconds=(3, 3)), "where to begin"),
        (lambda model: model.fill(chorale(1, ticks=480), seconds=(3, float("nan"))), "where to begin"),
        (lambda model: model.fill(chorale(1, ticks=480), bars=(1, 2)), "counts no bars"),
        (lambda model: model.fill(chorale(1, ticks=480), bars=(1, 2), seconds=(1, 2)), "bars that are filled"),
        (lambda model: model.accompany(chorale(1, ticks=480), "bass"), "counts no bars"),
        (lambda model: model.fill(write_score(Score.from_notes(480, [])), seconds=(1, 2)), "holds no note"),
        (lambda model: model.fill(piece_of(range(900)), seconds=(1, 800)), "within 1,024"),
    ],
)
def test_what_cannot_be_filled_is_said(model, call, said):
    with pytest.raises(SeqgenError, match=said) as caught:
        call(model)
    assert caught.value.hint


def test_a_score_that_is_over_and_a_model_without_holes_are_said():
    with pytest.raises(SeqgenError, match="12 s long"):
        Model(chorales()).fill(chorale(3), seconds=(12, 14))
    with pytest.raises(CheckpointError, match="without holes"):
        seconds_filling(Model(performances(holes=False)), chorale(1, ticks=480), (1, 2), None, None)


@pytest.mark.parametrize("steps", [[5, 5], [-1, 9], [0, 1 << 62], [5], ["a", 9], [9e9, 9e9 + 1], None])
def test_a_take_with_an_odd_hole_makes_no_sense(model, steps):
    codec, hole = model.tokenizer.codec, model.tokenizer.codec.hole_of_seconds(chorale(1, ticks=480), (1, 2), {})
    kept = {**hole.kept(), "steps": steps}
    with pytest.raises((ValueError, LookupError, TypeError)):
        codec.filled(kept, np.zeros(0, np.int64), np.zeros(0, np.int64), None)
    assert codec.filled(hole.kept(), np.zeros(0, np.int64), np.zeros(0, np.int64), None)

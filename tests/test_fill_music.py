"""Holes in music: a filling ends at its bar, parts play to what is given, and all that was there stays as it was."""

import dataclasses

import numpy as np
import pytest
from fill_fixtures import NAMES, chorale, chorales

from seqgen.api.filling_music import bar_filling, parts_filling
from seqgen.api.model import Model
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.learned import NEVER_SILENT, SOUNDS, learned_of, of_holes
from seqgen.errors import CheckpointError, CorpusError, SeqgenError, UsageError
from seqgen.music.read import read_score
from seqgen.music.write import write_score

BAR = 96  # ticks


@pytest.fixture(scope="module")
def model():
    return Model(chorales())


def notes(data, begin=0, end=1 << 30, names=NAMES):
    """Notes that begin in a stretch of ticks, with the names of their parts."""
    score = read_score(data)
    rows = zip(score.onset, score.duration, score.pitch, score.velocity, [score.names[part] for part in score.part])
    kept = [(int(on), int(lasts), int(pitch), int(loud), name) for on, lasts, pitch, loud, name in rows]
    return sorted(each for each in kept if begin <= each[0] < end and each[4] in names)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bars", [(1, 1), (2, 3), (6, 6), (1, 6)])
def test_bars_are_filled_and_all_else_stays(model, bars, seed):
    piece = chorale(seed + 20)
    made = model.fill(piece, bars=bars, seed=seed)
    begin, end = BAR * (bars[0] - 1), BAR * bars[1]
    assert made.finished == "end"
    assert notes(made.bytes, end=begin) == notes(piece, end=begin)
    assert notes(made.bytes, begin=end) == notes(piece, begin=end)
    assert all(onset + lasts <= end for onset, lasts, *_ in notes(made.bytes, begin, end))
    lines = int((made.ids == v.BAR).sum())
    assert lines == bars[1] - bars[0] + (bars[0] > 1)
    assert read_score(made.bytes).meter.tolist() == read_score(piece).meter.tolist()


def test_the_pedal_and_the_lengths_under_it_stay(model):
    score = read_score(chorale(22))
    pedal = np.array([[24, 150, 52], [300, 60, 52]], np.int64)
    piece = write_score(dataclasses.replace(score, pedal=pedal))
    given = read_score(piece, fold_pedal=False)
    assert len(given.pedal) > 0
    for made in (model.fill(piece, bars=(3, 4), seed=1), model.accompany(piece, "bass", bars=(3, 4), seed=1)):
        after = read_score(made.bytes, fold_pedal=False)
        assert after.pedal.tolist() == given.pedal.tolist()
        for outside in (lambda each: each.onset < 2 * BAR, lambda each: each.onset >= 4 * BAR):
            rows = [
                sorted(zip(each.onset[kept], each.duration[kept], each.pitch[kept], each.part[kept]))
                for each, kept in ((given, outside(given)), (after, outside(after)))
            ]
            assert rows[0] == rows[1]


def test_notes_of_a_filling_keep_to_the_range_of_the_piece(model):
    piece = chorale(31)
    low = {name: min(note[2] for note in notes(piece, names=(name,))) for name in NAMES}
    high = {name: max(note[2] for note in notes(piece, names=(name,))) for name in NAMES}
    for seed in range(4):
        made = model.fill(piece, bars=(2, 4), seed=seed).bytes
        for name in NAMES:
            assert all(low[name] - 2 <= note[2] <= high[name] + 2 for note in notes(made, names=(name,)))


def silent(data, names, end):
    """Steps of a piece in which one of the parts does not sound."""
    found = 0
    for name in names:
        sounds = np.zeros(end, np.bool_)
        for onset, lasts, *_ in notes(data, names=(name,)):
            sounds[onset : onset + lasts] = True
        found += int((~sounds).sum())
    return found


@pytest.mark.parametrize("seed", range(4))
def test_voices_are_made_to_a_tune_and_never_rest(model, seed):
    tune = chorale(seed + 40, names=NAMES[:1])
    made = model.accompany(tune, ["alto", "tenor", "bass"], seed=seed)
    assert made.finished == "end"
    assert notes(made.bytes, names=NAMES[:1]) == notes(tune)
    assert set(read_score(made.bytes).names) == set(NAMES)
    end = max(onset + lasts for onset, lasts, *_ in notes(tune))
    assert silent(made.bytes, NAMES, end) == 0
    assert max(onset + lasts for onset, lasts, *_ in notes(made.bytes)) <= end


def test_a_tune_without_a_name_becomes_the_part_that_is_left(model):
    tune = chorale(50, names=("",))
    made = model.accompany(tune, ["alto", "tenor", "bass"], seed=1)
    made_names, tune_names = set(read_score(made.bytes).names) - {*NAMES[1:]}, set(read_score(tune).names)
    own = [note[:4] for note in notes(made.bytes, names=made_names)]
    assert own == [note[:4] for note in notes(tune, names=tune_names)]
    assert len(own) > 6


def test_a_part_is_made_anew_in_some_bars(model):
    piece = chorale(60)
    made = model.accompany(piece, "bass", bars=(3, 4), seed=2).bytes
    assert notes(made, names=NAMES[:3]) == notes(piece, names=NAMES[:3])
    assert notes(made, end=2 * BAR) == notes(piece, end=2 * BAR)
    assert notes(made, begin=4 * BAR) == notes(piece, begin=4 * BAR)
    assert notes(made, names=NAMES[3:]) != notes(piece, names=NAMES[3:])


def test_what_the_corpus_shows_of_parts_is_known(model):
    found = learned_of(model.seen.bounds)
    assert sorted(found.sounding) == [0, 1, 2, 3]
    assert np.flatnonzero(found.ranges[0]).tolist() == list(range(65, 73))
    assert found.played[:4, 52].all()


@pytest.mark.parametrize("seed", range(3))
def test_parts_that_are_made_keep_to_all_that_the_corpus_shows_of_them(model, seed):
    tune = chorale(seed + 70, names=NAMES[:1])
    made = model.accompany(tune, ["alto", "tenor", "bass"], seed=seed, temperature=5.0).bytes
    found = model.tokenizer.codec.bounds(model.tokenizer.codec.encode(made))
    ours = {name: most for name, most in found.items() if of_holes(name) and "sounds" not in name}
    assert len(ours) == 2 * 4 + 6, "the range of each voice, and each pair"
    assert all(most <= model.seen.bounds[name] for name, most in ours.items())
    assert all(found[SOUNDS.format(part)] >= NEVER_SILENT for part in range(4))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model: bar_filling(model, chorale(1), (7, 9), None, None), "no bar 9"),
        (lambda model: parts_filling(model, chorale(1), ["flute"], None, None), "no part is called 'flute'"),
        (lambda model: parts_filling(model, chorale(1), ["bass", "bass"], None, None), "stands twice"),
        (lambda model: parts_filling(model, chorale(1), [*NAMES], None, None), "none is given"),
        (lambda model: parts_filling(model, chorale(1), ["drums"], None, None), "never heard"),
        (lambda model: bar_filling(model, chorale(1, meter=(7, 8), bars=6), (2, 2), None, None), "meter 7/8"),
        (lambda model: model.fill(chorale(1)), "bars that are filled"),
        (lambda model: model.fill(chorale(1), bars=(5, 2)), "the first and the last one"),
        (lambda model: model.fill(b"no music", bars=(5, 6)), "no file of music"),
    ],
)
def test_what_cannot_be_filled_is_said(model, call, said):
    with pytest.raises(SeqgenError, match=said) as caught:
        call(model)
    assert caught.value.hint or "no bar" in said


def test_pitches_that_the_corpus_never_has_are_said(model):
    score = read_score(chorale(1))
    score.pitch[:] = score.pitch + 40
    with pytest.raises(CorpusError, match="pitch"):
        bar_filling(model, write_score(score), (2, 2), None, None)


def test_a_model_without_holes_and_a_long_hole_are_refused():
    with pytest.raises(CheckpointError, match="without holes"):
        bar_filling(Model(chorales(holes=False)), chorale(1), (2, 2), None, None)
    with pytest.raises(UsageError, match="within 64"):
        bar_filling(Model(chorales(span=64)), chorale(1), (1, 6), None, None)

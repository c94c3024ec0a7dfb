"""Other keys, tempos and loudness while training: tables of the codec, and windows that go through them."""

import numpy as np
import pytest
import torch
from test_midi_performance import CODEC, busy

from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.augmentation import tables
from seqgen.music.score import DRUMS
from seqgen.report import Report
from seqgen.tokenizer import Tokenizer
from seqgen.training.augmentation import Augmented
from seqgen.training.data import IGNORED, Epoch, Spans
from seqgen.training.feeding import DeviceFeed, HostFeed
from seqgen.training.settings import TrainSettings

CPU = torch.device("cpu")
IDS = CODEC.encode(busy(3, 200), Report())


def heard(ids):
    return CODEC.score(np.asarray(ids, np.uint16))


def test_a_transposed_piece_is_the_piece_in_another_key_and_its_drums_stay():
    plain = heard(IDS)
    for row, move in zip(tables(5, 0, 0), range(-5, 6)):
        moved = heard(row[IDS])
        assert moved.onset.tolist() == plain.onset.tolist()
        pitched = plain.program != DRUMS
        change = moved.pitch[pitched].astype(int) - plain.pitch[pitched]
        assert sorted(moved.pitch[moved.program == DRUMS]) == sorted(plain.pitch[plain.program == DRUMS])
        assert {int(each) % 12 for each in np.unique(change)} <= {move % 12} or len(plain) < 2


def test_pitches_stay_within_the_range_and_keep_their_class():
    for row, move in zip(tables(12, 0, 0), range(-12, 13)):
        pitch = row[v.PITCH : v.DUR] - v.PITCH
        assert pitch.min() >= 0
        assert pitch.max() < 128
        assert ((pitch - np.arange(128) - move) % 12 == 0).all()


def test_a_stretch_makes_a_piece_longer_by_its_share():
    found = tables(0, 0.1, 0)
    lengths = [int(v.STEPS[row[IDS]].sum()) for row in found]
    assert len(found) == 5
    assert lengths == sorted(lengths)
    assert lengths[2] == int(v.STEPS[IDS].sum())
    assert lengths[-1] / lengths[2] == pytest.approx(1.1, abs=0.04)


def test_loudness_moves_velocities_alone_and_keeps_them_in_range():
    for row, level in zip(tables(0, 0, 3), range(-3, 4)):
        velocity = slice(v.VEL, v.PITCH)
        assert (row[velocity] - v.VEL == np.clip(np.arange(32) + level, 0, 31)).all()
        changed = np.flatnonzero(row != np.arange(v.SIZE))
        assert ((changed >= v.VEL) & (changed < v.PITCH)).all()


def test_one_table_changes_nothing_and_framing_never_changes():
    tokenizer = Tokenizer(CODEC, "midi", ("bach", "joplin"))
    found = tokenizer.augmentations(2, 0.05, 1)
    assert found.shape == (5 * 5 * 3, tokenizer.vocab_size)
    assert (found == np.arange(tokenizer.vocab_size)).all(axis=1).sum() == 1
    assert (found[:, tokenizer.document_id :] == np.arange(tokenizer.document_id, tokenizer.vocab_size)).all()


def test_text_has_no_augmentation():
    assert Tokenizer(Char.fit([b"abc"], CharOptions()), "char").augmentations(5, 0, 0) is None


SPANS = Spans(np.array([0, 30, 77]), np.array([30, 77, 100]))
STREAM = np.arange(100, dtype=np.uint16) % 50
MOVES = np.stack([(np.arange(51) + move) % 50 for move in range(7)])
MOVES[:, 50] = 50


def windows(feed, epoch):
    return [feed.window(epoch, step) for step in range(epoch.steps)]


def test_each_document_goes_through_one_table_whatever_the_feed():
    epoch = Epoch(SPANS, 4, 8, 5, 2)
    plain = HostFeed(STREAM, 50, CPU)
    feeds = [Augmented(kind(STREAM, 50, CPU), MOVES, SPANS, 5, CPU) for kind in (HostFeed, DeviceFeed)]
    for step in range(epoch.steps):
        begin = epoch.windows(step)[0]
        was, host, device = (feed.window(epoch, step) for feed in (plain, *feeds))
        assert torch.equal(host.x, device.x)
        assert torch.equal(host.y, device.y)
        for row, table in enumerate(feeds[0].chosen(2, begin).tolist()):
            known = was.y[row] != IGNORED
            assert host.x[row].tolist() == MOVES[table][was.x[row].numpy()].tolist()
            assert host.y[row][known].tolist() == MOVES[table][was.y[row][known].numpy()].tolist()
            assert (host.y[row][~known] == IGNORED).all()


def test_the_choice_is_a_function_of_seed_epoch_and_document():
    feed, other = (Augmented(HostFeed(STREAM, 50, CPU), MOVES, SPANS, seed, CPU) for seed in (5, 6))
    inside = feed.chosen(0, np.arange(100))
    assert len(set(inside[:30].tolist())) == len(set(inside[30:77].tolist())) == 1
    drawn = np.array([[feed.chosen(epoch, SPANS.begin), other.chosen(epoch, SPANS.begin)] for epoch in range(400)])
    assert set(drawn.reshape(-1).tolist()) == set(range(7))
    counts = np.bincount(drawn.reshape(-1))
    assert counts.min() > 0.7 * counts.mean()
    assert 0.05 < (drawn[:, 0] == drawn[:, 1]).mean() < 0.25
    assert 0.05 < (drawn[:, 0, 0] == drawn[:, 0, 1]).mean() < 0.25


def test_streams_of_several_ranks_see_what_one_would():
    epoch = Epoch(SPANS, 4, 8, 5, 1)
    whole = Augmented(HostFeed(STREAM, 50, CPU), MOVES, SPANS, 5, CPU)
    part = Augmented(HostFeed(STREAM, 50, CPU), MOVES, SPANS, 5, CPU)
    for step in range(epoch.steps):
        assert torch.equal(whole.window(epoch, step).x[2:4], part.window(epoch, step, slice(2, 4)).x)


@pytest.mark.parametrize("wrong", [{"transpose": 13}, {"transpose": -1}, {"stretch": 0.5}, {"loudness": 9}])
def test_settings_have_ranges(wrong):
    with pytest.raises(Exception, match=next(iter(wrong))):
        TrainSettings(**wrong)

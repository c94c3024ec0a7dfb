"""The order of training data: everything read once, states fresh where a piece begins, a pure function of its seed."""

from itertools import pairwise

import numpy as np
import pytest

from seqgen.errors import CorpusError
from seqgen.training.data import IGNORED, Epoch, Spans, gather
from seqgen.training.splitting import FIRST, SPLIT, split

STARTS = np.array([0, 700, 705, 1500, 1501, 3000], np.int64)
SPANS = Spans(STARTS[:-1], STARTS[1:])


def positions_read(epoch: Epoch) -> list[tuple[int, int]]:
    """(stream, position) of every token that an epoch reads, in order."""
    read = []
    for step in range(epoch.steps):
        begin, length, _ = epoch.windows(step)
        for row in range(epoch.batch):
            read += [(row, position) for position in range(begin[row], begin[row] + length[row])]
    return read


@pytest.mark.parametrize(("batch", "window"), [(1, 7), (4, 16), (8, 64), (3, 5000)])
def test_an_epoch_reads_every_token_once(batch, window):
    positions = sorted(position for _, position in positions_read(Epoch(SPANS, batch, window, seed=5, number=0)))
    assert positions == list(range(3000))


def test_streams_end_together():
    epoch = Epoch(Spans(np.array([0]), np.array([100_000])), 16, 64, seed=0, number=0)
    assert epoch.steps * 16 * 64 < 100_000 * 1.03


def test_windows_of_a_piece_follow_each_other_and_only_its_first_is_fresh():
    epoch = Epoch(SPANS, 2, 10, seed=1, number=3)
    expected = [None, None]
    for step in range(epoch.steps):
        begin, length, fresh = epoch.windows(step)
        for row in range(2):
            if length[row] and not fresh[row]:
                assert begin[row] == expected[row]
            expected[row] = begin[row] + length[row]
    assert all(epoch.windows(0)[2])


def test_documents_begin_with_a_fresh_state():
    epoch = Epoch(SPANS, 2, 10, seed=1, number=0)
    fresh = {int(at) for step in range(epoch.steps) for at, new in zip(*epoch.windows(step)[::2]) if new}
    assert set(STARTS[:-1].tolist()) <= fresh


def test_reset_never_keeps_the_state_after_the_first_piece():
    epoch = Epoch(SPANS, 2, 10, seed=1, number=0, reset=False)
    fresh = np.array([epoch.windows(step)[2] for step in range(epoch.steps)])
    assert fresh.sum() == 2


def test_order_is_a_pure_function_of_seed_and_epoch():
    def order(seed, number):
        return positions_read(Epoch(SPANS, 3, 16, seed, number))

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_gather_shifts_by_one_and_pads():
    ids = np.arange(10, dtype=np.uint16)
    inputs, targets = gather(ids, np.array([2, 8, 0]), np.array([4, 2, 0]), 4, end_id=99)
    assert inputs.tolist() == [[2, 3, 4, 5], [8, 9, 99, 99], [99] * 4]
    assert targets.tolist() == [[3, 4, 5, 6], [9, 99, IGNORED, IGNORED], [IGNORED] * 4]


def test_one_document_is_split_at_its_tail():
    # Nine tenths of the document's own 1,000 tokens, the two of its frame not counted.
    train, validation = split(np.array([0, 1002]), head=2, share=0.1, seed=0)
    assert (train.begin.tolist(), train.end.tolist()) == ([0], [902])
    assert (validation.begin.tolist(), validation.end.tolist()) == ([902], [1002])


def test_several_documents_are_split_by_document():
    starts = np.arange(0, 10_001, 100)
    train, validation = split(starts, head=1, share=0.1, seed=0)
    assert validation.tokens == 1000
    assert sorted([*train.begin, *validation.begin]) == starts[:-1].tolist()
    assert split(starts, 1, 0.1, 0)[1].begin.tolist() == validation.begin.tolist()
    assert split(starts, 1, 0.1, 1)[1].begin.tolist() != validation.begin.tolist()


def test_two_documents_left_one_each_to_the_first_version():
    train, validation = split(np.array([0, 10, 500]), head=1, share=0.1, seed=0, version=FIRST)
    assert len(train) == len(validation) == 1


@pytest.mark.parametrize("seed", range(8))
def test_of_a_book_beside_a_note_a_tail_is_held_out(seed):
    starts = np.array([0, 60_001, 61_540])
    train, validation = split(starts, head=1, share=0.1, seed=seed)
    assert (train.begin.tolist(), train.end.tolist()) == ([0, 60_001], [60_001 - 6_154, 61_540])
    assert (validation.begin.tolist(), validation.end.tolist()) == ([60_001 - 6_154], [60_001])


def test_where_the_first_version_was_fair_it_still_decides():
    lengths = np.random.default_rng(1).integers(50, 150, 400)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    for seed in range(5):
        old, new = (split(starts, 1, 0.1, seed, version)[1].begin.tolist() for version in (FIRST, SPLIT))
        assert old == new


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("documents", [2, 3, 7, 40, 1000])
def test_about_the_share_is_held_out_for_every_seed(documents, spread, share):
    lengths = np.exp(np.random.default_rng(documents).normal(7, spread, documents)).astype(np.int64) + 2
    starts = np.concatenate([[0], np.cumsum(lengths)])
    for seed in range(6):
        train, held = split(starts, 1, share, seed)
        assert held.tokens == pytest.approx(share * starts[-1], rel=0.1)
        assert train.tokens + held.tokens == starts[-1]
        both = sorted([*zip(train.begin, train.end), *zip(held.begin, held.end)])
        assert both[0][0] == 0
        assert all(before[1] == after[0] for before, after in pairwise(both))


def test_whole_documents_are_held_out_where_a_set_of_them_fits():
    starts = np.cumsum([0, 9_000, 40, 960, 5])  # only the second and third, or the third alone, are a tenth
    for seed in range(6):
        _, held = split(starts, 1, 0.1, seed)
        assert set(held.begin.tolist()) <= set(starts[:-1].tolist())


def test_too_short_a_corpus_is_refused():
    with pytest.raises(CorpusError, match="1 tokens to train on, expected at least 2"):
        Epoch(Spans(np.array([0]), np.array([1])), 2, 4, 0, 0)

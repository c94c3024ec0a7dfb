"""The order of training data: everything read once, states fresh where a piece begins, a pure function of its seed."""

from itertools import pairwise

import numpy as np
import pytest

from seqgen.codecs.byte import Byte
from seqgen.errors import CorpusError
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import IGNORED, Epoch, Spans, gather
from seqgen.training.duplicates import held_out
from seqgen.training.splitting import FAIRLY, FIRST, SPLIT, split

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


# Copies of whole files


def stream_of(path, texts, labels=None):
    tokenizer = Tokenizer(Byte(), "byte", ("a", "b"))
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        for number, text in enumerate(texts):
            label = None if labels is None else labels[number]
            writer.add(tokenizer.frame(label))
            writer.add(np.frombuffer(text, np.uint8).astype(np.uint16))
            writer.end_document(-1 if label is None else tokenizer.labels.index(label))
        writer.sources = [{"name": "made", "bytes": 1, "sha256": "", "documents": len(texts)}]
    return TokenStream.open(path)


def parts_of(stream, spans, head):
    return [bytes(stream.ids[max(b, s + head) : e].astype(np.uint8)) for b, e in zip(spans.begin, spans.end)
            for s in [stream.starts[np.searchsorted(stream.starts, b, side="right") - 1]]]  # fmt: skip


def texts(count, length, seed=1):
    random = np.random.default_rng(seed)
    return [bytes(random.integers(97, 123, size=int(size), dtype=np.uint8)) for size in random.integers(*length, count)]


@pytest.mark.parametrize("seed", range(6))
def test_copies_of_files_are_held_out_together(tmp_path, seed):
    own = texts(40, (100, 300))
    stream = stream_of(tmp_path / "x.tokens", own + own[:15] + own[10:20], ["a"] * 40 + ["b"] * 25)
    train, held = held_out(stream, 2, 0.1, seed)
    assert train.tokens + held.tokens == len(stream.ids)
    assert not {*parts_of(stream, train, 2)} & {*parts_of(stream, held, 2)}
    assert held.tokens / len(stream.ids) == pytest.approx(0.1, abs=0.05)
    old = held_out(stream, 2, 0.1, seed, FAIRLY)
    assert {*parts_of(stream, old[0], 2)} & {*parts_of(stream, old[1], 2)}, (
        "runs of the second version go on as they were"
    )


@pytest.mark.parametrize("count", [2, 3])
def test_of_copies_of_a_book_the_same_tail_is_held_out(tmp_path, count):
    [book], notes = texts(1, (5000, 5001)), texts(2, (20, 30))
    stream = stream_of(tmp_path / "x.tokens", [book, *notes, *[book] * (count - 1)])
    train, held = held_out(stream, 1, 0.1, 1)
    assert held.tokens / len(stream.ids) == pytest.approx(0.1, rel=0.15)
    tails = parts_of(stream, held, 1)
    assert len(tails) == count
    assert {*tails} == {book[-len(tails[0]) :]}
    assert not any(tails[0] in part for part in parts_of(stream, train, 1))


def test_files_that_are_all_the_same_are_split_at_their_tails(tmp_path):
    stream = stream_of(tmp_path / "x.tokens", texts(1, (1000, 1001)) * 4)
    train, held = held_out(stream, 1, 0.1, 1)
    assert len(held.begin) == 4
    assert held.tokens == pytest.approx(0.1 * len(stream.ids), rel=0.1)
    assert train.tokens + held.tokens == len(stream.ids)


def test_without_copies_the_split_is_that_of_before(tmp_path):
    stream = stream_of(tmp_path / "x.tokens", texts(30, (100, 110)))
    new, old = (held_out(stream, 1, 0.1, 3, version) for version in (SPLIT, FAIRLY))
    assert [spans.begin.tolist() for spans in new] == [spans.begin.tolist() for spans in old]

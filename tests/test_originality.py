"""The index finds what a search through the whole corpus finds, and no sample copies more than it may."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgen import generation
from seqgen.errors import CheckpointError, CorpusError, OutputError, SettingError
from seqgen.generation.limits import Limits
from seqgen.generation.loop import collect, generate
from seqgen.originality import copying
from seqgen.originality import index as index_module
from seqgen.originality._suffixes import suffix_array
from seqgen.originality.copying import MaxCopy
from seqgen.originality.index import Corpus, Index, build
from seqgen.originality.measuring import measure, runs
from seqgen.rules.temperature import Temperature

FRAMING = 3  # ids 0 to 2 are text, 3 is the document token, 4 a label


def framed(rng: Any, documents: int, size: int, low: int = 0) -> tuple[Any, Any]:
    """Random documents over the tokens from `low` to 2, each behind a document token and a label: ids and starts."""
    parts = [np.concatenate([[3, 4], rng.integers(low, 3, rng.integers(1, size))]) for _ in range(documents)]
    return np.concatenate(parts).astype(np.uint16), np.cumsum([0, *map(len, parts)])


def corpus(ids: Any, starts: Any, chosen: Sequence[int] | None = None, **more: Any) -> Corpus:
    kept = np.arange(len(starts) - 1) if chosen is None else np.array(chosen, np.int64)
    return Corpus(ids, starts, starts[:-1][kept], starts[1:][kept], FRAMING, 5, **more)


def opened(tmp_path: Path, given: Corpus) -> Index:
    build(given, tmp_path / "index.safetensors")
    return Index(tmp_path / "index.safetensors")


def spans(given: Corpus) -> list[list[int]]:
    """The documents that were indexed, without framing."""
    pairs = zip(given.begin.tolist(), given.end.tolist())
    return [[token for token in given.ids[begin:end].tolist() if token < FRAMING] for begin, end in pairs]


def stands(texts: list[list[int]], part: list[int]) -> bool:
    return any(text[at : at + len(part)] == part for text in texts for at in range(len(text) - len(part) + 1))


def longest_run(texts: list[list[int]], sample: list[int]) -> int:
    longest = 0
    for begin in range(len(sample)):
        while begin + longest < len(sample) and stands(texts, sample[begin : begin + longest + 1]):
            longest += 1
    return longest


@pytest.mark.parametrize("vocab_size", [1, 2, 3, 200, 60_000, 1 << 31])
def test_a_suffix_array_is_the_suffixes_in_order(vocab_size: int) -> None:
    rng = np.random.default_rng(vocab_size)
    for count in (1, 2, 7, 63, 300):
        ids = rng.integers(0, vocab_size, count)
        text = ids.tolist()
        assert suffix_array(ids, vocab_size).tolist() == sorted(range(count), key=lambda begin: text[begin:])


def test_a_suffix_array_of_repetitions() -> None:
    for period in (1, 2, 5, 64):
        ids = np.tile(np.random.default_rng(period).integers(0, 4, period), 200 // period)
        text = ids.tolist()
        assert suffix_array(ids, 4).tolist() == sorted(range(len(text)), key=lambda begin: text[begin:])


@pytest.mark.parametrize("seed", range(6))
def test_runs_are_those_of_a_search_through_the_corpus(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids, starts = framed(rng, 6, 60, low=1 if seed == 5 else 0)
    given = corpus(ids, starts, [0, 2, 3, 5])
    index, texts = opened(tmp_path, given), spans(given)
    sample = np.concatenate([rng.integers(0, 5, 60), texts[1][:40], [2, 1, 0], texts[2]])
    lengths, slots = runs(index, sample)
    for at, (length, slot) in enumerate(zip(lengths.tolist(), slots.tolist())):
        expected = 0
        while at + expected < len(sample) and stands(texts, sample[at : at + expected + 1].tolist()):
            expected += 1
        assert length == expected
        if length:
            assert index.suffix(slot, length * index.width) == index.pattern(sample[at : at + length])


def test_a_long_copy_is_found_whole_and_where_it_stands(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids, starts = framed(rng, 9, 1_000)
    given = corpus(ids, starts, [0, 1, 4, 7, 8], sources=[("a.txt", 3), ("b.txt", 6)])
    index = opened(tmp_path, given)
    copied = ids[starts[7] + 2 + 20 : starts[7] + 2 + 20 + 330]
    assert len(copied) == 330
    sample = np.concatenate([copied[-2:] * 0, [9 % FRAMING], copied, [3], copied[:7]])
    found = measure(index, sample, (2, 16, 1_000))
    assert found.longest >= 330
    assert found.begin <= 3
    assert found.place is not None
    assert (found.place.source, found.place.document) == ("b.txt", 7)
    assert found.place.offset == 20 - (3 - found.begin)
    assert found.tokens == len(sample) - 1
    assert found.novelty[1_000] is None
    assert found.to_json()["place"] == {"source": "b.txt", "document": 7, "offset": found.place.offset}


def test_novelty_is_the_share_of_ngrams_that_are_not_in_the_corpus(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    given = corpus(*framed(rng, 4, 40))
    index, texts = opened(tmp_path, given), spans(given)
    sample = rng.integers(0, 4, 80)  # some document tokens among them
    novelty = measure(index, sample, (1, 3, 5)).novelty
    for n in (1, 3, 5):
        grams = [sample[at : at + n].tolist() for at in range(80 - n + 1)]
        grams = [gram for gram in grams if max(gram) < FRAMING]
        assert novelty[n] == pytest.approx(np.mean([not stands(texts, gram) for gram in grams]))


def test_a_part_of_a_document_is_placed_in_the_whole(tmp_path: Path) -> None:
    ids = np.array([3, 4, 0, 0, 1, 0, 2, 2, 1, 1], np.uint16)
    given = Corpus(ids, np.array([0, 10]), np.array([5]), np.array([10]), FRAMING, 5)
    found = measure(opened(tmp_path, given), [2, 2, 1], (2,))
    assert found.longest == 3
    assert found.place is not None
    assert (found.place.source, found.place.document, found.place.offset) == ("", 0, 4)


def test_nothing_in_common_and_nothing_at_all(tmp_path: Path) -> None:
    index = opened(tmp_path, corpus(np.array([3, 0, 0], np.uint16), np.array([0, 3])))
    for sample in ([], [3, 4, 3], [1, 2]):
        found = measure(index, sample)
        assert (found.longest, found.place) == (0, None)
        assert found.novelty[4] is None


@pytest.mark.parametrize("longest", [1, 2, 5, 8])
def test_what_is_refused_is_what_goes_on_with_a_run_of_n(tmp_path: Path, longest: int) -> None:
    rng = np.random.default_rng(longest)
    given = corpus(*framed(rng, 5, 50, low=0))
    texts = spans(given)
    guard = MaxCopy(opened(tmp_path, given), longest)
    for stream in (rng.integers(0, 4, 120).tolist(), texts[0] + texts[1][:3] + texts[2]):
        state = guard.start()
        said: list[int] = []
        for token in stream:
            state = guard.step(state, token)
            said = [] if token >= FRAMING else [*said, token]
            tail = said[-longest:]
            held = len(tail) == longest and stands(texts, tail)
            refused = [each for each in range(FRAMING) if held and stands(texts, [*tail, each])]
            assert guard.refused(state) == refused


@pytest.mark.parametrize("limits", [(0, 0), (0, 5), (2, 6), (1_000, 1_000)])
@pytest.mark.parametrize("size", [250, 40_000])
def test_followers_are_the_same_read_one_by_one_all_at_once_or_by_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], size: int
) -> None:
    monkeypatch.setattr(index_module, "FEW", limits[0])
    monkeypatch.setattr(index_module, "MANY", limits[1])
    rng = np.random.default_rng(6)
    text = rng.choice([0, 1, 255 if size > 255 else 9, size - 1], 300).tolist()
    given = np.array([size, *text], np.uint32)
    build(Corpus(given, np.array([0, 301]), np.array([0]), np.array([301]), size, size + 1), tmp_path / "f")
    index = Index(tmp_path / "f")
    for length in (1, 2, 4, 9):
        for begin in range(0, 300 - length, 7):
            part = text[begin : begin + length]
            behind = {text[at + length] for at in range(300 - length) if text[at : at + length] == part}
            assert index.followers(index.pattern(part)) == sorted(behind)
    assert index.followers(index.pattern([7, 7])) == []
    assert index.followers(index.pattern(text[-60:])) == []


def test_the_guard_forgets_and_finds_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "REMEMBERED", 2)
    rng = np.random.default_rng(7)
    index = opened(tmp_path, corpus(*framed(rng, 5, 50)))
    guard, state = MaxCopy(index, 2), MaxCopy(index, 2).start()
    for token in rng.integers(0, 3, 60).tolist():
        state = guard.step(state, token)
        assert guard.refused(state) == (index.followers(state.pattern) if state.bound == 2 else [])
        assert len(guard._known) <= 2


class Parrot(generation.Engine[list[list[int]]]):
    """A model that knows its corpus by heart: it goes on with the longest suffix of the stream that it finds there."""

    def __init__(self, text: list[int], vocab_size: int) -> None:
        self.text, self.size = text, vocab_size

    @property
    def vocab_size(self) -> int:
        return self.size

    def start(self, batch: int) -> list[list[int]]:
        return [[] for _ in range(batch)]

    def step(self, ids: Any, state: Any) -> Any:
        after = [[*past, int(token)] for past, token in zip(state, ids)]
        return np.stack([self.recall(past[-9:]) for past in after]), after

    def recall(self, past: list[int]) -> Any:
        logits = np.zeros(self.size, np.float32)
        while past:
            places = [at for at in range(len(self.text) - len(past)) if self.text[at : at + len(past)] == past]
            if places:
                logits[[self.text[at + len(past)] for at in places]] = 12
                break
            past = past[1:]
        return logits

    def prefill(self, ids: Any, state: Any) -> Any:
        for token in ids:
            logits, state = self.step([token], state)
        return logits, state

    def select(self, state: Any, rows: Any) -> Any:
        return [list(state[row]) for row in rows]

    def join(self, states: Any) -> Any:
        return [past for each in states for past in each]


@pytest.mark.parametrize("longest", [2, 6, 12])
def test_a_model_that_knows_its_corpus_by_heart_cannot_recite_it(tmp_path: Path, longest: int) -> None:
    rng = np.random.default_rng(3)
    text = rng.integers(0, 30, 300).astype(np.uint16)
    given = Corpus(np.concatenate([[30], text]).astype(np.uint16), np.array([0, 301]), np.array([0]), np.array([301]),
                   30, 31)  # fmt: skip
    index, engine = opened(tmp_path, given), Parrot(text.tolist(), 31)
    prompts = [np.array([30]), text[: min(4, longest)], text[50:52]]
    banned = np.arange(31) == 30

    def longest_of(limits: Limits) -> list[int]:
        samples = collect(generate(engine, prompts, [Temperature(0.7)], seed=2, limits=limits), 3)
        whole = [[*prompt.tolist(), *sample.ids] for prompt, sample in zip(prompts, samples)]
        return [longest_run([text.tolist()], [token for token in each if token < 30]) for each in whole]

    assert min(longest_of(Limits(length=90, banned=banned))) > 20
    kept = longest_of(Limits(length=90, banned=banned, guard=MaxCopy(index, longest)))
    assert max(kept) == longest


def test_a_guard_that_would_leave_nothing_gives_way(tmp_path: Path) -> None:
    given = corpus(np.array([3, 0, 0, 1, 0, 2, 0, 0], np.uint16), np.array([0, 8]))
    guard = MaxCopy(opened(tmp_path, given), 1)
    assert guard.refused(guard.step(guard.start(), 0)) == [0, 1, 2]
    limits = Limits(length=30, banned=np.arange(5) >= FRAMING, guard=guard)
    (sample,) = collect(generate(Parrot([0, 1], 5), [np.array([0])], [], seed=1, limits=limits), 1)
    assert len(sample.ids) == 30


def test_samples_may_be_seen_through_a_function(tmp_path: Path) -> None:
    """Intervals instead of pitches: a transposed copy is a copy."""

    def intervals(ids: Any) -> Any:
        return (np.diff(ids.astype(np.int64), prepend=ids[0]) % 12).astype(np.uint16)

    melody = np.random.default_rng(4).integers(20, 40, 50).astype(np.uint16)
    given = Corpus(melody, np.array([0, 50]), np.array([0]), np.array([50]), 100, 101)
    build(given, tmp_path / "i", view=intervals)
    found = measure(Index(tmp_path / "i"), intervals(melody[10:30] + 5))
    assert found.longest == 19


def test_wide_vocabularies_compare_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for size in (200, 30_000, 1_000_000):
        ids = rng.integers(0, size, 400).astype(np.uint32)
        build(Corpus(ids, np.array([0, 400]), np.array([0]), np.array([400]), size, size + 1), tmp_path / "w")
        found = measure(Index(tmp_path / "w"), ids[100:140])
        assert (found.longest, found.place and found.place.offset) == (40, 100)


def test_values_and_corpora_out_of_range_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="a corpus of 0 tokens cannot be indexed"):
        build(corpus(np.empty(0, np.uint16), np.array([0]), []), tmp_path / "i")
    with pytest.raises(OutputError, match="there is no folder"):
        build(corpus(np.array([3, 1], np.uint16), np.array([0, 2])), tmp_path / "none" / "i")
    with pytest.raises(CheckpointError, match="there is no such file"):
        Index(tmp_path / "i")
    with pytest.raises(SettingError, match="max_copy is 0, expected at least 1 token"):
        MaxCopy(opened(tmp_path, corpus(np.array([3, 1], np.uint16), np.array([0, 2]))), 0)


def test_a_damaged_index_is_refused_or_searched_without_a_fault(tmp_path: Path) -> None:
    ids, starts = framed(np.random.default_rng(6), 3, 30)
    opened(tmp_path, corpus(ids, starts, sources=[("a", 3)]))
    path = tmp_path / "index.safetensors"
    whole, rng = path.read_bytes(), np.random.default_rng(7)
    for cut in (0, 7, 100, 4_096, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError):
            Index(path)
    for at in (*rng.integers(0, 4_096, 40).tolist(), *range(4_096, len(whole), 3)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            measure(Index(path), [0, 1, 2, 1, 0])
        except CheckpointError:
            continue
        assert at >= 4_096 or whole[at] == 0x20, "a flipped byte of the header shows"

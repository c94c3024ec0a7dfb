"""Copies of music in another key, at another loudness, on another instrument: they are copies."""

import numpy as np
import pytest
from test_midi_performance import CODEC, busy

from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.augmentation import tables
from seqgen.codecs.midi.copy_key import NOTHING
from seqgen.originality.copy_key import KeyedMaxCopy, seen_through
from seqgen.originality.copying import MaxCopy
from seqgen.originality.index import Corpus, Index, build
from seqgen.originality.measuring import measure
from seqgen.report import Report

FRAMING = CODEC.vocab_size
KEY = CODEC.copy_key(FRAMING)
PIECES = [CODEC.encode(busy(seed, 150), Report()) for seed in range(3)]
STREAM = np.concatenate([np.append(np.uint16(FRAMING), piece) for piece in PIECES])
STARTS = np.cumsum([0, *(len(piece) + 1 for piece in PIECES)])


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "index.safetensors"
    names = [(f"{number}.mid", 1) for number in range(3)]
    corpus = Corpus(STREAM, STARTS, STARTS[:-1], STARTS[1:], FRAMING, FRAMING + 1, "x", names)
    build(seen_through(corpus, KEY), path)
    return Index(path)


def walked(ids):
    """What `step` makes of ids, one by one."""
    last, found = NOTHING, []
    for token in ids.tolist():
        last, seen = KEY.step(last, token)
        if seen >= 0:
            found.append(seen)
    return found


def test_one_by_one_is_as_all_at_once():
    assert walked(STREAM) == KEY.ids(STREAM)[0].tolist()


def test_back_undoes_step():
    last = NOTHING
    for token in PIECES[0].tolist():
        after, seen = KEY.step(last, token)
        if seen >= 0 and not (last == NOTHING and v.PITCH <= token < v.DUR):
            assert KEY.back(last, seen) == token
        last = after


@pytest.mark.parametrize("move", [-3, 0, 2, 5])
def test_a_copy_in_another_key_is_found_whole_and_named(index, move):
    pitches = PIECES[1][(PIECES[1] >= v.PITCH) & (PIECES[1] < v.DUR)].astype(int) - v.PITCH
    if not 0 <= pitches.min() + move <= pitches.max() + move <= 127:
        pytest.skip("leaves the keyboard")
    moved = tables(5, 0, 3)[(5 + move) * 7 + 5][PIECES[1]]
    seen = KEY.ids(moved)[0]
    found = measure(index, seen)
    assert found.longest == len(seen)
    assert found.place.source == "1.mid"


def test_other_music_is_no_copy(index):
    other = KEY.ids(CODEC.encode(busy(77, 150), Report()))[0]
    assert measure(index, other).longest < 20


def test_max_copy_refuses_what_the_corpus_does_next_in_the_key_of_the_sample(index):
    guard = KeyedMaxCopy(MaxCopy(index, 6), KEY)
    moved = tables(5, 0, 0)[7][PIECES[2]][:60]
    state, refusals = guard.start(), 0
    for token, after in zip(moved.tolist(), moved.tolist()[1:]):
        state = guard.step(state, token)
        seen = KEY.step(state[1], after)[1]
        if guard.refused(state) and seen >= 0:
            assert after in guard.refused(state)
            refusals += 1
    assert refusals > 20
    assert guard.step(state, FRAMING) == (guard.start()[0], NOTHING)

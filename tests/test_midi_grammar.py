"""The performance grammar: lets through what `encode` makes, and nothing that decoding would drop."""

import numpy as np
import pytest
from midi_files import off, on, simple
from test_midi_performance import CODEC, PEDAL, busy, ids_of

from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.grammar import LATE, MAX_TENS, State
from seqgen.report import Report

NAMES = CODEC.vocabulary()


def walk(codec: Midi, ids) -> State:
    """The state after ids, each of which must be allowed."""
    grammar = codec.grammar()
    state = grammar.start()
    for at, token in enumerate(ids.tolist()):
        assert grammar.allowed(state)[token], f"token {at}: {NAMES[token]} after {state}"
        state = grammar.step(state, token)
    return state


def after(*tokens: str, codec: Midi = CODEC) -> set[str]:
    """The names of the tokens that may follow."""
    grammar = codec.grammar()
    state = grammar.start()
    for token in ids_of(*tokens).tolist():
        state = grammar.step(state, token)
    return {NAMES[token] for token in np.flatnonzero(grammar.allowed(state))}


def kinds(names: set[str]) -> set[str]:
    return {name.split("_")[0] for name in names}


def sample(codec: Midi, seed: int, spread: float, limit: int = 400) -> tuple[list[int], bool]:
    """Ids drawn from random logits through the grammar, and whether the document has ended."""
    rng = np.random.default_rng(seed)
    grammar = codec.grammar()
    state, ids = grammar.start(), []
    while len(ids) < limit:
        if grammar.may_end(state) and (rng.random() < 0.3 or not grammar.allowed(state).any()):
            return ids, True
        scores = np.where(grammar.allowed(state), spread * rng.normal(size=v.SIZE) + rng.gumbel(size=v.SIZE), -np.inf)
        assert scores.max() > -np.inf
        ids.append(int(scores.argmax()))
        state = grammar.step(state, ids[-1])
    return ids, False


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("codec", [CODEC, PEDAL], ids=["folded", "pedal"])
def test_every_encoded_file_is_accepted_to_its_end(seed, codec):
    ids = codec.encode(busy(seed, 300), Report())
    grammar = codec.grammar()
    assert grammar.may_end(walk(codec, ids))


def test_long_rests_are_accepted():
    timed = [(at, event) for at in (0, 50_000, 180_000, 190_010) for event in (on(60),)]
    ids = CODEC.encode(simple(*timed, (200_000, off(60)), division=500), Report())
    assert CODEC.grammar().may_end(walk(CODEC, ids))


@pytest.mark.parametrize("codec", [CODEC, PEDAL], ids=["folded", "pedal"])
def test_random_logits_decode_with_nothing_dropped(codec):
    ended = 0
    for seed in range(150):
        ids, complete = sample(codec, seed, spread=seed % 4)
        if not complete and v.PITCH <= ids[-1] < v.DUR:
            ids.pop()  # the limit fell inside a note
        report = Report()
        score = codec.score(np.array(ids), report)
        assert not report.dropped
        assert len(score) > 0
        ended += complete
    assert ended > 75  # the others said that they would be longer


def test_the_opening():
    assert kinds(after()) == {"DENSITY"}
    assert kinds(after("DENSITY_3")) == {"REMAIN"}
    opened = after("DENSITY_3", "REMAIN_5")
    assert kinds(opened) == {"SHIFT", "INST", "VEL"}  # an instrument and a velocity before the first note
    assert kinds(after("DENSITY_3", "REMAIN_5", "INST_3")) == {"VEL"}
    assert kinds(after("DENSITY_3", "REMAIN_5", "VEL_3")) == {"DRUM"}


def test_a_pitch_is_followed_by_a_duration_and_no_duration_stands_alone():
    start = ("DENSITY_3", "REMAIN_5", "INST_3", "VEL_9")
    assert kinds(after(*start)) == {"PITCH"}
    assert kinds(after(*start, "PITCH_60")) == {"DUR"}
    assert "DUR" not in kinds(after(*start, "PITCH_60", "DUR_100ms"))


def test_the_order_within_a_step():
    names = after("DENSITY_3", "REMAIN_5", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms")
    assert "PITCH_59" not in names
    assert "PITCH_60" not in names  # a key sounds once at a time
    assert "PITCH_61" in names
    assert "INST_2" not in names
    assert "INST_3" not in names
    assert "INST_4" in names
    assert "VEL_9" not in names
    assert "DRUM_0" in names
    drums = after("DENSITY_3", "REMAIN_5", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms", "DRUM_40")
    assert kinds(drums) == {"DRUM", "VEL", "SHIFT"}
    assert "DRUM_40" not in drums
    assert "DRUM_41" in drums
    again = after("DENSITY_3", "REMAIN_5", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms", "SHIFT_10ms")
    assert {"PITCH_0", "INST_2", "DRUM_0"} <= again


def test_silence_is_bounded():
    start = ("DENSITY_3", "REMAIN_15", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms")
    rest = after(*start, *["SHIFT_10000ms"] * (MAX_TENS - 1))
    assert "SHIFT_10000ms" in rest
    assert "SHIFT" not in kinds(after(*start, *["SHIFT_10000ms"] * MAX_TENS))
    assert "SHIFT_1000ms" not in after(*start, "SHIFT_2000ms")
    assert "SHIFT" not in kinds(after(*start, "SHIFT_990ms"))


def test_the_countdown_is_obeyed():
    start = ("DENSITY_3", "REMAIN_2", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms")
    assert "PITCH" in kinds(after(*start, "SHIFT_990ms"))
    due = after(*start, "SHIFT_1000ms")  # between one and two seconds were left, so the class must change
    assert "PITCH" not in kinds(due)
    assert {name for name in due if name.startswith("REMAIN")} == {"REMAIN_1"}


def test_a_piece_is_as_long_as_it_said():
    for seed in range(20):
        ids, complete = sample(CODEC, seed, spread=1, limit=3000)
        if complete and ids[1] != v.REMAIN + 15:
            total = int(v.STEPS[ids].sum())
            assert (
                np.searchsorted(v.REMAIN_EDGES, total - LATE)
                <= ids[1] - v.REMAIN
                <= np.searchsorted(v.REMAIN_EDGES, total)
            )


def test_the_end_is_neither_skipped_to_nor_passed():
    start = ("DENSITY_3", "REMAIN_9", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms", "SHIFT_1000ms")
    names = after(*start)  # between 23 and 31 seconds are left: class 8 or still 9
    assert {name for name in names if name.startswith("REMAIN")} == {"REMAIN_8"}
    near = after("DENSITY_3", "REMAIN_1", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms", "SHIFT_600ms", "PITCH_60")
    assert kinds(near) == {"DUR"}
    later = (
        "DENSITY_3",
        "REMAIN_1",
        "INST_3",
        "VEL_9",
        "PITCH_60",
        "DUR_100ms",
        "SHIFT_600ms",
        "PITCH_60",
        "DUR_100ms",
    )
    assert "SHIFT_900ms" in after(*later)  # half a second late: that is the end, then
    assert "SHIFT_910ms" not in after(*later)
    assert kinds(after(*later, "SHIFT_900ms")) == {"REMAIN"}
    assert "REMAIN_0" in after(*later, "SHIFT_900ms")


def test_the_end_comes_after_the_last_onset_only():
    grammar = CODEC.grammar()
    start = ("DENSITY_3", "REMAIN_1", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms")
    assert not grammar.may_end(grammar.start())
    assert not grammar.may_end(walk(CODEC, ids_of(*start)))
    last = (*start, "SHIFT_100ms", "REMAIN_0")
    assert not grammar.may_end(walk(CODEC, ids_of(*last)))
    assert grammar.may_end(walk(CODEC, ids_of(*last, "PITCH_60", "DUR_100ms")))
    assert "SHIFT" not in kinds(after(*last, "PITCH_60", "DUR_100ms"))


def test_pedal_tokens_only_when_asked():
    start = ("DENSITY_3", "REMAIN_5", "INST_3")
    assert "PEDAL" not in kinds(after(*start))
    assert {"PEDAL_ON", "PEDAL_OFF"} <= after(*start, codec=PEDAL)
    assert "PEDAL_OFF" not in after(*start, "PEDAL_ON", codec=PEDAL)
    assert "PEDAL_ON" in after(*start, "PEDAL_OFF", codec=PEDAL)


def test_states_are_small_hashable_values_and_masks_are_shared():
    grammar = Midi(MidiOptions()).grammar()
    state = walk(CODEC, ids_of("DENSITY_3", "REMAIN_15", "INST_3", "VEL_9", "PITCH_60", "DUR_100ms", "SHIFT_20ms"))
    assert hash(state) == hash(State(*state))
    assert grammar.allowed(state) is grammar.allowed(State(*state))
    with pytest.raises(ValueError, match="read-only"):
        grammar.allowed(state)[0] = True


def test_step_takes_any_token():
    grammar = PEDAL.grammar()
    rng = np.random.default_rng(0)
    state = grammar.start()
    for token in rng.integers(0, v.SIZE, 5000).tolist():
        state = grammar.step(state, token)
        assert grammar.allowed(state).any() or grammar.may_end(state)

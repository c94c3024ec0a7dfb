"""Controls of music: whatever the logits, instruments, scale, tempo, density and length are those asked for."""

from itertools import pairwise

import numpy as np
import pytest

from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.finishing import retimed, timing
from seqgen.codecs.midi.steering import SteeredPerformance
from seqgen.errors import UsageError
from seqgen.music.controls import Controls, instruments, tonality
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS
from seqgen.music.write import write_score

CODEC = Midi(MidiOptions())
SUSTAINED = Midi(MidiOptions(pedal=True))


def sample(controls: Controls, seed: int, limit: int = 40_000, prompt=(), codec: Midi = CODEC, spread: float = 2.0):
    """Ids from random logits that stay the same for a while, through the steered grammar, and whether they ended."""
    rng = np.random.default_rng(seed)
    begin = int(v.STEPS[np.array(prompt, int)].sum())
    grammar = SteeredPerformance(codec.grammar(), controls, begin)
    state = grammar.start()
    for token in prompt:
        state = grammar.step(state, int(token))
    ids = []
    while len(ids) < limit:
        if len(ids) % 50 == 0:
            taste = spread * rng.normal(size=v.SIZE)
        mask = grammar.allowed(state)
        if grammar.may_end(state) and (not mask.any() or rng.random() < 0.2):
            return ids, True
        assert mask.any(), state
        ids.append(int(np.where(mask, taste + rng.gumbel(size=v.SIZE), -np.inf).argmax()))
        state = grammar.step(state, ids[-1])
    return ids, False


def played(ids, codec: Midi = CODEC):
    return codec.score(np.array(ids, np.uint16))


@pytest.mark.parametrize("seed", range(200))
def test_instruments_and_scale_are_obeyed_by_random_pieces(seed):
    words = ["piano,bass,drums", "violin", "drums", "40,41,42", "flute,drums", "brass"][seed % 6]
    programs = frozenset().union(*instruments(words).values())
    key, scale = [("C", None), ("Am", None), ("A", "minor-pentatonic"), ("F#", "blues")][seed % 4]
    classes, tonic = tonality(key, scale)
    codec = SUSTAINED if seed % 5 == 0 else CODEC
    ids, _ = sample(Controls(programs=programs, scale=classes, tonic=tonic), seed, limit=150, codec=codec)
    score = played(ids, codec)
    assert len(score) >= 1
    assert set(score.program.tolist()) <= programs
    assert {pitch % 12 for pitch in score.pitch[score.program != DRUMS].tolist()} <= classes


@pytest.mark.parametrize("seed", range(40))
def test_random_pieces_last_as_long_as_asked(seed):
    seconds = [10, 20, 33.3, 60][seed % 4]
    programs = [None, frozenset({0, DRUMS}), frozenset({DRUMS}), frozenset({52})][seed // 4 % 4]
    tempo = [None, 97][seed % 2]
    ids, ended = sample(Controls(programs=programs, seconds=seconds, tempo=tempo), seed)
    assert ended
    score = read_score(CODEC.decode(np.array(ids, np.uint16)))
    assert abs(score.duration_seconds - seconds) <= 0.05 * seconds


def test_a_long_piece_counts_down_to_its_end():
    ids, ended = sample(Controls(seconds=240), 1)
    assert ended
    assert abs(played(ids).duration_seconds - 240) <= 12
    classes = [token - v.REMAIN for token in ids if v.REMAIN <= token < v.SHIFT]
    assert classes == sorted(classes, reverse=True)
    assert classes[0] == 15
    assert classes[-1] == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_last_chord_is_that_of_the_key_and_is_held(seed):
    classes, tonic = tonality("Dm", None)
    ids, ended = sample(Controls(frozenset({0}), classes, tonic, seconds=30), seed)
    score = played(ids)
    last = score.onset == score.onset.max()
    assert ended
    assert {pitch % 12 for pitch in score.pitch[last].tolist()} <= {2, 5, 9}
    assert score.pitch[last].min() % 12 == 2, "in root position"
    assert score.seconds(score.duration[last]).min() >= 0.4


def test_without_a_key_the_last_chord_is_that_of_the_key_heard():
    prompt = [v.DENSITY + 3, v.REMAIN + 9, v.INST, v.VEL + 16]
    for pitch in (67, 71, 74, 67, 69, 71, 72, 74, 67, 62, 67, 66, 67):  # G major
        prompt += [v.PITCH + pitch, v.DUR + 20, v.SHIFT + 49]
    ids, ended = sample(Controls(frozenset({0}), seconds=2, scale=frozenset(range(12))), 3, prompt=prompt)
    score = played([*prompt, *ids])
    assert ended
    last = score.onset == score.onset.max()
    assert {pitch % 12 for pitch in score.pitch[last].tolist()} <= {7, 11, 2}


@pytest.mark.parametrize("tempo", [20, 60, 97, 120, 250])
def test_a_tempo_is_a_speed(tempo):
    controls = Controls(seconds=40, speed=tempo / 120)
    ids, ended = sample(controls, tempo)
    assert ended
    asked = retimed(played(ids), timing(None, tempo))
    assert asked.tempo.tolist() == [round(6e7 / tempo)]
    assert abs(asked.duration_seconds - 40) <= 2
    own = retimed(played(ids), timing(None, 120))
    assert asked.onset.tolist() == own.onset.tolist(), "the same music, faster or slower"


@pytest.mark.parametrize("speed", [0.6, 1.4])
@pytest.mark.parametrize("density", [2, 5, 8])
def test_a_density_is_kept_at_another_tempo(density, speed):
    ids, ended = sample(Controls(density=density, seconds=25, speed=speed), density)
    assert ended
    heard = CODEC.encode(write_score(retimed(played(ids), timing(None, 120 * speed))))
    assert heard[0] - v.DENSITY == density - 1


@pytest.mark.parametrize("density", range(1, 9))
@pytest.mark.parametrize("seed", range(3))
def test_a_density_is_kept(density, seed):
    ids, ended = sample(Controls(density=density, seconds=25), 31 * seed + density)
    assert ended
    again = CODEC.encode(CODEC.decode(np.array(ids, np.uint16)))
    assert again[0] - v.DENSITY == density - 1
    assert ids[0] == again[0]


def test_what_follows_a_prompt_is_as_long_as_asked():
    prompt = [v.DENSITY + 3, v.REMAIN + 9, v.INST + 5, v.VEL + 20]
    for pitch in (60, 64, 67, 72):
        prompt += [v.PITCH + pitch, v.DUR + 40, v.SHIFT + 98]
    prompt = prompt[:-1]
    for seed in range(8):
        controls = Controls(frozenset({5}), velocities=(70, 90), seconds=12)
        ids, ended = sample(controls, seed, prompt=prompt)
        score = played([*prompt, *ids])
        begin = int(v.STEPS[np.array(prompt)].sum()) / 100
        assert ended
        assert abs(score.duration_seconds - begin - 12) <= 0.6
        assert set(score.program.tolist()) == {5}
        assert score.velocity.min() >= 70
        assert score.velocity.max() <= 92


def test_no_step_holds_more_notes_than_can_be_played():
    grammar = SteeredPerformance(CODEC.within({}), Controls())
    state = grammar.start()
    for token in [v.DENSITY, v.REMAIN + 9, v.INST, v.VEL + 16]:
        state = grammar.step(state, token)
    for pitch in range(40):
        assert grammar.allowed(state)[v.PITCH + pitch]
        for token in (v.PITCH + pitch, v.DUR + 5):
            state = grammar.step(state, token)
    assert not grammar.allowed(state)[v.INST :].any()
    assert grammar.allowed(state)[v.SHIFT : v.INST].all()


def test_what_the_grammar_accepts_the_steered_one_without_controls_accepts():
    ids, _ = sample(Controls(), 5, limit=500)
    plain = CODEC.grammar()
    state = plain.start()
    for token, _ in pairwise([*ids, 0]):
        assert plain.allowed(state)[token]
        state = plain.step(state, token)


@pytest.mark.parametrize(
    ("key", "scale", "expected"),
    [
        ("C", None, {0, 2, 4, 5, 7, 9, 11}),
        ("Am", None, {0, 2, 4, 5, 7, 9, 11}),
        ("a minor", None, {0, 2, 4, 5, 7, 9, 11}),
        ("Bb", "major", {10, 0, 2, 3, 5, 7, 9}),
        ("A", "minor-pentatonic", {9, 0, 2, 4, 7}),
        ("F#m", "harmonic minor", {6, 8, 9, 11, 1, 2, 5}),
        (None, None, None),
    ],
)
def test_keys_and_scales(key, scale, expected):
    classes, _ = tonality(key, scale)
    assert classes == expected


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tonality("H", None), "no key is called 'H'"),
        (lambda: tonality("C", "minor-pentatonik"), "no scale is called"),
        (lambda: tonality(None, "blues"), "no key to stand in"),
        (lambda: tonality("Am", "major"), "contradict"),
        (lambda: instruments("pianu"), "no instrument is called 'pianu'"),
        (lambda: instruments(" , "), "empty"),
        (lambda: SteeredPerformance(CODEC.grammar(), Controls(seconds=0.2)), "too short"),
        (lambda: SteeredPerformance(CODEC.grammar(), Controls(seconds=4, speed=0.2)), "too short"),
    ],
)
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(UsageError, match=said) as caught:
        call()
    assert caught.value.hint

"""Instruments asked for come in and come again, whatever the logits."""

import numpy as np
import pytest
from test_midi_steering import CODEC, SUSTAINED, played, sample

from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.entries import ENTRY, PATIENCE, Entries
from seqgen.music.controls import Controls, instruments

STEP = 10  # ms, which are the ticks of a performance


def longest_wait(score, groups, entry, patience, begin=0):
    """The most onsets in a row that a group let pass when it was late, those of the ending left out."""
    steps, worst = score.onset // STEP, 0
    onsets = np.unique(steps)[:-1]
    onsets = onsets[onsets >= begin]
    for number, group in enumerate(groups):
        due = begin + entry * (number + 1)
        sounded = np.unique(steps[np.isin(score.program, list(group)) & (steps >= begin)])
        for at in [*sounded.tolist(), onsets[-1] + 1]:
            worst = max(worst, int(np.sum((onsets >= due) & (onsets < at))))
            due = at + patience
    return worst


@pytest.mark.parametrize("seed", range(30))
def test_every_instrument_comes_in_and_comes_again(seed):
    words = ["piano,bass,drums", "40,41,42", "flute,drums", "violin,piano"][seed % 4]
    groups = tuple(instruments(words).values())
    codec = SUSTAINED if seed % 5 == 0 else CODEC
    controls = Controls(frozenset().union(*groups), seconds=40, groups=groups)
    ids, ended = sample(controls, seed, codec=codec)
    score = played(ids, codec)
    assert ended
    assert longest_wait(score, groups, ENTRY, PATIENCE) < len(groups)
    assert longest_wait(score, groups, 1, 1) > len(groups), "the measure must see groups that wait"


def test_without_groups_some_instrument_stays_silent():
    groups = tuple(instruments("40,41,42,drums,43,44,45").values())
    waits = [
        longest_wait(played(sample(Controls(frozenset().union(*groups), seconds=40), seed)[0]), groups, ENTRY, PATIENCE)
        for seed in range(6)
    ]
    assert max(waits) >= len(groups)


def test_short_pieces_have_less_patience():
    groups = (frozenset({0}), frozenset({32}))
    for seed in range(10):
        ids, _ = sample(Controls(frozenset({0, 32}), seconds=6, groups=groups), seed)
        assert set(played(ids).program.tolist()) == {0, 32}
    assert Entries(Controls(seconds=6, groups=groups), 0).first() == (100, 200)


def test_after_a_prompt_they_are_waited_for_from_its_end():
    prompt = [v.DENSITY + 3, v.REMAIN + 9, v.INST + 5, v.VEL + 20]
    for pitch in (60, 64, 67, 72):
        prompt += [v.PITCH + pitch, v.DUR + 40, v.SHIFT + 98]
    prompt = prompt[:-1]
    begin, groups = 3 * 99, (frozenset({5}), frozenset({33}))
    ids, _ = sample(Controls(frozenset({5, 33}), seconds=30, groups=groups), 3, prompt=prompt)
    score = played([*prompt, *ids])
    assert longest_wait(score, groups, ENTRY, 750, begin) < len(groups)


def test_a_scale_a_tempo_and_a_density_are_kept_besides():
    groups = tuple(instruments("piano,drums").values())
    scale = frozenset({0, 2, 4, 7, 9})
    for density in (1, 4, 8):
        controls = Controls(frozenset().union(*groups), scale, (0, False), 120, density, 30, None, groups)
        ids, ended = sample(controls, density)
        score = played(ids)
        assert ended
        assert ids[0] == v.DENSITY + density - 1 == CODEC.encode(CODEC.decode(np.array(ids, np.uint16)))[0]
        assert {pitch % 12 for pitch in score.pitch[score.program < 128].tolist()} <= scale
        assert longest_wait(score, groups, ENTRY, 750) < len(groups)

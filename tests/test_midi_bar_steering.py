"""What music in bars is asked to keep to, held against random logits: nothing but the mask keeps it."""

import numpy as np
import pytest
from midi_walks import sampled

from seqgen.codecs.midi_bar import MidiBar, MidiBarOptions
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.finishing import retimed, timing
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.codecs.midi_bar.lengths import Lengths
from seqgen.codecs.midi_bar.steering import SteeredScore
from seqgen.errors import UsageError
from seqgen.music.bounds import Bounds
from seqgen.music.controls import Controls, instruments, tonality
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS
from seqgen.report import Report

CODEC = MidiBar(MidiBarOptions())


def pieces(controls, count=12, limit=6000, inner=None, spread=1.0):
    """Scores of pieces that ended, drawn from random logits; all of them have to end."""
    for seed in range(count):
        steered = SteeredScore(inner or ScoreGrammar(Bounds(together=8, part=4)), controls)
        ids, ended = sampled(CODEC, seed, spread, limit, steered)
        assert ended, (seed, len(ids))
        report = Report()
        score = CODEC.score(np.array(ids), report)
        assert not report.dropped
        yield ids, score


@pytest.mark.parametrize("bars", [1, 2, 7, 16, 40])
def test_a_number_of_bars_with_a_cadence_on_the_last_downbeat(bars):
    for ids, score in pieces(Controls(bars=bars, tonic=(2, False))):
        assert ids.count(v.BAR) == bars
        last = score.onset.max()
        final = (score.onset == last) & (score.program != DRUMS)
        if bars > 1 and final.any():
            classes = set((score.pitch[final] % 12).tolist())
            assert classes <= {2, 6, 9}
        assert score.length >= last


def test_the_lowest_part_has_the_tonic_and_every_part_that_played_lately_a_note():
    one = frozenset({40})
    checked = 0
    for ids, score in pieces(Controls(bars=12, tonic=(7, True), programs=one, meter=(4, 4))):
        last = score.onset == score.onset.max()
        lately = score.onset >= score.onset.max() - 4 * 1920
        assert ids.count(v.BAR) == 12
        parts = set(score.part[lately].tolist())
        assert len(set(score.part[last].tolist())) == min(len(parts), 8)
        if len(parts) > 8:
            continue
        before = score.onset < score.onset.max()
        means = {part: score.pitch[before & (score.part == part)].mean() for part in parts}
        bass = min(means, key=means.get)
        assert score.pitch[last & (score.part == bass)].min() % 12 == 7
        assert {int(pitch) % 12 for pitch in score.pitch[last]} <= {7, 10, 2}
        assert set(score.duration[last].tolist()) == {1920}
        checked += 1
    assert checked >= 2


@pytest.mark.parametrize(("seconds", "tempo"), [(20, None), (20, 120), (60, 90), (45, None)])
def test_a_length_in_seconds_is_kept(seconds, tempo):
    within = []
    for _, score in pieces(Controls(seconds=seconds, tempo=tempo, meter=(4, 4)), spread=0.5):
        found = retimed(score, timing(None, tempo, seconds))
        assert tempo is None or abs(found.tempo[0] * tempo / 6e7 - 1) < 1e-4
        within.append(abs(found.duration_seconds / seconds - 1) <= 0.05)
    assert np.mean(within) >= 0.75  # random logits change the tempo at every second position


def walked(steered, *names):
    """The names of what may follow tokens, each of which must be allowed."""
    known, state = CODEC.vocabulary(), steered.start()
    for name in names:
        assert steered.allowed(state)[known.index(name)], name
        state = steered.step(state, known.index(name))
    return {known[token] for token in np.flatnonzero(steered.allowed(state))}


NOTE = ("PART_0", "INST_0", "VEL_8", "PITCH_60", "DUR_24/24")


@pytest.mark.parametrize(("tempo", "remain", "meters"), [(None, 8, {"4/4", "2/2"}), (90, 8, {"3/4", "6/8", "12/16"})])
def test_after_an_upbeat_bars_are_full_and_the_length_is_kept(tempo, remain, meters):
    def steered():
        return SteeredScore(ScoreGrammar(), Controls(seconds=30, tempo=tempo))

    begin = ("BAR_LINE", "METER_1/4", f"REMAIN_{remain}", "POS_0", "TEMPO_120", *NOTE)
    assert walked(steered(), *begin, "BAR_LINE") == {f"METER_{meter}" for meter in meters}
    later = (*begin, "BAR_LINE", f"METER_{min(meters)}", "POS_0", *NOTE[3:], "BAR_LINE")
    assert not [name for name in walked(steered(), *later) if name.startswith("METER")]


def test_after_a_full_first_bar_the_meter_stays():
    begin = ("BAR_LINE", "METER_3/4", "REMAIN_9", "POS_0", "TEMPO_120", *NOTE, "BAR_LINE")
    found = walked(SteeredScore(ScoreGrammar(), Controls(seconds=30, tempo=120)), *begin)
    assert "POS_0" in found
    assert "METER_4/4" not in found  # 30 s are 15 bars of it, not 17 to 24


def test_a_countdown_leaves_the_meter_after_an_upbeat_free():
    begin = ("BAR_LINE", "METER_1/4")
    found = walked(SteeredScore(ScoreGrammar(), Controls(seconds=30)), *begin)
    assert {name for name in found if name.startswith("REMAIN")} == {"REMAIN_8", "REMAIN_9"}


def test_seldom_tempos_are_not_sought():
    seen = np.ones(v.SIZE, np.bool_)
    seen[v.TEMPO : v.POS] = False
    seen[CODEC.vocabulary().index("TEMPO_120")] = True
    lengths = Lengths(30, None, seen)
    assert np.flatnonzero(lengths.classes((4, 4))).tolist() == [8]  # 14 to go
    assert lengths.bars(2.0, 2.0, 8) == 14
    assert lengths.bars(2.0, 1.5, 8) == 16


def test_a_bar_does_not_end_before_a_late_instrument_has_sounded():
    groups = instruments("piano,drums")
    controls = Controls(programs=frozenset().union(*groups.values()), groups=tuple(groups.values()), bars=8)
    begin = ("BAR_LINE", "METER_4/4", "REMAIN_6", "POS_0", "TEMPO_120", *NOTE, "BAR_LINE", "REMAIN_5")
    found = walked(SteeredScore(ScoreGrammar(), controls), *begin)
    assert found == {f"POS_{step}" for step in range(96)}
    found = walked(SteeredScore(ScoreGrammar(), controls), *begin, "POS_0")
    assert {name.partition("_")[0] for name in found} == {"DRUM", "VEL"}


def test_instruments_and_nothing_else_and_all_of_them_sound():
    words = instruments("piano,bass,drums")
    asked = frozenset().union(*words.values())
    for _, score in pieces(Controls(programs=asked, groups=tuple(words.values()), bars=16)):
        heard = set(score.program.tolist())
        assert heard <= asked
        assert all(heard & group for group in words.values())


def test_key_and_scale():
    scale, tonic = tonality("Am", "minor-pentatonic")
    for _, score in pieces(Controls(scale=scale, tonic=tonic, bars=8)):
        assert set((score.pitch[score.program != DRUMS] % 12).tolist()) <= scale


@pytest.mark.parametrize("meter", [(6, 8), (4, 4), (13, 16), (5, 4)])
def test_one_meter_throughout(meter):
    for _, score in pieces(Controls(meter=meter, bars=6), count=6):
        assert score.meter.tolist() == [list(meter)]
        assert score.length == 6 * 480 * 4 * meter[0] // meter[1]


def test_a_meter_that_cannot_be_said_is_refused():
    with pytest.raises(UsageError, match="meter is 7/3"):
        SteeredScore(ScoreGrammar(), Controls(meter=(7, 3)))


@pytest.mark.parametrize("density", [2, 4, 6])
def test_density(density):
    edges = [0, 1, 2, 4, 6, 9, 13, 20, np.inf]
    found = [len(score) / score.duration_seconds for _, score in pieces(Controls(density=density, bars=24))]
    least, most = edges[density - 1], edges[density]
    assert np.mean([0.7 * least <= rate <= 1.3 * most for rate in found]) > 0.8, found


def test_drums_alone():
    for _, score in pieces(Controls(programs=frozenset({DRUMS}), bars=4), count=4):
        assert set(score.program.tolist()) == {DRUMS}


def test_what_is_read_again_has_the_same_bars():
    for ids, score in pieces(Controls(bars=5), count=4):
        again = read_score(CODEC.decode(np.array(ids)))
        assert again.length == score.length
        assert again.meter.tolist() == score.meter.tolist()

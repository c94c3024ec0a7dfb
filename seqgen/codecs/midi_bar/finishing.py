"""How sampled score tokens become a file with the tempo, the length and the primer that were asked for.

Tokens know 48 tempos. What a call asks for exactly (a tempo, a length) and what a primer's own tempos are is kept
beside them as a `Timing`, plain JSON data, so that a take can be made into the same file again.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi_bar.bars import on_grid
from seqgen.codecs.midi_bar.decoding import TICKS_PER_STEP
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.media import Timing
from seqgen.music.score import Score
from seqgen.music.write import write_score

MOST_TEMPOS = 400  # of a primer; one with more keeps its last tempo only
MOST_STRETCH = 1.25  # by how much a tempo that nobody asked for is changed to meet a length


def timing(primer: Score | None, tempo: float | None, seconds: float | None) -> Timing | None:
    """What a file says of time besides its tokens; None where that is nothing."""
    found: Timing = {}
    if tempo is not None:
        found["bpm"] = tempo
    if seconds is not None and primer is None:
        found["seconds"] = seconds
    if primer is not None:
        steps = on_grid(primer.tempo_tick, primer.ticks_per_quarter) * TICKS_PER_STEP
        rows = np.stack((steps, primer.tempo), 1).tolist()
        found["tempo"] = rows if len(rows) <= MOST_TEMPOS else [[0, rows[-1][1]]]
    return found or None


def retimed(score: Score, timing: Timing, begin: int = 0) -> Score:
    """The score, whose new part begins at tick `begin`, with the tempos of its primer and those asked for."""
    if len(score) == 0:
        return score
    tick, tempo = score.tempo_tick, score.tempo.astype(np.float64)
    at = max(int(np.searchsorted(tick, begin, side="right")) - 1, 0)  # what holds when the new begins
    rows = np.array(timing.get("tempo", []), np.int64).reshape(-1, 2)
    own = rows[rows[:, 0] < max(begin, 1)]
    if len(own):
        tempo = tempo * own[-1, 1] / tempo[at]  # what is new goes on from the primer's exact tempo
    if "bpm" in timing:
        tempo = tempo * (60_000_000 / timing["bpm"]) / tempo[at]
    if len(own):
        new = tick > begin
        tick = np.concatenate((own[:, 0], [begin], tick[new]))
        tempo = np.concatenate((own[:, 1], tempo[at : at + 1], tempo[new]))
    score = _settled(dataclasses.replace(score, tempo_tick=tick, tempo=_whole(tempo)))
    if "seconds" in timing and "bpm" not in timing and score.duration_seconds:
        factor = min(max(timing["seconds"] / score.duration_seconds, 1 / MOST_STRETCH), MOST_STRETCH)
        score = dataclasses.replace(score, tempo=_whole(score.tempo * factor))
    return score


def _whole(tempo: NDArray[np.floating[Any]]) -> Ints:
    return np.asarray(np.maximum(np.rint(tempo), 1), np.int64)


def _settled(score: Score) -> Score:
    """The score without tempos that change nothing, or that another follows at once."""
    last = np.append(score.tempo_tick[1:] != score.tempo_tick[:-1], True)
    tick, tempo = score.tempo_tick[last], score.tempo[last]
    new = np.append(True, tempo[1:] != tempo[:-1])
    return dataclasses.replace(score, tempo_tick=tick[new], tempo=tempo[new])


def finished(score: Score, timing: Timing | None, begin: int, with_primer: bool) -> bytes:
    """The MIDI file of a primer and what follows it, from tick `begin` on; or of that alone."""
    if timing is not None:
        score = retimed(score, timing, begin)
    return write_score(score if with_primer else _after(score, begin))


def _after(score: Score, begin: int) -> Score:
    """What begins at a tick or later, from there on; the tempo and the meter that hold then."""
    kept = score.onset >= begin
    columns = {name: getattr(score, name)[kept] for name in ("duration", "pitch", "velocity", "program", "part")}
    tempo, meter = (
        max(int(np.searchsorted(tick, begin, side="right")) - 1, 0) for tick in (score.tempo_tick, score.meter_tick)
    )
    return dataclasses.replace(
        score,
        **columns,
        onset=score.onset[kept] - begin,
        tempo_tick=np.maximum(score.tempo_tick[tempo:] - begin, 0),
        tempo=score.tempo[tempo:],
        meter_tick=np.maximum(score.meter_tick[meter:] - begin, 0),
        meter=score.meter[meter:],
        length=max(score.length - begin, 0),
    )

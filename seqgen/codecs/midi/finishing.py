"""How sampled performance tokens become a file that goes on in the manner of its primer: its bars, or without it.

Tokens count seconds. What a file says besides of tempo and meter is kept beside them as a `Timing`, plain JSON data,
so that a take can be made into the same file again.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.media import Timing
from seqgen.music.score import DEFAULT_TEMPO, Score, Ticks
from seqgen.music.write import write_score

MOST_TEMPOS = 400  # of a primer; one with more keeps its last tempo only
TICKS = 480  # in a quarter note, where there is no primer


def timing(primer: Score | None, tempo: float | None = None, begin: float = 0.0) -> Timing | None:
    """The ticks, tempos and meters of a primer; from `begin` seconds on it is played at another tempo, if one is given.

    None where there is neither.
    """
    if primer is None:
        if tempo is None:
            return None
        own = [[0, DEFAULT_TEMPO]]
        return {"ticks": TICKS, "tempo": own, "meter": [[0, 4, 4]], "asked": [0, round(6e7 / tempo)]}
    tempos = np.stack((primer.tempo_tick, primer.tempo), 1).tolist()
    tempos = tempos if len(tempos) <= MOST_TEMPOS else [[0, tempos[-1][1]]]
    meters = np.column_stack((primer.meter_tick, primer.meter)).tolist()
    found: Timing = {"ticks": primer.ticks_per_quarter, "tempo": tempos, "meter": meters[:MOST_TEMPOS]}
    if tempo is not None:
        at = int(ticks_at(np.array([begin]), primer.ticks_per_quarter, np.array(tempos, np.int64))[0])
        found["asked"] = [at, round(6e7 / tempo)]
    return found


def finished(
    codec: ScoreCodec, prompt: NDArray[Any], ids: NDArray[Any], timing: Timing | None = None, with_prompt: bool = True
) -> bytes:
    """The file of a prompt and what follows it.

    Args:
        codec: Whose tokens.
        prompt: (n,) the prompt's, without framing.
        ids: (m,) what follows.
        timing: What the file says of tempo and meter; None: 120 beats a minute.
        with_prompt: Whether the prompt is in the file; else it begins at the prompt's last onset.
    """
    prompt, ids = np.asarray(prompt, np.int64), np.asarray(ids, np.int64)
    score = codec.score(np.concatenate([prompt if with_prompt else _state(prompt), ids]))
    if timing is not None:
        score = retimed(score, timing if with_prompt else _last(timing))
    return write_score(score)


def retimed(score: Score, timing: Timing) -> Score:
    """The same music in other ticks, to the ear the same but by half a tick; from where it is asked at its tempo."""
    tempo = np.array(timing["tempo"], np.int64).reshape(-1, 2)
    meter = np.array(timing["meter"], np.int64).reshape(-1, 3)
    ticks = int(timing["ticks"])

    def moved(at: Ticks) -> Ticks:
        return ticks_at(score.seconds(at), ticks, tempo)

    onset, end = moved(score.onset), moved(score.onset + score.duration)
    held = score.pedal.copy()
    if len(held):
        held[:, 0] = moved(score.pedal[:, 0])
        held[:, 1] = moved(score.pedal[:, 0] + score.pedal[:, 1]) - held[:, 0]
    if "asked" in timing:
        tempo = np.concatenate((tempo[tempo[:, 0] < timing["asked"][0]], [timing["asked"]]))
    return dataclasses.replace(
        score,
        ticks_per_quarter=ticks,
        onset=onset,
        duration=np.maximum(end - onset, 1),
        tempo_tick=tempo[:, 0].copy(),
        tempo=tempo[:, 1].copy(),
        meter_tick=meter[:, 0].copy(),
        meter=meter[:, 1:].copy(),
        length=int(max(end.max(initial=0), (onset + 1).max(initial=0))),
        pedal=held,
    )


def ticks_at(seconds: NDArray[np.float64], ticks: int, tempo: Ticks) -> Ticks:
    """(N,) the nearest ticks of times in seconds, under (T, 2) tempos from ticks on."""
    rate = tempo[:, 1] / (1e6 * ticks)  # seconds a tick
    begins = np.concatenate(([0.0], np.cumsum(np.diff(tempo[:, 0]) * rate[:-1])))
    part = np.clip(np.searchsorted(begins, seconds, side="right") - 1, 0, None)
    return np.asarray(np.rint(tempo[part, 0] + (seconds - begins[part]) / rate[part]), np.int64)


def _state(prompt: NDArray[Any]) -> NDArray[np.int64]:
    """The program and the velocity that a prompt ends with, as tokens."""
    kinds = ((v.INST, v.VEL), (v.VEL, v.PITCH))
    found = [prompt[(prompt >= low) & (prompt < high)][-1:] for low, high in kinds]
    return np.concatenate(found).astype(np.int64)


def _last(timing: Timing) -> Timing:
    """The tempo and the meter that were there last, from the beginning."""
    tempo, meter = ([[0, *rows[-1][1:]]] for rows in (timing["tempo"], timing["meter"]))
    last: Timing = {"ticks": timing["ticks"], "tempo": tempo, "meter": meter}
    if "asked" in timing:
        last["asked"] = [0, timing["asked"][1]]
    return last

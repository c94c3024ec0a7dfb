"""What of a piece of music a cell may follow: places in bars, beats, pitch classes, voices that sound together.

A value stands at the token of each note, and nowhere else: there the model has just said where and what the note is.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seqgen.inside.features import Feature
from seqgen.music.metric import WRITTEN, on_beats
from seqgen.music.score import DRUMS, Score

PITCH_CLASSES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
PHRASE = 4  # bars
NOTES = 24  # of a piece at least


def music_features(score: Score, token: NDArray[np.int64], length: int) -> list[Feature]:
    """The features of a piece with a value at each of its (length,) tokens.

    Args:
        score: The piece.
        token: (K,) the token of each note.
        length: How many tokens there are.
    """
    if len(score) < NOTES:
        return []
    found = []
    for name, values in _all(score):
        spread = np.full(length, np.nan, np.float32)
        spread[token] = values
        found.append(Feature(name, spread))
    return found


def _all(score: Score) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """(name, (K,) values) at the notes; the same names of every piece, so that pieces can be joined."""
    bar, place, beat = _meter(score)
    metrical = on_beats(score) > WRITTEN
    nothing = np.full(len(score), np.nan)
    yield "place in the bar", (place if metrical else nothing).astype(np.float32)
    yield "first beat of the bar", (place < 1e-6 if metrical else nothing).astype(np.float32)
    yield "on the beat", (beat < 1e-6 if metrical else nothing).astype(np.float32)
    yield "bar of the phrase", (bar % PHRASE if metrical else nothing).astype(np.float32)
    pitched = score.program != DRUMS
    pitch = np.where(pitched, score.pitch.astype(np.float64), np.nan)
    yield "pitch", pitch.astype(np.float32)
    for number, name in enumerate(PITCH_CLASSES):
        yield f"pitch class {name}", np.where(pitched, score.pitch % 12 == number, np.nan).astype(np.float32)
    yield "voices sounding", _sounding(score).astype(np.float32)
    yield "length of the note", np.log2(score.duration / score.ticks_per_quarter).astype(np.float32)
    yield "loudness", score.velocity.astype(np.float32)


def _meter(score: Score) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """(K,) the bar from its change of meter on, the share of the bar, the share of the beat that has passed."""
    stretch = np.maximum(np.searchsorted(score.meter_tick, score.onset, side="right") - 1, 0)
    over, under = score.meter[stretch, 0], np.maximum(score.meter[stretch, 1], 1)
    beat = 4 * score.ticks_per_quarter / under
    since = score.onset - score.meter_tick[stretch]
    bar = beat * np.maximum(over, 1)
    return (since // bar).astype(np.int64), since % bar / bar, since % beat / beat


def _sounding(score: Score) -> NDArray[np.int64]:
    """(K,) how many notes sound when each begins, itself among them."""
    begun = np.searchsorted(np.sort(score.onset), score.onset, side="right")
    ended = np.searchsorted(np.sort(score.onset + score.duration), score.onset, side="right")
    return np.asarray(np.minimum(begun - ended, 12), np.int64)

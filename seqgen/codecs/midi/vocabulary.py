"""The tokens of the performance vocabulary and what they stand for. Knows no scores; `performance` and `grammar` do.

615 ids in nine ranges. Times are counted in steps of 10 ms.

    DENSITY  8    notes a second over the whole piece: one token, the first of a document
    REMAIN   16   time until the last onset: 0 is the last onset itself, 15 more than 192 s
    SHIFT    109  10 ms to 1 s in steps, then 2 s to 10 s
    INST     128  the General MIDI program of the notes that follow
    VEL      32   the velocity of what follows, four values each
    PITCH    128  a note of the current program; a DUR follows
    DUR      64   10 ms to 20 s, log-spaced
    DRUM     128  a note of the percussion channel, without duration
    PEDAL    2    sustain pedal of the current program, on and off; only with `-P pedal true`
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SECOND = 100  # steps

# Up to 150 ms every step has a duration of its own; from there on each is about a tenth longer than the one before.
DURATIONS = np.array(
    [
        *range(1, 16), 17, 19, 21, 23, 25, 28, 31, 34, 38, 42, 46, 51, 56, 62, 68, 75, 83, 92, 102, 113, 125, 138, 152,
        168, 185, 204, 225, 248, 274, 303, 335, 370, 409, 452, 499, 551, 608, 671, 741, 818, 903, 997, 1101, 1216, 1343,
        1483, 1637, 1807, 2000,
    ],
    np.int64,
)  # fmt: skip
LONGEST = int(DURATIONS[-1])
# Seconds: REMAIN k + 1 means at most so much to go, and more than the one before.
REMAIN_EDGES = np.array([0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192], np.int64) * SECOND
DENSITY_EDGES = np.array([1, 2, 4, 6, 9, 13, 20], np.int64)  # notes a second from which the next density begins
LONGEST_REST = 60 * SECOND  # between two onsets; longer ones are cut

_SIZES = {
    "DENSITY": 8, "REMAIN": 16, "SHIFT": 109, "INST": 128, "VEL": 32, "PITCH": 128, "DUR": 64, "DRUM": 128, "PEDAL": 2,
}  # fmt: skip
_STARTS = dict(zip(_SIZES, np.cumsum([0, *_SIZES.values()]).tolist()))
DENSITY, REMAIN, SHIFT, INST, VEL, PITCH, DUR, DRUM, PEDAL = _STARTS.values()
SIZE = sum(_SIZES.values())
LONG_SHIFT = SHIFT + 100  # the first of the shifts of whole seconds: 2 s
TEN_SECONDS = LONG_SHIFT + 8
PEDAL_ON, PEDAL_OFF = PEDAL, PEDAL + 1

# (SIZE,) how many steps a token moves on: none unless it is a SHIFT.
STEPS = np.zeros(SIZE, np.int64)
STEPS[SHIFT:INST] = [*range(1, 101), *range(200, 1001, 100)]


def names() -> list[str]:
    """(SIZE,) readable token names."""
    values = {kind: [str(value) for value in range(size)] for kind, size in _SIZES.items()}
    values["SHIFT"] = [f"{steps * 10}ms" for steps in STEPS[SHIFT:INST]]
    values["DUR"] = [f"{steps * 10}ms" for steps in DURATIONS]
    values["PEDAL"] = ["ON", "OFF"]
    return [f"{kind}_{value}" for kind in _SIZES for value in values[kind]]


def page_form() -> dict[str, object]:
    """The vocabulary as plain data, for a page."""
    tables = {"steps": STEPS[SHIFT:INST].tolist(), "durations": DURATIONS.tolist(), "edges": REMAIN_EDGES.tolist()}
    tables["densities"] = DENSITY_EDGES.tolist()
    return {"size": SIZE, "starts": dict(_STARTS), "mostTens": LONGEST_REST // (10 * SECOND), **tables}


def _nearest() -> Ints:
    """(LONGEST + 1,) the index of the nearest duration by ratio of each number of steps."""
    bounds = np.sqrt(DURATIONS[:-1] * DURATIONS[1:])
    return np.searchsorted(bounds, np.arange(LONGEST + 1), side="right").astype(np.int64)


NEAREST = _nearest()


def duration_index(steps: Ints) -> Ints:
    """(N,) the index of the nearest duration; shorter than one step is one step, longer than 20 s is 20 s."""
    return NEAREST[np.minimum(np.maximum(steps, 1), LONGEST)]


def velocity_index(velocity: Ints) -> Ints:
    """(N,) the bin in [0, 32) of velocities in [1, 127]."""
    return (velocity - 1) // 4


def velocity_of(index: Ints) -> Ints:
    """(N,) the velocity in the middle of each bin."""
    return 4 * index + 2

"""A score to performance tokens, all in numpy. Knows no files; the order of tokens is told in `performance`."""

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.keys import once_at_a_time
from seqgen.codecs.midi.vocabulary import Ints
from seqgen.music.arrays import differs, gaps
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score

ABSENT = np.uint16(0xFFFF)
PEDAL_UP, PEDAL_DOWN, NOTE = range(3)  # kinds of rows, in the order in which one tick has them
# A row as one integer, its fields from the lowest bit up: sorting these integers is the canonical order.
_FIELDS = {"velocity": 5, "duration": 6, "pitch": 7, "kind": 2, "program": 8, "step": 24}


def encode_score(score: Score, faults: Faults, more: int = 0) -> Ids:
    """(N,) uint16 token ids of a score; pedal tokens where the score keeps its pedal apart.

    The countdown tells of `more` steps that are to follow the last onset.

    An onset moves by at most 5 ms, as does the length of a note up to 150 ms; longer ones change by at most 7 %
    (up to 20 s, where they are cut), or by 12 % where the same key is struck again just then. A key that is struck
    while it sounds ends its earlier note. Velocities change by at most 2.
    """
    if len(score) == 0:
        faults.left_out("document without notes")
        return np.zeros(0, np.uint16)
    program, pitch = score.program.astype(np.int64), score.pitch.astype(np.int64)
    key = (program * 128 + pitch).astype(np.uint16)  # numpy sorts 16-bit integers several times as fast
    order = np.argsort(key, kind="stable")  # each key's notes by onset
    step, length, velocity = _quantize(score, faults)
    kept, length = once_at_a_time(key, order, step, length, velocity, faults)
    notes = _pack(
        step=step[kept], program=program[kept], kind=np.int64(NOTE), pitch=pitch[kept],
        duration=v.duration_index(length), velocity=velocity[kept],
    )  # fmt: skip
    rows = np.concatenate((notes, _pedal_rows(score, int(step[-1])))) if len(score.pedal) else notes
    return _tokens(_unpack(np.sort(rows)), len(notes), more, faults)


def _quantize(score: Score, faults: Faults) -> tuple[Ints, Ints, Ints]:
    """(N,) onset in steps, length in steps that have a token, index of velocity; drums are one step long."""
    onset = score.seconds(score.onset)
    step = np.rint(onset * v.SECOND).astype(np.int64)
    length = np.rint((score.seconds(score.onset + score.duration) - onset) * v.SECOND).astype(np.int64)
    drums = score.program == DRUMS
    length[drums] = 1
    faults.mended("note longer than 20 s", int((length > v.LONGEST).sum()))
    if score.kit and drums.any():
        faults.left_out("drum kit")
    return step, v.DURATIONS[v.duration_index(length)], v.velocity_index(score.velocity.astype(np.int64))


def _pedal_rows(score: Score, last: int) -> Ints:
    """Rows of the pedal, as far as the last onset; overlapping ones of one program are joined."""
    rows: list[list[int]] = []
    times = np.rint(score.seconds(score.pedal[:, :1] + np.pad(score.pedal[:, 1:2], ((0, 0), (1, 0)))) * v.SECOND)
    for program in np.unique(score.pedal[:, 2]).tolist():
        open_until = -1
        for down, up in sorted(times[score.pedal[:, 2] == program].astype(np.int64).tolist()):
            if down < open_until:
                rows[-1][0] = open_until = max(up, open_until)
            elif up > down:
                rows += [[down, program, PEDAL_DOWN], [up, program, PEDAL_UP]]
                open_until = up
    table = np.array(rows, np.int64).reshape(-1, 3)
    table = table[table[:, 0] <= last]
    return _pack(step=table[:, 0], program=table[:, 1], kind=table[:, 2])


def _pack(**columns: Ints | np.int64) -> Ints:
    row: Ints = np.zeros(1, np.int64)
    shift = 0
    for name, bits in _FIELDS.items():
        if name in columns:
            row = np.asarray(row | (columns[name] << shift))
        shift += bits
    return row


def _unpack(rows: Ints) -> dict[str, Ints]:
    columns, shift = {}, 0
    for name, bits in _FIELDS.items():
        columns[name] = (rows >> shift) & ((1 << bits) - 1)
        shift += bits
    return columns


def _tokens(rows: dict[str, Ints], notes: int, more: int, faults: Faults) -> Ids:
    """The ids of sorted rows: a table with a column for each place a token may stand in, absent ones left out."""
    rest = gaps(rows["step"])
    faults.mended("rest longer than 60 s", int((rest > v.LONGEST_REST).sum()))
    rest = np.minimum(rest, v.LONGEST_REST)
    step = np.cumsum(rest)
    remain = np.searchsorted(v.REMAIN_EDGES, step[-1] + more - step)
    start = int(np.searchsorted(v.REMAIN_EDGES, step[-1] + more))
    note, drum = rows["kind"] == NOTE, rows["program"] == DRUMS
    columns = [
        *_shifts(rest),
        np.where(differs(remain, start), v.REMAIN + remain, ABSENT),
        np.where(changed(rows["program"], ~drum), v.INST + rows["program"], ABSENT),
        np.where(changed(rows["velocity"], note), v.VEL + rows["velocity"], ABSENT),
        _names(rows, note, drum),
        np.where(note & ~drum, v.DUR + rows["duration"], ABSENT),
    ]
    table = np.empty((len(step), len(columns)), np.uint16)
    for place, column in enumerate(columns):
        table[:, place] = column
    first = step[np.argmax(note)]
    density = np.searchsorted(v.DENSITY_EDGES * (step[-1] - first + v.SECOND), notes * v.SECOND, side="right")
    head = np.array([v.DENSITY + density, v.REMAIN + start], np.uint16)
    return np.concatenate((head, table[table != ABSENT]))


def _shifts(rest: Ints) -> list[Ints]:
    """The columns of shift tokens: tens of seconds, seconds, hundredths."""
    tens, rest = np.divmod(rest, 10 * v.SECOND)
    columns = [np.where(tens > place, v.TEN_SECONDS, ABSENT) for place in range(int(tens.max()))]
    if not columns and np.all(rest < v.SECOND):
        return [np.where(rest, v.SHIFT + rest - 1, ABSENT)]
    seconds, hundredths = np.divmod(rest, v.SECOND)
    whole = np.where(seconds == 1, v.SHIFT + 99, v.LONG_SHIFT + seconds - 2)
    return [*columns, np.where(seconds, whole, ABSENT), np.where(hundredths, v.SHIFT + hundredths - 1, ABSENT)]


def _names(rows: dict[str, Ints], note: NDArray[np.bool_], drum: NDArray[np.bool_]) -> Ints:
    """The column that says what happens: a note, a drum, the pedal."""
    pitched = np.where(drum, v.DRUM, v.PITCH) + rows["pitch"]
    pedal = np.where(rows["kind"] == PEDAL_DOWN, v.PEDAL_ON, v.PEDAL_OFF)
    return np.asarray(np.where(note, pitched, pedal))


def changed(values: Ints, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) the rows among `where` whose value differs from that of the one before among them."""
    chosen = np.flatnonzero(where)
    result = np.zeros(len(values), np.bool_)
    result[chosen] = differs(values[chosen])
    return result

"""A `Score` to a MIDI file of type 1: key, tempo and meter first, then one track a part. Same score, same bytes.

Each part has a channel of its own, channel 10 being the drums'. Where there are more than fifteen
besides drums, a channel changes hands when its notes have ended, the one that has been silent longest first; where
more than fifteen sound at once, the others go to a further port (meta event 0x21), which has sixteen channels of its
own. No two parts ever share a channel at one time, so that neither ends the notes of the other.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqgen.music import programs
from seqgen.music import track_bytes as out
from seqgen.music.arrays import Ints
from seqgen.music.score import DRUMS, Score
from seqgen.music.tonality import key_of
from seqgen.music.track_bytes import ABSENT

PERCUSSION = 9
SUSTAIN = 64
PITCHED = 15  # channels of a port that are not the drums'
MAX_TICKS_PER_QUARTER = 0x7FFF
MOST_TRACKS = 200  # beside the conductor's; the reader takes 256
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
# Of the messages at one tick: what ends comes first, for a synthesizer would kill a note that begins again.
ENDS, CHANGES, STARTS = range(3)


@dataclass(frozen=True, eq=False)
class _Spans:
    """What sounds, (N,) columns: the notes in their order, then the pedals, which last as notes do.

    Attributes:
        onset, end: Ticks.
        program, part: As in a `Score`. Pedals belong to the first part of their program.
        begins, ends: (N, 3) the channel events that begin and end it, on channel 0.
    """

    onset: Ints
    end: Ints
    program: Ints
    part: Ints
    begins: Ints
    ends: Ints

    @classmethod
    def of(cls, score: Score) -> "_Spans":
        pedals = len(score.pedal)
        columns = (score.onset, score.onset + score.duration, score.program.astype(np.int64))
        held = (score.pedal[:, 0], score.pedal[:, 0] + score.pedal[:, 1], score.pedal[:, 2])
        begins = np.empty((len(score) + pedals, 3), np.int64)
        begins[:, 0], begins[: len(score), 1], begins[: len(score), 2] = NOTE_ON, score.pitch, score.velocity
        begins[len(score) :] = CONTROL, SUSTAIN, 127
        ends = begins.copy()
        ends[: len(score), 0], ends[:, 2] = NOTE_OFF, 0
        onset, end, program = (np.concatenate(pair) for pair in zip(columns, held))
        part = np.concatenate((score.part, _pedal_parts(score))) if pedals else score.part
        return cls(onset, end, program, part, begins, ends)


@dataclass(frozen=True, eq=False)
class _Slots:
    """Where the spans go.

    Attributes:
        slot: (N,) pitched channel of each span: 15 × port + number. Drums have the percussion channel.
        place, tick: (C,) spans before which the program of their slot must be told, and when.
    """

    slot: Ints
    place: Ints
    tick: Ints


def _pedal_parts(score: Score) -> Ints:
    """(P,) the part of each pedal: the first of its program, or one of its own."""
    first = {program: part for part, program in sorted(zip(score.part.tolist(), score.program.tolist()), reverse=True)}
    own = int(score.part.max(initial=-1)) + 1
    return np.array([first.get(program, own + program) for program in score.pedal[:, 2].tolist()], np.int64)


def write_score(score: Score) -> bytes:
    """The bytes of a MIDI file. Meters that MIDI cannot name (their denominator is no power of two) are left out."""
    score = _fitting(score)
    return out.file_bytes(score.ticks_per_quarter, [_conductor(score), *_instruments(score)])


def _instruments(score: Score) -> list[bytes]:
    """The track of each part and port, in the order of these."""
    spans = _Spans.of(score)
    if len(spans.onset) == 0:
        return []
    slots = _slots(spans)
    port, channel = np.divmod(slots.slot, PITCHED)
    channel = np.where(spans.program == DRUMS, PERCUSSION, channel + (channel >= PERCUSSION))
    keys, first, track = np.unique(spans.part << 32 | port, return_index=True, return_inverse=True)
    owners = [(int(spans.part[at]), int(spans.program[at])) for at in first]
    titles = [dict(enumerate(score.names)).get(part) or programs.name(program) for part, program in owners]
    if len(keys) > MOST_TRACKS:  # parts that wander between ports: one track a port
        keys, track = np.unique(port, return_inverse=True)
        titles = [""] * len(keys)
    number = np.where(spans.program == DRUMS, score.kit, spans.program)[slots.place]
    changes = np.stack((np.full(len(number), PROGRAM), number, np.full(len(number), ABSENT)), axis=1)
    place = np.arange(len(track))
    parts = (  # order within the tick, span, tick, event
        (ENDS, place, spans.end, spans.ends),
        (CHANGES, slots.place, slots.tick, changes),
        (STARTS, place, spans.onset, spans.begins),
    )
    which = np.concatenate([part[1] for part in parts])
    order = np.concatenate([kind * len(track) + spans_of for kind, spans_of, _, _ in parts])
    tick = np.concatenate([part[2] for part in parts])
    events = np.concatenate([part[3] for part in parts])
    events[:, 0] += channel[which]
    bodies = out.channel_tracks(tick, order, track[which], events, len(keys))
    ports = (keys & 0xFFFFFFFF).tolist()
    return [_opening(name, number) + body + _END for name, number, body in zip(titles, ports, bodies)]


_END = out.meta(0, out.END_OF_TRACK)


def _opening(name: str, port: int) -> bytes:
    """The name and the port of a track, where it has one."""
    named = out.meta(0, out.TRACK_NAME, name.encode()) if name else b""
    return named + (out.meta(0, out.PORT, bytes([port])) if port else b"")


def _fitting(score: Score) -> Score:
    """The score with no more ticks in a quarter note than a file can state."""
    factor = -(-score.ticks_per_quarter // MAX_TICKS_PER_QUARTER)
    if factor == 1:
        return score
    onset, end = score.onset // factor, (score.onset + score.duration) // factor
    return dataclasses.replace(
        score,
        ticks_per_quarter=score.ticks_per_quarter // factor,
        onset=onset,
        duration=np.maximum(end - onset, 1),
        tempo_tick=score.tempo_tick // factor,
        tempo=score.tempo * factor * (score.ticks_per_quarter // factor) // score.ticks_per_quarter,
        meter_tick=score.meter_tick // factor,
        length=score.length // factor + 1,
        pedal=score.pedal // np.array([factor, factor, 1]),
    )


def _conductor(score: Score) -> bytes:
    """The track of the key, tempos and meters, which says how long the piece is."""
    rows = [(tick, CHANGES, value, 0) for tick, value in zip(score.tempo_tick.tolist(), score.tempo.tolist())]
    rows += [
        (tick, STARTS, over, under)
        for tick, (over, under) in zip(score.meter_tick.tolist(), score.meter.tolist())
        if under.bit_count() == 1 and 0 < over < 256
    ]
    parts, now = [out.meta(0, out.TRACK_NAME, score.title.encode())] if score.title else [], 0
    parts += _key(score)
    for tick, kind, first, second in sorted(rows, key=lambda row: row[:2]):
        parts.append(out.tempo(tick - now, first) if kind == CHANGES else out.meter(tick - now, first, second))
        now = tick
    return b"".join([*parts, out.meta(max(score.length - now, 0), out.END_OF_TRACK)])


def _key(score: Score) -> list[bytes]:
    """The key signature of the key that the piece sounds like; nothing where nothing has a pitch."""
    pitched = score.program != DRUMS
    if not pitched.any():
        return []
    sounding = np.bincount(score.pitch[pitched] % 12, score.duration[pitched], 12)
    return [out.key(*key_of(tuple(sounding.astype(int).tolist())))]


def _slots(spans: _Spans) -> _Slots:
    """A slot for each span. Up to fifteen pitched parts keep a channel each."""
    pitched = np.unique(spans.part[spans.program != DRUMS])
    if len(pitched) > PITCHED:
        return _shared_slots(spans)
    slot = np.where(spans.program == DRUMS, 0, np.searchsorted(pitched, spans.part))
    by_onset = np.argsort(spans.onset, kind="stable")
    told = np.where(spans.program == DRUMS, -1, spans.part)[by_onset]  # all drums have one channel
    place = by_onset[np.unique(told, return_index=True)[1]]
    return _Slots(slot, place, np.zeros(len(place), np.int64))


def _shared_slots(spans: _Spans) -> _Slots:
    """A slot for each span, by onset, where parts must take turns. Drums have no need of one."""
    slots = {DRUMS: 0}
    owner, free_from = list[int](), list[int]()
    told = set[int]()  # parts whose program their channel has
    result, changes = np.zeros(len(spans.onset), np.int64), list[tuple[int, int]]()
    parts = np.where(spans.program == DRUMS, DRUMS, spans.part + DRUMS + 1)
    rows = list(zip(spans.onset.tolist(), spans.end.tolist(), parts.tolist()))
    for place in np.argsort(spans.onset, kind="stable").tolist():
        onset, end, part = rows[place]
        if part not in slots:
            slot = _free_slot(free_from, onset)
            if slot == len(owner):
                owner.append(part)
                free_from.append(0)
            told.discard(owner[slot])
            slots.pop(owner[slot], None)
            owner[slot] = part
            slots[part] = slot
        result[place] = slot = slots[part]
        if part != DRUMS:
            free_from[slot] = max(free_from[slot], end)
        if part not in told:
            changes.append((place, onset if part != DRUMS else 0))
        told.add(part)
    table = np.array(changes, np.int64)
    return _Slots(result, table[:, 0], table[:, 1])


def _free_slot(free_from: list[int], onset: int) -> int:
    """An unused slot of port 0, else the slot that has been silent longest, else a new one."""
    if len(free_from) < PITCHED:
        return len(free_from)
    slot = min(range(len(free_from)), key=free_from.__getitem__)
    return slot if free_from[slot] <= onset else len(free_from)

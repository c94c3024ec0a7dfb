"""Any file of music to a `Score`: MIDI here, MusicXML and ABC by their own modules.

The MIDI reader is bounded (`chunks.MAX_BYTES`, `chunks.MAX_TRACKS`, `stretches.MAX_EVENTS`, MAX_SECONDS) and tolerant:
given a report it keeps what can be read and counts what was dropped or repaired; without one, damage is an error.
"""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from seqgen.errors import MidiError
from seqgen.music.arrays import Ints
from seqgen.music.chunks import is_midi, read_chunks, single_tracks
from seqgen.music.events import END_OF_TRACK, SYSEX, Events, read_events
from seqgen.music.faults import Faults
from seqgen.music.notes import PORT, Channels, channel_events, pair_notes, programs
from seqgen.music.pedals import Pedals, fold, pedals
from seqgen.music.score import DEFAULT_TEMPO, DRUMS, MAX_SECONDS, Score
from seqgen.report import Report

SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".mxl", ".musicxml", ".abc")
UNCERTAIN = (".xml",)  # may be MusicXML
TRACK_NAME, TEMPO, METER, KEY = 0x03, 0x51, 0x58, 0x59
MAX_METER = 64, 6  # numerator, and the denominator as a power of two
TITLE_BYTES = 200

_ABC = re.compile(rb"^X:", re.M)


def read_score(data: bytes, report: Report | None = None, *, fold_pedal: bool = True) -> Score:
    """The music in a MIDI, RMID, MusicXML, MXL or ABC file.

    Args:
        data: The whole file.
        report: Counts what is dropped or repaired; None makes damage an error.
        fold_pedal: Lengthen notes by the sustain pedal; False keeps it apart, in `Score.pedal`.

    Raises:
        MidiError: The file is of no such kind, is past a limit, cannot be read, or (when strict) is damaged.
    """
    if is_midi(data):
        return read_midi(data, report, fold_pedal=fold_pedal)
    if is_musicxml(data):
        from seqgen.music.notation.musicxml.read import read_musicxml

        return _within_a_day(read_musicxml(data, report))
    if is_abc(data):
        from seqgen.music.notation.abc.read import read_abc

        return _within_a_day(read_abc(data, report))
    what = f"begins with {bytes(data[:4])!r}" if data else "is empty"
    raise MidiError(f"byte 0: no file of music: it {what}", "expected MIDI ('MThd'), MusicXML, MXL or ABC ('X:')")


def is_musicxml(data: bytes) -> bool:
    """Whether the bytes open like XML (in any Unicode encoding) or a zip archive."""
    opening = data[:64].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return data[:4] == b"PK\x03\x04" or opening.replace(b"\0", b"").lstrip()[:1] == b"<"


def is_abc(data: bytes) -> bool:
    """Whether there is an ABC tune header in the bytes."""
    return b"\0" not in data[:1024] and _ABC.search(data.removeprefix(b"\xef\xbb\xbf")) is not None


def read_midi(data: bytes, report: Report | None = None, *, fold_pedal: bool = True) -> Score:
    """The music in a MIDI file; see `read_score`. Of several pieces (type 2) only the first can be read."""
    faults = Faults(report)
    chunks = read_chunks(data, faults)
    tracks = chunks.tracks
    if chunks.format == 2 and len(tracks) > 1:
        problem = f"file is of type 2 and holds {len(tracks)} pieces, expected one"
        faults.dropped("further piece of a type 2 file", 8, problem)
        tracks = tracks[:1]
    if not tracks:
        raise MidiError(f"byte {len(data)}: file has no track", "drop the file, or pass -P skip_bad true")
    events = read_events(data, tracks, faults)
    _count_meta(events, faults)
    tempo_tick, tempo = _tempos(events, data, faults)
    if chunks.tempo is not None:
        faults.left_out("tempo under SMPTE time", len(tempo) - 1)
        tempo_tick, tempo = np.zeros(1, np.int64), np.array([chunks.tempo], np.int64)
    meter_tick, meter = _meters(events, data, faults)
    rest = {"tempo_tick": tempo_tick, "tempo": tempo, "meter_tick": meter_tick, "meter": meter}
    score = _score(events, data, faults, chunks.ticks_per_quarter, fold_pedal, rest)
    return _within_a_day(score)


def documents(data: bytes) -> Sequence[bytes]:
    """The pieces in a file: the tracks of a type 2 MIDI file, the tunes of an ABC tune book; else the file itself."""
    if is_midi(data):
        return pieces(data)
    if is_abc(data) and not is_musicxml(data):
        from seqgen.music.notation.abc.book import split_abc

        return split_abc(data)
    return (data,)


def pieces(data: bytes) -> list[bytes]:
    """The documents in a MIDI file: the tracks of a type 2 file, each as a file; else the file itself."""
    try:
        chunks = read_chunks(data, Faults(Report()))
    except MidiError:
        return [data]  # reading it will tell what is wrong
    return single_tracks(data, chunks) if chunks.format == 2 and len(chunks.tracks) > 1 else [data]


def _score(
    events: Events, data: bytes, faults: Faults, ticks_per_quarter: int, fold_pedal: bool, rest: dict[str, Ints]
) -> Score:
    channels = channel_events(events, data, faults)
    ons, end, end_rank = pair_notes(channels, events.last, faults)
    held = pedals(channels, events.last, faults)
    program, kit = programs(channels, ons)
    if fold_pedal:
        end = fold(channels, held, ons, end, end_rank)
        intervals = np.zeros((0, 3), np.int64)
    else:
        intervals = _intervals(channels, held)
    onset = channels.tick[ons]
    columns = (onset, end - onset, channels.first[ons], channels.second[ons], program)
    width = int(channels.channel.max(initial=0)) + 1
    owner, which = np.unique(channels.track[ons] * width + channels.channel[ons], return_inverse=True)
    return Score.from_notes(
        ticks_per_quarter,
        np.stack(columns, axis=1),
        **rest,
        length=int(events.last.max(initial=0)),
        kit=kit,
        title=_title(events, data),
        pedal=intervals,
        part=which,
        names=_part_names(events, data, owner // width),
    )


def _intervals(channels: Channels, held: Pedals) -> Ints:
    """(P, 3) onset, duration, program of each pedal; the program is the channel's when it goes down."""
    program, _ = programs(channels, held.down)
    onset = channels.tick[held.down]
    rows = np.stack((onset, held.end - onset, program), axis=1)
    return np.asarray(rows[(program != DRUMS) & (rows[:, 1] > 0)])


def _within_a_day(score: Score) -> Score:
    """The score, if its notes end within MAX_SECONDS; a longer rest at its end is cut."""
    end = int((score.onset + score.duration).max(initial=0))
    if float(score.seconds(end)) > MAX_SECONDS:
        hours = float(score.seconds(end)) / 3600
        raise MidiError(f"music is too long (expected at most 24 hours, found {hours:.1f})", "drop the file")
    if score.duration_seconds <= MAX_SECONDS:
        return score
    return dataclasses.replace(score, length=end)


def _count_meta(events: Events, faults: Faults) -> None:
    faults.left_out("system exclusive message", int((events.status == SYSEX).sum()))
    kinds = np.bincount(events.first[events.meta], minlength=256)
    faults.left_out("text", int(kinds[1:16].sum() - kinds[TRACK_NAME]))
    faults.left_out("key signature", int(kinds[KEY]))
    known = [*range(1, 16), PORT, END_OF_TRACK, TEMPO, METER, KEY]
    faults.left_out("other meta event", int(kinds.sum() - kinds[known].sum()))


def _meta(events: Events, kind: int) -> Ints:
    """Indices of the meta events of a kind, in playing order."""
    found = events.meta[events.first[events.meta] == kind]
    return np.asarray(found[np.argsort(events.tick[found], kind="stable")])


def _tempos(events: Events, data: bytes, faults: Faults) -> tuple[Ints, Ints]:
    """(T,) ticks and (T,) microseconds a quarter note, from all tracks; the last of several at one tick counts."""
    found = _meta(events, TEMPO)
    good = found[events.size[found] == 3]
    raw = np.frombuffer(data, np.uint8)[events.start[good][:, None] + np.arange(3)].astype(np.int64)
    tempo = raw @ np.array([65536, 256, 1])
    good, tempo = good[tempo > 0], tempo[tempo > 0]
    faults.left_out("bad tempo", len(found) - len(good))
    tick, tempo = _last_of_each(events.tick[good], tempo, faults, "duplicate tempo")
    if len(tick) == 0 or tick[0] > 0:
        tick, tempo = np.append(0, tick), np.append(DEFAULT_TEMPO, tempo)
    return tick, tempo


def _meters(events: Events, data: bytes, faults: Faults) -> tuple[Ints, Ints]:
    """(M,) ticks and (M, 2) numerators and denominators; absurd ones are left out."""
    found = _meta(events, METER)
    good = found[events.size[found] >= 2]
    raw = np.frombuffer(data, np.uint8)[events.start[good][:, None] + np.arange(2)].astype(np.int64)
    sane = (raw[:, 0] >= 1) & (raw[:, 0] <= MAX_METER[0]) & (raw[:, 1] <= MAX_METER[1])
    faults.left_out("bad meter", len(found) - int(sane.sum()))
    raw[:, 1] = 1 << np.minimum(raw[:, 1], MAX_METER[1])
    tick, meter = _last_of_each(events.tick[good][sane], raw[sane], faults, "duplicate meter")
    if len(tick) == 0 or tick[0] > 0:
        tick, meter = np.append(0, tick), np.concatenate(([[4, 4]], meter))
    return tick, meter


def _last_of_each(tick: Ints, value: Ints, faults: Faults, kind: str) -> tuple[Ints, Ints]:
    last = np.append(tick[1:] != tick[:-1], True)[: len(tick)]
    faults.mended(kind, len(tick) - int(last.sum()))
    return tick[last], value[last]


def _title(events: Events, data: bytes) -> str:
    """The name of the first track; UTF-8 where it is, else Latin-1."""
    names = events.meta[(events.first[events.meta] == TRACK_NAME) & (events.track[events.meta] == 0)]
    if len(names) == 0:
        return ""
    return _text(events, data, int(names[0]))


def _part_names(events: Events, data: bytes, track: Ints) -> tuple[str, ...]:
    """The names of parts, given the (P,) tracks they are in. Where a track holds several its name is no part's."""
    found = events.meta[events.first[events.meta] == TRACK_NAME]
    of = {int(events.track[at]): int(at) for at in found[::-1]}  # the first of each track
    alone = np.bincount(track)[track] == 1 if len(track) else track
    return tuple(
        _text(events, data, of[number]) if number in of and single else ""
        for number, single in zip(track.tolist(), alone.tolist())
    )


def _text(events: Events, data: bytes, index: int) -> str:
    """What a text event says, on one line."""
    start, size = int(events.start[index]), int(events.size[index])
    raw = data[start : start + min(size, TITLE_BYTES)]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(char for char in text if char.isprintable()).strip()

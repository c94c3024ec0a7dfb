"""MusicXML scores, plain (.xml, .musicxml) and compressed (.mxl), as they are played.

The reader is bounded and tolerant like the MIDI reader: given a report it keeps what can be read and counts the rest;
without one, damage is an error. What happens to what is written:

- Ticks: the least common multiple of all `divisions` and 24, so that every duration is exact; where that is beyond
  what a MIDI file can say, 10080 (divisible by 1 to 10), and *places* in a measure are rounded, not durations, so that
  errors do not add up. A measure is as long as its longest part; one that is empty in all parts lasts by its meter.
  The meter map has a bar line wherever the score has one (`meters`).
- Each part, and each voice of a part that is more than a passing one (`lines`), is a part of the score.
- Repeats and endings are played, and da capo, dal segno and coda where the file says so by `<sound>` (`jumps`).
- Tied notes are one note. Grace notes last a 32nd before the beat, taken from the note before. Transposing
  instruments sound as they sound. Small (cue) notes are left out, unless they are the music: where the program that
  wrote the file writes any small note so (MuseScore), or where a part holds no others. Either way they are counted.
- The program is the file's; without one it is guessed from the part's name (`instruments`), as is the drum of a note
  without pitch. Dynamic marks set velocities; there are no hairpins. Fermatas are ignored; ornaments, articulations,
  lyrics and the like are counted.
"""

import math

import numpy as np

from seqgen.music.faults import Faults, refuse
from seqgen.music.notation.bars import (
    MAX_BYTES,
    MAX_NOTES,
    Bar,
    Line,
    Row,
    checked,
    play,
    play_order,
    plays_of,
    printable,
    starts_of,
    timeline,
)  # fmt: skip
from seqgen.music.notation.jumps import followed
from seqgen.music.notation.lines import grouped
from seqgen.music.notation.meters import Meter, bar_ticks, in_force, meter_map, rounded
from seqgen.music.notation.musicxml.archive import unpack
from seqgen.music.notation.musicxml.parse import Document, ParsedPart, parse
from seqgen.music.notation.musicxml.part import MAX_DIVISIONS, PartReader, Written
from seqgen.music.score import DEFAULT_TEMPO, Score
from seqgen.report import Report

FINEST = 32767  # ticks a quarter note that a MIDI file can say
FALLBACK = 10080
SMALL_NOTES = ("musescore",)  # in the names of programs that write a note of small size as a cue note


def read_musicxml(data: bytes, report: Report | None = None) -> Score:
    """The music in a MusicXML file, compressed or not.

    Args:
        data: The whole file.
        report: Counts what is dropped or repaired; None makes damage an error.

    Raises:
        MidiError: The file is no MusicXML, is past a limit, holds no notes, declares entities or (when strict) is
            damaged.
    """
    if len(data) > MAX_BYTES:
        refuse(MAX_BYTES, f"file is too long (expected at most {MAX_BYTES:,} bytes, found {len(data):,})")
    faults = Faults(report)
    document = parse(unpack(data, faults) if data[:2] == b"PK" else data, faults)
    return checked(_score(document, faults))


def _score(document: Document, faults: Faults) -> Score:
    ticks = _ticks_per_quarter(document)
    small = any(name in document.head.get("software", "").lower() for name in SMALL_NOTES)
    parts = {name: part for name, part in document.parts.items() if part.measures}
    written = [_read_part(part, ticks, faults, small) for part in parts.values()]
    across = _across(written)
    meters = _held(across)
    bars = _bars(across, meters, ticks)
    order = followed(play_order(bars), bars, faults)
    starts = starts_of(order, [bar.length for bar in bars])
    plays = plays_of(order, len(bars))
    rows: list[Row] = []
    owner: list[int] = []
    names: list[str] = []
    for part, measures in zip(parts.values(), written):
        made, lines = play([each.notes for each in measures], plays, starts, MAX_NOTES - len(rows))
        owner += _owners(made, lines, len(names))
        rows += made
        names += [_name(part)] * (max(owner, default=-1) + 1 - len(names))
    tempo = timeline(
        [sorted(set().union(*(each.tempos for each in one))) for one in across], order, starts, DEFAULT_TEMPO
    )
    meter = meter_map(order, starts, bars, meters, ticks, faults)
    return Score.from_notes(
        ticks,
        rows,
        tempo_tick=np.array([tick for tick, _ in tempo], np.int64),
        tempo=np.array([value for _, value in tempo], np.int64),
        meter_tick=np.array([tick for tick, _ in meter], np.int64),
        meter=np.array([value for _, value in meter], np.int64),
        length=starts[-1],
        part=owner,
        names=names,
        title=printable(document.head.get("work-title") or document.head.get("movement-title") or ""),
    )


def _when(change: tuple[int, Meter | None]) -> tuple[int, Meter]:
    """What meters are sorted by: their place, free meter last, so that what any part has counts."""
    return change[0], change[1] or (0, 0)


def _owners(rows: list[Row], lines: list[Line], first: int) -> list[int]:
    """For each note of a part the number of its part of the score, the first of which is `first`."""
    return [first + part for part in grouped(rows, lines)]


def _name(part: ParsedPart) -> str:
    return printable(part.fields.get("part-name") or part.fields.get("part-abbreviation") or "")


def written_bars(document: Document, faults: Faults) -> tuple[list[Bar], int]:
    """The measures of a score, and ticks in a quarter note."""
    ticks = _ticks_per_quarter(document)
    across = _across([_read_part(part, ticks, faults, False) for part in document.parts.values() if part.measures])
    return _bars(across, _held(across), ticks), ticks


def _held(across: list[list[Written]]) -> list[list[Meter | None]]:
    """The meters that hold in each measure, whichever part says them."""
    return in_force([sorted(set().union(*(each.meters for each in one)), key=_when) for one in across], None)


def _across(parts: list[list[Written]]) -> list[list[Written]]:
    """For each measure, what stands there in those parts that are so long: no work for what is not written."""
    across: list[list[Written]] = [[] for _ in range(max(map(len, parts), default=0))]
    for part in parts:
        for measure, written in zip(across, part):
            measure.append(written)
    return across


def _read_part(part: ParsedPart, ticks: int, faults: Faults, small: bool) -> list[Written]:
    reader = PartReader(part, ticks, faults, small)
    return [reader.read(measure) for measure in part.measures]


def _ticks_per_quarter(document: Document) -> int:
    """Ticks in which every duration of the score is whole, or FALLBACK where they would be too fine."""
    result = 24
    for part in document.parts.values():
        for measure in part.measures:
            for kind, fields in measure.items:
                if kind == "attributes" and fields.get("divisions", "").isdecimal():
                    divisions = int(fields["divisions"])
                    if 1 <= divisions <= MAX_DIVISIONS:
                        result = math.lcm(result, divisions)
                    if result > FINEST:
                        return FALLBACK
                elif kind == "note" and "." in fields.get("duration", ""):
                    return FALLBACK
    return result


def _bars(across: list[list[Written]], meters: list[list[Meter | None]], ticks: int) -> list[Bar]:
    """The measures with what any part says of repeats and endings, and their lengths."""
    bars = []
    ending = frozenset[int]()
    for measure, held in zip(across, meters):
        for written in measure:
            ending = written.ending or ending
        passes = max(written.passes for written in measure)
        begins = any(written.begins for written in measure)
        marks = frozenset(mark for written in measure for mark in written.marks)
        length = _length(measure, held, ticks)
        bars.append(Bar(length=length, begins=begins, passes=passes, endings=ending, marks=marks))
        if any(written.ending_stops for written in measure):
            ending = frozenset()
    return bars


def _length(measure: list[Written], meters: list[Meter | None], ticks: int) -> int:
    """As long as what is written in any part; rests that last all of it, and nothing, last by the meter."""
    extent = max(written.extent for written in measure)
    if extent:
        return rounded(extent, meters, ticks)
    rests = max(written.rests for written in measure)
    full = bar_ticks(meters[-1], ticks) if meters[-1] else 0
    return min(rests or full, full or rests) or bar_ticks((4, 4), ticks)

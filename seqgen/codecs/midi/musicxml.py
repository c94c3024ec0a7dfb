"""MusicXML scores, plain (.xml, .musicxml) and compressed (.mxl), as they are played.

The reader is bounded and tolerant like the MIDI reader: given a report it keeps what can be read and counts the rest;
without one, damage is an error. What happens to what is written:

- Ticks: the least common multiple of all `divisions` and 24, so that every duration is exact; where that is beyond
  what a MIDI file can say, 10080 (divisible by 1 to 10), and *places* in a measure are rounded, not durations, so that
  errors do not add up. A measure is as long as its longest part; one that is empty in all parts lasts by its meter.
- Repeats and endings are played. Da capo, dal segno and coda are not; they are counted as `jump`.
- Tied notes are one note. Grace notes last a 32nd before the beat, taken from the note before. Transposing
  instruments sound as they sound.
- The program is the file's; without one it is guessed from the part's name (`instruments`). Dynamic marks set
  velocities; there are no hairpins. Fermatas are ignored; ornaments, articulations, lyrics and the like are counted.
"""

import math

import numpy as np

from seqgen.codecs.midi.bars import (
    MAX_BYTES,
    MAX_NOTES,
    Bar,
    Row,
    checked,
    play,
    play_order,
    plays_of,
    printable,
    starts_of,
    timeline,
)  # fmt: skip
from seqgen.codecs.midi.faults import Faults, refuse
from seqgen.codecs.midi.musicxml_archive import unpack
from seqgen.codecs.midi.musicxml_parse import Document, Part, parse
from seqgen.codecs.midi.musicxml_part import MAX_DIVISIONS, PartReader, Written
from seqgen.codecs.midi.score import DEFAULT_TEMPO, Score
from seqgen.report import Report

FINEST = 32767  # ticks a quarter note that a MIDI file can say
FALLBACK = 10080


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
    parts = [_read_part(part, ticks, faults) for part in document.parts.values() if part.measures]
    across = _across(parts)
    bars = _bars(across, ticks)
    order = play_order(bars)
    starts = starts_of(order, [bar.length for bar in bars])
    plays = plays_of(order, len(bars))
    rows: list[Row] = []
    owner: list[int] = []
    for number, part in enumerate(parts):
        rows += play([written.notes for written in part], plays, starts, MAX_NOTES - len(rows))
        owner += [number] * (len(rows) - len(owner))
    tempos = [sorted(set().union(*(written.tempos for written in measure))) for measure in across]
    meters = [sorted(set().union(*(written.meters for written in measure))) for measure in across]
    tempo = timeline(tempos, order, starts, DEFAULT_TEMPO)
    meter = timeline(meters, order, starts, (4, 4))
    return Score.from_notes(
        ticks,
        rows,
        tempo_tick=np.array([tick for tick, _ in tempo], np.int64),
        tempo=np.array([value for _, value in tempo], np.int64),
        meter_tick=np.array([tick for tick, _ in meter], np.int64),
        meter=np.array([value for _, value in meter], np.int64),
        length=starts[-1],
        part=owner,
        title=printable(document.head.get("work-title") or document.head.get("movement-title") or ""),
    )


def _across(parts: list[list[Written]]) -> list[list[Written]]:
    """For each measure, what stands there in those parts that are so long: no work for what is not written."""
    across: list[list[Written]] = [[] for _ in range(max(map(len, parts), default=0))]
    for part in parts:
        for measure, written in zip(across, part):
            measure.append(written)
    return across


def _read_part(part: Part, ticks: int, faults: Faults) -> list[Written]:
    reader = PartReader(part, ticks, faults)
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
    return result


def _bars(across: list[list[Written]], ticks: int) -> list[Bar]:
    """The measures with what any part says of repeats and endings, and their lengths."""
    bars = []
    meter, ending = (4, 4), frozenset[int]()
    for measure in across:
        for written in measure:
            meter = written.meters[-1][1] if written.meters else meter
            ending = written.ending or ending
        length = max(written.extent for written in measure) or 4 * ticks * meter[0] // meter[1]
        passes = max(written.passes for written in measure)
        begins = any(written.begins for written in measure)
        bars.append(Bar(length=length, begins=begins, passes=passes, endings=ending))
        if any(written.ending_stops for written in measure):
            ending = frozenset()
    return bars

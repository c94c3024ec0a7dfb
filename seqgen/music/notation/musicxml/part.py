"""One part of a MusicXML score: items to written notes. Knows one measure at a time, no other part and no repeats.

Source: MusicXML 4.0 (W3C Community Group, 2021), element reference.
"""

import bisect
import re
from dataclasses import dataclass, field

from seqgen.music.faults import Faults
from seqgen.music.notation.bars import BY_TIME, DYNAMICS, MAX_QUARTERS, VELOCITY, Note, ending_numbers, place_graces
from seqgen.music.notation.jumps import MARKS
from seqgen.music.notation.meters import Meter, bar_ticks
from seqgen.music.notation.musicxml import values
from seqgen.music.notation.musicxml.parse import Fields, Measure, ParsedPart
from seqgen.music.notation.musicxml.sound import Sounds

MAX_DIVISIONS = 1 << 20
MAX_SKIP = 1 << 14  # quarter notes of a backup or forward
FAR = 1 << 60


@dataclass(slots=True)
class Written:
    """A measure as written: its notes, its extent in ticks, and what else stands in it.

    Attributes:
        notes: In the order of their times.
        rests: The extent of rests that last as long as the measure does, whatever they say.
        tempos: Ticks in the measure, microseconds a quarter note.
        meters: Ticks in the measure, (numerator, denominator), or None from where on there are no bars.
        begins, passes: Repeat signs; see `bars.Bar`.
        ending: The numbers of an ending that begins here.
        ending_stops: An ending stops with this measure.
        marks: What it says of jumps; see `jumps.MARKS`.
    """

    notes: list[Note] = field(default_factory=list)
    extent: int = 0
    rests: int = 0
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, Meter | None]] = field(default_factory=list)
    begins: bool = False
    passes: int = 0
    ending: frozenset[int] = frozenset()
    ending_stops: bool = False
    marks: set[str] = field(default_factory=set)


class PartReader:
    """Reads the measures of one part, in order.

    Args:
        part: Its name and instruments.
        ticks_per_quarter: Of the score.
        faults: Where damage is told.
        small: Whether small (cue) notes are music: the program that wrote the file writes any small note so.
    """

    def __init__(self, part: ParsedPart, ticks_per_quarter: int, faults: Faults, small: bool = False) -> None:
        self._ticks_per_quarter = ticks_per_quarter
        self._faults = faults
        self._small = small or _all_small(part)
        self._sounds = Sounds(part, faults)
        self._meter: Meter | None = None
        self._velocity = VELOCITY
        self._divisions = 0
        self._where = Measure(0, "")
        self._begin()

    def _begin(self) -> None:
        """A new measure: the cursor at its beginning."""
        self._cursor: int | float = 0  # in divisions from `_origin`, which is in ticks
        self._origin = 0
        self._chord_at: int | float = 0
        self._levels: list[tuple[int, int]] = []  # ticks, velocity from there on
        self._graces: dict[tuple[str, str, int], list[list[Note]]] = {}
        self._written = Written()

    def read(self, measure: Measure) -> Written:
        """The measure, times in ticks from its beginning."""
        self._where = measure
        self._begin()
        written = self._written
        for kind, fields in measure.items:
            if kind == "note":
                self._note(fields)
            elif kind in ("backup", "forward"):
                self._move(fields, -1 if kind == "backup" else 1)
            elif kind == "attributes":
                self._attributes(fields)
            elif kind == "barline":
                _barline(fields, written)
            elif kind == "midi-instrument":
                self._sounds.change(max(0, self._ticks(self._cursor)), fields)
            else:
                self._direction(fields)
        self._sounds.end_measure()
        if self._graces:
            written.notes += place_graces(
                ((at, chords) for (*_, at), chords in self._graces.items()), self._ticks_per_quarter
            )
        written.notes.sort(key=BY_TIME)
        if self._levels:
            self._apply_levels()
        return written

    def _ticks(self, cursor: int | float) -> int:
        """A place in divisions as the nearest tick: what rounding there is does not add up."""
        divisions = self._divisions or 1
        return self._origin + int((2 * cursor * self._ticks_per_quarter + divisions) // (2 * divisions))

    def _note(self, fields: Fields) -> None:
        if "grace" in fields:
            self._grace(fields)
            return
        duration = self._duration(fields)
        if duration is None:
            return
        if "chord" not in fields:
            self._chord_at = self._cursor
            self._cursor += duration
            self._extend(fields)
        if "rest" in fields or not self._heard(fields):
            return
        onset = self._ticks(self._chord_at)
        ticks = self._ticks(self._chord_at + duration) - onset
        note = self._sound(fields, onset, ticks) if onset >= 0 else None
        if note is not None and duration:
            self._written.notes.append(note)

    def _extend(self, fields: Fields) -> None:
        """The measure is at least so long as the cursor has come; but only notes make it longer than its meter."""
        at = self._ticks(self._cursor)
        if fields.get("rest@measure") == "yes":
            self._written.rests = max(self._written.rests, at)
        elif fields.get("note@print-object") == "no" or ("cue" in fields and not self._small):
            self._fill(at, most=None if self._where.implicit else self._full())
        else:
            self._fill(at, most=None)

    def _full(self) -> int | None:
        """The length of a measure of the meter; None without one."""
        return bar_ticks(self._meter, self._ticks_per_quarter) if self._meter else None

    def _fill(self, at: int, most: int | None) -> None:
        self._written.extent = max(self._written.extent, at if most is None else min(at, most))

    def _heard(self, fields: Fields) -> bool:
        """Whether a note is music and no cue of what another part plays: nobody reads a cue that is not printed."""
        if "cue" not in fields:
            return True
        heard = self._small or fields.get("note@print-object") == "no"
        if heard:
            self._faults.mended("cue note taken for music")
        else:
            self._faults.left_out("cue note")
        return heard

    def _grace(self, fields: Fields) -> None:
        """Keep a grace note until the measure is read: its time depends on how many there are."""
        if not self._heard(fields):
            return
        at = self._ticks(self._cursor)
        note = self._sound(fields, at, 1) if at >= 0 else None
        if note is None:
            return
        chords = self._graces.setdefault((note.voice, note.staff, at), [])
        if "chord" in fields and chords:
            chords[-1].append(note)
        else:
            chords.append([note])

    def _sound(self, fields: Fields, at: int, duration: int) -> Note | None:
        pitch, program = self._sounds.of(fields, at)
        if pitch < 0:
            said = "".join(fields.get(key, "") for key in ("step", "alter", "octave"))
            problem = f"pitch is {said!r}, expected a step, an alter and an octave within MIDI's range"
            self._fault("bad pitch", problem)
            return None
        velocity = self._velocity
        if "dynamics" in fields:
            velocity = values.velocity(fields["dynamics"]) or velocity
        voice, staff = fields.get("voice", ""), fields.get("staff", "")
        on, back = "tie start" in fields, "tie stop" in fields
        return Note(at, duration, pitch, velocity, program, voice, on, back, staff=staff)

    def _duration(self, fields: Fields, most: int = MAX_QUARTERS) -> int | float | None:
        """Divisions, at least 0, of at most so many quarter notes; None where it cannot be told."""
        text = fields.get("duration", "")
        value = values.number(text)
        if not self._divisions:
            self._faults.mended("no divisions")
            self._divisions = 1
        if value is not None and 0 <= value <= most * self._divisions:
            return value
        self._fault("bad duration", f"duration is {text!r}, expected 0 to {most * self._divisions:,} divisions")
        return None

    def _move(self, fields: Fields, sign: int) -> None:
        """Backup and forward. What is skipped fills a measure up to its meter, but never an upbeat.

        A backup too long for the measure leads to its beginning; one that misses it by a measure and more waits for
        the forward that leads back, and what stands between is left out.
        """
        self._cursor += sign * (self._duration(fields, MAX_SKIP) or 0)
        at, full = self._ticks(self._cursor), self._full()
        if at < 0 and sign < 0:
            self._fault("backup before the measure", "backup leads to before the measure's beginning")
        if at < 0 and -at < (full or FAR):
            self._cursor, self._origin = 0, 0
        if sign > 0 and full and not self._where.implicit:
            self._fill(at, most=full)

    def _attributes(self, fields: Fields) -> None:
        at = self._ticks(self._cursor)
        if "divisions" in fields:
            value = values.whole(fields["divisions"])
            if value is None or not 1 <= value <= MAX_DIVISIONS:
                said = fields["divisions"]
                self._fault("bad divisions", f"divisions is {said!r}, expected 1 to {MAX_DIVISIONS:,}")
            else:
                self._origin, self._cursor, self._divisions = at, 0, value
        self._sounds.transpose(fields)
        if "beats" in fields or "senza-misura" in fields:
            meter = values.meter(fields) if "beats" in fields else None
            if meter is None and "beats" in fields:
                self._faults.left_out("bad meter")
            else:
                self._meter = meter
                self._written.meters.append((at, meter))

    def _direction(self, fields: Fields) -> None:
        at = max(0, self._ticks(self._cursor + (values.whole(fields.get("offset", "0")) or 0)))
        tempo = values.tempo(fields)
        if tempo:
            self._written.tempos.append((at, tempo))
        elif tempo == 0:
            self._faults.left_out("bad tempo")
        level = values.velocity(fields.get("sound@dynamics", "")) or next(
            (value for mark, value in DYNAMICS.items() if mark in fields), None
        )
        if level:
            self._levels.append((at, level))
        self._written.marks |= {mark for mark in MARKS if fields.get(f"sound@{mark}", "no") != "no"}

    def _apply_levels(self) -> None:
        """Give notes the loudness that holds where they begin, in whatever order voices are written."""
        levels = sorted(self._levels, key=lambda level: level[0])
        ticks = [at for at, _ in levels]
        notes = self._written.notes
        for index, note in enumerate(notes):
            level = bisect.bisect_right(ticks, max(0, note.at + note.lead)) - 1
            if level >= 0 and note.velocity == self._velocity:
                notes[index] = note._replace(velocity=levels[level][1])
        self._velocity = levels[-1][1]

    def _fault(self, kind: str, problem: str) -> None:
        self._faults.dropped(kind, self._where.offset, f"measure {self._where.number}: {problem}")


def _barline(fields: Fields, written: Written) -> None:
    if fields.get("repeat@direction") == "forward":
        written.begins = True
    elif fields.get("repeat@direction") == "backward":
        written.passes = max(2, values.whole(fields.get("repeat@times", "2")) or 2)
    if fields.get("ending@type") == "start":
        written.ending = ending_numbers(tuple(re.findall(r"\d{1,2}", fields.get("ending@number", ""))))
    elif "ending@type" in fields:
        written.ending_stops = True


def _all_small(part: ParsedPart) -> bool:
    """Whether the part holds small notes and no others: then these are its music."""
    notes = [fields for measure in part.measures for kind, fields in measure.items if kind == "note"]
    sounding = ["cue" in fields for fields in notes if "rest" not in fields]
    return bool(sounding) and all(sounding)

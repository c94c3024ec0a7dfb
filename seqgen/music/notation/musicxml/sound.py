"""Which pitch and which program a note of a MusicXML part sounds with. Knows no time but the tick a change begins at.

Source: MusicXML 4.0 (W3C Community Group, 2021), element reference.
"""

from seqgen.music.faults import Faults
from seqgen.music.instruments import guess_drum, guess_program
from seqgen.music.notation.musicxml import values
from seqgen.music.notation.musicxml.parse import Fields, ParsedPart
from seqgen.music.score import DRUMS

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# Where a drum stands on the five lines of a kit: Weinberg, Norman: "Guidelines for Drumset Notation" (1998).
_PLACES = {
    "D4": 44, "F4": 36, "A4": 43, "B4": 45, "C5": 38, "D5": 47, "E5": 48, "F5": 51, "G5": 42, "A5": 49, "B5": 57,
}  # fmt: skip
SNARE = 38

Instrument = tuple[int, int | None]  # a program, and the pitch of an unpitched note where one is given


class Sounds:
    """The instruments of a part and what its staves are transposed by.

    Args:
        part: Its name and instruments.
        faults: Where drums that had to be guessed are counted.
    """

    def __init__(self, part: ParsedPart, faults: Faults) -> None:
        self._faults = faults
        self._name = part.fields.get("part-name", "")
        self._declared = part.instruments
        self._instruments = {name: values.instrument(fields, part) for name, fields in part.instruments.items()}
        self._first = next(iter(self._instruments), "")
        if not self._first:
            self._instruments[""] = guess_program(self._name), None
        self._changes: dict[str, list[tuple[int, int]]] = {}  # by instrument, ticks in the measure and programs
        self._shifts: dict[str, int] = {}  # semitones by staff; of "" for all others

    def end_measure(self) -> None:
        """What was changed holds from the beginning of the next measure on."""
        for name, changes in self._changes.items():
            self._instruments[name] = max(changes, key=lambda change: change[0])[1], self._instruments[name][1]
        self._changes = {}

    def change(self, at: int, fields: Fields) -> None:
        """An instrument's program is another one from tick `at` of the measure on."""
        name = fields.get("id", "") if fields.get("id", "") in self._instruments else self._first
        program = values.whole(fields.get("midi-program", ""))
        if program is not None and 1 <= program <= 128 and self._instruments[name][0] != DRUMS:
            self._changes.setdefault(name, []).append((at, program - 1))

    def transpose(self, fields: Fields) -> None:
        """What attributes say of transposition, of all staves or of one by its number."""
        for field in fields:
            name, _, staff = field.partition("@")
            if name == "chromatic":
                octaves = values.whole(fields.get(field.replace(name, "octave-change"), "0")) or 0
                shift = (values.whole(fields[field]) or 0) + 12 * octaves
                if not staff:
                    self._shifts = {}
                self._shifts[staff] = max(-127, min(127, shift))

    def of(self, fields: Fields, at: int) -> tuple[int, int]:
        """(pitch, program) of a note that begins at a tick of the measure; the pitch is -1 where it cannot be told."""
        name = fields.get("instrument@id", "")
        name = name if name in self._instruments else self._first
        program, drum = self._instruments[name]
        for begin, changed in self._changes.get(name, ()):
            program = changed if begin <= at else program
        if "unpitched" not in fields:
            return self._pitch(fields), program
        if drum is None:
            self._faults.mended("drum guessed")
            drum = self._guess(fields, self._declared.get(name, {}).get("instrument-name", ""))
        return drum, DRUMS

    def _guess(self, fields: Fields, instrument: str) -> int:
        """The drum of a note that no instrument tells of: by name, else by its place on the staff, else a snare."""
        named = guess_drum(instrument) or guess_drum(self._name)
        place = fields.get("display-step", "") + fields.get("display-octave", "")
        return named or _PLACES.get(place, SNARE)

    def _pitch(self, fields: Fields) -> int:
        shift = self._shifts.get(fields.get("staff", ""), self._shifts.get("", 0))
        try:
            alter = fields.get("alter")
            pitch = 12 * int(fields["octave"]) + 12 + _STEPS[fields["step"]] + shift
            if alter:
                pitch += round(float(alter))
        except (KeyError, ValueError, OverflowError):
            return -1
        return pitch if 0 <= pitch <= 127 else -1

"""What a bar held, and which token would play the next note of an earlier bar again. Knows no form."""

from typing import NamedTuple

from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v

_BETWEEN = (g.BAR, g.METER, g.REMAIN, g.VALUE, g.DRUM)  # phases in which a POS or BAR may follow
_SPELT = {g.BAR: 0, g.OVER: 1, g.UNDER: 2}  # how much of a meter has been said


class Note(NamedTuple):
    """A note or drum of a bar.

    Attributes:
        place: Steps from the beginning of the bar.
        part: Of a drum PARTS.
        sound: The pitch, of a drum 128 more than its number.
        program, velocity: As `ScoreGrammar`'s state has them.
        lengths: Its DUR tokens: one, and those tied to it.
    """

    place: int
    part: int
    sound: int
    program: int
    velocity: int
    lengths: tuple[int, ...] = ()

    @classmethod
    def begun(cls, token: int, state: g.State) -> "Note":
        """The one that a PITCH or DRUM begins; `state` is that after it."""
        if token >= v.DRUM:
            return cls(state.inside, v.PARTS, 128 + token - v.DRUM, g.NONE, state.velocity)
        part = max(state.part, 0)
        return cls(state.inside, part, token - v.PITCH, state.programs[part], state.velocity)


class Bar(NamedTuple):
    """A bar: its meter and its notes, in their order."""

    meter: tuple[int, int]
    notes: tuple[Note, ...]

    def similarity(self, other: "Bar") -> float:
        """How like another it is, 0 to 1, as `seqgen.music.bar_similarity` counts it."""
        mine, theirs = ({(note.place, note.sound) for note in bar.notes} for bar in (self, other))
        return len(mine & theirs) / max(len(mine | theirs), 1)

    def after(self, note: Note, begin: int) -> int:
        """The number of its first note from number `begin` on that stands behind `note`."""
        while begin < len(self.notes) and self.notes[begin][:3] <= note[:3]:
            begin += 1
        return begin

    def again(self, state: g.State, following: int, last: Note | None) -> int | None:
        """The token that leads to the next of its notes where another bar stands; None where none does.

        Args:
            state: Where the grammar stands in the other bar.
            following: The number of the note that is next.
            last: The latest note of the other bar.
        """
        phase = state.phase
        if phase in _SPELT and (phase != g.BAR or self.meter != state.meter):
            spelt = v.meter_tokens(*self.meter)[_SPELT[phase] :]
            return spelt[0] if spelt else None
        if phase in (g.PITCH, g.VALUE, g.TIE) and last is not None:
            lengths = next((note.lengths for note in self.notes if note[:3] == last[:3]), ())
            left = lengths[len(last.lengths) :]
            if left or phase != g.VALUE:
                return (v.TIE if phase == g.VALUE else left[0]) if left else None
        if following == len(self.notes):
            return v.BAR if phase in _BETWEEN else None
        note = self.notes[following]
        if note.place != state.inside:
            return v.POS + note.place if phase in _BETWEEN else None
        return _sound(note, state)


def _sound(note: Note, state: g.State) -> int:
    """The token that leads to a note at this place."""
    token: int = v.VEL + note.velocity
    if note.part < v.PARTS and note.part != state.part:
        token = v.PART + note.part
    elif note.part < v.PARTS and note.program != state.programs[note.part]:
        token = v.INST + note.program
    elif note.velocity == state.velocity:
        token = v.PITCH + note.sound if note.part < v.PARTS else v.DRUM + note.sound - 128
    return token

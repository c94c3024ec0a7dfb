"""A score as an ABC tune: voices, bars, meters, key, tempos, ties, triplets, rests, drums.

Source: the ABC music standard 2.1 (2011), sections 3 (fields), 4 (the tune body), 7 (voices), and abcMIDI's directives
for programs and the drum channel. A note's length is a number of eighths, as a fraction where it has to be.
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction

from seqgen.music.notation.printing import QUARTER, Bar, Event, Print, PrintedPart, printed
from seqgen.music.notation.spelling import signature, spelled, tonic_name
from seqgen.music.score import DRUMS, Score
from seqgen.music.tonality import key_of

UNIT = QUARTER // 2  # steps of an eighth
BARS_A_LINE = 4
LOW = 55
PERCUSSION = 10
PITCHED = [channel for channel in range(1, 17) if channel != PERCUSSION]
_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}


def write_abc(score: Score) -> bytes:
    """The bytes of an ABC tune.

    Raises:
        MidiError: The score holds no notes, or some that lie on no grid of 24ths.
    """
    page = printed(score)
    fifths, minor = key_of(page.counts)
    meter = page.bars[0].meter
    lines = ["%abc-2.1", "X:1", f"T:{_words(page.title) or 'Untitled'}", f"M:{meter[0]}/{meter[1]}", "L:1/8"]
    if page.bars[0].tempos and page.bars[0].tempos[0][0] == 0:
        lines.append(f"Q:1/4={page.bars[0].tempos[0][1]:.6g}")
    lines.append(f"K:{tonic_name(fifths, minor)}{'m' if minor else ''}")
    lines.append("%%MIDI chordattack 0")  # abc2midi strums chords otherwise
    channels = _channels(page)
    for number, part in enumerate(page.parts, 1):
        clef = "perc" if part.program == DRUMS else "bass" if part.mean < LOW else "treble"
        lines += [f'V:{number} name="{_words(part.name)}" clef={clef}']
        if number in channels:
            lines.append(f"%%MIDI channel {channels[number]}")
        if part.program != DRUMS:
            lines.append(f"%%MIDI program {part.program}")
        lines += _body(page, part, number == 1, fifths)
    return "\n".join([*lines, ""]).encode()


def _channels(page: Print) -> dict[int, int]:
    """Part → MIDI channel; where there are more than 15, parts of one program have one, and some may have none.

    abc2midi gives each overlaid voice a channel of its own otherwise, and plays no more notes when it has no more.
    """
    pitched = [number for number, part in enumerate(page.parts, 1) if part.program != DRUMS]
    owner = {number: number if len(pitched) <= len(PITCHED) else page.parts[number - 1].program for number in pitched}
    free = dict(zip(dict.fromkeys(owner.values()), PITCHED))
    found = {number: free[own] for number, own in owner.items() if own in free}
    return found | {number: PERCUSSION for number, part in enumerate(page.parts, 1) if part.program == DRUMS}


def _words(text: str) -> str:
    """Text without what would end it or begin a comment."""
    return text.replace('"', "'").replace("%", "").replace("\\", "/")


def _body(page: Print, part: PrintedPart, leads: bool, fifths: int) -> Iterator[str]:
    """The lines of a part."""
    line, before = "", page.bars[0].meter
    for at, bar in enumerate(page.bars):
        field = f"[M:{bar.meter[0]}/{bar.meter[1]}]" if bar.meter != before else ""
        before = bar.meter
        line += field + f" & {field}".join(_bar(bar, part, at, leads, fifths))  # each of abc2midi's voices must be told
        line += "|]" if at == len(page.bars) - 1 else "|"
        if (at + 1) % BARS_A_LINE == 0 or at == len(page.bars) - 1:
            yield line
            line = ""


def _bar(bar: Bar, part: PrintedPart, number: int, leads: bool, fifths: int) -> list[str]:
    """The voices of a bar, to be overlaid. A silent one before others keeps its place, for ties lead to places."""
    tempos = [(step, tempo) for step, tempo in bar.tempos if leads and (number or step)]
    voices = [voice[number] for voice in part.voices]
    while voices and not voices[-1]:
        voices.pop()
    if not voices:
        return [_tempo_fields(tempos) + "z" + _length(bar.steps)]
    written, signs = [], dict[str, int]()  # accidentals in this bar, by letter, whichever voice has them
    for index, events in enumerate(voices):
        said = tempos if index == 0 else []
        silent = _tempo_fields(said) + "x" + _length(bar.steps)
        written.append(_events(events, said, part, fifths, signs) if events else silent)
    return written


def _tempo_fields(tempos: list[tuple[int, float]]) -> str:
    return "".join(f"[Q:1/4={tempo:.6g}]" for _, tempo in tempos[-1:])


def _events(
    events: tuple[Event, ...], tempos: list[tuple[int, float]], part: PrintedPart, fifths: int, signs: dict[str, int]
) -> str:
    """The events of a voice in a bar, beats apart. Values of triplets stand in groups, for abc2midi takes no thirds."""
    said, waiting = [], list(tempos)
    for _, beat in itertools.groupby(events, key=lambda event: event.at // QUARTER):
        text = ""
        for triplet, run in itertools.groupby(beat, key=lambda event: event.triplet):
            group = list(run)
            text += f"(3:2:{len(group)}" if triplet else ""
            for event in group:
                while waiting and waiting[0][0] <= event.at:
                    text += f"[Q:1/4={waiting.pop(0)[1]:.6g}]"
                text += _event(event, part, fifths, signs, Fraction(3, 2) if triplet else Fraction(1))
        said.append(text)
    return " ".join(said)


def _event(event: Event, part: PrintedPart, fifths: int, signs: dict[str, int], factor: Fraction) -> str:
    length = _length(event.steps * factor)
    if not event.pitches:
        return "z" + length
    notes = [_note(pitch, part, fifths, signs, event.tied_back) for pitch in event.pitches]
    text = f"[{''.join(notes)}]" if len(notes) > 1 else notes[0]
    return text + length + ("-" if event.tied_on else "")


def _note(pitch: int, part: PrintedPart, fifths: int, signs: dict[str, int], tied: bool) -> str:
    """A note's sign, letter and octave; the sign only where the key or an earlier one in the bar says otherwise.

    Or after a tie: readers differ on whether a sign goes with it over a bar line, and from which voice.
    """
    name = spelled(pitch, 0 if part.program == DRUMS else fifths)
    holds = signs.get(name.letter, signature(fifths).get(name.letter, 0))
    sign = ""
    if name.alter != holds or name.letter in signs or tied:
        sign, signs[name.letter] = _SIGNS[name.alter], name.alter
    octave = name.octave - 4
    letter = name.letter.lower() if octave >= 1 else name.letter
    return sign + letter + ("'" * (octave - 1) if octave >= 1 else "," * -octave)


def _length(steps: int | Fraction) -> str:
    """A length in eighths: 2, 3/2, 1/2 as /2."""
    value = Fraction(steps) / UNIT
    above = "" if value.numerator == 1 else str(value.numerator)
    return above if value.denominator == 1 else f"{above}/{value.denominator}"

"""A score as MusicXML: parts, voices, bars, meters, key, tempos, ties, triplets, rests, drums.

Source: MusicXML 4.0 (W3C Community Group, 2021), element reference. Durations count 24ths of a quarter note.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from seqgen.music import programs
from seqgen.music.notation.printing import PLAIN, QUARTER, TRIPLET, Bar, Event, Print, PrintedPart, printed
from seqgen.music.notation.spelling import Name, spelled
from seqgen.music.score import DRUMS, Score
from seqgen.music.tonality import key_of

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
"""
LOUDEST = 90  # the MIDI velocity that MusicXML calls 100 %
PERCUSSION = 10
LOW, TREBLE = 55, ("G", 2)
_STEPS = "CDEFGAB"


def write_musicxml(score: Score) -> bytes:
    """The bytes of a MusicXML file.

    Raises:
        MidiError: The score holds no notes, or some that lie on no grid of 24ths.
    """
    page = printed(score)
    lines = [HEAD, f"<work><work-title>{escape(page.title)}</work-title></work>\n" if page.title else ""]
    lines += ["<part-list>\n", *(_declared(f"P{at}", part, at) for at, part in enumerate(page.parts, 1))]
    lines.append("</part-list>\n")
    for at, part in enumerate(page.parts, 1):
        lines += [f'<part id="P{at}">\n', *_measures(page, part, at), "</part>\n"]
    return "".join([*lines, "</score-partwise>\n"]).encode()


def _declared(number: str, part: PrintedPart, at: int) -> str:
    """A part of the list of parts, with its instrument, or one for each drum."""
    head = f"<score-part id={quoteattr(number)}><part-name>{escape(part.name)}</part-name>"
    if part.program != DRUMS:
        channel = at + (at >= PERCUSSION)
        instrument = f'<score-instrument id="{number}-I"><instrument-name>{escape(programs.name(part.program))}'
        sound = f"<midi-program>{part.program + 1}</midi-program>"
        middle = f'</instrument-name></score-instrument><midi-instrument id="{number}-I">'
        channels = f"<midi-channel>{channel}</midi-channel>" if channel <= 16 else ""
        return f"{head}{instrument}{middle}{channels}{sound}</midi-instrument></score-part>\n"
    drums = sorted({pitch for event in _events(part) for pitch in event.pitches})
    names = [
        f'<score-instrument id="{number}-D{drum}"><instrument-name>drum {drum}</instrument-name></score-instrument>'
        for drum in drums
    ]
    sounds = [
        f'<midi-instrument id="{number}-D{drum}"><midi-channel>{PERCUSSION}</midi-channel>'
        f"<midi-unpitched>{drum + 1}</midi-unpitched></midi-instrument>"
        for drum in drums
    ]
    return f"{head}{''.join(names)}{''.join(sounds)}</score-part>\n"


def _events(part: PrintedPart) -> Iterator[Event]:
    for voice in part.voices:
        for bar in voice:
            yield from bar


def _measures(page: Print, part: PrintedPart, number: int) -> Iterator[str]:
    fifths, minor = key_of(page.counts)
    upbeat = bool(page.bars) and page.bars[0].short
    meter = (0, 0)
    for at, bar in enumerate(page.bars):
        implicit = ' implicit="yes"' if bar.short else ""
        yield f'<measure number="{at + (0 if upbeat else 1)}"{implicit}>\n'
        yield from _attributes(bar, part, (fifths, minor) if at == 0 else None, meter)
        meter = bar.meter
        if number == 1:
            yield from (_tempo(at, tempo) for at, tempo in bar.tempos)
        yield from _voices(bar, part, at, f"P{number}", fifths)
        if at == len(page.bars) - 1:
            yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>\n'
        yield "</measure>\n"


def _attributes(bar: Bar, part: PrintedPart, key: tuple[int, bool] | None, before: tuple[int, int]) -> Iterator[str]:
    """What a bar says of divisions, key, meter and clef; the first says all of it."""
    if key is None and bar.meter == before:
        return
    yield "<attributes>"
    if key is not None:
        mode = "minor" if key[1] else "major"
        yield f"<divisions>{QUARTER}</divisions><key><fifths>{key[0]}</fifths><mode>{mode}</mode></key>"
    yield f"<time><beats>{bar.meter[0]}</beats><beat-type>{bar.meter[1]}</beat-type></time>"
    if key is not None:
        sign, line = ("F", 4) if part.mean < LOW else TREBLE
        clef = "<sign>percussion</sign>" if part.program == DRUMS else f"<sign>{sign}</sign><line>{line}</line>"
        yield f"<clef>{clef}</clef>"
    yield "</attributes>\n"


def _tempo(at: int, tempo: float) -> str:
    said = f"{tempo:.6g}"
    mark = f"<metronome><beat-unit>quarter</beat-unit><per-minute>{said}</per-minute></metronome>"
    offset = f"<offset>{at}</offset>" if at else ""
    words = f"<direction-type>{mark}</direction-type>{offset}"
    return f'<direction placement="above">{words}<sound tempo="{said}"/></direction>\n'


def _voices(bar: Bar, part: PrintedPart, number: int, name: str, fifths: int) -> Iterator[str]:
    """The voices of a bar, one after the other; the first stands even where it is silent."""
    first = True
    for voice, bars in enumerate(part.voices, 1):
        events = bars[number]
        if not events and voice != 1:
            continue
        if not first:
            yield f"<backup><duration>{bar.steps}</duration></backup>\n"
        first = False
        if not events:
            yield f'<note><rest measure="yes"/><duration>{bar.steps}</duration><voice>{voice}</voice></note>\n'
        for event in events:
            yield from _notes(event, part, voice, name, fifths)


def _notes(event: Event, part: PrintedPart, voice: int, name: str, fifths: int) -> Iterator[str]:
    kind, dots = PLAIN.get(event.steps) or (TRIPLET[event.steps], 0)
    after = f"<voice>{voice}</voice><type>{kind}</type>" + "<dot/>" * dots
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    duration = f"<duration>{event.steps}</duration>"
    if not event.pitches:
        yield f"<note><rest/>{duration}{after}{triplet if event.triplet else ''}</note>\n"
        return
    ties = ['<tie type="stop"/>'] * event.tied_back + ['<tie type="start"/>'] * event.tied_on
    tied = ['<tied type="stop"/>'] * event.tied_back + ['<tied type="start"/>'] * event.tied_on
    notations = f"<notations>{''.join(tied)}</notations>" if tied else ""
    loud = f' dynamics="{100 * event.velocity / LOUDEST:.4g}"'
    for index, pitch in enumerate(event.pitches):
        chord = "<chord/>" if index else ""
        sound, instrument = _sound(pitch, part, name, fifths)
        modified = triplet if event.triplet else ""
        yield f"<note{loud}>{chord}{sound}{duration}{''.join(ties)}{instrument}{after}{modified}{notations}</note>\n"


def _sound(pitch: int, part: PrintedPart, name: str, fifths: int) -> tuple[str, str]:
    """(what sounds, which instrument)."""
    if part.program == DRUMS:
        place = f"<display-step>{_STEPS[pitch % 7]}</display-step><display-octave>{4 + pitch // 7 % 2}</display-octave>"
        return f"<unpitched>{place}</unpitched>", f'<instrument id="{name}-D{pitch}"/>'
    return _pitch(spelled(pitch, fifths)), f'<instrument id="{name}-I"/>'


def _pitch(name: Name) -> str:
    alter = f"<alter>{name.alter}</alter>" if name.alter else ""
    return f"<pitch><step>{name.letter}</step>{alter}<octave>{name.octave}</octave></pitch>"

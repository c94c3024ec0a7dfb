"""ABC tunes, as folk tune books have them: a book into tunes, a tune into a `Score` as it is played.

The reader is our own and bounded, for such books come from anywhere. What happens to what is written:

- Repeats, first and second endings, tuplets, broken rhythms, chords, ties, grace notes and bar-long accidentals are
  played; each voice (V:) for itself. Da capo and dal segno are not, nor is the order of parts (P:); both are counted.
- Grace notes last a 32nd before the beat, taken from the note before.
- The meter map has a bar line wherever the tune has one (`meters`). Each voice is a part, by its name.
- The program is that of `%%MIDI program`, else 0. A clef such as treble-8 sounds an octave lower. Dynamic marks set
  velocities.
- Slurs are ignored; decorations, chord symbols and lyrics are counted, as are characters that mean nothing.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from seqgen.music.faults import Faults, refuse
from seqgen.music.notation.abc import fields
from seqgen.music.notation.abc.book import TUNE
from seqgen.music.notation.abc.music import read_music
from seqgen.music.notation.abc.voice import TICKS, Count, Settings, Voice
from seqgen.music.notation.bars import (
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
from seqgen.music.notation.lines import grouped
from seqgen.music.notation.meters import Meter, in_force, meter_map
from seqgen.music.score import DEFAULT_TEMPO, DRUMS, Score
from seqgen.report import Report

MAX_VOICES = 64
DRUM_CHANNEL = 10

_COMMENT = re.compile(r"(?<!\\)%.*")
_KEY = re.compile(rb"(?:^|[\r\n])K:")
_FIELD = re.compile(r"[A-Za-z]:(?![|:])")
_INDENTED = re.compile(r"[ \t]+(?:[A-Za-z]:(?![|:])|\+:|%%)")
_IN_BODY = "IKLMmNPQRrsTUVWw"  # fields that may stand between lines of music, where others would be notes
_TEXTS = {"w": "lyric", "W": "lyric", "s": "symbol line"}


def read_abc(data: bytes, report: Report | None = None) -> Score:
    """The music of an ABC tune.

    Args:
        data: One tune, or a book of which the first tune is read.
        report: Counts what is dropped or repaired; None makes damage an error.

    Raises:
        MidiError: It is past a limit, holds no notes or (when strict) is damaged or holds more than one tune.
    """
    if len(data) > MAX_BYTES:
        refuse(MAX_BYTES, f"file is too long (expected at most {MAX_BYTES:,} bytes, found {len(data):,})")
    faults = Faults(report)
    tunes = [match.start() for match in TUNE.finditer(data)]
    for start in tunes[1:]:
        faults.dropped("further tune", start, f"file is a book of {len(tunes)} tunes, expected one")
    tune = _Tune(faults)
    tune.read(data[: tunes[1]] if len(tunes) > 1 else data)
    return checked(_score(tune, faults))


class _Tune:
    """Reads a tune line by line: fields here, music by `read_music`."""

    def __init__(self, faults: Faults) -> None:
        self.title = ""
        self.voices: dict[str, Voice] = {}
        self.tempo = DEFAULT_TEMPO
        self.settings = Settings({}, fields.default_unit(None), (4, 4))
        self._faults = faults
        self._count = Count()
        self.kit = 0
        self._presets: dict[str, dict[str, Any]] = {}  # by voice, what the head says of it
        self._titles: dict[str, str] = {}  # of voices
        self._name = ""  # of the voice that fields and music belong to
        self._unit_given = self._has_key = self._in_tune = self._in_body = self._in_text = False
        self._tempo_text = ""

    def read(self, data: bytes) -> None:
        """The whole tune. A blank line after its first notes ends it."""
        at = 0
        self._has_key = _KEY.search(data) is not None
        for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", _decode(data)):
            if not line.strip() and any(voice.started for voice in self.voices.values()):
                break
            self._line(line.rstrip("\r\n"), at)
            at += len(line)
        for voice in self.voices.values():
            voice.end()

    def _line(self, line: str, at: int) -> None:
        if _INDENTED.match(line) and (not self._in_body or line.lstrip()[0] in _IN_BODY + "+%"):
            line = line.lstrip()
        if line.startswith("%%"):
            self._directive(line)
        line = _COMMENT.sub("", line)
        if self._in_text or not line.strip():
            return
        if line.startswith("+:"):
            self._faults.left_out("field that goes on")
        elif _FIELD.match(line):
            self.set_field(line[0], line[2:].strip(), at)
        elif self._in_body or (self._in_tune and not self._has_key and "|" in line):
            if not self._in_body:
                self._faults.repaired("no key", at, "tune has no key, expected a K: field before its notes")
                self._begin_body()
            read_music(line, at, self._voice(), self.set_field, self._faults)

    def set_field(self, letter: str, text: str, at: int) -> Voice:
        """Take a field in the head, in the body or within a line; returns the voice that goes on."""
        if letter == "X":
            self._in_tune = True
        elif letter == "T":
            self.title = self.title or printable(text)
        elif letter == "V":
            self._name = text.split(maxsplit=1)[0] if text else ""
            self._call(text)
            self._shift(text)
        elif letter == "K":
            self._key(text, at)
        elif letter == "M":
            self._meter(text)
        elif letter == "L":
            unit = fields.unit_length(text)
            self._faults.left_out("bad unit length", int(unit is None))
            if unit is not None:
                self._unit_given = True
                self._set(unit=unit)
        elif letter == "Q":
            self._tempo_text = text
            if self._in_body:
                self._tempo()
        elif letter == "I":
            self._midi(text)
        elif letter in _TEXTS:
            self._faults.left_out(_TEXTS[letter])
        elif letter == "P" and not self._in_body and len(text) > 1:
            self._faults.left_out("part order")
        return self._voice() if self._in_body else Voice("", self.settings, self._count)

    def _voice(self) -> Voice:
        """The current voice, made where it is new."""
        if self._name not in self.voices:
            if len(self.voices) == MAX_VOICES:
                refuse(0, f"tune has too many voices (expected at most {MAX_VOICES})")
            settings = replace(self.settings, **self._presets.get(self._name, {}))
            title = self._titles.get(self._name) or ("" if self._name.isdigit() else printable(self._name))
            self.voices[self._name] = Voice(str(len(self.voices)), settings, self._count, title)
        return self.voices[self._name]

    def _set(self, **changes: Any) -> None:
        """Change settings: of the current voice, or in the head of one voice or all."""
        if self._in_body:
            self._voice().set(**changes)
        elif self._name:
            self._presets.setdefault(self._name, {}).update(changes)
        else:
            self.settings = replace(self.settings, **changes)

    def _begin_body(self) -> None:
        if not self._unit_given:
            self.settings = replace(self.settings, unit=fields.default_unit(self.settings.meter))
        self._in_body = True
        if self._tempo_text:
            self.tempo = fields.tempo(self._tempo_text, self.settings.unit) or DEFAULT_TEMPO
        self._name = next(iter(self._presets), "")

    def _key(self, text: str, at: int) -> None:
        key, known = fields.key_signature(text)
        if not known:
            self._faults.repaired("unknown key", at, f"key is {text[:40]!r}, expected a letter from A to G and a mode")
        if not self._in_body:
            self._name = ""  # the head's key is everybody's
            self.settings = replace(self.settings, key=key or {})
            if self._in_tune:
                self._begin_body()
        elif key is not None:
            self._set(key=key)
        self._shift(text)

    def _meter(self, text: str) -> None:
        meter = fields.meter(text)
        if meter is None and text.lower() not in ("", "none"):
            self._faults.left_out("bad meter")
        self._set(meter=meter)

    def _tempo(self) -> None:
        voice = self._voice()
        tempo = fields.tempo(self._tempo_text, voice.settings.unit)
        if tempo is None:
            self._faults.left_out("tempo in words")
        else:
            voice.set_tempo(tempo)

    def _shift(self, text: str) -> None:
        """A transposition that a voice or a key carries with it."""
        shift = fields.transposition(text)
        if shift is not None:
            self._set(transpose=shift)

    def _call(self, text: str) -> None:
        """Keep what a V: field calls its voice."""
        name = printable(fields.voice_name(text))
        if name:
            self._titles[self._name] = name
            if self._name in self.voices:
                self.voices[self._name].title = name

    def _directive(self, line: str) -> None:
        self._in_text = (self._in_text or line.startswith("%%begin")) and not line.startswith("%%end")
        self._midi(line[2:].strip())

    def _midi(self, text: str) -> None:
        """A directive that changes how notes sound, from `%%MIDI` or `I:MIDI`; others are counted."""
        found = fields.directive(text)
        if found is None:
            self._faults.left_out("MIDI directive", int(text.startswith("MIDI")))
            return
        name, value, channel = found
        if name == "program" and 0 <= value <= 127:
            if channel == DRUM_CHANNEL or (self._in_body and self._voice().settings.program == DRUMS):
                self.kit = value
            else:
                self._set(program=value)
        elif name == "channel" and value == DRUM_CHANNEL:
            self._set(program=DRUMS)
        elif name == "transpose":
            self._set(shift=value)


def _score(tune: _Tune, faults: Faults) -> Score:
    rows: list[Row] = []
    owner: list[int] = []
    names: list[str] = []
    length = 0
    tempos: list[tuple[int, int]] = [(0, tune.tempo)]
    for voice in tune.voices.values():
        order = play_order(voice.bars)
        starts = starts_of(order, [bar.length for bar in voice.bars])
        plays = plays_of(order, len(voice.bars))
        made, lines = play([bar.notes for bar in voice.bars], plays, starts, MAX_NOTES - len(rows))
        owner += [len(names) + part for part in grouped(made, lines)]
        rows += made
        names += [voice.title] * (max(owner, default=-1) + 1 - len(names))
        length = max(length, starts[-1])
        if len(tempos) == 1:  # the first voice that says more is believed
            tempos = timeline(voice.tempos, order, starts, tempos[0][1])
    meters = _meters(tune, faults)
    return Score.from_notes(
        TICKS,
        rows,
        tempo_tick=np.array([tick for tick, _ in tempos], np.int64),
        tempo=np.array([value for _, value in tempos], np.int64),
        meter_tick=np.array([tick for tick, _ in meters], np.int64),
        meter=np.array([value for _, value in meters], np.int64),
        length=length,
        kit=tune.kit,
        part=owner,
        names=names,
        title=tune.title,
    )


def written_bars(data: bytes) -> tuple[list[Bar], int]:
    """The bars of a tune's voice that has most of them, and ticks in a quarter note."""
    tune = _Tune(Faults(Report()))
    tune.read(data)
    return _leading(tune).bars if tune.voices else [], TICKS


def _leading(tune: _Tune) -> Voice:
    """The voice that has most bars; the first of several."""
    return max(tune.voices.values(), key=lambda voice: len(voice.bars))


def _meters(tune: _Tune, faults: Faults) -> list[tuple[int, Meter]]:
    if not tune.voices:
        return [(0, (4, 4))]
    voice = _leading(tune)
    held = in_force(voice.meters, voice.first_meter)
    order = play_order(voice.bars)
    return meter_map(order, starts_of(order, [bar.length for bar in voice.bars]), voice.bars, held, TICKS, faults)


def _decode(data: bytes) -> str:
    """UTF-8 where it is, else Latin-1."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")

"""Plays music by a mode."""

import math
import time
from collections.abc import Mapping
from typing import Any

from seqgen.live import messages as m
from seqgen.live.ear import Ear
from seqgen.live.messages import Heard
from seqgen.live.modes import MODES, Mode
from seqgen.live.performer import Performer, Stage
from seqgen.live.stream import Stream

SKIPPED = 800  # tokens that are passed over at most to come to a bar line
MUSIC = {"key", "scale", "density", "instruments", "meter", "label", "mix"}


class Player(Performer):
    """Plays a stream. The arguments and attributes are those of `Performer`."""

    def __init__(self, stream: Stream, stage: Stage) -> None:
        super().__init__(stream, stage)
        self.stream = stream
        counts = None if stream.model.seen is None else stream.model.seen.counts
        known = None if counts is None else counts[stream.codec.programs]
        self.ear = Ear(0 if known is None or not known.any() else int(known.argmax()))
        self.mode: Mode = MODES[self.values["mode"]](self)

    # What modes ask for.

    def beat(self, ahead: float = 0.0) -> float:
        """The position of the song, so many seconds from now; while it stands still, as if it began now."""
        now = time.monotonic()
        if self.transport.running:
            return self.transport.beat(now + ahead)
        return self.transport.beat(now) + ahead * self.transport.tempo / 60

    def quantised(self, beat: float) -> float:
        """The next position at which playing may begin."""
        unit = {"none": 0.0, "beat": 1.0, "bar": self.stream.playing.bar}[self.values["quantise"]]
        if not unit:
            return beat
        return math.ceil((beat - 0.05) / unit) * unit

    def anchor(self, at: float) -> None:
        """Go on at a position; where bars are asked for, with the next bar of the piece: what is before falls away."""
        stream = self.stream
        if self.values["quantise"] == "bar" and stream.playing.now > 0:
            line, piece = stream.playing.line, stream.pieces
            for _ in range(SKIPPED):
                if stream.playing.line > line or stream.pieces != piece:
                    break
                stream.advance()
            stream.anchor += at - stream.line
        else:
            stream.anchor += at - stream.position

    # What is performed.

    def _begin(self) -> None:
        self.mode.begin()

    def _anew(self, leapt: bool = False) -> None:
        self.stream.begin(self.beat() if leapt else self.quantised(self.beat(self.ahead)))  # to wait takes too long
        self.mode.begin()

    def _plan(self) -> None:
        self.mode.plan()

    def _forget(self) -> None:
        self.ear.forget()

    def _act(self, name: str) -> None:
        self.mode.act(name)

    def _hear(self, heard: Heard) -> None:
        before = self.ear.pedal
        beat = self.transport.beat(heard.time)
        note = self.ear.hear(heard.data, beat)
        if self.paused:
            return
        if note is not None:
            self.mode.begins(note, heard.time)
        elif m.ends(heard.data):
            self.mode.ends(heard.data[1], heard.time)
        if before and not self.ear.pedal:
            self.mode.act("pedal")

    def _turned(self, before: Mapping[str, Any]) -> None:
        if self.values["mode"] != before["mode"]:
            self._clear()
            self.mode = MODES[self.values["mode"]](self)
            self.mode.begin()

    def _sounds(self, name: str) -> bool:
        return name in MUSIC or super()._sounds(name)

"""Says a line each so many beats, to programs that listen."""

import math
import time
from collections.abc import Mapping
from typing import Any

from seqgen.live.performer import AHEAD, Performer, Stage
from seqgen.live.recording import Transcript
from seqgen.live.text import Lines

PLANNED = 2.0  # further seconds that lines are planned ahead: they are longer in the making than notes


class Sayer(Performer):
    """Says lines. The arguments and attributes are those of `Performer`."""

    def __init__(self, lines: Lines, stage: Stage) -> None:
        super().__init__(lines, stage)
        self.lines, self.transcript = lines, Transcript()
        self._next = 0.0

    def _begin(self) -> None:
        self.scheduler.clear()
        every = self.values["every"]
        self._next = math.ceil((self.transport.beat(time.monotonic()) - 0.05) / every) * every

    def _anew(self, leapt: bool = False) -> None:
        if not leapt:
            self.lines.begin()
        self._begin()

    def _plan(self) -> None:
        ahead = (AHEAD + PLANNED) * self.transport.tempo / 60
        if self._next > self.transport.beat(time.monotonic()) + ahead:
            return
        text, beat = self.lines.line(), self._next
        self.scheduler.plan(beat, lambda now: self._say(text, beat), about=text)
        self._next += self.values["every"]

    def _say(self, text: str, beat: float) -> None:
        self.transcript.add(text)
        self.tell({"event": "line", "text": text, "beat": round(beat, 4)})

    def _act(self, name: str) -> None:
        if name == "mutate":
            self._anew()

    def _prompted(self, text: str) -> None:
        self.lines.read(text)

    def _turned(self, before: Mapping[str, Any]) -> None:
        if self.values["every"] != before["every"]:
            self._begin()

    def _sounds(self, name: str) -> bool:
        return True

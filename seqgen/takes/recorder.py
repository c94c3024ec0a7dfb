"""A take while it grows: tokens go to the file now and then, so that it may be endless and may be cut off.

A list of takes that cannot be written must not stop the music: it is told once, and sampling goes on.
"""

import time
from array import array
from collections.abc import Callable, Iterable
from typing import NamedTuple

from seqgen.errors import SeqgenError
from seqgen.takes.record import Beginning, Ending, Fingerprint, inscription, pack
from seqgen.takes.store import TakePart, Takes

CHUNK = 1 << 16  # tokens kept in memory at most
INTERVAL = 5.0  # seconds after which a growing take is written, in case its program is killed
LOOK = 64  # tokens between two looks at the clock


class Written(NamedTuple):
    """How far a take has got into the file. It is replaced as a whole, so that Ctrl-C never leaves half a step.

    Attributes:
        key: Its key in the file; None: it is not there yet.
        parts: How many parts of its tokens are there.
        sum: Their fingerprint.
        waiting: The tokens after them.
    """

    key: int | None
    parts: int
    sum: Fingerprint
    waiting: "array[int]"


class Recorder:
    """One take.

    Args:
        takes: Opens the file when it is first written.
        beginning: What is known of it.
        complain: Is told why the file cannot be written, once.
    """

    def __init__(self, takes: Callable[[], Takes], beginning: Beginning, complain: Callable[[str], None]) -> None:
        self._takes, self._beginning, self._complain = takes, beginning, complain
        self._state = Written(None, 0, beginning.fingerprint(), array("I"))
        self._prompt_tokens = self._tokens = 0
        self._broken = False
        self._began = self._looked = time.monotonic()

    def begin(self, prompt: Iterable[int]) -> None:
        """The prompt, framing included: what comes before any sampled token."""
        self.extend(prompt)
        self._prompt_tokens, self._tokens = self._tokens, 0

    def extend(self, tokens: Iterable[int]) -> None:
        """Several more tokens."""
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        """One more token."""
        waiting = self._state.waiting
        waiting.append(token)
        self._tokens += 1
        count = len(waiting)
        if count >= CHUNK or (count % LOOK == 0 and time.monotonic() - self._looked > INTERVAL):
            self._write()

    def finish(self, finished: str, excess: int = 0, seconds: float | None = None) -> tuple[str, str | None]:
        """What the take's file says about it, and its id among the takes, None where they cannot be written."""
        ending = self._ending(finished, excess, seconds)
        data = pack(self._state.waiting)
        base = self._state.sum.extended(data).id(ending)
        stored: list[str] = []
        self._try(lambda takes: stored.append(self._finish(takes, base, data, ending)))
        return inscription(base, self._beginning), stored[0] if stored else None

    def _ending(self, finished: str, excess: int = 0, seconds: float | None = None) -> Ending:
        spent = time.monotonic() - self._began if seconds is None else seconds
        return Ending(finished, self._prompt_tokens, self._tokens, excess, spent)

    def _write(self) -> None:
        """What waits goes to the file, or nowhere: memory stays bounded where that cannot be written."""
        state, data, ending = self._state, pack(self._state.waiting), self._ending("interrupted")
        keys: list[int] = []
        self._try(lambda takes: keys.append(self._append(takes, data, ending)))
        key = keys[0] if keys else state.key
        self._state = Written(key, state.parts + 1, state.sum.extended(data), array("I"))
        self._looked = time.monotonic()

    def _append(self, takes: Takes, data: bytes, ending: Ending) -> int:
        with takes.transaction():
            return self._add(takes, data, ending)

    def _finish(self, takes: Takes, base: str, data: bytes, ending: Ending) -> str:
        with takes.transaction():
            return takes.finish(self._add(takes, data, ending), base, ending)

    def _add(self, takes: Takes, data: bytes, ending: Ending) -> int:
        key = takes.begin(self._beginning) if self._state.key is None else self._state.key
        takes.append(key, TakePart(self._state.parts, data), ending)
        return key

    def _try(self, write: Callable[[Takes], None]) -> None:
        if self._broken:
            return
        try:
            write(self._takes())
        except SeqgenError as error:
            self._broken = True
            self._complain(f"This take is not kept: {error.message}")

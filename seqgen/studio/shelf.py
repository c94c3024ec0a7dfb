"""The latest samples, and the files that are made of them: what a page downloads."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from seqgen.errors import UsageError
from seqgen.live.controls import shown
from seqgen.takes.replay import replay
from seqgen.takes.store import Takes
from seqgen.tokenizer import Tokenizer

MOST = 32  # samples
SOUND = ".wav"


@dataclass(frozen=True, eq=False)
class Kept:
    """A sample.

    Attributes:
        tokenizer: What it was decoded with.
        data: Its file; None: its take has it.
        take: The id of its take, if it is one.
    """

    tokenizer: Tokenizer
    data: bytes | None
    take: str | None

    @property
    def whole(self) -> bytes:
        """The file that the codec made.

        Raises:
            TakeError: The take that has it is gone.
        """
        if self.data is not None:
            return self.data
        with Takes(write=False) as takes:
            return b"".join(replay(takes, takes.find(self.take or "last")))

    def file(self, suffix: str) -> bytes:
        """The file in a format.

        Raises:
            UsageError: There is no such format of it.
            SeqgenError: It cannot be had in that format.
        """
        if suffix not in formats(self.tokenizer):
            raise UsageError(f"no format is called {shown(suffix)}", f"there are: {', '.join(formats(self.tokenizer))}")
        if suffix != SOUND:
            return self.tokenizer.medium.converted(self.whole, suffix)
        from seqgen.music.read import read_score
        from seqgen.render.audio import synthesize, wav_bytes  # not needed to start

        return wav_bytes(synthesize(read_score(self.whole)))


class Shelf:
    """Samples by a number; the oldest fall off."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0

    def put(self, kept: Kept) -> int:
        """One more; its number."""
        with self._lock:
            self._count += 1
            self._kept[self._count] = kept
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return self._count

    def get(self, number: int) -> Kept:
        """The sample of a number.

        Raises:
            UsageError: It has fallen off, or never was.
        """
        with self._lock:
            if number not in self._kept:
                raise UsageError("this sample is not at hand any more", "its take is in the room Takes")
            return self._kept[number]


def formats(tokenizer: Tokenizer) -> list[str]:
    """The file name endings that a sample can be had in, its own first."""
    return list(dict.fromkeys((tokenizer.codec.suffix, *tokenizer.medium.formats)))

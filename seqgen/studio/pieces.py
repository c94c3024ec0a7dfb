"""Texts and pieces of music that a page works on: brought in, taken from takes, or made here; the oldest fall off."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from seqgen.errors import CorpusError, UsageError
from seqgen.live.controls import shown
from seqgen.music.medium import MUSIC
from seqgen.music.read import read_score
from seqgen.studio.sheet import sheet
from seqgen.studio.shelf import SOUND

MOST_BYTES = 4_000_000  # of a piece
MOST_KEPT = 64_000_000  # of all together
MOST_PIECES = 256
MOST_NOTES = 50_000  # that a page draws and plays
MOST_TEXT = 200_000  # characters of a text that is worked on
LONGEST = 80  # characters of a name
TEXT_SUFFIX = ".txt"


@dataclass(frozen=True, eq=False)
class Piece:
    """A text or a piece of music.

    Attributes:
        name: What the file is called, for people.
        data: The file; music as MIDI.
        heard: Whether it is music.
    """

    name: str
    data: bytes
    heard: bool

    @property
    def formats(self) -> tuple[str, ...]:
        """The file name endings that it can be had in."""
        suffix = PurePath(self.name).suffix
        return MUSIC.formats if self.heard else (suffix if suffix[1:].isalnum() else TEXT_SUFFIX,)

    def file(self, suffix: str) -> bytes:
        """The file in a format.

        Raises:
            UsageError: There is no such format of it.
            SeqgenError: It cannot be had in that format.
        """
        if suffix not in self.formats:
            raise UsageError(f"no format is called {shown(suffix)}", f"there are: {', '.join(self.formats)}")
        if suffix != SOUND or not self.heard:
            return MUSIC.converted(self.data, suffix) if self.heard else self.data
        from seqgen.render.audio import synthesize, wav_bytes  # not needed to start

        return wav_bytes(synthesize(read_score(self.data)))

    def told(self, strict: bool = True) -> dict[str, Any]:
        """The piece as a page shows it.

        Args:
            strict: Whether bytes that are no UTF-8 are refused; else they are shown as such, and it is not "exact".

        Raises:
            DataError: It cannot be read, or holds more than a page shows.
        """
        about: dict[str, Any] = {"name": self.name, "heard": self.heard, "formats": self.formats}
        if not self.heard:
            text = _text(self, strict)
            return about | {"text": text, "sheet": None, "exact": text.encode() == self.data}
        found = sheet(self.data)
        if len(found["notes"]) > MOST_NOTES:
            said = f"{self.name}: has {len(found['notes']):,} notes, expected {MOST_NOTES:,} at most"
            raise CorpusError(said, "cut the piece")
        return about | {"text": None, "sheet": found, "exact": True}


def _text(piece: Piece, strict: bool) -> str:
    try:
        text = piece.data.decode("utf-8", "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        said = f"{piece.name}: byte {error.start}: is no UTF-8 text"
        raise CorpusError(said, "save it as UTF-8, or choose a model of music first") from error
    if len(text) > MOST_TEXT:
        said = f"{piece.name}: has {len(text):,} characters, expected {MOST_TEXT:,} at most"
        raise CorpusError(said, "bring in the part around the hole")
    return text


def named(name: str, heard: bool) -> str:
    """A name for people and for files: without folders, of what can be printed, never empty."""
    own = PurePath(name.replace("\\", "/")).name[:LONGEST]
    kept = "".join(each if each.isprintable() and each not in '"<>:|?*' else "_" for each in own).strip(". ")
    return kept or ("piece.mid" if heard else "text.txt")


class Pieces:
    """Pieces by a number; the oldest fall off where there are too many, or too much of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Piece] = OrderedDict()
        self._lock = threading.Lock()
        self._count = self._bytes = 0

    def put(self, piece: Piece) -> int:
        """One more; its number.

        Raises:
            UsageError: It is too large.
        """
        if len(piece.data) > MOST_BYTES:
            said = f"{piece.name}: is larger than {MOST_BYTES // 1_000_000} MB, which a page can work on"
            raise UsageError(said, "cut it")
        with self._lock:
            self._count += 1
            self._kept[self._count] = piece
            self._bytes += len(piece.data)
            while len(self._kept) > MOST_PIECES or self._bytes > MOST_KEPT:
                self._bytes -= len(self._kept.popitem(last=False)[1].data)
            return self._count

    def get(self, number: int) -> Piece:
        """The piece of a number.

        Raises:
            UsageError: It has fallen off, or never was.
        """
        with self._lock:
            if number not in self._kept:
                raise UsageError("this version is not at hand any more", "bring the file in again")
            self._kept.move_to_end(number)
            return self._kept[number]

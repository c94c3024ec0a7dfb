"""What differs by medium beside its tokens, asked of a codec as `codec.medium`. Knows no codec.

The defaults are those of text and of bytes, so that a codec of a new medium has to say only what is different.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypedDict


class Extent(NamedTuple):
    """How much music a document is.

    Attributes:
        notes: How many.
        seconds: How long.
    """

    notes: int
    seconds: float


class Timing(TypedDict, total=False):
    """What a file says of time besides its tokens: plain JSON data, kept with a take, each codec's own keys of these.

    Keys:
        tempo: [[tick, µs a quarter]…] of a primer, or of the music as it was sampled.
        ticks: In a quarter note.
        meter: [[tick, over, under]…].
        asked: [tick, µs a quarter], the tempo at which music in seconds is played from that tick on.
        bpm: The tempo of what is new, in bars.
        seconds: Its length.
        names: What a primer calls each PART token.
        grid: The part of a whole note on which onsets and ends are put.
    """

    tempo: list[list[int]]
    ticks: int
    meter: list[list[int]]
    asked: list[int]
    bpm: float
    seconds: float
    names: dict[str, str]
    grid: int


class Medium(Protocol):
    """A medium of files. Frozen; a codec class has one.

    Attributes:
        name: What sentences call it, such as "music".
        usual_length: The tokens of a sample, at most, where nobody says.
        separable: Whether a file may be cut into documents, and documents be joined to one file.
        heard: Whether a sample is shown as sound and notes; else it is text to read.
        formats: File name endings that a sample can be had in besides a codec's own.
    """

    @property
    def name(self) -> str: ...

    @property
    def usual_length(self) -> int: ...

    @property
    def separable(self) -> bool: ...

    @property
    def heard(self) -> bool: ...

    @property
    def formats(self) -> tuple[str, ...]: ...

    def inscribed(self, made: bytes, line: str) -> bytes:
        """A file that a codec made, with a line about it where the format has room for one."""
        ...

    def converted(self, made: bytes, suffix: str) -> bytes:
        """A file that a codec made, in the format that a lower-case file name ending stands for, where there is one.

        Raises:
            DataError: It cannot be had in that format.
        """
        ...

    def on_grid(self, made: bytes, grid: int) -> bytes:
        """A file that a codec made, its events on the nearest `grid`-th of a whole note, where it has such."""
        ...

    def extent(self, made: bytes) -> Extent | None:
        """How much music a file is that a codec made; None: it is none."""
        ...


@dataclass(frozen=True)
class Plain:
    """Text, bytes, or whatever is what it is: one format, and nothing in it but its content."""

    name: str = "text"
    usual_length: int = 1_000
    separable: bool = True
    heard: bool = False
    formats: tuple[str, ...] = (".txt",)

    def inscribed(self, made: bytes, line: str) -> bytes:
        """The file as it is."""
        return made

    def converted(self, made: bytes, suffix: str) -> bytes:
        """The file as it is."""
        return made

    def on_grid(self, made: bytes, grid: int) -> bytes:
        """The file as it is."""
        return made

    def extent(self, made: bytes) -> None:
        """None: it is no music."""
        return


TEXT = Plain()

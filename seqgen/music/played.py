"""Music token by token: what a codec's tokens sound as while they come, and the tokens that say what was just played.

Times are quarter notes from the beginning of the document; where tokens count seconds, 120 quarter notes are a minute.
"""

import abc
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
SECONDS_A_QUARTER = 0.5  # where tokens count seconds


class Played(NamedTuple):
    """One note.

    Attributes:
        at: Its onset in quarter notes.
        length: Quarter notes.
        pitch, velocity: As in MIDI.
        program: General MIDI program, or DRUMS.
        part: Which part of the document it belongs to.
    """

    at: float
    length: float
    pitch: int
    velocity: int
    program: int
    part: int


class Playing(abc.ABC):
    """A document of one codec while it is read, a token at a time. Ids are the codec's own."""

    @abc.abstractmethod
    def take(self, token: int) -> Sequence[Played]:
        """The notes that are complete once this token was read."""

    @abc.abstractmethod
    def settle(self) -> Sequence[Played]:
        """The notes that a later token might make longer; none does so from now on."""

    @property
    @abc.abstractmethod
    def now(self) -> float:
        """The position that was reached: no later token sounds before it."""

    @property
    @abc.abstractmethod
    def line(self) -> float:
        """Where the bar began that is being read; where there are no bars, `now`."""

    @property
    @abc.abstractmethod
    def bar(self) -> float:
        """The length of that bar."""

    @property
    @abc.abstractmethod
    def tempo(self) -> float | None:
        """Quarter notes a minute as the document says; None while it does not."""

    @abc.abstractmethod
    def moved(self, to: float) -> list[int]:
        """The tokens that lead to a position, or to `now` where that is later."""

    @abc.abstractmethod
    def said(self, note: Played) -> list[int]:
        """The tokens of a note at `now`; its `at` is not looked at."""

    @abc.abstractmethod
    def staying(self) -> Mask:
        """(V,) True for tokens that sound at `now`, or prepare it."""

    @abc.abstractmethod
    def moving(self) -> Mask:
        """(V,) True for tokens that lead to a later position."""

    @abc.abstractmethod
    def others(self) -> Mask:
        """(V,) True for tokens with which a part begins that is not the current one; all False where there is none."""

    @abc.abstractmethod
    def without(self, part: int) -> Mask:
        """(V,) True for tokens by which a part does not play; all True where there are no parts."""

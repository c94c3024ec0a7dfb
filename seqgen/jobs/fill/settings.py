"""What `seqgen fill`, `seqgen accompany` and `seqgen vary` are asked for. Imports nothing heavy."""

from dataclasses import dataclass

from seqgen.errors import UsageError
from seqgen.jobs.sample.settings import SampleJob
from seqgen.settings import option, require

MARK = "{{fill}}"


@dataclass(frozen=True, kw_only=True)
class FillJob(SampleJob):
    """Which file is filled, where, and by whom.

    Attributes:
        file: A text, a source file or a piece; "-": standard input.
        mark: The text that stands for the hole.
        lines: Lines to be filled anew, as in 10:20.
        bars: Bars of music, as in 5:8.
        seconds: Seconds of music, as in 12.5:20.
        parts: Parts of music, as in bass,drums.
        free_voices: Whether voices that are made may cross, though those of the corpus do not.
        left_alone: Whether what stands before the hole is read alone, as by a model without holes.
        given: What the file holds, where whoever asks has it at hand; None: it is read.
        at: Bytes of a text to be filled anew, from the first to before the second, counted from 0.
    """

    file: str
    mark: str = option(MARK, "What stands for the hole in a text.")
    lines: str | None = option(None, "Fill these lines anew: 10:20.")
    bars: str | None = option(None, "Music: fill these bars anew: 5:8.")
    seconds: str | None = option(None, "Music: fill from here to there anew, or the nearest bars: 12.5:20.")
    parts: str | None = option(None, "Music: fill these parts alone: bass,drums.")
    free_voices: bool = option(False, "Let parts cross, and move in fifths and octaves, even if the corpus's do not.")
    left_alone: bool = option(False, "Read what stands before the hole alone; any model can.")
    given: bytes | None = None
    at: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.mark:
            raise UsageError("--mark is empty, expected the text that stands for the hole")
        if len([each for each in (self.lines, self.bars, self.seconds, self.at) if each is not None]) > 1:
            hint = "fill one after the other"
            raise UsageError("several holes were given, expected one of --lines, --bars and --seconds", hint)
        if self.seconds is not None and self.parts is not None:
            raise UsageError("--parts goes with bars, not with --seconds", "name the bars: --bars 5:8")
        if self.unlimited:
            raise UsageError("a hole of length inf is never filled", "give a number of tokens")


@dataclass(frozen=True, kw_only=True)
class AccompanyJob(FillJob):
    """Which parts are added to which piece."""

    parts: str | None = option(None, "The parts to be written: bass,drums.")


@dataclass(frozen=True, kw_only=True)
class VaryJob(FillJob):
    """How much of a file is filled anew.

    Attributes:
        amount: The share of its lines, or bars.
        like: A file that is read first.
    """

    amount: float = option(0.3, "The share of lines, or bars, that is filled anew.")
    like: str | None = option(None, "Read this file first, so that what is new is like it.")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.amount <= 1, "amount", self.amount, "above 0, at most 1")


def span(text: str, flag: str, whole: bool = True) -> tuple[float, float]:
    """(first, last) of "10:20" or "10".

    Raises:
        UsageError: It is no such thing.
    """
    first, colon, last = text.partition(":")
    try:
        found = float(first), float(last if colon else first)
    except ValueError:
        found = (-1.0, -1.0)
    fine = 0 <= found[0] <= found[1] < 1e9 and (not whole or all(each == int(each) >= 1 for each in found))
    if not fine or (not whole and found[0] == found[1]):
        shown = "10:20" if whole else "12.5:20"
        hint = "count from 1, both included" if whole else "the second is not included"
        raise UsageError(f"{flag} is {text!r}, expected a first and a last one, as in {shown}", hint)
    return found

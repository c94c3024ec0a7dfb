"""Who is shown samples, while they come or when they are done. This one is shown nothing: they are returned."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from seqgen.api.sampler import Sampler
    from seqgen.errors import SeqgenError
    from seqgen.generation.loop import Step
    from seqgen.jobs.sample.settings import SampleJob
    from seqgen.originality.measuring import Originality

Show = Literal["nothing", "text", "records", "events"]


class Sink(Protocol):
    """What takes the bytes of a text as they come."""

    def write(self, data: bytes) -> object:
        """Take some more."""
        ...


@dataclass(frozen=True)
class Sampled:
    """A sample.

    Attributes:
        index: Its place, from 0 on.
        seed: Of the whole job.
        tokens: Tokens sampled.
        seconds: How long it took.
        finished: Why it ended.
        take: The id of its take; None: it is not kept.
        path: The file that holds it; None: none does.
        data: The file's bytes, or the text, where no file holds them and they were kept.
        originality: How it stands beside the training corpus, where that was asked and is known.
    """

    index: int
    seed: int
    tokens: int
    seconds: float
    finished: str
    take: str | None
    path: Path | None
    data: bytes | None
    originality: "Originality | None"

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds if self.seconds else 0.0


class Audience:
    """Is shown nothing; what is not overridden stays so.

    Attributes:
        show: What is shown where no file is named: "nothing", "text" as it comes, "records" of whole samples, "events"
            as they happen.
        terminal: Whether a person looks at what is shown, who can do nothing with bytes that are no text.
        scores: Whether it is told how likely each token was.
        likely: With how many of the likeliest tokens, where a sample is followed.
    """

    show: Show = "nothing"
    terminal: bool = False
    scores: bool = False
    likely: int = 0

    def begun(self, sampler: "Sampler", job: "SampleJob", label: str | None) -> None:
        """Sampling begins; `label` is that of the first sample."""

    def text(self) -> AbstractContextManager[Sink | None]:
        """Where the first sample goes as it comes, and the others behind it."""
        return nullcontext(None)

    def data(self, data: bytes) -> None:
        """A whole sample that no file takes."""

    def token(self, index: int, step: "Step") -> None:
        """A token of the sample `index`."""

    def steered(self, said: dict[str, object]) -> None:
        """A control was followed: what it said."""

    def refused(self, error: "SeqgenError") -> None:
        """A control was not followed."""

    def done(self, sample: Sampled) -> None:
        """A sample is in its place."""


NOBODY = Audience()

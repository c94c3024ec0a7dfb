"""What a run is trained and validated on: streams, their tokenizer, and what of them is held out."""

from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import Spans
from seqgen.training.duplicates import held_out
from seqgen.training.plan import PlanRecord, TrainPlan
from seqgen.training.splitting import SPLIT


class CorpusRecord(TypedDict):
    """What a run folder remembers of its corpus, see `seqgen.training.recorded`."""

    stream: str
    fingerprint: str
    head: int
    validation: float
    split: NotRequired[int]  # its version; the first did not write it
    held_out: str | None
    held_fingerprint: str
    plan: PlanRecord


@dataclass(frozen=True, eq=False)
class TrainingCorpus:
    """The corpus of a run.

    Attributes:
        stream: What it is trained on.
        tokenizer: The stream's.
        held_out: A stream of its own to validate on; None: a part of `stream`.
        version: Of how that part is chosen, see `seqgen.training.splitting`.
    """

    stream: TokenStream
    tokenizer: Tokenizer
    held_out: TokenStream | None = None
    version: int = SPLIT

    @property
    def validated_on(self) -> TokenStream:
        """The stream that holds what is held out."""
        return self.held_out or self.stream

    @property
    def head(self) -> int:
        """Tokens before a document's own."""
        return 1 if self.stream.labels[0] < 0 else 2

    def split(self, plan: TrainPlan) -> tuple[Spans, Spans]:
        """(what of `stream` to train on, what of `validated_on` is held out).

        Raises:
            CorpusError: The corpus is too short to train on.
        """
        if self.held_out is not None:
            return _whole(self.stream), _whole(self.held_out)
        return held_out(self.stream, self.head, plan.train.validation, plan.seed, self.version)

    def record(self, plan: TrainPlan) -> CorpusRecord:
        """Where the streams lie and how they were split, as `training.json` has it."""
        held_out: Path | None = None if self.held_out is None else self.held_out.path.resolve()
        return {
            "stream": str(self.stream.path.resolve()),
            "fingerprint": self.stream.fingerprint,
            "head": self.head,
            "validation": plan.train.validation if held_out is None else 0.0,
            "held_out": None if held_out is None else str(held_out),
            "split": self.version,
            "held_fingerprint": self.validated_on.fingerprint,
            "plan": plan.to_json(),
        }


def _whole(stream: TokenStream) -> Spans:
    return Spans(stream.starts[:-1], stream.starts[1:])

"""How likely a checkpoint thinks a text, token by token."""

import math
from dataclasses import dataclass

from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError
from seqgen.evaluation.report import surprise
from seqgen.jobs.evaluate.settings import TextJob
from seqgen.training.device import pick_device


@dataclass(frozen=True)
class Judged:
    """A text, judged.

    Attributes:
        text: What was judged, as bytes.
        characters: How many it has.
        tokens: (name, nats) of each token.
    """

    text: bytes
    characters: int
    tokens: list[tuple[str, float]]

    @property
    def nats(self) -> float:
        """Of all tokens together."""
        return sum(value for _, value in self.tokens)

    @property
    def nats_per_character(self) -> float:
        """The mean."""
        return self.nats / self.characters

    @property
    def bits_per_byte(self) -> float:
        """The mean."""
        return self.nats / math.log(2) / len(self.text)

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {
            "text": self.text.decode("utf-8", "replace"),
            "tokens": [{"token": name, "nats": value} for name, value in self.tokens],
            "nats": self.nats,
            "nats_per_token": self.nats / len(self.tokens),
            "nats_per_character": self.nats_per_character,
            "bits_per_byte": self.bits_per_byte,
        }


def judge(job: TextJob) -> Judged:
    """How likely each token of a text is to a checkpoint.

    Raises:
        UsageError: The model knows no text, or no such label.
        CheckpointError: There is none, or it is damaged.
    """
    model, picked = Checkpoint.load(job.checkpoint), str(pick_device(job.device))
    data = job.text.encode("utf-8", "surrogateescape")
    if not model.tokenizer.is_text:
        raise UsageError(f"--text is for models of text, this one knows {model.tokenizer.codec_name}")
    return Judged(data, len(job.text), surprise(model, data, job.label, picked))

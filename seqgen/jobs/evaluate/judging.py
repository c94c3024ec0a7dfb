"""How likely a checkpoint thinks a text, token by token."""

import math
from dataclasses import dataclass

from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError
from seqgen.evaluation.report import surprise
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


def judge(checkpoint: str, text: str, label: str | None = None, device: str = "auto") -> Judged:
    """How likely each token of a text is to a checkpoint.

    Args:
        checkpoint: A run folder, a file, or the name of a published one.
        text: At least one character.
        label: Of the document that it begins.
        device: auto, cpu, cuda or mps.

    Raises:
        UsageError: The text is empty, the model knows no text, or no such label.
        CheckpointError: There is none, or it is damaged.
    """
    model, picked = Checkpoint.load(checkpoint), str(pick_device(device))
    data = text.encode("utf-8", "surrogateescape")
    if not data:
        raise UsageError("--text is empty, expected at least one character")
    if not model.tokenizer.is_text:
        raise UsageError(f"--text is for models of text, this one knows {model.tokenizer.codec_name}")
    return Judged(data, len(text), surprise(model, data, label, picked))

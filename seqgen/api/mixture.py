"""Several models sampled as one: a mixture of checkpoints, or of labels of one checkpoint. Knows no command line.

plays, code = seqgen.load("checkpoints/plays"), seqgen.load("checkpoints/code")
both = mix([Voice(plays, 1, 0), Voice(code, 0, 1)], fade=2000)     # plays that fade into code
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqgen.api.model import Model
from seqgen.arguments import check_types, checked
from seqgen.errors import UsageError
from seqgen.generation.engines.mixture import Average, Fade, MixtureEngine, MixturePart
from seqgen.tokenizer import require_same_tokens


@dataclass(frozen=True)
class Voice:
    """A model in a mixture.

    Attributes:
        model: What is heard.
        start, end: Its weight before the first token and at the end of the fade; the weights are scaled to one.
        label: The label of the document that it makes; None: it makes one without.
    """

    model: Model
    start: float
    end: float
    label: str | None = None

    def __post_init__(self) -> None:
        check_types(self)

    def __str__(self) -> str:
        name = self.model.name if self.label is None else f"{self.model.name}[{self.label}]"
        weight = f"{self.start:g}" if self.start == self.end else f"{self.start:g}..{self.end:g}"
        return f"{name}:{weight}"

    def to_json(self) -> dict[str, object]:
        """Plain data; `hash` is the SHA-256 of the checkpoint, `corpus` the fingerprint of what it learned from."""
        return {
            "checkpoint": self.model.name,
            "hash": self.model.digest,
            "corpus": str(self.model.checkpoint.provenance.get("corpus", "")),
            "label": self.label,
            "weight": [self.start, self.end],
        }


@dataclass(frozen=True)
class Mixture:
    """How a model is mixed.

    Attributes:
        voices, fade, average: The arguments of `mix`.
    """

    voices: tuple[Voice, ...]
    fade: int
    average: Average

    @property
    def heard(self) -> list[Model]:
        """The models that have a weight at any time."""
        return [voice.model for voice in self.voices if max(voice.start, voice.end) > 0]

    def to_json(self) -> dict[str, object]:
        """Plain data, with which it can be mixed again."""
        return {"voices": [voice.to_json() for voice in self.voices], "fade": self.fade, "average": self.average}


@checked
def mix(voices: Sequence[Voice], fade: int = 0, average: Average = "logits") -> Model:
    """A model that samples from all voices at once. It knows no labels: each voice has its own.

    Args:
        voices: At least one; their codecs must have the same tokens.
        fade: Tokens from the weights at the start to those at the end; prompts do not count.
        average: What is blended: logits, what all voices can agree on, or probabilities, what any would say.

    Raises:
        UsageError: There is no voice, no such label, or the weights make no sense.
        CheckpointError: The codecs differ; the message names the tokens.
    """
    if not voices:
        raise UsageError("a mixture has no voice, expected one at least")
    first = voices[0].model
    require_same_tokens([voice.model.name for voice in voices], [voice.model.tokenizer for voice in voices])
    weights = Fade(tuple(voice.start for voice in voices), tuple(voice.end for voice in voices), fade)
    tokenizer = replace(first.tokenizer, labels=())
    labels = [None if voice.label is None else voice.model.tokenizer.label_id(voice.label) for voice in voices]
    parts = [MixturePart(voice.model.engine, label) for voice, label in zip(voices, labels)]
    about = [average, str(fade), *(f"{voice.model.digest} {voice}" for voice in voices)]
    digest = hashlib.sha256("\n".join(about).encode()).hexdigest()
    mixed = Model(first.checkpoint, digest, " + ".join(map(str, voices)))
    mixed.tokenizer = tokenizer
    mixed.mixture = Mixture(tuple(voices), fade, average)
    mixed.engine = MixtureEngine(parts, weights, tokenizer.vocab_size, tokenizer.document_id, average)
    return mixed

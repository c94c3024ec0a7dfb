"""Sampled tokens as text: bytes are kept back until they make whole characters."""

import codecs
from typing import TYPE_CHECKING, NamedTuple

from seqgen.generation.steps import Step

if TYPE_CHECKING:
    from seqgen.api.sampler import Sampler

UNFINISHED = 3  # bytes of a character at most


class Token(NamedTuple):
    """One sampled token.

    Attributes:
        id: What the network drew.
        text: What it adds to the text, in whole characters; for music the name of the event.
        log_probability: Nats, under the model before any rule.
        entropy: Nats, of the model's distribution before any rule.
    """

    id: int
    text: str
    log_probability: float
    entropy: float


class Words:
    """Steps as `Token`s: bytes are kept back until they make whole characters, sample by sample."""

    def __init__(self, sampler: "Sampler") -> None:
        self.sampler = sampler
        self.names = sampler.model.tokenizer.vocabulary() if not sampler.model.is_text else []
        make = codecs.getincrementaldecoder("utf-8")
        self.decoders = [make("replace") for _ in sampler.prompts]
        for decoder, prompt in zip(self.decoders, sampler.prompts if sampler.model.is_text else ()):
            decoder.decode(sampler.model.tokenizer.decode(prompt[-UNFINISHED:])[-UNFINISHED:])  # it may go on in one

    def token(self, index: int, step: Step) -> Token:
        """What `step` holds of the sample `index`."""
        assert step.log_probabilities is not None
        assert step.entropies is not None
        token = int(step.ids[index])
        text = self.names[token] if self.names else self._whole(index, token, index in step.finished)
        return Token(token, text, float(step.log_probabilities[index]), float(step.entropies[index]))

    def _whole(self, index: int, token: int, final: bool) -> str:
        return self.decoders[index].decode(self.sampler.piece(index, token), final)

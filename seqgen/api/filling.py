"""A hole in a text or a source file, ready to be filled by a model: what it reads, what may come, what becomes of it.

Music has holes of its own, see `seqgen.api.filling_music`; both are a `Filling` to whoever samples.
"""

import abc
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.hole_grammar import FilledGrammar, WholeLines
from seqgen.api.over_text import language_of
from seqgen.codecs import RETURNS, Codec, EndingGrammar, Grammar, Ids, Mask, with_returns
from seqgen.errors import CheckpointError, CorpusError, UsageError
from seqgen.generation import Engine
from seqgen.generation.sampling import log_probabilities
from seqgen.generation.steps import SampledStream
from seqgen.infilling import Reach, opened, prompt

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.api.sampling import GrammarName

LEFT = 8192  # tokens before a hole that are read: a hidden state has forgotten what lies further back
FEW, TIMES = 64, 2  # a filling has at least so many tokens, and so many times those that it replaces
ALONE = 256  # tokens: twice the usual length of what is filled from the left side alone
STRANGE = 0.2  # of what is read around a hole, which training may not have seen


@dataclass(frozen=True, eq=False, kw_only=True)
class Filling(abc.ABC):
    """A hole that is to be filled by a model.

    Attributes:
        model: Which fills it.
        prompt: (n,) ids after which its filling follows.
        end_id: The token that ends it; None: it goes on to its length.
        drawn: Other tokens of framing that may be drawn.
    """

    model: "Model"
    prompt: NDArray[Any]
    end_id: int | None
    drawn: frozenset[int] = frozenset()

    @property
    @abc.abstractmethod
    def longest(self) -> int:
        """Tokens within which it ends."""

    @property
    @abc.abstractmethod
    def kept(self) -> Mapping[str, Any]:
        """What its take keeps, as plain JSON data: all but prompt and filling that the file is made of."""

    @abc.abstractmethod
    def grammar(self, bounds: Mapping[str, int], seen: Mask | None) -> Grammar | None:
        """What may follow over the full vocabulary, from the first token of the prompt on."""

    @abc.abstractmethod
    def joined(self, ids: NDArray[Any]) -> bytes:
        """The file with (m,) ids in its hole."""

    @abc.abstractmethod
    def judged(self, engine: Engine[Any], samples: Sequence[SampledStream]) -> list[float]:
        """Nats a token of each filling and of what follows it, read from left to right."""


@dataclass(frozen=True)
class Hole:
    """A hole in a text.

    Attributes:
        left, right: All that stands before it and behind it.
        was: What stands in it, if that is known.
        lines: Whether it is whole lines.
    """

    left: bytes
    right: bytes
    was: bytes | None = None
    lines: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class TextFilling(Filling):
    """A hole in a text or a source file, for one model.

    Attributes:
        hole: The hole.
        length: Tokens at which it is brought to its end.
        language: The language whose grammar is kept, True: the codec's own; False: none.
        left: (n,) ids of the left side, as far as it is read.
        right: (m,) ids of what is read of the right one.
        returns: Whether the file's lines end in CR LF, which this model never saw: it reads and writes LF instead.
    """

    hole: Hole
    length: int
    language: "GrammarName"
    left: Ids
    right: Ids
    returns: bool = False

    @property
    def longest(self) -> int:
        """Tokens within which a filling ends."""
        inner = self._inner()
        if inner is None:
            return self.length + (FEW if self.hole.lines else 0)  # a line is ended where it is long enough
        return inner.longest

    @property
    def kept(self) -> Mapping[str, Any]:
        """Both sides, and whether lines end in CR LF where they do."""
        sides = {"before": self.hole.left, "after": self.hole.right}
        kept = {name: base64.b64encode(data).decode("ascii") for name, data in sides.items()}
        return {**kept, RETURNS: True} if self.returns else kept

    def grammar(self, bounds: Mapping[str, int], seen: Mask | None) -> Grammar | None:
        """See `Filling`."""
        inner: EndingGrammar | WholeLines | None = self._inner()
        tokenizer = self.model.tokenizer
        if self.hole.lines:
            breaks = np.array([piece.endswith(b"\n") for piece in tokenizer.codec.token_bytes() or []], np.bool_)
            alone = self.end_id == tokenizer.document_id and self.hole.was is not None
            count = max((self.hole.was or b"").count(b"\n"), 1) if alone else None
            inner = WholeLines(self._inner(), breaks, self.length, count)
        if inner is None or self.end_id is None:
            return None
        return FilledGrammar(inner, len(self.prompt), self.end_id, tokenizer.vocab_size, tokenizer.document_id)

    def joined(self, ids: NDArray[Any]) -> bytes:
        """The file with (m,) ids in its hole."""
        made = self.model.tokenizer.decode(ids)
        return self.hole.left + (with_returns(made) if self.returns else made) + self.hole.right

    def judged(self, engine: Engine[Any], samples: Sequence[SampledStream]) -> list[float]:
        """See `Filling`."""
        before = np.concatenate([self.model.tokenizer.frame(), self.left]).astype(np.int64)
        after = [np.concatenate([np.array(sample.ids, np.int64), self.right.astype(np.int64)]) for sample in samples]
        return likelihoods(engine, before, after)

    def _inner(self) -> EndingGrammar | None:
        if self.language is False:
            return None
        codec = self.model.tokenizer.codec
        kind: type[Codec] = type(codec) if self.language is True else language_of(str(self.language))
        pieces = codec.token_bytes() or []
        return kind.hole_over(pieces, self.hole.left, self.hole.right, self.length)


def likelihoods(engine: Engine[Any], before: NDArray[Any], after: Sequence[NDArray[Any]]) -> list[float]:
    """The mean log-probability, in nats a token, of each of several ids that follow others; −inf of none.

    Args:
        engine: The network.
        before: (n,) what is read first, once.
        after: (m,) each.
    """
    logits, state = engine.prefill(before, engine.start(1))
    first, found = logits.copy(), []
    for ids in after:
        own, logits, total = engine.select(state, [0]), first, 0.0
        for at in range(len(ids)):
            total += float(log_probabilities(logits, ids[at : at + 1])[0])
            logits, own = engine.step(ids[at : at + 1], own)
        found.append(total / len(ids) if len(ids) else -np.inf)
    return found


def require_holes(model: "Model", parts: bool = False) -> None:
    """Refuse a model that was not trained with holes.

    Args:
        model: The model.
        parts: Whether parts are to be made, which nothing can make from what stands before them alone.

    Raises:
        CheckpointError: It was not.
    """
    for each in model.models:
        if each.tokenizer.infilling is None:
            alone = "" if parts else ", or take what stands before the hole alone: --left-alone"
            hint = f"train with -P infill 0.3{alone}"
            raise CheckpointError(f"{each.name or 'the model'} was trained without holes, it cannot look ahead", hint)


def span_of(model: "Model") -> int:
    """Tokens within which a model learned holes to lie."""
    return int(model.checkpoint.training["train"]["infill_span"])


def text_filling(
    model: "Model",
    hole: Hole,
    label: str | None,
    language: "GrammarName",
    length: int | None,
    alone: bool,
    like: bytes | None = None,
) -> TextFilling:
    """A hole in a text, ready to be filled.

    Args:
        model: Which is to fill it.
        hole: The hole.
        label: Of the document.
        language: As in `TextFilling`.
        length: Tokens at most; None: a few times what was in the hole.
        alone: Whether the left side alone is read.
        like: What is read before all else, so that the filling is like it.

    Raises:
        CheckpointError: The model was trained without holes.
        CorpusError: Training saw little of what is around the hole.
        UsageError: The hole is longer than the model's span, or the model makes no text.
    """
    tokenizer = model.tokenizer
    tokenizer.codec.require("text", "a hole between two texts", "name a file of music, with --bars or --parts")
    if not alone:
        require_holes(model)
    returns = _returns(model, hole)
    read_as = [side.replace(b"\r\n", b"\n") if returns else side for side in (hole.left, hole.right)]
    left, right = (tokenizer.encode_prompt(side) if side else tokenizer.frame()[:0] for side in read_as)
    if like:
        left = np.concatenate([tokenizer.encode_prompt(like), left])
    left, frame = left[-LEFT:], tokenizer.frame(label)
    _require_known(model, left, right)
    was = 0 if hole.was is None else len(tokenizer.encode_prompt(hole.was))
    if alone:
        read, end_id, longest, right = np.concatenate([frame, left]), tokenizer.document_id, ALONE, right[:0]
    else:
        signs, span = tokenizer.infilling, span_of(model)
        assert signs is not None
        reach, longest, end_id = Reach.of(span), span, signs.end
        if was > span:
            message = f"the hole is {was:,} tokens long, and this model learned to fill within {span:,}"
            raise UsageError(message, "fill a part of it, or train with a longer -P infill_span")
        right = right[: reach.after]
        opening = opened(tokenizer.codec.cuts(left), len(left), reach)
        read = prompt(frame, left, right, opening, reach.after, signs)
    usual = max(FEW, TIMES * was) if hole.was is not None else longest // 2
    most = min(usual, model.tokenizer.medium.usual_length) if length is None else length
    made = TextFilling(
        model=model, prompt=read.astype(np.int64), end_id=end_id,
        hole=hole, length=most, language=language, left=left, right=right, returns=returns,
    )  # fmt: skip
    return replace(made, end_id=None) if alone and made.grammar({}, None) is None else made


def _returns(model: "Model", hole: Hole) -> bool:
    """Whether all lines of a file end in CR LF, and training never saw such an end."""
    data = hole.left + (hole.was or b"") + hole.right
    if b"\r\n" not in data or data.count(b"\n") != data.count(b"\r\n") or model.seen is None:
        return False
    pieces, counts = model.tokenizer.codec.token_bytes() or [], model.seen.counts
    return not any(counts[token] for token, piece in enumerate(pieces) if b"\r" in piece)


def _require_known(model: "Model", left: Ids, right: Ids) -> None:
    """Refuse what training saw hardly anything of."""
    around = np.concatenate([left[-LEFT:], right[:LEFT]])
    seen = model.seen
    if seen is None or not len(around):
        return
    strange = float((seen.counts[around] == 0).mean())
    if strange > STRANGE:
        raise CorpusError(
            f"{100 * strange:.0f} % of the characters around the hole never occurred in training",
            "is this the right model for the file?",
        )

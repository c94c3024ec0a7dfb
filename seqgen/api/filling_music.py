"""A hole in a piece of music, ready to be filled: bars or seconds of all parts, or parts that play to what is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.filling import FEW, LEFT, Filling, likelihoods, require_holes, span_of
from seqgen.api.hole_grammar import FilledGrammar
from seqgen.codecs import Grammar, Ids, Mask
from seqgen.errors import CorpusError, UsageError
from seqgen.generation import Engine
from seqgen.generation.steps import SampledStream
from seqgen.infilling import Reach, opened, prompt

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.codecs.midi.filling import TimeHole
    from seqgen.codecs.midi_bar.accompanying import Accompaniment
    from seqgen.codecs.midi_bar.filling import ScoreHole

TIMES = 3  # a filling has at most so many times the tokens that it replaces


@dataclass(frozen=True, eq=False, kw_only=True)
class MusicFilling(Filling):
    """A stretch of a piece that is made anew, for one model.

    Attributes:
        hole: The hole.
        length: Tokens from which on bars are brought to their ends.
        after: (m,) ids of what is read of the right side.
    """

    hole: "ScoreHole | TimeHole"
    length: int
    after: Ids

    @property
    def longest(self) -> int:
        """Tokens within which a filling ends."""
        return self.length + self.hole.ending

    @property
    def kept(self) -> Mapping[str, Any]:
        """See `seqgen.api.filling.Filling`."""
        return self.hole.kept()

    def grammar(self, bounds: Mapping[str, int], seen: Mask | None) -> Grammar:
        """See `seqgen.api.filling.Filling`."""
        tokenizer = self.model.tokenizer
        inner = self.hole.grammar(bounds, seen, self.length)
        assert self.end_id is not None
        return FilledGrammar(inner, len(self.prompt), self.end_id, tokenizer.vocab_size, tokenizer.document_id)

    def joined(self, ids: NDArray[Any]) -> bytes:
        """The piece with (m,) ids in its hole."""
        return self.hole.joined(self.prompt, ids, self.model.tokenizer.infilling)

    def judged(self, engine: Engine[Any], samples: Sequence[SampledStream]) -> list[float]:
        """See `seqgen.api.filling.Filling`."""
        before = np.concatenate([self.model.tokenizer.frame(), self.hole.left]).astype(np.int64)
        after = [np.concatenate([np.array(sample.ids, np.int64), self.after.astype(np.int64)]) for sample in samples]
        return likelihoods(engine, before, after)


@dataclass(frozen=True, eq=False, kw_only=True)
class PartsFilling(Filling):
    """Parts of a piece that are made to the others, for one model.

    Attributes:
        hole: The hole.
        frame: (n,) ids with which the document begins; the prompt goes on with what is given before the first bar.
        most: Tokens within which it ends.
    """

    hole: "ScoreHole"
    frame: NDArray[Any]
    most: int

    @property
    def longest(self) -> int:
        """See `seqgen.api.filling.Filling`."""
        return self.most

    @property
    def kept(self) -> Mapping[str, Any]:
        """See `seqgen.api.filling.Filling`."""
        return self.hole.kept()

    def grammar(self, bounds: Mapping[str, int], seen: Mask | None) -> Grammar:
        """See `seqgen.api.filling.Filling`."""
        return _accompaniment(self.model, self.hole, len(self.frame), bounds, seen)

    def joined(self, ids: NDArray[Any]) -> bytes:
        """The piece with what (m,) ids say of the parts."""
        return self.hole.joined(self.prompt, ids, self.model.tokenizer.infilling)

    def judged(self, engine: Engine[Any], samples: Sequence[SampledStream]) -> list[float]:
        """Nats a token of all that was made and given behind the prompt."""
        return [float(np.mean(each.log_probabilities)) if each.ids else -np.inf for each in samples]


def _accompaniment(
    model: "Model", hole: "ScoreHole", frame: int, bounds: Mapping[str, int], seen: Mask | None
) -> "Accompaniment":
    tokenizer = model.tokenizer
    assert tokenizer.infilling is not None
    size = tokenizer.vocab_size
    return hole.parts_grammar(bounds, seen, tokenizer.infilling, frame, tokenizer.document_id, size)


def bar_filling(
    model: "Model",
    data: bytes,
    bars: tuple[int, int],
    label: str | None,
    length: int | None,
    like: bytes | None = None,
    free: bool = False,
    alone: bool = False,
) -> MusicFilling:
    """Bars of a piece, ready to be made anew.

    Args:
        model: Which makes them.
        data: The file.
        bars: The first and the last, from 1.
        label: Of the document.
        length: Tokens at most; None: a few times what was there.
        like: A piece that is read before it.
        free: See `ScoreHole`.
        alone: Whether what stands before them alone is read, as any model of scores can.

    Raises:
        CheckpointError: What follows them is to be read, and the model was trained without holes.
        DataError: The piece cannot be read, or is unlike the corpus.
        UsageError: There are no such bars, or they are more than the model's span.
    """
    return _around(model, _hole(model, data, bars, None, free, alone), label, length, like, alone)


def seconds_filling(
    model: "Model",
    data: bytes,
    seconds: tuple[float, float],
    label: str | None,
    length: int | None,
    free: bool = False,
    alone: bool = False,
) -> MusicFilling:
    """What begins from one second on and before another, ready to be made anew.

    A model of performances fills from the one instant to the other. A model of scores fills whole bars: those between
    the bar lines that are nearest to both.

    Args:
        model: Which makes it.
        data: The file.
        seconds: From the beginning of the piece, as it is played.
        label: Of the document.
        length: Tokens at most; None: a few times what was there.
        free: See `ScoreHole`.
        alone: Whether what stands before it alone is read, as any model can.

    Raises:
        CheckpointError: What follows it is to be read, and the model was trained without holes.
        DataError: The piece cannot be read, or is unlike the corpus.
        UsageError: Nothing begins there or behind, or the hole is longer than the model's span.
    """
    from seqgen.codecs.midi_bar.filling import ScoreHole  # not needed for text

    codec = model.tokenizer.codec
    codec.require("music", "--seconds", "give --lines, or mark the hole in the text")
    if not alone:
        require_holes(model)
    hole = codec.hole_of_seconds(data, seconds, {} if model.seen is None else model.seen.bounds)
    hole = replace(hole, free=free) if isinstance(hole, ScoreHole) else hole
    _require_like(model, hole)
    return _around(model, hole, label, length, None, alone)


def _around(
    model: "Model", hole: "ScoreHole | TimeHole", label: str | None, length: int | None, like: bytes | None, alone: bool
) -> MusicFilling:
    tokenizer = model.tokenizer
    frame, left = tokenizer.frame(label), hole.left
    most = max(FEW, TIMES * hole.was) if length is None else length
    if alone:
        first = [tokenizer.encode_prompt(like)] if like else []
        read = np.concatenate([frame, *first, left[-LEFT:]]).astype(np.int64)
        end_id, nothing = tokenizer.document_id, hole.right[:0]
        return MusicFilling(model=model, prompt=read, end_id=end_id, hole=hole, length=most, after=nothing)
    span = span_of(model)
    signs, reach = tokenizer.infilling, Reach.of(span)
    assert signs is not None
    if hole.was > span:
        message = f"the hole is {hole.was:,} tokens long, and this model learned to fill within {span:,}"
        raise UsageError(message, "fill less at a time, or train with a longer -P infill_span")
    right = hole.right[: reach.after]
    opening = opened(tokenizer.codec.cuts(left), len(left), reach)
    read = prompt(frame, left, right, opening, reach.after, signs)
    if like:
        read = np.concatenate([frame, tokenizer.encode_prompt(like), read]).astype(np.int64)
    return MusicFilling(model=model, prompt=read, end_id=signs.end, hole=hole, length=most, after=right)


def parts_filling(
    model: "Model",
    data: bytes,
    parts: Sequence[str],
    bars: tuple[int, int] | None,
    label: str | None,
    free: bool = False,
) -> PartsFilling:
    """Parts of a piece, ready to be made to the others.

    Args:
        model: Which makes them.
        data: The file.
        parts: Their names.
        bars: The first and the last in which they are made anew, from 1; None: all.
        label: Of the document.
        free: See `ScoreHole`.

    Raises:
        CheckpointError: The model was trained without holes.
        DataError: The piece cannot be read, or is unlike the corpus.
        UsageError: The model knows no such part, all parts are to be made, or there are no such bars.
    """
    hole = _hole(model, data, bars, parts, free, alone=False)
    tokenizer = model.tokenizer
    bounds = {} if model.seen is None else model.seen.bounds
    frame = tokenizer.frame(label).astype(np.int64)
    script = _accompaniment(model, hole, len(frame), bounds, None)
    read = np.concatenate([frame, np.array(script.script[0], np.int64)])
    signs = tokenizer.infilling
    assert signs is not None
    drawn = frozenset({signs.given, signs.made})
    return PartsFilling(
        model=model, prompt=read, end_id=tokenizer.document_id, drawn=drawn,
        hole=hole, frame=frame, most=script.longest,
    )  # fmt: skip


def _hole(
    model: "Model", data: bytes, bars: tuple[int, int] | None, parts: Sequence[str] | None, free: bool, alone: bool
) -> "ScoreHole":
    tokenizer = model.tokenizer
    tokenizer.codec.require("music", "--bars and --parts", "give --lines, or mark the hole in the text")
    if not alone:
        require_holes(model, parts is not None)
    bounds = {} if model.seen is None else model.seen.bounds
    hole = replace(tokenizer.codec.score_hole(data, bars, parts, bounds), free=free)
    _require_like(model, hole)
    return hole


def _require_like(model: "Model", hole: "ScoreHole | TimeHole") -> None:
    """Refuse a piece of a meter or of pitches that training never saw."""
    if model.seen is None:
        return
    names, counts = model.tokenizer.vocabulary(), model.seen.counts
    for kind, what in (("METER_", "meter"), ("PITCH_", "pitch")):
        strange = [names[token] for token in np.unique(hole.ids).tolist()
                   if names[token].startswith(kind) and counts[token] == 0]  # fmt: skip
        if strange:
            said = strange[0].removeprefix(kind)
            raise CorpusError(f"the piece has {what} {said}, which the corpus of this model never has",
                              "fill it with a model that was trained on such music")  # fmt: skip

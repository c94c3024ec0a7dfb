"""Documents with holes, and music in parts, as a run reads them: a view of the stream with some pieces rearranged.

Every document is cut into blocks of about a span. Which blocks get a hole, and which documents are read in parts, is
drawn anew in each epoch, as a pure function of (seed, epoch, block): nothing is saved, nothing is written, and of the
stream no more is looked at than is read. `seqgen.infilling` says in which order.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen import settings
from seqgen.checkpoint import Checkpoint
from seqgen.errors import SettingError
from seqgen.infilling import HOLES, NO_CUT, Reach, arranged, drawn, only_told, opened
from seqgen.tokenizer import Tokenizer
from seqgen.training.augmentation import mixed
from seqgen.training.data import Offsets, Spans
from seqgen.training.settings import TrainSettings

PLAIN, HOLE, PARTS, PASSED = range(4)  # what becomes of a block; PASSED: it belongs to a document in parts
FEWEST = 16  # own tokens of a block with a hole
DRAWS = 4
KEPT = 256  # pieces that are kept rearranged: each stream goes through its own

Ids = NDArray[np.unsignedinteger[Any]]


class Blocks(NamedTuple):
    """Documents in blocks, (K,) each.

    Attributes:
        begin, end: Offsets in the stream.
        document: The number of the span.
        first, last: Whether it begins, or ends, its document.
    """

    begin: Offsets
    end: Offsets
    document: Offsets
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]

    @classmethod
    def of(cls, spans: Spans, span: int) -> "Blocks":
        """Blocks of at least `span` tokens and less than twice as many; shorter documents whole."""
        length = spans.end - spans.begin
        count = np.maximum(length // span, 1)
        document = np.repeat(np.arange(len(spans)), count)
        number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        last = number == count[document] - 1
        begin = spans.begin[document] + number * span
        return cls(begin, np.where(last, spans.end[document], begin + span), document, number == 0, last)


class Infilled:
    """A training stream some of whose documents have holes.

    Args:
        ids: (N,) the stream.
        spans: Its documents, in the order of the stream.
        tokenizer: One with infilling tokens.
        share: Of the blocks that get a hole; where the codec knows parts, half of it are documents in parts instead.
        span: Tokens within which a hole lies.
        seed: Of the choices.
    """

    def __init__(self, ids: Ids, spans: Spans, tokenizer: Tokenizer, share: float, span: int, seed: int) -> None:
        signs = tokenizer.infilling
        assert signs is not None
        self.ids, self.spans, self.tokenizer, self.signs = ids, spans, tokenizer, signs
        self.share, self.reach, self.seed = share, Reach.of(span), seed
        self.blocks = Blocks.of(spans, span)
        self._cut: dict[int, NDArray[np.int64]] = {}

    def epoch(self, number: int) -> tuple["Arranged", Spans]:
        """(the stream as it is read in an epoch, where its documents lie in it)."""
        blocks, draws = self.blocks, self._draws(number, len(self.blocks.begin), 0)
        kind = np.where((draws[0] < self.share) & (blocks.end - blocks.begin >= FEWEST), HOLE, PLAIN)
        in_parts = self._draws(number, len(self.spans), 1)
        length = blocks.end - blocks.begin
        if self.signs.made >= 0:
            self._in_parts(number, kind, length, in_parts)
        length = length + (len(HOLES) + self.reach.after) * (kind == HOLE)
        for block in np.flatnonzero((kind == HOLE) & blocks.last).tolist():  # what follows the hole may be shorter
            length[block] = len(self.holed(block, draws[1:, block]))
        shift = np.cumsum(length - (blocks.end - blocks.begin))  # by the end of each block
        begin = blocks.begin + np.concatenate([[0], shift[:-1]])
        view = Arranged(self, kind, begin, length, draws[1:], in_parts[1:])
        last = np.flatnonzero(blocks.last)
        return view, Spans(begin[blocks.first], begin[last] + length[last])

    def _in_parts(self, number: int, kind: NDArray[Any], length: Offsets, draws: NDArray[np.float64]) -> None:
        """Take half of the share as documents in parts, which have to be read to know how long they are then."""
        blocks = self.blocks
        first = np.flatnonzero(blocks.first)
        for document in np.flatnonzero(draws[0] < self.share / 2).tolist():
            made = self.parted(document, draws[1:, document])
            if made is None:
                continue
            own = slice(first[document], first[document + 1] if document + 1 < len(first) else len(blocks.begin))
            kind[own], length[own] = PASSED, 0
            kind[own.start], length[own.start] = PARTS, len(made)
        halved = self._draws(number, len(blocks.begin), 2)[0] < 0.5
        kind[(kind == HOLE) & halved] = PLAIN

    def parted(self, document: int, draws: NDArray[np.float64]) -> Ids | None:
        """A document in parts, framing included; None where it has none."""
        whole = np.asarray(self.ids[self.spans.begin[document] : self.spans.end[document]])
        head = self._head(whole)
        made = self.tokenizer.codec.in_parts(whole[head:], draws.tolist(), self.signs)
        return None if made is None else np.concatenate([whole[:head], made.astype(whole.dtype)])

    def holed(self, block: int, draws: NDArray[np.float64]) -> Ids:
        """A block with a hole."""
        blocks = self.blocks
        piece = np.asarray(self.ids[blocks.begin[block] : blocks.end[block]])
        head = self._head(piece) if blocks.first[block] else 0
        own = piece[head:]
        cuts = self.tokenizer.codec.cuts(own)
        if not blocks.first[block]:
            cuts[:, 0] = NO_CUT
        known = 0 if blocks.last[block] else self.reach.after
        hole = drawn(cuts, draws.tolist(), self.reach, 0, len(own) - known)
        return np.concatenate(
            [piece[:head], arranged(own, hole, opened(cuts, hole[0], self.reach), self.reach.after, self.signs)]
        )

    def _head(self, ids: Ids) -> int:
        """How many tokens frame a document that begins so."""
        return int((ids[:2] >= self.tokenizer.document_id).sum())

    def _draws(self, epoch: int, count: int, what: int) -> NDArray[np.float64]:
        """(DRAWS, count) numbers in [0, 1)."""
        key = mixed(mixed(mixed(np.uint64(self.seed)) + np.uint64(epoch)) + np.uint64(what))
        place: NDArray[np.uint64] = np.arange(DRAWS * count, dtype=np.uint64)
        words = mixed(key + place).reshape(count, DRAWS)
        return np.asarray((words.T >> np.uint64(11)).astype(np.float64) * 2.0**-53)


class Arranged:
    """The stream of one epoch; slices of it are what is asked for.

    Args:
        of: What it is a view of.
        kind: (K,) of each block.
        begin, length: (K,) where each lies in the view.
        draws: (3, K) that decide where its hole is.
        in_parts: (3, D) that decide which parts of a document are given.
    """

    def __init__(
        self,
        of: Infilled,
        kind: NDArray[Any],
        begin: Offsets,
        length: Offsets,
        draws: NDArray[np.float64],
        in_parts: NDArray[np.float64],
    ) -> None:
        self.of, self.kind, self.begin, self.length = of, kind, begin, length
        self.draws, self.in_parts = draws, in_parts
        self._kept: dict[int, tuple[Ids, NDArray[np.bool_]]] = {}

    def __getitem__(self, where: slice) -> Ids:
        """(n,) the ids from `where.start` on, fewer at the end of the stream."""
        return self.read(int(where.start), int(where.stop))[0]

    def read(self, at: int, stop: int) -> tuple[Ids, NDArray[np.bool_]]:
        """((n,) the ids from `at` on, fewer at the end of the stream; (n,) which of them are only told, no targets)."""
        pieces, told = [self.of.ids[:0]], [np.zeros(0, np.bool_)]
        while at < stop:
            piece, only_told = self._from(at, stop)
            if not len(piece):
                break
            pieces.append(piece)
            told.append(np.zeros(len(piece), np.bool_) if only_told is None else only_told)
            at += len(piece)
        return np.concatenate(pieces), np.concatenate(told)

    def _from(self, at: int, stop: int) -> tuple[Ids, NDArray[np.bool_] | None]:
        """The ids from `at` on, as far as they lie together, up to `stop`; which are only told, None: none of them."""
        ids, blocks = self.of.ids, self.of.blocks
        block = int(np.searchsorted(self.begin, at, side="right")) - 1
        if block < 0:
            return np.asarray(ids[at : min(stop, int(self.begin[0]))]), None
        inside, end = at - int(self.begin[block]), int(self.begin[block] + self.length[block])
        if at >= end:  # behind a document that is followed by one that is not read
            next_begin = int(self.begin[block + 1]) if block + 1 < len(self.begin) else stop
            real = int(blocks.end[block]) + at - end
            return np.asarray(ids[real : real + min(stop, next_begin) - at]), None
        if self.kind[block] == PLAIN:
            real = int(blocks.begin[block]) + inside
            return np.asarray(ids[real : real + min(stop, end) - at]), None
        made, told = self._rearranged(block)
        return made[inside : inside + stop - at], told[inside : inside + stop - at]

    def _rearranged(self, block: int) -> tuple[Ids, NDArray[np.bool_]]:
        found = self._kept.get(block)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            made = self._made(block)
            found = self._kept[block] = made, only_told(made, self.of.signs)
        return found

    def _made(self, block: int) -> Ids:
        if self.kind[block] == HOLE:
            return self.of.holed(block, self.draws[:, block])
        document = int(self.of.blocks.document[block])
        made = self.of.parted(document, self.in_parts[:, document])
        assert made is not None
        return made


def wanted(ids: Ids, spans: Spans, tokenizer: Tokenizer, train: TrainSettings, seed: int) -> Infilled | None:
    """What a run reads with holes, as its settings have it; None: it reads the stream as it is."""
    return Infilled(ids, spans, tokenizer, train.infill, train.infill_span, seed) if train.infill else None


def inherited(name: str, checkpoint: Checkpoint, given: Mapping[str, object]) -> dict[str, object]:
    """The settings with which one goes on that was trained with holes; none where it was not.

    Args:
        name: What it is called.
        checkpoint: Where the run begins.
        given: The settings asked for.

    Raises:
        SettingError: There are to be no more holes, though the tokens that tell of them stay.
    """
    if not checkpoint.tokenizer.signs:
        return {}
    before = checkpoint.training["train"]
    if settings.convert("infill", given.get("infill", before["infill"]), float) == 0:
        message = f"infill is 0, but the checkpoint {name} was trained with holes"
        raise SettingError(message, "leave it out: with --from, the share comes from the checkpoint")
    return {key: before[key] for key in ("infill", "infill_span")}


def shape(checkpoint: Checkpoint, given: Mapping[str, object]) -> dict[str, object]:
    """The model settings with which a run goes on from a checkpoint.

    They are the checkpoint's own. Only where holes are new to it, it looks ahead from then on: `lookahead` is what
    `lookback` was, its weights kept, and its new ones, like those of any memory, change nothing at first.

    Args:
        checkpoint: Where the run begins.
        given: The settings asked for.
    """
    own = dataclasses.asdict(checkpoint.settings)
    new = not checkpoint.tokenizer.signs and settings.convert("infill", given.get("infill", 0.0), float) > 0
    return own | {"memory": "lookahead"} if new and own["memory"] in (None, "lookback") else own

"""`look`: all that is seen of a model over one text, in one value. It reads no file and draws nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.errors import CorpusError, UsageError
from seqgen.inside.features import Feature, at_tokens, text_features
from seqgen.inside.finder import Found, Passage, followers, passages
from seqgen.inside.gates import saturation
from seqgen.inside.music_features import music_features
from seqgen.inside.naming import CellName, require_there
from seqgen.inside.seen import Further, Reading, Seen, ShownCell, Where, placed, token_names
from seqgen.inside.sweep import Block, columns, sweep
from seqgen.inside.trace import Trace, trace
from seqgen.tokenizer import Tokenizer

FURTHER = ("gradients", "saliency", "errors")
WINDOW = 5_000  # tokens that a page holds
MOST = 1_000_000  # tokens that are searched
SHOWN = 24  # cells that a page can show
PASSAGES = 4  # cells of which passages are looked for
LOOKED = 30_000  # tokens in which they are looked for


@dataclass(frozen=True, eq=False)
class Look(Seen):
    """A model over a text, with the ways to show it."""

    def page(self) -> str:
        """One HTML file that holds everything."""
        from seqgen.inside.page import page  # needs what draws

        return page(self)

    def picture(self, kind: str = "png") -> bytes:
        """The most telling cells over the text, as a PNG or an SVG file."""
        from seqgen.inside.picture import picture

        return picture(self, kind)

    def table(self, most: int) -> str:
        """The cells that follow `most` features best, as lines for a terminal."""
        from seqgen.inside.page import table

        return table(self, most)

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        from seqgen.inside.record import record

        return record(self)

    def _repr_html_(self) -> str:
        from seqgen.inside.page import notebook

        return notebook(self)


def reading(tokenizer: Tokenizer, data: bytes, window: int = WINDOW, label: str | None = None) -> Reading:
    """A text to look at: its first tokens, as many as a page can hold; all of it is searched.

    Args:
        tokenizer: What makes ids of it.
        data: The text, or for music a file.
        window: Tokens that are shown.
        label: Of the document.

    Raises:
        CorpusError: It holds nothing.
        DataError: It cannot be read.
    """
    ids = tokenizer.encode(data)[:MOST].astype(np.int64)
    if not len(ids):
        raise CorpusError("there is nothing to look at: the text is empty", "give a text of some lines, or a file")
    shown = min(window, len(ids))
    remark = "" if shown == len(ids) else f"shown are the first {shown:,} of {len(ids):,} tokens"
    return Reading(ids[:shown], tokenizer.frame(label), ids, np.array([0, len(ids)]), remark)


def look(
    checkpoint: Checkpoint,
    what: Reading,
    cells: Sequence[CellName] = (),
    name: str = "a model",
    best: int = 3,
    wanted: Sequence[str] = (),
    at: int | None = None,
) -> Look:
    """Look at a text.

    Args:
        checkpoint: The model.
        what: The text.
        cells: Those that are to be shown first; others follow by what they follow.
        name: What the model is called.
        best: How many cells of each feature are looked for.
        wanted: Of FURTHER, what is to be seen besides.
        at: The token whose prediction saliency explains, counted from 0; None: the most surprising of the likely ones.

    Raises:
        UsageError: There is no such cell.
    """
    settings = checkpoint.settings
    require_there(cells, settings.layers, settings.hidden)
    if not checkpoint.metrics.get("steps", 1):
        raise UsageError(f"{name} was never trained, so its cells follow nothing", "train it first: seqgen train")
    seen = trace(checkpoint, what.ids, what.frame)
    features = corpus_features(checkpoint.tokenizer, what.corpus, what.starts)
    found = followers(_blocks(seen, what), features, columns(checkpoint), best)
    shown = _shown(seen, found, cells)
    where = _where(seen, what, shown[: max(PASSAGES, len(cells))])
    further, missing = _further(seen, what, wanted, at)
    return Look(name, what, seen, found, shown, where, saturation(seen), further, missing)


def _blocks(seen: Trace, what: Reading, most: int = MOST) -> Iterable[Block]:
    """The activations of the first tokens of the corpus; where that is the text itself they are known already."""
    if len(what.corpus) != len(what.ids):
        return sweep(seen.checkpoint, what.corpus[:most])
    layers = [_plain(part, number) for parts in seen.cells for number, part in enumerate(parts)]
    return [(np.arange(len(seen)), np.concatenate(layers, axis=1))]


def _plain(part: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    return np.tanh(part) if number else part


def corpus_features(tokenizer: Tokenizer, ids: NDArray[np.int64], starts: NDArray[np.int64]) -> list[Feature]:
    """The features of (N,) ids, document by document, joined; those that all documents have."""
    pieces = tokenizer.token_bytes() or []
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    joined: dict[str, list[NDArray[np.float32]]] = {}
    bounds = [*starts.tolist(), len(ids)] if not len(starts) or starts[-1] != len(ids) else starts.tolist()
    for begin, end in pairwise(bounds):
        own = ids[begin:end]
        if tokenizer.is_text:
            data = b"".join([pieces[token] for token in own.tolist()])
            found = at_tokens(text_features(data), lengths[own]) if data else []
        else:
            found = _of_music(tokenizer, own)
        for name in {*joined, *(each.name for each in found)}:
            values = next((each.values for each in found if each.name == name), None)
            before = joined.setdefault(name, [np.full(begin, np.nan, np.float32)] if begin else [])
            before.append(np.full(len(own), np.nan, np.float32) if values is None else values)
    features = [Feature(name, np.concatenate(parts)) for name, parts in joined.items()]
    return sorted((each for each in features if _says(each)), key=lambda each: each.name)


def _says(feature: Feature) -> bool:
    known = feature.values[feature.known]
    return len(known) > 1 and float(known.std()) > 0


def _of_music(tokenizer: Tokenizer, ids: NDArray[np.int64]) -> list[Feature]:
    own = np.flatnonzero(ids < tokenizer.document_id)
    found = placed(tokenizer, ids[own])
    return [] if found is None else music_features(found[0], own[found[1]], len(ids))


def _shown(seen: Trace, found: Sequence[Found], asked: Sequence[CellName]) -> list[ShownCell]:
    """The cells asked for, the best of each feature, then the second ones."""
    reasons: dict[CellName, Found] = {}
    for each in found:
        reasons.setdefault(each.name, each)
    ranked = [each.name for each in found]
    first = [each.name for place, each in enumerate(found) if place == 0 or found[place - 1].feature != each.feature]
    order = list(dict.fromkeys([*asked, *first, *ranked, CellName(1, 1)]))[:SHOWN]
    return [_cell(seen, name, reasons.get(name)) for name in order]


def _cell(seen: Trace, name: CellName, reason: Found | None) -> ShownCell:
    parts = seen.checkpoint.cell.parts
    part = reason.part if reason is not None else parts[-1]
    values = seen.cells[name.layer - 1][parts.index(part)][:, name.cell - 1]
    why = "" if reason is None else f"{reason.feature} ({reason.said()})"
    sign = -1 if reason is not None and reason.larger < 0 else 1
    return ShownCell(name, part, why, _plain(values, parts.index(part)), sign)


def _where(seen: Trace, what: Reading, cells: Sequence[ShownCell]) -> list[Where]:
    """Where in the corpus cells are on; a cell that follows something the other way round is on where it is low."""
    named = columns(seen.checkpoint)
    index = [named.index((cell.name.layer, cell.part, cell.name.cell)) for cell in cells]
    series = np.zeros((min(len(what.corpus), LOOKED), len(cells)), np.float32)
    for places, block in _blocks(seen, what, LOOKED):
        series[places] = block[:, index]
    found = []
    for cell, values in zip(cells, series.T):
        spread = [
            Passage(each.begin, each.end, tuple(cell.sign * value for value in each.values))
            for each in passages(np.ascontiguousarray(values) * cell.sign)
        ]
        found.append(Where(cell, spread))
    return found


def _further(seen: Trace, what: Reading, wanted: Sequence[str], at: int | None) -> tuple[list[Further], list[str]]:
    """What is seen besides, and what could not be had."""
    found: list[Further] = []
    missing: list[str] = []
    ids, frame = seen.ids.tolist(), what.frame.tolist()
    if at is not None and not 1 <= at < len(ids):
        raise UsageError(f"there is no token {at} to explain", f"give one from 1 to {len(ids) - 1}")
    if {"gradients", "saliency"} & {*wanted}:
        try:
            import torch  # noqa: F401
        except ImportError:
            missing.append("Gradients and saliency need torch, which is not installed here.")
            wanted = [each for each in wanted if each == "errors"]
    if len(ids) < 3:
        return found, [*missing, "Gradients, saliency and errors need three tokens at least."] if wanted else missing
    if "gradients" in wanted:
        from seqgen.inside.gradients import gradients

        found.append(gradients(seen.checkpoint, ids, frame))
    if "saliency" in wanted:
        from seqgen.inside.saliency import saliency

        place = _telling(seen) if at is None else at
        found.append(saliency(seen, frame, token_names(seen.checkpoint.tokenizer), place))
    if "errors" in wanted:
        from seqgen.inside.ladder import LEAST, ladder

        corpus = what.corpus[len(ids) :] if np.array_equal(what.corpus[: len(ids)], seen.ids) else what.corpus
        starts = what.starts if len(corpus) == len(what.corpus) else np.array([0])
        if len(corpus) < LEAST:
            missing.append(f"Kinds of errors need {LEAST:,} tokens besides the text: give a corpus, or a longer file.")
        else:
            found.append(ladder(seen, corpus, starts))
    return found, missing


def _telling(seen: Trace) -> int:
    """A token whose prediction is worth explaining: likely, though little was sure before it; the latest third."""
    begin = max(1, min(len(seen) - 1, 2 * len(seen) // 3))
    doubt = np.concatenate([[0.0], seen.entropy[:-1]])
    score = np.where(seen.surprise < 1.5, doubt, -1.0)[begin:]
    return begin + int(score.argmax())

"""Nats per token of what is in random holes, with both sides and with the left side alone.

Held-out documents are cut into blocks as training cuts them, and of so many blocks, spread evenly over all, each gets
one hole, drawn as training draws it. Both ways read the same LEFT tokens before. The left side alone does not tell
where the hole ends: so each token is given that the filling goes on, and what it costs to know where to end is told
apart (`both_sides_or_end`).
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch

from seqgen.api.filling import span_of
from seqgen.api.model import Model
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.parting import Apart, chosen, interleaved
from seqgen.generation.sampling import log_probabilities
from seqgen.infilling import NO_CUT, Reach, drawn, opened
from seqgen.training.data import Spans
from seqgen.training.infilling import FEWEST, Blocks

LEFT = 1024
BOUNDS = (1, 5, 9, 17, 33, 65, 129, 257, 1 << 30)


class Place(NamedTuple):
    """A hole: ids (n,) of what stands before it, of that right before it, in it, and of what is told that follows."""

    left: Any
    near: Any
    middle: Any
    right: Any


def places(model: Model, ids: Any, spans: Spans, count: int, seed: int) -> list[Place]:
    """At most so many holes, spread evenly over all blocks, drawn as training draws them."""
    blocks = Blocks.of(spans, span_of(model))
    able = np.flatnonzero(blocks.end - blocks.begin >= FEWEST)
    chosen = able[np.unique(np.linspace(0, len(able) - 1, count).astype(np.int64))]
    return [_place(model, ids, spans, blocks, int(block), seed) for block in chosen]


def holes(model: Model, ids: Any, spans: Spans, count: int, seed: int) -> list[dict[str, float]]:
    """One row for all holes and one for each range of their lengths."""
    rows = np.array([_hole(model, place) for place in places(model, ids, spans, count, seed)])
    found = [_row("all", rows)]
    for low, high in pairwise(BOUNDS):
        inside = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        if len(inside):
            found.append(_row(f"{low} to {high - 1}" if high < BOUNDS[-1] else f"{low} and more", inside))
    return found


def _row(name: str, rows: Any) -> dict[str, Any]:
    length, both, alone, with_end = rows.sum(axis=0).tolist()
    each = rows[:, 1] / rows[:, 2]
    spread = np.random.default_rng(0).choice(len(rows), (1000, len(rows)))
    sums = rows[spread].sum(axis=1)
    low, high = np.quantile(1 - sums[:, 1] / sums[:, 2], (0.025, 0.975)).tolist()
    return {
        "length": name,
        "holes": len(rows),
        "tokens": int(length),
        "both_sides": both / length,
        "left_alone": alone / length,
        "both_sides_or_end": with_end / length,
        "gain": 1 - both / alone,
        "gain_low": low,
        "gain_high": high,
        "gain_of_median_hole": 1 - float(np.median(each)),
    }


def _place(model: Model, ids: Any, spans: Spans, blocks: Blocks, block: int, seed: int) -> Place:
    tokenizer, reach = model.tokenizer, Reach.of(span_of(model))
    begin, end = int(spans.begin[blocks.document[block]]), int(spans.end[blocks.document[block]])
    own = tokenizer.own(np.asarray(ids[blocks.begin[block] : blocks.end[block]]))
    at = int(blocks.end[block]) - len(own)  # where its own tokens begin in the stream
    draws = np.random.default_rng([seed, block]).random(3).tolist()
    cuts = tokenizer.codec.cuts(own)
    if not blocks.first[block]:
        cuts[:, 0] = NO_CUT
    known = 0 if blocks.last[block] else reach.after
    first, last = drawn(cuts, draws, reach, 0, len(own) - known)
    opening = opened(cuts, first, reach)
    left = np.asarray(ids[max(begin, at + opening - LEFT) : at + opening]).astype(np.int64)
    left = left if len(left) else tokenizer.frame().astype(np.int64)  # what is held out may be the rest of a document
    near, middle = own[opening:first].astype(np.int64), own[first:last].astype(np.int64)
    right = np.asarray(ids[at + last : min(at + last + reach.after, end)]).astype(np.int64)
    return Place(left, near, middle, right)


def _hole(model: Model, place: Place) -> tuple[float, float, float, float]:
    """(tokens, nats with both sides, nats with the left one, nats with both and of knowing that it goes on)."""
    left, near, middle, right = place
    signs = model.tokenizer.infilling
    assert signs is not None
    engine = model.engine
    logits, state = engine.prefill(left, engine.start(1)) if len(left) else (None, engine.start(1))
    both = np.concatenate([[signs.suffix], right, [signs.prefix], near]).astype(np.int64)
    found = []
    for before in (both, near):
        now, branch = logits, engine.select(state, [0])
        ends = 0.0
        if len(before):
            now, branch = engine.prefill(before, branch)
        assert now is not None  # a document begins with its frame
        total = 0.0
        for token in middle:
            total -= float(log_probabilities(now, np.array([token]))[0])
            stop = np.exp(log_probabilities(now, np.array([signs.end]))[0])
            ends -= float(np.log1p(-min(stop, 1 - 1e-9)))
            now, branch = engine.step(np.array([token]), branch)
        found += [total - ends, total]
    return len(middle), found[0], found[2], found[1]


def parts(model: Model, documents: list[Any], seed: int) -> dict[str, float]:
    """Nats per note of parts that are made, those given being known a bar ahead, and in plain order.

    In plain order a note is known by all that began before it, and at its own onset by the voices that stand before it;
    where it begins is counted for the first of them alone. What a bar says of itself is given both times.
    """
    tokenizer = model.tokenizer
    signs = tokenizer.infilling
    assert signs is not None
    network = model.checkpoint.network().eval()
    sums, notes, pieces = np.zeros(2), 0, 0
    for number, own in enumerate(documents):
        apart = Apart.of(own)
        if len(apart.parts) < 2:
            continue
        draws = np.random.default_rng([seed, number]).random(3).tolist()
        given = chosen(apart.parts, apart.highest(), draws)
        made = [part for part in apart.parts if part not in given]
        arranged = interleaved(apart.given(given), apart.made(made), signs)
        sign = np.where(np.isin(arranged, (signs.given, signs.made)), arranged, 0)
        latest = sign[np.maximum.accumulate(np.where(sign > 0, np.arange(len(sign)), 0))]
        counted = (latest == signs.made) & (sign == 0) & (arranged != v.BAR)
        sums[0] += nats(network, tokenizer.frame(), arranged)[counted].sum()
        token = own.astype(np.int64)
        row = np.searchsorted(rows_at(token) + 1, np.arange(len(token)))
        of_row = np.append(np.isin(apart.rows.part, made), False)[row]
        head = (token < v.TEMPO) | (token >= v.REMAIN)
        sums[1] += nats(network, tokenizer.frame(), own)[of_row & ~head].sum()
        notes += int(np.isin(apart.rows.part, made).sum())
        pieces += 1
    made_nats, plain = (sums / notes).tolist()
    return {
        "pieces": pieces,
        "notes": notes,
        "given_ahead": made_nats,
        "plain_order": plain,
        "gain": 1 - made_nats / plain,
    }


def rows_at(token: Any) -> Any:
    """Where in (n,) ids the pitch of each note stands, or a tempo: the rows of `Apart`."""
    value = (token >= v.DUR) & (token < v.TIE)
    whole = (token >= v.PITCH) & (token < v.DRUM) & np.append(value[1:], False)
    return np.flatnonzero(whole | ((token >= v.DRUM) & (token < v.DUR)) | ((token >= v.TEMPO) & (token < v.POS)))


def nats(network: Any, frame: Any, ids: Any) -> Any:
    """(n,) of each token of a document, from its beginning on."""
    whole = torch.from_numpy(np.concatenate([frame, ids]).astype(np.int64))[None]
    with torch.no_grad():
        logits = network(whole[:, :-1], network.initial_state(1))[0].float()
    found = torch.nn.functional.cross_entropy(logits[0], whole[0, 1:], reduction="none").numpy()
    return found[len(frame) - 1 :]

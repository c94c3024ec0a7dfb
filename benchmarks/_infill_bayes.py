"""What both sides of a hole can tell at most, by the left-to-right model alone and Bayes' rule, its length being known.

For a hole with the true middle M (n tokens) between the left side L and what follows, R:

    log P(M | L, R, n) − log P(M | L) = log P(R | L, M) − log Σ_M' P(M' | L) P(R | L, M')    M' of n tokens

The sum is the mean over so many samples M' from P(· | L); with the true M among them it is too large, so the gain is
too small, and without it the other way round. Both are told. No model that fills holes takes part.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from seqgen.api.model import Model
from seqgen.infilling import Ids
from seqgen.training.data import Spans

from _infill_nats import BOUNDS, Place, places  # isort: skip

READ = 512  # tokens of the left side


def bounds(model: Model, ids: Any, spans: Spans, count: int, seed: int, samples: int = 200) -> list[dict[str, Any]]:
    """One row for all holes and one for each range of their lengths."""
    rng = np.random.default_rng(seed)
    found = [_bound(model, place, samples, rng) for place in places(model, ids, spans, count, seed)]
    rows = np.array([row for row in found if row is not None])
    made = [_row("all", rows)]
    for low, high in pairwise(BOUNDS):
        inside = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        if len(inside):
            made.append(_row(f"{low} to {high - 1}" if high < BOUNDS[-1] else f"{low} and more", inside))
    return made


def _row(name: str, rows: Any) -> dict[str, Any]:
    length, alone, least, most = rows.sum(axis=0).tolist()
    return {
        "length": name,
        "holes": len(rows),
        "left_alone": alone / length,
        "nats_a_hole": least / len(rows),
        "gain_at_least": least / alone,
        "gain_at_most": most / alone,
    }


def _bound(model: Model, place: Place, samples: int, rng: np.random.Generator) -> tuple[float, ...] | None:
    """(tokens, nats of the middle, nats that the right side saves at least, at most); None: a side is empty."""
    left = np.concatenate([place.left, place.near])[-READ:]
    if not len(left) or not len(place.right):
        return None
    engine = model.engine
    logits, state = engine.prefill(left, engine.start(1))
    state, logits = engine.select(state, [0] * (samples + 1)), np.repeat(logits, samples + 1, 0)
    middle, right = 0.0, np.zeros(samples + 1)
    for token in place.middle:
        said = _log_softmax(logits, model.tokenizer.document_id)
        middle -= float(said[0, token])
        drawn = (said + rng.gumbel(size=said.shape)).argmax(1)
        drawn[0] = token
        logits, state = engine.step(drawn, state)
    for token in place.right:
        right += _log_softmax(logits, model.tokenizer.document_id)[:, token]
        logits, state = engine.step(np.full(samples + 1, token), state)
    least = right[0] - (np.logaddexp.reduce(right) - np.log(samples + 1))
    most = right[0] - (np.logaddexp.reduce(right[1:]) - np.log(samples))
    return len(place.middle), middle, min(least, middle), min(most, middle)


def _log_softmax(logits: Any, framing: int) -> Any:
    """(B, V) without the tokens of framing."""
    own: Ids = logits.astype(np.float64)
    own[:, framing:] = -1e9
    shifted = own - own.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))

"""The gate: how network, corpus and document are mixed, by how much each knows at the place.

A log-linear mixture with weights that follow the context, as in PAQ (Mahoney 2005, "Adaptive weighing of context
models for lossless data compression") but over all tokens at once instead of bit by bit:

    ln P(w) = Σ_e g_e(x) · ln P_e(w) − ln Z,    g(x) = W x

x tells the longest context that is known in the corpus, what each of its orders leaves to those below, the longest in
the document, how often and how variously it went on, how long the document is, how sure each expert is, and whether a
line or a bar begins: behind a blank line of a play a name comes, and who spoke before the document knows best. In W the
loss is convex, and Newton's method with a little ridge finds its minimum: no rate and no seed.

While a document begins, the network is heard alone.

There are two gates: one hears network and corpus and knows of these alone, one hears the document too.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.experts import document
from seqgen.experts.corpus import MAX_ORDER
from seqgen.experts.document import Evidence

Floats = NDArray[np.float32]

OF_CORPUS = 1 + MAX_ORDER + MAX_ORDER + 4  # features that tell nothing of the document
LENGTHS = (16, 64, 256, 1024, 4096, 16384)  # tokens of a document: between them the gate tells it apart
OF_DOCUMENT = document.ORDER + 4 + len(LENGTHS) + 1
BEGINS = 2  # features of places where a line or a bar begins: behind one that was not empty, behind one that was
FEATURES = OF_CORPUS + OF_DOCUMENT + BEGINS
EXPERTS = 3  # network, corpus, document
LEFT = 1 + MAX_ORDER  # where features stand
SURE = LEFT + MAX_ORDER
FOLLOWERS = OF_CORPUS + document.ORDER + 2
LENGTH = FOLLOWERS + 2
BEGUN = OF_CORPUS + OF_DOCUMENT - 1  # and how many lines in a row
RIDGE = 3.0  # predictions' worth of belief in the network alone
STEPS = 30  # of Newton's method, at most; eight do
CHUNK = 2048  # predictions at once
TINY = 1e-12
UNLIKELY = 1e-3
SHARE = 0.3  # by which samples of tiny-shakespeare repeat 16-grams as often as held-out text does


class Known(NamedTuple):
    """What the counts know of the next token of B streams.

    Attributes:
        corpus: (B, V) float64, its probabilities.
        reached: (B,) the longest context that the corpus knows, in tokens.
        left: (B, order) what each context leaves to the shorter ones, 1 where it is not known.
        document: What the document knows.
        begun: B numbers, how many lines or bars began just now, BEGINS at most.
    """

    corpus: NDArray[np.float64]
    reached: NDArray[np.int64]
    left: NDArray[np.float64]
    document: Evidence
    begun: list[int]


class Heard(NamedTuple):
    """Predictions as the gate takes them.

    Attributes:
        experts: (EXPERTS, B, V) log-probabilities.
        features: (B, FEATURES).
    """

    experts: Floats
    features: Floats


def hear(network: Floats, known: Known) -> Heard:
    """Join what network and counts say.

    Args:
        network: (B, V) log-probabilities of the tokens that the counts know, up to a constant for each row.
        known: From `Experts.known`.
    """
    found, size = known.document, len(network)
    experts = np.empty((EXPERTS, *network.shape), np.float32)
    experts[0] = network
    experts[1], experts[2] = known.corpus, found.probabilities
    np.maximum(experts[1:], TINY, out=experts[1:])
    np.log(experts[1:], out=experts[1:])
    sure = np.empty((2, EXPERTS, size), np.float32)
    np.exp(experts.max(axis=2, out=sure[0]), out=sure[1])
    x = np.zeros((size, FEATURES), np.float32)
    x[:, 0] = 1
    x[:, LEFT : LEFT + known.left.shape[1]] = known.left
    x[:, SURE : SURE + 2], x[:, SURE + 2 : SURE + 4] = sure[0, :2].T, sure[1, :2].T
    x[:, FOLLOWERS - 2 : FOLLOWERS] = sure[:, 2].T
    every = zip(known.reached.tolist(), found.reached, found.followers, found.different, found.length, known.begun)
    for row, (corpus, own, followers, different, length, begun) in enumerate(every):  # for few rows numpy is slower
        x[row, 1 + corpus] = x[row, OF_CORPUS + own] = x[row, LENGTH + bisect_left(LENGTHS, length)] = 1
        x[row, FOLLOWERS] = log1p(followers)
        x[row, FOLLOWERS + 1] = different == 1
        if begun:
            x[row, BEGUN + begun] = 1
    return Heard(experts, x)


def first_weights() -> Floats:
    """(EXPERTS, FEATURES) that hear the network alone."""
    weights = np.zeros((EXPERTS, FEATURES), np.float32)
    weights[0, 0] = 1
    return weights


@dataclass(frozen=True, eq=False)
class Gate:
    """How experts are mixed.

    Attributes:
        corpus: (EXPERTS, FEATURES) weights that hear no document.
        document: (EXPERTS, FEATURES) weights that hear it.
        share: How much of the document's say there is when a model samples, 0 to 1. There the document is the model's
            own: at 1 it repeats itself more than corpora do. Where a line begins its say is whole: a name that returns
            is no repetition.
        heard: How much of all counts' say there is then, 0 to 1: less where samples would say too often again what the
            corpus said.
    """

    corpus: Floats
    document: Floats
    share: float = SHARE
    heard: float = 1.0

    @classmethod
    def fit(cls, heard: Heard, targets: NDArray[np.integer[Any]], near: "Gate | None" = None) -> "Gate":
        """Both gates, on held-out predictions whose tokens were (B,) `targets`.

        Args:
            heard: The predictions.
            targets: What came.
            near: A gate from which the search begins; the result is the same, sooner.
        """
        heard, targets = _narrowed(heard, targets)
        corpus, whole = (None, None) if near is None else (near.corpus, near.document)
        return cls(_fitted(heard, targets, 2, OF_CORPUS, corpus), _fitted(heard, targets, EXPERTS, FEATURES, whole))

    @classmethod
    def unfitted(cls) -> "Gate":
        """One that hears the network alone."""
        return cls(first_weights(), first_weights())

    @classmethod
    def restore(cls, found: Mapping[str, Any]) -> "Gate":
        """What `to_json` gave, checked.

        Raises:
            ValueError: It makes no sense.
        """
        corpus, whole = (_of_now(np.asarray(found[name], np.float32)) for name in ("corpus", "document"))
        if any(each.shape != (EXPERTS, FEATURES) or not np.isfinite(each).all() for each in (corpus, whole)):
            raise ValueError(f"a gate that has not {EXPERTS} times {FEATURES} weights")
        shares = found["share"], found.get("heard", 1.0)
        for share in shares:
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(f"a share of {share!r}, expected 0 to 1")
        return cls(corpus, whole, *map(float, shares))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        weights = {"corpus": _plain(self.corpus), "document": _plain(self.document)}
        return {**weights, "share": self.share, "heard": self.heard}

    @property
    def sampling(self) -> Floats:
        """Weights that hear the document by its share, and counts as much as they are heard."""
        counted = np.asarray((1 - self.share) * self.corpus + self.share * self.document, np.float32)
        counted[:, BEGUN + 1 :] = self.document[:, BEGUN + 1 :]
        return counted if self.heard == 1 else np.float32(1 - self.heard) * first_weights() + self.heard * counted


def normalised(logits: Floats) -> Floats:
    """(B, V) log-probabilities."""
    found: Floats = logits - logits.max(axis=1, keepdims=True)
    found -= np.log(np.exp(found).sum(axis=1, keepdims=True))
    return found


def mix(heard: Heard, weights: Floats) -> Floats:
    """(B, V) log-probabilities, not normalised.

    Args:
        heard: From `hear`.
        weights: (EXPERTS, FEATURES), or (B, EXPERTS, FEATURES) of each prediction's own.
    """
    experts, x = heard
    shares = (x[:, None] * weights).sum(axis=2)  # (B, EXPERTS), to the same bits in every batch
    begins = x[:, LENGTH] > 0  # at most LENGTHS[0] tokens: too few such places are held out to fit a gate to them
    if begins.any():
        shares[begins] = 1, 0, 0
    return np.asarray((shares.T[:, :, None] * experts).sum(axis=0), np.float32)


def joined(network: Floats, mixed: Floats) -> Floats:
    """(B, V') log-probabilities: what the counts do not know, from V on, the network decides alone.

    Args:
        network: (B, V') its log-probabilities.
        mixed: (B, V) from `mix`; used up.
    """
    size = mixed.shape[1]
    mixed = normalised(mixed)
    if network.shape[1] == size:
        return mixed
    mixed += np.log(np.maximum(np.exp(network[:, :size]).sum(axis=1, keepdims=True), TINY))
    return np.concatenate([mixed, network[:, size:]], axis=1)


def _narrowed(heard: Heard, targets: NDArray[np.integer[Any]]) -> tuple[Heard, NDArray[np.int64]]:
    """The same without tokens that no expert expects anywhere, and that never come."""
    wanted = (heard.experts.max(axis=(0, 1)) > np.log(UNLIKELY)) | (
        np.bincount(targets, minlength=heard.experts.shape[2]) > 0
    )
    place = np.cumsum(wanted) - 1
    return Heard(np.ascontiguousarray(heard.experts[:, :, wanted]), heard.features), place[targets]


def _fitted(
    heard: Heard, targets: NDArray[np.integer[Any]], experts: int, features: int, near: Floats | None
) -> Floats:
    """Newton's method, by steps that are halved where they make it worse."""
    start = first_weights()[:experts, :features].astype(np.float64)
    weights, loss = start if near is None else near[:experts, :features].astype(np.float64), float("inf")
    step = np.zeros_like(start)
    for _ in range(STEPS):
        trial = weights + step
        found, slope, bend = _derivatives(heard, targets, trial)
        away = trial - start
        found += RIDGE / 2 * float((away**2).sum())
        if found > loss:
            step = step / 2
            if np.abs(step).max() < 1e-6:
                break
            continue
        gain, weights, loss = loss - found, trial, found
        if gain < 1e-6 * len(targets):
            break
        slope += RIDGE * away.ravel()
        step = np.asarray(-np.linalg.solve(bend + RIDGE * np.eye(len(bend)), slope)).reshape(weights.shape)
    whole = np.zeros((EXPERTS, FEATURES), np.float32)
    whole[:experts, :features] = weights
    return whole


def _derivatives(
    heard: Heard, targets: NDArray[np.integer[Any]], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """(summed nats, gradient (E·F,), Hessian (E·F, E·F))."""
    count, features = weights.shape
    slope: NDArray[np.float64] = np.zeros((count, features))
    bend: NDArray[np.float64] = np.zeros((count, features, count, features))
    loss = 0.0
    for at in range(0, len(targets), CHUNK):
        own = targets[at : at + CHUNK]
        x = heard.features[at : at + CHUNK, :features].astype(np.float64)
        experts = heard.experts[:count, at : at + CHUNK]  # float32: sums over a vocabulary need no more
        shares = (x @ weights.T).astype(np.float32)
        p = shares[:, :1] * experts[0]
        for e in range(1, count):
            p += shares[:, e, None] * experts[e]
        rows = np.arange(len(own))
        p -= p.max(axis=1, keepdims=True)
        loss -= float(p[rows, own].sum(dtype=np.float64))
        np.exp(p, out=p)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        loss += float(np.log(total).sum(dtype=np.float64))
        mean = np.einsum("nv,env->en", p, experts).astype(np.float64)
        slope += (mean - experts[:, rows, own]) @ x
        for e in range(count):
            weighted = p * experts[e]
            for f in range(e + 1):
                joint = np.einsum("nv,nv->n", weighted, experts[f]) - mean[e] * mean[f]
                bend[e, :, f] += (x * joint[:, None]).T @ x
    for e in range(count):
        for f in range(e):
            bend[f, :, e] = bend[e, :, f].T
    return loss, slope.ravel(), bend.reshape(count * features, count * features)


def _of_now(weights: Floats) -> Floats:
    """A gate that was fitted before it was told where lines begin, as one that does not mind."""
    return np.pad(weights, [(0, 0), (0, BEGINS)]) if weights.shape == (EXPERTS, FEATURES - BEGINS) else weights


def _plain(weights: Floats) -> list[list[float]]:
    return [[round(float(weight), 6) for weight in row] for row in weights]

"""How well network and counts predict together: protocols A and B with experts, and the gate that mixes them.

A gate is fitted on held-out text. Measured on other text it is taken as it is. On the text that it was fitted on, gates
are fitted anew and crossed: the text is cut into PARTS, and what the gate of the even parts is measured on are the odd
ones, and the other way round. No prediction is measured with a gate that was fitted on it.

Under either protocol a span knows what was read since its beginning: under A of its window, under B of its document.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqgen.evaluation.protocols import PIECE, WINDOW, Device, Network, Spans, Watch, passes, spans_of
from seqgen.experts.gate import Gate, Heard, first_weights, hear, joined, mix, normalised
from seqgen.experts.learning import learning
from seqgen.experts.mixing import Experts, ExpertsState

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]
Gates = tuple[Gate, Gate]  # for the even parts and for the odd ones

PARTS = 8
NUMBERS = 1 << 23  # probabilities of each expert that a gate is fitted on, at most: 32 MB


@dataclass(frozen=True)
class Mixed:
    """Nats per token over the same predictions.

    Attributes:
        network: Alone.
        corpus: With the counts of the corpus.
        document: With those of the document, too.
        count: How many predictions.
    """

    network: float
    corpus: float
    document: float
    count: int

    @property
    def rows(self) -> list[tuple[str, float]]:
        """For people."""
        return [("the corpus", self.corpus), ("corpus and document", self.document)]

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {"corpus": {"nats_per_token": self.corpus}, "document": {"nats_per_token": self.document}}


@dataclass(frozen=True)
class ExpertsScore:
    """Both protocols.

    Attributes:
        protocol_a, protocol_b: What was measured.
        crossed: Whether gates were fitted anew on the one half of the text for the other; else the stored one was used.
    """

    protocol_a: Mixed
    protocol_b: Mixed
    crossed: bool

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        a, b = self.protocol_a.to_json(), self.protocol_b.to_json()
        return {"gate": "crossed" if self.crossed else "stored", "protocol_a": a, "protocol_b": b}


def evaluate_experts(
    network: Network,
    experts: Experts,
    ids: Ints,
    starts: Ints,
    crossed: bool,
    device: Device = "cpu",
    watch: Watch = lambda count: None,
) -> ExpertsScore:
    """Measure a network with its counts under both protocols.

    Args:
        network: On `device`.
        experts: Its experts.
        ids: (N,) ids below the experts's V.
        starts: (D,) or (D+1,) where documents begin.
        crossed: Whether to fit the gate anew, on parts of these ids.
        device: Where to compute.
        watch: Takes the number of predictions made since it was last called: two a token.
    """
    gates = gates_for(network, experts, ids, starts, crossed, device)
    spans = (spans_of(len(ids), starts, WINDOW, whole=True), spans_of(len(ids), starts, len(ids)))
    a, b = (_measured(network, experts, gates, ids, each, device, watch) for each in spans)
    return ExpertsScore(a, b, crossed)


def gates_for(
    network: Network, experts: Experts, ids: Ints, starts: Ints, crossed: bool, device: Device = "cpu"
) -> Gates:
    """The gates for even and odd parts: the stored one, or crossed ones; see `evaluate_experts`."""
    if not crossed:
        return experts.gate, experts.gate
    places, heard = heard_from(network, experts, ids, starts, device)
    part = _part(places, len(ids))
    even, odd = (_fitted(heard, ids[places], part != own, experts.gate) for own in (0, 1))
    return even, odd


class Beside:
    """Counts beside a network that learns from the documents it reads, as `dynamic.Listen`. Their gates learn with it.

    Args:
        experts: They are read along.
        gates: For even and odd parts, as they begin.
        ids: (N,) ids below the experts's V.
        starts: (D,) or (D+1,) where documents begin.
        learns: Whether the gates do.
    """

    def __init__(self, experts: Experts, gates: Gates, ids: Ints, starts: Ints, learns: bool = True) -> None:
        self.experts, self.gates, self.ids, self.begins = experts, gates, ids, {0, *starts.tolist()}
        self.totals, self.count, self.state = np.zeros(3), 0, experts.start(1)
        self.learners, self.learns = learning(*gates), learns

    def __call__(self, at: int, logits: Tensor) -> None:
        if at == 0:
            self.totals[:] = self.count = 0
            self.learners = learning(*self.gates)
        if at in self.begins:
            self.state = self.experts.start(1)
        size = len(logits)
        known, self.state = self.experts.read(self.ids[at : at + size], self.state)
        places = np.arange(at + 1, at + 1 + size)
        alone = normalised(logits.float().cpu().numpy())
        heard = hear(alone[:, : self.experts.vocab_size], known)
        even, odd = self.learners
        gates = even.gate, odd.gate
        self.totals -= _gained(gates, alone, heard, self.ids, places, slice(None))
        self.count += size
        part, targets = _part(places, len(self.ids)), self.ids[places].astype(np.int64)
        for own, learner in enumerate(self.learners):
            if self.learns and (chosen := part == own).any():
                learner.learn(_some(heard, chosen), targets[chosen])

    @property
    def found(self) -> Mixed:
        """Nats per token so far."""
        alone, corpus, document = (self.totals / max(self.count, 1)).tolist()
        return Mixed(alone, corpus, document, self.count)


def fit_experts(
    network: Network, experts: Experts, ids: Ints, starts: Ints, device: Device = "cpu"
) -> tuple[Experts, float]:
    """(experts with a gate that is fitted on held-out ids, how many nats a token they gain with a crossed one)."""
    places, heard = heard_from(network, experts, ids, starts, device)
    targets, part = ids[places].astype(np.int64), _part(places, len(ids))
    gain, gate = 0.0, Gate.fit(heard, targets)
    for own in (0, 1):
        chosen = part == own
        crossed, heard_here = _fitted(heard, targets, ~chosen, gate), _some(heard, chosen)
        rows = np.arange(int(chosen.sum()))
        for weights, sign in ((crossed.document, 1), (first_weights(), -1)):
            gain += sign * float(normalised(mix(heard_here, weights))[rows, targets[chosen]].sum(dtype=np.float64))
    return replace(experts, gate=gate), gain / len(places)


def heard_from(
    network: Network, experts: Experts, ids: Ints, starts: Ints, device: Device = "cpu"
) -> tuple[NDArray[np.int64], Heard]:
    """(places (n,), predictions) in pieces from all over the ids, as many as a gate needs.

    The network reads the ids before a piece from a zero state. The counts read the whole document up to it, but for
    every other piece nothing but the latest context, and for half of these not even that, so that a gate learns how
    documents begin.
    """
    spans = spans_of(len(ids), starts, PIECE, WINDOW)
    most = max(1, NUMBERS // experts.vocab_size // PIECE)
    spans = spans[np.linspace(0, len(spans) - 1, min(len(spans), most)).astype(np.int64)]
    places, logits = list[NDArray[np.int64]](), list[Floats]()
    for block in passes(network, ids, spans, device):
        wanted = block.wanted.cpu().numpy()
        places.append(block.places.T[wanted])
        logits.append(block.logits[block.wanted.flatten()][:, : experts.vocab_size].cpu().numpy())
    where, found = np.concatenate(places), np.concatenate(logits)
    order = np.argsort(where)
    where, found = where[order], found[order]
    heard = list[Heard]()
    at = 0
    for known in _known_before(experts, ids, starts, where):
        size = len(known.corpus)
        own = found[at : at + size]
        heard.append(hear(normalised(own), known))
        at += size
    joint = np.concatenate([each.experts for each in heard], axis=1)
    return where, Heard(joint, np.concatenate([each.features for each in heard]))


def _known_before(experts: Experts, ids: Ints, starts: Ints, places: NDArray[np.int64]) -> Iterator[Any]:
    """What the counts know before each of (n,) rising places, in runs."""
    begins = np.unique(np.append(starts[starts < len(ids)], 0))
    document = np.searchsorted(begins, places, side="right") - 1
    apart = (np.diff(places) != 1) | (np.diff(document) != 0) | (np.arange(1, len(places)) % PIECE == 0)
    breaks = np.flatnonzero(apart) + 1
    state, read, current = experts.start(1), 0, -1
    for number, (run, owner) in enumerate(zip(np.split(places, breaks), document[np.append(0, breaks)].tolist())):
        first, last = int(run[0]) - 1, int(run[-1])
        if number % 2:
            warm = first if number % 4 == 3 else max(int(begins[owner]), first - experts.counts.order)
            cold = experts.skip(ids[warm:first], experts.start(1))
            yield experts.read(ids[first:last], ExpertsState(cold.contexts, experts.start(1).documents))[0]
            continue
        if owner != current:
            state, read, current = experts.start(1), int(begins[owner]), owner
        state = experts.skip(ids[read:first], state)
        known, state = experts.read(ids[first:last], state)
        read = last
        yield known


def _fitted(heard: Heard, targets: Ints, chosen: NDArray[np.bool_], otherwise: Gate) -> Gate:
    return Gate.fit(_some(heard, chosen), targets[chosen].astype(np.int64), otherwise) if chosen.any() else otherwise


def _some(heard: Heard, chosen: NDArray[np.bool_]) -> Heard:
    return Heard(heard.experts[:, chosen], heard.features[chosen])


def _part(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(n,) 0 where a place is in an even part of the ids, 1 in an odd one."""
    return places * PARTS // max(length, 1) % 2


def _measured(
    network: Network,
    experts: Experts,
    gates: Gates,
    ids: Ints,
    spans: Spans,
    device: Device,
    watch: Watch,
) -> Mixed:
    """One protocol; the gates are for even and odd parts."""
    totals, count, states = np.zeros(3), 0, list[ExpertsState]()
    for block in passes(network, ids, spans, device):
        lanes, steps = block.read.shape
        if block.first:
            states = [experts.start(1) for _ in range(lanes)]
        logits = block.logits.cpu().numpy().reshape(steps, lanes, -1)
        wanted = block.wanted.cpu().numpy()
        for lane in range(lanes):
            own = np.flatnonzero(wanted[:, lane])
            known, states[lane] = experts.read(block.read[lane], states[lane])
            alone = normalised(logits[:, lane])
            heard = hear(alone[:, : experts.vocab_size], known)
            totals -= _gained(gates, alone, heard, ids, block.places[lane], own)
            count += len(own)
        watch(int(wanted.size))
    alone_nats, corpus, document = (totals / max(count, 1)).tolist()
    return Mixed(alone_nats, corpus, document, count)


def _gained(
    gates: Gates,
    alone: Floats,
    heard: Heard,
    ids: Ints,
    places: NDArray[np.int64],
    own: NDArray[np.int64] | slice,
) -> NDArray[np.float64]:
    """(3,) sums of the logs of what a network, with counts of the corpus, and of the document, said of ids.

    Args:
        gates: For even and odd parts.
        alone: (n, V) logs of the network's probabilities.
        heard: The same joined with what the counts know before each place.
        ids: All of them.
        places: (n,) where each stands that is predicted.
        own: Which of the n are summed.
    """
    even, odd_gate = gates
    odd, targets = _part(places, len(ids))[:, None, None] == 1, ids[places[own]].astype(np.int64)
    rows = np.arange(len(places))[own]
    said = [alone]
    for weights, other in ((even.corpus, odd_gate.corpus), (even.document, odd_gate.document)):
        said.append(joined(alone, mix(heard, weights if even is odd_gate else np.where(odd, other, weights))))
    return np.array([each[rows, targets].sum(dtype=np.float64) for each in said])

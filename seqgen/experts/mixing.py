"""All that is known beside the network: counts of the corpus, of the document, and the gate that weighs them.

A state stands for B streams. Like an engine's it is used up by the next step; `select` gives a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.experts import document
from seqgen.experts.alone import Alone
from seqgen.experts.corpus import CorpusCounts, Places
from seqgen.experts.document import Document
from seqgen.experts.gate import BEGINS, Floats, Gate, Known, hear, joined, mix, normalised

Ints = NDArray[np.integer[Any]]


class ExpertsState(NamedTuple):
    """Streams between two tokens.

    Attributes:
        contexts: (B, order) of the corpus, see `CorpusCounts.start`.
        documents: One each.
    """

    contexts: Places
    documents: list[Document]


@dataclass(frozen=True, eq=False)
class Experts:
    """The experts of one model.

    Attributes:
        counts: Of the corpus.
        gate: What they are mixed by.
        document_id: The token with which a document begins. Ids from `counts.vocab_size` on are passed over.
        lines: (V,) or longer, how many lines or bars begin with each token; None: none ever does.
    """

    counts: CorpusCounts
    gate: Gate
    document_id: int
    lines: Ints | None = None

    @property
    def vocab_size(self) -> int:
        """V: the experts predict ids below it."""
        return self.counts.vocab_size

    @cached_property
    def alone(self) -> Alone:
        """The counts as single streams read them."""
        return Alone(self.counts)

    @cached_property
    def _lines(self) -> dict[str, int]:
        lines = [] if self.lines is None else self.lines[: self.vocab_size].tolist()
        return {chr(token): begun for token, begun in enumerate(lines) if begun}

    def begun(self, one: Document) -> int:
        """How many lines or bars began just now, of a document that has a token: BEGINS at most."""
        begun = self._lines.get(one.history[-1:], 0)
        if begun and one.history[-2:-1] in self._lines:
            begun = BEGINS
        return min(begun, BEGINS)

    def start(self, batch: int) -> ExpertsState:
        """Streams before their first token."""
        return ExpertsState(self.counts.start(batch), [Document() for _ in range(batch)])

    def step(self, ids: Ints, state: ExpertsState) -> ExpertsState:
        """The state after `ids` (B,)."""
        if len(ids) == 1:
            return self._step_one(ids.item(0), state)
        contexts, documents, tokens = state.contexts, state.documents, ids.tolist()
        known = max(tokens) < self.vocab_size
        if not known and self.document_id in tokens:
            begins = ids == self.document_id
            contexts = np.where(begins[:, None], self.counts.start(1), contexts)
            documents = [Document() if new else old for new, old in zip(begins.tolist(), documents)]
        after = self.counts.step(ids, contexts)
        if not known:
            after = np.where((ids < self.vocab_size)[:, None], after, contexts)
        for one, token in zip(documents, tokens):
            if token < self.vocab_size:
                one.add(chr(token))
        return ExpertsState(after, documents)

    def _step_one(self, token: int, state: ExpertsState) -> ExpertsState:
        if token == self.document_id:
            return self.start(1)
        if token >= self.vocab_size:
            return state
        state.documents[0].add(chr(token))
        return ExpertsState(np.array([self.alone.after(token, state.contexts[0].tolist())]), state.documents)

    def known(self, state: ExpertsState) -> Known:
        """What is known of the next token of each stream."""
        rows = [(each.found(), each.length) for each in state.documents]
        return self._known(state.contexts, rows, [self.begun(each) for each in state.documents])

    def read(self, ids: Ints, state: ExpertsState) -> tuple[Known, ExpertsState]:
        """What is known after each of (T,) ids, all below V, of one stream and one document; and the state after."""
        contexts = self.counts.read(ids, state.contexts[0])
        one, rows, begun = state.documents[0], list[document.Knowledge](), list[int]()
        for token in ids.tolist():
            one.add(chr(token))
            rows.append((one.found(), one.length))
            begun.append(self.begun(one))
        return self._known(contexts, rows, begun), ExpertsState(contexts[-1:], [one])

    def skip(self, ids: Ints, state: ExpertsState) -> ExpertsState:
        """The state of one stream after (T,) ids, as `read` gives it."""
        for token in ids.tolist():
            state.documents[0].add(chr(token))
        kept = ids[-self.counts.order :]
        return ExpertsState(
            self.counts.read(kept, state.contexts[0])[-1:] if len(ids) else state.contexts, state.documents
        )

    def mixed(self, logits: Floats, known: Known, weights: Floats) -> Floats:
        """(B, V') log-probabilities of network and counts together.

        Args:
            logits: (B, V') of the network. What of them the counts do not know, from V on, the network decides alone.
            known: From `known` or `read`.
            weights: One of the gate's.
        """
        network = normalised(logits)
        return joined(network, mix(hear(network[:, : self.vocab_size], known), weights))

    def said(self, logits: Floats, state: ExpertsState, weights: Floats) -> Floats:
        """What `mixed` gives of (B, V') logits and of what is known at a state."""
        if len(logits) == 1:
            one = state.documents[0]
            return self.alone.mixed(logits, state.contexts[0].tolist(), one, self.begun(one), weights)
        return self.mixed(logits, self.known(state), weights)

    def select(self, state: ExpertsState, rows: Sequence[int]) -> ExpertsState:
        """A new state of the streams `rows`."""
        return ExpertsState(state.contexts[list(rows)], [state.documents[row].copy() for row in rows])

    def join(self, states: Sequence[ExpertsState]) -> ExpertsState:
        """A new state that holds the streams of all `states`."""
        contexts = np.concatenate([state.contexts for state in states])
        return ExpertsState(contexts, [each.copy() for state in states for each in state.documents])

    def _known(self, contexts: Places, rows: Sequence[document.Knowledge], begun: list[int]) -> Known:
        found, counts = document.evidence(rows, self.vocab_size), self.counts
        return Known(counts.probabilities(contexts), counts.reached(contexts), counts.left[contexts], found, begun)

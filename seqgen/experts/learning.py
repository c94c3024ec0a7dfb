"""A gate that goes on learning from what came, where the network does so, too (`seqgen.evaluation.dynamic`).

Gates are fitted for a network at rest. One that learns from the text it reads knows more and more of what the counts
of the document would have told, so its gate follows by gradient steps, each weight's as large as its gradients so far
allow (Duchi, Hazan & Singer 2011, "Adaptive subgradient methods", figure 1). What is learned from was predicted before.
"""

import numpy as np
from numpy.typing import NDArray

from seqgen.experts.gate import EXPERTS, LENGTH, OF_CORPUS, Gate, Heard, mix, normalised

RATE = 0.005  # of 0.003, 0.005 and 0.01 on what tiny-shakespeare holds out; they differ by 0.0002
FIRST = 0.1  # what a gradient's size is taken for before the first


class LearningGate:
    """The gate that a stored one becomes.

    Args:
        gate: With which it begins; it is left as it is.
    """

    def __init__(self, gate: Gate) -> None:
        self.weights = [gate.corpus.copy(), gate.document.copy()]
        self._squares = [np.full(each.shape, FIRST**2) for each in self.weights]

    @property
    def gate(self) -> Gate:
        """As it is now."""
        corpus, document = self.weights
        return Gate(corpus.copy(), document.copy())

    def learn(self, heard: Heard, targets: NDArray[np.int64]) -> None:
        """Take one step by (n,) predictions whose tokens were `targets`."""
        fixed = heard.features[:, LENGTH] > 0  # there the network is heard alone
        experts, rows = heard.experts, np.arange(len(targets))
        for of_document, (weights, squares) in enumerate(zip(self.weights, self._squares)):
            said = np.exp(normalised(mix(heard, weights)))
            away = np.einsum("nv,env->en", said, experts) - experts[:, rows, targets]
            away[:, fixed] = 0
            slope = (away @ heard.features).astype(np.float64)
            if not of_document:
                slope[EXPERTS - 1], slope[:, OF_CORPUS:] = 0, 0
            squares += slope**2
            weights -= (RATE * slope / np.sqrt(squares)).astype(np.float32)


def learning(even: Gate, odd: Gate) -> tuple[LearningGate, LearningGate]:
    """A gate for even and one for odd parts of a text: one for both where they begin as the same."""
    first = LearningGate(even)
    return first, first if even is odd else LearningGate(odd)

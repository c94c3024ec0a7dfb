"""Naive Bayes over n-grams: what stands beside every probe (Manning, Raghavan & Schütze 2008, chapter 13).

Of text, words and pairs of words; of other tokens, single ones, pairs and triples. Counts are smoothed by one; each
n-gram counts once for each document it stands in.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(rb"[a-z0-9']+|[!?]")
SMOOTHED = 1.0


def word_grams(text: bytes) -> set[object]:
    """The words of a text and their pairs, in lower case."""
    words = WORD.findall(text.lower())
    return {*words, *itertools.pairwise(words)}


def token_grams(ids: Sequence[int]) -> set[object]:
    """Single tokens, pairs and triples."""
    return {*ids, *itertools.pairwise(ids), *zip(ids, ids[1:], ids[2:])}


class Bayes:
    """A fitted classifier.

    Args:
        documents: The n-grams of each.
        labels: (D,) class numbers.
        classes: How many.
    """

    def __init__(self, documents: Iterable[set[object]], labels: NDArray[np.int64], classes: int) -> None:
        counts: list[Counter[object]] = [Counter() for _ in range(classes)]
        for grams, label in zip(documents, labels.tolist()):
            counts[label].update(grams)
        sizes = np.bincount(labels, minlength=classes)
        vocabulary = {gram for each in counts for gram in each}
        totals = np.array([sum(each.values()) for each in counts]) + SMOOTHED * len(vocabulary)
        self._prior = np.log(sizes / sizes.sum())
        self._absent = -np.log(totals)
        self._logs = {gram: np.log([each[gram] + SMOOTHED for each in counts]) + self._absent for gram in vocabulary}

    def predict(self, documents: Iterable[set[object]]) -> NDArray[np.int64]:
        """(D,) the likeliest class of each."""
        found = []
        for grams in documents:
            score = self._prior.copy()
            for gram in grams:
                if (logs := self._logs.get(gram)) is not None:
                    score += logs
            found.append(int(score.argmax()))
        return np.array(found, np.int64)

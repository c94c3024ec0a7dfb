"""How much of what was sampled stands in the training corpus already: numbers, or one remark."""

from typing import TYPE_CHECKING

import numpy as np

from seqgen.api.model import Model
from seqgen.jobs.observer import Observer

if TYPE_CHECKING:
    from seqgen.originality.measuring import Originality

MOST_HEARD = 50_000  # tokens of all samples together that are looked at, about a second's worth
MOST_INDEXED = 2_000_000  # tokens of a corpus that is indexed unasked, once
SHOWN = 8  # the n-grams of the remark


class Copied:
    """What is kept of the samples to be compared with the corpus.

    Args:
        model: What they come from.
        samples: How many there are.
        observer: Is told where the corpus is indexed first.
    """

    def __init__(self, model: Model, samples: int, observer: Observer) -> None:
        self.model, self.observer = model, observer
        self.heard: list[list[int]] = [[] for _ in range(samples)]
        self.left = MOST_HEARD
        self.found: dict[int, Originality] = {}

    def hear(self, index: int, token: int) -> None:
        """A token of a sample."""
        if self.left:
            self.left -= 1
            self.heard[index].append(token)

    def originality(self, index: int) -> "Originality | None":
        """What was found about a sample; None where the corpus is not known, or not so much was kept."""
        if index not in self.found:
            corpora = self.model.indexes_if_there(MOST_INDEXED, self.observer.note) if self.heard[index] else []
            if not corpora:
                return None
            from seqgen.originality.measuring import measure  # not needed to start

            heard, key = np.array(self.heard[index], np.int64), self.model.tokenizer.copy_key()
            self.found[index] = measure(corpora, heard if key is None else key.ids(heard)[0])
        return self.found[index]

    def remark(self) -> str | None:
        """A line about the sample with the longest run, None where there is nothing to say."""
        found = [each for index in range(len(self.heard)) if (each := self.originality(index)) is not None]
        if not found:
            return None
        worst = max(found, key=lambda each: each.longest)
        where = f" ({worst.place.source})" if worst.place is not None and worst.place.source else ""
        shares = [(each.novelty[SHOWN], each.tokens) for each in found]
        known = [(share, tokens) for share, tokens in shares if share is not None]
        new = sum(share * tokens for share, tokens in known) / sum(tokens for _, tokens in known) if known else None
        key = "" if self.model.tokenizer.copy_key() is None else " in any key"
        fresh = "" if new is None else f"; new {SHOWN}-grams: {new:.0%}"
        return f"Longest run also in the corpus: {worst.longest} tokens{key}{where}{fresh}"

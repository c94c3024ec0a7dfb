"""Items that are new: neither in the corpus of a list nor among those made, whole items compared and no hashes.

Every sample is drawn as it would be drawn anyway; what is known already is drawn again, so that new items come as often
as the model would make them. It stops where a thousand in a row are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.errors import UsageError
from seqgen.generation.steps import Reason, Step

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.api.sampler import Sampler

TRIES = 1_000  # samples in a row of which none is new, after which nothing new is expected
TOGETHER = 64  # samples drawn at once, at least, after the first time


@dataclass
class Drawn:
    """A sample that was drawn: its ids with log-probabilities and entropies, and how it ended."""

    ids: list[int] = field(default_factory=list)
    scores: list[tuple[float, float]] = field(default_factory=list)
    finished: Reason = "length"
    excess: int = 0

    def step(self, position: int) -> tuple[int, float, float]:
        """(id, log-probability, entropy) at a position; −1 and NaN behind the last."""
        if position >= len(self.ids):
            return -1, np.nan, np.nan
        return self.ids[position], *self.scores[position]

    @property
    def last(self) -> int:
        """The position of the step that ended it: an end token is one, and is not shown."""
        return len(self.ids) if self.finished == "end" else max(len(self.ids) - 1, 0)


class Known:
    """The items of a model's corpus, and those made.

    Args:
        model: It learned from lists.

    Raises:
        UsageError: It did not.
        DataError: Its corpus is not known here.
    """

    def __init__(self, model: "Model") -> None:
        if any(each.tokenizer.documents.whole for each in model.models):
            hint = "train on a list, with --documents line; or refuse long copies: --max-copy"
            raise UsageError("--new is for models of lists, this one learned from whole files", hint)
        self.tokenizer, self.indexes = model.tokenizer, model.indexes()
        self.made: set[bytes] = set()
        self.heads = range(self.tokenizer.document_id, self.tokenizer.vocab_size)

    def adds(self, item: bytes) -> bool:
        """Whether an item is new; if so, it is known from now on."""
        item = item.strip(b"\r\n")
        if not item.strip() or item in self.made:
            return False
        ids = self.tokenizer.encode(item)
        if any(index.holds(head, ids) for index in self.indexes for head in self.heads):
            return False
        self.made.add(item)
        return True


def new_steps(sampler: "Sampler") -> Iterator[Step]:
    """Samples that are new, as if they were drawn now. `sampler.refused` counts the others.

    Raises:
        UsageError: A thousand in a row are known.
    """
    found: dict[int, Drawn] = {}
    vain = turn = 0
    missing = list(range(len(sampler.prompts)))
    while missing:
        places = missing if not turn else [missing[n % len(missing)] for n in range(max(len(missing), TOGETHER))]
        for place, drawn in zip(places, _drawn(sampler, [sampler.prompts[place] for place in places], turn)):
            if place in found:
                continue
            made = sampler.model.tokenizer.finish(sampler.prompts[place].astype(np.int64), _ids(drawn))
            if sampler.known is not None and sampler.known.adds(made[: len(made) - drawn.excess]):
                found[place], vain = drawn, 0
                continue
            vain, sampler.refused = vain + 1, sampler.refused + 1
            if vain >= TRIES:
                done = f"{len(found):,} of {len(sampler.prompts):,} are new, and then {TRIES:,} samples in a row"
                hint = "ask for fewer, or for bolder ones: --temperature 1.2"
                raise UsageError(f"nothing new comes any more: {done} are in the corpus or were made already", hint)
        missing, turn = [place for place in missing if place not in found], turn + 1
    samples = [found[place] for place in range(len(found))]
    if sampler.stops is not None:
        sampler.stops.excess.update({place: drawn.excess for place, drawn in enumerate(samples)})
    yield from _told(samples)


def _drawn(sampler: "Sampler", prompts: list[Ids], turn: int) -> list[Drawn]:
    """A sample for each prompt. Every turn draws by a seed of its own; the first by that of the call."""
    sampling = sampler.sampling
    if turn:
        state = np.random.SeedSequence([sampling.seed, 7, turn]).generate_state(1, np.uint64)
        sampling = replace(sampling, seed=int(state[0]))
    again = type(sampler)(sampler.model, replace(sampling, new=False), prompts, beside=sampler)
    found = [Drawn() for _ in prompts]
    for step in again.steps(scores=True):
        assert step.log_probabilities is not None
        assert step.entropies is not None
        for index in np.flatnonzero(step.ids >= 0).tolist():
            found[index].ids.append(int(step.ids[index]))
            found[index].scores.append((float(step.log_probabilities[index]), float(step.entropies[index])))
        for index, reason in step.finished.items():
            found[index].finished, found[index].excess = reason, again.excess(index)
    return found


def _ids(drawn: Drawn) -> NDArray[np.int64]:
    return np.array(drawn.ids, np.int64)


def _told(samples: list[Drawn]) -> Iterator[Step]:
    """Samples as steps."""
    for position in range(max(each.last for each in samples) + 1):
        ids, scores, entropies = zip(*(each.step(position) for each in samples))
        finished = {index: each.finished for index, each in enumerate(samples) if each.last == position}
        float32 = (np.array(values, np.float32) for values in (scores, entropies))
        log_probabilities, spread = float32
        yield Step(np.array(ids, np.int64), log_probabilities, finished, spread)

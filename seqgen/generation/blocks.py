"""Many steps at once: an engine that draws by itself, and the loop around it, which looks at its tokens afterwards.

What ends a stream is known on the host alone, so that some tokens of a block may lie behind an end; they are thrown
away. A stream's tokens depend on nothing but itself, so that what is left is what single steps would have drawn.
Blocks are launched one ahead: the device works while the host reads.
"""

import abc
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Engine, Ids, Logits
from seqgen.generation.limits import Limits
from seqgen.generation.run import Run
from seqgen.generation.spelling import Places, Spelling
from seqgen.generation.steps import Reason, Step
from seqgen.rules import Rule

State = TypeVar("State")
Scores = NDArray[np.float32]


class Drawn(NamedTuple):
    """A block of tokens, on the host.

    Attributes:
        ids: (K, B).
        log_probabilities, entropies: (K, B) as `seqgen.generation.steps.Step` has them; None if not wanted.
    """

    ids: Ids
    log_probabilities: Scores | None = None
    entropies: Scores | None = None


class Block(abc.ABC):
    """Tokens that are being drawn."""

    @abc.abstractmethod
    def read(self) -> Drawn:
        """Wait for them."""


class BlockEngine(Engine[State]):
    """An engine that can draw, too. Its states know the logits of the next token."""

    @abc.abstractmethod
    def plan(
        self, rules: Sequence[Rule], penalties: Logits | None, scores: bool, spelling: Spelling | None = None
    ) -> Any:
        """How tokens are drawn with these rules, to be given to `launch`; None if this engine cannot.

        Args:
            rules: Applied in order.
            penalties: What is added to logits before: (V,), or with a spelling (S, V), a row for each of its places.
            scores: Whether log-probabilities and entropies are wanted.
            spelling: What the places are that streams go through.
        """

    @abc.abstractmethod
    def placed(self, state: State, places: Places) -> State:
        """The state of streams that stand at these (B,) places of the spelling; used up. They begin at 0."""

    @abc.abstractmethod
    def block(self, batch: int) -> int:
        """How many tokens of each of `batch` streams one launch draws."""

    @abc.abstractmethod
    def launch(self, plan: Any, state: State, seed: int, streams: Sequence[int], position: int) -> tuple[Block, State]:
        """Begin to draw a block, and the state after it.

        Args:
            plan: From `plan`.
            state: Of B streams; used up.
            seed, streams, position: What determines the noise, see `seqgen.generation.sampling`; (B,) streams.
        """


def plan(engine: Engine[Any], rules: Sequence[Rule], limits: Limits, scores: bool) -> Any:
    """How `engine` draws blocks under these rules and limits, or None if it takes single steps."""
    if not isinstance(engine, BlockEngine) or limits.grammar is not None or limits.guard is not None:
        return None
    return engine.plan(rules, limits.penalties, scores, limits.spelling)


class Blocks:
    """The sampling loop of an engine that draws by itself.

    Args:
        run: The moving parts of the loop, at their beginning.
        plan: From `plan`.
        seed: Determines the draws.
    """

    def __init__(self, run: Run, plan: Any, seed: int) -> None:
        assert isinstance(run.engine, BlockEngine)
        self.run, self.engine, self.plan, self.seed = run, run.engine, plan, seed
        self.streams = list(run.active)  # the rows of the state; some may have ended
        self.position = 0  # of the next block
        if (places := run.constraints.places) is not None:
            run.state = self.engine.placed(run.state, places)

    def steps(self) -> Iterator[Step]:
        """What `seqgen.generation.loop.generate` yields."""
        ahead = self._launch()
        while ahead is not None:
            block, ahead = ahead, self._launch()
            yield from self._read(*block)
            if not self.run.active:
                return
            ahead = ahead or self._launch(over=True)

    def _launch(self, over: bool = False) -> tuple[Block, list[int]] | None:
        """The next block and its streams; None where no stream is so long, unless some are `over` their length."""
        run, length = self.run, self.run.limits.length
        if length is not None and self.position >= length and not over:
            return None
        if 2 * len(run.active) <= len(self.streams):  # not at every end, since each size has graphs of its own
            alive = set(run.active)
            run.state = self.engine.select(
                run.state, [row for row, stream in enumerate(self.streams) if stream in alive]
            )
            self.streams = list(run.active)
        block, run.state = self.engine.launch(self.plan, run.state, self.seed, self.streams, self.position)
        self.position += self.engine.block(len(self.streams))
        return block, self.streams

    def _read(self, block: Block, streams: list[int]) -> Iterator[Step]:
        """The steps of one block, as far as there are streams."""
        run, drawn = self.run, block.read()
        rows = np.flatnonzero(np.isin(streams, run.active))
        quiet = self._quiet(drawn.ids)
        length = math.inf if run.limits.length is None else run.limits.length
        for index, ids in enumerate(drawn.ids):
            ids = ids if len(rows) == len(streams) else ids[rows]
            finished: Mapping[int, Reason] = {}
            if quiet[index] and run.position + 1 < length:
                run.position += 1
            else:
                finished = run.ended(ids)
            scores = [each[index, rows] for each in drawn[1:] if each is not None]
            yield run.scored_step(ids, finished, *scores)
            run.constraints.advance(ids)
            if finished:
                left = [row for row, stream in enumerate(run.active) if stream not in finished]
                rows = rows[left]
                run.constraints.select(left)
                run.active = [stream for stream in run.active if stream not in finished]
                if not run.active:
                    return

    def _quiet(self, ids: Ids) -> NDArray[np.bool_]:
        """(K,) whether nothing but the length can end a stream at each step."""
        limits = self.run.limits
        if limits.stop is not None:
            return np.zeros(len(ids), np.bool_)
        if limits.end_id is None:
            return np.ones(len(ids), np.bool_)
        return np.asarray((ids != limits.end_id).all(axis=1))

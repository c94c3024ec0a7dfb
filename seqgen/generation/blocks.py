"""Many steps at once: an engine that draws by itself, and the loop around it, which looks at its tokens afterwards.

What ends a stream is known on the host alone, so that some tokens of a block may lie behind an end; they are thrown
away. A stream's tokens depend on nothing but itself, so that what is left is what single steps would have drawn.
Blocks are launched one ahead: the device works while the host reads.
"""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Engine, Ids
from seqgen.generation.limits import Limits, Mask
from seqgen.generation.run import Run
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
    def plan(self, rules: Sequence[Rule], banned: Mask | None, scores: bool) -> Any:
        """How tokens are drawn with these rules, to be given to `launch`; None if this engine cannot."""

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
    return engine.plan(rules, _refused(limits), scores)


def _refused(limits: Limits) -> Mask | None:
    """(V,) what is never drawn: what was not seen too, unless that leaves nothing, in which case it gives way."""
    if limits.banned is None or limits.unseen is None:
        both = limits.unseen if limits.banned is None else limits.banned
    else:
        both = limits.banned | limits.unseen
    return limits.banned if both is None or both.all() else both


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

    def steps(self) -> Iterator[Step]:
        """What `seqgen.generation.loop.generate` yields."""
        ahead = self._launch()
        while ahead is not None:
            block, ahead = ahead, self._launch()
            yield from self._read(*block)
            if not self.run.active:
                return

    def _launch(self) -> tuple[Block, list[int]] | None:
        """The next block and its streams; None where no stream is so long."""
        run, length = self.run, self.run.limits.length
        if length is not None and self.position >= length:
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
        for index, ids in enumerate(drawn.ids):
            ids = ids if len(rows) == len(streams) else ids[rows]
            finished: Mapping[int, Reason] = {}
            if quiet[index] and run.position + 1 != run.limits.length:
                run.position += 1
            else:
                finished = run.ended(ids)
            scores = [each[index, rows] for each in drawn[1:] if each is not None]
            yield run.scored_step(ids, finished, *scores)
            if finished:
                rows = rows[[stream not in finished for stream in run.active]]
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

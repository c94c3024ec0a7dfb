"""The sampling loop: an engine, prompts and rules become steps of ids, in constant memory however long it runs.

It knows ids only. What ends a stream and what it may hold is given from outside, as `Limits`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from seqgen.generation import blocks
from seqgen.generation.engine import Engine, Ids
from seqgen.generation.limits import NO_LIMITS, Grammar, Guard, Limits
from seqgen.generation.run import Run
from seqgen.generation.steps import Reason, SampledStream, Step
from seqgen.rules import Rule

__all__ = ["Grammar", "Guard", "Limits", "Reason", "SampledStream", "Step", "collect", "generate"]


def generate(
    engine: Engine[Any],
    prompts: Sequence[Ids],
    rules: Sequence[Rule],
    *,
    seed: int,
    limits: Limits = NO_LIMITS,
    scores: bool = False,
) -> Iterator[Step]:
    """Sample one stream for each prompt, all at once, a step at a time.

    Args:
        engine: The network.
        prompts: (n,) ids of each stream's prompt, n ≥ 1; equal prompts are read once.
        rules: Applied in order, after bans, grammar and guard; bound already where they need it (`seqgen.rules.bind`).
        seed: With the stream's index and the position it determines each draw.
        limits: What ends a stream, and what it may hold.
        scores: Whether log-probabilities are wanted.

    Yields:
        One `Step` for each position, until every stream has ended. Closing the generator is safe at any point.

    Raises:
        UsageError: A prompt is empty or has ids outside the vocabulary, or every token is banned.
    """
    if limits.length == 0:
        return
    run = Run(engine, prompts, rules, seed, limits)
    if (plan := blocks.plan(engine, rules, limits, scores)) is not None:
        yield from blocks.Blocks(run, plan, seed).steps()
        return
    while run.active:
        ids = run.draw()
        finished = run.ended(ids)
        yield run.step(ids, finished, scores)
        run.advance(ids, finished)


def collect(steps: Iterator[Step], streams: int) -> list[SampledStream]:
    """The whole samples of `generate`, for callers who need no streaming."""
    samples = [SampledStream() for _ in range(streams)]
    for step in steps:
        for index in np.flatnonzero(step.ids >= 0).tolist():
            samples[index].ids.append(int(step.ids[index]))
            if step.log_probabilities is not None:
                samples[index].log_probabilities.append(float(step.log_probabilities[index]))
        for index, reason in step.finished.items():
            samples[index].finished = reason
    return samples

"""Samples that are chosen before they are shown: the likeliest of N, or what a beam search finds, as steps."""

from collections.abc import Iterator

import numpy as np

from seqgen.api.sampler import Sampler
from seqgen.errors import UsageError
from seqgen.generation.beam import Hypothesis, search
from seqgen.generation.choosing import best_of
from seqgen.generation.loop import Reason, Step, collect


def best_steps(sampler: Sampler, count: int) -> Iterator[Step]:
    """Sample each prompt `count` times, keep the likeliest by the token, and give those as if they were sampled now.

    Memory grows with all of the candidates.
    """
    prompts = [prompt for prompt in sampler.prompts for _ in range(count)]
    candidates = Sampler(sampler.model, sampler.sampling, prompts, sampler.hole, beside=sampler)
    steps = list(candidates.steps(scores=True))
    samples = collect(iter(steps), len(prompts))
    scores = None if sampler.hole is None else sampler.hole.judged(sampler.engine, samples)
    chosen = [choice.index for choice in best_of(samples, count, scores)]
    left = len(chosen)
    for step in steps:
        finished = {place: step.finished[index] for place, index in enumerate(chosen) if index in step.finished}
        if sampler.stops is not None:  # known before, but it is to cut the last token only
            sampler.stops.excess.update({place: candidates.excess(chosen[place]) for place in finished})
        assert step.log_probabilities is not None
        assert step.entropies is not None
        yield Step(step.ids[chosen], step.log_probabilities[chosen], finished, step.entropies[chosen])
        left -= len(finished)
        if not left:
            return


def beam_steps(sampler: Sampler, width: int) -> Iterator[Step]:
    """The best that a beam search finds for each prompt; equal prompts share it out, the best to the first.

    The temperature has no part in it unless it stands among the rules.

    Raises:
        UsageError: There are more samples than hypotheses, or no length.
    """
    rules = sampler.chain(1.0, sampler.sampling.rules)
    groups: dict[bytes, list[int]] = {}
    for index, prompt in enumerate(sampler.prompts):
        groups.setdefault(prompt.tobytes(), []).append(index)
    found: dict[int, Hypothesis] = {}
    for indices in groups.values():
        prompt = sampler.prompts[indices[0]]
        best = search(sampler.engine, prompt, width, rules, sampler.limits())
        if len(best) < len(indices):
            hint = f"ask for {len(best)}, or for a wider beam"
            raise UsageError(f"a beam of {width} found {len(best)} of {len(indices)} samples", hint)
        found.update(zip(indices, best))
    yield from _told([found[index] for index in range(len(found))])


def _told(hypotheses: list[Hypothesis]) -> Iterator[Step]:
    """Hypotheses as steps, without scores of single tokens."""
    unknown = np.full(len(hypotheses), np.nan, np.float32)
    last = [len(each.ids) if each.finished == "end" else len(each.ids) - 1 for each in hypotheses]
    for position in range(max(last) + 1):
        ids = np.array([each.ids[position] if position < len(each.ids) else -1 for each in hypotheses], np.int64)
        finished: dict[int, Reason] = {
            index: each.finished for index, each in enumerate(hypotheses) if last[index] == position
        }
        yield Step(ids, unknown, finished, unknown)

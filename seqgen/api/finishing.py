"""A sampler run to its end: a finished sample. It is not told while it grows."""

import numpy as np

from seqgen.api.sample import Sample
from seqgen.api.sampler import Sampler
from seqgen.api.selecting import best_steps
from seqgen.generation.blas import one_numpy_thread
from seqgen.generation.loop import Reason
from seqgen.media import Timing


def finished(sampler: Sampler, timing: Timing | None = None, best_of: int = 1) -> Sample:
    """All of what a sampler's first prompt becomes, the likeliest of `best_of`; the length must be finite."""
    rows: list[tuple[int, float, float]] = []
    reason: Reason = "length"
    with one_numpy_thread(best_of):
        for step in sampler.steps(scores=True) if best_of == 1 else best_steps(sampler, best_of):
            reason = step.finished.get(0, reason)
            if step.ids[0] >= 0 and step.log_probabilities is not None and step.entropies is not None:
                rows.append((int(step.ids[0]), float(step.log_probabilities[0]), float(step.entropies[0])))
    ids = np.array([row[0] for row in rows], np.int64)
    scores = np.array([row[1:] for row in rows], np.float32).reshape(-1, 2)
    hole = None if sampler.hole is None else sampler.hole.kept
    return Sample(
        sampler.model.tokenizer,
        sampler.prompts[0],
        ids,
        scores[:, 0],
        scores[:, 1],
        sampler.sampling.seed,
        reason,
        sampler.excess(0),
        timing,
        hole,
    )

"""A file varied: some of its lines, or bars, made anew one after the other, each hole seeing what was filled before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from seqgen.api.filling import Filling, text_filling
from seqgen.api.filling_music import bar_filling
from seqgen.api.finishing import finished
from seqgen.api.model import Model
from seqgen.api.primer import read_prompt
from seqgen.errors import UsageError
from seqgen.jobs.fill.holes import content, named, of_lines
from seqgen.jobs.fill.job import places_of
from seqgen.jobs.fill.settings import VaryJob
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.audience import NOBODY, Audience, Sampled
from seqgen.jobs.sample.mixing import chosen
from seqgen.jobs.sample.preparing import Prepared, check
from seqgen.jobs.sample.session import run

TOGETHER = 4  # neighbouring lines, or bars, that are one hole at most


def vary(job: VaryJob, audience: Audience = NOBODY, observer: Observer = SILENT, fresh: bool = False) -> list[Sampled]:
    """Variations of a file, each with other holes. The arguments are those of `seqgen.jobs.fill.job.fill`.

    Raises:
        SeqgenError: The model cannot fill it, or a file cannot be read or written.
    """
    model, found = chosen(job, observer)
    assert isinstance(found, VaryJob)
    job, data = found, content(found)
    like = None if job.like is None else read_prompt(job.like)
    if like is not None:
        with named(str(job.like)):
            model.tokenizer.encode_prompt(like)
    with named(job.file):
        count = units(model, data)
    places = places_of(model, job)
    check(job, model, places, audience)
    label = model.label(job.label, job.seed)
    if job.max_copy is not None:
        model.indexes(observer.note)
    if fresh:
        observer.note(f"Seed: {job.seed}")
    made = list[Sampled]()
    for index in range(job.samples):
        own = replace(job, samples=1, seed=seed_of(job.seed, index, 0))
        *before, last = holes(count, job.amount, job.seed, index)
        now = data
        for number, hole in enumerate(before):
            moved = units(model, now) - count  # a filling may have more lines than its hole, or fewer
            filling = _filling(model, own, now, (hole[0] + moved, hole[1] + moved), label, like)
            sampling = replace(own, seed=seed_of(job.seed, index, number + 1))
            now = filling.joined(finished(model.sampler(sampling, [filling.prompt], filling), best_of=job.best_of).ids)
        moved = units(model, now) - count
        filling = _filling(model, own, now, (last[0] + moved, last[1] + moved), label, like)
        sampler = model.sampler(own, [filling.prompt], filling)
        observer.note(f"Variation {index + 1}: {', '.join(_said(*hole) for hole in (*before, last))} made anew.")
        ready = Prepared(own, sampler, [label], None if places is None else [places[index]], None)
        made += run(ready, audience, observer)
    return made


def units(model: Model, data: bytes) -> int:
    """How many lines, or bars, a file has."""
    if model.is_text:
        return data.count(b"\n") + (not data.endswith(b"\n"))
    bounds = {} if model.seen is None else model.seen.bounds
    return model.tokenizer.codec.score_hole(data, None, None, bounds).piece.count


def holes(count: int, amount: float, seed: int, index: int) -> Sequence[tuple[int, int]]:
    """(first, last) of each hole among so many lines or bars, counted from 1, that make about a share of them."""
    wanted = max(1, round(amount * count))
    chosen = np.sort(np.random.default_rng([seed, index]).permutation(count)[:wanted]) + 1
    return list(_joined(chosen.tolist()))


def _joined(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = numbers[0]
    for number in numbers[1:]:
        if number == last + 1 and number - first < TOGETHER:
            last = number
        else:
            yield first, last
            first = last = number
    yield first, last


def seed_of(seed: int, index: int, number: int) -> int:
    """The seed of one hole of one variation."""
    return seed if not (index or number) else int(np.random.default_rng([seed, index, number]).integers(1 << 62))


def _filling(
    model: Model, job: VaryJob, data: bytes, hole: tuple[int, int], label: str | None, like: bytes | None
) -> Filling:
    length = None if job.length is None else int(job.length)
    if not model.is_text:
        return bar_filling(model, data, hole, label, length, like, job.free_voices, job.left_alone)
    if not any(data.splitlines()):
        raise UsageError(f"{job.file}: has no line to vary", "name a text with some lines")
    return text_filling(model, of_lines(data, *hole, job.file), label, job.grammar, length, job.left_alone, like)


def _said(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"

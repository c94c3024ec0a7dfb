"""From a file with a hole to a sampler that is ready to fill it; how that runs is `seqgen.jobs.sample.session`."""

from pathlib import Path

from seqgen.api.filling import Filling, text_filling
from seqgen.api.filling_music import MusicFilling, bar_filling, parts_filling, seconds_filling
from seqgen.api.model import Model
from seqgen.errors import UsageError
from seqgen.jobs.fill.holes import content, hole_of, named
from seqgen.jobs.fill.settings import FillJob, span
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.audience import NOBODY, Audience, Sampled
from seqgen.jobs.sample.mixing import chosen
from seqgen.jobs.sample.paths import paths
from seqgen.jobs.sample.preparing import Prepared, check
from seqgen.jobs.sample.session import run


def fill(job: FillJob, audience: Audience = NOBODY, observer: Observer = SILENT, fresh: bool = False) -> list[Sampled]:
    """Fill the hole of a file, as often as it was asked for.

    Args:
        job: What was asked for.
        audience: Is shown it.
        observer: Is told remarks.
        fresh: Whether nobody chose the seed, so that it is told.

    Raises:
        SeqgenError: There is no hole, or the model cannot fill it, or a file cannot be read or written.
    """
    prepared = prepare(job, audience, observer)
    if fresh:
        observer.note(f"Seed: {job.seed}")
    return run(prepared, audience, observer)


def prepare(job: FillJob, audience: Audience = NOBODY, observer: Observer = SILENT) -> Prepared:
    """Everything but the draws.

    Raises:
        SeqgenError: As in `fill`.
    """
    model, made = chosen(job, observer)
    assert isinstance(made, FillJob)
    job, data = made, content(made)
    places = places_of(model, job)
    check(job, model, places, audience)
    label = model.label(job.label, job.seed)
    if label is not None and job.label is None:
        observer.note(f"Label {label}; --label chooses.")
    with named(job.file):
        filling = filling_of(model, job, data, label)
    if job.seconds is not None and isinstance(filling, MusicFilling):
        observer.note(f"Fills {filling.hole.said}.")
    if job.max_copy is not None:
        model.indexes(observer.note)
    sampler = model.sampler(job, [filling.prompt] * job.samples, filling)
    for remark in sampler.remarks:
        observer.note(remark)
    _ = sampler.engine  # a device that is not there is told before anything is written
    return Prepared(job, sampler, [label] * job.samples, places, None)


def places_of(model: Model, job: FillJob) -> list[Path] | None:
    """Where each result goes; None: to whoever asked. The ending is that of the file, of music MIDI's."""
    suffix = Path(job.file).suffix if model.is_text else ""
    return paths(job.output, job.samples, suffix or model.artifact)


def filling_of(model: Model, job: FillJob, data: bytes, label: str | None) -> Filling:
    """The hole that a job is about, for a model.

    Raises:
        SeqgenError: There is none, or the model cannot fill it.
    """
    if job.prompt is not None or job.prompt_file is not None or job.music is not None:
        raise UsageError("a hole has what is around it, and takes no prompt besides")
    length = None if job.length is None else int(job.length)
    if not model.is_text:
        return music_filling(model, job, data, label)
    for flag, value in (("--bars", job.bars), ("--seconds", job.seconds), ("--parts", job.parts)):
        if value is not None:
            model.tokenizer.codec.require("music", flag, "give --lines, or mark the hole in the text")
    return text_filling(model, hole_of(job, data), label, job.grammar, length, job.left_alone)


def music_filling(model: Model, job: FillJob, data: bytes, label: str | None) -> Filling:
    """The same of a piece.

    Raises:
        SeqgenError: As in `filling_of`.
    """
    if job.lines is not None or job.at is not None:
        model.tokenizer.codec.require("text", "--lines", "give --bars, --seconds or --parts")
    first, last = (0.0, 0.0) if job.bars is None else span(job.bars, "--bars")
    bars = (int(first), int(last)) if job.bars is not None else None
    if job.parts is not None:
        names = [name for name in job.parts.split(",") if name.strip()]
        if not names:
            raise UsageError("--parts names no part", "such as --parts alto,tenor,bass")
        if job.left_alone:
            hint = "parts are written to the others: leave it out"
            raise UsageError("--left-alone goes with --bars and --seconds, not with --parts", hint)
        return parts_filling(model, data, names, bars, label, job.free_voices)
    length, free, alone = None if job.length is None else int(job.length), job.free_voices, job.left_alone
    if job.seconds is not None:
        return seconds_filling(model, data, span(job.seconds, "--seconds", whole=False), label, length, free, alone)
    if bars is None:
        raise UsageError(f"{job.file}: has no hole", "give --bars 5:8, --seconds 12.5:20, or --parts bass")
    return bar_filling(model, data, bars, label, length, free=free, alone=alone)

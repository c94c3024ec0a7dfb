"""What a job says of a mixture, as from what was typed: `mix`, `blend` and `fade`, to a mixture of models."""

from collections.abc import Sequence
from dataclasses import replace

from seqgen.api.mixture import Voice, mix
from seqgen.api.model import Model, load
from seqgen.api.sampling import UNLIMITED
from seqgen.errors import UsageError
from seqgen.jobs.observer import Observer
from seqgen.jobs.sample.settings import SampleJob

Weight = tuple[float, float]  # at the start, at the end
SLACK = 1e-9  # by which weights may miss one, as .1 + .2 + .7 does


def chosen(job: SampleJob, observer: Observer) -> tuple[Model, SampleJob]:
    """The model that a job samples from, mixed where that is wanted, and what is then left to ask of it.

    Raises:
        SeqgenError: A weight, a label or a checkpoint makes no sense, or vocabularies differ.
    """
    model = load(job.checkpoint, job.engine, job.device)
    if model.name != job.checkpoint:
        observer.note(f"The checkpoint is {model.name}")  # the commit that a name of the Hub means now
    if not job.mix and job.blend is None:
        if job.fade is not None:
            raise UsageError("--fade was given without --mix or --blend, whose weights it changes")
        return model, job
    if job.mix and job.blend is not None:
        raise UsageError("both --mix and --blend were given, expected one of them")
    voices = _mix(model, job) if job.blend is None else _blend(model, job.blend, job.label)
    length = model.tokenizer.medium.usual_length if job.length is None else job.length
    made = mix(voices, _fade(voices, job.fade, length), job.average)
    observer.note(f"Mixed: {made.name}")
    return made, replace(job, label=None)


def _mix(model: Model, job: SampleJob) -> list[Voice]:
    """The command's own checkpoint, with what weight is left, and the others."""
    given = [_named(name) for name in job.mix]
    models = [model, *(load(name, job.engine, job.device) for name, _ in given)]
    wanted = job.label
    if wanted is not None and not any(wanted in each.tokenizer.labels for each in models):
        model.tokenizer.label_id(wanted)  # says what labels there are
    voices = []
    for each, (start, end) in zip(models, _shared([weight for _, weight in given])):
        asked = wanted if wanted in each.tokenizer.labels else None
        voices.append(Voice(each, start, end, each.label(asked, job.seed)))
    return voices


def _shared(given: Sequence[Weight | None]) -> list[Weight]:
    """Weights of the first checkpoint and the others: what the others leave, or the same for all."""
    weights = [weight for weight in given if weight is not None]
    if not weights:
        return [(1.0, 1.0)] * (len(given) + 1)
    if len(weights) < len(given):
        raise UsageError("some --mix have a weight and some have none", "give all of them one, or none")
    rest = [1 - sum(weight[side] for weight in weights) for side in (0, 1)]
    if min(rest) < -SLACK:
        raise UsageError(
            f"the weights of --mix come to {1 - min(rest):g}, expected 1 at most",
            "what they leave is the weight of the first checkpoint",
        )
    return [(max(rest[0], 0.0), max(rest[1], 0.0)), *weights]


def _blend(model: Model, text: str, label: str | None) -> list[Voice]:
    """Labels of one checkpoint."""
    if label is not None:
        raise UsageError("both --label and --blend were given, expected one of them")
    voices = []
    for item in text.split(","):
        name, weight = _named(item.strip())
        model.tokenizer.label_id(name)
        voices.append(Voice(model, *(weight or (1.0, 1.0)), label=name))
    return voices


def _fade(voices: Sequence[Voice], wanted: int | None, length: float) -> int:
    """Tokens from the first weights to the last."""
    changing = any(voice.start != voice.end for voice in voices)
    if not changing:
        if wanted is not None:
            raise UsageError("--fade was given, but no weight changes", "weights that do are written as in NAME:0..1")
        return 0
    if wanted is None and length == UNLIMITED:
        raise UsageError("a fade over a sample without end never ends", "say how long it takes: --fade 2000")
    return int(length) if wanted is None else wanted


def _named(item: str) -> tuple[str, Weight | None]:
    """(name, weight) of "NAME:WEIGHT"; what stands behind a colon but is no weight belongs to the name."""
    name, colon, text = item.rpartition(":")
    weight = _weight(text) if colon and name else None
    return (item, None) if weight is None else (name, weight)


def _weight(text: str) -> Weight | None:
    """(start, end) of "0.3" or "0..1"; None where it is neither."""
    start, dots, end = text.partition("..")
    try:
        found = float(start), float(end if dots else start)
    except ValueError:
        return None
    if not all(0 <= each < float("inf") for each in found):
        raise UsageError(f"a weight is {text}, expected 0 or more, or from 0 or more to 0 or more as in 0..1")
    return found

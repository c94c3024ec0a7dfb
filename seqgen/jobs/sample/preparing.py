"""From what was asked for to a sampler that is ready: the model, the prompts, where samples go. Draws nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seqgen.api.model import Model
from seqgen.api.primer import read_prompt, with_primer
from seqgen.api.sampler import Sampler
from seqgen.codecs import Ids
from seqgen.errors import UsageError
from seqgen.files import STANDARD, guarding
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.audience import NOBODY, Audience
from seqgen.jobs.sample.mixing import chosen
from seqgen.jobs.sample.paths import paths
from seqgen.jobs.sample.settings import SampleJob
from seqgen.media import Timing

ESCAPE = re.compile(r"\\[nt]")
LONG_PROMPT = 100_000  # tokens: more than a few seconds' worth, and more than any model remembers


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is ready to sample.

    Attributes:
        job: What was asked for, with what a primer adds to it.
        sampler: Model, rules and prompts joined.
        labels: Of each sample.
        paths: Where each goes; None: to whoever asked.
        timing: What a MIDI file says of time besides its tokens.
    """

    job: SampleJob
    sampler: Sampler
    labels: list[str | None]
    paths: list[Path] | None
    timing: Timing | None

    @property
    def model(self) -> Model:
        """What is sampled from."""
        return self.sampler.model


def prepare(job: SampleJob, audience: Audience = NOBODY, observer: Observer = SILENT) -> Prepared:
    """Everything but the draws.

    Raises:
        SeqgenError: An option does not fit another or the model, or a file cannot be read or written.
    """
    model, job = chosen(job, observer)
    places = paths(job.output, job.samples, model.artifact, not model.tokenizer.documents.whole)
    check(job, model, places, audience)
    labels = labels_of(model, job, observer)
    data, name = primer(model, job)
    music, timing = with_primer(model, job.music, data, job.grammar is False)
    job = replace(job, music=music)
    if job.max_copy is not None or job.new:
        model.indexes(observer.note)
    sampler = model.sampler(job, prompts(model, job, labels, data, name))
    for remark in (*sampler.remarks, *_unmeant(job, model), *_several(model, data)):
        observer.note(remark)
    if (longest := max(map(len, sampler.prompts))) > LONG_PROMPT:
        taking = "which takes a while; the end of it would do as well."
        observer.note(f"Reading a prompt of {longest:,} tokens first, {taking}")
    if (adapting := sampler.adapting) is not None and adapting.steps:
        observer.note(f"Learned from the prompt in {adapting.steps:,} steps at a rate of {adapting.rate:g}")
    _ = sampler.engine  # a device that is not there is told before anything is written
    return Prepared(job, sampler, labels, places, timing)


def _unmeant(job: SampleJob, model: Model) -> Iterator[str]:
    """A remark on a backslash and a letter that a shell was to turn into one character, where the corpus has none."""
    for flag, texts in (("-p", (job.prompt or "",)), ("--stop", job.stop)):
        found = next((match[0] for text in texts if (match := ESCAPE.search(text))), None)
        if found is not None and model.is_text and not _knows(model, b"\\"):
            name = "a new line" if found == r"\n" else "a tab"
            yield f"The corpus has no backslash, {flag} has: most shells take {name} as {flag} $'{found}'."


def _several(model: Model, data: bytes) -> Iterator[str]:
    """A remark on a prompt that holds what parts items in a file."""
    cut = model.tokenizer.documents
    if not cut.whole and cut.joint in data:
        yield f"The prompt holds what parts {cut.plural}: written down, such a sample reads as more than one."


def _knows(model: Model, text: bytes) -> bool:
    """Whether the corpus held a text that lies in one token, as far as that is known."""
    seen = model.seen
    own = (model.pieces or [])[: None if seen is None else len(seen.counts)]
    return any(text in piece and (seen is None or seen.counts[token] > 0) for token, piece in enumerate(own))


def check(job: SampleJob, model: Model, places: list[Path] | None, audience: Audience) -> None:
    """Whether the options fit each other and the medium.

    Raises:
        UsageError: They do not.
    """
    text, show = model.is_text, audience.show
    if job.prompt is not None and job.prompt_file is not None:
        raise UsageError("both --prompt and --prompt-file were given, expected one of them")
    if job.unlimited:
        watched = show == "events" and places is None  # music without an end can be told of, but makes no file
        if job.samples > 1 or show == "records" or not (text or watched):
            hint = "give a number of tokens"
            raise UsageError("--length inf goes with a single sample of text, or with --events", hint)
    if job.follow:
        _check_follow(job)
    _check_choice(job)
    if job.watch and (job.samples > 1 or show != "events"):
        raise UsageError("--watch tells of the cells of a single sample", "give it with --events and without --samples")
    if job.new and (job.unlimited or job.follow or flag_of_choice(job)):
        other = "--length inf" if job.unlimited else "--follow" if job.follow else flag_of_choice(job)
        raise UsageError(f"--new draws whole samples again, which does not go with {other}", "leave one of them out")
    if text or job.stop or show in ("events", "nothing"):  # the sampler refuses --stop for music
        return
    if places is None and (audience.terminal or show == "records" or job.samples > 1):
        suffix = model.artifact
        raise UsageError(f"{suffix} files are not for the terminal", f"name a file: -o song{suffix}")


def _check_follow(job: SampleJob) -> None:
    if job.samples > 1:
        raise UsageError(f"--follow steers a single sample, not {job.samples}", "leave --samples out")
    if job.prompt_file == STANDARD:
        hint = "give the prompt as a file, or as a control line"
        raise UsageError("--follow reads standard input, so the prompt cannot come from there", hint)
    guarding.reads(STANDARD)


def flag_of_choice(job: SampleJob) -> str | None:
    """What asks for a choice among several, if anything does."""
    return "--beam" if job.beam is not None else "--best-of" if job.best_of > 1 else None


def _check_choice(job: SampleJob) -> None:
    """What is chosen among several cannot go out, or be steered, while it is sampled."""
    flag = flag_of_choice(job)
    if flag is None:
        return
    if job.beam is not None and job.best_of > 1:
        raise UsageError("both --beam and --best-of were given, expected one of them")
    if job.unlimited or job.follow:
        other = "--follow" if job.follow else "--length inf"
        raise UsageError(f"{flag} chooses among whole samples, which does not go with {other}")
    if job.beam is not None and job.stop:
        raise UsageError("--beam does not go with --stop", "use --best-of, or a shorter --length")
    if job.beam is not None and job.samples > job.beam:
        raise UsageError(f"a beam of {job.beam} gives no {job.samples} samples", "ask for a wider one")


def labels_of(model: Model, job: SampleJob, observer: Observer = SILENT) -> list[str | None]:
    """Each sample's label: the one asked for, or any, since every document that was learned from has one."""
    found = [model.label(job.label, job.seed, index) for index in range(job.samples)]
    if job.label is None and model.tokenizer.labels:
        observer.note(f"Label {', '.join(sorted({str(label) for label in found}))}; --label chooses.")
    return found


def primer(model: Model, job: SampleJob) -> tuple[bytes, str]:
    """(what to go on from, what it is called); nothing where a new document begins.

    Raises:
        DataError: It cannot be read.
    """
    name = job.prompt_file
    if job.prompt and not model.is_text:
        name = job.prompt  # music is continued from a file, whichever flag names it
    return (model.read(job.prompt), "the prompt") if name is None else (read_prompt(name), name)


def prompts(
    model: Model, job: SampleJob, labels: list[str | None], data: bytes = b"", name: str = "the prompt"
) -> list[Ids]:
    """(n,) ids of each sample's beginning: the frame of a document and the prompt, if there is one.

    Raises:
        UsageError: There is no such label.
        DataError: The prompt holds nothing to go on from.
    """
    seconds = None if job.music is None else job.music.sampled
    made = {label: model.prompt(data, label, name, seconds) for label in dict.fromkeys(labels)}
    return [made[label] for label in labels]

"""What is seen of a run while it trains: a sample after each validation that is the best so far, shown and kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqgen import files
from seqgen.generation import load
from seqgen.generation.loop import Limits, collect, generate
from seqgen.jobs.observer import Observer
from seqgen.rules.temperature import Temperature
from seqgen.training.journal import sound
from seqgen.training.progress import Incident, Line, Progress
from seqgen.training.run import Run

SAMPLES_FILE, INSIDE_FILE = "samples.jsonl", "inside.jsonl"
LENGTH, TEMPERATURE = 160, 0.7  # of a sample
ITEMS = 8  # of a list, in the room of one text


class Samples:
    """The samples of a run, one JSON object a line: the step, the loss and the text.

    Args:
        folder: The run folder; it may not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / SAMPLES_FILE

    def keep(self, line: Line, text: str) -> None:
        """Append a sample of the model that a validation liked."""
        sample = {"step": line["step"], "nats": line["validation_nats"], "text": text}
        with self.path.open("ab") as file:
            file.write(json.dumps(sample).encode() + b"\n")

    def drop_after(self, step: int) -> None:
        """Forget the samples of steps that a resumed run takes again; a line that makes no sense stays as it is."""
        if self.path.exists():
            drop_after(self.path, step)


class Watch(Observer):
    """Hands on what a run tells, and samples from it.

    Args:
        observer: Who is told.
        samples: Where samples are kept.

    Attributes:
        sample: A short text from the network as it stands; None where tokens are no text. To be set from outside.
        look: Keeps what goes on inside at a step; None: nobody asked. To be set from outside.
    """

    def __init__(self, observer: Observer, samples: Samples) -> None:
        self.observer, self.samples = observer, samples
        self.sample: Callable[[], str] | None = None
        self.look: Callable[[int], object] | None = None

    def note(self, message: str) -> None:
        """Hand it on."""
        self.observer.note(message)

    def stepped(self, progress: Progress, share: float, line: Line) -> None:
        """Hand it on."""
        self.observer.stepped(progress, share, line)

    def checked(self, progress: Progress, line: Line, improved: bool) -> None:
        """Hand it on, and a sample with it."""
        self.observer.checked(progress, line, improved)
        if self.look is not None:
            self.look(line["step"])
        if self.sample is not None and improved:
            text = self.sample()
            self.samples.keep(line, text)
            self.observer.sampled(text)

    def rolled_back(self, progress: Progress, line: Incident) -> None:
        """Hand it on."""
        self.observer.rolled_back(progress, line)

    def shrunk(self, progress: Progress, line: Incident) -> None:
        """Hand it on."""
        self.observer.shrunk(progress, line)

    def close(self) -> None:
        """Hand it on."""
        self.observer.close()


def sampler(run: Run) -> Callable[[], str] | None:
    """Short texts from the model as it stands, for those who watch; None where tokens are no text."""
    tokenizer = run.tokenizer
    if not tokenizer.is_text:
        return None

    def sample() -> str:
        weights = run.checkpoint({}).weights
        engine = load("numpy", run.plan.cell, run.plan.shape, weights)
        items = not tokenizer.documents.whole  # each from a fresh state, as they are learned
        opening = [tokenizer.frame(next(iter(tokenizer.labels), None))] * (ITEMS if items else 1)
        limits = Limits(length=LENGTH // len(opening), end_id=tokenizer.document_id if items else None)
        if (seen := run.seen) is not None:
            spelling = tokenizer.spelling(seen.bounds, seen.counts[: tokenizer.document_id] > 0)
            limits = replace(limits, unseen=seen.counts == 0, spelling=spelling)
        rules = [Temperature(TEMPERATURE)]
        steps = generate(engine, opening, rules, seed=run.plan.seed, limits=limits)
        made = [tokenizer.decode(np.array(each.ids)) for each in collect(steps, len(opening))]
        return ", ".join(each.decode("utf-8", "replace") for each in made)

    return sample


def drop_after(path: Path, step: int) -> None:
    """Take the lines of later steps out of a file; those that make no sense stay as they are."""
    lines = path.read_bytes().splitlines()
    files.write_bytes(path, b"".join(line + b"\n" for line in lines if not _later(line, step)))


def _later(line: bytes, step: int) -> bool:
    """Whether a line of samples is of a step after this one."""
    found = sound(line, {"step": float})
    return found is not None and found.get("step") is not None and found["step"] > step

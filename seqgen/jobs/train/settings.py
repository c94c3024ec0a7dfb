"""What `seqgen.train` and `seqgen train` are asked for, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as plain_field
from pathlib import Path
from typing import Any

from seqgen.arguments import MOST, MOST_WORKERS, check_types, finite
from seqgen.documents import Documents
from seqgen.errors import SettingError, UsageError
from seqgen.jobs.folders import InFolders
from seqgen.training.presets import AUTO
from seqgen.training.progress import Budget


@dataclass(frozen=True)
class TrainJob(InFolders):
    """What to train on, how, how long, and where to.

    Attributes:
        source: Files, folders, globs, a `.tokens` file or a corpus by name; with `resume` not needed.
        output: The run folder.
        model: The cell; None: as the checkpoint, the preset or the default has it.
        preset: A recipe by name; auto: settings by corpus, device and budget.
        parent: The checkpoint to go on from, on a new corpus.
        codec: How files become tokens; None: guessed from them.
        settings: Settings of codec, cell, model and training by name.
        minutes, epochs, steps: Whichever comes first ends the run; None: no such bound. All None: a few minutes.
        held_out: Validate on this SOURCE; None: on a part of the corpus.
        seed: Of weights, split and order; None: a fresh one.
        device: auto, cpu, cuda or mps.
        workers: Processes that tokenize.
        encoding: The text's, where it is not UTF-8.
        label: Label every document so, instead of by its folder.
        documents: What of a file a document is: file, line, blank (what stands between blank lines) or a text that
            stands between documents; None: the lines of a list, the file of all else.
        field, label_field: Read tables: the field of each record that is its text, and the one that is its label.
        resume: Go on with the run in the folder.
        inside: Keep what goes on inside the model at each validation, for a page about the run.
    """

    source: tuple[str, ...]
    output: Path
    model: str | None = None
    preset: str = AUTO
    parent: str | None = None
    codec: str | None = None
    settings: Mapping[str, Any] = plain_field(default_factory=dict)
    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None
    held_out: str | None = None
    seed: int | None = None
    device: str = "auto"
    workers: int = 1
    encoding: str | None = None
    label: str | None = None
    documents: str | None = None
    field: str | None = None
    label_field: str | None = None
    resume: bool = False
    inside: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        _ = self.cut
        for name in ("minutes", "epochs", "steps"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= MOST:
                raise SettingError(f"{name} is {value}, expected more than 0 and at most {MOST}")
        finite("seed", self.seed, "0 to 2^32 - 1", least=0, most=2**32 - 1)
        finite("workers", self.workers, f"1 to {MOST_WORKERS}", least=1, most=MOST_WORKERS)

    @property
    def cut(self) -> str | Documents | None:
        """What a document is, see `Documents.asked`."""
        return Documents.asked(self.documents, self.field, self.label_field)

    @property
    def budget(self) -> Budget:
        """What was said of when the run ends."""
        return Budget(self.minutes, self.epochs, self.steps)


def usual_folder(source: tuple[str, ...]) -> Path:
    """Where a run goes of which nothing else is said: checkpoints/ and the name of its first source.

    Raises:
        UsageError: That is no name.
    """
    first = Path(source[0]).name.partition(".")[0] if source else ""
    if not first or not first.strip("-*?"):
        raise UsageError("no name for the run folder", "give one with -o checkpoints/NAME")
    return Path("checkpoints") / first

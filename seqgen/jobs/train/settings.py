"""What `seqgen.train` and `seqgen train` are asked for, in one value."""

from dataclasses import dataclass
from pathlib import Path

from seqgen.arguments import MOST, finite
from seqgen.errors import SettingError, UsageError
from seqgen.jobs.folders import InTokens
from seqgen.training.presets import AUTO
from seqgen.training.progress import Budget


@dataclass(frozen=True)
class TrainJob(InTokens):
    """What to train on, how, how long, and where to.

    Attributes:
        source: Files, folders, globs, a `.tokens` file or a corpus by name; with `resume` not needed.
        output: The run folder.
        model: The cell; None: as the checkpoint, the preset or the default has it.
        preset: A recipe by name; auto: settings by corpus, device and budget.
        parent: The checkpoint to go on from, on a new corpus.
        minutes, epochs, steps: Whichever comes first ends the run; None: no such bound. All None: a few minutes.
        held_out: Validate on this SOURCE; None: on a part of the corpus.
        seed: Of weights, split and order; None: a fresh one.
        device: auto, cpu, cuda or mps.
        resume: Go on with the run in the folder.
        inside: Keep what goes on inside the model at each validation, for a page about the run.
    """

    source: tuple[str, ...]
    output: Path
    model: str | None = None
    preset: str = AUTO
    parent: str | None = None
    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None
    held_out: str | None = None
    seed: int | None = None
    device: str = "auto"
    resume: bool = False
    inside: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("minutes", "epochs", "steps"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= MOST:
                raise SettingError(f"{name} is {value}, expected more than 0 and at most {MOST}")
        finite("seed", self.seed, "0 to 2^32 - 1", least=0, most=2**32 - 1)

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

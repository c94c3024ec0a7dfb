"""What `seqgen evaluate` is asked for: one settings object for each measurement, and the call that asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seqgen.arguments import check_types, finite
from seqgen.errors import UsageError
from seqgen.evaluation import Average
from seqgen.jobs.evaluate.arguments import divided
from seqgen.jobs.folders import InFolders
from seqgen.settings import parse

if TYPE_CHECKING:
    from seqgen.evaluation.dynamic import DynamicSettings

FEWEST, MOST_SAMPLES = 4, 10_000
MOST_SEED = 2**63 - 1
HOTTEST = 100


@dataclass(frozen=True)
class EvaluateJob(InFolders):
    """What to measure.

    Attributes:
        checkpoints: One or more; several are measured as an ensemble, too.
        source: Files, folders, a stream or a corpus; nothing: the first run's own validation split.
        average: How an ensemble averages.
        dynamic: How to learn while measuring, or None.
        device: auto, cpu, cuda or mps.
    """

    checkpoints: Sequence[str]
    source: Sequence[str] = ()
    average: Average = "probabilities"
    dynamic: "DynamicSettings | None" = None
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.checkpoints:
            raise UsageError("no checkpoint was given", "name a run folder, a file or a published checkpoint")
        if self.dynamic is not None:
            from seqgen.evaluation.dynamic import DynamicSettings  # which knows torch

            if not isinstance(self.dynamic, DynamicSettings):
                raise UsageError(f"dynamic is {self.dynamic!r}, expected DynamicSettings or None")


@dataclass(frozen=True)
class MusicJob(InFolders):
    """What music to make and to hold beside what.

    Attributes:
        checkpoint: What makes it.
        samples: How many.
        source: Files, folders, a stream or a corpus; nothing: the run's own validation split.
        seed, temperature: Of the samples.
    """

    checkpoint: str
    samples: int
    source: Sequence[str] = ()
    seed: int = 1
    temperature: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        finite("samples", self.samples, f"{FEWEST} to {MOST_SAMPLES}", least=FEWEST, most=MOST_SAMPLES)
        finite("seed", self.seed, "0 to 2^63 - 1", least=0, most=MOST_SEED)
        finite("temperature", self.temperature, f"0 to {HOTTEST}", least=0, most=HOTTEST)


@dataclass(frozen=True)
class TextJob:
    """Which text to judge.

    Attributes:
        checkpoint: A run folder, a file, or the name of a published one.
        text: At least one character.
        label: Of the document that it begins.
        device: auto, cpu, cuda or mps.
    """

    checkpoint: str
    text: str
    label: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        check_types(self)
        if not self.text:
            raise UsageError("--text is empty, expected at least one character")


@dataclass(frozen=True)
class EvaluateCall(InFolders):
    """The arguments and options of one call of `seqgen evaluate`, that have to go together.

    Attributes:
        arguments: CHECKPOINT... [SOURCE]...
        text, label: A text to judge instead, and the label of the document that it begins.
        dynamic: Whether to measure again while the model goes on learning.
        settings: How it learns then.
        average, device: See `EvaluateJob`.
        samples, seed, temperature: Music to make, see `MusicJob`; None: none.
        report: Where a page about it goes.
    """

    arguments: Sequence[str]
    text: str | None = None
    label: str | None = None
    dynamic: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    average: Average = "probabilities"
    device: str = "auto"
    samples: int | None = None
    seed: int = 1
    temperature: float = 1.0
    report: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.text is None and self.label is not None:
            raise UsageError("--label was given without --text", "a corpus is measured without its labels")
        if self.settings and not self.dynamic:
            raise UsageError("-P was given without --dynamic, whose settings it takes")
        if self.text is not None and self.dynamic:
            raise UsageError("--dynamic is for a SOURCE, --text was given")
        if self.text is not None and self.samples is not None:
            raise UsageError("--samples is for music beside a SOURCE, --text was given")
        if self.report is not None and self.samples is None:
            raise UsageError("--report was given without --samples, which it shows")

    def jobs(self) -> tuple[TextJob | EvaluateJob, MusicJob | None]:
        """What to measure, and which music to hold beside it.

        Raises:
            UsageError: A name could be a checkpoint or a corpus, or there are more checkpoints than a flag takes.
            HubError: The Hub cannot be asked.
        """
        checkpoints, source = divided(self.arguments)
        if self.text is not None:
            if source:
                raise UsageError("both SOURCE and --text were given, expected one of them")
            return TextJob(_only(checkpoints, "--text"), self.text, self.label, self.device), None
        folders: dict[str, Any] = {name: getattr(self, name) for name in InFolders.__dataclass_fields__}
        music = None
        if self.samples is not None:
            one = _only(checkpoints, "--samples")
            music = MusicJob(one, self.samples, source, self.seed, self.temperature, **folders)
        return EvaluateJob(checkpoints, source, self.average, self._learning(), self.device, **folders), music

    def _learning(self) -> "DynamicSettings | None":
        if not self.dynamic:
            return None
        from seqgen.evaluation.dynamic import DynamicSettings  # which knows torch

        return parse(DynamicSettings, self.settings)


def _only(checkpoints: Sequence[str], flag: str) -> str:
    """The one checkpoint. Raises UsageError where there are more."""
    if len(checkpoints) > 1:
        raise UsageError(f"{flag} takes one checkpoint, {len(checkpoints)} were given")
    return checkpoints[0]

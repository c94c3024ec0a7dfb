"""How long a run is to be, where it stands, what happens on its way, and who wants to know. Plain data, no tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

MOST = 1 << 53  # a count below it has room in int64 whatever is added
COUNTS = ("epoch", "step", "total_steps", "tokens", "checks", "bad_checks", "checked", "rollbacks", "stuck")
LINE = ("step", "tokens", "nats", "validation_nats")  # what each line of the history has


class BudgetRecord(TypedDict):
    """A budget as it is stored."""

    minutes: float | None
    epochs: float | None
    steps: int | None


@dataclass(frozen=True)
class Budget:
    """When training ends: whichever of these comes first. None: no such bound."""

    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None

    def to_json(self) -> BudgetRecord:
        """Plain data under stable names."""
        return {"minutes": self.minutes, "epochs": self.epochs, "steps": self.steps}


class Line(TypedDict):
    """A line of the log: the mean training loss since the line before, and what a validation found."""

    step: int
    epoch: float
    tokens: int
    seconds: float
    learning_rate: float
    nats: float | None
    validation_nats: NotRequired[float | None]
    raw_nats: NotRequired[float | None]  # where weights are averaged, too
    averaged_nats: NotRequired[float | None]


class Incident(TypedDict):
    """Another line of the log: the run went back (`event` "rollback" or "skip"), or was short of memory ("memory")."""

    step: int
    event: str
    to: NotRequired[int]
    loss: NotRequired[float | None]  # None: not a number
    damping: NotRequired[float]
    batch: NotRequired[int]


@dataclass
class Progress:
    """Where a run stands; saved whole, so that it can go on."""

    epoch: int = 0
    step: int = 0  # within the epoch
    total_steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    checks: int = 0
    bad_checks: int = 0
    checked: int = 0  # total_steps at the last validation
    best: float | None = None  # nats per token on the validation split
    start: float | None = None  # nats per token of the first step
    recent: list[float] = field(default_factory=list)  # training losses at the last log lines
    rollbacks: int = 0
    stuck: int = 0  # of those, to the present place
    damping: float = 1.0  # what they have left of the learning rate
    batch: int | None = None  # streams read since the device ran out of memory; None: as set
    history: list[Line] = field(default_factory=list)


def restored(values: Mapping[str, Any]) -> Progress:
    """What was saved of a run, each value of its type and in range.

    Raises:
        ValueError, TypeError: One is not.
    """
    made = Progress(**values)
    for name in COUNTS:
        require_count(name, getattr(made, name))
    numbers = {"seconds": made.seconds, "damping": made.damping, "best": made.best, "start": made.start}
    numbers |= {f"recent {place}": number for place, number in enumerate(made.recent)}
    for name, number in numbers.items():
        if type(number) not in (int, float) and not (number is None and name in ("best", "start")):
            raise ValueError(f"{name} is {number!r}, expected a number")
    if made.seconds < 0 or not 0 <= made.damping <= 1:
        raise ValueError(f"seconds are {made.seconds}, damping is {made.damping}")
    if made.batch is not None and (require_count("batch", made.batch) == 0):
        raise ValueError("batch is 0")
    for line in made.history:
        if not {*LINE} <= line.keys() or not {*map(type, line.values())} <= {int, float, type(None)}:
            raise ValueError(f"a line of the history is {line}")
    return made


def require_count(name: str, value: object) -> int:
    """A count that was saved. Raises ValueError where it is none."""
    if type(value) is not int or not 0 <= value < MOST:
        raise ValueError(f"{name} is {value!r}, expected a count")
    return value


@dataclass(frozen=True)
class Logged:
    """Every few steps: a log line, and the share of the budget that is used."""

    line: Line
    share: float


@dataclass(frozen=True)
class Checked:
    """A validation, and whether it is the best so far."""

    line: Line
    improved: bool


@dataclass(frozen=True)
class RolledBack:
    """The loss exploded, and the run went back."""

    line: Incident


@dataclass(frozen=True)
class Shrunk:
    """The device ran out of memory, and the run goes on with a smaller batch."""

    line: Incident


@dataclass(frozen=True)
class Remarked:
    """Something that people should know."""

    text: str


@dataclass(frozen=True)
class SaveDue:
    """It is time to save, on every rank."""


Event: TypeAlias = Logged | Checked | RolledBack | Shrunk | Remarked | SaveDue


class Observer(Protocol):
    """What wants to know how a run goes."""

    def note(self, message: str) -> None:
        """A remark for people."""

    def stepped(self, progress: Progress, share: float, line: Line) -> None:
        """Every LOG_EVERY steps: where the run stands, the share of the budget used, a log line."""

    def checked(self, progress: Progress, line: Line, improved: bool) -> None:
        """After each validation."""

    def rolled_back(self, progress: Progress, line: Incident) -> None:
        """After the loss exploded: `line` has the step, the loss (None: not a number), where the run went back to."""

    def shrunk(self, progress: Progress, line: Incident) -> None:
        """After the device ran out of memory: `line` has the step and the batch that the run goes on with."""

    def close(self) -> None:
        """When the run ends or stops."""

"""From numbers to plain words: what a run is going to be.

Pure functions; it knows losses, counts and seconds, and nothing of files, networks or codecs. Thresholds are rules of
thumb, named below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

COPIES = 0.02  # a share of repeated documents or lines that is worth a word
SMALL = 250_000  # parameters; below, a smaller model is no advice


@dataclass(frozen=True)
class Before:
    """What is known before the first step.

    Attributes:
        copies: Documents that are exact copies of earlier ones.
        apart: Whether copies may be held out while others are trained on, as in runs of an older version.
        repeated: The share of long lines that came before, figures and case aside; None where there are no lines.
        chosen: What the model's shape was chosen by: "auto", a preset's name, "settings" or "checkpoint".
        rate: Tokens a second, measured or None.
        memory: Bytes at the peak, estimated or None.
        minutes, epochs, steps: The budget.
        step_tokens: Tokens a step.
        done: The share of the budget that is used already, where a run goes on.
    """

    tokens: int
    documents: int
    held_out: int
    train_tokens: int
    codec: str
    vocabulary: int
    copies: int
    repeated: float | None
    chosen: str
    shape: str
    parameters: int
    device: str
    rate: float | None
    memory: float | None
    minutes: float | None
    epochs: float | None
    steps: int | None
    step_tokens: int
    done: float = 0.0
    apart: bool = False


def before(facts: Before) -> str:
    """One paragraph: corpus, model, device, time and memory."""
    return " ".join([_corpus(facts), *_copies(facts), _model(facts), _course(facts), _fit(facts)]).rstrip()


def packed(lengths: Sequence[int], longest: int) -> str:
    """A sentence about documents that are read side by side, those of more than `longest` tokens in parts."""
    mean = sum(lengths) / len(lengths)
    said = f"Documents are short, {mean:.0f} tokens on average: each is read whole and from a fresh state."
    parted = sum(length > longest for length in lengths)
    return said + (f" {parted:,} of more than {longest:,} tokens are read in parts." if parted else "")


def going_on(steps: int, share: float, ended: bool) -> str:
    """A sentence before a run goes on that has taken so many steps, and so large a share of its budget."""
    if ended:
        return (
            f"This run ended after {steps:,} steps, as its budget was used up or validation no longer improved. "
            "To go on, give it more in all: --minutes, --epochs or --steps."
        )
    return f"Going on after {steps:,} steps, {100 * share:.0f} % of the budget."


def _corpus(facts: Before) -> str:
    documents = f"{facts.documents:,} document{'s' * (facts.documents != 1)}"
    return (
        f"Corpus: {facts.tokens:,} tokens in {documents}, codec {facts.codec}, vocabulary {facts.vocabulary:,}; "
        f"{facts.held_out:,} tokens held out."
    )


def _copies(facts: Before) -> list[str]:
    said = []
    if facts.copies:
        plural = "s are exact copies" if facts.copies > 1 else " is an exact copy"
        flatters = "validation may flatter" if facts.apart else "the same of each is held out"
        said.append(f"{facts.copies:,} document{plural}: {flatters}.")
    if facts.repeated is not None and facts.repeated > COPIES:
        said.append(f"{100 * facts.repeated:.0f} % of the lines repeat earlier ones.")
    return said


def _model(facts: Before) -> str:
    time = f" and {facts.minutes:g} minutes" if facts.minutes is not None else ""
    why = {
        "auto": f"chosen for {_short(facts.tokens)} tokens{time}",
        "checkpoint": "as in the checkpoint",
        "settings": "as the settings say",
    }.get(facts.chosen, f"preset {facts.chosen}")
    return f"Model: {facts.shape}, {_short(facts.parameters)} parameters ({why})."


def _course(facts: Before) -> str:
    """Where, how fast, how long, how much memory."""
    budget = [(facts.minutes, "minutes"), (facts.epochs, "epochs"), (facts.steps, "steps")]
    stops = " or ".join(f"{_plain(value)} {unit}" for value, unit in budget if value is not None)
    said = f"Device: {facts.device}; it stops after {stops}"
    seconds = expected_seconds(facts)
    if facts.rate is not None and seconds is not None:
        count = _expected_passes(facts, facts.rate, seconds)
        left = f"{duration(seconds * (1 - facts.done))}{' more' * (facts.done > 0)} at "
        time = "" if facts.minutes is not None and seconds >= 60 * facts.minutes else left
        said += f": about {time}{facts.rate:,.0f} tokens/s, {passes(count)}"
    if facts.memory is not None:
        said += f", {facts.memory / 1e9:.1f} GB of memory"
    return said + "."


def _fit(facts: Before) -> str:
    """A warning where the time and the corpus do not go together."""
    seconds = expected_seconds(facts)
    if facts.rate is None or seconds is None:
        return ""
    count = _expected_passes(facts, facts.rate, seconds)
    if count < 0.5:
        fixed = facts.chosen in ("tiny", "checkpoint") or facts.parameters < SMALL
        smaller = "" if fixed else ", or a smaller model (--preset tiny)"
        return f"It will not see the whole corpus: give it more time{smaller}."
    if count > 60:
        return "It reads the corpus very often: less time would do, or more text."
    return ""


def expected_seconds(facts: Before) -> float | None:
    """How long the run will take: the least of what its bounds allow; None where the rate is unknown.

    A step takes as long where the corpus does not fill it.
    """
    bounds = [] if facts.minutes is None else [60 * facts.minutes]
    if facts.rate:
        step = facts.step_tokens / facts.rate
        if facts.epochs is not None:
            bounds.append(facts.epochs * _steps_a_pass(facts) * step)
        if facts.steps is not None:
            bounds.append(facts.steps * step)
    return min(bounds, default=None)


def _steps_a_pass(facts: Before) -> float:
    return max(1.0, facts.train_tokens / facts.step_tokens)


def _expected_passes(facts: Before, rate: float, seconds: float) -> float:
    return rate * seconds / (facts.step_tokens * _steps_a_pass(facts))


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2.5 h`."""
    if seconds < 99.5:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def passes(count: float) -> str:
    """`40 % of one pass`, `1.5 passes`."""
    if count < 1:
        return f"{100 * count:.0f} % of one pass"
    return f"{count:,.0f} passes" if count >= 10 else f"{count:.1f} passes"


def _plain(value: float) -> str:
    """`0.5`, `5`, `60,000`."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _short(count: float) -> str:
    """`870`, `12 thousand`, `1.1 million`."""
    if count < 10_000:
        return f"{count:,.0f}"
    return f"{count / 1e3:.0f} thousand" if count < 999_500 else f"{count / 1e6:,.1f} million"

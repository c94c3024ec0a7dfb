"""From numbers to plain words: what a run is going to be, and afterwards what it shows and what to try.

Pure functions; it knows losses, counts and seconds, and nothing of files, networks or codecs. Thresholds are rules of
thumb, named below.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

GAP = 0.10  # training this far below validation: the corpus is being learned by heart
RISEN = 0.01  # validation this far above its best: it has risen
FALLING = 0.008  # a gain over the last fifth of the run that more time would go on with
COPIES = 0.02  # a share of repeated documents or lines that is worth a word
NARROW = 64  # units; half of fewer learns next to nothing
SMALL = 250_000  # parameters; below, a smaller model is no advice
HEART = 0.02  # nats per token on what was held out, below which nothing is left to be learned of the corpus
JUDGED = 3  # validations at least by which the gap is judged: each has the training loss of a few steps beside it


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


@dataclass(frozen=True)
class Check:
    """One validation: where it stood, and the losses in nats per token. `train` is measured with dropout on."""

    step: int
    epoch: float
    train: float | None
    validation: float


@dataclass(frozen=True)
class After:
    """What is known when a run has ended.

    Attributes:
        checks: Every validation, in order.
        nats, ngram: The best model and the n-gram baseline on the held-out part, nats per token.
        dropout: The share of units that were dropped.
        hidden, layers: The model's size.
        patience_ended: Whether it stopped because validation no longer improved.
        rollbacks: How often the loss exploded and training went back.
    """

    checks: Sequence[Check]
    nats: float
    ngram: float
    dropout: float
    hidden: int
    layers: int
    patience_ended: bool
    rollbacks: int = 0


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
        passes = _expected_passes(facts, facts.rate, seconds)
        left = f"{duration(seconds * (1 - facts.done))}{' more' * (facts.done > 0)} at "
        time = "" if facts.minutes is not None and seconds >= 60 * facts.minutes else left
        said += f": about {time}{facts.rate:,.0f} tokens/s, {_passes(passes)}"
    if facts.memory is not None:
        said += f", {facts.memory / 1e9:.1f} GB of memory"
    return said + "."


def _fit(facts: Before) -> str:
    """A warning where the time and the corpus do not go together."""
    seconds = expected_seconds(facts)
    if facts.rate is None or seconds is None:
        return ""
    passes = _expected_passes(facts, facts.rate, seconds)
    if passes < 0.5:
        fixed = facts.chosen in ("tiny", "checkpoint") or facts.parameters < SMALL
        smaller = "" if fixed else ", or a smaller model (--preset tiny)"
        return f"It will not see the whole corpus: give it more time{smaller}."
    if passes > 60:
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


def after(facts: After) -> str:
    """A sentence or two: whether it learned too little or by heart, and what to try next."""
    said = ["It stopped early, as validation no longer improved."] if facts.patience_ended else []
    said.append(_verdict(facts))
    if facts.nats > max(facts.ngram, HEART):
        said.append("It is still worse than counting n-grams, which is what to beat first.")
    if facts.rollbacks:
        times = "once" if facts.rollbacks == 1 else f"{facts.rollbacks:,} times"
        said.append(f"The loss exploded {times}: try a lower learning rate (-P learning_rate).")
    return " ".join(said)


def _verdict(facts: After) -> str:
    if facts.nats <= HEART:
        return (
            f"It knows the corpus by heart, with {facts.nats:.2g} nats per token even on what was held out of it, "
            "which the rest says, too. More training brings nothing: try text that repeats itself less."
        )
    checks = [check for check in facts.checks if math.isfinite(check.validation)]
    if len(checks) < 3:
        return "Too few validations to judge by; give it more time (--minutes)."
    best = min(checks, key=lambda check: check.validation)
    last = checks[-1]
    risen = last.validation > (1 + RISEN) * best.validation
    if risen and last.epoch > 1 and _fell(best, last):
        return (
            f"Validation rose from step {best.step:,} on while training fell: it began to learn the corpus by "
            f"heart, and the model of that step was kept. Try {_against_overfitting(facts)}."
        )
    if risen or (facts.patience_ended and last.epoch < 1):
        return f"Validation got worse after step {best.step:,}: its steps were too large. Try half the learning_rate."
    if last.epoch < 1:
        return (
            f"It has read {100 * last.epoch:.0f} % of the corpus once and learns on: give it more time"
            f"{', or a smaller model, which reads faster' * (facts.hidden >= NARROW)}."
        )
    return _of_a_steady_run(facts, checks)


def _of_a_steady_run(facts: After, checks: Sequence[Check]) -> str:
    """Validation never rose: is it still falling, and how far below is training?"""
    last, gap = checks[-1], _gap(checks)
    falling = _gain(checks) > FALLING and not facts.patience_ended
    if falling and gap < GAP:
        return (
            f"It was still learning after {_passes(last.epoch)}, and is far from knowing the corpus by heart: "
            "give it more time, or a larger model with it."
        )
    if falling:
        return f"It was still learning after {_passes(last.epoch)}: give it more time."
    if gap > GAP:
        return (
            f"Training is {100 * gap:.0f} % below validation, which no longer falls: the corpus is used up. "
            f"Try {_against_overfitting(facts)}."
        )
    if facts.nats > facts.ngram:
        return "Training and validation are close, and its steps have become small: it needs more time (--minutes)."
    less = f"less dropout (-P dropout {_halved(facts.dropout)}) or " if facts.dropout >= 0.1 else ""
    return f"Training and validation are close and both have come to rest: try {less}{_larger(facts)}."


def _fell(first: Check, last: Check) -> bool:
    """Whether the training loss went down from one validation to another."""
    return first.train is not None and last.train is not None and last.train < first.train


def _gap(checks: Sequence[Check]) -> float:
    """How far training is below validation towards the end, as a share of it: the median, as a few steps vary much."""
    recent = checks[-max(JUDGED, round(len(checks) / 5)) :]
    gaps = [1 - check.train / check.validation for check in recent if check.train is not None and check.validation > 0]
    return median(gaps) if gaps else 0.0


def _gain(checks: Sequence[Check]) -> float:
    """What the last fifth of the run took off the validation loss, as a share of it."""
    begin = max(0, len(checks) - 1 - max(1, round(len(checks) / 5)))
    return 1 - checks[-1].validation / checks[begin].validation if checks[begin].validation > 0 else 0.0


def _against_overfitting(facts: After) -> str:
    more = min(0.6, round(facts.dropout + (0.2 if facts.dropout < 0.4 else 0.1), 2))
    ways = [f"more dropout (-P dropout {more:g})"] if more > facts.dropout else []
    ways += [f"a smaller model (-P hidden {facts.hidden // 2})"] if facts.hidden >= NARROW else []
    return " or ".join([", ".join(ways), "more text"] if ways else ["more text"])


def _halved(dropout: float) -> str:
    return f"{round(dropout / 2, 2):g}"


def _larger(facts: After) -> str:
    return f"a larger model (-P hidden {-(-facts.hidden * 3 // 2 // 64) * 64})"


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2.5 h`."""
    if seconds < 99.5:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _passes(passes: float) -> str:
    if passes < 1:
        return f"{100 * passes:.0f} % of one pass"
    return f"{passes:,.0f} passes" if passes >= 10 else f"{passes:.1f} passes"


def _plain(value: float) -> str:
    """`0.5`, `5`, `60,000`."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _short(count: float) -> str:
    """`870`, `12 thousand`, `1.1 million`."""
    if count < 10_000:
        return f"{count:,.0f}"
    return f"{count / 1e3:.0f} thousand" if count < 999_500 else f"{count / 1e6:,.1f} million"

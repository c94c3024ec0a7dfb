"""From numbers to plain words: what a run shows when it has ended, and what to try next.

Pure functions; it knows losses and counts, and nothing of files, networks or codecs. Thresholds are rules of thumb,
named below.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from seqgen.jobs.train.guidance import passes

GAP = 0.10  # training this far below validation: the corpus is being learned by heart
RISEN = 0.01  # validation this far above its best: it has risen
FALLING = 0.008  # a gain over the last fifth of the run that more time would go on with
NARROW = 64  # units; half of fewer learns next to nothing
HEART = 0.02  # nats per token on what was held out, below which nothing is left to be learned of the corpus
VARIED = 0.10  # validation this far from training while nothing was read twice: what is held out is unlike the rest
JUDGED = 3  # validations at least by which the gap is judged: each has the training loss of a few steps beside it


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
        packed: Whether short documents were packed: their training loss counts the ends of documents, too.
    """

    checks: Sequence[Check]
    nats: float
    ngram: float
    dropout: float
    hidden: int
    layers: int
    patience_ended: bool
    rollbacks: int = 0
    packed: bool = False


def after(facts: After) -> str:
    """A sentence or two: whether it learned too little or by heart, and what to try next."""
    said = ["It stopped early, as validation no longer improved."] if facts.patience_ended else []
    said.append(_verdict(facts))
    said += _variety(facts)
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


def _variety(facts: After) -> list[str]:
    """A sentence where what is held out is unlike the rest, whatever was learned.

    Before anything was read twice nothing can be learned by heart: training and validation are both losses on what the
    model never saw, and are the same but for dropout, which makes training worse. If not, the two are not of a kind.
    """
    apart = _apart(facts)
    if facts.nats <= HEART or -VARIED - facts.dropout / 2 <= apart <= VARIED:
        return []
    where, harder = ("below", "") if apart > 0 else ("above", ", and easier")
    return [
        f"Training was {100 * abs(apart):.0f} % {where} validation before anything was read twice: what was held out "
        f"is unlike the rest{harder}, and the corpus too varied for its size. Try more text of each kind, one kind "
        "alone, or --val with texts of your choice."
    ]


def _apart(facts: After) -> float:
    """How far training is below validation in the first pass, as a share of it; 0.0 where too little is known.

    Each training loss is the mean since the validation before: it is compared with the mean of the two.
    """
    if facts.packed:
        return 0.0
    shares = [
        1 - 2 * check.train / (before.validation + check.validation)
        for before, check in pairwise(facts.checks)
        if check.epoch <= 1 and check.train is not None and 0 < check.validation < math.inf > before.validation
    ]
    return median(shares) if len(shares) >= JUDGED else 0.0


def _of_a_steady_run(facts: After, checks: Sequence[Check]) -> str:
    """Validation never rose: is it still falling, and how far below is training?"""
    last, first = checks[-1], max(0.0, _apart(facts))
    gap = _gap(checks) - first  # what was learned by heart, variety aside
    close = "Training and validation are close" if first <= VARIED else "Training and validation stay as far apart"
    falling = _gain(checks) > FALLING and not facts.patience_ended
    if falling and gap < GAP:
        return (
            f"It was still learning after {passes(last.epoch)}, and is far from knowing the corpus by heart: "
            "give it more time, or a larger model with it."
        )
    if falling:
        return f"It was still learning after {passes(last.epoch)}: give it more time."
    if gap > GAP:
        return (
            f"Training is {100 * (gap + first):.0f} % below validation, which no longer falls: the corpus is used up. "
            f"Try {_against_overfitting(facts)}."
        )
    if facts.nats > facts.ngram:
        return f"{close}, and its steps have become small: it needs more time (--minutes)."
    less = f"less dropout (-P dropout {_halved(facts.dropout)}) or " if facts.dropout >= 0.1 else ""
    return f"{close} and both have come to rest: try {less}{_larger(facts)}."


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

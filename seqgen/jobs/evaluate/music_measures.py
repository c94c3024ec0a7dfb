"""Whether sampled music is music, for people and programs: measures beside the corpus as numbers and as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from seqgen.api.model import Model
from seqgen.evaluation.plausibility import NAMES, TITLES, Compared, Heard, Spread, beside, doubled, most
from seqgen.music.bounds import OF_A_PART, TOGETHER
from seqgen.music.score import Score
from seqgen.render import boxes
from seqgen.render.boxes import Boxes, Row
from seqgen.render.report import Section, Table, Text

PICTURE = 25  # columns on the terminal
ABOUT = (
    "Each measure of one piece after another: the box is between the quartiles, the mark the median, the line from 5 "
    "to 95 %. A good model's median lies in the corpus's box. "
)
LEFT_OUT = "The corpus was played: what hangs on beats is left out. Empty bars are rests. "
STRANGE = "Strange is what the corpus has not; to one of its own pieces, what no other piece has. "


@dataclass(frozen=True)
class Measured:
    """Samples beside a corpus.

    Attributes:
        compared: Each measure that means something.
        doubled: Notes of the samples that begin with another of the same key and part.
        corpus_most, samples_most: The most notes at an instant, of all and of a part, see `plausibility.most`.
    """

    compared: list[Compared]
    doubled: int
    corpus_most: dict[str, int]
    samples_most: dict[str, int]

    @property
    def left_out(self) -> list[str]:
        """The measures that mean nothing here."""
        return [name for name in NAMES if name not in {each.name for each in self.compared}]

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {
            "measures": {each.name: each.to_json() for each in self.compared},
            "left_out": self.left_out,
            "doubled_keys": self.doubled,
            "most_together": {"corpus": self.corpus_most, "samples": self.samples_most},
        }


def measured(
    pieces: Sequence[Score], samples: Sequence[Score], whole: Sequence[Score], model: Model | None = None
) -> Measured:
    """Samples beside pieces of a corpus.

    Args:
        pieces: Those whose quartiles are shown, each with a note or more.
        samples: The same.
        whole: All pieces that say what the corpus has.
        model: What made the samples; what its training is known to have seen is in the corpus too.
    """
    bounds = {} if model is None or model.seen is None else model.seen.bounds
    found = most(whole)
    found = {name: max(value, bounds.get(name, 0)) for name, value in found.items()}
    compared = beside(pieces, samples, Heard.of(whole, None if model is None else _programs(model)))
    return Measured(compared, sum(map(doubled, samples)), found, most(samples))


def lines(found: Measured) -> list[str]:
    """The result in 80 columns: two lines a measure."""
    out = [f"  {'quartiles':27}{'':{PICTURE}}{'lower':>8}{'median':>8}{'upper':>8}"]
    for each in found.compared:
        low, high = boxes.limits(_row(each))
        for title, name, spread in ((TITLES[each.name], "corpus", each.corpus), ("", "samples", each.samples)):
            numbers = "".join(f"{_short(value):>8}" for value in (spread.lower, spread.median, spread.upper))
            out.append(f"  {title:19}{name:8}{boxes.text(_five(spread), low, high, PICTURE)}{numbers}")
    if "on_sixteenths" in found.left_out:
        out += ["", f"  {LEFT_OUT.strip()}"]
    out.append("")
    out += [f"  {name:46}{value:>12}" for name, value in facts(found)]
    return out


def section(found: Measured) -> Section:
    """The result on a page."""
    picture = Boxes("", ("corpus", "samples"), tuple(_row(each) for each in found.compared))
    columns = ("measure", "corpus lower", "median", "upper", "samples lower", "median", "upper", "inside")
    rows = tuple(
        (TITLES[it.name], *_middle(it.corpus), *_middle(it.samples), "yes" if it.inside else "no")
        for it in found.compared
    )
    about = ABOUT + (LEFT_OUT if "on_sixteenths" in found.left_out else "") + STRANGE
    return Section("Measures", (Text(about), picture, Table(columns, rows), Table(("measure", "value"), facts(found))))


def facts(found: Measured) -> tuple[tuple[str, str], ...]:
    """What is counted over all samples."""
    of = "most notes at once in samples, in the corpus"
    part = "the same of one part"
    return (
        ("notes whose key begins twice in their part", f"{found.doubled:,}"),
        (of, f"{found.samples_most[TOGETHER]}, {found.corpus_most[TOGETHER]}"),
        (part, f"{found.samples_most[OF_A_PART]}, {found.corpus_most[OF_A_PART]}"),
    )


def _programs(model: Model) -> frozenset[int] | None:
    """The programs that training saw; None where the checkpoint does not say."""
    codec = model.tokenizer.codec.steerable()
    return None if model.seen is None or codec is None else codec.sounding(model.seen.counts)


def _row(each: Compared) -> Row:
    return Row(TITLES[each.name], (_five(each.corpus), _five(each.samples)))


def _five(spread: Spread) -> boxes.Five:
    return spread.low, spread.lower, spread.median, spread.upper, spread.high


def _middle(spread: Spread) -> tuple[float, float, float]:
    return spread.lower, spread.median, spread.upper


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3f}" if value < 1 else f"{value:.2f}"

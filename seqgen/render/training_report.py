"""The page about one training run: what it reached, its curves, its samples through time, its settings.

It takes plain numbers and texts, as a run folder holds them, and knows no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqgen.render.curves import Curve, Series
from seqgen.render.report import SampleText, Section, SectionPart, Table, Text, report_html

MOST_SAMPLES = 12


@dataclass(frozen=True)
class Story:
    """A run, told in data.

    Attributes:
        name: What it is called.
        facts: (what, value) of corpus, model, device and result, in the order to be shown.
        log: The lines of its log: "step", "nats" and, at a validation, "validation_nats"; others are optional.
        samples: "step", "nats" and "text" each, in order.
        settings: Title → its settings by name.
        baselines: (name, nats per token) of what it stands beside.
        advice: What the curves say, and what to try.
        inside: "step", "gates", "gradients" and "neighbours" each, in order, see `seqgen.jobs.train.inside`.
    """

    name: str
    facts: Sequence[tuple[str, Any]]
    log: Sequence[Mapping[str, Any]]
    samples: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    baselines: Sequence[tuple[str, float]] = ()
    advice: str = ""
    inside: Sequence[Mapping[str, Any]] = ()


def training_page(story: Story) -> str:
    """One HTML file that holds everything; write it as UTF-8."""
    sections = [_result(story), _curves(story), *_samples(story), *_inside(story), *_settings(story)]
    return report_html(f"Training {story.name}", sections, "Lower is better: nats per token on text held out.")


def _result(story: Story) -> Section:
    parts: list[SectionPart] = [Text(story.advice)] if story.advice else []
    rows = tuple((what, _plain(value)) for what, value in story.facts)
    return Section("What was reached", (*parts, Table(("what", "value"), rows)))


def _curves(story: Story) -> Section:
    names = {
        "nats": "training",
        "validation_nats": "validation",
        "raw_nats": "as they are",
        "averaged_nats": "averaged",
    }
    series = []
    for key, name in names.items():
        points = [(line["step"], line[key]) for line in story.log if line.get(key) is not None]
        if points:
            series.append(Series(name, [x for x, _ in points], [y for _, y in points]))
    checks = [line for line in story.log if line.get("validation_nats") is not None]
    rows = tuple(
        (line["step"], line.get("epoch"), line.get("seconds"), line.get("nats"), line["validation_nats"])
        for line in checks
    )
    table = Table(("step", "passes", "seconds", "training", "validation"), rows, "Validations")
    return Section("Loss", (Curve("Loss over the run", tuple(series), tuple(story.baselines)), table))


def _samples(story: Story) -> list[Section]:
    shown = _spread(story.samples)
    if not shown:
        return []
    about = Text("A short text from the model as it stood, each with the same seed; the training went on after each.")
    parts = [SampleText(str(it["text"]), f"step {it['step']:,}: {it['nats']:.3f} nats per token") for it in shown]
    return [Section("Samples through time", (about, *parts))]


def _inside(story: Story) -> list[Section]:
    """Gates, gradients and neighbours of tokens through time."""
    rows = story.inside
    if not rows:
        return []
    steps = [float(row["step"]) for row in rows]
    parts: list[SectionPart] = []
    for side, name in enumerate(("shut (below 0.1, left-saturated)", "open (above 0.9, right-saturated)")):
        gates = [Series(gate, steps, [float(row["gates"][gate][side]) for row in rows]) for gate in rows[0]["gates"]]
        if gates:
            parts.append(
                Curve(
                    f"Gates: the share of units and tokens at which they are {name}", tuple(gates), (), "steps", "share"
                )
            )
    norms = [Series(str(of), steps, [float(row["gradients"][of]) for row in rows]) for of in rows[0]["gradients"]]
    parts.append(Curve("The norm of the gradient on a short held-out text", tuple(norms), (), "steps", "norm"))
    shown = _spread(rows)[:: max(1, MOST_SAMPLES // 4)]
    shown = [*shown, rows[-1]] if shown[-1] is not rows[-1] else shown
    names = [_marked(line[0]) for line in rows[-1]["neighbours"]]
    columns = ("token", *(f"step {row['step']:,}" for row in shown))
    near = [[" ".join(_marked(other) for other in line[1:]) for line in row["neighbours"]] for row in shown]
    table = tuple(zip(names, *near))
    parts.append(Table(columns, table, "The nearest tokens by embedding, of the commonest ones"))
    return [Section("Inside, through time", tuple(parts))]


def _marked(name: Any) -> str:
    """A token in a table: blanks as marks."""
    return {" ": "␣", "\n": "⏎", "\t": "⇥"}.get(str(name), str(name))


def _settings(story: Story) -> list[Section]:
    tables = [
        Table(("setting", "value"), tuple((key, _plain(value)) for key, value in values.items()), title)
        for title, values in story.settings.items()
        if values
    ]
    return [Section("Settings", tuple(tables))] if tables else []


def _spread(samples: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """At most MOST_SAMPLES of them, the first and the last among them."""
    if len(samples) <= MOST_SAMPLES:
        return list(samples)
    step = (len(samples) - 1) / (MOST_SAMPLES - 1)
    return [samples[round(index * step)] for index in range(MOST_SAMPLES)]


def _plain(value: Any) -> str:
    """A value as text, so that a table of many kinds keeps one side; numbers as a person would write them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 1 << 40 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)

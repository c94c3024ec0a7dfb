"""The page of a look: what the cells do over the text, what they follow, gates, gradients, saliency, errors."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqgen.inside.finder import Found
from seqgen.inside.seen import Seen, ShownCell, placed, token_names
from seqgen.render.cells import CellRoll, CellText, Colours, Expected, Guesses, Passages, coloured
from seqgen.render.report import Section, SectionPart, Table, Text, report_html
from seqgen.render.scatter import Panel, Scatter

if TYPE_CHECKING:
    from seqgen.music.score import Score

FEW = 2_000  # tokens below which a correlation says little
COLUMNS = 480  # tokens that are shown with what may follow them
TICKS = 4


def page(look: Seen) -> str:
    """One HTML file that holds everything; write it as UTF-8."""
    sections = [section for section in _sections(look) if section.parts]
    said = f"{look.name} over {len(look.trace):,} tokens"
    return report_html(
        f"Inside {look.name}", sections, f"{said}; {look.reading.remark}" if look.reading.remark else said
    )


def notebook(look: Seen) -> str:
    """The most telling cell over the beginning of the text, for a notebook."""
    from seqgen.render.escaping import visible
    from seqgen.render.report import STYLE

    cell, shown = look.cells[0], min(len(look.trace), 2000)
    text = coloured(pieces(look)[:shown], _colours(cell).levels()[:shown])
    return f'<style>{STYLE.read_text("utf-8")}</style><p>{visible(_named(cell))}</p><div class="celltext">{text}</div>'


def pieces(look: Seen) -> list[bytes]:
    """(T,) what is shown of each token: its bytes, or for music the name of the event and a blank."""
    own, ids = look.tokenizer.token_bytes(), look.trace.ids.tolist()
    if own is not None:
        return [own[token] for token in ids]
    names = look.tokenizer.vocabulary()
    return [f"{names[token]} ".encode() for token in ids]


def _sections(look: Seen) -> Iterator[Section]:
    yield Section("In short", (Text(summary(look)), *(Text(each) for each in look.missing)))
    expected = _expected(look)
    yield Section("Cells over the text" if look.tokenizer.is_text else "Cells over the notes", (_over(look, expected),))
    yield _next(look, expected)
    yield Section("What cells follow", tuple(_follow(look)))
    yield Section("Where cells are on", tuple(_where(look)))
    yield Section("Gates", tuple(_gates(look)))
    for each in look.further:
        yield Section(each.title, tuple(each.parts()))


def summary(look: Seen) -> str:
    """The best cells in words."""
    firsts = _firsts(look.found)
    told = [each for each in firsts if each.strength > max(0.3, 1.5 * each.chance)][:3]
    mean = float(look.trace.surprise.mean())
    said = f"Its surprise is {mean:.3f} nats a token, its mean entropy {float(look.trace.entropy.mean()):.3f}. "
    if not told:
        return said + "No cell follows any feature of this text clearly."
    cells = "; ".join(
        f"{each.name} follows “{each.feature}” ({each.said()}, chance {each.chance:.2f})" for each in told
    )
    return f"{said}The clearest cells: {cells}."


def _firsts(found: Sequence[Found]) -> list[Found]:
    """The best cell of each feature."""
    return list({each.feature: each for each in reversed(found)}.values())[::-1]


def _named(cell: ShownCell) -> str:
    part = "" if cell.part == "hidden" else f" ({cell.part})"
    return f"{cell.name}{part}{': ' if cell.why else ''}{cell.why}"


def _colours(cell: ShownCell) -> Colours:
    return Colours(_named(cell), cell.values)


def _expected(look: Seen) -> Expected:
    trace = look.trace
    return Expected(token_names(look.tokenizer), trace.next_ids, trace.next_chances, trace.surprise, trace.entropy)


def _over(look: Seen, expected: Expected) -> SectionPart:
    cells = [_colours(cell) for cell in look.cells]
    found = placed(look.tokenizer, look.trace.ids)
    if found is None:
        return CellText(pieces(look), cells, expected)
    score, token = found
    quarter = score.ticks_per_quarter
    begin, end = score.onset / quarter, (score.onset + score.duration) / quarter
    lines = [] if look.tokenizer.codec.clock() is None else _bars(score)
    return CellRoll(begin, end, score.pitch, token, cells, lines, "beats", expected)


def _bars(score: "Score") -> list[float]:
    """The beats at which bars begin; a change of meter begins a new one."""
    ends = [*score.meter_tick.tolist()[1:], int((score.onset + score.duration).max()) + 1]
    ticks: list[float] = []
    for begin, end, (over, under) in zip(score.meter_tick.tolist(), ends, score.meter.tolist()):
        length = 4 * score.ticks_per_quarter * over / max(under, 1)
        ticks += np.arange(begin, end, length).tolist() if length >= 1 else []
    return [tick / score.ticks_per_quarter for tick in ticks]


def _next(look: Seen, expected: Expected) -> Section:
    names, count = token_names(look.tokenizer), COLUMNS if look.tokenizer.is_text else COLUMNS // 4
    ids = look.trace.ids[:count]
    few = Expected(
        names,
        expected.ids[:count],
        expected.chances[:count],
        expected.surprise[:count],
        expected.entropy[:count],
    )
    first = look.cells[0]
    shown = Guesses([names[token] for token in ids.tolist()], Colours(_named(first), first.values[:count]), few)
    about = f"Under each token the five likeliest to follow it, deeper where likelier; above, {_named(first)}."
    return Section("What it expects next", (Text(about), shown))


def _follow(look: Seen) -> Iterator[SectionPart]:
    if not look.found:
        yield Text("The text holds too little for a cell to follow: no brackets, quotes, columns or notes that vary.")
        return
    count = len(look.reading.corpus)
    few = " With so few tokens chance is high: give a longer text, or a corpus." if count < FEW else ""
    yield Text(
        f"r is Pearson's correlation of a cell with a feature over {count:,} tokens; balanced, each value of the "
        "feature weighs the same, however rare. Chance is the highest of both that any cell reaches when the feature "
        f"is shifted along the text: a cell says something where it is well above that.{few}"
    )
    rows = tuple(
        (each.feature, str(each.name), each.part, *(round(value, 3) for value in each.values())) for each in look.found
    )
    yield Table(("feature", "cell", "part", "r", "balanced", "chance"), rows)


def _where(look: Seen) -> Iterator[SectionPart]:
    own, names, corpus = look.tokenizer.token_bytes(), look.tokenizer.vocabulary(), look.reading.corpus
    shown = own if own is not None else [f"{name} ".encode() for name in names]
    for where in look.where:
        size = max((float(np.abs(each.values).max()) for each in where.passages if len(each.values)), default=1.0)
        rows = []
        for each in where.passages[:TICKS]:
            values = np.append(np.array(each.values), size)  # one scale for all passages of a cell
            text = [shown[token] for token in corpus[each.begin : each.end].tolist()]
            rows.append(([*text, b""], Colours("", values)))
        if rows:
            yield Passages(_named(where.cell), rows)


def _gates(look: Seen) -> Iterator[SectionPart]:
    if not look.gates:
        yield Text(f"A cell of kind {look.trace.checkpoint.model} has no gates.")
        return
    yield Text(
        "Each dot is a unit: the share of tokens at which its gate is open (above 0.9, right-saturated) over the share "
        "at which it is shut (below 0.1, left-saturated), as Karpathy, Johnson & Fei-Fei (2015) draw it."
    )
    panels = tuple(
        Panel(f"layer {each.layer}, {each.gate} gate", each.left.tolist(), each.right.tolist()) for each in look.gates
    )
    yield Scatter("Saturation", panels, "left-saturated", "right-saturated")
    rows = tuple(
        (f"layer {each.layer}", each.gate, float(each.left.mean()), float(each.right.mean())) for each in look.gates
    )
    yield Table(("layer", "gate", "left-saturated", "right-saturated"), rows, "Mean shares")


def table(look: Seen, most: int) -> str:
    """The cells that follow features best, as lines for a terminal."""
    lines = [summary(look), "", f"  {'feature':32}{'cell':18}{'part':10}{'r':>7}{'balanced':>10}{'chance':>8}"]
    for each in _firsts(look.found)[:most]:
        r, balanced, chance = each.values()
        about = f"  {each.feature:32}{each.name!s:18}{each.part:10}"
        lines.append(f"{about}{r:>+7.2f}{balanced:>+10.2f}{chance:>8.2f}")
    return "\n".join(lines)

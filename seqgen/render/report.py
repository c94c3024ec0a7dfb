"""One HTML file that holds everything: tables, samples, pictures, sound, curves. It loads nothing from anywhere.

Every text that comes in is escaped; control characters are shown, not obeyed. The page follows the reader's light or
dark scheme and fits a phone. It does not know what a model is: the caller says what the sections are.
"""

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from seqgen.render import boxes, curves
from seqgen.render.boxes import Boxes
from seqgen.render.cells import (
    CellRoll,
    CellText,
    Guesses,
    Passages,
    guesses_html,
    passages_html,
    roll_html,
    text_html,
)
from seqgen.render.curves import Curve
from seqgen.render.escaping import visible, visible_attribute
from seqgen.render.heat import Heat, heat_html
from seqgen.render.scatter import Scatter, scatter_html

STYLE = Path(__file__).with_name("report.css")
SCRIPT = Path(__file__).with_name("cells.js")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows under column names; numbers are set to the right. A cell is text, a number or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class SampleText:
    """Generated or quoted text, shown as it is, control characters made visible; `prompt` is set apart."""

    text: str
    title: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG image. `description` is read to those who cannot see it."""

    png: bytes
    title: str = ""
    description: str = ""


@dataclass(frozen=True)
class Audio:
    """A WAV file with a player."""

    wav: bytes
    title: str = ""


SectionPart = (
    Text
    | Table
    | SampleText
    | Picture
    | Audio
    | Curve
    | Boxes
    | CellText
    | CellRoll
    | Guesses
    | Passages
    | Scatter
    | Heat
)


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in order."""

    title: str
    parts: tuple[SectionPart, ...]


def report_html(title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """The page as text; write it as UTF-8."""
    links = "".join(f'<a href="#section-{place}">{visible(it.title)}</a>' for place, it in enumerate(sections))
    body = "\n".join(_section(place, section) for place, section in enumerate(sections))
    script, policy = _script(sections)
    lead = f"<p>{visible(subtitle)}</p>" if subtitle else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{visible(title)}</title>
<style>
{STYLE.read_text("utf-8")}</style>
</head>
<body>
<header><h1>{visible(title)}</h1>{lead}<nav>{links if len(sections) > 1 else ""}</nav></header>
<main>
{body}
</main>
{script}</body>
</html>
"""


def _script(sections: Sequence[Section]) -> tuple[str, str]:
    """The page's own script, where a part needs it, and the policy that allows it and no other."""
    if not any(isinstance(part, CellText | CellRoll) for section in sections for part in section.parts):
        return "", POLICY
    text = SCRIPT.read_text("utf-8")
    own = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"<script>{text}</script>\n", f"{POLICY}; script-src 'sha256-{own}'"


def _section(place: int, section: Section) -> str:
    parts = "\n".join(_part(part) for part in section.parts)
    return f'<section id="section-{place}">\n<h2>{visible(section.title)}</h2>\n{parts}\n</section>'


def _part(part: SectionPart) -> str:
    match part:
        case Text():
            return f"<p>{visible(part.text)}</p>"
        case Table():
            return _figure(part.title, _table(part))
        case SampleText():
            prompt = f"<mark>{visible(part.prompt)}</mark>" if part.prompt else ""
            # HTML drops the first line break of a <pre>, so there is one to drop.
            return _figure(part.title, f'<pre tabindex="0">\n{prompt}{visible(part.text)}</pre>')
        case Picture():
            said = visible_attribute(part.description or part.title)
            image = f'<img src="{_data("image/png", part.png)}" alt="{said}">'
            return _figure(part.title, f'<div class="scroll" tabindex="0">{image}</div>')
        case Audio():
            return _figure(part.title, f'<audio controls src="{_data("audio/wav", part.wav)}"></audio>')
        case Curve():
            return _figure(part.title, curves.svg(part) + curves.legend(part))
        case Boxes():
            return _figure(part.title, boxes.legend(part) + boxes.svg(part))
        case CellText():
            return _figure(part.title, text_html(part))
        case CellRoll():
            return _figure(part.title, roll_html(part))
        case Guesses():
            return _figure(part.title, guesses_html(part))
        case Passages():
            return _figure(part.title, passages_html(part))
        case Scatter():
            return _figure(part.title, scatter_html(part))
        case Heat():
            return _figure(part.title, heat_html(part))
    assert_never(part)


def _figure(title: str, content: str) -> str:
    caption = f"<figcaption>{visible(title)}</figcaption>" if title else ""
    return f"<figure>{caption}{content}</figure>"


def _table(table: Table) -> str:
    numeric = [all(it is None or _is_number(it) for it in column) for column in zip(*table.rows)]
    right = [' class="number"' if it else "" for it in numeric] or [""] * len(table.columns)
    head = "".join(f'<th scope="col"{side}>{visible(name)}</th>' for name, side in zip(table.columns, right))
    rows = "\n".join(
        f"<tr>{''.join(f'<td{side}>{_value(it)}</td>' for it, side in zip(row, right))}</tr>" for row in table.rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(value: Any) -> str:
    """A cell: numbers with four digits that count, thousands set apart; what is missing as a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if not _is_number(value):
        return visible(str(value))
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"

"""How a session stands, in rows of a terminal: ports, clock, bars, what is planned, controls with their controllers."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqgen.live.controls import KNOBS
from seqgen.live.player import Player

if TYPE_CHECKING:
    from seqgen.live.session import Session

WIDTH = 79
COLUMNS = 3
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SHOWN = [knob for knob in KNOBS if knob.kind != "flag" and knob.name not in ("prompt", "mode", "tempo")]


def rows(session: "Session") -> list[str]:
    """The rows, each of WIDTH characters at most; where there is room for a few alone, the first of them."""
    return [
        row[:WIDTH] for row in (_head(session), _counts(session), _ports(session), _next(session), *_knobs(session))
    ]


def _head(session: "Session") -> str:
    transport, player = session.transport, session.player
    bar = player.stream.playing.bar if isinstance(player, Player) else 4.0
    beat = transport.beat(time.monotonic())
    place = f"bar {int(beat // bar) + 1}.{int(beat % bar) + 1}"
    state = "paused" if player is not None and player.paused else "plays" if transport.running else "stands"
    clock = "MIDI clock" if transport.external else "own clock"
    return (
        f"{session.values['mode']} {state}  {place}  {transport.tempo:.1f} bpm ({clock})  "
        f"{session.scheduler.late} late  {len(session.scheduler)} planned"
    )


def _counts(session: "Session") -> str:
    counts, player = session.counts, session.player
    behind = 0 if player is None else player.behind
    refused = counts.refused + sum(door.budget.refused.total() for door in session.doors)
    return (
        f"{session.hands.notes:,} notes  {len(session.sounding.keys)} sounding  {counts.heard:,} heard  "
        f"{behind} behind  {counts.stalls} stalls  {refused} refused  {counts.echoes} echoes"
    )


def _ports(session: "Session") -> str:
    ins, outs = ([_port(port) for port in ports] for ports in (session.inputs, session.outputs.all))
    parts = [("in", ins), ("out", outs), ("doors", [door.said for door in session.doors])]
    return "  ".join(f"{name} {', '.join(found)}" for name, found in parts if found) or "no ports"


def _port(port: Any) -> str:
    return port.name if port.there else f"{port.name} (unplugged)"


def _next(session: "Session") -> str:
    """What comes next, with the quarter notes until then."""
    now = session.transport.beat(time.monotonic())
    planned = session.scheduler.planned()
    return "next " + " ".join(f"+{max(event.beat - now, 0):.2f} {_about(event.about)}" for event in planned[:8])


def _about(about: Any) -> str:
    return repr(about) if isinstance(about, str) else f"{NAMES[about.pitch % 12]}{about.pitch // 12 - 1}"


def _knobs(session: "Session") -> Iterator[str]:
    """Controls with what turns them, those first that somebody has set."""
    bound = {name: number for number, name in session.controllers.bound.items()}
    known = [knob for knob in SHOWN if knob.kind != "text" or session.values.get(knob.name) is not None]
    rules = [name for name, value in session.values.items() if name.startswith("rule.") and value is not None]
    cells = [_cell(name, session.values.get(name), bound.get(name)) for name in [*(k.name for k in known), *rules]]
    for at in range(0, len(cells), COLUMNS):
        yield " ".join(cells[at : at + COLUMNS])


def _cell(name: str, value: Any, number: int | None) -> str:
    said = "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    room = WIDTH // COLUMNS - 1
    text = f"{name} {said[: room - len(name) - 1]}"
    return f"{text:{room - 6}} {'' if number is None else f'cc{number}':5}"

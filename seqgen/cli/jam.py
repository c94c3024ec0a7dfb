"""`seqgen jam`: a model as an instrument."""

import functools
import sys
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._observer import Printer
from seqgen.cli._options import json_option, note, setting
from seqgen.cli._paths import Command, Input, Kind, Output
from seqgen.errors import UsageError
from seqgen.jobs.jam.settings import JamJob
from seqgen.terminal.panel import Panel
from seqgen.terminal.text import harmless

_given = functools.partial(setting, JamJob)
CONTROLS = ("mode", "tempo", "temperature", "key", "scale", "instruments", "density", "label", "quantise")


@click.command("jam", cls=Command, short_help="Play with a model, live: MIDI, OSC, WebSocket.")
@click.argument("checkpoint", type=Input(), required=False, shell_complete=_completion.checkpoints)
@_given("mix", "--mix", multiple=True, type=Input(), metavar="CHECKPOINT[:WEIGHT]")
@_given("blend", "--blend", metavar="LABEL:WEIGHT,...")
@_given("inputs", "--in", multiple=True, metavar="NAME")
@_given("outputs", "--out", multiple=True, metavar="NAME")
@_given("virtual", "--virtual")
@click.option("--list-ports", is_flag=True, help="Tell the MIDI ports that there are, and end.")
@_given("ports", "--ports", type=click.Choice(["auto", "rtmidi", "rtmidi2", "loopback"]), show_default=True)
@click.option("--mode", metavar="MODE", help="solo, call, follow, accompany or loop.  [default: solo]")
@click.option("--tempo", metavar="BPM", help="How fast.  [default: as the piece says]")
@click.option("-t", "--temperature", metavar="0..2", help="Boldness.  [default: 0.9]")
@click.option("--key", metavar="KEY", help="No other notes than those of C, F#, Am, Bbm …")
@click.option("--scale", metavar="SCALE", help="With --key, another scale.")
@click.option("--instruments", metavar="NAMES", help="These and no others, as in piano,bass,drums.")
@click.option("--density", metavar="1..8", help="How many notes.")
@click.option("--label", help="Of the pieces, where the corpus had labels.")
@click.option("--quantise", metavar="none|beat|bar", help="Where it begins and goes on.  [default: bar]")
@click.option("--set", "sets", nargs=2, multiple=True, metavar="CONTROL VALUE", help="Any other control.")
@_given("clock", "--clock", type=click.Choice(["internal", "midi", "link"]), show_default=True)
@_given("clock_out", "--clock-out")
@_given("osc", "--osc", metavar="PORT")
@_given("osc_to", "--osc-to", multiple=True, metavar="PROGRAM")
@_given("websocket", "--websocket", metavar="PORT")
@_given("host", "--host", show_default=True)
@_given("token", "--token")
@_given("origins", "--origin", multiple=True)
@_given("preset", "--preset", type=Input(exists=True, dir_okay=False), metavar="FILE")
@_given("save", "--save", type=Output(), metavar="FILE")
@_given("learn", "--learn", multiple=True, metavar="CONTROL")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Same seed, same draws.  [default: a fresh one]")
@click.option("--seconds", type=float, help="End after so long.")
@click.option("--log", type=Output(Kind.FOLDER), default="jam", show_default=True, help="Where sessions are kept.")
@click.option("--no-log", is_flag=True, help="Keep no file of it.")
@click.option("--no-take", is_flag=True, help="Do not keep it for `seqgen takes`.")
@click.option("--plain", is_flag=True, help="Lines alone: no panel that says how it stands.")
@json_option
@config_option
def command(
    checkpoint: str | None, list_ports: bool, ports: Any, sets: Any, log: str, no_log: bool,
    no_take: bool, plain: bool, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Play with CHECKPOINT, live: it plays by itself (solo), answers calls (call) or each note (follow), plays along
    (accompany) or loops (loop). A text model says a line a bar, by OSC and WebSocket.

    Type controls while it plays, as in `temperature 1.1`, `key Am`, `panic`, `learn density`, `stop`; Ctrl-C ends it,
    and all that sounds. Without ports and doors it makes MIDI ports called seqgen. Doors open to
    this machine alone.

    \b
      seqgen jam --list-ports
      seqgen jam folk-tunes --out "IAC" --clock midi --in "IAC"
      seqgen jam bach-chorales --mode follow --in keystation --out fluid
      seqgen jam folk-tunes --osc-to sonic-pi --tempo 100
    """
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.screen import Screen, typed

    if list_ports:
        for kind, name in work.list_ports(ports):
            click.echo(f"{kind}\t{name}")
        return
    if checkpoint is None:
        raise UsageError("no checkpoint was given", "such as folk-tunes: seqgen jam folk-tunes")
    values = {name: options.pop(name) for name in CONTROLS}
    given = {name: value for name, value in values.items() if value is not None} | dict(sets)
    job = JamJob(
        checkpoint=checkpoint, ports=ports, values=given, log=None if no_log else log, take=not no_take, **options,
    )  # fmt: skip
    panel = None if plain or as_json or not sys.stderr.isatty() or sys.platform == "win32" else Panel(sys.stderr)
    screen = Screen(note, _data, as_json) if panel is None else Screen(note, _data, as_json, panel.show, panel.close)
    try:
        jammed = work.jam(job, Printer(), screen.tell, typed(), screen.begun)
    finally:
        screen.close()
    screen.done(jammed)


def _data(text: str) -> None:
    """A line for standard output."""
    sys.stdout.write(harmless(text) + "\n")
    sys.stdout.flush()

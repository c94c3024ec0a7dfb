"""`seqgen lesson`: small tasks that show how recurrent networks learn."""

import json

import click

from seqgen.cli._observer import Printer
from seqgen.cli._options import json_option
from seqgen.cli._paths import Command, Output


@click.command("lesson", cls=Command, short_help="Learn how it learns: hello, parity, adding, vanishing, step.")
@click.argument("name", required=False)
@click.option("-o", "--output", type=Output(), metavar="FILE", help="An HTML page with the pictures.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of weights and data.")
@json_option
def command(name: str | None, output: str | None, seed: int, as_json: bool) -> None:
    """Train small networks of seqgen's own cells in less than a minute, and say what happens.

    Without NAME the lessons are listed. Each is a file of at most 150 lines to read from top to bottom, in
    seqgen/inside/lessons/.

    \b
      seqgen lesson hello
      seqgen lesson vanishing -o vanishing.html
    """
    from seqgen.jobs.lesson import LessonJob, lesson, listed

    if name is None:
        click.echo("\n".join(f"{each:12}{about}" for each, about in listed()))
        return
    say = Printer().note if as_json else click.echo
    found = lesson(LessonJob(name, output, seed), say, Printer())
    if as_json:
        click.echo(json.dumps({"lesson": name, "seed": seed, "numbers": found.numbers}))

"""`seqgen selftest`: breaks things on this machine and says what held."""

import json

import click

from seqgen.arguments import MOST
from seqgen.cli._options import json_option
from seqgen.cli._paths import Command

WIDTH = 62


@click.command(cls=Command, short_help="Break things on this machine; see what holds.")
@click.option("--hostile", is_flag=True, help="The long forms: hours.")
@click.option("--only", multiple=True, metavar="CHECK", help="Only this check; give it again for more.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, MOST), help="Of all random damage.")
@json_option
def command(hostile: bool, only: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Check seqgen's promises on this machine: damaged and hostile files, failing disks, kills, terminals.

    Each check runs in a process of its own, on files that it makes itself in a temporary folder. Exit code 0 says
    that all held.
    """
    from seqgen.jobs import selftest

    outcomes = []
    for outcome in selftest.outcomes(only, "long" if hostile else "quick", seed):
        outcomes.append(outcome)
        if not as_json:
            _show(outcome.held, outcome.title or outcome.name, outcome.cases, outcome.seconds, outcome.failures)
    held = sum(outcome.held for outcome in outcomes)
    if as_json:
        click.echo(json.dumps([outcome.to_json() for outcome in outcomes], indent=2))
    else:
        seconds = sum(outcome.seconds for outcome in outcomes)
        click.echo(f"{held} of {len(outcomes)} promises held, in {seconds:.0f} s")
    if held < len(outcomes):
        raise click.exceptions.Exit(1)


def _show(held: bool, title: str, cases: int, seconds: float, failures: tuple[str, ...]) -> None:
    """One line, and the first failures below it."""
    click.echo(f"{'held  ' if held else 'BROKEN'} {title:{WIDTH}}{cases:>7,} {seconds:3.0f}")
    for words in failures[:3]:
        click.echo(f"       {words[:240]}")

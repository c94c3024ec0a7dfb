"""Rules, cells and codecs on the command line: their names where a shell or `--help` asks, and `-r help`.

Names of installed packages are looked for only here and where a name is not seqgen's own, so that `seqgen --help`
and a command with familiar names never wait for it.
"""

import os
from itertools import pairwise
from typing import Any

import click
from click.shell_completion import CompletionItem

from seqgen import registry
from seqgen.cli._paths import Command

HELP = "help"
RULE_FLAGS = ("-r", "--rule")


class Variant(click.types.StringParamType):
    """The name of a codec or of a cell."""

    name = "name"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a variant; else the registry's UsageError."""
        return registry.known(self.kind, str(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin so."""
        return _beginning(self.kind, incomplete)


class Listing(click.Option):
    """An option whose help ends in the names of all variants of a kind, looked up when the help is shown.

    Args:
        kind: Of what.
    """

    def __init__(self, *arguments: Any, kind: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.kind = kind

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """(the flags, the help with the names)."""
        record = super().get_help_record(ctx)
        return record and (record[0], f"{record[1]} {', '.join(registry.names(self.kind))}.")


class RulesCommand(Command):
    """A command with `-r RULE VALUE` that takes `-r help` besides, whatever else is there or missing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asked = any(pair in ((flag, HELP) for flag in RULE_FLAGS) for pair in pairwise(args))
        if asked and not ctx.resilient_parsing:
            from seqgen.jobs.sample.rules_help import rules_help

            click.echo(rules_help())
            ctx.exit()
        return super().parse_args(ctx, args)


def complete_rules(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of rules that begin so; none for the value behind a name."""
    words = os.environ.get("COMP_WORDS", "").split()  # click does not tell which of the two words it is
    before = words[:-1] if incomplete and words and words[-1] == incomplete else words
    return _beginning("rules", incomplete) if before and before[-1] in RULE_FLAGS else []


def _beginning(kind: str, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in registry.names(kind) if name.startswith(incomplete)]

"""The command line: one file per command, found by its name, imported when it is called.

Only this room imports click. Errors of the tree in `seqgen.errors` become one sentence, a hint and an exit code:
0 done, 1 failure or Ctrl-C, 2 usage.
"""

import contextlib
import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import seqgen
from seqgen.cli import _failures
from seqgen.cli._options import show_warning
from seqgen.cli._paths import Command, Group, Input, Kind, Output
from seqgen.errors import UsageError
from seqgen.terminal import streams

SHORT_HELP = 'short_help="'  # each command says what it is for, in a line
__all__ = ["Command", "Group", "Input", "Kind", "Output", "group", "leaves", "main", "run"]


class Commands(click.Group):
    """A group whose commands are the public modules beside this one; each holds a click command called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name for name in modules if not name.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        found = getattr(importlib.import_module(f"{__name__}.{name}"), "command", None)
        if not isinstance(found, click.Command):
            raise UsageError(f"seqgen/cli/{name}.py defines no click command called `command`", "see CONTRIBUTING.md")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What each command is for, read from its file: to import them all would take half of the time of `--help`."""
        texts = {name: Path(__path__[0], f"{name}.py").read_text("utf-8") for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(n, text.partition(SHORT_HELP)[2].partition('"')[0]) for n, text in texts.items()])

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _unread():  # --help and --version write here
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _unread():
            return super().invoke(ctx)


@contextlib.contextmanager
def _unread() -> Iterator[None]:
    """`seqgen … | head` is done when its reader has gone; click alone would call that a failure."""
    try:
        yield
    except BrokenPipeError:
        streams.abandon()
        raise click.exceptions.Exit(0) from None


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "SEQGEN", "help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(seqgen.__version__, prog_name="seqgen")
def group() -> None:
    """Train a recurrent model on your own text, code or MIDI, and generate more.

    Start with `seqgen demo`, or: `seqgen train FOLDER -o checkpoints/mine`, then
    `seqgen generate checkpoints/mine`.
    """


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the `seqgen` command."""
    streams.prepare()
    warnings.showwarning = show_warning
    # GNU OpenMP's threads spin at every barrier. On a machine that does anything else beside, each barrier then waits
    # for a thread that waits for a core, and training becomes up to ten times slower; benchmarks/README.md has both.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    # No interpreter that a library starts (workers, compilers) imports from the current folder, and Windows starts no
    # program from there.
    os.environ |= {"PYTHONSAFEPATH": "1", "NoDefaultCurrentDirectoryInExePath": "1"}
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; what it returns is the exit code."""
    try:
        code = group.main(arguments, prog_name="seqgen", standalone_mode=False)
        if sys.stdout is not None:  # as where another program calls this
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        return _failures.tell(error, _called(sys.argv[1:] if arguments is None else arguments))


def _called(words: list[str]) -> str:
    """`seqgen train`, as far as it can be told."""
    known = Commands().list_commands(click.Context(group))
    return " ".join(["seqgen", *[word for word in words if word in known][:1]])


def leaves(
    found: click.Command = group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """(words, command) of every command that does something, those of groups included."""
    if not isinstance(found, click.Group):
        yield words, found
        return
    context = click.Context(found)
    for name in found.list_commands(context):
        inner = found.get_command(context, name)
        assert inner is not None
        yield from leaves(inner, (*words, name))

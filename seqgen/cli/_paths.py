"""Files on the command line: parameters that are read and parameters that are written know it by their types.

A `Command` tells `seqgen.files.guarding` of both before it begins, and takes `--force` where it may replace a file. So
a new command whose parameters have these types is watched over; `seqgen selftest --only overwrites` tries all pairs.
"""

import os
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import click

from seqgen.files import STANDARD, guarding, own

READ = "seqgen.read"  # where a context keeps what is read
STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


class Input(click.Path):
    """A file or folder that is read: also `-`, the name of a corpus or of a checkpoint. Tells a shell what to offer."""

    name = "text"

    def __init__(self, exists: bool = False, dir_okay: bool = True) -> None:
        super().__init__(exists=exists, dir_okay=dir_okay, allow_dash=True, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name as it is. It is noted down, for some parameters (`--config`) are no arguments of a command."""
        found = super().convert(_possible(self, value, param, ctx), param, ctx)
        if ctx is not None:
            ctx.meta.setdefault(READ, []).append(str(found))
        return found


class Kind(Enum):
    """What an output is."""

    FILE = "a file, which is replaced where it is there"
    FOLDER = "a folder, in which nothing is replaced"
    PLACE = "a file or folder; the command claims the names that it makes of it"


class Output(click.Path):
    """A file or folder that is written, or `-`."""

    name = "text"

    def __init__(self, kind: Kind = Kind.FILE, container: str = "") -> None:
        super().__init__(allow_dash=True, readable=False)
        self.kind, self.container = kind, container

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name as it is, but that of standard output, which must not be replaced by a file."""
        if value in STDOUT and self.kind is not Kind.FOLDER:
            return STANDARD
        if isinstance(value, str) and value.startswith("hf://"):
            self.fail(f"{value!r} is on the Hub, where only `seqgen push` writes.", param, ctx)
        return super().convert(_possible(self, value, param, ctx), param, ctx)


def _possible(type: click.Path, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
    """The same, unless no file can be called so: settings in a file may hold anything."""
    if isinstance(value, str) and "\0" in value:
        type.fail(f"{value!r} cannot be the name of a file.", param, ctx)
    return value


class Command(click.Command):
    """A command whose inputs no output of it replaces."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if any(isinstance(each.type, Output) and each.type.kind is not Kind.FOLDER for each in self.params):
            text = "Replace a file that seqgen did not write, too."
            self.params.append(click.Option(["--force"], is_flag=True, help=text))

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, watched over."""
        with guarding.guarded(bool(ctx.params.pop("force", False))):
            outputs = list(_outputs(ctx))
            if outputs:
                guarding.reads(*_standing(), *_there(ctx.meta.get(READ, ())))
            for type, value in outputs:
                if type.kind is Kind.FILE:
                    guarding.claim(value, kind=type.container)
                elif type.kind is Kind.FOLDER:
                    guarding.enter(value)
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def _outputs(ctx: click.Context) -> Iterator[tuple[Output, str]]:
    """(its type, its value) of every output that was given."""
    for parameter in ctx.command.params:
        value = ctx.params.get(str(parameter.name))
        if isinstance(parameter.type, Output) and value is not None:
            yield from ((parameter.type, str(each)) for each in (value if isinstance(value, tuple) else (value,)))


def _there(names: Iterable[str]) -> Iterator[str | Path]:
    """Those that name a file, rather than a corpus or a published checkpoint; of a run folder what is in it, too."""
    for name in names:
        if name == STANDARD or os.path.exists(name):  # noqa: PTH110 (of any length)
            yield name
            yield from (Path(name, each) for each in own.RUN_FILES if own.is_run(name))


def _standing() -> Iterator[Path]:
    """What no command may replace: the user's list of takes, and the checkpoints that come with seqgen."""
    from seqgen.checkpoint import published
    from seqgen.takes.place import place

    takes = place()
    yield from (takes.with_name(takes.name + end) for end in own.BESIDE_TAKES)
    yield from published().values()

"""The command line: one file per command, found by its name, imported when it is called.

Only this room imports click. Errors of the tree in `seqgen.errors` become one sentence, a hint and an exit code:
0 done, 1 failure or Ctrl-C, 2 usage.
"""

import contextlib
import importlib
import os
import pkgutil
import sys

import click

import seqgen
from seqgen.cli._terminal import harmless
from seqgen.errors import SeqgenError


class Commands(click.Group):
    """A group whose commands are the public modules beside this one; each holds a click command called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name for name in modules if not name.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"{__name__}.{name}").command
        assert isinstance(found, click.Command)
        return found


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


def commands() -> list[tuple[str, ...]]:
    """The words of each command; of a group, those of each command in it."""
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inside = sorted(command.commands) if isinstance(command, click.Group) else []
        found += [(name, inner) for inner in inside] or [(name,)]
    return found


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the `seqgen` command."""
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
        return code if isinstance(code, int) else 0
    except SeqgenError as error:
        click.echo(f"Error: {harmless(str(error))}", err=True)  # file names may hold anything
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped.", err=True)
        return 1
    except BrokenPipeError:
        return _closed_pipe()
    except OSError as error:  # what no room foresaw, such as a disk that fails while a log line is written
        name = f"{harmless(str(error.filename))}: " if error.filename is not None else ""
        click.echo(
            f"Error: {name}{error.strerror or error}\nHint: is the disk full, or the file out of reach?", err=True
        )
        return 1
    except MemoryError:
        click.echo("Error: out of memory\nHint: choose a smaller model, batch or file", err=True)
        return 1


def _closed_pipe() -> int:
    """`seqgen … | head` is not an error. Keep the interpreter from complaining when it flushes at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

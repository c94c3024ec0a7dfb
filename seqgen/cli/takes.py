"""`seqgen takes`: everything that was ever sampled, kept so that it can be made again."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from seqgen.arguments import MOST
from seqgen.cli._options import json_option, note
from seqgen.cli._paths import Group, Input, Output
from seqgen.files import STANDARD, atomic_write, standard_output

if TYPE_CHECKING:
    from seqgen.errors import TakeError
    from seqgen.takes.record import Take
    from seqgen.takes.store import Takes

PROMPT = 500  # tokens of a prompt that are shown
WIDTH = 30  # characters of it in a list
KEY = 14  # characters before a value that is shown
COLUMNS = 80


@click.group(cls=Group, short_help="What was sampled: list, show, replay, star, export.")
def command() -> None:
    """Everything that `seqgen generate` made, kept so that it can be made again byte by byte.

    A take holds its tokens and its codec: to replay it needs no checkpoint. TAKE is its id, the beginning of it, or
    "last". Takes lie in the user's data folder, or where SEQGEN_TAKES points; off: none are kept.

    \b
      seqgen takes list
      seqgen takes replay last -o again.txt
    """


@command.command("list", short_help="What there is, the latest first.")
@click.option("-n", "--number", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many.")
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--starred", is_flag=True, help="Only those with a star.")
@json_option
def list_takes(number: int, every: bool, starred: bool, as_json: bool) -> int:
    """List takes, the latest first; * marks those with a star.

    A take that is damaged is named and left out, and the exit code is 1.
    """
    from seqgen.takes.exchange import facts
    from seqgen.takes.place import kept, place
    from seqgen.takes.store import Takes

    if kept() and not place().exists():
        _list_none(as_json)
        return 0
    damaged = _Damaged()
    with Takes(write=False) as takes, takes.snapshot():
        found = takes.list(None if every else number, starred, damaged.tell)
        if as_json:
            click.echo(json.dumps([facts(take) for take in found], indent=2))
        elif not found and not damaged.count:
            _list_none(as_json)
        else:
            for take in found:
                click.echo(_row(takes, take, damaged))
    return damaged.code


@command.command("show", short_help="One take: seed, rules, prompt, checkpoint.")
@click.argument("take", type=Input())
@json_option
def show(take: str, as_json: bool) -> None:
    """Show what is known of TAKE. A MIDI file that names its take will do as well."""
    from seqgen.takes.exchange import facts
    from seqgen.takes.replay import artifact, prompt_text
    from seqgen.takes.store import Takes

    with Takes(write=False) as takes, takes.snapshot():
        found = takes.load(_key(takes, take))
        source = found.beginning.source
        about = {**facts(found), "checkpoint": source.name, "corpus": source.corpus, "artifact": artifact(found)}
        about["imported"] = found.imported
        about["prompt"] = prompt_text(takes, found, PROMPT)
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    for key, value in about.items():
        if isinstance(value, dict):
            _show_all(key, value)
            continue
        from seqgen.terminal.text import harmless

        shown = value if isinstance(value, str) else json.dumps(value)
        click.echo(harmless(f"{key:{KEY}}{json.dumps(shown)[1:-1] if key == 'prompt' else shown}"))


@command.command("replay", short_help="Make it again, byte by byte.")
@click.argument("take", type=Input())
@click.option("-o", "--output", type=Output(), metavar="OUT", default=STANDARD, help="A file; without it, stdout.")
def replay(take: str, output: str) -> None:
    """Write TAKE to OUT again, as it was: neither its checkpoint nor its engine is needed."""
    from seqgen.errors import UsageError
    from seqgen.takes.replay import artifact, is_text
    from seqgen.takes.replay import replay as pieces
    from seqgen.takes.store import Takes

    with Takes(write=False) as takes:
        found = takes.load(_key(takes, take))
        if output == STANDARD and not is_text(found) and sys.stdout.isatty():
            suffix = artifact(found)
            raise UsageError(f"{suffix} files are not for the terminal", f"name a file: -o again{suffix}")
        _write(output, pieces(takes, found))
    if output != STANDARD:
        note(f"Wrote {output}")


@command.command("star", short_help="Mark what you like.")
@click.argument("takes", nargs=-1, type=Input(), required=True, metavar="TAKE...")
@click.option("--off", is_flag=True, help="Take the star away.")
def star(takes: tuple[str, ...], off: bool) -> None:
    """Mark each TAKE with a star, or take the star away."""
    from seqgen.takes.store import Takes

    with Takes() as store, store.transaction():
        for key in _keys(store, takes):
            store.set_star(key, not off)


@command.command("delete", short_help="Forget takes for good.")
@click.argument("takes", nargs=-1, type=Input(), required=True, metavar="TAKE...")
def delete(takes: tuple[str, ...]) -> None:
    """Forget each TAKE for good."""
    from seqgen.takes.store import Takes

    with Takes() as store, store.transaction():
        for key in _keys(store, takes):
            store.drop(key)


@command.command("export", short_help="Takes in one file, for another machine.")
@click.argument("takes", nargs=-1, type=Input(), metavar="[TAKE...]")
@click.option("--starred", is_flag=True, help="All with a star.")
@click.option("--all", "every", is_flag=True, help="All there are.")
@click.option("-o", "--output", type=Output(), metavar="OUT", default=STANDARD, help="A file; without it, stdout.")
def export(takes: tuple[str, ...], starred: bool, every: bool, output: str) -> int:
    """Write takes as lines of JSON, with all that `seqgen takes import` needs to replay them elsewhere.

    With --all and --starred a take that is damaged is named and left out, and the exit code is 1.
    """
    from seqgen.errors import UsageError
    from seqgen.takes import exchange
    from seqgen.takes.store import Takes

    if bool(takes) + starred + every != 1:
        raise UsageError("expected takes by name, or --starred, or --all", "seqgen takes list shows those there are")
    damaged = _Damaged()
    with Takes(write=False) as store, store.snapshot():
        if takes:
            chosen = [store.load(key) for key in _keys(store, takes)]
            _write(output, exchange.export(store, chosen))
        else:
            chosen = store.list(None, starred, damaged.tell)[::-1]
            before = damaged.count
            _write(output, exchange.export(store, chosen, damaged.tell))
            chosen = chosen[damaged.count - before :]
    if output != STANDARD:
        note(f"Wrote {len(chosen)} take{'s' if len(chosen) != 1 else ''} to {output}")
    return damaged.code


@command.command("import", short_help="Take in what was exported elsewhere.")
@click.argument("file", type=Input(exists=True, dir_okay=False))
def import_takes(file: str) -> None:
    """Add the takes of FILE, an export; those that are there already are passed over."""
    from seqgen.takes import exchange
    from seqgen.takes.store import Takes

    name = "standard input" if file == STANDARD else file
    with click.open_file(file, "rb") as stream, exchange.brought(stream, name) as found, Takes() as store:
        new, known = found.into(store)
    note(f"{new} new, {known} known already")


class _Damaged:
    """Counts the takes that are damaged, and tells of each once."""

    def __init__(self) -> None:
        self.count = 0

    def tell(self, error: "TakeError") -> None:
        """Say which, and why."""
        self.count += 1
        note(f"Left out: {error.message}")

    @property
    def code(self) -> int:
        """The exit code."""
        return 1 if self.count else 0


def _keys(takes: "Takes", names: tuple[str, ...]) -> list[int]:
    """The keys of the takes that are called so, each once."""
    return list(dict.fromkeys(_key(takes, name) for name in names))


def _key(takes: "Takes", name: str) -> int:
    """The key of the take that a MIDI file carries, where `name` is one; else of the one that is called so."""
    from seqgen.takes.replay import carried

    file = name.endswith(".mid")  # what was typed, before any codec is known
    return takes.key_in_file(carried(name)) if file else takes.key(name)


def _row(takes: "Takes", take: "Take", damaged: _Damaged) -> str:
    """A line of the list; of a take whose tokens or tokenizer are damaged, without its prompt."""
    from seqgen.errors import TakeError
    from seqgen.takes.replay import prompt_text
    from seqgen.terminal.text import harmless

    star, when = "*" if take.starred else " ", take.created[:16].replace("T", " ")
    try:
        prompt = " ".join(prompt_text(takes, take, WIDTH).split())
    except TakeError as error:
        damaged.tell(error)
        prompt = "(damaged)"
    name = take.beginning.source.name.rstrip("/").rsplit("/", 1)[-1] or "?"
    return harmless(
        f"{star} {take.id:15} {when}  {take.ending.tokens:7,} tokens  {name:.12}  {prompt:.{WIDTH}}"
    ).rstrip()


def _show_all(key: str, values: dict[str, object]) -> None:
    """A line for each setting, those inside others named with dots; long ones go on below."""
    import textwrap

    from seqgen.takes.record import flat
    from seqgen.terminal.text import harmless

    for place, (name, value) in enumerate(flat(values)):
        text = harmless(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")
        begin, below = f"{key if place == 0 else '':{KEY}}", " " * (KEY + 2)
        click.echo(textwrap.fill(text, COLUMNS, initial_indent=begin, subsequent_indent=below, break_on_hyphens=False))


def _write(output: str, pieces: Iterator[bytes]) -> None:
    with standard_output() if output == STANDARD else atomic_write(output) as file:
        for piece in pieces:
            file.write(piece)


def _list_none(as_json: bool) -> None:
    if as_json:
        click.echo("[]")
    else:
        note("No takes yet: seqgen generate makes them.")

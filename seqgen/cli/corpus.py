"""`seqgen corpus`: the corpora that have names."""

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqgen.cli import _completion
from seqgen.cli._options import json_option, note
from seqgen.cli._paths import Group, Kind, Output
from seqgen.files import size

if TYPE_CHECKING:
    from seqgen.catalogue import Recipe

MEDIA = ("text", "c", "midi")


@click.group(cls=Group, short_help="Named corpora: list, describe, fetch.")
def command() -> None:
    """Named corpora: plays, C and music that seqgen can fetch for you.

    Any command that takes files also takes the name of a corpus. Fetched corpora are kept in the user's cache folder,
    or where SEQGEN_CACHE points.
    """


@command.command("list", short_help="What there is.")
@json_option
def list_corpora(as_json: bool) -> None:
    """List the corpora there are; * marks those that are fetched already."""
    from seqgen import catalogue

    recipes = [catalogue.recipe(name) for name in catalogue.names()]
    if as_json:
        click.echo(json.dumps([_data(recipe) for recipe in recipes], indent=2))
        return
    recipes.sort(key=lambda recipe: (MEDIA.index(recipe.medium), not recipe.default, recipe.name))
    for recipe in recipes:
        click.echo(_row(recipe))


@command.command("info", short_help="One corpus: source, licence, size.")
@click.argument("name", shell_complete=_completion.corpora)
@json_option
def info(name: str, as_json: bool) -> None:
    """Describe the corpus NAME: what it holds, where it comes from, under which licence."""
    from seqgen import catalogue

    recipe = catalogue.recipe(name)
    if as_json:
        click.echo(json.dumps(_data(recipe), indent=2))
        return
    click.echo(f"{recipe.name}: {recipe.description}")
    wrapper = textwrap.TextWrapper(78, break_long_words=False, break_on_hyphens=False, subsequent_indent=" " * 15)
    for key, value in _facts(recipe):
        wrapper.initial_indent = f"  {key:13}"
        click.echo(wrapper.fill(value))


@command.command("get", short_help="Fetch one.")
@click.argument("name", shell_complete=_completion.corpora)
@click.option("--to", type=Output(Kind.FOLDER), metavar="DIR", help="A new folder for a copy of your own.")
def get(name: str, to: str | None) -> None:
    """Fetch the corpus NAME, if it is not here yet, and print its folder."""
    from seqgen import catalogue

    recipe = catalogue.recipe(name)
    note(f"licence: {recipe.licence}")
    note(f"attribution: {recipe.attribution}")
    click.echo(catalogue.get(name, None if to is None else Path(to), note))


def _located(recipe: "Recipe") -> Path | None:
    from seqgen import catalogue

    return catalogue.locate(recipe.name)


def _data(recipe: "Recipe") -> dict[str, object]:
    found = _located(recipe)
    return {**recipe.to_json(), "path": None if found is None else str(found)}


def _row(recipe: "Recipe") -> str:
    """One line; on a terminal no longer than that is wide."""
    here = "*" if _located(recipe) else " "
    bulk = size(recipe.expect.bytes) if recipe.expect.bytes else ""
    row = f"{here} {recipe.name:21} {recipe.medium:4} {recipe.expect.files:6,} files {bulk:>8}  {recipe.description}"
    if not sys.stdout.isatty():
        return row
    width = shutil.get_terminal_size().columns
    return row if len(row) <= width else f"{row[: width - 1]}…"


def _facts(recipe: "Recipe") -> list[tuple[str, str]]:
    expect = recipe.expect
    found = _located(recipe)
    return [
        ("medium", f"{recipe.medium}, codec {recipe.codec}"),
        ("holds", f"{expect.files:,} files" + (f", {size(expect.bytes)}" if expect.bytes else "")),
        ("licence", recipe.licence),
        ("attribution", recipe.attribution),
        ("source", str(recipe.source)),
        ("sha256", recipe.source.sha256 or "checked by apt"),
        ("folder", str(found) if found else f"not fetched yet: seqgen corpus get {recipe.name}"),
    ]

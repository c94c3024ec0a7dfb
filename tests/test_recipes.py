"""Training recipes: every key is one that `seqgen train` knows, every value in range."""

import tomllib
from pathlib import Path

import pytest

from seqgen import settings
from seqgen.cli.train import command
from seqgen.jobs.train.kinds import model_kinds

RECIPES = sorted((Path(__file__).parent.parent / "recipes").glob("*.toml"))


def test_there_is_one():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_understood(path):
    values = tomllib.loads(path.read_text("utf-8"))
    kinds = model_kinds(values.get("model", "lstm"))  # one that goes on from a checkpoint has its cell
    given = settings.distribute(values.pop("settings"), *kinds)
    for kind, share in zip(kinds, given):
        settings.parse(kind, share)
    assert set(values) <= {option.name for option in command.params}

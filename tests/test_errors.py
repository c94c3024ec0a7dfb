"""The exception tree: one sentence, a hint, an exit code; the drawing in its docstring is the tree."""

import pickle
import re

import pytest

from seqgen import errors

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type)]


def test_the_drawing_is_the_tree():
    drawn, above = {}, []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+)  ", line)
        if found:
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_keep_their_hint_on_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("the thing is 3, expected 4", "try 4")))
    assert type(error) is kind
    assert (error.message, error.hint) == ("the thing is 3, expected 4", "try 4")
    assert str(error) == "the thing is 3, expected 4\nHint: try 4"
    assert str(kind("no hint")) == "no hint"


def test_exit_codes():
    for kind in CLASSES:
        assert kind.exit_code == (2 if issubclass(kind, errors.UsageError) else 1)

"""What training can be told, as a form shows it: each setting with its help, its default and what it may be.

All of it is read from the settings classes themselves; imports no torch.
"""

import functools
from typing import TypedDict

from seqgen import registry, settings
from seqgen.jobs.train.kinds import DEFAULT_MODEL, model_kinds
from seqgen.training import defaults, presets
from seqgen.training.defaults import Reading
from seqgen.training.progress import Budget

AUTO = "auto"  # the default of what is chosen by corpus, device and time
DEVICES = ("cpu", "cuda")


class Field(TypedDict):
    """A setting: `choices` where it has only some values, else `expected` says what it may be, or nothing."""

    name: str
    help: str
    default: str
    expected: str
    choices: tuple[str, ...]


class Group(TypedDict):
    """Settings that belong together."""

    title: str
    fields: list[Field]


def form(model: str | None, codec: str | None) -> list[Group]:
    """The settings of a run.

    Args:
        model: The cell; None: the default one.
        codec: How files become tokens; None: not known yet, and its settings are left out.

    Raises:
        UsageError: There is no such cell or codec.
    """
    model = model or DEFAULT_MODEL
    kinds = model_kinds(model)
    groups = [(f"Cell {model}", kinds[0]), ("Model", kinds[1]), ("Training", kinds[2])]
    if codec is not None:
        groups.append((f"Codec {codec}", registry.load("codecs", codec).Options))
    found = [Group(title=title, fields=_fields(kind)) for title, kind in groups]
    return [group for group in found if group["fields"]]


@functools.cache
def recipes() -> tuple[tuple[str, str], ...]:
    """(name, what it is for) of each preset."""
    return tuple((name, presets.load(name).about) for name in presets.names())


def chosen() -> set[str]:
    """The settings whose default is chosen by corpus, device and time."""
    reading = Reading(1_000_000, Budget(minutes=1.0))
    return {key for device in DEVICES for part in defaults.choose(device, reading) for key in part}


def _fields(kind: type) -> list[Field]:
    auto, expected = chosen(), settings.expected(kind)
    return [
        Field(
            name=name, help=help, default=AUTO if name in auto else default, expected=expected.get(name, ""),
            choices=settings.choices(kind, name),
        )
        for name, default, help in settings.document(kind)
    ]  # fmt: skip

"""Names of cells, as people type them: `layer1:cell317`. Layers and cells are counted from 1."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from seqgen.errors import UsageError

_NAME = re.compile(r"(?:layer)?(\d{1,4})[:.](?:cell)?(\d{1,6})")


class CellName(NamedTuple):
    """One unit of one layer, both counted from 1."""

    layer: int
    cell: int

    def __str__(self) -> str:
        return f"layer{self.layer}:cell{self.cell}"


def read_name(text: str) -> CellName:
    """The cell that a text names.

    Raises:
        UsageError: It names none.
    """
    match = _NAME.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text[:60]!r} names no cell", "name layer and cell, as in layer1:cell317")
    return CellName(int(match[1]), int(match[2]))


def read_value(text: str, what: str) -> tuple[CellName, float]:
    """A cell and a number, of `layer1:cell317=0.9`.

    Raises:
        UsageError: It is not written so.
    """
    name, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not equals or not abs(number) <= MOST:
        hint = f"write --{what} layer1:cell317=0.9, with a number from -{MOST:g} to {MOST:g}"
        raise UsageError(f"--{what} is {text[:60]!r}, expected a cell, = and a number", hint)
    return read_name(name), number


def require_there(names: Sequence[CellName], layers: int, cells: int) -> None:
    """Refuse names of cells that a model does not have.

    Raises:
        UsageError: It has no such layer or cell; the message names the range.
    """
    for name in names:
        if not 1 <= name.layer <= layers:
            shown = "one layer, layer1" if layers == 1 else f"layers 1 to {layers}"
            raise UsageError(f"there is no layer {name.layer}: this model has {shown}")
        if not 1 <= name.cell <= cells:
            raise UsageError(f"there is no cell {name.cell} in layer {name.layer}: it has cells 1 to {cells}")


MOST = 1000.0  # of a number that a cell is held at, or scaled by

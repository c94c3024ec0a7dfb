"""A look as one picture: the text, or the notes, once for each of the most telling cells."""

import numpy as np

from seqgen.inside.page import pieces
from seqgen.inside.seen import Seen, ShownCell, placed
from seqgen.render.celltext import CellPicture, cell_picture, roll_picture

CELLS = 3
LINES, WIDE = 18, 96  # of text for each cell


def picture(look: Seen, kind: str = "png") -> bytes:
    """The picture as a file.

    Args:
        look: What was looked at.
        kind: png or svg.
    """
    shown = look.cells[:CELLS]
    found = placed(look.tokenizer, look.trace.ids)
    if found is not None:
        score, token = found
        return roll_picture(score, [_panel(cell, []) for cell in shown], token, kind)
    text = [piece.decode("utf-8", "replace") for piece in pieces(look)]
    return cell_picture([_panel(cell, text) for cell in shown], LINES, WIDE, kind)


def _panel(cell: ShownCell, text: list[str]) -> CellPicture:
    size = max(float(np.abs(cell.values).max(initial=0)), 1e-9)
    part = "" if cell.part == "hidden" else f" ({cell.part})"
    return CellPicture(f"{cell.name}{part}  {cell.why}", text, cell.values / size)

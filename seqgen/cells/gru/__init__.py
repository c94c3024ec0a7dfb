"""Gated recurrent unit: `cell` its equations, `loop`, `step` and `device` its quicker forms."""

from seqgen.cells.gru.cell import GRU

__all__ = ["GRU"]

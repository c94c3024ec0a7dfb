"""Long short-term memory: `cell` its equations, `loop`, `step` and `device` its quicker forms."""

from seqgen.cells.lstm.cell import LSTM

__all__ = ["LSTM"]

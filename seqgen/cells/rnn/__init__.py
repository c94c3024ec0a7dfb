"""The simple recurrent network: `cell` its equations, `loop`, `step` and `device` its quicker forms."""

from seqgen.cells.rnn.cell import RNN

__all__ = ["RNN"]

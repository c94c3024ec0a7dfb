"""The elementwise part of an LSTM's step, for a compiler to fuse."""

from torch import Tensor

from seqgen.cells import DeviceForm


def update(x: Tensor, r: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The hidden state in the precision of the products, and the memory cell."""
    i, f, g, o = (x.float() + r.float()).chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return (o.sigmoid() * c.tanh()).to(r.dtype), c


FORM = DeviceForm(update, memories=1)

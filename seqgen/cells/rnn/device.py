"""The elementwise part of a simple recurrent network's step, for a compiler to fuse."""

from torch import Tensor

from seqgen.cells import DeviceForm


def tanh(x: Tensor, r: Tensor) -> tuple[Tensor]:
    """The hidden state in the precision of the products."""
    return ((x.float() + r.float()).tanh().to(r.dtype),)


def relu(x: Tensor, r: Tensor) -> tuple[Tensor]:
    """The same with the positive part."""
    return ((x.float() + r.float()).relu().to(r.dtype),)


FORMS = {"tanh": DeviceForm(tanh, memories=0), "relu": DeviceForm(relu, memories=0, bounded=False)}

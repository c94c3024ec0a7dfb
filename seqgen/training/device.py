"""Which device and precision to train on: probed and said aloud, never assumed."""

import contextlib
import ctypes
import sys
from contextlib import AbstractContextManager

import torch

from seqgen.errors import UsageError
from seqgen.models import _lstm_loop
from seqgen.models._network import RecurrentLM
from seqgen.models.lstm import LSTM

KEPT = 1 << 30  # bytes
DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: There is no such device on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    kind = name.partition(":")[0]
    if kind not in there:
        raise UsageError(f"device is {name!r}, expected one of {', '.join(DEVICES)}")
    if not there[kind]:
        raise UsageError(f"device {name!r} is not there on this machine", "use --device auto, or cpu")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name} ({properties.total_memory / 1e9:.0f} GB)"
    return "Apple GPU" if device.type == "mps" else f"CPU, {torch.get_num_threads()} threads"


def pick_precision(wanted: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware, else float32.

    Without AVX512-BF16 or AMX the bfloat16 kernels are slower than float32, and some builds crash in them.
    """
    if wanted != "auto":
        dtype = getattr(torch, wanted)
        assert isinstance(dtype, torch.dtype)
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def loop_pays(network: RecurrentLM, precision: torch.dtype) -> bool:
    """Whether `_lstm_loop` trains this network faster than the layers' own kernels."""
    on_cpu = network.embedding.weight.device.type == "cpu" and precision == torch.bfloat16
    wide = network.settings.hidden >= _lstm_loop.NARROWEST
    return on_cpu and wide and isinstance(network.cell, LSTM) and _lstm_loop.available()


def keep_memory() -> None:
    """Have the C library keep what a step frees, for the next step to use.

    Otherwise glibc gives large arrays back to the system after each step and has their pages made anew, zeroed, in
    the next; that takes up to a fifth of a step's time (`benchmarks/README.md`). Elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # their numbers in <malloc.h>
        mallopt(mmap_threshold, KEPT)
        mallopt(trim_threshold, KEPT)


def autocast(device: torch.device, precision: torch.dtype) -> AbstractContextManager[object]:
    """The context in which matrix products run in `precision`."""
    if precision == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=precision)


def _cpu_has_bfloat16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, check, bool)()) for check in checks)

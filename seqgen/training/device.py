"""Which device and precision to train on: probed and said aloud, never assumed."""

import contextlib
import ctypes
import sys
from contextlib import AbstractContextManager

import torch

from seqgen.cells import Cell
from seqgen.errors import UsageError
from seqgen.models.network import RecurrentLM
from seqgen.training.settings import TrainSettings

KEPT = 1 << 30  # bytes; larger arrays than a step's, so that all that it frees is kept
DEVICES = ("auto", "cpu", "cuda", "mps")
TRIED = ("cpu",)  # where some number in benchmarks/results comes from
UNTRIED = (
    "No part of seqgen has run on CUDA or MPS yet; what is for CUDA alone was tested on CPUs as far as that goes. With "
    "a GPU, run benchmarks/gpu.py of a clone, and send the file that it writes with an issue"
)


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


def caution(device: torch.device) -> str:
    """What is to be known before a run on a kind of device where seqgen has never run; "" for others."""
    if device.type in TRIED:
        return ""
    if device.type == "cuda":
        return (
            "seqgen has never run on CUDA. The first captured step will be compared with a plain one, and which is "
            "used will be said; benchmarks/gpu.py of a clone checks all the rest."
        )
    return f"seqgen has never run on {device.type}: compare with a run on --device cpu."


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name} ({properties.total_memory / 1e9:.0f} GB)"
    threads = torch.get_num_threads()
    return "Apple GPU" if device.type == "mps" else f"CPU, {threads} thread{'s' * (threads != 1)}"


def choose_precision(network: RecurrentLM, settings: TrainSettings) -> torch.dtype:
    """The precision of matrix products for a network where it is, in the shapes that it is trained in."""
    device = network.embedding.weight.device
    if settings.precision != "auto" or device.type != "cuda":
        return pick_precision(settings.precision, device)
    shape, found = network.settings, torch.cuda.get_device_properties(device)
    sizes = {shape.embedding_size, shape.hidden} if shape.layers > 1 else {shape.embedding_size}
    persistent = persistent_device(found.major, found.minor, found.multi_processor_count) and all(
        network.cell.persistent(size, shape.hidden, settings.batch) for size in sizes
    )
    return cuda_precision(persistent, found.major, _bfloat16_recurs(network.cell, device))


def cuda_precision(persistent: bool, major: int, bfloat16: bool) -> torch.dtype:
    """The fastest precision that an NVIDIA GPU trains in.

    float16 where the persistent kernel takes the shapes, and where there are tensor cores but no bfloat16; else
    bfloat16, which needs no loss scale; else float32, whose products Ampere and later round to TF32.

    Args:
        persistent: Whether the persistent kernel takes all layers.
        major: Of the device's compute capability.
        bfloat16: Whether recurrent layers work in it.
    """
    if persistent or major == 7:
        return torch.float16
    return torch.bfloat16 if bfloat16 else torch.float32


def persistent_device(major: int, minor: int, processors: int) -> bool:
    """Whether torch uses persistent kernels on a device of this compute capability with so many multiprocessors."""
    return major >= 8 and minor != 6 and processors >= 98


def pick_precision(wanted: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware, else float32, whatever the shapes.

    Without AVX512-BF16 or AMX the bfloat16 kernels are slower than float32, and some builds crash in them.

    Raises:
        UsageError: The device does not train in what is wanted.
    """
    if wanted != "auto":
        dtype = getattr(torch, wanted)
        assert isinstance(dtype, torch.dtype)
        if dtype == torch.float16 and device.type != "cuda":
            raise UsageError(f"precision is 'float16' on {device.type}, expected cuda for it", "give -P precision auto")
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def loop_pays(network: RecurrentLM, precision: torch.dtype) -> bool:
    """Whether the cell's own loop trains this network faster than the layers' modules.

    A rule by width, measured once, and not a probe of this machine when a run begins. The two ways differ in the last
    bits, and the times of a probe differ from call to call: with it, one seed would give other weights on another
    day, and a run that was stopped and goes on might change its way in between and end in other bits than a straight
    one. Where the rule is wrong by a machine it costs some speed, and nothing else.
    """
    on_cpu = network.embedding.weight.device.type == "cpu" and precision == torch.bfloat16
    loop = network.cell.training_loop() if on_cpu else None
    return loop is not None and network.settings.hidden >= loop.narrowest


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
    # A cached cast would outlive the graph that captured it.
    return torch.autocast(device.type, dtype=precision, cache_enabled=device.type != "cuda")


def _bfloat16_recurs(cell: Cell, device: torch.device) -> bool:
    """Whether a cell's layers run in bfloat16 here, both ways: some builds of torch have no kernel for it."""
    if torch.cuda.get_device_capability(device)[0] < 8:  # older ones would only pretend
        return False
    try:
        with torch.random.fork_rng([device]), autocast(device, torch.bfloat16):
            layer, state = cell.module(8, 8).to(device), [torch.zeros(1, size) for size in cell.state(8)]
            y, _ = layer(torch.zeros(2, 1, 8, device=device), tuple(part.to(device) for part in state))
        y.float().sum().backward()
    except RuntimeError:
        return False
    return True


def _cpu_has_bfloat16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, check, bool)()) for check in checks)

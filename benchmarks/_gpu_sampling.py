"""What `gpu.py` asks of sampling on a GPU: whether the cuda engine draws the right tokens, and how fast.

- parity: greatest difference of logits from the torch engine's on the CPU, in float32 and in float16; whether the
  graphs were captured and the elementwise part compiled; whether tokens in float32 are the numpy engine's.
- blocks: draws and steps on the device, ids copied to the host, nothing else: compiled and not, float16 and float32.
- whole loop: `generate` with temperature, top-p and an end token, as `seqgen generate` runs it; so far as the host
  keeps up.
- peers: single captured steps with draws on the host, the torch engine's loop, and what a tutorial writes.
- limit: the bytes of all weights at the memory's bandwidth, measured here by a copy: one stream cannot be faster unless
  the weights stay in the cache.

Contenders take turns in every round; rates are medians over rounds.
"""

import statistics
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from seqgen import rules
from seqgen.cells.lstm import LSTM
from seqgen.generation import Engine, load
from seqgen.generation.engines.cuda import CudaEngine
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.loop import Limits, collect, generate
from seqgen.models import ModelSettings, weight_shapes

Steps = Callable[[int], object]  # runs so many steps, a little more at most
RULES = [rules.parse("temperature", 0.8), rules.parse("top_p", 0.9)]


def random_weights(settings: ModelSettings, vocab_size: int) -> dict[str, Any]:
    """Weights of about a trained model's size."""
    rng = np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), settings, vocab_size)
    weights = {name: (0.05 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][-1] = -100  # the end token: it never comes
    return weights


def parity(settings: ModelSettings, weights: dict[str, Any], device: str) -> dict[str, Any]:
    """Logits of 50 steps beside the reference's, and tokens of 400."""
    reference, found = load("torch", LSTM(), settings, weights), {}
    ids = np.random.default_rng(0).integers(0, reference.vocab_size, (50, 3))
    for precision in (torch.float32, torch.float16):
        run, worst = CudaEngine(LSTM(), settings, weights, device, precision=precision), 0.0
        ours, theirs = run.start(3), reference.start(3)
        for row in ids:
            logits, ours = run.step(row, ours)
            expected, theirs = reference.step(row, theirs)
            worst = max(worst, float(np.abs(logits - expected).max()))
        name = str(precision).removeprefix("torch.")
        found[f"{name}: worst difference of logits"] = worst
        found[f"{name}: why not compiled"] = run.network.failure
        step = run._sizes[4].step
        found[f"{name}: steps captured"] = step.failure or step.captured
        samples = [tokens_of(engine) for engine in (run, NumpyEngine(LSTM(), settings, weights))]
        same = [a == b for ours, theirs in zip(*samples) for a, b in zip(ours, theirs)]
        found[f"{name}: share of tokens that are the numpy engine's"] = float(np.mean(same))
        blocks = [each.work for size in run._sizes.values() for each in size.drawings.values()]
        found[f"{name}: blocks captured"] = all(each.captured for each in blocks)
    return found


def tokens_of(engine: Engine[Any]) -> list[list[int]]:
    """Two streams of 400 tokens."""
    steps = generate(engine, [np.array([1])] * 2, RULES, seed=1, limits=Limits(length=400))
    return [sample.ids for sample in collect(steps, 2)]


def blocks(engine: CudaEngine, batch: int) -> Steps:
    """Blocks one after another, read one behind."""
    plan, streams = engine.plan(RULES, None, False), list(range(batch))

    def run(steps: int) -> None:
        state, before = engine.start(batch), None
        for position in range(0, steps, engine.block(batch)):
            block, state = engine.launch(plan, state, 1, streams, position)
            if before is not None:
                before.read()
            before = block
        if before is not None:
            before.read()

    return run


def product(engine: Engine[Any], batch: int, on_host: bool = False) -> Steps:
    """What `seqgen generate` runs; `on_host`: with a rule that the device cannot follow."""
    prompts, limits = [np.array([1])] * batch, Limits(end_id=engine.vocab_size - 1)
    chain = [*RULES, rules.parse("repetition", 1)] if on_host else RULES

    def run(steps: int) -> None:
        for _ in islice(generate(engine, prompts, chain, seed=1, limits=limits), steps):
            pass

    return run


def eager(settings: ModelSettings, vocab_size: int, batch: int, device: torch.device) -> Steps:
    """The loop that a tutorial writes."""
    embedding = nn.Embedding(vocab_size, settings.hidden)
    lstm = nn.LSTM(settings.hidden, settings.hidden, settings.layers, batch_first=True)
    model = nn.ModuleList([embedding, lstm, nn.Linear(settings.hidden, vocab_size)]).to(device)

    @torch.no_grad()
    def run(steps: int) -> None:
        ids, state = torch.ones(batch, 1, dtype=torch.long, device=device), None
        for _ in range(steps):
            x, state = model[1](model[0](ids), state)
            ids = torch.multinomial(torch.softmax(model[2](x[:, -1]) / 0.8, dim=-1), 1)
        ids.cpu()

    return run


def contenders(settings: ModelSettings, weights: dict[str, Any], batch: int, device: torch.device) -> dict[str, Steps]:
    """What takes turns."""
    where, vocab_size = str(device), len(weights["embedding.weight"])
    half = torch.float16

    def engine(precision: torch.dtype, fuse: bool) -> CudaEngine:
        return CudaEngine(LSTM(), settings, weights, where, precision=precision, fuse=fuse)

    fast, fuse = engine(half, device.type == "cuda"), device.type == "cuda"
    work = {
        "cuda engine, blocks": blocks(fast, batch),
        "cuda engine, whole loop": product(fast, batch),
        "cuda engine, rules on the host": product(fast, batch, on_host=True),
        "cuda engine, float32 blocks": blocks(engine(torch.float32, fuse), batch),
        "torch engine, whole loop": product(load("torch", LSTM(), settings, weights, where), batch),
        "eager nn.LSTM loop": eager(settings, vocab_size, batch, device),
    }
    if fuse:
        work["cuda engine, blocks, not compiled"] = blocks(engine(half, False), batch)
    return work


def measure(work: dict[str, Steps], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds a step of each contender in each round. All of them end by waiting for their tokens."""
    counts = {}
    for name, run in work.items():
        run(300)  # compiles and captures
        begin = time.perf_counter()
        run(256)
        counts[name] = max(2, round(seconds / (time.perf_counter() - begin))) * 256  # whole blocks
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            begin = time.perf_counter()
            run(counts[name])
            times[name].append((time.perf_counter() - begin) / counts[name])
    return times


def bandwidth(device: torch.device, size: int) -> float:
    """Bytes a second that a copy of so many bytes reads and writes."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target, found = torch.empty_like(source), []
    for _ in range(10):
        if device.type == "cuda":
            torch.cuda.synchronize()
        begin = time.perf_counter()
        target.copy_(source)
        if device.type == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begin)
    return 2 * size / statistics.median(found)


def limit(settings: ModelSettings, weights: dict[str, Any], device: torch.device, size: int) -> dict[str, float]:
    """What reading all weights at each token allows one stream; `size` bytes are copied to measure the bandwidth."""
    network = CudaEngine(LSTM(), settings, weights, str(device), precision=torch.float16, fuse=False).network
    read, rate = sum(matrix.nbytes for matrix, _ in network.products), bandwidth(device, size)
    return {"weights, bytes": read, "bytes/s": rate, "tokens/s": rate / read}


def rates(work: dict[str, Steps], batch: int, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Tokens a second of each contender with `batch` streams, and times the loop that a tutorial writes."""
    times = measure(work, rounds, seconds)
    peer = times["eager nn.LSTM loop"]
    return {
        name: {
            "tokens_per_second": batch / statistics.median(each),
            "times_eager": statistics.median(b / a for a, b in zip(each, peer)),
        }
        for name, each in times.items()
    }

"""Several processes, one run: data-parallel training under `torchrun`. It knows tensors and numbers, not models.

Each process, a rank, holds the whole model and some of the streams with their hidden states. Gradients are summed
over the ranks after each backward pass; every rank divides by the count of targets of all streams, so the sum is the
gradient of one process with the whole batch. Small decisions (how far the run is, whether to stop) travel over gloo
on the CPU, so that a GPU never waits for the host. Only rank 0 validates, writes and speaks.
"""

import contextlib
import datetime
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from seqgen.errors import SeqgenError, UsageError
from seqgen.training import parting

MEETING = datetime.timedelta(minutes=5)  # to wait for all processes to start
PATIENCE = datetime.timedelta(minutes=30)  # to wait for an answer, validation and tokenizing included
ROOM = 4096  # bytes of a message between ranks


@dataclass(frozen=True)
class Ranks:
    """All processes of a run, as one of them sees them. Every rank must make the same calls in the same order.

    Attributes:
        number: Which one this is, from 0.
        count: How many there are.
    """

    number: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the one that validates, writes and speaks."""
        return self.number == 0

    def share_of(self, batch: int) -> int:
        """How many of `batch` streams each rank reads.

        Raises:
            UsageError: They cannot be dealt out evenly.
        """
        if batch % self.count:
            raise UsageError(
                f"batch is {batch}, expected a multiple of the number of processes ({self.count})",
                f"give -P batch {-(-batch // self.count) * self.count}, or start another number of processes",
            )
        return batch // self.count

    def rows(self, batch: int) -> slice:
        """Which of `batch` streams this rank reads."""
        share = self.share_of(batch)
        return slice(self.number * share, (self.number + 1) * share)

    def add_gradients(self, weights: Iterable[Tensor]) -> None:
        """Put the sum over all ranks into each weight's gradient, by way of one flat buffer."""
        if self.count == 1:
            return
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        with _heard():
            dist.all_reduce(flat)
        parts = flat.split_with_sizes([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [part.view_as(to) for part, to in zip(parts, gradients)])

    def total(self, value: float) -> float:
        """The sum over all ranks."""
        if self.count == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64)
        with _heard():
            dist.all_reduce(tensor)
        return float(tensor)

    def stacked(self, tensor: Tensor) -> Tensor:
        """(R, ...) what each rank holds, on the CPU."""
        here = tensor.detach().cpu().contiguous()
        if self.count == 1:
            return here.unsqueeze(0)
        parts = [torch.empty_like(here) for _ in range(self.count)]
        with _heard():
            dist.all_gather(parts, here)
        return torch.stack(parts)

    def sync_progress(self, share: float, stopping: bool, due: bool = False) -> tuple[float, bool, bool]:
        """(how far rank 0 says that the run is, whether any rank wants to stop, whether rank 0 says to save)."""
        if self.count == 1:
            return share, stopping, due
        told = [share if self.is_main else -1.0, float(stopping), float(due and self.is_main)]
        tensor = torch.tensor(told, dtype=torch.float64)
        with _heard():
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return float(tensor[0]), bool(tensor[1]), bool(tensor[2])

    def run_on_main(self, work: Callable[[], float | None]) -> float:
        """What `work` gives on rank 0, which alone does it; the others wait. Nothing counts as 0.

        Raises:
            SeqgenError: On rank 0, what `work` raised.
            SystemExit: On the others, then; they have nothing to add.
        """
        if self.count == 1:
            return work() or 0.0
        answer, failure = torch.zeros(2, dtype=torch.float64), None
        if self.is_main:
            try:
                answer[0] = work() or 0.0
            except SeqgenError as error:
                answer[1], failure = error.exit_code, error
        with _heard():
            dist.broadcast(answer, 0)
        if failure is not None:
            raise failure
        if answer[1]:
            raise SystemExit(int(answer[1]))
        return float(answer[0])

    def share_weights(self, weights: Iterable[Tensor]) -> None:
        """Give every rank the values of rank 0."""
        if self.count > 1:
            with torch.no_grad(), _heard():
                for weight in weights:
                    dist.broadcast(weight, 0)

    def agree(self, about: Mapping[str, object]) -> None:
        """Make sure that every rank was told the same.

        Raises:
            UsageError: One was not; it names the rank and the first thing that differs.
        """
        told = {key: hashlib.sha256(repr(value).encode()).hexdigest()[:16] for key, value in about.items()}
        text = json.dumps(told).encode().ljust(ROOM)[:ROOM]
        every = [bytes(row.tolist()) for row in self.stacked(torch.tensor(list(text), dtype=torch.uint8))]
        for number, other in enumerate(every):
            if other != every[0]:
                theirs, ours = json.loads(other), json.loads(every[0])
                key = next(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
                raise UsageError(
                    f"process {number} of this run has another {key} than process 0",
                    "start all with the same command, on the same files, with the same version of seqgen",
                )

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """The body runs on the first rank of each machine, and then on the others: they find its work in the cache."""
        first = _from_environment("LOCAL_RANK", 0) == 0
        if not first:
            self.total(0)
        yield
        if first:
            self.total(0)

    def seed(self, seed: int) -> int:
        """A seed of this rank's own for what it drops; rank 0 keeps the one it is given."""
        return int(np.random.SeedSequence([seed, 4, self.number]).generate_state(1)[0]) if self.number else seed


ALONE = Ranks()


def current() -> Ranks:
    """The processes that this one has joined; itself alone where it has joined none."""
    return Ranks(dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else ALONE


@contextlib.contextmanager
def session(device: str) -> Iterator[Ranks]:
    """Join the other processes that `torchrun` started, for the length of the body; alone where there are none.

    All but rank 0 are silent. An error is told once, by the rank that meets it first.

    Args:
        device: What was asked for; LOCAL_RANK picks among the machine's GPUs.

    Raises:
        UsageError: The environment makes no sense, or there are fewer GPUs than processes.
        SeqgenError: The others do not come.
    """
    if _from_environment("WORLD_SIZE", 1) < 2 or "RANK" not in os.environ:
        yield ALONE
        return
    with parting.group():
        first = _join(device)
        ranks = current()
        try:
            with contextlib.nullcontext() if ranks.is_main else contextlib.redirect_stderr(io.StringIO()):
                yield ranks
        except SeqgenError as error:
            if not first():
                raise SystemExit(error.exit_code) from error
            raise


def _from_environment(name: str, otherwise: int) -> int:
    """A number that torchrun says in the environment. Raises UsageError where it is none."""
    text = os.environ.get(name) or str(otherwise)
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f"{name} in the environment is {text!r}, expected a number", "start it by torchrun")
    return int(text)


def _join(device: str) -> Callable[[], bool]:
    """Meet the others at the place that the environment names; tells whether no other rank has asked this before."""
    on_gpu = device != "cpu" and torch.cuda.is_available()
    local = _from_environment("LOCAL_RANK", 0)
    if on_gpu and local >= torch.cuda.device_count():
        raise UsageError(
            f"there are {torch.cuda.device_count()} GPUs here, expected one for each process ({local + 1} or more)",
            "start fewer processes with --nproc-per-node, or give --device cpu",
        )
    if on_gpu:
        torch.cuda.set_device(local)
    try:
        store, number, count = next(rendezvous("env://", timeout=MEETING))
        backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=PATIENCE)
    except ValueError as error:
        raise UsageError(f"the environment of this process makes no sense ({error})", "start it by torchrun") from error
    except RuntimeError as error:
        raise SeqgenError(
            f"the other processes of this run cannot be reached ({str(error).splitlines()[0]})",
            "check that all were started, with the same --rdzv-endpoint",
        ) from error

    def first() -> bool:
        try:
            return bool(store.add("seqgen/errors", 1) == 1)
        except RuntimeError:  # the place where they met is gone with the rank that held it, which had its say
            return False

    return first


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    """A rank that has died or hangs gives one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise SeqgenError(
            "another process of this run has ended, or has not answered for half an hour",
            "its own message says why; go on with: seqgen train --resume -o FOLDER",
        ) from error

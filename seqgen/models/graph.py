"""The same work again and again without Python: captured once in a CUDA graph, then replayed as one launch.

The work is a function without arguments or results that reads and writes tensors which stay where they are. On any
device but CUDA it is simply called, so that what a graph replays is what every other device runs.

Where it is known what the work writes, a replay must first do what a plain call does (`seqgen.models.trial`); one
that does not is never used again, and plain calls go on from the plain result.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from seqgen.models.trial import Trial, Written

WARM_UP = 3  # plain calls before the capture: libraries make their handles and pick their kernels in these
Work: TypeAlias = Callable[[], None]


class Recorder(Protocol):
    """What records work on a kind of device."""

    def call(self, work: Work) -> None:
        """Do the work plainly, so that it can be recorded later."""

    def record(self, work: Work) -> Work:
        """The replay of the work, which is recorded and not done.

        Raises:
            RuntimeError: It cannot be recorded; nothing has been done.
        """

    def random_state(self) -> Tensor:
        """That of the device's generator."""

    def set_random_state(self, state: Tensor) -> None:
        """Put it back."""


class CudaGraphs:
    """Records CUDA graphs.

    Random numbers go on from call to call, since torch hands the generator's offset to each replay: a replay draws
    what a plain call would have drawn.

    Args:
        device: The one of the work.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def call(self, work: Work) -> None:
        """On a side stream: a capture forbids work on the default one, so that what leads up to it is kept off it."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            work()
        current.wait_stream(self._stream)

    def record(self, work: Work) -> Work:
        """A graph of the work."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                work()
        except RuntimeError as error:
            if isinstance(error.__context__, torch.cuda.OutOfMemoryError):  # which ended the capture
                raise error.__context__ from None
            if not isinstance(error, torch.cuda.OutOfMemoryError):
                torch.cuda.synchronize()
            raise
        return graph.replay

    def random_state(self) -> Tensor:
        """That of the device's generator."""
        return torch.cuda.get_rng_state(self._device)

    def set_random_state(self, state: Tensor) -> None:
        """Put it back."""
        torch.cuda.set_rng_state(state, self._device)


@dataclass(frozen=True)
class Proof:
    """How a replay is tried.

    Attributes:
        written: What the work writes, asked when it is tried.
        tolerance: The largest difference from a plain call, relative.
    """

    written: Callable[[], Written]
    tolerance: float


class Repeated:
    """Work that is called many times.

    Args:
        work: Reads and writes static tensors alone, and reads nothing back to the host.
        device: Where they lie.
        capture: Whether to capture where that can be done.
        warm_up: Plain calls before it.
        proof: How a replay is tried before it is used; None: it is not tried.
        recorder: Records the work; None: on CUDA graphs do, elsewhere nothing does.

    Attributes:
        failure: Why there is no capture although one was tried, or None.
    """

    def __init__(
        self,
        work: Work,
        device: torch.device,
        capture: bool = True,
        warm_up: int = WARM_UP,
        proof: Proof | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.work, self.warm_up, self._proof = work, warm_up, proof
        if recorder is None and device.type == "cuda" and capture:
            recorder = CudaGraphs(device)
        self._recorder = recorder if capture else None
        self.failure: str | None = None
        self._replay: Work | None = None
        self._calls = 0

    @property
    def captured(self) -> bool:
        """Whether the next call is a replay."""
        return self._replay is not None

    def __call__(self) -> None:
        """Do the work once."""
        if self._replay is not None:
            self._replay()
        elif self._recorder is None or self.failure is not None:
            self.work()
        elif self._calls < self.warm_up:
            self._recorder.call(self.work)
            self._calls += 1
        elif self._proof is None:
            self._capture(self._recorder)
        else:
            self._prove(self._recorder, self._proof)

    def forget(self) -> None:
        """Drop the capture: tensors that it knows have been replaced. The next calls warm up anew."""
        self._replay, self._calls = None, 0

    def _capture(self, recorder: Recorder) -> None:
        """Record the work and replay it; where it cannot be recorded, plain calls go on."""
        try:
            self._replay = recorder.record(self.work)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.failure = _first_line(error)
            warnings.warn(f"steps run without a CUDA graph: {self.failure}", RuntimeWarning, stacklevel=3)
        self()

    def _prove(self, recorder: Recorder, proof: Proof) -> None:
        """The work once, plainly; then again from the same state as a replay, which is used if it comes to the same.

        Whatever goes wrong with the replay, the plain result stands.
        """
        try:
            trial = Trial(proof.written(), recorder.random_state, recorder.set_random_state)
        except Exception as error:  # of whatever kind, here and below: nothing of this is needed
            self.failure = _first_line(error)
            self.work()
            return
        recorder.call(self.work)  # its errors are the caller's
        try:
            if not trial.called():  # the next call may be of use
                return
            trial.take_back()
            replay = recorder.record(self.work)
            trial.take_back()  # the random state too, whatever a capture does to it
            replay()
            difference = trial.difference(proof.tolerance)
            self.failure = difference and f"a replay does not do what a plain step does, {difference}"
        except Exception as error:
            self.failure = _first_line(error)
        if self.failure is None:
            self._replay = replay
        else:
            trial.restore()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__

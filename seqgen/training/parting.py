"""How a process leaves the group of its run: nothing of the group outlives it. Knows no ranks and no models.

A thread of gloo drops an operation's tensors a moment after its caller goes on, and needs the interpreter's lock for
it. Where the interpreter ends in that moment, Python unwinds the thread, C++ forbids that in a destructor, and the
process dies by SIGABRT ("terminate called without an active exception"), though everything is written. The group's
own end waits for these threads, but comes only when nobody holds the group any more. Hence the order here:

1) what would hold the group for good is imported before there is one;
2) the frames of an error, which hold it too, are emptied;
3) the group is destroyed on every way out, before the interpreter ends.
"""

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator

import torch.distributed as dist


@contextlib.contextmanager
def group() -> Iterator[None]:
    """The body may join a group of processes; it is left at the end, however the body ends."""
    # torch's optimizers import this module with their first step. Its functions take the group that there is then as a
    # default value, and would keep it until the interpreter's end; without a group the value is None.
    import torch.distributed.nn.functional  # noqa: F401

    try:
        yield
    except BaseException as error:
        _let_go(error)
        _leave(failed=True)
        raise
    _leave(failed=False)


def _leave(failed: bool) -> None:
    if not dist.is_initialized():
        return
    if failed and "nccl" in str(dist.get_backend_config()):
        return  # its end is agreed upon with the others, who may be gone
    with _interrupted_at_once():
        dist.destroy_process_group()


def _let_go(error: BaseException) -> None:
    """Empty the frames that an error and those before it went through."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            traceback.clear_frames(each.__traceback__)
            waiting += [each.__cause__, each.__context__]


@contextlib.contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Ctrl-C in the body ends the process as SIGTERM does, not by an exception: that would end it half-way."""
    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

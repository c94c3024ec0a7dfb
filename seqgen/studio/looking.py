"""What goes on inside a model over a text or a take: the page of `seqgen look`, made on a thread, kept by a number."""

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from seqgen.errors import SeqgenError, UsageError
from seqgen.files import write_bytes
from seqgen.jobs.look.job import LookJob, look, made
from seqgen.jobs.observer import Observer

MOST_PAGES = 8
KIND = ".html"
FURTHER = ("gradients", "saliency", "errors")
WINDOW = 2_000  # tokens that a page holds


class Pages:
    """Pages by a number; the oldest fall off."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lock, self._count = threading.Lock(), 0

    def put(self, page: bytes) -> int:
        """One more; its number."""
        with self._lock:
            self._count += 1
            self._kept[self._count] = page
            while len(self._kept) > MOST_PAGES:
                self._kept.popitem(last=False)
            return self._count

    def get(self, number: int) -> bytes:
        """The page of a number.

        Raises:
            UsageError: It has fallen off, or never was.
        """
        with self._lock:
            if number not in self._kept:
                raise UsageError("this page is not at hand any more", "look again")
            return self._kept[number]


def looked(checkpoint: str, data: bytes, name: str, whole: bool, observer: Observer) -> bytes:
    """The page over what a file holds.

    Args:
        checkpoint: The model.
        data: The file.
        name: What it is called; of music with the ending of its format.
        whole: Whether gradients, saliency and kinds of errors are in it, which take torch and some time.
        observer: Is told remarks.

    Raises:
        SeqgenError: The model cannot read it, or there is no such model.
    """
    with tempfile.TemporaryDirectory(prefix="seqgen-look-") as folder:  # a text must not be taken for a file's name
        path = Path(folder) / name
        write_bytes(path, data)
        job = LookJob(checkpoint, str(path), window=WINDOW, further=FURTHER if whole else ())
        return made(look(job, observer), KIND)


def apart(
    work: Callable[[], object], failed: Callable[[SeqgenError], object], fault: Callable[[Exception], object]
) -> None:
    """Do something on a thread, and tell how it failed, if it did."""

    def run() -> None:
        try:
            work()
        except SeqgenError as error:
            failed(error)
        except Exception as error:  # the page is told; the server goes on
            fault(error)

    threading.Thread(target=run, name="looking", daemon=True).start()

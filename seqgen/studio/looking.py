"""What goes on inside a model over a text or a take: the page of `seqgen look`, made apart, kept by a number."""

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from seqgen.errors import SeqgenError, UsageError
from seqgen.files import write_bytes
from seqgen.jobs.look.apart import LookApart
from seqgen.jobs.look.job import LookJob
from seqgen.jobs.observer import Observer

MOST_PAGES = 8
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


class Looking:
    """A look at a model over what a file holds, on a thread; the work is done by a process of its own.

    Args:
        checkpoint: The model.
        data: The file.
        name: What it is called; of music with the ending of its format.
        whole: Whether gradients, saliency and kinds of errors are in it, which take torch and some time.
        observer: Is told remarks.
    """

    def __init__(self, checkpoint: str, data: bytes, name: str, whole: bool, observer: Observer) -> None:
        self._checkpoint, self._data, self._name, self._whole = checkpoint, data, name, whole
        self._observer, self._lock = observer, threading.Lock()
        self._apart: LookApart | None = None
        self._stopped = False

    def start(self, over: Callable[[bytes | SeqgenError | Exception | None], object]) -> None:
        """Begin.

        Args:
            over: Is called at the end with the page, with what is wrong, or with None where it was stopped.
        """
        threading.Thread(target=lambda: over(self._page()), name="looking", daemon=True).start()

    def stop(self) -> None:
        """End it at once."""
        with self._lock:
            self._stopped = True
            if self._apart is not None:
                self._apart.stop()

    def _page(self) -> bytes | Exception | None:
        try:
            with tempfile.TemporaryDirectory(prefix="seqgen-look-") as folder:  # no text is taken for a file's name
                path = Path(folder) / self._name
                write_bytes(path, self._data)
                further = FURTHER if self._whole else ()
                with self._lock:
                    if self._stopped:
                        return None
                    job = LookJob(self._checkpoint, str(path), window=WINDOW, further=further)
                    self._apart = made = LookApart(job)
                return made.page(self._observer)
        except OSError as error:
            return UsageError(f"no process can be started ({error.strerror})", "close something else")
        except Exception as error:  # the page is told; the server goes on
            return error

"""A training run in a process of its own: what watches it stays quick, and outlives it, however it ends.

The process is told its job as a line of JSON on standard input; "stop", or the end of what can be read there, ends the
run after the step at hand, and it is saved. It tells lines of JSON on standard output:

    {"event": "note", "message"}                                          guidance before and after, remarks
    {"event": "reading", "name", "done", "total"}                         while files become tokens
    {"event": "stepped", "step", "epoch", "tokens", "seconds", "nats", "share"}
    {"event": "checked", …, "validation_nats", "improved"}
    {"event": "sampled", "step", "text"}
    {"event": "error", "message", "hint"}
    {"event": "trained", "folder", "steps", "stopped"}                    the last
    {"event": "described", "rows"}                                        where guidance alone is asked for
    {"event": "guided", "codec", "said"}                                  and the last there
"""

import contextlib
import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from seqgen.errors import SeqgenError
from seqgen.jobs.observer import Advance, Observer
from seqgen.jobs.train.settings import TrainJob
from seqgen.training.progress import Incident, Line, Progress

Event = Mapping[str, Any]
STOP = "stop"
LAST = ("trained", "guided", "error")
TURN = 0.25  # seconds between two words of how far it is
TAIL = 400  # characters of what a dead process said last
LONGEST = 20_000  # characters of a sample


class Apart:
    """A run in a process of its own.

    Args:
        job: The run.
        heard: Is told each event, on a thread of its own; the last one is "trained", "guided" or "error".
        guide: Whether only what can be said before the run is wanted.
    """

    def __init__(self, job: TrainJob, heard: Callable[[Event], object], guide: bool = False) -> None:
        self._heard = heard
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when all is heard)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            start_new_session=True,  # Ctrl-C in the terminal is for who watches, who then stops it
        )  # fmt: skip
        self._tell(json.dumps({"guide": guide, "job": _plain(job)}))
        self._thread = threading.Thread(target=self._listen, name="training", daemon=True)
        self._thread.start()

    def stop(self, wait: float = 0.0) -> bool:
        """End it after the step at hand; whether it has ended within so many seconds."""
        self._tell(STOP)
        if self._thread is not threading.current_thread():
            self._thread.join(wait)
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Until its end."""
        self._thread.join()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it has ended
                self._process.stdin.write(line.encode("ascii") + b"\n")
                self._process.stdin.flush()

    def _listen(self) -> None:
        whole = False
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            whole = event["event"] in LAST
            self._heard(event)
        code = self._process.wait()
        for pipe in (self._process.stdout, self._process.stdin):
            with contextlib.suppress(OSError):  # what nobody read any more
                if pipe is not None:
                    pipe.close()
        if not whole:
            self._heard({"event": "error", "message": f"the run's process died (exit code {code}){self._last()}",
                         "hint": "what it saved is there: go on with it"})  # fmt: skip
        self._said.close()

    def _last(self) -> str:
        self._said.seek(0)
        words = self._said.read().decode("utf-8", "replace").strip()[-TAIL:]
        return f": {words}" if words else ""


def _plain(job: TrainJob) -> dict[str, Any]:
    """A job as JSON has it."""
    return {**dataclasses.asdict(job), "output": str(job.output), "settings": {**job.settings}}


def _job(given: dict[str, Any]) -> TrainJob:
    return TrainJob(**{**given, "source": tuple(given["source"]), "output": Path(given["output"])})


class Teller(Observer):
    """Tells what an observer is told, as lines.

    Args:
        out: Where to.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._lock, self._step, self._sent = out, threading.Lock(), 0, 0.0

    def tell(self, event: Event) -> None:
        """A line; numbers that are none are null."""
        sound = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in event.items()
        }
        with self._lock, contextlib.suppress(BrokenPipeError):  # who watched has died: the end of stdin says so, too
            self._out.write(json.dumps(sound).encode("ascii") + b"\n")
            self._out.flush()

    def note(self, message: str) -> None:
        """A remark."""
        self.tell({"event": "note", "message": message})

    @contextlib.contextmanager
    def bar(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """How far reading is."""
        done, sent = 0, 0.0

        def advance(count: int) -> None:
            nonlocal done, sent
            done += count
            if time.monotonic() - sent >= TURN:
                sent = time.monotonic()
                self.tell({"event": "reading", "name": name, "done": done, "total": total})

        yield advance

    def stepped(self, progress: Progress, share: float, line: Line) -> None:
        """How far the run is, a few times a second at most."""
        if time.monotonic() - self._sent >= TURN:
            self._sent = time.monotonic()
            self.tell({"event": "stepped", **_short(line), "share": share})

    def checked(self, progress: Progress, line: Line, improved: bool) -> None:
        """A validation."""
        self._step = line["step"]
        found = line.get("validation_nats")
        self.tell({"event": "checked", **_short(line), "validation_nats": found, "improved": improved})

    def sampled(self, text: str) -> None:
        """A sample of the model as it stands."""
        self.tell({"event": "sampled", "step": self._step, "text": text[:LONGEST]})

    def rolled_back(self, progress: Progress, line: Incident) -> None:
        """The loss exploded."""
        self.note(f"Step {line['step']:,}: the loss exploded; back to step {line['to']:,}.")

    def shrunk(self, progress: Progress, line: Incident) -> None:
        """Memory was short."""
        self.note(f"Step {line['step']:,}: the device ran out of memory; on with batch {line['batch']}.")


def _short(line: Line) -> dict[str, Any]:
    return {key: line.get(key) for key in ("step", "epoch", "tokens", "seconds", "nats")}


def _obey(lines: IO[bytes]) -> None:
    """Wait for the word to stop, or for the end of who would say it."""
    for line in lines:
        if line.strip() == STOP.encode():
            break
    signal.raise_signal(signal.SIGINT)


def _guide(job: TrainJob, teller: Teller) -> None:
    """What can be said before a run; the corpus is described while torch is yet to come."""
    from seqgen.jobs.train.describing import described

    teller.tell({"event": "described", "rows": described(job, teller)})
    from seqgen.jobs.train.guiding import guide

    teller.tell({"event": "guided", **guide(job, teller)})


def _training() -> Callable[[TrainJob, Teller], None]:
    """The run itself."""
    from seqgen.jobs.train.job import train  # torch, which who watches does not need

    def work(job: TrainJob, teller: Teller) -> None:
        found = train(job, teller)
        teller.tell({"event": "trained", "folder": str(found.folder), "steps": found.steps, "stopped": found.stopped})

    return work


def main() -> int:
    """The process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes elsewhere
    teller = Teller(out)
    asked = json.loads(sys.stdin.buffer.readline())
    job, work = _job(asked["job"]), _guide if asked["guide"] else _training()
    threading.Thread(target=_obey, args=(sys.stdin.buffer,), name="obeying", daemon=True).start()
    try:
        work(job, teller)
    except SeqgenError as error:
        teller.tell({"event": "error", "message": error.message, "hint": error.hint})
    except KeyboardInterrupt:  # before the first step
        teller.tell({"event": "trained", "folder": str(job.output), "steps": 0, "stopped": True})
    except Exception as error:  # who watches is told what happened, and not only that it died
        said = f"{type(error).__name__}: {error}"[:TAIL]
        teller.tell({"event": "error", "message": f"a fault of seqgen's own ({said})", "hint": "please report it"})
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread that waits for words must not hold the end up

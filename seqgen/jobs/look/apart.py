"""A look in a process of its own, which can be ended at once, whatever it computes.

The process is told its job as a line of JSON on standard input; it writes the page to the file that is named there, and
tells lines of JSON on standard output: {"event": "note", "message"}, at the end {"event": "looked"} or
{"event": "error", "message", "hint"}.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from seqgen.errors import SeqgenError
from seqgen.files import write_bytes
from seqgen.jobs.look.job import LookJob
from seqgen.jobs.observer import Observer

TAIL = 400  # characters of what a dead process said last
KIND = ".html"


class LookApart:
    """A look.

    Args:
        job: What is looked at; its output is not written.

    Raises:
        OSError: No process can be started.
    """

    def __init__(self, job: LookJob) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="seqgen-look-")
        self._page = Path(self._folder.name) / f"page{KIND}"
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when all is heard)
        self.stopped = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has died: said below
            self._process.stdin.write(json.dumps({"job": dataclasses.asdict(job), "page": str(self._page)}).encode())
            self._process.stdin.close()

    def page(self, observer: Observer) -> bytes | None:
        """Wait for it, and tell its remarks on the way; the page, or None where it was stopped.

        Raises:
            SeqgenError: What the look raised, or its process died.
        """
        try:
            last = self._heard(observer)
            if self.stopped:
                return None
            if last["event"] == "error":
                raise SeqgenError(last["message"], last["hint"])
            return self._page.read_bytes()
        finally:
            self._said.close()
            self._folder.cleanup()

    def stop(self) -> None:
        """End it at once; nothing of it is kept."""
        self.stopped = True
        self._process.kill()

    def _heard(self, observer: Observer) -> dict[str, Any]:
        last = dict[str, Any]()
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                last = json.loads(line) if line.endswith(b"\n") else last
                if last.get("event") == "note":
                    observer.note(last["message"])
        code = self._process.wait()
        if last.get("event") in ("looked", "error"):
            return last
        self._said.seek(0)
        words = " ".join(self._said.read().decode("utf-8", "replace").split())[-TAIL:]
        said = f"the process that looked died (exit code {code}){': ' if words else ''}{words}"
        return {"event": "error", "message": said, "hint": "look at less, or without gradients"}


class _Teller(Observer):
    """Tells remarks as lines."""

    def note(self, message: str) -> None:
        """A remark."""
        _tell({"event": "note", "message": message})


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def main() -> None:
    """The process."""
    from seqgen.jobs.look.job import look, made

    asked = json.loads(sys.stdin.buffer.read())
    try:
        write_bytes(asked["page"], made(look(LookJob(**asked["job"]), _Teller()), KIND))
        _tell({"event": "looked"})
    except SeqgenError as error:
        _tell({"event": "error", "message": error.message, "hint": error.hint})


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # who watched has gone
        main()
    sys.stdout.flush()
    os._exit(0)

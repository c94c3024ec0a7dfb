"""How `seqgen generate` shows samples on standard output: as they come, or as lines of JSON."""

import json
import sys
from contextlib import AbstractContextManager

from seqgen.cli._options import note
from seqgen.errors import SeqgenError
from seqgen.files import STANDARD, write_bytes
from seqgen.jobs.sample.audience import Audience, Sampled, Show, Sink
from seqgen.jobs.sample.events import Events, record
from seqgen.terminal.sinks import standard_output


class Reader(Audience):
    """A person, or a program that wants the text alone."""

    show: Show = "text"

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()

    def text(self) -> AbstractContextManager[Sink]:
        """Standard output."""
        return standard_output()

    def data(self, data: bytes) -> None:
        """To standard output, whole."""
        write_bytes(STANDARD, data)

    def refused(self, error: SeqgenError) -> None:
        """Say why."""
        note(f"Error: {error}")


class Program(Reader):
    """A program that wants a line of JSON for each sample."""

    show: Show = "records"

    def done(self, sample: Sampled) -> None:
        """The line."""
        sys.stdout.write(json.dumps(record(sample)) + "\n")
        sys.stdout.flush()


def audience(as_json: bool, events: bool) -> Audience:
    """Who listens, by the flags that were given."""
    return Events(sys.stdout.buffer) if events else Program() if as_json else Reader()

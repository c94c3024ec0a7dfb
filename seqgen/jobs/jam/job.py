"""Run a session: model, ports, doors and preset joined; a file and a take when it is over."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgen.api.model import Model
from seqgen.api.sampling import fresh_seed
from seqgen.errors import DataError, UsageError
from seqgen.generation.blas import one_numpy_thread
from seqgen.jobs.interrupts import Interrupts
from seqgen.jobs.jam.settings import JamJob
from seqgen.jobs.jam.spool import LINES, NOTES, Spool, recover
from seqgen.jobs.jam.tape import Tape
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.mixing import chosen
from seqgen.jobs.sample.settings import SampleJob
from seqgen.live import controls
from seqgen.live.backends import backend
from seqgen.live.hushed import hushed
from seqgen.live.performer import Tell
from seqgen.live.player import Player
from seqgen.live.ports import Backend, Input, Output, matched
from seqgen.live.preset import Preset
from seqgen.live.sayer import Sayer
from seqgen.live.session import Session
from seqgen.live.stream import Stream
from seqgen.live.text import Lines

OWN = "seqgen"  # how ports are called that we make


@dataclass(frozen=True)
class Jammed:
    """A session that is over.

    Attributes:
        seed: What it played with.
        seconds: How long it took.
        notes, lines: How many went out.
        heard: Messages that came in.
        late: Events that came more than 5 ms after their time.
        path: The file that holds it; None: nothing was kept, or there was nothing to keep.
        take: The id of its take.
        broken: Why it ended, if it did by a fault.
    """

    seed: int
    seconds: float
    notes: int
    lines: int
    heard: int
    late: int
    path: Path | None
    take: str | None
    broken: str = ""


def list_ports(name: str = "auto") -> list[tuple[str, str]]:
    """("in" or "out", name) of each MIDI port.

    Raises:
        UsageError: There is no library that has any, or it does not work here.
    """
    found = backend(None if name == "auto" else name)
    return [("in", each) for each in found.inputs()] + [("out", each) for each in found.outputs()]


@one_numpy_thread()
def jam(
    job: JamJob,
    observer: Observer = SILENT,
    tell: Tell = lambda event: None,
    lines: Iterable[bytes] | None = None,
    begun: Callable[[Session], object] = lambda session: None,
) -> Jammed:
    """Play until it is over.

    Args:
        job: What is asked for.
        observer: Is told remarks.
        tell: Is told events, on any thread: {"event": "state", …}.
        lines: Controls as somebody types them, read on a thread of their own.
        begun: Is given the session once it plays.

    Raises:
        SeqgenError: Something that is asked for does not exist or fit, or the model's thread broke down.
    """
    preset, values = _controls(job)
    seed = fresh_seed() if job.seed is None else job.seed
    session, tape = Session(values, preset, tell, job.clock == "midi", job.clock_out), Tape()
    session.ahead = job.ahead
    folder = None if job.log is None else Path(job.log)
    if folder is not None:
        recover(folder, observer.note)
    try:
        _plug(job, session, observer)
        model = _model(job, seed, values, observer)
        player = _player(model, session, seed, tape.put)
        session.controllers.learn(job.learn)
        tape.begin(job, model, seed, values, observer)
        spool = _spool(folder, model, session, player, observer)

        def drain() -> None:
            tape.drain()
            spool.drain()

        began = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt), hushed(tell, observer.note), Interrupts() as interrupts:
            try:
                session.start(player)
                begun(session)
                _read(lines, session)
                session.wait(job.seconds, drain)
            finally:
                interrupts.hold()  # one more signal must not find it half silent
                session.close()
    finally:
        session.close()
    spent = time.monotonic() - began
    path, take = spool.finish(time.monotonic(), session.transport.tempo), tape.finish(spent)
    if job.save is not None:
        Preset(session.values, session.controllers.bound).save(Path(job.save))
        observer.note(f"Wrote {job.save}")
    if player.broken:
        raise DataError(f"the model's thread broke down ({player.broken})", "what was played until then is kept")
    said = player.transcript.count if isinstance(player, Sayer) else 0
    counts, late = session.counts, session.scheduler.late
    return Jammed(seed, spent, session.hands.notes, said, counts.heard, late, path, take)


def _model(job: JamJob, seed: int, values: Mapping[str, Any], observer: Observer) -> Model:
    """What is asked for, mixed where that is wanted."""
    label = values["label"] if job.mix else None
    asked = SampleJob(
        checkpoint=job.checkpoint, mix=job.mix, blend=job.blend, seed=seed, engine=job.engine, device=job.device,
        label=label,
    )  # fmt: skip
    model, _ = chosen(asked, observer)
    if model.is_text and job.outputs:
        observer.note(f"{model.name} makes text: --out stays silent, --osc-to and --websocket get lines")
    return model


def _controls(job: JamJob) -> tuple[Preset, dict[str, Any]]:
    """The preset, and what each control is at the beginning."""
    preset = Preset()
    if job.preset is not None:
        preset = Preset.load(Path(job.preset))
    asked = controls.settled({}, controls.checked(job.values))
    return preset, controls.defaults() | dict(preset.values) | asked


def _plug(job: JamJob, session: Session, observer: Observer) -> None:
    """Ports and doors."""
    doors = job.osc is not None or job.osc_to or job.websocket is not None
    virtual = job.virtual or not (job.inputs or job.outputs or doors)
    if job.inputs or job.outputs or virtual:
        found = backend(None if job.ports == "auto" else job.ports)
        if virtual and not found.virtual:
            hint = "make one with loopMIDI, and name it: --out NAME"
            raise UsageError("this system has no MIDI ports that a program can make", hint)
        _midi(job, session, found, virtual, observer)
    if job.clock == "midi" and not session.inputs:
        raise UsageError("--clock midi has no MIDI input that it could come from", "name one: --in NAME")
    if job.clock == "link":
        with _extra("link"):
            from seqgen.live.link import Link

            session.link = Link(session.transport, session.joined)
    if job.osc is not None or job.osc_to:
        with _extra("live"):
            from seqgen.live import osc
        for text in job.osc_to:
            session.listen(osc.voice(text))
        if job.osc is not None:
            door = osc.OscDoor(job.osc, session.control, session.play_in, job.host, job.token)
            session.doors.append(door)
            observer.note(f"OSC in: {job.host}, port {door.port}")
    if job.websocket is not None:
        with _extra("live"):
            from seqgen.live.websocket import WebSocketDoor
        made = WebSocketDoor(job.websocket, session.control, session.play_in, job.host, job.token, job.origins)
        session.listen(made)
        session.doors.append(made)
        observer.note(f"WebSocket: ws://{job.host}:{made.port}/")


def _midi(job: JamJob, session: Session, found: Backend, virtual: bool, observer: Observer) -> None:
    inputs = [matched(name, found.inputs(), "input") for name in job.inputs]
    outputs = [matched(name, found.outputs(), "output") for name in job.outputs]
    opened = [Input(found, name, session.hear) for name in dict.fromkeys(inputs)]
    played = [Output(found, name) for name in dict.fromkeys(outputs)]
    if virtual:
        opened.append(Input(found, f"{OWN} in", session.hear, virtual=True))
        played.append(Output(found, f"{OWN} out", virtual=True))
    session.plug(opened, played)
    for kind, ports in (("in", opened), ("out", played)):
        if ports:
            observer.note(f"MIDI {kind}: {', '.join(port.name for port in ports)}")


@contextlib.contextmanager
def _extra(name: str) -> Iterator[None]:
    """What needs a library of an extra."""
    try:
        yield
    except ImportError as error:
        package = {"pythonosc": "python-osc"}.get(str(error.name).split(".")[0], str(error.name))
        raise UsageError(f"{package} is not installed", f"pip install 'seqgen-art[{name}]'") from None


def _player(model: Model, session: Session, seed: int, keep: Callable[[Sequence[int]], object]) -> Player | Sayer:
    """What plays: music, or lines of text."""
    if model.is_text:
        return Sayer(Lines(model, session.values, seed, keep), session.stage)
    return Player(Stream(model, session.values, seed, keep), session.stage)


def _read(lines: Iterable[bytes] | None, session: Session) -> None:
    """Controls that are typed, on a thread of their own."""
    if lines is None:
        return

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in lines:
                session.line(line)

    threading.Thread(target=read, name="lines", daemon=True).start()


def _spool(folder: Path | None, model: Model, session: Session, player: Player | Sayer, observer: Observer) -> Spool:
    """What keeps the session."""
    if isinstance(player, Sayer):
        return Spool(folder, model.artifact, LINES, player.transcript, [session.recording], observer.note)
    return Spool(folder, model.artifact, NOTES, session.recording, [], observer.note)

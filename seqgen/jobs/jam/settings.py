"""What `seqgen jam` is asked for, in one value. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from seqgen.arguments import check_types
from seqgen.settings import option


@dataclass(frozen=True, kw_only=True)
class JamJob:
    """Which model, through which ports and doors, how, and how long.

    Attributes:
        checkpoint: A run folder, a file, or the name of a published one.
        mix, blend: Other voices, as `seqgen generate` takes them.
        inputs, outputs: Parts of the names of MIDI ports.
        virtual: Whether to make ports that other programs see, called seqgen.
        ports: Which library has the ports.
        clock: internal: tempo is a control; midi: that of an input; link: shared by Ableton Link.
        clock_out: Whether to send MIDI clock to the outputs.
        osc: The UDP port at which controls are listened for; None: none is. 0: any.
        osc_to: Whom to tell of notes, see `seqgen.live.osc.voice`.
        websocket: The TCP port at which pages come in; None: none is. 0: any.
        host: Where the doors are open.
        token: What others have to know.
        origins: Further pages that may come in.
        preset: A TOML file of controls and controllers.
        save: Where controls and controllers go when it ends.
        learn: The controls that the next MIDI controllers that move are to turn.
        values: Controls by name, unchecked; they go before the preset's.
        seed: Of the draws; None: a fresh one.
        seconds: How long; None: until it is stopped.
        log: The folder that keeps sessions; None: none is kept.
        take: Whether it is kept among the takes.
        engine, device: Where to compute.
        ahead: Seconds that are planned: what is turned is heard after them.
    """

    checkpoint: str
    mix: Sequence[str] = option((), "Blend with another; the control mix weighs it.")
    blend: str | None = option(None, "Blend labels of CHECKPOINT: bach:0.7,joplin:0.3.")
    inputs: Sequence[str] = option((), "MIDI in, by a part of its name; as often as wanted.")
    outputs: Sequence[str] = option((), "MIDI out, by a part of its name; as often as wanted.")
    virtual: bool = option(False, "Make MIDI ports called seqgen, which other programs see.")
    ports: Literal["auto", "rtmidi", "rtmidi2", "loopback"] = option("auto", "What the ports come from.")
    clock: Literal["internal", "midi", "link"] = option(
        "internal", "Whose tempo: its own, that of MIDI clock, or that of Ableton Link (extra link)."
    )
    clock_out: bool = option(False, "Send MIDI clock.")
    osc: int | None = option(None, "Listen for OSC here.", least=0, most=65535)
    osc_to: Sequence[str] = option((), "Tell notes: sonic-pi, tidal, superdirt, max, pd, touchdesigner, or HOST:PORT.")
    websocket: int | None = option(None, "Let pages in here.", least=0, most=65535)
    host: str = option("127.0.0.1", "Open doors to other machines, too; needs --token.")
    token: str | None = option(None, "What who comes in has to know.")
    origins: Sequence[str] = option((), "Let pages of this origin in.")
    preset: str | None = option(None, "Controls and their MIDI controllers, as TOML.")
    save: str | None = option(None, "Keep controls and controllers here when it ends, for --preset.")
    learn: Sequence[str] = option((), "The next MIDI controller that moves turns this control.")
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    seconds: float | None = option(None, "End after so long.")
    log: str | None = option("jam", "Where sessions are kept; train can learn from them.")
    take: bool = True
    engine: Literal["auto", "numpy", "torch"] = option("auto", "")
    device: str = option("auto", "")
    ahead: float = 0.15

    def __post_init__(self) -> None:
        check_types(self)

"""A model that plays on and on: tokens become notes at positions of the song, one piece after the other.

It draws a token at a time, under rules and a grammar that may change between two tokens. Positions are quarter notes of
the song; a piece's own beginning lies at its anchor.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqgen.api.model import Model
from seqgen.api.sampling import UNLIMITED, Sampling
from seqgen.codecs import Mask
from seqgen.errors import UsageError
from seqgen.generation.engines.mixture import Fade, MixtureEngine
from seqgen.generation.limits import Grammar
from seqgen.generation.steering import Steered
from seqgen.live.controls import CELLS, CLASSES, RULE, meter_of
from seqgen.music.faults import Faults
from seqgen.music.played import Played
from seqgen.music.request import Music
from seqgen.music.score import Score

STUCK = 256  # tokens at one position, after which the next must lead on
TICKS = 480  # a quarter note, of what is heard
Notes = Sequence[Played]


class Gate:
    """A grammar that can be exchanged, and narrowed for a while; what it would leave nothing of it lets through.

    Args:
        inner: The grammar.

    Attributes:
        keep: (V,) what may be drawn; None: whatever the grammar allows.
    """

    def __init__(self, inner: Grammar) -> None:
        self.inner = inner
        self.keep: Mask | None = None

    def start(self) -> Any:
        return self.inner.start()

    def step(self, state: Any, token: int) -> Any:
        return self.inner.step(state, token)

    def allowed(self, state: Any) -> Mask:
        mask = self.inner.allowed(state)
        if self.keep is None:
            return mask
        kept = mask & self.keep
        return kept if kept.any() else mask

    def may_end(self, state: Any) -> bool:
        return self.inner.may_end(state)


class Stream:
    """What a model of music plays.

    Args:
        model: Of a codec that can be steered.
        values: The controls, see `seqgen.live.controls`.
        seed: Of the draws.
        keep: Is given every id that is read or drawn, for a take.

    Attributes:
        anchor: The position of the song at which the piece begins.
        pieces: How many were begun.

    Raises:
        UsageError: The model makes no music, or music that cannot be played live.
    """

    def __init__(
        self,
        model: Model,
        values: Mapping[str, Any],
        seed: int,
        keep: Callable[[Sequence[int]], object] = lambda ids: None,
    ) -> None:
        codec = model.tokenizer.codec.steerable()
        if codec is None:
            name = model.tokenizer.codec_name
            raise UsageError(
                f"{model.name} has codec {name}, which cannot be played live", "midi_bar and midi can, and text"
            )
        self.model, self.codec, self.seed, self._keep = model, codec, seed, keep
        self.values = dict(values)
        check(model, values)
        weigh(model, values)
        self.anchor, self.pieces, self._stuck = 0.0, 0, 0
        self._frame = model.tokenizer.frame(self._label())
        sampler = model.sampler(self._sampling(), [self._frame])
        self.sampler, limits = sampler, sampler.limits()
        assert limits.grammar is not None
        self._gate = Gate(limits.grammar)
        limits = dataclasses.replace(limits, grammar=self._gate, length=None, end_id=None)
        self._steered = Steered(sampler.engine, self._frame, sampler.rules, seed, limits, False)
        self.playing = codec.playing()
        self._keep(self._frame.tolist())

    @property
    def position(self) -> float:
        """The position up to which all notes are known."""
        return self.anchor + self.playing.now

    @property
    def line(self) -> float:
        """Where the bar begins that is being played."""
        return self.anchor + self.playing.line

    def change(self, values: Mapping[str, Any]) -> None:
        """Go on under other controls.

        Raises:
            UsageError: They cannot be; all stays as it was.
        """
        before, self.values = self.values, dict(values)
        try:
            check(self.model, values)
            sampler = self.model.sampler(self._sampling(), [self._frame])
            grammar: Any = sampler.limits().grammar
            engine = sampler.engine if held_cells(before) != held_cells(values) else None
        except UsageError:
            self.values = before
            raise
        assert grammar is not None
        weigh(self.model, values)
        self._steered.set_rules(sampler.rules)
        if engine is not None:
            self._steered.set_engine(engine)
        self._gate.inner, self.sampler = grammar, sampler
        constraints = self._steered.constraints
        constraints.states = [(kind, grammar.inner.adopted(place)) for kind, place in constraints.states]

    def begin(self, at: float, heard: Notes = ()) -> None:
        """Begin a new piece at a position; or one that has gone on like `heard` so far, whose first bar is at `at`."""
        self.pieces += 1
        self.anchor, self._stuck, self._gate.keep = at, 0, None
        self._frame = self.model.tokenizer.frame(self._label())
        self.playing = self.codec.playing()
        self._steered.restart(self._frame)
        self._keep(self._frame.tolist())
        if heard:
            self.read(self._encoded(heard, at))

    def read(self, ids: Sequence[int]) -> None:
        """Let the piece go on with (n,) ids, as if it had said them."""
        if not len(ids):
            return
        self._steered.feed(np.array(ids, np.int64))
        for token in ids:
            self.playing.take(int(token))
        self.playing.settle()
        self._keep(ids)

    @property
    def alone(self) -> bool:
        """Whether the model knows no part besides the first."""
        others, seen = self.codec.playing().others(), self.model.seen
        return not (others & (seen.counts > 0) if seen is not None else others).any()

    def advance(self, without: int | None = None) -> list[Played]:
        """Draw one token; the notes that it completes, at positions of the song. A piece that ends is followed by
        another at the next bar line.

        Args:
            without: A part that does not play.
        """
        if self._stuck > STUCK:
            self._gate.keep = self._full(self.playing.moving())
        elif without is not None:
            self._gate.keep = self._full(self.playing.without(without))  # nor does the piece end
        token = self._draw()
        self._gate.keep = None
        if token >= self.model.tokenizer.document_id:
            self._steered.unsay()
            last = self._placed(self.playing.settle())
            self.begin(self.anchor + self.playing.line + self.playing.bar)
            return last
        return self._taken(token)

    def answer(self, most: int) -> list[Played]:
        """Up to so many notes that sound with the one just read, of other parts where the codec knows such; where the
        music has but one note at a time, what follows it. The position stays."""
        found: list[Played] = []
        begin, others, seen = self.position, self.playing.others(), self.model.seen
        others &= seen.counts > 0 if seen is not None else True
        staying, moving = self._full(self.playing.staying()), self._full(self.playing.moving())
        self._gate.keep = self._full(others) if others.any() else staying
        for _ in range(8 * most):
            token = self._draw()
            if token >= self.model.tokenizer.document_id or (moving[token] and found):
                self._steered.unsay()
                break
            found += [*self._taken(token), *self._placed(self.playing.settle())]
            if len(found) >= most:
                break
            self._gate.keep = None if found else staying
        self._gate.keep = None
        self.anchor -= self.position - begin
        return found

    def _draw(self) -> int:
        return int(self._steered.step().ids[0])

    def _taken(self, token: int) -> list[Played]:
        before = self.playing.now
        notes = self.playing.take(token)
        self._keep([token])
        self._stuck = 0 if self.playing.now > before else self._stuck + 1
        return self._placed(notes)

    def _placed(self, notes: Notes) -> list[Played]:
        """Notes of the piece at positions of the song."""
        return [note._replace(at=self.anchor + note.at) for note in notes]

    def _full(self, mask: Mask) -> Mask:
        """(V,) a mask of the codec's tokens, framing left out."""
        return np.append(mask, np.zeros(self._framing, np.bool_))

    @property
    def _framing(self) -> int:
        return self.model.tokenizer.vocab_size - self.model.tokenizer.document_id

    def _label(self) -> str | None:
        wanted = self.values.get("label")
        return self.model.label(wanted, self.seed, self.pieces)

    def _sampling(self) -> Sampling:
        values = self.values
        rules = [(name.removeprefix(RULE), value) for name, value in values.items() if name.startswith(RULE)]
        meter = values.get("meter")
        music = Music(
            instruments=values.get("instruments"),
            key=values.get("key"),
            scale=values.get("scale"),
            density=values.get("density"),
            meter=None if meter is None else meter_of(meter),
        )
        rules = [(name, value) for name, value in rules if value is not None]
        warm, (clamp, gain) = temperature(values, self.model), held_cells(values)
        return Sampling(
            seed=self.seed, temperature=warm, rules=rules, length=UNLIMITED, music=music, clamp=clamp, gain=gain
        )

    def _encoded(self, heard: Notes, at: float) -> list[int]:
        """The ids of notes that were heard from `at` on, as a piece that goes on."""
        score = score_of(heard, at, self.codec.part_names, self.values.get("meter"))
        return self.codec.of_score(score, Faults(None), ongoing=True).tolist() if len(score) else []


def check(model: Model, values: Mapping[str, Any]) -> None:
    """Whether a model has the label and the voices that controls name.

    Raises:
        UsageError: It has not.
    """
    if values.get("label") is not None:
        model.tokenizer.label_id(values["label"])
    if values.get("mix") is not None and not isinstance(model.engine, MixtureEngine):
        raise UsageError("mix weighs what --mix or --blend adds, and neither was given", "begin again with one of them")


def weigh(model: Model, values: Mapping[str, Any]) -> None:
    """Give the voices of a mixture their weights."""
    weight, engine = values.get("mix"), model.engine
    if weight is not None and isinstance(engine, MixtureEngine):
        others = len(engine.parts) - 1
        shares = (1 - weight, *[weight / max(others, 1)] * others)
        engine.fade = Fade(shares, shares)


def held_cells(values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cells that are held, and those that are scaled, as `seqgen.api.sampling.Sampling` has them."""
    clamp, gain = (tuple((values.get(name) or "").split(",")) if values.get(name) else () for name in CELLS)
    return clamp, gain


def temperature(values: Mapping[str, Any], model: Model) -> float | str:
    """The temperature, with those of classes of tokens behind it."""
    whole, classes = values.get("temperature", 0.9), model.tokenizer.classes()
    own = [(name, values.get(f"temperature_{name}")) for name in CLASSES if name in classes]
    given = [f"{name}={value}" for name, value in own if value is not None]
    return ",".join([str(whole), *given]) if given else float(whole)


def score_of(heard: Notes, at: float, names: Sequence[str] = (), meter: str | None = None) -> Score:
    """Notes at positions as a score that begins at `at`, a part each."""
    rows = [
        (
            round((note.at - at) * TICKS),
            max(round(note.length * TICKS), 1),
            note.pitch,
            note.velocity,
            note.program,
        )
        for note in heard
        if note.at >= at - 1e-6
    ]
    parts = [note.part for note in heard if note.at >= at - 1e-6]
    rest = {} if meter is None else {"meter": np.array([meter_of(meter)], np.int64)}
    return Score.from_notes(TICKS, [(max(row[0], 0), *row[1:]) for row in rows], part=parts, names=list(names), **rest)

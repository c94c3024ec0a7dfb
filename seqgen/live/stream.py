"""A model that plays on and on: tokens become notes at positions of the song, one piece after the other.

It draws a token at a time, under rules and a grammar that may change between two tokens. Positions are quarter notes of
the song; a piece's own beginning lies at its anchor.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqgen.api.model import Model
from seqgen.codecs import Mask
from seqgen.errors import UsageError
from seqgen.generation.limits import Limits
from seqgen.live.controls import meter_of
from seqgen.live.source import Keep, Source
from seqgen.music.faults import Faults
from seqgen.music.played import Played
from seqgen.music.request import Music
from seqgen.music.score import Score

STUCK = 256  # tokens at one position, after which the next must lead on
TICKS = 480  # a quarter note, of what is heard
Notes = Sequence[Played]


class Gate:
    """A grammar that can be exchanged, and narrowed for a while; what it would leave nothing of it lets through.

    Attributes:
        inner: The grammar.
        keep: (V,) what may be drawn; None: whatever the grammar allows.
    """

    inner: Any

    def __init__(self) -> None:
        self.keep: Mask | None = None

    def start(self) -> Any:
        return self.inner.start()

    def step(self, state: Any, token: int) -> Any:
        return self.inner.step(state, token)

    def allowed(self, state: Any) -> Mask:
        mask: Mask = self.inner.allowed(state)
        if self.keep is None:
            return mask
        kept = mask & self.keep
        return kept if kept.any() else mask

    def may_end(self, state: Any) -> bool:
        return bool(self.inner.may_end(state))


class Stream(Source):
    """What a model of music plays. The arguments are those of `Source`; the model's codec can be steered.

    Attributes:
        anchor: The position of the song at which the piece begins.

    Raises:
        UsageError: The model makes no music, or music that cannot be played live.
    """

    def __init__(self, model: Model, values: Mapping[str, Any], seed: int, keep: Keep = lambda ids: None) -> None:
        codec = model.tokenizer.codec.steerable()
        if codec is None:
            name = model.tokenizer.codec_name
            raise UsageError(
                f"{model.name} has codec {name}, which cannot be played live", "midi_bar and midi can, and text"
            )
        self.codec, self.playing = codec, codec.playing()
        self.anchor, self._stuck, self._gate = 0.0, 0, Gate()
        super().__init__(model, values, seed, keep)

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
        super().change(values)
        constraints = self._steered.constraints
        constraints.states = [(kind, self._gate.inner.inner.adopted(place)) for kind, place in constraints.states]

    def begin(self, at: float, heard: Notes = ()) -> None:
        """Begin a new piece at a position; or one that has gone on like `heard` so far, whose first bar is at `at`."""
        self.anchor, self._stuck, self._gate.keep = at, 0, None
        self.playing = self.codec.playing()
        self._restart()
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
        token, ended = self._draw()
        self._gate.keep = None
        if ended:
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
            token, ended = self._draw()
            if ended:
                break
            if moving[token] and found:
                self._steered.unsay()
                break
            found += [*self._taken(token), *self._placed(self.playing.settle())]
            if len(found) >= most:
                break
            self._gate.keep = None if found else staying
        self._gate.keep = None
        self.anchor -= self.position - begin
        return found

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
        framing = self.model.tokenizer.vocab_size - self.model.tokenizer.document_id
        return np.append(mask, np.zeros(framing, np.bool_))

    def _limited(self, limits: Limits) -> Limits:
        self._gate.inner = limits.grammar
        return dataclasses.replace(limits, grammar=self._gate)

    def _music(self) -> Music:
        values, meter = self.values, self.values.get("meter")
        return Music(
            instruments=values.get("instruments"),
            key=values.get("key"),
            scale=values.get("scale"),
            density=values.get("density"),
            meter=None if meter is None else meter_of(meter),
        )

    def _encoded(self, heard: Notes, at: float) -> list[int]:
        """The ids of notes that were heard from `at` on, as a piece that goes on."""
        score = score_of(heard, at, self.codec.part_names, self.values.get("meter"))
        return self.codec.of_score(score, Faults(None), ongoing=True).tolist() if len(score) else []


def score_of(heard: Notes, at: float, names: Sequence[str] = (), meter: str | None = None) -> Score:
    """Notes at positions as a score that begins at `at`, a part each."""
    kept = [note for note in heard if note.at >= at - 1e-6]
    rows = [
        (max(round((n.at - at) * TICKS), 0), max(round(n.length * TICKS), 1), n.pitch, n.velocity, n.program)
        for n in kept
    ]
    rest = {} if meter is None else {"meter": np.array([meter_of(meter)], np.int64)}
    return Score.from_notes(TICKS, rows, part=[note.part for note in kept], names=list(names), **rest)

"""The steered score grammar with a memory of its bars: sections that come back, or bars as like those before them as a
corpus has them.

While a bar is to be like an earlier one, its model, the token that would play the model's next note at this place is
made likelier by some nats, whatever the grammar and the controls leave of it: so these are never broken, and a bar may
vary. The nats follow what was measured: they rise where bars are less like their models than REPEAT, and fall where
they are more.

- By letters, the model of a bar is the one at the same place of the latest section with its letter.
- As in a corpus, likeness is kept by lag. At each lag what a corpus has and the piece has not is owed, and what is owed
  is paid in runs of bars that have a model: bars that come back stand together. A run at a lag is half as long as the
  lag, begins at a multiple of it, and may be prolonged. Where it falls is dithered: what is owed begins at a random
  number that hangs on the second bar alone.

Bars are counted from the first full one: an upbeat, of a quarter note or less, comes before them.
"""

import zlib
from typing import NamedTuple

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.place import Place
from seqgen.codecs.midi_bar.recall import Bar, Note
from seqgen.codecs.midi_bar.steering import SteeredScore
from seqgen.music.form import Form

REPEAT = 0.93  # how like its model a bar is to be
NATS, MOST_NATS = 5.0, 12.0  # at the beginning, and at most
GAIN = 4.0  # nats for a bar that has nothing of its model
ENDLESS = 10_000  # bars that are remembered where the form is as long as the piece


class Past(NamedTuple):
    """What was played.

    Attributes:
        bars: The latest bars, this one left out.
        notes: Those of this one.
        model: The bar that it is to be like; None: it is free.
        following: The number of the model's note that is next.
        nats: By how much that is made likelier.
        upbeat: Whether the first bar is one.
        owed: (lags,) likeness that is due, in bars.
        lag, left: Of a run: where its models are, and how many bars follow this one.
    """

    bars: tuple[Bar, ...] = ()
    notes: tuple[Note, ...] = ()
    model: Bar | None = None
    following: int = 0
    nats: float = NATS
    upbeat: bool = False
    owed: tuple[float, ...] = ()
    lag: int = 0
    left: int = 0


class Formed(NamedTuple):
    """Where a piece with a form stands."""

    place: Place
    past: Past


class FormedScore:
    """A steered grammar of the score vocabulary that leans to what its form asks for.

    Args:
        steered: The grammar as it is.
        form: Fitted to the length of the piece, or with the likeness of a corpus.
    """

    def __init__(self, steered: SteeredScore, form: Form) -> None:
        self.steered, self.form = steered, form
        self._kept = ENDLESS if form.letters else max(lag for lag, _ in form.similarity)

    def start(self) -> Formed:
        return Formed(self.steered.start(), Past(owed=(0.0,) * len(self.form.similarity)))

    def step(self, state: Formed, token: int) -> Formed:
        place, past = self.steered.step(state.place, token), state.past
        inner, model = place.inner, past.model
        if token == v.BAR:
            if place.bar > 0:
                past = self._closed(past, state.place, place)
                place = self._lengthened(place, past)
        elif v.PITCH <= token < v.DUR:
            note = Note.begun(token, inner)
            following = model.after(note, past.following) if model is not None else 0
            past = past._replace(notes=(*past.notes, note), following=following)
        elif v.DUR <= token < v.TIE and past.notes:
            last = past.notes[-1]
            past = past._replace(notes=(*past.notes[:-1], last._replace(lengths=(*last.lengths, token))))
        elif inner.phase == g.POS and model is not None:
            before = Note(inner.inside, -1, 0, 0, 0)
            past = past._replace(following=model.after(before, past.following))
        return Formed(place, past)

    def allowed(self, state: Formed) -> Mask:
        return self.steered.allowed(state.place)

    def may_end(self, state: Formed) -> bool:
        return self.steered.may_end(state.place)

    def lean(self, state: Formed) -> tuple[int, float] | None:
        """(a token that is to be likelier, by so many nats), or None."""
        past = state.past
        if past.model is None:
            return None
        token = past.model.again(state.place.inner, past.following, past.notes[-1] if past.notes else None)
        return None if token is None else (token, past.nats)

    def _closed(self, past: Past, before: Place, place: Place) -> Past:
        """What was played once a bar is over and the next begins."""
        bar = Bar(before.inner.meter, past.notes)
        nats, over, under = past.nats, *bar.meter
        if past.model is not None and bar.notes:
            nats = min(max(nats + GAIN * (REPEAT - bar.similarity(past.model)), 0.0), MOST_NATS)
        bars = (*past.bars, bar)[-self._kept - 1 :]
        upbeat = past.upbeat or (before.bar == 0 and 4 * over <= under)
        past = past._replace(bars=bars, notes=(), following=0, nats=nats, upbeat=upbeat)
        if not self.form.letters:
            return self._as_in_corpus(self._owing(past, before.bar), place.bar)
        distance = self._distance(place, past.upbeat)
        return past._replace(model=bars[-distance] if 0 < distance <= len(bars) else None)

    def _distance(self, place: Place, upbeat: bool) -> int:
        """How many bars before this one its model is; 0: it has none."""
        letters, begin = self.form.letters, self.steered.begin or int(upbeat)
        size = self.form.section
        if size is None:  # as long as the length leaves them
            size = (place.last + 1 - begin) // len(letters) if place.last >= begin else 0
        section = (place.bar - begin) // size if size else len(letters)
        if not 0 <= section < len(letters):
            return 0
        found = letters.rfind(letters[section], 0, section)
        return (section - found) * size if found >= 0 else 0

    def _lengthened(self, place: Place, past: Past) -> Place:
        """An upbeat stands before the sections, where their length is the piece's and its countdown allows it."""
        to_go, remain = place.last, place.inner.remain
        fits = g.lower(remain) <= to_go + 1 <= g.upper(remain)
        if place.bar != 1 or self.steered.begin or not (self.form.own and past.upbeat and to_go > 0 and fits):
            return place
        return self.steered.until(place, place.last + 1)

    def _owing(self, past: Past, number: int) -> Past:
        """The same with what is owed after the bar `number`, which was the latest."""
        bar, owed = past.bars[-1], past.owed
        if bar.notes:
            owed = tuple(
                due + (target - bar.similarity(past.bars[-1 - lag]) if len(past.bars) > lag else 0.0)
                for due, (lag, target) in zip(owed, self.form.similarity)
            )
        if number == max(self.steered.begin - 1, 1):
            owed = tuple(due + _dither(bar, lag) * _pays(lag) for due, (lag, _) in zip(owed, self.form.similarity))
        return past._replace(owed=owed)

    def _as_in_corpus(self, past: Past, number: int) -> Past:
        """The same with a model for the bar `number`, where likeness is owed."""
        lag, left = past.lag, past.left - 1
        place = number - int(past.upbeat)  # among full bars
        if left < 0:
            ready = [
                each
                for due, (each, _) in zip(past.owed, self.form.similarity)
                if each <= min(place, len(past.bars))
                and place % (_run(each) if each == lag else each) == 0
                and due >= _pays(each) / 2
            ]
            lag = max(ready, default=0) if number >= self.steered.begin else 0  # long ones begin at few places
            left = _run(lag) - 1 if lag else 0
        return past._replace(model=past.bars[-lag] if lag else None, lag=lag, left=left)


def _run(lag: int) -> int:
    """How many bars come back together."""
    return max(1, lag // 2)


def _pays(lag: int) -> float:
    """How much likeness a run pays."""
    return _run(lag) * REPEAT


def _dither(bar: Bar, lag: int) -> float:
    """A number from −½ to ½ that hangs on a bar and a lag."""
    data = repr((lag, [(note.place, note.sound) for note in bar.notes])).encode("ascii")
    return zlib.crc32(data) / 2**32 - 0.5

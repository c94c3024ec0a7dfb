"""How it plays: by itself, after a call, with each note, along with what is heard, or round and round."""

import abc
import math
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from seqgen.live.ear import PART
from seqgen.music.played import Played

if TYPE_CHECKING:
    from seqgen.live.player import Player

BEHIND = 0.5  # quarter notes by which a plan may be behind the song
MOST = 64  # tokens that are drawn in one turn: what is heard meanwhile must not wait
LEAD = 0.35  # seconds before a bar at which its accompaniment is made
PAST = 4  # bars that are listened back to
REST = 32.0  # quarter notes of silence after which an answer begins a new piece
LOOP_LEAD = 0.6  # seconds before a loop comes round at which it is planned
FREE = 2.0  # quarter notes a second, of what answers at once and knows no song


class Mode(abc.ABC):
    """One way of playing. Everything happens on the player's thread."""

    def __init__(self, player: "Player") -> None:
        self.player = player

    @abc.abstractmethod
    def begin(self) -> None:
        """Begin, or go on after the song has gone to another position."""

    @abc.abstractmethod
    def plan(self) -> None:
        """Plan what is due."""

    def begins(self, note: Played, now: float) -> None:  # noqa: B027 (most modes have nothing to do)
        """A key went down."""

    def ends(self, pitch: int, now: float) -> None:  # noqa: B027
        """A key went up."""

    def act(self, name: str) -> None:  # noqa: B027
        """`mutate`, `capture`, or `pedal`: it went up."""

    def _play_until(
        self, beat: float, keep: Callable[[Played], bool] = lambda note: True, without: int | None = None
    ) -> bool:
        """Plan what comes before a position; True once that is done."""
        stream = self.player.stream
        for _ in range(MOST):
            if stream.position >= beat:
                return True
            for note in stream.advance(without):
                if keep(note):
                    self.player.hands.plan(note)
        return stream.position >= beat


class Solo(Mode):
    """Plays for ever."""

    def begin(self) -> None:
        self.player.anchor(self.player.quantised(self.player.beat()))

    def plan(self) -> None:
        player = self.player
        if player.transport.running and player.stream.position < player.beat() - BEHIND:
            player.behind += 1
            player.anchor(player.quantised(player.beat(player.ahead)))
        self._play_until(player.beat(player.ahead))

    def act(self, name: str) -> None:
        if name == "mutate":
            self.player.stream.begin(self.player.quantised(self.player.stream.position))


class Call(Mode):
    """Listens; after some silence answers as long."""

    def begin(self) -> None:
        self._from = self.player.beat()
        self._until: float | None = None
        self._now = False

    def plan(self) -> None:
        player = self.player
        if self._until is not None:
            until = self._until
            if (
                self._play_until(min(player.beat(player.ahead), until), lambda note: note.at < until)
                and player.beat() >= until
            ):
                self._until = None
                player.tell({"event": "state", "state": "listening"})
            return
        ear, bar = player.ear, player.stream.playing.bar
        if ear.latest is None or ear.latest < self._from:
            self._now = False
            return
        silent = not ear.holding and player.beat() - ear.latest >= player.values["listen"] * bar
        if silent or self._now:
            self._answer(bar)

    def act(self, name: str) -> None:
        self._now = name in ("capture", "pedal")

    def _answer(self, bar: float) -> None:
        player, stream = self.player, self.player.stream
        self._now = False
        heard = player.ear.since(self._from, player.beat())
        if not heard:
            return
        first = heard[0].at // bar * bar
        end = max(note.at + note.length for note in heard)
        bars = player.values["answer"] or max(math.ceil((end - first) / bar - 0.05), 1)
        stream.begin(first, heard)
        stream.read(stream.playing.moved(stream.playing.line + stream.playing.bar))
        begin = player.quantised(player.beat(player.ahead))
        stream.anchor += begin - stream.position
        self._until, self._from = begin + bars * bar, player.beat()
        player.tell({"event": "state", "state": "answering", "notes": len(heard), "bars": bars})


class Follow(Mode):
    """Answers each note at once, in other parts; the answer ends with the note."""

    def begin(self) -> None:
        self._sounding: dict[int, list[Callable[[float], None]]] = {}
        self._warm()

    def plan(self) -> None:
        """Nothing is planned."""

    def begins(self, note: Played, now: float) -> None:
        stream, hands = self.player.stream, self.player.hands
        self.ends(note.pitch, now)
        at = now * FREE
        if at - stream.position > REST or at < stream.position - 1:
            stream.begin(at)
        answers = self._answers(note._replace(at=at, length=0.5))
        self._sounding[note.pitch] = [hands.strike(answer, now) for answer in answers]

    def ends(self, pitch: int, now: float) -> None:
        for end in self._sounding.pop(pitch, ()):
            end(now)

    def _answers(self, note: Played) -> list[Played]:
        stream = self.player.stream
        stream.read(stream.playing.moved(note.at - stream.anchor))
        stream.read(stream.playing.said(note))
        return stream.answer(self.player.values["voices"])

    def _warm(self) -> None:
        """Answer a few notes that nobody hears: the first of all take several times as long."""
        stream = self.player.stream
        stream.begin(0.0)
        for place in range(8):
            self._answers(Played(place / 2, 0.5, 60 + place, 80, self.player.ear.program, PART))
        stream.begin(-1e9)


class Accompany(Mode):
    """Plays the other parts of the next bar to the latest bars of what is heard."""

    def begin(self) -> None:
        self._next = self._line(self.player.beat()) + self.player.stream.playing.bar
        self._own: list[Played] = []
        self._until: float | None = None

    def _line(self, beat: float) -> float:
        bar = self.player.stream.playing.bar
        return beat // bar * bar

    def plan(self) -> None:
        player, bar = self.player, self.player.stream.playing.bar
        if self._until is not None:
            until = self._until
            if self._play_until(until, self._mine, None if player.stream.alone else PART):
                self._until = None
            return
        if player.beat(LEAD) < self._next:
            return
        begin = self._next - PAST * bar
        now = player.beat()
        heard = player.ear.since(begin, now)
        self._own = [note for note in self._own if note.at >= begin]
        line, self._next = self._next, self._next + bar
        if not heard or now > line + bar:
            return
        stream = player.stream
        first = min(note.at for note in heard) // bar * bar
        stream.begin(first, sorted([*heard, *(note for note in self._own if first <= note.at < line)]))
        stream.read(stream.playing.moved(line - first))
        self._until = line + bar

    def _mine(self, note: Played) -> bool:
        """Whether a note is to be played: it begins in the bar that is made."""
        mine = note.at < (self._until or 0.0)
        if mine:
            self._own.append(note)
        return mine


class Loop(Mode):
    """Repeats what it made, and changes it on request."""

    def begin(self) -> None:
        player = self.player
        self._mutate = False
        self._random = random.Random(player.stream.seed)
        self._length = player.values["loop_bars"] * player.stream.playing.bar
        self._begin = player.quantised(player.beat())
        self._notes = self._made(())

    def plan(self) -> None:
        player = self.player
        if player.beat(LOOP_LEAD) < self._begin:
            return
        if self._mutate or self._random.random() < player.values["mutation"]:
            self._mutate = False
            self._notes = self._made(self._notes)
        if (late := player.beat() - self._begin) > self._length:
            player.behind += 1
            self._begin += late // self._length * self._length
        for note in self._notes:
            player.hands.plan(note._replace(at=self._begin + note.at))
        self._begin += self._length

    def act(self, name: str) -> None:
        self._mutate = self._mutate or name == "mutate"

    def _made(self, past: "tuple[Played, ...] | list[Played]") -> list[Played]:
        """A loop that begins as another one does, up to a bar drawn at random, and goes on otherwise."""
        stream, bar = self.player.stream, self.player.stream.playing.bar
        bars = max(round(self._length / bar), 1)
        kept = self._random.randrange(bars) * bar if past else 0.0
        begun = [note for note in past if note.at < kept]
        stream.begin(0.0, begun)
        if begun:
            stream.read(stream.playing.moved(kept))
        found = list(begun)
        while stream.position < self._length:
            self.player.pulse = time.monotonic()
            found += [note for note in stream.advance() if note.at < self._length]
        return found


MODES: dict[str, Callable[["Player"], Mode]] = {
    "solo": Solo, "call": Call, "follow": Follow, "accompany": Accompany, "loop": Loop,
}  # fmt: skip

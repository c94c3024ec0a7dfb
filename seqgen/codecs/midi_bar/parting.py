"""A document of score tokens in parts: what is given in each bar, one bar ahead, and what is made of it.

A bar that is given is a bar of a document that has the given parts alone, with meter, countdown and tempo. A bar that
is made begins with BAR, too, and says nothing of these: it has what the other parts play. Of each kind PART, INST and
VEL stand where they change among the bars of that kind, so that both can be read alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi.decoding import latest
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.encoding import Rows, flat, row_columns
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.infilling import Signs

TUNE, ONE = 0.4, 0.6  # draws up to these: the highest part alone is given, one of the parts is

Bars = list[Ids]  # the tokens of each


@dataclass(frozen=True, eq=False)
class Apart:
    """A document taken apart.

    Attributes:
        rows: Tempos and notes.
        heads: What each bar says of itself: BAR, METER, REMAIN.
        kit: The token of the drums' kit, or nothing.
    """

    rows: Rows
    heads: Bars
    kit: Ids

    @classmethod
    def of(cls, ids: Ids) -> "Apart":
        """Of (n,) ids that `encode_score` made, or the beginning of such."""
        token = ids.astype(np.int64)
        bar = np.cumsum(token == v.BAR) - 1
        value = (token >= v.DUR) & (token < v.TIE)
        position = (token >= v.POS) & (token < v.PART)
        other = np.flatnonzero(token == v.METER + v.OTHER)
        spelt = np.zeros(len(token) + 2, np.bool_)
        spelt[other + 1] = spelt[other + 2] = True
        spelt = spelt[: len(token)]
        said = position & ~spelt
        head = (token < v.TEMPO) | spelt | (token >= v.REMAIN)
        heads = [ids[head & (bar == each)] for each in range(int(bar[-1]) + 1)] if len(token) else []
        pitch, drum = (token >= v.PITCH) & (token < v.DRUM), (token >= v.DRUM) & (token < v.DUR)
        whole = pitch & np.append(value[1:], False)[: len(token)]
        tempo = (token >= v.TEMPO) & (token < v.POS)
        at = np.flatnonzero(whole | drum | tempo)
        owner = np.cumsum(pitch | drum | tempo)
        steps = np.bincount(owner, np.where(value, v.DURATIONS[np.where(value, token - v.DUR, 0)], 0)).astype(np.int64)
        moved = said | (token == v.BAR)
        where = np.maximum.accumulate(np.where(moved, np.arange(len(token)), 0))
        inside = np.where(said[where], token[where] - v.POS, 0)
        part = np.where(drum, v.PARTS, np.where(tempo, -1, latest(token, v.PART, v.INST, 0)))
        kind = np.where(drum, v.DRUM, np.where(tempo, v.TEMPO, v.PITCH))
        begun = np.flatnonzero(token == v.BAR)[:1]
        kit = ids[: begun[0]] if len(begun) else ids[:0]
        rows = Rows(
            (bar * v.LONGEST_BAR + inside)[at], bar[at], inside[at], part[at], _programs(token, part, at, len(kit)),
            (token - kind)[at], np.where(drum | tempo, 0, steps[owner])[at], latest(token, v.VEL, v.PITCH, 0)[at],
        )  # fmt: skip
        return cls(rows, heads, kit)

    @property
    def parts(self) -> list[int]:
        """The parts that play, drums being the last."""
        return [int(each) for each in np.unique(self.rows.part) if each >= 0]

    def highest(self) -> int:
        """The part whose notes are highest in the mean, drums aside; −1 where there is none."""
        rows = self.rows
        means = {part: float(rows.pitch[rows.part == part].mean()) for part in self.parts if part < v.PARTS}
        return max(means, key=means.__getitem__) if means else -1

    def given(self, parts: Sequence[int]) -> Bars:
        """Each bar as it is given when these parts are."""
        rows = self.rows
        bodies = self._bodies(np.isin(rows.part, [-1, *parts]))
        first = [self.kit if v.PARTS in parts else self.kit[:0], *[self.kit[:0]] * (len(self.heads) - 1)]
        return [np.concatenate(each) for each in zip(first, self.heads, bodies)]

    def made(self, parts: Sequence[int]) -> Bars:
        """Each bar as it is made when these parts are."""
        bodies, bar = self._bodies(np.isin(self.rows.part, parts)), np.array([v.BAR], self.kit.dtype)
        first = [self.kit if v.PARTS in parts else self.kit[:0], *[self.kit[:0]] * (len(self.heads) - 1)]
        return [np.concatenate([kit, bar, body]) for kit, body in zip(first, bodies)]

    def _bodies(self, kept: NDArray[np.bool_]) -> Bars:
        """The tokens of the rows that are kept, bar by bar."""
        rows = self.rows
        columns = (rows.step, rows.bar, rows.inside, rows.part, rows.program, rows.pitch, rows.length, rows.velocity)
        own = Rows(*(column[kept] for column in columns))
        if not len(own.step):
            return [self.kit[:0]] * len(self.heads)
        ids, per_row = flat(row_columns(own))
        ends = np.concatenate([[0], np.cumsum(per_row)])
        edges = ends[np.searchsorted(own.bar, np.arange(len(self.heads) + 1))]
        return [ids[begin:end] for begin, end in pairwise(edges.tolist())]


def _programs(token: Ints, part: Ints, at: Ints, kit: int) -> Ints:
    """(K,) the program of the part of each row, what INST said of it last."""
    found = np.zeros(len(at), np.int64)
    said = np.flatnonzero((token >= v.INST) & (token < v.VEL) & (np.arange(len(token)) >= kit))
    now = latest(token, v.PART, v.INST, 0)
    for each in np.unique(part[at]).tolist():
        own, here = said[now[said] == each], np.flatnonzero(part[at] == each)
        if 0 <= each < v.PARTS and len(own):
            found[here] = token[own[np.maximum(np.searchsorted(own, at[here]) - 1, 0)]] - v.INST
    return found


def interleaved(given: Bars, made: Bars, signs: Signs) -> Ids:
    """(n,) ids of a document in parts, its bars being (B,) given and (B,) made ones."""
    kind = given[0].dtype
    known, new = (np.array([sign], kind) for sign in (signs.given, signs.made))
    pieces = [known, given[0]]
    for place in range(len(made)):
        if place + 1 < len(given):
            pieces += [known, given[place + 1]]
        pieces += [new, made[place]]
    return np.concatenate(pieces)


def in_parts(ids: Ids, draws: Sequence[float], signs: Signs) -> Ids | None:
    """See `Codec.in_parts`."""
    apart = Apart.of(ids)
    parts = apart.parts
    if len(parts) < 2 or not apart.heads:
        return None
    given = chosen(parts, apart.highest(), draws)
    return interleaved(apart.given(given), apart.made([each for each in parts if each not in given]), signs)


def chosen(parts: list[int], tune: int, draws: Sequence[float]) -> list[int]:
    """The parts that are given: the tune, one of them, or several."""
    if draws[0] < TUNE and tune >= 0:
        return [tune]
    if draws[0] < ONE:
        return [parts[int(draws[1] * len(parts))]]
    count = 1 + int(draws[1] * (len(parts) - 1))
    order = np.random.default_rng(int(draws[2] * 2**53)).permutation(len(parts))
    return sorted(parts[place] for place in order[:count])

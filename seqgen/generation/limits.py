"""What ends a stream and what it may hold: told from outside, in ids, and followed row by row while streams run.

A spelling says what characters are made of, a grammar what may follow at all; a guard refuses single tokens now and
then, as `seqgen.originality` does to a copy of the corpus. Where a grammar or a guard leaves nothing to draw it gives
way: a stream goes on rather than break off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from seqgen.generation.engine import Ids, Logits
from seqgen.generation.spelling import Mask, Spelling, penalties, places
from seqgen.rules import NEVER, unless_empty


class Grammar(Protocol):
    """What may follow, as a state machine over ids; `seqgen.codecs.Grammar` is one."""

    def start(self) -> Any:
        """The state before the first token."""
        ...

    def step(self, state: Any, token: int) -> Any:
        """The state after one more token."""
        ...

    def allowed(self, state: Any) -> Mask:
        """(V,) True where a token may follow."""
        ...

    def may_end(self, state: Any) -> bool:
        """Whether the stream may end here."""
        ...


class Guard(Protocol):
    """What must not follow, as a state machine over ids that mostly has nothing to say. States are never changed."""

    def start(self) -> Any:
        """The state before the first token."""
        ...

    def step(self, state: Any, token: int) -> Any:
        """The state after one more token."""
        ...

    def refused(self, state: Any) -> Sequence[int]:
        """The tokens that must not follow; mostly none."""
        ...


@dataclass(frozen=True, eq=False)
class Guards:
    """Several guards as one, which refuses what any of them refuses.

    Attributes:
        guards: At least one.
    """

    guards: Sequence[Guard]

    def start(self) -> tuple[Any, ...]:
        """The state of each before the first token."""
        return tuple(guard.start() for guard in self.guards)

    def step(self, state: tuple[Any, ...], token: int) -> tuple[Any, ...]:
        """The state of each after one more token."""
        return tuple(guard.step(each, token) for guard, each in zip(self.guards, state))

    def refused(self, state: tuple[Any, ...]) -> Sequence[int]:
        """The tokens that any of them refuses."""
        return [token for guard, each in zip(self.guards, state) for token in guard.refused(each)]


@dataclass(frozen=True)
class Limits:
    """What ends a stream, and what it may hold.

    Attributes:
        length: Tokens at most, and those that finish the last character; None: no limit.
        end_id: The token that ends a stream; None: none does.
        stop: Called with (stream index, token) after each token; True ends the stream.
        grammar: What may follow what, from the first token of the prompt on.
        banned: (V,) True where a token is never drawn.
        unseen: (V,) True where a token is drawn only where all others are banned or break the grammar.
        guard: What is refused token by token, from the first token of the prompt on.
        spelling: What characters are made of.
        lean: A token that is made likelier, by so many nats, in a state of the grammar, or None; what the grammar
            refuses it refuses all the same.
    """

    length: int | None = None
    end_id: int | None = None
    stop: Callable[[int, int], bool] | None = None
    grammar: Grammar | None = None
    banned: Mask | None = None
    unseen: Mask | None = None
    guard: Guard | None = None
    spelling: Spelling | None = None
    lean: Callable[[Any], tuple[int, float] | None] | None = None

    @property
    def penalties(self) -> Logits | None:
        """(S, V) or (V,) what is added to logits where there is no grammar, see `seqgen.generation.spelling`."""
        return penalties(self.spelling, self.banned, self.unseen)


NO_LIMITS = Limits()


class Constraints:
    """Bans, spelling, grammar and guard of several streams, each at its own state.

    Args:
        limits: What holds for all of them.
        prompts: What each has read so far.
    """

    def __init__(self, limits: Limits, prompts: Sequence[Ids]) -> None:
        self.grammar, self.guard, self.spelling = limits.grammar, limits.guard, limits.spelling
        self.lean = limits.lean
        held = limits if self.grammar is None else replace(limits, unseen=None)  # behind a grammar it may give way
        self.penalties = held.penalties
        self.strange = None if self.grammar is None else penalties(None, None, limits.unseen)
        self.places = None if self.spelling is None else places(self.spelling, prompts)
        self.states = [] if self.grammar is None else [_read(self.grammar, prompt) for prompt in prompts]
        self.matches = [] if self.guard is None else [_read(self.guard, prompt) for prompt in prompts]
        self.idle = all(each is None for each in (self.grammar, self.guard, self.penalties))

    def apply(self, logits: Logits) -> Logits:
        """(B, V) logits with −inf where a token may not follow; the argument is left as it is."""
        if self.idle:
            return logits
        if self.penalties is not None:
            logits = logits + self._rows(self.penalties)
        if self.grammar is not None:
            masks = [self.grammar.allowed(state) for state in self.states]
            kept = np.where(masks[0] if len(masks) == 1 else np.stack(masks), logits, NEVER)
            logits = unless_empty(kept, logits)
        if self.strange is not None:
            logits = unless_empty(logits + self.strange, logits)
        if self.lean is not None:
            logits = self._leaning(logits, self.lean)
        return logits if self.guard is None else self._guarded(logits, self.guard)

    def whole(self, ids: Ids | None = None) -> Mask:
        """(B,) whether each of B streams may break off, in no unfinished character: now, or after (B,) more `ids`."""
        if self.spelling is None or self.places is None:
            return np.ones(1 if ids is None else len(ids), np.bool_)
        return np.asarray((self.places if ids is None else self.spelling.after[self.places, ids]) == 0)

    def advance(self, ids: Ids) -> None:
        """One more token of each stream."""
        if self.spelling is not None:
            self.places = self.spelling.after[self.places, ids]
        if self.grammar is not None:
            step = self.grammar.step
            self.states = [step(state, token) for state, token in zip(self.states, ids.tolist())]
        if self.guard is not None:
            step = self.guard.step
            self.matches = [step(state, token) for state, token in zip(self.matches, ids.tolist())]

    def read(self, ids: Ids) -> None:
        """(n,) more tokens of a single stream."""
        for position in range(len(ids)):
            self.advance(ids[position : position + 1])

    def select(self, rows: Sequence[int]) -> None:
        """Go on with the streams at `rows`, in that order; one may be taken more than once."""
        self.places = None if self.places is None else self.places[list(rows)]
        self.states = [self.states[row] for row in rows] if self.states else []
        self.matches = [self.matches[row] for row in rows] if self.matches else []

    def _rows(self, penalties: Logits) -> Logits:
        """What is added to the logits of each stream: (B, V), or (V,) where it is the same for all."""
        if self.places is None:
            return penalties
        if len(self.places) > 1 and not self.places.any():  # mostly, where few characters are told by bytes
            return np.asarray(penalties[0])
        return penalties.take(self.places, axis=0)

    def _leaning(self, logits: Logits, lean: Callable[[Any], tuple[int, float] | None]) -> Logits:
        wanted = [(row, found) for row, state in enumerate(self.states) if (found := lean(state)) is not None]
        if not wanted:
            return logits
        leaning = logits.copy()
        for row, (token, nats) in wanted:
            leaning[row, token] += np.float32(nats)
        return leaning

    def _guarded(self, logits: Logits, guard: Guard) -> Logits:
        refused = [(row, tokens) for row, state in enumerate(self.matches) if (tokens := guard.refused(state))]
        if not refused:
            return logits
        kept = logits.copy()
        for row, tokens in refused:
            kept[row, tokens] = NEVER
        return unless_empty(kept, logits)


def _read(machine: Grammar | Guard, prompt: Ids) -> Any:
    """The state of a grammar or a guard after a prompt."""
    state = machine.start()
    for token in prompt.tolist():
        state = machine.step(state, token)
    return state

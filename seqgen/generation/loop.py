"""The sampling loop: an engine, prompts and rules become steps of ids, in constant memory however long it runs.

It knows ids only. What ends a stream is told from outside: a length, an end token, a `stop` function, a grammar.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.generation import Engine, Ids, Logits
from seqgen.generation._history import History
from seqgen.generation.sampling import Race, log_probabilities
from seqgen.rules import NEVER, Rule

Reason = Literal["length", "end", "stop", "interrupted"]
Mask = NDArray[np.bool_]


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


class Step(NamedTuple):
    """One step of all streams.

    Attributes:
        ids: (B,) the token of each stream; −1 where it has ended. An end token is not shown.
        log_probabilities: (B,) nats, under the model before rules; NaN where a stream has ended. None if not wanted.
        finished: Stream index → why it ended, for the streams that ended with this step.
    """

    ids: Ids
    log_probabilities: NDArray[np.float32] | None
    finished: Mapping[int, Reason]


@dataclass
class Sample:
    """What one stream became.

    Attributes:
        ids: The tokens after the prompt.
        log_probabilities: Nats of each under the model before rules; empty if not wanted.
        finished: Why it ended.
    """

    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    finished: Reason = "interrupted"


@dataclass(frozen=True)
class Limits:
    """What ends a stream, and what it may hold.

    Attributes:
        length: Tokens at most; None: no limit.
        end_id: The token that ends a stream; None: none does.
        stop: Called with (stream index, token) after each token; True ends the stream.
        grammar: What may follow what, from the first token of the prompt on.
        banned: (V,) True where a token is never drawn.
    """

    length: int | None = None
    end_id: int | None = None
    stop: Callable[[int, int], bool] | None = None
    grammar: Grammar | None = None
    banned: Mask | None = None


NO_LIMITS = Limits()


def generate(
    engine: Engine[Any],
    prompts: Sequence[Ids],
    rules: Sequence[Rule],
    *,
    seed: int,
    limits: Limits = NO_LIMITS,
    scores: bool = False,
) -> Iterator[Step]:
    """Sample one stream for each prompt, all at once, a step at a time.

    Args:
        engine: The network.
        prompts: (n,) ids of each stream's prompt, n ≥ 1; equal prompts are read once.
        rules: Applied in order, after the grammar and the banned tokens.
        seed: With the stream's index and the position it determines each draw.
        limits: What ends a stream, and what it may hold.
        scores: Whether log-probabilities are wanted.

    Yields:
        One `Step` for each position, until every stream has ended. Closing the generator is safe at any point.

    Raises:
        UsageError: A prompt is empty or has ids outside the vocabulary, or every token is banned.
    """
    if limits.length == 0:
        return
    run = _Run(engine, prompts, rules, seed, limits)
    while run.active:
        ids = run.draw()
        finished = run.ended(ids)
        yield Step(run.shown(ids, finished), run.scores(ids) if scores else None, finished)
        run.advance(ids, finished)


def collect(steps: Iterator[Step], streams: int) -> list[Sample]:
    """The whole samples of `generate`, for callers who need no streaming."""
    samples = [Sample() for _ in range(streams)]
    for step in steps:
        for index in np.flatnonzero(step.ids >= 0).tolist():
            samples[index].ids.append(int(step.ids[index]))
            if step.log_probabilities is not None:
                samples[index].log_probabilities.append(float(step.log_probabilities[index]))
        for index, reason in step.finished.items():
            samples[index].finished = reason
    return samples


class _Run:
    """The moving parts of one call of `generate`: rows are the streams that have not ended."""

    def __init__(
        self, engine: Engine[Any], prompts: Sequence[Ids], rules: Sequence[Rule], seed: int, limits: Limits
    ) -> None:
        vocab_size = engine.vocab_size
        _check(prompts, vocab_size, limits.banned)
        self.engine, self.rules, self.limits = engine, rules, limits
        self.count, self.position = len(prompts), 0
        self.active = list(range(self.count))
        self.race = Race(seed, self.active, vocab_size)
        self.history = History(prompts, max((rule.window for rule in rules), default=0))
        self.penalty = None if limits.banned is None else np.where(limits.banned, NEVER, np.float32(0))
        self.states = None if limits.grammar is None else [_read(limits.grammar, prompt) for prompt in prompts]
        self.logits, self.state = _prefill(engine, prompts)

    def draw(self) -> Ids:
        """(rows,) the next token of each."""
        logits = self.logits if self.penalty is None else self.logits + self.penalty
        if self.states is not None:
            logits = self._grammatical(logits)
        past = self.history.latest
        for rule in self.rules:
            logits = rule(logits, past)
        return self.race.draw(logits)

    def ended(self, ids: Ids) -> dict[int, Reason]:
        """Which streams end with `ids`, and why."""
        limits = self.limits
        self.position += 1
        if self.position == limits.length:
            reasons: dict[int, Reason] = dict.fromkeys(self.active, "length")
        elif limits.end_id is None and limits.stop is None and self.states is None:
            return {}
        else:
            reasons = {}
        for index, token in zip(self.active, ids.tolist()):
            if token == limits.end_id:
                reasons[index] = "end"
            elif limits.stop is not None and limits.stop(index, token):
                reasons[index] = "stop"
        return reasons

    def shown(self, ids: Ids, finished: Mapping[int, Reason]) -> Ids:
        """(B,) the tokens as `Step` has them."""
        if len(self.active) == self.count and not finished:
            return ids
        out = np.full(self.count, -1, np.int64)
        out[self.active] = np.where(ids == self.limits.end_id, -1, ids) if self.limits.end_id is not None else ids
        return out

    def scores(self, ids: Ids) -> NDArray[np.float32]:
        """(B,) log-probabilities under the model; NaN where a stream has ended."""
        out = np.full(self.count, np.nan, np.float32)
        out[self.active] = log_probabilities(self.logits, ids)
        return out

    def advance(self, ids: Ids, finished: Mapping[int, Reason]) -> None:
        """Take the tokens in; go on with the streams that have not ended."""
        if finished:
            rows = [row for row, index in enumerate(self.active) if index not in finished]
            ids = self._keep(rows, ids)
        if not self.active:
            return
        self.history.append(ids)
        if self.states is not None and self.limits.grammar is not None:
            step = self.limits.grammar.step
            self.states = [step(state, token) for state, token in zip(self.states, ids.tolist())]
        self.logits, self.state = self.engine.step(ids, self.state)

    def _keep(self, rows: list[int], ids: Ids) -> Ids:
        self.active = [self.active[row] for row in rows]
        if self.active:
            self.state = self.engine.select(self.state, rows)
            self.race.keep(rows)
            self.history.keep(rows)
            self.states = None if self.states is None else [self.states[row] for row in rows]
        return ids[rows]

    def _grammatical(self, logits: Logits) -> Logits:
        """Logits with −inf where the grammar forbids a token; where it forbids all that are left, it gives way."""
        assert self.limits.grammar is not None
        assert self.states is not None
        masks = [self.limits.grammar.allowed(state) for state in self.states]
        kept = np.where(masks[0] if len(masks) == 1 else np.stack(masks), logits, NEVER)
        highest = kept.max(axis=-1)
        if highest.min() > NEVER:
            return kept
        return np.where((highest > NEVER)[:, None], kept, logits)


def _check(prompts: Sequence[Ids], vocab_size: int, banned: Mask | None) -> None:
    for prompt in prompts:
        if len(prompt) == 0:
            raise UsageError("a prompt is empty, expected one token at least", "begin with the document token")
        if int(prompt.max()) >= vocab_size or int(prompt.min()) < 0:
            raise UsageError(f"a prompt has ids outside the vocabulary of {vocab_size}")
    if banned is not None and banned.all():
        raise UsageError("every token is banned, expected one at least that may be drawn")


def _read(grammar: Grammar, prompt: Ids) -> Any:
    """The grammar's state after a prompt."""
    state = grammar.start()
    for token in prompt.tolist():
        state = grammar.step(state, token)
    return state


def _prefill(engine: Engine[Any], prompts: Sequence[Ids]) -> tuple[Logits, Any]:
    """(B, V) logits and the state after the prompts; equal prompts are read once."""
    keys = [prompt.astype(np.int64).tobytes() for prompt in prompts]
    rows: dict[bytes, int] = {}
    logits, states = [], []
    for key, prompt in zip(keys, prompts):
        if key not in rows:
            rows[key] = len(rows)
            after, state = engine.prefill(prompt, engine.start(1))
            logits.append(after.copy())
            states.append(state)
    order = [rows[key] for key in keys]
    return np.concatenate(logits)[order], engine.select(engine.join(states), order)

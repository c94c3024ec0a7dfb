"""Settings joined with a model: the rules and limits of one call, and the way from tokens back to bytes.

It reads no prompt and writes no file. The command line and the Python API both sample through `Sampler`, so that
there is one way to sample.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgen.api import items
from seqgen.api.holding import Held, engine_of, held_of
from seqgen.api.novelty import Known, new_steps
from seqgen.api.over_text import balanced, grammar_of
from seqgen.api.sampling import UNLIMITED, Sampling
from seqgen.api.usual import effective
from seqgen.api.words import Token, Words
from seqgen.codecs import Grammar, Ids, Mask, Spelling
from seqgen.errors import UsageError
from seqgen.generation.engine import Engine
from seqgen.generation.limits import Guards
from seqgen.generation.loop import Guard, Limits, Step, generate
from seqgen.generation.spelling import places
from seqgen.generation.steering import Steered
from seqgen.generation.stopping import StopStrings
from seqgen.media import Timing
from seqgen.rules import Rule, Scope, chain

if TYPE_CHECKING:
    from seqgen.api.adapting import Adapting
    from seqgen.api.filling import Filling
    from seqgen.api.model import Model
    from seqgen.music.request import Music


class Sampler:
    """One call of the sampling loop: rules and limits made from settings, and the way from tokens back to bytes.

    Args:
        model: What to sample from.
        sampling: How.
        prompts: (n,) ids of each sample's beginning.
        hole: What they are to fill; None: they go on.
        beside: Another one of the same model and prompts, with what that has learned from them.

    Attributes:
        remarks: What people should know of what was asked.
        seen_cells: What the cells of `sampling.watch` are, after every token that the first sample reads.
        max_copy: The most tokens in a row that may be the same as in the training corpus; None: any number.
        known: What samples are not to be, where they are to be new.
        refused: Samples that were drawn and were not new.
    """

    def __init__(
        self,
        model: "Model",
        sampling: Sampling,
        prompts: Sequence[Ids],
        hole: "Filling | None" = None,
        beside: "Sampler | None" = None,
    ) -> None:
        self.model, self.sampling, self.prompts, self.hole = model, sampling, prompts, hole
        if beside is not None:
            self.adapting, self.engine = beside.adapting, beside.engine
        self.remarks: list[str] = []
        self.seen_cells: list[float] = [] if beside is None else beside.seen_cells
        self.known, self.refused = Known(model) if sampling.new else None, 0
        self.max_copy = self._longest_copy()
        self.rules = self.chain(sampling.temperature, sampling.rules)
        self.stops = self._stops()
        self._guard = self._no_copies()
        self._drawable = self._seen()
        self._lean: Callable[[Any], tuple[int, float] | None] | None = None
        self._grammar, self._longest = self._bounds()

    @cached_property
    def engine(self) -> Engine[Any]:
        """The network, as it has learned and with cells held where that was asked for, mixed with counts."""
        return self.played(*held_of(self.sampling.clamp, self.sampling.gain))

    def played(self, clamp: Held, gain: Held) -> Engine[Any]:
        """The same with these cells held, or heard louder or softer, by name."""
        sampling = self.sampling
        return engine_of(self.model, self.adapting, sampling.memory, clamp, gain, sampling.watch, self.seen_cells)

    def learn(self, ids: Ids) -> bool:
        """Learn from (n,) ids more; whether it is to learn at all, so that `played` gives another engine."""
        if self.adapting is not None:
            self.adapting.learn(ids)
        return self.adapting is not None

    @cached_property
    def adapting(self) -> "Adapting | None":
        """What has learned from the prompt, where that was asked for.

        Raises:
            UsageError: There is nothing to learn from, or the model cannot learn.
        """
        if self.sampling.adapt is False:
            return None
        from seqgen.api.adapting import learned  # not needed to start

        return learned(self.model, self.sampling.adapt, self.prompts[0], needed=not self.sampling.learns_later)

    def steps(self, scores: bool = False) -> Iterator[Step]:
        """The steps of `seqgen.generation.loop.generate`; where samples are to be new, those of the ones that are."""
        if self.known is not None:
            return new_steps(self)
        return generate(
            self.engine, self.prompts, self.rules, seed=self.sampling.seed, limits=self.limits(), scores=scores
        )

    def steered(self, scores: bool = False, likely: int = 0) -> Steered:
        """The first prompt as a stream whose rules and past can be changed while it runs."""
        return Steered(self.engine, self.prompts[0], self.rules, self.sampling.seed, self.limits(), scores, likely)

    def tokens(self) -> Iterator[Token]:
        """The tokens of the first sample."""
        words = Words(self)
        for step in self.steps(scores=True):
            if step.ids[0] >= 0:
                yield words.token(0, step)

    def chain(self, temperature: Any, given: Sequence[tuple[str, Any]]) -> list[Rule]:
        """The rules in order, see `seqgen.rules.chain`, with those that are usual for such a model."""
        return chain(temperature, effective(self.model, given), self._scope())

    def _scope(self) -> Scope:
        """What rules may know of the vocabulary and of the length."""
        model, length = self.model, self.length
        return Scope(model.tokenizer.vocabulary(), model.pieces, model.tokenizer.classes(), length)

    @property
    def length(self) -> int | None:
        """Tokens at most; None: no limit."""
        wanted = self.sampling.length
        if wanted is None and self.sampling.music is not None:
            wanted = self.sampling.music.most_tokens
        length = self.model.tokenizer.medium.usual_length if wanted is None else wanted
        return None if length == UNLIMITED else int(length)

    def limits(self) -> Limits:
        """What ends a sample, and what it may hold."""
        tokenizer = self.model.tokenizer
        banned = np.arange(tokenizer.vocab_size) >= tokenizer.document_id  # labels stand in prompts only
        end_id = tokenizer.document_id if self.hole is None else self.hole.end_id
        banned[[*(() if end_id is None else (end_id,)), *(() if self.hole is None else self.hole.drawn)]] = False
        if tokenizer.documents.kind == "line":  # an item is one
            banned |= np.array([b"\n" in piece for piece in self.model.pieces or []])
        return Limits(
            length=self._longest,
            end_id=end_id,
            stop=self.stops,
            grammar=self._grammar,
            banned=banned if banned.any() else None,
            unseen=self._unseen(),
            guard=self._guard,
            spelling=self._spelling(),
            lean=self._lean,
        )

    def _seen(self) -> Mask | None:
        """(V0,) the codec's tokens that training saw, and what must be able to follow them; None: any."""
        seen = self.model.seen
        if seen is None or self.sampling.unseen:
            return None
        mask = self.model.tokenizer.codec.drawable(seen.counts > 0)
        return None if mask.all() else mask

    def _unseen(self) -> Mask | None:
        """(V,) the tokens that are not drawn while others may follow."""
        if self._drawable is None or self._drawable.all():
            return None
        framing = self.model.tokenizer.vocab_size - len(self._drawable)
        return np.append(~self._drawable, np.zeros(framing, np.bool_))

    def _spelling(self) -> Spelling | None:
        """What UTF-8 is made of, where the corpus was that, and where a byte of a character may be drawn at all."""
        if self.sampling.grammar is False or self.model.seen is None:
            return None
        found = self.model.tokenizer.spelling(self.model.seen.bounds, self._drawable)
        if found is None:
            return None
        bytewise, unseen = ~found.allowed[0] | (found.after[0] > 0), self._unseen()
        drawn = bytewise if unseen is None else bytewise & ~unseen
        return found if drawn.any() or places(found, self.prompts).any() else None

    def _bounds(self) -> tuple[Grammar | None, int | None]:
        """The grammar, and the tokens within which a sample ends."""
        tokenizer, name, length = self.model.tokenizer, self.sampling.grammar, self.length
        bounds = {} if self.model.seen is None else self.model.seen.bounds
        prompts = [tokenizer.own(prompt) for prompt in self.prompts]
        if self.hole is not None:
            return self.hole.grammar(bounds, self._drawable), self.hole.longest
        if self.sampling.music is not None:
            return tokenizer.framed(self._steered(self.sampling.music, prompts, bounds)), length
        if self.sampling.balanced:
            grammar, longest = balanced(tokenizer.codec, name, length, max(map(len, prompts)))
            return tokenizer.framed(grammar), longest
        if name is True or name is False:
            return (tokenizer.within(bounds, self._drawable) if name else None), length
        return tokenizer.framed(grammar_of(tokenizer.codec, name)), length

    def _steered(self, music: "Music", prompts: Sequence[Ids], bounds: Mapping[str, int]) -> Grammar:
        """The grammar that keeps to what is asked of music; frees the instruments that are asked for."""
        if self.sampling.grammar is not True:
            raise UsageError(f"--{music.asked} needs the grammar", "leave --no-grammar out")
        from seqgen.api.learned import bar_similarity, occurrences  # not needed to start
        from seqgen.codecs.midi.requests import controls_of, steerable

        model = self.model
        codec = steerable(model.tokenizer.codec, model.tokenizer.codec_name, music)
        learned = partial(occurrences, model)
        similarity = partial(bar_similarity, model)
        controls, remarks = controls_of(codec, music, np.concatenate(prompts), learned, model.name, similarity)
        self.remarks += remarks
        if music.instruments is not None and self._drawable is not None:
            self._drawable = codec.freed(self._drawable, controls.programs or frozenset())
        grammar = codec.steered(controls, prompts, bounds, self._drawable)
        if controls.form is not None:
            self._lean = lambda state: grammar.lean(state[1])  # that of the framed one
        return grammar

    def _longest_copy(self) -> int | None:
        """The most tokens in a row that may be the same as in the training corpus; None: any number."""
        wanted = self.sampling.max_copy
        if wanted is None or isinstance(wanted, int):
            return wanted
        from seqgen.api.learned import indexed_occurrences  # not needed to start
        from seqgen.codecs.midi.requests import tokens_of_bars

        tokenizer = self.model.tokenizer
        learned = partial(indexed_occurrences, self.model)
        tokens, remark = tokens_of_bars(tokenizer.codec, tokenizer.codec_name, wanted, self.sampling.music, learned)
        self.remarks.append(remark)
        return tokens

    def _no_copies(self) -> Guard | None:
        """What keeps a sample from copying more than it may, and an item of a list whole and not empty."""
        tokenizer = self.model.tokenizer
        cut, found = tokenizer.documents, list[Guard]()
        if not cut.whole:
            mark = None if cut.joint == b"\n" else cut.mark
            found = items.guards(mark, cut.inline, self.model.pieces, tokenizer.document_id)
        if self.max_copy is None:
            return None if not found else found[0] if len(found) == 1 else Guards(found)
        from seqgen.originality.copy_key import KeyedMaxCopy
        from seqgen.originality.copying import MaxCopy  # not needed to start

        guards = [MaxCopy(index, self.max_copy) for index in self.model.indexes()]
        key = self.model.tokenizer.copy_key()
        made = found + [guard if key is None else KeyedMaxCopy(guard, key) for guard in guards]
        return made[0] if len(made) == 1 else Guards(made)

    def excess(self, index: int) -> int:
        """How many bytes of a sample's last token lie behind its stop string."""
        return 0 if self.stops is None else self.stops.excess.get(index, 0)

    def piece(self, index: int, token: int) -> bytes:
        """The bytes that a sampled token adds to a text, up to the stop string."""
        piece = (self.model.pieces or [])[token]
        return piece[: len(piece) - self.excess(index)] if self.stops is not None else piece

    def data(self, index: int, ids: Ids, with_prompt: bool = True, timing: Timing | None = None) -> bytes:
        """The finished file of a sample whose tokens (N,) `ids` were sampled after its prompt.

        Args:
            index: Of the sample.
            ids: Its tokens.
            with_prompt: Whether the prompt is in the file.
            timing: What a MIDI file says of tempo and meter, see `seqgen.media.Timing`.
        """
        if self.hole is not None:
            return self.hole.joined(ids)
        made = self.model.tokenizer.finish(self.prompts[index].astype(np.int64), ids, with_prompt, timing)
        return made[: len(made) - self.excess(index)]

    def _stops(self) -> StopStrings | None:
        given = self.sampling.stop
        texts = [given] if isinstance(given, str) else given
        stops = [text.encode("utf-8", "surrogateescape") for text in texts]
        if not stops:
            return None
        self.model.tokenizer.codec.require("text", "--stop", "use --length instead")
        if not all(stops):
            raise UsageError("--stop is empty, expected the text to stop after")
        return StopStrings(self.model.pieces or [], stops)

"""Walks through the grammars of music codecs, for tests."""

from typing import Any

import numpy as np

from seqgen.codecs import Codec, Grammar


def walk(codec: Codec, ids: Any) -> Any:
    """The state after ids, each of which must be allowed."""
    grammar, names = codec.grammar(), codec.vocabulary()
    assert grammar is not None
    state = grammar.start()
    for at, token in enumerate(np.asarray(ids).tolist()):
        assert grammar.allowed(state)[token], f"token {at}: {names[token]} after {state}"
        state = grammar.step(state, token)
    return state


def after(codec: Codec, *tokens: str) -> set[str]:
    """The names of the tokens that may follow."""
    grammar, names = codec.grammar(), codec.vocabulary()
    assert grammar is not None
    mask = grammar.allowed(walk(codec, [names.index(token) for token in tokens]))
    return {names[token] for token in np.flatnonzero(mask)}


def sampled(
    codec: Codec, seed: int, spread: float, limit: int = 400, grammar: Grammar | None = None
) -> tuple[list[int], bool]:
    """Ids drawn from random logits through the grammar, and whether the document has ended."""
    rng = np.random.default_rng(seed)
    grammar = grammar or codec.grammar()
    assert grammar is not None
    state, ids = grammar.start(), []
    while len(ids) < limit:
        if grammar.may_end(state) and (rng.random() < 0.3 or not grammar.allowed(state).any()):
            return ids, True
        logits = spread * rng.normal(size=codec.vocab_size) + rng.gumbel(size=codec.vocab_size)
        scores = np.where(grammar.allowed(state), logits, -np.inf)
        assert scores.max() > -np.inf, (codec.vocabulary()[ids[-1]], state)
        ids.append(int(scores.argmax()))
        state = grammar.step(state, ids[-1])
    return ids, False

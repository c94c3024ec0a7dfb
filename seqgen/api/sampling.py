"""How to sample, in one value: what Python takes by keyword and the command line by flag. Imports nothing heavy."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as plain_field
from typing import Any, TypedDict

from seqgen.arguments import MOST, check_types, finite
from seqgen.errors import SettingError
from seqgen.music.request import Music
from seqgen.settings import option

GrammarName = bool | str
UNLIMITED = float("inf")


def fresh_seed() -> int:
    """A seed that nobody chose."""
    return secrets.randbits(32)


@dataclass(frozen=True)
class Sampling:
    """How to sample; with a checkpoint and prompts it determines every token.

    Attributes:
        seed: 0 to 2⁶⁴ − 1.
        temperature: Put among the rules unless one is there (see `seqgen.rules.chain`); a number, or text: a schedule.
        rules: Name and value of each, in the order in which they work.
        length: Tokens at most; None: by medium; inf: no limit.
        stop: Text after which a sample ends, or several.
        grammar: Whether code, music and UTF-8 keep their grammar; "c", "python" and so on: that of a language,
            for a text model that learned from it.
        balanced: Whether code goes on after `length` until a definition ends outside all brackets.
        max_copy: The most tokens in a row that may be the same as in the training corpus, for music also bars, as in
            "8bars"; None: any number.
        music: What music keeps to; None: as the model likes.
        new: Whether a sample that is an item of the corpus, or one already made, is drawn again; for models of lists.
        unseen: Whether tokens that training never saw may be drawn.
        memory: Whether counts of the corpus and of the document are mixed in, where the checkpoint has them.
        clamp, gain: Cells that are held, or scaled, as "layer1:cell317=0.9"; see `seqgen.inside.holding`.
        watch: Names of cells that are shown while the first sample is drawn.
        adapt: Whether the model learns from the prompt before it samples, and forgets it afterwards; a number: at this
            learning rate.
    """

    seed: int = plain_field(default_factory=fresh_seed)
    temperature: float | str = option(0.8, "0: always the likeliest token.")
    rules: Sequence[tuple[str, Any]] = option((), "As often as wanted; -r help tells of each:")
    length: float | None = option(None, "At most; inf: no limit. [text 1000, music 20000]")
    stop: Sequence[str] | str = option((), "End a text after this, as often as wanted.")
    grammar: bool | str = option(True, "c, python …: that of a language, for a text model that learned from it.")
    balanced: bool = option(False, "Let code end where a definition does, soon after the length.")
    max_copy: int | str | None = option(None, "Never copy more than N tokens in a row; music: 8bars, in any key.")
    music: Music | None = None
    new: bool = option(False, "Of a list: draw again what is in the corpus or was made already.")
    unseen: bool = option(False, "Draw tokens, too, that training never saw.")
    memory: bool = option(True, "Mix counts of the corpus and of the document in, where the checkpoint has them.")
    clamp: Sequence[str] = option((), "Hold a cell: layer1:cell317=0.9, as often as wanted.")
    gain: Sequence[str] = option((), "Hear a cell louder or softer: layer1:cell317=2.")
    watch: Sequence[str] = option((), "With --events: tell what this cell is, layer1:cell317, when a token is drawn.")
    adapt: float | bool = option(
        False, "Learn from the prompt first, for this call alone; at this rate, if one is given."
    )

    def __post_init__(self) -> None:
        check_types(self)
        finite("seed", self.seed, "0 to 2^64 - 1", least=0, most=2**64 - 1)
        if self.length != UNLIMITED:
            expected = f"a number of tokens, 0 to {MOST}, or inf"
            finite("length", self.length, expected, least=0, most=MOST)
            if self.length is not None and self.length != int(self.length):
                raise SettingError(f"length is {self.length}, expected {expected}")

        if not isinstance(self.adapt, bool):
            finite("adapt", self.adapt, "a learning rate above 0, such as 0.001", least=1e-9, most=1000)
        if isinstance(self.max_copy, int):
            finite("max_copy", self.max_copy, f"1 to {MOST}", least=1, most=MOST)

    @property
    def learns_later(self) -> bool:
        """Whether there may be something to learn from besides the prompt."""
        return False

    @property
    def unlimited(self) -> bool:
        """Whether there is no end to it, so that nothing may be kept in memory."""
        return self.length == UNLIMITED


class How(TypedDict, total=False):
    """How to sample, by keyword; what is left out has the default of `Sampling`.

    Keys:
        temperature: Boldness, 0 to 100, or a schedule as text; 0 takes the likeliest token always. Default 0.8.
        rules: (name, value) pairs as `-r NAME VALUE` takes them: `[("top_p", 0.95)]`.
        length: Tokens at most; `float("inf")` goes on until the document ends or you stop asking. Default: text 1000,
            music 20000.
        stop: Text after which the sample ends, or several.
        grammar: Whether C, music and UTF-8 keep their grammar. Default: they do. "c": for a text model that learned C.
        balanced: Whether code goes on after `length` until a definition ends outside all brackets. Default: no.
        max_copy: The most tokens in a row that may be the same as in the training corpus; for music also bars, as in
            "8bars". Default: any number.
        music: Instruments, key, tempo, density and length that music keeps to, see `seqgen.music.request.Music`.
        new: Whether a sample that is an item of the corpus is drawn again; for models of lists. Default: no.
        unseen: Whether tokens that training never saw may be drawn. Default: no.
        memory: Whether counts of corpus and document are mixed in, where the checkpoint has them. Default: yes.
        clamp, gain: Cells held, or scaled: ["layer1:cell317=0.9"]. Default: none.
        watch: Names of cells that are shown, see `Sampler.seen_cells`. Default: none.
        adapt: Whether it learns from the prompt first, for this sample alone; or at which rate. Default: no.
    """

    temperature: float | str
    rules: Sequence[tuple[str, Any]]
    length: float | None
    stop: Sequence[str] | str
    grammar: GrammarName
    balanced: bool
    max_copy: int | str | None
    music: Music | None
    new: bool
    unseen: bool
    memory: bool
    clamp: Sequence[str]
    gain: Sequence[str]
    watch: Sequence[str]
    adapt: float | bool

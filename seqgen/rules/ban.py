"""Banned text: what must not come about, whichever tokens would spell it."""

from dataclasses import dataclass

from seqgen.errors import SettingError
from seqgen.rules import NEVER, Contract, History, Logits, Rule, Scope
from seqgen.rules._targets import Aimed, target


@dataclass(frozen=True)
class Ban(Rule):
    """Never let a text come about, such as a letter or a word; in music, a class of tokens or a token. Nothing: "".

    Every token is refused that would complete the text, given what stands before it, so a ban holds in characters,
    bytes and subwords alike. Where nothing else is left, the ban gives way. Several bans are several rules.
    """

    contract = Contract("", ("", "c", "ab", "eab"))
    early = True
    text: str

    def __call__(self, logits: Logits, history: History) -> Logits:
        raise SettingError(f"the ban of {self.text!r} is not bound to a vocabulary", "see seqgen.rules.bind")

    def bind(self, scope: Scope) -> Rule:
        return Aimed(target(self.text, scope), float(NEVER))

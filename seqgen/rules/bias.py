"""Logit bias: tokens made likelier or less likely by so many nats."""

from dataclasses import dataclass

from seqgen import settings
from seqgen.errors import SettingError
from seqgen.rules import Contract, History, Logits, Rule, Scope
from seqgen.rules._targets import Aimed, target

MOST = 100.0


@dataclass(frozen=True)
class Bias(Rule):
    """Add nats to the logits of the tokens that would complete a text: `e=2`, `the=-1.5`; in music of a class.

    A bias of ln 2 ≈ 0.69 doubles the odds; 100 forces the text wherever it can be completed, −100 all but bans it
    (the range that hosted models take under this name). A text of several tokens is biased where its last token
    is next, as the sequence bias of transformers does. What stands before the last "=" is the text.
    """

    contract = Contract("a=0", ("a=0", "b=1.5", "ac=-2", "c=100"))
    early = True
    bias: str

    def __post_init__(self) -> None:
        what, equals, nats = self.bias.rpartition("=")
        if not equals or not what:
            raise SettingError(f"bias is {self.bias!r}, expected TEXT=NATS", "such as: -r bias 'e=2'")
        number = settings.convert("bias", nats, float)
        settings.require(abs(number) <= MOST, "bias", nats, "-100 to 100 nats")

    def __call__(self, logits: Logits, history: History) -> Logits:
        raise SettingError(f"the bias {self.bias!r} is not bound to a vocabulary", "see seqgen.rules.bind")

    def bind(self, scope: Scope) -> Rule:
        what, _, nats = self.bias.rpartition("=")
        return Aimed(target(what, scope), float(nats))

"""The rules by which a model is sampled where nobody says otherwise. A take stores them, so that it outlives them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqgen.api.model import Model

LOOKING_BACK = ("lookback", "lookahead")  # memories with which the rules are usual that a codec names


def effective(model: "Model", given: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The rules given, behind those that are usual for such a model and are not among them.

    Args:
        model: What is sampled.
        given: Name and value of each. What this gives may be given again, and comes back as it is.
    """
    named = {name.replace("-", "_") for name, _ in given}
    back = any(each.checkpoint.settings.memory in LOOKING_BACK for each in model.models)
    usual = [rule for rule in model.tokenizer.codec.rules if back and rule[0] not in named]
    return [*usual, *given]

"""A look as plain JSON data under stable names."""

from typing import Any

from seqgen.inside.seen import Seen, token_names


def record(look: Seen) -> dict[str, object]:
    """Everything that the page shows, as numbers."""
    names, trace = token_names(look.tokenizer), look.trace
    ids = trace.ids.tolist()
    found: dict[str, Any] = {
        "kind": "look",
        "checkpoint": look.name,
        "model": trace.checkpoint.model,
        "tokens": [names[token] for token in ids],
        "surprise": _rounded(trace.surprise),
        "entropy": _rounded(trace.entropy),
        "next": [
            [[names[token], round(float(chance), 4)] for token, chance in zip(tokens, chances)]
            for tokens, chances in zip(trace.next_ids.tolist(), trace.next_chances)
        ],
        "found": [each.to_json() for each in look.found],
        "cells": [
            {"cell": str(each.name), "part": each.part, "follows": each.why, "values": _rounded(each.values)}
            for each in look.cells
        ],
        "gates": [each.to_json() for each in look.gates],
        "remark": look.reading.remark,
        "missing": list(look.missing),
    }
    for each in look.further:
        found[each.name] = each.to_json()
    return found


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]

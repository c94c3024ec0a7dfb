"""Takes as a page shows them: a line of the list, and one whole, its settings, its text or notes."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from seqgen.errors import TakeError
from seqgen.studio.sheet import sheet
from seqgen.studio.shelf import formats
from seqgen.takes.record import Take, flat
from seqgen.takes.replay import prompt_text, replay, tokenizer_of
from seqgen.takes.store import Takes

BEGINNING = 200  # characters of a text in the list
MOST_TEXT = 200_000  # characters of a text that is shown
MOST_NOTES = 50_000  # of a piece that is shown
PROMPT = 1_000_000  # tokens of a prompt that are read
LONGEST = 2_000  # characters of a setting that are shown
MOST_SETTINGS = 200


def row(takes: Takes, take: Take) -> dict[str, Any]:
    """A take as a line of the list; of a damaged one, its sentence under "fault"."""
    source = take.beginning.source
    told: dict[str, Any] = {
        "take": take.id,
        "created": take.created,
        "starred": take.starred,
        "imported": take.imported,
        "whole": take.whole,
        "checkpoint": source.name,
        "model": source.name.rstrip("/").rsplit("/", 1)[-1] or "?",
        "label": take.beginning.settings.get("label"),
        "tokens": take.ending.tokens,
        "heard": False,
        "begins": "",
        "fault": None,
    }
    try:
        medium = tokenizer_of(take).medium
        told |= {"heard": medium.heard, "begins": "" if medium.heard else _beginning(takes, take)}
    except TakeError as error:
        told["fault"] = error.message
    return told


def whole(takes: Takes, take: Take) -> dict[str, Any]:
    """A take with all that a page shows of it: its text, as far as there is room, or its notes.

    Raises:
        SeqgenError: It is damaged.
    """
    tokenizer, settings = tokenizer_of(take), take.beginning.settings
    told = row(takes, take) | {
        "seed": str(take.beginning.seed),  # up to 2⁶⁴ − 1, which a number of a page cannot hold
        "finished": take.ending.finished,
        "seconds": round(take.ending.seconds, 3),
        "settings": _settings({key: value for key, value in settings.items() if key != "hole"}),
        "filled": "hole" in settings,
        "formats": formats(tokenizer),
        "text": None,
        "prompt": "",
        "cut": False,
        "sheet": None,
    }
    if tokenizer.medium.heard:
        found = sheet(b"".join(replay(takes, take)))
        return told | {"sheet": found | {"notes": found["notes"][:MOST_NOTES]}, "cut": len(found["notes"]) > MOST_NOTES}
    text, cut = _text(replay(takes, take), MOST_TEXT)
    before = "" if settings.get("no_prompt") or "hole" in settings else prompt_text(takes, take, PROMPT)
    return told | {"text": text, "cut": cut, "prompt": before if text.startswith(before) else ""}


def _settings(given: dict[str, object]) -> Sequence[tuple[str, str]]:
    said = ((name, value) for name, value in flat(given) if value is not None and value != [])
    named = ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in said)
    return [(name[:LONGEST], value[:LONGEST]) for name, value in itertools.islice(named, MOST_SETTINGS)]


def _beginning(takes: Takes, take: Take) -> str:
    """The first words of a text."""
    pieces = replay(takes, take) if "hole" not in take.beginning.settings else iter(())
    return " ".join(_text(pieces, BEGINNING)[0].split())


def _text(pieces: Iterator[bytes], most: int) -> tuple[str, bool]:
    """(the text of these bytes, of so many characters at most, whether there is more)."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > 4 * most:  # UTF-8 takes four bytes a character at most
            break
    text = found.decode("utf-8", "replace")
    return text[:most], len(text) > most


def named(takes: Takes, names: Sequence[str]) -> list[Take]:
    """Takes by name, each once.

    Raises:
        TakeError: One of them is not there.
    """
    return [takes.load(key) for key in dict.fromkeys(takes.key(name) for name in names)]

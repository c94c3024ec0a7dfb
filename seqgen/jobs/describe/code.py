"""How much of some files parses, language by language: for each the grammar of tree-sitter that its codec names."""

from collections.abc import Sequence
from typing import TypeVar

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.evaluation import syntax
from seqgen.evaluation.syntax import SyntaxRecord, Tally
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.sources import Source

Item = TypeVar("Item")
LOOKED_INTO = 300  # files at most


class CodeFacts(SyntaxRecord):
    """What parses of all files, and of those of each language; None: its parser is not installed."""

    languages: dict[str, SyntaxRecord | None]


def describe_code(sources: Sequence[Source], codec: str) -> CodeFacts | None:
    """What parses of up to LOOKED_INTO files of each language, taken evenly; None where no file is a program.

    Args:
        sources: Files of any kind.
        codec: The one that is for most of them: endings that languages share are for its language.
    """
    total, languages = Tally(), dict[str, SyntaxRecord | None]()
    for language, files in sorted(_by_language(sources, registry.load("codecs", codec)).items()):
        chosen, tally = evenly(files), Tally()
        grammars = sorted({grammar for _, grammar in chosen})
        if not all(map(syntax.installed, grammars)):
            languages[language] = None
            continue
        for grammar in grammars:
            some = [source for source, its in chosen if its == grammar]
            tally.add(syntax.examine(((source.name, b"".join(Reader(source))) for source in some), grammar))
        languages[language] = tally.to_json()
        total.add(tally)
    return {**total.to_json(), "languages": languages} if languages else None


def evenly(found: list[Item]) -> list[Item]:
    """LOOKED_INTO of them at most."""
    return found[:: -(-len(found) // LOOKED_INTO)] if found else []


def _by_language(sources: Sequence[Source], chosen: type[Codec]) -> dict[str, list[tuple[Source, str]]]:
    """Language → its files, each with the grammar that parses it."""
    kinds: dict[str, type[Codec]] = registry.usable("codecs")
    by_suffix = {suffix: kind for kind in kinds.values() for suffix in kind.suffixes}
    by_suffix |= dict.fromkeys((*chosen.suffixes, *chosen.extra_suffixes), chosen)
    found: dict[str, list[tuple[Source, str]]] = {}
    for source in sources:
        kind = by_suffix.get(source.suffix)
        if kind is not None and (grammar := kind.tree_sitter(source.suffix)):
            found.setdefault(kind.medium.name, []).append((source, grammar))
    return found

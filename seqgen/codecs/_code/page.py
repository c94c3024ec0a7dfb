"""The table of a language as a page has it (`studio/static/sampler/code/lexer.js`): plain JSON data."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from seqgen.codecs._code.language import Language, Region

LEFT_OUT = ("regions", "phrases", "parser", "parsers")  # of a table: told otherwise, or nothing to a page
ORDINARY = {field.name: field.default for field in fields(Region)}


def page_form(language: Language) -> dict[str, Any]:
    """The fields of `Language` by their names: sets as sorted lists, mappings as pairs; and `unfinished`.

    That says whether a file may end in a line for the preprocessor, see `CodeGrammar.may_end`. Of regions what has its
    usual value is left out.
    """
    told = {field.name: _plain(getattr(language, field.name)) for field in fields(Language)}
    regions = [
        {key: value for key, value in asdict(region).items() if value != ORDINARY[key]} for region in language.regions
    ]
    kept = {name: value for name, value in told.items() if name not in LEFT_OUT}
    return {**kept, "regions": regions, "unfinished": language.phrases is None}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return [list(pair) for pair in value.items()] if isinstance(value, Mapping) else value

"""What a codec says to a page that runs a model without Python (`seqgen.export`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PageForm:
    """How a page reads and writes a codec's tokens.

    Attributes:
        module: The file of `studio/static/sampler/codecs` that does it, without its ending.
        data: What that file has to know besides the tokens' bytes: plain JSON data.
        grammar: Whether it keeps to the codec's grammar, too.
        primer: Whether it reads a file of music to go on from.
    """

    module: str
    data: Mapping[str, Any] = field(default_factory=dict)
    grammar: bool = False
    primer: bool = False
